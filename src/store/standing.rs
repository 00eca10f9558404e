//! What is open at a place in the journal, by reading it: for whoever has no rows in memory to ask.
//!
//! Two passes, because most of what is written is closed again and the rest may be large: the first keeps names
//! ([`Standing::record`] for every record, then [`Standing::end`]), the second takes what stands
//! ([`Standing::of`]). A part that was carried counts where it was written last.
//!
//! And the state of a store as one figure ([`State`]): two stores with the same have the same table and the same
//! rows open. It is made of what rests on the disk, sealed, so it tells nothing of it.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::part::{self, Body, Encoded, Kind, Place, Stored};
use super::rows::STATUSES_MAX;
use crate::ports::{Attempt, Lsn, RowId};

#[derive(Clone, Copy, Debug)]
struct Stand {
    attempted: Attempt,
    /// The record that holds it.
    written: Lsn,
}

#[derive(Debug, Default)]
pub(super) struct Standing {
    /// By kind (as it is written first) and name.
    rows: BTreeMap<(u8, RowId), Stand>,
    /// Only those later than the oldest row to be sent count in the end.
    statuses: BTreeMap<RowId, Stand>,
}

/// Something that is open, as a record holds it.
pub(super) struct Open<'a> {
    kind: Kind,
    id: RowId,
    attempted: Attempt,
    clear: &'a [u8],
    sealed: &'a [u8],
}

/// Parts that stay open until something closes them, each with its first kind, name, and how often it was attempted.
fn named<'a>(lsn: Lsn, parts: &[Stored<'a>]) -> Vec<(Kind, RowId, Attempt, Stored<'a>)> {
    let mut statuses = 0..;
    let named = |stored: &Stored<'a>| {
        let (id, attempted) = match (stored.kind, stored.place) {
            (Kind::OpenInbox | Kind::OpenOutbox, Place::Born(index, _)) | (Kind::DeadLetter, Place::Nth(index)) => {
                (RowId { lsn, index }, Attempt::Never)
            }
            (Kind::Status, _) => (RowId { lsn, index: statuses.next().unwrap_or_default() }, Attempt::Never),
            (_, Place::Carried { id, attempted }) => (id, attempted),
            _ => return None,
        };
        Some((stored.kind.first(), id, attempted, *stored))
    };
    parts.iter().filter_map(named).collect()
}

impl Standing {
    /// Takes note of a record; in the journal's order.
    pub(super) fn record(&mut self, lsn: Lsn, parts: &[Stored<'_>]) {
        for (kind, id, attempted, _) in named(lsn, parts) {
            let stand = Stand { attempted, written: lsn };
            if kind == Kind::Status {
                self.statuses.insert(id, stand);
                if self.statuses.len() > STATUSES_MAX {
                    self.statuses.pop_first();
                }
            } else {
                self.rows.insert((kind as u8, id), stand);
            }
        }
        let row = |kind: Kind, row| (kind as u8, row);
        for stored in parts {
            match (stored.kind, stored.place) {
                (Kind::CloseInbox, Place::Row(id)) => {
                    self.rows.remove(&row(Kind::OpenInbox, id));
                }
                (Kind::CloseOutbox, Place::Row(id)) => {
                    self.rows.remove(&row(Kind::OpenOutbox, id));
                }
                (Kind::CloseDeadLetter, Place::Row(id)) => {
                    self.rows.remove(&row(Kind::DeadLetter, id));
                }
                (Kind::AttemptOutbox, Place::Row(id)) => {
                    if let Some(stand) = self.rows.get_mut(&row(Kind::OpenOutbox, id)) {
                        stand.attempted = stand.attempted.and(stored.again());
                    }
                }
                (_, _) => {}
            }
        }
    }

    /// All records have been seen.
    pub(super) fn end(&mut self) {
        let outbox = Kind::OpenOutbox as u8;
        let oldest = self.rows.keys().find(|(kind, _)| *kind == outbox).map(|(_, id)| id.lsn);
        self.statuses.retain(|id, _| oldest.is_some_and(|oldest| id.lsn > oldest));
    }

    /// What of a record is open in the end.
    pub(super) fn of<'a>(&self, lsn: Lsn, parts: &[Stored<'a>]) -> Vec<Open<'a>> {
        let open = |(kind, id, _, stored): (Kind, RowId, Attempt, Stored<'a>)| {
            let stand = if kind == Kind::Status { self.statuses.get(&id) } else { self.rows.get(&(kind as u8, id)) };
            let Stand { attempted, .. } = *stand.filter(|stand| stand.written == lsn)?;
            Some(Open { kind, id, attempted, clear: stored.own_clear(), sealed: stored.sealed })
        };
        named(lsn, parts).into_iter().filter_map(open).collect()
    }
}

impl Open<'_> {
    /// As it is written into a later place.
    pub(super) fn encode(&self) -> Encoded {
        let clear = part::carried_clear(self.id, self.attempted, self.clear);
        Encoded { kind: self.kind.carrying(), clear, body: Body::Sealed(self.sealed.to_vec()) }
    }
}

/// All that a store holds, as one figure; in whatever order it is added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State(pub [u8; 32]);

impl State {
    fn add(&mut self, kind: u8, parts: &[&[u8]]) {
        let mut digest = Sha256::new();
        digest.update([kind]);
        for part in parts {
            // Length first, so that no two lists of parts read the same.
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        let digest: [u8; 32] = digest.finalize().into();
        self.0.iter_mut().zip(digest).for_each(|(sum, byte)| *sum ^= byte);
    }

    /// A pair of the table.
    pub(super) fn pair(&mut self, key: &[u8], bytes: &[u8]) {
        self.add(0, &[key, bytes]);
    }

    pub(super) fn open(&mut self, open: &Open<'_>) {
        let Open { kind, id, attempted, clear, sealed } = open;
        self.add(*kind as u8, &[id.to_string().as_bytes(), &[*attempted as u8], clear, sealed]);
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
