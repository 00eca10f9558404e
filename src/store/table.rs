//! Opening the table: taken as it is when it holds what its checkpoint says, set aside and begun anew when not.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::checkpoint::Found;
use super::disk::{Disk, DiskFailure};
use super::export::{self, Export, ExportFault};
use super::identity::{self, StoreId};
use super::tree::{self, APPLIED, Tree, TreeFault, Write};
use super::{OpenError, Options, Progress};
use crate::ports::Lsn;

/// Its presence says that the table was found broken while it was in use.
const SUSPECT: &str = "table.suspect";

/// The open table, and up to where the journal is in it.
pub(super) struct Opened {
    pub tree: Arc<dyn Tree>,
    pub applied: Lsn,
}

/// What a table is rebuilt from, beside the journal.
pub(super) struct Rebuild<'a> {
    pub store: StoreId,
    /// Where the journal begins.
    pub from: Lsn,
    /// Oldest first.
    pub exports: &'a [Export],
    pub progress: &'a Progress,
}

impl Rebuild<'_> {
    /// Fills an empty table from the newest export that reads; gives the LSN that the journal goes on from. What
    /// a damaged one left in the table is overwritten: the journal behind an older one says it again.
    fn load(&self, disk: &dyn Disk, tree: &dyn Tree) -> Result<Lsn, OpenError> {
        for export in self.exports.iter().rev().filter(|export| export.lsn.0 + 1 >= self.from.0) {
            let (mut pages, mut keys) = (0, 0);
            self.progress.begin("rebuilding the table from an export", "page", 0);
            let read = export::read(disk, &export.path, export.lsn, self.store, &mut |pairs| {
                (pages, keys) = (pages + 1, keys + pairs.len() as u64);
                self.progress.at(pages, keys);
                let batch: Vec<Write<'_>> = pairs.iter().map(|(key, value)| (*key, Some(*value))).collect();
                Ok(tree.apply(&batch)?)
            });
            match read {
                Ok(()) => {
                    tree.apply(&[(APPLIED, Some(&export.lsn.0.to_le_bytes()))])?;
                    return Ok(export.lsn);
                }
                Err(ExportFault::Tree(fault)) => return Err(fault.into()),
                Err(fault) => tracing::error!("an export is passed over: {fault}"),
            }
        }
        if self.from > Lsn(1) { Err(OpenError::NoExport { from: self.from }) } else { Ok(Lsn(0)) }
    }
}

pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("table")
}

/// Says to the next start that the table is to be rebuilt.
pub(super) fn mark_suspect(disk: &dyn Disk, dir: &Path) -> Result<(), DiskFailure> {
    identity::write_whole(disk, dir, SUSPECT, b"rebuild\n")
}

/// Opens the table of a store, if it is in order.
pub(super) fn open(
    disk: &dyn Disk,
    options: &Options,
    found: &Found,
    rebuild: &Rebuild<'_>,
) -> Result<Opened, OpenError> {
    if let Some(doubt) = &found.doubt {
        return begin_anew(disk, options, doubt, rebuild);
    }
    let checkpoint = found.checkpoint;
    let suspect = options.path.join(SUSPECT);
    match disk.read(&suspect) {
        Ok(_) => return begin_anew(disk, options, "it failed while it was in use", rebuild),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {}
        Err(fault) => return Err(DiskFailure::of("read", &suspect)(fault).into()),
    }
    let opened = disk
        .open_tree(&path(&options.path), options.table_cache_bytes)
        .and_then(|tree| Ok(Opened { applied: tree::applied(&*tree)?, tree }));
    match opened {
        Ok(opened) if opened.applied < checkpoint.applied => {
            let reason = format!("it ends at lsn {}, its checkpoint at {}", opened.applied.0, checkpoint.applied.0);
            drop(opened);
            begin_anew(disk, options, &reason, rebuild)
        }
        Ok(opened) => Ok(opened),
        Err(TreeFault::Broken(reason)) => begin_anew(disk, options, &reason, rebuild),
        Err(fault) => Err(OpenError::Table(fault)),
    }
}

/// Sets the table aside (the one set aside before goes) and begins one from the newest good export.
pub(super) fn begin_anew(
    disk: &dyn Disk,
    options: &Options,
    reason: &str,
    rebuild: &Rebuild<'_>,
) -> Result<Opened, OpenError> {
    let (path, aside) = (path(&options.path), options.path.join("table.aside"));
    tracing::error!("the table `{}` is set aside and rebuilt: {reason}", path.display());
    disk.set_tree_aside(&path, &aside).map_err(|source| TreeFault::Aside { path: path.clone(), source })?;
    let tree = disk.open_tree(&path, options.table_cache_bytes)?;
    let applied = rebuild.load(disk, &*tree)?;
    let suspect = options.path.join(SUSPECT);
    match disk.remove(&suspect) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
            Err(DiskFailure::of("remove", &suspect)(fault).into())
        }
        Ok(()) | Err(_) => Ok(Opened { tree, applied }),
    }
}
