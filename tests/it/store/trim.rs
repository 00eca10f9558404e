//! Exports, and what a trimmed journal must still know.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use siaga::domain::time::Timestamp;
use siaga::ports::{Attempt, Closing, DeadLetter, DeadReason, Lsn, Part, Recovered, RowId, Settlement, Store};
use siaga::store::{self, Journal, OpenError, Options};

use super::table::{rebuilds, values};
use super::world::{Seen, clock, durable, inbox, keys, outbox, put, sends, status, trimming, wait};

fn open(path: &Path) -> Result<Arc<Journal>, OpenError> {
    store::open(&trimming(path), &keys(), clock())
}

fn files(path: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|file| file.extension().is_some_and(|end| end == ending)).collect();
    files.sort();
    files
}

fn first_lsn(path: &Path) -> u64 {
    files(&path.join("journal"), "seg")[0].file_stem().unwrap().to_str().unwrap().parse().unwrap()
}

fn row(lsn: u64, index: u32) -> RowId {
    RowId { lsn: Lsn(lsn), index }
}

fn letter(byte: u8) -> Part {
    Part::DeadLetter(DeadLetter { at: Timestamp(0), reason: DeadReason::Poison, contact: None, body: vec![byte] })
}

/// Writes until the journal begins behind `lsn`.
pub(crate) fn until_trimmed(store: &Journal, path: &Path, lsn: u64) {
    for round in 0..10_000 {
        durable(store, (0..4).map(|number| put(number, &format!("round {round}"))).collect());
        if first_lsn(path) > lsn {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("ten thousand records and nothing was trimmed");
}

/// Rows, a status and a dead letter at the journal's beginning, some of them done with.
fn opened(store: &Journal) {
    let open = vec![
        Part::OpenInbox(inbox(1)),
        Part::OpenInbox(inbox(2)),
        Part::OpenOutbox(outbox(1, "first")),
        Part::OpenOutbox(outbox(2, "second")),
        Part::OpenOutbox(outbox(3, "third")),
        letter(7),
    ];
    assert_eq!(durable(store, open), 1);
    durable(store, vec![Part::Status(status("one")), Part::Status(status("two"))]);
    durable(
        store,
        vec![Part::CloseInbox(row(1, 0), Closing::Answered), Part::AttemptOutbox { row: row(1, 1), again: true }],
    );
    durable(store, vec![Part::CloseOutbox { row: row(1, 2), how: Settlement::Withdrawn }]);
}

fn attach(store: &Journal) -> Recovered {
    store.attach(Arc::new(Seen::default()))
}

#[test]
fn what_is_open_outlives_its_segment_under_its_own_id() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut store = open(path).unwrap();
    opened(&store);
    for _ in 0..3 {
        // Over and over: what was carried is carried again.
        let lsn = first_lsn(path).max(4);
        until_trimmed(&store, path, lsn + 40);
        drop(store);
        store = open(path).unwrap();
        let found = attach(&store);
        assert_eq!(found.inbox, [(row(1, 1), inbox(2))]);
        let sends = sends(&*store, found.outbox);
        assert_eq!(
            sends,
            [(row(1, 0), outbox(1, "first"), Attempt::Never), (row(1, 1), outbox(2, "second"), Attempt::Again)]
        );
        let statuses: Vec<_> = found.statuses.into_iter().map(|status| status.message.0).collect();
        assert_eq!(statuses, ["one", "two"]);
        let dead = wait(store.dead_letters()).unwrap();
        assert_eq!(dead.iter().map(|(id, head)| (*id, head.body_bytes)).collect::<Vec<_>>(), [(row(1, 0), 1)]);
        let letter = wait(store.dead_letter(row(1, 0))).unwrap().expect("it stands in a later segment now");
        assert_eq!((letter.body, letter.reason), (vec![7], DeadReason::Poison));
        assert_eq!(wait(store.dead_letter(row(1, 1))).unwrap(), None);
    }
    durable(
        &*store,
        vec![
            Part::CloseInbox(row(1, 1), Closing::Answered),
            Part::CloseOutbox { row: row(1, 0), how: Settlement::Stale },
        ],
    );
    durable(&*store, vec![Part::CloseOutbox { row: row(1, 1), how: Settlement::Stale }]);
    drop(store);
    let found = attach(&open(path).unwrap());
    assert!(found.inbox.is_empty() && found.outbox.is_empty() && found.statuses.is_empty(), "{found:?}");
}

/// How many rows to handle and to send [`trimmed`] leaves open.
pub(crate) fn opened_rows() -> (usize, usize) {
    (1, 2)
}

/// A trimmed store, closed; gives its values.
pub(crate) fn trimmed(path: &Path) -> super::table::Values {
    let store = open(path).unwrap();
    opened(&store);
    durable(&*store, (0..30).map(|number| put(100 + number, "from the beginning")).collect());
    until_trimmed(&store, path, 60);
    let values = values(&*store);
    wait(store.close());
    values
}

#[test]
fn a_trimmed_store_survives_any_damage_to_its_table() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let expected = trimmed(&path);
    assert!(expected.len() > 30);
    rebuilds(&path, &expected);
}

#[test]
fn two_exports_are_kept_and_the_older_one_is_enough() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let expected = trimmed(&path);
    let exports = files(&path.join("exports"), "export");
    assert_eq!(exports.len(), 2, "{exports:?}");
    let whole = fs::read(&exports[1]).unwrap();
    let mut touched = whole.clone();
    touched[whole.len() / 2] ^= 1;
    for damaged in [&touched[..], &whole[..whole.len() - 1], &[]] {
        fs::remove_dir_all(path.join("table")).unwrap();
        fs::write(&exports[1], damaged).unwrap();
        let store = open(&path).unwrap();
        assert_eq!(values(&*store), expected);
        assert_eq!(attach(&store).inbox.len(), 1);
        drop(store);
    }
    fs::write(&exports[0], b"").unwrap();
    fs::remove_dir_all(path.join("table")).unwrap();
    let refused = open(&path).err().expect("neither export reads");
    assert!(matches!(refused, OpenError::NoExport { .. }), "{refused}");
}

#[test]
fn no_value_is_in_an_export_in_the_clear() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    trimmed(&path);
    for file in files(&path.join("exports"), "export") {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(9).any(|window| window == b"beginning"), "{}", file.display());
    }
}

/// An export would let a segment of 64 MiB live on for its last few records.
#[test]
fn a_segment_is_begun_where_an_export_lets_the_journal_begin() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let roomy = Options { segment_bytes: 64 << 20, ..trimming(path) };
    let store = store::open(&roomy, &keys(), clock()).unwrap();
    opened(&store);
    until_trimmed(&store, path, 100);
    let values = values(&*store);
    wait(store.close());
    drop(store);
    let store = store::open(&roomy, &keys(), clock()).unwrap();
    assert_eq!(super::table::values(&*store), values);
    assert_eq!(attach(&store).inbox, [(row(1, 1), inbox(2))]);
}
