//! What a ministry's own desk has to be told, kept with the reports until it has taken it.
//!
//! Invariants: a change and what is to be told of it are one record, so that neither is there without the other,
//! whenever the process ends; what is told of one report is told in its order; it has the same id and the same content
//! however often it is told. A report keeps [`UNTOLD_MAX`] of them: then further words take the place of the words
//! before them, as they do in the report itself.
//!
//! What does not belong here: how it is told (`ministry`), when, and what a refusal means (`actors::courier`).

use std::sync::{Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::head::Head;
use super::shelf::{self, Fault, Shelf, VERSION};
use super::{Desk, SLICES};
use crate::domain::message::Text;
use crate::domain::ticket::{TicketNumber, TicketState};
use crate::domain::time::Timestamp;
use crate::ports::{Change, Key, NeighbourError, Part, Table, Telling, Untold, Value};

/// Changes of one report that wait to be told.
const UNTOLD_MAX: usize = 20;
/// Reports whose change nobody has asked for yet; past it all that is left is looked for in the store.
const FRESH_MAX: usize = 65_536;

/// A change as it rests: the report as it stood, as far as it changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    change: Change,
    at: Timestamp,
    state: TicketState,
    due: Timestamp,
    words: Option<Text>,
}

/// A change that was not told yet.
pub(super) struct Left {
    serial: u32,
    kept: Kept,
}

/// Says that there is something to tell.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: Notify,
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    /// What is left in the store is to be looked for.
    all: bool,
    fresh: Vec<TicketNumber>,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { all: true, fresh: Vec::new() }
    }
}

impl Bell {
    fn ring(&self, number: TicketNumber) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.fresh.len() < FRESH_MAX {
            waiting.fresh.push(number);
        } else {
            waiting.all = true;
        }
        drop(waiting);
        self.rung.notify_one();
    }
}

impl Left {
    pub(super) fn settled(&self, number: TicketNumber) -> Part {
        Part::Delete { table: Table::Ticket, key: untold_key(number, self.serial) }
    }
}

impl Shelf {
    /// The changes of a report that were not told yet, the oldest first.
    pub(super) async fn untold(&self, number: TicketNumber) -> Result<Vec<Left>, Fault> {
        let prefix = shelf::key(b'o', &[&number.number().to_be_bytes()]);
        let values = self.store.scan(Table::Ticket, prefix.clone()).await?;
        let left = |(key, value): &(Key, Value)| {
            let serial = key.get(prefix.len()..).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
            let kept = value.decode(VERSION, &[]).map_err(|fault| shelf::unreadable(&fault))?;
            Ok(serial.map(|serial| Left { serial, kept }))
        };
        values.iter().filter_map(|row| left(row).transpose()).collect()
    }

    /// What keeps a change until it is told.
    async fn keep(
        &self,
        head: &mut Head,
        change: Change,
        words: Option<Text>,
        at: Timestamp,
    ) -> Result<Vec<Part>, Fault> {
        let number = head.ticket.number;
        let mut parts = Vec::new();
        let untold = self.untold(number).await?;
        if let Some(last) = untold.last().filter(|_| untold.len() >= UNTOLD_MAX)
            && (last.kept.change, change) == (Change::Words, Change::Words)
        {
            parts.push(last.settled(number));
        }
        head.serial += 1;
        let (state, due) = (head.ticket.state.clone(), head.ticket.due);
        let kept = Kept { change, at, state, due, words: words.map(shelf::cut) };
        parts.push(shelf::put(untold_key(number, head.serial), &kept));
        parts.push(shelf::put(left_key(number), &()));
        Ok(parts)
    }
}

impl Desk {
    /// Writes a changed report down, with what a ministry's desk has to be told of it.
    pub(super) async fn change(
        &self,
        head: &mut Head,
        change: Change,
        words: Option<Text>,
        mut parts: Vec<Part>,
    ) -> Result<(), NeighbourError> {
        if self.bell.is_some() {
            parts.extend(self.shelf.keep(head, change, words, self.clock.now()).await?);
        }
        parts.push(head.written());
        self.shelf.write(parts).await?;
        if let Some(bell) = &self.bell {
            bell.ring(head.ticket.number);
        }
        Ok(())
    }

    async fn left(&self) -> Result<Vec<TicketNumber>, NeighbourError> {
        let mut numbers = Vec::new();
        for slice in 0..SLICES {
            let rows =
                self.shelf.store.scan(Table::Ticket, shelf::key(b'u', &[&[slice]])).await.map_err(Fault::from)?;
            let number = |key: &[u8]| Some(u32::from_be_bytes(key.get(1..)?.try_into().ok()?));
            numbers.extend(rows.iter().filter_map(|(key, _)| number(key)).filter_map(TicketNumber::new));
        }
        Ok(numbers)
    }

    async fn wait_for_fresh(&self) -> Result<Vec<TicketNumber>, NeighbourError> {
        let Some(bell) = &self.bell else { return std::future::pending().await };
        loop {
            let (all, fresh) = {
                let mut waiting = bell.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                (std::mem::take(&mut waiting.all), std::mem::take(&mut waiting.fresh))
            };
            if all {
                // What came meanwhile is among them: it was rung for behind its record.
                let left = self.left().await;
                if left.is_err() {
                    bell.waiting.lock().unwrap_or_else(PoisonError::into_inner).all = true;
                }
                return left;
            }
            if !fresh.is_empty() {
                return Ok(fresh);
            }
            bell.rung.notified().await;
        }
    }

    async fn next_untold(&self, number: TicketNumber) -> Result<Option<Telling>, NeighbourError> {
        // A change that is being written is not durable yet.
        let _alone = self.writing.lock().await;
        let Some(Left { serial, kept }) = self.shelf.untold(number).await?.into_iter().next() else { return Ok(None) };
        let Some(Head { mut ticket, .. }) = self.shelf.head(number).await? else { return Ok(None) };
        (ticket.state, ticket.due) = (kept.state, kept.due);
        Ok(Some(Telling { report: ticket, serial, change: kept.change, at: kept.at, words: kept.words }))
    }

    async fn settle(&self, number: TicketNumber, serial: u32) -> Result<bool, NeighbourError> {
        let _alone = self.writing.lock().await;
        let untold = self.shelf.untold(number).await?;
        let more = untold.iter().any(|left| left.serial != serial);
        let told = untold.iter().filter(|left| left.serial == serial);
        let mut parts: Vec<Part> = told.map(|left| left.settled(number)).collect();
        if !more {
            parts.push(nothing_left(number));
        }
        self.shelf.write(parts).await?;
        Ok(more)
    }
}

impl Untold for Desk {
    fn fresh(&self) -> BoxFuture<'_, Result<Vec<TicketNumber>, NeighbourError>> {
        self.wait_for_fresh().boxed()
    }

    fn look_again(&self) {
        if let Some(bell) = &self.bell {
            bell.waiting.lock().unwrap_or_else(PoisonError::into_inner).all = true;
            bell.rung.notify_one();
        }
    }

    fn next(&self, report: TicketNumber) -> BoxFuture<'_, Result<Option<Telling>, NeighbourError>> {
        self.next_untold(report).boxed()
    }

    fn told(&self, report: TicketNumber, serial: u32) -> BoxFuture<'_, Result<bool, NeighbourError>> {
        self.settle(report, serial).boxed()
    }
}

/// A report has nothing untold.
pub(super) fn nothing_left(number: TicketNumber) -> Part {
    Part::Delete { table: Table::Ticket, key: left_key(number) }
}

fn untold_key(number: TicketNumber, serial: u32) -> Key {
    shelf::key(b'o', &[&number.number().to_be_bytes(), &serial.to_be_bytes()])
}

fn left_key(number: TicketNumber) -> Key {
    shelf::key(b'u', &[&number.number().to_be_bytes()])
}
