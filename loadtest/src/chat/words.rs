//! Between a transcript's lines and what WhatsApp carries: what a citizen sends, and how a reply looks.

use siaga::domain::contact::Recipient;
use siaga::domain::message::Text;
use siaga::domain::phone::Phone;
use siaga::emulator::{Card, Content, Event, Form, Happening, Reply};
use siaga::transcript::{Expected, Said};

use super::Seen;
use crate::checker::Shape;
use crate::script::{Role, Script};

/// One message in the citizen's own words, and the reply it quotes.
pub(super) fn content(
    script: &Script,
    role: &Role,
    seen: &Seen,
    said: &Said,
) -> Result<(Content, Option<String>), String> {
    let own = |text: &str| Text(script.spoken(text, role, seen.code.as_deref().unwrap_or_default()));
    let content = match said {
        Said::Text(text) => Content::Text { text: own(text) },
        Said::Quote { nth, text } => {
            let quoted = seen.replies.iter().rev().nth(nth.saturating_sub(1)).map(|reply| reply.id.clone());
            return Ok((Content::Text { text: own(text) }, quoted));
        }
        Said::Tap(title) => tapped(&seen.replies, title).ok_or_else(|| format!("nobody offered [{title}]"))?,
        Said::Edit(text) => {
            let original = seen.said.clone().ok_or("nothing was said that could be edited")?;
            Content::Edit { original, content: Box::new(Content::Text { text: own(text) }) }
        }
        Said::Revoke => {
            Content::Revoke { original: seen.said.clone().ok_or("nothing was said that could be taken back")? }
        }
        Said::Sticker => Content::Sticker,
        Said::Voice => Content::Voice,
        Said::Photo => Content::Photo { caption: None },
        Said::File => Content::Document { file_name: Text("file.pdf".into()) },
        Said::Location => Content::Location { latitude: -6.2, longitude: 106.8 },
        Said::Reaction => {
            let to = seen.replies.last().map(|reply| reply.id.clone()).ok_or("nothing to react to")?;
            Content::Reaction { to, emoji: Some("👍".into()) }
        }
        Said::Contact(phone) => {
            let card = Card { name: Text("Kontak".into()), phone: Text(phone.to_e164()) };
            Content::Contacts { cards: vec![card] }
        }
        Said::Welcome => Content::Welcome,
    };
    Ok((content, None))
}

/// A tap on the newest button or row with this title.
fn tapped(replies: &[Reply], title: &str) -> Option<Content> {
    replies.iter().rev().find_map(|reply| match &reply.form {
        Form::Buttons { buttons, .. } => {
            let button = buttons.iter().find(|button| button.title.0 == title)?;
            Some(Content::Button { of: reply.id.clone(), id: button.id.clone(), title: button.title.clone() })
        }
        Form::List { rows, .. } => {
            let row = rows.iter().find(|row| row.title.0 == title)?;
            let (id, title, description) = (row.id.clone(), row.title.clone(), row.description.clone());
            Some(Content::Row { of: reply.id.clone(), id, title, description })
        }
        Form::Text { .. }
        | Form::Action { .. }
        | Form::Document { .. }
        | Form::Media { .. }
        | Form::Template { .. }
        | Form::Reaction { .. }
        | Form::Location { .. }
        | Form::Contacts { .. } => None,
    })
}

/// Whose chat an event belongs to: a phone's SMS goes to the one who has that phone.
pub(crate) fn chat_of(event: &Event) -> Option<Recipient> {
    match (&event.chat, &event.what) {
        (Some(chat), _) => Some(chat.clone()),
        (None, Happening::Sms { to, .. }) => Phone::from_wa_id(to).map(Recipient::Phone),
        (None, _) => None,
    }
}

/// The code that an SMS starts with.
pub(super) fn code_in(text: &str) -> Option<String> {
    let (code, _) = text.split_at_checked(6)?;
    code.bytes().all(|byte| byte.is_ascii_digit()).then(|| code.to_owned())
}

/// A code with its last digit wrong.
pub(super) fn mistyped(code: &str) -> String {
    let mut code = code.to_owned();
    let last = code.pop().and_then(|last| last.to_digit(10)).unwrap_or_default();
    format!("{code}{}", (last + 1) % 10)
}

/// What a transcript expects, without the words.
pub(super) fn shape_of(expected: &Expected) -> Shape {
    Shape { document: expected.document.clone(), buttons: expected.buttons.clone(), rows: expected.rows.clone() }
}

/// What came, without the words.
pub(super) fn shape_of_form(form: &Form) -> Shape {
    match form {
        Form::Text { .. } => Shape::default(),
        Form::Document { file_name, .. } => Shape { document: Some(file_name.0.clone()), ..Shape::default() },
        Form::Buttons { buttons, .. } => {
            Shape { buttons: buttons.iter().map(|button| button.title.0.clone()).collect(), ..Shape::default() }
        }
        Form::List { open, rows, .. } => Shape {
            document: None,
            buttons: vec![open.0.clone()],
            rows: rows.iter().map(|row| row.title.0.clone()).collect(),
        },
        Form::Action { .. }
        | Form::Media { .. }
        | Form::Template { .. }
        | Form::Reaction { .. }
        | Form::Location { .. }
        | Form::Contacts { .. } => {
            Shape { document: Some("of a kind that no transcript has".into()), ..Shape::default() }
        }
    }
}

/// The words of a reply.
pub(super) fn text_of(form: &Form) -> &str {
    match form {
        Form::Text { body } | Form::Buttons { body, .. } | Form::List { body, .. } | Form::Action { body, .. } => {
            &body.0
        }
        Form::Document { caption, .. } | Form::Media { caption, .. } => caption.as_ref().map_or("", |text| &text.0),
        Form::Template { .. } | Form::Reaction { .. } | Form::Location { .. } | Form::Contacts { .. } => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_from_an_sms_and_mistyped_in_its_last_digit() {
        assert_eq!(code_in("483929 kode OTP Kemenkes").as_deref(), Some("483929"));
        assert_eq!(code_in("kode 483929"), None);
        assert_eq!(mistyped("483929"), "483920");
    }
}
