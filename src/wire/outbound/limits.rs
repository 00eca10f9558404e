//! Meta's limits on a message (cloud-api.md 4.1 to 4.5), checked before it costs a request.
//!
//! Lengths are in characters (Unicode scalar values).

use crate::domain::message::{Button, Outbound, Text};

/// A limit that a message breaks. Says which and by how much, never the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenLimit {
    #[error("{what} has {chars} characters, allowed are 1 to {chars_max}")]
    Length { what: &'static str, chars: usize, chars_max: usize },
    #[error("{count} {what}, allowed are 1 to {count_max}")]
    Count { what: &'static str, count: usize, count_max: usize },
    #[error("two {what} have the same {same}")]
    Twice { what: &'static str, same: &'static str },
}

/// Whether Meta would take it.
pub fn check(message: &Outbound) -> Result<(), BrokenLimit> {
    match message {
        Outbound::Text { body } => length("the body", body, 4_096),
        Outbound::Buttons { body, footer, buttons } => {
            interactive(body, footer.as_ref())?;
            choices("buttons", buttons, 3, 256, 20)?;
            distinct("buttons", "title", buttons, |button| &button.title.0)
        }
        Outbound::List { body, footer, open, rows } => {
            interactive(body, footer.as_ref())?;
            length("the opening button", open, 20)?;
            choices("rows", rows, 10, 200, 24)
        }
        Outbound::Certificate { caption, file_name, .. } => {
            chars("the file name", file_name, 240)?;
            length("the caption", caption, 1_024)
        }
        Outbound::Template { name, language } => {
            chars("the template's name", name, 512)?;
            chars("the template's language", language, 40)
        }
    }
}

fn interactive(body: &Text, footer: Option<&Text>) -> Result<(), BrokenLimit> {
    length("the body", body, 1_024)?;
    footer.map_or(Ok(()), |footer| length("the footer", footer, 60))
}

fn choices(
    what: &'static str,
    buttons: &[Button],
    count_max: usize,
    id_max: usize,
    title_max: usize,
) -> Result<(), BrokenLimit> {
    if !(1..=count_max).contains(&buttons.len()) {
        return Err(BrokenLimit::Count { what, count: buttons.len(), count_max });
    }
    for button in buttons {
        chars("an id", &button.id, id_max)?;
        length("a title", &button.title, title_max)?;
    }
    distinct(what, "id", buttons, |button| &button.id)
}

fn distinct(
    what: &'static str,
    same: &'static str,
    buttons: &[Button],
    of: impl Fn(&Button) -> &String,
) -> Result<(), BrokenLimit> {
    for (at, button) in buttons.iter().enumerate() {
        if buttons[..at].iter().any(|earlier| of(earlier) == of(button)) {
            return Err(BrokenLimit::Twice { what, same });
        }
    }
    Ok(())
}

fn length(what: &'static str, text: &Text, chars_max: usize) -> Result<(), BrokenLimit> {
    chars(what, &text.0, chars_max)
}

fn chars(what: &'static str, text: &str, chars_max: usize) -> Result<(), BrokenLimit> {
    let chars = text.chars().count();
    if (1..=chars_max).contains(&chars) { Ok(()) } else { Err(BrokenLimit::Length { what, chars, chars_max }) }
}
