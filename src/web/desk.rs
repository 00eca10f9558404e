//! `POST /desk`: what a ministry's own desk orders, on the webhook's listener (`config/ministry.openapi.yaml`).
//!
//! A signed webhook (`wire::hook`), believed before anything of it is read; old ones are refused, and one that comes
//! twice is carried out once, by its id. It goes the way of `siaga tickets` (`control::moves`), and is answered when
//! what it ordered is durable. Where no desk of a ministry is set, there is no such page. Nothing of a body is logged.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Data, Payload, ServiceConfig, post, resource, to};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::Deserialize;
use serde_json::json;

use super::{Draining, webhook};
use crate::control::moves::{self, Refused, Step};
use crate::control::tickets::Officers;
use crate::domain::ticket::TicketNumber;
use crate::domain::time::SECOND_MS;
use crate::metrics;
use crate::ports::{Clock, OrderId};
use crate::wire::hook::{Given, HookKeys, ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER};

/// Six hundred characters of words, each written as an escape, and what stands around them.
const BODY_BYTES_MAX: usize = 16 << 10;
/// Seconds after which what could not be done is worth trying again.
const RETRY_AFTER_S: &str = "5";

/// What the page works with; one for all web workers.
pub struct Orders {
    pub officers: Arc<dyn Officers>,
    pub clock: Arc<dyn Clock>,
    pub draining: Arc<Draining>,
    pub keys: HookKeys,
    pub body_read_s: u64,
    /// An order that is not durable by then is answered 503; it may be carried out yet, and then once.
    pub durable_within_s: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    report: String,
    act: Act,
    words: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    Take,
    Ask,
    Answer,
    Close,
}

/// Why an order is not carried out.
#[derive(Debug, thiserror::Error)]
enum OrderError {
    #[error("the body has no such form")]
    Form,
    #[error("the report's number has eight digits, the last of which fits the others")]
    Number,
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("it does not become durable in time")]
    Slow,
}

/// The route beside the webhook's; `None`: no ministry's desk is set.
pub fn routes(orders: Option<Data<Orders>>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        if let Some(orders) = orders {
            let page = resource("/desk").app_data(orders).route(post().to(receive));
            config.service(page.default_service(to(HttpResponse::MethodNotAllowed)));
        }
    }
}

async fn receive(orders: Data<Orders>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let (status, outcome, told) = answer(&orders, &request, payload).await;
    metrics::desk_ordered(outcome);
    let mut response = HttpResponseBuilder::new(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S)));
    }
    if orders.draining.has_begun() || matches!(status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
        response.force_close();
    }
    match told {
        None => response.finish(),
        Some(message) => response.json(json!({ "message": message })),
    }
}

/// Status, what figures call it, and what the desk is told of the reason.
async fn answer(
    orders: &Orders,
    request: &HttpRequest,
    payload: Payload,
) -> (StatusCode, &'static str, Option<String>) {
    let Some(_posting) = orders.draining.post() else { return (StatusCode::SERVICE_UNAVAILABLE, "draining", None) };
    let within = Duration::from_secs(orders.body_read_s);
    let body = match tokio::time::timeout(within, webhook::read(request, payload, BODY_BYTES_MAX)).await {
        Ok(Ok(body)) => body,
        Ok(Err(refusal)) => return (refusal, "unread", None),
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, "unread", None),
    };
    let header = |name: &str| request.headers().get(name).map(HeaderValue::as_bytes);
    let given =
        Given { id: header(ID_HEADER), timestamp: header(TIMESTAMP_HEADER), signature: header(SIGNATURE_HEADER) };
    let now_s = orders.clock.now().0.div_euclid(SECOND_MS);
    let id = match orders.keys.verify(given, now_s, &body) {
        Ok(id) => OrderId::of(id),
        Err(error) => {
            tracing::warn!(%error, bytes = body.len(), "an order of a ministry's desk was not believed");
            return (StatusCode::UNAUTHORIZED, error.name(), Some(error.to_string()));
        }
    };
    match carry_out(orders, &body, id).await {
        Ok(()) => (StatusCode::NO_CONTENT, "done", None),
        Err(error) => {
            let (status, outcome) = status(&error);
            tracing::warn!(%error, "an order of the ministry's desk is not carried out");
            (status, outcome, Some(error.to_string()))
        }
    }
}

async fn carry_out(orders: &Orders, body: &[u8], id: OrderId) -> Result<(), OrderError> {
    let Order { report, act, words } = serde_json::from_slice(body).map_err(|_| OrderError::Form)?;
    let number = TicketNumber::parse(&report).map_err(|_| OrderError::Number)?;
    let step = match (act, words) {
        (Act::Take, None) => Step::Take,
        (Act::Ask, Some(words)) => Step::Ask { words },
        (Act::Answer, Some(words)) => Step::Answer { words },
        (Act::Close, None) => Step::Close,
        (Act::Take | Act::Close, Some(_)) | (Act::Ask | Act::Answer, None) => return Err(OrderError::Form),
    };
    tracing::info!(ticket = %number, "the ministry's desk moves a report on");
    let within = Duration::from_secs(orders.durable_within_s);
    match tokio::time::timeout(within, moves::carry_out(orders.officers.as_ref(), number, step, Some(id))).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(OrderError::Slow),
    }
}

fn status(error: &OrderError) -> (StatusCode, &'static str) {
    match error {
        OrderError::Form | OrderError::Number | OrderError::Refused(Refused::Words(_)) => {
            (StatusCode::BAD_REQUEST, "malformed")
        }
        OrderError::Refused(Refused::Unknown) => (StatusCode::NOT_FOUND, "unknown"),
        OrderError::Refused(Refused::Closed | Refused::Repeated) => (StatusCode::CONFLICT, "conflict"),
        OrderError::Refused(Refused::Desk(_)) | OrderError::Slow => (StatusCode::SERVICE_UNAVAILABLE, "not_now"),
    }
}
