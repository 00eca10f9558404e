//! The store's contract: what is durable, in which order it is handed over, and what is found again.
//!
//! One record is one promise: all its parts become durable together or not at all, in LSN order. Rows (inbox,
//! outbox) are open until a later record closes them; the table holds what rests.

mod letter;
mod rows;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::tally::{Closing, Tally};
use crate::codec::{self, CodecError, Older};
use crate::domain::contact::ContactId;
pub use crate::domain::message::DeadReason;
use crate::domain::message::Status;
use crate::domain::time::Timestamp;
pub use letter::{DeadLetter, DeadLetterHead};
pub use rows::{Attempt, InboxBody, InboxRow, OutboxHead, OutboxRow, RowId, Settlement};

/// Place of a record in the journal; grows by one a record, never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lsn(pub u64);

/// What rests in the table. Fixed for life: the number is part of the key on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Table {
    Contact = 1,
    Account = 2,
    /// Keyed hash of a phone or BSUID -> contact.
    Alias = 3,
    /// Ticket number -> ticket; contact -> its tickets' numbers; counters.
    Ticket = 4,
    /// Keyed hash of an undo code -> the account that made the change.
    Undo = 5,
    /// Changes to the embedded registry.
    Registry = 6,
    /// Ids of handled messages that no longer fit into the contact's record, in pages.
    Dedupe = 7,
    /// Budgets of codes that span accounts.
    Budget = 8,
    /// What Meta said of our numbers and holds after a restart.
    Standing = 9,
    /// Certificates that were issued, by person and by id; those that are revoked, in pages.
    Certificate = 10,
}

/// A key within a table, at most 64 bytes, never personal data in the clear (`ServerKeys` hashes it).
pub type Key = SmallVec<[u8; 24]>;

/// A record of the table as its owner encoded it (versioned, see `crate::codec`). At most 4 KiB.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(pub Arc<[u8]>);

/// One change. All parts of a [`Record`] become durable together or not at all.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Put {
        table: Table,
        key: Key,
        value: Value,
    },
    Delete {
        table: Table,
        key: Key,
    },
    /// The record's n-th such part is row (lsn, n).
    OpenInbox(InboxRow),
    CloseInbox(RowId, Closing),
    /// The record's n-th such part is row (lsn, n).
    OpenOutbox(OutboxRow),
    /// The row is about to leave although it waited: from now on a crash leaves it ambiguous.
    AttemptOutbox {
        row: RowId,
        /// It left once, and nobody knows whether it arrived: this is the last time.
        again: bool,
    },
    CloseOutbox {
        row: RowId,
        how: Settlement,
    },
    /// Meta's news of a message of ours.
    Status(Status),
    /// A restart looks at the contact then: never later than it wants to be woken. `None`: not at all.
    Timer {
        contact: ContactId,
        at: Option<Timestamp>,
    },
    /// The record's n-th such part is letter (lsn, n).
    DeadLetter(DeadLetter),
    /// It was handed over again (in this same record), given up, or is past its bounds.
    CloseDeadLetter(RowId),
}

/// Which shard writes, in which generation: a fenced shard's records are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Writer {
    pub shard: u16,
    pub generation: u32,
}

/// What becomes durable as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// `None`: the web edge or an adapter, which are never fenced.
    pub writer: Option<Writer>,
    pub parts: Vec<Part>,
}

/// A record that has its place in the queue.
#[derive(Debug)]
pub struct Ticket {
    pub lsn: Lsn,
    /// Resolves when the record is durable. Dropped without a value: the store is gone, and so is the process.
    pub durable: tokio::sync::oneshot::Receiver<()>,
}

/// Why the store does not take a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Queue, open rows or disk are full. Nothing is lost: the caller says 503, or waits.
    #[error("the store cannot take more now: {0}")]
    Full(&'static str),
    #[error("shard {shard} writes in generation {generation}, which is fenced")]
    Fenced { shard: u16, generation: u32 },
    #[error("a value of {bytes} bytes is over the bound of {bytes_max}")]
    TooLarge { bytes: usize, bytes_max: usize },
    #[error("the store is closed")]
    Closed,
    /// What was read is not what was written.
    #[error("a record of table {table:?} cannot be read: {reason}")]
    Unreadable { table: Table, reason: String },
    #[error("dead letter {id} cannot be read: {reason}")]
    UnreadableLetter { id: RowId, reason: String },
}

/// What the store hands over, in (LSN, index) order, after it is durable.
#[derive(Clone, Debug)]
pub enum Delivery {
    Inbox {
        id: RowId,
        row: InboxRow,
    },
    /// Handed over by the store, not by whoever wrote it: his thread may be lost between the two.
    Outbox {
        id: RowId,
        row: OutboxRow,
    },
    Status(Status),
}

/// Where deliveries go. Called on the store's thread: returns at once, never blocks, never calls the store.
pub trait Inlet: Send + Sync + 'static {
    fn deliver(&self, deliveries: Vec<Delivery>);
}

/// What was open when the store was opened; rows in (LSN, index) order.
#[derive(Debug, Default)]
pub struct Recovered {
    pub inbox: Vec<(RowId, InboxRow)>,
    /// `attempted`: it may have left already.
    pub outbox: Vec<RecoveredSend>,
    pub timers: Vec<(ContactId, Timestamp)>,
    /// Statuses that name an outbox row still open, oldest first.
    pub statuses: Vec<Status>,
}

/// An outbox row that was open at the start.
#[derive(Debug)]
pub struct RecoveredSend {
    pub id: RowId,
    pub head: OutboxHead,
    /// `None`: so many are open that this one stays in the journal ([`Store::outbox_rows`]).
    pub row: Option<OutboxRow>,
    /// Unless it is `Never`, it may have left already.
    pub attempted: Attempt,
}

/// Values in key order, and where the next page begins.
pub type Page = (Vec<(Key, Value)>, Option<Key>);

/// The store: a promise (what is durable stays) and a table (what rests is found).
pub trait Store: Send + Sync + 'static {
    /// Gives a record its place; reads see it from here on, `Ticket::durable` says when it is safe.
    /// Records become durable in LSN order.
    fn append(&self, record: Record) -> Result<Ticket, StoreError>;

    /// Reads the newest value, appended ones included. Never blocks the caller's thread.
    fn get(&self, table: Table, key: Key) -> BoxFuture<'_, Result<Option<Value>, StoreError>>;

    /// All rows of a table whose key starts with `prefix`, in key order. For small tables and tools.
    fn scan(&self, table: Table, prefix: Key) -> BoxFuture<'_, Result<Vec<(Key, Value)>, StoreError>>;

    /// A page of a table's values that rest, from a key on, in key order, and where the next one begins (`None`: that
    /// was all). What was appended just now may be missing: for whoever walks through everything in time.
    fn page(&self, table: Table, from: Key) -> BoxFuture<'_, Result<Page, StoreError>>;

    /// Starts delivering to `inlet` and gives what was open. Rows appended before the call and not in
    /// `Recovered` are delivered. Called once.
    fn attach(&self, inlet: Arc<dyn Inlet>) -> Recovered;

    /// Reads open outbox rows back, in no order; one that is not open any more is left out.
    fn outbox_rows(&self, rows: Vec<RowId>) -> BoxFuture<'_, Result<Vec<(RowId, OutboxRow)>, StoreError>>;

    /// Refuses the shard's older generations from here on.
    fn fence(&self, writer: Writer);

    /// The dead letters, oldest first.
    fn dead_letters(&self) -> BoxFuture<'_, Result<Vec<(RowId, DeadLetterHead)>, StoreError>>;

    /// One of them whole; `None`: there is none of this name. For operators: it may read much to find it.
    fn dead_letter(&self, id: RowId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>>;

    /// Where all that was ever accepted went, as of this moment.
    fn tally(&self) -> Tally;

    /// Whether the webhook may accept, and if not why.
    fn ready(&self) -> Result<(), StoreError>;

    /// Makes all durable that was appended, then refuses more.
    fn close(&self) -> BoxFuture<'_, ()>;
}

impl Value {
    /// A record under its owner's version.
    pub fn encode<T: Serialize>(version: u8, record: &T) -> Self {
        Self(codec::encode(version, record).into())
    }

    /// The record, if it was written with this version or with one of the `older` ones that its owner still reads.
    pub fn decode<T: DeserializeOwned>(&self, version: u8, older: &[Older<T>]) -> Result<T, CodecError> {
        codec::decode_any(version, older, &self.0)
    }

    pub fn version(&self) -> Result<u8, CodecError> {
        codec::version(&self.0)
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({} bytes)", self.0.len())
    }
}
