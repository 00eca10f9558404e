//! A server that starts again and again, and what it sets aside.

use std::path::Path;
use std::sync::Arc;

use siaga::clock::ManualClock;
use siaga::domain::time::Timestamp;
use siaga::ports::{DeadReason, Part, Store};
use siaga::store::{self, Journal, Options};

use super::world::{Seen, durable, inbox, keys, options, outbox, wait};

fn start(path: &Path, at_s: i64) -> Arc<Journal> {
    let clock = Arc::new(ManualClock::at(Timestamp(1_795_000_000_000 + at_s * 1_000)));
    store::open(&Options { crash_loop_starts: 3, ..options(path) }, &keys(), clock).unwrap()
}

fn waiting(store: &Journal) -> (usize, usize) {
    let recovered = store.attach(Arc::new(Seen::default()));
    (recovered.inbox.len(), recovered.outbox.len())
}

fn filled(path: &Path) {
    let store = start(path, 0);
    durable(&*store, vec![Part::OpenInbox(inbox(1)), Part::OpenInbox(inbox(2)), Part::OpenOutbox(outbox(1, "text"))]);
}

#[test]
fn the_third_start_within_a_minute_sets_aside_what_was_in_flight() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path());
    assert_eq!(waiting(&start(directory.path(), 20)), (2, 1), "the second start");
    let third = start(directory.path(), 40);
    assert_eq!(waiting(&third), (0, 1), "replies are not in question");
    durable(&*third, Vec::new());
    let dead = wait(third.dead_letters()).unwrap();
    assert_eq!(dead.iter().map(|(_, letter)| letter.reason).collect::<Vec<_>>(), [DeadReason::CrashLoop; 2]);
    assert_eq!(third.open_rows(), (0, 1));
    drop(third);
    let fourth = start(directory.path(), 50);
    assert_eq!(waiting(&fourth), (0, 1));
    assert_eq!(wait(fourth.dead_letters()).unwrap().len(), 2, "once");
}

#[test]
fn slow_restarts_and_closed_stores_are_no_crash_loop() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path());
    for round in 1..5 {
        assert_eq!(waiting(&start(directory.path(), round * 31)), (2, 1), "two a minute");
    }
    for _ in 0..4 {
        let store = start(directory.path(), 200);
        assert_eq!(waiting(&store), (2, 1), "closed in order");
        wait(store.close());
    }
}

#[test]
fn a_start_that_was_refused_in_order_is_no_crash() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path());
    let clock = || Arc::new(ManualClock::at(Timestamp(1_795_000_001_000)));
    let with = || Options { crash_loop_starts: 3, ..options(directory.path()) };
    for _ in 0..5 {
        let other = siaga::domain::keys::ServerKeys::derive(&[9; 32]);
        assert!(store::open(&with(), &other, clock()).is_err(), "another key");
    }
    let second = store::open(&with(), &keys(), clock()).unwrap();
    assert_eq!(waiting(&second), (2, 1), "an operator who tries again loses nobody's place");
}
