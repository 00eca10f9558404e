//! Outbox rows read back from the journal: past `store.rows_in_memory_max` their place is all that memory holds.
//!
//! A row is read alone, not with its record, which may be of 12 MiB: its seal binds it to its name and says more than
//! the frame's checksum would. A trimming may carry it to another segment meanwhile; then it is read from there.

use super::disk::DiskFailure;
use super::part::{self, Kind, Place};
use super::rows::At;
use super::segment;
use super::shared::Shared;
use crate::ports::{OutboxRow, RowId};

/// `None`: it is not open any more.
pub(super) fn send(shared: &Shared, id: RowId) -> Result<Option<OutboxRow>, DiskFailure> {
    loop {
        let Some(at) = shared.rows.lock().at(id) else { return Ok(None) };
        match read(shared, id, at) {
            Ok(row) => return Ok(Some(row)),
            Err(failure) => match shared.rows.lock().at(id) {
                None => return Ok(None),
                Some(now) if now == at => return Err(failure),
                Some(_) => {}
            },
        }
    }
}

fn read(shared: &Shared, id: RowId, at: At) -> Result<OutboxRow, DiskFailure> {
    let path = shared.dir.join("journal").join(segment::name(at.segment));
    let bytes = shared.disk.read_at(&path, at.offset, at.len as usize).map_err(DiskFailure::of("read", &path))?;
    opened(shared, id, &bytes).map_err(|reason| {
        let source = std::io::Error::other(format!("row {id} at offset {}: {reason}", at.offset));
        DiskFailure { action: "read a row back from", path, source }
    })
}

fn opened(shared: &Shared, id: RowId, bytes: &[u8]) -> Result<OutboxRow, String> {
    let (stored, _) = part::first(bytes).map_err(|fault| fault.to_string())?;
    let is_it = match stored.place {
        Place::Born(index, _) => stored.kind == Kind::OpenOutbox && index == id.index,
        Place::Carried { id: carried, .. } => stored.kind == Kind::CarriedOutbox && carried == id,
        Place::Key(..) | Place::Row(_) | Place::Nth(_) | Place::Timer(..) => false,
    };
    if !is_it {
        return Err("something else stands there".into());
    }
    part::body(&shared.seal, Kind::OpenOutbox, id.lsn, stored.own_clear(), stored.sealed)
        .map_err(|fault| fault.to_string())
}
