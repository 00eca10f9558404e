//! Phone numbers: of a WhatsApp sender (any country) and the registered one (an Indonesian mobile).

use serde::{Deserialize, Serialize};

use super::redacted;

/// An E.164 number, digits without the plus (at most 15, so it fits).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Phone(u64);

/// An Indonesian mobile number: the only kind an account is registered under and an OTP is sent to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mobile(Phone);

/// The last four digits of a number: what the service may say of it ("nomor berakhiran 0042").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ending(pub u16);

redacted!(Phone, Mobile);

impl Phone {
    /// From digits as Meta's webhooks carry them (`wa_id`, `from`): 5 to 15 digits, an optional plus.
    pub fn from_wa_id(text: &str) -> Option<Self> {
        let digits = text.trim().trim_start_matches('+');
        let plausible = (5..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if plausible { digits.parse().ok().map(Self) } else { None }
    }

    /// `+<country code><number>`, as the Graph API wants it in `to`. Personal data: for the wire only.
    pub fn to_e164(self) -> String {
        format!("+{}", self.0)
    }

    /// The digits alone, as a key for keyed hashing. Personal data.
    pub fn digits(self) -> u64 {
        self.0
    }

    /// What may be said of this number in a message.
    pub fn ending(self) -> Ending {
        Ending(u16::try_from(self.0 % 10_000).unwrap_or_default())
    }
}

impl Mobile {
    /// The Indonesian mobile behind a phone: country 62, national part 8, 9 to 12 digits (domain.md 3.2).
    pub fn from_phone(phone: Phone) -> Option<Self> {
        let digits = phone.0.to_string();
        let national = digits.strip_prefix("62")?;
        let mobile = national.starts_with('8') && !national.starts_with("84") && (9..=12).contains(&national.len());
        mobile.then_some(Self(phone))
    }

    /// The same number as a phone of any country.
    pub fn phone(self) -> Phone {
        self.0
    }

    /// What may be said of this number in a message.
    pub fn ending(self) -> Ending {
        self.0.ending()
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}", self.0)
    }
}
