//! How reports rest in the store (`Table::Ticket`).
//!
//! | key | value |
//! |---|---|
//! | `h` number | the report without its words |
//! | `w` number, index | one text of the citizen: the first is the report's own, the others were added |
//! | `c` contact | its reports' numbers, oldest first |
//! | `n` | how many numbers were made |
//! | `q` number | what the desk asked its citizen last |
//! | `o` number, serial | a change that the ministry's own desk was not told yet (`feed`) |
//! | `u` number | there are such changes of it |
//!
//! Words have rows of their own, since a record is at most 4 KiB and a message may be longer: a text is cut at
//! [`WORDS_BYTES_MAX`]. After [`WORDS_MAX`] texts the newest takes the place of the one before it, so that the
//! desk sees how it began and how it stands. A chat keeps its [`LISTED_MAX`] newest reports.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::feed;
use super::head::Head;
use crate::codec::CodecError;
use crate::domain::contact::ContactId;
use crate::domain::message::Text;
use crate::domain::ticket::{Ticket, TicketNumber, TicketState};
use crate::domain::time::Timestamp;
use crate::ports::{Key, NeighbourError, Part, Record, Store, StoreError, Table, Value};

pub(super) const VERSION: u8 = 1;
/// Numbers have eight digits, so the first of their four bytes is 0 to 5.
pub const SLICES: u8 = 6;
/// Bytes of one text.
const WORDS_BYTES_MAX: usize = 3_000;
/// Texts of one report.
const WORDS_MAX: u16 = 20;
/// Reports of one chat.
const LISTED_MAX: usize = 64;
/// The reports in the store.
pub(super) struct Shelf {
    pub(super) store: Arc<dyn Store>,
}

impl Shelf {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    pub(super) async fn head(&self, number: TicketNumber) -> Result<Option<Head>, Fault> {
        let Some(value) = self.store.get(Table::Ticket, head_key(number)).await? else { return Ok(None) };
        Head::read(&value).map(Some).map_err(|fault| unreadable(&fault))
    }

    /// The reports of a slice, those written just now included: numbers whose first byte of four is this.
    pub(super) async fn slice(&self, slice: u8) -> Result<Vec<Head>, Fault> {
        let values = self.store.scan(Table::Ticket, key(b'h', &[&[slice]])).await?;
        Ok(values.iter().filter_map(|(_, value)| Head::read(value).ok()).collect())
    }

    /// A page of all reports, and where the next begins.
    pub(super) async fn heads(&self, from: Key) -> Result<(Vec<Head>, Option<Key>), Fault> {
        let from = if from.is_empty() { key(b'h', &[]) } else { from };
        let (values, next) = self.store.page(Table::Ticket, from).await?;
        let heads = values.iter().filter(|(key, _)| key.first() == Some(&b'h'));
        let heads = heads.filter_map(|(_, value)| Head::read(value).ok()).collect();
        Ok((heads, next.filter(|key| key.first() == Some(&b'h'))))
    }

    /// What removes a report with its words, and its number from its chat's list.
    pub(super) async fn forgotten(&self, head: &Head) -> Result<Vec<Part>, Fault> {
        let (number, contact) = (head.ticket.number, head.ticket.draft.contact);
        let delete = |key| Part::Delete { table: Table::Ticket, key };
        let mut parts = vec![delete(head_key(number)), delete(question_key(number)), feed::nothing_left(number)];
        parts.extend(self.untold(number).await?.iter().map(|untold| untold.settled(number)));
        parts.extend((0..head.words).map(|index| delete(words_key(number, index))));
        let mut listed = self.numbers_of(contact).await?;
        listed.retain(|one| *one != number);
        parts.push(if listed.is_empty() { delete(contact_key(contact)) } else { put(contact_key(contact), &listed) });
        Ok(parts)
    }

    /// The reports of a chat, oldest first.
    pub(super) async fn of_contact(&self, contact: ContactId) -> Result<Vec<Head>, Fault> {
        let mut heads = Vec::new();
        for number in self.numbers_of(contact).await? {
            heads.extend(self.head(number).await?);
        }
        Ok(heads)
    }

    /// What the desk said last about a report, while that still stands.
    pub(super) async fn said(&self, head: &Head) -> Result<Option<Text>, Fault> {
        match head.ticket.state {
            TicketState::Answered { .. } => Ok(head.ticket.answer.clone()),
            TicketState::WaitingCitizen { .. } => self.get(question_key(head.ticket.number)).await,
            TicketState::Filed
            | TicketState::InWork { .. }
            | TicketState::Closed { .. }
            | TicketState::Reopened { .. } => Ok(None),
        }
    }

    /// A report with all its words.
    pub(super) async fn whole(&self, number: TicketNumber) -> Result<Option<Ticket>, Fault> {
        let Some(Head { mut ticket, words, .. }) = self.head(number).await? else { return Ok(None) };
        for index in 0..words {
            let text: Option<Text> = self.get(words_key(number, index)).await?;
            match text {
                Some(text) if index == 0 => ticket.draft.detail = text,
                Some(text) => ticket.additions.push(text),
                None => {}
            }
        }
        Ok(Some(ticket))
    }

    /// Puts a text to a report's words, unless it is the last one said again (a repeated call). The citizen's
    /// words are an answer too: a report that waited for him is worked on again.
    pub(super) async fn add_words(&self, head: &mut Head, text: Text, now: Timestamp) -> Result<Vec<Part>, Fault> {
        let text = cut(text);
        head.resume(now);
        let number = head.ticket.number;
        let last: Option<Text> = match head.words.checked_sub(1) {
            Some(index) => self.get(words_key(number, index)).await?,
            None => None,
        };
        if last.as_ref() == Some(&text) {
            return Ok(Vec::new());
        }
        let index = head.words.min(WORDS_MAX - 1);
        head.words = index + 1;
        Ok(vec![put(words_key(number, index), &text)])
    }

    /// A chat's list with one more number; past the bound its oldest report is no longer listed.
    pub(super) async fn listed(&self, contact: ContactId, number: TicketNumber) -> Result<Part, Fault> {
        let mut numbers = self.numbers_of(contact).await?;
        if numbers.len() >= LISTED_MAX {
            numbers.remove(0);
        }
        numbers.push(number);
        Ok(put(contact_key(contact), &numbers))
    }

    /// How many numbers were made.
    pub(super) async fn count(&self) -> Result<u64, Fault> {
        Ok(self.get(count_key()).await?.unwrap_or_default())
    }

    /// Makes all of it durable, or none.
    pub(super) async fn write(&self, parts: Vec<Part>) -> Result<(), Fault> {
        let ticket = self.store.append(Record { writer: None, parts })?;
        ticket.durable.await.map_err(|_| Fault(StoreError::Closed))
    }

    async fn numbers_of(&self, contact: ContactId) -> Result<Vec<TicketNumber>, Fault> {
        Ok(self.get(contact_key(contact)).await?.unwrap_or_default())
    }

    async fn get<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, Fault> {
        let Some(value) = self.store.get(Table::Ticket, key).await? else { return Ok(None) };
        value.decode(VERSION, &[]).map(Some).map_err(|fault| unreadable(&fault))
    }
}

pub(super) fn unreadable(fault: &CodecError) -> Fault {
    Fault(StoreError::Unreadable { table: Table::Ticket, reason: fault.to_string() })
}

/// A text within its bound: cut between two characters.
pub(super) fn cut(Text(mut text): Text) -> Text {
    let mut end = text.len().min(WORDS_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    Text(text)
}

/// The row of what the desk asks.
pub(super) fn asked(number: TicketNumber, words: &Text) -> Part {
    put(question_key(number), words)
}

/// The row that says how many numbers were made.
pub(super) fn counted(count: u64) -> Part {
    put(count_key(), &count)
}

/// What the store said, as the desk's own fault.
#[derive(Debug)]
pub(super) struct Fault(StoreError);

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<Fault> for NeighbourError {
    fn from(Fault(error): Fault) -> Self {
        let reason = error.to_string();
        match error {
            // Asking again reads the same bytes.
            StoreError::Unreadable { .. } | StoreError::UnreadableLetter { .. } | StoreError::TooLarge { .. } => {
                NeighbourError::Misconfigured { neighbour: "desk", reason }
            }
            StoreError::Full(_) | StoreError::Fenced { .. } | StoreError::Closed => {
                NeighbourError::Down { neighbour: "desk", reason }
            }
        }
    }
}

pub(super) fn put<T: Serialize>(key: Key, value: &T) -> Part {
    Part::Put { table: Table::Ticket, key, value: Value::encode(VERSION, value) }
}

pub(super) fn key(kind: u8, parts: &[&[u8]]) -> Key {
    let mut key = Key::from_slice(&[kind]);
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

pub(super) fn head_key(number: TicketNumber) -> Key {
    key(b'h', &[&number.number().to_be_bytes()])
}

fn words_key(number: TicketNumber, index: u16) -> Key {
    key(b'w', &[&number.number().to_be_bytes(), &index.to_be_bytes()])
}

fn question_key(number: TicketNumber) -> Key {
    key(b'q', &[&number.number().to_be_bytes()])
}

fn contact_key(contact: ContactId) -> Key {
    key(b'c', &[&contact.0.to_be_bytes()])
}

fn count_key() -> Key {
    key(b'n', &[])
}
