//! What the committer takes out of the queue at once, and when it is worth waiting for more.

use std::time::{Duration, Instant};

/// Over so long it is seen how many records come.
const LOOK: Duration = Duration::from_millis(50);

/// What the committer gets when it asks for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Taken {
    Group,
    /// Nothing came for a while.
    Idle,
    /// Closed, and all that had entered is written.
    Drained,
    /// Dropped: what is still queued was never promised.
    Stopped,
}

/// How groups are formed.
pub(in crate::store) struct Limits {
    pub records_max: usize,
    pub bytes_max: usize,
    /// A smaller group waits for more, for `gather` at most.
    pub gather_below: usize,
    pub gather: Duration,
}

/// How fast records come, by what was taken lately.
#[derive(Debug)]
pub(super) struct Pace {
    since: Instant,
    taken: u32,
    /// Of the last look: so many, over so long.
    seen: (u32, Duration),
}

impl Pace {
    /// Nothing was seen yet: it may be the start of a rush, so all is waited for.
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, taken: 0, seen: (1, Duration::ZERO) }
    }

    /// Whether one more record is to be expected within this time.
    pub(super) fn expects_one(&mut self, now: Instant, within: Duration) -> bool {
        let over = now.saturating_duration_since(self.since);
        if over >= LOOK {
            self.seen = (self.taken, over);
            (self.since, self.taken) = (now, 0);
        }
        let (taken, over) = self.seen;
        within.saturating_mul(taken) >= over
    }

    /// So many were taken.
    pub(super) fn took(&mut self, records: usize) {
        self.taken = self.taken.saturating_add(u32::try_from(records).unwrap_or(u32::MAX));
    }
}
