//! The load tester: scenarios against this server or any other that speaks the Cloud API.
//!
//! It plays Meta and the SMS gateway (`siaga::emulator`) and a crowd of citizens who speak from transcripts.
//! Exit codes: 0 all limits held, 1 a limit is broken (and named), 2 the run could not be made.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line speaks to a person")]

mod capacity;
mod certificate;
mod chat;
mod checker;
mod crowd;
mod directory;
mod figures;
mod floor;
mod html;
mod mail;
mod noise;
mod peers;
mod people;
mod play;
mod prove;
mod report;
mod sabotage;
mod samples;
mod scenario;
mod script;
mod server;
mod store;
mod troubles;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use play::Subject;
use scenario::Scenario;
use server::Secrets;

/// The server's: figures of its parts are taken in this process.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Debug, Parser)]
#[command(name = "loadtest", version, about = "Load scenarios for siaga and for any server that speaks the Cloud API")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play a scenario of loadtest/scenarios (or a file) and hold the server to its limits.
    Run(Run),
    /// Search for the highest rate inside Meta's bar, and reckon what the national peak takes.
    Capacity(capacity::Capacity),
    /// Show of every limit of every scenario that it breaks when what it guards against happens.
    Prove(prove::Prove),
    /// Measure this server beside the least that a durable replying server can do, by turns.
    Floor(floor::Floor),
    /// Measure this server beside other bots, as `loadtest/peers/install` has installed them, by turns.
    Peers(peers::Peers),
    /// Measure the store by itself.
    #[command(subcommand)]
    Store(store::Figure),
    /// Measure how long one certificate takes.
    Certificate {
        #[arg(long, default_value_t = 5_000)]
        count: u32,
        /// Write one of them here.
        #[arg(long, value_name = "FILE")]
        write: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
struct Run {
    /// `smoke` or another of loadtest/scenarios, or a path to a scenario's file.
    scenario: String,
    /// So many times the citizens, at so many times the rate.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// The same story told in so many seconds: troubles come and go earlier in proportion.
    #[arg(long)]
    seconds: Option<f64>,
    /// Look only at what was lost, doubled, out of order or wrong: for a machine that is busy with other things.
    #[arg(long)]
    no_times: bool,
    /// The server's binary, if not the one beside this one.
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    server: Option<PathBuf>,
    /// A running server's webhook, such as http://127.0.0.1:8080/webhook. Its Graph API must be `--graph`, its SMS
    /// gateway `--graph`/sms, and its secrets those of LOADTEST_APP_SECRET and LOADTEST_ACCESS_TOKEN.
    #[arg(long, value_name = "URL", requires = "graph")]
    target: Option<String>,
    /// Where the emulated Graph API listens for `--target`.
    #[arg(long, value_name = "ADDRESS")]
    graph: Option<SocketAddr>,
    /// Write the report's JSON here too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the run as a page with plots here.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Certificate { count, write } => {
            certificate::measure(count, write.as_deref()).map(|()| ExitCode::SUCCESS)
        }
        Command::Floor(floor) => floor::measure(&floor),
        Command::Peers(peers) => peers::measure(&peers),
        Command::Store(figure) => store::measure(figure),
        Command::Run(run) => runtime().and_then(|runtime| runtime.block_on(play(&run))),
        Command::Prove(proof) => runtime().and_then(|runtime| runtime.block_on(prove::prove(&proof))),
        Command::Capacity(capacity) => runtime().and_then(|runtime| runtime.block_on(capacity::search(&capacity))),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("loadtest: {error:#}");
        ExitCode::from(2)
    })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")
}

async fn play(run: &Run) -> anyhow::Result<ExitCode> {
    let mut scenario = Scenario::load(&run.scenario)?;
    scenario.scale(run.scale)?;
    if let Some(seconds) = run.seconds {
        scenario.last(seconds)?;
    }
    if run.no_times {
        scenario.forget_times();
    }
    let report = play::play(scenario, &subject(run)?).await?;
    println!("{}", report.table());
    let json = serde_json::to_string(&report)?;
    println!("{json}");
    if let Some(path) = &run.json {
        std::fs::write(path, &json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &run.html {
        std::fs::write(path, html::page(&report)?).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let broken = report.broken();
    for limit in &broken {
        eprintln!("broken: {limit}");
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn subject(run: &Run) -> anyhow::Result<Subject> {
    let Some(webhook) = run.target.clone() else {
        return Ok(Subject::Own(run.server.clone().map_or_else(server::beside, Ok)?));
    };
    let secret = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
    let secrets =
        Secrets { app_secret: secret("LOADTEST_APP_SECRET")?, access_token: secret("LOADTEST_ACCESS_TOKEN")? };
    Ok(Subject::Running { webhook, graph: run.graph, secrets })
}
