//! A reply in the making: phrases, ways on, and what it carries.

use super::choice::Choice;
use super::text::table;
use super::text::value::Phrase;
use super::{AuthEpoch, Reply, Texts};
use crate::domain::certificate::Language;
use crate::domain::message::{Button, Outbound, ReplyKind, Text};

/// Meta's bound of a body with buttons, in characters (cloud-api.md 4.2).
const BODY_MAX: usize = 1024;
/// Buttons a message can show; more become a list.
const BUTTONS_MAX: usize = 3;
/// Rows a list can show.
const ROWS_MAX: usize = 10;

/// What will be said.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub kind: ReplyKind,
    /// Joined by a blank.
    pub phrases: Vec<Phrase>,
    pub footer: Option<Phrase>,
    pub choices: Vec<Choice>,
    /// Whether it holds what the registry knows of a person.
    pub personal: bool,
}

impl Draft {
    /// Asks something.
    pub(super) fn prompt(phrase: Phrase) -> Self {
        Self { kind: ReplyKind::Prompt, phrases: vec![phrase], footer: None, choices: Vec::new(), personal: false }
    }

    /// Answers something.
    pub(super) fn answer(phrase: Phrase) -> Self {
        Self { kind: ReplyKind::Answer, ..Self::prompt(phrase) }
    }

    /// Tells something unasked.
    pub(super) fn notice(phrase: Phrase) -> Self {
        Self { kind: ReplyKind::Notice, ..Self::prompt(phrase) }
    }

    pub(super) fn offering(mut self, choices: &[Choice]) -> Self {
        self.choices = choices.to_vec();
        self
    }

    pub(super) fn footer(mut self, phrase: Phrase) -> Self {
        self.footer = Some(phrase);
        self
    }

    pub(super) fn after(mut self, phrase: Phrase) -> Self {
        self.phrases.insert(0, phrase);
        self
    }

    pub(super) fn then(mut self, phrase: Phrase) -> Self {
        self.phrases.push(phrase);
        self
    }

    pub(super) fn personal(mut self) -> Self {
        self.personal = true;
        self
    }

    /// The reply in words.
    pub(super) fn write(&self, texts: &Texts, language: Language, buttons: u32, login: Option<AuthEpoch>) -> Reply {
        let words: Vec<String> = self.phrases.iter().map(|phrase| texts.render(phrase, language)).collect();
        let mut body = words.join(" ");
        if let Some((end, _)) = body.char_indices().nth(BODY_MAX) {
            body.truncate(end);
        }
        let body = Text(body);
        let footer = self.footer.as_ref().map(|phrase| texts.text(phrase, language));
        let buttons: Vec<Button> = self
            .choices
            .iter()
            .take(ROWS_MAX)
            .map(|choice| Button { id: choice.id(buttons), title: texts.text(&choice.title(), language) })
            .collect();
        let message = match buttons.len() {
            0 => Outbound::Text { body },
            1..=BUTTONS_MAX => Outbound::Buttons { body, footer, buttons },
            _ => Outbound::List { body, footer, open: texts.text(&self.open(), language), rows: buttons },
        };
        Reply { kind: self.kind, message, epoch: if self.personal { login } else { None } }
    }

    /// What opens the list.
    fn open(&self) -> Phrase {
        match self.choices.first() {
            Some(Choice::Kind(_)) => table::open_kinds(),
            Some(Choice::Dose(_)) => table::open_doses(),
            Some(_) | None => table::open_topics(),
        }
    }
}
