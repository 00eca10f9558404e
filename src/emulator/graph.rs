//! The Graph API as far as messages and media need it (cloud-api.md 4, 5), over HTTP.
//!
//! Order of looking: who calls (190), which number (33), planned faults, the request's shape (100, 1310xx),
//! then the rules of the moment (131057, 131047, 130429, 131056). What passes is accepted: it gets an id,
//! reaches the chat, and its statuses follow.

mod accept;
mod content;
mod error;
mod interactive;
mod multipart;
mod node;
mod request;
mod template;
mod upload;

use std::time::Duration;

use actix_web::http::header::AUTHORIZATION;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use secrecy::ExposeSecret as _;
use serde_json::Value;

pub(super) use error::title;

/// Codes of the rules of the moment.
pub(super) const THROUGHPUT: u32 = Code::THROUGHPUT.0;
pub(super) const PAIR: u32 = Code::PAIR.0;
pub(super) const WINDOW: u32 = Code::WINDOW.0;

use error::{Code, GraphError};
use request::Request;

use super::faults::Fault;
use super::world::World;

/// Largest upload: a document of 100 MB and its envelope.
const UPLOAD_BYTES_MAX: usize = 101 * 1024 * 1024;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/media/{token}", web::get().to(upload::fetch))
        .route("/{version}/{number}/messages", web::post().to(messages))
        .service(
            web::resource("/{version}/{number}/media")
                .app_data(web::PayloadConfig::new(UPLOAD_BYTES_MAX))
                .route(web::post().to(upload::upload)),
        )
        .service(
            web::resource("/{version}/{media}")
                .route(web::get().to(upload::describe))
                .route(web::delete().to(upload::delete)),
        )
        .default_service(web::to(unknown_path));
}

async fn unknown_path() -> HttpResponse {
    GraphError::new(Code::UNKNOWN_PATH, "no such path").error_response()
}

/// Whoever calls must show the token, and a version such as `v23.0`.
fn admit(world: &World, request: &HttpRequest, version: &str) -> Result<(), GraphError> {
    let wanted = format!("Bearer {}", world.options.access_token.expose_secret());
    let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if world.faults.token_revoked() || shown != Some(wanted.as_str()) {
        return Err(GraphError::new(Code::TOKEN, "the access token is missing, wrong or revoked"));
    }
    let digits = version.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    let plausible = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match digits {
        Some((major, minor)) if plausible(major) && plausible(minor) => Ok(()),
        _ => Err(GraphError::new(Code::UNKNOWN_PATH, "the path must start with a version such as v23.0")),
    }
}

/// The business number of a path.
fn number_of(world: &World, id: &str) -> Result<usize, GraphError> {
    let known = world.number(id).map(|(place, _)| place);
    known.ok_or_else(|| GraphError::new(Code::NUMBER, "no business number has this id"))
}

async fn messages(
    world: web::Data<World>,
    http: HttpRequest,
    path: web::Path<(String, String)>,
    body: web::Bytes,
) -> HttpResponse {
    let (version, number_id) = path.into_inner();
    let number = match admit(&world, &http, &version).and_then(|()| number_of(&world, &number_id)) {
        Ok(number) => number,
        Err(error) => return finish(&world, None, Err(error)).await,
    };
    let fault = world.faults.take();
    let outcome = match fault {
        Some(Fault::Code(code)) => Err(GraphError::new(Code(code), "planned")),
        _ => handle(&world.clone().into_inner(), number, &body, fault),
    };
    finish(&world, fault, outcome).await
}

fn handle(
    world: &std::sync::Arc<World>,
    number: usize,
    body: &[u8],
    fault: Option<Fault>,
) -> Result<Value, GraphError> {
    let body: Value =
        serde_json::from_slice(body).map_err(|_| GraphError::new(Code::PARAMETER, "the body is not JSON"))?;
    match request::parse(world, number, &body)? {
        Request::MarkRead { message_id, typing } => accept::mark_read(world, number, &message_id, typing),
        Request::Send(send) => accept::send(world, number, *send, fault),
    }
}

/// Answers, as late and as badly as planned.
async fn finish(world: &World, fault: Option<Fault>, outcome: Result<Value, GraphError>) -> HttpResponse {
    let more_ms = if let Some(Fault::SlowMs(more_ms)) = fault { more_ms } else { 0 };
    let delay_ms = world.faults.latency_ms().saturating_add(more_ms);
    if delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    }
    match (fault, outcome) {
        (Some(Fault::ResetAfterAccept), Ok(_)) => reset(),
        (Some(Fault::Http(status)), _) => {
            let status = actix_web::http::StatusCode::from_u16(status);
            let status = status.unwrap_or(actix_web::http::StatusCode::BAD_GATEWAY);
            HttpResponse::build(status).content_type("text/html").body("<html><body>proxy error</body></html>")
        }
        (_, Ok(answer)) => HttpResponse::Ok().json(answer),
        (_, Err(error)) => error.error_response(),
    }
}

/// An answer whose body fails at once: the connection is dropped before its head is written.
fn reset() -> HttpResponse {
    let broken = futures_util::stream::once(async { Err::<web::Bytes, _>(std::io::Error::other("reset")) });
    HttpResponse::Ok().streaming(Box::pin(broken))
}
