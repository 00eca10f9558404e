//! The committer: the one thread that writes the journal.
//!
//! A group is whatever waits while the disk is busy, within bounds. Order inside a round: seal and write all,
//! one sync, hand values to the applier, change rows and deliver, complete tickets. So whoever holds a resolved ticket may rely on both
//! disk and delivery. A write that finds no room waits for some (`space`). Any other failure of the disk, and any
//! panic here, ends the process: a store that cannot write is not restarted in silence.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Options;
use super::disk::DiskFailure;
use super::frame;
use super::part;
use super::queue::{Job, Limits, Taken};
use super::segment::{AHEAD_MAX, Head};
use super::shared::{Shared, Written};
use crate::metrics;

/// A quiet journal is marked after this long, so that damage to its end cannot pass for a torn tail.
const QUIET: Duration = Duration::from_millis(500);
/// A full disk is tried again this often.
const ROOM_WAIT: Duration = Duration::from_millis(100);

struct Committer {
    shared: Arc<Shared>,
    head: Head,
    limits: Limits,
    segment_bytes: u64,
    /// What is written ahead of the records at once.
    ahead: usize,
    /// Records were written since the last mark.
    unmarked: bool,
    buffer: Vec<u8>,
}

pub(super) fn start(shared: Arc<Shared>, head: Head, options: &Options) -> std::io::Result<JoinHandle<()>> {
    let limits = Limits {
        records_max: options.group_records_max,
        bytes_max: options.group_bytes_max,
        gather_below: options.gather_below_records,
        gather: Duration::from_micros(options.gather_us),
    };
    let segment_bytes = options.segment_bytes;
    let ahead = usize::try_from(segment_bytes / 64).unwrap_or(AHEAD_MAX).min(AHEAD_MAX);
    std::thread::Builder::new().name("siaga-committer".into()).spawn(move || {
        let mut committer = Committer {
            shared: Arc::clone(&shared),
            head,
            limits,
            segment_bytes,
            ahead,
            unmarked: true,
            buffer: Vec::new(),
        };
        let mut group = Vec::new();
        let outcome = catch_unwind(AssertUnwindSafe(|| committer.run(&mut group)));
        let mut closed = false;
        let failure = match outcome {
            Ok(Ok(whole)) => {
                closed = whole;
                None
            }
            Ok(Err(failure)) => Some(failure),
            Err(_) => Some(DiskFailure {
                action: "go on: the committer panicked while it wrote",
                path: committer.head.path().to_owned(),
                source: std::io::ErrorKind::Other.into(),
            }),
        };
        // The door is shut before the group's tickets are dropped: on a simulated disk the process lives on, and
        // nobody who learns of the failure may find the store open.
        shared.queue.shut();
        if let Some(failure) = failure {
            shared.disk.give_up(&failure);
        }
        drop((committer, group));
        shared.pending.end(closed);
    })
}

impl Committer {
    /// Until the store is closed (true: all is durable) or stopped.
    fn run(&mut self, group: &mut Vec<Job>) -> Result<bool, DiskFailure> {
        loop {
            let idle = self.unmarked.then_some(QUIET);
            match self.shared.queue.take(group, &self.limits, idle) {
                Taken::Group if self.commit(group)? => {}
                Taken::Idle => self.mark()?,
                Taken::Drained => {
                    self.mark()?;
                    self.head.cut()?;
                    self.head.sync()?;
                    return Ok(true);
                }
                // A group that found no room before the store closed was promised to nobody.
                Taken::Group | Taken::Stopped => return Ok(false),
            }
        }
    }

    /// False: the disk is full and the store was closed before there was room.
    fn commit(&mut self, group: &mut Vec<Job>) -> Result<bool, DiskFailure> {
        let Some(first) = group.first().map(|job| job.lsn) else { return Ok(true) };
        let asked = self.shared.new_segment.swap(false, Ordering::Relaxed) && self.head.first() < first;
        if asked || self.head.bytes() >= self.segment_bytes {
            let now = self.shared.clock.now();
            match self.when_room(|committer| committer.head.next(first, now))? {
                Some(next) => {
                    self.head = next;
                    self.shared.segments.fetch_add(1, Ordering::Relaxed);
                }
                None => return Ok(false),
            }
        }
        if let [alone] = &mut group[..]
            && !alone.carry.is_empty()
        {
            alone.parts = self.shared.carried_parts(&alone.carry);
        }
        self.buffer.clear();
        let mut payloads = Vec::with_capacity(group.len());
        for (place, job) in (0..).zip(&*group) {
            payloads.push(part::write_record(&mut self.buffer, &self.shared.seal, job.lsn, place, &job.parts));
        }
        let offset = self.head.bytes();
        if self.when_room(|committer| committer.head.write(&committer.buffer, committer.ahead))?.is_none() {
            return Ok(false);
        }
        // How long syncs take is the first thing an operator asks of a slow store.
        let started = Instant::now();
        self.head.sync()?;
        metrics::group_synced(group.len(), started.elapsed());
        self.unmarked = true;
        let written = Written { segment: self.head.first(), offset, bytes: &self.buffer, payloads: &payloads };
        self.shared.durable(group, &written);
        Ok(true)
    }

    /// Repeats what finds no room, after the reserve was given up and then until there is some: nothing of it was
    /// promised. `None`: the store was closed meanwhile.
    fn when_room<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Result<T, DiskFailure>,
    ) -> Result<Option<T>, DiskFailure> {
        let mut waits = 0;
        loop {
            match attempt(self) {
                Err(failure) if failure.is_full() => {
                    self.shared.space.look();
                    if self.shared.space.release() {
                        continue;
                    }
                    if !self.shared.queue.may_wait(waits) {
                        return Ok(None);
                    }
                    waits += 1;
                    std::thread::sleep(ROOM_WAIT);
                }
                outcome => return outcome.map(Some),
            }
        }
    }

    /// Not synced: a mark that is lost is missed by nobody.
    fn mark(&mut self) -> Result<(), DiskFailure> {
        self.unmarked = false;
        self.buffer.clear();
        let next = self.shared.next_to_be_durable();
        let start = frame::begin(&mut self.buffer, next.0, 0, frame::Kind::Mark);
        frame::finish(&mut self.buffer, start);
        match self.head.write(&self.buffer, self.ahead) {
            Err(failure) if failure.is_full() => Ok(()),
            outcome => outcome,
        }
    }
}
