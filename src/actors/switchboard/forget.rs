//! Aliases that lead to nobody any more: removed under the locks that a POST takes, so that none is on its way.

use super::recent::{self, Stripes};
use super::{Switchboard, alias_key, read, stripe};
use crate::actors::session::record::ContactRecord;
use crate::domain::contact::{ContactId, Identity};
use crate::domain::keys::LookupKey;
use crate::ports::{Key, Part, Record, StoreError, Table, Value};
use std::collections::BTreeSet;

/// Aliases that are held; let go when dropped.
pub struct Held<'a> {
    switchboard: &'a Switchboard,
    keys: Vec<LookupKey>,
    stripes: Stripes,
}

impl Held<'_> {
    /// What deletes those of them that lead to a contact; to be appended while they are held.
    pub async fn leading_to(&mut self, contact: ContactId) -> Result<Vec<Part>, StoreError> {
        let mut parts = Vec::new();
        for key in &self.keys {
            if self.switchboard.alias(*key).await?.is_some_and(|alias| alias.contact == contact) {
                recent::changed(&mut self.stripes, *key, None);
                parts.push(Part::Delete { table: Table::Alias, key: alias_key(*key) });
            }
        }
        Ok(parts)
    }
}

impl Switchboard {
    /// The aliases of a contact's identifiers, nobody else touching them while they are held.
    pub async fn hold_aliases(&self, identity: &Identity) -> Held<'_> {
        let keys: Vec<LookupKey> =
            [self.phone(identity.phone), self.bsuid(identity.bsuid.as_ref())].into_iter().flatten().collect();
        let stripes = self.lock(&keys.iter().map(|key| stripe(*key)).collect()).await;
        Held { switchboard: self, keys, stripes }
    }

    /// Forgets an alias of a contact that has no record, unless something is on its way to it. True: it is gone.
    pub async fn forget(
        &self,
        key: &Key,
        contact: ContactId,
        is_waiting: impl Fn() -> bool,
    ) -> Result<bool, StoreError> {
        let Some(key) = key.as_slice().try_into().ok().map(LookupKey) else { return Ok(false) };
        let mut held = self.lock(&BTreeSet::from([stripe(key)])).await;
        // What came in before is at the board when this is durable.
        let barrier = self.store.append(Record { writer: None, parts: Vec::new() })?;
        barrier.durable.await.map_err(|_| StoreError::Closed)?;
        let record = self.store.get(Table::Contact, ContactRecord::key(contact)).await?;
        let still = self.alias(key).await?.is_some_and(|alias| alias.contact == contact);
        if !still || record.is_some() || is_waiting() {
            return Ok(false);
        }
        let parts = vec![Part::Delete { table: Table::Alias, key: alias_key(key) }];
        self.store.append(Record { writer: None, parts })?;
        recent::changed(&mut held, key, None);
        Ok(true)
    }
}

/// Whose alias a value of the table is.
pub(in crate::actors) fn contact_of(value: &Value) -> Option<ContactId> {
    read(value).ok().map(|alias| alias.contact)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::actors::SystemRandom;
    use crate::actors::switchboard::Brought;
    use crate::domain::contact::{Bsuid, BusinessNumber};
    use crate::domain::keys::ServerKeys;
    use crate::domain::message::{Content, Inbound, MessageId};
    use crate::domain::phone::Phone;
    use crate::domain::time::Timestamp;
    use crate::ports::Store as _;
    use crate::store::Memory;

    const NOW: Timestamp = Timestamp(1_795_400_000_000);

    struct Known {
        store: Arc<Memory>,
        switchboard: Switchboard,
        identity: Identity,
    }

    impl Known {
        /// One who wrote once, by phone and BSUID.
        async fn one() -> Self {
            let store = Arc::new(Memory::new());
            let keys = Arc::new(ServerKeys::derive(&[7; 32]));
            let switchboard = Switchboard::new(store.clone(), keys, Arc::new(SystemRandom));
            let phone = Phone::from_wa_id("6281200000042");
            let known = Self { store, switchboard, identity: Identity { phone, bsuid: Some(Bsuid("ID.1".into())) } };
            known.writes().await;
            known
        }

        async fn writes(&self) -> ContactId {
            let message = Inbound {
                id: MessageId("wamid.1".into()),
                from: self.identity.clone(),
                to: BusinessNumber("1".into()),
                sent_at: NOW,
                quotes: None,
                content: Content::Sticker,
            };
            let brought = Brought { messages: vec![message], ..Brought::default() };
            self.switchboard.accept(brought, NOW).await.unwrap();
            self.alias().await.unwrap()
        }

        fn key(&self) -> Key {
            alias_key(self.switchboard.phone(self.identity.phone).unwrap())
        }

        async fn alias(&self) -> Option<ContactId> {
            self.store.get(Table::Alias, self.key()).await.unwrap().as_ref().and_then(contact_of)
        }

        /// That there is a record of the contact from here on, or none.
        fn record(&self, contact: ContactId, is_there: bool) {
            let (table, key) = (Table::Contact, ContactRecord::key(contact));
            let part = if is_there {
                Part::Put { table, key, value: ContactRecord::default().encode() }
            } else {
                Part::Delete { table, key }
            };
            self.store.append(Record { writer: None, parts: vec![part] }).unwrap();
        }
    }

    #[tokio::test]
    async fn an_alias_goes_when_nothing_of_its_contact_is_left_and_nothing_comes() {
        let known = Known::one().await;
        let (contact, key) = (known.alias().await.unwrap(), known.key());
        let forget = |contact, waits: bool| known.switchboard.forget(&key, contact, move || waits);
        known.record(contact, true);
        assert_eq!(forget(contact, false).await, Ok(false), "there is a record");
        known.record(contact, false);
        assert_eq!(forget(contact, true).await, Ok(false), "something is on its way");
        assert_eq!(forget(ContactId(contact.0 ^ 1), false).await, Ok(false), "it leads to another");
        assert_eq!(known.switchboard.forget(&Key::from_slice(&[1, 2]), contact, || false).await, Ok(false));
        assert_eq!(known.alias().await, Some(contact));
        assert_eq!(forget(contact, false).await, Ok(true));
        assert_eq!(known.alias().await, None);
        assert_eq!(forget(contact, false).await, Ok(false), "it is gone");
        assert_eq!(known.writes().await, contact, "his other name still leads to him");
    }

    #[tokio::test]
    async fn all_names_that_lead_to_a_contact_are_let_go_of_and_no_other() {
        let known = Known::one().await;
        let contact = known.alias().await.unwrap();
        let parts = {
            let mut held = known.switchboard.hold_aliases(&known.identity).await;
            assert_eq!(held.leading_to(ContactId(contact.0 ^ 1)).await, Ok(Vec::new()));
            held.leading_to(contact).await.unwrap()
        };
        assert_eq!(parts.len(), 2);
        known.store.append(Record { writer: None, parts }).unwrap();
        assert_eq!(known.alias().await, None);
        assert_ne!(known.writes().await, contact, "a stranger from here on");
    }
}
