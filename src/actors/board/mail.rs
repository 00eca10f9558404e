//! The letters at a shard's board, and what a turn takes from it.

use std::sync::Arc;

use crate::account::AccountEvent;
use crate::actors::supervision::Exit;
use crate::conversation::Place;
use crate::domain::call::{Answer, CallId};
use crate::domain::contact::ContactId;
use crate::domain::keys::LookupKey;
use crate::domain::message::{DeliveryState, MessageId};
use crate::domain::phone::Mobile;
use crate::domain::time::Timestamp;
use crate::ports::{InboxRow, RowId, Troubling};

/// An open row and its name.
pub type Row = (RowId, Arc<InboxRow>);

/// What a shard hears from its children, and from others for them.
#[derive(Debug)]
pub enum Mail {
    /// A turn is over.
    Turned(Turned),
    /// A session ended.
    SessionEnded { contact: ContactId, life: u64, exit: Exit },
    /// The answer to a session's call.
    Answer { contact: ContactId, call: CallId, answer: Answer },
    /// How far a message has come: told to a session that is awake, never waking one.
    Moved { contact: ContactId, row: RowId, id: MessageId, state: DeliveryState },
    /// Something for an account.
    Account { phone: Mobile, event: Box<AccountEvent> },
    /// An account has handled its event; `busy` while its own calls are under way.
    AccountTurned { key: LookupKey, life: u64, busy: bool },
    /// An account ended.
    AccountEnded { key: LookupKey, life: u64, exit: Exit },
    /// The outbox ended.
    OutboxEnded { life: u64, exit: Exit },
}

/// How a session's turn went.
#[derive(Debug)]
pub struct Turned {
    pub contact: ContactId,
    pub life: u64,
    /// When the session wants to be looked at again.
    pub due: Option<Timestamp>,
    /// Calls are made or to be made: it should stay awake.
    pub waiting: bool,
    /// Calls that are made and not answered.
    pub asking: usize,
}

/// What took a session or its thread with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blame {
    pub what: Troubling,
    /// The revision that counts it. A shard that takes over may not hear that it became durable, and must not
    /// count it twice.
    pub counted_by: Option<u64>,
}

/// All that waits for a contact, taken for one turn. Rows stay on the board until they are closed.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    pub rows: Vec<Row>,
    pub answers: Vec<(CallId, Answer)>,
    pub due: bool,
    /// Its record may shrink or go.
    pub tidy: bool,
    /// What took a session or its thread with it the last time: its try is counted before it is tried again.
    pub blamed: Option<Blame>,
    /// He is to be told where he stands, or turned away, and not served.
    pub room: Option<Room>,
}

/// What is said to who is not served now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// He waits; `again`: he has written once more.
    Waits { place: Place, again: bool },
    /// The room is full. `minutes`: when it is worth trying again; `tell`: there is room to say so.
    Full { minutes: u32, tell: bool },
}

impl Waiting {
    /// Nothing to do.
    pub fn is_empty(&self) -> bool {
        let tidied = !self.tidy && self.blamed.is_none();
        tidied && self.rows.is_empty() && self.answers.is_empty() && !self.due
    }

    /// Nothing but tidying up.
    pub fn only_tidying(&self) -> bool {
        let calm = self.blamed.is_none() && !self.due;
        self.tidy && calm && self.rows.is_empty() && self.answers.is_empty()
    }
}
