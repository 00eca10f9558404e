//! A board in figures, what on it is not finished, and the sweep's way to it.

use super::Board;
use crate::domain::contact::ContactId;
use crate::domain::time::Timestamp;

/// Figures of a board, for `/actors`.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct BoardView {
    pub contacts_waiting: usize,
    pub rows_open: usize,
    /// When the oldest open row was accepted.
    pub oldest: Option<Timestamp>,
    pub mail: usize,
    /// Turns under way.
    pub turns: usize,
    pub timers: usize,
    /// Calls of sessions that are made and not answered.
    pub calls: usize,
    /// When the next contact wants to be woken.
    pub next_due: Option<Timestamp>,
}

/// What keeps a board from rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Unfinished {
    pub mail: usize,
    pub contacts_waiting: usize,
    pub turns: usize,
    /// Some of the contacts whose session has a turn under way.
    pub sessions: Vec<ContactId>,
}

/// So many sessions are named.
const NAMED_MAX: usize = 8;

impl Board {
    /// Has a contact's record looked at when there is a moment: it may shrink or go.
    pub fn tidy(&self, contact: ContactId) {
        let mut inner = self.lock();
        inner.slots.entry(contact).or_default().tidy = true;
        inner.make_ready(contact);
        drop(inner);
        self.ring();
    }

    /// Figures for `/actors`.
    pub fn view(&self) -> BoardView {
        let inner = self.lock();
        BoardView {
            contacts_waiting: inner.slots.len(),
            rows_open: inner.rows.len(),
            oldest: inner.rows.first_key_value().map(|(_, accepted_at)| *accepted_at),
            mail: inner.mail.len(),
            turns: inner.turns,
            timers: inner.timers.len(),
            calls: inner.asking.values().sum(),
            next_due: inner.timers.next(),
        }
    }

    /// Whether the shard has something to do at `now`, or has something in hand.
    pub fn has_work(&self, now: Timestamp) -> bool {
        let inner = self.lock();
        inner.in_hand
            || inner.turns > 0
            || !inner.mail.is_empty()
            || !inner.ready.is_empty()
            || inner.timers.next().is_some_and(|due| due <= now)
    }

    /// What keeps it from rest; `None`: nothing.
    pub fn unfinished(&self) -> Option<Unfinished> {
        if self.at_rest() {
            return None;
        }
        let inner = self.lock();
        let turning = inner.slots.iter().filter(|(_, slot)| slot.taken.is_some());
        Some(Unfinished {
            mail: inner.mail.len(),
            contacts_waiting: inner.slots.len(),
            turns: inner.turns,
            sessions: turning.map(|(contact, _)| *contact).take(NAMED_MAX).collect(),
        })
    }
}
