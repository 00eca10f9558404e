//! One message of a citizen: Meta's types, old and new, as the few kinds of content this service knows.
//!
//! What a message *is* decides the body it carries, not only its `type`: types are missing, new ones appear, and
//! `unsupported` has been seen with a text in it. Whatever is left is `Content::Unsupported`, which is answered.

use serde_json_borrow::Value;

use crate::domain::message::{Content, DeadReason, Inbound, MessageId, Text};
use crate::domain::phone::Phone;
use crate::domain::time::Timestamp;

use super::identity::{self, Senders};
use super::read::{at, clipped, field, id, list, message_id, number, text, timestamp};
use super::{Ignored, Part};

/// Phones taken from one message of shared contact cards.
const PHONES_MAX: usize = 16;

/// The bodies by which a message without a `type` is told.
const BODIES: [&str; 14] = [
    "text",
    "interactive",
    "button",
    "audio",
    "voice",
    "image",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "edit",
    "revoke",
];

/// Reads one of `value.messages`.
pub(super) fn decode(
    value: &Value,
    senders: &Senders,
    message: &Value,
    accepted_at: Timestamp,
) -> Result<Part, DeadReason> {
    if field(message, "group_id").is_some() {
        return Ok(Part::Ignored(Ignored::Group));
    }
    if text(message, "type") == Some("system") {
        return identity::system(value, message, accepted_at);
    }
    // Without an id it cannot be known again when Meta redelivers it; without our number nobody can answer.
    let (Some(id), Some(to)) = (message_id(message, "id"), number(value)) else {
        return Err(DeadReason::NotUnderstood);
    };
    Ok(Part::Message(Inbound {
        id,
        from: senders.sender(message).ok_or(DeadReason::NoSender)?,
        to,
        sent_at: timestamp(message).unwrap_or(accepted_at),
        quotes: quotes(message),
        content: content(message),
    }))
}

/// A forwarded message has a context too, but no id in it; the one within an edit holds an id of no message.
fn quotes(message: &Value) -> Option<MessageId> {
    field(message, "context").and_then(|context| message_id(context, "id"))
}

fn content(message: &Value) -> Content {
    match kind(message) {
        Some("edit") => edit(message).unwrap_or(Content::Unsupported),
        Some("revoke") => {
            original(message, "revoke").map_or(Content::Unsupported, |original| Content::Revoke { original })
        }
        kind => plain(kind, message),
    }
}

/// The type as given, or by the first body there is.
fn kind<'a>(message: &'a Value) -> Option<&'a str> {
    text(message, "type").or_else(|| BODIES.into_iter().find(|body| field(message, body).is_some()))
}

/// A content that is not about another message's content.
fn plain(kind: Option<&str>, message: &Value) -> Content {
    match kind {
        Some("interactive") => field(message, "interactive").and_then(choice).unwrap_or(Content::Unsupported),
        Some("button") => field(message, "button").and_then(quick_reply).unwrap_or(Content::Unsupported),
        Some("audio" | "voice") => Content::Voice,
        Some("image") => Content::Photo,
        Some("video" | "document") => Content::File,
        Some("sticker") => Content::Sticker,
        Some("location") => Content::Location,
        Some("reaction") => Content::Reaction,
        Some("contacts") => Content::Contacts(phones(message)),
        Some("request_welcome") => Content::Welcome,
        Some(_) | None => body_text(message).map_or(Content::Unsupported, Content::Text),
    }
}

fn body_text(message: &Value) -> Option<Text> {
    at(at(message, "text")?, "body")?.as_str().map(clipped)
}

/// A tap on a reply button or a list row of ours; other interactive answers are to nothing we send.
fn choice(interactive: &Value) -> Option<Content> {
    let reply = field(interactive, "button_reply").or_else(|| field(interactive, "list_reply"))?;
    chosen(id(reply, "id")?.as_ref(), text(reply, "title"))
}

/// A tap on a template's quick reply; its payload is its text unless the template says otherwise.
fn quick_reply(button: &Value) -> Option<Content> {
    let title = text(button, "text");
    let payload = id(button, "payload");
    chosen(payload.as_deref().or(title)?, title)
}

#[expect(clippy::unnecessary_wraps, reason = "the last step of two chains of `?`")]
fn chosen(id: &str, title: Option<&str>) -> Option<Content> {
    Some(Content::Choice { id: clipped(id).0, title: clipped(title.unwrap_or_default()) })
}

fn edit(message: &Value) -> Option<Content> {
    let original = original(message, "edit")?;
    let edited = at(field(message, "edit")?, "message")?;
    // An edit is never of an edit, so no content nests deeper than this.
    let content = Box::new(plain(kind(edited), edited));
    Some(Content::Edit { original, content })
}

fn original(message: &Value, key: &str) -> Option<MessageId> {
    message_id(field(message, key)?, "original_message_id")
}

/// The phones of all shared cards, each once. WhatsApp's own id of a number is surer than how someone saved it.
fn phones(message: &Value) -> Vec<Phone> {
    let cards = list(message, "contacts").iter().flat_map(|card| list(card, "phones"));
    let mut phones = Vec::new();
    for card in cards {
        let known = id(card, "wa_id").and_then(|id| Phone::from_wa_id(&id));
        let Some(phone) = known.or_else(|| saved_phone(&id(card, "phone")?)) else { continue };
        if phones.len() < PHONES_MAX && !phones.contains(&phone) {
            phones.push(phone);
        }
    }
    phones
}

/// A number as people save it: "+62 812-0000-0042", "0062812…", "0812…" (of this country).
fn saved_phone(saved: &str) -> Option<Phone> {
    let digits: String = saved.chars().filter(char::is_ascii_digit).collect();
    let international = match digits.strip_prefix("00") {
        Some(rest) => rest.to_owned(),
        None => match digits.strip_prefix('0') {
            Some(rest) if !saved.trim_start().starts_with('+') => format!("62{rest}"),
            Some(_) | None => digits,
        },
    };
    Phone::from_wa_id(&international)
}
