//! What a citizen says, and to whom. What Meta makes of it is `message`.

mod message;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::SayError;
use super::event::Happening;
use super::ids;
use super::poster::{self, Posting};
use super::world::World;
use crate::domain::contact::{Bsuid, Recipient};
use crate::domain::message::Text;
use crate::domain::phone::Phone;
use crate::domain::time::Timestamp;

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
}

/// Posts a batch; nothing is said unless all of it can be.
pub(super) fn post(world: &Arc<World>, sayings: Vec<Saying>) -> Result<Posting, SayError> {
    if world.is_closing() {
        return Err(SayError::Closed);
    }
    let place = world.open_post().ok_or(SayError::Full)?;
    let mut addressed = Vec::with_capacity(sayings.len());
    for saying in sayings {
        let number = match &saying.to {
            None => 0,
            Some(id) => world.number(id).ok_or(SayError::UnknownNumber)?.0,
        };
        let chat = world.referee.contacts.resolve(saying.from.chat().ok_or(SayError::Nobody)?);
        addressed.push(((number, chat), saying));
    }
    if !world.referee.contacts.room_for(addressed.iter().map(|(chat, _)| chat)) {
        return Err(SayError::Full);
    }
    let mut updates = Vec::with_capacity(addressed.len());
    let mut ids = Vec::with_capacity(addressed.len());
    for ((number, chat), saying) in addressed {
        let id = saying.id.clone().unwrap_or_else(ids::message_id);
        world.referee.wrote(number, &saying.from, &id, world.now())?;
        world.history.open(&chat, &saying.from);
        updates.push(message::update(world, number, &id, &saying));
        let quotes = saying.quotes.or_else(|| saying.content.quotes().cloned());
        world.publish(Some(&chat), Happening::Said { id: id.clone(), content: saying.content, quotes });
        ids.push((chat, id));
    }
    Ok(poster::post(world, place, &updates, ids))
}
