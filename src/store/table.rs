//! Opening the table: taken as it is when it holds what its checkpoint says, set aside and begun anew when not.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::checkpoint::Checkpoint;
use super::disk::{Disk, DiskFailure};
use super::identity;
use super::tree::{self, Tree, TreeFault};
use super::{OpenError, Options};
use crate::ports::Lsn;

/// Its presence says that the table was found broken while it was in use.
const SUSPECT: &str = "table.suspect";

/// The open table, and up to where the journal is in it.
pub(super) struct Opened {
    pub tree: Arc<dyn Tree>,
    pub applied: Lsn,
}

pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("table")
}

/// Says to the next start that the table is to be rebuilt.
pub(super) fn mark_suspect(disk: &dyn Disk, dir: &Path) -> Result<(), DiskFailure> {
    identity::write_whole(disk, dir, SUSPECT, b"rebuild\n")
}

/// Opens the table of a store, if it is in order.
pub(super) fn open(disk: &dyn Disk, options: &Options, checkpoint: Checkpoint) -> Result<Opened, OpenError> {
    let suspect = options.path.join(SUSPECT);
    match disk.read(&suspect) {
        Ok(_) => return begin_anew(disk, options, "it failed while it was in use"),
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
            begin_anew(disk, options, &reason)
        }
        Ok(opened) => Ok(opened),
        Err(TreeFault::Broken(reason)) => begin_anew(disk, options, &reason),
        Err(fault) => Err(OpenError::Table(fault)),
    }
}

/// Sets the table aside (the one set aside before goes) and begins an empty one.
pub(super) fn begin_anew(disk: &dyn Disk, options: &Options, reason: &str) -> Result<Opened, OpenError> {
    let (path, aside) = (path(&options.path), options.path.join("table.aside"));
    tracing::error!("the table `{}` is set aside and rebuilt: {reason}", path.display());
    disk.set_tree_aside(&path, &aside).map_err(|source| TreeFault::Aside { path: path.clone(), source })?;
    let tree = disk.open_tree(&path, options.table_cache_bytes)?;
    let suspect = options.path.join(SUSPECT);
    match disk.remove(&suspect) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
            Err(DiskFailure::of("remove", &suspect)(fault).into())
        }
        Ok(()) | Err(_) => Ok(Opened { tree, applied: Lsn(0) }),
    }
}
