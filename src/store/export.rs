//! Exports: the whole table at one LSN in a file of its own, from which a broken table is rebuilt.
//!
//! Frames as in the journal: a head (format, store), pages of `[key len u8][key][value len u32][value]` in key
//! order, an end with their count. Each carries the export's LSN and its number, so a missing or foreign frame
//! is found. Values are sealed as they rest. A file has its name only after it was read back, every seal
//! opened, and its bytes are durable.

use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskFailure, DiskFile};
use super::frame::{self, Frame, Kind, Read};
use super::identity::StoreId;
use super::part::{self, Encoded};
use super::seal::Seal;
use super::tree::{self, APPLIED, BATCH_KEYS, Tree, TreeFault};
use crate::ports::Lsn;

const FORMAT: u16 = 1;
/// The name of an export that is being written.
pub(super) const DRAFT: &str = "draft";
const READ_BYTES: usize = 4 << 20;

/// Why there is no export, or none that can be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportFault {
    #[error(transparent)]
    Disk(#[from] DiskFailure),
    #[error("the table: {0}")]
    Tree(#[from] TreeFault),
    #[error("`{}` cannot be read at offset {offset}: {reason}", path.display())]
    Damaged { path: PathBuf, offset: u64, reason: String },
}

/// A key and its bytes, as they stand in a page.
pub(super) type Lent<'a> = (&'a [u8], &'a [u8]);

/// An export on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Export {
    pub lsn: Lsn,
    pub path: PathBuf,
}

pub(super) fn dir(store: &Path) -> PathBuf {
    store.join("exports")
}

/// The finished exports, oldest first.
pub(super) fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<Export>, DiskFailure> {
    let names = disk.list(dir).map_err(DiskFailure::of("list", dir))?;
    let lsn = |name: &str| name.strip_suffix(".export").filter(|digits| digits.len() == 20)?.parse().ok();
    let mut exports: Vec<_> =
        names.iter().filter_map(|name| Some(Export { lsn: Lsn(lsn(name)?), path: dir.join(name) })).collect();
    exports.sort_by_key(|export| export.lsn);
    Ok(exports)
}

/// A file of numbered frames that is being written.
pub(super) struct Draft {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    lsn: Lsn,
    number: u32,
    offset: u64,
}

impl Draft {
    /// Begins a file, in the place of what a process that ended left there.
    pub(super) fn begin(disk: &dyn Disk, path: &Path, lsn: Lsn) -> Result<Self, DiskFailure> {
        match disk.remove(path) {
            Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
                return Err(DiskFailure::of("remove", path)(fault));
            }
            Ok(()) | Err(_) => {}
        }
        let file = disk.create(path).map_err(DiskFailure::of("create", path))?;
        Ok(Self { file, path: path.to_owned(), lsn, number: 0, offset: 0 })
    }

    pub(super) fn frame(&mut self, kind: Kind, payload: &[u8]) -> Result<(), DiskFailure> {
        let mut bytes = Vec::with_capacity(payload.len() + frame::HEAD);
        let start = frame::begin(&mut bytes, self.lsn.0, self.number, kind);
        bytes.extend_from_slice(payload);
        frame::finish(&mut bytes, start);
        self.append(&bytes)
    }

    /// A frame of parts that are sealed already.
    pub(super) fn record(&mut self, seal: &Seal, parts: &[Encoded]) -> Result<(), DiskFailure> {
        let mut bytes = Vec::new();
        part::write_record(&mut bytes, seal, self.lsn, self.number, parts);
        self.append(&bytes)
    }

    pub(super) fn page(&mut self, page: &[u8]) -> Result<(), DiskFailure> {
        self.frame(Kind::Export, page)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), DiskFailure> {
        self.file.write_at(self.offset, bytes).map_err(DiskFailure::of("write", &self.path))?;
        self.offset += bytes.len() as u64;
        self.number += 1;
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), DiskFailure> {
        self.file.sync().map_err(DiskFailure::of("sync", &self.path))
    }

    pub(super) fn bytes(&self) -> u64 {
        self.offset
    }
}

fn head(store: StoreId) -> Vec<u8> {
    [&FORMAT.to_le_bytes()[..], &store.0].concat()
}

/// Begins an export as of `lsn`: pages follow, then [`finish`].
pub(super) fn begin(disk: &dyn Disk, dir: &Path, store: StoreId, lsn: Lsn) -> Result<Draft, DiskFailure> {
    let mut draft = Draft::begin(disk, &dir.join(DRAFT), lsn)?;
    draft.frame(Kind::Export, &head(store))?;
    Ok(draft)
}

/// Ends an export of this many pairs: durable, and not read back yet.
pub(super) fn end(draft: &mut Draft, pairs: u64) -> Result<(), DiskFailure> {
    draft.frame(Kind::ExportEnd, &pairs.to_le_bytes())?;
    draft.sync()
}

/// Gives an export its name.
pub(super) fn finish(disk: &dyn Disk, dir: &Path, draft: &Draft) -> Result<Export, DiskFailure> {
    let path = dir.join(format!("{:020}.export", draft.lsn.0));
    disk.rename(&draft.path, &path).map_err(DiskFailure::of("rename", &draft.path))?;
    disk.sync_dir(dir).map_err(DiskFailure::of("sync", dir))?;
    Ok(Export { lsn: draft.lsn, path })
}

/// Writes all pairs of a table that nobody writes to meanwhile, and gives their number.
pub(super) fn write_pages(
    draft: &mut Draft,
    tree: &dyn Tree,
    seen: &mut dyn FnMut(&[u8], &[u8]),
) -> Result<u64, ExportFault> {
    let (mut from, mut page, mut count) = (Vec::new(), Vec::new(), 0);
    loop {
        page.clear();
        let mut last = Vec::new();
        let read = tree.visit(&from, BATCH_KEYS, &mut |key, value| {
            last.clear();
            last.extend_from_slice(key);
            if key != APPLIED {
                encode(&mut page, key, value);
                seen(key, value);
                count += 1;
            }
        })?;
        draft.page(&page)?;
        if read < BATCH_KEYS {
            return Ok(count);
        }
        last.push(0);
        from = last;
    }
}

/// Writes an export of a table that nobody writes to meanwhile; gives it with its bytes.
pub(super) fn write(
    disk: &dyn Disk,
    dir: &Path,
    store: StoreId,
    seal: &Seal,
    tree: &dyn Tree,
    lsn: Lsn,
) -> Result<(Export, u64), ExportFault> {
    let mut draft = begin(disk, dir, store, lsn)?;
    let count = write_pages(&mut draft, tree, &mut |_, _| {})?;
    end(&mut draft, count)?;
    read(disk, &draft.path, lsn, store, &mut |pairs| {
        pairs.iter().try_for_each(|(key, bytes)| {
            tree::opens(seal, key, bytes).map_err(|fault| TreeFault::Broken(fault.to_string()).into())
        })
    })?;
    Ok((finish(disk, dir, &draft)?, draft.bytes()))
}

/// Reads an export page by page; whoever gets `Ok` has seen all of it.
pub(super) fn read(
    disk: &dyn Disk,
    path: &Path,
    lsn: Lsn,
    store: StoreId,
    visit: &mut dyn FnMut(&[Lent<'_>]) -> Result<(), ExportFault>,
) -> Result<(), ExportFault> {
    let (mut buffer, mut at, mut read_to) = (Vec::new(), 0, 0_u64);
    let (mut number, mut count) = (0_u32, 0_u64);
    loop {
        let damaged = |reason: &str| ExportFault::Damaged {
            path: path.to_owned(),
            offset: read_to - (buffer.len() - at) as u64,
            reason: reason.to_owned(),
        };
        let Read::Frame(found) = frame::read(&buffer, at) else {
            let more = disk.read_at(path, read_to, READ_BYTES).map_err(DiskFailure::of("read", path))?;
            if more.is_empty() {
                return Err(damaged("no whole frame stands there"));
            }
            buffer.drain(..at);
            at = 0;
            read_to += more.len() as u64;
            buffer.extend_from_slice(&more);
            continue;
        };
        let Frame { payload, end, .. } = found;
        if found.lsn != lsn.0 || found.place != number {
            return Err(damaged("a frame of another export or place stands there"));
        }
        match (found.kind, number) {
            (Kind::Export, 0) if *payload == *head(store) => {}
            (Kind::Export, 1..) => {
                let pairs = decode(payload).ok_or_else(|| damaged("its page is cut"))?;
                count += pairs.len() as u64;
                visit(&pairs)?;
            }
            (Kind::ExportEnd, 1..) if *payload == count.to_le_bytes() => return Ok(()),
            _ => return Err(damaged("this frame does not belong there")),
        }
        number += 1;
        at = end;
    }
}

/// Appends a pair to a page.
pub(super) fn encode(page: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    page.push(u8::try_from(key.len()).unwrap_or_else(|_| unreachable!("keys are bounded")));
    page.extend_from_slice(key);
    page.extend_from_slice(&u32::try_from(value.len()).unwrap_or_default().to_le_bytes());
    page.extend_from_slice(value);
}

/// The pairs of a page.
pub(super) fn decode(mut page: &[u8]) -> Option<Vec<Lent<'_>>> {
    let mut pairs = Vec::new();
    while let Some((&len, rest)) = page.split_first() {
        let (key, rest) = rest.split_at_checked(len.into())?;
        let (len, rest) = rest.split_first_chunk::<4>()?;
        let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        pairs.push((key, value));
        page = rest;
    }
    Some(pairs)
}
