//! What a cheap Meta saw of a side while it was measured.

use hdrhistogram::Histogram;

const TIME_US_MAX: u64 = 60_000_000;

/// Times in microseconds.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) turns: u64,
    pub(crate) ack: Histogram<u64>,
    pub(crate) reply: Histogram<u64>,
    /// POSTs that were not answered with 200.
    pub(crate) not_taken: u64,
    /// Replies that did not come, and those that nobody asked for.
    pub(crate) lost: u64,
    pub(crate) more: u64,
    pub(crate) statuses: u64,
}

impl Seen {
    pub(super) fn new() -> anyhow::Result<Self> {
        let times = Histogram::new_with_bounds(1, TIME_US_MAX, 3)?;
        Ok(Self { turns: 0, ack: times.clone(), reply: times, not_taken: 0, lost: 0, more: 0, statuses: 0 })
    }
}
