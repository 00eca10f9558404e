//! Dead letters: kept, closed by the record that hands them over again, and bounded.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use siaga::clock::ManualClock;
use siaga::domain::contact::ContactId;
use siaga::domain::time::{DAY_MS, Timestamp};
use siaga::ports::{DeadLetter, DeadReason, Lsn, Part, RowId, Store};
use siaga::store::{self, Journal, Options};

use super::world::{Seen, append, durable, inbox, keys, open, options, put, wait};

const NOW: i64 = 1_795_000_000_000;

fn letter(at: i64, bytes: usize) -> Part {
    let contact = Some(ContactId(7));
    Part::DeadLetter(DeadLetter { at: Timestamp(at), reason: DeadReason::Poison, contact, body: vec![1; bytes] })
}

fn ids(store: &dyn Store) -> Vec<RowId> {
    wait(store.dead_letters()).unwrap().into_iter().map(|(id, _)| id).collect()
}

fn row(lsn: u64, index: u32) -> RowId {
    RowId { lsn: Lsn(lsn), index }
}

#[test]
fn a_letter_is_found_again_after_a_kill_and_its_retry_is_one_with_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    durable(&*store, vec![letter(NOW, 10), put(1, "x"), letter(NOW, 20)]);
    drop(store);
    let store = open(directory.path()).unwrap();
    let heads = wait(store.dead_letters()).unwrap();
    let seen: Vec<_> = heads.iter().map(|(id, head)| (*id, head.body_bytes, head.contact, head.at)).collect();
    let contact = Some(ContactId(7));
    assert_eq!(seen, [(row(1, 0), 10, contact, Timestamp(NOW)), (row(1, 1), 20, contact, Timestamp(NOW))]);
    assert_eq!(wait(store.dead_letter(row(1, 1))).unwrap().unwrap().body, vec![1; 20]);
    assert_eq!(wait(store.dead_letter(row(1, 2))).unwrap(), None);
    let lsn = durable(&*store, vec![Part::CloseDeadLetter(row(1, 0)), Part::OpenInbox(inbox(7))]);
    assert_eq!(ids(&*store), [row(1, 1)]);
    drop(store);
    let store = open(directory.path()).unwrap();
    assert_eq!(ids(&*store), [row(1, 1)], "closed for good");
    assert_eq!(store.attach(Arc::new(Seen::default())).inbox, [(row(lsn, 0), inbox(7))]);
    assert_eq!(wait(store.dead_letter(row(1, 0))).unwrap(), None);
}

#[test]
fn a_letter_that_was_closed_twice_or_never_was_harms_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    durable(&*store, vec![letter(NOW, 1)]);
    for _ in 0..2 {
        durable(&*store, vec![Part::CloseDeadLetter(row(1, 0)), Part::CloseDeadLetter(row(9, 9))]);
    }
    assert_eq!(ids(&*store), []);
    wait(store.close());
    assert_eq!(store::verify(directory.path(), &keys()).unwrap().dead_letters, 0);
}

fn bounded(path: &Path, at: i64) -> Arc<Journal> {
    let bounds = Options { dead_letters_bytes_max: 3_000, dead_letters_ms_max: 30 * DAY_MS, ..options(path) };
    store::open(&bounds, &keys(), Arc::new(ManualClock::at(Timestamp(at)))).unwrap()
}

/// Waits until the letters are these; what is past its bounds goes some time after a window is applied.
fn eventually(store: &Journal, expected: &[RowId]) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while ids(store) != expected {
        assert!(Instant::now() < deadline, "{:?} never became {expected:?}", ids(store));
        append(store, vec![put(1, "something to apply")]);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn past_their_bytes_and_past_their_days_the_oldest_go() {
    let directory = tempfile::tempdir().unwrap();
    let store = bounded(directory.path(), NOW);
    let first = durable(&*store, vec![letter(NOW - 29 * DAY_MS, 1_000)]);
    let second = durable(&*store, vec![letter(NOW, 1_000)]);
    eventually(&store, &[row(first, 0), row(second, 0)]);
    let third = durable(&*store, vec![letter(NOW, 1_000)]);
    eventually(&store, &[row(second, 0), row(third, 0)]);
    drop(store);
    let store = bounded(directory.path(), NOW + 31 * DAY_MS);
    eventually(&store, &[]);
    drop(store);
    assert_eq!(ids(&*open(directory.path()).unwrap()), [], "also after a kill");
}
