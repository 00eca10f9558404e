//! What a test does to a store in memory: the moments in between, and what only a defect or a full disk could do.

use std::collections::VecDeque;

use super::Memory;

impl Memory {
    /// From now on appended records are not durable until [`Memory::release`].
    pub fn hold(&self) {
        self.inner.lock().held.get_or_insert_default();
    }

    /// Makes all held records durable, in order.
    pub fn release(&self) {
        let mut inner = self.inner.lock();
        for (lsn, parts, done) in inner.held.take().into_iter().flatten() {
            inner.commit(lsn, parts, done);
        }
    }

    /// Makes the oldest held record durable; whether there was one.
    pub fn release_next(&self) -> bool {
        let mut inner = self.inner.lock();
        let Some((lsn, parts, done)) = inner.held.as_mut().and_then(VecDeque::pop_front) else { return false };
        inner.commit(lsn, parts, done);
        true
    }

    /// Refuses new messages as a full store would (`Some(why)`), or takes them again (`None`).
    pub fn fill(&self, why: Option<&'static str>) {
        self.inner.lock().full = why;
    }

    /// Loses the oldest inbox row, as only a defect could; whether there was one.
    pub fn lose_a_row(&self) -> bool {
        self.inner.lock().durable.inbox.pop_first().is_some()
    }

    /// Inbox and outbox rows that are open.
    pub fn open_rows(&self) -> (usize, usize) {
        let inner = self.inner.lock();
        (inner.durable.inbox.len(), inner.durable.outbox.len())
    }
}
