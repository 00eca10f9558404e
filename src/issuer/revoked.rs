//! The list of revocations: numbered in the order in which they came, read page by page.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::{Mutex, MutexGuard};

use super::row::{prefixed, unreadable};
use crate::domain::certificate::Revocation;
use crate::ports::{Key, Part, REVOCATIONS_A_PAGE, RevocationList, Store, StoreError, Table, Value};

const VERSION: u8 = 1;
const COUNT_VERSION: u8 = 1;

/// The list of a store.
pub struct Revoked {
    store: Arc<dyn Store>,
    /// Held from numbering revocations until they have their place in the journal, so that none is left out.
    numbering: Mutex<()>,
    count: AtomicU64,
}

/// Revocations that have their numbers and no place yet.
pub(super) struct Listing<'a> {
    list: &'a Revoked,
    _alone: Option<MutexGuard<'a, ()>>,
    from: u64,
    revocations: &'a [Revocation],
}

impl Revoked {
    pub(super) async fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let count = match store.get(Table::Certificate, key_of_count()).await? {
            Some(value) => value.decode(COUNT_VERSION, &[]).map_err(|fault| unreadable(&fault.to_string()))?,
            None => 0,
        };
        Ok(Self { store, numbering: Mutex::new(()), count: AtomicU64::new(count) })
    }

    /// Numbers revocations.
    pub(super) async fn list<'a>(&'a self, revocations: &'a [Revocation]) -> Listing<'a> {
        let alone = if revocations.is_empty() { None } else { Some(self.numbering.lock().await) };
        Listing { list: self, _alone: alone, from: self.count.load(Ordering::Acquire), revocations }
    }

    async fn read(&self, page: u32) -> Result<Vec<Revocation>, StoreError> {
        let rows = self.store.scan(Table::Certificate, prefixed(b'r', &page.to_be_bytes())).await?;
        rows.iter()
            .map(|(_, value)| value.decode(VERSION, &[]).map_err(|fault| unreadable(&fault.to_string())))
            .collect()
    }
}

impl Listing<'_> {
    /// Their rows, and the new count.
    pub(super) fn parts(&self) -> Vec<Part> {
        if self.revocations.is_empty() {
            return Vec::new();
        }
        let put = |key, value| Part::Put { table: Table::Certificate, key, value };
        let rows = (self.from..).zip(self.revocations);
        let rows = rows.map(|(number, revocation)| put(key_of(number), Value::encode(VERSION, revocation)));
        rows.chain([put(key_of_count(), Value::encode(COUNT_VERSION, &self.until()))]).collect()
    }

    /// They have their place: the next ones come behind them.
    pub(super) fn appended(self) {
        if !self.revocations.is_empty() {
            self.list.count.store(self.until(), Ordering::Release);
        }
    }

    fn until(&self) -> u64 {
        self.from + self.revocations.len() as u64
    }
}

impl RevocationList for Revoked {
    fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    fn page(&self, number: u32) -> BoxFuture<'_, Result<Vec<Revocation>, StoreError>> {
        self.read(number).boxed()
    }
}

/// Page and place in it, so that a page is a prefix.
fn key_of(number: u64) -> Key {
    let page = u32::try_from(number / REVOCATIONS_A_PAGE).unwrap_or(u32::MAX);
    let place = u16::try_from(number % REVOCATIONS_A_PAGE).unwrap_or(u16::MAX);
    let mut key = prefixed(b'r', &page.to_be_bytes());
    key.extend_from_slice(&place.to_be_bytes());
    key
}

fn key_of_count() -> Key {
    prefixed(b'n', b"")
}
