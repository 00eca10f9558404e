//! A value as it rests in the tree.

use crate::ports::{Lsn, Value};
use crate::store::overlay::{self, FullKey, TIMERS};
use crate::store::part::{self, Kind, PartError, Place, Stored};
use crate::store::seal::Seal;

/// The newest thing that the journal says of a key.
#[derive(Clone, Debug)]
pub(in crate::store) struct Resting {
    pub lsn: Lsn,
    /// As the tree keeps it; `None`: deleted.
    pub bytes: Option<Vec<u8>>,
}

/// What a part says of a key; most parts say nothing of any.
pub(in crate::store) fn read(lsn: Lsn, stored: &Stored<'_>) -> Option<(FullKey, Resting)> {
    let (key, bytes) = match (stored.kind, stored.place) {
        (Kind::Put, Place::Key(..)) => (FullKey::from_slice(stored.clear), Some(resting(lsn, stored.sealed))),
        (Kind::Delete, Place::Key(..)) => (FullKey::from_slice(stored.clear), None),
        (Kind::Timer, Place::Timer(contact, at)) => {
            (overlay::timer_key(contact), at.map(|at| resting(lsn, &at.0.to_le_bytes())))
        }
        _ => return None,
    };
    Some((key, Resting { lsn, bytes }))
}

/// A value from the tree's bytes, opened for exactly this key and LSN. Timers are not sealed: they say nothing.
pub(in crate::store) fn open(seal: &Seal, key: &[u8], bytes: &[u8]) -> Result<(Lsn, Value), PartError> {
    content(seal, key, bytes).map(|(lsn, content)| (lsn, Value(content.into())))
}

/// Whether it can be opened.
pub(in crate::store) fn opens(seal: &Seal, key: &[u8], bytes: &[u8]) -> Result<(), PartError> {
    content(seal, key, bytes).map(drop)
}

fn content(seal: &Seal, key: &[u8], bytes: &[u8]) -> Result<(Lsn, Vec<u8>), PartError> {
    let Some((lsn, content)) = bytes.split_first_chunk::<8>() else { return Err(PartError::Cut { kind: Kind::Put }) };
    let lsn = Lsn(u64::from_le_bytes(*lsn));
    let timer = key.first() == Some(&TIMERS);
    Ok((lsn, if timer { content.to_vec() } else { part::open(seal, Kind::Put, lsn, key, content)? }))
}

fn resting(lsn: Lsn, content: &[u8]) -> Vec<u8> {
    [&lsn.0.to_le_bytes(), content].concat()
}
