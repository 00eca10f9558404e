//! The two listeners: the webhook's, and the operator's.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{HttpServer, web as http};

use super::{AppError, AppOptions, ServerOptions, StoreChoice};
use crate::actors::switchboard::Switchboard;
use crate::limits::Budgets;
use crate::ports::Store;
use crate::store::Progress;
use crate::telemetry::Recorder;
use crate::web::Draining;
use crate::web::certificates::{Notices, routes as certificate_routes};
use crate::web::desk::{Orders, routes as desk_routes};
use crate::web::ops::{Desk, routes as ops_routes};
use crate::web::webhook::{Gate, routes as webhook_routes};

/// A request's head that is not there by then is given up.
const HEAD_READ: Duration = Duration::from_secs(5);
/// A connection without a request is kept so long: longer than TLS proxies keep theirs to a server (60 s is usual), since
/// one that closes under a webhook makes Meta bring it again.
const KEEP_ALIVE_S: u64 = 75;
/// How often samples of histograms are folded together.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

pub(super) fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), AppError> {
    let bound = TcpListener::bind(address).and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (local, listener) = bound.map_err(|source| AppError::Bind { address, source })?;
    Ok((listener, local))
}

/// Where this machine reaches the webhook.
pub(super) fn url(address: SocketAddr) -> String {
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    format!("http://{}/webhook", SocketAddr::new(ip, address.port()))
}

pub(super) fn gate(
    options: &AppOptions,
    store: &Arc<dyn Store>,
    budgets: &Arc<Budgets>,
    draining: &Arc<Draining>,
    switchboard: &Arc<Switchboard>,
) -> Gate {
    Gate {
        switchboard: Arc::clone(switchboard),
        store: Arc::clone(store),
        clock: Arc::clone(&options.clock),
        budgets: Arc::clone(budgets),
        draining: Arc::clone(draining),
        app_secrets: options.server.app_secrets.clone(),
        verify_token: options.server.verify_token.clone(),
        body_bytes_max: options.server.body_bytes_max,
        body_read_s: options.server.body_read_s,
        durable_within_s: options.server.durable_within_s,
    }
}

/// The operator's pages of a server that is not up yet.
pub(super) fn pages(options: &AppOptions) -> Desk {
    let recorder = options.recorder.clone();
    let progress = match &options.store {
        StoreChoice::Journal(at) => at.progress.clone(),
        StoreChoice::Given(_) => Progress::default(),
    };
    Desk {
        starting: Arc::new(move || progress.now().unwrap_or_else(|| "starting".to_owned())),
        render: Arc::new(move || recorder.render()),
        running: Arc::default(),
    }
}

pub(super) fn webhook(
    listener: TcpListener,
    address: SocketAddr,
    options: &ServerOptions,
    (gate, orders): (Gate, Option<Orders>),
    notices: Notices,
) -> Result<ServerHandle, AppError> {
    // Outside the factory: it runs once a worker, and there is one gate.
    let (gate, notices) = (http::Data::new(gate), http::Data::new(notices));
    let orders = orders.map(http::Data::new);
    let app = move || {
        let app = actix_web::App::new().app_data(gate.clone()).app_data(notices.clone());
        app.configure(webhook_routes).configure(certificate_routes).configure(desk_routes(orders.clone()))
    };
    let server = HttpServer::new(app)
        .workers(options.web_workers.max(1))
        .max_connections(options.connections_max.max(1))
        .keep_alive(Duration::from_secs(KEEP_ALIVE_S))
        .client_request_timeout(HEAD_READ)
        .shutdown_timeout(options.drain.as_secs().max(1))
        .disable_signals()
        .listen(listener)
        .map_err(|source| AppError::Bind { address, source })?
        .run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(handle)
}

pub(super) fn ops(listener: TcpListener, address: SocketAddr, pages: Desk) -> Result<ServerHandle, AppError> {
    let pages = http::Data::new(pages);
    let server = HttpServer::new(move || actix_web::App::new().app_data(pages.clone()).configure(ops_routes))
        .workers(1)
        .client_request_timeout(HEAD_READ)
        .shutdown_timeout(1)
        .disable_signals()
        .listen(listener)
        .map_err(|source| AppError::Bind { address, source })?
        .run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(handle)
}

pub(super) fn keep_up(recorder: Recorder) {
    actix_web::rt::spawn(async move {
        let mut every = tokio::time::interval(UPKEEP_EVERY);
        loop {
            every.tick().await;
            recorder.upkeep();
        }
    });
}
