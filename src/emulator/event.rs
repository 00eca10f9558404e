//! What happens in the emulated world: one stream for the chat page, tests and load.
//!
//! Texts are redacted newtypes: an event that ends up in a log says nothing of anyone.

use serde::Serialize;

use crate::domain::contact::Recipient;
use crate::domain::message::Text;

/// Something that happened, in the order it did.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// Grows by one; a page asks for what came after the last it saw.
    pub seq: u64,
    /// Whose chat; `None` for what belongs to none: an SMS, and what only tests and load ask for.
    #[serde(skip)]
    pub chat: Option<Recipient>,
    /// Milliseconds since 1970, by the emulator's clock.
    pub at_ms: i64,
    #[serde(flatten)]
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happening {
    /// The citizen said something; its webhook is on the way.
    Said { id: String, content: super::Content, quotes: Option<String> },
    /// The server answered 200: it is durable there. `ms`: from the start of that POST to its answer.
    Stored { id: String, ms: f64, attempt: u32 },
    /// The server did not answer 200 (`http` is `None` when it did not answer at all).
    NotStored { id: String, http: Option<u16>, attempt: u32, retry_in_ms: Option<u64> },
    /// The server's message was accepted at `/messages`.
    Replied(Reply),
    /// The typing indicator is shown, until a reply comes or 25 s have passed.
    Typing,
    /// The citizen's messages up to this one are marked as read.
    MarkedRead { id: String },
    /// How far a message of the server has come; its webhook is on the way.
    Status { id: String, step: DeliveryStep },
    /// The server answered 200 to a webhook that tells how far its message `id` has come. In no chat.
    StatusStored { id: String },
    /// A phone got an SMS.
    Sms { to: String, text: Text },
}

/// A message of the server.
#[derive(Clone, Debug, Serialize)]
pub struct Reply {
    pub id: String,
    /// `phone_number_id` it came from.
    pub number: String,
    /// The message of the citizen that it quotes.
    pub quotes: Option<String>,
    /// `biz_opaque_callback_data`.
    pub opaque: Option<String>,
    /// Which messages of the citizen it answers: all that had no reply yet.
    pub answers: Vec<Answer>,
    pub form: Form,
}

/// How long a citizen waited: from the start of the message's POST to the reply's arrival at `/messages`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    pub id: String,
    pub ms: f64,
}

/// What a message of the server looks like in the chat.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum Form {
    Text {
        body: Text,
    },
    Buttons {
        header: Option<Text>,
        body: Text,
        footer: Option<Text>,
        buttons: Vec<Choice>,
    },
    List {
        header: Option<Text>,
        body: Text,
        footer: Option<Text>,
        open: Text,
        rows: Vec<Row>,
    },
    /// A button that opens a page, or one of Meta's own dialogues (`action` names it).
    Action {
        action: String,
        body: Text,
        footer: Option<Text>,
        label: Text,
        url: Option<String>,
    },
    /// `media` is the media id; `None` when a link was sent.
    Document {
        file_name: Text,
        caption: Option<Text>,
        media: Option<String>,
    },
    /// An image, video, audio or sticker.
    Media {
        what: String,
        caption: Option<Text>,
        media: Option<String>,
    },
    Template {
        name: String,
        language: String,
        parameters: Vec<Text>,
    },
    Reaction {
        to: String,
        emoji: Option<String>,
    },
    Location {
        name: Option<Text>,
        address: Option<Text>,
    },
    Contacts {
        names: Vec<Text>,
    },
}

/// A reply button.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    pub id: String,
    pub title: Text,
}

/// A row of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    pub section: Option<Text>,
    pub id: String,
    pub title: Text,
    pub description: Option<Text>,
}

/// Statuses that the emulator reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStep {
    Sent,
    Delivered,
    Read,
    Failed { code: u32 },
}
