//! A message as Meta's webhook carries it (cloud-api.md 2).

use actix_web::web::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{Card, Content, Saying, Sender};
use crate::emulator::media::File;
use crate::emulator::options::Number;
use crate::emulator::webhook::Update;
use crate::emulator::world::World;

/// What stands in for every picture, recording and sticker: nobody opens them.
const MEDIA_BYTES: &[u8] = b"an invented file of the emulator";

impl Sender {
    /// The member of `contacts` in a webhook.
    pub(in crate::emulator) fn contact(&self) -> Value {
        let mut profile = Map::new();
        put(&mut profile, "name", self.name.as_ref().map(|name| name.0.clone()));
        put(&mut profile, "username", self.username.as_ref().map(|name| name.0.clone()));
        let mut contact = Map::new();
        contact.insert("profile".into(), Value::Object(profile));
        put(&mut contact, "wa_id", self.phone.map(|phone| phone.digits().to_string()));
        put(&mut contact, "user_id", self.bsuid.as_ref().map(|bsuid| bsuid.0.clone()));
        Value::Object(contact)
    }
}

impl Content {
    /// The message of the server that a tap is on.
    pub(super) fn quotes(&self) -> Option<&String> {
        if let Self::Button { of, .. } | Self::Row { of, .. } = self { Some(of) } else { None }
    }

    /// Meta's name of the type, and the object under that name, if there is one.
    fn body(&self, world: &World) -> (&'static str, Option<Value>) {
        let media = |mime_type: &str| media(world, mime_type);
        match self {
            Self::Text { text } => ("text", Some(json!({ "body": text }))),
            Self::Button { id, title, .. } => {
                let reply = json!({ "type": "button_reply", "button_reply": { "id": id, "title": title } });
                ("interactive", Some(reply))
            }
            Self::Row { id, title, description, .. } => {
                let row = json!({ "id": id, "title": title, "description": description });
                ("interactive", Some(json!({ "type": "list_reply", "list_reply": without_nulls(row) })))
            }
            Self::Voice => ("audio", Some(with(media("audio/ogg; codecs=opus"), "voice", json!(true)))),
            Self::Photo { caption: None } => ("image", Some(media("image/jpeg"))),
            Self::Photo { caption: Some(caption) } => {
                ("image", Some(with(media("image/jpeg"), "caption", json!(caption))))
            }
            Self::Video => ("video", Some(media("video/mp4"))),
            Self::Document { file_name } => {
                ("document", Some(with(media("application/pdf"), "filename", json!(file_name))))
            }
            Self::Sticker => ("sticker", Some(with(media("image/webp"), "animated", json!(false)))),
            Self::Location { latitude, longitude } => {
                ("location", Some(json!({ "latitude": latitude, "longitude": longitude })))
            }
            Self::Contacts { cards } => ("contacts", Some(cards.iter().map(card).collect())),
            Self::Reaction { to, emoji } => {
                ("reaction", Some(without_nulls(json!({ "message_id": to, "emoji": emoji }))))
            }
            Self::Edit { original, content } => {
                let (kind, body) = content.body(world);
                let message = message_body(json!({ "context": { "id": "M0" } }), kind, body);
                ("edit", Some(json!({ "original_message_id": original, "message": message })))
            }
            Self::Revoke { original } => ("revoke", Some(json!({ "original_message_id": original }))),
            Self::Welcome => ("request_welcome", None),
            Self::Unsupported { what } => ("unsupported", Some(json!({ "type": what }))),
        }
    }
}

pub(super) fn update(world: &World, number: usize, id: &str, saying: &Saying) -> Update {
    let from = &saying.from;
    let at = saying.sent_at.unwrap_or_else(|| world.now());
    let mut message = Map::new();
    if let Some(quoted) = saying.quotes.as_ref().or(saying.content.quotes()) {
        let us = world.options.numbers.get(number).map(Number::digits);
        message.insert("context".into(), json!({ "from": us, "id": quoted }));
    }
    put(&mut message, "from", from.phone.map(|phone| phone.digits().to_string()));
    put(&mut message, "from_user_id", from.bsuid.as_ref().map(|bsuid| bsuid.0.clone()));
    message.insert("id".into(), json!(id));
    message.insert("timestamp".into(), json!(at.0.div_euclid(1_000).to_string()));
    let (kind, body) = saying.content.body(world);
    let mut message = message_body(Value::Object(message), kind, body);
    if kind == "unsupported" {
        let error = json!({
            "code": 131_051, "title": "Message type unknown", "message": "Message type unknown",
            "error_data": { "details": "Message type is currently not supported." }
        });
        message = with(message, "errors", json!([error]));
    }
    Update::message(number, from.contact(), message)
}

/// Puts the type and its object, if there is one, into a message.
fn message_body(message: Value, kind: &str, body: Option<Value>) -> Value {
    let message = with(message, "type", json!(kind));
    match body {
        Some(body) => with(message, kind, body),
        None => message,
    }
}

fn media(world: &World, mime_type: &str) -> Value {
    let sha256 = STANDARD.encode(Sha256::digest(MEDIA_BYTES));
    let file = File { mime_type: mime_type.to_owned(), bytes: Bytes::from_static(MEDIA_BYTES) };
    json!({ "id": world.media.keep(file), "mime_type": mime_type, "sha256": sha256 })
}

fn card(card: &Card) -> Value {
    let wa_id: String = card.phone.0.chars().filter(char::is_ascii_digit).collect();
    let first_name = card.name.0.split(' ').next().unwrap_or_default();
    json!({
        "name": { "first_name": first_name, "formatted_name": card.name },
        "phones": [{ "phone": card.phone, "wa_id": wa_id, "type": "CELL" }],
        "origin": "other"
    })
}

fn put(object: &mut Map<String, Value>, key: &str, value: Option<String>) {
    if let Some(value) = value {
        object.insert(key.to_owned(), Value::String(value));
    }
}

fn with(mut object: Value, key: &str, value: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.insert(key.to_owned(), value);
    }
    object
}

fn without_nulls(mut object: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.retain(|_, value| !value.is_null());
    }
    object
}
