//! Budgets of one-time codes that span accounts: in all, and for a route (a number without its last four digits).
//!
//! SMS cost money, and a thief who rents a range of numbers earns some of it: he asks for codes to his own range
//! and never types one. So each route has an hourly budget, and one whose codes are hardly ever typed is clamped
//! to a few. All together have a budget a minute and a day.
//!
//! Invariants: whoever belongs to a number (its own WhatsApp, chats that proved it) is never stopped by a route,
//! and half of the budgets of all is his alone, so strangers cannot lock anyone out. What is counted does not
//! depend on whether a number is registered. A clock that jumps back frees nothing. Never more than
//! [`CodeRules::routes_max`] routes; past it a route nobody has seen lately is not opened to strangers.
//!
//! Pure: whoever keeps it makes its rows durable (`actors::ledger`).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::domain::keys::LookupKey;
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};

/// A route's codes are judged over so long: longer than a code lives.
const PERIOD_MS: i64 = 15 * MINUTE_MS;
/// A clamped route sends few codes: so many are enough to judge it again.
const CLAMPED_SAMPLE: u32 = 5;
/// A full book is swept no more often than this.
const SWEEP_EVERY_MS: i64 = 10_000;

/// The budgets (config section `[codes]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRules {
    /// Codes in all; half of them only for whoever belongs to a number.
    pub per_minute: u32,
    pub per_day: u32,
    /// Codes to one route for those who never proved their number there.
    pub route_per_hour: u32,
    /// After so many codes within a quarter of an hour, of which fewer than `clamp_percent` in a hundred were
    /// typed, a route has `clamped_per_hour`.
    pub clamp_sample: u32,
    pub clamp_percent: u32,
    pub clamped_per_hour: u32,
    /// Routes remembered at once.
    pub routes_max: usize,
    /// Codes on behalf of one person whose NIK was named, and persons remembered at once (`limits::niks`).
    pub nik_per_day: u32,
    pub niks_max: usize,
}

impl Default for CodeRules {
    fn default() -> Self {
        Self {
            per_minute: 60_000,
            per_day: 5_000_000,
            route_per_hour: 600,
            clamp_sample: 50,
            clamp_percent: 10,
            clamped_per_hour: 12,
            routes_max: 65_536,
            nik_per_day: 5,
            niks_max: 65_536,
        }
    }
}

/// What was counted since the window began; the next one begins with the next code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    from: Timestamp,
    all: u32,
    strangers: u32,
}

impl Window {
    fn settle(&mut self, now: Timestamp, length_ms: i64) {
        self.from = self.from.min(now);
        if self.all == 0 || now.since_ms(self.from) >= length_ms {
            *self = Self { from: now, all: 0, strangers: 0 };
        }
    }

    fn count(&mut self, belongs: bool) {
        self.all = self.all.saturating_add(1);
        self.strangers = self.strangers.saturating_add(u32::from(!belongs));
    }

    fn give_back(&mut self, belongs: bool) {
        self.all = self.all.saturating_sub(1);
        self.strangers = self.strangers.saturating_sub(u32::from(!belongs));
    }
}

/// Codes that were sent, and those that were typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tally {
    sent: u32,
    proven: u32,
}

/// One route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Route {
    hour: Window,
    period_from: Timestamp,
    period: Tally,
    clamped: bool,
    used_at: Timestamp,
}

impl Route {
    fn settle(&mut self, now: Timestamp, rules: &CodeRules) {
        self.hour.settle(now, HOUR_MS);
        self.used_at = self.used_at.min(now);
        self.period_from = self.period_from.min(now);
        if now.since_ms(self.period_from) < PERIOD_MS {
            return;
        }
        let Tally { sent, proven } = self.period;
        let sample = if self.clamped { CLAMPED_SAMPLE.min(rules.clamp_sample) } else { rules.clamp_sample };
        // Too few tell nothing: they go on counting with those that follow.
        if sent < sample.max(1) {
            return;
        }
        self.clamped = u64::from(proven) * 100 < u64::from(sent) * u64::from(rules.clamp_percent);
        self.period = Tally::default();
        self.period_from = now;
    }

    fn max(&self, rules: &CodeRules) -> u32 {
        if self.clamped { rules.clamped_per_hour.min(rules.route_per_hour) } else { rules.route_per_hour }
    }

    /// Whether forgetting it forgives nothing.
    fn is_idle(&self, now: Timestamp) -> bool {
        let quiet_ms = now.since_ms(self.used_at);
        quiet_ms >= if self.clamped { DAY_MS } else { HOUR_MS }
    }
}

/// What rests of the budgets of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct All {
    minute: Window,
    day: Window,
}

/// A row of the book, as it rests: whose it is, and what it holds (nothing: forget it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// None: the budgets of all.
    pub route: Option<LookupKey>,
    pub bytes: Option<Vec<u8>>,
}

/// The book of all budgets.
#[derive(Debug, Default)]
pub struct Codes {
    rules: CodeRules,
    all: All,
    routes: HashMap<LookupKey, Route>,
    /// Swept, and not yet told to whoever keeps the rows.
    forgotten: Vec<LookupKey>,
    swept_at: Timestamp,
}

impl Codes {
    /// An empty book.
    pub fn new(rules: CodeRules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Takes a row as it rested; one that cannot be read is as good as none.
    pub fn load(&mut self, route: Option<LookupKey>, bytes: &[u8]) {
        match route {
            None => self.all = postcard::from_bytes(bytes).unwrap_or_default(),
            Some(key) => {
                if let Ok(known) = postcard::from_bytes(bytes) {
                    self.routes.insert(key, known);
                }
            }
        }
    }

    /// Routes that are remembered.
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Whether no route is remembered.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// Routes that are clamped now.
    pub fn clamped(&self) -> usize {
        self.routes.values().filter(|route| route.clamped).count()
    }

    /// Takes the place of one code; or says until when there is none.
    pub fn take(&mut self, key: LookupKey, belongs: bool, now: Timestamp) -> Result<(), Timestamp> {
        if self.routes.len() >= self.rules.routes_max {
            self.sweep(now);
        }
        let rules = &self.rules;
        self.all.minute.settle(now, MINUTE_MS);
        self.all.day.settle(now, DAY_MS);
        let spent = |window: &Window, max: u32, length_ms: i64| {
            let over = window.all >= max || (!belongs && window.strangers >= max.div_ceil(2));
            over.then(|| window.from.plus_ms(length_ms))
        };
        let of_all =
            spent(&self.all.minute, rules.per_minute, MINUTE_MS).max(spent(&self.all.day, rules.per_day, DAY_MS));
        if let Some(until) = of_all {
            return Err(until);
        }
        let full = self.routes.len() >= rules.routes_max;
        let route = match self.routes.entry(key) {
            std::collections::hash_map::Entry::Occupied(known) => Some(known.into_mut()),
            std::collections::hash_map::Entry::Vacant(_) if full => None,
            std::collections::hash_map::Entry::Vacant(new) => {
                Some(new.insert(Route { period_from: now, ..Route::default() }))
            }
        };
        match route {
            Some(route) => {
                route.settle(now, rules);
                if !belongs && route.hour.strangers >= route.max(rules) {
                    return Err(route.hour.from.plus_ms(HOUR_MS));
                }
                route.used_at = now;
                route.hour.count(belongs);
                route.period.sent = route.period.sent.saturating_add(1);
            }
            None if belongs => {}
            None => return Err(now.plus_ms(HOUR_MS)),
        }
        self.all.minute.count(belongs);
        self.all.day.count(belongs);
        Ok(())
    }

    /// The place was not used after all.
    pub fn give_back(&mut self, key: LookupKey, belongs: bool) {
        self.all.minute.give_back(belongs);
        self.all.day.give_back(belongs);
        if let Some(route) = self.routes.get_mut(&key) {
            route.hour.give_back(belongs);
            route.period.sent = route.period.sent.saturating_sub(1);
        }
    }

    /// A code of this route was typed.
    pub fn proven(&mut self, key: LookupKey) {
        if let Some(route) = self.routes.get_mut(&key) {
            route.period.proven = route.period.proven.saturating_add(1);
        }
    }

    /// What has to be made durable after a change to this route.
    pub fn rows(&mut self, key: LookupKey) -> Vec<Row> {
        let row = |route, bytes: Result<Vec<u8>, postcard::Error>| Row { route, bytes: bytes.ok() };
        let mut rows = vec![row(None, postcard::to_stdvec(&self.all))];
        if let Some(route) = self.routes.get(&key) {
            rows.push(row(Some(key), postcard::to_stdvec(route)));
        }
        let gone = std::mem::take(&mut self.forgotten).into_iter().filter(|gone| !self.routes.contains_key(gone));
        rows.extend(gone.map(|key| Row { route: Some(key), bytes: None }));
        rows
    }

    fn sweep(&mut self, now: Timestamp) {
        if now.since_ms(self.swept_at).abs() < SWEEP_EVERY_MS {
            return;
        }
        self.swept_at = now;
        let idle = self.routes.iter().filter(|(_, route)| route.is_idle(now)).map(|(key, _)| *key);
        let idle: Vec<LookupKey> = idle.collect();
        for key in &idle {
            self.routes.remove(key);
        }
        self.forgotten.extend(idle);
        self.forgotten.sort_unstable();
        self.forgotten.dedup();
    }
}

#[cfg(test)]
mod tests;
