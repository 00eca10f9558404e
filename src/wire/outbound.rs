//! What the Graph API takes and answers (cloud-api.md 4): JSON bodies out of domain types, and back.
//!
//! Invariants: `to` always has its plus (without it Meta puts the business number's country in front); links get
//! no preview; our tag is in every message, since nothing else tells which row a status is about.
//! Personal data is in every body: bodies are never logged.

mod answer;
pub mod limits;
#[cfg(test)]
mod tests;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::json;

use crate::domain::contact::Recipient;
use crate::domain::message::{Button, MessageId, Outbound, Text};
use crate::domain::otp::Otp;
use crate::domain::phone::Phone;

pub use answer::{Answer, media_id, read};

/// A message as `POST /{version}/{number}/messages` takes it.
///
/// `media` is the id of the uploaded PDF; only a certificate has one, and one without it cannot be said: `None`.
pub fn message(to: &Recipient, message: &Outbound, tag: &str, media: Option<&str>) -> Option<Vec<u8>> {
    let content = match message {
        Outbound::Text { body } => Content::Text { preview_url: false, body },
        Outbound::Buttons { body, footer, buttons } => Content::Interactive {
            kind: "button",
            body: Words { text: body },
            action: Action::Buttons { buttons: buttons.iter().map(Reply::of).collect() },
            footer: footer.as_ref().map(|text| Words { text }),
        },
        // Meta's page calls a section's title required; the opening button's words fit it.
        Outbound::List { body, footer, open, rows } => Content::Interactive {
            kind: "list",
            body: Words { text: body },
            action: Action::List { button: open, sections: [Section { title: open, rows }] },
            footer: footer.as_ref().map(|text| Words { text }),
        },
        Outbound::Certificate { file_name, caption, .. } => {
            Content::Document { id: media?, filename: file_name, caption }
        }
        Outbound::Template { name, language } => Content::Template { name, language: Language { code: language } },
    };
    Some(to_bytes(&Envelope { to, kind: content.kind(), content: &content, tag }))
}

/// An authentication template with a copy-code button (cloud-api.md 4.6): the code stands in it twice. Only ever
/// to a phone: to a BSUID it is refused with 131062.
pub fn otp_template(to: Phone, template: &str, language: &str, code: Otp, tag: &str) -> Vec<u8> {
    let code = json!([{ "type": "text", "text": code.digits() }]);
    let content = json!({
        "name": template,
        "language": { "code": language },
        "components": [
            { "type": "body", "parameters": code },
            { "type": "button", "sub_type": "url", "index": "0", "parameters": code },
        ],
    });
    to_bytes(&Envelope { to: &Recipient::Phone(to), kind: "template", content: &content, tag })
}

/// Marks a message and the earlier ones as read; with `typing`, the indicator shows until the reply or for 25 s.
pub fn mark_read(message: &MessageId, typing: bool) -> Vec<u8> {
    let mut body = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": message.0 });
    if typing {
        body["typing_indicator"] = json!({ "type": "text" });
    }
    to_bytes(&body)
}

/// What is around every content. Written field by field: a message is on the way of every turn.
struct Envelope<'a, C> {
    to: &'a Recipient,
    kind: &'static str,
    content: &'a C,
    tag: &'a str,
}

impl<C: Serialize> Serialize for Envelope<'_, C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("messaging_product", "whatsapp")?;
        map.serialize_entry("recipient_type", "individual")?;
        match self.to {
            Recipient::Phone(phone) => map.serialize_entry("to", &phone.to_e164())?,
            Recipient::Bsuid(bsuid) => map.serialize_entry("recipient", bsuid.0.as_str())?,
        }
        map.serialize_entry("type", self.kind)?;
        map.serialize_entry(self.kind, self.content)?;
        map.serialize_entry("biz_opaque_callback_data", self.tag)?;
        map.end()
    }
}

/// The contents that we say, as Meta's fields have them; a button of ours is named by the same two fields as Meta's.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text {
        preview_url: bool,
        body: &'a Text,
    },
    Interactive {
        #[serde(rename = "type")]
        kind: &'static str,
        body: Words<'a>,
        action: Action<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        footer: Option<Words<'a>>,
    },
    Document {
        id: &'a str,
        filename: &'a str,
        caption: &'a Text,
    },
    Template {
        name: &'a str,
        language: Language<'a>,
    },
}

#[derive(serde::Serialize)]
struct Words<'a> {
    text: &'a Text,
}

#[derive(serde::Serialize)]
struct Language<'a> {
    code: &'a str,
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum Action<'a> {
    Buttons { buttons: Vec<Reply<'a>> },
    List { button: &'a Text, sections: [Section<'a>; 1] },
}

#[derive(serde::Serialize)]
struct Reply<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    reply: &'a Button,
}

#[derive(serde::Serialize)]
struct Section<'a> {
    title: &'a Text,
    rows: &'a [Button],
}

impl Content<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Interactive { .. } => "interactive",
            Self::Document { .. } => "document",
            Self::Template { .. } => "template",
        }
    }
}

impl<'a> Reply<'a> {
    fn of(button: &'a Button) -> Self {
        Self { kind: "reply", reply: button }
    }
}

/// Most bodies are shorter; a longer one grows.
const BODY_BYTES: usize = 1_536;

/// All keys are strings and nothing in it can fail, so it can always be written.
fn to_bytes(body: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BODY_BYTES);
    serde_json::to_writer(&mut bytes, body).map(|()| bytes).unwrap_or_default()
}
