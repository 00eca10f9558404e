//! The books: whether all that was accepted is accounted for (`ports::Tally`), and an alarm when it is not.
//!
//! The store counts; here it is looked at once a second. One look is exact at its moment, so a drift is never a
//! matter of timing. It is told once in the log and until it is mended in the metrics and on `/readyz`; it never
//! takes the server out, because a server that serves all others is worth more than a count.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::metrics;
use crate::ports::{Store, Tally};

/// What the last look found. Clones show the same.
#[derive(Clone, Debug, Default)]
pub struct Books(Arc<AtomicI64>);

impl Books {
    /// Looks.
    pub fn check(&self, store: &dyn Store) {
        let tally = store.tally();
        let drift = tally.drift();
        let before = self.0.swap(drift, Ordering::Relaxed);
        metrics::messages_counted(&tally);
        if drift != before && drift != 0 {
            let Tally { accepted, answered, absorbed, refused, dead_lettered, pending } = tally;
            tracing::error!(
                drift,
                accepted,
                answered,
                absorbed,
                refused,
                dead_lettered,
                pending,
                "accepted messages are not accounted for"
            );
        }
    }

    /// How many accepted messages are not accounted for.
    pub fn drift(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}
