//! `loadtest floor`: this server beside the least that a durable replying server can do, by turns in one run.
//!
//! The machine is shared and its disk has moods, so no figure stands alone: what counts is the ratio of the two, the
//! middle of a few rounds. A ratio says something only when the floor kept the machine busy; else the report says
//! how much of it was idle, waiting for the disk.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line speaks to a person")]

pub(crate) mod client;
mod group;
mod least;
pub(crate) mod meta;
pub(crate) mod seen;
pub(crate) mod side;
pub(crate) mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};

use side::{Round, Side};

/// The floor's secret comes by its environment: a command line is everybody's to read.
const SECRET: &str = "LOADTEST_FLOOR_SECRET";

/// Turns a second with their statuses, twenty in a POST.
const BATCHED_PER_S_MIN: f64 = 4_000.0;

#[derive(Args, Debug)]
pub(crate) struct Floor {
    /// Rounds; the middle one counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds measured of each side in a round.
    #[arg(long, default_value_t = 12)]
    seconds: u64,
    /// Turns under way at once, or connections of an open loop.
    #[arg(long, default_value_t = 64)]
    slots: usize,
    /// Citizens who take turns.
    #[arg(long, default_value_t = 60_000)]
    citizens: usize,
    /// Further citizens who spoke once before it is measured, and rest: how the cost grows with those who are known.
    #[arg(long, default_value_t = 0)]
    rest: usize,
    /// Each citizen speaks once: every turn is a first contact.
    #[arg(long)]
    first: bool,
    /// What is told of each reply: nothing, three statuses with a POST each, or twenty in a POST.
    #[arg(long, value_enum, default_value_t = Statuses::None)]
    statuses: Statuses,
    /// Turns that begin in a second, whoever is late; 0: as many as the slots manage.
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
    /// The server's binary, if not the one beside this one.
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    #[command(subcommand)]
    least: Option<Least>,
}

#[derive(Debug, Subcommand)]
enum Least {
    /// The floor itself, as a process of its own.
    #[command(hide = true)]
    Serve { at: SocketAddr, graph: SocketAddr, log: PathBuf },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Statuses {
    None,
    Each,
    Batched,
}

/// What each side is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) slots: usize,
    pub(crate) citizens: usize,
    pub(crate) rest: usize,
    pub(crate) seconds: u64,
    pub(crate) first: bool,
    pub(crate) statuses: Statuses,
    pub(crate) rate: f64,
    pub(crate) names: wire::Names,
}

pub(crate) fn measure(floor: &Floor) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if let Some(Least::Serve { at, graph, log }) = &floor.least {
        let secret = std::env::var(SECRET).with_context(|| format!("{SECRET} is not set"))?;
        return runtime.block_on(least::serve(*at, *graph, secret, log)).map(|()| ExitCode::SUCCESS);
    }
    anyhow::ensure!((1..=100).contains(&floor.rounds), "`--rounds` must be 1 to 100");
    anyhow::ensure!((1..=1_024).contains(&floor.slots), "`--slots` must be 1 to 1024");
    anyhow::ensure!((floor.slots..=5_000_000).contains(&floor.citizens), "`--citizens` must be `--slots` to 5000000");
    anyhow::ensure!(floor.rest <= 5_000_000, "`--rest` must be at most 5000000");
    anyhow::ensure!(
        floor.rest == 0 || floor.rate == 0.0 && !floor.first,
        "`--rest` is for the closed loop that is warm"
    );
    anyhow::ensure!((0.0..=100_000.0).contains(&floor.rate), "`--rate` must be 0 to 100000 turns a second");
    runtime.block_on(compare(floor))
}

async fn compare(floor: &Floor) -> anyhow::Result<ExitCode> {
    let binary = floor.server.clone().map_or_else(crate::server::beside, Ok)?;
    let load = Load {
        slots: floor.slots,
        citizens: floor.citizens,
        rest: floor.rest,
        seconds: floor.seconds,
        first: floor.first,
        statuses: floor.statuses,
        rate: floor.rate,
        names: wire::Names::Phone,
    };
    let mut sides = [(Side::Floor, Vec::new()), (Side::Server(binary), Vec::new())];
    println!("{}", Round::HEAD);
    for _ in 0..floor.rounds {
        for (side, rounds) in &mut sides {
            let round = side.play(load).await?;
            println!("{}", round.row(side.name()));
            rounds.push(round);
        }
    }
    let [(_, least), (_, server)] = &sides;
    let broken = verdict(least, server, load);
    for bound in &broken {
        eprintln!("broken: {bound}");
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

pub(crate) fn middle(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> f64 {
    let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The ratios, and which of them are worse than they may be.
fn verdict(least: &[Round], server: &[Round], load: Load) -> Vec<String> {
    let mut broken = Vec::new();
    let mut hold = |what: &str, measured: f64, bound: f64, kept: bool| {
        println!("{what}: {measured:.2} (bound {bound:.2})");
        if !kept {
            broken.push(format!("{what}: {measured:.2}, bound {bound:.2}"));
        }
    };
    let lost = server.iter().map(|round| round.seen.lost + round.seen.more).sum::<u64>();
    #[expect(clippy::cast_precision_loss, reason = "a count of the few that are lost")]
    hold("replies lost or not asked for", lost as f64, 0.0, lost == 0);
    let cpu = middle(server, Round::cpu_us) / middle(least, Round::cpu_us);
    if load.rate > 0.0 {
        hold("CPU a turn, times the floor's", cpu, 1.6, cpu <= 1.6);
        // The best round of each: what the machine did beside is in the others.
        let best = |rounds: &[Round], figure: fn(&Round) -> f64| rounds.iter().map(figure).fold(f64::MAX, f64::min);
        for (what, figure, more) in
            [("ack p99 ms", Round::ack_p99_ms as fn(&Round) -> f64, 5.0), ("reply p99 ms", Round::reply_p99_ms, 10.0)]
        {
            let (measured, bound) = (best(server, figure), 3.0 * best(least, figure) + more);
            hold(what, measured, bound, measured <= bound);
        }
        return broken;
    }
    if load.statuses == Statuses::Batched {
        let rate = middle(server, Round::rate);
        hold("turns a second", rate, BATCHED_PER_S_MIN, rate >= BATCHED_PER_S_MIN);
        return broken;
    }
    let busy = middle(least, |round| round.busy);
    if busy < 0.9 && load.statuses == Statuses::None {
        println!(
            "no ratio of rates: the floor left {:.0} % of the cores idle, waiting for the disk",
            (1.0 - busy) * 100.0
        );
    } else {
        let rate = middle(server, Round::rate) / middle(least, Round::rate);
        hold("turns a second, of the floor's", rate, 0.5, rate >= 0.5);
    }
    if load.statuses == Statuses::None {
        hold("CPU a turn, times the floor's", cpu, 2.0, cpu <= 2.0);
    }
    broken
}
