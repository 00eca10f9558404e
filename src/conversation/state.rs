//! Where a conversation stands: what is kept between two messages of a citizen.
//!
//! Invariants: a contact at rest is small (every large part is behind an `Option<Box<_>>`); NIK and name live
//! for a session at most; a login exists only in a session that was consented to; what must survive an erasure
//! (undo tries, proof of consent, the last report's number) is outside the session.
//!
//! What does not belong here: locks, tries, misses and holds, which are the accounts' (`crate::account`).

mod budget;
mod session;

use serde::{Deserialize, Serialize};

use super::{AuthEpoch, Rules};
use crate::domain::call::CallId;
use crate::domain::certificate::Language;
use crate::domain::citizen::PersonId;
use crate::domain::nik::Nik;
use crate::domain::otp::OtpPurpose;
use crate::domain::phone::Mobile;
use crate::domain::ticket::TicketNumber;
use crate::domain::time::{DAY_MS, MINUTE_MS, SECOND_MS, Timestamp};

pub(super) use budget::Budget;
pub(super) use session::{
    Answered, FamilyLine, Known, Login, Pending, Question, Report, Said, Session, Waiting, Wanted, Why,
};

/// Undo codes that one chat may try within a day.
const UNDO_TRIES_A_DAY: u8 = 5;

/// Proof of consent is kept so long (domain.md 6).
const CONSENT_KEPT_MS: i64 = 365 * DAY_MS;

/// A conversation's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) language: Language,
    /// Part of every button's id; grows when a session ends, so that its buttons never act again.
    pub(super) epoch: u32,
    pub(super) session: Option<Box<Session>>,
    pub(super) closed: Option<Closed>,
    pub(super) watch: Option<Box<Watch>>,
    pub(super) undo: Option<UndoTries>,
    /// Codes asked for and sessions opened.
    pub(super) budget: Option<Box<Budget>>,
    /// The report that was last spoken of: what "Belum selesai" is about.
    pub(super) ticket: Option<TicketNumber>,
    /// When consent was last given: the proof outlives an erasure.
    pub(super) consent_at: Option<Timestamp>,
    /// The last message of the citizen: WhatsApp lets us write freely for 24 h from then.
    pub(super) heard_at: Option<Timestamp>,
    /// What the desk said while we could not write freely. Rests behind the rest of the contact's record, so that
    /// older records are read as they are.
    #[serde(skip)]
    pub news: Option<News>,
}

/// News of reports that the citizen was only told to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// The first of it is as old as this.
    pub(super) since: Timestamp,
    /// The call that reads it.
    pub(super) call: Option<CallId>,
}

/// How and when the last session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closed {
    pub at: Timestamp,
    /// The account that was open when time ran out.
    pub account: Option<Mobile>,
}

/// A certificate that the citizen wants to be told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watch {
    pub account: Mobile,
    pub person: PersonId,
    pub dose: u8,
    pub next_at: Timestamp,
    pub until: Timestamp,
    /// The call that is out.
    pub call: Option<CallId>,
}

/// Undo codes tried from this chat since `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UndoTries {
    pub since: Timestamp,
    pub used: u8,
}

/// A person as a code's budget knows him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    Nik(Nik),
    Person(PersonId),
}

/// What counts against a contact, whatever it is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strict {
    undo: Option<UndoTries>,
    budget: Option<Box<Budget>>,
}

impl State {
    /// What counts against this contact.
    pub fn strict(&self) -> Strict {
        Strict { undo: self.undo, budget: self.budget.clone() }
    }

    /// Counts against this contact from here on: the stricter of both.
    pub(super) fn absorb(&mut self, other: &Strict) {
        self.undo = match (self.undo, other.undo) {
            (Some(own), Some(other)) => Some(UndoTries {
                since: own.since.max(other.since),
                used: own.used.saturating_add(other.used).min(UNDO_TRIES_A_DAY),
            }),
            (own, other) => own.or(other),
        };
        if let Some(other) = &other.budget {
            self.budget().absorb(other);
        }
    }

    /// The login that a personal reply stands on, if there is one.
    pub fn login(&self) -> Option<AuthEpoch> {
        let login = self.session.as_ref()?.login?;
        Some(AuthEpoch { account: login.account, epoch: login.epoch })
    }

    pub fn language(&self) -> Language {
        self.language
    }

    /// A session in progress or a code out: such a contact is served when others have to wait.
    pub fn is_live(&self, now: Timestamp, rules: &Rules) -> bool {
        self.session.as_ref().is_some_and(|session| now < session.ends_at(rules))
    }

    /// The call whose answer this conversation waits for.
    pub fn waiting(&self) -> Option<CallId> {
        let session = self.session.as_ref().and_then(|session| session.waiting.as_ref()).map(|waiting| waiting.call);
        let watch = || self.watch.as_ref().and_then(|watch| watch.call);
        session.or_else(watch).or_else(|| self.news.and_then(|news| news.call))
    }

    /// Until when no more codes are sent for this chat, to whatever number.
    pub fn codes_spent_until(&self, purpose: OtpPurpose, now: Timestamp, rules: &Rules) -> Option<Timestamp> {
        self.budget.as_ref().and_then(|budget| budget.codes_spent_until(purpose, now, rules))
    }

    /// The person whom a code is wanted on behalf of, where one was named: who was identified, or, in a report that
    /// his number is lost, who is said to be.
    pub fn on_behalf(&self, purpose: OtpPurpose) -> Option<Named> {
        let session = self.session.as_ref()?;
        match purpose {
            OtpPurpose::Login => None,
            OtpPurpose::Fresh | OtpPurpose::NewPhone => Some(Named::Person(session.person.as_ref()?.id.clone())),
            OtpPurpose::LostPhone => session.report.as_ref()?.claimed_nik.map(Named::Nik),
        }
    }

    pub(super) fn budget(&mut self) -> &mut Budget {
        self.budget.get_or_insert_default()
    }

    /// A state that nothing is known of. Its buttons' epoch is taken from the time, so that a button of a life that
    /// was forgotten never acts in the next.
    pub fn begun(now: Timestamp) -> Self {
        Self { epoch: u32::try_from(now.0 / MINUTE_MS).unwrap_or_default(), ..Self::default() }
    }

    /// Nothing goes on: no session, nothing watched for, no call out.
    pub fn is_quiet(&self) -> bool {
        self.session.is_none() && self.watch.is_none() && self.waiting().is_none()
    }

    /// Without what time has ended.
    #[must_use]
    pub fn shrunk(&self, now: Timestamp, rules: &Rules) -> Self {
        let within = |at: Timestamp, ms: i64| now.since_ms(at) < ms;
        let silent_ms = DAY_MS.max(i64::from(rules.silence_after_end_s) * SECOND_MS);
        let heard_at = self.heard_at.filter(|at| within(*at, DAY_MS));
        Self {
            closed: self.closed.filter(|closed| within(closed.at, silent_ms)),
            undo: self.undo.filter(|undo| within(undo.since, DAY_MS)),
            budget: self.budget.clone().filter(|budget| !budget.is_over(now)),
            consent_at: self.consent_at.filter(|at| within(*at, CONSENT_KEPT_MS)),
            heard_at,
            ..self.clone()
        }
    }

    /// Nothing is left to remember. Language and the number of a report are not worth a record: whoever comes back
    /// is asked again, and a report that is still known keeps its contact (`actors::session::rest`).
    pub fn is_blank(&self) -> bool {
        self.is_quiet()
            && self.closed.is_none()
            && self.undo.is_none()
            && self.budget.is_none()
            && self.consent_at.is_none()
            && self.heard_at.is_none()
    }

    /// How many undo codes this chat may still try, and counts one.
    pub(super) fn take_undo_try(&mut self, now: Timestamp) -> Option<u8> {
        let tries = self.undo.filter(|tries| now.since_ms(tries.since) < DAY_MS);
        let tries = tries.unwrap_or(UndoTries { since: now, used: 0 });
        if tries.used >= UNDO_TRIES_A_DAY {
            return None;
        }
        self.undo = Some(UndoTries { since: tries.since, used: tries.used + 1 });
        Some(UNDO_TRIES_A_DAY - tries.used - 1)
    }

    /// Undo codes this chat may still try today.
    pub(super) fn undo_tries_left(&self, now: Timestamp) -> u8 {
        let tries = self.undo.filter(|tries| now.since_ms(tries.since) < DAY_MS);
        UNDO_TRIES_A_DAY.saturating_sub(tries.map_or(0, |tries| tries.used))
    }

    /// Ends the session; its buttons are dead from here on.
    pub(super) fn close(&mut self, now: Timestamp, account: Option<Mobile>) {
        self.session = None;
        self.closed = Some(Closed { at: now, account });
        self.epoch = self.epoch.wrapping_add(1);
    }
}
