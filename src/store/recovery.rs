//! Opening a store: the lock, the name card, the table, and the journal read back into table and open rows.

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use super::checkpoint::Checkpoint;
use super::disk::{DirLock, Disk, DiskFailure};
use super::export::Export;
use super::identity::StoreId;
use super::journal::Journal;
use super::replay::Replay;
use super::seal::Seal;
use super::segment::{self, Head, Segment};
use super::shared::{Recovery, Shared};
use super::space::Space;
use super::tree::TreeFault;
use super::walk::{self, End};
use super::{
    Hole, OpenError, Options, applier, committer, export, identity, keeper, losses, reader, starts, table, tally,
};
use crate::domain::keys::ServerKeys;
use crate::domain::time::Timestamp;
use crate::ports::{Clock, Lsn, Store, Tally};

/// How often the progress of a recovery is noted.
const PROGRESS_RECORDS: u64 = 1_024;

/// What reading back needs to know of the store.
struct Source<'a> {
    disk: &'a dyn Disk,
    options: &'a Options,
    seal: &'a Seal,
    store: StoreId,
    segments: &'a [Segment],
    checkpoint: Checkpoint,
    accepted: &'a [RangeInclusive<u64>],
    exports: &'a [Export],
}

pub(super) fn open(
    disk: Arc<dyn Disk>,
    options: &Options,
    keys: &ServerKeys,
    clock: Arc<dyn Clock>,
) -> Result<Journal, OpenError> {
    let journal_dir = options.path.join("journal");
    disk.create_dir(&journal_dir).map_err(DiskFailure::of("create", &journal_dir))?;
    let lock = lock(&*disk, &options.path)?;
    let space = Space::open(&disk, options)?;
    let starts = options.crash_loop_starts;
    let crash_loop = starts > 0 && starts::mark(&*disk, &options.path, clock.now(), starts)?;
    let marked = Arc::clone(&disk);
    open_marked(disk, options, keys, clock, Begun { lock, space, crash_loop }).inspect_err(|_| {
        if starts > 0 {
            starts::take_back(&*marked, &options.path);
        }
    })
}

/// A start that is marked.
struct Begun {
    lock: Box<dyn DirLock>,
    space: Space,
    crash_loop: bool,
}

fn open_marked(
    disk: Arc<dyn Disk>,
    options: &Options,
    keys: &ServerKeys,
    clock: Arc<dyn Clock>,
    begun: Begun,
) -> Result<Journal, OpenError> {
    let Begun { lock, space, crash_loop } = begun;
    let journal_dir = options.path.join("journal");
    let seal = Seal::new(keys);
    let store = identity::read_or_create(&*disk, &options.path, seal.key_id())?;
    // A process that was killed may have left names that only the page cache knows; we build on them.
    disk.sync_dir(&options.path).map_err(DiskFailure::of("sync", &options.path))?;
    let export_dir = export::dir(&options.path);
    disk.create_dir(&export_dir).map_err(DiskFailure::of("create", &export_dir))?;
    let exports = export::list(&*disk, &export_dir)?;
    let found = Checkpoint::read(&*disk, &options.path, &segment::list(&*disk, &journal_dir)?, &exports)?;
    let checkpoint = found.checkpoint;
    let segments = segments(&*disk, &journal_dir, checkpoint)?;
    let accepted = losses::read_and_keep(&*disk, &options.path, &options.accept_loss)?;
    let source = Source {
        disk: &*disk,
        options,
        seal: &seal,
        store,
        segments: &segments,
        checkpoint,
        accepted: &accepted,
        exports: &exports,
    };
    let opened = table::open(&*disk, options, &found, &source.rebuild())?;
    let (mut recovery, end, table, since_export) = match source.read_back(opened) {
        Err(OpenError::Table(TreeFault::Broken(reason))) => {
            source.read_back(table::begin_anew(&*disk, options, &reason, &source.rebuild())?)?
        }
        outcome => outcome?,
    };
    if found.doubt.is_some() {
        checkpoint.write(&*disk, &options.path)?;
    }
    options.progress.end();
    let head = go_on(&disk, &journal_dir, store, end, segments.last(), clock.now())?;
    let withheld = if crash_loop { recovery.rows.withhold_inbox() } else { Vec::new() };
    let now = clock.now();
    let shared = Arc::new(Shared::new(disk, seal, clock, recovery, lock, space, options));
    let begin = applier::Start { table, checkpoint, store, exports, accepted, since_export };
    let journal = start(shared, head, begin, options).map_err(OpenError::Thread)?;
    if crash_loop {
        let rows = withheld.len();
        tracing::error!("so many starts within a minute: {rows} messages in flight become dead letters");
    }
    for record in starts::set_aside(&withheld, now) {
        // Durable later: until then they are open, and withheld again if this start ends like those before.
        journal.append(record).map_err(OpenError::SetAside)?;
    }
    Ok(journal)
}

/// The segment to write to, cut where the journal ends.
fn go_on(
    disk: &Arc<dyn Disk>,
    journal_dir: &Path,
    store: StoreId,
    end: End,
    last: Option<&Segment>,
    now: Timestamp,
) -> Result<Head, OpenError> {
    let End { next, head, torn_bytes } = end;
    if torn_bytes > 0 {
        tracing::warn!(
            "the journal's end was torn: {torn_bytes} bytes that nobody was promised are cut before lsn {}",
            next.0
        );
    }
    if let Some((last, offset)) = head {
        return Ok(Head::resume(Arc::clone(disk), journal_dir, store, &last, offset)?);
    }
    // A segment whose start frame was torn holds nothing; it is begun anew.
    if let Some(torn) = last.filter(|last| last.first >= next) {
        disk.remove(&torn.path).map_err(DiskFailure::of("remove", &torn.path))?;
    }
    Ok(Head::begin(Arc::clone(disk), journal_dir, store, next, now)?)
}

fn start(shared: Arc<Shared>, head: Head, begin: applier::Start, options: &Options) -> std::io::Result<Journal> {
    let (tree, store) = (Arc::downgrade(&begin.table.tree), begin.store);
    let reader = reader::start(Arc::clone(&shared), Arc::clone(&begin.table.tree))?;
    let watched = keeper::Watched { tree: Arc::clone(&begin.table.tree), cache_bytes: options.table_cache_bytes };
    let keeper = keeper::start(Arc::clone(&shared), watched).inspect_err(|_| shared.reader.end())?;
    let behind = vec![reader, keeper];
    let applier = applier::start(Arc::clone(&shared), begin, behind, options).inspect_err(|_| shared.stop_behind())?;
    let committer = committer::start(Arc::clone(&shared), head, options).inspect_err(|_| shared.pending.end(false))?;
    Ok(Journal::new(shared, tree, store, vec![committer, applier]))
}

fn lock(disk: &dyn Disk, dir: &Path) -> Result<Box<dyn DirLock>, OpenError> {
    let path = dir.join("lock");
    disk.lock(&path).map_err(|fault| {
        if fault.kind() == std::io::ErrorKind::WouldBlock {
            OpenError::Locked { path: dir.to_owned() }
        } else {
            DiskFailure::of("lock", &path)(fault).into()
        }
    })
}

/// The segments that count, all that is in them durable: after a kill the end may be known to the page cache
/// alone, and what the table is told must never be lost from the journal.
fn segments(disk: &dyn Disk, journal_dir: &Path, checkpoint: Checkpoint) -> Result<Vec<Segment>, OpenError> {
    let (dead, segments): (Vec<_>, Vec<_>) =
        segment::list(disk, journal_dir)?.into_iter().partition(|segment| segment.first < checkpoint.from);
    for segment in dead {
        disk.remove(&segment.path).map_err(DiskFailure::of("remove", &segment.path))?;
    }
    if let Some(last) = segments.last() {
        let file = disk.open(&last.path).map_err(DiskFailure::of("open", &last.path))?;
        file.sync().map_err(DiskFailure::of("sync", &last.path))?;
        disk.sync_dir(journal_dir).map_err(DiskFailure::of("sync", journal_dir))?;
    }
    Ok(segments)
}

impl Source<'_> {
    /// What a table is rebuilt from.
    fn rebuild(&self) -> table::Rebuild<'_> {
        let progress = &self.options.progress;
        table::Rebuild { store: self.store, from: self.checkpoint.from, exports: self.exports, progress }
    }

    /// Reads the journal into a table and into open rows.
    fn read_back(&self, table: table::Opened) -> Result<(Recovery, End, table::Opened, u64), OpenError> {
        let Checkpoint { applied, from } = self.checkpoint;
        let exported = self.exports.last().map_or(Lsn(0), |last| last.lsn);
        let (counted, anew) = self.counted();
        let bounds = (self.options.apply_window_bytes, self.options.rows_in_memory_max);
        let mut replay = Replay::new(self.seal, &table, exported, bounds, counted);
        let progress = &self.options.progress;
        progress.begin("recovering", "segment", self.segments.len() as u64);
        let (mut records, mut begun) = (0, Lsn(0));
        let mut end = walk::walk(self.disk, self.segments, self.store, from, self.accepted, &mut |segment, frame| {
            if records % PROGRESS_RECORDS == 0 || segment.first != begun {
                begun = segment.first;
                let at = self.segments.partition_point(|one| one.first <= segment.first) as u64;
                progress.at(at, records);
            }
            records += 1;
            replay.record(segment, frame)
        })?;
        if end.next <= applied {
            self.ends_too_early(&mut end)?;
        }
        if table.applied >= end.next {
            let reason = format!("it ends at lsn {}, the journal before {}", table.applied.0, end.next.0);
            return Err(TreeFault::Broken(reason).into());
        }
        let since_export = replay.since_export;
        let (recovery, applied) = replay.finish(end.next, anew)?;
        let recovery = Recovery { segments: self.segments.len().max(1) as u64, ..recovery };
        Ok((recovery, end, table::Opened { applied, ..table }, since_export))
    }

    /// What had been counted, and whether the count begins anew: its beginning is gone with the journal, or an
    /// operator has accepted that records are lost which it does not hold.
    fn counted(&self) -> ((Lsn, Tally), bool) {
        let kept = tally::read(self.disk, &self.options.path);
        let counted = kept.unwrap_or_default();
        let gone = kept.is_none() && self.checkpoint.from > Lsn(1);
        let lost = self.accepted.iter().any(|loss| *loss.end() > counted.0.0);
        if gone || lost {
            tracing::warn!("the count of accepted messages begins anew");
        }
        (counted, gone || lost)
    }

    /// The checkpoint proves that there was more: a hole at the end. Accepted, the journal goes on behind it in
    /// a segment of its own.
    fn ends_too_early(&self, end: &mut End) -> Result<(), OpenError> {
        let missing = end.next.0..=self.checkpoint.applied.0;
        if !self.accepted.iter().any(|all| all.contains(missing.start()) && all.contains(missing.end())) {
            let last = end.head.as_ref();
            return Err(OpenError::Holes(vec![Hole {
                from: end.next,
                to: self.checkpoint.applied,
                path: last.map_or_else(|| self.options.path.join("journal"), |(segment, _)| segment.path.clone()),
                offset: last.map_or(0, |(_, offset)| *offset),
            }]));
        }
        tracing::warn!("lsn {} to {} are lost, as accepted", missing.start(), missing.end());
        *end = End { next: Lsn(self.checkpoint.applied.0 + 1), head: None, torn_bytes: 0 };
        Ok(())
    }
}
