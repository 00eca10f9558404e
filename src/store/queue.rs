//! The way into the journal: who may append, in which order.
//!
//! LSNs are given under this queue's lock, in the same moment as a record's values become readable, so the
//! order of the queue is the order of everything. What may enter is decided here and named: statuses are
//! refused first (Meta repeats them and they wake nobody), then new messages, and turns last, because turns
//! are what makes room again. Nothing that has entered is ever dropped while the process lives.

mod group;
mod job;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::Options;
use super::carry::Carried;
use super::overlay::{Entry, Overlay};
use crate::ports::{Lsn, StoreError, Ticket, Writer};

use group::Pace;
pub(super) use group::{Limits, Taken};
pub(super) use job::{Class, Entrant, Job};

/// The committer works, and looks by itself when it is done.
const AWAKE: usize = usize::MAX;

/// Waits for room on a full disk while the store is being closed.
const CLOSING_WAITS_MAX: u32 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Open,
    /// No more enter; the rest is written.
    Closing,
    /// Nothing is written any more.
    Shut,
}

struct Inner {
    jobs: VecDeque<Job>,
    bytes: usize,
    next: Lsn,
    fences: HashMap<u16, u32>,
    door: Door,
    /// The committer sleeps until so many records wait.
    wake_at: usize,
    pace: Pace,
}

pub(super) struct Queue {
    inner: Mutex<Inner>,
    filled: Condvar,
    /// Bytes of rows that are open or about to be.
    open_bytes: AtomicU64,
    records_max: usize,
    bytes_max: usize,
    open_bytes_max: u64,
}

impl Queue {
    pub(super) fn new(options: &Options, next: Lsn, open_bytes: u64) -> Self {
        let inner = Inner {
            jobs: VecDeque::new(),
            bytes: 0,
            next,
            fences: HashMap::new(),
            door: Door::Open,
            wake_at: AWAKE,
            pace: Pace::new(Instant::now()),
        };
        Self {
            inner: Mutex::new(inner),
            filled: Condvar::new(),
            open_bytes: AtomicU64::new(open_bytes),
            records_max: options.queue_records_max,
            bytes_max: options.queue_bytes_max,
            open_bytes_max: options.open_bytes_max,
        }
    }

    /// Gives a record its place and makes its values readable.
    pub(super) fn enter(&self, entrant: Entrant, overlay: &Overlay) -> Result<Ticket, StoreError> {
        let (done, durable) = oneshot::channel();
        let mut inner = self.inner.lock();
        if inner.door != Door::Open {
            return Err(StoreError::Closed);
        }
        if let Some(Writer { shard, generation }) = entrant.writer
            && inner.fences.get(&shard).is_some_and(|&fence| generation < fence)
        {
            return Err(StoreError::Fenced { shard, generation });
        }
        self.has_room(&inner, entrant.class)?;
        let lsn = inner.next;
        inner.next = Lsn(lsn.0 + 1);
        inner.bytes += entrant.bytes;
        self.open_bytes.fetch_add(entrant.open_bytes, Ordering::Relaxed);
        for (key, value) in entrant.values {
            overlay.put(key, Entry { lsn, value });
        }
        let Entrant { parts, changes, accepted, bytes, .. } = entrant;
        inner.jobs.push_back(Job { lsn, parts, changes, accepted, carry: Vec::new(), bytes, done });
        self.wake(&mut inner);
        Ok(Ticket { lsn, durable })
    }

    /// Gives a place to what is carried out of an old segment. Not asked for room: it makes some.
    pub(super) fn carry(&self, carry: Vec<Carried>) -> Result<Ticket, StoreError> {
        let (done, durable) = oneshot::channel();
        let mut inner = self.inner.lock();
        if inner.door != Door::Open {
            return Err(StoreError::Closed);
        }
        let lsn = inner.next;
        inner.next = Lsn(lsn.0 + 1);
        let bytes = carry.iter().map(Carried::bytes).sum();
        inner.bytes += bytes;
        let job = Job { lsn, parts: Vec::new(), changes: Vec::new(), accepted: 0, carry, bytes, done };
        inner.jobs.push_back(job);
        self.wake(&mut inner);
        Ok(Ticket { lsn, durable })
    }

    /// Wakes the committer if enough waits for it.
    fn wake(&self, inner: &mut Inner) {
        if inner.jobs.len() >= inner.wake_at {
            inner.wake_at = AWAKE;
            self.filled.notify_one();
        }
    }

    fn has_room(&self, inner: &Inner, class: Class) -> Result<(), StoreError> {
        // Of four quarters: two for everyone, one more for messages, the last for turns only.
        let quarters = match class {
            Class::Statuses => 2,
            Class::Messages => 3,
            Class::Turn => 4,
        };
        if inner.jobs.len() * 4 >= self.records_max * quarters || inner.bytes * 4 >= self.bytes_max * quarters {
            return Err(StoreError::Full("the journal's queue"));
        }
        // Turns close rows; to refuse them for too many rows would never end. Statuses keep the last eighth free.
        let open_bytes_max = match class {
            Class::Statuses => self.open_bytes_max / 8 * 7,
            Class::Messages => self.open_bytes_max,
            Class::Turn => u64::MAX,
        };
        if self.open_bytes.load(Ordering::Relaxed) >= open_bytes_max {
            return Err(StoreError::Full("open rows"));
        }
        Ok(())
    }

    /// Whether anything may still enter.
    pub(super) fn is_open(&self) -> Result<(), StoreError> {
        if self.inner.lock().door == Door::Open { Ok(()) } else { Err(StoreError::Closed) }
    }

    /// Whether new messages may enter.
    pub(super) fn ready(&self) -> Result<(), StoreError> {
        self.is_open()?;
        self.has_room(&self.inner.lock(), Class::Messages)
    }

    /// Bytes of rows that are open or about to be.
    pub(super) fn open_bytes(&self) -> u64 {
        self.open_bytes.load(Ordering::Relaxed)
    }

    /// Rows were closed.
    pub(super) fn give_back(&self, open_bytes: u64) {
        self.open_bytes.fetch_sub(open_bytes, Ordering::Relaxed);
    }

    pub(super) fn fence(&self, writer: Writer) {
        let mut inner = self.inner.lock();
        let fence = inner.fences.entry(writer.shard).or_default();
        *fence = writer.generation.max(*fence);
    }

    /// Moves the next group into `group`, waiting for one. `idle`: how long at most.
    pub(super) fn take(&self, group: &mut Vec<Job>, limits: &Limits, idle: Option<Duration>) -> Taken {
        let mut inner = self.inner.lock();
        while inner.jobs.is_empty() {
            match inner.door {
                Door::Closing => return Taken::Drained,
                Door::Shut => return Taken::Stopped,
                Door::Open => {}
            }
            inner.wake_at = 1;
            match idle {
                None => self.filled.wait(&mut inner),
                Some(idle) => {
                    let late = self.filled.wait_for(&mut inner, idle).timed_out();
                    if late && inner.jobs.is_empty() && inner.door == Door::Open {
                        inner.wake_at = AWAKE;
                        return Taken::Idle;
                    }
                }
            }
        }
        // A sync costs the same for one record as for many: where many come a few are waited for, and who comes alone
        // does not wait.
        let now = Instant::now();
        let (until, more) = (now + limits.gather, inner.pace.expects_one(now, limits.gather));
        while more && inner.jobs.len() < limits.gather_below && inner.door == Door::Open {
            inner.wake_at = limits.gather_below;
            if self.filled.wait_until(&mut inner, until).timed_out() {
                break;
            }
        }
        inner.wake_at = AWAKE;
        if inner.door == Door::Shut {
            return Taken::Stopped;
        }
        let mut bytes = 0;
        while let Some(job) = inner.jobs.front() {
            let fits = group.len() < limits.records_max && bytes + job.bytes <= limits.bytes_max;
            let alone = !job.carry.is_empty();
            if (!fits || alone) && !group.is_empty() {
                break;
            }
            bytes += job.bytes;
            group.extend(inner.jobs.pop_front());
            if alone {
                break;
            }
        }
        inner.bytes -= bytes;
        inner.pace.took(group.len());
        Taken::Group
    }

    /// Whether the committer may wait once more for room on the disk, after so many times. A store that is being
    /// closed waits for a moment only; one that was dropped for none.
    pub(super) fn may_wait(&self, times: u32) -> bool {
        match self.inner.lock().door {
            Door::Open => true,
            Door::Closing => times < CLOSING_WAITS_MAX,
            Door::Shut => false,
        }
    }

    /// No more enter; what has entered is written.
    pub(super) fn close(&self) {
        let mut inner = self.inner.lock();
        if inner.door == Door::Open {
            inner.door = Door::Closing;
        }
        self.filled.notify_one();
    }

    /// Nothing enters, nothing more is written.
    pub(super) fn shut(&self) {
        let mut inner = self.inner.lock();
        inner.door = Door::Shut;
        inner.jobs.clear();
        self.filled.notify_one();
    }
}

#[cfg(test)]
mod tests;
