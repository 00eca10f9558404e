//! A report without its words, as one value of the store: where it stands, what was served, what was ordered.

use serde::{Deserialize, Serialize};

use super::shelf::head_key;
use crate::codec::{self, CodecError, Older};
use crate::domain::ticket::{Ticket, TicketDraft, TicketNumber, TicketState, TicketView};
use crate::domain::time::Timestamp;
use crate::ports::{IdempotencyKey, OrderId, Part, Table, Value};

const HEAD_VERSION: u8 = 2;

/// The first version knew no changes to be told and no orders.
const OLDER_HEADS: [Older<Head>; 1] = [(1, |bytes| codec::decode(1, &[bytes, &[0, 0]].concat()))];

/// Served keys kept a report; then the oldest goes.
const SERVED_MAX: usize = 8;
/// Orders of the ministry's desk kept a report, by the newest; it asks again within minutes.
const ORDERS_MAX: usize = 16;

/// A report without its words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Head {
    /// `draft.detail` and `additions` are empty here: they are the words.
    pub(super) ticket: Ticket,
    pub(super) words: u16,
    served: Vec<IdempotencyKey>,
    /// Of the last change that the ministry's desk is told.
    pub(super) serial: u32,
    orders: Vec<OrderId>,
}

impl Head {
    pub(super) fn new(number: TicketNumber, draft: TicketDraft, filed_at: Timestamp, due: Timestamp) -> Self {
        let state = TicketState::Filed;
        let ticket = Ticket { number, draft, state, filed_at, due, additions: Vec::new(), answer: None };
        Self { ticket, words: 0, served: Vec::new(), serial: 0, orders: Vec::new() }
    }

    /// What the citizen may be told.
    pub(super) fn view(&self) -> TicketView {
        let Ticket { number, draft, state, due, .. } = &self.ticket;
        TicketView { number: *number, kind: draft.kind, state: state.clone(), due: *due }
    }

    /// Whether the desk still has to do something about it.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.ticket.state, TicketState::Answered { .. } | TicketState::Closed { .. })
    }

    /// Whether a draft is about the same person: the one who was proven, else the one who is claimed.
    pub(super) fn is_about(&self, draft: &TicketDraft) -> bool {
        let own = &self.ticket.draft;
        own.verified_person == draft.verified_person
            && (own.verified_person.is_some() || own.claimed_nik == draft.claimed_nik)
    }

    /// When the desk was done with it; `None`: it is open, or was done with before anybody wrote when.
    pub(super) fn done_at(&self) -> Option<Timestamp> {
        match self.ticket.state {
            TicketState::Answered { at } | TicketState::Closed { at } => Some(at),
            TicketState::Filed
            | TicketState::InWork { .. }
            | TicketState::WaitingCitizen { .. }
            | TicketState::Reopened { .. } => None,
        }
    }

    pub(super) fn served(&self, key: IdempotencyKey) -> bool {
        self.served.contains(&key)
    }

    pub(super) fn serve(&mut self, key: IdempotencyKey) {
        if self.served.len() >= SERVED_MAX {
            self.served.remove(0);
        }
        self.served.push(key);
    }

    pub(super) fn carried_out(&self, order: OrderId) -> bool {
        self.orders.contains(&order)
    }

    pub(super) fn note(&mut self, order: OrderId) {
        if self.orders.len() >= ORDERS_MAX {
            self.orders.remove(0);
        }
        self.orders.push(order);
    }

    pub(super) fn written(&self) -> Part {
        let (key, value) = (head_key(self.ticket.number), Value::encode(HEAD_VERSION, self));
        Part::Put { table: Table::Ticket, key, value }
    }

    pub(super) fn read(value: &Value) -> Result<Self, CodecError> {
        value.decode(HEAD_VERSION, &OLDER_HEADS)
    }

    /// Takes the report's clock up again if it stood still: what was waited for is added to its time.
    pub(super) fn resume(&mut self, now: Timestamp) {
        if let TicketState::WaitingCitizen { since } = self.ticket.state {
            self.ticket.due = self.ticket.due.plus_ms(now.since_ms(since).max(0));
            self.ticket.state = TicketState::InWork { since: now };
        }
    }
}
