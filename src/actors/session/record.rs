//! What is kept of a contact between two turns: one value of `Table::Contact`.
//!
//! Postcard bytes behind a version byte, at most 4 KiB (`ports::Value`). The ids of handled messages live in
//! here (`seen`), so that "this message had its effect" and the effect are one atom.

use serde::{Deserialize, Serialize};

use super::seen::{Pages, Seen};
use crate::actors::versioned;
use crate::codec::{self, Older};
use crate::conversation::State;
use crate::conversation::state::News;
use crate::domain::contact::{Bsuid, BusinessNumber, ContactId, Identity, Recipient};
use crate::domain::message::Inbound;
use crate::domain::time::{DAY_MS, MINUTE_MS, Timestamp};
use crate::ports::{Key, StoreError, Table, Troubling, Value};

const VERSION: u8 = 6;

/// A record as it rests: the state's news stand last.
type Resting = (ContactRecord, Option<News>);

/// The third version had no pages of older ids, the fourth no parent, the fifth no news.
const OLDER: [Older<Resting>; 3] = [
    (3, |bytes| codec::decode(3, &[bytes, &[0, 0, 0]].concat())),
    (4, |bytes| codec::decode(4, &[bytes, &[0, 0]].concat())),
    (5, |bytes| codec::decode(5, &[bytes, &[0]].concat())),
];

/// A message that comes when its window is closed is answered within this time or not at all.
const LATE_ANSWER_MS: i64 = 10 * MINUTE_MS;

/// A contact's record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContactRecord {
    /// Grows by one a turn; the next turn's call is named by it.
    pub rev: u64,
    pub state: State,
    pub seen: Seen,
    /// All identifiers this contact is known by.
    pub identity: Identity,
    /// Where replies go: the identifier of the last message, and the number it was written to.
    pub reply_to: Option<(BusinessNumber, Recipient)>,
    /// When the citizen last wrote to or called the number that replies leave from: free-form messages are taken
    /// for a day from then (cloud-api.md 6).
    pub heard_at: Option<Timestamp>,
    /// When the conversation wants to be woken.
    pub wish: Option<Timestamp>,
    /// What could not be handled, and how often it was tried.
    pub trouble: Option<Trouble>,
    /// Replies from the waiting room since he was served last.
    pub told: u8,
    /// Contacts that turned out to be this one, the newest last: accounts still know it by those names.
    pub formerly: Vec<ContactId>,
    /// This contact turned out to be another: nothing happens here any more.
    pub moved: Option<ContactId>,
    /// Where ids are that no longer fit in here.
    pub pages: Pages,
    /// The BSUID with our portfolio's parent that a message showed last. No alias: nobody is found or merged by it.
    pub parent: Option<Bsuid>,
}

/// Former names of a contact that are kept.
pub const FORMERLY_MAX: usize = 3;

/// Something whose handling panics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    pub what: Troubling,
    pub tries: u8,
}

impl ContactRecord {
    /// The key of a contact's record.
    pub fn key(contact: ContactId) -> Key {
        Key::from_slice(&contact.0.to_be_bytes())
    }

    /// Whose record a key names.
    pub fn contact_of(key: &Key) -> Option<ContactId> {
        Some(ContactId(u64::from_be_bytes(key.as_slice().try_into().ok()?)))
    }

    /// A contact that nothing is known of: new, or forgotten.
    pub fn fresh(now: Timestamp) -> Self {
        Self { state: State::begun(now), ..Self::default() }
    }

    /// As it rests in the table.
    pub fn encode(&self) -> Value {
        versioned::encode(VERSION, &(self, self.state.news))
    }

    /// As it was encoded.
    pub fn decode(value: &Value) -> Result<Self, StoreError> {
        let (mut record, news) = versioned::decode(Table::Contact, VERSION, &OLDER, value)?;
        record.state.news = news;
        Ok(record)
    }

    /// Takes from a message who writes, where the answer goes, and how long it may be free-form.
    pub fn heard(&mut self, message: &Inbound, now: Timestamp) {
        if let Some(recipient) = message.from.recipient() {
            if self.reply_to.as_ref().is_none_or(|(number, _)| *number != message.to) {
                self.heard_at = None;
            }
            self.reply_to = Some((message.to.clone(), recipient));
        }
        // A message that was long on its way opened its window when it was written; that its answer is tried all
        // the same costs one refusal at most.
        let written_at = message.sent_at.min(now).max(now.plus_ms(LATE_ANSWER_MS - DAY_MS));
        self.heard_at = self.heard_at.max(Some(written_at));
        // A username hides the phone (cloud-api.md 3.1); what is known of a contact stays known.
        if message.from.phone.is_some() {
            self.identity.phone = message.from.phone;
        }
        if message.from.bsuid.is_some() {
            self.identity.bsuid.clone_from(&message.from.bsuid);
        }
    }

    /// A call opens the window as a message does.
    pub fn called(&mut self, number: &BusinessNumber, at: Timestamp, now: Timestamp) {
        if self.reply_to.as_ref().is_some_and(|(own, _)| own == number) {
            self.heard_at = self.heard_at.max(Some(at.min(now)));
        }
    }

    /// Until when free-form messages are taken.
    pub fn window_until(&self) -> Timestamp {
        self.heard_at.unwrap_or_default().plus_ms(DAY_MS)
    }

    /// The phone may be another person's now: nothing goes there until a message of this contact comes from it.
    pub fn lost_phone(&mut self) {
        self.identity.phone = None;
        let number = self.reply_to.take().map(|(number, _)| number);
        self.reply_to = number.zip(self.identity.recipient());
    }

    /// Another contact turned out to be this one.
    pub fn was(&mut self, former: ContactId) {
        self.formerly.retain(|known| *known != former);
        self.formerly.push(former);
        self.formerly.drain(..self.formerly.len().saturating_sub(FORMERLY_MAX));
    }

    /// This contact turned out to be another: from here on it is a name, and what comes for it is passed on.
    pub fn becomes(&mut self, into: ContactId) {
        *self = Self { rev: self.rev, moved: Some(into), ..Self::default() };
    }

    /// Counts a try at what panicked; gives the count.
    pub fn tried(&mut self, what: Troubling) -> u8 {
        let tries = match &self.trouble {
            Some(trouble) if trouble.what == what => trouble.tries.saturating_add(1),
            _ => 1,
        };
        self.trouble = Some(Trouble { what, tries });
        tries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::MessageId;
    use crate::domain::time::HOUR_MS;
    use crate::ports::{Lsn, RowId};

    #[test]
    fn records_of_three_older_versions_are_read_and_know_their_ids() {
        let mut record = ContactRecord { rev: 7, ..ContactRecord::default() };
        record.seen.note(&MessageId("wamid.1".into()), Timestamp(1_800_000_000_000));
        let mut bytes = record.encode().0.to_vec();
        for (version, what) in [(5, "no news"), (4, "no parent"), (3, "no pages")] {
            bytes[0] = version;
            assert_eq!(bytes.pop(), Some(0), "{what}");
            assert_eq!(ContactRecord::decode(&Value(bytes.clone().into())), Ok(record.clone()));
        }
    }

    #[test]
    fn messages_and_calls_open_the_window_of_the_number_they_came_to() {
        let now = Timestamp(1_800_000_000_000);
        let number = |id: &str| BusinessNumber(id.into());
        let message = |to: &str, sent_at| Inbound {
            id: MessageId("wamid.1".into()),
            from: Identity { phone: crate::domain::phone::Phone::from_wa_id("6281200000042"), bsuid: None },
            to: number(to),
            sent_at,
            quotes: None,
            content: crate::domain::message::Content::Voice,
        };
        let mut record = ContactRecord::default();
        record.called(&number("1"), now, now);
        assert_eq!(record.heard_at, None, "nobody to write to yet");
        record.heard(&message("1", now.plus_ms(-3 * HOUR_MS)), now);
        assert_eq!(record.window_until(), now.plus_ms(21 * HOUR_MS), "it was three hours on its way");
        record.heard(&message("1", now.plus_ms(HOUR_MS)), now);
        assert_eq!(record.window_until(), now.plus_ms(DAY_MS), "never from a moment to come");
        record.heard(&message("1", now.plus_ms(-5 * HOUR_MS)), now);
        record.called(&number("2"), now.plus_ms(HOUR_MS), now.plus_ms(HOUR_MS));
        assert_eq!(record.window_until(), now.plus_ms(DAY_MS), "an older message, a call to another number");
        record.called(&number("1"), now.plus_ms(HOUR_MS), now.plus_ms(HOUR_MS));
        assert_eq!(record.window_until(), now.plus_ms(DAY_MS + HOUR_MS));
        record.heard(&message("2", now.plus_ms(-3 * DAY_MS)), now);
        assert_eq!(record.window_until(), now.plus_ms(LATE_ANSWER_MS), "three days late, its answer is tried");
        record.heard(&message("2", now), now);
        assert_eq!(record.window_until(), now.plus_ms(DAY_MS), "each number has a window of its own");
    }

    #[test]
    fn tries_count_for_the_same_thing_only() {
        let mut record = ContactRecord::default();
        let row = Troubling::Row(RowId { lsn: Lsn(1), index: 0 });
        assert_eq!((record.tried(row), record.tried(row)), (1, 2));
        assert_eq!(record.tried(Troubling::Wake), 1);
    }
}
