//! One-time codes: six digits by SMS, and the eight-digit code that undoes a change.

use serde::{Deserialize, Serialize};

use super::redacted;

/// A six-digit code.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Otp(u32);

/// An eight-digit undo code, told by SMS after a change, good for 72 h (conversation.md 7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UndoCode(u32);

redacted!(Otp, UndoCode);

/// What a code is asked for; a code for one purpose never serves another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OtpPurpose {
    /// To open the account of a registered number.
    Login,
    /// A fresh proof before data is changed; has a budget of its own.
    Fresh,
    /// To prove the new number of a change of phone.
    NewPhone,
    /// To prove the number of someone whose registered one is dead.
    LostPhone,
}

impl Otp {
    /// From a number below 1,000,000.
    pub fn new(number: u32) -> Option<Self> {
        (number < 1_000_000).then_some(Self(number))
    }

    /// The six digits. For the SMS only.
    pub fn digits(self) -> String {
        format!("{:06}", self.0)
    }

    /// Compares in constant time.
    pub fn matches(self, other: Otp) -> bool {
        use subtle::ConstantTimeEq;
        self.0.ct_eq(&other.0).into()
    }
}

impl UndoCode {
    /// From a number below 100,000,000.
    pub fn new(number: u32) -> Option<Self> {
        (number < 100_000_000).then_some(Self(number))
    }

    /// Two groups of four digits, as the SMS says it. For the SMS only.
    pub fn digits(self) -> String {
        format!("{:04}-{:04}", self.0 / 10_000, self.0 % 10_000)
    }

    /// The number, as a key for keyed hashing.
    pub fn number(self) -> u32 {
        self.0
    }
}
