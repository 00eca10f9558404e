//! Exports: the whole table at one LSN in a file of its own, from which a broken table is rebuilt.
//!
//! Frames as in the journal: a head (format, store), pages of `[key len u8][key][value len u32][value]` in key
//! order, an end with their count. Each carries the export's LSN and its number, so a missing or foreign frame
//! is found. Values are sealed as they rest. A file has its name only after it was read back, every seal opened
//! (or known from the export before, where it was: `pages::Former`), and its bytes are durable.

use std::path::{Path, PathBuf};

mod pages;

use pages::{Former, Pages};

use super::disk::{Disk, DiskFailure, DiskFile};
use super::frame::{self, Kind};
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

/// Writes an export of a table that nobody writes to meanwhile; gives it with its bytes. `before`: the last one.
pub(super) fn write(
    disk: &dyn Disk,
    dir: &Path,
    (store, seal): (StoreId, &Seal),
    tree: &dyn Tree,
    lsn: Lsn,
    before: Option<&Export>,
) -> Result<(Export, u64), ExportFault> {
    let mut draft = begin(disk, dir, store, lsn)?;
    let count = write_pages(&mut draft, tree, &mut |_, _| {})?;
    end(&mut draft, count)?;
    let mut former = Former::new(disk, before, store);
    read(disk, &draft.path, lsn, store, &mut |pairs| {
        pairs.iter().filter(|(key, bytes)| !former.held(key, bytes)).try_for_each(|(key, bytes)| {
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
    let mut pages = Pages::new(disk, path, lsn, store);
    while let Some(pairs) = pages.next()? {
        visit(&pairs)?;
    }
    Ok(())
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
    while !page.is_empty() {
        let (pair, rest) = first(page)?;
        pairs.push(pair);
        page = rest;
    }
    Some(pairs)
}

/// The first pair of a page, and what follows it.
fn first(page: &[u8]) -> Option<(Lent<'_>, &[u8])> {
    let (&len, rest) = page.split_first()?;
    let (key, rest) = rest.split_at_checked(len.into())?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    Some(((key, value), rest))
}
