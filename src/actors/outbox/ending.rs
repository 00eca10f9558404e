//! What is written down of a row's end, and what it is called.

use super::lane::Outcome;
use crate::domain::time::Timestamp;
use crate::metrics;
use crate::ports::{DeadLetter, DeadReason, OutboxRow, Part, RowId, Settlement};

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
