//! What the store's threads have in common.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::archiving::Wanted;
use super::carry::Carried;
use super::disk::{DirLock, Disk, DiskFailure};
use super::keeper::Keeper;
use super::overlay::Overlay;
use super::part::{Encoded, Kind, Place, Stored};
use super::pending::Pending;
use super::queue::{Job, Queue};
use super::reader::Reader;
use super::rows::{At, Rows};
use super::seal::Seal;
use super::space::Space;
use super::tree::{self, TreeFault};
use super::{Options, part, table};
use crate::metrics;
use crate::ports::{Clock, Inlet, Lsn, Recovered, StoreError, Tally};

/// Windows that the applier may be behind; past it, no new message is taken.
const WINDOWS_BEHIND_MAX: u64 = 8;

pub(super) struct Shared {
    pub disk: Arc<dyn Disk>,
    pub dir: PathBuf,
    pub seal: Seal,
    pub clock: Arc<dyn Clock>,
    pub queue: Queue,
    pub overlay: Overlay,
    pub pending: Pending,
    pub reader: Reader,
    pub keeper: Keeper,
    pub space: Space,
    pub rows: Mutex<Rows>,
    /// An archive that is asked for; the applier takes it.
    pub archive: Mutex<Option<Wanted>>,
    /// Held while segments or exports are looked at or removed.
    pub files: Mutex<()>,
    /// The next LSN that is not durable yet.
    next_durable: AtomicU64,
    /// The last LSN that is in the table.
    pub applied: AtomicU64,
    /// Of the journal.
    pub segments: AtomicU64,
    /// The committer begins a segment with the next group: an export is near, and what it makes needless shall end
    /// with a segment.
    pub new_segment: AtomicBool,
    behind_bytes_max: u64,
    /// Turns true when the last thread has ended.
    pub ended: watch::Sender<bool>,
    /// Let go when the last thread has ended.
    lock: Mutex<Option<Box<dyn DirLock>>>,
}

/// What recovery found, and what it goes on with.
pub(super) struct Recovery {
    pub next: Lsn,
    pub rows: Rows,
    pub open_bytes: u64,
    pub segments: u64,
}

/// A group as it was written.
pub(super) struct Written<'a> {
    pub segment: Lsn,
    /// Where `bytes` begin in the segment.
    pub offset: u64,
    pub bytes: &'a [u8],
    /// Where the records' payloads stand in `bytes`.
    pub payloads: &'a [Range<usize>],
}

impl<'a> Written<'a> {
    fn parts(&self, payload: &Range<usize>) -> Vec<Stored<'a>> {
        part::parts(&self.bytes[payload.clone()])
            .unwrap_or_else(|fault| unreachable!("a record that was just written is read: {fault}"))
    }

    fn at(&self, payload: &Range<usize>, stored: &Stored<'_>) -> At {
        let offset = self.offset + (payload.start + stored.offset) as u64;
        At { segment: self.segment, offset, len: u32::try_from(stored.len).unwrap_or(u32::MAX) }
    }
}

impl Shared {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        seal: Seal,
        clock: Arc<dyn Clock>,
        recovery: Recovery,
        lock: Box<dyn DirLock>,
        space: Space,
        options: &Options,
    ) -> Self {
        let Recovery { next, rows, open_bytes, segments } = recovery;
        Self {
            disk,
            dir: options.path.clone(),
            seal,
            clock,
            queue: Queue::new(options, next, open_bytes),
            overlay: Overlay::default(),
            pending: Pending::new(options.apply_window_bytes, Lsn(next.0 - 1)),
            reader: Reader::default(),
            keeper: Keeper::default(),
            space,
            rows: Mutex::new(rows),
            archive: Mutex::new(None),
            files: Mutex::new(()),
            next_durable: AtomicU64::new(next.0),
            applied: AtomicU64::new(next.0 - 1),
            segments: AtomicU64::new(segments),
            new_segment: AtomicBool::new(false),
            behind_bytes_max: options.apply_window_bytes * WINDOWS_BEHIND_MAX,
            ended: watch::Sender::new(false),
            lock: Mutex::new(Some(lock)),
        }
    }

    pub(super) fn next_to_be_durable(&self) -> Lsn {
        Lsn(self.next_durable.load(Ordering::Acquire))
    }

    pub(super) fn open_rows(&self) -> (usize, usize) {
        self.rows.lock().counts()
    }

    /// Where all went, with the LSN up to which that is so.
    pub(super) fn tally(&self) -> (Lsn, Tally) {
        let rows = self.rows.lock();
        (rows.through(), rows.tally())
    }

    /// What of it is still open is written, as it is at the LSN that is written next.
    pub(super) fn carried_parts(&self, carry: &[Carried]) -> Vec<Encoded> {
        let rows = self.rows.lock();
        carry.iter().filter_map(|one| one.encode(&rows)).collect()
    }

    pub(super) fn still_open(&self, one: &Carried) -> bool {
        one.is_open(&self.rows.lock())
    }

    pub(super) fn oldest_outbox(&self) -> Option<Lsn> {
        self.rows.lock().oldest_outbox()
    }

    pub(super) fn attach(&self, inlet: Arc<dyn Inlet>) -> Recovered {
        self.rows.lock().attach(inlet)
    }

    /// Whether the disk and the table have room for more from outside. Of a store that has ended that is said, and not
    /// that somebody is behind who will never catch up.
    pub(super) fn room(&self) -> Result<(), StoreError> {
        let room = self.space.ready().and_then(|()| self.table_follows());
        room.map_err(|full| self.queue.is_open().err().unwrap_or(full))
    }

    /// Whether the table keeps up with the journal.
    fn table_follows(&self) -> Result<(), StoreError> {
        if self.pending.bytes() < self.behind_bytes_max { Ok(()) } else { Err(StoreError::Full("the table's applier")) }
    }

    /// A group is on the disk: the applier gets its values, rows change, deliveries go out, then the tickets are
    /// completed.
    pub(super) fn durable(&self, group: &mut Vec<Job>, written: &Written<'_>) {
        let Some(last) = group.last().map(|job| job.lsn) else { return };
        self.next_durable.store(last.0 + 1, Ordering::Release);
        let mut deliveries = Vec::new();
        let records: Vec<_> = written.payloads.iter().map(|payload| written.parts(payload)).collect();
        {
            let mut rows = self.rows.lock();
            let mut closed_bytes = 0;
            for ((job, payload), parts) in group.iter_mut().zip(written.payloads).zip(&records) {
                rows.accepted(job.accepted);
                let opens = parts.iter().filter(|stored| stored.kind == Kind::OpenOutbox);
                let at = opens.map(|stored| written.at(payload, stored));
                closed_bytes += rows.apply(job.lsn, std::mem::take(&mut job.changes), at, &mut deliveries);
                for stored in parts.iter().filter(|stored| stored.kind == Kind::CarriedOutbox) {
                    if let Place::Carried { id, .. } = stored.place {
                        rows.carried(id, written.at(payload, stored));
                    }
                }
                rows.dead.carried(job.lsn, &job.carry);
            }
            self.queue.give_back(closed_bytes);
            rows.deliver(deliveries);
        }
        let mut kinds = [0; Kind::NUMBERS];
        let values = group.iter().zip(records).flat_map(|(job, parts)| {
            for stored in &parts {
                kinds[stored.kind as usize] += 1;
            }
            parts.into_iter().filter_map(move |stored| tree::read(job.lsn, &stored))
        });
        self.pending.add(values, last, written.bytes.len() as u64);
        for (kind, count) in Kind::counted(&kinds) {
            metrics::store_parts(kind.name(), count);
        }
        for job in group.drain(..) {
            // Nobody waits any more: whoever asked has gone, and the record stays.
            let _ = job.done.send(());
        }
    }

    /// The table cannot be worked with. A broken one is marked, so that the next start rebuilds it; the process
    /// ends in any case, because neither answers nor the applier can wait for that.
    pub(super) fn table_failed(&self, action: &'static str, fault: &TreeFault) {
        if matches!(fault, TreeFault::Broken(_))
            && let Err(failure) = table::mark_suspect(&*self.disk, &self.dir)
        {
            tracing::error!("the store {failure}");
        }
        let source = std::io::Error::other(fault.to_string());
        self.disk.give_up(&DiskFailure { action, path: table::path(&self.dir), source });
    }

    /// Ends the threads that only serve the others.
    pub(super) fn stop_behind(&self) {
        self.reader.end();
        self.keeper.end();
    }

    /// The last thread has ended: the directory is free for the next process.
    pub(super) fn ended(&self) {
        self.lock.lock().take();
        self.ended.send_replace(true);
    }
}
