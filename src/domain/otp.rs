//! One-time codes: six digits by SMS, and the eight-digit code that undoes a change.

use serde::{Deserialize, Serialize};

use super::digits::only_digits;
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
    /// Reads six digits with spaces, dots or dashes among them, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = only_digits(text).filter(|digits| digits.len() == 6)?;
        digits.parse().ok().and_then(Self::new)
    }

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
    /// Reads eight digits, "5207-7391" or "52077391", and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = only_digits(text).filter(|digits| digits.len() == 8)?;
        digits.parse().ok().and_then(Self::new)
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_however_they_are_grouped() {
        for typed in ["483920", "483 920", "48 39 20", "4 8 3 9 2 0", "483-920", "４８３９２０", "٤٨٣٩٢٠"] {
            assert_eq!(Otp::parse(typed).map(Otp::digits).as_deref(), Some("483920"), "{typed}");
        }
        assert_eq!(Otp::parse("000042").map(Otp::digits).as_deref(), Some("000042"));
        for typed in ["48392", "4839201", "48392o", "kode 483920", ""] {
            assert_eq!(Otp::parse(typed), None, "{typed}");
        }
        for typed in ["5207-7391", "52077391", "5207 7391"] {
            assert_eq!(UndoCode::parse(typed).map(UndoCode::digits).as_deref(), Some("5207-7391"), "{typed}");
        }
        assert_eq!(UndoCode::parse("5207-7391").map(UndoCode::number), Some(52_077_391));
        assert_eq!(UndoCode::parse("5207739"), None);
    }

    #[test]
    fn a_code_matches_only_itself() {
        let code = Otp::parse("483920").unwrap();
        assert!(code.matches(Otp::parse("483 920").unwrap()));
        assert!(!code.matches(Otp::parse("483921").unwrap()));
        assert_eq!(format!("{code:?}"), "Otp(…)");
    }
}
