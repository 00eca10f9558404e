//! The id of an issued certificate: a UVCI of the eHealth Network's third form, `URN:UVCI:01:ID:<opaque>#<check>`.
//!
//! Opaque means that nothing can be read out of it and nobody can guess another's: 100 bits of a keyed hash. It
//! is no personal data, so it may stand in a public list and in a log.

use serde::{Deserialize, Serialize};

const HEAD: &str = "URN:UVCI:01:ID:";
/// None that are taken for one another, for people who read an id aloud.
const LETTERS: [u8; 32] = *b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const OPAQUE_LETTERS: usize = 20;
/// What the check character is computed over (Luhn mod N), in this order.
const CHECKED: [u8; 38] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:";

/// Id of one issued certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Uvci(String);

/// Why a text is not an id of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UvciError {
    #[error("an id of ours is `{HEAD}`, {OPAQUE_LETTERS} letters and digits, `#` and a check character")]
    Form,
    #[error("the check character is wrong: one letter is mistyped or two are swapped")]
    Check,
}

impl Uvci {
    /// The id that holds the first 100 bits of a keyed hash.
    pub fn of(hash: [u8; 16]) -> Self {
        let bits = u128::from_be_bytes(hash);
        let letter = |at: usize| LETTERS[usize::try_from(bits >> (123 - 5 * at) & 31).unwrap_or_default()];
        let body = HEAD.bytes().chain((0..OPAQUE_LETTERS).map(letter)).map(char::from).collect();
        Self(checked(body))
    }

    /// Reads an id as it stands on a certificate; small letters and spaces around it are forgiven.
    pub fn parse(text: &str) -> Result<Self, UvciError> {
        let text = text.trim().to_ascii_uppercase();
        let (body, check) = text.rsplit_once('#').ok_or(UvciError::Form)?;
        let opaque = body.strip_prefix(HEAD).ok_or(UvciError::Form)?;
        if check.len() != 1 || opaque.len() != OPAQUE_LETTERS || !opaque.bytes().all(|b| LETTERS.contains(&b)) {
            return Err(UvciError::Form);
        }
        let right = checked(body.to_owned());
        if right == text { Ok(Self(right)) } else { Err(UvciError::Check) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Uvci {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text with its check character behind it.
fn checked(mut body: String) -> String {
    let count = CHECKED.len();
    let mut sum = 0;
    for (place, letter) in body.bytes().rev().enumerate() {
        let value = CHECKED.iter().position(|known| *known == letter).unwrap_or_default();
        let added = if place % 2 == 0 { value * 2 } else { value };
        sum += added / count + added % count;
    }
    body.push('#');
    body.push(char::from(CHECKED[(count - sum % count) % count]));
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_character_is_the_networks() {
        // The examples of the eHealth Network's own guidelines.
        assert_eq!(checked("URN:UVCI:01:SE:EHM/V12907267LAJW".into()), "URN:UVCI:01:SE:EHM/V12907267LAJW#E");
    }

    #[test]
    fn ids_are_read_as_people_type_them_and_slips_are_found() {
        let id = Uvci::of([0x5a; 16]);
        assert_eq!(id.as_str().len(), HEAD.len() + OPAQUE_LETTERS + 2);
        assert_eq!(Uvci::parse(&format!(" {} ", id.as_str().to_lowercase())), Ok(id.clone()));
        for (at, _) in id.as_str().char_indices().skip(HEAD.len()).take(OPAQUE_LETTERS) {
            let mut slip = id.as_str().to_owned();
            let other = if &slip[at..=at] == "7" { "8" } else { "7" };
            slip.replace_range(at..=at, other);
            assert_eq!(Uvci::parse(&slip), Err(UvciError::Check), "{slip}");
        }
        for text in ["", "URN:UVCI:01:ID:ABC#D", "URN:UVCI:01:SE:EHM/V12907267LAJW#E", "URN:UVCI:01:ID:#"] {
            assert_eq!(Uvci::parse(text), Err(UvciError::Form), "{text}");
        }
    }

    #[test]
    fn all_hundred_bits_show() {
        for bit in 28..128 {
            assert_ne!(Uvci::of((1_u128 << bit).to_be_bytes()), Uvci::of([0; 16]), "bit {bit}");
        }
        assert_eq!(Uvci::of((1_u128 << 27).to_be_bytes()), Uvci::of([0; 16]));
    }
}
