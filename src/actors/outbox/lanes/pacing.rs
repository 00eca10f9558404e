//! What leaving is measured by, and what the lanes are told from beside: refusals that come as statuses, courtesies, and rows that stand in for others.

use super::super::lane::{Send, Swap};
use super::{Lanes, Pace};
use crate::actors::Neighbours;
use crate::domain::contact::{BusinessNumber, ContactId};
use crate::domain::time::Timestamp;
use crate::limits::Budgets;
use crate::ports::RowId;
use crate::wire::codes::{self, Class};

impl<'a> Pace<'a> {
    /// By the budgets and figures that actors have.
    pub fn of(neighbours: &'a Neighbours) -> Self {
        Self {
            budgets: &neighbours.budgets,
            in_flight_max: neighbours.figures.sends_in_flight_max,
            pair_low: neighbours.figures.pair_low,
            keeps_window: neighbours.figures.keeps_window,
            template: neighbours.figures.window_template.as_ref(),
            planned: true,
        }
    }
}

impl Lanes {
    /// Meta refused something by a status: what that means beyond the message.
    pub fn learn(&self, number: &BusinessNumber, contact: ContactId, code: u32, now: Timestamp, budgets: &Budgets) {
        let class = codes::class(code);
        budgets.refused(number, Some(code), class);
        if class == Class::ThrottleContact {
            self.empty_pair(number, contact, now);
        }
    }

    /// Meta says that a citizen's bucket is empty.
    pub fn empty_pair(&self, number: &BusinessNumber, contact: ContactId, now: Timestamp) {
        self.lock().pairs.empty(number, contact, now);
    }

    /// Takes one of a citizen's bucket for a courtesy, unless it runs low.
    pub fn spend(&self, number: &BusinessNumber, contact: ContactId, now: Timestamp, pair_low: i64) -> bool {
        let mut inner = self.lock();
        inner.pairs.left(number, contact, now) > pair_low && inner.pairs.take(number, contact, now).is_ok()
    }

    /// Takes one of a citizen's bucket for what leaves beside the lanes; `false`: it is empty.
    pub fn take_pair(&self, number: &BusinessNumber, contact: ContactId, now: Timestamp) -> bool {
        self.lock().pairs.take(number, contact, now).is_ok()
    }

    /// Gives one back that was not used.
    pub fn give_pair_back(&self, number: &BusinessNumber, contact: ContactId) {
        self.lock().pairs.give_back(number, contact);
    }

    /// Forgets pairs whose bucket is full again.
    pub fn forget(&self, now: Timestamp) {
        self.lock().pairs.forget(now);
    }

    /// The swap is written down under this id: what now waits to leave.
    pub fn swap(&self, contact: ContactId, swap: Swap, id: RowId) -> Send {
        let mut inner = self.lock();
        // It owns what it writes down: also if its rows were settled from outside, it leaves once.
        inner.lanes.entry(contact).or_default();
        let unsent = Send::new(id, swap.row.clone());
        inner.change(contact, |lane| lane.swap(swap, id)).unwrap_or(unsent)
    }
}
