//! Reports that go to people (conversation.md 8).

use serde::{Deserialize, Serialize};

use super::certificate::Language;
use super::citizen::PersonId;
use super::contact::ContactId;
use super::message::Text;
use super::name::Name;
use super::nik::Nik;
use super::phone::Mobile;
use super::time::Timestamp;

/// Eight digits in two groups with a check digit, "4821-0937"; not sequential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TicketNumber(u32);

impl TicketNumber {
    /// From a number below 100,000,000; whether its check digit is right is `parse`'s business.
    pub fn new(number: u32) -> Option<Self> {
        (number < 100_000_000).then_some(Self(number))
    }

    /// The number as such: the ticket's key in the store.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for TicketNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:04}", self.0 / 10_000, self.0 % 10_000)
    }
}

/// What a report is about: the ten rows of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TicketKind {
    CertificateMissing,
    NikUsedByOther,
    NikMisrecorded,
    BirthDateWrong,
    DoseOrVaccineWrong,
    OthersCertificate,
    OldNumberLost,
    VaccinatedAbroad,
    NoNik,
    Other,
    /// A change of name that the rules leave to people. Not in the list.
    NameChange,
    /// An undone change of phone. Not in the list.
    ChangeUndone,
}

/// Where a report stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TicketState {
    Filed,
    InWork {
        since: Timestamp,
    },
    /// The citizen is asked something: the 72 h clock stands still since then.
    WaitingCitizen {
        since: Timestamp,
    },
    Answered {
        at: Timestamp,
    },
    Closed {
        at: Timestamp,
    },
    Reopened {
        at: Timestamp,
    },
}

/// A report as the citizen makes it. What he claims and what was verified stay apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketDraft {
    pub kind: TicketKind,
    pub contact: ContactId,
    pub language: Language,
    /// The account proven by OTP, if any.
    pub verified_phone: Option<Mobile>,
    /// The person proven by NIK and name, if any.
    pub verified_person: Option<PersonId>,
    pub claimed_phone: Option<Mobile>,
    pub claimed_name: Option<Name>,
    pub claimed_nik: Option<Nik>,
    /// In the citizen's words: where and when, or what is wrong.
    pub detail: Text,
}

/// A report as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    pub number: TicketNumber,
    pub draft: TicketDraft,
    pub state: TicketState,
    pub filed_at: Timestamp,
    /// Until when it is promised: filing plus 72 h, later by as long as the citizen was asked.
    pub due: Timestamp,
    /// What the citizen added later, oldest first.
    pub additions: Vec<Text>,
    /// The desk's last words to the citizen.
    pub answer: Option<Text>,
}

/// What a citizen may be told of a report of his.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketView {
    pub number: TicketNumber,
    pub kind: TicketKind,
    pub state: TicketState,
    pub due: Timestamp,
}
