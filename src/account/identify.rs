//! Which of the people registered here a chat means: NIK and name together (conversation.md 5 and 6).
//!
//! Invariant: an unknown NIK, one held under another name, a protected person and a dead one are one and the
//! same `Miss`, and count the same.

use super::job::{Ask, Reading, Wanted};
use super::run::Run;
use super::state::{Kept, later};
use crate::domain::call::{Answer, Claim, Identified, Subject};
use crate::domain::citizen::{Person, Standing, VaccinationRecord};
use crate::domain::name::{Name, matches_record};

impl Run<'_, '_> {
    pub(super) fn identify(&mut self, ask: Ask, claims: Vec<Claim>, counted: Option<u8>) {
        match self.locked_until(ask) {
            Some(until) => self.conclude(ask, Answer::Locked { until }),
            None => self.if_in(ask, Wanted::Identify { claims, counted }),
        }
    }

    /// The records of all who fit are read.
    pub(super) fn identified(&mut self, ask: Ask, claims: &[Claim], counted: Option<u8>, readings: &[Reading]) {
        if !self.is_in(ask) {
            return self.say(ask, Answer::LoginGone);
        }
        let found: Vec<Option<&Reading>> =
            claims.iter().map(|claim| readings.iter().find(|reading| fits(claim, &reading.person))).collect();
        let hits = found.iter().flatten().count();
        let misses_left = match counted {
            Some(misses_left) => misses_left,
            None => match self.count(ask, hits, claims.len() - hits) {
                Some(misses_left) => misses_left,
                None => return,
            },
        };
        self.keep(ask, Kept::Counted { misses_left });
        let people = found.into_iter().map(|reading| reading.and_then(subject).map_or(Identified::Miss, found_as));
        let people = people.collect();
        self.say(ask, Answer::Identified { people, misses_left });
    }

    /// Counts hits first, so that in a family's message one slip is one miss. Gives how many are left; none
    /// when that was the last: then the lock is answered, and nothing of who was found.
    fn count(&mut self, ask: Ask, hits: usize, misses: usize) -> Option<u8> {
        let (now, rules) = (self.now(), self.context.rules);
        let small = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
        let chat = self.chat_mut(ask)?;
        let count = &mut chat.misses;
        count.open = count.open.saturating_sub(small(hits)).saturating_add(small(misses));
        if count.today == 0 {
            count.day_from = now;
        }
        count.today = count.today.saturating_add(small(misses));
        let left_today = rules.misses_per_day.saturating_sub(count.today);
        let left = rules.misses_before_lock.saturating_sub(count.open).min(left_today);
        if misses == 0 || left > 0 {
            return Some(left.max(1));
        }
        let mut until = chat.lock(now, rules);
        if left_today == 0 {
            until = until.max(later(now, rules.lock_s[rules.lock_s.len() - 1]));
            if let Some(lock) = &mut chat.lock {
                lock.until = until;
            }
        }
        self.conclude(ask, Answer::Locked { until });
        None
    }

    pub(super) fn record_read(&mut self, ask: Ask, readings: &[Reading]) {
        let subject = readings.first().and_then(subject).filter(|_| self.is_in(ask));
        let answer = subject.map_or(Answer::LoginGone, |subject| Answer::Record(Box::new(subject)));
        self.say(ask, answer);
    }

    pub(super) fn issued(&mut self, ask: Ask, dose: u8, readings: &[Reading]) {
        let mut issued =
            readings.iter().filter_map(|reading| reading.record.as_ref()).flat_map(VaccinationRecord::issued);
        let issued = issued.any(|issued| issued.number == dose);
        self.say(ask, Answer::Issued(issued));
    }
}

/// Whether a claim means this person, and may.
pub(super) fn fits(claim: &Claim, person: &Person) -> bool {
    let named = |name: &Name| matches_record(&claim.name, name);
    person.standing == Standing::Open
        && person.nik == claim.nik
        && (named(&person.name) || person.civil_name.as_ref().is_some_and(named))
}

fn subject(reading: &Reading) -> Option<Subject> {
    let Person { id, nik, name, .. } = &reading.person;
    let record = reading.record.clone()?;
    Some(Subject { person: id.clone(), nik: *nik, name: name.clone(), record })
}

fn found_as(subject: Subject) -> Identified {
    Identified::Found(Box::new(subject))
}
