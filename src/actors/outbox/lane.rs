//! One contact's way out: its open sends in order, one in the air at a time.
//!
//! Pure. A send leaves the lane only when it is settled; what follows waits, so replies keep their order also
//! under back-off. An ambiguous send (the bytes left, no answer came) waits for a status that tells, then is
//! sent once more, which is written down first, then given up: at most one duplicate, and only where nobody can
//! know, also over restarts.
//!
//! Rows that certainly have not left may be taken by one that stands in for them ([`Swap`]): merged, when the
//! citizen's pair bucket runs low, or by a template, when his 24 h window is closed. Taking them and opening the
//! other is one record, written before it leaves; it keeps the place of the first.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::domain::contact::BusinessNumber;
use crate::domain::message::{MessageId, Outbound, ReplyKind, Urgency};
use crate::domain::time::Timestamp;
use crate::ports::{OutboxRow, RowId, Settlement};
use crate::wire::codes::{Class, WINDOW_CLOSED};

use super::merge::merge;
use super::retry::Retry;

mod memory;
mod send;

use send::Standing;
pub use send::{AT_ONCE_MS, Send, recovered};

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Sent(MessageId),
    /// Its login ended before it left.
    Stale,
    /// Meta said no; the class says what to do about it.
    Refused {
        code: Option<u32>,
        class: Class,
    },
    /// No connection: nothing was sent.
    Unreachable,
    /// The bytes left, and nobody knows.
    Ambiguous,
    /// Nothing was sent and nothing ever will be.
    Unsendable,
    /// Its number's budget held it back, or the store could not tell: look again soon.
    NotNow,
    /// Its citizen has had many messages: not before then.
    HeldBack {
        until: Timestamp,
    },
}

/// What the head of a lane asks for.
#[derive(Debug)]
pub enum Head {
    /// Nothing, until an outcome, a status or a new row.
    Idle,
    /// Look again then.
    Later(Timestamp),
    /// The first row may leave.
    Ready,
    /// The first row may not leave as it is: its window is closed.
    Closed,
    /// Sent twice, and nobody ever told; or it may not be sent once more.
    GiveUp(RowId, Option<u32>),
}

/// Rows that one other row stands in for.
#[derive(Debug)]
pub struct Swap {
    pub taken: Vec<(RowId, Arc<OutboxRow>, Settlement)>,
    pub row: OutboxRow,
}

/// A lane.
#[derive(Debug, Default)]
pub struct Lane {
    sends: VecDeque<Send>,
    /// The one in the air. It may be settled by a status before its answer is read.
    flying: Option<RowId>,
    /// The latest end of the citizen's window that is known here; Meta may have said it is closed.
    window: Option<Timestamp>,
    window_shut: bool,
}

impl Lane {
    pub fn is_empty(&self) -> bool {
        self.sends.is_empty() && self.flying.is_none()
    }

    pub fn len(&self) -> usize {
        self.sends.len()
    }

    pub fn push(&mut self, send: Send) {
        if self.window < Some(send.head.window_until) {
            (self.window, self.window_shut) = (Some(send.head.window_until), false);
        }
        // Most citizens have one message on its way.
        if self.sends.capacity() == 0 {
            self.sends.reserve_exact(1);
        }
        match self.sends.binary_search_by_key(&(send.place(), send.id), |send| (send.place(), send.id)) {
            Ok(_) => {}
            Err(place) => self.sends.insert(place, send),
        }
    }

    /// Takes back what certainly has not left.
    pub fn withdraw(&mut self, which: impl Fn(ReplyKind) -> bool) -> Vec<Send> {
        let flying = self.flying;
        let goes = |send: &Send| which(send.head.kind) && Some(send.id) != flying && !send.attempted;
        let (gone, left) = std::mem::take(&mut self.sends).into_iter().partition(goes);
        self.sends = left;
        Vec::from(gone)
    }

    /// What the head asks for now.
    pub fn head(&self, now: Timestamp, keeps_window: bool) -> Head {
        if self.flying.is_some() {
            return Head::Idle;
        }
        let Some(send) = self.sends.front() else { return Head::Idle };
        let closed = send.head.template.is_none()
            && (self.window_shut || keeps_window && self.window.is_none_or(|until| until <= now));
        match send.standing {
            Standing::Waiting { from } if from > now => Head::Later(from),
            Standing::Unknown { until } if until > now => Head::Later(until),
            Standing::Unknown { .. } if send.again => Head::GiveUp(send.id, None),
            Standing::Unknown { .. } if closed => Head::GiveUp(send.id, Some(WINDOW_CLOSED)),
            Standing::Waiting { .. } if closed => Head::Closed,
            Standing::Waiting { .. } | Standing::Unknown { .. } => Head::Ready,
        }
    }

    /// The first row is in the air from here on.
    pub fn launch(&mut self) -> Option<Send> {
        let send = self.sends.front_mut()?;
        send.again |= matches!(send.standing, Standing::Unknown { .. });
        self.flying = Some(send.id);
        Some(send.clone())
    }

    /// Number and urgency of the lane: the first row's number, and the urgency of the most urgent behind it.
    pub fn wants(&self) -> Option<(&BusinessNumber, Urgency)> {
        let urgency = self.sends.iter().map(|send| send.head.urgency).min()?;
        Some((&self.sends.front()?.head.number, urgency))
    }

    /// The first rows that certainly have not left and are in memory.
    fn waiting(&self) -> impl Iterator<Item = (&Send, &Arc<OutboxRow>)> {
        self.sends.iter().take_while(|send| send.certainly_here()).map_while(|send| Some((send, send.row()?)))
    }

    /// The first rows as one, if they can be.
    pub fn merged(&self) -> Option<Swap> {
        let waiting: Vec<_> = self.waiting().collect();
        let rows: Vec<&OutboxRow> = waiting.iter().map(|(_, row)| &***row).collect();
        let merged = merge(&rows)?;
        let taken = waiting.iter().zip(merged.ends).map(|((send, row), end)| (send.id, Arc::clone(row), end));
        Some(Swap { taken: taken.collect(), row: OutboxRow { place: Some(waiting[0].0.place()), ..merged.row } })
    }

    /// All that the closed window holds back, and the template that is said in its stead.
    pub fn templated(&self, template: Outbound, now: Timestamp) -> Option<Swap> {
        let (first, sample) = self.waiting().next()?;
        let taken: Vec<_> = self
            .waiting()
            .take_while(|(_, row)| row.number == sample.number && row.to == sample.to)
            .map(|(send, row)| (send.id, Arc::clone(row), Settlement::Failed { code: Some(WINDOW_CLOSED) }))
            .collect();
        let row = OutboxRow {
            kind: ReplyKind::Notice,
            message: Arc::new(template),
            epoch: None,
            born_at: now,
            urgency: Urgency::Notice,
            place: Some(first.place()),
            ..(**sample).clone()
        };
        Some(Swap { taken, row })
    }

    /// The other row stands where those were, and is in the air.
    pub fn swap(&mut self, swap: Swap, id: RowId) -> Send {
        self.sends.retain(|send| swap.taken.iter().all(|(taken, ..)| *taken != send.id));
        let send = Send::new(id, swap.row);
        self.push(send.clone());
        self.flying = Some(id);
        send
    }

    /// An attempt ended. `Some` when the row is settled by it: it leaves the lane.
    pub fn ended(&mut self, id: RowId, outcome: Outcome, now: Timestamp, retry: Retry) -> Option<Settlement> {
        if self.flying == Some(id) {
            self.flying = None;
        }
        let send = self.sends.iter_mut().find(|send| send.id == id)?;
        let settled = match outcome {
            // Our account of the window was wrong; what follows is the head's to say.
            Outcome::Refused { class: Class::WindowClosed, .. } if !self.window_shut => {
                self.window_shut = true;
                send.wait(now, 0, false, retry)
            }
            Outcome::Sent(message) => Some(Settlement::Sent(message)),
            Outcome::Stale => Some(Settlement::Stale),
            Outcome::Unsendable => Some(Settlement::Failed { code: None }),
            Outcome::Refused { code, class } => send.refused(code, class, now, retry),
            Outcome::Unreachable => send.wait(now, retry.backoff(send.tries.max(1)), false, retry),
            Outcome::NotNow => {
                send.rest(now);
                None
            }
            Outcome::HeldBack { until } => {
                send.rest(until);
                None
            }
            Outcome::Ambiguous => {
                send.attempted = true;
                send.standing = Standing::Unknown { until: now.plus_ms(retry.reconcile_ms) };
                None
            }
        };
        if settled.is_some() {
            self.remove(id);
        }
        settled
    }

    /// It did not leave after all, and may try again.
    pub fn land(&mut self, id: RowId, now: Timestamp) {
        if self.flying == Some(id) {
            self.flying = None;
        }
        if let Some(send) = self.sends.iter_mut().find(|send| send.id == id) {
            send.rest(now);
        }
    }

    /// The first row.
    pub fn first(&self) -> Option<RowId> {
        self.sends.front().map(|send| send.id)
    }

    /// An open row.
    pub fn send(&self, id: RowId) -> Option<&Send> {
        self.sends.iter().find(|send| send.id == id)
    }

    /// A status told that Meta has it (or refused it for good): whether the row was still open.
    pub fn remove(&mut self, id: RowId) -> bool {
        let before = self.sends.len();
        self.sends.retain(|send| send.id != id);
        before != self.sends.len()
    }

    /// The outbox starts again on another thread: what was in the air has an unknown end, but for those that are told.
    pub fn start_over(&mut self, now: Timestamp, reconcile_ms: i64, told: &[RowId]) {
        if let Some(id) = self.flying.filter(|id| !told.contains(id))
            && let Some(send) = self.sends.iter_mut().find(|send| send.id == id)
        {
            send.attempted = true;
            send.standing = Standing::Unknown { until: now.plus_ms(reconcile_ms) };
            self.flying = None;
        }
    }
}

#[cfg(test)]
mod tests;
