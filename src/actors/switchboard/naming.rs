//! The naming of one POST's contacts: what is known, what is bound anew, who must be told.

use std::collections::{BTreeMap, BTreeSet};

use super::{Alias, Switchboard};
use crate::domain::contact::{ContactId, Identity};
use crate::domain::keys::LookupKey;
use crate::ports::StoreError;

/// Aliases as this POST leaves them, while its identifiers are locked.
pub(super) struct Naming<'a> {
    switchboard: &'a Switchboard,
    known: BTreeMap<LookupKey, Option<Alias>>,
    /// To be written.
    pub(super) puts: BTreeMap<LookupKey, Alias>,
    /// Contacts whose identity changed.
    pub(super) told: BTreeSet<ContactId>,
}

impl<'a> Naming<'a> {
    pub(super) fn new(switchboard: &'a Switchboard) -> Self {
        Self { switchboard, known: BTreeMap::new(), puts: BTreeMap::new(), told: BTreeSet::new() }
    }

    async fn look(&mut self, key: Option<LookupKey>) -> Result<Option<Alias>, StoreError> {
        let Some(key) = key else { return Ok(None) };
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let found = self.switchboard.alias(key).await?;
        self.known.insert(key, found);
        Ok(found)
    }

    fn bind(&mut self, key: Option<LookupKey>, contact: ContactId, with: Option<LookupKey>) {
        let Some(key) = key else { return };
        let known = self.known.get(&key).copied().flatten();
        // What was seen together once stays known when one of the two does not show.
        let with = with.or(known.filter(|alias| alias.contact == contact).and_then(|alias| alias.with));
        let alias = Alias { contact, with };
        if known != Some(alias) {
            self.known.insert(key, Some(alias));
            self.puts.insert(key, alias);
        }
    }

    /// The contact of who writes.
    pub(super) async fn name(&mut self, identity: &Identity) -> Result<ContactId, StoreError> {
        let phone_key = self.switchboard.phone(identity.phone);
        let bsuid_key = self.switchboard.bsuid(identity.bsuid.as_ref());
        let phone = self.look(phone_key).await?;
        let bsuid = self.look(bsuid_key).await?;
        let contact = match (phone, bsuid) {
            (None, None) => self.switchboard.new_contact(),
            (Some(phone), None) => match (phone.with, bsuid_key) {
                (Some(before), Some(now)) if before != now => {
                    self.told.insert(phone.contact);
                    self.switchboard.new_contact()
                }
                _ => phone.contact,
            },
            (None, Some(bsuid)) => {
                if phone_key.is_some() && bsuid.with.is_some() {
                    self.told.insert(bsuid.contact);
                }
                bsuid.contact
            }
            (Some(phone), Some(bsuid)) => {
                if phone.contact != bsuid.contact {
                    self.told.insert(phone.contact);
                    if bsuid.with.is_some() && bsuid.with != phone_key {
                        self.told.insert(bsuid.contact);
                    }
                }
                bsuid.contact
            }
        };
        self.bind(phone_key, contact, bsuid_key);
        self.bind(bsuid_key, contact, phone_key);
        Ok(contact)
    }

    /// Meta tells that a citizen's identifiers changed: the new ones lead to the same contact, whose login ends.
    pub(super) async fn changed(&mut self, before: &Identity, after: &Identity) -> Result<(), StoreError> {
        let old_bsuid = self.switchboard.bsuid(before.bsuid.as_ref());
        let old_phone = self.switchboard.phone(before.phone);
        let known = match self.look(old_bsuid).await? {
            Some(alias) => Some(alias),
            None => self.look(old_phone).await?,
        };
        // Nobody we know: whoever writes next is new.
        let Some(Alias { contact, .. }) = known else { return Ok(()) };
        self.told.insert(contact);
        let phone_key = self.switchboard.phone(after.phone);
        let bsuid_key = self.switchboard.bsuid(after.bsuid.as_ref());
        // An identifier that already leads to somebody else stays his: neither history moves.
        for (key, with) in [(phone_key, bsuid_key), (bsuid_key, phone_key)] {
            match self.look(key).await? {
                Some(alias) if alias.contact != contact => {}
                _ => self.bind(key, contact, with),
            }
        }
        Ok(())
    }
}
