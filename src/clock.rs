//! The machine's clock, and one that a test owns.
//!
//! Nobody else reads the time of day (clippy forbids it), so a test that owns the clock owns all waiting.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::time::Timestamp;
use crate::ports::Clock;

/// The machine's time of day. Never goes back: while the machine's clock is set back, it stands still.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest_ms: AtomicI64,
}

/// A clock that stands until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[allow(clippy::disallowed_methods)] // the one place where the machine's time comes in
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.latest_ms.fetch_max(now_ms, Ordering::Relaxed).max(now_ms))
    }
}

impl ManualClock {
    pub fn at(now: Timestamp) -> Self {
        Self { now_ms: AtomicI64::new(now.0) }
    }

    /// Moves the clock to a moment, earlier ones too.
    pub fn set(&self, now: Timestamp) {
        self.now_ms.store(now.0, Ordering::SeqCst);
    }

    /// Moves the clock on by `ms` and says what it shows then.
    pub fn advance(&self, ms: i64) -> Timestamp {
        Timestamp(self.now_ms.fetch_add(ms, Ordering::SeqCst).saturating_add(ms))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now_ms.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_clock_is_past_this_codes_birth_and_never_goes_back() {
        let clock = SystemClock::default();
        let first = clock.now();
        assert!(first.0 > 1_700_000_000_000, "{first:?}");
        clock.latest_ms.store(first.0 + 60_000, Ordering::Relaxed);
        assert_eq!(clock.now(), first.plus_ms(60_000), "set back by a minute, the clock stands");
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(Timestamp(5));
        assert_eq!(clock.now(), Timestamp(5));
        assert_eq!(clock.advance(10), Timestamp(15));
        clock.set(Timestamp(7));
        assert_eq!(clock.now(), Timestamp(7));
    }
}
