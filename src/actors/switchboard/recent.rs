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

/// Aliases of one stripe; past it those that nobody asked for lately are looked up again.
pub(super) const RECENT_MAX: usize = 256;

type Aliases = HashMap<LookupKey, Alias, BuildHasherDefault<Keyed>>;

/// The aliases of a stripe, in two halves: whoever is asked for is in the newer, and when that is full the older is
/// let go of. So an onslaught of strangers takes the places of those who went, not of those who write on.
#[derive(Debug, Default)]
pub(super) struct Recent {
    newer: Aliases,
    older: Aliases,
}

/// Stripes that are held, each once and in order.
pub(super) type Stripes = BTreeMap<usize, OwnedMutexGuard<Recent>>;

impl Recent {
    pub(super) fn get(&mut self, key: LookupKey) -> Option<Alias> {
        if let Some(alias) = self.newer.get(&key) {
            return Some(*alias);
        }
        let alias = self.older.remove(&key)?;
        self.put(key, alias);
        Some(alias)
    }

    pub(super) fn put(&mut self, key: LookupKey, alias: Alias) {
        self.older.remove(&key);
        if self.newer.len() >= RECENT_MAX / 2 && !self.newer.contains_key(&key) {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(key, alias);
    }

    pub(super) fn forget(&mut self, key: LookupKey) {
        self.newer.remove(&key);
        self.older.remove(&key);
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
    use std::sync::Arc;

    use tokio::sync::Mutex;

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
            assert!(recent.newer.len() + recent.older.len() <= RECENT_MAX);
        }
        assert!(recent.newer.len() + recent.older.len() > RECENT_MAX / 2);
        for number in [999, 900] {
            assert!(recent.get(key(number)).is_some(), "in the newer half and in the older");
            recent.forget(key(number));
            assert_eq!(recent.get(key(number)), None);
        }
    }

    #[test]
    fn what_an_older_half_said_is_not_said_any_more_once_it_changed() {
        let mut recent = Recent::default();
        recent.put(key(1), alias(1));
        (1_000..1_128).for_each(|stranger| recent.put(key(stranger), alias(9)));
        assert!(recent.older.contains_key(&key(1)));
        recent.put(key(1), alias(2));
        (2_000..2_128).for_each(|stranger| recent.put(key(stranger), alias(9)));
        assert_eq!(recent.get(key(1)), Some(alias(2)));
    }

    #[tokio::test]
    async fn what_changes_under_its_lock_is_what_is_said_from_then_on() {
        let lock = Arc::new(Mutex::new(Recent::default()));
        for now in [Some(alias(4)), Some(alias(5)), None] {
            let mut held = Stripes::from([(stripe(key(1)), Arc::clone(&lock).lock_owned().await)]);
            changed(&mut held, key(1), now);
            drop(held);
            assert_eq!(lock.lock().await.get(key(1)), now);
        }
    }

    #[test]
    fn a_key_is_found_by_its_last_eight_bytes_and_whatever_is_written_counts() {
        let hash = |writes: &[&[u8]]| {
            let mut hasher = Keyed::default();
            for bytes in writes {
                hasher.write(bytes);
            }
            hasher.finish()
        };
        assert_eq!(hash(&[&[9, 9, 9, 1, 0, 0, 0, 0, 0, 0, 2]]), 1 | 2 << 56);
        assert_eq!(hash(&[&[5, 6]]), 5 | 6 << 8);
        assert_eq!(hash(&[&[7], &[7]]), 0);
        assert_eq!(hash(&[&[7], &[1]]), 6);
    }

    #[test]
    fn whoever_writes_on_stays_whatever_strangers_come_and_go() {
        let mut recent = Recent::default();
        for stranger in 1_000..11_000 {
            recent.put(key(stranger), alias(u64::from(stranger)));
            let regular = key(stranger % 50);
            if stranger >= 1_050 {
                assert!(recent.get(regular).is_some(), "{stranger}");
            }
            recent.put(regular, alias(7));
        }
    }
}
