//! Budgets of one-time codes for one person: so many a day, whatever chats ask, to whatever numbers they are sent.
//!
//! A code is sent on somebody's behalf where his NIK was named: for a change of his data, or for a report that his
//! number is lost. Who was identified has a budget of his own, so that nobody uses it up by naming his NIK in a
//! report. The first code that logs in names nobody yet: it is counted by its number.
//!
//! Invariants: a clock that jumps back frees nothing. Never more than [`CodeRules::niks_max`] are remembered; past it
//! nobody new gets a code on his behalf. Pure, as `limits::codes`; `actors::ledger` makes the rows durable.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::codes::CodeRules;
use crate::domain::keys::LookupKey;
use crate::domain::time::{DAY_MS, HOUR_MS, Timestamp};

/// A full book is swept no more often than this.
const SWEEP_EVERY_MS: i64 = 10_000;

/// What was counted since the first code of the day; the next day begins with the next code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Day {
    from: Timestamp,
    codes: u32,
}

impl Day {
    fn is_over(&self, now: Timestamp) -> bool {
        now.since_ms(self.from) >= DAY_MS
    }
}

/// A row of the book, as it rests; without bytes: forget it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NikRow {
    pub whose: LookupKey,
    pub bytes: Option<Vec<u8>>,
}

/// The book.
#[derive(Debug)]
pub struct NikCodes {
    per_day: u32,
    max: usize,
    days: HashMap<LookupKey, Day>,
    /// Swept, and not yet told to whoever keeps the rows.
    forgotten: Vec<LookupKey>,
    swept_at: Timestamp,
}

impl NikCodes {
    /// An empty book.
    pub fn new(rules: &CodeRules) -> Self {
        Self {
            per_day: rules.nik_per_day,
            max: rules.niks_max,
            days: HashMap::new(),
            forgotten: Vec::new(),
            swept_at: Timestamp::default(),
        }
    }

    /// Takes a row as it rested; one that cannot be read is as good as none.
    pub fn load(&mut self, whose: LookupKey, bytes: &[u8]) {
        if let Ok(day) = postcard::from_bytes(bytes) {
            self.days.insert(whose, day);
        }
    }

    /// Persons that are remembered.
    pub fn len(&self) -> usize {
        self.days.len()
    }

    /// Whether nobody is remembered.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// Takes the place of one code; or says until when there is none.
    pub fn take(&mut self, whose: LookupKey, now: Timestamp) -> Result<(), Timestamp> {
        if self.days.len() >= self.max && !self.days.contains_key(&whose) {
            self.sweep(now);
            if self.days.len() >= self.max {
                return Err(now.plus_ms(HOUR_MS));
            }
        }
        let day = self.days.entry(whose).or_insert(Day { from: now, codes: 0 });
        day.from = day.from.min(now);
        if day.codes == 0 || day.is_over(now) {
            *day = Day { from: now, codes: 0 };
        }
        if day.codes >= self.per_day {
            return Err(day.from.plus_ms(DAY_MS));
        }
        day.codes += 1;
        Ok(())
    }

    /// The place was not used after all.
    pub fn give_back(&mut self, whose: LookupKey) {
        if let Some(day) = self.days.get_mut(&whose) {
            day.codes = day.codes.saturating_sub(1);
        }
    }

    /// What has to be made durable after a code for this person.
    pub fn rows(&mut self, whose: LookupKey) -> Vec<NikRow> {
        let row = self.days.get(&whose).map(|day| NikRow { whose, bytes: postcard::to_stdvec(day).ok() });
        let gone = std::mem::take(&mut self.forgotten).into_iter().filter(|gone| !self.days.contains_key(gone));
        let gone: Vec<NikRow> = gone.map(|whose| NikRow { whose, bytes: None }).collect();
        row.into_iter().chain(gone).collect()
    }

    fn sweep(&mut self, now: Timestamp) {
        if now.since_ms(self.swept_at).abs() < SWEEP_EVERY_MS {
            return;
        }
        self.swept_at = now;
        let forgotten = &mut self.forgotten;
        self.days.retain(|whose, day| {
            let keep = !day.is_over(now);
            forgotten.extend((!keep).then_some(*whose));
            keep
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_795_400_000_000);
    const SITI: LookupKey = LookupKey([1; 16]);

    fn key(n: u64) -> LookupKey {
        let mut key = [9; 16];
        key[..8].copy_from_slice(&n.to_le_bytes());
        LookupKey(key)
    }

    fn book(niks_max: usize) -> NikCodes {
        NikCodes::new(&CodeRules { niks_max, ..CodeRules::default() })
    }

    fn taken(book: &mut NikCodes, wishes: u32, now: Timestamp) -> u32 {
        (0..wishes).map(|_| u32::from(book.take(SITI, now).is_ok())).sum()
    }

    #[test]
    fn five_codes_a_day_for_one_person_and_the_truth_about_the_next() {
        let mut book = book(10);
        assert_eq!(taken(&mut book, 3, START), 3);
        assert_eq!(taken(&mut book, 9, START.plus_ms(DAY_MS - 1)), 2);
        assert_eq!(book.take(SITI, START.plus_ms(DAY_MS - 1)), Err(START.plus_ms(DAY_MS)));
        assert_eq!(book.take(key(2), START), Ok(()), "another person");
        assert_eq!(taken(&mut book, 9, START.plus_ms(DAY_MS)), 5);
    }

    #[test]
    fn what_was_not_sent_does_not_count() {
        let mut book = book(10);
        for _ in 0..20 {
            assert_eq!(book.take(SITI, START), Ok(()));
            book.give_back(SITI);
        }
        assert_eq!(taken(&mut book, 9, START), 5);
        book.give_back(key(2));
        assert_eq!(book.len(), 1);
    }

    #[test]
    fn a_clock_that_jumps_back_frees_nothing() {
        let mut book = book(10);
        assert_eq!(taken(&mut book, 5, START), 5);
        let back = START.plus_ms(-2 * DAY_MS);
        assert_eq!(book.take(SITI, back), Err(back.plus_ms(DAY_MS)));
        assert_eq!(taken(&mut book, 9, back.plus_ms(DAY_MS)), 5);
    }

    #[test]
    fn it_rests_and_comes_back() {
        let mut first = book(10);
        assert_eq!(taken(&mut first, 4, START), 4);
        let mut second = book(10);
        assert!(second.is_empty());
        for NikRow { whose, bytes } in first.rows(SITI) {
            second.load(whose, &bytes.unwrap());
        }
        assert_eq!(taken(&mut second, 9, START), 1);
        second.load(key(3), &[0xff]);
        assert_eq!(second.len(), 1);
    }

    #[test]
    fn a_full_book_forgets_who_is_over_and_else_refuses_whoever_is_new() {
        let mut book = book(3);
        (0..3).for_each(|n| book.take(key(n), START.plus_ms(i64::try_from(n).unwrap())).unwrap());
        let now = START.plus_ms(HOUR_MS);
        assert_eq!(book.take(SITI, now), Err(now.plus_ms(HOUR_MS)));
        assert_eq!(book.take(key(0), now), Ok(()), "who is known is served");
        let later = START.plus_ms(DAY_MS + 1);
        assert_eq!(book.take(SITI, later), Ok(()));
        let mut gone: Vec<LookupKey> =
            book.rows(SITI).into_iter().filter(|row| row.bytes.is_none()).map(|row| row.whose).collect();
        gone.sort_unstable();
        assert_eq!((gone, book.len()), (vec![key(0), key(1)], 2));
        assert_eq!(book.rows(SITI).len(), 1, "told once");
    }
}
