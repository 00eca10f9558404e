//! Who is served now, and who waits: the service gate (design.md 7).
//!
//! Behind the journal, so nothing is lost here: whoever waits, his messages wait in the store. Live
//! conversations always go, and spend the pace; new ones are let in with what is left of it, in order of
//! arrival, and wait otherwise. The pace is the replies that a business number may send, or what the operator
//! set if that is less. After an outage new ones are let in by a ramp: a tenth of the pace at first, ten times
//! that at its end.
//!
//! Who waits longer than a moment is told his place and time, once; once more at most, when he writes again.
//! What telling costs is a quarter of the pace, so that it never eats what serving needs.
//!
//! Pure, driven by the clock it is given. Bounded: `waiting_max` guests; who comes then is turned away.

mod bucket;
mod line;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::Serialize;

pub use crate::conversation::Place;
use crate::domain::contact::{BusinessNumber, ContactId};
use crate::domain::time::{MINUTE_MS, SECOND_MS, Timestamp};

use bucket::Bucket;
use line::Line;

/// An outage longer than this is followed by a ramp.
const OUTAGE_MS: i64 = 10 * SECOND_MS;
/// Who writes again is told again, no sooner than this.
const AGAIN_AFTER_MS: i64 = MINUTE_MS;

/// How fast new conversations are let in (config section `[admission]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Turns a second in all; 0: the numbers' budgets alone.
    pub turns_per_s: u32,
    /// Each business number with its messages a second, in and out together: half of them are replies.
    pub numbers: Vec<(BusinessNumber, u32)>,
    pub waiting_max: usize,
    /// Who is let in sooner than this is not told that he waits.
    pub tell_after_ms: i64,
    pub ramp_ms: i64,
    /// New ones wait while more replies are unsent than leave in this long.
    pub replies_waiting_ms: i64,
}

/// A place in a waiting room, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seat {
    line: u16,
    number: u64,
}

/// What becomes of someone who arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// At once.
    Served,
    Waits(Seat),
    /// The room is full. `minutes`: when it is worth trying again; `tell`: there is room to say so.
    Full {
        minutes: u32,
        tell: bool,
    },
}

/// Someone who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guest {
    pub contact: ContactId,
    pub seat: Seat,
}

/// The gate in figures, for `/actors`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AdmissionView {
    pub waiting: usize,
    pub waiting_max: usize,
    /// Turns a second that new conversations share with live ones.
    pub turns_per_s: u32,
    /// Of the pace; 100 when there is no ramp.
    pub ramp_percent: u32,
    /// Nobody is let in: too many replies are unsent.
    pub held: bool,
    pub served_at_once: u64,
    pub let_in: u64,
    pub told: u64,
    pub turned_away: u64,
}

/// The gate.
#[derive(Debug)]
pub struct Admission {
    all: Bucket,
    /// What the ramp lets through.
    ramped: Bucket,
    /// What telling may cost, of all numbers together.
    tells: Bucket,
    /// The line that is looked at first for who is to be told.
    tell_from: usize,
    ramp_from: Option<Timestamp>,
    held_since: Option<Timestamp>,
    numbers: HashMap<BusinessNumber, u16>,
    lines: Vec<Line>,
    arrivals: u64,
    waiting: usize,
    pace: Pace,
    view: AdmissionView,
}

impl Admission {
    pub fn new(pace: Pace, now: Timestamp) -> Self {
        let of_number = |messages_per_s: u32| (messages_per_s / 2).max(1);
        let budgets: u32 = pace.numbers.iter().map(|(_, rate)| of_number(*rate)).sum::<u32>().max(1);
        let total = if pace.turns_per_s == 0 { budgets } else { pace.turns_per_s };
        let mut lines: Vec<Line> =
            pace.numbers.iter().map(|(_, rate)| Line::new(of_number(*rate).min(total), now)).collect();
        if lines.is_empty() {
            lines.push(Line::new(total, now));
        }
        let names = pace.numbers.iter().map(|(number, _)| number.clone());
        Self {
            all: Bucket::new(total, now),
            ramped: Bucket::new(total, now),
            tells: Bucket::new(total / line::TELLS_SHARE, now),
            tell_from: 0,
            ramp_from: None,
            held_since: None,
            numbers: names.zip(0..).collect(),
            lines,
            arrivals: 0,
            waiting: 0,
            view: AdmissionView { turns_per_s: total, waiting_max: pace.waiting_max, ..AdmissionView::default() },
            pace,
        }
    }

    /// Replies that may be unsent before new ones have to wait.
    pub fn replies_max(&self) -> usize {
        let while_waiting = i64::from(self.view.turns_per_s) * self.pace.replies_waiting_ms / SECOND_MS;
        usize::try_from(while_waiting).unwrap_or_default().max(64)
    }

    /// The service begins again after a time without: new conversations come by the ramp.
    pub fn ramp(&mut self, now: Timestamp) {
        self.ramp_from = Some(now);
        self.ramped.empty(now);
    }

    /// Nobody is let in while `held`; after a while of that, by the ramp.
    pub fn hold(&mut self, held: bool, now: Timestamp) {
        match (held, self.held_since) {
            (true, None) => self.held_since = Some(now),
            (false, Some(since)) => {
                self.held_since = None;
                if now.since_ms(since) >= OUTAGE_MS {
                    self.ramp(now);
                }
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// A turn of a live conversation: it goes in any case, and spends the pace.
    pub fn live(&mut self, number: &BusinessNumber, now: Timestamp) {
        let line = self.line(number);
        self.all.spend(now);
        self.lines[usize::from(line)].pace.spend(now);
    }

    /// A new conversation.
    pub fn arrive(&mut self, contact: ContactId, number: &BusinessNumber, now: Timestamp) -> Arrival {
        let line = self.line(number);
        if self.lines[usize::from(line)].is_empty() && self.lets_in(line, now) {
            self.spend(line, now);
            self.view.served_at_once += 1;
            return Arrival::Served;
        }
        if self.waiting >= self.pace.waiting_max {
            let at = &mut self.lines[usize::from(line)];
            let minutes = at.minutes(at.len());
            let tell = self.held_since.is_none() && self.tells.has(now) && at.tells.take(now);
            if tell {
                at.pace.spend(now);
                self.all.spend(now);
                self.tells.spend(now);
            }
            self.view.turned_away += 1;
            self.view.told += u64::from(tell);
            return Arrival::Full { minutes, tell };
        }
        self.arrivals += 1;
        self.waiting += 1;
        let number = self.lines[usize::from(line)].push(contact, self.arrivals, now);
        Arrival::Waits(Seat { line, number })
    }

    /// The next to be let in, if there is room.
    pub fn next(&mut self, now: Timestamp) -> Option<Guest> {
        let ready = (0..).zip(&self.lines).filter_map(|(line, at)| Some((at.front()?, line)));
        let mut ready: Vec<(u64, u16)> = ready.collect();
        ready.sort_unstable();
        let (_, line) = ready.into_iter().find(|(_, line)| self.lets_in(*line, now))?;
        self.spend(line, now);
        self.waiting -= 1;
        self.view.let_in += 1;
        let (contact, number) = self.lines[usize::from(line)].pop(now)?;
        Some(Guest { contact, seat: Seat { line, number } })
    }

    /// The next to be told where he stands, if there is room to say so.
    pub fn tell(&mut self, now: Timestamp) -> Option<(Guest, Place)> {
        if self.held_since.is_some() || !self.tells.has(now) {
            return None;
        }
        let (count, from) = (self.lines.len(), self.tell_from);
        for at in (from..from + count).map(|at| at % count) {
            if let Some((contact, number, place)) = self.lines[at].next_untold(self.pace.tell_after_ms, now) {
                // The numbers take turns.
                self.tell_from = at + 1;
                self.all.spend(now);
                self.tells.spend(now);
                self.view.told += 1;
                let line = u16::try_from(at).unwrap_or_default();
                return Some((Guest { contact, seat: Seat { line, number } }, place));
            }
        }
        None
    }

    /// A guest writes again: where he stands now, if it is to be said once more.
    pub fn again(&mut self, seat: Seat, now: Timestamp) -> Option<Place> {
        if self.held_since.is_some() {
            return None;
        }
        let place = self.lines.get_mut(usize::from(seat.line))?.again(seat.number, AGAIN_AFTER_MS, now)?;
        self.all.spend(now);
        self.tells.spend(now);
        self.view.told += 1;
        Some(place)
    }

    /// Figures.
    pub fn view(&self, now: Timestamp) -> AdmissionView {
        let ramp_percent = self.ramp_from.map_or(100, |from| self.share_percent(now.since_ms(from)));
        AdmissionView { waiting: self.waiting, ramp_percent, held: self.held_since.is_some(), ..self.view }
    }

    fn line(&self, number: &BusinessNumber) -> u16 {
        self.numbers.get(number).copied().unwrap_or_default()
    }

    fn lets_in(&mut self, line: u16, now: Timestamp) -> bool {
        self.held_since.is_none()
            && self.all.has(now)
            && self.lines[usize::from(line)].pace.has(now)
            && self.ramp_lets_in(now)
    }

    fn ramp_lets_in(&mut self, now: Timestamp) -> bool {
        let Some(from) = self.ramp_from else { return true };
        let share = self.share_percent(now.since_ms(from));
        if share >= 100 {
            self.ramp_from = None;
            return true;
        }
        self.ramped.has_share(share, now)
    }

    fn spend(&mut self, line: u16, now: Timestamp) {
        self.all.spend(now);
        self.lines[usize::from(line)].pace.spend(now);
        if self.ramp_from.is_some() {
            self.ramped.spend(now);
        }
    }

    /// What part of the pace the ramp lets through: a tenth at first, all of it at its end, evenly multiplied.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "10 to 100"
    )]
    fn share_percent(&self, since_ms: i64) -> u32 {
        if since_ms >= self.pace.ramp_ms {
            return 100;
        }
        let part = since_ms.max(0) as f64 / self.pace.ramp_ms as f64;
        (100.0 * 10.0_f64.powf(part - 1.0)) as u32
    }
}
