//! The conversation: what the citizen meant, and what the service says to it.
//!
//! One pure function, [`step`]: `(state, events, context) -> (state, effects)`. No clock, no store, no network,
//! no randomness that is not in the context. Effects are data and happen after the step is durable. So a
//! conversation is tested as a transcript, replayed from the journal, and run a million times in a benchmark.
//!
//! conversation.md decides what is said and understood. Every sentence stands in `config/text/*.ftl` ([`text`]).

pub mod age;
mod choice;
mod heard;
pub mod input;
mod journey;
mod say;
pub mod state;
pub mod text;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::call::{Answer, Call, CallId};
use crate::domain::certificate::Language;
use crate::domain::contact::{ContactId, Identity};
use crate::domain::message::{Content, Inbound, MessageId, Outbound, ReplyKind, Text};
use crate::domain::ticket::TicketView;
use crate::domain::time::Timestamp;

pub use state::{Named, State};
pub use text::Texts;

/// What a session's turn is made of, in the order it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message of the citizen, for the first time (duplicates never get here).
    Message(Inbound),
    /// One that was long on its way ([`age`]): answered, and read as no answer.
    Late(Inbound),
    /// The answer to a call. One with another id than the state waits for is ignored.
    Answer { call: CallId, answer: Answer },
    /// Something that happened to this contact elsewhere.
    Notice(Notice),
    /// The moment of [`Step::wake_at`] has come.
    Wake,
}

/// What happens to a contact without his writing. Kept in the inbox like a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// The account ended this chat's login (an undone change, a lock).
    LoginEnded,
    /// The same phone now belongs to another WhatsApp account, or this contact's phone changed.
    IdentityChanged,
    /// Another contact turned out to be this one. No login stays; what counts against it follows (`Absorbed`).
    Merged { from: ContactId },
    /// This contact turned out to be an older one: nothing of it is left but what counts against it, which goes
    /// there. `recall`: what has not left yet may be on its way to somebody else.
    MovedTo { into: ContactId, recall: bool },
    /// What a contact that turned out to be this one leaves it.
    Absorbed(Box<Legacy>),
    /// The desk took the report up, asked, or answered.
    TicketMoved { ticket: TicketView, words: Option<Text> },
}

/// Where someone stands in the waiting room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 1 is the next.
    pub place: u32,
    pub minutes: u32,
}

/// What a contact leaves the one that it turned out to be: nothing that anybody could read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Legacy {
    /// Short hashes of handled messages, each with its hour.
    pub seen: Vec<([u8; 8], u32)>,
    pub strict: state::Strict,
}

/// All that a step may know of the world.
pub struct Context<'a> {
    pub now: Timestamp,
    /// Whose conversation this is: reports are filed under it.
    pub contact: ContactId,
    /// The call that this step may make, if it makes one: a step makes one call at most.
    pub call: CallId,
    /// Who writes, as far as is known now.
    pub identity: &'a Identity,
    pub texts: &'a text::Texts,
    pub rules: &'a Rules,
    /// A message of ours that the citizen quotes, while it is still known: a typed "1" then means its first
    /// button. Where it is not known any more, the open question is meant.
    pub quoted: &'a dyn Fn(&MessageId) -> Option<Arc<Outbound>>,
}

/// The figures of conversation.md 5 and 7 that an operator may tune (config section `[conversation]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    pub session_idle_s: u32,
    pub session_max_s: u32,
    /// A login older than this asks for a fresh code before a change.
    pub fresh_login_s: u32,
    /// Time to finish a change after a fresh code.
    pub change_window_s: u32,
    /// Fillers within this time of our question are read and not answered.
    pub filler_window_s: u32,
    /// After an end, thanks get nothing for this long.
    pub silence_after_end_s: u32,
    /// How long to wait before a neighbour that was down is asked again; doubles up to the maximum.
    pub retry_first_s: u32,
    pub retry_max_s: u32,
    /// A message that took longer than this to get here is answered with "we are back" and not acted on.
    pub late_after_s: u32,
    /// One that took longer than this is refused: counted, not answered.
    pub refused_after_s: u32,
    /// Persons on one number.
    pub family_max: u8,
    /// Codes a chat may ask for within `codes_window_s`, to whatever numbers; those for a change apart.
    pub codes_max: u8,
    pub change_codes_max: u8,
    pub codes_window_s: u32,
    pub codes_per_day: u8,
    /// Sessions a chat may open within an hour.
    pub sessions_per_hour: u8,
    /// Messages of a chat that are read within a minute; kept by whoever makes the turns.
    pub messages_per_minute: u32,
    /// The service's own WhatsApp number as the SMS says it.
    pub service_number: String,
}

impl Default for Rules {
    /// The figures of conversation.md 4, 5 and 7.
    fn default() -> Self {
        Self {
            session_idle_s: 15 * 60,
            session_max_s: 60 * 60,
            fresh_login_s: 5 * 60,
            change_window_s: 10 * 60,
            filler_window_s: 10,
            silence_after_end_s: 24 * 60 * 60,
            retry_first_s: 5,
            retry_max_s: 60,
            late_after_s: 10 * 60,
            refused_after_s: 24 * 60 * 60,
            family_max: 6,
            codes_max: 3,
            change_codes_max: 6,
            codes_window_s: 30 * 60,
            codes_per_day: 12,
            sessions_per_hour: 20,
            messages_per_minute: 60,
            service_number: String::from("nomor layanan"),
        }
    }
}

/// What a step did.
#[derive(Debug)]
pub struct Step {
    pub state: State,
    pub effects: Vec<Effect>,
    /// When this contact wants to be woken if nothing else happens; replaces the earlier wish.
    pub wake_at: Option<Timestamp>,
}

/// What happens after the step is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Say this, in this order.
    Say(Reply),
    /// Ask, and bring the answer as an event. `after_s`: a repeated call waits that long first.
    Call { call: Call, after_s: u32 },
    /// The citizen took this message back: purge our copy of its text.
    Purge(MessageId),
    /// The citizen asked to be forgotten: drop what is kept of the conversation (open sends too).
    Erase,
}

/// A message to the citizen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub kind: ReplyKind,
    pub message: Outbound,
    /// Set when it carries personal data: it leaves only while the account is still at this epoch.
    pub epoch: Option<AuthEpoch>,
}

/// The login a personal reply stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthEpoch {
    pub account: crate::domain::phone::Mobile,
    pub epoch: u32,
}

/// Takes one turn: all events that wait for a contact, in the order they came. Never panics, makes one call at
/// most, and says one reply at most; certificates and notices stand beside it.
pub fn step(state: State, events: Vec<Event>, context: &Context<'_>) -> Step {
    journey::turn(state, events, context)
}

/// The neutral word for a message that could not be handled.
pub fn apology(state: &State, texts: &Texts) -> Reply {
    say::Draft::answer(text::table::trouble()).write(texts, state.language(), 0, None)
}

/// What is said once to a chat that writes faster than it is read.
pub fn too_many_messages(state: &State, texts: &Texts) -> Reply {
    say::Draft::answer(text::table::messages_fence()).write(texts, state.language(), 0, None)
}

/// What the waiting room says to who wrote this: the place, and how long until the turn comes.
pub fn waiting_room(state: &State, heard: &[&Content], place: Place, texts: &Texts) -> Reply {
    use text::value::Count;
    let busy = text::table::busy(Count(place.place), Count(place.minutes));
    say::Draft::answer(busy).write(texts, spoken(state, heard), 0, None)
}

/// What a full waiting room says: his message is not kept, and when it is worth writing again.
pub fn room_full(state: &State, heard: &[&Content], minutes: u32, texts: &Texts) -> Reply {
    let full = text::table::room_full(text::value::Count(minutes));
    say::Draft::answer(full).write(texts, spoken(state, heard), 0, None)
}

/// The language of a conversation, or of whoever begins one.
fn spoken(state: &State, heard: &[&Content]) -> Language {
    let english = |content: &&Content| matches!(content, Content::Text(text) if input::read(&text.0).english);
    if state.session.is_none() && heard.iter().any(english) { Language::English } else { state.language() }
}

/// The calls that a state waits for, made again after a restart under the same ids.
pub fn resume(state: &State, context: &Context<'_>) -> Vec<Effect> {
    journey::resume(state, context)
}
