//! Who is in: logins, and what a changed identity costs (conversation.md 5).
//!
//! A login is a chat's, of one account, for an hour at most. A phone that writes with another BSUID than the
//! one that proved it last may be in other hands: its logins end, changes are shut, and the next login owes
//! month and year of the last vaccination. So does one after twelve silent months.

use super::job::{Ask, Reading, Wanted};
use super::run::Run;
use super::state::{Proof, later};
use crate::domain::call::{Answer, Asker, Login};
use crate::domain::time::{SECOND_MS, Timestamp};

impl Run<'_, '_> {
    /// Looks at who writes from the account's own number; acts once a new BSUID.
    pub(super) fn notice_identity(&mut self, asker: &Asker) {
        let (true, Some(bsuid), Some(proof)) = (asker.own_number, asker.bsuid, self.account.proof.as_mut()) else {
            return;
        };
        if proof.bsuid.is_none_or(|known| known == bsuid) || proof.suspect == Some(bsuid) {
            return;
        }
        proof.suspect = Some(bsuid);
        self.shut_changes_and_end_logins();
    }

    fn shut_changes_and_end_logins(&mut self) {
        let until = later(self.now(), self.context.rules.changes_shut_s);
        self.end_logins(Some(until), None);
    }

    /// Whether a login that has just proven the phone must prove the person too.
    pub(super) fn owes_step_up(&self, ask: Ask) -> bool {
        let Some(proof) = &self.account.proof else { return false };
        let silent_ms = self.now().since_ms(proof.at);
        let other = |known| ask.asker.own_number && ask.asker.bsuid.is_some_and(|bsuid| bsuid != known);
        proof.bsuid.is_some_and(other) || silent_ms >= i64::from(self.context.rules.reconfirm_after_s) * SECOND_MS
    }

    /// The phone is confirmed as of now, by this chat.
    pub(super) fn confirm(&mut self, ask: Ask) {
        let known = self.account.proof.as_ref().and_then(|proof| proof.bsuid);
        let bsuid = if ask.asker.own_number { ask.asker.bsuid.or(known) } else { known };
        let suspect = self.account.proof.as_ref().and_then(|proof| proof.suspect).filter(|_| !ask.asker.own_number);
        self.account.proof = Some(Proof { at: self.now(), bsuid, suspect });
    }

    /// Whether the chat may see people's data now.
    pub(super) fn is_in(&self, ask: Ask) -> bool {
        self.chat(ask).and_then(|chat| chat.login.as_ref()).is_some_and(|login| login.step_up.is_none())
    }

    /// Whether the chat may change people's data now: in, and not by a weak login.
    pub(super) fn may_change(&self, ask: Ask) -> bool {
        self.is_in(ask) && self.chat(ask).is_some_and(super::state::Chat::may_change)
    }

    /// Looks people up for a chat that is in.
    pub(super) fn if_in(&mut self, ask: Ask, wanted: Wanted) {
        if self.is_in(ask) { self.look_up(ask, wanted) } else { self.say(ask, Answer::LoginGone) }
    }

    pub(super) fn step_up(&mut self, ask: Ask, month: u8, year: u16) {
        if let Some(until) = self.locked_until(ask) {
            return self.conclude(ask, Answer::Locked { until });
        }
        match self.chat(ask).and_then(|chat| chat.login.as_ref()).map(|login| login.step_up) {
            None => self.conclude(ask, Answer::LoginGone),
            Some(None) => self.step_up_right(ask),
            Some(Some(_)) => self.look_up(ask, Wanted::StepUp { month, year }),
        }
    }

    /// All records of the account are read: was that the month of anyone's last vaccination?
    pub(super) fn stepped_up(&mut self, ask: Ask, month: u8, year: u16, readings: &[Reading]) {
        let last = |reading: &Reading| {
            let doses = reading.record.iter().flat_map(|record| &record.doses);
            doses.map(|dose| dose.date).max()
        };
        let right = readings
            .iter()
            .filter_map(last)
            .any(|date| u8::from(date.month()) == month && date.year() == i32::from(year));
        let Some(login) = self.chat_mut(ask).and_then(|chat| chat.login.as_mut()) else {
            return self.conclude(ask, Answer::LoginGone);
        };
        if right {
            login.step_up = None;
            if !login.weak {
                self.confirm(ask);
            }
            let until = later(self.now(), self.context.rules.changes_shut_s);
            self.account.changes_shut_until = self.account.changes_shut_until.max(Some(until));
            return self.step_up_right(ask);
        }
        let left = login.step_up.unwrap_or_default().saturating_sub(1);
        login.step_up = Some(left);
        if left == 0 {
            return self.lock(ask);
        }
        self.conclude(ask, Answer::StepUpWrong { left });
    }

    fn step_up_right(&mut self, ask: Ask) {
        let epoch = self.account.epoch;
        let weak = self.chat(ask).is_some_and(|chat| !chat.may_change());
        self.conclude(ask, Answer::StepUpRight(Login { epoch, step_up: false, weak }));
    }

    /// The chat goes; what counts against it stays.
    pub(super) fn leave(&mut self, ask: Ask) {
        if let Some(chat) = self.chat_mut(ask) {
            chat.login = None;
            chat.challenges.clear();
        }
        self.conclude(ask, Answer::Left);
    }

    /// Nobody moves on from here until then.
    pub(super) fn hold_phone(&mut self, until: Timestamp) {
        self.account.phone_shut_until = self.account.phone_shut_until.max(Some(until));
    }
}
