//! The pair limit: what one citizen may be sent from one number (cloud-api.md 6).
//!
//! A leaky bucket a pair, in one moment: when it will be full again. Only pairs whose bucket is not full are held;
//! one message's worth is six seconds, so ten million citizens served one after the other need room for those
//! of the last sixteen seconds. Past [`PAIRS_MAX`] nobody new is written to until one is forgotten: without an
//! account of him Meta might refuse.

use std::collections::HashMap;

use crate::domain::contact::{BusinessNumber, ContactId};
use crate::domain::time::{SECOND_MS, Timestamp};

/// Messages one citizen may get at once from one number.
pub const PAIR_BURST: i64 = 45;
/// One more each six seconds.
pub const PAIR_EVERY_MS: i64 = 6 * SECOND_MS;
/// Pairs of one shard. At a number's 1,000 messages a second 270,000 can be less than full.
pub const PAIRS_MAX: usize = 2_000_000;
/// Full buckets are looked for this often.
const FORGET_EVERY_MS: i64 = 10 * SECOND_MS;

/// The buckets of a shard's pairs.
#[derive(Debug, Default)]
pub struct Pairs {
    /// When the bucket will be full again.
    full_at: HashMap<(BusinessNumber, ContactId), Timestamp>,
    looked_at: Timestamp,
}

impl Pairs {
    /// Messages that may leave now; below zero never.
    pub fn left(&self, number: &BusinessNumber, contact: ContactId, now: Timestamp) -> i64 {
        let Some(full_at) = self.full_at.get(&(number.clone(), contact)) else { return PAIR_BURST };
        let owed_ms = full_at.since_ms(now).max(0);
        (PAIR_BURST - ((owed_ms + PAIR_EVERY_MS - 1) / PAIR_EVERY_MS)).max(0)
    }

    /// When the next may leave: now, unless the bucket is empty.
    pub fn next_at(&self, number: &BusinessNumber, contact: ContactId, now: Timestamp) -> Timestamp {
        let full_at = self.full_at.get(&(number.clone(), contact)).copied().unwrap_or(now);
        full_at.plus_ms(-(PAIR_BURST - 1) * PAIR_EVERY_MS).max(now)
    }

    /// Takes one; the moment of the next when there is none.
    pub fn take(&mut self, number: &BusinessNumber, contact: ContactId, now: Timestamp) -> Result<(), Timestamp> {
        if self.full_at.len() >= PAIRS_MAX {
            self.forget(now);
        }
        let full = self.full_at.len() >= PAIRS_MAX;
        let key = (number.clone(), contact);
        if full && !self.full_at.contains_key(&key) {
            return Err(now.plus_ms(PAIR_EVERY_MS));
        }
        let full_at = self.full_at.entry(key).or_insert(now);
        let start = (*full_at).max(now);
        let room_ms = (PAIR_BURST - 1) * PAIR_EVERY_MS;
        if start.since_ms(now) > room_ms {
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

    /// Meta refused: whatever we thought, the bucket is empty.
    pub fn empty(&mut self, number: &BusinessNumber, contact: ContactId, now: Timestamp) {
        self.full_at.insert((number.clone(), contact), now.plus_ms(PAIR_BURST * PAIR_EVERY_MS));
    }

    /// Forgets full buckets, each ten seconds.
    pub fn forget(&mut self, now: Timestamp) {
        if now.since_ms(self.looked_at).abs() < FORGET_EVERY_MS {
            return;
        }
        self.looked_at = now;
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.capacity() > 4 * self.full_at.len().max(1_024) {
            self.full_at.shrink_to(2 * self.full_at.len());
        }
    }

    /// How many are held, and their memory in bytes as the table has it.
    pub fn held(&self) -> (usize, usize) {
        let entry = size_of::<((BusinessNumber, ContactId), Timestamp)>() + 1;
        // A table keeps an eighth of its places free.
        (self.full_at.len(), self.full_at.capacity() * entry * 8 / 7)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number() -> BusinessNumber {
        BusinessNumber("100".into())
    }

    #[test]
    fn a_pair_has_forty_five_and_one_each_six_seconds() {
        let mut pairs = Pairs::default();
        let (number, contact) = (number(), ContactId(1));
        let start = Timestamp(1_000_000);
        for taken in 0..PAIR_BURST {
            assert_eq!(pairs.left(&number, contact, start), PAIR_BURST - taken);
            assert_eq!(pairs.take(&number, contact, start), Ok(()));
        }
        let next = start.plus_ms(PAIR_EVERY_MS);
        assert_eq!((pairs.left(&number, contact, start), pairs.next_at(&number, contact, start)), (0, next));
        assert_eq!(pairs.take(&number, contact, start), Err(next));
        assert_eq!(pairs.take(&number, ContactId(2), start), Ok(()), "others are unaffected");
        assert_eq!(pairs.left(&number, contact, next), 1);
        assert_eq!(pairs.take(&number, contact, next), Ok(()));
        assert!(pairs.take(&number, contact, next).is_err());
        pairs.give_back(&number, contact);
        assert_eq!(pairs.take(&number, contact, next), Ok(()));
    }

    #[test]
    fn refused_by_meta_it_is_empty_whatever_we_thought() {
        let mut pairs = Pairs::default();
        let start = Timestamp(1_000_000);
        pairs.empty(&number(), ContactId(1), start);
        assert_eq!(pairs.take(&number(), ContactId(1), start), Err(start.plus_ms(PAIR_EVERY_MS)));
        assert_eq!(pairs.left(&number(), ContactId(1), start.plus_ms(3 * PAIR_EVERY_MS)), 3);
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let mut pairs = Pairs::default();
        assert_eq!(pairs.take(&number(), ContactId(1), Timestamp(0)), Ok(()));
        pairs.forget(Timestamp(20_000));
        assert_eq!(pairs.held().0, 0);
    }

    /// Citizens, one message each, as fast as Meta's fastest number: pairs and bytes held at the most.
    fn held_at_most(citizens: u64) -> (usize, usize) {
        let mut pairs = Pairs::default();
        let number = number();
        let (mut most, mut bytes) = (0, 0);
        for citizen in 0..citizens {
            let now = Timestamp(1_000_000 + i64::try_from(citizen).unwrap());
            assert_eq!(pairs.take(&number, ContactId(citizen), now), Ok(()));
            if citizen % 1_000 == 999 {
                pairs.forget(now);
                let held = pairs.held();
                (most, bytes) = (most.max(held.0), bytes.max(held.1));
            }
        }
        (most, bytes)
    }

    #[expect(clippy::print_stdout, reason = "the figure is what is wanted")]
    fn assert_little(held: (usize, usize)) {
        println!("{} pairs, {} bytes at the most", held.0, held.1);
        assert!(held.0 <= 17_000 && held.1 <= 4 << 20, "{held:?}");
    }

    #[test]
    fn many_citizens_need_little_memory() {
        assert_little(held_at_most(200_000));
    }

    #[test]
    #[ignore = "some seconds: cargo test --lib ten_million -- --ignored --nocapture"]
    fn ten_million_citizens_need_little_memory() {
        assert_little(held_at_most(10_000_000));
    }

    #[test]
    fn past_the_bound_nobody_new_is_written_to() {
        let mut pairs = Pairs::default();
        let now = Timestamp(1_000_000);
        let number = number();
        for citizen in 0..PAIRS_MAX as u64 {
            pairs.full_at.insert((number.clone(), ContactId(citizen)), now.plus_ms(PAIR_EVERY_MS));
        }
        let stranger = ContactId(u64::MAX);
        assert!(pairs.take(&number, stranger, now).is_err());
        assert_eq!(pairs.take(&number, ContactId(7), now), Ok(()), "who is known is served");
        assert_eq!(pairs.take(&number, stranger, now.plus_ms(20_000)), Ok(()));
    }
}
