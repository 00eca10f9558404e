//! SMS through a gateway that is spoken to over HTTP.
//!
//! What a request looks like and what an answer means are settings, so that a gateway of another make needs no code;
//! the emulator's `POST /sms {"to","text"}` is the default. A text may be a one-time code: neither it nor the number is
//! ever in an error or a log.

mod template;

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use reqwest::{Client, Response, Url, header};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::http_neighbour::{self, Unfit};
use crate::ports::{OtpSender, OutgoingSms, Unsent};

use template::{Names, Template, filled, filled_pairs, filled_text};

pub use template::Format;

/// The body of the emulator's SMS endpoint.
pub const DEFAULT_BODY: &str = r#"{"to":"{to}","text":"{text}"}"#;

/// Where the request's key goes, for gateways that keep from sending twice.
const KEY_HEADER: &str = "idempotency-key";

/// So much of an answer is read.
const ANSWER_BYTES_MAX: usize = 4 << 10;

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Taken over for delivery.
    Sent,
    /// Not now.
    Retry,
    /// The number receives no SMS.
    Undelivered,
    /// Never: asking again changes nothing.
    Refused,
}

/// How an answer of a gateway is read; of several the first that fits.
#[derive(Clone, Debug)]
pub struct Reading {
    /// `None`: any.
    pub status: Option<u16>,
    /// What must stand in its body; empty: anything.
    pub says: String,
    pub means: Meaning,
}

/// Settings of the gateway.
#[derive(Clone, Debug)]
pub struct Options {
    /// Plain http only to this machine.
    pub url: String,
    /// The whole value of the `Authorization` header, "Bearer …"; `None`: no such header.
    pub authorization: Option<SecretString>,
    pub format: Format,
    /// In its texts `{to}` stands for `+62…`, `{text}` for the message, `{key}` for the request's key, `{secret}` for
    /// the secret.
    pub body: String,
    /// Names and values of further headers; `{key}` and `{secret}` stand for the same.
    pub headers: Vec<(String, String)>,
    pub secret: SecretString,
    /// What is not in it is read by its status.
    pub readings: Vec<Reading>,
    /// One request in all; a send waits as long for a free connection first.
    pub timeout: Duration,
    /// Requests under way at once.
    pub connections_max: usize,
}

impl Options {
    /// A gateway that takes what the emulator takes.
    pub fn plain(url: String) -> Self {
        Self {
            url,
            authorization: None,
            format: Format::Json,
            body: DEFAULT_BODY.to_owned(),
            headers: Vec::new(),
            secret: SecretString::default(),
            readings: Vec::new(),
            timeout: Duration::from_secs(4),
            connections_max: 32,
        }
    }
}

/// Settings that no sender can be made of.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error("the sms gateway's url is not an http or https url")]
    Url,
    #[error("the sms gateway's url is plain http to another machine; codes would be read on the way")]
    PlainHttp,
    #[error("the sms gateway's authorization cannot stand in a header")]
    Authorization,
    #[error("`{0}` is no name of a header")]
    Header(String),
    #[error("the sms body is not json: {0}")]
    Body(#[from] serde_json::Error),
    #[error("the sms body has no `{0}` in any of its texts")]
    Missing(&'static str),
    #[error("connections_max is 0; at least 1 is needed")]
    NoConnections,
    #[error("the http client cannot be built: {0}")]
    Client(String),
}

impl From<Unfit> for OptionsError {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::NoUrl => Self::Url,
            Unfit::PlainHttp => Self::PlainHttp,
        }
    }
}

/// Sends SMS through the gateway.
pub struct SmsHttp {
    http: Client,
    url: Url,
    template: Template,
    headers: Vec<(header::HeaderName, String)>,
    secret: SecretString,
    readings: Vec<Reading>,
    slots: Semaphore,
    timeout: Duration,
}

impl SmsHttp {
    /// Connects to nothing yet.
    pub fn new(options: &Options) -> Result<Self, OptionsError> {
        let url = http_neighbour::address(&options.url)?;
        if options.connections_max == 0 {
            return Err(OptionsError::NoConnections);
        }
        let template = Template::read(options.format, &options.body)?;
        for name in ["{to}", "{text}"] {
            if !template.holds(name) {
                return Err(OptionsError::Missing(name));
            }
        }
        let named = |(name, value): &(String, String)| match header::HeaderName::from_bytes(name.as_bytes()) {
            Ok(known) => Ok((known, value.clone())),
            Err(_) => Err(OptionsError::Header(name.clone())),
        };
        let own = options.headers.iter().map(named).collect::<Result<_, _>>()?;
        let mut headers = header::HeaderMap::new();
        if let Some(secret) = &options.authorization {
            let mut value =
                header::HeaderValue::from_str(secret.expose_secret()).map_err(|_| OptionsError::Authorization)?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let http = http_neighbour::client(&url, options.timeout, options.connections_max).default_headers(headers);
        let http = http.build().map_err(|error| OptionsError::Client(error.without_url().to_string()))?;
        Ok(Self {
            http,
            url,
            template,
            headers: own,
            secret: options.secret.clone(),
            readings: options.readings.clone(),
            slots: Semaphore::new(options.connections_max),
            timeout: options.timeout,
        })
    }

    async fn send_one(&self, sms: OutgoingSms) -> Result<(), Unsent> {
        let OutgoingSms { key, to, text } = sms;
        let key = format!("{:016x}-{}", key.contact.0, key.call.0);
        let number = to.phone().to_e164();
        let names: Names<'_> =
            &[("{to}", &number), ("{text}", &text.0), ("{key}", &key), ("{secret}", self.secret.expose_secret())];
        let Ok(Ok(_slot)) = tokio::time::timeout(self.timeout, self.slots.acquire()).await else {
            return Err(not_now("no connection came free in time"));
        };
        let request = match &self.template {
            Template::Json(body) => self.http.post(self.url.clone()).json(&filled(body, names)),
            Template::Form(pairs) => self.http.post(self.url.clone()).form(&filled_pairs(pairs, names)),
            Template::Query(pairs) => self.http.get(self.url.clone()).query(&filled_pairs(pairs, names)),
        };
        // Only what is no message: a header is seen by more eyes.
        let short: Names<'_> = &names[2..];
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), filled_text(value, short)));
        let request = headers.fold(request, |request, (name, value)| request.header(name, value));
        match request.header(KEY_HEADER, &key).send().await {
            Ok(answer) => self.read(answer).await,
            Err(error) if error.is_connect() => Err(not_now("no connection")),
            Err(error) if error.is_timeout() => Err(unknown("no answer in time")),
            Err(error) if error.is_builder() => Err(refused("the request cannot be built")),
            Err(_) => Err(unknown("the connection broke")),
        }
    }

    /// What an answer means: by the settings, else by its status. Its words are never told: they may be the message's.
    async fn read(&self, mut answer: Response) -> Result<(), Unsent> {
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        if self.readings.iter().any(|reading| !reading.says.is_empty()) {
            while body.len() < ANSWER_BYTES_MAX {
                match answer.chunk().await {
                    Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                    Ok(None) => break,
                    Err(_) => return Err(unknown("the answer broke off")),
                }
            }
        }
        let words = String::from_utf8_lossy(&body);
        let fits = |reading: &&Reading| {
            reading.status.is_none_or(|wanted| wanted == status) && words.contains(reading.says.as_str())
        };
        let by_status = || match status {
            200..=299 => Meaning::Sent,
            408 | 425 | 429 | 500..=599 => Meaning::Retry,
            _ => Meaning::Refused,
        };
        match self.readings.iter().find(fits).map_or_else(by_status, |reading| reading.means) {
            Meaning::Sent => Ok(()),
            Meaning::Retry => Err(not_now(&format!("http {status}"))),
            Meaning::Undelivered => Err(Unsent::Undelivered),
            Meaning::Refused => Err(refused(&format!("http {status}"))),
        }
    }
}

impl OtpSender for SmsHttp {
    fn send(&self, sms: OutgoingSms) -> BoxFuture<'_, Result<(), Unsent>> {
        self.send_one(sms).boxed()
    }
}

fn not_now(reason: &str) -> Unsent {
    Unsent::NotNow { reason: reason.to_owned() }
}

fn unknown(reason: &str) -> Unsent {
    Unsent::Unknown { reason: reason.to_owned() }
}

fn refused(reason: &str) -> Unsent {
    Unsent::Refused { reason: reason.to_owned() }
}
