//! Handles of what every turn counts. The recorder finds a series by hashing its name and labels and taking a lock;
//! whoever counts ten of them a turn keeps what was found.
//!
//! Nothing is kept before the process has its recorder: such a handle would count nothing for ever.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

use metrics::{Counter, Histogram, counter, histogram};

static RECORDED: AtomicBool = AtomicBool::new(false);

/// From here on the process has its recorder.
pub(super) fn recorded() {
    RECORDED.store(true, Ordering::Release);
}

/// A counter with one label, whose values are constants.
pub(super) struct Counters {
    name: &'static str,
    label: &'static str,
    kept: RwLock<Vec<(&'static str, Counter)>>,
}

impl Counters {
    pub(super) const fn new(name: &'static str, label: &'static str) -> Self {
        Self { name, label, kept: RwLock::new(Vec::new()) }
    }

    pub(super) fn add(&self, value: &'static str, count: u64) {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, counter)) = kept.iter().find(|(known, _)| *known == value) {
            return counter.increment(count);
        }
        drop(kept);
        // Asked first: a handle found before the recorder was there is not to be kept after it came.
        let recorded = RECORDED.load(Ordering::Acquire);
        let counter = counter!(self.name, self.label => value);
        counter.increment(count);
        if recorded {
            // Two at once may both keep one: they are the same series.
            self.kept.write().unwrap_or_else(PoisonError::into_inner).push((value, counter));
        }
    }
}

/// A histogram without labels.
pub(super) struct Times {
    name: &'static str,
    kept: OnceLock<Histogram>,
}

impl Times {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, kept: OnceLock::new() }
    }

    pub(super) fn record(&self, value: f64) {
        if let Some(histogram) = self.kept.get() {
            return histogram.record(value);
        }
        let recorded = RECORDED.load(Ordering::Acquire);
        let histogram = histogram!(self.name);
        histogram.record(value);
        if recorded {
            let _kept_already = self.kept.set(histogram);
        }
    }
}
