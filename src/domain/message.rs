//! Messages as the conversation knows them: what a citizen sent, what the service says.
//!
//! Meta's JSON is not here (`wire`); a new shape of Meta's becomes one of these or `Content::Unsupported`.

use serde::{Deserialize, Serialize};

use super::certificate::Certificate;
use super::contact::{BusinessNumber, Identity};
use super::phone::Phone;
use super::redacted;
use super::time::Timestamp;

/// Meta's id of a message (`wamid…`). Opaque, not personal, but unique a message: never a metric label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MessageId(pub String);

impl MessageId {
    /// Between Meta's id and what says that an operator handed the message over again; no id of Meta's has it.
    const AGAIN: char = '#';

    /// The same message, handed over again: another id, because its session has heard the first one.
    #[must_use]
    pub fn again(&self, mark: &str) -> Self {
        Self(format!("{}{}{mark}", self.metas().0, Self::AGAIN))
    }

    /// As Meta knows it.
    #[must_use]
    pub fn metas(&self) -> Self {
        Self(self.0.split(Self::AGAIN).next().unwrap_or_default().to_owned())
    }
}

/// Text that a person wrote, or that is written to a person. Never printed.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Text(pub String);

redacted!(Text);

/// One message of a citizen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    pub id: MessageId,
    pub from: Identity,
    /// Which of our numbers it was written to; the reply leaves from the same one.
    pub to: BusinessNumber,
    /// Meta's timestamp, one-second resolution. Says how old a message is, never which came first.
    pub sent_at: Timestamp,
    /// The message of ours it answers, when it quotes one or taps a button of one.
    pub quotes: Option<MessageId>,
    pub content: Content,
}

/// What a message holds, as far as this service cares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    Text(Text),
    /// A tapped reply button or list row of ours, or a template's quick reply. `id` is what we gave it.
    Choice {
        id: String,
        title: Text,
    },
    Voice,
    Photo,
    /// A document, a video or another file.
    File,
    Sticker,
    /// An emoji on a message; `None` when it was taken back.
    Reaction,
    Location,
    /// Shared contact cards: the phone numbers in them. A claim, never a proof.
    Contacts(Vec<Phone>),
    /// An earlier message, written anew.
    Edit {
        original: MessageId,
        content: Box<Content>,
    },
    /// An earlier message, taken back.
    Revoke {
        original: MessageId,
    },
    /// The chat was opened for the first time (`request_welcome`).
    Welcome,
    /// Anything else; Meta's name of the type, for the metric (a closed set is made of it there).
    Unsupported,
}

/// What a reply is for; decides priority and whether it may be merged or replaced (design.md 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ReplyKind {
    /// Asks something: a newer prompt of the same session replaces one not yet sent.
    Prompt,
    /// Answers something: may be merged, never dropped.
    Answer,
    /// A certificate: never merged, never replaced.
    Document,
    /// Tells of a change or of a ticket's answer, unasked: never merged, lowest priority.
    Notice,
}

/// Who goes first where a business number has not enough room for all. The first is the most urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Urgency {
    /// Of a session in progress, or with a code out.
    Session,
    Reply,
    /// Unasked.
    Notice,
}

/// One message of the service, within Meta's limits (cloud-api.md 4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outbound {
    /// Body at most 4,096 characters.
    Text { body: Text },
    /// Body at most 1,024, footer at most 60, one to three buttons with different titles.
    Buttons { body: Text, footer: Option<Text>, buttons: Vec<Button> },
    /// Body at most 1,024, `open` (the button that opens the list) at most 20, at most 10 rows.
    List { body: Text, footer: Option<Text>, open: Text, rows: Vec<Button> },
    /// A certificate as a PDF, made when it is sent. Caption at most 1,024.
    Certificate { certificate: Box<Certificate>, file_name: String, caption: Text },
    /// A template that Meta approved, without parameters: all that may be said outside the 24 h window.
    Template { name: String, language: String },
}

/// A reply button (title at most 20 characters) or a list row (at most 24).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// Ours, opaque to everyone else, without personal data: `<session epoch>:<key>`.
    pub id: String,
    pub title: Text,
}

/// Meta's news about a message of ours. Moves forward only: sent < delivered < read; failed is terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Meta's id of the message.
    pub message: MessageId,
    /// Our number that sent it.
    pub number: BusinessNumber,
    pub state: DeliveryState,
    pub at: Timestamp,
    /// What we put into `biz_opaque_callback_data`: which outbox row it is about (see `ports::SendTag`).
    pub tag: Option<String>,
    /// Meta's error code of a failed message.
    pub error: Option<u32>,
}

/// How far a message of ours has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DeliveryState {
    Sent,
    Delivered,
    Read,
    Failed,
}

impl DeliveryState {
    /// Whether `next` is news after this: only forward, and a failure is the end.
    pub fn moves_to(self, next: Self) -> bool {
        self != Self::Failed && self < next
    }
}

/// Why something is a dead letter, and what its body is (postcard where no other form is named).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DeadReason {
    /// Signed, but not a webhook that we understand. A webhook's JSON.
    NotUnderstood,
    /// Written to a number that is not ours. An [`Inbound`].
    UnknownNumber,
    /// Nobody to answer: neither phone nor BSUID. A webhook's JSON.
    NoSender,
    /// Its handling panicked or ran past its time, three times. A `ports::InboxBody`.
    Poison,
    /// It was in flight when the server crashed three times within a minute. A `ports::InboxBody`.
    CrashLoop,
    /// Meta will never take it. A `ports::OutboxRow`.
    Unsendable,
}

impl DeadReason {
    /// A closed name, for metrics' labels and operators.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotUnderstood => "not_understood",
            Self::UnknownNumber => "unknown_number",
            Self::NoSender => "no_sender",
            Self::Poison => "poison",
            Self::CrashLoop => "crash_loop",
            Self::Unsendable => "unsendable",
        }
    }
}
