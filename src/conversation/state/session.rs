//! A conversation in progress: what is asked, what was chosen, what is awaited.
//!
//! Gone when the session ends, NIK and name with it.

use serde::{Deserialize, Serialize};

use crate::conversation::Rules;
use crate::conversation::choice::Choice;
use crate::conversation::input::Wish;
use crate::domain::call::{CallId, Claim, Request};
use crate::domain::citizen::PersonId;
use crate::domain::message::{Content, MessageId};
use crate::domain::name::Name;
use crate::domain::nik::Nik;
use crate::domain::otp::OtpPurpose;
use crate::domain::phone::Mobile;
use crate::domain::ticket::{TicketKind, TicketNumber};
use crate::domain::time::{SECOND_MS, Timestamp};

/// A conversation in progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::conversation) struct Session {
    pub opened_at: Timestamp,
    pub heard_at: Timestamp,
    pub asked_at: Timestamp,
    pub question: Question,
    /// What our last question offered, in that order: a typed number means one of these.
    pub offered: Vec<Choice>,
    pub consented: bool,
    /// The account chosen, proven or not.
    pub account: Option<Mobile>,
    pub login: Option<Login>,
    pub wanted: Wanted,
    pub person: Option<Box<Known>>,
    pub pending: Option<Box<Pending>>,
    /// The claim that did not match last: a report may carry it, a reply never.
    pub missed: Option<Box<Claim>>,
    /// The lines of several people, while the directory is asked.
    pub family: Vec<FamilyLine>,
    /// Messages in a row that were not understood.
    pub puzzled: u8,
    pub waiting: Option<Box<Waiting>>,
    pub answered: Option<Answered>,
    /// When messages that were long on their way were answered last.
    pub back_at: Option<Timestamp>,
    pub report: Option<Box<Report>>,
    pub new_name: Option<Name>,
    pub new_phone: Option<Mobile>,
    /// The question that an erasure interrupted.
    pub before_erase: Option<(Question, Vec<Choice>)>,
}

/// What is asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::conversation) enum Question {
    Consent,
    /// The login was ended from outside; consent is asked again.
    Gone,
    /// Time ran out; a new code is offered to the same number.
    Expired,
    Phone,
    Code(OtpPurpose),
    StepUp,
    Locked {
        until: Timestamp,
    },
    Menu,
    Person,
    Family,
    Dose,
    /// A dose is recorded and not issued: tell him when it is?
    Watch {
        dose: u8,
    },
    /// Nothing is asked; ways on are offered.
    Served,
    PickChange,
    NewName,
    ConfirmName,
    NewPhone,
    TicketKind,
    TicketDetail,
    /// More words to the report last spoken of.
    TicketWords,
    /// Old number, name and NIK of someone whose registered number is dead.
    Lost,
    /// His new number, when WhatsApp does not tell it.
    LostPhone,
    Erase,
    Help,
}

/// A proven account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::conversation) struct Login {
    pub account: Mobile,
    pub epoch: u32,
    pub weak: bool,
    /// The last code that was right.
    pub proven_at: Timestamp,
    /// Changes may be finished until then.
    pub change_until: Option<Timestamp>,
}

/// What the citizen wants, kept until he has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::conversation) struct Wanted {
    pub wish: Option<Wish>,
    pub dose: Option<u8>,
    pub all: bool,
}

/// The person identified in this session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::conversation) struct Known {
    pub id: PersonId,
    /// The first word the citizen typed: how this person is named to him.
    pub called: String,
}

/// Half of "name and NIK", waiting for the other half.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::conversation) struct Pending {
    pub name: Option<Name>,
    pub nik: Option<Nik>,
    /// A NIK whose form is odd was asked again once; the second time the registry decides.
    pub odd_nik: Option<Nik>,
    /// The old number of someone who lost it.
    pub phone: Option<Mobile>,
}

/// One line of several people in one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::conversation) enum FamilyLine {
    /// Its answer comes from the directory.
    Asked,
    NikLength {
        called: String,
        digits: u32,
    },
    NikForm {
        called: String,
    },
    Unread,
}

/// A call that is out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::conversation) struct Waiting {
    pub call: CallId,
    pub request: Request,
    pub since: Timestamp,
    pub why: Why,
    /// The report that was asked for by its number.
    pub ticket: Option<TicketNumber>,
    /// How often the neighbour was down.
    pub downs: u8,
    /// When "still trying" was last said.
    pub soothed_at: Option<Timestamp>,
    /// What came while the answer was on its way; read after it. Small: it rests in the contact's record.
    pub heard: Vec<Said>,
}

/// Why a call is made, where its answer is told differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::conversation) enum Why {
    #[default]
    First,
    /// A code that replaces an earlier one.
    Again,
    /// The time to finish a change ran out.
    Late,
}

/// A message of the citizen: what it says, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::conversation) struct Said {
    pub id: MessageId,
    pub quotes: Option<MessageId>,
    pub content: Content,
}

/// The last message that answered a question: an edit of it counts while the same is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::conversation) struct Answered {
    pub message: u64,
    pub question: Question,
}

/// A report that is being written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::conversation) struct Report {
    pub kind: TicketKind,
    pub claimed_phone: Option<Mobile>,
    pub claimed_name: Option<Name>,
    pub claimed_nik: Option<Nik>,
    /// The number proven for this report alone.
    pub proven_phone: Option<Mobile>,
}

impl Session {
    pub(in crate::conversation) fn open(now: Timestamp) -> Self {
        Self {
            opened_at: now,
            heard_at: now,
            asked_at: now,
            question: Question::Consent,
            offered: Vec::new(),
            consented: false,
            account: None,
            login: None,
            wanted: Wanted::default(),
            person: None,
            pending: None,
            missed: None,
            family: Vec::new(),
            puzzled: 0,
            waiting: None,
            answered: None,
            back_at: None,
            report: None,
            new_name: None,
            new_phone: None,
            before_erase: None,
        }
    }

    /// When time runs out: idle, or in all. While a neighbour is waited for only the latter counts.
    pub(in crate::conversation) fn ends_at(&self, rules: &Rules) -> Timestamp {
        let in_all = self.opened_at.plus_ms(i64::from(rules.session_max_s) * SECOND_MS);
        let idle = self.heard_at.plus_ms(i64::from(rules.session_idle_s) * SECOND_MS);
        if self.waiting.is_some() { in_all } else { in_all.min(idle) }
    }
}

impl Question {
    /// Whether any words are an answer, so that a wish or a name in them is none.
    pub(in crate::conversation) fn takes_prose(self) -> bool {
        matches!(self, Self::TicketDetail | Self::TicketWords)
    }
}
