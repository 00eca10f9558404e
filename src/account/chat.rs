//! One chat's side of an account: what time takes from it, and what stops it.
//!
//! Invariant: a clock that jumps back never makes a code or a login live longer, and never makes a chat forget
//! what counts against it.

use super::AccountRules;
use super::state::{Chat, Lock, Misses, later};
use crate::domain::contact::ContactId;
use crate::domain::time::{DAY_MS, MINUTE_MS, SECOND_MS, Timestamp};

/// How far a clock may have stepped back before what was written "later" is taken as dead.
pub(super) const CLOCK_TOLERANCE_MS: i64 = MINUTE_MS;

impl Chat {
    pub(super) fn new(contact: ContactId, belongs: bool, now: Timestamp) -> Self {
        Self {
            contact,
            used_at: now,
            belongs,
            login: None,
            challenges: Vec::new(),
            sends: Vec::new(),
            fresh_sends: Vec::new(),
            lock: None,
            misses: Misses::default(),
            last: None,
        }
    }

    pub(super) fn settle(&mut self, now: Timestamp, rules: &AccountRules) {
        let alive = |since: Timestamp, life_s: u32| {
            let age_ms = now.since_ms(since);
            (-CLOCK_TOLERANCE_MS..i64::from(life_s) * SECOND_MS).contains(&age_ms)
        };
        self.challenges.retain(|challenge| challenge.is_alive(now, rules));
        self.login = self.login.take().filter(|login| alive(login.since, rules.login_max_s));
        // What counts against a chat survives a clock that jumps back: it counts as of now.
        for sends in [&mut self.sends, &mut self.fresh_sends] {
            for at in sends.iter_mut() {
                *at = (*at).min(now);
            }
            sends.retain(|at| now.since_ms(*at) < i64::from(rules.otp_window_s) * SECOND_MS);
        }
        let longest_s = rules.lock_s.into_iter().max().unwrap_or_default();
        if let Some(lock) = &mut self.lock {
            lock.until = lock.until.min(later(now, longest_s));
        }
        self.lock = self.lock.take().filter(|lock| lock.remembered_until() > now);
        self.used_at = self.used_at.min(now);
        self.misses.day_from = self.misses.day_from.min(now);
        if now.since_ms(self.misses.day_from) >= DAY_MS {
            self.misses.today = 0;
        }
    }

    /// Counts what counted against another chat that turned out to be this one.
    pub(super) fn absorb(&mut self, other: Self) {
        self.login = None;
        self.used_at = self.used_at.max(other.used_at);
        for (own, others) in [(&mut self.sends, other.sends), (&mut self.fresh_sends, other.fresh_sends)] {
            own.extend(others);
            own.sort_unstable();
        }
        self.lock = match (self.lock.take(), other.lock) {
            (Some(own), Some(other)) => {
                Some(Lock { until: own.until.max(other.until), count: own.count.max(other.count) })
            }
            (own, other) => own.or(other),
        };
        self.misses.open = self.misses.open.max(other.misses.open);
        // Of as many the later ones, which count for longer.
        let day = |misses: &Misses| (misses.today, misses.day_from);
        (self.misses.today, self.misses.day_from) = day(&self.misses).max(day(&other.misses));
    }

    /// Whether the chat is in by a proof that data may be changed on.
    pub(super) fn may_change(&self) -> bool {
        self.login.as_ref().is_some_and(|login| !login.weak)
    }

    /// Until when attempts are stopped, if they are.
    pub(super) fn locked_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.lock.as_ref().map(|lock| lock.until).filter(|until| *until > now)
    }

    /// Stops all attempts of this chat on this account, each time for longer, and ends its login.
    pub(super) fn lock(&mut self, now: Timestamp, rules: &AccountRules) -> Timestamp {
        let count = self.lock.as_ref().map_or(0, |lock| lock.count);
        let seconds = rules.lock_s[usize::from(count).min(rules.lock_s.len() - 1)];
        let until = later(now, seconds);
        self.lock = Some(Lock { until, count: count.saturating_add(1) });
        self.login = None;
        self.challenges.clear();
        self.misses.open = 0;
        until
    }
}

impl Lock {
    pub(super) fn remembered_until(&self) -> Timestamp {
        self.until.plus_ms(DAY_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_795_400_000_000);

    fn chat() -> Chat {
        Chat::new(ContactId(1), true, START)
    }

    #[test]
    fn what_counts_against_a_chat_counts_to_its_last_moment_and_no_longer() {
        let rules = AccountRules::default();
        let window_ms = i64::from(rules.otp_window_s) * SECOND_MS;
        let at = |ms: i64| {
            let mut chat = Chat { sends: vec![START], fresh_sends: vec![START], ..chat() };
            chat.lock = Some(Lock { until: START.plus_ms(window_ms - DAY_MS), count: 1 });
            chat.misses.today = 1;
            chat.misses.day_from = START.plus_ms(window_ms - DAY_MS);
            chat.settle(START.plus_ms(ms), &rules);
            (chat.sends.len(), chat.fresh_sends.len(), chat.lock.is_some(), chat.misses.today)
        };
        assert_eq!(at(window_ms - 1), (1, 1, true, 1));
        assert_eq!(at(window_ms), (0, 0, false, 0));
    }

    #[test]
    fn of_two_days_that_count_as_many_the_one_that_lasts_longer_stays() {
        let counted = |today, minutes: i64| {
            let mut chat = chat();
            (chat.misses.today, chat.misses.day_from) = (today, START.plus_ms(minutes * MINUTE_MS));
            chat
        };
        for (own, other, expected) in [((2, 0), (1, 9), (2, 0)), ((1, 9), (2, 0), (2, 0)), ((2, 3), (2, 5), (2, 5))] {
            let mut chat = counted(own.0, own.1);
            chat.absorb(counted(other.0, other.1));
            assert_eq!((chat.misses.today, chat.misses.day_from), (expected.0, START.plus_ms(expected.1 * MINUTE_MS)));
        }
    }
}
