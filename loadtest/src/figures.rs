//! What a run measured, what it is held to, and how both are shown: a table for people, one JSON for tools.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::chat::Failure;
use crate::scenario::{Limits, Scenario};
use crate::server::Usage;

/// Times from a microsecond to ten minutes, in three digits.
const TIME_US_MAX: u64 = 600_000_000;

/// The measures of a run while it runs.
#[derive(Clone)]
pub(crate) struct Figures {
    pub(crate) said: u64,
    pub(crate) replies: u64,
    pub(crate) documents: u64,
    pub(crate) sms: u64,
    pub(crate) not_stored: u64,
    ack: Histogram<u64>,
    reply: Histogram<u64>,
    late: Histogram<u64>,
    served: u64,
    failures: BTreeMap<Failure, u64>,
    events_lost: u64,
    wall: Duration,
}

/// A run in figures.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    scenario: String,
    about: String,
    wall_s: f64,
    citizens_served: u64,
    citizens_failed: u64,
    messages_said: u64,
    replied: u64,
    certificates: u64,
    sms: u64,
    posts_not_stored: u64,
    /// Events that the load tester lost itself: above 0 the run says nothing.
    events_lost: u64,
    /// How late citizens began against the plan: the load tester's own fault.
    start_late_ms: Percentiles,
    ack_ms: Percentiles,
    reply_ms: Percentiles,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Usage>,
    limits: Vec<Held>,
    failures: Vec<Reason>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Percentiles {
    count: u64,
    p50: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

/// A limit and whether it held.
#[derive(Debug, Serialize)]
pub(crate) struct Held {
    pub(crate) limit: &'static str,
    pub(crate) bound: f64,
    pub(crate) measured: f64,
    pub(crate) kept: bool,
}

#[derive(Debug, Serialize)]
struct Reason {
    citizens: u64,
    path: String,
    line: usize,
    what: String,
}

impl Figures {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let times = Histogram::new_with_bounds(1, TIME_US_MAX, 3)?;
        Ok(Self {
            said: 0,
            replies: 0,
            documents: 0,
            sms: 0,
            not_stored: 0,
            ack: times.clone(),
            reply: times.clone(),
            late: times,
            served: 0,
            failures: BTreeMap::new(),
            events_lost: 0,
            wall: Duration::ZERO,
        })
    }

    pub(crate) fn over(self, wall: Duration) -> Self {
        Self { wall, ..self }
    }

    pub(crate) fn began(&mut self, late: Duration) {
        record(&mut self.late, late.as_secs_f64() * 1_000.0);
    }

    pub(crate) fn ack(&mut self, ms: f64) {
        record(&mut self.ack, ms);
    }

    pub(crate) fn reply(&mut self, ms: f64) {
        record(&mut self.reply, ms);
    }

    pub(crate) fn served(&mut self, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) => self.served += 1,
            Err(failure) => *self.failures.entry(failure).or_default() += 1,
        }
    }

    pub(crate) fn lost(&mut self, events: u64) {
        self.events_lost += events;
    }

    /// The figures against the scenario's limits.
    pub(crate) fn report(self, scenario: &Scenario, server: Option<Usage>) -> Report {
        let failed = self.failures.values().sum();
        let (ack, reply) = (percentiles(&self.ack), percentiles(&self.reply));
        let failed_percent = percent(failed, self.served + failed);
        let redelivered_percent = percent(self.not_stored, self.ack.len() + self.not_stored);
        let mut failures: Vec<Reason> = self
            .failures
            .into_iter()
            .map(|(Failure { script, line, what }, citizens)| Reason { citizens, path: script, line, what })
            .collect();
        failures.sort_by_key(|reason| std::cmp::Reverse(reason.citizens));
        Report {
            scenario: scenario.name.clone(),
            about: scenario.about.clone(),
            wall_s: self.wall.as_secs_f64(),
            citizens_served: self.served,
            citizens_failed: failed,
            messages_said: self.said,
            replied: self.replies,
            certificates: self.documents,
            sms: self.sms,
            posts_not_stored: self.not_stored,
            events_lost: self.events_lost,
            start_late_ms: percentiles(&self.late),
            ack_ms: ack,
            reply_ms: reply,
            server,
            limits: held(&scenario.limits, ack, reply, failed_percent, redelivered_percent),
            failures,
        }
    }
}

fn held(limits: &Limits, ack: Percentiles, reply: Percentiles, failed: f64, redelivered: f64) -> Vec<Held> {
    let row = |limit, measured, bound| Held { limit, bound, measured, kept: measured <= bound };
    vec![
        row("ack_p50_ms", ack.p50, limits.ack_p50_ms),
        row("ack_p99_ms", ack.p99, limits.ack_p99_ms),
        row("reply_p50_ms", reply.p50, limits.reply_p50_ms),
        row("reply_p99_ms", reply.p99, limits.reply_p99_ms),
        row("failed_percent_max", failed, limits.failed_percent_max),
        row("redelivered_percent_max", redelivered, limits.redelivered_percent_max),
    ]
}

impl Report {
    /// The limits that did not hold; an event lost by the load tester itself breaks all trust.
    pub(crate) fn broken(&self) -> Vec<String> {
        let mut broken: Vec<String> = self
            .limits
            .iter()
            .filter(|limit| !limit.kept)
            .map(|limit| format!("{} is {:.2}, the limit is {:.2}", limit.limit, limit.measured, limit.bound))
            .collect();
        if self.events_lost > 0 {
            broken.push(format!("the load tester lost {} events: this machine is too slow for it", self.events_lost));
        }
        broken
    }

    /// A table for people.
    pub(crate) fn table(&self) -> String {
        use std::fmt::Write as _;
        let mut table = format!("{}: {}\n\n", self.scenario, self.about);
        let times = [("200 to a webhook", self.ack_ms), ("reply", self.reply_ms), ("start late", self.start_late_ms)];
        let _ =
            writeln!(table, "{:<18}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}", "ms", "count", "p50", "p90", "p99", "p99.9", "max");
        for (name, p) in times {
            let _ = writeln!(
                table,
                "{name:<18}{:>9}{:>9.1}{:>9.1}{:>9.1}{:>9.1}{:>9.1}",
                p.count, p.p50, p.p90, p.p99, p.p999, p.max
            );
        }
        let citizens = self.citizens_served + self.citizens_failed;
        let _ = writeln!(
            table,
            "\n{} of {citizens} citizens served in {:.1} s: {} messages, {} replies, {} certificates, {} SMS",
            self.citizens_served, self.wall_s, self.messages_said, self.replied, self.certificates, self.sms
        );
        if let Some(usage) = self.server {
            let _ = writeln!(table, "server: {:.1} s of CPU, {:.0} MiB at most", usage.cpu_s, usage.peak_memory_mib);
        }
        for reason in &self.failures {
            let _ = writeln!(table, "{} failed at {}:{}: {}", reason.citizens, reason.path, reason.line, reason.what);
        }
        table
    }
}

fn record(times: &mut Histogram<u64>, ms: f64) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the histogram's range")]
    let us = (ms * 1_000.0).clamp(1.0, 600_000_000.0) as u64;
    times.saturating_record(us);
}

fn percentiles(times: &Histogram<u64>) -> Percentiles {
    #[expect(clippy::cast_precision_loss, reason = "ten minutes in microseconds fit")]
    let ms = |us: u64| us as f64 / 1_000.0;
    let at = |quantile| ms(times.value_at_quantile(quantile));
    Percentiles { count: times.len(), p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: ms(times.max()) }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario() -> Scenario {
        Scenario::load("smoke").expect("a scenario")
    }

    #[test]
    fn a_broken_limit_is_named_with_both_figures() {
        let mut figures = Figures::new().expect("figures");
        for ms in [1.0, 2.0, 3.0, 2_000.0] {
            figures.ack(1.0);
            figures.reply(ms);
        }
        figures.served(Ok(()));
        let report = figures.report(&scenario(), None);
        let broken = report.broken();
        assert_eq!(broken.len(), 1, "{broken:?}");
        assert!(broken[0].starts_with("reply_p99_ms is 2000") || broken[0].starts_with("reply_p99_ms is 1999"));
    }

    #[test]
    fn one_citizen_who_is_not_served_breaks_the_run() {
        let mut figures = Figures::new().expect("figures");
        figures.served(Ok(()));
        figures.served(Err(Failure { script: "01".into(), line: 7, what: "no reply in time".into() }));
        let report = figures.report(&scenario(), None);
        assert!(report.broken()[0].contains("failed_percent_max is 50.00"));
        assert!(report.table().contains("1 failed at 01:7: no reply in time"));
    }

    #[test]
    fn what_the_load_tester_lost_is_its_own_fault_and_said() {
        let mut figures = Figures::new().expect("figures");
        figures.lost(3);
        assert!(figures.report(&scenario(), None).broken()[0].contains("lost 3 events"));
    }
}
