//! What a turn takes from a board, and the waiting room: whose rows are withheld until the gate lets their contact
//! in.
//!
//! A conversation is live while its contact has a wish (a session has one until it ends), a call under way, or
//! rows in hand. What is live is never withheld. A seat ends when its contact is let in, or when all rows of the
//! contact are closed by other means.

use super::slots::{Inner, Slot};
use super::{Board, Room, Waiting};
use crate::actors::gate::Gate;
use crate::domain::contact::ContactId;
use crate::limits::admission::{Arrival, Guest, Place};
use crate::ports::{InboxBody, InboxRow};

impl Board {
    /// Lets a guest in, if he still has that seat.
    pub fn let_in(&self, guest: Guest) {
        let mut inner = self.lock();
        if let Some(slot) = inner.slots.get_mut(&guest.contact).filter(|slot| slot.seat == Some(guest.seat)) {
            (slot.seat, slot.word) = (None, None);
            inner.make_ready(guest.contact);
            drop(inner);
            self.ring();
        }
    }

    /// Has a guest told where he stands.
    pub fn tell(&self, guest: Guest, place: Place) {
        let mut inner = self.lock();
        if let Some(slot) = inner.slots.get_mut(&guest.contact).filter(|slot| slot.seat == Some(guest.seat)) {
            slot.word = Some(Room::Waits { place, again: false });
            inner.make_ready(guest.contact);
            drop(inner);
            self.ring();
        }
    }

    /// Contacts that are in line or have a turn under way.
    pub fn in_line(&self) -> usize {
        let inner = self.lock();
        inner.ready.len() + inner.turns
    }
}

impl Inner {
    /// A row has come: does its contact go on, come in, or wait?
    pub(super) fn arrives(&mut self, gate: &Gate, contact: ContactId, row: &InboxRow) {
        // A notice is not of the citizen's making, and changes nothing that could wait.
        let InboxBody::Message(message) = &row.body else { return };
        let live = self.timers.has(contact) || self.asking.contains_key(&contact);
        let Some(slot) = self.slots.get_mut(&contact) else { return };
        if let Some(seat) = slot.seat {
            if let Some(place) = gate.again(seat) {
                slot.word = Some(Room::Waits { place, again: true });
            }
        } else if slot.rows.len() == 1 {
            if live {
                return gate.live(&message.to);
            }
            match gate.arrive(contact, &message.to) {
                Arrival::Served => {}
                Arrival::Waits(seat) => slot.seat = Some(seat),
                Arrival::Full { minutes, tell } => slot.word = Some(Room::Full { minutes, tell }),
            }
        }
    }
}

impl Slot {
    /// Whether its session has something to do.
    pub(super) fn is_ready(&self) -> bool {
        self.due
            || self.tidy
            || self.blamed.is_some()
            || !self.answers.is_empty()
            || self.word.is_some()
            || (!self.rows.is_empty() && self.seat.is_none())
    }

    /// Nothing will happen here until the gate lets its contact in.
    pub(super) fn only_waits(&self) -> bool {
        self.seat.is_some() && !self.is_ready()
    }

    /// What waits: the oldest rows (they stay), all answers and a due wish (they go). Who is to be told something is
    /// told that, and nothing else.
    pub(super) fn take(&mut self, rows_max: usize) -> Waiting {
        let rows = |slot: &Self| slot.rows.iter().take(rows_max).cloned().collect();
        if let Some(room) = self.word.take() {
            return Waiting { rows: rows(self), room: Some(room), ..Waiting::default() };
        }
        Waiting {
            rows: if self.seat.is_none() { rows(self) } else { Vec::new() },
            answers: self.answers.drain(..).collect(),
            due: std::mem::take(&mut self.due),
            tidy: std::mem::take(&mut self.tidy),
            blamed: self.blamed.take(),
            room: None,
        }
    }
}
