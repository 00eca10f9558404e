//! Archives: a whole store in one file, and a store made of it that is the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use siaga::domain::contact::ContactId;
use siaga::domain::keys::ServerKeys;
use siaga::domain::time::Timestamp;
use siaga::ports::{Attempt, Closing, DeadLetter, DeadReason, Key, Lsn, Part, RowId, Settlement, Store, Table, Value};
use siaga::store::{self, ArchiveError, Exported, Journal};

use super::world::{Seen, clock, durable, inbox, keys, outbox, put, status, trimming, wait};

fn open(path: &Path) -> Arc<Journal> {
    store::open(&trimming(path), &keys(), clock()).unwrap()
}

fn import(path: &Path, file: &Path) -> Result<Exported, ArchiveError> {
    store::import(&trimming(path), file, &keys(), clock())
}

fn row(lsn: u64, index: u32) -> RowId {
    RowId { lsn: Lsn(lsn), index }
}

fn letter(byte: u8) -> Part {
    let contact = Some(ContactId(3));
    Part::DeadLetter(DeadLetter { at: Timestamp(5), reason: DeadReason::Poison, contact, body: vec![byte; 9] })
}

/// Something of every kind, open and done with, old enough to have been carried.
fn filled(path: &Path) -> Arc<Journal> {
    let store = open(path);
    let open = vec![
        Part::OpenInbox(inbox(1)),
        Part::OpenInbox(inbox(2)),
        Part::OpenOutbox(outbox(1, "canary first")),
        Part::OpenOutbox(outbox(2, "canary second")),
        Part::OpenOutbox(outbox(3, "canary third")),
        letter(7),
        letter(8),
        Part::Timer { contact: ContactId(1), at: Some(Timestamp(77)) },
        Part::Timer { contact: ContactId(2), at: Some(Timestamp(78)) },
    ];
    assert_eq!(durable(&*store, open), 1);
    durable(&*store, vec![Part::Status(status("one")), Part::Timer { contact: ContactId(2), at: None }]);
    durable(
        &*store,
        vec![Part::CloseInbox(row(1, 0), Closing::Answered), Part::AttemptOutbox { row: row(1, 1), again: false }],
    );
    durable(&*store, vec![Part::CloseOutbox { row: row(1, 2), how: Settlement::Withdrawn }]);
    durable(&*store, vec![Part::CloseDeadLetter(row(1, 0))]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while path.join("journal/00000000000000000001.seg").exists() {
        assert!(Instant::now() < deadline, "nothing was trimmed");
        durable(&*store, (0..4).map(|number| put(number, "canary value")).collect());
    }
    // Not in the table yet, nor carried.
    durable(&*store, vec![put(9, "the newest"), Part::OpenInbox(inbox(4)), Part::Status(status("two")), letter(9)]);
    store
}

/// All that a start hands out and a reader sees.
#[derive(Debug, PartialEq)]
struct Shown {
    values: BTreeMap<Key, Value>,
    inbox: Vec<(RowId, ContactId)>,
    outbox: Vec<(RowId, ContactId, Attempt)>,
    timers: BTreeMap<ContactId, Timestamp>,
    statuses: Vec<String>,
    letters: BTreeMap<RowId, Vec<u8>>,
}

fn shown(store: &Journal) -> Shown {
    let found = store.attach(Arc::new(Seen::default()));
    let heads = wait(store.dead_letters()).unwrap();
    let body = |id: RowId| wait(store.dead_letter(id)).unwrap().unwrap().body;
    Shown {
        values: wait(store.scan(Table::Contact, Key::new())).unwrap().into_iter().collect(),
        inbox: found.inbox.iter().map(|(id, row)| (*id, row.contact)).collect(),
        outbox: found.outbox.iter().map(|send| (send.id, send.head.contact, send.attempted)).collect(),
        timers: found.timers.into_iter().collect(),
        statuses: found.statuses.into_iter().map(|status| status.message.0).collect(),
        letters: heads.into_iter().map(|(id, _)| (id, body(id))).collect(),
    }
}

fn state(path: &Path) -> String {
    let found = store::verify(path, &keys()).unwrap();
    assert!(found.all_holds(), "{found}");
    found.state.expect("a stopped store that holds tells its state")
}

/// A store, closed, and its archive.
fn archived(root: &Path) -> (PathBuf, PathBuf, Exported) {
    let (path, file) = (root.join("store"), root.join("archive"));
    let store = filled(&path);
    let exported = wait(store.export(file.clone())).unwrap();
    store.close_and_wait();
    (path, file, exported)
}

#[test]
fn a_store_made_of_an_archive_is_the_store_that_was_archived() {
    let root = tempfile::tempdir().unwrap();
    let (path, file, exported) = archived(root.path());
    assert_eq!(exported.state, state(&path), "nothing was written since");
    let copy = root.path().join("copy");
    assert_eq!(import(&copy, &file).unwrap(), exported);
    assert_eq!(exported.state, state(&copy));
    let expected = shown(&open(&path));
    assert_eq!((expected.inbox.len(), expected.outbox.len(), expected.letters.len()), (2, 2, 2));
    assert_eq!(expected.outbox, [(row(1, 0), ContactId(1), Attempt::Never), (row(1, 1), ContactId(2), Attempt::Once)]);
    assert_eq!(expected.statuses, ["one", "two"]);
    assert_eq!(shown(&open(&copy)), expected);
    // It goes on behind, also with its table gone: its export and journal are whole.
    let store = open(&copy);
    assert!(durable(&*store, vec![put(1, "goes on")]) > exported.lsn.0);
    store.close_and_wait();
    fs::remove_dir_all(copy.join("table")).unwrap();
    let again = open(&copy);
    assert_eq!(shown(&again).letters, expected.letters);
    again.close_and_wait();
    assert!(!root.path().join("copy.importing").exists() && !root.path().join("archive.draft").exists());
}

#[test]
fn an_archive_of_an_empty_store_is_one_too() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("archive");
    let store = open(&root.path().join("store"));
    let exported = wait(store.export(file.clone())).unwrap();
    assert_eq!((exported.keys, exported.rows), (0, 0));
    let copy = root.path().join("copy");
    fs::create_dir(&copy).unwrap();
    assert_eq!(import(&copy, &file).unwrap(), exported, "an empty directory is a place too");
    assert_eq!(state(&copy), exported.state);
}

#[test]
fn a_touched_archive_is_refused_with_file_and_offset_and_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (_, file, _) = archived(root.path());
    let whole = fs::read(&file).unwrap();
    let copy = root.path().join("copy");
    for at in (0..whole.len()).step_by(13) {
        let mut touched = whole.clone();
        touched[at] ^= 1 << (at % 8);
        fs::write(&file, &touched).unwrap();
        let refused = import(&copy, &file).expect_err("a flipped bit");
        let ArchiveError::Damaged { path, offset, .. } = &refused else { panic!("byte {at}: {refused}") };
        assert!(path == &file && *offset <= at as u64, "byte {at}: {refused}");
        assert!(refused.to_string().contains(&format!("`{}` cannot be read at offset {offset}", file.display())));
        assert!(!copy.exists() && !root.path().join("copy.importing").exists(), "byte {at}");
    }
    for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..cut]).unwrap();
        assert!(matches!(import(&copy, &file), Err(ArchiveError::Damaged { .. })), "cut at {cut}");
    }
}

#[test]
fn another_key_another_file_and_a_place_that_is_taken_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let (path, file, _) = archived(root.path());
    let copy = root.path().join("copy");
    let other = ServerKeys::derive(&[9; 32]);
    let refused = store::import(&trimming(&copy), &file, &other, clock()).expect_err("another key");
    assert!(refused.to_string().contains("sealed with key"), "{refused}");
    let own = fs::read_dir(path.join("exports")).unwrap().next().unwrap().unwrap().path();
    assert!(matches!(import(&copy, &own), Err(ArchiveError::Foreign { .. })), "a server's own export lacks the rows");
    assert!(matches!(import(&copy, &root.path().join("none")), Err(ArchiveError::Disk(_))));
    let taken = import(&path, &file).expect_err("there is a store");
    assert!(matches!(&taken, ArchiveError::NotEmpty { .. }), "{taken}");
    fs::create_dir(&copy).unwrap();
    fs::write(copy.join("anything"), b"x").unwrap();
    let taken = import(&copy, &file).expect_err("a file is there");
    assert!(taken.to_string().contains("`anything` is in it"), "{taken}");
    assert_eq!(fs::read_dir(&copy).unwrap().count(), 1, "and it was left alone");
    let store = open(&path);
    let exists = wait(store.export(file)).expect_err("the file is there");
    assert!(matches!(exists, ArchiveError::Exists(_)), "{exists}");
    let nowhere = wait(store.export(root.path().join("no/such/place"))).expect_err("no such directory");
    assert!(matches!(nowhere, ArchiveError::Disk(_)), "{nowhere}");
    durable(&*store, vec![put(1, "a failed export is no failure of the store")]);
}

#[test]
fn no_word_is_in_an_archive_in_the_clear() {
    let root = tempfile::tempdir().unwrap();
    let (_, file, _) = archived(root.path());
    let bytes = fs::read(&file).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"canary"));
}

#[test]
fn what_was_durable_when_an_archive_was_asked_for_is_in_it() {
    let root = tempfile::tempdir().unwrap();
    let store = open(&root.path().join("store"));
    for round in 0..200_u8 {
        // The first is being applied when the second is written, and the archive asked for.
        durable(&*store, vec![put(round % 7, "before")]);
        let lsn = durable(&*store, vec![put(round, "the newest")]);
        let exported = wait(store.export(root.path().join(format!("archive-{round}")))).unwrap();
        assert!(exported.lsn.0 >= lsn, "round {round}: {} of {lsn}", exported.lsn.0);
    }
    store.close_and_wait();
}

/// Ends whoever writes, also when the look at him fails.
struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_store_at_work_is_archived_and_looked_at_without_a_false_alarm() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let store = filled(&path);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut round = 0_u8;
            while !stop.load(Ordering::Relaxed) {
                round = round.wrapping_add(1);
                let delete = Part::Delete { table: Table::Contact, key: super::world::key(round % 7) };
                let lsn = durable(&*store, vec![put(round % 5, "busy"), delete, Part::OpenInbox(inbox(9)), letter(1)]);
                durable(
                    &*store,
                    vec![Part::CloseInbox(row(lsn, 0), Closing::Answered), Part::CloseDeadLetter(row(lsn, 0))],
                );
            }
        });
        let end = Ended(&stop);
        for round in 0..20 {
            let found = wait(store.look(true)).unwrap();
            assert!(found.all_holds(), "{found}");
            assert_eq!((found.state, found.torn_bytes), (None, 0));
            let file = root.path().join(format!("archive-{round}"));
            let exported = wait(store.export(file.clone())).unwrap();
            let copy = root.path().join(format!("copy-{round}"));
            assert_eq!(import(&copy, &file).unwrap(), exported, "as of one moment");
        }
        drop(end);
        writer.join().unwrap();
    });
    store.close_and_wait();
    assert!(store::verify(&path, &keys()).unwrap().all_holds());
}
