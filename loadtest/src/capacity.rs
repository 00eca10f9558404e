//! `loadtest capacity`: the highest rate at which everybody is served inside Meta's bar, and what the national peak
//! would take of machines like this and of business numbers.
//!
//! The rate is doubled until a run breaks a limit, then halved between what held and what did not. Each run has a
//! server and a store of its own. A rate counts as broken when it broke twice: a shared machine stumbles by itself.
#![expect(clippy::print_stdout, reason = "the command line speaks to a person")]

mod peak;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;
use clap::Args;

use crate::play::{self, Subject};
use crate::report::Report;
use crate::scenario::Scenario;
use crate::server;

use peak::Holds;

/// Tries of a rate that broke.
const TRIES: usize = 2;
/// How near what held and what broke come to each other.
const NEAR: f64 = 1.1;
/// The load tester is behind when it begins later than this: then it is what broke.
const START_LATE_MS: f64 = 250.0;

#[derive(Args, Debug)]
pub(crate) struct Capacity {
    /// Whose citizens, Meta and limits; its arrivals are replaced.
    #[arg(default_value = "capacity")]
    scenario: String,
    /// Citizens a second to begin with.
    #[arg(long, default_value_t = 20.0)]
    from: f64,
    /// And at the most.
    #[arg(long, default_value_t = 4_000.0)]
    to: f64,
    /// How long citizens come in each run: at most 40,000 in all, of the 100,000 that the registry can know.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// The server's binary, if not the one beside this one.
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

/// A search for the highest rate that holds.
#[derive(Clone, Copy, Debug)]
struct Search {
    next: f64,
    to: f64,
    held: Option<f64>,
    broke: Option<f64>,
}

impl Search {
    fn new(from: f64, to: f64) -> Self {
        Self { next: from.min(to), to, held: None, broke: None }
    }

    /// What a run at `next` showed; gives whether there is more to try.
    fn told(&mut self, kept: bool) -> bool {
        if kept {
            self.held = Some(self.next);
        } else {
            self.broke = Some(self.next);
        }
        self.next = match (self.held, self.broke) {
            (Some(held), None) => (held * 2.0).min(self.to),
            (None, Some(broke)) => broke / 2.0,
            (Some(held), Some(broke)) => f64::midpoint(held, broke),
            (None, None) => self.next,
        };
        match (self.held, self.broke) {
            (Some(held), Some(broke)) => broke / held > NEAR,
            (Some(held), None) => held < self.to,
            (None, _) => self.next >= 0.5,
        }
    }
}

pub(crate) async fn search(capacity: &Capacity) -> anyhow::Result<ExitCode> {
    ensure!(capacity.from > 0.0 && capacity.from <= capacity.to, "`--from` must be above 0 and at most `--to`");
    let scenario = Scenario::load(&capacity.scenario)?;
    let subject = Subject::Own(capacity.server.clone().map_or_else(server::beside, Ok)?);
    let mut search = Search::new(capacity.from, capacity.to);
    let mut best: Option<Holds> = None;
    let mut why = String::new();
    loop {
        let rate = search.next;
        let mut kept = None;
        for _ in 0..TRIES {
            let mut scenario = scenario.clone();
            scenario.arrive(rate, capacity.seconds)?;
            let report = match play::play(scenario, &subject).await {
                Ok(report) => report,
                // Too few citizens to go higher: what held so far is what is known.
                Err(error) if best.is_some() => {
                    println!("{rate:>8.1} citizens/s: cannot be tried: {error:#}");
                    why = format!("{error:#}");
                    break;
                }
                Err(error) => return Err(error),
            };
            let broken = faults(&report);
            println!("{}", line(rate, &report, &broken));
            if broken.is_empty() {
                kept = Some(report);
                break;
            }
            why = broken.join("; ");
        }
        if let Some(report) = &kept {
            best = Some(Holds::of(rate, report));
        }
        if !search.told(kept.is_some()) {
            break;
        }
    }
    let Some(best) = best else {
        println!("this machine holds not even {:.1} citizens/s: {why}", search.next * 2.0);
        return Ok(ExitCode::from(1));
    };
    println!("{}", best.told(&why));
    Ok(ExitCode::SUCCESS)
}

/// Why a run did not hold.
fn faults(report: &Report) -> Vec<String> {
    let mut broken = report.broken();
    if report.start_late_ms.p99 > START_LATE_MS {
        broken.push(format!("the load tester began {:.0} ms late", report.start_late_ms.p99));
    }
    broken
}

fn line(rate: f64, report: &Report, broken: &[String]) -> String {
    let verdict = if broken.is_empty() { "held".to_owned() } else { broken.join("; ") };
    format!(
        "{rate:>8.1} citizens/s: 200 p50 {:.1} p99 {:.1} ms, reply p99 {:.1} ms: {verdict}",
        report.ack_ms.p50, report.ack_ms.p99, report.reply_ms.p99
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rates that are tried on a machine that holds so many.
    fn tried(holds: f64, from: f64, to: f64) -> (Vec<f64>, Option<f64>) {
        let mut search = Search::new(from, to);
        let mut tried = Vec::new();
        loop {
            tried.push(search.next);
            if !search.told(tried.last().is_some_and(|rate| *rate <= holds)) {
                return (tried, search.held);
            }
            assert!(tried.len() < 50, "{tried:?}");
        }
    }

    #[test]
    fn a_rate_is_doubled_until_it_breaks_and_then_halved_between() {
        let (tried, held) = tried(100.0, 20.0, 1_000.0);
        assert_eq!(tried[..4], [20.0, 40.0, 80.0, 160.0]);
        let held = held.expect("something holds");
        assert!((90.0..=100.0).contains(&held), "{held} of {tried:?}");
    }

    #[test]
    fn a_machine_that_holds_less_than_the_first_try_is_found_too_and_one_that_holds_nothing() {
        let (_, held) = tried(3.0, 20.0, 1_000.0);
        assert!(held.is_some_and(|held| (2.7..=3.0).contains(&held)));
        assert_eq!(tried(0.0, 20.0, 1_000.0).1, None);
    }

    #[test]
    fn what_holds_at_the_most_that_is_tried_is_not_tried_again() {
        assert_eq!(tried(5_000.0, 100.0, 300.0), (vec![100.0, 200.0, 300.0], Some(300.0)));
    }
}
