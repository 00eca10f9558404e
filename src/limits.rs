//! Pacing of what leaves, kept before Meta refuses: budgets of business numbers, and the pair limit. And of what
//! comes in: who is served now ([`admission`]), and which neighbour is worth calling ([`breaker`]).
//!
//! In memory: a restart forgives. What must not be forgiven (codes, tries, locks) is in durable records.

pub mod admission;
pub mod breaker;
pub mod codes;

use std::collections::HashMap;
use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::domain::contact::{BusinessNumber, ContactId};
use crate::domain::time::{SECOND_MS, Timestamp};

/// Messages one citizen may get at once from one number (cloud-api.md 6).
pub const PAIR_BURST: i64 = 45;
/// One more each six seconds.
pub const PAIR_EVERY_MS: i64 = 6 * SECOND_MS;

/// What each business number may send and hear in a second, in and out together (cloud-api.md 6).
///
/// Messages that come in count as well, but never more than half: replies keep the other half, else a flood
/// of messages would silence the service.
pub struct Budgets {
    numbers: HashMap<BusinessNumber, Budget>,
}

struct Budget {
    all: DefaultDirectRateLimiter,
    heard: DefaultDirectRateLimiter,
}

/// At least one, so that a wrong setting is slow and not a panic.
fn at_least_one(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

/// A rate whose burst is a tenth of a second's worth: the sum over any second stays near the rate.
fn quota(per_second: u32) -> Quota {
    Quota::per_second(at_least_one(per_second)).allow_burst(at_least_one(per_second / 10))
}

impl Budgets {
    /// Each number with its messages a second.
    pub fn new(numbers: impl IntoIterator<Item = (BusinessNumber, u32)>) -> Self {
        let budget =
            |rate: u32| Budget { all: RateLimiter::direct(quota(rate)), heard: RateLimiter::direct(quota(rate / 2)) };
        Self { numbers: numbers.into_iter().map(|(number, rate)| (number, budget(rate))).collect() }
    }

    /// Whether a number is ours.
    pub fn knows(&self, number: &BusinessNumber) -> bool {
        self.numbers.contains_key(number)
    }

    /// Takes the place of one message that leaves; `false`: not now. A number that is not ours has none.
    pub fn take(&self, number: &BusinessNumber) -> bool {
        self.numbers.get(number).is_some_and(|budget| budget.all.check().is_ok())
    }

    /// Counts a message that came in, within its half.
    pub fn heard(&self, number: &BusinessNumber) {
        if let Some(budget) = self.numbers.get(number)
            && budget.heard.check().is_ok()
        {
            // Whether there was room or not: Meta counts it, nobody waits for it.
            let _counted = budget.all.check();
        }
    }
}

/// The pair limit, a leaky bucket a (number, citizen). Holds only pairs whose bucket is not full: bounded by
/// the messages sent within the last 270 s.
#[derive(Debug, Default)]
pub struct Pairs {
    /// When the bucket will be full again.
    full_at: HashMap<(BusinessNumber, ContactId), Timestamp>,
    looked_at: Timestamp,
}

impl Pairs {
    /// Takes one; the moment of the next when there is none.
    pub fn take(&mut self, number: &BusinessNumber, contact: ContactId, now: Timestamp) -> Result<(), Timestamp> {
        let full_at = self.full_at.entry((number.clone(), contact)).or_insert(now);
        let start = (*full_at).max(now);
        let owed_ms = start.since_ms(now);
        let room_ms = (PAIR_BURST - 1) * PAIR_EVERY_MS;
        if owed_ms > room_ms {
            return Err(start.plus_ms(-room_ms));
        }
        *full_at = start.plus_ms(PAIR_EVERY_MS);
        Ok(())
    }

    /// Gives one back that was not used.
    pub fn give_back(&mut self, number: &BusinessNumber, contact: ContactId) {
        if let Some(full_at) = self.full_at.get_mut(&(number.clone(), contact)) {
            *full_at = full_at.plus_ms(-PAIR_EVERY_MS);
        }
    }

    /// Forgets full buckets, each ten seconds.
    pub fn forget(&mut self, now: Timestamp) {
        if now.since_ms(self.looked_at).abs() < 10 * SECOND_MS {
            return;
        }
        self.looked_at = now;
        self.full_at.retain(|_, full_at| *full_at > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number() -> BusinessNumber {
        BusinessNumber("100".into())
    }

    #[test]
    fn a_number_sends_no_more_than_its_budget() {
        let budgets = Budgets::new([(number(), 10)]);
        let taken = (0..100).filter(|_| budgets.take(&number())).count();
        assert!((1..=3).contains(&taken), "{taken} of a burst of one");
        assert!(!budgets.take(&BusinessNumber("200".into())), "a stranger has no budget");
    }

    #[test]
    fn what_comes_in_takes_half_at_most() {
        let budgets = Budgets::new([(number(), 1_000)]);
        (0..10_000).for_each(|_| budgets.heard(&number()));
        assert!(budgets.take(&number()), "replies keep their half");
    }

    #[test]
    fn a_pair_has_forty_five_and_one_each_six_seconds() {
        let mut pairs = Pairs::default();
        let (number, contact) = (number(), ContactId(1));
        let start = Timestamp(1_000_000);
        for _ in 0..PAIR_BURST {
            assert_eq!(pairs.take(&number, contact, start), Ok(()));
        }
        let next = start.plus_ms(PAIR_EVERY_MS);
        assert_eq!(pairs.take(&number, contact, start), Err(next));
        assert_eq!(pairs.take(&number, ContactId(2), start), Ok(()), "others are unaffected");
        assert_eq!(pairs.take(&number, contact, next), Ok(()));
        assert!(pairs.take(&number, contact, next).is_err());
        pairs.give_back(&number, contact);
        assert_eq!(pairs.take(&number, contact, next), Ok(()));
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let mut pairs = Pairs::default();
        assert_eq!(pairs.take(&number(), ContactId(1), Timestamp(0)), Ok(()));
        pairs.forget(Timestamp(20_000));
        assert!(pairs.full_at.is_empty());
    }
}
