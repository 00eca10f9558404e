//! The store of a machine: the port over the journal.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use futures_util::future::{BoxFuture, FutureExt};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::disk::{DirLock, Disk};
use super::overlay::{self, Overlay};
use super::part::{Counts, Encoded};
use super::queue::{Class, Entrant, Job, Queue};
use super::rows::{Change, Rows};
use super::seal::Seal;
use super::{KEY_BYTES_MAX, RECORD_BYTES_MAX, VALUE_BYTES_MAX};
use crate::ports::{
    Clock, DeadLetter, Inlet, Key, Lsn, Part, Record, Recovered, RowId, Store, StoreError, Table, Ticket, Value, Writer,
};

/// The open store. Dropped without [`Store::close`] it stops as a killed process would: what is queued and
/// not durable is gone.
pub struct Journal {
    shared: Arc<Shared>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

/// What the store's threads have in common.
pub(super) struct Shared {
    pub disk: Arc<dyn Disk>,
    pub seal: Seal,
    pub clock: Arc<dyn Clock>,
    pub queue: Queue,
    overlay: Overlay,
    rows: Mutex<Rows>,
    dead: Mutex<BTreeMap<RowId, DeadLetter>>,
    /// The next LSN that is not durable yet.
    next_durable: AtomicU64,
    /// Turns true when the committer has ended.
    ended: watch::Sender<bool>,
    /// Let go when the last thread has ended.
    lock: Mutex<Option<Box<dyn DirLock>>>,
}

impl Journal {
    pub(super) fn new(shared: Arc<Shared>, committer: JoinHandle<()>) -> Self {
        Self { shared, committer: Mutex::new(Some(committer)) }
    }

    /// Inbox and outbox rows that are open.
    pub fn open_rows(&self) -> (usize, usize) {
        self.shared.rows.lock().counts()
    }
}

impl Shared {
    #[allow(clippy::too_many_arguments)] // the one place where the parts meet
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        seal: Seal,
        clock: Arc<dyn Clock>,
        queue: Queue,
        overlay: Overlay,
        rows: Rows,
        dead: BTreeMap<RowId, DeadLetter>,
        lock: Box<dyn DirLock>,
    ) -> Self {
        let next_durable = AtomicU64::new(queue.next().0);
        Self {
            disk,
            seal,
            clock,
            queue,
            overlay,
            rows: Mutex::new(rows),
            dead: Mutex::new(dead),
            next_durable,
            ended: watch::Sender::new(false),
            lock: Mutex::new(Some(lock)),
        }
    }

    pub(super) fn next_to_be_durable(&self) -> Lsn {
        Lsn(self.next_durable.load(Ordering::Acquire))
    }

    /// A group is on the disk: rows change, deliveries go out, then the tickets are completed.
    pub(super) fn durable(&self, group: &mut Vec<Job>) {
        let Some(last) = group.last().map(|job| job.lsn) else { return };
        self.next_durable.store(last.0 + 1, Ordering::Release);
        let mut deliveries = Vec::new();
        {
            let mut rows = self.rows.lock();
            let mut closed_bytes = 0;
            for job in group.iter_mut() {
                closed_bytes += rows.apply(job.lsn, std::mem::take(&mut job.changes), &mut deliveries);
            }
            self.queue.give_back(closed_bytes);
            rows.deliver(deliveries);
        }
        for job in group.iter_mut() {
            let letters = (0..).zip(job.dead.drain(..)).map(|(index, letter)| (RowId { lsn: job.lsn, index }, letter));
            self.dead.lock().extend(letters);
        }
        for job in group.drain(..) {
            // Nobody waits any more: whoever asked has gone, and the record stays.
            let _ = job.done.send(());
        }
    }

    /// The committer has ended: the directory is free for the next process.
    pub(super) fn ended(&self) {
        self.lock.lock().take();
        self.ended.send_replace(true);
    }
}

impl Store for Journal {
    fn append(&self, record: Record) -> Result<Ticket, StoreError> {
        self.shared.queue.enter(entrant(record)?, &self.shared.overlay)
    }

    fn get(&self, table: Table, key: Key) -> BoxFuture<'_, Result<Option<Value>, StoreError>> {
        let value = self.shared.overlay.get(&overlay::full_key(table, &key)).and_then(|entry| entry.value);
        std::future::ready(Ok(value)).boxed()
    }

    fn scan(&self, table: Table, prefix: Key) -> BoxFuture<'_, Result<Vec<(Key, Value)>, StoreError>> {
        let found = self.shared.overlay.scan(&overlay::full_key(table, &prefix)).into_iter();
        let there = found.filter_map(|(key, entry)| Some((overlay::own_key(&key), entry.value?))).collect();
        std::future::ready(Ok(there)).boxed()
    }

    fn attach(&self, inlet: Arc<dyn Inlet>) -> Recovered {
        let recovered = self.shared.rows.lock().attach(inlet);
        Recovered { timers: self.shared.overlay.timers(), ..recovered }
    }

    fn fence(&self, writer: Writer) {
        self.shared.queue.fence(writer);
    }

    fn dead_letters(&self) -> BoxFuture<'_, Result<Vec<(RowId, DeadLetter)>, StoreError>> {
        let letters = self.shared.dead.lock().iter().map(|(id, letter)| (*id, letter.clone())).collect();
        std::future::ready(Ok(letters)).boxed()
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.shared.queue.ready()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.shared.queue.close();
        let mut ended = self.shared.ended.subscribe();
        async move {
            // The sender lives in `shared`, so this fails only when nobody can be waiting.
            let _ = ended.wait_for(|ended| *ended).await;
        }
        .boxed()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.queue.shut();
        if let Some(committer) = self.committer.lock().take() {
            // A panic of the committer was reported where it happened.
            let _ = committer.join();
        }
    }
}

/// Encodes a record, outside of every lock.
fn entrant(record: Record) -> Result<Entrant, StoreError> {
    let Record { writer, parts } = record;
    let class = class(writer, &parts);
    let mut counts = Counts::default();
    let (mut inbox, mut outbox) = (0.., 0..);
    let mut entrant = Entrant {
        writer,
        class,
        parts: Vec::with_capacity(parts.len()),
        changes: Vec::new(),
        values: Vec::new(),
        dead: Vec::new(),
        bytes: 0,
        open_bytes: 0,
    };
    for part in parts {
        check(&part)?;
        let encoded = Encoded::new(&part, &mut counts);
        let bytes = encoded.bytes();
        entrant.bytes += bytes;
        entrant.parts.push(encoded);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let change = match part {
            Part::OpenInbox(row) => Change::OpenInbox { index: inbox.next().unwrap_or_default(), row, bytes },
            Part::CloseInbox(row) => Change::CloseInbox(row),
            Part::OpenOutbox(row) => Change::OpenOutbox { index: outbox.next().unwrap_or_default(), row, bytes },
            Part::AttemptOutbox(row) => Change::AttemptOutbox(row),
            Part::CloseOutbox { row, .. } => Change::CloseOutbox(row),
            Part::Status(status) => Change::Status(status),
            Part::Put { table, key, value } => {
                entrant.values.push((overlay::full_key(table, &key), Some(value)));
                continue;
            }
            Part::Delete { table, key } => {
                entrant.values.push((overlay::full_key(table, &key), None));
                continue;
            }
            Part::Timer { contact, at } => {
                entrant.values.push((overlay::timer_key(contact), at.map(overlay::timer_value)));
                continue;
            }
            Part::DeadLetter(letter) => {
                entrant.dead.push(letter);
                continue;
            }
        };
        if matches!(change, Change::OpenInbox { .. } | Change::OpenOutbox { .. }) {
            entrant.open_bytes += u64::from(bytes);
        }
        entrant.changes.push(change);
    }
    if entrant.bytes > RECORD_BYTES_MAX {
        return Err(StoreError::TooLarge { bytes: entrant.bytes, bytes_max: RECORD_BYTES_MAX });
    }
    Ok(entrant)
}

fn class(writer: Option<Writer>, parts: &[Part]) -> Class {
    if writer.is_some() {
        Class::Turn
    } else if !parts.is_empty() && parts.iter().all(|part| matches!(part, Part::Status(_))) {
        Class::Statuses
    } else if parts.iter().any(|part| matches!(part, Part::OpenInbox(_))) {
        Class::Messages
    } else {
        Class::Turn
    }
}

pub(super) fn check(part: &Part) -> Result<(), StoreError> {
    let (Part::Put { key, .. } | Part::Delete { key, .. }) = part else { return Ok(()) };
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(StoreError::TooLarge { bytes: key.len(), bytes_max: KEY_BYTES_MAX });
    }
    if let Part::Put { value, .. } = part
        && value.0.len() > VALUE_BYTES_MAX
    {
        return Err(StoreError::TooLarge { bytes: value.0.len(), bytes_max: VALUE_BYTES_MAX });
    }
    Ok(())
}
