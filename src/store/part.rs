//! Parts: what a record is made of on the disk.
//!
//! A record's payload is `[version u8]` and its parts, each `[kind u8][clear len u8][clear][sealed len u32][sealed]`.
//! `clear` says where the part belongs (table and key, row, contact): random ids and keyed hashes, times, never
//! personal data; so recovery and the applier read it without a key and open only what they keep. `sealed` is
//! the content (`seal`), bound to kind, LSN and `clear`. A part that only names rows or a time has none.
//!
//! A row that outlives its segment is written again at the head as a carried part: its own LSN stands in the
//! clear, and the sealed bytes are the ones of the first writing.

use std::ops::Range;

use smallvec::SmallVec;

use super::frame;
use super::seal::{Seal, SealError};
use crate::codec::{self, CodecError};
use crate::domain::contact::ContactId;
use crate::domain::time::Timestamp;
use crate::ports::{Attempt, Closing, Lsn, Part, RowId, Table};

mod clear;
mod content;
mod kind;
mod read;

use clear::{attempt, born, closing, contact, keyed, nth, row, row_clear, take, timer};
pub(super) use content::Content;
pub(super) use kind::Kind;
pub(super) use read::appended;

const RECORD_VERSION: u8 = 1;

/// Row and attempted, before the clear part that was written first.
const CARRIED_HEAD: usize = clear::ROW_BYTES + 1;

/// The content of a part.
#[derive(Debug)]
pub(super) enum Body {
    None,
    /// The committer seals it.
    Plain(Vec<u8>),
    /// It was sealed when it was written first.
    Sealed(Vec<u8>),
}

/// A part on its way to the committer.
#[derive(Debug)]
pub(super) struct Encoded {
    pub kind: Kind,
    pub clear: SmallVec<[u8; 40]>,
    pub body: Body,
}

/// A part as it is read back: where it belongs, and its content still sealed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored<'a> {
    pub kind: Kind,
    pub place: Place<'a>,
    pub clear: &'a [u8],
    pub sealed: &'a [u8],
    /// Where it begins in its record's payload, and how long it is.
    pub offset: usize,
    pub len: usize,
}

/// Where a part belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    Key(Table, &'a [u8]),
    /// The n-th of its kind in its record, and whose it is.
    Born(u32, ContactId),
    Row(RowId),
    /// The n-th of its kind in its record.
    Nth(u32),
    /// Where it was written first.
    Carried {
        id: RowId,
        attempted: Attempt,
    },
    Timer(ContactId, Option<Timestamp>),
}

/// Why a record's bytes are not parts, although their checksum holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    #[error("the record has version {found}, this server knows {RECORD_VERSION}")]
    Version { found: u8 },
    #[error("part kind {found} is not known to this server")]
    Kind { found: u8 },
    #[error("table {found} is not known to this server")]
    Table { found: u8 },
    #[error("a part of kind {kind:?} ends too early")]
    Cut { kind: Kind },
    #[error("a part of kind {kind:?} cannot be opened: {fault}")]
    Seal { kind: Kind, fault: SealError },
    #[error("a part of kind {kind:?}: {fault}")]
    Body { kind: Kind, fault: CodecError },
}

/// Counts rows and dead letters while a record is encoded: the n-th of its kind is row (LSN, n).
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub inbox: u32,
    pub outbox: u32,
    pub dead: u32,
}

impl Encoded {
    pub(super) fn new(part: &Part, counts: &mut Counts) -> Self {
        let (kind, clear, body) = match part {
            Part::Put { table, key, value } => (Kind::Put, keyed(*table, key), Body::Plain(value.0.to_vec())),
            Part::Delete { table, key } => (Kind::Delete, keyed(*table, key), Body::None),
            Part::OpenInbox(row) => (Kind::OpenInbox, born(&mut counts.inbox, row.contact), encode(row)),
            Part::CloseInbox(row, how) => (Kind::CloseInbox, closing(*row, *how), Body::None),
            Part::OpenOutbox(row) => (Kind::OpenOutbox, born(&mut counts.outbox, row.contact), encode(row)),
            Part::AttemptOutbox { row, again } => (Kind::AttemptOutbox, attempt(*row, *again), Body::None),
            Part::CloseOutbox { row, how } => (Kind::CloseOutbox, row_clear(*row), encode(how)),
            Part::Status(status) => (Kind::Status, SmallVec::new(), encode(status)),
            Part::Timer { contact, at } => (Kind::Timer, timer(*contact, *at), Body::None),
            Part::DeadLetter(letter) => (Kind::DeadLetter, nth(&mut counts.dead), encode(letter)),
            Part::CloseDeadLetter(row) => (Kind::CloseDeadLetter, row_clear(*row), Body::None),
        };
        Self { kind, clear, body }
    }

    /// An upper bound of its bytes on the disk.
    pub(super) fn bytes(&self) -> usize {
        let body = match &self.body {
            Body::None => 0,
            Body::Plain(body) => body.len() + super::seal::OVERHEAD,
            Body::Sealed(body) => body.len(),
        };
        6 + self.clear.len() + body
    }
}

/// Appends a record's frame; gives where its payload stands.
pub(super) fn write_record(out: &mut Vec<u8>, seal: &Seal, lsn: Lsn, place: u32, parts: &[Encoded]) -> Range<usize> {
    let start = frame::begin(out, lsn.0, place, frame::Kind::Record);
    out.push(RECORD_VERSION);
    for part in parts {
        out.push(part.kind as u8);
        out.push(u8::try_from(part.clear.len()).unwrap_or_else(|_| unreachable!("keys are bounded")));
        out.extend_from_slice(&part.clear);
        let length_at = out.len();
        out.extend_from_slice(&[0; 4]);
        match &part.body {
            Body::None => {}
            Body::Plain(body) => seal.seal(&sealed_place(part.kind, lsn, &part.clear), body, out),
            Body::Sealed(body) => out.extend_from_slice(body),
        }
        let sealed = u32::try_from(out.len() - length_at - 4).unwrap_or_else(|_| unreachable!("parts are bounded"));
        out[length_at..length_at + 4].copy_from_slice(&sealed.to_le_bytes());
    }
    frame::finish(out, start);
    start + frame::HEAD..out.len()
}

/// The parts of a record's payload.
pub(super) fn parts(payload: &[u8]) -> Result<Vec<Stored<'_>>, PartError> {
    let (&version, mut rest) = payload.split_first().unwrap_or((&0, &[]));
    if version != RECORD_VERSION {
        return Err(PartError::Version { found: version });
    }
    // A turn has no more, as a rule.
    let mut parts = Vec::with_capacity(8);
    while !rest.is_empty() {
        let (stored, after) = first(rest)?;
        let offset = payload.len() - rest.len();
        parts.push(Stored { offset, ..stored });
        rest = after;
    }
    Ok(parts)
}

/// The part that begins here, and what follows it.
pub(super) fn first(bytes: &[u8]) -> Result<(Stored<'_>, &[u8]), PartError> {
    let (&number, after) = bytes.split_first().ok_or(PartError::Kind { found: 0 })?;
    let (part, rest) = stored(Kind::from_number(number).ok_or(PartError::Kind { found: number })?, after)?;
    Ok((Stored { len: bytes.len() - rest.len(), ..part }, rest))
}

fn stored(kind: Kind, bytes: &[u8]) -> Result<(Stored<'_>, &[u8]), PartError> {
    let cut = || PartError::Cut { kind };
    let (&len, rest) = bytes.split_first().ok_or_else(cut)?;
    let (clear, rest) = rest.split_at_checked(len.into()).ok_or_else(cut)?;
    let (len, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
    let (sealed, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize).ok_or_else(cut)?;
    let place = match kind {
        Kind::CarriedInbox | Kind::CarriedOutbox | Kind::CarriedStatus | Kind::CarriedDeadLetter => {
            let attempted = Attempt::from_number(*clear.get(CARRIED_HEAD - 1).ok_or_else(cut)?);
            Place::Carried { id: row(clear).ok_or_else(cut)?, attempted }
        }
        Kind::Put | Kind::Delete => {
            let (&number, key) = clear.split_first().ok_or_else(cut)?;
            Place::Key(table(number).ok_or(PartError::Table { found: number })?, key)
        }
        Kind::OpenInbox | Kind::OpenOutbox => {
            Place::Born(take(clear, 0).map(u32::from_le_bytes).ok_or_else(cut)?, contact(clear, 4).ok_or_else(cut)?)
        }
        Kind::CloseInbox | Kind::AttemptOutbox | Kind::CloseOutbox | Kind::CloseDeadLetter => {
            Place::Row(row(clear).ok_or_else(cut)?)
        }
        Kind::Status => Place::Nth(0),
        Kind::DeadLetter => Place::Nth(take(clear, 0).map(u32::from_le_bytes).ok_or_else(cut)?),
        Kind::Timer => {
            let at = take(clear, 8).map(|bytes| Timestamp(i64::from_le_bytes(bytes)));
            Place::Timer(contact(clear, 0).ok_or_else(cut)?, at)
        }
    };
    Ok((Stored { kind, place, clear, sealed, offset: 0, len: 0 }, rest))
}

impl<'a> Stored<'a> {
    /// How a row was closed; one that does not say was closed before anyone counted.
    pub(super) fn closing(&self) -> Closing {
        self.clear.get(clear::ROW_BYTES).copied().and_then(Closing::from_number).unwrap_or_default()
    }

    /// Whether an attempt was the second; one that does not say was the first that anyone counted.
    pub(super) fn again(&self) -> bool {
        self.clear.get(clear::ROW_BYTES).is_some_and(|again| *again != 0)
    }

    /// The clear part as it was written first, which the seal is bound to.
    pub(super) fn own_clear(&self) -> &'a [u8] {
        match self.place {
            Place::Carried { .. } => &self.clear[CARRIED_HEAD..],
            Place::Key(..) | Place::Born(..) | Place::Row(_) | Place::Nth(_) | Place::Timer(..) => self.clear,
        }
    }
}

pub(super) fn carried_clear(id: RowId, attempted: Attempt, own: &[u8]) -> SmallVec<[u8; 40]> {
    let mut clear = row_clear(id);
    clear.push(attempted as u8);
    clear.extend_from_slice(own);
    clear
}

/// Opens a sealed content that was kept apart from its part.
pub(super) fn open(seal: &Seal, kind: Kind, lsn: Lsn, clear: &[u8], sealed: &[u8]) -> Result<Vec<u8>, PartError> {
    seal.open(&sealed_place(kind, lsn, clear), sealed).map_err(|fault| PartError::Seal { kind, fault })
}

/// The same as the row, status or dead letter that it is.
pub(super) fn body<T: Content>(seal: &Seal, kind: Kind, lsn: Lsn, clear: &[u8], sealed: &[u8]) -> Result<T, PartError> {
    let plain = open(seal, kind, lsn, clear, sealed)?;
    T::read(&plain).map_err(|fault| PartError::Body { kind, fault })
}

fn table(number: u8) -> Option<Table> {
    use Table::{Account, Alias, Budget, Certificate, Contact, Dedupe, Registry, Standing, Ticket, Undo};
    let all = [Contact, Account, Alias, Ticket, Undo, Registry, Dedupe, Budget, Standing, Certificate];
    all.into_iter().find(|table| *table as u8 == number)
}

fn encode<T: Content>(content: &T) -> Body {
    Body::Plain(codec::encode(T::VERSION, content))
}

fn sealed_place(kind: Kind, lsn: Lsn, clear: &[u8]) -> SmallVec<[u8; 96]> {
    let mut place = SmallVec::new();
    place.push(kind as u8);
    place.extend_from_slice(&lsn.0.to_le_bytes());
    place.extend_from_slice(clear);
    place
}
