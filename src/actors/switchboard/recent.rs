//! Where the aliases of a stripe led lately, so that who writes on is not looked up in the table again: a look-up there
//! crosses to the reader's thread and back.
//!
//! Invariants: it stands under its stripe's lock. Whoever changes an alias holds that lock, and says it here before he
//! lets go: what is here is what the table would say. Nobody is here who is not known.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use tokio::sync::OwnedMutexGuard;

use super::{Alias, stripe};
use crate::domain::keys::LookupKey;

/// Aliases of one stripe; past it one of them is looked up again.
pub(super) const RECENT_MAX: usize = 256;

/// The aliases of a stripe.
#[derive(Debug, Default)]
pub(super) struct Recent(HashMap<LookupKey, Alias, BuildHasherDefault<Keyed>>);

/// Stripes that are held, each once and in order.
pub(super) type Stripes = BTreeMap<usize, OwnedMutexGuard<Recent>>;

impl Recent {
    pub(super) fn get(&self, key: LookupKey) -> Option<Alias> {
        self.0.get(&key).copied()
    }

    pub(super) fn put(&mut self, key: LookupKey, alias: Alias) {
        if self.0.len() >= RECENT_MAX
            && !self.0.contains_key(&key)
            && let Some(other) = self.0.keys().next().copied()
        {
            self.0.remove(&other);
        }
        self.0.insert(key, alias);
    }

    pub(super) fn forget(&mut self, key: LookupKey) {
        self.0.remove(&key);
    }
}

/// An alias is another from now on; nothing, when it is gone.
pub(super) fn changed(held: &mut Stripes, key: LookupKey, alias: Option<Alias>) {
    let recent = held.get_mut(&stripe(key));
    debug_assert!(recent.is_some(), "an alias is changed under its lock");
    match (recent, alias) {
        (Some(recent), Some(alias)) => recent.put(key, alias),
        (Some(recent), None) => recent.forget(key),
        (None, _) => {}
    }
}

/// A key is a keyed hash already: its bytes are as good as any other hash of them, and nobody outside chooses them.
#[derive(Debug, Default)]
pub(super) struct Keyed(u64);

impl Hasher for Keyed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut last = [0; 8];
        let from = bytes.len().saturating_sub(8);
        last[..bytes.len() - from].copy_from_slice(&bytes[from..]);
        self.0 ^= u64::from_le_bytes(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::contact::ContactId;
    use crate::domain::time::Timestamp;

    fn alias(contact: u64) -> Alias {
        Alias { contact: ContactId(contact), with: None, since: Timestamp(1) }
    }

    fn key(number: u16) -> LookupKey {
        let mut bytes = [0; 16];
        bytes[14..].copy_from_slice(&number.to_be_bytes());
        LookupKey(bytes)
    }

    #[test]
    fn the_newest_is_what_is_said_and_no_more_are_kept_than_named() {
        let mut recent = Recent::default();
        for number in 0..1_000 {
            recent.put(key(number), alias(u64::from(number)));
            recent.put(key(number), alias(u64::from(number) + 5_000));
            assert_eq!(recent.get(key(number)), Some(alias(u64::from(number) + 5_000)));
            assert!(recent.0.len() <= RECENT_MAX);
        }
        assert_eq!(recent.0.len(), RECENT_MAX);
        recent.forget(key(999));
        assert_eq!(recent.get(key(999)), None);
    }
}
