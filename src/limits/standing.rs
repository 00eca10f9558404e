//! What Meta has said of our numbers, account and templates, and what follows for sends (cloud-api.md 2.3).
//!
//! A [`Stop`] holds all sends of a number, or of all numbers. It ends in one of two ways, neither of which needs an
//! operator at the keyboard: Meta says so (a webhook), or a probe tells. After a pause, one message that waits is
//! let through; accepted, the stop is over; refused, the pause doubles, up to [`PROBE_MAX_MS`]. So a paid bill or
//! a new token is found out within minutes, and a ban costs one refused message an hour.
//!
//! What Meta says once and never again (a ban, an upgrade, a paused template) is durable ([`Standing`]); what its next
//! refusal would say again (payment, token) is not.

use serde::{Deserialize, Serialize};

use crate::wire::payload::{AccountChange, AlertSeverity, QualityChange, TemplateState};

/// The first probe comes this long after the stop.
pub const PROBE_FIRST_MS: i64 = 60_000;
/// Probes are never further apart.
pub const PROBE_MAX_MS: i64 = 3_600_000;
/// What a number may send after an upgrade (cloud-api.md 6).
pub const UPGRADED_PER_S: u32 = 1_000;

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// `account_update`: banned, deleted or offboarded.
    Banned,
    /// `account_update`: citizens who write to us may not be answered.
    Restricted,
    /// Meta refused with this code: token (0, 190), payment (131042), account restricted or locked (368, 131031).
    Code(u32),
    /// Meta answered 401 without a code that can be read.
    Unauthorized,
}

/// Nothing is sent until Meta says so, or a probe tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    pub reason: Reason,
    probe_at_us: i64,
    pause_ms: i64,
    /// A probe is or was on its way: an acceptance is its answer, and not that of a message sent before the stop.
    probed: bool,
}

/// One thing that holds after a restart, as it rests in the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Why all numbers are stopped.
    Account(Option<Reason>),
    /// Why this number is stopped.
    Number(String, Option<Reason>),
    /// What Meta allows this number now.
    Ceiling(String, u32),
    /// Whether this template may be sent.
    Template(String, bool),
}

impl Standing {
    /// Where it rests: newer news of the same kind take its place.
    pub fn key(&self) -> String {
        // A name of Meta's may be longer than a key; its first characters tell our few templates apart.
        let short = |name: &str| name.chars().filter(char::is_ascii_graphic).take(48).collect::<String>();
        match self {
            Standing::Account(_) => "account".into(),
            Standing::Number(number, _) => format!("number {}", short(number)),
            Standing::Ceiling(number, _) => format!("ceiling {}", short(number)),
            Standing::Template(name, _) => format!("template {}", short(name)),
        }
    }
}

impl Reason {
    /// What an operator reads.
    pub fn words(self) -> String {
        match self {
            Reason::Banned => "the account is banned (account_update)".into(),
            Reason::Restricted => "the account is restricted (account_update)".into(),
            Reason::Code(code @ (0 | 190)) => format!("the access token is not accepted ({code})"),
            Reason::Code(code @ (131_042 | 131_044)) => format!("a payment is missing ({code})"),
            Reason::Code(code) => format!("the account is restricted or locked ({code})"),
            Reason::Unauthorized => "the access token is not accepted (http 401)".into(),
        }
    }

    /// Whether it concerns every number of ours: there is one token.
    pub fn is_everyones(self) -> bool {
        matches!(self, Reason::Code(0 | 190) | Reason::Unauthorized)
    }
}

impl Stop {
    pub fn new(reason: Reason, now_us: i64) -> Self {
        let probe_at_us = now_us.saturating_add(PROBE_FIRST_MS * 1_000);
        Self { reason, probe_at_us, pause_ms: PROBE_FIRST_MS, probed: false }
    }

    /// Whether one message may go as a probe now; counts it as gone.
    pub fn probe(&mut self, now_us: i64) -> bool {
        let due = now_us >= self.probe_at_us;
        if due {
            self.pause_ms = (self.pause_ms * 2).min(PROBE_MAX_MS);
            self.probe_at_us = now_us.saturating_add(self.pause_ms * 1_000);
            self.probed = true;
        }
        due
    }

    /// The probe did not leave after all: the next may go at once.
    pub fn probe_back(&mut self, now_us: i64) {
        self.probe_at_us = now_us;
    }

    /// Whether a message that was accepted ends it.
    pub fn is_over(&self) -> bool {
        self.probed
    }
}

/// What a change of the account means for sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Stop(Reason),
    Resume,
    Nothing,
}

pub(super) fn of_account(change: AccountChange) -> Turn {
    match change {
        AccountChange::Disabled | AccountChange::Deleted | AccountChange::Offboarded => Turn::Stop(Reason::Banned),
        AccountChange::Restricted => Turn::Stop(Reason::Restricted),
        AccountChange::Reinstated | AccountChange::Reconnected => Turn::Resume,
        // Replies go on; what we would send unasked is refused by itself.
        AccountChange::RestrictedOutsideWindow
        | AccountChange::DisablingScheduled
        | AccountChange::Violation
        | AccountChange::Other => Turn::Nothing,
    }
}

/// What a number's change means for its ceiling.
pub(super) fn of_quality(change: QualityChange) -> Option<u32> {
    match change {
        QualityChange::ThroughputUpgrade => Some(UPGRADED_PER_S),
        QualityChange::Onboarding
        | QualityChange::Flagged
        | QualityChange::Unflagged
        | QualityChange::LimitRaised
        | QualityChange::LimitLowered
        | QualityChange::Other => None,
    }
}

/// Whether a template may be sent, if that changed.
pub(super) fn of_template(state: TemplateState) -> Option<bool> {
    match state {
        TemplateState::Approved => Some(true),
        TemplateState::Rejected | TemplateState::Paused | TemplateState::Disabled => Some(false),
        TemplateState::Flagged | TemplateState::Other => None,
    }
}

/// Whether an operator should look at once.
pub(super) fn is_grave(severity: AlertSeverity) -> bool {
    matches!(severity, AlertSeverity::Critical)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: i64 = 1_000_000;

    #[test]
    fn probes_come_after_a_minute_then_ever_more_rarely() {
        let mut stop = Stop::new(Reason::Code(131_042), 0);
        assert!(!stop.probe(59 * SECOND_US));
        assert!(!stop.is_over(), "a message from before the stop says nothing");
        let mut now = 60 * SECOND_US;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            assert!(stop.probe(now));
            assert!(!stop.probe(now), "one");
            pauses.push((stop.probe_at_us - now) / SECOND_US);
            now = stop.probe_at_us;
        }
        assert_eq!(pauses, [120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
        assert!(stop.is_over());
    }

    #[test]
    fn keys_fit_the_table_and_tell_things_apart() {
        let long = "x".repeat(500);
        let all = [
            Standing::Account(None),
            Standing::Number("1".into(), None),
            Standing::Ceiling("1".into(), 80),
            Standing::Template("1".into(), true),
            Standing::Template(long, true),
        ];
        let keys: std::collections::BTreeSet<String> = all.iter().map(Standing::key).collect();
        assert_eq!(keys.len(), all.len());
        assert!(keys.iter().all(|key| key.len() <= 64));
    }
}
