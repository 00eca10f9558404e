//! The applier: the one thread that writes the tree, following the journal window by window.
//!
//! Order inside a window: batches into the tree, each followed by the removal of its entries from the overlay
//! (an entry that was replaced meanwhile stays). Whoever does not find a key in the overlay finds it in the
//! tree. A checkpoint follows every `checkpoint_bytes` of journal, and the end of a store that was closed.
//! Exports and trimming (`trim`) happen between windows.

use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use super::Options;
use super::checkpoint::Checkpoint;
use super::disk::DiskFailure;
use super::entrant::entrant;
use super::export::Export;
use super::identity::StoreId;
use super::overlay::FullKey;
use super::pending::{Next, Window};
use super::shared::Shared;
use super::tree::{self, Applied, Resting, Tree, TreeFault};
use super::{starts, table, tally};
use crate::metrics;
use crate::ports::{Lsn, Part, Record};

/// The disk's room is looked at again this often.
const ROOM_WAIT: Duration = Duration::from_millis(200);

/// What the applier cannot go on after.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Tree(#[from] TreeFault),
    #[error(transparent)]
    Disk(#[from] DiskFailure),
}

pub(super) struct Applier {
    pub shared: Arc<Shared>,
    pub tree: Arc<dyn Tree>,
    /// The store's directory.
    pub dir: PathBuf,
    pub gather: Duration,
    pub checkpoint_bytes: u64,
    /// In the tree, durable or not.
    pub applied: Lsn,
    pub checkpoint: Checkpoint,
    /// Of the journal, applied since the last checkpoint, and since the last export.
    pub since_checkpoint: u64,
    pub since_export: u64,
    /// An export follows no sooner than this (`trim`).
    pub export_after_bytes: u64,
    pub live_bytes: u64,
    pub carried_bytes: u64,
    pub dead_letters_bytes_max: u64,
    pub dead_letters_ms_max: i64,
    pub store: StoreId,
    /// Oldest first.
    pub exports: Vec<Export>,
    pub accepted: Vec<RangeInclusive<u64>>,
}

/// What recovery hands to the applier.
pub(super) struct Start {
    pub table: table::Opened,
    pub checkpoint: Checkpoint,
    pub store: StoreId,
    pub exports: Vec<Export>,
    pub accepted: Vec<RangeInclusive<u64>>,
    pub since_export: u64,
}

/// Starts the applier on a table that holds all that the journal does. It ends after the committer, stops
/// the threads that stand behind it (reader, keeper), and frees the directory.
pub(super) fn start(
    shared: Arc<Shared>,
    start: Start,
    behind: Vec<JoinHandle<()>>,
    options: &Options,
) -> std::io::Result<JoinHandle<()>> {
    let Start { table: table::Opened { tree, applied }, checkpoint, store, exports, accepted, since_export } = start;
    let mut applier = Applier {
        shared: Arc::clone(&shared),
        tree,
        dir: options.path.clone(),
        gather: Duration::from_millis(options.apply_after_ms),
        checkpoint_bytes: options.checkpoint_bytes,
        applied,
        checkpoint,
        since_checkpoint: 0,
        since_export,
        export_after_bytes: options.export_after_bytes,
        live_bytes: 0,
        carried_bytes: 0,
        dead_letters_bytes_max: options.dead_letters_bytes_max,
        dead_letters_ms_max: options.dead_letters_ms_max,
        store,
        exports,
        accepted,
    };
    std::thread::Builder::new().name("siaga-applier".into()).spawn(move || {
        let outcome = catch_unwind(AssertUnwindSafe(|| applier.run()))
            .unwrap_or_else(|_| Err(TreeFault::Broken("the applier panicked".into()).into()));
        if let Err(fault) = outcome {
            shared.queue.shut();
            match fault {
                Fault::Tree(fault) => shared.table_failed("write", &fault),
                Fault::Disk(failure) => shared.disk.give_up(&failure),
            }
        }
        shared.pending.wait_end();
        shared.stop_behind();
        for thread in behind {
            // A panic of a thread was reported where it happened.
            let _ = thread.join();
        }
        // The tree keeps its own lock on its files.
        drop(applier);
        shared.ended();
    })
}

impl Applier {
    fn run(&mut self) -> Result<(), Fault> {
        loop {
            match self.shared.pending.take(self.gather, self.until_export()) {
                Next::Apply(window) => {
                    if !self.apply(window)? {
                        return Ok(());
                    }
                    // Before anything is trimmed: what is carried stands behind this window.
                    self.archive_when_asked();
                    if self.since_checkpoint >= self.checkpoint_bytes {
                        self.check_point()?;
                    }
                    self.export_when_due()?;
                    self.drop_letters_past_bounds();
                }
                Next::Last(window) => {
                    // Without room it stays in the journal, and the next start reads it there.
                    if self.apply(window)? {
                        self.check_point()?;
                    }
                    return Ok(starts::clear(&*self.shared.disk, &self.dir)?);
                }
                Next::Stopped => return Ok(()),
            }
        }
    }

    /// False: there was no room, and the committer ended meanwhile.
    fn apply(&mut self, window: Window) -> Result<bool, Fault> {
        let Window { values, through, bytes, journal_bytes } = window;
        if through == self.applied {
            return Ok(true);
        }
        self.nears_export(journal_bytes);
        let shared = &self.shared;
        if !tree::apply_all(&*self.tree, values, through, &mut Following(shared))? {
            return Ok(false);
        }
        shared.pending.applied(bytes);
        self.applied = through;
        shared.applied.store(through.0, Ordering::Relaxed);
        self.since_checkpoint += journal_bytes;
        self.since_export += journal_bytes;
        Ok(true)
    }

    /// Past their bounds the oldest dead letters go. What does not enter the journal now does so later.
    fn drop_letters_past_bounds(&self) {
        let shared = &self.shared;
        loop {
            let (past, figures) = {
                let dead = &shared.rows.lock().dead;
                (dead.past(shared.clock.now(), self.dead_letters_bytes_max, self.dead_letters_ms_max), dead.figures())
            };
            metrics::dead_letters_kept(figures.0, figures.1);
            if past.is_empty() {
                return;
            }
            let parts = past.iter().map(|id| Part::CloseDeadLetter(*id)).collect();
            let entered = entrant(Record { writer: None, parts })
                .and_then(|closing| shared.queue.enter(closing, &shared.overlay))
                .is_ok_and(|ticket| ticket.durable.blocking_recv().is_ok());
            if !entered {
                return;
            }
            metrics::dead_letters_dropped(past.len());
            tracing::warn!(letters = past.len(), "the oldest dead letters were dropped: past their bytes or days");
        }
    }

    /// Makes the tree durable, and then says so.
    pub(super) fn check_point(&mut self) -> Result<(), Fault> {
        let checkpoint = Checkpoint { applied: self.applied, ..self.checkpoint };
        if checkpoint != self.checkpoint {
            self.tree.sync()?;
            self.write_down(checkpoint)?;
        }
        self.since_checkpoint = 0;
        Ok(())
    }

    /// False: there was no room for it. The checkpoint before it holds, and the next one comes.
    pub(super) fn write_down(&mut self, checkpoint: Checkpoint) -> Result<bool, Fault> {
        // The tally first: a checkpoint lets go of journal.
        let (through, tally) = self.shared.tally();
        let written = tally::write(&*self.shared.disk, &self.dir, through, &tally);
        match written.and_then(|()| checkpoint.write(&*self.shared.disk, &self.dir)) {
            Err(failure) if failure.is_full() => {
                tracing::warn!("the store {failure}");
                return Ok(false);
            }
            outcome => outcome?,
        }
        self.checkpoint = checkpoint;
        Ok(true)
    }
}

/// What follows a window into the tree: it waits for room on the disk, and takes out of the overlay what is in.
struct Following<'a>(&'a Shared);

impl Applied for Following<'_> {
    fn goes_on(&mut self) -> bool {
        while !self.0.space.table_may_write(0) {
            if !self.0.pending.stays_open(ROOM_WAIT) {
                return false;
            }
        }
        true
    }

    fn done(&mut self, batch: &[(FullKey, Resting)]) {
        for (key, resting) in batch {
            self.0.overlay.forget(key, resting.lsn);
        }
    }
}
