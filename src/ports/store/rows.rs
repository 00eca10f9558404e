//! Rows: what has come and what has to leave. A row is open from the record that holds it to the record that closes
//! it, and is found again after a restart in between.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Lsn;
use crate::conversation::{AuthEpoch, Notice};
use crate::domain::contact::{Bsuid, BusinessNumber, ContactId, Recipient};
use crate::domain::message::{Inbound, MessageId, Outbound, ReplyKind, Urgency};
use crate::domain::time::Timestamp;

/// Names an inbox or outbox row: its record and its place among that record's rows of the same kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowId {
    pub lsn: Lsn,
    pub index: u32,
}

/// A message or notice that a contact's session has to handle. Open until a turn closes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxRow {
    pub contact: ContactId,
    pub accepted_at: Timestamp,
    pub body: InboxBody,
}

/// What an inbox row holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InboxBody {
    Message(Inbound),
    Notice(Notice),
    /// The citizen called this number of ours: nothing is said to it, but it opens the 24 h window.
    Called {
        number: BusinessNumber,
        at: Timestamp,
    },
    /// A message showed this parent BSUID: kept with the contact, which it does not name.
    Parent(Bsuid),
}

/// A message that has to be sent. Open until it is settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    pub contact: ContactId,
    pub number: BusinessNumber,
    pub to: Recipient,
    pub kind: ReplyKind,
    pub message: Arc<Outbound>,
    /// Set on personal data: checked at the moment of sending.
    pub epoch: Option<AuthEpoch>,
    pub born_at: Timestamp,
    pub urgency: Urgency,
    /// Free-form messages are taken until then: 24 h from the citizen's last message or call.
    pub window_until: Timestamp,
    /// It stands in for rows that were open before it, and keeps the first one's place.
    pub place: Option<RowId>,
}

/// What is kept in memory of an outbox row whose content is not: enough to know whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxHead {
    pub contact: ContactId,
    pub number: BusinessNumber,
    pub kind: ReplyKind,
    pub born_at: Timestamp,
    pub urgency: Urgency,
    pub window_until: Timestamp,
    pub place: Option<RowId>,
    /// The name of the template that it is.
    pub template: Option<Box<str>>,
}

/// How often a row was written down to be about to leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Attempt {
    #[default]
    Never = 0,
    Once = 1,
    /// Once more, after an end that nobody knew: it is never sent a third time.
    Again = 2,
}

impl Attempt {
    /// After one more was written down.
    #[must_use]
    pub fn and(self, again: bool) -> Self {
        self.max(if again { Self::Again } else { Self::Once })
    }

    /// As it is on the disk; a number of a newer server counts as the most that is known.
    pub fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Never,
            1 => Self::Once,
            _ => Self::Again,
        }
    }
}

/// How an outbox row ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settlement {
    Sent(MessageId),
    /// A newer prompt took its place before it left, or its citizen asked to be forgotten.
    Withdrawn,
    /// It never left: a later row of its contact says what it said, in its place.
    Merged,
    /// Its login ended before it left.
    Stale,
    /// Given up, with Meta's code if there is one.
    Failed {
        code: Option<u32>,
    },
}

impl OutboxRow {
    pub fn head(&self) -> OutboxHead {
        let template = match &*self.message {
            Outbound::Template { name, .. } => Some(name.as_str().into()),
            Outbound::Text { .. } | Outbound::Buttons { .. } | Outbound::List { .. } | Outbound::Certificate { .. } => {
                None
            }
        };
        OutboxHead {
            contact: self.contact,
            number: self.number.clone(),
            kind: self.kind,
            born_at: self.born_at,
            urgency: self.urgency,
            window_until: self.window_until,
            place: self.place,
            template,
        }
    }
}

impl std::fmt::Display for RowId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.lsn.0, self.index)
    }
}

impl std::str::FromStr for RowId {
    type Err = &'static str;

    /// As `Display` writes it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = text
            .split_once('.')
            .and_then(|(lsn, index)| Some(Self { lsn: Lsn(lsn.parse().ok()?), index: index.parse().ok()? }));
        id.ok_or("it is not LSN.INDEX, two numbers")
    }
}
