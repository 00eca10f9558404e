//! Meta's webhook bodies, read leniently: what each update tells, in the order it stands in the body.
//!
//! Invariants:
//! - [`decode`] is total: any bytes give at least one part, and no update is lost. What is signed but not
//!   understood becomes [`Part::Dead`], so the web edge can answer 200 to every signed body.
//! - One wrong update never spoils its neighbours: the body is walked as loose JSON, every key is optional.
//! - A dead update's bytes are a webhook body of their own, so it can be decoded again by itself.
//!
//! What does not belong here: who a sender is to us (`actors::switchboard`), whether a number is ours, and
//! what is done about any of it.

mod account;
mod identity;
mod message;
mod read;
mod repair;
mod status;
#[cfg(test)]
mod tests;
mod walk;

use crate::domain::contact::{Bsuid, BusinessNumber, Identity};
use crate::domain::message::{Content, DeadReason, DeliveryState, Inbound, Status};
use crate::domain::time::Timestamp;

pub use account::{
    AccountChange, AccountEvent, AlertSeverity, QualityChange, SecurityChange, TemplateCategory, TemplateState,
};
pub use identity::{IdentityChange, IdentityChangeKind};

/// Meta's own bound on updates in one POST (cloud-api.md 1.2). What stands behind the last of them is not
/// looked at but kept as one dead letter.
pub const UPDATES_MAX: usize = 1_000;

/// Longest text, title or emoji kept of one message, in characters: Meta's own bound for texts (cloud-api.md
/// 4.1). The rest of a longer one is cut off.
pub const TEXT_CHARS_MAX: usize = 4_096;

/// What one webhook body holds, in its order. Never empty.
#[derive(Debug)]
pub struct Decoded {
    pub parts: Vec<Part>,
}

/// What one update of a body is to us.
#[derive(Clone, PartialEq, Eq)]
pub enum Part {
    /// A citizen wrote.
    Message(Inbound),
    /// News of a message of ours.
    Status(Status),
    /// A citizen's phone or BSUID changed.
    System(IdentityChange),
    /// A message showed its sender's parent BSUID (cloud-api.md 3.1). Behind the message.
    Parent(Parent),
    /// A citizen calls us. Nobody answers, but it opens the 24 h window (cloud-api.md 3.4).
    Call(Ring),
    /// News of our numbers, templates or account: for limits, alerts and metrics. Names no citizen.
    Account(AccountEvent),
    /// Understood, and nothing to do.
    Ignored(Ignored),
    /// Signed, and not understood: kept for an operator. Only `NotUnderstood` and `NoSender` occur.
    /// `bytes` is personal data.
    Dead { reason: DeadReason, bytes: Vec<u8> },
}

/// The BSUID that a sender has with our portfolio's parent. It is kept with the contact and names nobody here: others
/// of the parent's portfolios share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    pub of: Identity,
    pub bsuid: Bsuid,
}

/// A call that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    pub from: Identity,
    pub to: BusinessNumber,
    pub at: Timestamp,
}

/// Why there is nothing to do about an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ignored {
    /// In a group, or about one: a group is never a session (design.md 4).
    Group,
    /// Written by ourselves in another client.
    Echo,
    /// Old messages, synchronised at onboarding.
    History,
    /// A call of ours, the end of one, or one of nobody.
    Call,
    /// A status with a name that changes nothing, or a new one.
    UnknownStatus,
    /// `value.user_actions`.
    UserActions,
    /// `value.errors`: trouble of a number or account that names no message.
    Errors { code: Option<u32> },
    /// A system message about something else than an identity.
    System,
    /// A webhook field that this service makes no use of.
    UnusedField,
    /// An envelope with nothing in it.
    Empty,
}

/// Reads a webhook body. `accepted_at` stands in for a timestamp that is missing or cannot be read, so that such
/// a message is new, never refused as too old.
pub fn decode(bytes: &[u8], accepted_at: Timestamp) -> Decoded {
    Decoded { parts: walk::parts(bytes, accepted_at) }
}

impl Part {
    /// A closed name of what this is, for a metric's label.
    pub fn name(&self) -> &'static str {
        match self {
            Part::Message(message) => content_name(&message.content),
            Part::Status(status) => match status.state {
                DeliveryState::Sent => "status_sent",
                DeliveryState::Delivered => "status_delivered",
                DeliveryState::Read => "status_read",
                DeliveryState::Failed => "status_failed",
            },
            Part::System(change) => change.kind.name(),
            Part::Parent(_) => "parent_bsuid",
            Part::Call(_) => "call",
            Part::Account(event) => event.name(),
            Part::Ignored(why) => why.name(),
            Part::Dead { reason: DeadReason::NoSender, .. } => "dead_no_sender",
            Part::Dead { .. } => "dead_not_understood",
        }
    }
}

impl Ignored {
    /// A closed name, for a metric's label.
    pub fn name(self) -> &'static str {
        match self {
            Ignored::Group => "ignored_group",
            Ignored::Echo => "ignored_echo",
            Ignored::History => "ignored_history",
            Ignored::Call => "ignored_call",
            Ignored::UnknownStatus => "ignored_unknown_status",
            Ignored::UserActions => "ignored_user_actions",
            Ignored::Errors { .. } => "ignored_errors",
            Ignored::System => "ignored_system",
            Ignored::UnusedField => "ignored_unused_field",
            Ignored::Empty => "ignored_empty",
        }
    }
}

/// A closed name of what a message holds, for a metric's label.
pub fn content_name(content: &Content) -> &'static str {
    match content {
        Content::Text(_) => "message_text",
        Content::Choice { .. } => "message_choice",
        Content::Voice => "message_voice",
        Content::Photo => "message_photo",
        Content::File => "message_file",
        Content::Sticker => "message_sticker",
        Content::Reaction => "message_reaction",
        Content::Location => "message_location",
        Content::Contacts(_) => "message_contacts",
        Content::Edit { .. } => "message_edit",
        Content::Revoke { .. } => "message_revoke",
        Content::Welcome => "message_welcome",
        Content::Unsupported => "message_unsupported",
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Part::Message(message) => f.debug_tuple("Message").field(message).finish(),
            Part::Status(status) => f.debug_tuple("Status").field(status).finish(),
            Part::System(change) => f.debug_tuple("System").field(change).finish(),
            Part::Parent(parent) => f.debug_tuple("Parent").field(parent).finish(),
            Part::Call(ring) => f.debug_tuple("Call").field(ring).finish(),
            Part::Account(event) => f.debug_tuple("Account").field(event).finish(),
            Part::Ignored(why) => f.debug_tuple("Ignored").field(why).finish(),
            Part::Dead { reason, bytes } => write!(f, "Dead({reason:?}, {} bytes)", bytes.len()),
        }
    }
}
