//! What each thread has in hand, kept where the end of the process cannot lose it.
//!
//! A stack that overflows takes the whole process with it, and no code runs afterwards. So whoever handles
//! something that came from outside says beforehand what it is; the next process finds it and counts a try.

use serde::{Deserialize, Serialize};

use super::store::RowId;
use crate::domain::call::CallId;
use crate::domain::contact::ContactId;

/// What of a contact's is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Troubling {
    Row(RowId),
    Answer(CallId),
    Wake,
}

/// Something in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    pub contact: ContactId,
    pub what: Troubling,
}

/// One place a shard. Called twice a turn: neither may block, nor wait for a disk.
pub trait Hands: Send + Sync + 'static {
    /// From here on the shard's thread has this in hand, or nothing.
    fn hold(&self, shard: u16, held: Option<Held>);

    /// What was in hand when the process before this one ended.
    fn left_behind(&self) -> Vec<Held>;

    /// What was left behind is taken care of: the next process need not hear of it.
    fn forget(&self);
}
