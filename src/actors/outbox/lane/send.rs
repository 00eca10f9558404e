//! One open row: how it stands, and what a refusal makes of it.

use std::sync::Arc;

use super::super::retry::{Retry, pair_backoff};
use crate::domain::time::{DAY_MS, MINUTE_MS, SECOND_MS, Timestamp};
use crate::ports::{Attempt, OutboxHead, OutboxRow, RecoveredSend, RowId, Settlement};
use crate::wire::codes::{Class, WINDOW_CLOSED};

/// A row that waited longer than this is written down as attempted before its bytes leave; a younger one counts
/// as attempted from its birth.
pub const AT_ONCE_MS: i64 = SECOND_MS;

/// A row as old is given up whatever it waits for.
const AGE_MAX_MS: i64 = DAY_MS;

/// An open outbox row.
#[derive(Clone, Debug)]
pub struct Send {
    pub id: RowId,
    pub head: Arc<OutboxHead>,
    /// `None`: it stays in the journal until it is needed.
    pub(super) row: Option<Arc<OutboxRow>>,
    pub(super) standing: Standing,
    /// Refusals that count.
    pub(super) tries: u32,
    /// Refusals for the pair's rate: each waits longer, none gives up.
    paired: u32,
    /// It may be with Meta already: it is sent once more at most, and never withdrawn.
    pub attempted: bool,
    /// It was sent once more after an ambiguous end.
    pub again: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// May be sent from then on.
    Waiting { from: Timestamp },
    /// Nobody knows whether Meta has it; a status may tell until then.
    Unknown { until: Timestamp },
}

impl Send {
    /// A row that has just become durable.
    pub fn new(id: RowId, row: OutboxRow) -> Self {
        Self::of(id, row.head(), Some(row))
    }

    fn of(id: RowId, head: OutboxHead, row: Option<OutboxRow>) -> Self {
        let standing = Standing::Waiting { from: head.born_at };
        let (head, row) = (Arc::new(head), row.map(Arc::new));
        Self { id, head, row, standing, tries: 0, paired: 0, attempted: false, again: false }
    }

    /// The row, as far as it is in memory: whatever is to leave is.
    pub fn row(&self) -> Option<&Arc<OutboxRow>> {
        self.row.as_ref()
    }

    /// Rows stand in the order of their birth; one that stands in for others has the first one's place.
    pub(super) fn place(&self) -> RowId {
        self.head.place.unwrap_or(self.id)
    }

    /// It stays in the journal until it is needed.
    pub fn let_go(&mut self) {
        self.row = None;
    }

    /// Meta certainly does not have it.
    pub(super) fn certainly_here(&self) -> bool {
        !self.attempted && matches!(self.standing, Standing::Waiting { .. })
    }

    pub(super) fn unknown(self, until: Timestamp) -> Self {
        Self { standing: Standing::Unknown { until }, attempted: true, ..self }
    }
}

/// Rows that were open at the start. One that may have left already waits for a status that tells; all others go
/// at once. A row born within the last second that the store knows of may have left without a note.
pub fn recovered(rows: Vec<RecoveredSend>, reconcile_ms: i64, now: Timestamp) -> Vec<Send> {
    let newest = rows.iter().map(|send| send.head.born_at).max().unwrap_or_default();
    let until = now.plus_ms(reconcile_ms);
    rows.into_iter()
        .map(|RecoveredSend { id, head, row, attempted }| {
            let ambiguous = attempted != Attempt::Never || newest.since_ms(head.born_at) <= AT_ONCE_MS;
            let send = Send { again: attempted == Attempt::Again, ..Send::of(id, head, row) };
            if ambiguous { send.unknown(until) } else { send }
        })
        .collect()
}

impl Send {
    /// It has not left: what its end was before is what it is again.
    pub(super) fn rest(&mut self, now: Timestamp) {
        if let Standing::Unknown { until } = self.standing {
            self.again = false;
            self.standing = Standing::Unknown { until: until.max(now) };
        } else {
            self.standing = Standing::Waiting { from: now };
        }
    }

    /// Meta said no. `Some` when that is its end.
    pub(super) fn refused(
        &mut self,
        code: Option<u32>,
        class: Class,
        now: Timestamp,
        retry: Retry,
    ) -> Option<Settlement> {
        if !class.may_retry() || class == Class::Once && self.tries > 0 {
            return Some(Settlement::Failed { code });
        }
        // Trouble of this message counts; trouble of the pair, the number, the account or Meta is not its fault.
        let (delay_ms, counts) = match class {
            Class::ThrottleContact => (pair_backoff(self.paired, retry.max_ms), false),
            Class::Maintenance => (MINUTE_MS, false),
            // How long is the number's business.
            Class::StopAndPage => (0, false),
            Class::ThrottleNumber | Class::ThrottleAccount => (retry.backoff(3), false),
            Class::Retry | Class::Unknown | Class::Once => (retry.backoff(self.tries), true),
            Class::WindowClosed | Class::GiveUpContact | Class::Configuration | Class::Bug => (0, true),
        };
        self.paired += u32::from(class == Class::ThrottleContact);
        match self.wait(now, delay_ms, counts, retry) {
            Some(Settlement::Failed { code: None }) => Some(Settlement::Failed { code }),
            other => other,
        }
    }

    /// Waits and tries again, unless it has tried enough. `Some` when that is its end.
    pub(super) fn wait(&mut self, now: Timestamp, delay_ms: i64, counts: bool, retry: Retry) -> Option<Settlement> {
        self.tries += u32::from(counts);
        if self.tries >= retry.tries_max.max(1) {
            return Some(Settlement::Failed { code: None });
        }
        if now.since_ms(self.head.born_at) >= AGE_MAX_MS {
            return Some(Settlement::Failed { code: Some(WINDOW_CLOSED) });
        }
        // Meta said no: it has this one not. What an earlier one came to is still not known.
        self.attempted = self.again;
        self.standing = Standing::Waiting { from: now.plus_ms(delay_ms) };
        None
    }
}
