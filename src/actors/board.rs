//! What a shard has to do, kept where no actor's panic can lose it.
//!
//! Rows that are open, wishes to be woken, and mail from other threads. One lock, held for moments, never across
//! an await and never while calling out. The store's thread, web workers and other shards only add; the shard
//! takes. A row stays until the turn that closes it is durable, so whoever crashes in between finds it again.
//!
//! Bounds: rows are bounded by the store (`store.open_bytes_max`, past it the webhook answers 503), wishes by one
//! a contact, mail of the shard's own children by one turn and one call each; questions to accounts by
//! [`QUESTIONS_MAX`], past it they are refused and the asker answers `Down`.

pub mod mail;
mod room;
mod view;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::gate::Gate;
use super::timers::Timers;
use crate::account::AccountEvent;
use crate::domain::call::{Answer, CallId};
use crate::domain::contact::ContactId;
use crate::domain::phone::Mobile;
use crate::domain::time::Timestamp;
use crate::limits::admission::Seat;
use crate::ports::{InboxRow, RowId};

pub use mail::{Mail, Room, Row, Turned, Waiting};
pub use view::BoardView;

/// Letters at one board from elsewhere; more questions are refused.
pub const QUESTIONS_MAX: usize = 65_536;

/// Answers that wait for one contact. It waits for one; more can only be repeats.
const ANSWERS_MAX: usize = 4;

/// What waits for one contact.
#[derive(Debug, Default)]
struct Slot {
    /// In (LSN, index) order.
    rows: VecDeque<Row>,
    answers: VecDeque<(CallId, Answer)>,
    due: bool,
    tidy: bool,
    /// It stands in `ready`.
    queued: bool,
    /// Its rows wait in the waiting room.
    seat: Option<Seat>,
    /// What is to be said to who waits.
    word: Option<Room>,
}

#[derive(Debug, Default)]
struct Inner {
    slots: HashMap<ContactId, Slot>,
    ready: VecDeque<ContactId>,
    mail: VecDeque<Mail>,
    timers: Timers,
    rows: usize,
    /// Turns under way, as the shard counts them.
    turns: usize,
    /// The shard has something in hand that stands in no queue here.
    in_hand: bool,
    /// Which shard has taken over last.
    claim: u64,
    /// Contacts with calls under way, and how many.
    asking: HashMap<ContactId, usize>,
}

/// One shard's board.
#[derive(Default)]
pub struct Board {
    inner: Mutex<Inner>,
    /// Without one, everyone is served at once.
    gate: Option<Arc<Gate>>,
    bell: Notify,
}

impl Board {
    /// A board whose new conversations are let in by a gate.
    pub fn gated(gate: Arc<Gate>) -> Self {
        Self { gate: Some(gate), ..Self::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing is done under this lock that could leave it half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when there may be something new.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Makes the shard look again.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Adds open rows, each at its place: rows recovered at the start may come after newer ones. All at once, so
    /// that what came in one POST is one turn.
    pub fn rows(&self, rows: impl IntoIterator<Item = (RowId, InboxRow)>) {
        let mut inner = self.lock();
        for (id, row) in rows {
            let contact = row.contact;
            let row = Arc::new(row);
            let slot = inner.slots.entry(contact).or_default();
            if let Err(place) = slot.rows.binary_search_by_key(&id, |(id, _)| *id) {
                slot.rows.insert(place, (id, Arc::clone(&row)));
                inner.rows += 1;
                if let Some(gate) = &self.gate {
                    inner.arrives(gate, contact, &row);
                }
                inner.make_ready(contact);
            }
        }
        drop(inner);
        self.ring();
    }

    /// Sets when a contact wants to be woken.
    pub fn wish(&self, contact: ContactId, at: Option<Timestamp>) {
        self.lock().timers.set(contact, at);
    }

    /// Leaves mail.
    pub fn post(&self, mail: Mail) {
        self.lock().mail.push_back(mail);
        self.ring();
    }

    /// Leaves a question for an account; `false` when there are too many.
    pub fn ask(&self, phone: Mobile, event: AccountEvent) -> bool {
        let mut inner = self.lock();
        if inner.mail.len() >= QUESTIONS_MAX {
            return false;
        }
        inner.mail.push_back(Mail::Account { phone, event: Box::new(event) });
        drop(inner);
        self.ring();
        true
    }

    /// The oldest letter.
    pub fn take_mail(&self) -> Option<Mail> {
        self.lock().mail.pop_front()
    }

    /// Keeps an answer for its contact's next turn.
    pub fn answer(&self, contact: ContactId, call: CallId, answer: Answer) {
        let mut inner = self.lock();
        let slot = inner.slots.entry(contact).or_default();
        if slot.answers.len() >= ANSWERS_MAX {
            slot.answers.pop_front();
        }
        slot.answers.push_back((call, answer));
        inner.make_ready(contact);
    }

    /// Moves the wishes that have come due to their contacts.
    pub fn fire(&self, now: Timestamp, max: usize) -> usize {
        let mut inner = self.lock();
        let due = inner.timers.due(now, max);
        for contact in &due {
            inner.slots.entry(*contact).or_default().due = true;
            inner.make_ready(*contact);
        }
        due.len()
    }

    /// The next contact that has something waiting.
    pub fn next_ready(&self) -> Option<ContactId> {
        let mut inner = self.lock();
        let contact = inner.ready.pop_front()?;
        if let Some(slot) = inner.slots.get_mut(&contact) {
            slot.queued = false;
        }
        Some(contact)
    }

    /// Puts a contact back in line, if anything waits for it.
    pub fn again(&self, contact: ContactId) {
        self.lock().make_ready(contact);
    }

    /// A turn is over, well or badly: its closed rows go, and the contact is in line again if more waits.
    pub fn turned(&self, contact: ContactId, closed: &[RowId]) {
        let mut inner = self.lock();
        inner.turns = inner.turns.saturating_sub(1);
        inner.close(contact, closed);
        inner.drop_if_empty(contact);
        inner.make_ready(contact);
    }

    /// How many calls of a contact are under way.
    pub fn asks(&self, contact: ContactId, calls: usize) {
        let mut inner = self.lock();
        if calls == 0 {
            inner.asking.remove(&contact);
        } else {
            inner.asking.insert(contact, calls);
        }
    }

    /// Rows were closed outside a turn that the shard knows of.
    pub fn closed(&self, contact: ContactId, closed: &[RowId]) {
        let mut inner = self.lock();
        inner.close(contact, closed);
        inner.drop_if_empty(contact);
    }

    /// The shard starts or ends a round; in between nothing is at rest.
    pub fn in_hand(&self, in_hand: bool) {
        self.lock().in_hand = in_hand;
    }

    /// Which shard has taken over last.
    pub fn claim(&self) -> u64 {
        self.lock().claim
    }

    /// A new shard has taken over: no turn of the old one is under way, all that waits is in line. Gives its claim.
    pub fn start_over(&self) -> u64 {
        let mut inner = self.lock();
        inner.claim += 1;
        inner.in_hand = false;
        inner.turns = 0;
        inner.asking.clear();
        let claim = inner.claim;
        let contacts: Vec<ContactId> = inner.slots.keys().copied().collect();
        for contact in contacts {
            inner.make_ready(contact);
        }
        drop(inner);
        self.ring();
        claim
    }

    /// The oldest open row of a contact.
    pub fn oldest(&self, contact: ContactId) -> Option<Row> {
        self.lock().slots.get(&contact)?.rows.front().cloned()
    }

    /// Nothing waits but for its place in the waiting room, and no turn is under way.
    pub fn at_rest(&self) -> bool {
        let inner = self.lock();
        !inner.in_hand && inner.turns == 0 && inner.mail.is_empty() && inner.slots.values().all(Slot::only_waits)
    }
}

impl Inner {
    fn close(&mut self, contact: ContactId, closed: &[RowId]) {
        if let Some(slot) = self.slots.get_mut(&contact) {
            let before = slot.rows.len();
            slot.rows.retain(|(id, _)| !closed.contains(id));
            self.rows = self.rows.saturating_sub(before - slot.rows.len());
            if slot.rows.is_empty() {
                (slot.seat, slot.word) = (None, None);
            }
        }
    }

    fn make_ready(&mut self, contact: ContactId) {
        if let Some(slot) = self.slots.get_mut(&contact)
            && !slot.queued
            && slot.is_ready()
        {
            slot.queued = true;
            self.ready.push_back(contact);
        }
    }

    fn drop_if_empty(&mut self, contact: ContactId) {
        if let Some(slot) = self.slots.get(&contact)
            && slot.rows.is_empty()
            && slot.answers.is_empty()
            && !slot.due
            && !slot.tidy
            && !slot.queued
        {
            self.slots.remove(&contact);
        }
    }
}

#[cfg(test)]
mod tests;
