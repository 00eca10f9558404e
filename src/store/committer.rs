//! The committer: the one thread that writes the journal.
//!
//! A group is whatever waits while the disk is busy, within bounds. Order inside a round: seal and write all,
//! one sync, hand values to the applier, change rows and deliver, complete tickets. So whoever holds a resolved ticket may rely on both
//! disk and delivery. Any failure of the disk, and any panic here, ends the process: a store that cannot write
//! is not restarted in silence.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::Options;
use super::disk::DiskFailure;
use super::frame;
use super::part;
use super::queue::{Job, Limits, Taken};
use super::segment::Head;
use super::shared::Shared;

/// A quiet journal is marked after this long, so that damage to its end cannot pass for a torn tail.
const QUIET: Duration = Duration::from_millis(500);

struct Committer {
    shared: Arc<Shared>,
    head: Head,
    limits: Limits,
    segment_bytes: u64,
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
    std::thread::Builder::new().name("siaga-committer".into()).spawn(move || {
        let mut committer =
            Committer { shared: Arc::clone(&shared), head, limits, segment_bytes, unmarked: true, buffer: Vec::new() };
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
                Taken::Group => self.commit(group)?,
                Taken::Idle => self.mark()?,
                Taken::Drained => {
                    self.mark()?;
                    self.head.sync()?;
                    return Ok(true);
                }
                Taken::Stopped => return Ok(false),
            }
        }
    }

    fn commit(&mut self, group: &mut Vec<Job>) -> Result<(), DiskFailure> {
        let Some(first) = group.first().map(|job| job.lsn) else { return Ok(()) };
        if self.head.bytes() >= self.segment_bytes {
            self.head = self.head.next(first, self.shared.clock.now())?;
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
        self.head.write(&self.buffer)?;
        self.head.sync()?;
        self.unmarked = true;
        self.shared.durable(group, &self.buffer, &payloads);
        Ok(())
    }

    /// Not synced: a mark that is lost is missed by nobody.
    fn mark(&mut self) -> Result<(), DiskFailure> {
        self.unmarked = false;
        self.buffer.clear();
        let next = self.shared.next_to_be_durable();
        let start = frame::begin(&mut self.buffer, next.0, 0, frame::Kind::Mark);
        frame::finish(&mut self.buffer, start);
        self.head.write(&self.buffer)
    }
}
