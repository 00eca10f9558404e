//! A disk that fills up: who is refused, who waits, what the reserve is good for, and that all goes on by itself.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use siaga::clock::ManualClock;
use siaga::ports::{Closing, Lsn, Part, Record, RowId, Store, StoreError, Writer};
use siaga::store::disk::{Disk, MachineDisk};
use siaga::store::{Journal, OpenError, Options};

use super::disk::SimDisk;
use super::world::{Seen, durable, get, inbox, open_on, options, put, record, value, wait};
use crate::support::{Parrot, Recording, START, TestApp, envelope, eventually as until, parrot_options, text};

const LEAST: u64 = 100_000;
const RESERVE: u64 = 4_000;

/// The disk is looked at once a second; a slow machine gets a minute.
fn eventually(what: &str, mut ready: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !ready() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn path() -> &'static Path {
    Path::new("/filling")
}

fn careful() -> Options {
    Options { free_bytes_min: LEAST, ..options(path()) }
}

fn reserving() -> Options {
    Options { reserve_bytes: RESERVE, ..options(path()) }
}

fn turn(parts: Vec<Part>) -> Record {
    Record { writer: Some(Writer { shard: 0, generation: 1 }), parts }
}

/// Appends as a session does, and waits.
fn turned(store: &Journal, parts: Vec<Part>) {
    store.append(turn(parts)).unwrap().durable.blocking_recv().unwrap();
}

fn is_full(outcome: &Result<(), StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Full(why)) if why.contains("disk"))
}

#[test]
fn with_little_room_messages_are_refused_turns_go_on_and_room_opens_the_door_again() {
    let disk = SimDisk::new(false);
    disk.set_free(10 * LEAST);
    let store = open_on(&disk, &careful()).unwrap();
    store.ready().unwrap();
    disk.set_free(LEAST - 1);
    eventually("the store is not ready", || is_full(&store.ready()));
    let refused = store.append(record(vec![Part::OpenInbox(inbox(1))])).map(drop);
    assert!(is_full(&refused), "{refused:?}");
    turned(&store, vec![put(1, "a turn")]);
    assert_eq!(get(&*store, 1), Some(value("a turn")));
    // A little more than the least is not enough: it would be refused and taken in turns.
    disk.set_free(LEAST + LEAST / 8);
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(is_full(&store.ready()));
    disk.set_free(2 * LEAST);
    eventually("the store is ready again", || store.ready().is_ok());
    durable(&*store, vec![Part::OpenInbox(inbox(1))]);
}

#[test]
fn without_room_the_table_is_not_asked_and_catches_up_when_there_is_some() {
    let disk = SimDisk::new(false);
    disk.set_free(10 * LEAST);
    let store = open_on(&disk, &careful()).unwrap();
    turned(&store, vec![put(1, "before")]);
    eventually("it is in the table", || store.overlay_entries() == 0);
    disk.set_free(LEAST / 2 - 5_000);
    let asked = disk.tree_batches();
    for number in 2..40 {
        turned(&store, vec![put(number, "meanwhile")]);
    }
    assert_eq!(disk.tree_batches(), asked, "the table was asked although there was no room");
    assert_eq!(get(&*store, 39), Some(value("meanwhile")), "what waits is read all the same");
    disk.set_free(10 * LEAST);
    eventually("the table has caught up", || store.overlay_entries() == 0);
    assert!(disk.tree_batches() > asked);
    wait(store.close());
    drop(store);
    assert_eq!(get(&*open_on(&disk.restart(None), &careful()).unwrap(), 39), Some(value("meanwhile")));
}

#[test]
fn a_store_without_room_for_its_table_still_closes_and_loses_nothing() {
    let disk = SimDisk::new(false);
    disk.set_free(10 * LEAST);
    let store = open_on(&disk, &careful()).unwrap();
    disk.set_free(LEAST / 2 - 1_000);
    turned(&store, vec![put(1, "in the journal")]);
    wait(store.close());
    drop(store);
    let next = disk.restart(Some(1));
    let refused = open_on(&next, &Options { free_bytes_min: 1 << 30, ..careful() }).err();
    assert!(matches!(refused, Some(OpenError::NoRoom { .. })), "{refused:?}");
    assert_eq!(get(&*open_on(&next, &careful()).unwrap(), 1), Some(value("in the journal")));
}

#[test]
fn a_full_disk_costs_the_reserve_then_the_journal_waits_and_goes_on() {
    let disk = SimDisk::new(false);
    let store = open_on(&disk, &reserving()).unwrap();
    let reserve = path().join("reserve");
    eventually("the reserve is made", || disk.has(&reserve));
    disk.set_free(0);
    turned(&store, vec![put(1, "out of the reserve")]);
    assert!(!disk.has(&reserve), "its room was needed");
    disk.set_free(0);
    let mut waiting = store.append(turn(vec![put(2, "waits")])).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(waiting.durable.try_recv().is_err(), "there was no room for it");
    assert!(!disk.dead(), "a full disk is not the end");
    disk.set_free(1 << 20);
    waiting.durable.blocking_recv().expect("it went on by itself");
    eventually("the reserve is made again", || disk.has(&reserve));
    drop(store);
    let store = open_on(&disk.restart(Some(3)), &reserving()).unwrap();
    assert_eq!((get(&*store, 1), get(&*store, 2)), (Some(value("out of the reserve")), Some(value("waits"))));
}

/// Every place at which the room can end: inside a record, at a rotation, before a mark.
#[test]
fn wherever_the_room_ends_nothing_is_lost_and_nothing_ends() {
    for free in (0..2_400).step_by(97) {
        let disk = SimDisk::new(false);
        let store = open_on(&disk, &options(path())).unwrap();
        disk.set_free(free);
        let tickets: Vec<_> = (0..20)
            .map(|number| store.append(turn(vec![put(number, "kept"), Part::OpenInbox(inbox(1))])).unwrap())
            .collect();
        // Some of it fits, then the journal waits.
        std::thread::sleep(Duration::from_millis(20));
        assert!(!disk.dead(), "free {free}: a full disk is not the end");
        disk.set_free(1 << 20);
        for ticket in tickets {
            ticket.durable.blocking_recv().unwrap_or_else(|_| panic!("free {free}: it does not go on"));
        }
        drop(store);
        let store = open_on(&disk.restart(Some(free)), &options(path())).unwrap();
        assert_eq!(store.attach(Arc::new(Seen::default())).inbox.len(), 20, "free {free}");
        assert!((0..20).all(|number| get(&*store, number) == Some(value("kept"))), "free {free}");
    }
}

#[test]
fn a_store_that_waits_for_room_can_be_closed_and_what_was_not_promised_may_go() {
    let disk = SimDisk::new(false);
    let store = open_on(&disk, &options(path())).unwrap();
    turned(&store, vec![put(1, "promised")]);
    disk.set_free(0);
    let waiting = store.append(turn(vec![put(2, "not promised")])).unwrap();
    wait(store.close());
    assert!(waiting.durable.blocking_recv().is_err());
    drop(store);
    disk.set_free(1 << 20);
    let store = open_on(&disk.restart(None), &options(path())).unwrap();
    assert_eq!((get(&*store, 1), get(&*store, 2)), (Some(value("promised")), None));
    assert!(store.attach(Arc::new(Seen::default())).inbox.is_empty());
    let row = RowId { lsn: Lsn(1), index: 0 };
    turned(&store, vec![Part::CloseInbox(row, Closing::Answered)]);
}

#[test]
fn a_start_on_a_full_disk_gives_the_reserve_up_to_recover() {
    let disk = SimDisk::new(false);
    disk.set_free(1 << 20);
    let both = Options { reserve_bytes: LEAST, ..careful() };
    let store = open_on(&disk, &both).unwrap();
    turned(&store, vec![put(1, "kept")]);
    eventually("the reserve is made", || disk.has(&path().join("reserve")));
    drop(store);
    let next = disk.restart(Some(1));
    next.set_free(100);
    let store = open_on(&next, &both).unwrap();
    assert_eq!(get(&*store, 1), Some(value("kept")));
    assert!(is_full(&store.ready()), "it recovers, and takes nothing yet");
    drop(store);
    let next = next.restart(None);
    next.set_free(100);
    let refused = open_on(&next, &both).err();
    assert!(matches!(refused, Some(OpenError::NoRoom { needed, .. }) if needed == LEAST / 4), "{refused:?}");
}

#[test]
fn the_machines_disk_says_what_is_free_and_a_reserve_takes_its_room() {
    let directory = tempfile::tempdir().unwrap();
    let free = MachineDisk.free_bytes(directory.path()).unwrap();
    assert!(free > 0 && free < u64::MAX);
    let file = MachineDisk.create(&directory.path().join("reserve")).unwrap();
    file.allocate(3 << 20).unwrap();
    let made = std::fs::metadata(directory.path().join("reserve")).unwrap();
    assert_eq!(made.len(), 3 << 20);
    let blocks = std::os::unix::fs::MetadataExt::blocks(&made);
    assert!(blocks * 512 >= 3 << 20, "a length alone holds no room: {blocks} blocks");
}

/// Until the page says this; gives its words.
async fn readyz(app: &TestApp, status: u16) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let (found, words) = app.ops("/readyz").await;
        if found == status {
            return words;
        }
        assert!(Instant::now() < deadline, "never {status}: {found} {words}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix_web::test]
async fn a_server_without_room_says_so_takes_nothing_and_goes_on_by_itself() {
    let (disk, channel) = (SimDisk::new(false), Arc::new(Recording::default()));
    disk.set_free(10 * LEAST);
    let store = open_on(&disk, &careful()).unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let app = TestApp::start(parrot_options(store, clock, channel.clone(), Arc::new(Parrot::default())));
    let post = |id| envelope(&[text(id, "6281200000042", id)]);
    assert_eq!(app.post(&post("wamid.before")).await, 200);
    app.at_rest().await;
    until("the reply", || channel.texts_to("+6281200000042").len() == 1).await;
    disk.set_free(LEAST - 1);
    let words = readyz(&app, 503).await;
    assert!(words.contains("the disk has less free than store.free_bytes_min"), "{words}");
    assert_eq!(app.post(&post("wamid.meanwhile")).await, 503, "Meta brings it again");
    disk.set_free(2 * LEAST);
    assert!(readyz(&app, 200).await.starts_with("ready"));
    assert_eq!(app.post(&post("wamid.meanwhile")).await, 200);
    app.at_rest().await;
    until("what came later is answered", || channel.texts_to("+6281200000042").len() == 2).await;
}
