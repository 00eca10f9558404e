//! The disk as the journal sees it, so that a simulated one can lose, tear and refuse.
//!
//! Invariants: a file's bytes are safe after `sync`, its name after `sync_dir` of its directory, and nothing
//! before. Whoever is told of a failed write or sync never tries it again: after a failed fsync the kernel
//! holds the lost pages for clean, and a second one would lie (reliability.md 1.4). The process ends and
//! recovers from what the disk really holds.
//!
//! The table is handed out by the disk too, so that a simulated one can lose and break it; what happens inside
//! sled is not behind this trait, and need not be: it is rebuilt from what is.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use super::tree::{Tree, TreeFault, open_sled};

/// A file being written. Offsets and lengths in bytes.
pub trait DiskFile: Send + Sync {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes the bytes and the length durable.
    fn sync(&self) -> io::Result<()>;
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Takes the room for this length from the disk at once, where a length alone would only promise it.
    fn allocate(&self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
}

/// Keeps a directory to one process; let go when dropped.
pub trait DirLock: Send + Sync {}

/// Where the store's files live.
pub trait Disk: Send + Sync + 'static {
    /// Makes a directory and those above it; nothing to do when it is there.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Takes the directory's lock file. `WouldBlock`: another process has it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirLock>>;
    /// A new file; refused when the name is taken.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// A file that is there, to write on.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// At most `len` bytes from `offset` on; none at the end.
    fn read_at(&self, path: &Path, offset: u64, len: usize) -> io::Result<Vec<u8>>;
    /// The names in a directory, in no order.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Puts a file in the place of another, at once.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Bytes that may still be written below a path. A disk that does not say has no end.
    fn free_bytes(&self, _path: &Path) -> io::Result<u64> {
        Ok(u64::MAX)
    }
    /// Opens the table in a directory of its own, which is made when it is not there.
    fn open_tree(&self, path: &Path, cache_bytes: u64) -> Result<Arc<dyn Tree>, TreeFault>;
    /// Moves a table to another name, in the place of what had it; nothing to do when there is none.
    fn set_tree_aside(&self, path: &Path, aside: &Path) -> io::Result<()>;
    /// Ends the process, because the disk broke its promise. Only a simulated disk returns.
    fn give_up(&self, failure: &DiskFailure);
}

/// What the disk did not do.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`: {source}", path.display())]
pub struct DiskFailure {
    pub action: &'static str,
    pub path: PathBuf,
    pub source: io::Error,
}

impl DiskFailure {
    pub(super) fn of(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { action, path: path.to_owned(), source }
    }
}

/// The machine's own disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct MachineDisk;

struct LockFile {
    _file: File,
}

impl DirLock for LockFile {}

impl DiskFile for File {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        match rustix::fs::fallocate(self, FallocateFlags::empty(), 0, len) {
            // A file system that cannot: room that is written to is taken too.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                let zeros = vec![0; 1 << 20];
                (0..len).step_by(zeros.len()).try_for_each(|at| {
                    let bytes = usize::try_from(len - at).unwrap_or(zeros.len()).min(zeros.len());
                    self.write_all_at(&zeros[..bytes], at)
                })
            }
            outcome => Ok(outcome?),
        }
    }
}

impl Disk for MachineDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirLock>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(LockFile { _file: file })),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(fault)) => Err(fault),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OpenOptions::new().create_new(true).write(true).open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OpenOptions::new().write(true).open(path)?))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn read_at(&self, path: &Path, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        file.seek(io::SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(len as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(path)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn open_tree(&self, path: &Path, cache_bytes: u64) -> Result<Arc<dyn Tree>, TreeFault> {
        open_sled(path, cache_bytes)
    }

    fn set_tree_aside(&self, path: &Path, aside: &Path) -> io::Result<()> {
        let absent = |fault: &io::Error| fault.kind() == io::ErrorKind::NotFound;
        fs::remove_dir_all(aside).or_else(|fault| if absent(&fault) { Ok(()) } else { Err(fault) })?;
        fs::rename(path, aside).or_else(|fault| if absent(&fault) { Ok(()) } else { Err(fault) })?;
        path.parent().map_or(Ok(()), |parent| self.sync_dir(parent))
    }

    fn give_up(&self, failure: &DiskFailure) {
        tracing::error!(
            "the store {failure}; the process ends, and what was acknowledged is recovered at the next start"
        );
        std::process::abort()
    }
}
