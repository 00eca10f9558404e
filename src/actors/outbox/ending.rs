//! What is written down of a row's end, and what it is called.

use super::Outbox;
use super::lane::Outcome;
use crate::actors::supervision;
use crate::domain::time::Timestamp;
use crate::metrics;
use crate::ports::{DeadLetter, DeadReason, OutboxRow, Part, Record, RowId, Settlement, StoreError};

impl Outbox {
    /// A row is settled: that is written down with this round's others, and by the next outbox if this one dies first.
    pub(super) fn close(&self, id: RowId, how: &Settlement, row: Option<&OutboxRow>, now: Timestamp) {
        self.lanes().settled(ending(id, how, row, now));
    }

    /// Writes down what was settled. Not awaited: nothing but a restart depends on it. In no shard's name: the lanes
    /// have let go of the rows, so what became of them would be lost with an outbox whose shard is just replaced.
    pub(super) fn write_down(&self) {
        let parts = self.lanes().take_settled();
        if parts.is_empty() {
            return;
        }
        let record = Record { writer: None, parts };
        match self.home.neighbours.store.append(record.clone()) {
            Ok(_) | Err(StoreError::Closed) => {}
            // Closing frees room, so it is worth waiting for some.
            Err(_) => {
                let home = self.home.clone();
                supervision::task(async move { home.append_as(None, record.parts).await.map(drop) }, |_| {});
            }
        }
    }
}

/// What is written down of a row's end; what was given up is kept for an operator.
pub(super) fn ending(id: RowId, how: &Settlement, row: Option<&OutboxRow>, now: Timestamp) -> Vec<Part> {
    let mut parts = Vec::with_capacity(2);
    if let (Settlement::Failed { .. }, Some(row)) = (how, row) {
        metrics::dead_lettered("unsendable");
        parts.push(Part::DeadLetter(DeadLetter {
            at: now,
            reason: DeadReason::Unsendable,
            contact: Some(row.contact),
            body: postcard::to_stdvec(row).unwrap_or_default(),
        }));
    }
    parts.push(Part::CloseOutbox { row: id, how: how.clone() });
    parts
}

/// A closed name, for the metric's label.
pub(super) fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Sent(_) => "sent",
        Outcome::Stale => "stale",
        Outcome::Refused { class, .. } => class.name(),
        Outcome::Unreachable => "unreachable",
        Outcome::Ambiguous => "ambiguous",
        Outcome::Unsendable => "unsendable",
        Outcome::NotNow => "not_now",
        Outcome::HeldBack { .. } => "held_back",
    }
}
