//! Dead letters: what was accepted and cannot be handled, until an operator hands it over again or drops it.
//!
//! A letter stays where it was written, sealed, in the journal, and is carried to the head when its segment
//! goes (`carry`); in memory there is only what may be shown of it and where it stands. design.md 6 has files
//! of their own for them, with pointers in the table. The journal is such files already: its seals, its
//! recovery, its trimming and its exports hold for letters without a second way to lose one, and a retry is one
//! record that closes the letter and opens the row, which two files could never be. The price is that letters
//! are written again when the journal is trimmed, at most all of them once for each time; `trim` reckons with
//! what was carried when it decides how soon the next time is.
//!
//! Bounds: `dead_letters_bytes_max` and `dead_letters_ms_max`. Past either the oldest go, by a record like any
//! other; the applier looks whenever it has brought the table up to date.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};

use super::carry::Carried;
use super::disk::DiskFailure;
use super::frame::{self, Frame, Read};
use super::part::{self, Kind, Place};
use super::segment;
use super::shared::Shared;
use crate::domain::time::Timestamp;
use crate::ports::{DeadLetter, DeadLetterHead, Lsn, RowId, StoreError};

/// What a letter costs beside its bytes, on the disk and in memory: many small ones must not pass the bound.
const LETTER_BYTES: u64 = 256;
/// Letters that one record closes.
pub(super) const CLOSED_MAX: usize = 1_024;
/// The segment of a letter may go while it is looked for; it stands at the head then.
const LOOKS_MAX: usize = 3;

#[derive(Clone, Copy, Debug)]
struct Resting {
    head: DeadLetterHead,
    bytes: u64,
    /// The record that holds it now.
    written: Lsn,
}

/// All letters there are.
#[derive(Debug, Default)]
pub(super) struct DeadLetters {
    letters: BTreeMap<RowId, Resting>,
    bytes: u64,
}

impl DeadLetters {
    pub(super) fn add(&mut self, id: RowId, head: DeadLetterHead, sealed_bytes: u32, written: Lsn) {
        let bytes = LETTER_BYTES + u64::from(sealed_bytes);
        self.remove(id);
        self.letters.insert(id, Resting { head, bytes, written });
        self.bytes += bytes;
    }

    pub(super) fn remove(&mut self, id: RowId) {
        self.bytes -= self.letters.remove(&id).map_or(0, |letter| letter.bytes);
    }

    pub(super) fn holds(&self, id: RowId) -> bool {
        self.letters.contains_key(&id)
    }

    /// Letters among these stand in a later record now.
    pub(super) fn carried(&mut self, written: Lsn, carried: &[Carried]) {
        for one in carried.iter().filter(|one| one.kind == Kind::DeadLetter) {
            if let Some(letter) = self.letters.get_mut(&one.id) {
                letter.written = written;
            }
        }
    }

    /// Oldest first.
    pub(super) fn heads(&self) -> Vec<(RowId, DeadLetterHead)> {
        self.letters.iter().map(|(id, letter)| (*id, letter.head)).collect()
    }

    /// How many there are, and what they are reckoned with.
    pub(super) fn figures(&self) -> (usize, u64) {
        (self.letters.len(), self.bytes)
    }

    fn written(&self, id: RowId) -> Option<Lsn> {
        self.letters.get(&id).map(|letter| letter.written)
    }

    /// The oldest that are past the bounds, as many as one record closes.
    pub(super) fn past(&self, now: Timestamp, bytes_max: u64, ms_max: i64) -> Vec<RowId> {
        let mut bytes = self.bytes;
        let past = self.letters.iter().take_while(|(_, letter)| {
            let goes = bytes > bytes_max || now.since_ms(letter.head.at) > ms_max;
            bytes -= letter.bytes;
            goes
        });
        past.map(|(id, _)| *id).take(CLOSED_MAX).collect()
    }
}

/// Reads a letter on a thread of its own: a segment is looked through for it.
pub(super) fn read_aside(shared: Arc<Shared>, id: RowId) -> BoxFuture<'static, Result<Option<DeadLetter>, StoreError>> {
    let (answer, answered) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("siaga-letter".into());
    let started = thread.spawn(move || drop(answer.send(read(&shared, id))));
    async move {
        started.map_err(|fault| StoreError::UnreadableLetter { id, reason: fault.to_string() })?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
    .boxed()
}

fn read(shared: &Shared, id: RowId) -> Result<Option<DeadLetter>, StoreError> {
    let mut reason = String::new();
    for _ in 0..LOOKS_MAX {
        let Some(written) = shared.rows.lock().dead.written(id) else { return Ok(None) };
        match read_at(shared, id, written) {
            Ok(letter) => return Ok(Some(letter)),
            Err(fault) => reason = fault,
        }
    }
    Err(StoreError::UnreadableLetter { id, reason })
}

fn read_at(shared: &Shared, id: RowId, written: Lsn) -> Result<DeadLetter, String> {
    let said = |failure: DiskFailure| failure.to_string();
    let segments = segment::list(&*shared.disk, &shared.dir.join("journal")).map_err(said)?;
    let segment = segments.iter().rfind(|segment| segment.first <= written);
    let segment = segment.ok_or_else(|| format!("no segment holds lsn {}", written.0))?;
    let bytes = shared.disk.read(&segment.path).map_err(DiskFailure::of("read", &segment.path)).map_err(said)?;
    let frame =
        record(&bytes, written).ok_or_else(|| format!("lsn {} is not in `{}`", written.0, segment.path.display()))?;
    let at = |fault| format!("`{}` at offset {}: {fault}", segment.path.display(), frame.offset);
    let parts = part::parts(frame.payload).map_err(at)?;
    let its = parts.iter().find(|stored| match (stored.kind, stored.place) {
        (Kind::DeadLetter, Place::Nth(index)) => RowId { lsn: written, index } == id,
        (Kind::CarriedDeadLetter, Place::Carried { id: carried, .. }) => carried == id,
        _ => false,
    });
    let stored = its.ok_or_else(|| format!("it is not in lsn {}", written.0))?;
    part::body(&shared.seal, Kind::DeadLetter, id.lsn, stored.own_clear(), stored.sealed).map_err(at)
}

/// The record with this LSN, past damage too.
fn record(bytes: &[u8], lsn: Lsn) -> Option<Frame<'_>> {
    let mut offset = 0;
    loop {
        let frame = match frame::read(bytes, offset) {
            Read::Frame(frame) => frame,
            Read::End | Read::Damaged => frame::find(bytes, offset + 1, lsn.0)?,
        };
        if frame.kind == frame::Kind::Record && frame.lsn >= lsn.0 {
            return (frame.lsn == lsn.0).then_some(frame);
        }
        offset = frame.end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::DeadReason;

    fn id(lsn: u64) -> RowId {
        RowId { lsn: Lsn(lsn), index: 0 }
    }

    fn letters(ages_ms: &[i64]) -> DeadLetters {
        let mut letters = DeadLetters::default();
        for (lsn, at) in (1..).zip(ages_ms) {
            let head = DeadLetterHead { at: Timestamp(-at), reason: DeadReason::Poison, contact: None, body_bytes: 1 };
            letters.add(id(lsn), head, 44, Lsn(lsn));
        }
        letters
    }

    #[test]
    fn the_oldest_go_first_and_only_as_many_as_must() {
        let letters = letters(&[50, 40, 30, 20]);
        let now = Timestamp(0);
        assert_eq!(letters.figures(), (4, 1_200));
        assert_eq!(letters.past(now, 1_200, 50), []);
        assert_eq!(letters.past(now, 1_199, 50), [id(1)]);
        assert_eq!(letters.past(now, 300, 50), [id(1), id(2), id(3)]);
        assert_eq!(letters.past(now, 1_200, 35), [id(1), id(2)]);
        assert_eq!(letters.past(now, 0, 50), [id(1), id(2), id(3), id(4)]);
    }

    #[test]
    fn bytes_are_given_back_once() {
        let mut letters = letters(&[1, 2]);
        letters.remove(id(1));
        letters.remove(id(1));
        assert_eq!(letters.figures(), (1, 300));
        letters.remove(id(2));
        assert_eq!(letters.figures(), (0, 0));
    }
}
