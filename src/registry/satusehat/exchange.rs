//! One request to the FHIR server, and what its answer means.
//!
//! A page that is no JSON, whatever its status, is a gateway's and means that the server is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::{RequestBuilder, Url, header};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::super::http::{Http, OptionsError, Reply, below};
use super::super::told::Hidden;
use super::fhir::Bundle;
use super::token::Tokens;
use super::{NEIGHBOUR, Options, VOICE, down, misconfigured};
use crate::domain::time::SECOND_MS;
use crate::ports::{Clock, NeighbourError};

/// What was there.
pub(super) enum Found {
    Resource(Value),
    /// 404 or 410.
    Nothing,
}

pub(super) struct Exchange {
    http: Http,
    fhir: Url,
    tokens: Arc<Tokens>,
    clock: Arc<dyn Clock>,
    /// Milliseconds since 1970: no request before then.
    paused_until: AtomicI64,
}

impl Exchange {
    pub(super) fn new(options: &Options, clock: Arc<dyn Clock>) -> Result<Self, OptionsError> {
        let http = Http::new(NEIGHBOUR, &options.url, options.timeout, options.connections_max)?;
        let mut login = below(&http.base, &["oauth2", "v1", "accesstoken"]);
        login.query_pairs_mut().append_pair("grant_type", "client_credentials");
        let (id, secret) = (options.client_id.clone(), options.client_secret.clone());
        Ok(Self {
            tokens: Tokens::new(http.client.clone(), login, id, secret, Arc::clone(&clock)),
            fhir: below(&http.base, &["fhir-r4", "v1"]),
            http,
            clock,
            paused_until: AtomicI64::new(i64::MIN),
        })
    }

    /// An address below the FHIR base.
    pub(super) fn fhir(&self, path: &[&str]) -> Url {
        below(&self.fhir, path)
    }

    /// A link of the server's, absolute or relative; none if it leads elsewhere, where the token must not go.
    pub(super) fn next(&self, link: &str) -> Option<Url> {
        let mut base = self.fhir.clone();
        // With a slash behind it, so that what is relative is below it.
        base.path_segments_mut().ok()?.push("");
        let url = base.join(link).ok()?;
        (url.origin() == self.fhir.origin() && url.path().starts_with(self.fhir.path())).then_some(url)
    }

    /// Reads a resource. A refused token is replaced once.
    pub(super) async fn get(&self, url: Url, hidden: &Hidden) -> Result<Found, NeighbourError> {
        let _slot = self.http.slot().await?;
        for last in [false, true] {
            if self.clock.now().0 < self.paused_until.load(Ordering::Relaxed) {
                return Err(down("it asked us to wait (http 429)"));
            }
            let token = self.tokens.get().await?;
            let request = self.http.client.get(url.clone()).bearer_auth(token.secret.expose_secret());
            let Reply { status, body, .. } =
                self.answer(request.header(header::ACCEPT, "application/fhir+json")).await?;
            match status {
                200 => return resource(&body, hidden).map(Found::Resource),
                401 => {
                    self.tokens.refused(&token);
                    if last {
                        return Err(misconfigured("it refuses its own tokens (http 401)"));
                    }
                }
                404 | 410 if is_json(&body) => return Ok(Found::Nothing),
                status => return Err(VOICE.failed(status, &hidden.told(&body))),
            }
        }
        Err(misconfigured("it refuses its own tokens (http 401)"))
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Reply, NeighbourError> {
        let reply = VOICE.answer(request).await?;
        if let Some(seconds) = reply.pause_s() {
            self.paused_until.fetch_max(self.clock.now().plus_ms(seconds * SECOND_MS).0, Ordering::Relaxed);
        }
        Ok(reply)
    }
}

/// A resource; an `OperationOutcome` under a 200 says that there is none to be had now.
fn resource(body: &[u8], hidden: &Hidden) -> Result<Value, NeighbourError> {
    let json: Option<Value> = serde_json::from_slice(body).ok().filter(Value::is_object);
    let json = json.ok_or_else(|| down(format!("http 200 and no json: {}", hidden.told(body))))?;
    if Bundle::read(&json).is_none() && json.get("issue").is_some() {
        return Err(down(format!("http 200 and an outcome: {}", hidden.told(body))));
    }
    Ok(json)
}

fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|body| body.is_object())
}
