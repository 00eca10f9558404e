//! SMS through a gateway that takes JSON over HTTP.
//!
//! What the body looks like is a setting, so that a gateway of another make needs no code; the emulator's
//! `POST /sms {"to","text"}` is the default. A text may be a one-time code: neither it nor the number is ever in
//! an error or a log.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use reqwest::{Client, Url, header, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::domain::message::Text;
use crate::domain::phone::Mobile;
use crate::ports::{IdempotencyKey, NeighbourError, OtpSender};

/// The body of the emulator's SMS endpoint.
pub const DEFAULT_BODY: &str = r#"{"to":"{to}","text":"{text}"}"#;

const NEIGHBOUR: &str = "sms";
/// Where the request's key goes, for gateways that keep from sending twice.
const KEY_HEADER: &str = "idempotency-key";
/// Time to connect, within `timeout`.
const CONNECT_MAX: Duration = Duration::from_secs(3);

/// Settings of the gateway.
#[derive(Clone, Debug)]
pub struct Options {
    /// Plain http only to this machine.
    pub url: String,
    /// The whole value of the `Authorization` header, "Bearer …"; `None`: no such header.
    pub authorization: Option<SecretString>,
    /// JSON; in its texts `{to}` stands for `+62…`, `{text}` for the message, `{key}` for the request's key.
    pub body: String,
    /// One request in all; a send waits as long for a free connection first.
    pub timeout: Duration,
    /// Requests under way at once.
    pub connections_max: usize,
    /// The statuses by which the gateway says that the number receives no SMS.
    pub undelivered: Vec<u16>,
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
    #[error("the sms body is not json: {0}")]
    Body(#[from] serde_json::Error),
    #[error("the sms body has no `{0}` in any of its texts")]
    Missing(&'static str),
    #[error("connections_max is 0; at least 1 is needed")]
    NoConnections,
    #[error("the http client cannot be built: {0}")]
    Client(String),
}

/// Sends SMS through the gateway.
pub struct SmsHttp {
    http: Client,
    url: Url,
    body: Value,
    slots: Semaphore,
    timeout: Duration,
    undelivered: Vec<u16>,
}

impl SmsHttp {
    /// Connects to nothing yet. A proxy named by the environment is used, except for this machine itself.
    pub fn new(options: &Options) -> Result<Self, OptionsError> {
        let url = Url::parse(&options.url).map_err(|_| OptionsError::Url)?;
        let here = is_this_machine(&url);
        match url.scheme() {
            "https" => {}
            "http" if here => {}
            "http" => return Err(OptionsError::PlainHttp),
            _ => return Err(OptionsError::Url),
        }
        if options.connections_max == 0 {
            return Err(OptionsError::NoConnections);
        }
        let body: Value = serde_json::from_str(&options.body)?;
        for name in ["{to}", "{text}"] {
            if !holds(&body, name) {
                return Err(OptionsError::Missing(name));
            }
        }
        let mut headers = header::HeaderMap::new();
        if let Some(secret) = &options.authorization {
            let mut value =
                header::HeaderValue::from_str(secret.expose_secret()).map_err(|_| OptionsError::Authorization)?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let mut http = Client::builder()
            .default_headers(headers)
            .connect_timeout(CONNECT_MAX.min(options.timeout))
            .timeout(options.timeout)
            .pool_max_idle_per_host(options.connections_max)
            .redirect(redirect::Policy::none());
        if here {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| OptionsError::Client(error.without_url().to_string()))?;
        Ok(Self {
            http,
            url,
            body,
            slots: Semaphore::new(options.connections_max),
            timeout: options.timeout,
            undelivered: options.undelivered.clone(),
        })
    }

    async fn send_one(&self, key: IdempotencyKey, to: Mobile, text: Text) -> Result<(), NeighbourError> {
        let key = format!("{:016x}-{}", key.contact.0, key.call.0);
        let body = filled(&self.body, &[("{to}", &to.phone().to_e164()), ("{text}", &text.0), ("{key}", &key)]);
        let Ok(Ok(_slot)) = tokio::time::timeout(self.timeout, self.slots.acquire()).await else {
            return Err(down("no connection came free in time"));
        };
        let answer = self.http.post(self.url.clone()).header(KEY_HEADER, key).json(&body).send().await;
        match answer.map(|answer| answer.status().as_u16()) {
            Ok(200..=299) => Ok(()),
            Ok(status) if self.undelivered.contains(&status) => Err(NeighbourError::NotFound { neighbour: NEIGHBOUR }),
            Ok(status @ (408 | 425 | 429 | 500..=599)) => Err(down(&format!("http {status}"))),
            Ok(status) => Err(NeighbourError::Misconfigured { neighbour: NEIGHBOUR, reason: format!("http {status}") }),
            Err(error) if error.is_connect() => Err(down("no connection")),
            Err(error) if error.is_timeout() => Err(down("no answer in time")),
            Err(_) => Err(down("the connection broke")),
        }
    }
}

impl OtpSender for SmsHttp {
    fn send(&self, key: IdempotencyKey, to: Mobile, text: Text) -> BoxFuture<'_, Result<(), NeighbourError>> {
        self.send_one(key, to, text).boxed()
    }
}

fn down(reason: &str) -> NeighbourError {
    NeighbourError::Down { neighbour: NEIGHBOUR, reason: reason.to_owned() }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn holds(body: &Value, name: &str) -> bool {
    match body {
        Value::String(text) => text.contains(name),
        Value::Array(list) => list.iter().any(|item| holds(item, name)),
        Value::Object(map) => map.values().any(|item| holds(item, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The template with its names filled in, as JSON and not as text: whatever a message holds stays a string.
fn filled(body: &Value, names: &[(&str, &str)]) -> Value {
    match body {
        Value::String(text) => Value::String(filled_text(text, names)),
        Value::Array(list) => list.iter().map(|item| filled(item, names)).collect(),
        Value::Object(map) => map.iter().map(|(key, item)| (key.clone(), filled(item, names))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => body.clone(),
    }
}

/// In one pass, so that a message with `{to}` in it says just that.
fn filled_text(template: &str, names: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(brace) = rest.find('{') {
        out.push_str(&rest[..brace]);
        rest = &rest[brace..];
        if let Some((name, value)) = names.iter().find(|(name, _)| rest.starts_with(name)) {
            out.push_str(value);
            rest = &rest[name.len()..];
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_break_out_of_the_body() {
        let template = serde_json::from_str(r#"{"a":["{to}",1],"b":{"t":"<{text}>{x}{"}}"#).unwrap();
        let body = filled(&template, &[("{to}", "+62"), ("{text}", "\"}{to}\\ {text}\n")]);
        assert_eq!(body, serde_json::json!({ "a": ["+62", 1], "b": { "t": "<\"}{to}\\ {text}\n>{x}{" } }));
    }
}
