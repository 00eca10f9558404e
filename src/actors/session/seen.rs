//! Ids of handled messages: Meta delivers again for seven days, so each is known for eight.
//!
//! The newest stand in the contact's record ([`Seen`]), so that "this message had its effect" and the effect are one
//! atom. When there are more than a record takes, the oldest leave it as a page, a row of `Table::Dedupe`, in the
//! very journal record that is written for the turn. The contact's record keeps the pages' numbers and the hour of
//! their newest id ([`Pages`]). What was written after that hour cannot stand in a page, so one is read only for a
//! message that was long on its way, or for a chat that has written hundreds within the hour. Pages past their time
//! go with the next turn, or with the sweep.
//!
//! Bounds: [`SEEN_MAX`] ids in a record, [`PAGE_IDS`] in a page, [`PAGES_MAX`] pages: over six thousand messages in
//! eight days. Past that the oldest page goes before its time, which is told.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::life::Life;
use super::record::ContactRecord;
use crate::actors::board::Waiting;
use crate::actors::versioned;
use crate::conversation::Notice;
use crate::domain::contact::ContactId;
use crate::domain::message::MessageId;
use crate::domain::time::{DAY_MS, HOUR_MS, Timestamp};
use crate::metrics;
use crate::ports::{InboxBody, Key, Part, StoreError, Table, Value};

/// Meta delivers again for seven days; a day more for clocks.
pub const SEEN_MS: i64 = 8 * DAY_MS;

/// Ids in a record between two turns. Eleven bytes each, so the record keeps within its 4 KiB.
pub const SEEN_MAX: usize = 192;

/// Ids that leave the record at once.
pub const PAGE_IDS: usize = 128;

/// Pages of one contact.
pub const PAGES_MAX: usize = 48;

/// Clocks differ: a message may say that it was written so long after it was handled.
const AHEAD_HOURS: u32 = 2;

const VERSION: u8 = 1;

/// Eight bytes of a message id's hash, and the hour in which it was handled.
pub type Id = ([u8; 8], u32);

/// The newest ids, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen(Vec<Id>);

/// Pages of older ids, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pages(Vec<Page>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Page {
    number: u32,
    /// The hour of its newest id.
    until: u32,
}

/// Ids out of pages that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Older(Vec<Id>);

impl Seen {
    /// Remembers an id; `false` when it was there already.
    pub fn note(&mut self, id: &MessageId, now: Timestamp) -> bool {
        if self.has(id) {
            return false;
        }
        self.forget(now);
        self.0.push((short_hash(id), hour_of(now)));
        true
    }

    /// Whether an id is there.
    pub fn has(&self, id: &MessageId) -> bool {
        has(&self.0, id)
    }

    /// Remembers what another contact had handled.
    pub fn absorb(&mut self, others: &[Id]) {
        for id in others {
            if !self.0.iter().any(|(known, _)| *known == id.0) {
                self.0.push(*id);
            }
        }
        self.0.sort_by_key(|(_, hour)| *hour);
    }

    /// As another contact takes them over, with those of its pages.
    pub fn ids(&self, older: &Older) -> Vec<Id> {
        [&older.0[..], &self.0].concat()
    }

    /// Drops what is past its time; gives how many that were.
    pub fn forget(&mut self, now: Timestamp) -> usize {
        let before = self.0.len();
        let oldest = oldest_hour(now);
        self.0.retain(|(_, at)| *at >= oldest);
        before - self.0.len()
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Pages {
    /// Drops what is past its time; gives how many that were. The rows go with [`ContactRecord::turn_pages`].
    pub fn forget(&mut self, now: Timestamp) -> usize {
        let before = self.0.len();
        let oldest = oldest_hour(now);
        self.0.retain(|page| page.until >= oldest);
        before - self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rows of all.
    pub fn keys(&self, contact: ContactId) -> impl Iterator<Item = Key> {
        self.0.iter().map(move |page| page.key(contact))
    }

    /// The rows in which a message could stand that was written at this time.
    pub fn keys_since(&self, contact: ContactId, written_at: Timestamp) -> impl Iterator<Item = Key> {
        let from = hour_of(written_at).saturating_sub(AHEAD_HOURS);
        self.0.iter().filter(move |page| page.until >= from).map(move |page| page.key(contact))
    }
}

impl Page {
    fn key(self, contact: ContactId) -> Key {
        let mut key = Key::from_slice(&contact.0.to_be_bytes());
        key.extend_from_slice(&self.number.to_be_bytes());
        key
    }
}

impl Older {
    /// Adds what stands in a row.
    pub fn add(&mut self, row: &Value) -> Result<(), StoreError> {
        let mut ids: Vec<Id> = versioned::decode(Table::Dedupe, VERSION, &[], row)?;
        self.0.append(&mut ids);
        Ok(())
    }

    /// Whether an id is there.
    pub fn has(&self, id: &MessageId) -> bool {
        has(&self.0, id)
    }
}

impl ContactRecord {
    /// Makes the record fit: what is too much of its ids becomes pages, and pages past their time go. Gives the parts
    /// that are written with it; `before`: the record that it follows.
    pub fn turn_pages(&mut self, before: &Self, contact: ContactId, now: Timestamp) -> Vec<Part> {
        let mut parts = Vec::new();
        self.pages.forget(now);
        while self.seen.0.len() > SEEN_MAX {
            let ids: Vec<Id> = self.seen.0.drain(..PAGE_IDS).collect();
            let until = ids.iter().map(|(_, hour)| *hour).max().unwrap_or_default();
            let page = Page { number: self.pages.0.iter().map(|page| page.number + 1).max().unwrap_or(0), until };
            let value = versioned::encode(VERSION, &ids);
            parts.push(Part::Put { table: Table::Dedupe, key: page.key(contact), value });
            self.pages.0.push(page);
        }
        let too_many = self.pages.0.len().saturating_sub(PAGES_MAX);
        if too_many > 0 {
            metrics::tidied("dedupe_page_early");
            tracing::warn!(contact.id = contact.0, "a chat has written too much: its oldest message ids are forgotten");
        }
        for page in self.pages.0.drain(..too_many) {
            parts.push(Part::Delete { table: Table::Dedupe, key: page.key(contact) });
        }
        let gone = before.pages.0.iter().filter(|page| !self.pages.0.iter().any(|kept| kept.number == page.number));
        let gone = gone.map(|page| Part::Delete { table: Table::Dedupe, key: page.key(contact) });
        parts.splice(0..0, gone);
        parts
    }
}

fn has(ids: &[Id], id: &MessageId) -> bool {
    let short = short_hash(id);
    ids.iter().any(|(known, _)| *known == short)
}

fn oldest_hour(now: Timestamp) -> u32 {
    hour_of(now.plus_ms(-SEEN_MS))
}

fn hour_of(at: Timestamp) -> u32 {
    u32::try_from(at.0.max(0) / HOUR_MS).unwrap_or(u32::MAX)
}

fn short_hash(id: &MessageId) -> [u8; 8] {
    let full = Sha256::digest(id.0.as_bytes());
    let mut short = [0; 8];
    short.copy_from_slice(&full[..8]);
    short
}

impl Life {
    /// The ids of earlier messages among which one of these could be, or all when another contact takes them over.
    pub(super) async fn older(&self, record: &ContactRecord, waiting: &Waiting) -> Result<Older, StoreError> {
        let mut older = Older::default();
        if record.pages.is_empty() {
            return Ok(older);
        }
        let mut keys = BTreeSet::new();
        for (_, row) in &waiting.rows {
            match &row.body {
                InboxBody::Message(message) => keys.extend(record.pages.keys_since(self.contact, message.sent_at)),
                InboxBody::Notice(Notice::MovedTo { .. }) => keys.extend(record.pages.keys(self.contact)),
                InboxBody::Notice(_) | InboxBody::Called { .. } | InboxBody::Parent(_) => {}
            }
        }
        for key in keys {
            if let Some(row) = self.home.neighbours.store.get(Table::Dedupe, key).await? {
                older.add(&row)?;
            }
        }
        Ok(older)
    }
}

#[cfg(test)]
mod tests;
