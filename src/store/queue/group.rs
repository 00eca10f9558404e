//! What the committer takes out of the queue at once.

use std::time::Duration;

/// What the committer gets when it asks for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Taken {
    Group,
    /// Nothing came for a while.
    Idle,
    /// Closed, and all that had entered is written.
    Drained,
    /// Dropped: what is still queued was never promised.
    Stopped,
}

/// How groups are formed.
pub(in crate::store) struct Limits {
    pub records_max: usize,
    pub bytes_max: usize,
    /// A smaller group waits for more, for `gather` at most.
    pub gather_below: usize,
    pub gather: Duration,
}
