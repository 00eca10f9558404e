//! HTTP to a registry, as far as it is the same for all: connections, whole answers, and what a failure means.
//!
//! Errors are told in fixed words and in what the server said (`told`); those of the HTTP library hold addresses.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, Url, header};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::http_neighbour::{self, Unfit};
use crate::ports::NeighbourError;

/// An answer longer than this is none of ours: a hundred vaccinations take a tenth of it.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// How long a server may keep us off with a 429.
const PAUSE_S_MAX: i64 = 60;

/// Settings that no client can be made of.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error("its url is not an http or https url")]
    Url,
    #[error("its url is plain http to another machine; health data would be read on the way")]
    PlainHttp,
    #[error("its authorization cannot stand in a header")]
    Authorization,
    #[error("connections_max is 0; at least 1 is needed")]
    NoConnections,
    #[error("the http client cannot be built: {0}")]
    Client(String),
    #[error("no thread for its connections: {0}")]
    Thread(#[from] std::io::Error),
}

impl From<Unfit> for OptionsError {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::NoUrl => Self::Url,
            Unfit::PlainHttp => Self::PlainHttp,
        }
    }
}

/// A whole answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: header::HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// For how many seconds a 429 asks us to keep away, within a minute; none where there is no 429.
    pub(super) fn pause_s(&self) -> Option<i64> {
        let after = self.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let seconds = after.and_then(|value| value.trim().parse().ok()).unwrap_or(1);
        (self.status == 429).then(|| seconds.clamp(1, PAUSE_S_MAX))
    }
}

/// The connections to one server.
pub(super) struct Http {
    pub(super) client: Client,
    pub(super) base: Url,
    pub(super) voice: Voice,
    slots: Semaphore,
    slot_wait: Duration,
}

/// In whose name an error is told.
#[derive(Clone, Copy)]
pub(super) struct Voice(pub(super) &'static str);

impl Voice {
    pub(super) fn down(self, reason: impl Into<String>) -> NeighbourError {
        NeighbourError::Down { neighbour: self.0, reason: reason.into() }
    }

    pub(super) fn misconfigured(self, reason: impl Into<String>) -> NeighbourError {
        NeighbourError::Misconfigured { neighbour: self.0, reason: reason.into() }
    }

    /// What a status that is no success means: asked again later it may be one, or only an operator can help.
    pub(super) fn failed(self, status: u16, told: &str) -> NeighbourError {
        match status {
            408 | 425 | 429 | 500..=599 => self.down(format!("http {status}: {told}")),
            _ => self.misconfigured(format!("http {status}: {told}")),
        }
    }

    /// Sends a request and reads its answer whole.
    pub(super) async fn answer(self, request: RequestBuilder) -> Result<Reply, NeighbourError> {
        let response = request.send().await.map_err(|error| {
            self.down(match () {
                () if error.is_timeout() => "no answer in time",
                () if error.is_connect() => "no connection: refused, name not found, or tls failed",
                () => "the connection broke",
            })
        })?;
        self.read(response).await
    }

    async fn read(self, mut response: Response) -> Result<Reply, NeighbourError> {
        let status = response.status().as_u16();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > ANSWER_BYTES_MAX => {
                    return Err(self.down(format!("an answer longer than any (http {status})")));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(Reply { status, headers: std::mem::take(response.headers_mut()), body }),
                Err(_) => return Err(self.down(format!("the answer broke off (http {status})"))),
            }
        }
    }
}

impl Http {
    /// Connects to nothing yet.
    pub(super) fn new(
        name: &'static str,
        url: &str,
        timeout: Duration,
        connections_max: usize,
    ) -> Result<Self, OptionsError> {
        let base = http_neighbour::address(url)?;
        if connections_max == 0 {
            return Err(OptionsError::NoConnections);
        }
        let client = http_neighbour::client(&base, timeout, connections_max).build();
        let client = client.map_err(|error| OptionsError::Client(error.without_url().to_string()))?;
        let slots = Semaphore::new(connections_max);
        Ok(Self { client, base, voice: Voice(name), slots, slot_wait: timeout })
    }

    /// A free connection.
    pub(super) async fn slot(&self) -> Result<SemaphorePermit<'_>, NeighbourError> {
        match tokio::time::timeout(self.slot_wait, self.slots.acquire()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(self.voice.down("no connection came free in time")),
        }
    }
}

/// An address below another.
pub(super) fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}
