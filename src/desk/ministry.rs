//! Telling a ministry's own desk, over HTTP: a signed webhook a change (`wire::hook`).
//!
//! `config/ministry.openapi.yaml` describes what is sent. Any 2xx is taken; 408, 425, 429, 5xx, no answer and a
//! connection that breaks are tried again by whoever asked; all else refuses this very change. Of an answer only its
//! status is looked at, so nothing of it is ever told: it may be the report's own words.
//!
//! What does not belong here: what is told and in which order (`feed`), when it is tried again (`actors::courier`).

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use reqwest::{Client, Url, header};
use secrecy::SecretString;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::domain::certificate::Language;
use crate::domain::name::Name;
use crate::domain::nik::Nik;
use crate::domain::phone::Mobile;
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::errands::Errands;
use crate::http_neighbour::{self, Unfit};
use crate::ports::{Clock, MinistryDesk, NeighbourError, Telling};
use crate::wire::hook::{HookKeys, ID_HEADER, SIGNATURE_HEADER, SecretError, TIMESTAMP_HEADER};

const NEIGHBOUR: &str = "ministry_desk";

/// Settings of a ministry's desk.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where changes are posted; plain http only to this machine.
    pub url: String,
    /// One, and during a rotation two; they sign what is sent and what comes.
    pub secrets: Vec<SecretString>,
    /// One request from start to end.
    pub timeout: Duration,
    /// Requests under way at once.
    pub connections_max: usize,
    /// What was not taken is told again after this, doubling up to the maximum.
    pub retry_first: Duration,
    pub retry_max: Duration,
    /// What was refused is told again after this: meanwhile somebody may have mended it.
    pub refused_again: Duration,
}

/// Settings that no client can be made of.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error("desk.url is not an http or https url")]
    Url,
    #[error("desk.url is plain http to another machine; reports would be read on the way")]
    PlainHttp,
    #[error("desk.secrets {0}")]
    Secrets(#[from] SecretError),
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

/// The ministry's desk.
pub struct HttpDesk {
    line: Arc<Line>,
    errands: Errands,
}

struct Line {
    http: Client,
    url: Url,
    keys: HookKeys,
    clock: Arc<dyn Clock>,
}

impl HttpDesk {
    /// Connects to nothing yet.
    pub fn new(options: &Options, clock: Arc<dyn Clock>) -> Result<Self, OptionsError> {
        let url = http_neighbour::address(&options.url)?;
        let keys = HookKeys::read(&options.secrets)?;
        let http = http_neighbour::client(&url, options.timeout, options.connections_max).build();
        let http = http.map_err(|error| OptionsError::Client(error.without_url().to_string()))?;
        Ok(Self { line: Arc::new(Line { http, url, keys, clock }), errands: Errands::start(NEIGHBOUR)? })
    }
}

impl MinistryDesk for HttpDesk {
    fn tell(&self, telling: Telling) -> BoxFuture<'_, Result<(), NeighbourError>> {
        let line = Arc::clone(&self.line);
        async move {
            let told = self.errands.run(async move { line.tell(&telling).await }).await;
            told.unwrap_or_else(|_| Err(down("its work ended before it was done")))
        }
        .boxed()
    }
}

impl Line {
    async fn tell(&self, telling: &Telling) -> Result<(), NeighbourError> {
        let (id, body) = (telling.id(), body(telling).to_string());
        let at_s = self.clock.now().0.div_euclid(SECOND_MS);
        let request = self
            .http
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(ID_HEADER, &id)
            .header(TIMESTAMP_HEADER, at_s)
            .header(SIGNATURE_HEADER, self.keys.sign(&id, at_s, body.as_bytes()))
            .body(body);
        let answer = request.send().await.map_err(|error| match () {
            () if error.is_timeout() => down("no answer in time"),
            () if error.is_connect() => down("no connection: refused, name not found, or tls failed"),
            () => down("the connection broke"),
        })?;
        match answer.status().as_u16() {
            200..=299 => Ok(()),
            status @ (408 | 425 | 429 | 500..=599) => Err(down(&format!("http {status}"))),
            status => {
                Err(NeighbourError::Misconfigured { neighbour: NEIGHBOUR, reason: format!("http {status} to {id}") })
            }
        }
    }
}

fn down(reason: &str) -> NeighbourError {
    NeighbourError::Down { neighbour: NEIGHBOUR, reason: reason.to_owned() }
}

/// What is sent. What was proven and what is only claimed stay apart.
fn body(telling: &Telling) -> Value {
    let Telling { report, change, at, words, .. } = telling;
    let draft = &report.draft;
    let phone = |mobile: Mobile| mobile.phone().to_e164();
    json!({
        "id": telling.id(),
        "type": change.name(),
        "at": moment(*at),
        "report": {
            "number": report.number.to_string(),
            "kind": draft.kind.name(),
            "state": report.state.name(),
            "filed_at": moment(report.filed_at),
            "due": moment(report.due),
            "language": if draft.language == Language::English { "en" } else { "id" },
            "verified": {
                "phone": draft.verified_phone.map(phone),
                "person": draft.verified_person.as_ref().map(|person| person.0.as_str()),
            },
            "claimed": {
                "phone": draft.claimed_phone.map(phone),
                "name": draft.claimed_name.as_ref().map(Name::as_str),
                "nik": draft.claimed_nik.map(Nik::digits),
            },
        },
        "words": words.as_ref().map(|words| words.0.as_str()),
    })
}

/// `2026-11-23T06:50:00Z`
fn moment(at: Timestamp) -> String {
    let at = OffsetDateTime::from_unix_timestamp(at.0.div_euclid(SECOND_MS)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!("{}T{:02}:{:02}:{:02}Z", at.date(), at.hour(), at.minute(), at.second())
}
