//! Looking into a closed store: what is in it (`stats`), and whether all of it holds (`verify`).
//!
//! Journal and exports are only read, a torn tail stays: whoever looks after an accident must find what the
//! accident left. (The table is opened, and sled may tidy its own files; it is no promise.) The store's lock
//! is held meanwhile, so a running server's store is refused. Damage does not stop the look: everything that
//! does not hold is listed with its file and offset.
//!
//! `verify` also holds the table against the journal: the newest value that the journal has of a key, up to
//! what the table says it has applied, must be the one in the table.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::checkpoint::{self, Checkpoint};
use super::disk::{DirLock, Disk, DiskFailure, MachineDisk};
use super::frame::Frame;
use super::identity::{self, StoreId};
use super::overlay::FullKey;
use super::part::{self, Kind, PartError, Place, Stored};
use super::seal::Seal;
use super::segment::{self, Segment};
use super::tree;
use super::walk::{self, End};
use super::{OpenError, export, losses};
use crate::domain::keys::ServerKeys;
use crate::domain::message::Status;
use crate::ports::{DeadLetter, InboxRow, Lsn, OutboxRow};

mod findings;
mod rest;

pub use findings::{Broken, Findings};

/// What the table keeps in memory while it is looked at.
const TABLE_CACHE_BYTES: u64 = 1 << 30;

/// Counts what is in a closed store. Checks every checksum, opens no seal.
pub fn stats(store: &Path, keys: &ServerKeys) -> Result<Findings, OpenError> {
    look(store, keys, false)
}

/// Checks everything in a closed store: every checksum, every seal, every row, the table against the journal.
pub fn verify(store: &Path, keys: &ServerKeys) -> Result<Findings, OpenError> {
    look(store, keys, true)
}

struct Look<'a> {
    disk: &'a dyn Disk,
    store: &'a Path,
    id: StoreId,
    seal: &'a Seal,
    open_seals: bool,
    checkpoint: Checkpoint,
    /// The newest that the journal says of a key among what the table must have, and of any key.
    must_rest: HashMap<FullKey, (Lsn, bool)>,
    live: HashMap<FullKey, u64>,
    open: HashSet<(Kind, Lsn, u32)>,
    /// Losses were accepted: the table may know what the journal does not.
    lossy: bool,
    found: Findings,
}

fn look(store: &Path, keys: &ServerKeys, open_seals: bool) -> Result<Findings, OpenError> {
    let disk = &MachineDisk;
    let seal = Seal::new(keys);
    let id = identity::read(disk, store, seal.key_id())?;
    let _lock = lock(disk, store)?;
    let segments = segment::list(disk, &store.join("journal"))?;
    let exports = if export::dir(store).exists() { export::list(disk, &export::dir(store))? } else { Vec::new() };
    let found = Checkpoint::read(disk, store, &segments, &exports)?;
    let checkpoint = found.checkpoint;
    let mut look = Look {
        disk,
        store,
        id,
        seal: &seal,
        open_seals,
        checkpoint,
        must_rest: HashMap::new(),
        live: HashMap::new(),
        open: HashSet::new(),
        lossy: false,
        found: Findings::default(),
    };
    if let Some(doubt) = found.doubt {
        look.broken(Lsn(0), checkpoint::path(store), 0, doubt);
    }
    let tree = look.open_table()?;
    look.table_pages(tree.as_deref())?;
    look.journal()?;
    look.table_against_journal(tree.as_deref())?;
    look.exports()?;
    Ok(look.finish())
}

fn lock(disk: &dyn Disk, store: &Path) -> Result<Box<dyn DirLock>, OpenError> {
    let path = store.join("lock");
    disk.lock(&path).map_err(|fault| {
        if fault.kind() == io::ErrorKind::WouldBlock {
            OpenError::Locked { path: store.to_owned() }
        } else {
            DiskFailure::of("lock", &path)(fault).into()
        }
    })
}

impl Look<'_> {
    fn journal(&mut self) -> Result<(), OpenError> {
        let mut segments = segment::list(self.disk, &self.store.join("journal"))?;
        segments.retain(|segment| segment.first >= self.checkpoint.from);
        self.found.segments = segments.len() as u64;
        for segment in &segments {
            let file = fs::metadata(&segment.path).map_err(DiskFailure::of("look at", &segment.path))?;
            self.found.journal_bytes += file.len();
        }
        let mut accepted = losses::read(self.disk, self.store)?;
        self.lossy = !accepted.is_empty();
        // First what is missing, for behind a hole nothing is read; then all that is there.
        match self.walk(&segments, &accepted, &mut |_, _, _| {}) {
            Ok(_) => {}
            Err(OpenError::Holes(holes)) => {
                accepted.extend(holes.iter().map(|hole| hole.from.0..=hole.to.0));
                self.found.holes = holes;
            }
            Err(other) => return Err(other),
        }
        let end = self.walk(&segments, &accepted, &mut Self::record)?;
        self.found.next = end.next;
        self.found.torn_bytes = end.torn_bytes;
        Ok(())
    }

    fn walk(
        &mut self,
        segments: &[Segment],
        accepted: &[RangeInclusive<u64>],
        visit: &mut dyn FnMut(&mut Self, &Segment, &Frame<'_>),
    ) -> Result<End, OpenError> {
        let (disk, id, from) = (self.disk, self.id, self.checkpoint.from);
        walk::walk(disk, segments, id, from, accepted, &mut |segment, frame| {
            visit(self, segment, frame);
            Ok(())
        })
    }

    fn record(&mut self, segment: &Segment, frame: &Frame<'_>) {
        let lsn = Lsn(frame.lsn);
        self.found.records += 1;
        let parts = part::parts(frame.payload);
        if let Err(fault) = parts.and_then(|parts| parts.iter().try_for_each(|stored| self.part(lsn, stored))) {
            self.broken(lsn, segment.path.clone(), frame.offset as u64, fault.to_string());
        }
    }

    fn part(&mut self, lsn: Lsn, stored: &Stored<'_>) -> Result<(), PartError> {
        let (count, sum) = self.found.parts.entry(stored.kind.name()).or_default();
        *count += 1;
        *sum += (stored.clear.len() + stored.sealed.len()) as u64;
        if let Some((key, resting)) = tree::read(lsn, stored) {
            match &resting.bytes {
                Some(bytes) => self.live.insert(key.clone(), (key.len() + bytes.len()) as u64),
                None => self.live.remove(&key),
            };
            if lsn <= self.found.applied {
                self.must_rest.insert(key, (lsn, resting.bytes.is_some()));
            }
        }
        match (stored.kind.first(), stored.place) {
            (kind @ (Kind::OpenInbox | Kind::OpenOutbox), Place::Born(index, _)) => {
                self.open.insert((kind, lsn, index));
            }
            (kind @ (Kind::OpenInbox | Kind::OpenOutbox), Place::Carried { id, .. }) => {
                self.open.insert((kind, id.lsn, id.index));
            }
            (Kind::DeadLetter, Place::Nth(index)) => {
                self.open.insert((Kind::DeadLetter, lsn, index));
            }
            (Kind::DeadLetter, Place::Carried { id, .. }) => {
                self.open.insert((Kind::DeadLetter, id.lsn, id.index));
            }
            (Kind::CloseDeadLetter, Place::Row(row)) => {
                self.open.remove(&(Kind::DeadLetter, row.lsn, row.index));
            }
            (Kind::CloseInbox, Place::Row(row)) => {
                self.open.remove(&(Kind::OpenInbox, row.lsn, row.index));
            }
            (Kind::CloseOutbox, Place::Row(row)) => {
                self.open.remove(&(Kind::OpenOutbox, row.lsn, row.index));
            }
            (_, _) => {}
        }
        if self.open_seals { check(stored, self.seal, lsn) } else { Ok(()) }
    }

    fn broken(&mut self, lsn: Lsn, path: PathBuf, offset: u64, reason: String) {
        self.found.broken.push(Broken { lsn, path, offset, reason });
    }

    fn finish(self) -> Findings {
        let Look { mut found, live, open, .. } = self;
        found.live_keys = live.len() as u64;
        found.live_bytes = live.values().sum();
        let open = |wanted| open.iter().filter(|(kind, ..)| *kind == wanted).count() as u64;
        found.open_inbox = open(Kind::OpenInbox);
        found.open_outbox = open(Kind::OpenOutbox);
        found.dead_letters = open(Kind::DeadLetter);
        found
    }
}

/// Opens what is sealed, and reads what the store itself encoded.
fn check(stored: &Stored<'_>, seal: &Seal, lsn: Lsn) -> Result<(), PartError> {
    let lsn = if let Place::Carried { id, .. } = stored.place { id.lsn } else { lsn };
    let (kind, clear, sealed) = (stored.kind.first(), stored.own_clear(), stored.sealed);
    match kind {
        Kind::OpenInbox => part::body::<InboxRow>(seal, kind, lsn, clear, sealed).map(drop),
        Kind::OpenOutbox => part::body::<OutboxRow>(seal, kind, lsn, clear, sealed).map(drop),
        Kind::Status => part::body::<Status>(seal, kind, lsn, clear, sealed).map(drop),
        Kind::DeadLetter => part::body::<DeadLetter>(seal, kind, lsn, clear, sealed).map(drop),
        Kind::Put | Kind::CloseOutbox => part::open(seal, kind, lsn, clear, sealed).map(drop),
        Kind::Delete | Kind::CloseInbox | Kind::AttemptOutbox | Kind::Timer | Kind::CloseDeadLetter => Ok(()),
        Kind::CarriedInbox | Kind::CarriedOutbox | Kind::CarriedStatus | Kind::CarriedDeadLetter => {
            unreachable!("the first kind of something is no carried one")
        }
    }
}
