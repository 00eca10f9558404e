//! What is on a board, under its lock.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::mail::{Blame, Mail, Room, Row, Waiting};
use crate::actors::gate::Gate;
use crate::actors::session::turn;
use crate::actors::timers::Timers;
use crate::domain::call::{Answer, CallId};
use crate::domain::contact::ContactId;
use crate::domain::time::Timestamp;
use crate::limits::admission::Seat;
use crate::ports::{InboxRow, RowId, Troubling};

/// What waits for one contact.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// In (LSN, index) order.
    pub rows: VecDeque<Row>,
    pub answers: VecDeque<(CallId, Answer)>,
    pub due: bool,
    /// Its record may shrink or go.
    pub tidy: bool,
    pub blamed: Option<Blame>,
    /// Its rows wait in the waiting room.
    pub seat: Option<Seat>,
    /// What is to be said to who waits.
    pub word: Option<Room>,
    /// A turn is under way with this.
    pub taken: Option<Taken>,
    /// It stands in `ready`.
    pub queued: bool,
}

/// What a turn took along; its rows are still in the slot.
#[derive(Debug)]
pub(super) struct Taken {
    answers: Vec<(CallId, Answer)>,
    due: bool,
    blamed: Option<Blame>,
    room: Option<Room>,
    /// What it handles first.
    first: Option<Troubling>,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub slots: HashMap<ContactId, Slot>,
    pub ready: VecDeque<ContactId>,
    pub mail: VecDeque<Mail>,
    pub timers: Timers,
    /// When each open row was accepted.
    pub rows: BTreeMap<RowId, Timestamp>,
    /// Turns under way.
    pub turns: usize,
    /// The shard has something in hand that stands in no queue here.
    pub in_hand: bool,
    /// Which shard has taken over last.
    pub claim: u64,
    /// Contacts with calls under way, and how many.
    pub asking: HashMap<ContactId, usize>,
}

impl Slot {
    /// Nothing of its contact is left.
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.taken.is_none() && !self.queued && !self.is_ready()
    }
}

impl Inner {
    pub(super) fn add(&mut self, id: RowId, row: InboxRow, gate: Option<&Gate>) {
        let contact = row.contact;
        let row = Arc::new(row);
        let slot = self.slots.entry(contact).or_default();
        if let Err(place) = slot.rows.binary_search_by_key(&id, |(id, _)| *id) {
            self.rows.insert(id, row.accepted_at);
            slot.rows.insert(place, (id, Arc::clone(&row)));
            if let Some(gate) = gate {
                self.arrives(gate, contact, &row);
            }
            self.make_ready(contact);
        }
    }

    pub(super) fn take(&mut self, contact: ContactId, rows_max: usize) -> Waiting {
        let Some(slot) = self.slots.get_mut(&contact) else { return Waiting::default() };
        let waiting = slot.take(rows_max);
        if waiting.is_empty() {
            self.drop_if_empty(contact);
            return waiting;
        }
        let Waiting { answers, due, blamed, room, .. } = &waiting;
        let first = turn::first(&waiting);
        slot.taken = Some(Taken { answers: answers.clone(), due: *due, blamed: *blamed, room: *room, first });
        self.turns += 1;
        waiting
    }

    pub(super) fn turned(&mut self, contact: ContactId) {
        if self.slots.get_mut(&contact).is_some_and(|slot| slot.taken.take().is_some()) {
            self.turns -= 1;
        }
    }

    pub(super) fn failed(&mut self, contact: ContactId, blame: bool) {
        let Some(slot) = self.slots.get_mut(&contact) else { return };
        let Some(taken) = slot.taken.take() else { return };
        self.turns -= 1;
        for answer in taken.answers.into_iter().rev() {
            slot.answers.push_front(answer);
        }
        slot.due |= taken.due;
        slot.blamed = slot.blamed.or(taken.blamed);
        slot.word = slot.word.or(taken.room);
        if let Some(first) = taken.first.filter(|_| blame) {
            self.blame(contact, first);
        }
    }

    pub(super) fn blame(&mut self, contact: ContactId, what: Troubling) {
        if self.is_open(contact, what) {
            self.slots.entry(contact).or_default().blamed = Some(Blame { what, counted_by: None });
        }
    }

    pub(super) fn counted_by(&mut self, contact: ContactId, rev: u64) {
        let taken = self.slots.get_mut(&contact).and_then(|slot| slot.taken.as_mut());
        if let Some(blame) = taken.and_then(|taken| taken.blamed.as_mut()) {
            blame.counted_by = Some(rev);
        }
    }

    pub(super) fn is_open(&self, contact: ContactId, what: Troubling) -> bool {
        match what {
            Troubling::Row(row) => {
                self.slots.get(&contact).is_some_and(|slot| slot.rows.binary_search_by_key(&row, |(id, _)| *id).is_ok())
            }
            Troubling::Answer(_) | Troubling::Wake => true,
        }
    }

    /// All that turns of the shard before had taken waits again, and everyone is in line.
    pub(super) fn start_over(&mut self) {
        self.in_hand = false;
        self.asking.clear();
        let contacts: Vec<ContactId> = self.slots.keys().copied().collect();
        for contact in contacts {
            self.failed(contact, false);
            self.make_ready(contact);
            self.drop_if_empty(contact);
        }
    }

    pub(super) fn close(&mut self, contact: ContactId, closed: impl IntoIterator<Item = RowId>) {
        let Some(slot) = self.slots.get_mut(&contact) else { return };
        for id in closed {
            if let Ok(place) = slot.rows.binary_search_by_key(&id, |(id, _)| *id) {
                slot.rows.remove(place);
                self.rows.remove(&id);
            }
        }
        if slot.rows.is_empty() {
            (slot.seat, slot.word) = (None, None);
        }
    }

    pub(super) fn make_ready(&mut self, contact: ContactId) {
        if let Some(slot) = self.slots.get_mut(&contact)
            && !slot.queued
            && slot.is_ready()
        {
            slot.queued = true;
            self.ready.push_back(contact);
        }
    }

    pub(super) fn drop_if_empty(&mut self, contact: ContactId) {
        if self.slots.get(&contact).is_some_and(Slot::is_empty) {
            self.slots.remove(&contact);
        }
    }
}
