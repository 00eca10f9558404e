//! Rows that memory let go of: read back whole from wherever they stand now, or not at all.

use std::path::Path;
use std::sync::Arc;

use siaga::ports::{Lsn, OutboxRow, Part, RowId, Settlement, Store, StoreError};
use siaga::store;
use siaga::store::disk::Disk;

use super::disk::SimDisk;
use super::trim::until_trimmed;
use super::world::{Seen, clock, durable, keys, open_on, options, outbox, sends, trimming, wait};

fn id(lsn: u64, index: u32) -> RowId {
    RowId { lsn: Lsn(lsn), index }
}

fn read(store: &dyn Store, rows: &[RowId]) -> Result<Vec<(RowId, OutboxRow)>, StoreError> {
    let mut found = wait(store.outbox_rows(rows.to_vec()))?;
    found.sort_by_key(|(id, _)| *id);
    Ok(found)
}

#[test]
fn rows_are_read_back_wherever_trimming_has_carried_them() {
    let directory = tempfile::tempdir().unwrap();
    let open = || store::open(&trimming(directory.path()), &keys(), clock()).unwrap();
    let mut store = open();
    let _ = store.attach(Arc::new(Seen::default()));
    let mut expected = Vec::new();
    for contact in 0..20 {
        let (one, other) = (outbox(contact, &format!("first {contact}")), outbox(contact, &format!("then {contact}")));
        let lsn = durable(&*store, vec![Part::OpenOutbox(one.clone()), Part::OpenOutbox(other.clone())]);
        expected.extend([(id(lsn, 0), one), (id(lsn, 1), other)]);
    }
    let all: Vec<RowId> = expected.iter().map(|(id, _)| *id).collect();
    assert_eq!(read(&*store, &all).unwrap(), expected, "where they were born");
    for round in 0..3 {
        until_trimmed(&store, directory.path(), 20 + 100 * round);
        assert_eq!(read(&*store, &all).unwrap(), expected, "carried, round {round}");
        let gone = expected.remove(usize::try_from(round).unwrap());
        durable(&*store, vec![Part::CloseOutbox { row: gone.0, how: Settlement::Withdrawn }]);
        assert_eq!(read(&*store, &all).unwrap(), expected, "one that is closed is left out");
        drop(store);
        store = open();
        let found = store.attach(Arc::new(Seen::default())).outbox;
        let whole = found.iter().filter(|send| send.row.is_some()).count();
        assert_eq!(found.len(), expected.len());
        // None where the one that was whole is closed further on in the journal: its place is not given to another.
        assert!(whole <= 1, "a start keeps no more than a run: {whole}");
        let found: Vec<_> = sends(&*store, found).into_iter().map(|(id, row, _)| (id, row)).collect();
        assert_eq!(found, expected, "after a kill");
    }
}

#[test]
fn a_row_whose_bytes_have_changed_is_never_served() {
    let path = Path::new("/sim");
    let segment = path.join("journal").join(format!("{:020}.seg", 1));
    let (row, mut found, mut at) = (outbox(1, "what was said"), 0, 0);
    loop {
        let disk = SimDisk::new(false);
        let store = open_on(&disk, &options(path)).unwrap();
        let lsn = durable(&*store, vec![Part::OpenOutbox(row.clone())]);
        let mut bytes = disk.read(&segment).unwrap();
        let Some(byte) = bytes.get_mut(at) else { break };
        *byte ^= 1 << (at % 8);
        disk.put(&segment, &bytes);
        match read(&*store, &[id(lsn, 0)]) {
            // The flip was elsewhere: in the frame around it.
            Ok(rows) => assert_eq!(rows, [(id(lsn, 0), row.clone())], "byte {at}"),
            Err(refused) => {
                assert_eq!(refused, StoreError::Closed);
                drop(store);
                assert!(disk.dead(), "byte {at}: the process ends, and the next start names what is damaged");
                found += 1;
            }
        }
        at += 1;
    }
    assert!(found > 90, "only {found} of {at} flips were found");
}
