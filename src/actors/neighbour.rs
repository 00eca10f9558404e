//! Calls to directory, registry, the ways of codes, and desk: each within its place, its time and its breaker.
//!
//! - **Bulkhead**: so many calls are under way to one neighbour; more wait for a place, within their own time.
//!   A slow neighbour never holds up calls to another.
//! - **Deadline**: waiting and calling together take `neighbour_timeout_ms` at most, then the neighbour counts
//!   as down.
//! - **Breaker** (`limits::breaker`): while a neighbour fails, calls are refused at once.
//!
//! What a refusal means to the citizen is the conversation's: he is told once, his request is kept, and it is
//! made again until it is served.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::domain::call::NeighbourError;
use crate::domain::time::Timestamp;
use crate::limits::breaker::{Breaker, BreakerRules, BreakerState, Change, Leave};
use crate::metrics;
use crate::ports::{Clock, Unsent};

/// One neighbour: the calls to it, of all shards together.
pub struct Neighbour {
    name: &'static str,
    places: Semaphore,
    places_max: usize,
    breaker: Mutex<Breaker>,
    opened: AtomicU64,
    /// How often it has come back.
    back: AtomicU64,
    clock: Arc<dyn Clock>,
}

/// All neighbours that fail by themselves.
pub struct Bulkheads {
    /// Who stands under a phone, and changes.
    pub directory: Arc<Neighbour>,
    /// What is recorded.
    pub registry: Arc<Neighbour>,
    /// The ways of codes, in their order.
    pub ways: Vec<Arc<Neighbour>>,
    pub desk: Arc<Neighbour>,
    /// The desk that a ministry has of its own.
    pub ministry_desk: Option<Arc<Neighbour>>,
}

/// A neighbour, for `/actors` and `/readyz`.
#[derive(Clone, Debug, Serialize)]
pub struct NeighbourView {
    pub name: &'static str,
    pub breaker: BreakerState,
    /// How often its breaker has opened.
    pub opened: u64,
    pub calls: usize,
    pub calls_max: usize,
    /// Calls that ended lately, and those of them that failed.
    pub ended: u32,
    pub failed: u32,
}

impl Bulkheads {
    /// `calls_max` calls under way to each; `ways` names those of codes.
    pub fn new(calls_max: usize, rules: BreakerRules, clock: &Arc<dyn Clock>, ways: &[&'static str]) -> Self {
        let neighbour = |name| Arc::new(Neighbour::new(name, calls_max, rules, Arc::clone(clock)));
        let ways = ways.iter().map(|way| neighbour(*way)).collect();
        let (directory, registry, desk) = (neighbour("directory"), neighbour("registry"), neighbour("desk"));
        Self { directory, registry, ways, desk, ministry_desk: None }
    }

    /// With a ministry's own desk beside them.
    #[must_use]
    pub fn with_ministry_desk(self, calls_max: usize, rules: BreakerRules, clock: &Arc<dyn Clock>) -> Self {
        let desk = Neighbour::new("ministry_desk", calls_max, rules, Arc::clone(clock));
        Self { ministry_desk: Some(Arc::new(desk)), ..self }
    }

    /// How often those whom every conversation needs have come back.
    pub fn times_back(&self) -> u64 {
        self.directory.times_back() + self.registry.times_back()
    }

    /// All of them.
    pub fn views(&self) -> Vec<NeighbourView> {
        let needed = [&self.directory, &self.registry].into_iter();
        let all = needed.chain(&self.ways).chain([&self.desk]).chain(&self.ministry_desk);
        all.map(|neighbour| neighbour.view()).collect()
    }
}

impl Neighbour {
    fn new(name: &'static str, calls_max: usize, rules: BreakerRules, clock: Arc<dyn Clock>) -> Self {
        let places_max = calls_max.max(1);
        metrics::breaker(name, 0);
        Self {
            name,
            places: Semaphore::new(places_max),
            places_max,
            breaker: Mutex::new(Breaker::new(rules)),
            opened: AtomicU64::new(0),
            back: AtomicU64::new(0),
            clock,
        }
    }

    /// What it is called in figures and settings.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Makes one call within `within`, or says that the neighbour is down. `what` names the call's port.
    pub async fn call<T, E: CallError>(
        self: Arc<Self>,
        what: &'static str,
        within: Duration,
        make: impl FnOnce() -> BoxFuture<'static, Result<T, E>>,
    ) -> Result<T, E> {
        let now = self.clock.now();
        let leave = self.breaker.lock().ask(now);
        let Ok(leave) = leave else {
            metrics::neighbour_called(what, "refused");
            return Err(E::unmade(what, "its breaker is open".to_owned()));
        };
        // Told also when the call is dropped or panics.
        let mut end = End { neighbour: &self, leave, asked_at: now, answered: false };
        let begun = AtomicBool::new(false);
        let call = async {
            let _place = self.places.acquire().await;
            begun.store(true, Ordering::Relaxed);
            make().await
        };
        let result = match tokio::time::timeout(within, call).await {
            Ok(result) => result,
            Err(_) if begun.load(Ordering::Relaxed) => {
                Err(E::unanswered(what, format!("no answer in {} ms", within.as_millis())))
            }
            Err(_) => Err(E::unmade(what, format!("no place in {} ms", within.as_millis()))),
        };
        let outcome = result.as_ref().map_or_else(E::outcome, |_| "ok");
        end.answered = outcome != "down";
        drop(end);
        metrics::neighbour_called(what, outcome);
        result
    }

    /// Whether calls are refused now.
    pub fn refuses(&self) -> bool {
        self.state() == BreakerState::Open
    }

    /// How its breaker stands.
    pub fn state(&self) -> BreakerState {
        self.breaker.lock().state(self.clock.now())
    }

    /// How often it has come back after its breaker was open.
    pub fn times_back(&self) -> u64 {
        self.back.load(Ordering::Relaxed)
    }

    fn view(&self) -> NeighbourView {
        let now = self.clock.now();
        let breaker = self.breaker.lock();
        let (ended, failed) = breaker.counted(now);
        NeighbourView {
            name: self.name,
            breaker: breaker.state(now),
            opened: self.opened.load(Ordering::Relaxed),
            calls: self.places_max - self.places.available_permits(),
            calls_max: self.places_max,
            ended,
            failed,
        }
    }

    fn ended(&self, leave: Leave, answered: bool, now: Timestamp) {
        let change = self.breaker.lock().ended(leave, answered, now);
        match change {
            Some(Change::Opened) => {
                self.opened.fetch_add(1, Ordering::Relaxed);
                metrics::breaker(self.name, 1);
                tracing::warn!(neighbour = self.name, "a neighbour fails: calls to it are refused for a while");
            }
            Some(Change::Closed) => {
                self.back.fetch_add(1, Ordering::Relaxed);
                metrics::breaker(self.name, 0);
                tracing::info!(neighbour = self.name, "a neighbour is back");
            }
            None => {}
        }
    }
}

/// How a call's port says that it was not served.
pub trait CallError {
    /// The call was not made.
    fn unmade(what: &'static str, reason: String) -> Self;
    /// It was made, and nobody answered.
    fn unanswered(what: &'static str, reason: String) -> Self;
    /// As figures name it; "down" counts for the breaker.
    fn outcome(&self) -> &'static str;
}

impl CallError for NeighbourError {
    fn unmade(what: &'static str, reason: String) -> Self {
        Self::Down { neighbour: what, reason }
    }

    fn unanswered(what: &'static str, reason: String) -> Self {
        Self::Down { neighbour: what, reason }
    }

    fn outcome(&self) -> &'static str {
        match self {
            Self::Down { .. } => "down",
            Self::Misconfigured { .. } => "misconfigured",
            Self::NotFound { .. } => "not_found",
            Self::Conflict { .. } => "conflict",
        }
    }
}

impl CallError for Unsent {
    fn unmade(_: &'static str, reason: String) -> Self {
        Self::NotNow { reason }
    }

    fn unanswered(_: &'static str, reason: String) -> Self {
        Self::Unknown { reason }
    }

    fn outcome(&self) -> &'static str {
        match self {
            Self::NotNow { .. } | Self::Unknown { .. } => "down",
            Self::Undelivered => "not_found",
            Self::Refused { .. } => "misconfigured",
        }
    }
}

/// A call's end, told exactly once.
struct End<'a> {
    neighbour: &'a Neighbour,
    leave: Leave,
    asked_at: Timestamp,
    answered: bool,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        // While unwinding nothing may panic, not even a clock.
        let now = if std::thread::panicking() { self.asked_at } else { self.neighbour.clock.now() };
        self.neighbour.ended(self.leave, self.answered, now);
    }
}
