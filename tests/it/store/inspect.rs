//! `stats` and `verify` on closed stores: counted, found, nothing changed.

use std::fs;
use std::path::{Path, PathBuf};

use siaga::actors::session::record::ContactRecord;
use siaga::actors::session::revisions::Revisions;
use siaga::domain::contact::ContactId;
use siaga::domain::keys::ServerKeys;
use siaga::domain::time::Timestamp;
use siaga::ports::{Closing, Lsn, Part, RowId, Settlement, Store, Table};
use siaga::store::{self, Broken, Findings, Journal, OpenError, verify_with};

use super::world::{durable, inbox, key, keys, open, outbox, put, status, wait};

fn journal_files(store: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(store.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    files.sort();
    files
}

/// Two keys in the end, one row of each kind open.
fn filled(path: &Path) {
    let store = open(path).unwrap();
    for round in 0..10 {
        durable(&*store, vec![put(round % 3, "a value"), Part::OpenInbox(inbox(1)), Part::Status(status("m"))]);
    }
    durable(&*store, vec![Part::Delete { table: Table::Contact, key: key(0) }]);
    let row = |lsn| RowId { lsn: Lsn(lsn), index: 0 };
    for lsn in 1..10 {
        durable(&*store, vec![Part::CloseInbox(row(lsn), Closing::Answered), Part::OpenOutbox(outbox(1, "a reply"))]);
    }
    for lsn in 12..20 {
        durable(&*store, vec![Part::CloseOutbox { row: row(lsn), how: Settlement::Withdrawn }]);
    }
    durable(&*store, vec![Part::Timer { contact: ContactId(1), at: Some(Timestamp(5)) }]);
    durable(&*store, vec![Part::Timer { contact: ContactId(1), at: None }]);
    wait(store.close());
}

#[test]
fn a_closed_store_is_counted_and_left_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path());
    let before = journal_files(directory.path());
    let found = store::verify(directory.path(), &keys()).unwrap();
    assert!(found.all_holds(), "{found}");
    // sled tidies its own files whenever it is opened.
    let stats = store::stats(directory.path(), &keys()).unwrap();
    assert_eq!(found, store::Findings { table_bytes: found.table_bytes, ..stats });
    assert_eq!((found.records, found.next), (30, Lsn(31)));
    assert_eq!((found.live_keys, found.open_inbox, found.open_outbox), (2, 1, 1));
    assert_eq!(found.parts["put"].0, 10);
    assert_eq!(found.segments, before.len() as u64);
    assert_eq!(found.journal_bytes, before.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>());
    assert!(found.to_string().ends_with("all holds"), "{found}");
    assert_eq!(before, journal_files(directory.path()));
}

#[test]
fn damage_is_listed_and_not_mended() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path());
    let (file, mut touched) = journal_files(directory.path()).swap_remove(1);
    // Inside the second record of the segment, behind its start frame.
    touched[47 + 250] ^= 1;
    fs::write(&file, &touched).unwrap();
    let found = store::verify(directory.path(), &keys()).unwrap();
    assert_eq!(found.holes.len(), 1, "{found}");
    assert_eq!(found.holes[0].path, file);
    assert!(found.to_string().contains(file.to_str().unwrap()) && !found.all_holds(), "{found}");
    assert_eq!(found.records, 29, "what is whole is still counted");
    assert_eq!(fs::read(&file).unwrap(), touched);
}

#[test]
fn a_broken_seal_under_a_good_checksum_is_found_by_verify() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    durable(&*store, vec![put(1, "a value")]);
    wait(store.close());
    let (file, mut bytes) = journal_files(directory.path()).remove(0);
    // The last byte of the first record is that of its tag; the frame is then made whole again.
    let offset = 21 + 26;
    let end = offset + 21 + u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap()) as usize;
    bytes[end - 1] ^= 1;
    let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[offset..offset + 4]), &bytes[offset + 8..end]);
    bytes[offset + 4..offset + 8].copy_from_slice(&crc.to_le_bytes());
    fs::write(&file, &bytes).unwrap();
    assert!(store::stats(directory.path(), &keys()).unwrap().all_holds(), "stats opens no seal");
    let found = store::verify(directory.path(), &keys()).unwrap();
    let [Broken { lsn, path, offset: at, reason }] = &found.broken[..] else { panic!("{found}") };
    assert_eq!((*lsn, path, *at), (Lsn(1), &file, offset as u64));
    assert!(reason.contains("seal is broken"), "{reason}");
}

#[test]
fn a_running_store_another_key_and_no_store_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(store::verify(directory.path(), &keys()), Err(OpenError::Disk(_))), "no store is made by looking");
    assert!(fs::read_dir(directory.path()).unwrap().next().is_none());
    let running = open(directory.path()).unwrap();
    assert!(matches!(store::stats(directory.path(), &keys()), Err(OpenError::Locked { .. })));
    wait(running.close());
    let other = ServerKeys::derive(&[9; 32]);
    assert!(matches!(store::verify(directory.path(), &other), Err(OpenError::OtherKey { .. })));
}

#[test]
fn a_table_that_lost_a_value_is_found_by_verify() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    durable(&*store, vec![put(1, "a value"), put(2, "another")]);
    wait(store.close());
    drop(store);
    assert!(store::verify(directory.path(), &keys()).unwrap().all_holds());
    let table = directory.path().join("table");
    let full_key = [&[Table::Contact as u8], key(1).as_slice()].concat();
    siaga::store::tree::open_sled(&table, 1 << 20).unwrap().apply(&[(&full_key, None)]).unwrap();
    let found = store::verify(directory.path(), &keys()).unwrap();
    let [Broken { lsn, path, .. }] = &found.broken[..] else { panic!("{found}") };
    assert_eq!((*lsn, path), (Lsn(1), &table));
}

#[test]
fn a_contacts_turn_that_is_missing_is_found_by_its_revision() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let turn = |contact: u64, rev| {
        let record = ContactRecord { rev, ..ContactRecord::default() };
        Part::Put { table: Table::Contact, key: ContactRecord::key(ContactId(contact)), value: record.encode() }
    };
    let forget = |contact: u64| Part::Delete { table: Table::Contact, key: ContactRecord::key(ContactId(contact)) };
    for part in [turn(1, 5), turn(2, 1), turn(1, 6), turn(2, 2), forget(2), turn(2, 1)] {
        durable(&*store, vec![part]);
    }
    let look = |store: &Journal| {
        let mut revisions = Revisions::default();
        wait(store.look_with(true, Box::new(move |_, part| revisions.judge(part)))).unwrap()
    };
    assert!(look(&store).all_holds(), "the first may be any, and who was forgotten begins anew");
    durable(&*store, vec![turn(1, 8)]);
    let reasons = |found: &Findings| found.broken.iter().map(|broken| broken.reason.clone()).collect::<Vec<_>>();
    let expected = ["revision 8 of contact 1 follows 6"];
    assert_eq!(reasons(&look(&store)), expected, "while it runs");
    store.close_and_wait();
    let mut revisions = Revisions::default();
    let found = verify_with(directory.path(), &keys(), &mut |_, part| revisions.judge(part)).unwrap();
    assert_eq!((reasons(&found), found.broken[0].lsn), (expected.map(str::to_owned).to_vec(), Lsn(7)));
}
