//! What the Graph API takes and answers (cloud-api.md 4): JSON bodies out of domain types, and back.
//!
//! Invariants: `to` always has its plus (without it Meta puts the business number's country in front); links get
//! no preview; our tag is in every message, since nothing else tells which row a status is about.
//! Personal data is in every body: bodies are never logged.

mod answer;
pub mod limits;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::domain::contact::Recipient;
use crate::domain::message::{Button, MessageId, Outbound};
use crate::domain::otp::Otp;
use crate::domain::phone::Phone;

pub use answer::{Answer, media_id, read};

/// A message as `POST /{version}/{number}/messages` takes it.
///
/// `media` is the id of the uploaded PDF; only a certificate has one, and one without it cannot be said: `None`.
pub fn message(to: &Recipient, message: &Outbound, tag: &str, media: Option<&str>) -> Option<Vec<u8>> {
    let (kind, content) = match message {
        Outbound::Text { body } => ("text", json!({ "preview_url": false, "body": body.0 })),
        Outbound::Buttons { .. } | Outbound::List { .. } => ("interactive", interactive(message)),
        Outbound::Certificate { file_name, caption, .. } => {
            ("document", json!({ "id": media?, "filename": file_name, "caption": caption.0 }))
        }
        Outbound::Template { name, language } => {
            ("template", json!({ "name": name, "language": { "code": language } }))
        }
    };
    Some(envelope(to, kind, content, tag))
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
    envelope(&Recipient::Phone(to), "template", content, tag)
}

/// Marks a message and the earlier ones as read; with `typing`, the indicator shows until the reply or for 25 s.
pub fn mark_read(message: &MessageId, typing: bool) -> Vec<u8> {
    let mut body = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": message.0 });
    if typing {
        body["typing_indicator"] = json!({ "type": "text" });
    }
    to_bytes(&body)
}

fn envelope(to: &Recipient, kind: &str, content: Value, tag: &str) -> Vec<u8> {
    let mut body = json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "type": kind,
        "biz_opaque_callback_data": tag,
    });
    body[kind] = content;
    match to {
        Recipient::Phone(phone) => body["to"] = phone.to_e164().into(),
        Recipient::Bsuid(bsuid) => body["recipient"] = bsuid.0.as_str().into(),
    }
    to_bytes(&body)
}

fn interactive(message: &Outbound) -> Value {
    let (mut content, footer) = match message {
        Outbound::Buttons { body, footer, buttons } => {
            let buttons: Vec<Value> =
                buttons.iter().map(|button| json!({ "type": "reply", "reply": choice(button) })).collect();
            (json!({ "type": "button", "body": { "text": body.0 }, "action": { "buttons": buttons } }), footer)
        }
        Outbound::List { body, footer, open, rows } => {
            let rows: Vec<Value> = rows.iter().map(choice).collect();
            // Meta's page calls a section's title required; the opening button's words fit it.
            let action = json!({ "button": open.0, "sections": [{ "title": open.0, "rows": rows }] });
            (json!({ "type": "list", "body": { "text": body.0 }, "action": action }), footer)
        }
        Outbound::Text { .. } | Outbound::Certificate { .. } | Outbound::Template { .. } => return Value::Null,
    };
    if let Some(footer) = footer {
        content["footer"] = json!({ "text": footer.0 });
    }
    content
}

fn choice(button: &Button) -> Value {
    json!({ "id": button.id, "title": button.title.0 })
}

/// A `Value` has string keys only, so it can always be written.
fn to_bytes(body: &Value) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}
