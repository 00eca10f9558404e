//! A board in figures, and the sweep's way to it.

use super::Board;
use crate::domain::contact::ContactId;
use crate::domain::time::Timestamp;

/// Figures of a board, for `/actors`.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct BoardView {
    pub contacts_waiting: usize,
    pub rows_open: usize,
    pub mail: usize,
    pub timers: usize,
    /// Calls of sessions that are made and not answered.
    pub calls: usize,
    /// When the next contact wants to be woken.
    pub next_due: Option<Timestamp>,
}

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
            rows_open: inner.rows,
            mail: inner.mail.len(),
            timers: inner.timers.len(),
            calls: inner.asking.values().sum(),
            next_due: inner.timers.next(),
        }
    }
}
