//! Archives: a whole store at one LSN in one file, for an operator to keep or to move (`siaga store export`).
//!
//! Frames as in an export of the server's own (`export`), and with what that leaves to the journal:
//! ```text
//! head    [format u16][store 16]["archive"]
//! pages   of the table, as in an export
//! rows    records of carried parts: every row, status and dead letter that is open (`carry`)
//! end     [pairs u64][rows u64][state 32]
//! ```
//! Each frame carries the archive's LSN and its number. Everything is sealed as it rests, so an archive needs the
//! store's key and tells nothing without it. A file has its name only after it was read back and every seal was
//! opened. It is written by the applier, between two windows: the table stands still then, and the journal up to
//! the LSN that the table has is all there.

use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskFailure};
use super::export::{self, Draft, ExportFault};
use super::frame::Kind;
use super::identity::StoreId;
use super::part::{self, Encoded, Stored};
use super::seal::Seal;
use super::segment::{self, Segment};
use super::standing::{Standing, State};
use super::tree::{Tree, TreeFault};
use super::{OpenError, walk};
use crate::ports::Lsn;

mod read;

pub(super) use read::{Piece, check, read};

const FORMAT: u16 = 1;
const MARK: &[u8] = b"archive";
/// Of one frame of rows.
const ROWS_BYTES: usize = 2 << 20;

/// What an archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Everything up to here, and nothing behind.
    pub lsn: Lsn,
    pub bytes: u64,
    pub keys: u64,
    /// Inbox, outbox, statuses that may still matter, dead letters.
    pub rows: u64,
    /// Equal for equal stores; `verify` of a stopped store tells it too.
    pub state: String,
}

/// Why there is no archive, or none that can be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("`{}` is there already", .0.display())]
    Exists(PathBuf),
    #[error("{0}")]
    Disk(#[from] DiskFailure),
    #[error("the table: {0}")]
    Table(#[from] TreeFault),
    #[error("the journal: {0}")]
    Journal(#[from] OpenError),
    #[error("`{}` is no archive of a store: {reason}", path.display())]
    Foreign { path: PathBuf, reason: &'static str },
    #[error("`{}` has format {found}, this server knows {FORMAT} at most", path.display())]
    Newer { path: PathBuf, found: u16 },
    #[error("`{}` cannot be read at offset {offset}: {reason}", path.display())]
    Damaged { path: PathBuf, offset: u64, reason: String },
    #[error("another export is under way")]
    Busy,
    #[error("the store is closed")]
    Closed,
    #[error("`{}` is not empty (`{found}` is in it); a store is only imported where nothing is", path.display())]
    NotEmpty { path: PathBuf, found: String },
    #[error("what was imported is not what was exported: {0}")]
    Different(String),
}

impl From<ExportFault> for ArchiveError {
    fn from(fault: ExportFault) -> Self {
        match fault {
            ExportFault::Disk(failure) => Self::Disk(failure),
            ExportFault::Tree(fault) => Self::Table(fault),
            ExportFault::Damaged { path, offset, reason } => Self::Damaged { path, offset, reason },
        }
    }
}

/// Sees the parts of a record.
type Visit<'a> = &'a mut dyn FnMut(Lsn, &[Stored<'_>]) -> Result<(), DiskFailure>;

/// A store that stands still up to `lsn`.
pub(super) struct Source<'a> {
    pub disk: &'a dyn Disk,
    pub seal: &'a Seal,
    pub store: StoreId,
    pub tree: &'a dyn Tree,
    pub segments: &'a [Segment],
    /// Where the journal begins.
    pub from: Lsn,
    pub accepted: &'a [std::ops::RangeInclusive<u64>],
    pub lsn: Lsn,
}

impl Source<'_> {
    /// Writes an archive, which must not be there yet; what is left of one that failed is removed.
    pub(super) fn write(&self, file: &Path) -> Result<Exported, ArchiveError> {
        if self.disk.read_at(file, 0, 1).is_ok() {
            return Err(ArchiveError::Exists(file.to_owned()));
        }
        let mut name = file.as_os_str().to_owned();
        name.push(".draft");
        let draft = PathBuf::from(name);
        let written = self.write_draft(&draft, file);
        if written.is_err() {
            // Nobody reads it under this name; the next one removes it too.
            let _ = self.disk.remove(&draft);
        }
        written
    }

    fn write_draft(&self, at: &Path, file: &Path) -> Result<Exported, ArchiveError> {
        let mut draft = Draft::begin(self.disk, at, self.lsn)?;
        draft.frame(Kind::Export, &[&FORMAT.to_le_bytes()[..], &self.store.0, MARK].concat())?;
        let mut state = State::default();
        let keys = export::write_pages(&mut draft, self.tree, &mut |key, bytes| state.pair(key, bytes))?;
        let rows = self.write_rows(&mut draft, &mut state)?;
        draft.frame(Kind::ExportEnd, &end(keys, rows, state))?;
        draft.sync()?;
        let seen = read(self.disk, at, &mut |found| check(self.seal, at, &found))?;
        let written = Exported { lsn: self.lsn, bytes: draft.bytes(), keys, rows, state: state.to_string() };
        if seen != written {
            return Err(ArchiveError::Different(at.display().to_string()));
        }
        self.disk.rename(at, file).map_err(DiskFailure::of("rename", at))?;
        if let Some(dir) = file.parent() {
            self.disk.sync_dir(dir).map_err(DiskFailure::of("sync", dir))?;
        }
        Ok(written)
    }

    fn write_rows(&self, draft: &mut Draft, state: &mut State) -> Result<u64, ArchiveError> {
        let mut standing = Standing::default();
        self.walk(&mut |lsn, parts| {
            standing.record(lsn, parts);
            Ok(())
        })?;
        standing.end();
        let (mut record, mut bytes, mut rows) = (Vec::new(), 0, 0);
        self.walk(&mut |lsn, parts| {
            for open in standing.of(lsn, parts) {
                state.open(&open);
                let encoded = open.encode();
                bytes += encoded.bytes();
                record.push(encoded);
                rows += 1;
                if bytes >= ROWS_BYTES {
                    bytes = 0;
                    draft.record(self.seal, &std::mem::take(&mut record))?;
                }
            }
            Ok(())
        })?;
        if !record.is_empty() {
            draft.record(self.seal, &record)?;
        }
        Ok(rows)
    }

    /// Every record up to the archive's LSN; those behind it are the next archive's.
    fn walk(&self, visit: Visit<'_>) -> Result<(), ArchiveError> {
        let Self { disk, store, segments, from, accepted, lsn, .. } = *self;
        walk::walk(disk, segments, store, from, accepted, &mut |segment, frame| {
            if frame.lsn > lsn.0 {
                return Ok(());
            }
            let parts = part::parts(frame.payload).map_err(|fault| OpenError::Unreadable {
                path: segment.path.clone(),
                offset: frame.offset as u64,
                reason: format!("lsn {}: {fault}", frame.lsn),
            })?;
            Ok(visit(Lsn(frame.lsn), &parts)?)
        })?;
        Ok(())
    }
}

fn end(keys: u64, rows: u64, state: State) -> Vec<u8> {
    [&keys.to_le_bytes()[..], &rows.to_le_bytes(), &state.0].concat()
}

/// A part again as it was written.
pub(super) fn encoded(stored: &Stored<'_>) -> Encoded {
    let body = if stored.sealed.is_empty() { part::Body::None } else { part::Body::Sealed(stored.sealed.to_vec()) };
    Encoded { kind: stored.kind, clear: stored.clear.iter().copied().collect(), body }
}

/// The segments of a store's journal.
pub(super) fn segments(disk: &dyn Disk, store: &Path, from: Lsn) -> Result<Vec<Segment>, DiskFailure> {
    let mut segments = segment::list(disk, &store.join("journal"))?;
    segments.retain(|segment| segment.first >= from);
    Ok(segments)
}
