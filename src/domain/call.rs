//! What a session asks of accounts and neighbours, and what they answer.
//!
//! A request is made after the turn that wants it is durable; its answer comes back as the session's next
//! event. A request may be made again under the same [`CallId`] after a restart (`conversation::resume`), so
//! whoever serves it gives the same answer again and does nothing twice.

use serde::{Deserialize, Serialize};

use super::certificate::Language;
use super::citizen::{PersonId, VaccinationRecord};
use super::contact::ContactId;
use super::keys::LookupKey;
use super::message::Text;
use super::name::Name;
use super::nik::Nik;
use super::otp::{Otp, OtpPurpose, UndoCode};
use super::phone::{Ending, Mobile};
use super::ticket::{TicketDraft, TicketNumber, TicketStanding, TicketView};
use super::time::Timestamp;

/// Names a call within its contact: the revision of the turn that made it. (design.md 4 takes the LSN; the
/// revision is as unique, known before the append, and the same in a test.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId(pub u64);

/// Who asks: all that an account may know of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asker {
    pub contact: ContactId,
    /// The last digits of the chat's own number, said in the SMS; none for a username-only chat.
    pub ending: Option<Ending>,
    /// Keyed hash of the chat's BSUID: the same phone with another one is possibly another person.
    pub bsuid: Option<LookupKey>,
    /// Whether the chat's own WhatsApp number is the account asked for.
    pub own_number: bool,
    /// Whether the chat's own number is of another country: a citizen abroad, whom no SMS may reach. A chat whose
    /// number is hidden is not: it could be the very number asked for.
    pub abroad: bool,
    pub language: Language,
    /// Contacts that turned out to be this one: what an account counts against those counts against it.
    pub formerly: [Option<ContactId>; 3],
    /// The chat has asked for as many codes, to whatever numbers, as it may: until then it gets no more.
    pub codes_spent_until: Option<Timestamp>,
    /// Keyed hash of the person whom a code is wanted on behalf of, where one was named.
    pub on_behalf: Option<LookupKey>,
}

/// One call: a request and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub id: CallId,
    pub request: Request,
}

/// A person as a citizen names him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub name: Name,
    pub nik: Nik,
}

/// What can be asked. All but `Undo` and the tickets' go to the account of the phone they name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Send a code to `account`. → `OtpSent`, `OtpWait`, `Locked`, and for the chat's own number
    /// `NotRegistered` and `OtpDelivered`. For any other number the answer does not depend on whether it is registered.
    ChallengeOtp { account: Mobile, purpose: OtpPurpose },
    /// Try codes in the order they came; each counts. → `OtpRight`, `OtpWrong`, `OtpExpired`, `Locked`.
    CheckOtp { account: Mobile, purpose: OtpPurpose, codes: Vec<Otp> },
    /// Month and year of the last vaccination of anyone on the account. → `StepUpRight`, `StepUpWrong`.
    StepUp { account: Mobile, month: u8, year: u16 },
    /// Who is that? → `Identified`, `Locked`, `LoginGone`, `Down`.
    Identify { account: Mobile, claims: Vec<Claim> },
    /// Read the record anew. → `Record`, `LoginGone`, `Down`.
    ReadRecord { account: Mobile, person: PersonId },
    /// Whether the certificate of a dose is out, asked for a chat that wanted to be told, long after its login
    /// ended. → `Issued`, `LoginGone` (the person is no longer on the account), `Down`.
    ReadIssued { account: Mobile, person: PersonId, dose: u8 },
    /// Change the name on certificates at once. → `NameChanged`, `NeedsDesk`, `ChangesShut`, `LoginGone`, `Down`.
    ChangeName { account: Mobile, person: PersonId, name: Name },
    /// Move one person to another phone, proven before. → `PhoneChanged`, `PhoneFull`, `ChangesShut`, `LoginGone`, `Down`.
    ChangePhone { account: Mobile, person: PersonId, to: Mobile },
    /// Undo the change that this code was told for. → `Undone`, `UndoUnknown`, `Locked`, `Down`.
    Undo { code: UndoCode },
    /// The chat logs out of the account. → `Left`.
    Leave { account: Mobile },
    /// → `TicketFiled`.
    FileTicket(Box<TicketDraft>),
    /// Add words to an open report. → `TicketAdded`, `NoTicket`.
    AddToTicket { number: TicketNumber, detail: Text },
    /// The answer did not help. → `TicketReopened`, `NoTicket`.
    ReopenTicket { number: TicketNumber },
    /// The reports of this chat. → `Tickets`.
    ReadTickets,
}

impl Request {
    /// What a code is asked for, if one is.
    pub fn code_purpose(&self) -> Option<OtpPurpose> {
        if let Self::ChallengeOtp { purpose, .. } = self { Some(*purpose) } else { None }
    }
}

/// What can be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// A code is on its way (or, for another's number, would be).
    OtpSent,
    /// Too soon after the last one: seconds to wait.
    OtpWait {
        seconds: u32,
        /// Whether a code of this chat is out and still opens.
        live: bool,
    },
    /// Attempts are stopped until then, whatever exists.
    Locked {
        until: Timestamp,
    },
    /// Only ever said about the chat's own number.
    NotRegistered,
    OtpRight(Login),
    /// None of the codes; so many tries are left, at least one.
    OtpWrong {
        left: u8,
    },
    OtpExpired,
    StepUpRight(Login),
    StepUpWrong {
        left: u8,
    },
    /// One answer a claim, in order; `misses_left` is what is left before the pair is locked.
    Identified {
        people: Vec<Identified>,
        misses_left: u8,
    },
    Record(Box<Subject>),
    /// The answer to `ReadIssued`, and no more than that.
    Issued(bool),
    NameChanged,
    /// The rules leave it to people.
    NeedsDesk,
    PhoneChanged,
    /// Six people stand on the new number already.
    PhoneFull,
    /// Changes are shut on this account until then.
    ChangesShut {
        until: Timestamp,
    },
    /// The change is undone; the report filed about it. Its kind says which change it was:
    /// `NameChangeUndone` a name, `ChangeUndone` a phone.
    Undone {
        ticket: TicketView,
    },
    /// No change is open under this code. How many tries the chat has left is the session's to say.
    UndoUnknown,
    Left,
    TicketFiled(TicketView),
    TicketAdded(TicketView),
    TicketReopened(TicketView),
    /// No such report of this chat.
    NoTicket,
    Tickets(Vec<TicketStanding>),
    /// The login that the request stood on has ended.
    LoginGone,
    /// The neighbour does not answer. The session keeps the request and makes it again.
    Down,
    /// Instead of another code: the phone has the one that is out, as far as its operator tells. Said once of a code,
    /// and only of a number that the chat has proven or writes from.
    OtpDelivered,
}

/// A proven account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The account's auth epoch: what a personal row is checked against at the moment of sending.
    pub epoch: u32,
    /// Ask month and year of the last vaccination before anything opens.
    pub step_up: bool,
    /// Proven by a channel that may show, never change.
    pub weak: bool,
}

/// One claim's answer. Every kind of miss is this one `Miss`; only the desk sees which it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Identified {
    Found(Box<Subject>),
    Miss,
}

/// An identified person with the record as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    pub person: PersonId,
    pub nik: Nik,
    /// The registry's name: for the certificate, never for a message.
    pub name: Name,
    pub record: VaccinationRecord,
}

/// A neighbour that did not serve the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NeighbourError {
    /// No answer, or not now; asking again later can help.
    #[error("`{neighbour}` does not answer: {reason}")]
    Down { neighbour: &'static str, reason: String },
    /// It answers, but our settings or its contract are wrong; only an operator can help.
    #[error("`{neighbour}` refuses us: {reason}")]
    Misconfigured { neighbour: &'static str, reason: String },
    /// The person or number is not there (any more).
    #[error("`{neighbour}` does not know the person")]
    NotFound { neighbour: &'static str },
    /// Somebody else changed the same thing first, the target is full, or two neighbours know different people.
    #[error("`{neighbour}` has a conflict: {reason}")]
    Conflict { neighbour: &'static str, reason: ConflictReason },
}

/// Why a change, or what one neighbour knows, does not fit what another has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConflictReason {
    #[error("six people stand on that number")]
    NumberFull,
    #[error("it was changed meanwhile")]
    Outdated,
    /// A NIK that two have: an officer's slip.
    #[error("more than one person stands under that nik")]
    TwoPeople,
    #[error("another name or birth date stands under that nik")]
    Differs,
}
