//! What each shard has in hand, in a small file beside the store: one slot a shard, written in place.
//!
//! Never synced: it has to outlive the process, not the machine, and the kernel's page cache does. A write of a
//! few dozen bytes is well below a microsecond. A slot whose checksum does not hold says nothing.

use std::path::Path;
use std::sync::Arc;

use super::disk::{Disk, DiskFailure, DiskFile, MachineDisk};
use crate::domain::call::CallId;
use crate::domain::contact::ContactId;
use crate::ports::{Hands, Held, Lsn, RowId, Troubling};

const FILE: &str = "in-hand";
const SLOT: usize = 32;
const EMPTY: [u8; SLOT] = [0; SLOT];

const ROW: u8 = 1;
const ANSWER: u8 = 2;
const WAKE: u8 = 3;

struct HandsFile {
    file: Box<dyn DiskFile>,
    left: Vec<Held>,
}

/// Opens the file in the store's directory, which must be there and this process's own.
pub fn open_hands(store: &Path) -> Result<Arc<dyn Hands>, DiskFailure> {
    let disk = MachineDisk;
    let path = store.join(FILE);
    let (file, bytes) = match disk.read(&path) {
        Ok(bytes) => (disk.open(&path).map_err(DiskFailure::of("open", &path))?, bytes),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
            (disk.create(&path).map_err(DiskFailure::of("create", &path))?, Vec::new())
        }
        Err(fault) => return Err(DiskFailure::of("read", &path)(fault)),
    };
    let left = bytes.chunks_exact(SLOT).filter_map(read).collect();
    Ok(Arc::new(HandsFile { file, left }))
}

impl Hands for HandsFile {
    fn hold(&self, shard: u16, held: Option<Held>) {
        let slot = held.map_or(EMPTY, write);
        if let Err(fault) = self.file.write_at(u64::from(shard) * SLOT as u64, &slot) {
            // Without it a crash loop is only ended by the start marks; nobody is refused for that.
            tracing::warn!(error = %fault, "what is in hand could not be noted");
        }
    }

    fn left_behind(&self) -> Vec<Held> {
        self.left.clone()
    }

    fn forget(&self) {
        if let Err(fault) = self.file.set_len(0) {
            tracing::warn!(error = %fault, "what was in hand cannot be forgotten; it may be counted again");
        }
    }
}

fn write(held: Held) -> [u8; SLOT] {
    let (kind, number, index) = match held.what {
        Troubling::Row(row) => (ROW, row.lsn.0, row.index),
        Troubling::Answer(call) => (ANSWER, call.0, 0),
        Troubling::Wake => (WAKE, 0, 0),
    };
    let mut slot = EMPTY;
    slot[0] = kind;
    slot[4..8].copy_from_slice(&index.to_le_bytes());
    slot[8..16].copy_from_slice(&held.contact.0.to_le_bytes());
    slot[16..24].copy_from_slice(&number.to_le_bytes());
    let check = crc32c::crc32c(&slot[..24]);
    slot[24..28].copy_from_slice(&check.to_le_bytes());
    slot
}

fn read(slot: &[u8]) -> Option<Held> {
    let eight = |at: usize| slot.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    let four = |at: usize| slot.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    if four(24)? != crc32c::crc32c(slot.get(..24)?) {
        return None;
    }
    let what = match *slot.first()? {
        ROW => Troubling::Row(RowId { lsn: Lsn(eight(16)?), index: four(4)? }),
        ANSWER => Troubling::Answer(CallId(eight(16)?)),
        WAKE => Troubling::Wake,
        _ => return None,
    };
    Some(Held { contact: ContactId(eight(8)?), what })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW_HELD: Held = Held { contact: ContactId(7), what: Troubling::Row(RowId { lsn: Lsn(9), index: 3 }) };
    const CALL_HELD: Held = Held { contact: ContactId(u64::MAX), what: Troubling::Answer(CallId(5)) };
    const WAKE_HELD: Held = Held { contact: ContactId(1), what: Troubling::Wake };

    #[test]
    fn what_was_in_hand_is_found_by_the_next_process() {
        let directory = tempfile::tempdir().unwrap();
        let hands = open_hands(directory.path()).unwrap();
        assert_eq!(hands.left_behind(), []);
        hands.hold(2, Some(CALL_HELD));
        hands.hold(0, Some(ROW_HELD));
        hands.hold(1, Some(WAKE_HELD));
        let next = open_hands(directory.path()).unwrap();
        assert_eq!(next.left_behind(), [ROW_HELD, WAKE_HELD, CALL_HELD]);
        next.hold(0, None);
        next.hold(2, Some(WAKE_HELD));
        assert_eq!(open_hands(directory.path()).unwrap().left_behind(), [WAKE_HELD, WAKE_HELD]);
        next.forget();
        next.hold(1, Some(CALL_HELD));
        assert_eq!(open_hands(directory.path()).unwrap().left_behind(), [CALL_HELD]);
    }

    #[test]
    fn a_damaged_slot_says_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let hands = open_hands(directory.path()).unwrap();
        hands.hold(0, Some(ROW_HELD));
        hands.hold(1, Some(WAKE_HELD));
        let path = directory.path().join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[9] ^= 1;
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(open_hands(directory.path()).unwrap().left_behind(), []);
    }
}
