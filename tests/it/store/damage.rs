//! A damaged journal: found and named, or harmless; never served.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use siaga::domain::keys::ServerKeys;
use siaga::ports::{Key, Lsn, Part, Store, Table, Value};
use siaga::store::disk::Disk;
use siaga::store::{self, Hole, OpenError, Options};

use super::disk::SimDisk;
use super::world::{Seen, append, clock, durable, get, inbox, keys, open, open_on, options, outbox, put, value, wait};

fn segments(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(path.join("journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Records over several segments, each its own group.
fn filled(path: &Path, records: u8) {
    let store = open(path).unwrap();
    for number in 0..records {
        durable(&*store, vec![put(number, "a value"), Part::OpenInbox(inbox(number.into()))]);
    }
    wait(store.close());
}

type State = (Vec<(Key, Value)>, usize);

/// What a start hands out.
fn shown(store: &dyn Store) -> State {
    let rows = store.attach(Arc::new(Seen::default())).inbox.len();
    (wait(store.scan(Table::Contact, Key::new())).unwrap(), rows)
}

/// The files of a directory, by name.
fn files(disk: &SimDisk, directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut names = disk.list(directory).unwrap();
    names.sort();
    names.iter().map(|name| directory.join(name)).map(|path| (path.clone(), disk.read(&path).unwrap())).collect()
}

#[test]
fn any_flipped_byte_is_found_or_harms_nothing() {
    let root = Path::new("/sim");
    let whole = SimDisk::new(false);
    let store = open_on(&whole, &options(root)).unwrap();
    for number in 0..12 {
        durable(&*store, vec![put(number, "a value"), Part::OpenInbox(inbox(number.into()))]);
    }
    wait(store.close());
    drop(store);
    let store = open_on(&whole, &options(root)).unwrap();
    let expected = shown(&*store);
    wait(store.close());
    let card = whole.read(&root.join("store.id")).unwrap();
    let journal = files(&whole, &root.join("journal"));
    assert!(journal.len() > 1, "the history crosses segments");
    let mut refused = 0;
    for (harmed, bytes) in &journal {
        for at in 0..bytes.len() {
            let broken = SimDisk::new(false);
            broken.put(&root.join("store.id"), &card);
            for (path, bytes) in &journal {
                let mut bytes = bytes.clone();
                if path == harmed {
                    bytes[at] ^= 1 << (at % 8);
                }
                broken.put(path, &bytes);
            }
            match open_on(&broken, &options(root)) {
                Ok(store) => assert_eq!(shown(&*store), expected, "byte {at} of {}", harmed.display()),
                Err(OpenError::Holes(_)) => refused += 1,
                Err(other) => panic!("byte {at} of {}: {other}", harmed.display()),
            }
        }
    }
    assert!(refused > 1_000, "only {refused} flips were refused");
}

#[test]
fn a_torn_tail_is_cut_and_the_journal_goes_on_behind_it() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 5);
    let last = segments(directory.path()).pop().unwrap();
    let whole = fs::read(&last).unwrap();
    // Half a frame, a frame's worth of zeros with something behind, and plain noise.
    for tail in [&whole[40..70], &[&[0_u8; 90][..], b"x"].concat(), b"noise"] {
        let mut bytes = whole.clone();
        bytes.extend_from_slice(tail);
        fs::write(&last, bytes).unwrap();
        let store = open(directory.path()).unwrap();
        let lsn = durable(&*store, vec![put(99, "after")]);
        assert!(lsn >= 6, "nothing that was promised is written over");
        drop(store);
        let store = open(directory.path()).unwrap();
        assert_eq!(get(&*store, 4), Some(value("a value")));
        assert_eq!(get(&*store, 99), Some(value("after")));
    }
}

#[test]
fn a_missing_segment_stops_the_start_until_exactly_its_loss_is_accepted() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 30);
    let files = segments(directory.path());
    assert!(files.len() > 3);
    fs::remove_file(&files[1]).unwrap();
    let first = |file: &Path| file.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
    let (from, to) = (first(&files[1]), first(&files[2]) - 1);
    let refused = open(directory.path()).err().expect("a hole is refused");
    let OpenError::Holes(holes) = &refused else { panic!("{refused}") };
    assert_eq!(holes[..], [Hole { from: Lsn(from), to: Lsn(to), path: files[2].clone(), offset: 0 }]);
    assert!(refused.to_string().contains(&format!("lsn {from}..{to}")), "{refused}");
    assert!(refused.to_string().ends_with(&format!(": siaga serve --accept-loss {from}..{to}")), "{refused}");
    let with = |loss| Options { accept_loss: vec![loss], ..options(directory.path()) };
    assert!(store::open(&with(from..=to - 1), &keys(), clock()).is_err(), "less than what is missing was accepted");
    // The table may hold what the journal lost; here it has to be rebuilt and cannot.
    fs::remove_dir_all(directory.path().join("table")).unwrap();
    let store = store::open(&with(from..=to), &keys(), clock()).unwrap();
    assert_eq!(get(&*store, u8::try_from(to).unwrap()), Some(value("a value")), "what follows the hole is there");
    assert_eq!(get(&*store, u8::try_from(from - 1).unwrap()), None);
    drop(store);
    open(directory.path()).expect("a loss is accepted once");
}

#[test]
fn the_first_segment_is_missed_too() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 30);
    fs::remove_file(&segments(directory.path())[0]).unwrap();
    assert!(matches!(open(directory.path()), Err(OpenError::Holes(_))));
}

#[test]
fn a_second_server_is_refused_and_may_come_when_the_first_has_gone() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    let refused = open(directory.path()).err().expect("locked");
    assert!(matches!(refused, OpenError::Locked { .. }), "{refused}");
    assert!(refused.to_string().contains(directory.path().to_str().unwrap()));
    wait(first.close());
    open(directory.path()).expect("closed and free");
    drop(first);
}

#[test]
fn another_key_is_a_clear_message() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 1);
    let other = ServerKeys::derive(&[8; 32]);
    let refused = store::open(&options(directory.path()), &other, clock()).err().expect("another key");
    assert!(matches!(refused, OpenError::OtherKey { .. }), "{refused}");
}

#[test]
fn a_segment_of_another_store_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (ours, other) = (directory.path().join("ours"), directory.path().join("other"));
    filled(&ours, 3);
    filled(&other, 3);
    fs::copy(&segments(&other)[0], &segments(&ours)[0]).unwrap();
    let refused = open(&ours).err().expect("a foreign segment");
    assert!(matches!(refused, OpenError::Unreadable { offset: 0, .. }), "{refused}");
}

#[test]
fn no_word_of_a_citizen_is_on_the_disk_in_the_clear() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    append(&*store, vec![put(1, "canary-value"), Part::OpenOutbox(outbox(1, "canary-reply"))]);
    wait(store.close());
    for file in segments(directory.path()) {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"canary"), "{}", file.display());
        assert!(!bytes.windows(8).any(|window| window == b"81200000"), "{}", file.display());
    }
}
