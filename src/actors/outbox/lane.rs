//! One contact's way out: its open sends in order, one in the air at a time.
//!
//! Pure. A send leaves the lane only when it is settled; what follows waits, so replies keep their order also
//! under back-off. An ambiguous send (the bytes left, no answer came) waits for a status that tells, then is
//! sent once more, then given up: at most one duplicate, and only where nobody can know.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::domain::message::{MessageId, ReplyKind};
use crate::domain::time::{DAY_MS, MINUTE_MS, SECOND_MS, Timestamp};
use crate::ports::{OutboxRow, RecoveredSend, RowId, Settlement};
use crate::wire::codes::Class;

use super::retry::{Retry, pair_backoff};

/// A row that waited longer than this is written down as attempted before its bytes leave; a younger one counts
/// as attempted from its birth.
pub const AT_ONCE_MS: i64 = SECOND_MS;

/// Meta takes free-form replies for a day after the citizen wrote; a row as old is given up.
const WINDOW_MS: i64 = DAY_MS;
const WINDOW_CLOSED: u32 = 131_047;

/// An open outbox row.
#[derive(Clone, Debug)]
pub struct Send {
    pub id: RowId,
    pub row: Arc<OutboxRow>,
    standing: Standing,
    /// Refusals that count.
    tries: u32,
    /// It may be with Meta already: it is sent once more at most, and never withdrawn.
    pub attempted: bool,
    /// It was sent once more after an ambiguous end.
    again: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// May be sent from then on.
    Waiting { from: Timestamp },
    /// Nobody knows whether Meta has it; a status may tell until then.
    Unknown { until: Timestamp },
}

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
    /// Send this.
    Go(Send),
    /// Sent twice, and nobody ever told.
    GiveUp(RowId),
}

/// A lane.
#[derive(Debug, Default)]
pub struct Lane {
    sends: VecDeque<Send>,
    /// The one in the air. It may be settled by a status before its answer is read.
    flying: Option<RowId>,
}

impl Send {
    /// A row that has just become durable.
    pub fn new(id: RowId, row: OutboxRow) -> Self {
        let standing = Standing::Waiting { from: row.born_at };
        Self { id, row: Arc::new(row), standing, tries: 0, attempted: false, again: false }
    }

    fn unknown(id: RowId, row: OutboxRow, until: Timestamp) -> Self {
        Self { standing: Standing::Unknown { until }, attempted: true, ..Self::new(id, row) }
    }
}

/// Rows that were open at the start. One that may have left already waits for a status that tells; all others go
/// at once. A row born within the last second that the store knows of may have left without a note.
pub fn recovered(rows: Vec<RecoveredSend>, reconcile_ms: i64, now: Timestamp) -> Vec<Send> {
    let newest = rows.iter().map(|send| send.row.born_at).max().unwrap_or_default();
    let until = now.plus_ms(reconcile_ms);
    rows.into_iter()
        .map(|RecoveredSend { id, row, attempted }| {
            if attempted || newest.since_ms(row.born_at) <= AT_ONCE_MS {
                Send::unknown(id, row, until)
            } else {
                Send::new(id, row)
            }
        })
        .collect()
}

impl Lane {
    pub fn is_empty(&self) -> bool {
        self.sends.is_empty() && self.flying.is_none()
    }

    pub fn len(&self) -> usize {
        self.sends.len()
    }

    pub fn push(&mut self, send: Send) {
        match self.sends.binary_search_by_key(&send.id, |send| send.id) {
            Ok(_) => {}
            Err(place) => self.sends.insert(place, send),
        }
    }

    /// Takes back what certainly has not left.
    pub fn withdraw(&mut self, which: impl Fn(ReplyKind) -> bool) -> Vec<RowId> {
        let flying = self.flying;
        let mut gone = Vec::new();
        self.sends.retain(|send| {
            let goes = which(send.row.kind) && Some(send.id) != flying && !send.attempted;
            if goes {
                gone.push(send.id);
            }
            !goes
        });
        gone
    }

    /// What the head asks for now; a `Go` is in the air from here on.
    pub fn head(&mut self, now: Timestamp) -> Head {
        if self.flying.is_some() {
            return Head::Idle;
        }
        let Some(send) = self.sends.front_mut() else { return Head::Idle };
        match send.standing {
            Standing::Waiting { from } if from > now => return Head::Later(from),
            Standing::Unknown { until } if until > now => return Head::Later(until),
            Standing::Unknown { .. } if send.again => return Head::GiveUp(send.id),
            Standing::Unknown { .. } => send.again = true,
            Standing::Waiting { .. } => {}
        }
        self.flying = Some(send.id);
        Head::Go(send.clone())
    }

    /// An attempt ended. `Some` when the row is settled by it: it leaves the lane.
    pub fn ended(&mut self, id: RowId, outcome: Outcome, now: Timestamp, retry: Retry) -> Option<Settlement> {
        if self.flying == Some(id) {
            self.flying = None;
        }
        let send = self.sends.iter_mut().find(|send| send.id == id)?;
        let settled = match outcome {
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

    /// An open row.
    pub fn row(&self, id: RowId) -> Option<Arc<OutboxRow>> {
        self.sends.iter().find(|send| send.id == id).map(|send| Arc::clone(&send.row))
    }

    /// A status told that Meta has it (or refused it for good): whether the row was still open.
    pub fn remove(&mut self, id: RowId) -> bool {
        let before = self.sends.len();
        self.sends.retain(|send| send.id != id);
        before != self.sends.len()
    }

    /// The outbox starts again: what was in the air has an unknown end.
    pub fn start_over(&mut self, now: Timestamp, reconcile_ms: i64) {
        if let Some(id) = self.flying.take()
            && let Some(send) = self.sends.iter_mut().find(|send| send.id == id)
        {
            send.attempted = true;
            send.standing = Standing::Unknown { until: now.plus_ms(reconcile_ms) };
        }
    }
}

impl Send {
    /// It has not left: what its end was before is what it is again.
    fn rest(&mut self, now: Timestamp) {
        if let Standing::Unknown { until } = self.standing {
            self.again = false;
            self.standing = Standing::Unknown { until: until.max(now) };
        } else {
            self.standing = Standing::Waiting { from: now };
        }
    }

    fn refused(&mut self, code: Option<u32>, class: Class, now: Timestamp, retry: Retry) -> Option<Settlement> {
        if !class.may_retry() {
            return Some(Settlement::Failed { code });
        }
        // Trouble of this message counts; trouble of the number, the account or Meta is not its fault.
        let (delay_ms, counts) = match class {
            Class::ThrottleContact => (pair_backoff(self.tries, retry.max_ms), true),
            Class::Maintenance => (MINUTE_MS, false),
            Class::StopAndPage => (retry.max_ms, false),
            Class::ThrottleNumber | Class::ThrottleAccount => (retry.backoff(3), false),
            Class::Retry | Class::Unknown => (retry.backoff(self.tries), true),
            Class::WindowClosed | Class::GiveUpContact | Class::Configuration | Class::Bug => (0, true),
        };
        match self.wait(now, delay_ms, counts, retry) {
            Some(Settlement::Failed { code: None }) => Some(Settlement::Failed { code }),
            other => other,
        }
    }

    fn wait(&mut self, now: Timestamp, delay_ms: i64, counts: bool, retry: Retry) -> Option<Settlement> {
        self.tries += u32::from(counts);
        if self.tries >= retry.tries_max.max(1) {
            return Some(Settlement::Failed { code: None });
        }
        if now.since_ms(self.row.born_at) >= WINDOW_MS {
            return Some(Settlement::Failed { code: Some(WINDOW_CLOSED) });
        }
        // Meta said no: it certainly does not have it.
        self.again = false;
        self.standing = Standing::Waiting { from: now.plus_ms(delay_ms) };
        None
    }
}

#[cfg(test)]
mod tests;
