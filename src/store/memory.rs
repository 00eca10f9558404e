//! The store without a disk, for tests: the same contract, and a restart is [`Memory::reopen`].
//!
//! An append is durable, delivered and its ticket complete before the call returns, so a test on it is
//! deterministic. A test that needs the moment between append and durability takes it with [`Memory::hold`].

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use parking_lot::Mutex;
use tokio::sync::oneshot;

mod page;

use super::entrant::check;
use crate::domain::contact::ContactId;
use crate::domain::message::Status;
use crate::domain::time::Timestamp;
use crate::ports::{
    Attempt, DeadLetter, DeadLetterHead, Delivery, InboxRow, Inlet, Key, Lsn, OutboxRow, Page, Part, Record, Recovered,
    RecoveredSend, RowId, Store, StoreError, Table, Tally, Ticket, Value, Writer,
};

mod moments;

/// A store in memory. One value is one process's view of it.
pub struct Memory {
    inner: Mutex<Inner>,
}

/// What a restart keeps.
#[derive(Clone, Default)]
struct Durable {
    next: Lsn,
    values: BTreeMap<(Table, Key), Value>,
    inbox: BTreeMap<RowId, InboxRow>,
    outbox: BTreeMap<RowId, (OutboxRow, Attempt)>,
    timers: BTreeMap<ContactId, Timestamp>,
    statuses: Vec<(Lsn, Status)>,
    dead: BTreeMap<RowId, DeadLetter>,
    /// Its `pending` is counted when it is asked for.
    tally: Tally,
}

/// A record that is not durable yet.
type Held = (Lsn, Vec<Part>, oneshot::Sender<()>);

#[derive(Default)]
struct Inner {
    durable: Durable,
    /// The newest values, those of held records too.
    visible: BTreeMap<(Table, Key), Value>,
    next: Lsn,
    held: Option<VecDeque<Held>>,
    inlet: Option<Arc<dyn Inlet>>,
    fences: HashMap<u16, u32>,
    full: Option<&'static str>,
    closed: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Self::starting_with(Durable { next: Lsn(1), ..Durable::default() })
    }
}

impl Memory {
    pub fn new() -> Self {
        Self::default()
    }

    fn starting_with(durable: Durable) -> Self {
        let (next, visible) = (durable.next, durable.values.clone());
        Self { inner: Mutex::new(Inner { durable, visible, next, ..Inner::default() }) }
    }

    /// The store as the next process finds it; this one takes nothing more. What is held is lost.
    #[must_use]
    pub fn reopen(&self) -> Self {
        let mut inner = self.inner.lock();
        inner.closed = true;
        inner.held = None;
        inner.inlet = None;
        Self::starting_with(inner.durable.clone())
    }
}

impl Inner {
    fn admit(&self, record: &Record) -> Result<(), StoreError> {
        if self.closed {
            return Err(StoreError::Closed);
        }
        record.parts.iter().try_for_each(check)?;
        match record.writer {
            Some(Writer { shard, generation }) => match self.fences.get(&shard) {
                Some(&fence) if generation < fence => Err(StoreError::Fenced { shard, generation }),
                _ => Ok(()),
            },
            None => self.full.map_or(Ok(()), |why| Err(StoreError::Full(why))),
        }
    }

    fn show(&mut self, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Put { table, key, value } => {
                    self.visible.insert((*table, key.clone()), value.clone());
                }
                Part::Delete { table, key } => {
                    self.visible.remove(&(*table, key.clone()));
                }
                Part::OpenInbox(_)
                | Part::CloseInbox(..)
                | Part::OpenOutbox(_)
                | Part::AttemptOutbox { .. }
                | Part::CloseOutbox { .. }
                | Part::Status(_)
                | Part::Timer { .. }
                | Part::DeadLetter(_)
                | Part::CloseDeadLetter(_) => {}
            }
        }
    }

    fn commit(&mut self, lsn: Lsn, parts: Vec<Part>, done: oneshot::Sender<()>) {
        self.durable.next = Lsn(lsn.0 + 1);
        let deliveries = self.durable.apply(lsn, parts);
        if let Some(inlet) = &self.inlet
            && !deliveries.is_empty()
        {
            inlet.deliver(deliveries);
        }
        // Nobody waits any more: whoever asked has gone, and the record stays.
        let _ = done.send(());
    }
}

impl Durable {
    fn apply(&mut self, lsn: Lsn, parts: Vec<Part>) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        let (mut inbox, mut outbox, mut dead) = (0, 0, 0);
        let id = |count: &mut u32| {
            let id = RowId { lsn, index: *count };
            *count += 1;
            id
        };
        for part in parts {
            match part {
                Part::Put { table, key, value } => drop(self.values.insert((table, key), value)),
                Part::Delete { table, key } => drop(self.values.remove(&(table, key))),
                Part::OpenInbox(row) => {
                    let id = id(&mut inbox);
                    self.inbox.insert(id, row.clone());
                    self.tally.accepted += 1;
                    deliveries.push(Delivery::Inbox { id, row });
                }
                Part::CloseInbox(row, how) => {
                    if self.inbox.remove(&row).is_some() {
                        self.tally.close(how);
                    }
                }
                Part::OpenOutbox(row) => {
                    let id = id(&mut outbox);
                    self.outbox.insert(id, (row.clone(), Attempt::Never));
                    deliveries.push(Delivery::Outbox { id, row });
                }
                Part::AttemptOutbox { row, again } => {
                    if let Some((_, attempted)) = self.outbox.get_mut(&row) {
                        *attempted = attempted.and(again);
                    }
                }
                Part::CloseOutbox { row, .. } => drop(self.outbox.remove(&row)),
                Part::Status(status) => {
                    self.statuses.push((lsn, status.clone()));
                    deliveries.push(Delivery::Status(status));
                }
                Part::Timer { contact, at: Some(at) } => drop(self.timers.insert(contact, at)),
                Part::Timer { contact, at: None } => drop(self.timers.remove(&contact)),
                Part::DeadLetter(letter) => drop(self.dead.insert(id(&mut dead), letter)),
                Part::CloseDeadLetter(letter) => drop(self.dead.remove(&letter)),
            }
        }
        let oldest = self.outbox.keys().next().map(|row| row.lsn);
        self.statuses.retain(|(lsn, status)| oldest.is_some_and(|oldest| *lsn > oldest) && status.tag.is_some());
        deliveries
    }

    fn recovered(&self) -> Recovered {
        let send = |(id, (row, attempted)): (&RowId, &(OutboxRow, Attempt))| RecoveredSend {
            id: *id,
            head: row.head(),
            row: Some(row.clone()),
            attempted: *attempted,
        };
        Recovered {
            inbox: self.inbox.iter().map(|(id, row)| (*id, row.clone())).collect(),
            outbox: self.outbox.iter().map(send).collect(),
            timers: self.timers.iter().map(|(contact, at)| (*contact, *at)).collect(),
            statuses: self.statuses.iter().map(|(_, status)| status.clone()).collect(),
        }
    }
}

impl Store for Memory {
    fn append(&self, record: Record) -> Result<Ticket, StoreError> {
        let mut inner = self.inner.lock();
        inner.admit(&record)?;
        let lsn = inner.next;
        inner.next = Lsn(lsn.0 + 1);
        inner.show(&record.parts);
        let (done, durable) = oneshot::channel();
        match &mut inner.held {
            Some(held) => held.push_back((lsn, record.parts, done)),
            None => inner.commit(lsn, record.parts, done),
        }
        Ok(Ticket { lsn, durable })
    }

    fn get(&self, table: Table, key: Key) -> BoxFuture<'_, Result<Option<Value>, StoreError>> {
        let value = self.inner.lock().visible.get(&(table, key)).cloned();
        std::future::ready(Ok(value)).boxed()
    }

    fn scan(&self, table: Table, prefix: Key) -> BoxFuture<'_, Result<Vec<(Key, Value)>, StoreError>> {
        let inner = self.inner.lock();
        let from = inner.visible.range((table, prefix.clone())..);
        let found = from
            .take_while(|((of, key), _)| *of == table && key.starts_with(&prefix))
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect();
        std::future::ready(Ok(found)).boxed()
    }

    fn page(&self, table: Table, from: Key) -> BoxFuture<'_, Result<Page, StoreError>> {
        std::future::ready(Ok(page::of(&self.inner.lock().visible, table, from))).boxed()
    }

    fn attach(&self, inlet: Arc<dyn Inlet>) -> Recovered {
        let mut inner = self.inner.lock();
        inner.inlet = Some(inlet);
        inner.durable.recovered()
    }

    fn outbox_rows(&self, rows: Vec<RowId>) -> BoxFuture<'_, Result<Vec<(RowId, OutboxRow)>, StoreError>> {
        let open = &self.inner.lock().durable.outbox;
        let found = rows.into_iter().filter_map(|id| Some((id, open.get(&id)?.0.clone()))).collect();
        std::future::ready(Ok(found)).boxed()
    }

    fn fence(&self, writer: Writer) {
        let mut inner = self.inner.lock();
        let fence = inner.fences.entry(writer.shard).or_default();
        *fence = writer.generation.max(*fence);
    }

    fn dead_letters(&self) -> BoxFuture<'_, Result<Vec<(RowId, DeadLetterHead)>, StoreError>> {
        let letters = self.inner.lock().durable.dead.iter().map(|(id, letter)| (*id, letter.head())).collect();
        std::future::ready(Ok(letters)).boxed()
    }

    fn dead_letter(&self, id: RowId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>> {
        let letter = self.inner.lock().durable.dead.get(&id).cloned();
        std::future::ready(Ok(letter)).boxed()
    }

    fn tally(&self) -> Tally {
        let inner = self.inner.lock();
        Tally { pending: inner.durable.inbox.len() as u64, ..inner.durable.tally }
    }

    fn ready(&self) -> Result<(), StoreError> {
        let inner = self.inner.lock();
        if inner.closed {
            return Err(StoreError::Closed);
        }
        inner.full.map_or(Ok(()), |why| Err(StoreError::Full(why)))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.release();
        self.inner.lock().closed = true;
        std::future::ready(()).boxed()
    }
}
