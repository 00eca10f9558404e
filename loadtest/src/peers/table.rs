//! What `loadtest peers` reports: a table that can stand in a README as it is, and the same as JSON.

use std::fmt::Write as _;
use std::time::UNIX_EPOCH;

use serde::Serialize;
use time::OffsetDateTime;

use super::trials::{Outage, Twice};
use crate::floor::side::{Round, Side};

/// So many times the turns a second of the fastest peer are asked for.
const TIMES: f64 = 3.0;

pub(super) const PROGRESS: &str = "side               processes slots   turns/s  CPU us/turn  Meta us/turn  busy  ack ms p99  reply ms p99  memory MiB  not taken  lost  more";

#[derive(Debug, Serialize)]
pub(super) struct Report {
    machine: Machine,
    seconds: u64,
    rounds: usize,
    rows: Vec<Row>,
    /// Turns a second of this server at its best, over those of the fastest peer at its best.
    times_the_fastest: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Machine {
    date: String,
    cores: usize,
    processor: String,
    /// Load average of a minute, as the run began and ended; its own load is in the second.
    load: (f64, f64),
}

#[derive(Debug, Serialize)]
pub(super) struct Row {
    name: String,
    about: String,
    processes: u32,
    /// Of `at`, the one with the most turns a second.
    best: At,
    at: Vec<At>,
    twice: Twice,
    outage: Outage,
}

/// At one number of slots; of each figure the middle round's.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct At {
    pub(super) slots: usize,
    pub(super) turns_per_s: f64,
    pub(super) cpu_us_per_turn: f64,
    pub(super) ack_p99_ms: f64,
    pub(super) reply_p99_ms: f64,
    /// Of all its processes at the end of the round; what they share counts once.
    pub(super) memory_mib: f64,
    /// Over all rounds.
    pub(super) lost: u64,
    pub(super) not_asked_for: u64,
}

impl At {
    pub(super) fn middle(slots: usize, rounds: &[Round]) -> Self {
        let middle = |figure: fn(&Round) -> f64| crate::floor::middle(rounds, figure);
        Self {
            slots,
            turns_per_s: middle(Round::rate),
            cpu_us_per_turn: middle(Round::cpu_us),
            ack_p99_ms: middle(Round::ack_p99_ms),
            reply_p99_ms: middle(Round::reply_p99_ms),
            memory_mib: middle(|round| round.memory_mib),
            lost: rounds.iter().map(|round| round.seen.lost).sum(),
            not_asked_for: rounds.iter().map(|round| round.seen.more).sum(),
        }
    }
}

impl Row {
    pub(super) fn new(side: &Side, at: Vec<At>, twice: Twice, outage: Outage) -> Self {
        let about = match side {
            Side::Peer(peer, _) => peer.told.about.clone(),
            Side::Server(_) | Side::Floor => "this server, with all it does".to_owned(),
        };
        let best = at.iter().copied().max_by(|one, other| one.turns_per_s.total_cmp(&other.turns_per_s));
        // At least one number of slots is asked for.
        let best = best.unwrap_or_else(|| At::middle(0, &[]));
        Self { name: side.name().to_owned(), about, processes: processes(side), best, at, twice, outage }
    }
}

pub(super) fn processes(side: &Side) -> u32 {
    match side {
        Side::Peer(_, processes) => *processes,
        Side::Server(_) | Side::Floor => 1,
    }
}

/// One round under [`PROGRESS`], behind side, processes and slots.
pub(super) fn progress(round: &Round) -> String {
    format!(
        "{:>9.0} {:>12.1} {:>13.1} {:>4.0}% {:>11.1} {:>13.1} {:>11.0} {:>10} {:>5} {:>5}",
        round.rate(),
        round.cpu_us(),
        round.own_cpu_us(),
        round.busy * 100.0,
        round.ack_p99_ms(),
        round.reply_p99_ms(),
        round.memory_mib,
        round.seen.not_taken,
        round.seen.lost,
        round.seen.more,
    )
}

impl Machine {
    pub(super) fn now() -> Self {
        let now_s = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        let now = OffsetDateTime::UNIX_EPOCH + std::time::Duration::from_secs(now_s);
        let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let named = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Self {
            date: now.date().to_string(),
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            processor: named.map_or("unknown", |(_, name)| name.trim()).to_owned(),
            load: (load(), 0.0),
        }
    }

    pub(super) fn end(&mut self) {
        self.load.1 = load();
    }
}

fn load() -> f64 {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().next().and_then(|load| load.parse().ok()).unwrap_or_default()
}

impl Report {
    /// The first row is this server's.
    pub(super) fn new(machine: Machine, seconds: u64, rounds: usize, rows: Vec<Row>) -> Self {
        let rate = |row: &Row| row.best.turns_per_s;
        let fastest = rows.iter().skip(1).map(rate).fold(f64::MIN_POSITIVE, f64::max);
        let times_the_fastest = rows.first().map_or(0.0, rate) / fastest;
        Self { machine, seconds, rounds, rows, times_the_fastest }
    }

    pub(super) fn table(&self) -> String {
        let Machine { date, cores, processor, load } = &self.machine;
        let mut table = format!(
            "{date}, {cores} cores ({processor}), load average {:.1} before and {:.1} after; the middle of {} rounds of {} s\n\n\
             | server | processes | turns/s | turns under way | CPU us/turn | reply p99 ms | memory MiB | answered twice \
             | lost while Graph was down |\n|---|---|---|---|---|---|---|---|---|\n",
            load.0, load.1, self.rounds, self.seconds
        );
        for Row { name, processes, best, twice, outage, .. } in &self.rows {
            let _infallible = writeln!(
                table,
                "| {name} | {processes} | {:.0} | {} | {:.0} | {:.1} | {:.0} | {} of {} | {} of {} |",
                best.turns_per_s,
                best.slots,
                best.cpu_us_per_turn,
                best.reply_p99_ms,
                best.memory_mib,
                twice.doubled,
                twice.webhooks,
                outage.lost,
                outage.while_down,
            );
        }
        let _infallible = write!(table, "\nturns a second, times the fastest peer's: {:.2}", self.times_the_fastest);
        table
    }

    /// What this server does not keep.
    pub(super) fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let times = self.times_the_fastest;
        if times < TIMES {
            broken.push(format!("turns a second, times the fastest peer's: {times:.2}, bound {TIMES:.2}"));
        }
        let Some(Row { at, twice, outage, .. }) = self.rows.first() else { return broken };
        let lost = at.iter().map(|at| at.lost).sum::<u64>();
        let more = at.iter().map(|at| at.not_asked_for).sum::<u64>();
        for (what, measured) in [
            ("replies lost in the closed loop", usize::try_from(lost).unwrap_or(usize::MAX)),
            ("replies that nobody asked for", usize::try_from(more).unwrap_or(usize::MAX)),
            ("webhooks that came twice and were answered twice", twice.doubled),
            ("webhooks that came twice and were not answered", twice.unanswered),
            ("replies lost while Graph was down", outage.lost),
            ("messages answered twice while Graph was down", outage.doubled),
        ] {
            if measured > 0 {
                broken.push(format!("{what}: {measured}, bound 0"));
            }
        }
        broken
    }
}
