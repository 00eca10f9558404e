//! Changes a citizen may make himself: the name a little, the phone with proof (conversation.md 6 and 7).
//!
//! Invariants: a change that is made can be undone from the moment it is answered: its undo code is durable
//! and its SMS on the way before the chat hears of it. What the rules do not allow goes to people. What a change will
//! take to undo is durable before the directory is asked: where its answer is lost the same call asks once more under
//! the same key, and does not judge anew a registry that may have the change in it already.

use super::job::{Ask, Changing, Job, Wanted};
use super::run::Run;
use super::state::{CHANGES_MAX, Change, Kept, Stage, What, later};
use super::{AccountEffect, JobId};
use crate::domain::call::{Answer, ConflictReason, NeighbourError, Request};
use crate::domain::citizen::{Person, PersonId};
use crate::domain::message::Text;
use crate::domain::name::{Name, is_small_change};
use crate::domain::phone::Mobile;
use crate::domain::time::{SECOND_MS, Timestamp};

impl Run<'_, '_> {
    /// A change of name or phone: is anything shut?
    pub(super) fn change(&mut self, ask: Ask, wanted: Wanted) {
        let phone = matches!(wanted, Wanted::ChangePhone { .. });
        if !self.may_change(ask) {
            return self.say(ask, Answer::LoginGone);
        }
        match self.shut_until(phone) {
            Some(until) => self.conclude(ask, Answer::ChangesShut { until }),
            None => self.look_up(ask, wanted),
        }
    }

    fn shut_until(&self, phone: bool) -> Option<Timestamp> {
        let account = &self.account;
        let full = (account.changes.len() >= CHANGES_MAX).then(|| account.changes.iter().map(|c| c.expires_at).min());
        let held = account.phone_shut_until.filter(|_| phone);
        account.changes_shut_until.max(held).max(full.flatten())
    }

    /// Makes the change unless something was shut or ended while the people were looked up.
    fn still_open(&mut self, ask: Ask, phone: bool) -> bool {
        if !self.may_change(ask) {
            self.say(ask, Answer::LoginGone);
            return false;
        }
        if let Some(until) = self.shut_until(phone) {
            self.conclude(ask, Answer::ChangesShut { until });
            return false;
        }
        true
    }

    pub(super) fn change_name(&mut self, ask: Ask, people: &[Person], person: &PersonId, name: Name) {
        let Some(person) = people.iter().find(|candidate| candidate.id == *person) else {
            return self.say(ask, Answer::LoginGone);
        };
        if !self.still_open(ask, false) {
            return;
        }
        let every_ms = i64::from(self.context.rules.name_changes_every_s) * SECOND_MS;
        let lately = person.name_changed_at.is_some_and(|at| self.now().since_ms(at) < every_ms);
        if lately || !is_small_change(&person.verified_name, &name) {
            return self.conclude(ask, Answer::NeedsDesk);
        }
        let changing = Changing::Name { person: person.id.clone(), before: person.name.clone() };
        self.start_name(ask, changing, person.id.clone(), name);
    }

    pub(super) fn change_phone(&mut self, ask: Ask, people: &[Person], person: &PersonId, to: Mobile) {
        let Some(person) = people.iter().find(|candidate| candidate.id == *person) else {
            return self.say(ask, Answer::LoginGone);
        };
        if !self.still_open(ask, true) {
            return;
        }
        let changing = Changing::Phone { person: person.id.clone(), to, name: person.name.clone() };
        self.start_phone(ask, changing, person.id.clone(), to);
    }

    /// The same call again, after a change that nobody knows the end of: it was allowed when it was begun.
    pub(super) fn change_again(&mut self, ask: Ask, changing: Changing, request: Request) {
        match request {
            Request::ChangeName { person, name, .. } => self.start_name(ask, changing, person, name),
            Request::ChangePhone { person, to, .. } => self.start_phone(ask, changing, person, to),
            // A call keeps its request: nothing else can have begun a change.
            Request::ChallengeOtp { .. }
            | Request::CheckOtp { .. }
            | Request::StepUp { .. }
            | Request::Identify { .. }
            | Request::ReadRecord { .. }
            | Request::ReadIssued { .. }
            | Request::Undo { .. }
            | Request::Leave { .. }
            | Request::FileTicket(_)
            | Request::AddToTicket { .. }
            | Request::ReopenTicket { .. }
            | Request::ReadTickets => self.say(ask, Answer::Down),
        }
    }

    fn start_name(&mut self, ask: Ask, changing: Changing, person: PersonId, name: Name) {
        let (contact, call) = (ask.asker.contact, ask.call);
        self.start(ask, changing, |job| AccountEffect::ChangeName { job, contact, call, person, name });
    }

    fn start_phone(&mut self, ask: Ask, changing: Changing, person: PersonId, to: Mobile) {
        let (contact, call, from) = (ask.asker.contact, ask.call, self.context.phone);
        self.start(ask, changing, |job| AccountEffect::ChangePhone { job, contact, call, person, from, to });
    }

    fn start(&mut self, ask: Ask, changing: Changing, effect: impl FnOnce(JobId) -> AccountEffect) {
        match self.account.jobs.open(Job::Change { ask, changing: changing.clone() }) {
            Some(job) => {
                self.keep(ask, Kept::Changing(changing));
                self.effects.push(effect(job));
            }
            None => self.say(ask, Answer::Down),
        }
    }

    /// The directory has made a change, or put one back, or not.
    pub(super) fn changed(&mut self, job: JobId, result: &Result<(), NeighbourError>) {
        match self.account.jobs.take(job) {
            Some(Job::Change { ask, changing }) => match result {
                Ok(()) => self.changed_now(ask, changing),
                Err(error) => self.not_changed(ask, &changing, error),
            },
            Some(Job::PutBack { ask, key }) => self.put_back(ask, key, result),
            _ => {}
        }
    }

    fn changed_now(&mut self, ask: Ask, changing: Changing) {
        let context = self.context;
        let code = (context.undo_code)(context.random);
        let key = (context.undo_key)(code);
        let language = ask.asker.language;
        let (person, what, sms, answer) = match changing {
            Changing::Name { person, before } => {
                let sms = context.texts.sms_name_changed(code, context.service_number, language);
                (person, What::Name { before }, sms, Answer::NameChanged)
            }
            Changing::Phone { person, to, name } => {
                let until = later(self.now(), context.rules.phone_changes_every_s);
                self.hold_phone(until);
                self.effects.push(AccountEffect::HoldPhoneOf { account: to, until });
                let sms = context.texts.sms_phone_moved(&name, to.ending(), code, context.service_number, language);
                (person, What::Phone { to }, sms, Answer::PhoneChanged)
            }
        };
        let expires_at = later(self.now(), context.rules.undo_life_s);
        self.account.changes.push(Change { key, expires_at, person, what, stage: Stage::Open });
        self.effects.push(AccountEffect::PutUndo { key });
        self.tell(ask, answer, sms);
    }

    /// The registered phone hears of it before the chat does.
    fn tell(&mut self, ask: Ask, answer: Answer, sms: Text) {
        self.keep(ask, Kept::Told { answer: answer.clone(), sms: sms.clone() });
        self.sms(ask, self.context.phone, sms);
        self.say(ask, answer);
    }

    fn not_changed(&mut self, ask: Ask, changing: &Changing, error: &NeighbourError) {
        let answer = match (error, changing) {
            (NeighbourError::Down { .. } | NeighbourError::Misconfigured { .. }, _) => {
                return self.say(ask, Answer::Down);
            }
            (NeighbourError::Conflict { reason: ConflictReason::NumberFull, .. }, Changing::Phone { .. }) => {
                Answer::PhoneFull
            }
            (_, Changing::Name { .. }) => Answer::NeedsDesk,
            // The person is not here any more.
            (_, Changing::Phone { .. }) => Answer::LoginGone,
        };
        self.conclude(ask, answer);
    }
}
