//! The small files beside journal and table: whatever happens to one of them, the store opens with all it had.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use siaga::domain::keys::ServerKeys;
use siaga::ports::Store;
use siaga::store::{self, OpenError, verify};

use super::table::{Values, values};
use super::trim::{opened_rows, trimmed};
use super::world::{Seen, clock, durable, keys, put, trimming, wait};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let target = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            fs::copy(&entry, target).unwrap();
        }
    }
}

/// A file as it may be found: gone, empty, cut, flipped, or something else altogether.
fn damages(bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut flipped = bytes.to_vec();
    if let Some(byte) = flipped.get_mut(bytes.len() / 2) {
        *byte ^= 0x41;
    }
    let cut = bytes[..bytes.len() / 2].to_vec();
    vec![None, Some(Vec::new()), Some(cut), Some(flipped), Some(vec![0xff; 40]), Some(b"not what it was\n".to_vec())]
}

fn state_files(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<PathBuf> = entries.filter(|entry| entry.is_file()).collect();
    for name in ["starts", "accepted-losses", "table.suspect", "reserve"] {
        names.push(path.join(name));
    }
    names.sort();
    names.dedup();
    names
}

fn opens_with_all(path: &Path, expected: &Values, what: &str) {
    let store = store::open(&trimming(path), &keys(), clock()).unwrap_or_else(|fault| panic!("{what}: {fault}"));
    assert_eq!(&values(&*store), expected, "{what}");
    let found = store.attach(Arc::new(Seen::default()));
    assert_eq!((found.inbox.len(), found.outbox.len()), opened_rows(), "{what}");
    durable(&*store, vec![put(250, "goes on")]);
    wait(store.close());
}

#[test]
fn whatever_happens_to_a_state_file_the_store_opens_with_all_it_had() {
    let directory = tempfile::tempdir().unwrap();
    let whole = directory.path().join("whole");
    let expected = trimmed(&whole);
    let names = state_files(&whole);
    assert!(
        names.iter().any(|name| name.ends_with("checkpoint")) && names.iter().any(|name| name.ends_with("store.id"))
    );
    for name in names {
        let name = name.file_name().unwrap();
        let bytes = fs::read(whole.join(name)).unwrap_or_default();
        for (case, damage) in damages(&bytes).into_iter().enumerate() {
            let path = directory.path().join(format!("{}-{case}", name.display()));
            copy(&whole, &path);
            match damage {
                Some(bytes) => fs::write(path.join(name), bytes).unwrap(),
                None => drop(fs::remove_file(path.join(name))),
            }
            let what = format!("{} in case {case}", name.display());
            opens_with_all(&path, &expected, &what);
            let mut after = expected.clone();
            after.insert(super::world::key(250), super::world::value("goes on"));
            // The next start finds all in order: nothing is set aside again.
            drop(fs::remove_dir_all(path.join("table.aside")));
            opens_with_all(&path, &after, &format!("{what}, the start after it"));
            assert!(!path.join("table.aside").exists(), "{what}: rebuilt again and again");
            let findings = verify(&path, &keys()).unwrap();
            assert!(findings.all_holds(), "{what}: {findings}");
            fs::remove_dir_all(path).unwrap();
        }
    }
}

#[test]
fn a_damaged_card_does_not_let_another_key_in() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    trimmed(&path);
    fs::remove_file(path.join("store.id")).unwrap();
    let other = ServerKeys::derive(&[8; 32]);
    let refused = store::open(&trimming(&path), &other, clock()).err();
    assert!(matches!(refused, Some(OpenError::OtherKey { .. })), "{refused:?}");
    store::open(&trimming(&path), &keys(), clock()).expect("the right key opens it all the same");
}

#[test]
fn a_damaged_checkpoint_is_told_by_verify() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    trimmed(&path);
    fs::write(path.join("checkpoint"), b"siaga checkpoint\n").unwrap();
    let findings = verify(&path, &keys()).unwrap();
    let broken: Vec<_> = findings.broken.iter().map(|broken| broken.path.clone()).collect();
    assert_eq!(broken, [path.join("checkpoint")], "{findings}");
}
