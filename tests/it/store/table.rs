//! The table behind the journal: followed, read from, durable at its checkpoints, and rebuilt when in doubt.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use siaga::domain::contact::ContactId;
use siaga::domain::time::Timestamp;
use siaga::ports::{Key, Part, Store, Table, Value};
use siaga::store::disk::{DirLock, Disk, DiskFailure, DiskFile, MachineDisk};
use siaga::store::tree::{Tree, TreeFault, open_sled};
use siaga::store::{Journal, Options, Progress};

use super::world::{Seen, append, durable, get, key, open, open_on, options, put, value, wait};

pub(crate) type Values = BTreeMap<Key, Value>;

pub(crate) fn values(store: &dyn Store) -> Values {
    wait(store.scan(Table::Contact, Key::new())).unwrap().into_iter().collect()
}

/// Until the applier has brought all into the table.
fn until_applied(store: &Journal) {
    while store.overlay_entries() > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A history with overwritten, deleted and many keys; gives what it leaves.
fn filled(store: &Journal, rounds: u8) -> Values {
    for round in 0..rounds {
        let parts = (0..40).map(|number| put(number, &format!("round {round} of {number}"))).collect();
        append(store, parts);
        append(store, vec![Part::Delete { table: Table::Contact, key: key(round % 40) }]);
    }
    durable(store, Vec::new());
    values(store)
}

#[test]
fn values_leave_the_overlay_and_are_read_from_the_table() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let before = filled(&store, 50);
    until_applied(&store);
    assert_eq!(values(&*store), before);
    assert_eq!(get(&*store, 3), Some(value("round 49 of 3")));
    assert_eq!(get(&*store, 9), None, "deleted in the last round");
    durable(&*store, vec![put(3, "newer"), Part::Delete { table: Table::Contact, key: key(4) }]);
    assert_eq!(get(&*store, 3), Some(value("newer")));
    assert_eq!(get(&*store, 4), None);
}

#[test]
fn timers_rest_in_the_table_and_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let timer = |contact, at: Option<i64>| Part::Timer { contact: ContactId(contact), at: at.map(Timestamp) };
    let store = open(directory.path()).unwrap();
    durable(&*store, vec![timer(1, Some(10)), timer(2, Some(20)), timer(3, Some(30))]);
    until_applied(&store);
    durable(&*store, vec![timer(2, None), timer(3, Some(31))]);
    wait(store.close());
    drop(store);
    let store = open(directory.path()).unwrap();
    durable(&*store, vec![timer(4, Some(40))]);
    let found: BTreeMap<_, _> = store.attach(Arc::new(Seen::default())).timers.into_iter().collect();
    let expected = [(1, 10), (3, 31), (4, 40)].map(|(contact, at)| (ContactId(contact), Timestamp(at)));
    assert_eq!(found, expected.into());
}

/// The machine's disk, on which a store that gives up does not take the tests with it.
#[derive(Default)]
struct Survivor {
    progress: Progress,
    /// What it said whenever a file was read.
    said: Mutex<Vec<String>>,
}

impl Disk for Survivor {
    fn create_dir(&self, path: &Path) -> std::io::Result<()> {
        MachineDisk.create_dir(path)
    }
    fn lock(&self, path: &Path) -> std::io::Result<Box<dyn DirLock>> {
        MachineDisk.lock(path)
    }
    fn create(&self, path: &Path) -> std::io::Result<Box<dyn DiskFile>> {
        MachineDisk.create(path)
    }
    fn open(&self, path: &Path) -> std::io::Result<Box<dyn DiskFile>> {
        Disk::open(&MachineDisk, path)
    }
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        self.said.lock().unwrap().extend(self.progress.now());
        MachineDisk.read(path)
    }
    fn read_at(&self, path: &Path, offset: u64, len: usize) -> std::io::Result<Vec<u8>> {
        MachineDisk.read_at(path, offset, len)
    }
    fn list(&self, path: &Path) -> std::io::Result<Vec<String>> {
        MachineDisk.list(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        MachineDisk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> std::io::Result<()> {
        MachineDisk.remove(path)
    }
    fn sync_dir(&self, path: &Path) -> std::io::Result<()> {
        MachineDisk.sync_dir(path)
    }
    fn open_tree(&self, path: &Path, cache_bytes: u64) -> Result<Arc<dyn Tree>, TreeFault> {
        MachineDisk.open_tree(path, cache_bytes)
    }
    fn set_tree_aside(&self, path: &Path, aside: &Path) -> std::io::Result<()> {
        MachineDisk.set_tree_aside(path, aside)
    }
    fn give_up(&self, _failure: &DiskFailure) {}
}

/// What a server finds, if it has to start again because its table fails in use, too.
fn found_after(path: &Path) -> Values {
    for _ in 0..3 {
        let store = open_on(&Arc::new(Survivor::default()), &options(path)).unwrap();
        if let Ok(found) = wait(store.scan(Table::Contact, Key::new())) {
            return found.into_iter().collect();
        }
    }
    panic!("three starts and the table is still broken");
}

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

fn table_files(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path.join("table")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|entry| entry.is_file()).collect()
}

/// Every file of the table deleted, cut and flipped; each time the state must be the one that was promised.
pub(crate) fn rebuilds(path: &Path, expected: &Values) {
    let directory = tempfile::tempdir().unwrap();
    let files = table_files(path);
    assert!(files.len() >= 2, "sled keeps a file and its settings: {files:?}");
    let mut case = 0;
    let mut harm = |name: &Path, bytes: Option<Vec<u8>>, what: &str| {
        case += 1;
        let broken = directory.path().join(case.to_string());
        copy(path, &broken);
        let file = broken.join("table").join(name);
        match bytes {
            Some(bytes) => fs::write(&file, bytes).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        assert_eq!(&found_after(&broken), expected, "{what} {}", name.display());
        fs::remove_dir_all(broken).unwrap();
    };
    for file in files {
        let (bytes, name) = (fs::read(&file).unwrap(), PathBuf::from(file.file_name().unwrap()));
        harm(&name, None, "deleted");
        for cut in [0, bytes.len() / 3, bytes.len() / 2, bytes.len().saturating_sub(1)] {
            harm(&name, Some(bytes[..cut].to_vec()), &format!("cut to {cut}"));
        }
        let places = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect::<Vec<_>>();
        for at in places.iter().step_by((places.len() / 24).max(1)) {
            let mut touched = bytes.clone();
            touched[*at] ^= 0x20;
            harm(&name, Some(touched), &format!("byte {at} flipped in"));
        }
    }
}

#[test]
fn any_damaged_file_of_the_table_is_found_and_the_table_rebuilt() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let store = open(&path).unwrap();
    let expected = filled(&store, 60);
    wait(store.close());
    drop(store);
    rebuilds(&path, &expected);
}

#[test]
fn a_table_behind_its_checkpoint_is_rebuilt() {
    let directory = tempfile::tempdir().unwrap();
    let (path, older) = (directory.path().join("store"), directory.path().join("older"));
    let store = open(&path).unwrap();
    filled(&store, 3);
    wait(store.close());
    drop(store);
    copy(&path.join("table"), &older);
    let store = open(&path).unwrap();
    let expected = filled(&store, 8);
    wait(store.close());
    drop(store);
    fs::remove_dir_all(path.join("table")).unwrap();
    copy(&older, &path.join("table"));
    assert_eq!(found_after(&path), expected);
    assert!(path.join("table.aside").is_dir(), "kept to be looked at");
}

#[test]
fn what_an_interrupted_start_of_sled_left_is_cleared() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let expected = filled(&store, 3);
    wait(store.close());
    drop(store);
    let draft = directory.path().join("table/snap.00000000FFFFFFFF.generating");
    fs::write(&draft, b"half a snapshot").unwrap();
    let store = open(directory.path()).unwrap();
    assert!(!draft.exists());
    assert!(!directory.path().join("table.aside").exists(), "the table is whole and stays");
    assert_eq!(values(&*store), expected);
}

/// Not a test by itself: what the next one watches. `flush` or `sync`, and where.
#[test]
#[ignore = "started by the test below under strace"]
fn sled_child() {
    let path = PathBuf::from(std::env::var("SIAGA_TREE").unwrap());
    let ours = std::env::var("SIAGA_SYNC").unwrap() == "ours";
    if ours {
        let tree = open_sled(&path, 8 << 20).unwrap();
        fs::write(path.join("marker-begin"), b"").unwrap();
        tree.apply(&[(b"key", Some(b"value"))]).unwrap();
        tree.sync().unwrap();
    } else {
        let db = sled::Config::default().path(&path).flush_every_ms(None).open().unwrap();
        fs::write(path.join("marker-begin"), b"").unwrap();
        db.insert(b"key", b"value").unwrap();
        db.flush().unwrap();
        fs::write(path.join("marker-end"), b"").unwrap();
        std::process::exit(0);
    }
    fs::write(path.join("marker-end"), b"").unwrap();
    std::process::exit(0);
}

/// fsync and fdatasync calls between the child's two marks.
fn syncs(ours: &str) -> usize {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("calls");
    let status = Command::new("strace")
        .args(["-f", "-e", "trace=fsync,fdatasync,openat,sync_file_range", "-o"])
        .arg(&log)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "store::table::sled_child", "--ignored", "--test-threads=1"])
        .env("SIAGA_TREE", directory.path().join("tree"))
        .env("SIAGA_SYNC", ours)
        .output()
        .expect("strace is installed (.ci/run does)");
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    let calls = fs::read_to_string(&log).unwrap();
    let (_, after) = calls.split_once("marker-begin").expect("the first mark");
    let (between, _) = after.split_once("marker-end").expect("the second mark");
    assert!(between.contains("sync_file_range"), "sled has written: {between}");
    between.lines().filter(|line| line.contains(" fsync(") || line.contains(" fdatasync(")).count()
}

#[test]
fn a_flush_of_sled_is_no_fsync_and_ours_makes_one() {
    assert_eq!(syncs("sled's"), 0, "sled's flush makes no fsync");
    assert!(syncs("ours") >= 2, "file and directory");
}

#[test]
fn a_start_says_how_far_its_recovery_has_come() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    for number in 0..60 {
        durable(&*store, vec![put(number, "each in a group of its own")]);
    }
    drop(store);
    let segments = fs::read_dir(directory.path().join("journal")).unwrap().count();
    assert!(segments > 4);
    let watched = Arc::new(Survivor::default());
    let options = Options { progress: watched.progress.clone(), ..options(directory.path()) };
    let store = open_on(&watched, &options).unwrap();
    let said = watched.said.lock().unwrap().clone();
    let last = said.last().expect("it said something");
    assert!(said[0].starts_with(&format!("recovering, segment 0 of {segments} (0 %)")), "{said:?}");
    assert!(last.starts_with(&format!("recovering, segment {} of", segments - 1)), "it goes on: {said:?}");
    assert_eq!(watched.progress.now(), None, "and says nothing when it is done");
    drop(store);
}
