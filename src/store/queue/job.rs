//! What asks for a place in the queue, and what waits in it.

use tokio::sync::oneshot;

use crate::ports::{Lsn, Value, Writer};
use crate::store::carry::Carried;
use crate::store::overlay::FullKey;
use crate::store::part::Encoded;
use crate::store::rows::Change;

/// Who asks for room; the earlier ones are refused first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Class {
    /// Nothing but Meta's news of our own messages.
    Statuses,
    /// New messages from the web.
    Messages,
    /// A turn, an account, an adapter: what closes rows.
    Turn,
}

/// A record that waits to be written.
pub(in crate::store) struct Job {
    pub lsn: Lsn,
    pub parts: Vec<Encoded>,
    pub changes: Vec<Change>,
    /// Inbox rows that it opens.
    pub accepted: u64,
    /// What may be carried into a later segment; in a group of its own (`carry`).
    pub carry: Vec<Carried>,
    pub bytes: usize,
    pub done: oneshot::Sender<()>,
}

/// A record that asks for its place.
pub(in crate::store) struct Entrant {
    pub writer: Option<Writer>,
    pub class: Class,
    pub parts: Vec<Encoded>,
    pub changes: Vec<Change>,
    /// The full key of every value it writes, in order; `None` deletes.
    pub values: Vec<(FullKey, Option<Value>)>,
    /// Inbox rows that it opens.
    pub accepted: u64,
    /// Of the whole record, and of the rows it opens.
    pub bytes: usize,
    pub open_bytes: u64,
}
