//! The newest values, from the moment they are appended.
//!
//! A reader looks here first, then in the table: an entry goes when it has been applied there. An entry carries the LSN that wrote it and is replaced only by a later one, so
//! writers need no order among themselves. Timers live here under a table number of their own.

use std::collections::HashMap;
use std::hash::BuildHasher;

use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::domain::contact::ContactId;
use crate::domain::time::Timestamp;
use crate::ports::{Key, Lsn, Table, Value};

/// Enough that appenders and readers rarely meet.
const SHARDS: usize = 16;

/// A map keeps the room of its most entries ever. One that is past this and an eighth full gives most of it back:
/// after an onslaught that the table was behind for, it would stand empty in hundreds of MiB.
const ROOM_KEPT: usize = 4_096;

/// Table number and key, as they are ordered on the disk.
pub(super) type FullKey = SmallVec<[u8; 32]>;

/// The number of the timers' table; none of [`Table`].
pub(super) const TIMERS: u8 = 0;

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub lsn: Lsn,
    /// `None`: deleted.
    pub value: Option<Value>,
}

#[derive(Debug, Default)]
pub(super) struct Overlay {
    shards: [Mutex<HashMap<FullKey, Entry>>; SHARDS],
    hasher: std::hash::RandomState,
}

pub(super) fn full_key(table: Table, key: &[u8]) -> FullKey {
    let mut full = FullKey::new();
    full.push(table as u8);
    full.extend_from_slice(key);
    full
}

pub(super) fn timer_key(contact: ContactId) -> FullKey {
    let mut full = FullKey::new();
    full.push(TIMERS);
    full.extend_from_slice(&contact.0.to_be_bytes());
    full
}

pub(super) fn timer_value(at: Timestamp) -> Value {
    Value(at.0.to_le_bytes().as_slice().into())
}

impl Overlay {
    fn shard(&self, key: &[u8]) -> &Mutex<HashMap<FullKey, Entry>> {
        // The remainder fits, whatever the hash.
        &self.shards[usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or_default()]
    }

    /// Puts an entry, unless a later one is there.
    pub(super) fn put(&self, key: FullKey, entry: Entry) {
        let mut shard = self.shard(&key).lock();
        match shard.entry(key) {
            std::collections::hash_map::Entry::Occupied(mut there) if there.get().lsn <= entry.lsn => {
                there.insert(entry);
            }
            std::collections::hash_map::Entry::Occupied(_) => {}
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(entry);
            }
        }
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<Entry> {
        self.shard(key).lock().get(key).cloned()
    }

    /// All entries whose key starts with `prefix`, deletions too, in key order. Walks everything.
    pub(super) fn scan(&self, prefix: &[u8]) -> Vec<(FullKey, Entry)> {
        let mut found: Vec<_> = self.shards.iter().flat_map(|shard| starting_with(&shard.lock(), prefix)).collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    /// Drops an entry that is in the table now, unless a later one has taken its place.
    pub(super) fn forget(&self, key: &[u8], lsn: Lsn) {
        let mut shard = self.shard(key).lock();
        if shard.get(key).is_some_and(|entry| entry.lsn == lsn) {
            shard.remove(key);
        }
        if shard.capacity() > ROOM_KEPT && shard.len() < shard.capacity() / 8 {
            let room = shard.len() * 2;
            shard.shrink_to(room);
        }
    }

    pub(super) fn entries(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}

fn starting_with(shard: &HashMap<FullKey, Entry>, prefix: &[u8]) -> Vec<(FullKey, Entry)> {
    shard.iter().filter(|(key, _)| key.starts_with(prefix)).map(|(key, entry)| (key.clone(), entry.clone())).collect()
}

/// Whose timer an entry of the timers' table is, and when.
pub(super) fn timer(key: &[u8], value: &Value) -> Option<(ContactId, Timestamp)> {
    let contact = u64::from_be_bytes(key.get(1..)?.try_into().ok()?);
    let at = i64::from_le_bytes(value.0.as_ref().try_into().ok()?);
    Some((ContactId(contact), Timestamp(at)))
}

/// The key without its table number.
pub(super) fn own_key(full: &[u8]) -> Key {
    Key::from_slice(full.get(1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_that_an_onslaught_took_is_given_back_and_nothing_is_lost() {
        let overlay = Overlay::default();
        let key = |n: u64| full_key(Table::Contact, &n.to_be_bytes());
        let room = || overlay.shards.iter().map(|shard| shard.lock().capacity()).sum::<usize>();
        for n in 0..200_000 {
            overlay.put(key(n), Entry { lsn: Lsn(n), value: None });
        }
        assert!(room() >= 200_000);
        for n in 100..200_000 {
            overlay.forget(&key(n), Lsn(n));
        }
        assert_eq!(overlay.entries(), 100);
        assert!((0..100).all(|n| overlay.get(&key(n)).is_some_and(|entry| entry.lsn == Lsn(n))));
        assert!(room() <= SHARDS * ROOM_KEPT * 2, "{}", room());
    }
}
