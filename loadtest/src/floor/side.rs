//! One side for one round: started, warmed, measured, ended.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::meta::Meta;
use super::seen::Seen;
use super::{Load, SECRET};
use crate::peers::{Peer, Processes};
use crate::scenario::WhatsApp;
use crate::server::{self, Secrets, Server, Usage};

/// Numbers enough that Meta's limit on each is far away: 80,000 messages a second.
const NUMBERS: usize = 80;
const NUMBER_PER_S: u32 = 1_000;
/// Before it is measured: connections, caches, the citizens' first turns.
const WARM: Duration = Duration::from_secs(3);
/// Everyone has spoken by then, or the side is too slow for so many.
const WARM_MAX: Duration = Duration::from_secs(60);
/// And so much later for each who speaks once and then rests.
const EACH_MAX: Duration = Duration::from_micros(500);
/// By then all are asleep: `actors.passivate_after_s` and what tidying takes.
const RESTED: Duration = Duration::from_secs(70);
const START: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) enum Side {
    Floor,
    Server(PathBuf),
    /// Somebody else's bot, as so many processes.
    Peer(Peer, u32),
}

/// What runs.
pub(crate) enum Running {
    Floor(Box<Child>, #[expect(dead_code, reason = "its log is gone when it is dropped")] TempDir),
    Server(Box<Server>),
    Peer(Processes),
}

/// One side in one round.
#[derive(Clone)]
pub(crate) struct Round {
    pub(crate) seen: Seen,
    seconds: f64,
    cpu_s: f64,
    own_cpu_s: f64,
    peak_memory_mib: f64,
    /// At the end.
    pub(crate) memory_mib: f64,
    /// Of all cores, how much did something.
    pub(crate) busy: f64,
}

impl Side {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Floor => "floor",
            Self::Server(_) => "siaga",
            Self::Peer(peer, _) => &peer.name,
        }
    }

    pub(crate) async fn play(&self, load: Load) -> anyhow::Result<Round> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (graph, webhook) = (listener.local_addr()?, server::free_address()?);
        let secrets = Secrets::random();
        let meta = Meta::new(load, &secrets.app_secret, numbers(), webhook)?;
        let listening = tokio::spawn(meta.clone().listen(listener));
        let running = self.start(webhook, graph, &secrets).await?;
        let talking =
            if load.rate > 0.0 { tokio::spawn(meta.clone().open()) } else { tokio::spawn(meta.clone().closed()) };
        tokio::time::sleep(WARM).await;
        if !matches!(self, Self::Peer(..)) {
            meta.everyone_spoke(WARM_MAX + EACH_MAX * u32::try_from(load.rest)?).await?;
            if load.rest > 0 {
                meta.pause(RESTED).await;
                tokio::time::sleep(WARM).await;
            }
        }
        let before = (running.usage()?, own_cpu_s()?, machine()?, Instant::now());
        meta.measure();
        tokio::time::sleep(Duration::from_secs(load.seconds)).await;
        let seen = meta.end()?;
        let seconds = before.3.elapsed().as_secs_f64();
        let (usage, own, after) = (running.usage()?, own_cpu_s()?, machine()?);
        talking.await??;
        running.stop().await?;
        listening.abort();
        ensure!(seen.turns > 0, "{} served nobody", self.name());
        Ok(Round {
            seen,
            seconds,
            cpu_s: usage.cpu_s - before.0.cpu_s,
            own_cpu_s: own - before.1,
            peak_memory_mib: usage.peak_memory_mib,
            memory_mib: usage.memory_mib,
            busy: (after.0 - before.2.0) / (after.1 - before.2.1).max(1.0),
        })
    }

    pub(crate) async fn start(
        &self,
        webhook: SocketAddr,
        graph: SocketAddr,
        secrets: &Secrets,
    ) -> anyhow::Result<Running> {
        match self {
            Self::Server(binary) => {
                let server = Server::start(binary, &whatsapp(), webhook, &format!("http://{graph}"), secrets).await?;
                Ok(Running::Server(Box::new(server)))
            }
            Self::Peer(peer, processes) => {
                let running = peer.start(*processes, webhook, graph, secrets).await;
                Ok(Running::Peer(running.with_context(|| format!("peer `{}` cannot run", peer.name))?))
            }
            Self::Floor => {
                // Beside the server's store, on the same disk.
                let folder = TempDir::with_prefix("floor-")?;
                let child = Command::new(std::env::current_exe()?)
                    .args(["floor", "serve", &webhook.to_string(), &graph.to_string()])
                    .arg(folder.path().join("log"))
                    .env_clear()
                    .env(SECRET, &secrets.app_secret)
                    .stdin(Stdio::null())
                    .kill_on_drop(true)
                    .spawn()
                    .context("the floor cannot be started")?;
                let until = Instant::now() + START;
                while TcpStream::connect(webhook).await.is_err() {
                    ensure!(Instant::now() < until, "the floor does not listen after {} s", START.as_secs());
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Ok(Running::Floor(Box::new(child), folder))
            }
        }
    }
}

/// The business numbers' ids.
pub(crate) fn numbers() -> Vec<String> {
    server::numbers(&whatsapp()).into_iter().map(|(id, _)| id).collect()
}

fn whatsapp() -> WhatsApp {
    WhatsApp::instant(NUMBERS, NUMBER_PER_S)
}

impl Running {
    fn usage(&self) -> anyhow::Result<Usage> {
        match self {
            Self::Peer(processes) => processes.usage(),
            Self::Server(server) => server.usage(),
            Self::Floor(child, _) => server::usage_of(child.id().context("the floor has ended")?),
        }
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        match self {
            Self::Peer(processes) => processes.stop().await,
            Self::Server(mut server) => server.stop().await,
            Self::Floor(mut child, _) => Ok(child.kill().await?),
        }
    }
}

impl Round {
    pub(crate) const HEAD: &'static str = "side   turns/s  CPU us/turn  Meta us/turn  busy  ack ms p50   p99  reply ms \
        p50   p99  memory MiB  not taken  lost  more";

    pub(crate) fn row(&self, name: &str) -> String {
        let ms = |us: u64| Duration::from_micros(us).as_secs_f64() * 1_000.0;
        format!(
            "{name:<6} {:>7.0} {:>12.1} {:>13.1} {:>4.0}% {:>11.2} {:>5.1} {:>13.2} {:>5.1} {:>11.0} {:>10} {:>5} {:>5}",
            self.rate(),
            self.cpu_us(),
            self.own_cpu_us(),
            self.busy * 100.0,
            ms(self.seen.ack.value_at_quantile(0.5)),
            self.ack_p99_ms(),
            ms(self.seen.reply.value_at_quantile(0.5)),
            self.reply_p99_ms(),
            self.peak_memory_mib,
            self.seen.not_taken,
            self.seen.lost,
            self.seen.more,
        )
    }

    #[expect(clippy::cast_precision_loss, reason = "counts below 2^52")]
    fn turns(&self) -> f64 {
        self.seen.turns as f64
    }

    pub(crate) fn rate(&self) -> f64 {
        self.turns() / self.seconds
    }

    /// Of who measures, a turn.
    pub(crate) fn own_cpu_us(&self) -> f64 {
        self.own_cpu_s * 1e6 / self.turns()
    }

    pub(crate) fn cpu_us(&self) -> f64 {
        self.cpu_s * 1e6 / self.turns()
    }

    pub(crate) fn ack_p99_ms(&self) -> f64 {
        Duration::from_micros(self.seen.ack.value_at_quantile(0.99)).as_secs_f64() * 1_000.0
    }

    pub(crate) fn reply_p99_ms(&self) -> f64 {
        Duration::from_micros(self.seen.reply.value_at_quantile(0.99)).as_secs_f64() * 1_000.0
    }
}

fn own_cpu_s() -> anyhow::Result<f64> {
    Ok(server::usage_of(std::process::id())?.cpu_s)
}

/// Ticks that all cores worked, and all there were.
fn machine() -> anyhow::Result<(f64, f64)> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat is empty")?;
    let ticks: Vec<f64> = line.split_whitespace().skip(1).take(8).filter_map(|ticks| ticks.parse().ok()).collect();
    ensure!(ticks.len() == 8, "/proc/stat is not as expected");
    let all: f64 = ticks.iter().sum();
    // The fourth is idle, the fifth waits for the disk.
    Ok((all - ticks[3] - ticks[4], all))
}
