//! What is looked at when texts are loaded: every key in its longest form against the limit of its place.

use fluent_bundle::FluentValue;
use time::{Date, Month};

use super::table::{Entry, Shape, TABLE};
use super::value::{Count, Phrase, Sort, Value, Written, entries};
use super::{Texts, table};
use crate::domain::certificate::Language;
use crate::domain::time::{DAY_MS, Timestamp, Zone};

/// All that is wrong with the text files.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct TextErrors(pub Vec<TextFault>);

/// One thing that is wrong with a text file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    #[error("{file}, line {line}: {reason}")]
    Syntax { file: &'static str, line: usize, reason: String },
    #[error("{file}: {reason}")]
    Conflict { file: &'static str, reason: String },
    #[error("{file}: key `{key}` is missing")]
    Missing { file: &'static str, key: &'static str },
    #[error("{file}: key `{key}` is not one the service says")]
    Unknown { file: &'static str, key: String },
    #[error("{file}: key `{key}`: {reason}; it may use: {allowed}")]
    Argument { file: &'static str, key: &'static str, reason: String, allowed: String },
    #[error("{file}: key `{key}` can be {chars} characters long, a {place} holds at most {limit}")]
    TooLong { file: &'static str, key: &'static str, place: &'static str, chars: usize, limit: usize },
    #[error("{file}: key `{key}` has `{character}`, which an sms cannot carry as one part")]
    NotGsm7 { file: &'static str, key: &'static str, character: char },
}

/// Numbers that are tried: those that grammar treats differently, and the longest.
const NUMBERS: [u32; 3] = [1, 2, 99_999];

/// Adds the faults of one file.
pub(super) fn check(texts: &Texts, file: &'static str, source: &str, language: Language, faults: &mut Vec<TextFault>) {
    for key in keys_of(source) {
        if !TABLE.iter().any(|entry| entry.name == key) {
            faults.push(TextFault::Unknown { file, key: key.to_owned() });
        }
    }
    let prefix_chars = TABLE
        .iter()
        .filter(|entry| entry.shape == Shape::Prefix)
        .map(|entry| texts.longest(entry, language).chars().count())
        .max();
    for entry in TABLE {
        if texts.bundle(language).get_message(entry.name).is_none_or(|message| message.value().is_none()) {
            faults.push(TextFault::Missing { file, key: entry.name });
            continue;
        }
        if let Some(reason) = texts.fault_of(entry, language) {
            let allowed = entry.arguments.iter().map(|(name, _)| format!("${name}")).collect::<Vec<_>>().join(", ");
            faults.push(TextFault::Argument { file, key: entry.name, reason, allowed });
            continue;
        }
        let longest = texts.longest(entry, language);
        let (place, limit) = entry.shape.limit(prefix_chars.unwrap_or_default());
        let chars = longest.chars().count();
        if chars > limit {
            faults.push(TextFault::TooLong { file, key: entry.name, place, chars, limit });
        }
        if entry.shape == Shape::Sms
            && let Some(character) = longest.chars().find(|c| !is_gsm7(*c))
        {
            faults.push(TextFault::NotGsm7 { file, key: entry.name, character });
        }
    }
}

impl Shape {
    /// What Meta, or an SMS, takes at this place (cloud-api.md 4.1 to 4.5).
    fn limit(self, prefix_chars: usize) -> (&'static str, usize) {
        match self {
            // Up to two prefixes, each with a blank, may stand before a body.
            Shape::Body => ("body with what may stand before it", 1024 - 2 * (prefix_chars + 1)),
            Shape::Caption => ("caption with what may stand before it", 1024 - (prefix_chars + 1)),
            Shape::Prefix => ("beginning of a message", 120),
            Shape::Footer => ("footer", 60),
            Shape::Button => ("button", 20),
            Shape::Row => ("list row", 24),
            Shape::Sms => ("sms", 160),
            Shape::Part => ("part of a message", 240),
        }
    }
}

impl Texts {
    /// What Fluent says against an entry, if anything: an argument it does not have, most of all.
    fn fault_of(&self, entry: &Entry, language: Language) -> Option<String> {
        let mut faults = Vec::new();
        for number in NUMBERS {
            self.try_render(&self.phrase(entry, language, number), language, &mut faults);
        }
        faults.first().map(ToString::to_string)
    }

    /// An entry in words, as long as it can get.
    fn longest(&self, entry: &Entry, language: Language) -> String {
        NUMBERS
            .iter()
            .map(|number| self.try_render(&self.phrase(entry, language, *number), language, &mut Vec::new()))
            .max_by_key(|words| words.chars().count())
            .unwrap_or_default()
    }

    fn phrase(&self, entry: &Entry, language: Language, number: u32) -> Phrase {
        let values =
            entry.arguments.iter().map(|(name, sort)| (*name, self.longest_value(*sort, language, number))).collect();
        Phrase::new(entry.name, values)
    }

    fn longest_value(&self, sort: Sort, language: Language, number: u32) -> Value {
        let longest_part = |prefix| {
            entries(prefix).map(|entry| self.longest(entry, language)).max_by_key(|words| words.chars().count())
        };
        match sort {
            Sort::Number => Value::Number(number),
            Sort::Written(chars) => Value::Written("0".repeat(chars)),
            Sort::Clock => Value::Clock(Timestamp(0), Zone::Wib),
            Sort::Date => Value::Written(self.longest_date(language)),
            Sort::Day => {
                let day = (0..7).map(|day| Timestamp(day * DAY_MS)).map(|at| self.weekday(at, language));
                let day = day.max_by_key(|words| words.chars().count()).unwrap_or_default();
                let phrase = table::weekday_date(Written(day), Written(self.longest_date(language)));
                Value::Written(self.render(&phrase, language))
            }
            Sort::Part(prefix) => Value::Written(longest_part(prefix).unwrap_or_default()),
            Sort::Lines(prefix, lines) => {
                Value::Written(vec![longest_part(prefix).unwrap_or_default(); lines].join("\n"))
            }
        }
    }

    fn longest_date(&self, language: Language) -> String {
        let dates = (1..=12).filter_map(|month| Month::try_from(month).ok());
        let dates = dates.filter_map(|month| Date::from_calendar_date(2026, month, 28).ok());
        let written = dates.map(|date| match self.argument(&Value::Date(date), language, &mut Vec::new()) {
            FluentValue::String(words) => words.into_owned(),
            FluentValue::Number(_) | FluentValue::Custom(_) | FluentValue::None | FluentValue::Error => String::new(),
        });
        written.max_by_key(|words| words.chars().count()).unwrap_or_default()
    }

    fn weekday(&self, at: Timestamp, language: Language) -> String {
        let number = at.at(Zone::Wib).weekday().number_from_monday();
        self.render(&table::weekday(Count(u32::from(number))), language)
    }
}

/// The keys that a file defines: what stands at the beginning of a line before a `=`. Terms start with a dash.
fn keys_of(source: &str) -> impl Iterator<Item = &str> {
    source
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()))
        .filter_map(|line| line.split_once('='))
        .map(|(key, _)| key.trim())
}

/// Whether an SMS carries a character as one seven-bit unit (3GPP TS 23.038, the basic table without its
/// Greek and accented letters, which no sentence of ours needs).
fn is_gsm7(c: char) -> bool {
    (c.is_ascii_graphic() && !matches!(c, '[' | ']' | '{' | '}' | '\\' | '^' | '~' | '|' | '`')) || c == ' '
}
