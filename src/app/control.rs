//! The operators' door: what a store can do, as the commands of `control` ask for it, and where they are asked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use serde_json::json;

use super::{AppOptions, StoreChoice};
use crate::actors::Random;
use crate::actors::session::revisions::Revisions;
use crate::actors::switchboard::Switchboard;
use crate::control::socket::{self, Served, SocketError};
use crate::control::tickets::Officers;
use crate::control::{Control, Report, Vault, socket_path};
use crate::desk::{Desk, SLICES};
use crate::domain::keys::ServerKeys;
use crate::domain::ticket::{Ticket, TicketMove, TicketNumber};
use crate::issuer::Register;
use crate::limits::Budgets;
use crate::ports::{Acted, NeighbourError, OrderId, Store};
use crate::store::{Exported, Findings, Journal};

/// A store that is open.
struct OpenVault(Arc<Journal>);

impl Vault for OpenVault {
    fn look(&self, open_seals: bool) -> BoxFuture<'_, Result<Report, String>> {
        let mut revisions = Revisions::default();
        let look = self.0.look_with(open_seals, Box::new(move |_, part| revisions.judge(part)));
        async move { look.await.map(|found| findings(&found)).map_err(|error| error.to_string()) }.boxed()
    }

    fn export(&self, file: PathBuf) -> BoxFuture<'_, Result<Report, String>> {
        let export = self.0.export(file.clone());
        async move { export.await.map(|done| exported("exported to", &file, &done)).map_err(|error| error.to_string()) }
            .boxed()
    }
}

/// The desk's own side.
pub(super) struct DeskOfficers(pub(super) Arc<Desk>);

impl Officers for DeskOfficers {
    fn slices(&self) -> u8 {
        SLICES
    }

    fn slice(&self, slice: u8) -> BoxFuture<'_, Result<Vec<Ticket>, NeighbourError>> {
        self.0.slice(slice).boxed()
    }

    fn whole(&self, number: TicketNumber) -> BoxFuture<'_, Result<Option<Ticket>, NeighbourError>> {
        self.0.ticket(number).boxed()
    }

    fn left_ms(&self, ticket: &Ticket) -> Option<i64> {
        self.0.left_ms(ticket)
    }

    fn act(
        &self,
        number: TicketNumber,
        moved: TicketMove,
        order: Option<OrderId>,
    ) -> BoxFuture<'_, Result<Acted, NeighbourError>> {
        self.0.act(number, moved, order).boxed()
    }
}

/// The control of a journal that is open.
pub(super) fn control(
    journal: Arc<Journal>,
    keys: &Arc<ServerKeys>,
    random: &Arc<dyn Random>,
    budgets: &Arc<Budgets>,
    register: &Arc<Register>,
    desk: &Arc<Desk>,
) -> Control {
    let store: Arc<dyn Store> = journal.clone();
    Control {
        switchboard: Switchboard::new(Arc::clone(&store), Arc::clone(keys), Arc::clone(random)),
        vault: Arc::new(OpenVault(journal)),
        store,
        budgets: Arc::clone(budgets),
        issued: register.clone(),
        officers: Arc::new(DeskOfficers(Arc::clone(desk))),
        one: tokio::sync::Mutex::new(()),
    }
}

/// A server's door before it opens.
pub(super) struct Door {
    path: PathBuf,
    control: Control,
}

impl Door {
    pub(super) fn new(
        options: &AppOptions,
        journal: Arc<Journal>,
        budgets: &Arc<Budgets>,
        register: &Arc<Register>,
        desk: &Arc<Desk>,
    ) -> Option<Self> {
        let StoreChoice::Journal(at) = &options.store else { return None };
        let control = control(journal, &options.keys, &options.random, budgets, register, desk);
        Some(Self { path: socket_path(&at.path), control })
    }

    pub(super) fn open(self) -> Result<Served, SocketError> {
        socket::serve(&self.path, Arc::new(self.control))
    }
}

pub(super) fn findings(found: &Findings) -> Report {
    Report { good: found.all_holds(), ..Report::of(found.to_string(), found.to_json()) }
}

pub(super) fn exported(verb: &str, file: &Path, done: &Exported) -> Report {
    let Exported { lsn, bytes, keys, rows, state } = done;
    let file = file.display();
    let text = format!("{verb} `{file}`: as of lsn {}, {keys} keys, {rows} rows, {bytes} bytes\nstate {state}", lsn.0);
    let data = json!({
        "file": file.to_string(), "lsn": lsn.0, "keys": keys, "rows": rows, "bytes": bytes, "state": state,
    });
    Report::of(text, data)
}
