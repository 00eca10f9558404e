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
