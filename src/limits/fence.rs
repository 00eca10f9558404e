//! How fast each chat is read: so many messages at once and as many a minute, by governor. What comes past that is
//! counted and not answered (design.md 9).
//!
//! Keyed on contacts only, who are known because Meta has signed for them. governor forgets nobody by itself and makes a
//! key of everybody who asks (reliability.md 2.1), so chats whose allowance is whole again are swept each ten seconds,
//! and there is a cap: past it nobody is read before a sweep has made room. At a number's 1,000 messages a second some
//! ten thousand chats are held, each with a second or two of its allowance spent; the cap is far from that.
//!
//! Its time is the server's own clock, so that a run repeats from its seed. A restart forgives: what must outlive one
//! (codes, tries, locks, sessions opened) is in durable records.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use parking_lot::Mutex;

use crate::domain::contact::ContactId;
use crate::ports::Clock;

/// Chats that are remembered at once.
pub const CHATS_MAX: usize = 262_144;
/// Between two sweeps, by the clock.
const SWEEP_EVERY_MS: u64 = 10_000;
const MS_NANOS: u64 = 1_000_000;

/// The fence of all chats; one for the process.
pub struct Fence {
    limiter: RateLimiter<ContactId, DashMapStateStore<ContactId>, Passed, NoOpMiddleware<Nanos>>,
    chats_max: usize,
    time: Passed,
    swept_at_ms: AtomicU64,
}

/// How much time has passed by a clock of ours: a jump back takes nothing away and is not waited out.
#[derive(Clone)]
struct Passed {
    clock: Arc<dyn Clock>,
    /// What the clock showed last, and how long it has run, in milliseconds.
    last: Arc<Mutex<(i64, u64)>>,
}

impl Passed {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let now = clock.now().0;
        Self { clock, last: Arc::new(Mutex::new((now, 0))) }
    }

    fn ms(&self) -> u64 {
        let mut last = self.last.lock();
        let now = self.clock.now().0;
        let (before, passed) = *last;
        *last = (now, passed.saturating_add(u64::try_from(now.saturating_sub(before)).unwrap_or_default()));
        last.1
    }
}

impl governor::clock::Clock for Passed {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.ms().saturating_mul(MS_NANOS))
    }
}

impl Fence {
    /// So many messages a minute from each chat, at least one.
    pub fn new(per_minute: u32, clock: Arc<dyn Clock>) -> Self {
        Self::with_room_for(CHATS_MAX, per_minute, clock)
    }

    fn with_room_for(chats_max: usize, per_minute: u32, clock: Arc<dyn Clock>) -> Self {
        let time = Passed::new(clock);
        let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        let limiter = RateLimiter::dashmap_with_clock(quota, time.clone());
        Self { limiter, chats_max, time, swept_at_ms: AtomicU64::new(0) }
    }

    /// Whether one more message of this chat is read; it is counted if so.
    pub fn admits(&self, contact: ContactId) -> bool {
        self.sweep();
        self.limiter.len() < self.chats_max && self.limiter.check_key(&contact).is_ok()
    }

    /// Chats that are remembered.
    pub fn len(&self) -> usize {
        self.limiter.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.limiter.is_empty()
    }

    /// Forgets chats whose allowance is whole; one caller does, the others go on.
    fn sweep(&self) {
        let (now, at) = (self.time.ms(), self.swept_at_ms.load(Ordering::Relaxed));
        if now.saturating_sub(at) < SWEEP_EVERY_MS {
            return;
        }
        if self.swept_at_ms.compare_exchange(at, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::domain::time::{DAY_MS, Timestamp};

    const SITI: ContactId = ContactId(1);

    fn fence(chats_max: usize) -> (Fence, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp(1_795_400_000_000)));
        (Fence::with_room_for(chats_max, 60, clock.clone()), clock)
    }

    fn read(fence: &Fence, messages: u32) -> u32 {
        (0..messages).map(|_| u32::from(fence.admits(SITI))).sum()
    }

    #[test]
    fn sixty_at_once_then_one_a_second_and_others_are_unaffected() {
        let (fence, clock) = fence(10);
        assert_eq!(read(&fence, 1_000), 60);
        assert!(fence.admits(ContactId(2)));
        clock.advance(999);
        assert_eq!(read(&fence, 10), 0);
        clock.advance(1);
        assert_eq!(read(&fence, 10), 1);
        clock.advance(3_600_000);
        assert_eq!(read(&fence, 1_000), 60, "no more after an hour of silence");
    }

    #[test]
    fn a_clock_that_jumps_neither_forgives_nor_shuts_anybody_out() {
        let (fence, clock) = fence(10);
        assert_eq!(read(&fence, 60), 60);
        clock.advance(-DAY_MS);
        assert_eq!(read(&fence, 10), 0);
        clock.advance(5_000);
        assert_eq!(read(&fence, 10), 5, "its seconds count from where it is");
    }

    #[test]
    fn whoever_is_whole_again_is_forgotten_and_whoever_is_not_is_not() {
        let (fence, clock) = fence(1_000);
        (10..500).for_each(|n| assert!(fence.admits(ContactId(n))));
        assert_eq!(read(&fence, 60), 60);
        assert_eq!(fence.len(), 491);
        clock.advance(i64::try_from(SWEEP_EVERY_MS).unwrap());
        assert_eq!(read(&fence, 60), 10, "ten seconds' worth");
        assert_eq!(fence.len(), 1);
    }

    #[test]
    fn past_the_cap_nobody_is_read_until_there_is_room() {
        let (fence, clock) = fence(100);
        (10..110).for_each(|n| assert!(fence.admits(ContactId(n))));
        assert!(!fence.admits(SITI) && !fence.admits(ContactId(10)));
        assert_eq!(fence.len(), 100, "who is refused is not remembered");
        clock.advance(i64::try_from(SWEEP_EVERY_MS).unwrap());
        assert!(fence.admits(SITI));
    }
}
