//! The store's name card: which store this directory is, in which format, sealed with which key.
//!
//! Read before anything else, so that a wrong key file or a newer store is a clear message and not a heap of
//! records that do not open. A card that is damaged or gone is written anew from what the journal says.

use std::path::Path;

use rand::Rng;

use super::disk::{Disk, DiskFailure};
use super::frame::{self, Kind, Read};
use super::seal::{self, KeyId};
use super::segment::{self, Start};
use super::{OpenError, part};

const FILE: &str = "store.id";

/// Random, made once: segments and exports of another store are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoreId(pub(super) [u8; 16]);

impl std::fmt::Display for StoreId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Reads the card of a store that must be there.
pub(super) fn read(disk: &dyn Disk, dir: &Path, key: KeyId) -> Result<StoreId, OpenError> {
    let path = dir.join(FILE);
    let bytes = disk.read(&path).map_err(DiskFailure::of("read", &path))?;
    parse(&bytes, &path, key)
}

/// Reads the card; writes the first one into an empty directory, and a damaged one anew from the journal.
pub(super) fn read_or_create(disk: &dyn Disk, dir: &Path, key: KeyId) -> Result<StoreId, OpenError> {
    let path = dir.join(FILE);
    let unreadable = match disk.read(&path) {
        Ok(bytes) => match parse(&bytes, &path, key) {
            Err(OpenError::Unreadable { reason, .. }) => reason,
            outcome => return outcome,
        },
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => "it is gone".to_owned(),
        Err(fault) => return Err(DiskFailure::of("read", &path)(fault).into()),
    };
    let Some(id) = from_journal(disk, dir, key)? else { return Ok(create(disk, dir, key)?) };
    tracing::warn!("`{}` is written anew from the journal: {unreadable}", path.display());
    write(disk, dir, key, id)?;
    Ok(id)
}

/// Which store the segments belong to; `None`: there are none. The key must be the one that sealed them: a card
/// that names another would lock the right one out.
fn from_journal(disk: &dyn Disk, dir: &Path, key: KeyId) -> Result<Option<StoreId>, OpenError> {
    let mut id = None;
    for segment in segment::list(disk, &dir.join("journal"))?.iter().rev() {
        let bytes = disk.read(&segment.path).map_err(DiskFailure::of("read", &segment.path))?;
        let mut offset = 0;
        while let Read::Frame(frame) = frame::read(&bytes, offset) {
            offset = frame.end;
            if frame.kind == Kind::Start {
                id = id.or(Start::read(frame.payload).map(|start| start.store));
            }
            let parts =
                if frame.kind == Kind::Record { part::parts(frame.payload).unwrap_or_default() } else { vec![] };
            if let Some(found) = parts.iter().find_map(|part| seal::key_of(part.sealed)) {
                if found != key {
                    let (found, ours) = (found.to_string(), key.to_string());
                    return Err(OpenError::OtherKey { path: segment.path.clone(), found, ours });
                }
                if id.is_some() {
                    return Ok(id);
                }
                break;
            }
        }
    }
    Ok(id)
}

/// Writes the card of a new store.
pub(super) fn create(disk: &dyn Disk, dir: &Path, key: KeyId) -> Result<StoreId, DiskFailure> {
    let mut id = StoreId([0; 16]);
    rand::rng().fill_bytes(&mut id.0);
    write(disk, dir, key, id)?;
    Ok(id)
}

fn write(disk: &dyn Disk, dir: &Path, key: KeyId, id: StoreId) -> Result<(), DiskFailure> {
    let text = format!("siaga store\nformat {}\nkey {key}\nid {id}\n", segment::FORMAT);
    write_whole(disk, dir, FILE, text.as_bytes())
}

/// Whether a directory holds a store, be it one without its card.
pub(super) fn is_there(disk: &dyn Disk, dir: &Path) -> bool {
    let segments = || segment::list(disk, &dir.join("journal")).is_ok_and(|segments| !segments.is_empty());
    disk.read(&dir.join(FILE)).is_ok() || segments()
}

fn parse(bytes: &[u8], path: &Path, key: KeyId) -> Result<StoreId, OpenError> {
    let unreadable = |reason: &str| OpenError::Unreadable { path: path.to_owned(), offset: 0, reason: reason.into() };
    let text = str::from_utf8(bytes).map_err(|_| unreadable("it is not text"))?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let format: u16 =
        field("format").and_then(|format| format.parse().ok()).ok_or_else(|| unreadable("it names no format"))?;
    if format > segment::FORMAT {
        return Err(OpenError::Newer { path: path.to_owned(), found: format, known: segment::FORMAT });
    }
    let found = field("key").ok_or_else(|| unreadable("it names no key"))?;
    if found != key.to_string() {
        return Err(OpenError::OtherKey { path: path.to_owned(), found: found.into(), ours: key.to_string() });
    }
    field("id").and_then(id).ok_or_else(|| unreadable("it names no store"))
}

fn id(text: &str) -> Option<StoreId> {
    let mut id = [0; 16];
    if text.len() != 32 {
        return None;
    }
    for (at, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(StoreId(id))
}

/// Writes a small file so that it is there whole or not at all.
pub(super) fn write_whole(disk: &dyn Disk, dir: &Path, name: &str, bytes: &[u8]) -> Result<(), DiskFailure> {
    let (path, draft) = (dir.join(name), dir.join(format!("{name}.new")));
    match disk.remove(&draft) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
            return Err(DiskFailure::of("remove", &draft)(fault));
        }
        Ok(()) | Err(_) => {}
    }
    let file = disk.create(&draft).map_err(DiskFailure::of("create", &draft))?;
    file.write_at(0, bytes).map_err(DiskFailure::of("write", &draft))?;
    file.sync().map_err(DiskFailure::of("sync", &draft))?;
    disk.rename(&draft, &path).map_err(DiskFailure::of("rename", &draft))?;
    disk.sync_dir(dir).map_err(DiskFailure::of("sync", dir))
}
