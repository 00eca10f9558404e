//! Who is writing: names the contacts of a POST, and makes the POST one record.
//!
//! A phone and a BSUID are aliases of a contact (cloud-api.md 3.2); the table knows only their keyed hashes. The
//! identifiers of a POST are locked in sorted order from the look-up until the record has its place in the
//! store's queue: from there on every look-up sees it, so two POSTs at once never make two contacts of one.
//!
//! What the pairs mean:
//! - both unknown: a new contact. One known: the other is bound to it.
//! - a phone that is known with another BSUID: possibly another person (a recycled number). A new contact, the
//!   phone's alias re-pointed, the old contact told (`IdentityChanged`: its login ends).
//! - a BSUID that is known with another phone: the same account, but its number is new. The contact is told.
//! - both known and different, and neither ever seen with another: one person, met twice. The older contact stays,
//!   all aliases point to it, the younger is moved into it (`Notice::MovedTo`, behind its open rows); it leaves
//!   only what counts against it. Both logins end, so nobody sees another's data even if Meta were wrong.
//! - both known and different, and one of them seen with another before: the BSUID's contact, the phone's alias
//!   re-pointed, the phone's contact told. No merge: it is possibly another person.
//!
//! A phone that a contact has left is its name no longer: whoever comes from it without a BSUID is a stranger.
//! Between the record that moves a contact away and the one in which it leaves its dedupe ids, a message of its
//! own that Meta delivers once more would be answered twice, to the same citizen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::session::record::ContactRecord;
use super::{Random, versioned};
use crate::codec::{self, Older};
use crate::conversation::Notice;
use crate::domain::contact::{Bsuid, ContactId, Identity};
use crate::domain::keys::{LookupKey, ServerKeys};
use crate::domain::message::{Inbound, Status};
use crate::domain::phone::Phone;
use crate::domain::time::Timestamp;
use crate::limits::Standing;
use crate::ports::{
    DeadLetter, InboxBody, InboxRow, Key, Part, Record, RowId, Store, StoreError, Table, Ticket, Value,
};
use crate::wire::payload::Ring;

mod forget;
mod naming;
mod recent;
pub mod standing;

pub(super) use forget::contact_of;
use naming::Naming;
use recent::{Recent, Stripes};

/// Locks; a lock stands for all identifiers whose hash falls on it.
const STRIPES: usize = 1_024;
const VERSION: u8 = 2;
/// The first had no `since`: what was met then is older than all that has one.
const OLDER: [Older<Alias>; 1] = [(1, |bytes| {
    let (contact, with) = codec::decode(1, bytes)?;
    Ok(Alias { contact, with, since: Timestamp::default() })
})];

/// What an alias points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Alias {
    pub(super) contact: ContactId,
    /// The other identifier last seen together with this one.
    pub(super) with: Option<LookupKey>,
    /// When the contact was first met.
    pub(super) since: Timestamp,
}

/// Aliases as they were read, under their locks.
type Read = BTreeMap<LookupKey, Option<Alias>>;

/// What a POST brought, as far as it has to be kept.
#[derive(Debug, Default)]
pub struct Brought {
    pub messages: Vec<Inbound>,
    pub statuses: Vec<Status>,
    /// A citizen's identifiers changed: those of before, those of now.
    pub changes: Vec<(Identity, Identity)>,
    pub dead: Vec<DeadLetter>,
    /// Dead letters that this is the retry of: closed by the same record.
    pub letters: Vec<RowId>,
    /// Calls of citizens, who are known or not.
    pub calls: Vec<Ring>,
    /// Parent BSUIDs that messages showed, each with who wrote. Never looked up: the same one may be several people's.
    pub parents: Vec<(Identity, Bsuid)>,
    /// News of our numbers, account and templates that hold after a restart.
    pub standing: Vec<Standing>,
}

/// The switchboard; one for all web workers.
pub struct Switchboard {
    store: Arc<dyn Store>,
    keys: Arc<ServerKeys>,
    random: Arc<dyn Random>,
    stripes: Vec<Arc<Mutex<Recent>>>,
}

impl Switchboard {
    pub fn new(store: Arc<dyn Store>, keys: Arc<ServerKeys>, random: Arc<dyn Random>) -> Self {
        let stripes = (0..STRIPES).map(|_| Arc::default()).collect();
        Self { store, keys, random, stripes }
    }

    /// Appends what a POST brought as one record. `None`: there was nothing to keep. The POST may be answered
    /// when the ticket is durable.
    pub async fn accept(&self, brought: Brought, now: Timestamp) -> Result<Option<Ticket>, StoreError> {
        let (mut held, known) = self.hold(&brought).await?;
        let mut naming = Naming::new(self, known, now);
        let mut rows = Vec::with_capacity(brought.messages.len());
        for (before, after) in &brought.changes {
            naming.changed(before, after).await?;
        }
        for message in brought.messages {
            let contact = naming.name(&message.from).await?;
            rows.push(InboxRow { contact, accepted_at: now, body: InboxBody::Message(message) });
        }
        for (of, parent) in brought.parents {
            // Of a message to a number that is not ours there may be no contact.
            if let Some(contact) = naming.known(&of).await? {
                rows.push(InboxRow { contact, accepted_at: now, body: InboxBody::Parent(parent) });
            }
        }
        for Ring { from, to, at } in brought.calls {
            // A stranger's call opens nothing that we would use.
            if let Some(contact) = naming.known(&from).await? {
                rows.push(InboxRow { contact, accepted_at: now, body: InboxBody::Called { number: to, at } });
            }
        }
        let Naming { puts, drops, mut told, merges, born, .. } = naming;
        let put = puts.iter().map(|(key, alias)| (*key, Some(*alias)));
        let changed: Vec<(LookupKey, Option<Alias>)> = put.chain(drops.iter().map(|key| (*key, None))).collect();
        let mut parts: Vec<Part> = puts
            .into_iter()
            .map(|(key, alias)| Part::Put {
                table: Table::Alias,
                key: alias_key(key),
                value: versioned::encode(VERSION, &alias),
            })
            .collect();
        parts.extend(drops.into_iter().map(|key| Part::Delete { table: Table::Alias, key: alias_key(key) }));
        // So its session knows that nothing rests under a name of just now, without a look into the table: that crosses
        // to the reader's thread and back.
        parts.extend(
            born.into_iter().map(|contact| Part::Delete { table: Table::Contact, key: ContactRecord::key(contact) }),
        );
        for (from, (into, recall)) in merges {
            told.remove(&from);
            for (contact, notice) in [(into, Notice::Merged { from }), (from, Notice::MovedTo { into, recall })] {
                parts.push(Part::OpenInbox(InboxRow { contact, accepted_at: now, body: InboxBody::Notice(notice) }));
            }
        }
        // A notice goes before the message that gave it away.
        parts.extend(told.into_iter().map(|contact| {
            let body = InboxBody::Notice(Notice::IdentityChanged);
            Part::OpenInbox(InboxRow { contact, accepted_at: now, body })
        }));
        parts.extend(rows.into_iter().map(Part::OpenInbox));
        parts.extend(brought.statuses.into_iter().map(Part::Status));
        parts.extend(brought.dead.into_iter().map(Part::DeadLetter));
        parts.extend(brought.letters.into_iter().map(Part::CloseDeadLetter));
        parts.extend(brought.standing.iter().map(standing::put));
        if parts.is_empty() {
            return Ok(None);
        }
        let ticket = self.store.append(Record { writer: None, parts })?;
        for (key, alias) in changed {
            recent::changed(&mut held, key, alias);
        }
        Ok(Some(ticket))
    }

    /// The locks of all identifiers, in sorted order so that no two POSTs wait for each other, and what they lead
    /// to. A phone that a contact may be leaving is locked too: it is found out by reading, so all may be locked
    /// twice.
    async fn hold(&self, brought: &Brought) -> Result<(Stripes, Read), StoreError> {
        let from_messages = brought.messages.iter().map(|message| &message.from);
        let of_changes = brought.changes.iter().flat_map(|(before, after)| [before, after]);
        let keys = |identity: &Identity| [self.phone(identity.phone), self.bsuid(identity.bsuid.as_ref())];
        let all: BTreeSet<LookupKey> =
            from_messages.clone().chain(of_changes.clone()).flat_map(keys).flatten().collect();
        let with_phone = from_messages.filter(|identity| identity.phone.is_some()).chain(of_changes);
        let leaving: BTreeSet<LookupKey> =
            with_phone.filter_map(|identity| self.bsuid(identity.bsuid.as_ref())).collect();
        let mut wanted: BTreeSet<usize> = all.iter().map(|key| stripe(*key)).collect();
        loop {
            let mut held = self.lock(&wanted).await;
            let mut known = Read::new();
            for key in &all {
                known.insert(*key, self.recent_alias(&mut held, *key).await?);
            }
            let left = leaving.iter().filter_map(|key| known.get(key).copied().flatten()?.with).map(stripe);
            let more: Vec<usize> = left.filter(|stripe| !wanted.contains(stripe)).collect();
            if more.is_empty() {
                return Ok((held, known));
            }
            wanted.extend(more);
        }
    }

    pub(super) fn phone(&self, phone: Option<Phone>) -> Option<LookupKey> {
        phone.map(|phone| self.keys.phone_alias(phone))
    }

    pub(super) fn bsuid(&self, bsuid: Option<&Bsuid>) -> Option<LookupKey> {
        bsuid.map(|bsuid| self.keys.bsuid_alias(bsuid))
    }

    pub(super) async fn alias(&self, key: LookupKey) -> Result<Option<Alias>, StoreError> {
        self.store.get(Table::Alias, alias_key(key)).await?.as_ref().map(read).transpose()
    }

    /// The same under its lock, from memory if it was looked up lately.
    async fn recent_alias(&self, held: &mut Stripes, key: LookupKey) -> Result<Option<Alias>, StoreError> {
        if let Some(alias) = held.get_mut(&stripe(key)).and_then(|recent| recent.get(key)) {
            return Ok(Some(alias));
        }
        let found = self.alias(key).await?;
        if found.is_some() {
            recent::changed(held, key, found);
        }
        Ok(found)
    }

    async fn lock(&self, stripes: &BTreeSet<usize>) -> Stripes {
        let mut held = Stripes::new();
        for stripe in stripes {
            held.insert(*stripe, Arc::clone(&self.stripes[*stripe]).lock_owned().await);
        }
        held
    }

    pub(super) fn new_contact(&self) -> ContactId {
        let bytes = self.random.bytes();
        let mut first = [0; 8];
        first.copy_from_slice(&bytes[..8]);
        ContactId(u64::from_le_bytes(first))
    }
}

fn read(value: &Value) -> Result<Alias, StoreError> {
    versioned::decode(Table::Alias, VERSION, &OLDER, value)
}

fn stripe(key: LookupKey) -> usize {
    usize::from(u16::from_le_bytes([key.0[0], key.0[1]])) % STRIPES
}

fn alias_key(key: LookupKey) -> Key {
    Key::from_slice(&key.0)
}

#[cfg(test)]
mod tests;
