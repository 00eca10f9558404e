//! Outbox rows while the journal is read: whole, as long as there are few; past `store.rows_in_memory_max` a row's head
//! and its place are all that is kept, so that a start with millions of them needs no more memory than a run.

use std::collections::BTreeMap;

use crate::ports::{Attempt, OutboxHead, OutboxRow, RowId};
use crate::store::part::{self, Kind, PartError, Stored};
use crate::store::rows::{At, RestoredSend};
use crate::store::seal::Seal;

pub(super) struct Sends<'a> {
    seal: &'a Seal,
    open: BTreeMap<RowId, Kept>,
    /// Rows that are kept whole, and how many may be.
    whole: usize,
    whole_max: usize,
}

struct Kept {
    at: At,
    bytes: u32,
    attempted: Attempt,
    content: Content,
}

enum Content {
    /// Most rows are closed again, so they stay sealed until the end.
    Sealed {
        clear: Vec<u8>,
        sealed: Vec<u8>,
    },
    Head(OutboxHead),
}

impl<'a> Sends<'a> {
    pub(super) fn new(seal: &'a Seal, whole_max: usize) -> Self {
        Self { seal, open: BTreeMap::new(), whole: 0, whole_max }
    }

    pub(super) fn insert(&mut self, id: RowId, stored: &Stored<'_>, at: At) {
        self.remove(id);
        let bytes = u32::try_from(stored.sealed.len()).unwrap_or(u32::MAX);
        let head = (self.whole >= self.whole_max)
            .then(|| row(self.seal, id, stored.own_clear(), stored.sealed).ok())
            .flatten()
            .map(|row| Content::Head(row.head()));
        // One that does not open stops the start, unless it is closed again.
        let content = head.unwrap_or_else(|| {
            self.whole += 1;
            Content::Sealed { clear: stored.own_clear().to_vec(), sealed: stored.sealed.to_vec() }
        });
        self.open.insert(id, Kept { at, bytes, attempted: Attempt::Never, content });
    }

    pub(super) fn remove(&mut self, id: RowId) {
        if let Some(Kept { content: Content::Sealed { .. }, .. }) = self.open.remove(&id) {
            self.whole -= 1;
        }
    }

    pub(super) fn attempt(&mut self, id: RowId, attempted: Attempt) {
        if let Some(kept) = self.open.get_mut(&id) {
            kept.attempted = kept.attempted.max(attempted);
        }
    }

    pub(super) fn oldest(&self) -> Option<RowId> {
        self.open.keys().next().copied()
    }

    /// What is open at the end.
    pub(super) fn open(self) -> Result<Vec<RestoredSend>, PartError> {
        let seal = self.seal;
        let opened = |(id, kept): (RowId, Kept)| {
            let Kept { at, bytes, attempted, content } = kept;
            let (head, row) = match content {
                Content::Sealed { clear, sealed } => {
                    let row = row(seal, id, &clear, &sealed)?;
                    (row.head(), Some(row))
                }
                Content::Head(head) => (head, None),
            };
            Ok(RestoredSend { id, head, row, bytes, attempted, at })
        };
        self.open.into_iter().map(opened).collect()
    }
}

fn row(seal: &Seal, id: RowId, clear: &[u8], sealed: &[u8]) -> Result<OutboxRow, PartError> {
    part::body(seal, Kind::OpenOutbox, id.lsn, clear, sealed)
}
