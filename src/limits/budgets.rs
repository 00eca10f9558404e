//! What each business number may send and hear in a second, in and out together (cloud-api.md 6), and what Meta
//! took of it.
//!
//! Messages that come in count as well, but never more than half: replies keep the other half, else a flood of
//! messages would silence the service. Where that hedge is wrong, Meta says so with 130429: then all are counted
//! for a minute. Where it was not the hedge, the rate is cut, and recovers.
//!
//! Shared by all shards; where a number has not enough for all, the more urgent find more in its bucket: the others
//! must leave some behind, so urgency counts across shards too.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::standing::{Reason, Stop};
use crate::domain::contact::BusinessNumber;
use crate::domain::message::Urgency;
use crate::metrics;
use crate::ports::Clock;
use crate::wire::codes::{Class, SPAM};

mod news;
mod number;

use number::{Everyone, Number};

/// Whether one message may leave now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Yes, and its place is taken.
    Yes,
    /// Not in this moment.
    NotNow,
    /// Not for some time: the number is stopped or held. Nobody should wait for it to end.
    Shut,
}

/// The budgets of all numbers; one for the process.
pub struct Budgets {
    numbers: HashMap<BusinessNumber, Mutex<Number>>,
    /// What concerns all numbers.
    everyone: Mutex<Everyone>,
    templates_off: Mutex<Vec<String>>,
    ticks: Ticks,
}

/// Microseconds that only go forward.
enum Ticks {
    Machine(Instant),
    /// A clock that a test moves.
    Given(Arc<dyn Clock>),
}

impl Budgets {
    /// Each number with its messages a second.
    pub fn new(numbers: impl IntoIterator<Item = (BusinessNumber, u32)>) -> Self {
        Self::with(Ticks::Machine(Instant::now()), numbers)
    }

    /// The same, on a clock of one's own.
    pub fn on_clock(clock: Arc<dyn Clock>, numbers: impl IntoIterator<Item = (BusinessNumber, u32)>) -> Self {
        Self::with(Ticks::Given(clock), numbers)
    }

    fn with(ticks: Ticks, numbers: impl IntoIterator<Item = (BusinessNumber, u32)>) -> Self {
        Self {
            numbers: numbers.into_iter().map(|(name, rate)| (name, Mutex::new(Number::new(rate)))).collect(),
            everyone: Mutex::default(),
            templates_off: Mutex::default(),
            ticks,
        }
    }

    /// Tells how Meta's webhooks name a number: by its digits. A leading zero is Indonesia's.
    #[must_use]
    pub fn known_as(self, number: &BusinessNumber, display: &str) -> Self {
        if let Some(number) = self.numbers.get(number) {
            let digits: String = display.chars().filter(char::is_ascii_digit).collect();
            number.lock().digits = digits.strip_prefix('0').map_or(digits.clone(), |rest| format!("62{rest}"));
        }
        self
    }

    fn now_us(&self) -> i64 {
        match &self.ticks {
            Ticks::Machine(origin) => i64::try_from(origin.elapsed().as_micros()).unwrap_or(i64::MAX),
            Ticks::Given(clock) => clock.now().0.saturating_mul(1_000),
        }
    }

    /// Whether a number is ours.
    pub fn knows(&self, number: &BusinessNumber) -> bool {
        self.numbers.contains_key(number)
    }

    /// What a number may send and hear in a second, as Meta allows it now.
    pub fn per_s(&self, number: &BusinessNumber) -> u32 {
        let Some(number) = self.numbers.get(number) else { return 0 };
        let rate = number.lock().rate.rate_milli(self.now_us()) / 1_000;
        u32::try_from(rate.max(1)).unwrap_or(u32::MAX)
    }

    /// Takes the place of one reply that leaves; `false`: not now. A number that is not ours has none.
    pub fn take(&self, number: &BusinessNumber) -> bool {
        self.take_for(number, Urgency::Reply) == Room::Yes
    }

    /// Takes the place of one message of this urgency.
    pub fn take_for(&self, number: &BusinessNumber, urgency: Urgency) -> Room {
        let Some(own) = self.numbers.get(number) else { return Room::Shut };
        let now_us = self.now_us();
        let mut everyone = self.everyone.lock();
        let mut own = own.lock();
        if now_us < everyone.hold_until_us || now_us < own.hold_until_us {
            return Room::Shut;
        }
        for stop in [&mut everyone.stop, &mut own.stop].into_iter().flatten() {
            if !stop.probe(now_us) {
                return Room::Shut;
            }
            metrics::limit_acted("probe");
        }
        if own.take(urgency, now_us) {
            return Room::Yes;
        }
        for stop in [&mut everyone.stop, &mut own.stop].into_iter().flatten() {
            stop.probe_back(now_us);
        }
        Room::NotNow
    }

    /// Counts a message that came in, within its half.
    pub fn heard(&self, number: &BusinessNumber) {
        if let Some(number) = self.numbers.get(number) {
            number.lock().heard(self.now_us());
        }
    }

    /// Meta took a message of this number: what was found out by a probe is over.
    pub fn accepted(&self, number: &BusinessNumber) {
        let over = |stop: &mut Option<Stop>| stop.take_if(|stop| stop.is_over());
        let mut everyone = self.everyone.lock();
        everyone.hold_us = 0;
        let ended = over(&mut everyone.stop);
        drop(everyone);
        let own = self.numbers.get(number).and_then(|own| over(&mut own.lock().stop));
        for stop in ended.into_iter().chain(own) {
            metrics::limit_acted("resumed");
            tracing::warn!(number = &*number.0, reason = stop.reason.words(), "meta takes our messages again");
        }
    }

    /// Meta refused a message of this number, in an answer or a status: what that means beyond the message.
    pub fn refused(&self, number: &BusinessNumber, code: Option<u32>, class: Class) {
        let Some(own) = self.numbers.get(number) else { return };
        let now_us = self.now_us();
        match class {
            Class::ThrottleNumber => {
                let mut own = own.lock();
                if let Some(what) = own.refused(now_us) {
                    metrics::limit_acted(what);
                    tracing::warn!(number = &*number.0, code, what, "meta refuses for the rate");
                }
                if code == Some(SPAM) {
                    own.hold(now_us);
                    tracing::error!(number = &*number.0, "meta counts our messages as spam; the number waits");
                }
            }
            Class::Maintenance => {
                own.lock().hold(now_us);
                metrics::limit_acted("hold_number");
            }
            Class::ThrottleAccount => self.everyone.lock().hold(now_us),
            Class::StopAndPage => self.stop(number, code.map_or(Reason::Unauthorized, Reason::Code), now_us),
            Class::Retry
            | Class::ThrottleContact
            | Class::WindowClosed
            | Class::GiveUpContact
            | Class::Configuration
            | Class::Bug
            | Class::Once
            | Class::Unknown => {}
        }
    }

    fn stop(&self, number: &BusinessNumber, reason: Reason, now_us: i64) {
        let begin = |stop: &mut Option<Stop>| {
            let is_new = stop.is_none();
            stop.get_or_insert_with(|| Stop::new(reason, now_us));
            is_new
        };
        let everyones = reason.is_everyones();
        let is_new = match self.numbers.get(number) {
            Some(own) if !everyones => begin(&mut own.lock().stop),
            _ => begin(&mut self.everyone.lock().stop),
        };
        if is_new {
            metrics::limit_acted("stop");
            let whose = if everyones { "all" } else { &*number.0 };
            tracing::error!(number = whose, reason = reason.words(), "sends are stopped; an operator must act");
        }
    }
}

#[cfg(test)]
mod tests;
