//! What is durable in the journal and not yet in the tree: the newest value of each key.
//!
//! The committer adds after each sync; the applier takes everything in windows. Appended values are readable
//! from the overlay all that time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::overlay::FullKey;
use super::tree::Resting;
use crate::ports::Lsn;

/// What a key costs in the map beside its bytes.
const ENTRY_BYTES: u64 = 64;

/// The newest values of a run of records.
#[derive(Debug, Default)]
pub(super) struct Window {
    pub values: HashMap<FullKey, Resting>,
    /// The last record that is in it.
    pub through: Lsn,
    /// Of its values.
    pub bytes: u64,
    /// Of the journal that it covers.
    pub journal_bytes: u64,
}

/// What the applier gets when it asks for work.
#[derive(Debug)]
pub(super) enum Next {
    Apply(Window),
    /// The journal is closed and this is its rest.
    Last(Window),
    /// The committer has ended without closing: nothing is applied any more.
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Open,
    Closed,
    Gone,
}

#[derive(Debug)]
struct Inner {
    window: Window,
    source: Source,
    /// The window is cut when it covers this much journal.
    cut_at: u64,
    /// The applier is wanted as soon as what is here is in the tree.
    wanted: bool,
}

#[derive(Debug)]
pub(super) struct Pending {
    inner: Mutex<Inner>,
    filled: Condvar,
    /// Of all values not yet in the tree, those being applied too.
    bytes: AtomicU64,
    window_bytes: u64,
}

impl Window {
    pub(super) fn put(&mut self, key: FullKey, resting: Resting) {
        let bytes = |resting: &Resting| ENTRY_BYTES + resting.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        self.bytes += bytes(&resting);
        if let Some(older) = self.values.insert(key, resting) {
            self.bytes -= bytes(&older);
        }
    }

    fn is_empty(&self) -> bool {
        self.journal_bytes == 0
    }
}

impl Pending {
    pub(super) fn new(window_bytes: u64, through: Lsn) -> Self {
        let window = Window { through, ..Window::default() };
        Self {
            inner: Mutex::new(Inner { window, source: Source::Open, cut_at: u64::MAX, wanted: false }),
            filled: Condvar::new(),
            bytes: AtomicU64::new(0),
            window_bytes,
        }
    }

    /// Adds what a group of records says; `through`: its last.
    pub(super) fn add(&self, values: impl IntoIterator<Item = (FullKey, Resting)>, through: Lsn, journal_bytes: u64) {
        let mut inner = self.inner.lock();
        let (was_empty, before) = (inner.window.is_empty(), inner.window.bytes);
        for (key, resting) in values {
            inner.window.put(key, resting);
        }
        inner.window.through = through;
        inner.window.journal_bytes += journal_bytes;
        // A key's newer value can be shorter: the sum may go down.
        let after = inner.window.bytes;
        self.bytes.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
        let cut = inner.window.journal_bytes >= inner.cut_at;
        if was_empty || cut || (before < self.window_bytes && after >= self.window_bytes) {
            self.filled.notify_one();
        }
    }

    /// The next window: waits for something, and then for `gather` or a full window. One is full too when it covers
    /// `journal_bytes_max` of the journal.
    pub(super) fn take(&self, gather: Duration, journal_bytes_max: u64) -> Next {
        let mut inner = self.inner.lock();
        inner.cut_at = journal_bytes_max;
        let mut gathered = false;
        loop {
            let source = inner.source;
            match source {
                Source::Gone => return Next::Stopped,
                Source::Closed => return Next::Last(Self::cut(&mut inner)),
                Source::Open if std::mem::take(&mut inner.wanted) => return Next::Apply(Self::cut(&mut inner)),
                Source::Open if inner.window.is_empty() => self.filled.wait(&mut inner),
                Source::Open
                    if gathered
                        || inner.window.bytes >= self.window_bytes
                        || inner.window.journal_bytes >= journal_bytes_max =>
                {
                    return Next::Apply(Self::cut(&mut inner));
                }
                Source::Open => gathered = self.filled.wait_for(&mut inner, gather).timed_out(),
            }
        }
    }

    /// Makes the applier take what is here now, be it nothing, and then look who wants it.
    pub(super) fn want(&self) {
        self.inner.lock().wanted = true;
        self.filled.notify_one();
    }

    fn cut(inner: &mut Inner) -> Window {
        let through = inner.window.through;
        std::mem::replace(&mut inner.window, Window { through, ..Window::default() })
    }

    /// Waits while more may come; false: the committer has ended, and nobody waits for the tree any more.
    pub(super) fn stays_open(&self, wait: Duration) -> bool {
        let mut inner = self.inner.lock();
        if inner.source == Source::Open {
            self.filled.wait_for(&mut inner, wait);
        }
        inner.source == Source::Open
    }

    /// A window is in the tree.
    pub(super) fn applied(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes of values that are not in the tree yet.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The committer has ended; `closed`: all that had entered is durable.
    pub(super) fn end(&self, closed: bool) {
        self.inner.lock().source = if closed { Source::Closed } else { Source::Gone };
        self.filled.notify_all();
    }

    /// Waits until the committer has ended.
    pub(super) fn wait_end(&self) {
        let mut inner = self.inner.lock();
        while inner.source == Source::Open {
            self.filled.wait(&mut inner);
        }
    }
}
