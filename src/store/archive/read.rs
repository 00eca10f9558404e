//! Reading an archive: every frame in its place, every seal, and in the end what it says of itself.

use std::path::Path;

use super::{ArchiveError, Exported, FORMAT, MARK, end};
use crate::ports::Lsn;
use crate::store::disk::{Disk, DiskFailure};
use crate::store::export::{self, Lent};
use crate::store::frame::{self, Frame, Kind, Read};
use crate::store::part::{self, Stored};
use crate::store::seal::Seal;
use crate::store::standing::{Standing, State};
use crate::store::tree;

const READ_BYTES: usize = 4 << 20;

/// What stands in an archive, piece by piece.
pub(in crate::store) enum Piece<'a> {
    Pairs(Vec<Lent<'a>>),
    Rows(Vec<Stored<'a>>),
}

/// A piece, and where it stands.
pub(in crate::store) struct Found<'a> {
    pub piece: Piece<'a>,
    pub offset: u64,
    pub lsn: Lsn,
}

/// Opens every seal of a piece.
pub(in crate::store) fn check(seal: &Seal, path: &Path, found: &Found<'_>) -> Result<(), ArchiveError> {
    let checked = match &found.piece {
        Piece::Pairs(pairs) => pairs.iter().try_for_each(|(key, bytes)| tree::opens(seal, key, bytes)),
        Piece::Rows(rows) => rows.iter().try_for_each(|stored| {
            let part::Place::Carried { id, .. } = stored.place else { return Ok(()) };
            part::open(seal, stored.kind.first(), id.lsn, stored.own_clear(), stored.sealed).map(drop)
        }),
    };
    checked.map_err(|fault| ArchiveError::Damaged {
        path: path.to_owned(),
        offset: found.offset,
        reason: fault.to_string(),
    })
}

/// Reads an archive piece by piece; whoever gets `Ok` has seen all of it, and what it says of itself holds.
pub(in crate::store) fn read(
    disk: &dyn Disk,
    path: &Path,
    visit: &mut dyn FnMut(Found<'_>) -> Result<(), ArchiveError>,
) -> Result<Exported, ArchiveError> {
    let (mut buffer, mut at, mut read_to) = (Vec::new(), 0, 0_u64);
    let mut sum = Sum::default();
    loop {
        let offset = read_to - (buffer.len() - at) as u64;
        let damaged = |reason: String| ArchiveError::Damaged { path: path.to_owned(), offset, reason };
        let Read::Frame(frame) = frame::read(&buffer, at) else {
            let more = disk.read_at(path, read_to, READ_BYTES).map_err(DiskFailure::of("read", path))?;
            if more.is_empty() {
                return Err(damaged("no whole frame stands there".to_owned()));
            }
            buffer.drain(..at);
            at = 0;
            read_to += more.len() as u64;
            buffer.extend_from_slice(&more);
            continue;
        };
        let next = frame.end;
        if let Some(exported) = sum.frame(path, &frame, offset, visit).map_err(|fault| match fault {
            Fault::Here(reason) => damaged(reason),
            Fault::Archive(fault) => fault,
        })? {
            return Ok(Exported { bytes: offset + (next - at) as u64, ..exported });
        }
        at = next;
    }
}

enum Fault {
    Here(String),
    Archive(ArchiveError),
}

/// What was read so far.
#[derive(Default)]
struct Sum {
    lsn: Lsn,
    number: u32,
    keys: u64,
    rows: u64,
    state: State,
}

impl Sum {
    /// `Some`: that was the end.
    fn frame(
        &mut self,
        path: &Path,
        frame: &Frame<'_>,
        offset: u64,
        visit: &mut dyn FnMut(Found<'_>) -> Result<(), ArchiveError>,
    ) -> Result<Option<Exported>, Fault> {
        let here = |reason: &str| Fault::Here(reason.to_owned());
        if self.number == 0 {
            head(path, frame).map_err(Fault::Archive)?;
            self.lsn = Lsn(frame.lsn);
        }
        if frame.lsn != self.lsn.0 || frame.place != self.number {
            return Err(here("a frame of another archive or place stands there"));
        }
        let piece = match (frame.kind, self.number) {
            (Kind::Export, 0) => None,
            (Kind::Export, _) => {
                let pairs = export::decode(frame.payload).ok_or_else(|| here("its page is cut"))?;
                self.keys += pairs.len() as u64;
                for (key, bytes) in &pairs {
                    self.state.pair(key, bytes);
                }
                Some(Piece::Pairs(pairs))
            }
            (Kind::Record, 1..) => {
                let rows = part::parts(frame.payload).map_err(|fault| Fault::Here(fault.to_string()))?;
                let mut standing = Standing::default();
                standing.record(self.lsn, &rows);
                self.rows += rows.len() as u64;
                standing.of(self.lsn, &rows).iter().for_each(|open| self.state.open(open));
                Some(Piece::Rows(rows))
            }
            (Kind::ExportEnd, 1..) if *frame.payload == end(self.keys, self.rows, self.state) => {
                let Self { lsn, keys, rows, state, .. } = *self;
                return Ok(Some(Exported { lsn, bytes: 0, keys, rows, state: state.to_string() }));
            }
            _ => return Err(here("this frame does not belong there")),
        };
        self.number += 1;
        if let Some(piece) = piece {
            visit(Found { piece, offset, lsn: self.lsn }).map_err(Fault::Archive)?;
        }
        Ok(None)
    }
}

fn head(path: &Path, frame: &Frame<'_>) -> Result<(), ArchiveError> {
    let foreign = |reason| ArchiveError::Foreign { path: path.to_owned(), reason };
    let Some((format, rest)) = frame.payload.split_first_chunk::<2>().filter(|_| frame.kind == Kind::Export) else {
        return Err(foreign("it does not begin as one"));
    };
    let format = u16::from_le_bytes(*format);
    if format > FORMAT {
        return Err(ArchiveError::Newer { path: path.to_owned(), found: format });
    }
    match rest.get(16..) {
        Some(MARK) => Ok(()),
        _ => Err(foreign("it is one of a server's own exports, which lack what is open")),
    }
}
