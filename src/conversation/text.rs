//! Every sentence of the service, loaded from Fluent files and checked against Meta's limits.
//!
//! The keys are a closed table ([`table`]): each a function that takes its arguments and gives a [`Phrase`].
//! [`Texts::render`] turns a phrase into words. Loading writes every key out with its longest arguments
//! ([`check`]), so no sentence can be refused by Meta for its length later.
//!
//! Invariants: what people typed reaches a sentence only cleaned ([`value`]); dates and clocks are words of the
//! language; no isolation marks. What does not belong here: which sentence is said when (`journey`).

mod check;
mod sms;
pub mod table;
pub mod value;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentResource, FluentValue};
use time::Date;
use unic_langid::langid;

use crate::domain::certificate::Language;
use crate::domain::message::Text;
use crate::domain::time::{Timestamp, Zone};

pub use check::{TextErrors, TextFault};
pub use value::Phrase;

use value::{Count, Value};

/// Told of every key that is said, in which language.
pub type Observer = Arc<dyn Fn(&'static str, Language) + Send + Sync>;

/// The sentences of both languages.
pub struct Texts {
    indonesian: FluentBundle<FluentResource>,
    english: FluentBundle<FluentResource>,
    observer: Option<Observer>,
}

impl Texts {
    /// Reads both files and checks every key. All faults are listed at once.
    pub fn load(id_ftl: &str, en_ftl: &str) -> Result<Self, TextErrors> {
        let mut faults = Vec::new();
        let texts = Self {
            indonesian: bundle("id.ftl", id_ftl, Language::Indonesian, &mut faults),
            english: bundle("en.ftl", en_ftl, Language::English, &mut faults),
            observer: None,
        };
        check::check(&texts, "id.ftl", id_ftl, Language::Indonesian, &mut faults);
        check::check(&texts, "en.ftl", en_ftl, Language::English, &mut faults);
        if faults.is_empty() { Ok(texts) } else { Err(TextErrors(faults)) }
    }

    /// The sentences this program was built with.
    pub fn embedded() -> Result<Self, TextErrors> {
        Self::load(include_str!("../../config/text/id.ftl"), include_str!("../../config/text/en.ftl"))
    }

    /// The same sentences; `observer` hears of each key that is said from here on.
    #[must_use]
    pub fn with_observer(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The names of all keys, each of which is in both files.
    pub fn keys() -> impl Iterator<Item = &'static str> {
        table::TABLE.iter().map(|entry| entry.name)
    }

    /// A phrase in words.
    pub fn render(&self, phrase: &Phrase, language: Language) -> String {
        if let Some(observer) = &self.observer {
            phrase.keys(&mut |key| observer(key, language));
        }
        self.unsaid(phrase, language)
    }

    /// A phrase in words that are compared, not said: the observer does not hear of it.
    pub(super) fn unsaid(&self, phrase: &Phrase, language: Language) -> String {
        // Loading has shown that every key renders without a fault.
        self.try_render(phrase, language, &mut Vec::new())
    }

    /// A phrase as a message's text.
    pub fn text(&self, phrase: &Phrase, language: Language) -> Text {
        Text(self.render(phrase, language))
    }

    fn bundle(&self, language: Language) -> &FluentBundle<FluentResource> {
        match language {
            Language::Indonesian => &self.indonesian,
            Language::English => &self.english,
        }
    }

    fn try_render(&self, phrase: &Phrase, language: Language, faults: &mut Vec<FluentError>) -> String {
        let bundle = self.bundle(language);
        let Some(pattern) = bundle.get_message(phrase.name).and_then(|message| message.value()) else {
            return String::new();
        };
        let mut arguments = FluentArgs::with_capacity(phrase.values.len());
        for (name, value) in &phrase.values {
            arguments.set(*name, self.argument(value, language, faults));
        }
        bundle.format_pattern(pattern, Some(&arguments), faults).into_owned()
    }

    fn argument(&self, value: &Value, language: Language, faults: &mut Vec<FluentError>) -> FluentValue<'static> {
        match value {
            Value::Number(number) => FluentValue::from(*number),
            Value::Written(text) => FluentValue::from(text.clone()),
            Value::Date(date) => FluentValue::from(self.date(*date, language, faults)),
            Value::Day(at) => FluentValue::from(self.day(*at, language, faults)),
            Value::Clock(at, zone) => {
                let clock = at.at(*zone);
                FluentValue::from(format!("{:02}.{:02}", clock.hour(), clock.minute()))
            }
            Value::Part(part) => FluentValue::from(self.try_render(part, language, faults)),
            Value::Lines(lines) => {
                let lines: Vec<String> = lines.iter().map(|line| self.try_render(line, language, faults)).collect();
                FluentValue::from(lines.join("\n"))
            }
        }
    }

    /// "14 Juli 2021".
    fn date(&self, date: Date, language: Language, faults: &mut Vec<FluentError>) -> String {
        let month = table::month(Count(u32::from(u8::from(date.month()))));
        let month = self.try_render(&month, language, faults);
        let phrase = table::date(
            Count(u32::from(date.day())),
            value::Written(month),
            Count(u32::try_from(date.year()).unwrap_or_default()),
        );
        self.try_render(&phrase, language, faults)
    }

    /// "Kamis, 26 November 2026", the day in western Indonesia.
    fn day(&self, at: Timestamp, language: Language, faults: &mut Vec<FluentError>) -> String {
        let date = at.at(Zone::Wib).date();
        let weekday = table::weekday(Count(u32::from(date.weekday().number_from_monday())));
        let weekday = self.try_render(&weekday, language, faults);
        let date = self.date(date, language, faults);
        self.try_render(&table::weekday_date(value::Written(weekday), value::Written(date)), language, faults)
    }
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Texts({} keys, 2 languages)", table::TABLE.len())
    }
}

fn bundle(
    file: &'static str,
    source: &str,
    language: Language,
    faults: &mut Vec<TextFault>,
) -> FluentBundle<FluentResource> {
    let locale = match language {
        Language::Indonesian => langid!("id"),
        Language::English => langid!("en"),
    };
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(partial, errors)| {
        faults.extend(errors.into_iter().map(|error| TextFault::Syntax {
            file,
            line: source[..error.pos.start.min(source.len())].lines().count(),
            reason: error.kind.to_string(),
        }));
        partial
    });
    if let Err(errors) = bundle.add_resource(resource) {
        faults.extend(errors.into_iter().map(|error| TextFault::Conflict { file, reason: error.to_string() }));
    }
    bundle
}
