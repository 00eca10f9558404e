//! Taking a change back with the code of the SMS: no login, from any chat, for 72 h (conversation.md 7).
//!
//! Three stages, each durable before the next: the registry puts the change back; all logins end and changes
//! are shut; the desk has a report. A call made again, or the code typed twice, goes on where it stopped and
//! gets the same answer. Who types codes that do not exist is counted by the session: here nobody is asked.

use super::job::{Ask, Job};
use super::run::Run;
use super::state::{Change, Stage, What, later};
use super::{AccountEffect, JobId};
use crate::domain::call::{Answer, NeighbourError};
use crate::domain::keys::LookupKey;
use crate::domain::message::Text;
use crate::domain::otp::UndoCode;
use crate::domain::ticket::{TicketDraft, TicketKind, TicketView};

/// What the report says to the desk; no citizen reads it.
const PUT_BACK_DETAIL: &str = "BUKAN SAYA";
const NOT_PUT_BACK_DETAIL: &str = "BUKAN SAYA (data belum dikembalikan: ditolak registri)";

impl Run<'_, '_> {
    pub(super) fn undo(&mut self, ask: Ask, code: UndoCode) {
        let key = (self.context.undo_key)(code);
        if self.account.jobs.undoes(key) {
            // Another chat's undo of the same change is under way; this one finds it done when it asks again.
            return self.say(ask, Answer::Down);
        }
        match self.open_change(key).map(|change| change.stage.clone()) {
            None => self.say(ask, Answer::UndoUnknown),
            Some(Stage::Open) => self.ask_back(ask, key),
            Some(Stage::PutBack { .. }) => self.report(ask, key),
            Some(Stage::Filed { ticket, whole }) => self.say(ask, undone(ticket, whole)),
        }
    }

    fn open_change(&self, key: LookupKey) -> Option<&Change> {
        self.account.changes.iter().find(|change| change.key == key)
    }

    fn set_stage(&mut self, key: LookupKey, stage: Stage) {
        if let Some(change) = self.account.changes.iter_mut().find(|change| change.key == key) {
            change.stage = stage;
        }
    }

    /// Stage one: the registry puts it back.
    fn ask_back(&mut self, ask: Ask, key: LookupKey) {
        let Some(change) = self.open_change(key).cloned() else { return };
        let Some(job) = self.account.jobs.open(Job::PutBack { ask, key }) else {
            return self.say(ask, Answer::Down);
        };
        let (contact, call, person) = (ask.asker.contact, ask.call, change.person);
        self.effects.push(match change.what {
            What::Name { before } => AccountEffect::ChangeName { job, contact, call, person, name: before },
            What::Phone { to } => {
                AccountEffect::ChangePhone { job, contact, call, person, from: to, to: self.context.phone }
            }
        });
    }

    /// Stage two: whoever is in goes out, here and where the person was moved to.
    pub(super) fn put_back(&mut self, ask: Ask, key: LookupKey, result: &Result<(), NeighbourError>) {
        let whole = match result {
            Ok(()) => true,
            // Somebody has changed it since, or the number is full: the desk puts it back by hand.
            Err(NeighbourError::NotFound { .. } | NeighbourError::Conflict { .. }) => false,
            Err(NeighbourError::Down { .. } | NeighbourError::Misconfigured { .. }) => {
                return self.say(ask, Answer::Down);
            }
        };
        let until = later(self.now(), self.context.rules.changes_shut_s);
        self.end_logins(Some(until), Some(ask.asker.contact));
        if let Some(What::Phone { to }) = self.open_change(key).map(|change| change.what.clone()) {
            self.effects.push(AccountEffect::EndLoginsOf { account: to, changes_shut_until: until });
        }
        self.set_stage(key, Stage::PutBack { whole });
        self.report(ask, key);
    }

    /// Stage three: people look at it.
    fn report(&mut self, ask: Ask, key: LookupKey) {
        let Some(change) = self.open_change(key).cloned() else { return self.say(ask, Answer::UndoUnknown) };
        let Some(job) = self.account.jobs.open(Job::Report { ask, key }) else {
            return self.say(ask, Answer::Down);
        };
        let (kind, claimed_phone) = match change.what {
            What::Name { .. } => (TicketKind::NameChangeUndone, None),
            What::Phone { to } => (TicketKind::ChangeUndone, Some(to)),
        };
        let whole = change.stage == Stage::PutBack { whole: true };
        let detail = if whole { PUT_BACK_DETAIL } else { NOT_PUT_BACK_DETAIL };
        let draft = TicketDraft {
            kind,
            contact: ask.asker.contact,
            language: ask.asker.language,
            // The code reached this phone by SMS, and the person was identified when the change was made.
            verified_phone: Some(self.context.phone),
            verified_person: Some(change.person),
            claimed_phone,
            claimed_name: None,
            claimed_nik: None,
            detail: Text(detail.to_owned()),
        };
        let (contact, call) = (ask.asker.contact, ask.call);
        self.effects.push(AccountEffect::FileTicket { job, contact, call, draft: Box::new(draft) });
    }

    /// The desk has the report, or not.
    pub(super) fn reported(&mut self, job: JobId, result: Result<TicketView, NeighbourError>) {
        let Some(Job::Report { ask, key }) = self.account.jobs.take(job) else { return };
        let Ok(ticket) = result else { return self.say(ask, Answer::Down) };
        let whole = self.open_change(key).is_none_or(|change| change.stage == Stage::PutBack { whole: true });
        self.set_stage(key, Stage::Filed { ticket: ticket.clone(), whole });
        self.say(ask, undone(ticket, whole));
    }
}

/// What the chat hears: that it is undone, or (when the registry could not) that the desk has it.
fn undone(ticket: TicketView, whole: bool) -> Answer {
    if whole { Answer::Undone { ticket } } else { Answer::TicketFiled(ticket) }
}
