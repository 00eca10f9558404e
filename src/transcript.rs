//! Conversations written down: the format of conversation.md 9, for tests, demos and load.
//!
//! A transcript is parsed ([`Transcript::parse`]) into typed steps, and then run: against the pure
//! conversation ([`pure`]), against a server through the emulator, or as a demo. Parsing knows nothing of
//! running. Lines:
//!
//! - `> ` the citizen; consecutive ones are one turn. `[Title]` taps, `(sticker)` and the like are no text,
//!   `(edit) text` rewrites the last own message, `(quote 2) text` answers the second newest of ours.
//! - `< ` one message of the service: text with `…` for anything and `⏎` for a line break, `(PDF name)` before
//!   a caption, then `[buttons]` and `{rows}`. Footers are not written. `< (diam)`: nothing is sent.
//! - `# @word …` a directive ([`Directive`]), `# @> text` a citizen's line whose answers are not looked at,
//!   `# SMS to number: text` an SMS that is sent in this exchange, `# Template to number: code` a code that leaves by a
//!   template of WhatsApp's instead, any other `#` a note. Empty lines are free.
//!
//! Floor 0. Personal data in a transcript is invented, so it is plain text here.

pub mod directive;
mod parse;
pub mod pattern;
pub mod pure;

mod write;

#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "any other step is the finding")]
mod tests;

use crate::domain::otp::{Otp, UndoCode};
use crate::domain::phone::{Mobile, Phone};

pub use directive::Directive;
pub use pattern::{Expected, Pattern, written};

/// A transcript: what was written, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    pub steps: Vec<Step>,
}

/// One step and the line it starts on, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub line: usize,
    pub what: What,
}

/// What a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// For people. As written after `#`.
    Note(String),
    Directive(Directive),
    /// What the citizen sends at once.
    Turn(Turn),
    /// The next message of the service.
    Reply(Expected),
    /// Nothing is sent.
    Silence,
    /// This SMS is sent in this exchange.
    Sms(ExpectedSms),
}

/// Messages of a citizen that arrive together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub said: Vec<Said>,
    /// A preamble's answers are not looked at.
    pub checked: bool,
}

/// One message of a citizen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Text(String),
    /// The button or row with this title, of the newest message that offered it.
    Tap(String),
    Sticker,
    Voice,
    Photo,
    File,
    Location,
    Reaction,
    /// A shared contact card.
    Contact(Phone),
    /// The last own message, written anew.
    Edit(String),
    /// The last own message, taken back.
    Revoke,
    /// The chat was opened for the first time.
    Welcome,
    /// An answer to the n-th newest message of the service, 1 the newest.
    Quote {
        nth: usize,
        text: String,
    },
}

/// How a text reaches a phone beside its chats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Sms,
    /// A template of WhatsApp's; its text is the code alone.
    Template,
}

/// An SMS, or a code by template, that has to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedSms {
    pub way: Way,
    pub to: Mobile,
    pub text: Pattern,
}

/// A line that is not the format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}; allowed: {allowed}")]
pub struct TranscriptError {
    pub file: String,
    pub line: usize,
    pub what: String,
    pub allowed: &'static str,
}

impl ExpectedSms {
    /// The six digits that the text starts with, if it does: the code the script goes on with.
    pub fn code(&self) -> Option<Otp> {
        let (digits, rest) = self.text.as_str().split_at_checked(6)?;
        let whole = digits.bytes().all(|byte| byte.is_ascii_digit()) && !rest.starts_with(|c: char| c.is_ascii_digit());
        if whole { Otp::new(digits.parse().ok()?) } else { None }
    }

    /// The undo code in the text, two groups of four digits.
    pub fn undo(&self) -> Option<UndoCode> {
        let mut words = self.text.as_str().split(|c: char| !c.is_ascii_digit() && c != '-');
        words.find_map(directive::undo_code)
    }
}
