//! Accounts: what spans chats. One account a target phone, registered or not (design.md 5).
//!
//! Pure like the conversation: [`step`] takes an account, an event and a context, and gives the account back
//! with effects. `actors::account` owns each account, makes the new state durable, then carries the effects
//! out. A chat's budgets, tries, locks, misses, the auth epoch, holds and undoable changes live here.
//!
//! Invariants: an answer to a chat does not depend on whether a number that is not its own is registered;
//! an effect that tells anyone anything happens after the state that counts it is durable; a call that is
//! asked again gets the same answer and counts nothing twice.
//!
//! Floor 0. What does not belong here: texts of the chat (`conversation`), how an SMS travels (`otp`).

mod change;
mod chat;
mod code;
mod identify;
mod job;
mod login;
mod nik;
mod rules;
mod run;
pub mod state;
mod undo;

#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "any other answer is the finding")]
mod budgets;
#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "any other answer is the finding")]
mod guessing;
#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "any other effect is of no matter")]
mod histories;
#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "any other effect is of no matter")]
mod lost_answers;
#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "any other answer is the finding")]
mod overtaken;
#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "any other effect is of no matter")]
mod receipts;
#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "any other answer is the finding")]
mod tests;
#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "any other effect is of no matter")]
mod timing;
#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "any other answer is the finding")]
mod weak;
#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "any other effect is of no matter")]
mod world;

use crate::domain::call::{Answer, Asker, CallId, NeighbourError, Request};
use crate::domain::citizen::{Person, PersonId, VaccinationRecord};
use crate::domain::contact::ContactId;
use crate::domain::keys::LookupKey;
use crate::domain::message::Text;
use crate::domain::name::Name;
use crate::domain::otp::Otp;
use crate::domain::phone::Mobile;
use crate::domain::ticket::{TicketDraft, TicketView};
use crate::domain::time::Timestamp;

pub use rules::AccountRules;
pub use state::Account;

use run::Run;

/// Names one neighbour call of an account while it runs; not durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// What reaches an account.
#[derive(Clone, Debug)]
pub enum AccountEvent {
    /// A chat's call. Never one of the tickets' requests.
    Asked {
        asker: Asker,
        call: CallId,
        request: Request,
    },
    /// Answers of neighbours to this account's own effects.
    Persons {
        job: JobId,
        result: Result<Vec<Person>, NeighbourError>,
    },
    Record {
        job: JobId,
        result: Result<VaccinationRecord, NeighbourError>,
    },
    Changed {
        job: JobId,
        result: Result<(), NeighbourError>,
    },
    TicketFiled {
        job: JobId,
        result: Result<TicketView, NeighbourError>,
    },
    /// The code of a challenge is to leave by a template, as its turn in the order of ways has come (see
    /// `AccountEffect::Sms`).
    ByTemplate {
        contact: ContactId,
        call: CallId,
        challenge: [u8; 16],
        text: Text,
    },
    /// The phone has the text that left under this call.
    Delivered {
        contact: ContactId,
        call: CallId,
    },
    /// The text that left under this call will never arrive by the way that took it; `from`: the place of the next.
    Undeliverable {
        contact: ContactId,
        call: CallId,
        text: Text,
        from: usize,
    },
    /// Another account tells: a person was moved here and the move is undone. Logins end, changes are shut.
    EndLogins {
        changes_shut_until: Timestamp,
    },
    /// Another account tells: a person was moved here. Nobody moves on from here until then, else a second
    /// move would leave the first one's undo nothing to put back.
    HoldPhone {
        until: Timestamp,
    },
    /// Time has passed: what it has ended goes.
    Settle,
}

/// What an account wants done, after its state is durable, in this order.
#[derive(Clone, Debug)]
pub enum AccountEffect {
    /// Tell the chat. At most one a call.
    Answer {
        contact: ContactId,
        call: CallId,
        answer: Answer,
    },
    LookUp {
        job: JobId,
        account: Mobile,
    },
    ReadRecord {
        job: JobId,
        person: Box<Person>,
    },
    ChangeName {
        job: JobId,
        contact: ContactId,
        call: CallId,
        person: PersonId,
        name: Name,
    },
    ChangePhone {
        job: JobId,
        contact: ContactId,
        call: CallId,
        person: PersonId,
        from: Mobile,
        to: Mobile,
    },
    FileTicket {
        job: JobId,
        contact: ContactId,
        call: CallId,
        draft: Box<TicketDraft>,
    },
    /// Send a text by the ways that are set, in their order, beginning at `from`; retried by the actor within its bounds,
    /// no answer comes back, only what became of it (`Delivered`, `Undeliverable`), or not. `or_template`: the challenge whose code it carries, if a template may do so instead; then a `ByTemplate`
    /// comes back should its turn come.
    Sms {
        contact: ContactId,
        call: CallId,
        to: Mobile,
        text: Text,
        or_template: Option<[u8; 16]>,
        from: usize,
    },
    /// Send a code to the WhatsApp of this phone, by a template; should Meta not take it, its text by what comes after
    /// templates in the order of ways.
    Template {
        contact: ContactId,
        call: CallId,
        to: Mobile,
        code: Otp,
        text: Text,
    },
    /// End the login of another chat (a `Notice::LoginEnded` in its inbox).
    EndLogin {
        contact: ContactId,
    },
    /// Tell another account (see `AccountEvent::EndLogins`).
    EndLoginsOf {
        account: Mobile,
        changes_shut_until: Timestamp,
    },
    /// Tell another account (see `AccountEvent::HoldPhone`).
    HoldPhoneOf {
        account: Mobile,
        until: Timestamp,
    },
    /// Remember that this undo code opens this account; part of the same record as the state.
    PutUndo {
        key: LookupKey,
    },
    /// Forget it.
    DeleteUndo {
        key: LookupKey,
    },
    /// A code was made: it takes its place in the budgets that span accounts, before it is told of.
    CountCode,
    /// A code was right: its route is used by people.
    CountProof,
}

/// All that an account's step may know of the world.
pub struct AccountContext<'a> {
    pub now: Timestamp,
    /// Fresh randomness for this step, from a CSPRNG (or a seed, in a test).
    pub random: [u8; 32],
    /// Which account this is.
    pub phone: Mobile,
    /// The six digits of a challenge (`ServerKeys::otp`; a transcript puts its own here).
    pub otp: &'a dyn Fn([u8; 16], ContactId, Mobile) -> Otp,
    /// The keyed hash of an undo code (`ServerKeys::undo`).
    pub undo_key: &'a dyn Fn(crate::domain::otp::UndoCode) -> LookupKey,
    /// An undo code from this step's randomness (a transcript puts its own here).
    pub undo_code: &'a dyn Fn([u8; 32]) -> crate::domain::otp::UndoCode,
    pub texts: &'a crate::conversation::text::Texts,
    /// The service's own WhatsApp number as an SMS says it.
    pub service_number: &'a str,
    pub rules: &'a AccountRules,
    /// The budgets that span accounts hold no code for this step (see [`may_make_code`]) until then.
    pub codes_spent_until: Option<Timestamp>,
}

/// Whether this event may make a code, and if so whether for a chat that belongs to the account: who wants to
/// step it takes a place in the budgets that span accounts first.
pub fn may_make_code(account: &Account, event: &AccountEvent) -> Option<bool> {
    let asker = match event {
        AccountEvent::Asked { asker, request: Request::ChallengeOtp { .. }, .. } => *asker,
        AccountEvent::Persons { job, .. } => account.own_challenge(*job)?,
        AccountEvent::Asked { .. }
        | AccountEvent::Record { .. }
        | AccountEvent::Changed { .. }
        | AccountEvent::TicketFiled { .. }
        | AccountEvent::ByTemplate { .. }
        | AccountEvent::Delivered { .. }
        | AccountEvent::Undeliverable { .. }
        | AccountEvent::EndLogins { .. }
        | AccountEvent::HoldPhone { .. }
        | AccountEvent::Settle => return None,
    };
    Some(asker.own_number || account.chat(asker.contact).is_some_and(|chat| chat.belongs))
}

/// One event. Total: whatever comes in whatever order, there is a state and a list of effects.
pub fn step(account: Account, event: AccountEvent, context: &AccountContext<'_>) -> (Account, Vec<AccountEffect>) {
    let mut run = Run::new(account, context);
    match event {
        AccountEvent::Asked { asker, call, request } => run.asked(asker, call, request),
        AccountEvent::Persons { job, result } => run.people(job, result),
        AccountEvent::Record { job, result } => run.record(job, result),
        AccountEvent::Changed { job, result } => run.changed(job, &result),
        AccountEvent::TicketFiled { job, result } => run.reported(job, result),
        AccountEvent::ByTemplate { contact, call, challenge, text } => {
            run.by_template((contact, call), challenge, text);
        }
        AccountEvent::Delivered { contact, call } => run.delivered(contact, call),
        AccountEvent::Undeliverable { contact, call, text, from } => run.undeliverable((contact, call), text, from),
        AccountEvent::EndLogins { changes_shut_until } => run.end_logins(Some(changes_shut_until), None),
        AccountEvent::HoldPhone { until } => run.hold_phone(until),
        // Every step begins with it.
        AccountEvent::Settle => {}
    }
    run.end()
}
