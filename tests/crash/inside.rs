//! Reads the journal of a stopped store into what the history checker asks for, and verifies the store.

use std::collections::HashMap;

use siaga::actors::session::record::ContactRecord;
use siaga::domain::contact::ContactId;
use siaga::domain::message::MessageId;
use siaga::ports::{InboxBody, Lsn, Part, RowId, Settlement, Table};
use siaga::store;

use super::history::{Inside, Settled, Turn};
use super::server::Site;

/// The journal so far, and what is needed to understand its next part.
#[derive(Default)]
struct Reading {
    inside: Inside,
    messages: HashMap<RowId, MessageId>,
    records: HashMap<ContactId, ContactRecord>,
    /// The record at hand, of which the parts come one by one.
    lsn: Lsn,
    parts: Vec<Part>,
}

/// Verifies the stopped store of a site, and reads its journal from the first record on.
pub(crate) fn read(site: &Site) -> Inside {
    let mut reading = Reading::default();
    let found = store::verify_with(&site.store(), &site.keys(), &mut |lsn, part| {
        if lsn != reading.lsn {
            reading.record();
            reading.lsn = lsn;
        }
        reading.parts.push(part.clone());
        Ok(())
    })
    .expect("a store that can be looked at");
    assert!(found.all_holds(), "{found}");
    reading.record();
    reading.inside
}

impl Reading {
    /// Takes in a whole record.
    fn record(&mut self) {
        let parts = std::mem::take(&mut self.parts);
        let lsn = self.lsn;
        let (mut inbox, mut outbox) = (0.., 0..);
        for part in &parts {
            match part {
                Part::OpenInbox(row) => {
                    let id = RowId { lsn, index: inbox.next().expect("endless") };
                    if let InboxBody::Message(message) = &row.body {
                        self.inside.accepted.push((id, row.contact, message.id.0.clone()));
                        self.messages.insert(id, message.id.clone());
                    }
                }
                Part::CloseInbox(row, _) => self.inside.closed.push(*row),
                Part::OpenOutbox(row) => {
                    let id = RowId { lsn, index: outbox.next().expect("endless") };
                    self.inside.replies.push((id, row.contact));
                    self.inside.places.extend(row.place.map(|place| (id, place)));
                    self.inside.born_ms.insert(id, row.born_at.0);
                }
                Part::CloseOutbox { row, how } => {
                    let how = match how {
                        Settlement::Sent(message) => Settled::Sent(message.0.clone()),
                        Settlement::Withdrawn | Settlement::Merged | Settlement::Stale => Settled::Withdrawn,
                        Settlement::Failed { .. } => Settled::Failed,
                    };
                    self.inside.settled.push((*row, how));
                }
                Part::Put { table: Table::Contact, key, value } => {
                    let contact = ContactId(u64::from_be_bytes(key.as_slice().try_into().expect("a contact's key")));
                    self.turn(contact, ContactRecord::decode(value).expect("a contact's record"), &parts);
                }
                Part::Put { .. }
                | Part::Delete { .. }
                | Part::AttemptOutbox { .. }
                | Part::Status(_)
                | Part::Timer { .. }
                | Part::DeadLetter(_)
                | Part::CloseDeadLetter(_) => {}
            }
        }
    }

    /// A message had its effect where its contact's record begins to remember it.
    fn turn(&mut self, contact: ContactId, record: ContactRecord, parts: &[Part]) {
        let before = self.records.get(&contact).map(|record| &record.seen);
        let mut effects: Vec<String> = Vec::new();
        for part in parts {
            let Part::CloseInbox(row, _) = part else { continue };
            let Some(message) = self.messages.get(row) else { continue };
            let news = record.seen.has(message) && !before.is_some_and(|before| before.has(message));
            if news && !effects.contains(&message.0) {
                effects.push(message.0.clone());
            }
        }
        self.inside.turns.push(Turn { contact, rev: record.rev, effects });
        self.records.insert(contact, record);
    }
}
