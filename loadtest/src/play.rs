//! One run of a scenario, from an empty machine to its report.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use siaga::clock::SystemClock;
use siaga::emulator::{self, Emulator, Number, Options};
use siaga::ports::Clock as _;
use siaga::registry::embedded::{Citizen, population};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::crowd::{self, Stage};
use crate::directory::Directory;
use crate::noise;
use crate::report::{Ends, Report};
use crate::sabotage::{Sabotage, Saboteur};
use crate::samples::Sampler;
use crate::scenario::{Scenario, WhatsApp};
use crate::script::Script;
use crate::server::{self, Launch, Secrets, Server, Shared, usage_of};
use crate::troubles::{self, World};

/// The seed of the default configuration: the same people on both sides.
const SEED: u64 = 20_211_110;

/// Events that the load tester may be behind.
const EVENTS_MAX: usize = 262_144;
/// Connections that Meta holds to a webhook, and POSTs and statuses that wait for one.
const CONNECTIONS_MAX: usize = 1_024;
const OPEN_POSTS_MAX: usize = 2_000_000;

/// What is loaded.
pub(crate) enum Subject {
    /// A server that is started for the run.
    Own(PathBuf),
    /// The same, with somebody on its wires.
    Sabotaged { binary: PathBuf, sabotage: Sabotage },
    /// A server that runs; its Graph API and SMS gateway are expected at `graph`.
    Running { webhook: String, graph: Option<SocketAddr>, secrets: Secrets },
}

/// Plays a scenario.
pub(crate) async fn play(scenario: Scenario, subject: &Subject) -> anyhow::Result<Report> {
    let scripts: Vec<Arc<Script>> = scenario
        .paths
        .iter()
        .map(|share| Script::load(&share.transcript, share.turns).map(Arc::new))
        .collect::<anyhow::Result<_>>()?;
    let people = population(SEED, scenario.registered()?, SystemClock::default().now().day_wib());
    match subject {
        Subject::Own(binary) => alone(scenario, &scripts, &people, binary.clone(), None).await,
        Subject::Sabotaged { binary, sabotage } => {
            let saboteur = Saboteur::listen(*sabotage).await?;
            alone(scenario, &scripts, &people, binary.clone(), Some(&saboteur)).await
        }
        Subject::Running { webhook, graph, secrets } => {
            let needy = scenario.troubles.iter().find(|trouble| trouble.what.needs_the_process());
            ensure!(needy.is_none(), "{needy:?} needs a server that is started for the run, not `--target`");
            let emulator = meta(&scenario.whatsapp, webhook, secrets, *graph).await?;
            let report = run(scenario, &scripts, &people, &emulator, None, None).await;
            emulator.stop().await;
            report
        }
    }
}

/// Against a server of our own.
async fn alone(
    scenario: Scenario,
    scripts: &[Arc<Script>],
    people: &[Citizen],
    binary: PathBuf,
    saboteur: Option<&Arc<Saboteur>>,
) -> anyhow::Result<Report> {
    let (secrets, webhook) = (Secrets::random(), server::free_address()?);
    let posted_to = saboteur.map_or(webhook, |saboteur| saboteur.webhook);
    let emulator = meta(&scenario.whatsapp, &format!("http://{posted_to}/webhook"), &secrets, None).await?;
    let graph = match saboteur {
        None => emulator.url(),
        Some(saboteur) => {
            saboteur.between(webhook, &emulator.url())?;
            format!("http://{}", saboteur.graph)
        }
    };
    let directory = match scenario.server.directory_ms {
        Some(latency_ms) => Some(Arc::new(Directory::start(people, latency_ms).await?)),
        None => None,
    };
    let launch = Launch {
        binary,
        whatsapp: scenario.whatsapp.clone(),
        settings: scenario.server.clone(),
        webhook,
        graph,
        secrets,
        directory: directory.as_ref().map(|directory| directory.address),
    };
    let server = Arc::new(Mutex::new(Server::launch(launch).await?));
    let report = run(scenario, scripts, people, &emulator, Some(&server), directory.clone()).await?;
    // Troubles end before the last citizen is served, and he still asks it.
    drop(directory);
    server.lock().await.stop().await?;
    emulator.stop().await;
    Ok(report)
}

async fn run(
    scenario: Scenario,
    scripts: &[Arc<Script>],
    people: &[Citizen],
    emulator: &Emulator,
    server: Option<&Shared>,
    directory: Option<Arc<Directory>>,
) -> anyhow::Result<Report> {
    let plan = crowd::plan(&scenario, scripts, people)?;
    let numbers = server::numbers(&scenario.whatsapp).into_iter().map(|(id, _)| id).collect();
    let seconds = Duration::from_secs_f64(scenario.arrivals.seconds());
    let stage = Stage::new(scenario, emulator.clone(), numbers)?;
    let own_before = usage_of(std::process::id())?.cpu_s;
    let begun = Instant::now();
    let sampler = Sampler::begin(Arc::clone(&stage), server.cloned(), plan.len(), begun);
    let mut noises = JoinSet::new();
    for noise in stage.scenario.noise.clone() {
        noises.spawn(noise::make(Arc::clone(&stage), noise, begun, begun + seconds));
    }
    let world = World { stage: Arc::clone(&stage), server: server.cloned(), directory };
    let troubles = tokio::spawn(troubles::bring(world, begun));
    let outcome = crowd::send(&stage, plan, begun).await?;
    noises.join_all().await;
    troubles.await??;
    let samples = sampler.end();
    let server = match server {
        Some(server) => Some(server.lock().await.usage()?),
        None => None,
    };
    let refused = *stage.mail.refused.lock().unwrap_or_else(PoisonError::into_inner);
    let tester_cpu_s = usage_of(std::process::id())?.cpu_s - own_before;
    let figures = stage.with(|figures| figures.clone());
    Ok(Report::of(&stage.scenario, &figures, Ends { outcome, samples, server, tester_cpu_s, refused }))
}

/// The emulated WhatsApp with the scenario's numbers and times.
async fn meta(
    whatsapp: &WhatsApp,
    webhook: &str,
    secrets: &Secrets,
    bind: Option<SocketAddr>,
) -> anyhow::Result<Emulator> {
    let mut options =
        Options::new(webhook, &secrets.app_secret, &secrets.access_token, Arc::new(SystemClock::default()));
    options.bind = bind.unwrap_or(options.bind);
    let messages_per_s = whatsapp.messages_per_s;
    let numbers = server::numbers(whatsapp).into_iter();
    options.numbers = numbers.map(|(id, display)| Number { id, display, messages_per_s }).collect();
    options.latency_ms = whatsapp.latency_ms;
    options.statuses.sent_ms = whatsapp.status_delay_ms / 2;
    options.statuses.delivered_ms = whatsapp.status_delay_ms;
    options.statuses.read_ms = Some(whatsapp.status_delay_ms + 500);
    options.statuses.shuffled = whatsapp.statuses_shuffled;
    options.statuses.batch_max = whatsapp.statuses_batch_max;
    options.statuses.gather_ms = whatsapp.statuses_gather_ms;
    options.redelivery.timeout_ms = whatsapp.post_timeout_ms;
    options.redelivery.gap_first_ms = whatsapp.redelivery_gap_ms;
    options.redelivery.gap_max_ms = whatsapp.redelivery_gap_max_ms;
    options.bounds.events_max = EVENTS_MAX;
    // Nobody looks at the page.
    options.bounds.chats_max = 0;
    options.bounds.connections_max = CONNECTIONS_MAX;
    options.bounds.open_posts_max = OPEN_POSTS_MAX;
    options.bounds.contacts_max = 2_500_000;
    Ok(emulator::start(options).await?)
}
