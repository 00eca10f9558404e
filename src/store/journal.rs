//! The store of a machine: the port over journal and table.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use futures_util::future::{BoxFuture, FutureExt};
use parking_lot::Mutex;

use super::archive::{ArchiveError, Exported};
use super::entrant::entrant;
use super::identity::StoreId;
use super::inspect::{self, Findings, OwnJudge};
use super::overlay::{self, Entry, FullKey, TIMERS};
use super::queue::Class;
use super::reader::Found;
use super::shared::Shared;
use super::tree::Tree;
use super::{OpenError, archiving, dead};
use crate::ports::{
    DeadLetter, DeadLetterHead, Inlet, Key, OutboxRow, Page, Record, Recovered, RowId, Store, StoreError, Table, Tally,
    Ticket, Value, Writer,
};

/// The open store. Dropped without [`Store::close`] it stops as a killed process would: what is queued and
/// not durable is gone.
pub struct Journal {
    shared: Arc<Shared>,
    /// Gone when the applier has ended: only it decides how long the table stays open.
    tree: Weak<dyn Tree>,
    store: StoreId,
    /// Committer and applier; the reader ends with the applier.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Journal {
    pub(super) fn new(shared: Arc<Shared>, tree: Weak<dyn Tree>, store: StoreId, threads: Vec<JoinHandle<()>>) -> Self {
        Self { shared, tree, store, threads: Mutex::new(threads) }
    }

    /// Looks into the store while it is in use, on a thread of its own: counts, or with `open_seals` checks all.
    pub fn look(&self, open_seals: bool) -> BoxFuture<'static, Result<Findings, OpenError>> {
        self.look_with(open_seals, Box::new(|_, _| Ok(())))
    }

    /// The same, and lets `judge` see every part that the journal still has, if seals are opened.
    pub fn look_with(&self, open_seals: bool, mut judge: OwnJudge) -> BoxFuture<'static, Result<Findings, OpenError>> {
        let (shared, tree, store) = (Arc::clone(&self.shared), self.tree.clone(), self.store);
        let look = move || inspect::look_running(&shared, store, &tree, open_seals, &mut *judge);
        aside("siaga-look", look)
    }

    /// Writes the whole store into one file, as of the moment of the call or a later one.
    pub fn export(&self, file: PathBuf) -> BoxFuture<'static, Result<Exported, ArchiveError>> {
        archiving::ask(&self.shared, file)
    }

    /// Closes the store and waits until its threads have ended; for a thread that may wait.
    pub fn close_and_wait(&self) {
        self.shared.queue.close();
        for thread in self.threads.lock().drain(..) {
            // A panic of a thread was reported where it happened.
            let _ = thread.join();
        }
    }

    /// Inbox and outbox rows that are open.
    pub fn open_rows(&self) -> (usize, usize) {
        self.shared.open_rows()
    }

    /// Values that are appended and not yet in the table.
    pub fn overlay_entries(&self) -> usize {
        self.shared.overlay.entries()
    }
}

impl Store for Journal {
    fn append(&self, record: Record) -> Result<Ticket, StoreError> {
        let entrant = entrant(record)?;
        if entrant.class != Class::Turn {
            self.shared.room()?;
        }
        self.shared.queue.enter(entrant, &self.shared.overlay)
    }

    fn get(&self, table: Table, key: Key) -> BoxFuture<'_, Result<Option<Value>, StoreError>> {
        let full = overlay::full_key(table, &key);
        if let Some(entry) = self.shared.overlay.get(&full) {
            return std::future::ready(Ok(entry.value)).boxed();
        }
        let found = self.shared.reader.get(full);
        async move { Ok(found.await?.map(|(_, value)| value)) }.boxed()
    }

    fn scan(&self, table: Table, prefix: Key) -> BoxFuture<'_, Result<Vec<(Key, Value)>, StoreError>> {
        let prefix = overlay::full_key(table, &prefix);
        // The overlay first: what leaves it meanwhile is in the table by then.
        let appended = self.shared.overlay.scan(&prefix);
        let resting = self.shared.reader.scan(prefix);
        async move {
            let values = merge(appended, resting.await?).into_iter();
            Ok(values.map(|(key, value)| (overlay::own_key(&key), value)).collect())
        }
        .boxed()
    }

    fn page(&self, table: Table, from: Key) -> BoxFuture<'_, Result<Page, StoreError>> {
        let read = self.shared.reader.page(overlay::full_key(table, &[]), overlay::full_key(table, &from));
        async move {
            let (found, next) = read.await?;
            let values = found.into_iter().map(|(key, (_, value))| (overlay::own_key(&key), value)).collect();
            Ok((values, next.map(|key| overlay::own_key(&key))))
        }
        .boxed()
    }

    fn attach(&self, inlet: Arc<dyn Inlet>) -> Recovered {
        let recovered = self.shared.attach(inlet);
        let appended = self.shared.overlay.scan(&[TIMERS]);
        let resting = self.shared.reader.scan_waiting(FullKey::from_slice(&[TIMERS])).unwrap_or_else(|fault| {
            // The reader ends only with the process.
            tracing::error!("timers cannot be read: {fault}");
            Vec::new()
        });
        let timers = merge(appended, resting).iter().filter_map(|(key, value)| overlay::timer(key, value)).collect();
        Recovered { timers, ..recovered }
    }

    fn outbox_rows(&self, rows: Vec<RowId>) -> BoxFuture<'_, Result<Vec<(RowId, OutboxRow)>, StoreError>> {
        self.shared.reader.sends(rows)
    }

    fn fence(&self, writer: Writer) {
        self.shared.queue.fence(writer);
    }

    fn dead_letters(&self) -> BoxFuture<'_, Result<Vec<(RowId, DeadLetterHead)>, StoreError>> {
        std::future::ready(Ok(self.shared.rows.lock().dead.heads())).boxed()
    }

    fn dead_letter(&self, id: RowId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>> {
        dead::read_aside(Arc::clone(&self.shared), id)
    }

    fn tally(&self) -> Tally {
        self.shared.tally().1
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.shared.room()?;
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
        for thread in self.threads.lock().drain(..) {
            // A panic of a thread was reported where it happened.
            let _ = thread.join();
        }
    }
}

/// Does what takes long on a thread of its own.
fn aside<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> BoxFuture<'static, Result<T, OpenError>> {
    let (answer, answered) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name(name.to_owned());
    let started = thread.spawn(move || drop(answer.send(work())));
    async move {
        started.map_err(OpenError::Thread)?;
        answered.await.map_err(|_| OpenError::Thread(std::io::ErrorKind::Interrupted.into()))?
    }
    .boxed()
}

/// The newest of each key, without those that were deleted.
fn merge(appended: Vec<(FullKey, Entry)>, resting: Vec<(FullKey, Found)>) -> BTreeMap<FullKey, Value> {
    let mut newest: BTreeMap<FullKey, Entry> =
        resting.into_iter().map(|(key, (lsn, value))| (key, Entry { lsn, value: Some(value) })).collect();
    for (key, entry) in appended {
        if newest.get(&key).is_none_or(|there| there.lsn <= entry.lsn) {
            newest.insert(key, entry);
        }
    }
    newest.into_iter().filter_map(|(key, entry)| Some((key, entry.value?))).collect()
}
