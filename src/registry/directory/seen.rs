//! Versions of people as the last lookup showed them: what a change is conditional on.
//!
//! A change follows its lookup within seconds, so a version is kept for two minutes and no longer: after that the
//! directory is asked, since an undo days later must not fail because of what was seen long ago.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use reqwest::header::HeaderValue;

use crate::domain::citizen::PersonId;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::ports::Clock;

/// People remembered at once, about 150 bytes each; past it nobody new is, and the directory is asked instead.
const SEEN_MAX: usize = 65_536;
const LIFE_MS: i64 = 2 * MINUTE_MS;

pub(super) struct Seen {
    versions: Mutex<HashMap<PersonId, (HeaderValue, Timestamp)>>,
    clock: Arc<dyn Clock>,
}

impl Seen {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { versions: Mutex::default(), clock }
    }

    /// Keeps a version; none takes the old one away.
    pub(super) fn note(&self, id: &PersonId, version: Option<HeaderValue>) {
        let now = self.clock.now();
        let mut versions = self.versions.lock();
        if versions.len() >= SEEN_MAX {
            versions.retain(|_, (_, at)| is_fresh(*at, now));
        }
        match version {
            Some(version) if versions.len() < SEEN_MAX || versions.contains_key(id) => {
                versions.insert(id.clone(), (version, now));
            }
            Some(_) | None => {
                versions.remove(id);
            }
        }
    }

    pub(super) fn version(&self, id: &PersonId) -> Option<HeaderValue> {
        let now = self.clock.now();
        self.versions.lock().get(id).filter(|(_, at)| is_fresh(*at, now)).map(|(version, _)| version.clone())
    }

    pub(super) fn forget(&self, id: &PersonId) {
        self.versions.lock().remove(id);
    }
}

fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    (0..LIFE_MS).contains(&now.since_ms(at))
}
