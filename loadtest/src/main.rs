//! The load tester: scenarios against this server or any other that speaks the Cloud API.
//!
//! It plays Meta and the SMS gateway (`siaga::emulator`) and a crowd of citizens who speak from transcripts.
//! Exit codes: 0 all limits held, 1 a limit is broken (and named), 2 the run could not be made.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line speaks to a person")]

mod certificate;
mod chat;
mod crowd;
mod figures;
mod floor;
mod scenario;
mod script;
mod server;
mod store;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use siaga::clock::SystemClock;
use siaga::emulator::{self, Emulator, Number, Options};
use siaga::ports::Clock as _;
use siaga::registry::embedded::population;

use figures::Report;
use scenario::Scenario;
use script::Script;
use server::{Secrets, Server};

/// The server's: figures of its parts are taken in this process.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The seed of the default configuration: the same people on both sides.
const SEED: u64 = 20_211_110;
const CITIZENS: usize = 10_000;

/// Events that the load tester may be behind.
const EVENTS_MAX: usize = 262_144;

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
    /// Measure this server beside the least that a durable replying server can do, by turns.
    Floor(floor::Floor),
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
    /// `smoke`, or a path to a scenario's file.
    scenario: String,
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
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Certificate { count, write } => {
            certificate::measure(count, write.as_deref()).map(|()| ExitCode::SUCCESS)
        }
        Command::Floor(floor) => floor::measure(&floor),
        Command::Store(figure) => store::measure(figure),
        Command::Run(run) => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("no runtime")
            .and_then(|runtime| runtime.block_on(play(&run))),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("loadtest: {error:#}");
        ExitCode::from(2)
    })
}

async fn play(run: &Run) -> anyhow::Result<ExitCode> {
    let scenario = Scenario::load(&run.scenario)?;
    let scripts: Vec<Arc<Script>> = scenario
        .paths
        .iter()
        .map(|share| Script::load(&share.transcript).map(Arc::new))
        .collect::<anyhow::Result<_>>()?;
    let report = match &run.target {
        Some(target) => against(run, &scenario, &scripts, target).await?,
        None => alone(run, &scenario, &scripts).await?,
    };
    println!("{}", report.table());
    let json = serde_json::to_string(&report)?;
    println!("{json}");
    if let Some(path) = &run.json {
        std::fs::write(path, &json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let broken = report.broken();
    for limit in &broken {
        eprintln!("broken: {limit}");
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Against a server of our own.
async fn alone(run: &Run, scenario: &Scenario, scripts: &[Arc<Script>]) -> anyhow::Result<Report> {
    let binary = run.server.clone().map_or_else(server::beside, Ok)?;
    let (secrets, webhook) = (Secrets::random(), server::free_address()?);
    let emulator = meta(scenario, &format!("http://{webhook}/webhook"), &secrets, None).await?;
    let server = Server::start(&binary, &scenario.whatsapp, webhook, &emulator.url(), &secrets).await?;
    let people = population(SEED, CITIZENS, SystemClock::default().now().day_wib());
    let figures = crowd::send(scenario, scripts, &people, &emulator).await?;
    let usage = server.usage()?;
    server.stop().await?;
    emulator.stop().await;
    Ok(figures.report(scenario, Some(usage)))
}

/// Against a server that is running.
async fn against(run: &Run, scenario: &Scenario, scripts: &[Arc<Script>], target: &str) -> anyhow::Result<Report> {
    let secret = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
    let secrets =
        Secrets { app_secret: secret("LOADTEST_APP_SECRET")?, access_token: secret("LOADTEST_ACCESS_TOKEN")? };
    let emulator = meta(scenario, target, &secrets, run.graph).await?;
    let people = population(SEED, CITIZENS, SystemClock::default().now().day_wib());
    let figures = crowd::send(scenario, scripts, &people, &emulator).await?;
    emulator.stop().await;
    Ok(figures.report(scenario, None))
}

/// The emulated WhatsApp with the scenario's numbers and times.
async fn meta(
    scenario: &Scenario,
    webhook: &str,
    secrets: &Secrets,
    bind: Option<SocketAddr>,
) -> anyhow::Result<Emulator> {
    let mut options =
        Options::new(webhook, &secrets.app_secret, &secrets.access_token, Arc::new(SystemClock::default()));
    options.bind = bind.unwrap_or(options.bind);
    let messages_per_s = scenario.whatsapp.messages_per_s;
    options.numbers = server::numbers(&scenario.whatsapp)
        .into_iter()
        .map(|(id, display)| Number { id, display, messages_per_s })
        .collect();
    options.latency_ms = scenario.whatsapp.latency_ms;
    options.statuses.sent_ms = scenario.whatsapp.status_delay_ms / 2;
    options.statuses.delivered_ms = scenario.whatsapp.status_delay_ms;
    options.statuses.read_ms = Some(scenario.whatsapp.status_delay_ms + 500);
    options.bounds.events_max = EVENTS_MAX;
    // Nobody looks at the page.
    options.bounds.chats_max = 0;
    options.bounds.connections_max = 256;
    Ok(emulator::start(options).await?)
}
