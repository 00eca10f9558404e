//! How many open rows are in memory, all shards together.
//!
//! Past the bound a row that comes keeps its head only: whose turn it is can be told from that. When it is to leave,
//! it is read back from the journal, with those behind it that may leave merged with it; and whatever did not leave
//! after all is let go of again. So the bound is exceeded by what is in the air at most, each with
//! [`READ_BACK_MAX`] rows.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Lanes;
use super::inner::Inner;
use crate::actors::outbox::lane::Lane;
use crate::domain::contact::ContactId;
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::ports::{OutboxRow, RowId};

/// Rows of one contact that are read back at once.
pub const READ_BACK_MAX: usize = 64;

/// The rows of all lanes that are in memory.
#[derive(Debug)]
pub struct RowsInMemory {
    max: usize,
    here: AtomicUsize,
    most: AtomicUsize,
}

impl Default for RowsInMemory {
    /// Without a bound.
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl RowsInMemory {
    pub fn new(max: usize) -> Self {
        Self { max, here: AtomicUsize::new(0), most: AtomicUsize::new(0) }
    }

    pub fn count(&self) -> usize {
        self.here.load(Ordering::Relaxed)
    }

    /// The most there ever were.
    pub fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    pub(super) fn has_room(&self) -> bool {
        self.count() < self.max
    }

    pub(super) fn change(&self, before: usize, after: usize) {
        if after > before {
            let here = self.here.fetch_add(after - before, Ordering::Relaxed) + after - before;
            self.most.fetch_max(here, Ordering::Relaxed);
        } else if after < before {
            self.here.fetch_sub(before - after, Ordering::Relaxed);
        }
    }
}

impl Lanes {
    /// Rows that were asked for; `None`: not now. One that is not among them is not open any more.
    pub fn read_back(
        &self,
        contact: ContactId,
        asked: &[RowId],
        rows: Option<Vec<(RowId, OutboxRow)>>,
        now: Timestamp,
    ) {
        let mut inner = self.lock();
        let place = inner.reading.remove(&contact);
        if let Some(rows) = rows {
            let gone: Vec<RowId> =
                asked.iter().filter(|id| rows.iter().all(|(read, _)| read != *id)).copied().collect();
            inner.change(contact, |lane| {
                lane.fill(rows);
                for id in gone {
                    lane.remove(id);
                }
            });
            if let Some(place) = place.filter(|_| inner.lanes.contains_key(&contact)) {
                // Before all others: what is read for those in front never piles up.
                inner.ready.first(contact, place);
            }
            inner.make_ready(contact);
        } else {
            inner.later.insert((now.plus_ms(SECOND_MS), contact));
        }
        inner.drop_if_empty(contact);
        drop(inner);
        self.ring();
    }
}

impl Inner {
    /// What did not leave goes back to the journal, where there is no room for it.
    pub(super) fn let_go_past_bound(&mut self, contact: ContactId) {
        if self.memory.count() > self.memory.max {
            self.change(contact, Lane::let_go);
        }
    }
}
