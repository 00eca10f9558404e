//! All lanes of a shard, kept where a panic of the outbox cannot lose them.
//!
//! One lock, held for moments. Sessions add and take back, the outbox sends, the store's thread leaves statuses.
//! Rows are bounded by the store (`open_bytes_max`); statuses that wait by [`STATUSES_MAX`], past it the oldest
//! is dropped and counted: the journal has it, and what it would have settled is settled by its own answer.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::lane::{Head, Lane, Outcome, Send};
use super::retry::Retry;
use crate::domain::contact::ContactId;
use crate::domain::message::{ReplyKind, Status};
use crate::domain::time::Timestamp;
use crate::metrics;
use crate::ports::{OutboxRow, RowId, Settlement};

/// Statuses that may wait for one outbox.
pub const STATUSES_MAX: usize = 65_536;

#[derive(Debug, Default)]
struct Inner {
    lanes: HashMap<ContactId, Lane>,
    ready: VecDeque<ContactId>,
    /// In `ready`, so that none stands there twice.
    queued: std::collections::HashSet<ContactId>,
    later: BTreeSet<(Timestamp, ContactId)>,
    statuses: VecDeque<Status>,
    ended: VecDeque<(ContactId, RowId, Outcome)>,
    flying: usize,
    /// Rows of all lanes.
    open: usize,
    /// The outbox has something in hand that stands in no queue here.
    in_hand: bool,
    claim: u64,
}

/// Figures of the lanes, for `/actors`.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct LanesView {
    pub contacts: usize,
    pub rows_open: usize,
    pub in_flight: usize,
    pub statuses: usize,
    /// When a send that waits may leave.
    pub next_due: Option<Timestamp>,
}

/// What the outbox does next.
#[derive(Debug)]
pub enum Next {
    Go(ContactId, Send),
    GiveUp(ContactId, RowId),
}

/// The lanes of one shard.
#[derive(Debug, Default)]
pub struct Lanes {
    inner: Mutex<Inner>,
    bell: Notify,
}

impl Lanes {
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

    /// Adds durable rows of a contact.
    pub fn push(&self, contact: ContactId, sends: Vec<Send>) {
        if sends.is_empty() {
            return;
        }
        let mut inner = self.lock();
        inner.lanes.entry(contact).or_default();
        inner.change(contact, |lane| sends.into_iter().for_each(|send| lane.push(send)));
        inner.make_ready(contact);
        drop(inner);
        self.ring();
    }

    /// Takes back rows of a contact that certainly have not left. The caller writes them down as withdrawn.
    pub fn withdraw(&self, contact: ContactId, which: impl Fn(ReplyKind) -> bool) -> Vec<RowId> {
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
        // What comes again at the next tick stays in the air until then.
        if outcome != Outcome::NotNow {
            inner.flying = inner.flying.saturating_sub(1);
        }
        inner.ended.push_back((contact, id, outcome));
        drop(inner);
        self.ring();
    }

    /// The oldest end.
    pub fn take_ended(&self) -> Option<(ContactId, RowId, Outcome)> {
        self.lock().ended.pop_front()
    }

    /// Takes note of an end; `Some` when the row is settled by it.
    pub fn conclude(
        &self,
        contact: ContactId,
        id: RowId,
        outcome: Outcome,
        now: Timestamp,
        retry: Retry,
    ) -> Option<Settlement> {
        let mut inner = self.lock();
        let settled = inner.change(contact, |lane| lane.ended(id, outcome, now, retry))?;
        inner.make_ready(contact);
        inner.drop_if_empty(contact);
        settled
    }

    /// A row that was held back may try again.
    pub fn land(&self, contact: ContactId, id: RowId, now: Timestamp) {
        let mut inner = self.lock();
        inner.flying = inner.flying.saturating_sub(1);
        if let Some(lane) = inner.lanes.get_mut(&contact) {
            lane.land(id, now);
        }
        inner.make_ready(contact);
        inner.drop_if_empty(contact);
    }

    /// An open row.
    pub fn row(&self, contact: ContactId, id: RowId) -> Option<Arc<OutboxRow>> {
        self.lock().lanes.get(&contact)?.row(id)
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

    /// The next thing to do, while fewer than `in_flight_max` are in the air.
    pub fn next(&self, now: Timestamp, in_flight_max: usize) -> Option<Next> {
        let mut inner = self.lock();
        while let Some((at, contact)) = inner.later.first().copied()
            && at <= now
        {
            inner.later.pop_first();
            inner.make_ready(contact);
        }
        while inner.flying < in_flight_max {
            let contact = inner.ready.pop_front()?;
            inner.queued.remove(&contact);
            let Some(lane) = inner.lanes.get_mut(&contact) else { continue };
            match lane.head(now) {
                Head::Idle => inner.drop_if_empty(contact),
                Head::Later(at) => {
                    inner.later.insert((at, contact));
                }
                Head::Go(send) => {
                    inner.flying += 1;
                    return Some(Next::Go(contact, send));
                }
                Head::GiveUp(id) => return Some(Next::GiveUp(contact, id)),
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

    /// A new outbox has taken over: what was in the air has an unknown end. Gives its claim.
    pub fn start_over(&self, now: Timestamp, reconcile_ms: i64) -> u64 {
        let mut inner = self.lock();
        inner.claim += 1;
        let claim = inner.claim;
        inner.flying = 0;
        inner.in_hand = false;
        inner.ended.clear();
        inner.lanes.values_mut().for_each(|lane| lane.start_over(now, reconcile_ms));
        let contacts: Vec<ContactId> = inner.lanes.keys().copied().collect();
        for contact in contacts {
            inner.make_ready(contact);
        }
        drop(inner);
        self.ring();
        claim
    }

    /// Rows that are not settled.
    pub fn open(&self) -> usize {
        self.lock().open
    }

    /// Nothing in the air, and nothing that would leave now.
    pub fn at_rest(&self) -> bool {
        let inner = self.lock();
        !inner.in_hand
            && inner.flying == 0
            && inner.ready.is_empty()
            && inner.ended.is_empty()
            && inner.statuses.is_empty()
    }

    /// Figures for `/actors`.
    pub fn view(&self) -> LanesView {
        let inner = self.lock();
        LanesView {
            contacts: inner.lanes.len(),
            rows_open: inner.open,
            in_flight: inner.flying,
            statuses: inner.statuses.len(),
            next_due: inner.later.first().map(|(at, _)| *at),
        }
    }
}

impl Inner {
    /// Changes a lane, and keeps count of the rows of all.
    fn change<T>(&mut self, contact: ContactId, change: impl FnOnce(&mut Lane) -> T) -> Option<T> {
        let lane = self.lanes.get_mut(&contact)?;
        let before = lane.len();
        let result = change(lane);
        self.open = (self.open + lane.len()).saturating_sub(before);
        Some(result)
    }

    fn make_ready(&mut self, contact: ContactId) {
        if self.lanes.contains_key(&contact) && self.queued.insert(contact) {
            self.ready.push_back(contact);
        }
    }

    fn drop_if_empty(&mut self, contact: ContactId) {
        if self.lanes.get(&contact).is_some_and(Lane::is_empty) {
            self.lanes.remove(&contact);
        }
    }
}
