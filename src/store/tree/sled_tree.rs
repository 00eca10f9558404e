//! sled 0.34.7 as the tree: pinned, on a leash.
//!
//! What it promises and does not is in reliability.md 1.1: its `flush` makes no fsync, so `sync` makes one on a
//! file handle of its own; it may panic over what it reads, so every call is caught; values stay below 4 KiB
//! and keys below 64 bytes, so that it never writes a blob, which it would not sync at all.

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Pair, Tree, TreeFault, Write};

/// sled cleans its file only in its own flusher, once in this time.
const FLUSH_EVERY_MS: u64 = 1_000;

struct Sled {
    db: sled::Db,
    path: PathBuf,
}

/// Opens the tree in a directory, which is made when it is not there; its name is durable when this returns.
/// `cache_bytes` must exceed the data, else sled's memory grows without bound.
pub fn open_sled(path: &Path, cache_bytes: u64) -> Result<Arc<dyn Tree>, TreeFault> {
    clear_drafts(path).map_err(TreeFault::Disk)?;
    let config = sled::Config::default().path(path).cache_capacity(cache_bytes).flush_every_ms(Some(FLUSH_EVERY_MS));
    let db = caught(|| config.open())?;
    let tree = Sled { db, path: path.to_owned() };
    tree.sync_names().map_err(TreeFault::Disk)?;
    if let Some(parent) = path.parent() {
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(TreeFault::Disk)?;
    }
    Ok(Arc::new(tree))
}

/// A crash while sled opens leaves `snap.<lsn>.generating`, which the next open would take for the newest
/// snapshot and fail over. It never got its name, so nothing refers to it.
fn clear_drafts(path: &Path) -> std::io::Result<()> {
    let entries = match fs::read_dir(path) {
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            tracing::warn!("`{}` is left of a start that did not end; it is removed", entry.path().display());
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

impl Sled {
    fn sync_names(&self) -> std::io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Tree for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeFault> {
        caught(|| Ok(self.db.get(key)?.map(|value| value.to_vec())))
    }

    fn range(&self, from: &[u8], most: usize) -> Result<Vec<Pair>, TreeFault> {
        caught(|| {
            let pairs = self.db.range(from..).take(most);
            pairs.map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
        })
    }

    fn visit(&self, from: &[u8], most: usize, see: &mut dyn FnMut(&[u8], &[u8])) -> Result<usize, TreeFault> {
        caught(|| {
            let mut seen = 0;
            for pair in self.db.range(from..).take(most) {
                let (key, value) = pair?;
                see(&key, &value);
                seen += 1;
            }
            Ok(seen)
        })
    }

    fn apply(&self, batch: &[Write<'_>]) -> Result<(), TreeFault> {
        caught(|| {
            let mut writes = sled::Batch::default();
            for (key, value) in batch {
                match value {
                    Some(value) => writes.insert(*key, *value),
                    None => writes.remove(*key),
                }
            }
            self.db.apply_batch(writes)
        })
    }

    fn bytes_on_disk(&self) -> Result<u64, TreeFault> {
        caught(|| self.db.size_on_disk())
    }

    fn sync(&self) -> Result<(), TreeFault> {
        caught(|| self.db.flush().map(drop))?;
        // Any handle of a file syncs all of the file.
        File::open(self.path.join("db")).and_then(|file| file.sync_all()).map_err(TreeFault::Disk)?;
        self.sync_names().map_err(TreeFault::Disk)
    }
}

fn caught<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, TreeFault> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(outcome) => outcome.map_err(|error| fault(&error)),
        Err(_) => Err(TreeFault::Broken("sled panicked over it".into())),
    }
}

/// Only what the operating system itself refused is the disk's fault: a read past a cut end is an I/O error too.
fn fault(error: &sled::Error) -> TreeFault {
    if let sled::Error::Io(source) = error
        && let Some(code) = source.raw_os_error()
    {
        return TreeFault::Disk(std::io::Error::from_raw_os_error(code));
    }
    TreeFault::Broken(error.to_string())
}
