//! Phone numbers: of a WhatsApp sender (any country) and the registered one (an Indonesian mobile).
//!
//! What is typed is cleaned here before libphonenumber's rules judge it (domain.md 3.2): they refuse `0062…` and
//! `062…`, and turn the letters of "WA 0811…" into digits. Operator prefixes are never a condition.

use phonenumber::Type;
use serde::{Deserialize, Serialize};

use super::digits::{group_digits, joins_digits, normalise};
use super::redacted;

/// The longest text in which a number is looked for.
const TEXT_CHARS_MAX: usize = 200;

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

/// Why a text is not an Indonesian mobile number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// A telephone that receives no SMS.
    #[error("an indonesian landline, a mobile number is wanted")]
    Landline,
    #[error("not an indonesian mobile number: 08 or +62 8, then 8 to 11 digits")]
    Bad,
}

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

    /// Whether it is a number of another country than Indonesia. (No other country's numbers begin with 62.)
    pub fn is_foreign(self) -> bool {
        !self.0.to_string().starts_with("62")
    }

    /// What may be said of this number in a message.
    pub fn ending(self) -> Ending {
        Ending(u16::try_from(self.0 % 10_000).unwrap_or_default())
    }
}

impl Mobile {
    /// Reads a typed number: "0812-0000-0042", "+62 812 0000 0042", "62812…", "0062 812…", "WA 0812… ya".
    /// The longest run of digits counts; O and o read as 0, I and l as 1 where a group is otherwise digits.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let text = normalise(text, TEXT_CHARS_MAX);
        let (plus, digits) = longest_run(&text).ok_or(PhoneError::Bad)?;
        Self::from_digits(plus, &digits)
    }

    /// Reads ASCII digits, `plus` telling whether a plus stood before them.
    pub fn from_digits(plus: bool, digits: &str) -> Result<Self, PhoneError> {
        // Longer than "0062" and a number of the greatest length: nothing to judge, and parsing costs time.
        if !(5..=17).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PhoneError::Bad);
        }
        let international = if plus {
            Some(digits)
        } else if let Some(rest) = digits.strip_prefix("00") {
            Some(rest)
        } else if digits.starts_with("0628") {
            Some(&digits[1..])
        } else if digits.starts_with("628") {
            Some(digits)
        } else {
            None
        };
        let parsed = match international {
            Some(digits) => phonenumber::parse(None, format!("+{digits}")),
            None => phonenumber::parse(Some(phonenumber::country::ID), digits),
        };
        let number = parsed.map_err(|_| PhoneError::Bad)?;
        if number.country().code() != 62 {
            return Err(PhoneError::Bad);
        }
        match number.number_type(&phonenumber::metadata::DATABASE) {
            Type::Mobile => {
                let phone = Phone::from_wa_id(&format!("62{}", number.national().value())).ok_or(PhoneError::Bad)?;
                Self::from_phone(phone).ok_or(PhoneError::Bad)
            }
            Type::FixedLine => Err(PhoneError::Landline),
            Type::FixedLineOrMobile
            | Type::TollFree
            | Type::PremiumRate
            | Type::SharedCost
            | Type::PersonalNumber
            | Type::Voip
            | Type::Pager
            | Type::Uan
            | Type::Emergency
            | Type::Voicemail
            | Type::ShortCode
            | Type::StandardRate
            | Type::Carrier
            | Type::NoInternational
            | Type::Unknown => Err(PhoneError::Bad),
        }
    }

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

/// The longest run of digits and whether a plus stands before it. Groups are joined by space . - ( ); a group
/// of digits with O, o, I or l among them counts as digits.
fn longest_run(text: &str) -> Option<(bool, String)> {
    let mut best: Option<(bool, String)> = None;
    let mut run = String::new();
    let (mut run_plus, mut plus) = (false, false);
    let mut flush = |run: &mut String, plus: bool| {
        if !run.is_empty() && best.as_ref().is_none_or(|(_, longest)| run.len() > longest.len()) {
            best = Some((plus, run.clone()));
        }
        run.clear();
    };
    for chunk in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let group = chunk.trim_end_matches(|c: char| !c.is_alphanumeric());
        let end = chunk[group.len()..].chars().next();
        match group_digits(group, !run.is_empty()) {
            Some(digits) => {
                if run.is_empty() {
                    run_plus = plus;
                }
                run.push_str(&digits);
            }
            None if group.is_empty() => {}
            None => flush(&mut run, run_plus),
        }
        if end.is_some_and(|c| !joins_digits(c)) {
            flush(&mut run, run_plus);
        }
        plus = match end {
            Some('+') => true,
            Some(c) if joins_digits(c) && group.is_empty() => plus,
            _ => false,
        };
    }
    flush(&mut run, run_plus);
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_forms_of_the_same_number() {
        let number = Mobile::parse("081200000042").unwrap();
        for typed in [
            "0812-0000-0042",
            "0812 0000 0042",
            "0812.0000.0042",
            "(0812) 0000-0042",
            "+62 812 0000 0042",
            "+62 (812) 0000-0042",
            "62 812-0000-0042",
            "6281200000042",
            "0062 812 0000 0042",
            "062 812 0000 0042",
            "+620812 0000 0042",
            "81200000042",
            "WA 0812-0000-0042 ya",
            "nomor saya 0812 0000 0042, pak",
            "08I2 OOOO 0042",
            "o8l200000042",
            "\u{202A}+62 812\u{00A0}0000\u{2011}0042\u{202C}",
            "０８１２００００００４２",
            "٠٨١٢٠٠٠٠٠٠٤٢",
        ] {
            assert_eq!(Mobile::parse(typed), Ok(number), "{typed}");
        }
        assert_eq!(number.phone().to_e164(), "+6281200000042");
        assert_eq!(number.ending().to_string(), "0042");
    }

    #[test]
    fn every_synthetic_number_is_a_mobile() {
        for last in [0_u64, 1, 42, 117, 4_711, 9_999] {
            assert!(Mobile::parse(&format!("0812-0000-{last:04}")).is_ok());
        }
    }

    #[test]
    fn landlines_and_others_are_told_apart() {
        for typed in ["021 5201590", "62 21 5201590", "+62 21 520 1590", "(0274) 512345"] {
            assert_eq!(Mobile::parse(typed), Err(PhoneError::Landline), "{typed}");
        }
        for typed in [
            "",
            "siti",
            "0812",
            "0812xxxxxxxx",
            "0812 0000 00421 2345",
            "+65 9123 4567",
            "+1 202 555 0143",
            "112",
            "0001014708900003",
            "99999999999999999999999",
        ] {
            assert_eq!(Mobile::parse(typed), Err(PhoneError::Bad), "{typed}");
        }
    }

    #[test]
    fn a_number_of_another_country_is_foreign() {
        for (number, foreign) in
            [("6281200000042", false), ("62215201590", false), ("966500000012", true), ("6591234567", true)]
        {
            assert_eq!(Phone::from_wa_id(number).map(Phone::is_foreign), Some(foreign), "{number}");
        }
    }

    #[test]
    fn a_debug_shows_nothing() {
        assert_eq!(format!("{:?}", Mobile::parse("081200000042")), "Ok(Mobile(…))");
    }
}
