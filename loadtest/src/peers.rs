//! `loadtest peers`: this server beside bots on libraries that others use, by turns in one run.
//!
//! Each bot of `loadtest/peers` answers each text with one text and keeps nothing; it is run as its library's
//! documentation says, with as many processes as make it fastest here. Every side gets the same three trials: a closed
//! loop at several numbers of turns under way (its best counts), every webhook twice, and Graph down for a while. As
//! with the floor, ratios count, not figures.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line speaks to a person")]

mod ledger;
mod peer;
mod table;
#[cfg(test)]
mod tests;
mod trials;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use tokio::task::JoinSet;

pub(crate) use peer::{Peer, Processes};

use crate::floor::side::{Round, Side};
use crate::floor::wire::Names;
use crate::floor::{Load, Statuses};
use table::{At, Machine, Report, Row};
use trials::{Outage, Trials, Twice};

/// Seconds of each try at a number of processes.
const CHOICE_SECONDS: u64 = 5;

#[derive(Args, Debug)]
pub(crate) struct Peers {
    /// Where `loadtest/peers/install` has installed them.
    folder: PathBuf,
    /// Only these of them.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Rounds; the middle one counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds measured of each side, at each number of slots, in a round.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Turns under way at once: each side is measured at all of these, and its best counts.
    #[arg(long, value_delimiter = ',', default_values_t = [16, 64, 256])]
    slots: Vec<usize>,
    /// Citizens who take turns.
    #[arg(long, default_value_t = 60_000)]
    citizens: usize,
    /// Webhooks that come twice.
    #[arg(long, default_value_t = 1_000)]
    twice: usize,
    /// Seconds that Graph is down; as many before and after it is up.
    #[arg(long, default_value_t = 10)]
    down_seconds: u64,
    /// Messages a second meanwhile.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// Seconds that replies are waited for when Graph is up again.
    #[arg(long, default_value_t = 150)]
    patience: u64,
    /// The server's binary, if not the one beside this one.
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Write the report's JSON here too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// One side, and what was seen of it at each number of slots.
struct Seen {
    side: Side,
    rounds: Vec<(usize, Vec<Round>)>,
}

impl Peers {
    fn check(&self) -> anyhow::Result<()> {
        ensure!((1..=100).contains(&self.rounds), "`--rounds` must be 1 to 100");
        ensure!((1..=3_600).contains(&self.seconds), "`--seconds` must be 1 to 3600");
        ensure!(!self.slots.is_empty() && self.slots.len() <= 8, "`--slots` must be one to eight numbers");
        ensure!(self.slots.iter().all(|slots| (1..=1_024).contains(slots)), "`--slots` must be 1 to 1024 each");
        ensure!((1_024..=5_000_000).contains(&self.citizens), "`--citizens` must be 1024 to 5000000");
        ensure!((1..=100_000).contains(&self.twice), "`--twice` must be 1 to 100000");
        ensure!((2..=600).contains(&self.down_seconds), "`--down-seconds` must be 2 to 600");
        ensure!((1..=500).contains(&self.rate), "`--rate` must be 1 to 500 messages a second");
        ensure!((1..=3_600).contains(&self.patience), "`--patience` must be 1 to 3600");
        Ok(())
    }

    fn load(&self, slots: usize, seconds: u64) -> Load {
        let names = Names::PhoneAndBsuid;
        Load {
            slots,
            citizens: self.citizens,
            rest: 0,
            seconds,
            first: false,
            statuses: Statuses::None,
            rate: 0.0,
            names,
        }
    }

    fn trials(&self) -> Trials {
        let down = Duration::from_secs(self.down_seconds);
        let patience = Duration::from_secs(self.patience);
        Trials { twice: self.twice, rate: self.rate, beside: down, down, patience }
    }

    fn installed(&self) -> anyhow::Result<Vec<Peer>> {
        let mut peers = Peer::all(&self.folder)?;
        for name in &self.only {
            let known = peers.iter().any(|peer| peer.name == *name);
            ensure!(known, "no peer `{name}` is installed below {}", self.folder.display());
        }
        peers.retain(|peer| self.only.is_empty() || self.only.contains(&peer.name));
        Ok(peers)
    }
}

pub(crate) fn measure(peers: &Peers) -> anyhow::Result<ExitCode> {
    peers.check()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(compare(peers))
}

async fn compare(peers: &Peers) -> anyhow::Result<ExitCode> {
    let binary = peers.server.clone().map_or_else(crate::server::beside, Ok)?;
    let mut machine = Machine::now();
    let mut sides = vec![Side::Server(binary)];
    for peer in peers.installed()? {
        sides.push(at_its_best(peer, peers).await?);
    }
    let seen = by_turns(sides, peers).await?;
    let (twice, outages) = trials(&seen, peers.trials()).await?;
    machine.end();
    let rows = seen.iter().zip(twice).zip(outages).map(|((seen, twice), outage)| row(seen, twice, outage));
    let report = Report::new(machine, peers.seconds, peers.rounds, rows.collect());
    println!("\n{}", report.table());
    let json = serde_json::to_string(&report)?;
    println!("{json}");
    if let Some(path) = &peers.json {
        std::fs::write(path, &json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let broken = report.broken();
    for bound in &broken {
        eprintln!("broken: {bound}");
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn play(side: &Side, load: Load) -> anyhow::Result<Round> {
    let round = side.play(load).await.with_context(|| format!("`{}` cannot be measured", side.name()))?;
    println!("{:<18} {:>9} {:>5} {}", side.name(), table::processes(side), load.slots, table::progress(&round));
    Ok(round)
}

/// The peer with as many processes as make it fastest, at the middle number of slots.
async fn at_its_best(peer: Peer, peers: &Peers) -> anyhow::Result<Side> {
    let load = peers.load(peers.slots[peers.slots.len() / 2], CHOICE_SECONDS);
    let mut best: Option<(f64, Side)> = None;
    println!("how many processes\n{}", table::PROGRESS);
    for processes in &peer.told.processes {
        let side = Side::Peer(peer.clone(), *processes);
        let rate = play(&side, load).await?.rate();
        if best.as_ref().is_none_or(|(most, _)| rate > *most) {
            best = Some((rate, side));
        }
    }
    Ok(best.context("no number of processes")?.1)
}

async fn by_turns(sides: Vec<Side>, peers: &Peers) -> anyhow::Result<Vec<Seen>> {
    let slots = || peers.slots.iter().map(|slots| (*slots, Vec::new())).collect();
    let mut seen: Vec<Seen> = sides.into_iter().map(|side| Seen { side, rounds: slots() }).collect();
    println!("by turns\n{}", table::PROGRESS);
    for _ in 0..peers.rounds {
        for n in 0..peers.slots.len() {
            for Seen { side, rounds } in &mut seen {
                let (slots, rounds) = &mut rounds[n];
                rounds.push(play(side, peers.load(*slots, peers.seconds)).await?);
            }
        }
    }
    Ok(seen)
}

/// Webhooks twice, one side after the other; then Graph's outage, for all sides at once: it is mostly waiting.
async fn trials(seen: &[Seen], trials: Trials) -> anyhow::Result<(Vec<Twice>, Vec<Outage>)> {
    let mut twice = Vec::new();
    for Seen { side, .. } in seen {
        println!("every webhook twice: {}", side.name());
        let one = trials.twice_of(side).await;
        twice.push(one.with_context(|| format!("`{}` cannot be tried with webhooks that come twice", side.name()))?);
    }
    println!("Graph down for {} s: all at once", trials.down.as_secs());
    let mut outages = JoinSet::new();
    for (n, Seen { side, .. }) in seen.iter().enumerate() {
        let side = side.clone();
        outages.spawn(async move {
            let outage = trials.outage_of(&side).await;
            outage.map(|outage| (n, outage)).with_context(|| format!("`{}` cannot be tried without Graph", side.name()))
        });
    }
    let mut all = outages.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    all.sort_by_key(|(n, _)| *n);
    Ok((twice, all.into_iter().map(|(_, outage)| outage).collect()))
}

fn row(seen: &Seen, twice: Twice, outage: Outage) -> Row {
    let at: Vec<At> = seen.rounds.iter().map(|(slots, rounds)| At::middle(*slots, rounds)).collect();
    Row::new(&seen.side, at, twice, outage)
}
