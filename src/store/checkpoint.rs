//! The checkpoint: up to where the table is known to be durable, and where the journal begins.
//!
//! Written after the tree was synced, never before; so a tree that knows less than its checkpoint has lost what
//! it had promised and is rebuilt, and a journal that ends before it has a hole. Rows that were open before
//! `from` were written again behind it (`trim`).

use std::path::Path;

use super::OpenError;
use super::disk::{Disk, DiskFailure};
use super::identity;
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

impl Default for Checkpoint {
    fn default() -> Self {
        Self { applied: Lsn(0), from: Lsn(1) }
    }
}

impl Checkpoint {
    pub(super) fn write(self, disk: &dyn Disk, dir: &Path) -> Result<(), DiskFailure> {
        let text = format!("siaga checkpoint\nformat {FORMAT}\napplied {}\nfrom {}\n", self.applied.0, self.from.0);
        let text = format!("{text}crc {:08x}\n", crc32c::crc32c(text.as_bytes()));
        identity::write_whole(disk, dir, FILE, text.as_bytes())
    }

    /// The checkpoint of a directory; a store that never made one has its first record and nothing applied.
    pub(super) fn read(disk: &dyn Disk, dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(FILE);
        let bytes = match disk.read(&path) {
            Ok(bytes) => bytes,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(fault) => return Err(DiskFailure::of("read", &path)(fault).into()),
        };
        let unreadable =
            |reason: &str| OpenError::Unreadable { path: path.clone(), offset: 0, reason: reason.to_owned() };
        let text = str::from_utf8(&bytes).map_err(|_| unreadable("it is not text"))?;
        let body = text.rfind("crc ").map_or("", |at| &text[..at]);
        if text[body.len()..] != format!("crc {:08x}\n", crc32c::crc32c(body.as_bytes())) {
            return Err(unreadable("its checksum does not hold"));
        }
        let field =
            |name: &str| body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<u64>().ok());
        let format = field("format").and_then(|format| u16::try_from(format).ok()).unwrap_or(u16::MAX);
        if format > FORMAT {
            return Err(OpenError::Newer { path: path.clone(), found: format, known: FORMAT });
        }
        match (field("applied"), field("from")) {
            (Some(applied), Some(from)) => Ok(Self { applied: Lsn(applied), from: Lsn(from) }),
            _ => Err(unreadable("it names no LSN")),
        }
    }
}
