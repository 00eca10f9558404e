//! A disk that loses, tears and refuses, by a seed.
//!
//! What is synced stays. Of the rest, a crash keeps any part of each write (sector by sector), any length
//! change or none, and any directory entry or none. A failed call leaves the disk dead: on a real machine the
//! process has ended there (`Disk::give_up`).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use siaga::store::disk::{DirLock, Disk, DiskFailure, DiskFile};
use siaga::store::tree::{Tree, TreeFault};

use super::tree::{self, SimTree};

/// Power fails sector by sector.
const SECTOR: usize = 512;
/// A full disk refuses so many calls, then somebody makes room.
const NO_SPACE_CALLS: u64 = 3;

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The power goes: nothing of this call happens, or a part of its write.
    PowerLoss,
    /// The call fails, and nothing of it happened; so do all that follow.
    Error,
    /// This one call fails, and nothing of it happened. The next would say that all is well: a kernel forgets that
    /// it lost something once it has told.
    Glitch,
    /// Half of the write happens, then it fails.
    ShortWrite,
    NoSpace,
}

/// What is asked of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    /// A write, or another length.
    Change,
    Sync,
    /// Names: created, moved, removed, made durable.
    Name,
}

#[derive(Clone, Default)]
struct SimFile {
    durable: Vec<u8>,
    current: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

#[derive(Clone, Default)]
pub(crate) struct Platter {
    files: Vec<SimFile>,
    /// Path -> place in `files`, as the process sees it and as it is on the disk.
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    pub trees: BTreeMap<PathBuf, SimTree>,
    /// Batches that trees were asked to take.
    pub tree_batches: u64,
    /// Bytes that fit on it; `None`: any.
    capacity: Option<u64>,
    /// A disk whose sync does nothing and says it did.
    pub lying: bool,
    locked: BTreeSet<PathBuf>,
    calls: u64,
    fault_at: Option<(u64, Fault)>,
    /// The first call that went wrong, and what it was about.
    refused: Option<(Call, PathBuf)>,
    dead: bool,
}

/// One machine's disk until its next crash.
pub(crate) struct SimDisk {
    platter: Arc<Mutex<Platter>>,
}

struct Handle {
    platter: Arc<Mutex<Platter>>,
    file: usize,
}

struct Held {
    platter: Arc<Mutex<Platter>>,
    path: PathBuf,
}

impl DirLock for Held {}

impl Drop for Held {
    fn drop(&mut self) {
        self.platter.lock().unwrap().locked.remove(&self.path);
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, new) => {
                let offset = usize::try_from(*offset).unwrap();
                if bytes.len() < offset + new.len() {
                    bytes.resize(offset + new.len(), 0);
                }
                bytes[offset..offset + new.len()].copy_from_slice(new);
            }
            Self::Length(len) => bytes.resize(usize::try_from(*len).unwrap(), 0),
        }
    }

    /// The length that the file has at least after it.
    fn end(&self) -> u64 {
        match self {
            Self::Write(offset, new) => offset + new.len() as u64,
            Self::Length(len) => *len,
        }
    }

    /// The part of it that the power let through.
    fn apply_torn(&self, bytes: &mut Vec<u8>, rng: &mut StdRng) {
        match self {
            Self::Write(offset, new) => {
                for (at, sector) in new.chunks(SECTOR).enumerate() {
                    let kept = if rng.random_bool(0.5) { rng.random_range(0..=sector.len()) } else { 0 };
                    if kept > 0 {
                        Self::Write(offset + (at * SECTOR) as u64, sector[..kept].to_vec()).apply(bytes);
                    }
                }
            }
            Self::Length(_) if rng.random_bool(0.5) => self.apply(bytes),
            Self::Length(_) => {}
        }
    }
}

impl Platter {
    /// Counts a call and says whether it goes wrong.
    fn call(&mut self, call: Call, path: &Path) -> Option<Fault> {
        self.calls += 1;
        if self.dead {
            return Some(Fault::Error);
        }
        let last = |(at, fault): &(u64, Fault)| match fault {
            Fault::NoSpace => at + NO_SPACE_CALLS,
            Fault::Glitch => at + 1,
            Fault::PowerLoss | Fault::Error | Fault::ShortWrite => u64::MAX,
        };
        let now = |trap: &(u64, Fault)| (trap.0..last(trap)).contains(&self.calls);
        let fault = self.fault_at.filter(now).map(|(_, fault)| fault);
        self.dead |= fault == Some(Fault::PowerLoss);
        if fault.is_some() {
            self.refused.get_or_insert_with(|| (call, path.to_owned()));
        }
        fault
    }

    pub(crate) fn refuse(&mut self, call: Call, path: &Path) -> io::Result<()> {
        match self.call(call, path) {
            None => Ok(()),
            Some(Fault::NoSpace) => Err(io::ErrorKind::StorageFull.into()),
            Some(_) => Err(io::Error::other("simulated")),
        }
    }

    fn used(&self) -> u64 {
        let files: usize = self.names.values().map(|file| self.files[*file].current.len()).sum();
        files as u64 + self.trees.values().map(SimTree::bytes).sum::<u64>()
    }

    fn name(&self, file: usize) -> PathBuf {
        self.names.iter().find(|(_, place)| **place == file).map(|(name, _)| name.clone()).unwrap_or_default()
    }

    fn free(&self) -> u64 {
        self.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(self.used()))
    }

    fn change(&mut self, file: usize, change: Change) -> io::Result<()> {
        let grows = change.end().saturating_sub(self.files[file].current.len() as u64);
        let fault = if grows > self.free() { Some(Fault::NoSpace) } else { self.call(Call::Change, &self.name(file)) };
        let file = &mut self.files[file];
        match (fault, change) {
            (None, change) => {
                change.apply(&mut file.current);
                file.pending.push(change);
                Ok(())
            }
            (Some(Fault::ShortWrite | Fault::PowerLoss), Change::Write(offset, bytes)) => {
                let half = Change::Write(offset, bytes[..bytes.len() / 2].to_vec());
                half.apply(&mut file.current);
                file.pending.push(half);
                Err(io::Error::other("simulated short write"))
            }
            (Some(Fault::NoSpace), _) => Err(io::ErrorKind::StorageFull.into()),
            (Some(_), _) => Err(io::Error::other("simulated")),
        }
    }
}

impl SimDisk {
    pub(crate) fn new(lying: bool) -> Arc<Self> {
        let platter = Platter { lying, ..Platter::default() };
        Arc::new(Self { platter: Arc::new(Mutex::new(platter)) })
    }

    /// Goes wrong at the `calls`-th call from now on.
    pub(crate) fn fail_at(&self, calls: u64, fault: Fault) {
        let mut platter = self.platter.lock().unwrap();
        let at = platter.calls + calls;
        platter.fault_at = Some((at, fault));
    }

    /// A whole file, as if it had been there.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) {
        let mut platter = self.platter.lock().unwrap();
        platter.files.push(SimFile { durable: bytes.to_vec(), current: bytes.to_vec(), pending: Vec::new() });
        let file = platter.files.len() - 1;
        platter.names.insert(path.to_owned(), file);
        platter.durable_names.insert(path.to_owned(), file);
    }

    /// Whether the journal's first segment has gone.
    pub(crate) fn trimmed(&self) -> bool {
        let names = &self.platter.lock().unwrap().names;
        let mut segments = names.keys().filter(|name| name.extension().is_some_and(|end| end == "seg"));
        segments.next().is_some_and(|first| !first.ends_with("00000000000000000001.seg"))
    }

    /// From now on so many bytes fit beside what is there.
    pub(crate) fn set_free(&self, bytes: u64) {
        let mut platter = self.platter.lock().unwrap();
        platter.capacity = Some(platter.used() + bytes);
    }

    pub(crate) fn tree_batches(&self) -> u64 {
        self.platter.lock().unwrap().tree_batches
    }

    pub(crate) fn has(&self, path: &Path) -> bool {
        self.platter.lock().unwrap().names.contains_key(path)
    }

    /// The first call that went wrong, and what it was about.
    pub(crate) fn refused(&self) -> Option<(Call, PathBuf)> {
        self.platter.lock().unwrap().refused.clone()
    }

    pub(crate) fn dead(&self) -> bool {
        self.platter.lock().unwrap().dead
    }

    /// The disk as the next process finds it. `power`: it was lost, else only the process ended.
    pub(crate) fn restart(&self, power: Option<u64>) -> Arc<Self> {
        let mut old = self.platter.lock().unwrap();
        old.dead = true;
        let mut files = old.files.clone();
        let mut names = old.names.clone();
        let mut trees = old.trees.clone();
        if let Some(seed) = power {
            let mut rng = StdRng::seed_from_u64(seed);
            for file in &mut files {
                let mut bytes = file.durable.clone();
                for change in &file.pending {
                    change.apply_torn(&mut bytes, &mut rng);
                }
                *file = SimFile { durable: bytes.clone(), current: bytes, pending: Vec::new() };
            }
            for tree in trees.values_mut() {
                *tree = tree.torn(&mut rng);
            }
            let all: BTreeSet<&PathBuf> = old.names.keys().chain(old.durable_names.keys()).collect();
            let kept = |path: &PathBuf, rng: &mut StdRng| {
                let from = if rng.random_bool(0.5) { &old.names } else { &old.durable_names };
                from.get(path).map(|file| (path.clone(), *file))
            };
            names = all.into_iter().filter_map(|path| kept(path, &mut rng)).collect();
        }
        let durable_names = if power.is_some() { names.clone() } else { old.durable_names.clone() };
        let (lying, capacity) = (old.lying, old.capacity);
        let platter = Platter { files, names, durable_names, trees, capacity, lying, ..Platter::default() };
        Arc::new(Self { platter: Arc::new(Mutex::new(platter)) })
    }

    fn handle(&self, file: usize) -> Box<dyn DiskFile> {
        Box::new(Handle { platter: Arc::clone(&self.platter), file })
    }
}

impl DiskFile for Handle {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.platter.lock().unwrap().change(self.file, Change::Write(offset, bytes.to_vec()))
    }

    fn sync(&self) -> io::Result<()> {
        let mut platter = self.platter.lock().unwrap();
        let path = platter.name(self.file);
        platter.refuse(Call::Sync, &path)?;
        if !platter.lying {
            let file = &mut platter.files[self.file];
            file.durable.clone_from(&file.current);
            file.pending.clear();
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.platter.lock().unwrap().change(self.file, Change::Length(len))
    }
}

impl Disk for SimDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.platter.lock().unwrap().refuse(Call::Name, path)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirLock>> {
        let mut platter = self.platter.lock().unwrap();
        platter.refuse(Call::Name, path)?;
        if !platter.locked.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Held { platter: Arc::clone(&self.platter), path: path.to_owned() }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut platter = self.platter.lock().unwrap();
        platter.refuse(Call::Name, path)?;
        if platter.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        platter.files.push(SimFile::default());
        let file = platter.files.len() - 1;
        platter.names.insert(path.to_owned(), file);
        drop(platter);
        Ok(self.handle(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut platter = self.platter.lock().unwrap();
        platter.refuse(Call::Read, path)?;
        let file = platter.names.get(path).copied().ok_or(io::ErrorKind::NotFound)?;
        drop(platter);
        Ok(self.handle(file))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut platter = self.platter.lock().unwrap();
        platter.refuse(Call::Read, path)?;
        let file = platter.names.get(path).copied().ok_or(io::ErrorKind::NotFound)?;
        Ok(platter.files[file].current.clone())
    }

    fn read_at(&self, path: &Path, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let bytes = self.read(path)?;
        let from = bytes.len().min(usize::try_from(offset).unwrap());
        Ok(bytes[from..bytes.len().min(from + len)].to_vec())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut platter = self.platter.lock().unwrap();
        platter.refuse(Call::Read, path)?;
        let inside = platter.names.keys().filter(|name| name.parent() == Some(path));
        Ok(inside.map(|name| name.file_name().unwrap().to_string_lossy().into_owned()).collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut platter = self.platter.lock().unwrap();
        platter.refuse(Call::Name, to)?;
        let file = platter.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        platter.names.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut platter = self.platter.lock().unwrap();
        platter.refuse(Call::Name, path)?;
        platter.names.remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut platter = self.platter.lock().unwrap();
        platter.refuse(Call::Name, path)?;
        if platter.lying {
            return Ok(());
        }
        let inside = |name: &PathBuf| name.parent() == Some(path);
        let now: Vec<_> =
            platter.names.iter().filter(|(name, _)| inside(name)).map(|(name, file)| (name.clone(), *file)).collect();
        platter.durable_names.retain(|name, _| !inside(name));
        platter.durable_names.extend(now);
        Ok(())
    }

    fn free_bytes(&self, _path: &Path) -> io::Result<u64> {
        Ok(self.platter.lock().unwrap().free())
    }

    fn open_tree(&self, path: &Path, _cache_bytes: u64) -> Result<Arc<dyn Tree>, TreeFault> {
        tree::open(&self.platter, path)
    }

    fn set_tree_aside(&self, path: &Path, aside: &Path) -> io::Result<()> {
        let mut platter = self.platter.lock().unwrap();
        platter.refuse(Call::Name, path)?;
        if let Some(tree) = platter.trees.remove(path) {
            platter.trees.insert(aside.to_owned(), tree);
        }
        Ok(())
    }

    fn give_up(&self, _failure: &DiskFailure) {
        self.platter.lock().unwrap().dead = true;
    }
}
