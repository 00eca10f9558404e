//! The operator's pages: `/livez`, `/readyz`, `/metrics`, `/actors`.
//!
//! Alive means that all actors that have work move. Ready means the webhook may be sent here: the store takes
//! records and no drain has begun. The pages are there before the store is open: until then `/readyz` says how far
//! it has come. Neither ever depends on Meta or a neighbour: their trouble is not mended by taking this
//! server out, and would take all of them out at once.

use std::sync::{Arc, OnceLock};

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, ServiceConfig, get};
use serde::Serialize;

use super::Draining;
use crate::actors::Shards;
use crate::actors::gate::Gate;
use crate::actors::neighbour::{Bulkheads, NeighbourView};
use crate::actors::root::{Sights, TreeView};
use crate::actors::tally::Books;
use crate::limits::Budgets;
use crate::limits::admission::AdmissionView;
use crate::limits::breaker::BreakerState;
use crate::ports::{Clock, Store};

/// What the pages show: clones are the same desk.
#[derive(Clone)]
pub struct Desk {
    /// What a server that is not up yet does, in words.
    pub starting: Arc<dyn Fn() -> String + Send + Sync>,
    /// Prometheus' text.
    pub render: Arc<dyn Fn() -> String + Send + Sync>,
    /// Set once, when the server is up.
    pub running: Arc<OnceLock<Running>>,
}

/// A server that is up.
pub struct Running {
    pub store: Arc<dyn Store>,
    pub draining: Arc<Draining>,
    pub shards: Arc<Shards>,
    pub sights: Arc<Sights>,
    pub clock: Arc<dyn Clock>,
    pub books: Books,
    pub calls: Arc<Bulkheads>,
    pub budgets: Arc<Budgets>,
}

/// Routes of the operator's listener.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/livez", get().to(livez))
        .route("/readyz", get().to(readyz))
        .route("/metrics", get().to(metrics))
        .route("/actors", get().to(actors));
}

async fn livez(desk: Data<Desk>) -> HttpResponse {
    // Until the store is open there is nobody who could stand still.
    match desk.running.get().and_then(|running| running.sights.stuck()) {
        None => HttpResponse::Ok().body("alive\n"),
        Some(name) => HttpResponse::ServiceUnavailable().body(format!("{name} has work and does not move\n")),
    }
}

async fn readyz(desk: Data<Desk>) -> HttpResponse {
    let Some(running) = desk.running.get() else {
        return HttpResponse::ServiceUnavailable().body(format!("{}\n", (desk.starting)()));
    };
    if running.draining.has_begun() {
        return HttpResponse::ServiceUnavailable().body("draining\n");
    }
    match running.store.ready() {
        // What Meta holds back is told, and changes nothing: messages are taken in and wait.
        Ok(()) => {
            let meta: String = running.budgets.troubles().into_iter().map(|line| line + "\n").collect();
            let drift = match running.books.drift() {
                0 => String::new(),
                drift => format!("{drift} accepted messages are not accounted for\n"),
            };
            HttpResponse::Ok().body(format!("ready\n{meta}{drift}{}", neighbours(&running.calls)))
        }
        Err(error) => HttpResponse::ServiceUnavailable().body(format!("{error}\n{}", neighbours(&running.calls))),
    }
}

/// One line a neighbour: for people; the answer never depends on it.
fn neighbours(calls: &Bulkheads) -> String {
    let line = |view: NeighbourView| {
        let state = match view.breaker {
            BreakerState::Closed => "called",
            BreakerState::HalfOpen => "failing, tried again",
            BreakerState::Open => "failing, not called",
        };
        format!("{}: {state}\n", view.name)
    };
    calls.views().into_iter().map(line).collect()
}

async fn metrics(desk: Data<Desk>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body((desk.render)())
}

/// The whole tree and what it stands on, as `/actors` shows it and tests read it.
#[derive(Default, Serialize)]
struct Actors {
    #[serde(flatten)]
    tree: TreeView,
    neighbours: Vec<NeighbourView>,
    admission: Option<AdmissionView>,
}

async fn actors(desk: Data<Desk>) -> HttpResponse {
    let picture = desk.running.get().map_or_else(Actors::default, |running| Actors {
        tree: running.sights.view(&running.shards, running.clock.now()),
        neighbours: running.calls.views(),
        admission: running.shards.gate().map(Gate::view),
    });
    HttpResponse::Ok().json(picture)
}
