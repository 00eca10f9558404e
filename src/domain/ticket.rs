//! Reports that go to people (conversation.md 8).

use serde::{Deserialize, Serialize};

use super::certificate::Language;
use super::citizen::PersonId;
use super::contact::ContactId;
use super::digits::only_digits;
use super::message::Text;
use super::name::Name;
use super::nik::Nik;
use super::phone::Mobile;
use super::time::Timestamp;

/// Eight digits in two groups with a check digit, "4821-0937"; not sequential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TicketNumber(u32);

/// Why a text is not a ticket's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketNumberError {
    #[error("a ticket's number has eight digits")]
    Form,
    #[error("the last digit does not fit the other seven: one of them is mistyped")]
    Check,
}

impl TicketNumber {
    /// Reads a number as people write it, "4821-0933" or "48210933", and checks its last digit (Damm's: it
    /// shows every single wrong digit and every swap of two neighbours). Numbers that are made here carry it
    /// ([`TicketNumber::with_check_digit`]); one from elsewhere is built with [`TicketNumber::new`].
    pub fn parse(text: &str) -> Result<Self, TicketNumberError> {
        let digits = only_digits(text).filter(|digits| digits.len() == 8).ok_or(TicketNumberError::Form)?;
        let number: u32 = digits.parse().map_err(|_| TicketNumberError::Form)?;
        if damm(number) == 0 { Ok(Self(number)) } else { Err(TicketNumberError::Check) }
    }

    /// The number whose first seven digits are these (below 10,000,000).
    pub fn with_check_digit(seven: u32) -> Option<Self> {
        (seven < 10_000_000).then(|| Self(seven * 10 + u32::from(damm(seven))))
    }

    /// From a number below 100,000,000; whether its check digit is right is `parse`'s business.
    pub fn new(number: u32) -> Option<Self> {
        (number < 100_000_000).then_some(Self(number))
    }

    /// The number as such: the ticket's key in the store.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// Damm's check digit of a number; 0 for a number that ends in its own. Leading zeros change nothing.
fn damm(number: u32) -> u8 {
    const TABLE: [[u8; 10]; 10] = [
        [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
        [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
        [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
        [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
        [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
        [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
        [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
        [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
        [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
        [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
    ];
    number.to_string().bytes().fold(0, |interim, digit| TABLE[usize::from(interim)][usize::from(digit - b'0')])
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
    /// An undone change of name. Not in the list; never one with a `NameChange`, which the one who made the
    /// change may have asked for.
    NameChangeUndone,
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

/// What the officers' side does with a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketMove {
    TakeUp,
    /// Asks the citizen something; the clock of the report stands still until he adds words.
    Ask(Text),
    Answer(Text),
    /// Ends it, without a word to the citizen.
    Close,
}

impl TicketKind {
    /// As operators and programs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CertificateMissing => "certificate_missing",
            Self::NikUsedByOther => "nik_used_by_other",
            Self::NikMisrecorded => "nik_misrecorded",
            Self::BirthDateWrong => "birth_date_wrong",
            Self::DoseOrVaccineWrong => "dose_or_vaccine_wrong",
            Self::OthersCertificate => "others_certificate",
            Self::OldNumberLost => "old_number_lost",
            Self::VaccinatedAbroad => "vaccinated_abroad",
            Self::NoNik => "no_nik",
            Self::Other => "other",
            Self::NameChange => "name_change",
            Self::ChangeUndone => "change_undone",
            Self::NameChangeUndone => "name_change_undone",
        }
    }
}

impl TicketState {
    /// As operators and programs read it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Filed => "filed",
            Self::InWork { .. } => "in_work",
            Self::WaitingCitizen { .. } => "waiting_citizen",
            Self::Answered { .. } => "answered",
            Self::Closed { .. } => "closed",
            Self::Reopened { .. } => "reopened",
        }
    }
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

/// A report as its chat reads it: where it stands, and what the desk said last, while that still stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketStanding {
    pub view: TicketView,
    pub words: Option<Text>,
}

/// What a citizen may be told of a report of his.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketView {
    pub number: TicketNumber,
    pub kind: TicketKind,
    pub state: TicketState,
    pub due: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_number_reads_back() {
        for seven in [0, 1, 4_821_093, 9_999_999, 5_207_739] {
            let number = TicketNumber::with_check_digit(seven).unwrap();
            assert_eq!(TicketNumber::parse(&number.to_string()), Ok(number));
            assert_eq!(TicketNumber::parse(&number.to_string().replace('-', " ")), Ok(number));
        }
        assert_eq!(TicketNumber::with_check_digit(10_000_000), None);
    }

    #[test]
    fn damms_own_example() {
        assert_eq!(damm(572), 4);
        assert_eq!(damm(5_724), 0);
    }

    #[test]
    fn a_slip_of_the_finger_is_seen() {
        let right = TicketNumber::with_check_digit(4_821_093).unwrap().to_string().replace('-', "");
        for at in 0..8 {
            for digit in '0'..='9' {
                let wrong: String = right.chars().enumerate().map(|(i, c)| if i == at { digit } else { c }).collect();
                assert_eq!(TicketNumber::parse(&wrong).is_ok(), wrong == right, "{wrong}");
            }
        }
        for at in 0..7 {
            let mut wrong: Vec<char> = right.chars().collect();
            wrong.swap(at, at + 1);
            let wrong: String = wrong.into_iter().collect();
            assert_eq!(TicketNumber::parse(&wrong).is_ok(), wrong == right, "{wrong}");
        }
        assert_eq!(TicketNumber::parse("4821-093"), Err(TicketNumberError::Form));
        assert_eq!(TicketNumber::parse("tiket"), Err(TicketNumberError::Form));
    }
}
