//! What rests: the table, page by page and against the journal, and the exports.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{Look, TABLE_CACHE_BYTES};
use crate::ports::Lsn;
use crate::store::disk::DiskFailure;
use crate::store::export::{self, ExportFault, Lent};
use crate::store::overlay::FullKey;
use crate::store::tree::{self, APPLIED, Resting, Tree, TreeFault};
use crate::store::{OpenError, archive, losses, part, table};

impl Look<'_> {
    pub(super) fn open_table(&mut self) -> Result<Option<Arc<dyn Tree>>, OpenError> {
        let path = table::path(self.store);
        if !path.exists() {
            return Ok(None);
        }
        self.found.table_bytes = bytes_below(&path).map_err(DiskFailure::of("look at", &path))?;
        let opened = self.disk.open_tree(&path, TABLE_CACHE_BYTES);
        let opened = opened.and_then(|tree| Ok((tree::applied(&*tree)?, tree)));
        match opened {
            Ok((applied, tree)) => {
                self.found.applied = applied;
                if applied < self.checkpoint.applied {
                    let reason = format!("the table ends at lsn {}, its checkpoint after it", applied.0);
                    self.broken(self.checkpoint.applied, path, 0, reason);
                }
                Ok(Some(tree))
            }
            Err(TreeFault::Broken(reason)) => {
                self.broken(self.checkpoint.applied, path, 0, reason);
                Ok(None)
            }
            Err(fault) => Err(fault.into()),
        }
    }

    pub(super) fn table_bytes(&self) -> Result<u64, OpenError> {
        let path = table::path(self.store);
        Ok(bytes_below(&path).map_err(DiskFailure::of("look at", &path))?)
    }

    /// Every pair that the table will hold when it has all of the journal.
    pub(super) fn table(&mut self, tree: Option<&dyn Tree>) -> Result<(), OpenError> {
        let mut from = tree.map(|_| Vec::new());
        while let (Some(tree), Some(start)) = (tree, from.take()) {
            let (pairs, next) = match tree::page(tree, &[], &start) {
                Ok(page) => page,
                Err(fault) => return self.table_fault(fault),
            };
            for (key, bytes) in pairs.iter().filter(|(key, _)| key != APPLIED) {
                if self.open_seals
                    && let Err(fault) = tree::open(self.seal, key, bytes)
                {
                    self.broken(Lsn(0), table::path(self.store), 0, fault.to_string());
                }
                if !self.tail.contains_key(key.as_slice()) {
                    self.rests(key, bytes);
                }
            }
            from = next;
        }
        for (key, resting) in std::mem::take(&mut self.tail) {
            if let Some(bytes) = resting.bytes {
                self.rests(&key, &bytes);
            }
        }
        Ok(())
    }

    fn rests(&mut self, key: &[u8], bytes: &[u8]) {
        self.found.live_keys += 1;
        self.found.live_bytes += (key.len() + bytes.len()) as u64;
        self.state.pair(key, bytes);
    }

    fn table_fault(&mut self, fault: TreeFault) -> Result<(), OpenError> {
        let TreeFault::Broken(reason) = fault else { return Err(fault.into()) };
        self.broken(self.found.applied, table::path(self.store), 0, reason);
        Ok(())
    }

    /// What the journal says of a key up to the applied LSN is what the table must hold of it.
    pub(super) fn table_against_journal(&mut self, tree: Option<&dyn Tree>) -> Result<(), OpenError> {
        let comparable = self.open_seals && !self.lossy && self.found.holes.is_empty();
        let Some(tree) = tree.filter(|_| comparable) else { return Ok(()) };
        let mut gone = HashSet::new();
        for (key, (lsn, there)) in std::mem::take(&mut self.must_rest) {
            let rests = match tree.get(&key) {
                Ok(bytes) => bytes.and_then(|bytes| Some(u64::from_le_bytes(*bytes.first_chunk::<8>()?))),
                Err(fault) => return self.table_fault(fault),
            };
            if self.running && (rests.is_some_and(|rests| rests > lsn.0) || lsn > tree::applied(tree)?) {
                continue;
            }
            if self.running && there && rests.is_none() {
                gone.insert(key);
            } else if rests != there.then_some(lsn.0) {
                let reason = match rests {
                    Some(rests) => format!("the table holds a key as of lsn {rests}, the journal has it newer"),
                    None => "a key that the journal has applied is not in the table".to_owned(),
                };
                self.broken(lsn, table::path(self.store), 0, reason);
            }
        }
        if gone.is_empty() { Ok(()) } else { self.gone_since(gone) }
    }

    /// Keys that a running server's table does not have: deleted meanwhile, or lost.
    fn gone_since(&mut self, mut keys: HashSet<FullKey>) -> Result<(), OpenError> {
        let segments = archive::segments(self.disk, self.store, self.checkpoint.from)?;
        let accepted = losses::read(self.disk, self.store)?;
        self.walk(&segments, &accepted, &mut |_, _, frame| {
            for stored in part::parts(frame.payload).unwrap_or_default() {
                if let Some((key, Resting { bytes: None, .. })) = tree::read(Lsn(frame.lsn), &stored) {
                    keys.remove(&key);
                }
            }
        })?;
        for _ in keys {
            let reason = "a key that the journal has applied is not in the table".to_owned();
            self.broken(self.found.applied, table::path(self.store), 0, reason);
        }
        Ok(())
    }

    pub(super) fn exports(&mut self) -> Result<(), OpenError> {
        let dir = export::dir(self.store);
        if !dir.exists() {
            return Ok(());
        }
        for export in export::list(self.disk, &dir)? {
            self.found.exports += 1;
            let file = fs::metadata(&export.path).map_err(DiskFailure::of("look at", &export.path))?;
            self.found.export_bytes += file.len();
            let read = export::read(self.disk, &export.path, export.lsn, self.id, &mut |pairs| {
                let opened = |(key, bytes): &Lent<'_>| tree::opens(self.seal, key, bytes);
                let checked = if self.open_seals { pairs.iter().try_for_each(opened) } else { Ok(()) };
                checked.map_err(|fault| ExportFault::Tree(TreeFault::Broken(fault.to_string())))
            });
            match read {
                Ok(()) => {}
                Err(ExportFault::Disk(fault)) => return Err(fault.into()),
                Err(ExportFault::Damaged { path, offset, reason }) => self.broken(export.lsn, path, offset, reason),
                Err(ExportFault::Tree(fault)) => self.broken(export.lsn, export.path, 0, fault.to_string()),
            }
        }
        Ok(())
    }
}

fn bytes_below(path: &Path) -> io::Result<u64> {
    fs::read_dir(path)?
        .map(|entry| {
            let entry = entry?;
            if entry.file_type()?.is_dir() { bytes_below(&entry.path()) } else { Ok(entry.metadata()?.len()) }
        })
        .sum()
}
