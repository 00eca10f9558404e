//! The checkpoint: up to where the table is known to be durable, and where the journal begins.
//!
//! Written after the tree was synced, never before; so a tree that knows less than its checkpoint has lost what
//! it had promised and is rebuilt, and a journal that ends before it has a hole. Rows that were open before
//! `from` were written again behind it (`trim`).
//!
//! One that is damaged or gone is no loss: the journal begins with its first segment, the newest export proves
//! that all up to it was durable, and the table, of which nothing is proven any more, is rebuilt.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::OpenError;
use super::disk::{Disk, DiskFailure};
use super::export::Export;
use super::identity;
use super::segment::Segment;
use crate::ports::Lsn;

const FILE: &str = "checkpoint";
const FORMAT: u16 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Checkpoint {
    /// All up to here is in the tree, durably; so it was durable in the journal before.
    pub applied: Lsn,
    /// The first record that the journal must hold; segments before it are dead.
    pub from: Lsn,
}

/// A checkpoint, and if it is not the one that was written, why.
pub(super) struct Found {
    pub checkpoint: Checkpoint,
    /// Nothing is proven of the table.
    pub doubt: Option<String>,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self { applied: Lsn(0), from: Lsn(1) }
    }
}

pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

impl Checkpoint {
    pub(super) fn write(self, disk: &dyn Disk, dir: &Path) -> Result<(), DiskFailure> {
        let text = format!("siaga checkpoint\nformat {FORMAT}\napplied {}\nfrom {}\n", self.applied.0, self.from.0);
        let text = format!("{text}crc {:08x}\n", crc32c::crc32c(text.as_bytes()));
        identity::write_whole(disk, dir, FILE, text.as_bytes())
    }

    /// The checkpoint of a directory, or what its journal and exports say. A store that never made one has its
    /// first record and nothing applied.
    pub(super) fn read(
        disk: &dyn Disk,
        dir: &Path,
        segments: &[Segment],
        exports: &[Export],
    ) -> Result<Found, OpenError> {
        let path = path(dir);
        let read = match disk.read(&path) {
            Ok(bytes) => parse(&bytes, &path)?,
            Err(fault) if fault.kind() == ErrorKind::NotFound => {
                let never_made = exports.is_empty() && segments.first().is_none_or(|first| first.first == Lsn(1));
                if never_made { Ok(Self::default()) } else { Err("it is gone") }
            }
            Err(fault) => return Err(DiskFailure::of("read", &path)(fault).into()),
        };
        Ok(match read {
            Ok(checkpoint) => Found { checkpoint, doubt: None },
            Err(reason) => Found {
                checkpoint: Self::inferred(segments, exports),
                doubt: Some(format!("its checkpoint cannot be read: {reason}")),
            },
        })
    }

    fn inferred(segments: &[Segment], exports: &[Export]) -> Self {
        let applied = exports.last().map_or(Lsn(0), |newest| newest.lsn);
        Self { applied, from: segments.first().map_or(Lsn(1), |first| first.first) }
    }
}

/// What a checkpoint's bytes say, or why they say nothing. A newer server's are refused.
fn parse(bytes: &[u8], path: &Path) -> Result<Result<Checkpoint, &'static str>, OpenError> {
    let Ok(text) = str::from_utf8(bytes) else { return Ok(Err("it is not text")) };
    let body = text.rfind("crc ").map_or("", |at| &text[..at]);
    if text[body.len()..] != format!("crc {:08x}\n", crc32c::crc32c(body.as_bytes())) {
        return Ok(Err("its checksum does not hold"));
    }
    let field =
        |name: &str| body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<u64>().ok());
    let format = field("format").and_then(|format| u16::try_from(format).ok()).unwrap_or(u16::MAX);
    if format > FORMAT {
        return Err(OpenError::Newer { path: path.to_owned(), found: format, known: FORMAT });
    }
    match (field("applied"), field("from")) {
        (Some(applied), Some(from)) => Ok(Ok(Checkpoint { applied: Lsn(applied), from: Lsn(from) })),
        _ => Ok(Err("it names no LSN")),
    }
}
