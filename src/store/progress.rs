//! How far long work has come: for the log, once a second at most, and for whoever waits (`/readyz`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

const SAY_EVERY: Duration = Duration::from_secs(1);

/// A handle on what is going on; clones see the same.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<Option<Stage>>>);

/// A piece of long work.
#[derive(Clone, Debug)]
struct Stage {
    what: &'static str,
    unit: &'static str,
    done: u64,
    /// Zero: it is not known.
    of: u64,
    records: u64,
    said: Instant,
}

impl Progress {
    /// The work that is going on, in words; `None`: none is.
    pub fn now(&self) -> Option<String> {
        self.0.lock().as_ref().map(Stage::text)
    }

    /// Begins a piece of work that counts so many `unit`.
    pub(super) fn begin(&self, what: &'static str, unit: &'static str, of: u64) {
        *self.0.lock() = Some(Stage { what, unit, done: 0, of, records: 0, said: Instant::now() });
    }

    /// So many are done, with so many records in them.
    pub(super) fn at(&self, done: u64, records: u64) {
        let mut stage = self.0.lock();
        let Some(stage) = stage.as_mut() else { return };
        (stage.done, stage.records) = (done, records);
        if stage.said.elapsed() >= SAY_EVERY {
            stage.said = Instant::now();
            tracing::info!("{}", stage.text());
        }
    }

    pub(super) fn end(&self) {
        *self.0.lock() = None;
    }
}

impl Stage {
    fn text(&self) -> String {
        let Self { what, unit, done, of, records, .. } = self;
        match (done * 100).checked_div(*of) {
            Some(percent) => format!("{what}, {unit} {done} of {of} ({percent} %), {records} records"),
            None => format!("{what}, {unit} {done}, {records} records"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_far_it_is_and_nothing_when_nothing_goes_on() {
        let progress = Progress::default();
        assert_eq!(progress.now(), None);
        progress.at(1, 1);
        assert_eq!(progress.now(), None, "nothing was begun");
        progress.begin("recovering", "segment", 8);
        let seen = progress.clone();
        progress.at(2, 70);
        assert_eq!(seen.now().unwrap(), "recovering, segment 2 of 8 (25 %), 70 records");
        progress.begin("rebuilding the table", "page", 0);
        progress.at(3, 700);
        assert_eq!(progress.now().unwrap(), "rebuilding the table, page 3, 700 records");
        progress.end();
        assert_eq!(progress.now(), None);
    }
}
