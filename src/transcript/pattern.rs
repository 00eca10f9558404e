//! What the service is expected to say, and how what it said is written in the same way.

use crate::domain::message::{Button, Outbound};

/// Stands for any text.
const ANY: char = '…';

/// A text in which `…` stands for any text, also none. White space beside a `…` does not count.
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern(String);

/// One message of the service as a transcript writes it. Footers are not written and not compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The name of the PDF; the text is its caption.
    pub document: Option<String>,
    pub text: Pattern,
    pub buttons: Vec<String>,
    pub rows: Vec<String>,
}

impl Pattern {
    /// A pattern from a text with line breaks.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The pattern as written, with line breaks.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a text is one of those meant.
    pub fn fits(&self, text: &str) -> bool {
        let Some((first, others)) = self.0.split_once(ANY) else { return self.0.trim() == text.trim() };
        let Some(mut rest) = text.trim().strip_prefix(first.trim()) else { return false };
        let mut parts = others.split(ANY).map(str::trim).peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return rest.ends_with(part);
            }
            match rest.split_once(part) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        true
    }
}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl Expected {
    /// Whether this message is the one meant. Titles of buttons and rows have to be the same, in order.
    pub fn fits(&self, message: &Outbound) -> bool {
        let said = Self::of(message);
        self.document == said.document
            && self.buttons == said.buttons
            && self.rows == said.rows
            && self.text.fits(said.text.as_str())
    }

    /// A message as a transcript would write it.
    pub fn of(message: &Outbound) -> Self {
        let titles = |buttons: &[Button]| buttons.iter().map(|button| button.title.0.clone()).collect();
        let (document, text, buttons, rows) = match message {
            Outbound::Text { body } => (None, body, Vec::new(), Vec::new()),
            Outbound::Buttons { body, buttons, .. } => (None, body, titles(buttons), Vec::new()),
            Outbound::List { body, open, rows, .. } => (None, body, vec![open.0.clone()], titles(rows)),
            Outbound::Certificate { file_name, caption, .. } => {
                (Some(file_name.clone()), caption, Vec::new(), Vec::new())
            }
            Outbound::Template { name, .. } => {
                let text = Pattern(format!("(template {name})"));
                return Self { document: None, text, buttons: Vec::new(), rows: Vec::new() };
            }
        };
        Self { document, text: Pattern(text.0.clone()), buttons, rows }
    }
}

/// A message as the line of a transcript, without `< `.
pub fn written(message: &Outbound) -> String {
    Expected::of(message).to_string()
}
