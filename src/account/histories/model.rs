//! What a history remembers of codes and calls.

use crate::account::{AccountEvent, Answer, CallId, ContactId, Request, Text, Timestamp};
use crate::domain::otp::OtpPurpose;
use crate::domain::time::MINUTE_MS;

/// What happened to a code.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) id: [u8; 16],
    pub(super) number: u32,
    pub(super) chat: u8,
    pub(super) purpose: OtpPurpose,
    pub(super) made_at: Timestamp,
    /// What receipts of its SMS come under.
    pub(super) call: CallId,
    pub(super) delivered_at: Option<Timestamp>,
    /// The chat was told that the phone has it.
    pub(super) told: bool,
    pub(super) guesses: u32,
    pub(super) dead: bool,
}

impl Code {
    /// Five minutes by the clock, from its making or from its receipt and then ten at most; a clock that steps back by
    /// more than a minute ends it early.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        let over = |since: Timestamp, minutes: i64| !(-MINUTE_MS..minutes * MINUTE_MS).contains(&now.since_ms(since));
        match self.delivered_at {
            Some(at) => over(at, 5) || over(self.made_at, 10),
            None => over(self.made_at, 5),
        }
    }

    /// What an operator tells of its SMS.
    pub(super) fn receipt(&self, delivered: bool) -> AccountEvent {
        let (contact, call) = (ContactId(u64::from(self.chat) + 1), self.call);
        let text = Text(format!("{:06} kode", self.number));
        if delivered {
            AccountEvent::Delivered { contact, call }
        } else {
            AccountEvent::Undeliverable { contact, call, text, from: 1 }
        }
    }

    /// Whether its chat may know what became of its SMS: it writes from the number, or is logged in to it.
    pub(super) fn is_own(&self) -> bool {
        self.chat == 0 || self.purpose == OtpPurpose::Fresh
    }
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
