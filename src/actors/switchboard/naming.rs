//! The naming of one POST's contacts: what is known, what is bound anew, who must be told, who is merged.

use std::collections::{BTreeMap, BTreeSet};

use super::{Alias, Read, Switchboard};
use crate::domain::contact::{ContactId, Identity};
use crate::domain::keys::LookupKey;
use crate::domain::time::Timestamp;
use crate::ports::StoreError;

/// Aliases as this POST leaves them, while its identifiers are locked.
pub(super) struct Naming<'a> {
    switchboard: &'a Switchboard,
    known: Read,
    now: Timestamp,
    /// To be written.
    pub(super) puts: BTreeMap<LookupKey, Alias>,
    /// To be forgotten: phones that their contact has left.
    pub(super) drops: BTreeSet<LookupKey>,
    /// Contacts whose identity changed.
    pub(super) told: BTreeSet<ContactId>,
    /// Contacts that turned out to be another, and whether what has not left yet is taken back.
    pub(super) merges: BTreeMap<ContactId, (ContactId, bool)>,
    /// Contacts that were met just now.
    pub(super) born: Vec<ContactId>,
}

/// A contact, and when it was first met.
#[derive(Clone, Copy)]
struct Met {
    contact: ContactId,
    since: Timestamp,
}

impl From<Alias> for Met {
    fn from(alias: Alias) -> Self {
        Self { contact: alias.contact, since: alias.since }
    }
}

impl<'a> Naming<'a> {
    pub(super) fn new(switchboard: &'a Switchboard, known: Read, now: Timestamp) -> Self {
        Self {
            switchboard,
            known,
            now,
            puts: BTreeMap::new(),
            drops: BTreeSet::new(),
            told: BTreeSet::new(),
            merges: BTreeMap::new(),
            born: Vec::new(),
        }
    }

    async fn look(&mut self, key: Option<LookupKey>) -> Result<Option<Alias>, StoreError> {
        let Some(key) = key else { return Ok(None) };
        let found = match self.known.get(&key) {
            Some(known) => *known,
            None => self.switchboard.alias(key).await?,
        };
        // Other names of a contact that was merged in this very POST lead to the one that stays.
        let found = found.map(|alias| Alias { contact: self.survivor(alias.contact), ..alias });
        self.known.insert(key, found);
        Ok(found)
    }

    fn survivor(&self, contact: ContactId) -> ContactId {
        self.merges.get(&contact).map_or(contact, |(into, _)| *into)
    }

    fn new_contact(&mut self) -> Met {
        let contact = self.switchboard.new_contact();
        self.born.push(contact);
        Met { contact, since: self.now }
    }

    fn bind(&mut self, key: Option<LookupKey>, to: Met, with: Option<LookupKey>) {
        let Some(key) = key else { return };
        let known = self.known.get(&key).copied().flatten();
        // What was seen together once stays known when one of the two does not show.
        let with = with.or(known.filter(|alias| alias.contact == to.contact).and_then(|alias| alias.with));
        let alias = Alias { contact: to.contact, with, since: to.since };
        self.drops.remove(&key);
        if known != Some(alias) || self.puts.contains_key(&key) {
            self.known.insert(key, Some(alias));
            self.puts.insert(key, alias);
        }
    }

    /// A phone is its contact's name no longer, unless it is somebody else's by now.
    async fn leave(&mut self, phone: Option<LookupKey>, of: ContactId) -> Result<(), StoreError> {
        let Some(alias) = self.look(phone).await?.filter(|alias| alias.contact == of) else { return Ok(()) };
        if let Some(key) = phone.filter(|_| alias.contact == of) {
            self.known.insert(key, None);
            self.puts.remove(&key);
            self.drops.insert(key);
        }
        Ok(())
    }

    /// Two contacts are one: the older stays.
    fn merge(&mut self, one: Met, other: Met, recall: bool) -> Met {
        let order = |met: &Met| (met.since, met.contact);
        let (stays, goes) = if order(&one) <= order(&other) { (one, other) } else { (other, one) };
        for into in self.merges.values_mut().filter(|(into, _)| *into == goes.contact) {
            into.0 = stays.contact;
        }
        self.merges.insert(goes.contact, (stays.contact, recall));
        stays
    }

    /// The contact behind identifiers that are known; nothing is bound.
    pub(super) async fn known(&mut self, identity: &Identity) -> Result<Option<ContactId>, StoreError> {
        let bsuid = self.look(self.switchboard.bsuid(identity.bsuid.as_ref())).await?;
        let alias = match bsuid {
            Some(alias) => Some(alias),
            None => self.look(self.switchboard.phone(identity.phone)).await?,
        };
        Ok(alias.map(|alias| alias.contact))
    }

    /// The contact of who writes.
    pub(super) async fn name(&mut self, identity: &Identity) -> Result<ContactId, StoreError> {
        let phone_key = self.switchboard.phone(identity.phone);
        let bsuid_key = self.switchboard.bsuid(identity.bsuid.as_ref());
        let phone = self.look(phone_key).await?;
        let bsuid = self.look(bsuid_key).await?;
        let met = match (phone, bsuid) {
            (None, None) => self.new_contact(),
            (Some(phone), None) => match (phone.with, bsuid_key) {
                (Some(before), Some(now)) if before != now => {
                    self.told.insert(phone.contact);
                    self.new_contact()
                }
                _ => phone.into(),
            },
            (None, Some(bsuid)) => {
                self.moved_to(phone_key, bsuid).await?;
                bsuid.into()
            }
            (Some(phone), Some(bsuid)) if phone.contact == bsuid.contact => bsuid.into(),
            (Some(phone), Some(bsuid)) => {
                let elsewhere = |seen: Option<LookupKey>, here: Option<LookupKey>| seen.is_some() && seen != here;
                if elsewhere(phone.with, bsuid_key) || elsewhere(bsuid.with, phone_key) {
                    self.told.insert(phone.contact);
                    self.moved_to(phone_key, bsuid).await?;
                    bsuid.into()
                } else {
                    self.merge(phone.into(), bsuid.into(), false)
                }
            }
        };
        self.bind(phone_key, met, bsuid_key);
        self.bind(bsuid_key, met, phone_key);
        Ok(met.contact)
    }

    /// A BSUID shows with this phone: if it was another before, that one is left and the contact told.
    async fn moved_to(&mut self, phone: Option<LookupKey>, bsuid: Alias) -> Result<(), StoreError> {
        if phone.is_some() && bsuid.with.is_some() && bsuid.with != phone {
            self.told.insert(bsuid.contact);
            self.leave(bsuid.with, bsuid.contact).await?;
        }
        Ok(())
    }

    /// Meta tells that a citizen's identifiers changed: the new ones lead to the same contact, whose login ends.
    ///
    /// Two BSUIDs that Meta links are one person. A phone that was only ever seen alone is now his as well; one
    /// that was seen with another BSUID is taken from that contact, which is told.
    pub(super) async fn changed(&mut self, before: &Identity, after: &Identity) -> Result<(), StoreError> {
        let old_bsuid = self.switchboard.bsuid(before.bsuid.as_ref());
        let old_phone = self.switchboard.phone(before.phone);
        let by_bsuid = self.look(old_bsuid).await?;
        let known = match by_bsuid {
            Some(alias) => Some(alias),
            None => self.look(old_phone).await?,
        };
        // Nobody we know: whoever writes next is new.
        let Some(known) = known else { return Ok(()) };
        let phone_key = self.switchboard.phone(after.phone);
        let bsuid_key = self.switchboard.bsuid(after.bsuid.as_ref());
        let seen_with = by_bsuid.and_then(|alias| alias.with);
        let (new_bsuid, new_phone) = (self.look(bsuid_key).await?, self.look(phone_key).await?);
        let leads = |found: Option<Alias>| found.is_some_and(|alias| alias.contact == known.contact);
        let left = [old_phone, seen_with].into_iter().filter(|left| left.is_some() && *left != phone_key);
        let left: Vec<_> = left.collect();
        let mut stays = (bsuid_key.is_none() || leads(new_bsuid)) && (phone_key.is_none() || leads(new_phone));
        for phone in &left {
            stays &= !leads(self.look(*phone).await?);
        }
        if stays {
            // Told once more: what it tells is done, and nobody is logged out twice for it.
            return Ok(());
        }
        let mut met = Met::from(known);
        let mut takes_bsuid = true;
        if let Some(other) = self.look(bsuid_key).await?.filter(|other| other.contact != met.contact) {
            // Without a former BSUID this is told of a phone, and phones change hands: he stays who he is.
            takes_bsuid = by_bsuid.is_some();
            if takes_bsuid {
                met = self.merge(met, other.into(), false);
            }
        }
        if takes_bsuid && let Some(other) = self.look(phone_key).await?.filter(|other| other.contact != met.contact) {
            if other.with.is_none() || other.with == bsuid_key {
                met = self.merge(met, other.into(), true);
            } else {
                self.told.insert(other.contact);
            }
        }
        self.told.insert(met.contact);
        for phone in left {
            self.leave(phone, met.contact).await?;
        }
        if takes_bsuid {
            self.bind(phone_key, met, bsuid_key);
            self.bind(bsuid_key, met, phone_key);
            // The former BSUID leads here for what Meta still delivers under it.
            self.bind(old_bsuid.filter(|_| by_bsuid.is_some()), met, None);
        }
        Ok(())
    }
}
