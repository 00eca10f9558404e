//! All lanes of a shard, kept where a panic of the outbox cannot lose them.
//!
//! It decides what leaves next, and in which form: by the number's budget and the urgency, by the citizen's pair
//! bucket and his 24 h window. Only what runs and what is written down is the actor's (`outbox`), so all of this
//! can be driven by a test that owns the clock.
//!
//! One lock, held for moments. The store's thread adds rows and statuses, sessions take back, the outbox sends.
//! Rows are bounded by the store (`open_bytes_max`), and those of them that are in memory (`memory`); statuses that wait by [`STATUSES_MAX`], past it the oldest
//! is dropped and counted: the journal has it, and what it would have settled is settled by its own answer.

mod inner;
mod memory;
mod pacing;
mod queue;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

pub use memory::{READ_BACK_MAX, RowsInMemory};
pub use view::LanesView;

use self::inner::{Inner, Look};
use super::lane::{Outcome, Send, Swap};
use super::retry::Retry;
use crate::domain::contact::ContactId;
use crate::domain::message::{ReplyKind, Status};
use crate::domain::time::Timestamp;
use crate::limits::Budgets;
use crate::metrics;
use crate::ports::{Part, RowId, Settlement};

/// Statuses that may wait for one outbox.
pub const STATUSES_MAX: usize = 65_536;

/// What the outbox does next.
#[derive(Debug)]
pub enum Next {
    Go(ContactId, Send),
    /// Write it down, then call [`Lanes::swap`]: its place is taken, it is in the air.
    Swap(ContactId, Swap),
    GiveUp(ContactId, RowId, Option<u32>),
    /// Read these back, then call [`Lanes::read_back`]: its lane waits for them.
    ReadBack(ContactId, Vec<RowId>),
}

/// What leaving is measured by.
#[derive(Clone, Copy)]
pub struct Pace<'a> {
    pub budgets: &'a Budgets,
    pub in_flight_max: usize,
    /// With so few messages left in a pair's bucket, what waits is merged.
    pub pair_low: i64,
    /// Nothing free-form leaves outside the 24 h window.
    pub keeps_window: bool,
    /// What is said where the 24 h window is closed: its name and language.
    pub template: Option<&'a (String, String)>,
    /// `false`: everything leaves at once, as it is. For the test of the test.
    pub planned: bool,
}

/// The lanes of one shard.
#[derive(Debug, Default)]
pub struct Lanes {
    inner: Mutex<Inner>,
    bell: Notify,
}

impl Lanes {
    /// Lanes that keep so many rows in memory, with others.
    pub fn sharing(memory: Arc<RowsInMemory>) -> Self {
        Self { inner: Mutex::new(Inner { memory, ..Inner::default() }), bell: Notify::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing is done under this lock that could leave it half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when there may be something new.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Makes the outbox look again.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Adds durable rows, all at once.
    pub fn push(&self, sends: Vec<Send>) {
        if sends.is_empty() {
            return;
        }
        let mut inner = self.lock();
        for mut send in sends {
            let contact = send.head.contact;
            if !inner.memory.has_room() {
                send.let_go();
            }
            inner.lanes.entry(contact).or_default();
            inner.change(contact, |lane| lane.push(send));
            inner.make_ready(contact);
        }
        drop(inner);
        self.ring();
    }

    /// Takes back rows of a contact that certainly have not left. The caller writes them down as withdrawn, or
    /// pushes them again.
    pub fn withdraw(&self, contact: ContactId, which: impl Fn(ReplyKind) -> bool) -> Vec<Send> {
        let mut inner = self.lock();
        let gone = inner.change(contact, |lane| lane.withdraw(which)).unwrap_or_default();
        inner.drop_if_empty(contact);
        gone
    }

    /// Leaves a status.
    pub fn status(&self, status: Status) {
        let mut inner = self.lock();
        if inner.statuses.len() >= STATUSES_MAX {
            inner.statuses.pop_front();
            metrics::status_heard("dropped");
        }
        inner.statuses.push_back(status);
        drop(inner);
        self.ring();
    }

    /// The oldest status.
    pub fn take_status(&self) -> Option<Status> {
        self.lock().statuses.pop_front()
    }

    /// An attempt ended; its contact's lane goes on when the outbox has taken note.
    pub fn ended(&self, contact: ContactId, id: RowId, outcome: Outcome) {
        let mut inner = self.lock();
        if outcome == Outcome::NotNow {
            inner.starved.push((contact, id));
            return;
        }
        inner.flying = inner.flying.saturating_sub(1);
        inner.ended.push_back((contact, id, outcome));
        drop(inner);
        self.ring();
    }

    /// The oldest end. It stays here until it is concluded, in case the outbox dies over it.
    pub fn take_ended(&self) -> Option<(ContactId, RowId, Outcome)> {
        let mut inner = self.lock();
        inner.noting = inner.ended.pop_front();
        inner.noting.clone()
    }

    /// Takes note of an end, for the row and for its number; `Some` when the row is settled by it.
    pub fn conclude(
        &self,
        contact: ContactId,
        id: RowId,
        outcome: Outcome,
        now: Timestamp,
        retry: Retry,
        budgets: &Budgets,
    ) -> Option<Settlement> {
        let mut inner = self.lock();
        if let Some(head) = inner.lanes.get(&contact).and_then(|lane| lane.send(id)).map(|send| Arc::clone(&send.head))
        {
            inner.learn(&head, &outcome, now, budgets);
        }
        inner.noting = None;
        let settled = inner.change(contact, |lane| lane.ended(id, outcome, now, retry))?;
        inner.let_go_past_bound(contact);
        inner.make_ready(contact);
        inner.drop_if_empty(contact);
        settled
    }

    /// Rows are settled: this is to be written down.
    pub fn settled(&self, parts: Vec<Part>) {
        self.lock().settled.extend(parts);
    }

    /// What is to be written down.
    pub fn take_settled(&self) -> Vec<Part> {
        std::mem::take(&mut self.lock().settled)
    }

    /// A row that was to leave is on its way.
    pub fn left(&self) {
        self.lock().leaving = None;
    }

    /// Rows that were held back may try again.
    pub fn land(&self, now: Timestamp) {
        let mut inner = self.lock();
        for (contact, id) in std::mem::take(&mut inner.starved) {
            inner.land(contact, id, now);
        }
    }

    /// An open row.
    pub fn send(&self, contact: ContactId, id: RowId) -> Option<Send> {
        self.lock().lanes.get(&contact)?.send(id).cloned()
    }

    /// A row is settled from outside; whether it was still open.
    pub fn settle(&self, contact: ContactId, id: RowId) -> bool {
        let mut inner = self.lock();
        let was_open = inner.change(contact, |lane| lane.remove(id)).unwrap_or_default();
        if was_open {
            inner.make_ready(contact);
        }
        inner.drop_if_empty(contact);
        was_open
    }

    /// The next thing to do.
    pub fn next(&self, now: Timestamp, pace: &Pace<'_>) -> Option<Next> {
        let mut inner = self.lock();
        while let Some((at, contact)) = inner.later.first().copied()
            && at <= now
        {
            inner.later.pop_first();
            inner.make_ready(contact);
        }
        let numbers = inner.ready.numbers();
        for step in 0..numbers {
            if inner.flying + inner.reading.len() >= pace.in_flight_max {
                return None;
            }
            let number = (inner.turn + step) % numbers;
            while let Some((contact, place)) = inner.ready.pop(number) {
                match inner.look(contact, place, now, pace) {
                    Look::Next(next) => {
                        inner.turn = number + 1;
                        return Some(next);
                    }
                    Look::Other => {}
                    Look::NoRoom => break,
                }
            }
        }
        None
    }

    /// The outbox starts or ends a round; in between nothing is at rest.
    pub fn in_hand(&self, in_hand: bool) {
        self.lock().in_hand = in_hand;
    }

    /// Which outbox has taken over last.
    pub fn claim(&self) -> u64 {
        self.lock().claim
    }

    /// A new outbox has taken over. On the thread of the one before it, what is in the air is still sent by that
    /// one's tasks, and their ends are told; on another thread its end is unknown. Gives its claim.
    pub fn start_over(&self, now: Timestamp, reconcile_ms: i64) -> u64 {
        let mut inner = self.lock();
        inner.claim += 1;
        let claim = inner.claim;
        inner.in_hand = false;
        if let Some(end) = inner.noting.take() {
            inner.ended.push_front(end);
        }
        if let Some((contact, id)) = inner.leaving.take() {
            inner.land(contact, id, now);
        }
        for (contact, id) in std::mem::take(&mut inner.starved) {
            inner.land(contact, id, now);
        }
        // Whoever read for the one before may be gone; who is not brings what is there already.
        inner.reading.clear();
        let here = Some(std::thread::current().id());
        if std::mem::replace(&mut inner.thread, here) != here {
            inner.flying = 0;
            let told: Vec<RowId> = inner.ended.iter().map(|(_, id, _)| *id).collect();
            inner.lanes.values_mut().for_each(|lane| lane.start_over(now, reconcile_ms, &told));
        }
        let contacts: Vec<ContactId> = inner.lanes.keys().copied().collect();
        for contact in contacts {
            inner.make_ready(contact);
        }
        drop(inner);
        self.ring();
        claim
    }
}

#[cfg(test)]
mod tests;
