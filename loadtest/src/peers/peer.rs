//! A peer: somebody else's bot, told by its `peer.toml`, and its processes while they run.
//!
//! A bot learns by its environment what it must know (`PORT`, `PROCESSES`, `GRAPH_URL`, `ACCESS_TOKEN`, `APP_SECRET`,
//! `VERIFY_TOKEN`), and is ready when it answers Meta's verification of its webhook at `/webhook`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use tempfile::NamedTempFile;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::server::{self, Secrets, Usage, usage_of_group};

const START: Duration = Duration::from_secs(60);
const END: Duration = Duration::from_secs(10);
/// All of its processes have started when together they take less than this of one core for so long.
const SETTLED: f64 = 0.1;
const SETTLED_FOR: Duration = Duration::from_millis(500);
const PEERS_MAX: usize = 16;
const PROCESSES_MAX: u32 = 16;
/// Of what a peer said last, so much is told.
const SAID_CHARS_MAX: usize = 400;

#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    /// Where it is installed: its command runs there.
    folder: PathBuf,
    pub(super) told: Told,
}

/// `peer.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    /// One line: what it is, and its version.
    pub(super) about: String,
    /// `{port}` and `{processes}` stand for numbers.
    pub(super) command: Vec<String>,
    /// With how many processes it is tried.
    pub(super) processes: Vec<u32>,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

impl Told {
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let told: Self = toml::from_str(text)?;
        ensure!(!told.command.is_empty(), "`command` must name a program");
        ensure!(
            !told.processes.is_empty() && told.processes.iter().all(|n| (1..=PROCESSES_MAX).contains(n)),
            "`processes` must be numbers from 1 to {PROCESSES_MAX}"
        );
        Ok(told)
    }
}

impl Peer {
    /// All that are installed below a folder, by name.
    pub(super) fn all(folder: &Path) -> anyhow::Result<Vec<Self>> {
        let how = "install them with `loadtest/peers/install FOLDER`";
        let entries = std::fs::read_dir(folder).with_context(|| format!("{} is not there; {how}", folder.display()))?;
        let mut peers = Vec::new();
        for entry in entries {
            let folder = entry?.path();
            let file = folder.join("peer.toml");
            if !file.is_file() {
                continue;
            }
            let told = std::fs::read_to_string(&file).map_err(Into::into).and_then(|text| Told::parse(&text));
            let told = told.with_context(|| file.display().to_string())?;
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            peers.push(Self { name, folder: folder.canonicalize()?, told });
        }
        ensure!(!peers.is_empty(), "no peer is installed below {}; {how}", folder.display());
        ensure!(peers.len() <= PEERS_MAX, "more than {PEERS_MAX} peers below {}", folder.display());
        peers.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(peers)
    }

    /// Starts it, and waits until all of it has started.
    pub(crate) async fn start(
        &self,
        processes: u32,
        webhook: SocketAddr,
        graph: SocketAddr,
        secrets: &Secrets,
    ) -> anyhow::Result<Processes> {
        let said = NamedTempFile::with_prefix("peer-")?;
        let filled = |part: &String| {
            part.replace("{port}", &webhook.port().to_string()).replace("{processes}", &processes.to_string())
        };
        let command: Vec<String> = self.told.command.iter().map(filled).collect();
        // A program that comes with the peer is named from its folder, another is looked for as usual.
        let beside = self.folder.join(&command[0]);
        let program = if beside.is_file() { beside } else { PathBuf::from(&command[0]) };
        let verify = Secrets::random().app_secret;
        let child = Command::new(&program)
            .args(&command[1..])
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(&self.told.env)
            .env("PORT", webhook.port().to_string())
            .env("PROCESSES", processes.to_string())
            .env("GRAPH_URL", format!("http://{graph}"))
            .env("ACCESS_TOKEN", &secrets.access_token)
            .env("APP_SECRET", &secrets.app_secret)
            .env("VERIFY_TOKEN", &verify)
            .stdin(Stdio::null())
            .stdout(said.reopen()?)
            .stderr(said.reopen()?)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let group = child.id().context("it has ended")?;
        let mut running = Processes { child, group, said };
        running.until_ready(webhook, &verify).await?;
        running.until_settled().await?;
        Ok(running)
    }
}

/// A peer's processes: a group of their own, which ends with this.
pub(crate) struct Processes {
    child: Child,
    group: u32,
    /// What they print.
    said: NamedTempFile,
}

impl Processes {
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        usage_of_group(self.group)
    }

    async fn until_ready(&mut self, webhook: SocketAddr, verify: &str) -> anyhow::Result<()> {
        let until = Instant::now() + START;
        let path = format!("/webhook?hub.mode=subscribe&hub.verify_token={verify}&hub.challenge=1");
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended at its start: {status}{}", self.last_words());
            }
            let asked = timeout(Duration::from_secs(5), server::status_of(webhook, &path)).await;
            if asked.is_ok_and(|status| status.is_ok_and(|status| status == 200)) {
                return Ok(());
            }
            ensure!(
                Instant::now() < until,
                "it does not verify its webhook after {} s{}",
                START.as_secs(),
                self.last_words()
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The first answers while others still start; these would then get no connection of those opened now.
    async fn until_settled(&self) -> anyhow::Result<()> {
        let until = Instant::now() + START;
        let mut before = self.usage()?.cpu_s;
        while Instant::now() < until {
            sleep(SETTLED_FOR).await;
            let now = self.usage()?.cpu_s;
            if now - before < SETTLED * SETTLED_FOR.as_secs_f64() {
                return Ok(());
            }
            before = now;
        }
        bail!("its processes do not come to rest within {} s", START.as_secs())
    }

    fn last_words(&self) -> String {
        let said = std::fs::read(self.said.path()).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        if last.is_empty() {
            String::new()
        } else {
            format!("; {}", last.chars().take(SAID_CHARS_MAX).collect::<String>())
        }
    }

    /// Asks it to end, and ends what then still lives.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.signal("-TERM");
        let _slow = timeout(END, self.child.wait()).await;
        Ok(())
    }

    fn signal(&self, signal: &str) {
        // A group that has ended needs no signal.
        let _ended = std::process::Command::new("kill")
            .args([signal, "--", &format!("-{}", self.group)])
            .stderr(Stdio::null())
            .status();
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.signal("-KILL");
    }
}
