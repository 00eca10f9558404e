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
use crate::limits::niks::{NikCodes, NikRow};
use crate::metrics;
use crate::ports::{Key, Part, Record, Store, StoreError, Table};

const VERSION: u8 = 1;
/// Keys: one byte says whose budget it is, a route's or a person's hash follows.
const OF_ALL: u8 = 1;
const OF_ROUTE: u8 = 2;
const OF_NIK: u8 = 3;
/// How long a row waits for room in the store before it is tried again.
const ROOM_WAIT: Duration = Duration::from_millis(50);

/// The book and where it rests.
pub struct Ledger {
    store: Arc<dyn Store>,
    keys: Arc<ServerKeys>,
    codes: Mutex<Codes>,
    niks: Mutex<NikCodes>,
}

/// A place that was taken; goes back when it is dropped.
pub struct Place<'a> {
    ledger: &'a Ledger,
    route: LookupKey,
    on_behalf: Option<LookupKey>,
    belongs: bool,
    kept: bool,
}

impl Ledger {
    /// The book as it rests in the store.
    pub async fn open(store: Arc<dyn Store>, keys: Arc<ServerKeys>, rules: CodeRules) -> Result<Self, StoreError> {
        let (mut niks, mut codes) = (NikCodes::new(&rules), Codes::new(rules));
        for (key, value) in store.scan(Table::Budget, Key::new()).await? {
            let bytes: Vec<u8> = versioned::decode(Table::Budget, VERSION, &[], &value)?;
            match hash_of(OF_NIK, &key) {
                Some(whose) => niks.load(whose, &bytes),
                None => codes.load(hash_of(OF_ROUTE, &key), &bytes),
            }
        }
        Ok(Self { store, keys, codes: Mutex::new(codes), niks: Mutex::new(niks) })
    }

    /// Takes the place of one code to this number, on behalf of whoever was named; or says until when there is none.
    pub fn take(
        &self,
        phone: Mobile,
        on_behalf: Option<LookupKey>,
        belongs: bool,
        now: Timestamp,
    ) -> Result<Place<'_>, Timestamp> {
        let route = self.keys.route(phone);
        let taken = self.codes.lock().take(route, belongs, now);
        let place = taken.map(|()| Place { ledger: self, route, on_behalf: None, belongs, kept: false });
        let place = place.and_then(|mut place| {
            on_behalf.map_or(Ok(()), |whose| self.niks.lock().take(whose, now))?;
            place.on_behalf = on_behalf;
            Ok(place)
        });
        if place.is_err() {
            metrics::code_counted("refused");
        }
        place
    }

    /// A code to this number was typed.
    pub async fn proven(&self, phone: Mobile) -> Result<(), StoreError> {
        metrics::code_counted("proven");
        let route = self.keys.route(phone);
        self.codes.lock().proven(route);
        self.write(route, None).await
    }

    /// Appends the rows of a route and a person; later records become durable after them.
    async fn write(&self, route: LookupKey, on_behalf: Option<LookupKey>) -> Result<(), StoreError> {
        loop {
            match self.append(route, on_behalf) {
                Err(StoreError::Full(_)) => {
                    metrics::store_full();
                    tokio::time::sleep(ROOM_WAIT).await;
                }
                other => return other,
            }
        }
    }

    fn append(&self, route: LookupKey, on_behalf: Option<LookupKey>) -> Result<(), StoreError> {
        let mut codes = self.codes.lock();
        let mut parts: Vec<Part> = codes.rows(route).into_iter().map(part).collect();
        if let Some(whose) = on_behalf {
            parts.extend(self.niks.lock().rows(whose).into_iter().map(nik_part));
        }
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
        self.ledger.write(self.route, self.on_behalf).await
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.ledger.codes.lock().give_back(self.route, self.belongs);
            self.on_behalf.into_iter().for_each(|whose| self.ledger.niks.lock().give_back(whose));
        }
    }
}

fn part(row: Row) -> Part {
    part_of(if row.route.is_some() { OF_ROUTE } else { OF_ALL }, row.route, row.bytes)
}

fn nik_part(row: NikRow) -> Part {
    part_of(OF_NIK, Some(row.whose), row.bytes)
}

fn part_of(kind: u8, hash: Option<LookupKey>, bytes: Option<Vec<u8>>) -> Part {
    let mut key: Key = SmallVec::new();
    key.push(kind);
    key.extend_from_slice(hash.as_ref().map_or(&[][..], |hash| &hash.0));
    match bytes {
        Some(bytes) => Part::Put { table: Table::Budget, key, value: versioned::encode(VERSION, &bytes) },
        None => Part::Delete { table: Table::Budget, key },
    }
}

fn hash_of(kind: u8, key: &Key) -> Option<LookupKey> {
    let hash = key.strip_prefix(&[kind])?;
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
            drop(ledger.take(mobile(made), None, false, NOW).unwrap());
            ledger.take(mobile(100 + made), None, false, NOW).unwrap().keep().await.unwrap();
            store = Arc::new(store.reopen());
        }
        let ledger = open(&store).await;
        let until = ledger.take(mobile(42), None, false, NOW).err();
        assert_eq!(until, Some(NOW.plus_ms(3_600_000)), "numbers that differ in the last four digits are one route");
        assert!(ledger.take(mobile(42), None, true, NOW).is_ok());
        let other = Mobile::parse("0812 0001 0042").unwrap();
        assert!(ledger.take(other, None, false, NOW).is_ok());
    }

    #[tokio::test]
    async fn five_codes_a_day_for_one_nik_whatever_numbers_they_go_to_and_crashes_included() {
        let mut store = Arc::new(Memory::new());
        let siti = Some(LookupKey([7; 16]));
        let elsewhere = |n: u32| Mobile::parse(&format!("0812000{n:01}0042")).unwrap();
        for made in 0..5 {
            let ledger = open(&store).await;
            drop(ledger.take(elsewhere(made), siti, false, NOW).unwrap());
            ledger.take(elsewhere(made), siti, made % 2 == 0, NOW).unwrap().keep().await.unwrap();
            store = Arc::new(store.reopen());
        }
        let ledger = open(&store).await;
        let until = NOW.plus_ms(86_400_000);
        assert_eq!(ledger.take(elsewhere(6), siti, true, NOW).err(), Some(until), "nor for who belongs to the number");
        assert!(ledger.take(elsewhere(6), Some(LookupKey([8; 16])), false, NOW).is_ok(), "another person");
        // A refusal for the person gave the route its place back: three an hour are all still there.
        let places: Vec<_> = (0..4).map(|_| ledger.take(elsewhere(7), None, false, NOW)).collect();
        assert_eq!(places.iter().filter(|place| place.is_ok()).count(), 3);
        drop(places);
        for _ in 0..9 {
            assert!(ledger.take(elsewhere(7), siti, false, NOW).is_err());
        }
        assert!(ledger.take(elsewhere(7), None, false, NOW).is_ok());
        assert!(ledger.take(elsewhere(6), siti, false, until).is_ok());
    }

    #[tokio::test]
    async fn a_code_that_was_typed_counts_for_its_route_after_a_crash_too() {
        for typed in [true, false] {
            let mut store = Arc::new(Memory::new());
            let rules = CodeRules { clamp_sample: 1, clamp_percent: 50, clamped_per_hour: 0, ..CodeRules::default() };
            let keys = Arc::new(ServerKeys::derive(&[7; 32]));
            let open = |store: Arc<Memory>| Ledger::open(store, Arc::clone(&keys), rules.clone());
            let ledger = open(store.clone()).await.unwrap();
            ledger.take(mobile(1), None, false, NOW).unwrap().keep().await.unwrap();
            if typed {
                ledger.proven(mobile(1)).await.unwrap();
            }
            store = Arc::new(store.reopen());
            let later = NOW.plus_ms(900_000);
            let again = open(store.clone()).await.unwrap().take(mobile(2), None, false, later).is_ok();
            assert_eq!(again, typed, "a route whose codes nobody types is clamped");
        }
    }

    #[tokio::test]
    async fn a_full_store_is_waited_for() {
        let store = Arc::new(Memory::new());
        let ledger = open(&store).await;
        store.fill(Some("test"));
        let (kept, ()) = tokio::join!(ledger.take(mobile(1), None, false, NOW).unwrap().keep(), async {
            tokio::task::yield_now().await;
            store.fill(None);
        });
        assert_eq!(kept, Ok(()));
        assert_eq!(open(&Arc::new(store.reopen())).await.codes.lock().len(), 1);
    }
}
