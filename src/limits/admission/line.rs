//! The waiting room of one business number: who waits, in order of arrival, and how fast it moves.

use std::collections::VecDeque;

use super::Place;
use super::bucket::Bucket;
use crate::domain::contact::ContactId;
use crate::domain::time::{MINUTE_MS, SECOND_MS, Timestamp};

/// Turns of a whole conversation, nearly: how many live turns a new one brings, before that was seen.
const TURNS_EACH: i64 = 5;
/// Of the pace, what telling may cost.
pub(super) const TELLS_SHARE: u32 = 4;
/// The flow is measured over as long as this.
const MEASURE_MS: i64 = 10 * SECOND_MS;
/// A place is told in minutes; more than a day is no promise.
const MINUTES_MAX: i64 = 24 * 60;
/// In a thousandth of a guest a second.
const MILLI: i64 = 1_000;

/// A waiting room.
#[derive(Debug)]
pub(super) struct Line {
    pub pace: Bucket,
    pub tells: Bucket,
    guests: VecDeque<Waiting>,
    /// The seat of the first.
    first: u64,
    /// The first seat that nobody looked at yet, to tell its guest.
    untold: u64,
    /// Guests let in a second, in thousandths, as it was lately.
    flow: i64,
    measured_from: Timestamp,
    let_in: i64,
}

#[derive(Debug)]
struct Waiting {
    contact: ContactId,
    /// Among those of all numbers.
    arrival: u64,
    told_at: Option<Timestamp>,
    told_again: bool,
}

impl Line {
    pub(super) fn new(turns_per_s: u32, now: Timestamp) -> Self {
        Self {
            pace: Bucket::new(turns_per_s, now),
            tells: Bucket::new(turns_per_s / TELLS_SHARE, now),
            guests: VecDeque::new(),
            first: 0,
            untold: 0,
            flow: i64::from(turns_per_s.max(1)) * MILLI / TURNS_EACH,
            measured_from: now,
            let_in: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.guests.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.guests.len()
    }

    /// When the first arrived.
    pub(super) fn front(&self) -> Option<u64> {
        self.guests.front().map(|guest| guest.arrival)
    }

    /// Takes a guest in; gives his seat.
    pub(super) fn push(&mut self, contact: ContactId, arrival: u64, now: Timestamp) -> u64 {
        if self.guests.is_empty() {
            (self.measured_from, self.let_in) = (now, 0);
        }
        self.guests.push_back(Waiting { contact, arrival, told_at: None, told_again: false });
        self.first + self.guests.len() as u64 - 1
    }

    /// Lets the first in.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<(ContactId, u64)> {
        let guest = self.guests.pop_front()?;
        let seat = self.first;
        self.first += 1;
        self.let_in += 1;
        self.measure(now);
        Some((guest.contact, seat))
    }

    /// The next guest to be told, and where he stands. Who is let in within `soon_ms` is not told.
    pub(super) fn next_untold(&mut self, soon_ms: i64, now: Timestamp) -> Option<(ContactId, u64, Place)> {
        self.measure(now);
        self.untold = self.untold.max(self.first);
        while let Some(at) = self.index(self.untold) {
            let seat = self.untold;
            if self.wait_ms(at + 1) > soon_ms {
                if !self.tells.take(now) {
                    return None;
                }
                self.pace.spend(now);
                self.untold += 1;
                let place = self.place(at);
                let guest = &mut self.guests[at];
                guest.told_at = Some(now);
                return Some((guest.contact, seat, place));
            }
            self.untold += 1;
        }
        None
    }

    /// A guest who was told writes again: where he stands now, once.
    pub(super) fn again(&mut self, seat: u64, after_ms: i64, now: Timestamp) -> Option<Place> {
        let at = self.index(seat)?;
        let guest = &self.guests[at];
        let due = guest.told_at.is_some_and(|told| now.since_ms(told) >= after_ms) && !guest.told_again;
        if !due {
            return None;
        }
        // Once a guest, so it may be owed: the others are told a little later.
        self.tells.spend(now);
        self.pace.spend(now);
        self.guests[at].told_again = true;
        Some(self.place(at))
    }

    /// Minutes until so many are let in.
    pub(super) fn minutes(&self, guests: usize) -> u32 {
        let minutes = (self.wait_ms(guests) + MINUTE_MS - 1) / MINUTE_MS;
        u32::try_from(minutes.clamp(1, MINUTES_MAX)).unwrap_or(1)
    }

    fn place(&self, at: usize) -> Place {
        Place { place: u32::try_from(at + 1).unwrap_or(u32::MAX), minutes: self.minutes(at + 1) }
    }

    fn wait_ms(&self, guests: usize) -> i64 {
        // A line that stands still moves again, a hundredth of its pace at least.
        let flow = self.flow.max(self.pace.per_s() * MILLI / 100).max(1);
        i64::try_from(guests).unwrap_or(i64::MAX / (SECOND_MS * MILLI)).saturating_mul(SECOND_MS * MILLI) / flow
    }

    fn index(&self, seat: u64) -> Option<usize> {
        let at = usize::try_from(seat.checked_sub(self.first)?).ok()?;
        (at < self.guests.len()).then_some(at)
    }

    fn measure(&mut self, now: Timestamp) {
        let passed_ms = now.since_ms(self.measured_from);
        if passed_ms < 0 {
            (self.measured_from, self.let_in) = (now, 0);
        } else if passed_ms >= MEASURE_MS {
            let lately = self.let_in * SECOND_MS * MILLI / passed_ms;
            self.flow = i64::midpoint(self.flow, lately);
            (self.measured_from, self.let_in) = (now, 0);
        }
    }
}
