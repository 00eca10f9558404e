//! A part as it was appended: sealed bytes opened, places put back to where the owner gave them.

use super::{Kind, PartError, Place, Stored, body, open};
use crate::ports::{Lsn, Part, Value};
use crate::store::seal::Seal;

/// Opens a part of the record at `lsn`. One that was carried is what was written first.
pub(in crate::store) fn appended(stored: &Stored<'_>, seal: &Seal, lsn: Lsn) -> Result<Part, PartError> {
    let lsn = if let Place::Carried { id, .. } = stored.place { id.lsn } else { lsn };
    let (kind, clear, sealed) = (stored.kind.first(), stored.own_clear(), stored.sealed);
    match (kind, stored.place) {
        (Kind::OpenInbox, _) => body(seal, kind, lsn, clear, sealed).map(Part::OpenInbox),
        (Kind::OpenOutbox, _) => body(seal, kind, lsn, clear, sealed).map(Part::OpenOutbox),
        (Kind::Status, _) => body(seal, kind, lsn, clear, sealed).map(Part::Status),
        (Kind::DeadLetter, _) => body(seal, kind, lsn, clear, sealed).map(Part::DeadLetter),
        (Kind::Put, Place::Key(table, key)) => {
            let value = Value(open(seal, kind, lsn, clear, sealed)?.into());
            Ok(Part::Put { table, key: key.into(), value })
        }
        (Kind::Delete, Place::Key(table, key)) => Ok(Part::Delete { table, key: key.into() }),
        (Kind::CloseInbox, Place::Row(row)) => Ok(Part::CloseInbox(row, stored.closing())),
        (Kind::AttemptOutbox, Place::Row(row)) => Ok(Part::AttemptOutbox { row, again: stored.again() }),
        (Kind::CloseOutbox, Place::Row(row)) => {
            Ok(Part::CloseOutbox { row, how: body(seal, kind, lsn, clear, sealed)? })
        }
        (Kind::CloseDeadLetter, Place::Row(row)) => Ok(Part::CloseDeadLetter(row)),
        (Kind::Timer, Place::Timer(contact, at)) => Ok(Part::Timer { contact, at }),
        (kind, _) => unreachable!("a part of kind {kind:?} is read with its own place"),
    }
}
