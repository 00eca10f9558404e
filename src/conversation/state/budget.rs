//! What one chat may do to others, counted in its own record: codes it asks for, sessions it opens.
//!
//! Outside the session, so neither its end nor an erasure forgets it; gone by itself a day later. Kept as whole
//! seconds, oldest first. A clock that jumps back frees nothing.

use serde::{Deserialize, Serialize};

use crate::conversation::Rules;
use crate::domain::otp::OtpPurpose;
use crate::domain::time::{DAY_MS, HOUR_MS, SECOND_MS, Timestamp};

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::conversation) struct Budget {
    /// Codes to log in or for a report, within a day.
    logins: Vec<u32>,
    /// Codes for a change, within a day.
    changes: Vec<u32>,
    /// Sessions opened within an hour.
    opened: Vec<u32>,
    /// That no more are opened was told at this second.
    told: Option<u32>,
}

impl Budget {
    /// A code was sent for this chat.
    pub(in crate::conversation) fn note_code(&mut self, purpose: OtpPurpose, now: Timestamp, rules: &Rules) {
        self.settle(now);
        let sends = if for_change(purpose) { &mut self.changes } else { &mut self.logins };
        // The day's bound stands before this, so it is never reached.
        if sends.len() < usize::from(rules.codes_per_day.max(rules.codes_max)) {
            sends.push(second(now));
        }
    }

    /// Until when no more codes are sent for this chat.
    pub(in crate::conversation) fn codes_spent_until(
        &self,
        purpose: OtpPurpose,
        now: Timestamp,
        rules: &Rules,
    ) -> Option<Timestamp> {
        let (sends, max) =
            if for_change(purpose) { (&self.changes, rules.change_codes_max) } else { (&self.logins, rules.codes_max) };
        let window_ms = i64::from(rules.codes_window_s) * SECOND_MS;
        let mut both: Vec<u32> = self.logins.iter().chain(&self.changes).copied().collect();
        both.sort_unstable();
        spent_until(sends, max, window_ms, now).max(spent_until(&both, rules.codes_per_day, DAY_MS, now))
    }

    /// A session was opened.
    pub(in crate::conversation) fn note_session(&mut self, now: Timestamp, rules: &Rules) {
        self.settle(now);
        self.told = None;
        if self.opened.len() < usize::from(rules.sessions_per_hour) {
            self.opened.push(second(now));
        }
    }

    /// Until when no new session is opened.
    pub(in crate::conversation) fn sessions_spent_until(&self, now: Timestamp, rules: &Rules) -> Option<Timestamp> {
        spent_until(&self.opened, rules.sessions_per_hour, HOUR_MS, now)
    }

    /// Whether that is to be told: once for each time it happens.
    pub(in crate::conversation) fn tell(&mut self, now: Timestamp) -> bool {
        let newest = self.opened.last().copied().unwrap_or_default();
        let is_told = self.told.is_some_and(|at| at >= newest);
        self.told = Some(second(now).max(newest));
        !is_told
    }

    /// The stricter of two, when two contacts turn out to be one.
    pub(in crate::conversation) fn absorb(&mut self, other: &Budget) {
        for (own, others) in
            [(&mut self.logins, &other.logins), (&mut self.changes, &other.changes), (&mut self.opened, &other.opened)]
        {
            own.extend(others);
            own.sort_unstable();
            // The newest are what stops longest.
            let surplus = own.len().saturating_sub(KEPT_MAX);
            own.drain(..surplus);
        }
        self.told = self.told.max(other.told);
    }

    /// Drops what time has ended.
    fn settle(&mut self, now: Timestamp) {
        for (times, life_ms) in [(&mut self.logins, DAY_MS), (&mut self.changes, DAY_MS), (&mut self.opened, HOUR_MS)] {
            for at in times.iter_mut() {
                *at = (*at).min(second(now));
            }
            times.retain(|at| now.since_ms(moment(*at)) < life_ms);
        }
    }

    /// Whether nothing is counted that still matters.
    pub(in crate::conversation) fn is_over(&self, now: Timestamp) -> bool {
        let over = |times: &[u32], life_ms| times.last().is_none_or(|at| now.since_ms(moment(*at)) >= life_ms);
        over(&self.logins, DAY_MS) && over(&self.changes, DAY_MS) && over(&self.opened, HOUR_MS)
    }
}

/// Times kept of each kind after two were put together.
const KEPT_MAX: usize = 50;

fn for_change(purpose: OtpPurpose) -> bool {
    match purpose {
        OtpPurpose::Fresh | OtpPurpose::NewPhone => true,
        OtpPurpose::Login | OtpPurpose::LostPhone => false,
    }
}

fn second(at: Timestamp) -> u32 {
    u32::try_from(at.0.max(0) / SECOND_MS).unwrap_or(u32::MAX)
}

fn moment(second: u32) -> Timestamp {
    Timestamp::from_unix_s(i64::from(second))
}

/// When so many of the newest have left the window that there is room for one more.
fn spent_until(times: &[u32], max: u8, window_ms: i64, now: Timestamp) -> Option<Timestamp> {
    // Rounded down when noted: a second later it has surely left.
    let leaves = |at: &u32| moment(*at).min(now).plus_ms(window_ms + SECOND_MS);
    let within: Vec<&u32> = times.iter().filter(|at| leaves(at) > now).collect();
    let first = within.len().checked_sub(usize::from(max.max(1)))?;
    within.get(first).map(|at| leaves(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::MINUTE_MS;

    const START: Timestamp = Timestamp(1_795_400_000_000);

    #[test]
    fn three_codes_in_half_an_hour_to_whatever_numbers_and_twelve_a_day() {
        let rules = Rules::default();
        let mut budget = Budget::default();
        let (mut now, mut sent) = (START, 0);
        for _ in 0..24 * 60 {
            if budget.codes_spent_until(OtpPurpose::Login, now, &rules).is_none() {
                budget.note_code(OtpPurpose::Login, now, &rules);
                sent += 1;
            }
            now = now.plus_ms(MINUTE_MS);
        }
        assert_eq!(sent, 12);
        assert_eq!(budget.opened.len(), 0);
        let mut half = Budget::default();
        for minute in 0..3 {
            assert_eq!(half.codes_spent_until(OtpPurpose::LostPhone, START, &rules), None);
            half.note_code(OtpPurpose::Login, START.plus_ms(minute * MINUTE_MS), &rules);
        }
        let now = START.plus_ms(3 * MINUTE_MS);
        let until = half.codes_spent_until(OtpPurpose::Login, now, &rules).unwrap();
        assert_eq!(until, START.plus_ms(30 * MINUTE_MS + SECOND_MS));
        assert_eq!(half.codes_spent_until(OtpPurpose::Login, until, &rules), None, "the truth was told");
        assert_eq!(half.codes_spent_until(OtpPurpose::Fresh, now, &rules), None, "a change has its own");
        let back = now.plus_ms(-DAY_MS);
        assert!(half.codes_spent_until(OtpPurpose::Login, back, &rules).is_some(), "a clock that jumps back");
    }

    #[test]
    fn two_that_turn_out_to_be_one_have_the_stricter() {
        let rules = Rules::default();
        let (mut one, mut other) = (Budget::default(), Budget::default());
        one.note_code(OtpPurpose::Login, START, &rules);
        (0..2).for_each(|n| other.note_code(OtpPurpose::Login, START.plus_ms(n), &rules));
        one.absorb(&other);
        assert!(one.codes_spent_until(OtpPurpose::Login, START, &rules).is_some());
        assert!(!one.is_over(START.plus_ms(DAY_MS - 2 * SECOND_MS)) && one.is_over(START.plus_ms(DAY_MS)));
    }

    #[test]
    fn no_more_is_kept_than_bounds_need_and_nothing_past_its_time() {
        let rules = Rules { sessions_per_hour: 2, ..Rules::default() };
        let mut budget = Budget::default();
        for _ in 0..100 {
            budget.note_code(OtpPurpose::Login, START, &rules);
            budget.note_code(OtpPurpose::Fresh, START, &rules);
            budget.note_session(START, &rules);
        }
        let kept = |budget: &Budget| (budget.logins.len(), budget.changes.len(), budget.opened.len());
        assert_eq!(kept(&budget), (12, 12, 2));
        budget.note_session(START.plus_ms(HOUR_MS - SECOND_MS), &rules);
        assert_eq!(kept(&budget), (12, 12, 2), "they still count");
        budget.note_session(START.plus_ms(HOUR_MS), &rules);
        assert_eq!(kept(&budget), (12, 12, 1));
        budget.note_code(OtpPurpose::Login, START.plus_ms(DAY_MS), &rules);
        assert_eq!(kept(&budget), (1, 0, 0));
    }

    #[test]
    fn sessions_an_hour_are_bounded_and_that_is_told_once() {
        let rules = Rules { sessions_per_hour: 2, ..Rules::default() };
        let mut budget = Budget::default();
        (0..2).for_each(|_| budget.note_session(START, &rules));
        let until = budget.sessions_spent_until(START, &rules).unwrap();
        assert!(budget.tell(START));
        assert!(!budget.tell(START.plus_ms(MINUTE_MS)));
        assert_eq!(budget.sessions_spent_until(until, &rules), None);
        (0..2).for_each(|_| budget.note_session(until, &rules));
        assert!(budget.tell(until), "told anew");
    }
}
