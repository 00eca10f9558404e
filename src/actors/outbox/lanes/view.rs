//! Lanes in figures.

use super::Lanes;
use crate::domain::time::Timestamp;

/// Figures of the lanes, for `/actors`.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct LanesView {
    pub contacts: usize,
    pub rows_open: usize,
    pub in_flight: usize,
    pub statuses: usize,
    /// When a send that waits may leave.
    pub next_due: Option<Timestamp>,
}

impl Lanes {
    /// Rows that are not settled.
    pub fn open(&self) -> usize {
        self.lock().open
    }

    /// Nothing in the air, and nothing that would leave now.
    pub fn at_rest(&self) -> bool {
        let inner = self.lock();
        !inner.in_hand
            && inner.flying == 0
            && inner.reading.is_empty()
            && inner.ready.is_at_rest()
            && inner.ended.is_empty()
            && inner.settled.is_empty()
            && inner.statuses.is_empty()
    }

    /// Whether the outbox has something to do at `now`.
    pub fn has_work(&self, now: Timestamp) -> bool {
        let inner = self.lock();
        let due = inner.later.first().is_some_and(|(at, _)| *at <= now);
        inner.in_hand || due || !inner.ready.is_at_rest() || !inner.ended.is_empty() || !inner.statuses.is_empty()
    }

    /// Figures for `/actors`.
    pub fn view(&self) -> LanesView {
        let inner = self.lock();
        LanesView {
            contacts: inner.lanes.len(),
            rows_open: inner.open,
            in_flight: inner.flying,
            statuses: inner.statuses.len(),
            next_due: inner.later.first().map(|(at, _)| *at),
        }
    }
}
