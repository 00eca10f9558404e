//! Reading the tree, and rows that were let go of, on a thread of its own, so that no actor and no web worker ever
//! waits for a disk.
//!
//! Requests are bounded; past the bound a read is refused as `Full`. A tree that cannot be read ends the
//! process: it is set aside at the next start and rebuilt, and nobody was answered from it. So does a row: the next
//! start reads the whole journal and names what is damaged.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use futures_util::future::{BoxFuture, FutureExt};
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::disk::DiskFailure;
use super::overlay::FullKey;
use super::read_back;
use super::shared::Shared;
use super::tree::{self, Tree, TreeFault};
use crate::ports::{Lsn, OutboxRow, RowId, StoreError, Value};

/// Reads that wait; each has a session behind it.
const REQUESTS_MAX: usize = 65_536;

/// A value in the tree, and the LSN that wrote it.
pub(super) type Found = (Lsn, Value);

/// Values in key order, and where the next page begins.
pub(super) type FoundPage = (Vec<(FullKey, Found)>, Option<FullKey>);

enum Request {
    Get(FullKey, oneshot::Sender<Option<Found>>),
    Scan(FullKey, ScanAnswer),
    /// Prefix, and where to begin.
    Page(FullKey, FullKey, oneshot::Sender<FoundPage>),
    /// From the journal.
    Sends(Vec<RowId>, oneshot::Sender<Vec<(RowId, OutboxRow)>>),
}

/// Whoever asks for many rows may be a thread that waits, or a task that must not.
enum ScanAnswer {
    Task(oneshot::Sender<Vec<(FullKey, Found)>>),
    Thread(mpsc::SyncSender<Vec<(FullKey, Found)>>),
}

#[derive(Default)]
struct Inner {
    requests: VecDeque<Request>,
    ended: bool,
}

#[derive(Default)]
pub(super) struct Reader {
    inner: Mutex<Inner>,
    filled: Condvar,
}

impl Reader {
    fn ask(&self, request: Request) -> Result<(), StoreError> {
        let mut inner = self.inner.lock();
        if inner.ended {
            return Err(StoreError::Closed);
        }
        if inner.requests.len() >= REQUESTS_MAX {
            return Err(StoreError::Full("the table's readers"));
        }
        inner.requests.push_back(request);
        self.filled.notify_one();
        Ok(())
    }

    pub(super) fn get(&self, key: FullKey) -> BoxFuture<'static, Result<Option<Found>, StoreError>> {
        let (answer, answered) = oneshot::channel();
        let asked = self.ask(Request::Get(key, answer));
        async move {
            asked?;
            answered.await.map_err(|_| StoreError::Closed)
        }
        .boxed()
    }

    /// All below a prefix, in key order.
    pub(super) fn scan(&self, prefix: FullKey) -> BoxFuture<'static, Result<Vec<(FullKey, Found)>, StoreError>> {
        let (answer, answered) = oneshot::channel();
        let asked = self.ask(Request::Scan(prefix, ScanAnswer::Task(answer)));
        async move {
            asked?;
            answered.await.map_err(|_| StoreError::Closed)
        }
        .boxed()
    }

    /// Some below a prefix, from a key on.
    pub(super) fn page(&self, prefix: FullKey, from: FullKey) -> BoxFuture<'static, Result<FoundPage, StoreError>> {
        let (answer, answered) = oneshot::channel();
        let asked = self.ask(Request::Page(prefix, from, answer));
        async move {
            asked?;
            answered.await.map_err(|_| StoreError::Closed)
        }
        .boxed()
    }

    /// Open outbox rows, from the journal.
    pub(super) fn sends(&self, rows: Vec<RowId>) -> BoxFuture<'static, Result<Vec<(RowId, OutboxRow)>, StoreError>> {
        let (answer, answered) = oneshot::channel();
        let asked = self.ask(Request::Sends(rows, answer));
        async move {
            asked?;
            answered.await.map_err(|_| StoreError::Closed)
        }
        .boxed()
    }

    /// All below a prefix, for a thread that may wait: once, at the start.
    pub(super) fn scan_waiting(&self, prefix: FullKey) -> Result<Vec<(FullKey, Found)>, StoreError> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.ask(Request::Scan(prefix, ScanAnswer::Thread(answer)))?;
        answered.recv().map_err(|_| StoreError::Closed)
    }

    fn next(&self) -> Option<Request> {
        let mut inner = self.inner.lock();
        loop {
            if inner.ended {
                // Whoever still waits hears that the store is closed.
                inner.requests.clear();
                return None;
            }
            match inner.requests.pop_front() {
                Some(request) => return Some(request),
                None => self.filled.wait(&mut inner),
            }
        }
    }

    /// No more reads.
    pub(super) fn end(&self) {
        self.inner.lock().ended = true;
        self.filled.notify_all();
    }
}

pub(super) fn start(shared: Arc<Shared>, tree: Arc<dyn Tree>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("siaga-reader".into()).spawn(move || {
        while let Some(request) = shared.reader.next() {
            match answer(&shared, &*tree, request) {
                Ok(()) => {}
                Err(Fault::Tree(fault)) => {
                    shared.reader.end();
                    shared.table_failed("read", &fault);
                }
                Err(Fault::Row(failure)) => {
                    shared.reader.end();
                    shared.disk.give_up(&failure);
                }
            }
        }
    })
}

/// What ends the process.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Tree(#[from] TreeFault),
    #[error(transparent)]
    Row(DiskFailure),
}

/// Nobody may wait any more for what is answered; that is no fault.
fn answer(shared: &Shared, tree: &dyn Tree, request: Request) -> Result<(), Fault> {
    let open = |key: &[u8], bytes: &[u8]| {
        tree::open(&shared.seal, key, bytes).map_err(|fault| TreeFault::Broken(fault.to_string()))
    };
    match request {
        Request::Get(key, answer) => {
            let found = tree.get(&key)?.map(|bytes| open(&key, &bytes)).transpose()?;
            let _ = answer.send(found);
        }
        Request::Page(prefix, from, answer) => {
            let (pairs, next) = tree::page(tree, &prefix, &from)?;
            let found = pairs
                .into_iter()
                .map(|(key, bytes)| Ok((FullKey::from_slice(&key), open(&key, &bytes)?)))
                .collect::<Result<_, TreeFault>>()?;
            let _ = answer.send((found, next.map(FullKey::from_vec)));
        }
        Request::Sends(rows, answer) => {
            let read = |id| Ok(read_back::send(shared, id).map_err(Fault::Row)?.map(|row| (id, row)));
            let found = rows.into_iter().map(read).filter_map(Result::transpose).collect::<Result<_, Fault>>()?;
            let _ = answer.send(found);
        }
        Request::Scan(prefix, answer) => {
            let mut found = Vec::new();
            let mut from = Some(prefix.to_vec());
            while let Some(start) = from {
                let (pairs, next) = tree::page(tree, &prefix, &start)?;
                for (key, bytes) in pairs {
                    let opened = open(&key, &bytes)?;
                    found.push((FullKey::from_slice(&key), opened));
                }
                from = next;
            }
            match answer {
                ScanAnswer::Task(answer) => drop(answer.send(found)),
                ScanAnswer::Thread(answer) => drop(answer.send(found)),
            }
        }
    }
    Ok(())
}
