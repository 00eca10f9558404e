//! What outlives its segment: open rows, statuses that may still matter, dead letters.
//!
//! Before a segment goes, these are appended again under the ids they have, sealed as they were. The record is
//! an ordinary one for the journal, so a damaged one is found like any other. It stands in a group of its own:
//! only then does the committer know which rows are still open at exactly its LSN, and a row that was closed
//! meanwhile never comes back.

use super::part::{self, Body, Encoded, Kind, Place, Stored};
use super::rows::Rows;
use crate::ports::{Lsn, RowId};

/// Of one record; several make up what a segment leaves.
const RECORD_BYTES_MAX: usize = 2 << 20;

/// Statuses that one trimming carries; past it the oldest go. They concern rows that were open at a crash: a few.
pub(super) const STATUSES_MAX: usize = 10_000;

/// A part that was written first at `id`.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    pub kind: Kind,
    pub id: RowId,
    clear: Vec<u8>,
    sealed: Vec<u8>,
}

impl Carried {
    /// The parts of a record that could have to be carried; statuses only if they are later than `oldest`, the
    /// oldest row that is still to be sent.
    pub(super) fn all_of(lsn: Lsn, parts: &[Stored<'_>], oldest: Option<Lsn>) -> Vec<Self> {
        let mut statuses = 0..;
        let carried = |stored: &Stored<'_>| {
            let (kind, id) = match (stored.kind, stored.place) {
                (Kind::OpenInbox | Kind::OpenOutbox, Place::Born(index, _)) | (Kind::DeadLetter, Place::Nth(index)) => {
                    (stored.kind, RowId { lsn, index })
                }
                (Kind::Status, _) => (Kind::Status, RowId { lsn, index: statuses.next().unwrap_or_default() }),
                (kind, Place::Carried { id, .. }) => (kind.first(), id),
                _ => return None,
            };
            let wanted = kind != Kind::Status || oldest.is_some_and(|oldest| id.lsn > oldest);
            wanted.then(|| Self { kind, id, clear: stored.own_clear().to_vec(), sealed: stored.sealed.to_vec() })
        };
        parts.iter().filter_map(carried).collect()
    }

    pub(super) fn bytes(&self) -> usize {
        self.clear.len() + self.sealed.len() + 32
    }

    /// Statuses are never closed.
    pub(super) fn is_open(&self, rows: &Rows) -> bool {
        if self.kind == Kind::OpenInbox {
            rows.is_waiting(self.id)
        } else if self.kind == Kind::DeadLetter {
            rows.dead.holds(self.id)
        } else {
            self.kind != Kind::OpenOutbox || rows.attempted(self.id).is_some()
        }
    }

    /// As it is written at the head; `None`: its row has been closed.
    pub(super) fn encode(&self, rows: &Rows) -> Option<Encoded> {
        if !self.is_open(rows) {
            return None;
        }
        let attempted = rows.attempted(self.id).filter(|_| self.kind == Kind::OpenOutbox).unwrap_or_default();
        let clear = part::carried_clear(self.id, attempted, &self.clear);
        Some(Encoded { kind: self.kind.carrying(), clear, body: Body::Sealed(self.sealed.clone()) })
    }
}

/// Cuts what is carried into records.
pub(super) fn records(carried: Vec<Carried>) -> Vec<Vec<Carried>> {
    let mut records: Vec<Vec<Carried>> = Vec::new();
    let mut bytes = 0;
    for one in carried {
        bytes += one.bytes();
        if let Some(record) = records.last_mut().filter(|_| bytes <= RECORD_BYTES_MAX) {
            record.push(one);
        } else {
            bytes = one.bytes();
            records.push(vec![one]);
        }
    }
    records
}
