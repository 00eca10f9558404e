//! What a citizen says, and what Meta makes of it (cloud-api.md 2).

use std::sync::Arc;

use actix_web::web::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::error::SayError;
use super::event::Happening;
use super::ids;
use super::media::File;
use super::options::Number;
use super::poster::{self, Posting};
use super::webhook::Update;
use super::world::World;
use crate::domain::contact::{Bsuid, Recipient};
use crate::domain::message::Text;
use crate::domain::phone::Phone;
use crate::domain::time::Timestamp;

/// What stands in for every picture, recording and sticker: nobody opens them.
const MEDIA_BYTES: &[u8] = b"an invented file of the emulator";

/// Who speaks. Phone alone is the shape of before 2026; BSUID alone hides the number behind a username.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    pub phone: Option<Phone>,
    pub bsuid: Option<Bsuid>,
    pub name: Option<Text>,
    pub username: Option<Text>,
}

/// One message to be said.
#[derive(Clone, Debug, PartialEq)]
pub struct Saying {
    pub from: Sender,
    pub content: Content,
    /// `phone_number_id` it is written to; `None`: the first.
    pub to: Option<String>,
    /// The message of the server it quotes. Buttons and rows quote theirs by themselves.
    pub quotes: Option<String>,
    /// An id used before says the same message again, as Meta's redelivery does.
    pub id: Option<String>,
    /// `None`: now.
    pub sent_at: Option<Timestamp>,
}

/// What can be said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Content {
    Text {
        text: Text,
    },
    /// A tapped reply button of message `of`.
    Button {
        of: String,
        id: String,
        title: Text,
    },
    /// A tapped row of list `of`.
    Row {
        of: String,
        id: String,
        title: Text,
        description: Option<Text>,
    },
    Voice,
    Photo {
        caption: Option<Text>,
    },
    Video,
    Document {
        file_name: Text,
    },
    Sticker,
    Location {
        latitude: f64,
        longitude: f64,
    },
    Contacts {
        cards: Vec<Card>,
    },
    /// `emoji: None` takes the reaction back.
    Reaction {
        to: String,
        emoji: Option<String>,
    },
    Edit {
        original: String,
        content: Box<Content>,
    },
    Revoke {
        original: String,
    },
    /// The chat was opened for the first time.
    Welcome,
    /// A kind that the Cloud API does not pass on, such as `poll`.
    Unsupported {
        what: String,
    },
}

/// A shared contact card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    pub name: Text,
    /// As people write it.
    pub phone: Text,
}

impl Sender {
    /// A citizen known by phone alone.
    pub fn phone(phone: Phone) -> Self {
        Self { phone: Some(phone), ..Self::default() }
    }

    /// A citizen known by BSUID alone.
    pub fn bsuid(bsuid: &str) -> Self {
        Self { bsuid: Some(Bsuid(bsuid.to_owned())), ..Self::default() }
    }

    /// The chat of this sender: the phone's, if there is one.
    pub fn chat(&self) -> Option<Recipient> {
        match (&self.phone, &self.bsuid) {
            (Some(phone), _) => Some(Recipient::Phone(*phone)),
            (None, Some(bsuid)) => Some(Recipient::Bsuid(bsuid.clone())),
            (None, None) => None,
        }
    }

    pub(super) fn of_chat(chat: &Recipient) -> Self {
        match chat {
            Recipient::Phone(phone) => Self::phone(*phone),
            Recipient::Bsuid(bsuid) => Self::bsuid(&bsuid.0),
        }
    }

    /// Takes over what is newly known.
    pub(super) fn learn(&mut self, newer: &Sender) {
        self.bsuid = newer.bsuid.clone().or(self.bsuid.take());
        self.name = newer.name.clone().or(self.name.take());
        self.username = newer.username.clone().or(self.username.take());
    }

    /// The member of `contacts` in a webhook.
    pub(super) fn contact(&self) -> Value {
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

impl Saying {
    /// Said now, to the first business number.
    pub fn new(from: Sender, content: Content) -> Self {
        Self { from, content, to: None, quotes: None, id: None, sent_at: None }
    }
}

impl Content {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text { text: Text(text.to_owned()) }
    }

    fn quotes(&self) -> Option<&String> {
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

/// Posts a batch; nothing is said unless all of it can be.
pub(super) fn post(world: &Arc<World>, sayings: Vec<Saying>) -> Result<Posting, SayError> {
    if world.is_closing() {
        return Err(SayError::Closed);
    }
    let place = world.open_post().ok_or(SayError::Full)?;
    if !world.contacts.room_for(sayings.len()) {
        return Err(SayError::Full);
    }
    let mut addressed = Vec::with_capacity(sayings.len());
    for saying in sayings {
        let number = match &saying.to {
            None => 0,
            Some(id) => world.number(id).ok_or(SayError::UnknownNumber)?.0,
        };
        let chat = saying.from.chat().ok_or(SayError::Nobody)?;
        addressed.push((number, chat, saying));
    }
    let mut updates = Vec::with_capacity(addressed.len());
    let mut ids = Vec::with_capacity(addressed.len());
    for (number, chat, saying) in addressed {
        let id = saying.id.clone().unwrap_or_else(ids::message_id);
        world.contacts.wrote(number, &saying.from, &id, world.now())?;
        world.charge_throughput(number);
        world.history.open(&chat, &saying.from);
        updates.push(update(world, number, &id, &saying));
        let quotes = saying.quotes.or_else(|| saying.content.quotes().cloned());
        world.publish(Some(&chat), Happening::Said { id: id.clone(), content: saying.content, quotes });
        ids.push((chat, id));
    }
    Ok(poster::post(world, place, &updates, ids))
}

fn update(world: &World, number: usize, id: &str, saying: &Saying) -> Update {
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
