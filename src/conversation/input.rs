//! What a text may mean, read without knowing what was asked (conversation.md 4).
//!
//! [`read`] finds every facet a text has: a greeting, a keyword, a wish, digits by their length, names. The
//! journeys then take the facet that answers their question. So "digits by length whatever is asked" and "out
//! of order is said kindly" need no special cases.
//!
//! Total and linear: any text is read, at most its first [`TEXT_CHARS_MAX`] characters. Nothing of what was
//! asked before is known here, and nothing is decided.

mod numbers;
mod people;
mod phrases;
mod senses;
#[cfg(test)]
mod tests;
mod tokens;
mod wishes;
mod words;

use crate::domain::call::Claim;
use crate::domain::digits::normalise;
use crate::domain::name::Name;
use crate::domain::nik::{Nik, NikError};
use crate::domain::otp::{Otp, UndoCode};
use crate::domain::phone::Mobile;
use crate::domain::ticket::TicketNumber;

/// All that one text may mean.
#[allow(clippy::struct_excessive_bools)] // independent facets of one text, not states of a machine
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    pub greeting: Option<Greeting>,
    /// A word that acts in every state.
    pub keyword: Option<Keyword>,
    /// One of the three menus (or a part of one), by word, misspelling or sentence.
    pub wish: Option<Wish>,
    /// "dosis 2", "booster" (3), "dose 1".
    pub dose: Option<u8>,
    /// "semua", "keduanya", "all".
    pub all: bool,
    pub yes_no: Option<YesNo>,
    /// A bare choice, "1" to "10", when the text is no more than that ("1.", "no 1", "nomor 1" too).
    pub choice: Option<u8>,
    /// Six digits; in a pasted SMS exactly one run of six. Several runs: none, the text is not a code.
    pub code: Option<Otp>,
    pub phone: Option<PhoneReading>,
    pub nik: Option<Result<Nik, NikError>>,
    /// The letters that are left when digits and noise ("Nama:", "NIK", "#", commas) are taken out, if they
    /// can be a name. Any short text of letters has this; whether it is one depends on the question.
    pub name: Option<Name>,
    /// Several "name NIK" in one text, one a line: at least two runs of digits that are NIKs or nearly so.
    /// `name` is none then, and `nik` the first one.
    pub people: Vec<Result<Claim, PersonFault>>,
    /// "bukan saya 5207-7391"; also within the pasted SMS.
    pub undo: Option<UndoCode>,
    /// "tiket 4821-0937". Its check digit is not asked for: it is looked up among this chat's own reports only.
    pub ticket: Option<TicketNumber>,
    /// How many digits the text's longest run has, 0 without one: what a question for digits can say of it.
    pub digits: usize,
    /// "nomor ini", "nomor lain", with or without "setuju": which number to log in with.
    pub number_choice: Option<NumberChoice>,
    /// "kodenya belum masuk", "belum terima kode": no code came.
    pub code_missing: bool,
    /// "Juli 2021", "07/2021", "july 2021": month and year.
    pub month: Option<(u8, u16)>,
    /// Says nothing by itself: greetings, P, min, "pak", "ok", "makasih", emoji.
    pub filler: bool,
    /// Thanks and the like, that get no answer after an end.
    pub thanks: bool,
    /// Reads as English rather than Indonesian (several English words, none Indonesian).
    pub english: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// Assalamualaikum and its short forms.
    Salam,
    OmSwastiastu,
    /// Shalom, salam sejahtera.
    Shalom,
    /// halo, P, ping, test, min, kak, sugeng enjing, wilujeng, horas, hello: just start.
    Plain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyword {
    Menu,
    Cancel,
    Help,
    Resend,
    Officer,
    Ticket,
    Family,
    English,
    Indonesian,
    EraseData,
    NotMe,
    Finish,
    /// "nomor lama hilang / hangus / mati".
    OldNumberLost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Wish {
    Download,
    Status,
    /// Ubah Info Diri, which part not said.
    Change,
    ChangeName,
    ChangePhone,
    /// NIK or other data: for people.
    ChangeOther,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YesNo {
    Yes,
    No,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberChoice {
    This,
    Other,
}

/// A run of digits that is meant as a phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhoneReading {
    Mobile(Mobile),
    Landline,
    /// Foreign, too short, too long.
    Bad,
}

/// Why a line of several people is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonFault {
    pub name: Option<Name>,
    pub nik: Option<NikError>,
}

/// No message needs more to be understood; a longer one is read as far as this.
pub const TEXT_CHARS_MAX: usize = 4_096;

/// From so many digits on, a run beside a date is a NIK or phone with digits left out.
const SHORT_NIK_DIGITS: usize = 7;

/// Reads a text.
pub fn read(text: &str) -> Reading {
    let text = normalise(text, TEXT_CHARS_MAX);
    let tokens = tokens::Tokens::of(&text);
    let found = numbers::find(&tokens);
    let mut reading = Reading::default();
    numbers::read(&tokens, &found, &mut reading);
    phrases::read(&tokens, &found, &mut reading);
    reading.dose = wishes::dose(&tokens);
    reading.month = wishes::month(&tokens, &found);
    if reading.keyword.is_none() {
        reading.wish = wishes::wish(&tokens);
        people::read(&tokens, &found, &mut reading);
    }
    // Digits that are part of a keyword's phrase or of a date are not a phone or NIK that went wrong.
    if reading.keyword.is_some() || (reading.month.is_some() && reading.digits < SHORT_NIK_DIGITS) {
        reading.nik = reading.nik.filter(Result::is_ok);
        reading.phone = reading.phone.filter(|phone| matches!(phone, PhoneReading::Mobile(_)));
    }
    reading
}

/// Which of our buttons or rows a typed text says ("belum terima kode", "Nama", "ya kirim kode"): the same words in
/// the same order, whatever case, marks and fillers are around them.
pub fn echoed(text: &str, titles: &[impl AsRef<str>]) -> Option<usize> {
    let said = Words::of(text);
    if said.all.is_empty() || said.all.len() > Words::MAX {
        return None;
    }
    titles.iter().map(AsRef::as_ref).position(|title| said.may_be(title) && said.are(&Words::of(title)))
}

/// A short text's words in lower case, with fillers and without.
struct Words {
    all: Vec<String>,
    told: Vec<String>,
}

impl Words {
    /// Titles are short; a text of more words is no title.
    const MAX: usize = 12;

    fn of(text: &str) -> Self {
        let text = normalise(text, 200);
        let tokens = tokens::Tokens::of(&text);
        let (mut all, mut told) = (Vec::new(), Vec::new());
        for token in &tokens.all {
            let word = tokens.str(token).to_lowercase();
            if told.len() <= Self::MAX && !token.any(senses::FILLER | senses::PARTICLE) {
                told.push(word.clone());
            }
            if all.len() <= Self::MAX {
                all.push(word);
            }
        }
        Self { all, told }
    }

    /// Whether a title is worth taking apart: it holds the first word that tells something.
    fn may_be(&self, title: &str) -> bool {
        let Some(first) = self.told.first() else { return true };
        // Other letters may be written in more than one way.
        !title.is_ascii() || title.to_ascii_lowercase().contains(first.as_str())
    }

    fn are(&self, title: &Self) -> bool {
        self.all == title.all || (self.all.len() > 1 && self.told == title.told)
    }
}
