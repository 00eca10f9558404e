//! A code that is out: how long it opens, and what is heard of its SMS.
//!
//! Invariants: what a receipt says changes how long a code opens only while it does, once, and never past the cap; and
//! only where the chat may know it: by how long a code to somebody else's number opens, a stranger would learn whether
//! that number is registered.

use serde::{Deserialize, Serialize};

use crate::account::AccountRules;
use crate::account::chat::CLOCK_TOLERANCE_MS;
use crate::domain::call::CallId;
use crate::domain::otp::OtpPurpose;
use crate::domain::time::{SECOND_MS, Timestamp};

/// A code that was sent and not used. The code itself is derived from the id, never kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::account) struct Challenge {
    pub(in crate::account) purpose: OtpPurpose,
    pub(in crate::account) id: [u8; 16],
    pub(in crate::account) sent_at: Timestamp,
    pub(in crate::account) tries: u8,
    /// Its SMS was reported undelivered, and a template carried it.
    pub(in crate::account) weak: bool,
    /// The call that it was made for: what becomes of its SMS is told under it.
    pub(in crate::account) call: CallId,
    pub(in crate::account) heard: Heard,
}

/// What is heard of a code's SMS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::account) enum Heard {
    /// Nothing yet.
    Nothing,
    /// The phone has it. `told`: the chat was told so once.
    Delivered { at: Timestamp, told: bool },
    /// Nothing that counts: the chat's own number is another, or a version that did not listen sent it. `abroad`: a
    /// template may carry the code.
    Hidden { abroad: bool },
}

impl Challenge {
    /// Whether it still opens. A clock that steps back by more than a minute ends it early.
    pub(in crate::account) fn is_alive(&self, now: Timestamp, rules: &AccountRules) -> bool {
        let within = |since: Timestamp, life_s: u32| {
            (-CLOCK_TOLERANCE_MS..i64::from(life_s) * SECOND_MS).contains(&now.since_ms(since))
        };
        match self.heard {
            Heard::Delivered { at, .. } => {
                within(at, rules.otp_life_s) && within(self.sent_at, rules.otp_life_max_s.max(rules.otp_life_s))
            }
            Heard::Nothing | Heard::Hidden { .. } => within(self.sent_at, rules.otp_life_s),
        }
    }

    /// The phone has its SMS.
    pub(in crate::account) fn delivered(&mut self, at: Timestamp) {
        if self.heard == Heard::Nothing {
            self.heard = Heard::Delivered { at, told: false };
        }
    }

    /// Whether the chat is to be told now that the phone has it: once.
    pub(in crate::account) fn tells_of_delivery(&mut self) -> bool {
        match &mut self.heard {
            Heard::Delivered { told, .. } => !std::mem::replace(told, true),
            Heard::Nothing | Heard::Hidden { .. } => false,
        }
    }
}
