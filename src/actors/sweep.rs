//! The sweep: walks through all that rests, a page at a time, and finds what may go.
//!
//! It only looks and tells: a contact's session and an account's actor each tidy their own record, the
//! switchboard an alias that leads nowhere, the register its certificates, the desk its reports. Bounded by one page in `figures.sweep_every_ms`,
//! whatever there is to do: 256 values a second are 22 million a day. It rests while the store takes nothing. A
//! page that cannot be read, or a panic over one, is logged and costs that page until the next pass.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;

use super::board::Mail;
use super::session::record::ContactRecord;
use super::session::rest::{Rest, rest};
use super::{Neighbours, Shards, account, switchboard};
use crate::account::AccountEvent;
use crate::domain::time::DAY_MS;
use crate::metrics;
use crate::ports::{Key, NeighbourError, StoreError, Table, Value};

/// Reports are kept so long after they were closed (domain.md 6).
const REPORTS_KEPT_MS: i64 = 90 * DAY_MS;

/// Where it looks, in this order. Reports come last: the desk walks through them itself.
const TABLES: [Table; 4] = [Table::Contact, Table::Account, Table::Alias, Table::Certificate];

/// A walk through all tables, over and over.
pub struct Sweep {
    neighbours: Arc<Neighbours>,
    shards: Arc<Shards>,
    /// Which of [`TABLES`], and where in it.
    at: (usize, Key),
    passes: Arc<AtomicU64>,
}

/// How often all was looked at.
#[derive(Clone, Debug, Default)]
pub struct Passes(Arc<AtomicU64>);

impl Passes {
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Starts the sweep on the current thread; it ends with its system, or when the handle is aborted.
pub fn start(neighbours: Arc<Neighbours>, shards: Arc<Shards>) -> (Passes, tokio::task::JoinHandle<()>) {
    let passes = Passes::default();
    let every = Duration::from_millis(neighbours.figures.sweep_every_ms.max(1));
    let mut sweep = Sweep { neighbours, shards, at: (0, Key::new()), passes: Arc::clone(&passes.0) };
    let task = actix::spawn(async move {
        let mut interval = tokio::time::interval(every);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            if sweep.neighbours.store.ready().is_err() {
                continue;
            }
            let at = sweep.at.clone();
            match AssertUnwindSafe(sweep.page()).catch_unwind().await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => tracing::error!(%error, table = ?TABLES.get(at.0), "a page could not be swept"),
                Err(_) => tracing::error!(table = ?TABLES.get(at.0), "a page made the sweep panic"),
            }
            sweep.next_table();
        }
    });
    (passes, task)
}

impl Sweep {
    fn next_table(&mut self) {
        self.at = (self.at.0 + 1, Key::new());
        if self.at.0 > TABLES.len() {
            self.at.0 = 0;
            self.passes.fetch_add(1, Ordering::SeqCst);
            metrics::tidied("pass");
        }
    }

    async fn page(&mut self) -> Result<(), SweepFault> {
        let Some(table) = TABLES.get(self.at.0).copied() else {
            self.next_table();
            let before = self.neighbours.clock.now().plus_ms(-REPORTS_KEPT_MS);
            let forgotten = self.neighbours.tickets.forget_closed(before).await?;
            (0..forgotten).for_each(|_| metrics::tidied("report_forgotten"));
            return Ok(());
        };
        let (values, next) = self.neighbours.store.page(table, self.at.1.clone()).await?;
        for (key, value) in &values {
            match table {
                Table::Contact => self.contact(key, value),
                Table::Account => self.account(value),
                Table::Alias
                | Table::Ticket
                | Table::Undo
                | Table::Registry
                | Table::Dedupe
                | Table::Budget
                | Table::Standing => self.alias(key, value).await?,
                Table::Certificate => {
                    if self.neighbours.issued.forget(key.clone(), value.clone()).await? {
                        metrics::tidied("certificate_forgotten");
                    }
                }
            }
        }
        match next {
            Some(next) => self.at.1 = next,
            None => self.next_table(),
        }
        Ok(())
    }

    fn contact(&self, key: &Key, value: &Value) {
        let (Some(contact), Ok(record)) = (ContactRecord::contact_of(key), ContactRecord::decode(value)) else {
            return;
        };
        if rest(&record, self.neighbours.clock.now(), &self.neighbours.rules) != Rest::Stays {
            self.shards.board(self.shards.of_contact(contact)).tidy(contact);
        }
    }

    fn account(&self, value: &Value) {
        if let Some(phone) = account::due(value, self.neighbours.clock.now()) {
            let key = self.neighbours.keys.account(phone);
            self.shards.tell_account(key, Mail::Account { phone, event: Box::new(AccountEvent::Settle) });
        }
    }

    /// An identifier that Meta replaced leads to a contact that is gone by now.
    async fn alias(&self, key: &Key, value: &Value) -> Result<(), StoreError> {
        let Some(contact) = switchboard::contact_of(value) else { return Ok(()) };
        let known = |contact| self.neighbours.store.get(Table::Contact, ContactRecord::key(contact));
        if known(contact).await?.is_some() {
            return Ok(());
        }
        let board = self.shards.board(self.shards.of_contact(contact));
        if self.neighbours.switchboard.forget(key, contact, || board.oldest(contact).is_some()).await? {
            metrics::tidied("alias_forgotten");
        }
        Ok(())
    }
}

/// Why a page was not swept.
#[derive(Debug, thiserror::Error)]
enum SweepFault {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Desk(#[from] NeighbourError),
}
