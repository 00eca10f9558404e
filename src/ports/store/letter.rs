//! Dead letters: what an operator may see of them, and what only he who handles them again does.

use serde::{Deserialize, Serialize};

use crate::domain::contact::ContactId;
use crate::domain::message::DeadReason;
use crate::domain::time::Timestamp;

/// Something that was accepted and cannot be handled; kept for an operator.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub at: Timestamp,
    pub reason: DeadReason,
    pub contact: Option<ContactId>,
    /// As it came. Personal data: sealed on disk, never printed.
    pub body: Vec<u8>,
}

/// What may be shown of a dead letter: nothing of what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadLetterHead {
    pub at: Timestamp,
    pub reason: DeadReason,
    pub contact: Option<ContactId>,
    pub body_bytes: usize,
}

impl DeadLetter {
    pub fn head(&self) -> DeadLetterHead {
        let Self { at, reason, contact, ref body } = *self;
        DeadLetterHead { at, reason, contact, body_bytes: body.len() }
    }
}

impl std::fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DeadLetter({:?}, {} bytes)", self.reason, self.body.len())
    }
}
