//! Open rows: what was accepted and is not handled yet, and what is to be sent and is not settled.
//!
//! After `attach` only ids, sizes and places are kept: a body is needed again only by the next process, or by an
//! outbox that had to let go of it, and is read from the journal ([`At`]). Until `attach` the bodies stay here, so
//! that rows that became durable meanwhile are in `Recovered` and nothing is delivered twice or never. The
//! committer changes rows and delivers under one lock with `attach`, in LSN order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::dead::DeadLetters;
use crate::domain::message::Status;
use crate::ports::{
    Attempt, Closing, DeadLetterHead, Delivery, InboxRow, Inlet, Lsn, OutboxHead, OutboxRow, Recovered, RecoveredSend,
    RowId, Tally,
};

/// Statuses kept for `Recovered`; past it the oldest go. They concern rows that were open at a crash: a few.
pub(super) const STATUSES_MAX: usize = 100_000;

/// What an inbox row takes in memory beside its bytes: it waits there whole, with its contact and its place, so that
/// `store.open_bytes_max` bounds that memory too.
pub(super) const INBOX_ROW_BYTES: u32 = 512;

/// What a record does to rows. An index is that of a row of the record itself.
#[derive(Debug)]
pub(super) enum Change {
    OpenInbox { index: u32, row: InboxRow, bytes: u32 },
    CloseInbox(RowId, Closing),
    OpenOutbox { index: u32, row: OutboxRow, bytes: u32 },
    AttemptOutbox { row: RowId, again: bool },
    CloseOutbox(RowId),
    Status(Status),
    DeadLetter { index: u32, head: DeadLetterHead, bytes: u32 },
    CloseDeadLetter(RowId),
}

/// Where a part stands in the journal. One that is carried stands somewhere else afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    /// The segment's name.
    pub segment: Lsn,
    pub offset: u64,
    pub len: u32,
}

/// A row that is to be sent.
#[derive(Clone, Copy, Debug)]
struct Open {
    bytes: u32,
    attempted: Attempt,
    at: At,
}

#[derive(Default)]
pub(super) struct Rows {
    /// Their bytes.
    inbox: BTreeMap<RowId, u32>,
    outbox: BTreeMap<RowId, Open>,
    pub(super) dead: DeadLetters,
    reader: Reader,
    /// What was accepted, how what was open ended, and up to which record that is known.
    closed: Tally,
    through: Lsn,
}

enum Reader {
    /// Nobody listens yet.
    Waiting(Box<Bodies>),
    Attached(Arc<dyn Inlet>),
}

/// The bodies of open rows, for whoever attaches.
#[derive(Debug, Default)]
struct Bodies {
    inbox: BTreeMap<RowId, InboxRow>,
    /// The rows themselves as far as they are kept in memory.
    outbox: BTreeMap<RowId, (OutboxHead, Option<OutboxRow>)>,
    statuses: VecDeque<(Lsn, Status)>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::Waiting(Box::default())
    }
}

/// What a start finds open.
#[derive(Default)]
pub(super) struct Restored {
    pub inbox: Vec<(RowId, InboxRow, u32)>,
    pub outbox: Vec<RestoredSend>,
    pub statuses: Vec<(Lsn, Status)>,
    pub dead: DeadLetters,
}

/// A row that a start finds to be sent; itself only as far as rows are kept in memory.
pub(super) struct RestoredSend {
    pub id: RowId,
    pub head: OutboxHead,
    pub row: Option<OutboxRow>,
    pub bytes: u32,
    pub attempted: Attempt,
    pub at: At,
}

impl Rows {
    pub(super) fn restored(restored: Restored, closed: Tally, through: Lsn) -> Self {
        let mut rows = Self { closed, through, ..Self::default() };
        let mut bodies = Box::<Bodies>::default();
        for (id, row, bytes) in restored.inbox {
            rows.inbox.insert(id, bytes);
            bodies.inbox.insert(id, row);
        }
        for RestoredSend { id, head, row, bytes, attempted, at } in restored.outbox {
            rows.outbox.insert(id, Open { bytes, attempted, at });
            bodies.outbox.insert(id, (head, row));
        }
        for (lsn, status) in restored.statuses {
            bodies.keep_status(lsn, status);
        }
        rows.dead = restored.dead;
        rows.reader = Reader::Waiting(bodies);
        rows
    }

    /// Does a record's changes. `at`: where its parts that open outbox rows stand, in order. Gives the bytes of
    /// the rows it closed.
    pub(super) fn apply(
        &mut self,
        lsn: Lsn,
        changes: Vec<Change>,
        mut at: impl Iterator<Item = At>,
        deliveries: &mut Vec<Delivery>,
    ) -> u64 {
        self.through = lsn;
        changes.into_iter().map(|change| self.apply_one(lsn, change, &mut at, deliveries)).sum()
    }

    fn apply_one(
        &mut self,
        lsn: Lsn,
        change: Change,
        at: &mut impl Iterator<Item = At>,
        deliveries: &mut Vec<Delivery>,
    ) -> u64 {
        match change {
            Change::OpenInbox { index, row, bytes } => {
                let id = RowId { lsn, index };
                self.inbox.insert(id, bytes);
                match &mut self.reader {
                    Reader::Waiting(bodies) => drop(bodies.inbox.insert(id, row)),
                    Reader::Attached(_) => deliveries.push(Delivery::Inbox { id, row }),
                }
                0
            }
            Change::OpenOutbox { index, row, bytes } => {
                let id = RowId { lsn, index };
                let at = at.next().unwrap_or_else(|| unreachable!("a part that opens a row was written"));
                self.outbox.insert(id, Open { bytes, attempted: Attempt::Never, at });
                match &mut self.reader {
                    Reader::Waiting(bodies) => drop(bodies.outbox.insert(id, (row.head(), Some(row)))),
                    Reader::Attached(_) => deliveries.push(Delivery::Outbox { id, row }),
                }
                0
            }
            Change::CloseInbox(id, how) => {
                if let Reader::Waiting(bodies) = &mut self.reader {
                    bodies.inbox.remove(&id);
                }
                let Some(bytes) = self.inbox.remove(&id) else { return 0 };
                self.closed.close(how);
                bytes.into()
            }
            Change::AttemptOutbox { row, again } => {
                if let Some(open) = self.outbox.get_mut(&row) {
                    open.attempted = open.attempted.and(again);
                }
                0
            }
            Change::CloseOutbox(id) => {
                if let Reader::Waiting(bodies) = &mut self.reader {
                    bodies.outbox.remove(&id);
                }
                self.outbox.remove(&id).map_or(0, |open| open.bytes.into())
            }
            Change::Status(status) => {
                match &mut self.reader {
                    Reader::Waiting(bodies) => bodies.keep_status(lsn, status),
                    Reader::Attached(_) => deliveries.push(Delivery::Status(status)),
                }
                0
            }
            Change::DeadLetter { index, head, bytes } => {
                self.dead.add(RowId { lsn, index }, head, bytes, lsn);
                0
            }
            Change::CloseDeadLetter(id) => {
                self.dead.remove(id);
                0
            }
        }
    }

    /// Hands deliveries over; nobody to hand to: they wait for `attach` as bodies.
    pub(super) fn deliver(&self, deliveries: Vec<Delivery>) {
        if let Reader::Attached(inlet) = &self.reader
            && !deliveries.is_empty()
        {
            inlet.deliver(deliveries);
        }
    }

    /// Gives all that is open (timers are not here) and delivers to `inlet` from now on.
    pub(super) fn attach(&mut self, inlet: Arc<dyn Inlet>) -> Recovered {
        let Reader::Waiting(bodies) = std::mem::replace(&mut self.reader, Reader::Attached(inlet)) else {
            return Recovered::default();
        };
        let oldest = self.oldest_outbox();
        let after_oldest = |lsn: Lsn| oldest.is_some_and(|oldest| lsn > oldest);
        let attempted = |id: &RowId| self.outbox.get(id).map(|open| open.attempted).unwrap_or_default();
        let outbox = bodies.outbox.into_iter();
        Recovered {
            inbox: bodies.inbox.into_iter().collect(),
            outbox: outbox
                .map(|(id, (head, row))| RecoveredSend { id, head, row, attempted: attempted(&id) })
                .collect(),
            timers: Vec::new(),
            statuses: bodies.statuses.into_iter().filter(|kept| after_oldest(kept.0)).map(|kept| kept.1).collect(),
        }
    }

    /// Takes what waits out of what `attach` will hand over. The rows stay open until a record closes them.
    pub(super) fn withhold_inbox(&mut self) -> Vec<(RowId, InboxRow)> {
        match &mut self.reader {
            Reader::Waiting(bodies) => std::mem::take(&mut bodies.inbox).into_iter().collect(),
            Reader::Attached(_) => Vec::new(),
        }
    }

    /// Whether an inbox row is open.
    pub(super) fn is_waiting(&self, id: RowId) -> bool {
        self.inbox.contains_key(&id)
    }

    /// How often an outbox row was attempted; `None`: it is not open.
    pub(super) fn attempted(&self, id: RowId) -> Option<Attempt> {
        self.outbox.get(&id).map(|open| open.attempted)
    }

    /// Where an outbox row stands; `None`: it is not open.
    pub(super) fn at(&self, id: RowId) -> Option<At> {
        self.outbox.get(&id).map(|open| open.at)
    }

    /// An outbox row was carried.
    pub(super) fn carried(&mut self, id: RowId, at: At) {
        if let Some(open) = self.outbox.get_mut(&id) {
            open.at = at;
        }
    }

    /// The record of the oldest row that is to be sent.
    pub(super) fn oldest_outbox(&self) -> Option<Lsn> {
        self.outbox.keys().next().map(|row| row.lsn)
    }

    /// Rows were accepted: told by the committer, which wrote them.
    pub(super) fn accepted(&mut self, rows: u64) {
        self.closed.accepted += rows;
    }

    /// The last record whose changes are in.
    pub(super) fn through(&self) -> Lsn {
        self.through
    }

    /// Where all went; what is pending is counted where it is.
    pub(super) fn tally(&self) -> Tally {
        Tally { pending: self.inbox.len() as u64, ..self.closed }
    }

    /// Rows waiting and to be sent.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.inbox.len(), self.outbox.len())
    }
}

impl Bodies {
    /// A status can only name a row that was born before it, and only an open one matters.
    fn keep_status(&mut self, lsn: Lsn, status: Status) {
        if self.outbox.is_empty() || status.tag.is_none() {
            return;
        }
        if self.statuses.len() == STATUSES_MAX {
            self.statuses.pop_front();
        }
        self.statuses.push_back((lsn, status));
    }
}
