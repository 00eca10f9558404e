//! What a run showed and what it is held to: a table for people, one JSON for tools.

#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::checker::Kind;
use crate::crowd::Outcome;
use crate::figures::{Figures, NoiseCount, Percentiles, percent};
use crate::samples::{Sample, ServerSample};
use crate::scenario::Scenario;
use crate::server::Usage;

/// What one more contact takes of the server's memory (reliability.md 0a).
const CONTACT_MIB: f64 = 1.0 / 1_024.0;

/// A run in figures.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) scenario: String,
    pub(crate) about: String,
    seed: u64,
    pub(crate) wall_s: f64,
    pub(crate) citizens_served: u64,
    pub(crate) citizens_failed: u64,
    pub(crate) messages_said: u64,
    pub(crate) replied: u64,
    /// Of the replies: news beside the conversation.
    courtesies: u64,
    pub(crate) certificates: u64,
    sms: u64,
    statuses_stored: u64,
    posts_not_stored: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    noise: Option<NoiseCount>,
    /// Events that the load tester lost itself, and turns it could not post: above 0 the run says nothing.
    pub(crate) events_lost: u64,
    /// How late citizens began against the plan: the load tester's own fault.
    pub(crate) start_late_ms: Percentiles,
    pub(crate) ack_ms: Percentiles,
    pub(crate) reply_ms: Percentiles,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<Usage>,
    /// The most messages that the server could not account for at any second; `None`: it never said.
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<f64>,
    /// The load tester's own: the crowd and the emulated Meta.
    pub(crate) tester_cpu_s: f64,
    pub(crate) limits: Vec<Held>,
    pub(crate) mistakes: Vec<Reason>,
    pub(crate) failures: Vec<Reason>,
    #[serde(skip)]
    pub(crate) samples: Vec<Sample>,
    /// From and to, in seconds.
    #[serde(skip)]
    pub(crate) troubles: Vec<(f64, f64)>,
}

/// A limit and whether it held.
#[derive(Debug, Serialize)]
pub(crate) struct Held {
    pub(crate) limit: &'static str,
    pub(crate) bound: f64,
    pub(crate) measured: f64,
    pub(crate) kept: bool,
}

/// What happened to how many citizens.
#[derive(Debug, Serialize)]
pub(crate) struct Reason {
    pub(crate) kind: &'static str,
    pub(crate) citizens: u64,
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// What a run brought besides its figures.
#[derive(Default)]
pub(crate) struct Ends {
    pub(crate) outcome: Outcome,
    pub(crate) samples: Vec<Sample>,
    pub(crate) server: Option<Usage>,
    pub(crate) tester_cpu_s: f64,
    /// Turns that the load tester could not post.
    pub(crate) refused: u64,
}

impl Report {
    /// The figures against the scenario's limits.
    pub(crate) fn of(scenario: &Scenario, figures: &Figures, ends: Ends) -> Self {
        let (mistakes, failures) = reasons(&ends.outcome, figures);
        let noise = figures.noise;
        let mut report = Self {
            scenario: scenario.name.clone(),
            about: scenario.about.clone(),
            seed: scenario.seed,
            wall_s: figures.wall.as_secs_f64(),
            citizens_served: figures.served,
            citizens_failed: figures.failed,
            messages_said: figures.said,
            replied: figures.replies,
            courtesies: figures.courtesies,
            certificates: figures.documents,
            sms: figures.sms,
            statuses_stored: figures.statuses,
            posts_not_stored: figures.not_stored,
            noise: (noise.forged + noise.odd + noise.hot > 0).then_some(noise),
            events_lost: figures.events_lost + ends.refused,
            start_late_ms: figures.late.percentiles(),
            ack_ms: figures.ack.percentiles(),
            reply_ms: figures.reply.percentiles(),
            server: ends.server,
            drift: drift(&ends.samples),
            tester_cpu_s: ends.tester_cpu_s,
            limits: Vec::new(),
            mistakes,
            failures,
            samples: ends.samples,
            troubles: scenario.troubles.iter().map(|trouble| (trouble.at_s, trouble.at_s + trouble.for_s)).collect(),
        };
        let ack_over = figures.ack.percent_over(1_000);
        report.limits = scenario
            .limits
            .named()
            .into_iter()
            .filter_map(|(limit, bound)| {
                let (bound, measured) = (bound?, report.measured(limit, ack_over, noise));
                // What was not measured holds nothing.
                let kept = measured.is_some_and(|measured| measured <= bound);
                Some(Held { limit, bound, measured: measured.unwrap_or(f64::NAN), kept })
            })
            .collect();
        report
    }

    fn measured(&self, limit: &str, ack_over: f64, noise: NoiseCount) -> Option<f64> {
        let mistakes = |kind: Kind| {
            let of_kind = self.mistakes.iter().filter(|reason| reason.kind == kind.name());
            Some(count(of_kind.map(|reason| reason.citizens).sum()))
        };
        match limit {
            "lost_max" => mistakes(Kind::Lost),
            "duplicated_max" => mistakes(Kind::Duplicated),
            "reordered_max" => mistakes(Kind::Reordered),
            "wrong_recipient_max" => mistakes(Kind::WrongRecipient),
            "wrong_step_max" => mistakes(Kind::WrongStep),
            "forged_taken_max" => Some(count(noise.forged_taken)),
            "odd_refused_max" => Some(count(noise.odd_refused)),
            "failed_percent_max" => Some(percent(self.citizens_failed, self.citizens_served + self.citizens_failed)),
            "redelivered_percent_max" => {
                Some(percent(self.posts_not_stored, self.ack_ms.count + self.posts_not_stored))
            }
            "ack_p50_ms" => Some(self.ack_ms.p50),
            "ack_p99_ms" => Some(self.ack_ms.p99),
            "ack_over_1_s_percent" => Some(ack_over),
            "reply_p50_ms" => Some(self.reply_ms.p50),
            "reply_p99_ms" => Some(self.reply_ms.p99),
            "memory_mib_max" => self.server.map(|usage| usage.peak_memory_mib),
            "memory_growth_percent_max" => self.growth(|sample, server| server.memory_mib - self.known_mib(sample)),
            "disk_growth_percent_max" => self.growth(|_, server| server.disk_mib),
            _ => None,
        }
    }

    /// What the citizens take who have become known by then: that is no leak. They come evenly.
    #[expect(clippy::cast_precision_loss, reason = "a count of citizens is far below 2^52")]
    fn known_mib(&self, sample: &Sample) -> f64 {
        CONTACT_MIB * self.citizens_served as f64 * sample.at_s / self.wall_s.max(1.0)
    }

    /// How much more, in per cent, a figure's middle is in the last quarter of the run than in the second.
    fn growth(&self, figure: impl Fn(&Sample, &ServerSample) -> f64) -> Option<f64> {
        let of = |sample: &Sample| sample.server.as_ref().map(|server| figure(sample, server));
        let figures: Vec<f64> = self.samples.iter().filter_map(of).collect();
        let quarter = figures.len() / 4;
        let middle = |part: &[f64]| {
            let mut part = part.to_vec();
            part.sort_by(f64::total_cmp);
            part.get(part.len() / 2).copied()
        };
        let (early, late) = (middle(&figures[quarter..2 * quarter])?, middle(&figures[3 * quarter..])?);
        Some((late / early - 1.0) * 100.0)
    }

    /// The limits that did not hold, and a server's account that does not add up; an event lost by the load tester
    /// itself breaks all trust.
    pub(crate) fn broken(&self) -> Vec<String> {
        let broken = self.limits.iter().filter(|limit| !limit.kept);
        let mut broken: Vec<String> = broken
            .map(|limit| format!("{} is {:.2}, the limit is {:.2}", limit.limit, limit.measured, limit.bound))
            .collect();
        if let Some(drift) = self.drift.filter(|drift| *drift > 0.0) {
            broken.push(format!("the server cannot account for {drift} of the messages that it took"));
        }
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
            "\n{} of {citizens} citizens served in {:.1} s: {} messages, {} replies ({} beside the conversation), \
             {} certificates, {} SMS, {} statuses; {} POSTs came again",
            self.citizens_served,
            self.wall_s,
            self.messages_said,
            self.replied,
            self.courtesies,
            self.certificates,
            self.sms,
            self.statuses_stored,
            self.posts_not_stored
        );
        if let Some(usage) = self.server {
            let _ = writeln!(
                table,
                "server: {:.1} s of CPU, {:.0} MiB at most; crowd and emulated Meta: {:.1} s of CPU",
                usage.cpu_s, usage.peak_memory_mib, self.tester_cpu_s
            );
        }
        if let Some(drift) = self.drift {
            let _ = writeln!(table, "messages that it could not account for: {drift} at its worst second");
        }
        if let Some(noise) = self.noise {
            let _ = writeln!(
                table,
                "noise: {} of {} forged POSTs taken, {} of {} odd ones refused, {} of {} messages of one contact taken",
                noise.forged_taken, noise.forged, noise.odd_refused, noise.odd, noise.hot_taken, noise.hot
            );
        }
        for reason in self.mistakes.iter().chain(&self.failures) {
            let Reason { kind, citizens, path, line, what } = reason;
            let _ = writeln!(table, "{kind}: {citizens} at {path}:{line}: {what}");
        }
        table
    }
}

fn drift(samples: &[Sample]) -> Option<f64> {
    let drifts = samples.iter().filter_map(|sample| sample.server.as_ref()?.drift);
    drifts.map(f64::abs).max_by(f64::total_cmp)
}

/// What was wrong, and who was not served, each the commonest first.
fn reasons(outcome: &Outcome, figures: &Figures) -> (Vec<Reason>, Vec<Reason>) {
    let reason = |kind, path: &str, line, what: &str, citizens| Reason {
        kind,
        citizens,
        path: path.to_owned(),
        line,
        what: what.to_owned(),
    };
    let mistakes = outcome.mistakes.iter();
    let mut mistakes: Vec<Reason> = mistakes
        .map(|((path, mistake), count)| reason(mistake.kind.name(), path, mistake.line, &mistake.what, *count))
        .collect();
    let noise = figures.noise;
    for (kind, count, what) in [
        (Kind::WrongRecipient, figures.strays, "a reply went to somebody who had not written"),
        (Kind::Lost, noise.hot - noise.hot_taken, "a message of the one who writes without end was never taken"),
    ] {
        if count > 0 {
            mistakes.push(reason(kind.name(), "", 0, what, count));
        }
    }
    let failures = outcome.failures.iter();
    let mut failures: Vec<Reason> = failures
        .map(|(failure, count)| reason("not served", &failure.script, failure.line, &failure.what, *count))
        .collect();
    for reasons in [&mut mistakes, &mut failures] {
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.citizens));
    }
    (mistakes, failures)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run")]
fn count(count: u64) -> f64 {
    count as f64
}
