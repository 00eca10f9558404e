//! The operator's pages: `/livez`, `/readyz`, `/metrics`, `/actors`.
//!
//! Alive means this process answers. Ready means the webhook may be sent here: the store takes records and no
//! drain has begun. Neither ever depends on Meta or a neighbour: their trouble is not mended by taking this
//! server out, and would take all of them out at once.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, ServiceConfig, get};
use serde::Serialize;

use super::Draining;
use crate::actors::Shards;
use crate::actors::root::{self, Sights};
use crate::actors::shard::view::ShardView;
use crate::ports::Store;

/// What the pages show.
pub struct Desk {
    pub store: Arc<dyn Store>,
    pub draining: Arc<Draining>,
    pub shards: Arc<Shards>,
    pub sights: Sights,
    /// Prometheus' text.
    pub render: Arc<dyn Fn() -> String + Send + Sync>,
}

/// Routes of the operator's listener.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/livez", get().to(livez))
        .route("/readyz", get().to(readyz))
        .route("/metrics", get().to(metrics))
        .route("/actors", get().to(actors));
}

async fn livez() -> HttpResponse {
    HttpResponse::Ok().body("alive\n")
}

async fn readyz(desk: Data<Desk>) -> HttpResponse {
    if desk.draining.has_begun() {
        return HttpResponse::ServiceUnavailable().body("draining\n");
    }
    match desk.store.ready() {
        Ok(()) => HttpResponse::Ok().body("ready\n"),
        Err(error) => HttpResponse::ServiceUnavailable().body(format!("{error}\n")),
    }
}

async fn metrics(desk: Data<Desk>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body((desk.render)())
}

/// All shards, as `/actors` shows them and tests read them.
#[derive(Serialize)]
struct Actors {
    shards: Vec<ShardView>,
}

async fn actors(desk: Data<Desk>) -> HttpResponse {
    HttpResponse::Ok().json(Actors { shards: root::view(&desk.shards, &desk.sights) })
}
