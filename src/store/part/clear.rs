//! The bytes in the clear: where a part belongs.

use smallvec::SmallVec;

use crate::domain::contact::ContactId;
use crate::domain::time::Timestamp;
use crate::ports::{Closing, Lsn, RowId, Table};

/// A row's name.
pub(super) const ROW_BYTES: usize = 12;

pub(super) fn keyed(table: Table, key: &[u8]) -> SmallVec<[u8; 40]> {
    let mut clear = SmallVec::new();
    clear.push(table as u8);
    clear.extend_from_slice(key);
    clear
}

pub(super) fn born(count: &mut u32, contact: ContactId) -> SmallVec<[u8; 40]> {
    let mut clear = nth(count);
    clear.extend_from_slice(&contact.0.to_le_bytes());
    clear
}

pub(super) fn nth(count: &mut u32) -> SmallVec<[u8; 40]> {
    let clear = SmallVec::from_slice(&count.to_le_bytes());
    *count += 1;
    clear
}

pub(super) fn row(clear: &[u8]) -> Option<RowId> {
    let lsn = Lsn(take(clear, 0).map(u64::from_le_bytes)?);
    Some(RowId { lsn, index: take(clear, 8).map(u32::from_le_bytes)? })
}

pub(super) fn row_clear(row: RowId) -> SmallVec<[u8; 40]> {
    let mut clear = SmallVec::from_slice(&row.lsn.0.to_le_bytes());
    clear.extend_from_slice(&row.index.to_le_bytes());
    clear
}

pub(super) fn closing(row: RowId, how: Closing) -> SmallVec<[u8; 40]> {
    let mut clear = row_clear(row);
    clear.push(how as u8);
    clear
}

pub(super) fn attempt(row: RowId, again: bool) -> SmallVec<[u8; 40]> {
    let mut clear = row_clear(row);
    clear.push(again.into());
    clear
}

pub(super) fn timer(contact: ContactId, at: Option<Timestamp>) -> SmallVec<[u8; 40]> {
    let mut clear = SmallVec::from_slice(&contact.0.to_le_bytes());
    if let Some(at) = at {
        clear.extend_from_slice(&at.0.to_le_bytes());
    }
    clear
}

pub(super) fn contact(bytes: &[u8], at: usize) -> Option<ContactId> {
    take(bytes, at).map(|bytes| ContactId(u64::from_le_bytes(bytes)))
}

pub(super) fn take<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}
