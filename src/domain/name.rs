//! Names of people, as typed and as recorded, and how they are compared (conversation.md 6).
//!
//! A name is kept as it was written; two names are compared after folding (`fold`), token by token (`compare`).
//! Whole-string similarity is not used: it rates AHMAD FAUZI and AHMAD FAUZAN, two people, above SITI R and
//! SITI RAHMAWATI, one person.

use serde::{Deserialize, Serialize};
use unicode_normalization::char::is_combining_mark;

use super::digits::normalise;
use super::redacted;

mod compare;
mod fold;
#[cfg(test)]
mod tests;

pub use compare::{is_small_change, matches_record};

/// The longest name, in characters, spaces included.
pub const NAME_CHARS_MAX: usize = 60;

/// A person's name: letters, spaces, apostrophe, dot, comma, dash; 1 to 60 characters; one word is a name.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Name(String);

redacted!(Name);

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a name has at least one letter")]
    Empty,
    #[error("a name has at most {NAME_CHARS_MAX} characters")]
    TooLong,
    #[error("a name has latin letters, spaces, apostrophe, dot, comma and dash only")]
    Character,
}

impl Name {
    /// Reads a name: white space collapsed, apostrophes and dashes in one form, letters as written.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        // A text far over the bound is cut early, and is still over it.
        let text = normalise(text, NAME_CHARS_MAX * 4);
        let mut name = String::with_capacity(text.len());
        for word in text.split_whitespace() {
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(word);
        }
        // A combining mark that NFKC could not compose belongs to the letter before it.
        let fits = |c: char| is_latin_letter(c) || matches!(c, ' ' | '\'' | '.' | ',' | '-') || is_combining_mark(c);
        if !name.chars().all(fits) {
            return Err(NameError::Character);
        }
        if name.chars().count() > NAME_CHARS_MAX {
            return Err(NameError::TooLong);
        }
        if name.chars().any(is_latin_letter) { Ok(Self(name)) } else { Err(NameError::Empty) }
    }

    /// The name as written. Personal data: for the certificate, the registry and the sealed store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same name in capitals, as certificates and identity cards print it.
    #[must_use]
    pub fn capitals(&self) -> Self {
        Self(self.0.to_uppercase())
    }

    /// The word to address its bearer by (`{sapaan}`): the first word written that is neither a title nor a
    /// single letter, or else the first; "SITI" and "siti" become "Siti".
    pub fn first_word(&self) -> String {
        let words = || self.0.split([' ', ',', '.']).filter(|word| word.chars().any(is_latin_letter));
        let plain = words().find(|word| word.chars().count() > 1 && !fold::is_leading_title(&word.to_uppercase()));
        plain.or_else(|| words().next()).map(capitalised).unwrap_or_default()
    }
}

/// Latin letters with their accents: what identity cards are written in.
fn is_latin_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || (matches!(c, '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}') && c.is_alphabetic())
}

/// All small or all large letters become a capital and small ones, after each dash anew; mixed ones stay.
fn capitalised(word: &str) -> String {
    let mixed = word.chars().any(char::is_lowercase) && word.chars().skip(1).any(char::is_uppercase);
    if mixed {
        return word.to_owned();
    }
    let mut out = String::with_capacity(word.len());
    let mut first = true;
    for c in word.chars() {
        if first {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        first = c == '-';
    }
    out
}
