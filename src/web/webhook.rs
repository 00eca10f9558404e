//! `GET` and `POST /webhook`: Meta's side of the server (cloud-api.md 1).
//!
//! A POST is believed by its signature over the raw bytes, before anything is parsed; it is answered 200 only
//! when all of it is durable, and 503 when that cannot be, which Meta delivers again for days. What is signed
//! but not understood is kept as a dead letter and answered 200: delivered again it would be no clearer.
//! Nothing of a body is ever logged.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Bytes, BytesMut, Data, Payload, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::StreamExt;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::Draining;
use crate::actors::switchboard::{Brought, Switchboard};
use crate::domain::message::{DeadReason, Inbound};
use crate::domain::time::Timestamp;
use crate::limits::Budgets;
use crate::metrics;
use crate::ports::{Clock, DeadLetter, Store, StoreError, Ticket};
use crate::wire::payload::{self, Parent, Part};
use crate::wire::signature;

/// Seconds after which a refused POST is worth trying again.
const RETRY_AFTER_S: &str = "5";

/// What the webhook works with; one for all web workers.
pub struct Gate {
    pub switchboard: Arc<Switchboard>,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub budgets: Arc<Budgets>,
    pub draining: Arc<Draining>,
    pub app_secrets: Vec<SecretString>,
    pub verify_token: SecretString,
    pub body_bytes_max: usize,
    pub body_read_s: u64,
    /// A POST that is not durable by then is answered 503. It may become durable yet: Meta delivers it again,
    /// and its second coming has no second effect.
    pub durable_within_s: u64,
}

/// Routes of the webhook's listener.
pub fn routes(config: &mut ServiceConfig) {
    config.service(
        actix_web::web::resource("/webhook")
            // The first that fits is taken: almost all of them.
            .route(actix_web::web::post().to(receive))
            .route(actix_web::web::get().to(verify))
            .default_service(actix_web::web::to(HttpResponse::MethodNotAllowed)),
    );
}

/// Meta's question whether we are who its settings say.
#[derive(Deserialize)]
struct Subscription {
    #[serde(rename = "hub.mode", default)]
    mode: String,
    #[serde(rename = "hub.verify_token", default)]
    token: String,
    #[serde(rename = "hub.challenge", default)]
    challenge: String,
}

async fn verify(gate: Data<Gate>, query: Query<Subscription>) -> HttpResponse {
    let ours = gate.verify_token.expose_secret();
    let right = bool::from(ours.as_bytes().ct_eq(query.token.as_bytes()));
    // An empty token would let everyone in who sends none.
    if ours.is_empty() || !right || query.mode != "subscribe" {
        return HttpResponse::Forbidden().finish();
    }
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(query.challenge.clone())
}

async fn receive(gate: Data<Gate>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let (answer, started) = answer(&gate, &request, payload).await;
    metrics::webhook_answered(name(answer), started.elapsed());
    let mut response = HttpResponseBuilder::new(answer);
    if answer == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S)));
    }
    if gate.draining.has_begun() || matches!(answer, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
        // The rest of the body is still on its way; nobody reads it.
        response.force_close();
    }
    response.finish()
}

/// A status of this edge, for the metric's label.
fn name(answer: StatusCode) -> &'static str {
    match answer {
        StatusCode::OK => "200",
        StatusCode::BAD_REQUEST => "400",
        StatusCode::UNAUTHORIZED => "401",
        StatusCode::REQUEST_TIMEOUT => "408",
        StatusCode::PAYLOAD_TOO_LARGE => "413",
        StatusCode::SERVICE_UNAVAILABLE => "503",
        _ => "other",
    }
}

async fn answer(gate: &Gate, request: &HttpRequest, payload: Payload) -> (StatusCode, tokio::time::Instant) {
    let early = tokio::time::Instant::now();
    let Some(_posting) = gate.draining.post() else { return (StatusCode::SERVICE_UNAVAILABLE, early) };
    let within = Duration::from_secs(gate.body_read_s);
    let body = match tokio::time::timeout(within, read(request, payload, gate.body_bytes_max)).await {
        Ok(Ok(body)) => body,
        Ok(Err(refusal)) => return (refusal, early),
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, early),
    };
    let started = tokio::time::Instant::now();
    let header = request.headers().get(signature::SIGNATURE_HEADER).map(HeaderValue::as_bytes);
    if let Err(error) = signature::verify(&gate.app_secrets, header, &body) {
        metrics::webhook_part(error.name());
        tracing::warn!(%error, bytes = body.len(), "a webhook was not believed");
        return (StatusCode::UNAUTHORIZED, started);
    }
    let status = match keep(gate, &body).await {
        Ok(()) => StatusCode::OK,
        Err(error) => {
            tracing::warn!(%error, "a webhook could not be kept");
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    (status, started)
}

/// The raw body, refused as soon as it is known to be too long.
pub(super) async fn read(request: &HttpRequest, mut payload: Payload, bytes_max: usize) -> Result<Bytes, StatusCode> {
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let declared: usize = declared.unwrap_or_default();
    if declared > bytes_max {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    // What is declared is only believed as far as it costs little.
    let mut body = BytesMut::with_capacity(declared.min(64 * 1024));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| StatusCode::BAD_REQUEST)?;
        if body.len() + chunk.len() > bytes_max {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Makes all of a believed body durable.
async fn keep(gate: &Gate, body: &[u8]) -> Result<(), StoreError> {
    gate.store.ready()?;
    let now = gate.clock.now();
    let brought = sort(gate, body, now);
    let Some(Ticket { durable, .. }) = gate.switchboard.accept(brought, now).await? else { return Ok(()) };
    match tokio::time::timeout(Duration::from_secs(gate.durable_within_s), durable).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(StoreError::Closed),
        Err(_) => Err(StoreError::Full("it does not become durable in time")),
    }
}

fn sort(gate: &Gate, body: &[u8], now: Timestamp) -> Brought {
    let mut brought = Brought::default();
    for part in payload::decode(body, now).parts {
        metrics::webhook_part(part.name());
        match part {
            Part::Message(message) if gate.budgets.knows(&message.to) => {
                gate.budgets.heard(&message.to);
                brought.messages.push(message);
            }
            Part::Message(message) => brought.dead.push(stray(&message, now)),
            Part::Status(status) => brought.statuses.push(status),
            Part::System(change) => brought.changes.push((change.old, change.new)),
            Part::Parent(Parent { of, bsuid }) => brought.parents.push((of, bsuid)),
            Part::Call(ring) if gate.budgets.knows(&ring.to) => brought.calls.push(ring),
            Part::Account(event) => brought.standing.extend(gate.budgets.news(&event)),
            // Calls to numbers that are not ours.
            Part::Call(_) | Part::Ignored(_) => {}
            Part::Dead { reason, bytes } => {
                let no_sender = reason == DeadReason::NoSender;
                metrics::dead_lettered(if no_sender { "no_sender" } else { "not_understood" });
                brought.dead.push(DeadLetter { at: now, reason, contact: None, body: bytes });
            }
        }
    }
    brought
}

/// A message to a number that is not ours: kept for an operator, never answered.
fn stray(message: &Inbound, now: Timestamp) -> DeadLetter {
    metrics::dead_lettered("unknown_number");
    let body = postcard::to_stdvec(message).unwrap_or_default();
    DeadLetter { at: now, reason: DeadReason::UnknownNumber, contact: None, body }
}
