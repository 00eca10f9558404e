//! What stands behind the lock of the lanes, and the one decision: may this contact's first row leave now?
//!
//! In this order: is there anything to send, is the window open, does the pair's bucket have one, does the
//! number's. Where the bucket runs low, what waits leaves merged.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::thread::ThreadId;

use super::super::lane::{Head, Lane, Outcome, Swap};
use super::queue::{Place, Queues};
use super::{Next, Pace, READ_BACK_MAX, RowsInMemory};
use crate::domain::contact::ContactId;
use crate::domain::message::{Outbound, Status};
use crate::domain::time::Timestamp;
use crate::limits::{Budgets, PAIR_BURST, Pairs, Room, Standing};
use crate::ports::{OutboxHead, Part, RowId};
use crate::wire::codes::{Class, WINDOW_CLOSED};

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) lanes: HashMap<ContactId, Lane>,
    pub(super) ready: Queues,
    /// Which number's turn it is.
    pub(super) turn: usize,
    pub(super) memory: Arc<RowsInMemory>,
    /// Contacts whose rows are being read back, and where they stood.
    pub(super) reading: HashMap<ContactId, Place>,
    pub(super) pairs: Pairs,
    pub(super) later: BTreeSet<(Timestamp, ContactId)>,
    pub(super) statuses: VecDeque<Status>,
    pub(super) ended: VecDeque<(ContactId, RowId, Outcome)>,
    /// Ends that are not written down yet: a round's.
    pub(super) settled: Vec<Part>,
    /// An end that the outbox takes note of now.
    pub(super) noting: Option<(ContactId, RowId, Outcome)>,
    /// A row that the outbox lets out now: it has not left.
    pub(super) leaving: Option<(ContactId, RowId)>,
    /// Rows that come again at the next tick; they stay in the air until then.
    pub(super) starved: Vec<(ContactId, RowId)>,
    pub(super) flying: usize,
    /// Rows of all lanes.
    pub(super) open: usize,
    /// Whose tasks send what is in the air.
    pub(super) thread: Option<ThreadId>,
    /// The outbox has something in hand that stands in no queue here.
    pub(super) in_hand: bool,
    pub(super) claim: u64,
}

/// What came of looking at a contact.
pub(super) enum Look {
    Next(Next),
    /// Nothing now; whoever stands behind may have more luck.
    Other,
    /// Its number has no room.
    NoRoom,
}

impl Inner {
    /// Changes a lane, and keeps count of the rows of all.
    pub(super) fn change<T>(&mut self, contact: ContactId, change: impl FnOnce(&mut Lane) -> T) -> Option<T> {
        let lane = self.lanes.get_mut(&contact)?;
        let (before, here) = (lane.len(), lane.rows_here());
        let result = change(lane);
        self.open = (self.open + lane.len()).saturating_sub(before);
        self.memory.change(here, lane.rows_here());
        Some(result)
    }

    /// A row that did not leave stands in its lane again.
    pub(super) fn land(&mut self, contact: ContactId, id: RowId, now: Timestamp) {
        self.flying = self.flying.saturating_sub(1);
        if let Some(lane) = self.lanes.get_mut(&contact) {
            lane.land(id, now);
        }
        self.let_go_past_bound(contact);
        self.make_ready(contact);
        self.drop_if_empty(contact);
    }

    /// A contact may have something to say.
    pub(super) fn make_ready(&mut self, contact: ContactId) {
        if self.reading.contains_key(&contact) {
            return;
        }
        if let Some((number, urgency)) = self.lanes.get(&contact).and_then(Lane::wants) {
            self.ready.add(contact, number, urgency);
        }
    }

    pub(super) fn drop_if_empty(&mut self, contact: ContactId) {
        if self.lanes.get(&contact).is_some_and(Lane::is_empty) {
            self.lanes.remove(&contact);
        }
    }

    /// Whether, and in which form, the first row of a contact leaves now.
    pub(super) fn look(&mut self, contact: ContactId, place: Place, now: Timestamp, pace: &Pace<'_>) -> Look {
        let Some(lane) = self.lanes.get(&contact) else { return Look::Other };
        // A lane may hold rows of several numbers: the first one's counts.
        let Some((number, urgency)) = lane.wants().map(|(number, urgency)| (number.clone(), urgency)) else {
            self.drop_if_empty(contact);
            return Look::Other;
        };
        let left = self.pairs.left(&number, contact, now);
        let low = pace.planned && left <= pace.pair_low.min(PAIR_BURST);
        let head = lane.head(now, pace.keeps_window);
        let absent = lane.absent(match &head {
            Head::Idle | Head::Later(_) | Head::GiveUp(_, None) => 0,
            Head::GiveUp(_, Some(_)) => 1,
            // It waits for the bucket first.
            Head::Ready if pace.planned && left <= 0 => 0,
            Head::Ready if !low => 1,
            Head::Ready | Head::Closed => READ_BACK_MAX,
        });
        if !absent.is_empty() {
            self.reading.insert(contact, place);
            return Look::Next(Next::ReadBack(contact, absent));
        }
        let template = pace.template.filter(|template| pace.budgets.template_is_usable(&template.0));
        let swap = match head {
            Head::Idle => {
                self.drop_if_empty(contact);
                return Look::Other;
            }
            Head::Later(at) => {
                self.later.insert((at, contact));
                return Look::Other;
            }
            Head::GiveUp(id, code) => return Look::Next(Next::GiveUp(contact, id, code)),
            Head::Closed => {
                let words = template.map(|(name, language)| (name.clone(), language.clone()));
                let swap =
                    words.and_then(|(name, language)| lane.templated(Outbound::Template { name, language }, now));
                match (swap, lane.first()) {
                    (None, Some(id)) => return Look::Next(Next::GiveUp(contact, id, Some(WINDOW_CLOSED))),
                    (None, None) => return Look::Other,
                    (swap, _) => swap,
                }
            }
            Head::Ready => None,
        };
        if !pace.planned {
            return self.launch(contact, place, swap);
        }
        if let Err(until) = self.pairs.take(&number, contact, now) {
            self.later.insert((until, contact));
            self.let_go_past_bound(contact);
            return Look::Other;
        }
        match pace.budgets.take_for(&number, urgency) {
            Room::Yes => {}
            room @ (Room::NotNow | Room::Shut) => {
                self.pairs.give_back(&number, contact);
                self.ready.back(contact, place, room == Room::Shut);
                return Look::NoRoom;
            }
        }
        let swap = swap.or_else(|| low.then(|| self.lanes.get(&contact)?.merged()).flatten());
        self.launch(contact, place, swap)
    }

    fn launch(&mut self, contact: ContactId, place: Place, swap: Option<Swap>) -> Look {
        self.ready.open(place.0);
        let (leaving, next) = match (swap, self.lanes.get_mut(&contact)) {
            (Some(swap), _) => (swap.taken.first().map(|(id, ..)| *id), Next::Swap(contact, swap)),
            (None, lane) => match lane.and_then(Lane::launch) {
                Some(send) => (Some(send.id), Next::Go(contact, send)),
                None => return Look::Other,
            },
        };
        self.leaving = leaving.map(|id| (contact, id));
        self.flying += 1;
        Look::Next(next)
    }

    /// What the end of one row says of its number, its citizen and its template.
    pub(super) fn learn(&mut self, row: &OutboxHead, outcome: &Outcome, now: Timestamp, budgets: &Budgets) {
        match outcome {
            Outcome::Sent(_) => budgets.accepted(&row.number),
            Outcome::Refused { code, class } => {
                budgets.refused(&row.number, *code, *class);
                if *class == Class::ThrottleContact {
                    self.pairs.empty(&row.number, row.contact, now);
                }
                if let (Some(132_015 | 132_016), Some(name)) = (code, &row.template) {
                    budgets.stand(&Standing::Template(name.to_string(), false));
                }
            }
            Outcome::Stale
            | Outcome::Unreachable
            | Outcome::Ambiguous
            | Outcome::Unsendable
            | Outcome::NotNow
            | Outcome::HeldBack { .. } => {}
        }
    }
}
