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
//! - both known and different: the BSUID's contact, the phone's alias re-pointed, the phone's contact told. A
//!   merge of both histories is not made: neither login moves, so nobody sees another's data.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{Random, versioned};
use crate::conversation::Notice;
use crate::domain::contact::{Bsuid, ContactId, Identity};
use crate::domain::keys::{LookupKey, ServerKeys};
use crate::domain::message::{Inbound, Status};
use crate::domain::phone::Phone;
use crate::domain::time::Timestamp;
use crate::ports::{DeadLetter, InboxBody, InboxRow, Key, Part, Record, RowId, Store, StoreError, Table, Ticket};

mod naming;

use naming::Naming;

/// Locks; a lock stands for all identifiers whose hash falls on it.
const STRIPES: usize = 1_024;
const VERSION: u8 = 1;

/// What an alias points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Alias {
    pub(super) contact: ContactId,
    /// The other identifier last seen together with this one.
    pub(super) with: Option<LookupKey>,
}

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
}

/// The switchboard; one for all web workers.
pub struct Switchboard {
    store: Arc<dyn Store>,
    keys: Arc<ServerKeys>,
    random: Arc<dyn Random>,
    stripes: Vec<Arc<Mutex<()>>>,
}

impl Switchboard {
    pub fn new(store: Arc<dyn Store>, keys: Arc<ServerKeys>, random: Arc<dyn Random>) -> Self {
        let stripes = (0..STRIPES).map(|_| Arc::new(Mutex::new(()))).collect();
        Self { store, keys, random, stripes }
    }

    /// Appends what a POST brought as one record. `None`: there was nothing to keep. The POST may be answered
    /// when the ticket is durable.
    pub async fn accept(&self, brought: Brought, now: Timestamp) -> Result<Option<Ticket>, StoreError> {
        let _held = self.hold(&brought).await;
        let mut naming = Naming::new(self);
        let mut rows = Vec::with_capacity(brought.messages.len());
        for (before, after) in &brought.changes {
            naming.changed(before, after).await?;
        }
        for message in brought.messages {
            let contact = naming.name(&message.from).await?;
            rows.push(InboxRow { contact, accepted_at: now, body: InboxBody::Message(message) });
        }
        let Naming { puts, told, .. } = naming;
        let mut parts: Vec<Part> = puts
            .into_iter()
            .map(|(key, alias)| Part::Put {
                table: Table::Alias,
                key: alias_key(key),
                value: versioned::encode(VERSION, &alias),
            })
            .collect();
        // A notice goes before the message that gave it away.
        parts.extend(told.into_iter().map(|contact| {
            let body = InboxBody::Notice(Notice::IdentityChanged);
            Part::OpenInbox(InboxRow { contact, accepted_at: now, body })
        }));
        parts.extend(rows.into_iter().map(Part::OpenInbox));
        parts.extend(brought.statuses.into_iter().map(Part::Status));
        parts.extend(brought.dead.into_iter().map(Part::DeadLetter));
        parts.extend(brought.letters.into_iter().map(Part::CloseDeadLetter));
        if parts.is_empty() {
            return Ok(None);
        }
        self.store.append(Record { writer: None, parts }).map(Some)
    }

    /// The locks of all identifiers, in sorted order so that no two POSTs wait for each other.
    async fn hold(&self, brought: &Brought) -> Vec<OwnedMutexGuard<()>> {
        let identities = brought
            .messages
            .iter()
            .map(|message| &message.from)
            .chain(brought.changes.iter().flat_map(|(before, after)| [before, after]));
        let wanted: BTreeSet<usize> = identities
            .flat_map(|identity| [self.phone(identity.phone), self.bsuid(identity.bsuid.as_ref())])
            .flatten()
            .map(|key| usize::from(u16::from_le_bytes([key.0[0], key.0[1]])) % STRIPES)
            .collect();
        let mut held = Vec::with_capacity(wanted.len());
        for stripe in wanted {
            held.push(Arc::clone(&self.stripes[stripe]).lock_owned().await);
        }
        held
    }

    pub(super) fn phone(&self, phone: Option<Phone>) -> Option<LookupKey> {
        phone.map(|phone| self.keys.phone_alias(phone))
    }

    pub(super) fn bsuid(&self, bsuid: Option<&Bsuid>) -> Option<LookupKey> {
        bsuid.map(|bsuid| self.keys.bsuid_alias(bsuid))
    }

    pub(super) async fn alias(&self, key: LookupKey) -> Result<Option<Alias>, StoreError> {
        let value = self.store.get(Table::Alias, alias_key(key)).await?;
        value.map(|value| versioned::decode(Table::Alias, VERSION, &value)).transpose()
    }

    pub(super) fn new_contact(&self) -> ContactId {
        let bytes = self.random.bytes();
        let mut first = [0; 8];
        first.copy_from_slice(&bytes[..8]);
        ContactId(u64::from_le_bytes(first))
    }
}

fn alias_key(key: LookupKey) -> Key {
    Key::from_slice(&key.0)
}
