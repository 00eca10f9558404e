//! One HTTP exchange: out, and what came back or how it failed.
//!
//! The one question that matters about a failure is whether the bytes may have left; a wrong "no" would send a
//! message twice. Errors are told in fixed words: those of the HTTP library hold URLs.

use reqwest::{RequestBuilder, Response};

/// Meta's answers are below 2 KiB.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// An answer as far as HTTP goes.
pub(super) struct Reply {
    pub(super) http: u16,
    pub(super) body: Vec<u8>,
}

/// No whole answer.
#[derive(Clone, Copy)]
pub(super) enum Failure {
    /// Nothing has left.
    NotSent(&'static str),
    /// It may have been acted on.
    NoAnswer(&'static str),
    /// Answered with an error of which only the status is known.
    Cut { http: u16 },
}

/// Sends a request and reads its answer whole.
pub(super) async fn exchange(request: RequestBuilder) -> Result<Reply, Failure> {
    let mut answer = request.send().await.map_err(|error| failure(&error))?;
    let http = answer.status().as_u16();
    match body(&mut answer).await {
        Some(body) => Ok(Reply { http, body }),
        None if answer.status().is_success() => Err(Failure::NoAnswer("the answer broke off")),
        None => Err(Failure::Cut { http }),
    }
}

fn failure(error: &reqwest::Error) -> Failure {
    if error.is_builder() {
        Failure::NotSent("the request could not be built")
    } else if error.is_connect() && error.is_timeout() {
        Failure::NotSent("connecting took too long")
    } else if error.is_connect() {
        Failure::NotSent("no connection: refused, name not found, or tls failed")
    } else if error.is_timeout() {
        Failure::NoAnswer("no answer in time")
    } else {
        Failure::NoAnswer("the connection broke")
    }
}

/// The body, unless it breaks off or is longer than any answer of Meta's.
async fn body(answer: &mut Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}
