//! The composition root: the only module that names adapters.
//!
//! [`App::build`] binds, opens, wires and starts, in that order, so that nothing is accepted before everything
//! that serves it stands; [`App::drain`] takes it down in reverse. Runs on an actix `System`; the process's
//! signals are its caller's (`run_until_stopped`).

pub mod by_hand;
mod control;
mod drain;
mod error;
mod ministry;
mod neighbours;
pub mod operate;
pub mod options;
mod ports;
pub mod serve;
mod servers;
mod settings;

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use actix_web::dev::ServerHandle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::actors::ledger::Ledger;
use crate::actors::neighbour::Bulkheads;
use crate::actors::root::{self, Health, Root, Sights, TreeView};
use crate::actors::switchboard::standing;
use crate::actors::tally::Books;
use crate::actors::{Shards, sweep};
use crate::control::socket::Served;
use crate::desk::Desk;
use crate::emulator::Emulator;
use crate::issuer::Issuer;
use crate::ports::{Clock, Store};
use crate::registry::embedded::EmbeddedRegistry;
use crate::web::certificates::Notices;
use crate::web::{Draining, ops};

pub use error::AppError;
pub use operate::{Wish, operate};
pub use options::{
    AppOptions, CertificateOptions, CodeSender, DeskChoice, Directory, FailingRegistry, GraphOptions, Records,
    RegistryOptions, ServerOptions, StoreChoice, World,
};
pub use serve::serve;

/// Where a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    pub webhook: SocketAddr,
    pub ops: SocketAddr,
    /// The chat page, in emulator mode.
    pub chat: Option<SocketAddr>,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Told to, and all work in flight was finished.
    Drained,
    /// Told to; some work goes on after the next start.
    Late,
    /// The actors could not be kept running: exit 70.
    GaveUp,
}

/// A running server.
pub struct App {
    addresses: Addresses,
    shards: Arc<Shards>,
    store: Arc<dyn Store>,
    draining: Arc<Draining>,
    drain_within: Duration,
    webhook: ServerHandle,
    ops: ServerHandle,
    /// `control.sock`, where the store is one of this machine.
    control: Option<Served>,
    emulator: Option<Emulator>,
    registry: Arc<EmbeddedRegistry>,
    desk: Arc<Desk>,
    issuer: Arc<Issuer>,
    sights: Arc<Sights>,
    calls: Arc<Bulkheads>,
    clock: Arc<dyn Clock>,
    health: watch::Receiver<Health>,
    swept: sweep::Passes,
    sweep: JoinHandle<()>,
    /// Tells a ministry's own desk, where there is one.
    courier: Option<JoinHandle<()>>,
    /// Root lives as long as this.
    _root: Addr<Root>,
}

impl App {
    /// Builds and starts a server.
    pub async fn build(options: AppOptions) -> Result<Self, AppError> {
        if options.numbers.is_empty() {
            return Err(AppError::Options("at least one business number is needed"));
        }
        let webhook = servers::bind(options.server.bind)?;
        let (ops_listener, ops_address) = servers::bind(options.server.ops_bind)?;
        // The operator's pages first: a long recovery can be watched.
        let pages = servers::pages(&options);
        let ops = servers::ops(ops_listener, ops_address, pages.clone())?;
        let built = Self::build_behind(options, webhook, (ops.clone(), ops_address), &pages).await;
        if built.is_err() {
            ops.stop(false).await;
        }
        built
    }

    async fn build_behind(
        options: AppOptions,
        (webhook_listener, webhook_address): (TcpListener, SocketAddr),
        (ops, ops_address): (ServerHandle, SocketAddr),
        pages: &ops::Desk,
    ) -> Result<Self, AppError> {
        let (store, journal) = ports::open_store(&options).await?;
        let hands = ports::open_hands(&options)?;
        let emulator = ports::start_emulator(&options, servers::url(webhook_address)).await?;
        let registries = ports::open_registries(&options, &store).await?;
        let (desk, ministry) = ministry::open(&options, &store)?;
        let issuer = ports::open_issuer(&options, &store).await?;
        let lines = ports::lines(&options, emulator.as_ref(), &issuer)?;
        let notices = Notices::new(issuer.register().revoked().clone(), &options.certificates.public);
        let draining = Arc::new(Draining::default());
        let budgets = Arc::new(neighbours::budgets(&options.numbers));
        standing::restore(store.as_ref(), &budgets).await?;
        let switchboard = Arc::new(ports::switchboard(&options, &store));
        let orders = ministry.as_ref().map(|ministry| ministry.orders(&options, &desk, &draining));
        let gate = servers::gate(&options, &store, &budgets, &draining, &switchboard);
        let service_gate = neighbours::service_gate(&options);
        let (server, recorder) = (options.server.clone(), options.recorder.clone());
        let door = journal.and_then(|at| control::Door::new(&options, at, &budgets, issuer.register(), &desk));
        let ledger = Ledger::open(Arc::clone(&store), Arc::clone(&options.keys), options.codes.clone()).await?;
        let own = (Arc::clone(&budgets), ledger, switchboard, hands);
        let neighbours = Arc::new(neighbours::neighbours(options, &store, lines, (&registries, &issuer), &desk, own));
        let shards = neighbours::shards(&neighbours, service_gate);
        let calls = Arc::clone(&neighbours.calls);
        neighbours::take_up(&store, &shards, &neighbours).await?;
        let (books, clock) = (Books::default(), Arc::clone(&neighbours.clock));
        let (swept, sweep) = sweep::start(Arc::clone(&neighbours), Arc::clone(&shards));
        let courier = ministry.and_then(|ministry| ministry.courier(&desk, &calls, &neighbours.random));
        let (root, sights, health) = root::start(neighbours, Arc::clone(&shards), books.clone());
        let webhook = servers::webhook(webhook_listener, webhook_address, &server, (gate, orders), notices)?;
        servers::keep_up(recorder);
        pages.running.get_or_init(|| ops::Running {
            store: Arc::clone(&store),
            draining: Arc::clone(&draining),
            shards: Arc::clone(&shards),
            sights: Arc::clone(&sights),
            calls: Arc::clone(&calls),
            clock: Arc::clone(&clock),
            books,
            budgets,
        });
        let control = door.map(control::Door::open).transpose()?;
        let chat = emulator.as_ref().map(Emulator::address);
        Ok(Self {
            addresses: Addresses { webhook: webhook_address, ops: ops_address, chat },
            shards,
            store,
            draining,
            drain_within: server.drain,
            webhook,
            ops,
            control,
            emulator,
            registry: registries.embedded,
            desk,
            issuer,
            sights,
            calls,
            clock,
            health,
            swept,
            sweep,
            courier,
            _root: root,
        })
    }

    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The emulated WhatsApp, in emulator mode.
    pub fn emulator(&self) -> Option<&Emulator> {
        self.emulator.as_ref()
    }

    /// The embedded registry: for demos and tests.
    pub fn registry(&self) -> &Arc<EmbeddedRegistry> {
        &self.registry
    }

    /// The desk: for its command line and tests.
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// The issuer of certificates: for its command line and tests.
    pub fn issuer(&self) -> &Arc<Issuer> {
        &self.issuer
    }

    /// Whether no work is in flight: every accepted message has had its turn, every reply that may leave has.
    pub fn at_rest(&self) -> bool {
        self.shards.at_rest()
    }

    /// How often all that rests was looked at for what may go.
    pub fn sweeps(&self) -> u64 {
        self.swept.count()
    }

    /// How the tree stands, as `/actors` shows it.
    pub fn actors(&self) -> TreeView {
        self.sights.view(&self.shards, self.clock.now())
    }

    /// Whether the actors cannot be kept running: the process is to end with 70.
    pub fn gave_up(&self) -> bool {
        *self.health.borrow() == Health::Failed
    }

    /// Runs until `stop` resolves, then drains; or until the actors cannot be kept running.
    pub async fn run_until_stopped(self, stop: impl Future<Output = ()>) -> Ended {
        let mut health = self.health.clone();
        tokio::select! {
            () = stop => self.drain().await,
            _ = health.wait_for(|health| *health == Health::Failed) => {
                self.drain_after_failure().await
            }
        }
    }
}
