//! What a history remembers of codes and calls.

use crate::account::{Answer, CallId, Request, Timestamp};
use crate::domain::otp::OtpPurpose;

/// What happened to a code.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) id: [u8; 16],
    pub(super) number: u32,
    pub(super) chat: u8,
    pub(super) purpose: OtpPurpose,
    pub(super) made_at: Timestamp,
    pub(super) guesses: u32,
    pub(super) dead: bool,
}

/// That a code was made, in time as it passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    pub(super) chat: u8,
    pub(super) fresh: bool,
    pub(super) stranger: bool,
    pub(super) at_ms: i64,
}

pub(super) struct Asked {
    pub(super) call: CallId,
    pub(super) request: Request,
    pub(super) at_ms: i64,
    pub(super) answer: Option<Answer>,
}
