//! A rate that can be overdrawn: what goes in any case is taken from what others may have later.

use crate::domain::time::{SECOND_MS, Timestamp};

/// One turn, in the unit of a level: a rate of one a second earns one unit a millisecond.
const ONE: i64 = SECOND_MS;
/// Seconds of the rate that may be owed at most: after that long without new turns it is forgiven.
const OWED_S: i64 = 2;

/// A bucket that fills at its rate and holds a quarter of a second of it, at least one.
#[derive(Debug)]
pub(super) struct Bucket {
    per_s: i64,
    level: i64,
    at: Timestamp,
}

impl Bucket {
    pub(super) fn new(per_s: u32, now: Timestamp) -> Self {
        let mut bucket = Self { per_s: i64::from(per_s.max(1)), level: 0, at: now };
        bucket.level = bucket.most();
        bucket
    }

    fn most(&self) -> i64 {
        (self.per_s * ONE / 4).max(ONE)
    }

    fn fill(&mut self, percent: u32, now: Timestamp) {
        // A clock that goes back earns nothing.
        let passed_ms = now.since_ms(self.at).clamp(0, 3_600 * SECOND_MS);
        self.at = now;
        self.level = (self.level + self.per_s * passed_ms * i64::from(percent) / 100).min(self.most());
    }

    /// Whether one may go.
    pub(super) fn has(&mut self, now: Timestamp) -> bool {
        self.has_share(100, now)
    }

    /// The same, filling at a part of the rate since the last look.
    pub(super) fn has_share(&mut self, percent: u32, now: Timestamp) -> bool {
        self.fill(percent, now);
        self.level >= ONE
    }

    /// One goes, whether there was room or not.
    pub(super) fn spend(&mut self, now: Timestamp) {
        if self.at != now {
            self.fill(100, now);
        }
        self.level = (self.level - ONE).max(-self.per_s * ONE * OWED_S);
    }

    /// One goes if there is room.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        let has = self.has(now);
        if has {
            self.spend(now);
        }
        has
    }

    pub(super) fn empty(&mut self, now: Timestamp) {
        (self.level, self.at) = (0, now);
    }

    pub(super) fn per_s(&self) -> i64 {
        self.per_s
    }
}
