//! The `Channel` port over Meta's Graph API.
//!
//! What the bytes look like is `wire`'s; when to send, how fast and how often again is the outbox's. Here is only
//! the way over the network: connections, time limits, and what a failure says about whether bytes have left.

mod client;
mod form;
mod line;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use crate::domain::certificate::Certificate;

pub use client::GraphClient;

/// Settings of one client. A shard has a client of its own, so all bounds are a shard's.
///
/// A send takes `connect_timeout` and twice `request_timeout` at the most (free connection, upload, message);
/// whoever gives it less takes a send that never left for an ambiguous one.
#[derive(Clone, Debug)]
pub struct Options {
    /// `https://graph.facebook.com`; plain http only to this machine.
    pub base_url: String,
    /// The path's first segment, `v23.0`.
    pub version: String,
    /// System-user token.
    pub token: SecretString,
    /// Requests under way at once, and so connections.
    pub connections_max: usize,
    /// Name, connect and TLS together; as long is waited for a free connection first.
    pub connect_timeout: Duration,
    /// One request from start to end of answer.
    pub request_timeout: Duration,
    /// Whether Meta takes a BSUID in `recipient` for our account yet (cloud-api.md 3.1).
    pub send_to_bsuid: bool,
}

/// Makes the PDF of a certificate, the same one each time. What takes its time in it runs on a thread of its own.
pub type Render = Arc<dyn Fn(Certificate) -> BoxFuture<'static, Result<Vec<u8>, Unmade>> + Send + Sync>;

/// Why there is no PDF. Without personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmade {
    #[error("{0}")]
    Never(String),
    /// Made again later, it may come about.
    #[error("{0}")]
    NotNow(String),
}

/// Settings that no client can be made of.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error("the graph api's base url `{0}` is not an http or https url")]
    Url(String),
    #[error("the graph api's base url `{0}` is plain http to another machine; the token would be read on the way")]
    PlainHttp(String),
    #[error("the access token holds characters that no http header may")]
    Token,
    #[error("connections_max is 0; at least 1 is needed")]
    NoConnections,
    #[error("the http client cannot be built: {0}")]
    Client(String),
}
