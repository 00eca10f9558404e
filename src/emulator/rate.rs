//! A token bucket in eight bytes: the moment at which it will be full again.

use crate::domain::time::Timestamp;

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) interval_us: i64,
    pub(super) burst: i64,
}

/// The pair limit: 45 at once, one more each 6 s (cloud-api.md 6).
pub(super) const PAIR: Rate = Rate { interval_us: 6_000_000, burst: 45 };

impl Rate {
    /// So many a second, as many at once.
    pub(super) fn per_s(messages_per_s: u32) -> Self {
        let messages = i64::from(messages_per_s.max(1));
        Self { interval_us: 1_000_000 / messages, burst: messages }
    }
}

/// One bucket, full when new.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    full_at_us: i64,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { full_at_us: i64::MIN / 2 }
    }
}

impl Bucket {
    /// Takes one, unless the bucket is empty.
    pub(super) fn take(&mut self, rate: Rate, now: Timestamp) -> bool {
        let now_us = now.0.saturating_mul(1_000);
        let full_at = self.full_at_us.max(now_us);
        let allowed = full_at - now_us <= (rate.burst - 1) * rate.interval_us;
        if allowed {
            self.full_at_us = full_at + rate.interval_us;
        }
        allowed
    }

    /// Takes one that cannot be refused; the bucket never owes more than it holds.
    pub(super) fn charge(&mut self, rate: Rate, now: Timestamp) {
        let now_us = now.0.saturating_mul(1_000);
        let full_at = self.full_at_us.max(now_us) + rate.interval_us;
        self.full_at_us = full_at.min(now_us + rate.burst * rate.interval_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_one_an_interval() {
        let mut bucket = Bucket::default();
        let start = Timestamp::from_unix_s(1_700_000_000);
        assert_eq!((0..60).filter(|_| bucket.take(PAIR, start)).count(), 45);
        assert!(!bucket.take(PAIR, start.plus_ms(5_999)));
        assert!(bucket.take(PAIR, start.plus_ms(6_000)));
        assert!(!bucket.take(PAIR, start.plus_ms(6_000)));
    }

    #[test]
    fn what_cannot_be_refused_uses_the_bucket_up_but_makes_no_endless_debt() {
        let rate = Rate::per_s(80);
        let mut bucket = Bucket::default();
        let start = Timestamp::from_unix_s(1_700_000_000);
        for _ in 0..500 {
            bucket.charge(rate, start);
        }
        assert!(!bucket.take(rate, start));
        assert!(bucket.take(rate, start.plus_ms(1_000)));
    }
}
