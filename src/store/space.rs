//! Room on the disk: how much is left, what is kept back, and who has to wait.
//!
//! | free | new messages | the table and exports | the journal |
//! |---|---|---|---|
//! | `store.free_bytes_min` or more | taken | written | written |
//! | less | refused (503): Meta delivers them again | written down to half of it | written |
//! | less than half | refused | wait: sled never meets a full disk, which would be its end | written |
//! | none | refused | wait | the reserve file is given up for it; then it waits |
//!
//! What is refused is taken again when a quarter more than the least is free, by itself. The journal may repeat a
//! write that found no room, since nobody was promised anything of it; a failed sync is never repeated.
//! The reserve is a file of `store.reserve_bytes` that holds its room from the first moment, so that what had
//! been let in can be made durable whatever fills the disk. It is made again when there is room for it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::disk::{Disk, DiskFailure};
use super::{OpenError, Options};
use crate::ports::StoreError;

const RESERVE: &str = "reserve";

pub(super) struct Space {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    reserve_bytes: u64,
    free_bytes_min: u64,
    /// At the last look.
    free: AtomicU64,
    low: AtomicBool,
    /// The table waits; said once.
    table_waits: AtomicBool,
}

impl Space {
    /// Looks before anything is written. Without room for a recovery the start is refused: sled would not live
    /// through it.
    pub(super) fn open(disk: &Arc<dyn Disk>, options: &Options) -> Result<Self, OpenError> {
        let space = Self {
            disk: Arc::clone(disk),
            dir: options.path.clone(),
            reserve_bytes: options.reserve_bytes,
            free_bytes_min: options.free_bytes_min,
            free: AtomicU64::new(u64::MAX),
            low: AtomicBool::new(false),
            table_waits: AtomicBool::new(false),
        };
        let needed = space.free_bytes_min / 4;
        if space.look() < space.free_bytes_min / 2 && space.release() {
            space.look();
        }
        let free = space.free();
        if free < needed {
            return Err(OpenError::NoRoom { path: space.dir, free, needed });
        }
        Ok(space)
    }

    /// Measures. A disk that cannot say leaves what was known.
    pub(super) fn look(&self) -> u64 {
        let Ok(free) = self.disk.free_bytes(&self.dir) else { return self.free() };
        self.free.store(free, Ordering::Relaxed);
        let least = self.free_bytes_min;
        if free < least && !self.low.swap(true, Ordering::Relaxed) {
            tracing::error!(
                "the disk has {free} bytes free, less than store.free_bytes_min ({least}): no new messages are taken"
            );
        } else if free >= least.saturating_add(least / 4) && self.low.swap(false, Ordering::Relaxed) {
            tracing::info!("the disk has {free} bytes free: messages are taken again");
        }
        free
    }

    /// As of the last look.
    pub(super) fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }

    /// Whether new messages may come, as of the last look.
    pub(super) fn ready(&self) -> Result<(), StoreError> {
        if self.low.load(Ordering::Relaxed) {
            return Err(StoreError::Full("the disk has less free than store.free_bytes_min"));
        }
        Ok(())
    }

    /// Whether the table may be written, and `bytes` beside it. Looks.
    pub(super) fn table_may_write(&self, bytes: u64) -> bool {
        let free = self.look();
        let may = free >= (self.free_bytes_min / 2).saturating_add(bytes);
        if may {
            self.table_waits.store(false, Ordering::Relaxed);
        } else if !self.table_waits.swap(true, Ordering::Relaxed) {
            tracing::error!("the disk has {free} bytes free: the table waits, the journal keeps what it misses");
        }
        may
    }

    /// Gives the reserve up. True: there was one, and its room is free now.
    pub(super) fn release(&self) -> bool {
        let path = self.reserve();
        let released = self.disk.remove(&path).is_ok() && self.disk.sync_dir(&self.dir).is_ok();
        if released {
            tracing::warn!("the disk is full: `{}` is given up for what has been let in", path.display());
        }
        released
    }

    /// Makes the reserve when there is none and room for it.
    pub(super) fn keep_reserve(&self) {
        let wanted = self.reserve_bytes;
        let room = self.free_bytes_min.saturating_add(self.free_bytes_min / 4).saturating_add(wanted);
        if wanted == 0 || self.free() < room {
            return;
        }
        let path = self.reserve();
        match self.disk.create(&path) {
            Ok(file) => {
                if let Err(fault) = file.allocate(wanted).and_then(|()| file.sync()) {
                    tracing::warn!("no reserve could be made: {fault}");
                    // Half a reserve would be taken for a whole one.
                    let _gone = self.disk.remove(&path);
                }
            }
            Err(fault) if fault.kind() == ErrorKind::AlreadyExists => {}
            Err(fault) => tracing::warn!("no reserve could be made: {fault}"),
        }
    }

    fn reserve(&self) -> PathBuf {
        self.dir.join(RESERVE)
    }
}

impl DiskFailure {
    /// There was no room, and the write may be repeated. A sync may not: after a failed one the kernel holds
    /// what is lost for clean.
    pub(super) fn is_full(&self) -> bool {
        is_full(&self.source) && self.action != "sync"
    }
}

pub(super) fn is_full(fault: &io::Error) -> bool {
    matches!(fault.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Removes what a write without room left behind.
pub(super) fn clear(disk: &dyn Disk, path: &Path) {
    // Whoever makes it anew finds a name that is taken, and says so.
    let _gone = disk.remove(path);
}
