//! Looking into a store: what is in it (`stats`), and whether all of it holds (`verify`).
//!
//! A closed store is opened for it, one that serves is looked at beside its work. Journal and exports are only read, a torn tail stays: whoever looks after an accident must find what the
//! accident left. (The table is opened, and sled may tidy its own files; it is no promise.) The lock of a closed
//! store is held meanwhile, so that of a running server is refused. Damage does not stop the look: everything that
//! does not hold is listed with its file and offset.
//!
//! `verify` also holds the table against the journal: the newest value that the journal has of a key, up to
//! what the table says it has applied, must be the one in the table.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Weak;

use super::checkpoint::{self, Checkpoint, Found};
use super::disk::{DirLock, Disk, DiskFailure, MachineDisk};
use super::frame::Frame;
use super::identity::{self, StoreId};
use super::overlay::FullKey;
use super::part::{self, Kind, PartError, Place, Stored};
use super::seal::Seal;
use super::segment::{self, Segment};
use super::shared::Shared;
use super::standing::{Standing, State};
use super::tree::{self, Resting, Tree, TreeFault};
use super::walk::{self, End};
use super::{OpenError, archive, export, losses};
use crate::domain::keys::ServerKeys;
use crate::ports::{Lsn, Part};

mod findings;
mod rest;

pub use findings::{Broken, Findings};

/// What the table keeps in memory while it is looked at.
const TABLE_CACHE_BYTES: u64 = 1 << 30;

/// What the owners of records say of a part, in the order of the journal: `Err` says what cannot be.
pub type Judge<'a> = &'a mut dyn FnMut(Lsn, &Part) -> Result<(), String>;

/// The same for a look that somebody else's thread takes.
pub type OwnJudge = Box<dyn FnMut(Lsn, &Part) -> Result<(), String> + Send>;

/// Counts what is in a closed store. Checks every checksum, opens no seal.
pub fn stats(store: &Path, keys: &ServerKeys) -> Result<Findings, OpenError> {
    look(store, keys, false, &mut |_, _| Ok(()))
}

/// Checks everything in a closed store: every checksum, every seal, every row, the table against the journal.
pub fn verify(store: &Path, keys: &ServerKeys) -> Result<Findings, OpenError> {
    look(store, keys, true, &mut |_, _| Ok(()))
}

/// The same, and lets `judge` see every part that the journal still has, each once and opened.
pub fn verify_with(store: &Path, keys: &ServerKeys, judge: Judge<'_>) -> Result<Findings, OpenError> {
    look(store, keys, true, judge)
}

struct Look<'a> {
    disk: &'a dyn Disk,
    store: &'a Path,
    id: StoreId,
    seal: &'a Seal,
    open_seals: bool,
    checkpoint: Checkpoint,
    /// A server is at work on it: what is here moves on while it is looked at.
    running: bool,
    /// The newest that the journal says of a key, among what the table must have and behind that.
    must_rest: HashMap<FullKey, (Lsn, bool)>,
    tail: HashMap<FullKey, Resting>,
    /// Told only when nothing is missing.
    standing: Standing,
    state: State,
    open: HashSet<(Kind, Lsn, u32)>,
    /// Losses were accepted: the table may know what the journal does not.
    lossy: bool,
    judge: Option<Judge<'a>>,
    found: Findings,
}

/// Why a record does not hold although its checksum does.
#[derive(Debug, thiserror::Error)]
enum Unsound {
    #[error(transparent)]
    Part(#[from] PartError),
    #[error("{0}")]
    Judged(String),
}

fn look(store: &Path, keys: &ServerKeys, open_seals: bool, judge: Judge<'_>) -> Result<Findings, OpenError> {
    let disk = &MachineDisk;
    let seal = Seal::new(keys);
    let id = identity::read(disk, store, seal.key_id())?;
    let _lock = lock(disk, store)?;
    // Borrowed for as long as the look only.
    let mut judge = |lsn, part: &Part| judge(lsn, part);
    let mut look = Look::new(disk, store, id, &seal, open_seals)?;
    look.judge = Some(&mut judge);
    let tree = look.open_table()?;
    look.all(tree.as_deref())
}

/// The same in a store that this process has open. Meanwhile nothing is trimmed.
pub(super) fn look_running(
    shared: &Shared,
    id: StoreId,
    tree: &Weak<dyn Tree>,
    open_seals: bool,
    judge: Judge<'_>,
) -> Result<Findings, OpenError> {
    let _hold = shared.files.lock();
    // Borrowed for as long as the look only.
    let mut judge = |lsn, part: &Part| judge(lsn, part);
    let mut look = Look::new(&*shared.disk, &shared.dir, id, &shared.seal, open_seals)?;
    look.judge = Some(&mut judge);
    look.running = true;
    let tree = tree.upgrade().ok_or_else(|| TreeFault::Broken("it is closed".to_owned()))?;
    look.found.applied = tree::applied(&*tree)?;
    look.found.table_bytes = look.table_bytes()?;
    look.all(Some(&*tree))
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

impl<'a> Look<'a> {
    fn new(
        disk: &'a dyn Disk,
        store: &'a Path,
        id: StoreId,
        seal: &'a Seal,
        open_seals: bool,
    ) -> Result<Self, OpenError> {
        let segments = segment::list(disk, &store.join("journal"))?;
        let exports = if export::dir(store).exists() { export::list(disk, &export::dir(store))? } else { Vec::new() };
        let Found { checkpoint, doubt } = Checkpoint::read(disk, store, &segments, &exports)?;
        let mut look = Self {
            disk,
            store,
            id,
            seal,
            open_seals,
            checkpoint,
            running: false,
            must_rest: HashMap::new(),
            tail: HashMap::new(),
            standing: Standing::default(),
            state: State::default(),
            open: HashSet::new(),
            lossy: false,
            judge: None,
            found: Findings::default(),
        };
        if let Some(doubt) = doubt {
            look.broken(Lsn(0), checkpoint::path(store), 0, doubt);
        }
        Ok(look)
    }

    fn all(mut self, tree: Option<&dyn Tree>) -> Result<Findings, OpenError> {
        self.journal()?;
        self.table(tree)?;
        self.table_against_journal(tree)?;
        self.exports()?;
        Ok(self.finish())
    }

    fn journal(&mut self) -> Result<(), OpenError> {
        let segments = archive::segments(self.disk, self.store, self.checkpoint.from)?;
        self.found.segments = segments.len() as u64;
        for segment in &segments {
            let file = fs::metadata(&segment.path).map_err(DiskFailure::of("look at", &segment.path))?;
            self.found.journal_bytes += file.len();
        }
        let mut accepted = losses::read(self.disk, self.store)?;
        self.lossy = !accepted.is_empty();
        // First what is missing, for behind a hole nothing is read; then all that is there.
        match self.walk(&segments, &accepted, &mut Self::stands) {
            Ok(_) => self.standing.end(),
            Err(OpenError::Holes(holes)) => {
                accepted.extend(holes.iter().map(|hole| hole.from.0..=hole.to.0));
                self.found.holes = holes;
            }
            Err(other) => return Err(other),
        }
        let end = self.walk(&segments, &accepted, &mut Self::record)?;
        self.found.next = end.next;
        // What is being written this moment is no torn tail.
        self.found.torn_bytes = if self.running { 0 } else { end.torn_bytes };
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

    fn stands(&mut self, _: &Segment, frame: &Frame<'_>) {
        // A record that cannot be read is told by the second walk.
        if let Ok(parts) = part::parts(frame.payload) {
            self.standing.record(Lsn(frame.lsn), &parts);
        }
    }

    fn record(&mut self, segment: &Segment, frame: &Frame<'_>) {
        let lsn = Lsn(frame.lsn);
        self.found.records += 1;
        let parts = part::parts(frame.payload).map_err(Unsound::Part);
        if let Ok(parts) = &parts {
            self.standing.of(lsn, parts).iter().for_each(|open| self.state.open(open));
        }
        if let Err(fault) = parts.and_then(|parts| parts.iter().try_for_each(|stored| self.part(lsn, stored))) {
            self.broken(lsn, segment.path.clone(), frame.offset as u64, fault.to_string());
        }
    }

    fn part(&mut self, lsn: Lsn, stored: &Stored<'_>) -> Result<(), Unsound> {
        let (count, sum) = self.found.parts.entry(stored.kind.name()).or_default();
        *count += 1;
        *sum += (stored.clear.len() + stored.sealed.len()) as u64;
        if let Some((key, resting)) = tree::read(lsn, stored) {
            if lsn <= self.found.applied || self.running {
                self.must_rest.insert(key.clone(), (lsn, resting.bytes.is_some()));
            }
            if lsn > self.found.applied {
                self.tail.insert(key, resting);
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
        if !self.open_seals {
            return Ok(());
        }
        let part = part::appended(stored, self.seal, lsn)?;
        match &mut self.judge {
            Some(judge) if !matches!(stored.place, Place::Carried { .. }) => match judge(lsn, &part) {
                // Behind a loss that is known, what follows does not follow.
                Err(reason) if !self.lossy && self.found.holes.is_empty() => Err(Unsound::Judged(reason)),
                Ok(()) | Err(_) => Ok(()),
            },
            Some(_) | None => Ok(()),
        }
    }

    fn broken(&mut self, lsn: Lsn, path: PathBuf, offset: u64, reason: String) {
        self.found.broken.push(Broken { lsn, path, offset, reason });
    }

    fn finish(self) -> Findings {
        let Look { mut found, open, state, running, .. } = self;
        found.state = (!running && found.all_holds()).then(|| state.to_string());
        let open = |wanted| open.iter().filter(|(kind, ..)| *kind == wanted).count() as u64;
        found.open_inbox = open(Kind::OpenInbox);
        found.open_outbox = open(Kind::OpenOutbox);
        found.dead_letters = open(Kind::DeadLetter);
        found
    }
}
