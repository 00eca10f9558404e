//! What the shards' threads have in hand: noted before something from outside is handled, so that whatever it
//! does to the thread or the process, it is known what it was.
//!
//! A thread has one thing in hand at a time, and only while it thinks, never across an await. The note is read
//! by Root when the thread does not come back, and by the next process (`ports::Hands`).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::session::record::ContactRecord;
use super::session::turn::TRIES_MAX;
use crate::domain::contact::ContactId;
use crate::ports::{Hands, Held, Part, Record, Store, StoreError, Table, Troubling, Writer};

/// The hands of all shards.
pub struct InHand {
    /// By shard: which generation holds what.
    held: Vec<Mutex<Option<(u32, Held)>>>,
    port: Arc<dyn Hands>,
}

/// Nothing outlives this process: for tests without a disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forgetful;

impl Hands for Forgetful {
    fn hold(&self, _: u16, _: Option<Held>) {}

    fn left_behind(&self) -> Vec<Held> {
        Vec::new()
    }

    fn forget(&self) {}
}

/// Puts down what was held, also when its handling panics.
struct Putting<'a> {
    hands: &'a InHand,
    writer: Writer,
}

impl Drop for Putting<'_> {
    fn drop(&mut self) {
        let mut held = self.hands.lock(self.writer.shard);
        // A thread that was given up and comes back must not put down what the new one holds.
        if held.is_some_and(|(generation, _)| generation == self.writer.generation) {
            *held = None;
            self.hands.port.hold(self.writer.shard, None);
        }
    }
}

impl InHand {
    pub fn new(shards: usize, port: Arc<dyn Hands>) -> Self {
        Self { held: (0..shards.max(1)).map(|_| Mutex::default()).collect(), port }
    }

    fn lock(&self, shard: u16) -> MutexGuard<'_, Option<(u32, Held)>> {
        self.held[usize::from(shard) % self.held.len()].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `handle` with this in hand.
    pub fn hold<T>(&self, writer: Writer, held: Option<Held>, handle: impl FnOnce() -> T) -> T {
        let Some(held) = held else { return handle() };
        {
            let mut place = self.lock(writer.shard);
            if place.is_none_or(|(generation, _)| generation <= writer.generation) {
                *place = Some((writer.generation, held));
                self.port.hold(writer.shard, Some(held));
            }
        }
        let _putting = Putting { hands: self, writer };
        handle()
    }

    /// What a shard's thread has in hand now.
    pub fn holding(&self, shard: usize) -> Option<Held> {
        self.lock(u16::try_from(shard).unwrap_or(u16::MAX)).map(|(_, held)| held)
    }

    /// Counts a try for everything that was in hand when the process before this one ended, durable when it
    /// returns, so before anything is handled again. Rows that are not open any more are nobody's trouble.
    pub async fn count_left_behind(
        &self,
        store: &dyn Store,
        is_open: impl Fn(ContactId, Troubling) -> bool,
    ) -> Result<(), StoreError> {
        let mut tickets = Vec::new();
        let left: BTreeSet<Held> = self.port.left_behind().into_iter().collect();
        for held in left.into_iter().filter(|held| is_open(held.contact, held.what)) {
            let key = ContactRecord::key(held.contact);
            let value = store.get(Table::Contact, key.clone()).await?;
            let mut record = value.map(|value| ContactRecord::decode(&value)).transpose()?.unwrap_or_default();
            let tries = record.tried(held.what);
            record.rev += 1;
            tracing::error!(
                contact.id = held.contact.0,
                tries,
                "the process before this one ended while it handled something of this contact; set aside after {TRIES_MAX}"
            );
            let put = Part::Put { table: Table::Contact, key, value: record.encode() };
            tickets.push(store.append(Record { writer: None, parts: vec![put] })?);
        }
        for ticket in tickets {
            ticket.durable.await.map_err(|_| StoreError::Closed)?;
        }
        self.port.forget();
        Ok(())
    }
}
