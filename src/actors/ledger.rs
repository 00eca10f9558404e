//! The book of the budgets that span accounts (`limits::codes`), one for the process, its rows in the store.
//!
//! An account takes a place before it thinks; if no code was made the place goes back. A code that was made is
//! written down here before its account's own record is appended, and records become durable in order: no SMS
//! leaves that is not counted after a crash. Rows are absolute and appended under the book's lock, so the newest
//! is always the last. A crash between the two records counts a code that was never sent, which is harmless.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use smallvec::SmallVec;

use super::versioned;
use crate::domain::keys::{LookupKey, ServerKeys};
use crate::domain::phone::Mobile;
use crate::domain::time::Timestamp;
use crate::limits::codes::{CodeRules, Codes, Row};
use crate::metrics;
use crate::ports::{Key, Part, Record, Store, StoreError, Table};

const VERSION: u8 = 1;
/// Keys: one byte says whose budget it is, a route's hash follows.
const OF_ALL: u8 = 1;
const OF_ROUTE: u8 = 2;
/// How long a row waits for room in the store before it is tried again.
const ROOM_WAIT: Duration = Duration::from_millis(50);

/// The book and where it rests.
pub struct Ledger {
    store: Arc<dyn Store>,
    keys: Arc<ServerKeys>,
    codes: Mutex<Codes>,
}

/// A place that was taken; goes back when it is dropped.
pub struct Place<'a> {
    ledger: &'a Ledger,
    route: LookupKey,
    belongs: bool,
    kept: bool,
}

impl Ledger {
    /// The book as it rests in the store.
    pub async fn open(store: Arc<dyn Store>, keys: Arc<ServerKeys>, rules: CodeRules) -> Result<Self, StoreError> {
        let mut codes = Codes::new(rules);
        for (key, value) in store.scan(Table::Budget, Key::new()).await? {
            let bytes: Vec<u8> = versioned::decode(Table::Budget, VERSION, &[], &value)?;
            codes.load(route_of(&key), &bytes);
        }
        Ok(Self { store, keys, codes: Mutex::new(codes) })
    }

    /// Takes the place of one code to this number; or says until when there is none.
    pub fn take(&self, phone: Mobile, belongs: bool, now: Timestamp) -> Result<Place<'_>, Timestamp> {
        let route = self.keys.route(phone);
        let taken = self.codes.lock().take(route, belongs, now);
        if taken.is_err() {
            metrics::code_counted("refused");
        }
        taken.map(|()| Place { ledger: self, route, belongs, kept: false })
    }

    /// A code to this number was typed.
    pub async fn proven(&self, phone: Mobile) -> Result<(), StoreError> {
        metrics::code_counted("proven");
        let route = self.keys.route(phone);
        self.codes.lock().proven(route);
        self.write(route).await
    }

    /// Appends the rows of a route; later records become durable after them.
    async fn write(&self, route: LookupKey) -> Result<(), StoreError> {
        loop {
            match self.append(route) {
                Err(StoreError::Full(_)) => {
                    metrics::store_full();
                    tokio::time::sleep(ROOM_WAIT).await;
                }
                other => return other,
            }
        }
    }

    fn append(&self, route: LookupKey) -> Result<(), StoreError> {
        let mut codes = self.codes.lock();
        let parts = codes.rows(route).into_iter().map(part).collect();
        let clamped = codes.clamped();
        // Durable before whatever the caller appends next: nobody has to wait for this one.
        let appended = self.store.append(Record { writer: None, parts }).map(drop);
        metrics::routes_known(codes.len(), clamped);
        appended
    }
}

impl Place<'_> {
    /// The code was made: it counts from here on, also after a crash.
    pub async fn keep(mut self) -> Result<(), StoreError> {
        self.kept = true;
        metrics::code_counted("made");
        self.ledger.write(self.route).await
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.ledger.codes.lock().give_back(self.route, self.belongs);
        }
    }
}

fn part(row: Row) -> Part {
    let mut key: Key = SmallVec::new();
    key.push(if row.route.is_some() { OF_ROUTE } else { OF_ALL });
    key.extend_from_slice(row.route.as_ref().map_or(&[][..], |route| &route.0));
    match row.bytes {
        Some(bytes) => Part::Put { table: Table::Budget, key, value: versioned::encode(VERSION, &bytes) },
        None => Part::Delete { table: Table::Budget, key },
    }
}

fn route_of(key: &Key) -> Option<LookupKey> {
    let hash = key.strip_prefix(&[OF_ROUTE])?;
    hash.try_into().ok().map(LookupKey)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    const NOW: Timestamp = Timestamp(1_795_400_000_000);

    fn mobile(last: u32) -> Mobile {
        Mobile::parse(&format!("08120000{last:04}")).unwrap()
    }

    async fn open(store: &Arc<Memory>) -> Ledger {
        let keys = Arc::new(ServerKeys::derive(&[7; 32]));
        let rules = CodeRules { route_per_hour: 3, ..CodeRules::default() };
        Ledger::open(store.clone(), keys, rules).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_made_counts_after_a_crash_and_what_was_not_does_not() {
        let mut store = Arc::new(Memory::new());
        for made in 0..3 {
            let ledger = open(&store).await;
            drop(ledger.take(mobile(made), false, NOW).unwrap());
            ledger.take(mobile(100 + made), false, NOW).unwrap().keep().await.unwrap();
            store = Arc::new(store.reopen());
        }
        let ledger = open(&store).await;
        let until = ledger.take(mobile(42), false, NOW).err();
        assert_eq!(until, Some(NOW.plus_ms(3_600_000)), "numbers that differ in the last four digits are one route");
        assert!(ledger.take(mobile(42), true, NOW).is_ok());
        let other = Mobile::parse("0812 0001 0042").unwrap();
        assert!(ledger.take(other, false, NOW).is_ok());
    }

    #[tokio::test]
    async fn a_full_store_is_waited_for() {
        let store = Arc::new(Memory::new());
        let ledger = open(&store).await;
        store.fill(Some("test"));
        let (kept, ()) = tokio::join!(ledger.take(mobile(1), false, NOW).unwrap().keep(), async {
            tokio::task::yield_now().await;
            store.fill(None);
        });
        assert_eq!(kept, Ok(()));
        assert_eq!(open(&Arc::new(store.reopen())).await.codes.lock().len(), 1);
    }
}
