//! The figures of accounts, with those of conversation.md 5 and 7 as they are given.

use serde::{Deserialize, Serialize};

/// The figures of conversation.md 5 and 7 that an operator may tune (config section `[account]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRules {
    /// A code is good for this long.
    pub otp_life_s: u32,
    /// From the moment that its SMS is reported delivered, but no longer than this from its sending.
    pub otp_life_max_s: u32,
    pub otp_tries: u8,
    pub otp_resend_after_s: u32,
    /// Codes a chat may ask for within `otp_window_s`.
    pub otp_per_window: u8,
    pub otp_window_s: u32,
    /// Codes to one number for all chats together that never proved it: an hour, a day. Those that did, and the
    /// number's own WhatsApp, have the places of their own chat.
    pub otp_strangers_per_hour: u8,
    pub otp_strangers_per_day: u8,
    /// After the tries or the codes are used up: first, second, third and later lock.
    pub lock_s: [u32; 3],
    pub misses_before_lock: u8,
    pub misses_per_day: u8,
    /// Wrong names for one NIK on one phone, all chats together; the phone's own WhatsApp is not stopped by it.
    pub nik_misses_per_day: u8,
    pub step_up_tries: u8,
    pub undo_life_s: u32,
    /// Changes are shut this long after an undo or a changed identity.
    pub changes_shut_s: u32,
    pub phone_changes_every_s: u32,
    pub name_changes_every_s: u32,
    /// A phone not confirmed for this long asks for a step-up.
    pub reconfirm_after_s: u32,
    pub login_max_s: u32,
}

impl Default for AccountRules {
    /// The figures of conversation.md 5 and 7.
    fn default() -> Self {
        Self {
            otp_life_s: 5 * 60,
            otp_life_max_s: 10 * 60,
            otp_tries: 5,
            otp_resend_after_s: 60,
            otp_per_window: 3,
            otp_window_s: 30 * 60,
            otp_strangers_per_hour: 3,
            otp_strangers_per_day: 5,
            lock_s: [30 * 60, 3 * 60 * 60, 24 * 60 * 60],
            misses_before_lock: 3,
            misses_per_day: 8,
            nik_misses_per_day: 10,
            step_up_tries: 2,
            undo_life_s: 72 * 60 * 60,
            changes_shut_s: 24 * 60 * 60,
            phone_changes_every_s: 24 * 60 * 60,
            name_changes_every_s: 30 * 24 * 60 * 60,
            reconfirm_after_s: 365 * 24 * 60 * 60,
            login_max_s: 60 * 60,
        }
    }
}
