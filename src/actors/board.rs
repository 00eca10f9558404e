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
mod slots;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::gate::Gate;
use crate::account::AccountEvent;
use crate::domain::call::{Answer, CallId};
use crate::domain::contact::ContactId;
use crate::domain::phone::Mobile;
use crate::domain::time::Timestamp;
use crate::ports::{InboxRow, RowId, Troubling};

use slots::{Inner, Slot};

pub use mail::{Blame, Mail, Room, Row, Turned, Waiting};
pub use view::{BoardView, Unfinished};

/// Letters at one board from elsewhere; more questions are refused.
pub const QUESTIONS_MAX: usize = 65_536;

/// Answers that wait for one contact. It waits for one; more can only be repeats.
const ANSWERS_MAX: usize = 4;

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
            inner.add(id, row, self.gate.as_deref());
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
        let mut inner = self.lock();
        inner.make_ready(contact);
        // Its rows may have been closed meanwhile, by a session of an older shard.
        inner.drop_if_empty(contact);
    }

    /// What waits for a contact: its oldest rows, all answers, a due wish, and what is blamed. All of it stays
    /// here until [`Board::turned`], in case the turn dies.
    pub fn take(&self, contact: ContactId, rows_max: usize) -> Waiting {
        self.lock().take(contact, rows_max)
    }

    /// A turn did not begin, or its session ended under it: what it had taken waits again. `blame`: what the turn
    /// would have handled first is named with it.
    pub fn failed(&self, contact: ContactId, blame: bool) {
        let mut inner = self.lock();
        inner.failed(contact, blame);
        inner.drop_if_empty(contact);
        inner.make_ready(contact);
    }

    /// A turn is over, and what it closed is gone already; the contact is in line again if more waits.
    pub fn turned(&self, contact: ContactId) {
        let mut inner = self.lock();
        inner.turned(contact);
        inner.drop_if_empty(contact);
        inner.make_ready(contact);
    }

    /// Names what took a thread with it. Something that is not there any more is nobody's trouble.
    pub fn blame(&self, contact: ContactId, what: Troubling) {
        let mut inner = self.lock();
        inner.blame(contact, what);
        inner.make_ready(contact);
    }

    /// The turn under way counts what is blamed, with this revision.
    pub fn counted_by(&self, contact: ContactId, rev: u64) {
        self.lock().counted_by(contact, rev);
    }

    /// Whether something of a contact may still be waiting to be handled.
    pub fn is_open(&self, contact: ContactId, what: Troubling) -> bool {
        self.lock().is_open(contact, what)
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

    /// Rows are closed, durably.
    pub fn closed(&self, contact: ContactId, closed: impl IntoIterator<Item = RowId>) {
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
        inner.start_over();
        let claim = inner.claim;
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

#[cfg(test)]
mod tests;
