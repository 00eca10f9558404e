//! The server under load: a release binary on loopback with everything of its own, or one that is running.
//!
//! It runs as in production (`whatsapp.mode = "cloud"`), with the load tester in Meta's and the SMS gateway's
//! place, so that what is measured shares no process with what measures.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::Serialize;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::scenario::WhatsApp;

/// How long a start and an orderly end may take.
const START: Duration = Duration::from_secs(30);
const END: Duration = Duration::from_secs(40);

/// What both sides must know of each other.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    pub(crate) app_secret: String,
    pub(crate) access_token: String,
}

/// A server of our own.
pub(crate) struct Server {
    child: Child,
    ops: SocketAddr,
    /// Its store and key; gone when this is dropped.
    _folder: TempDir,
}

/// What the process took, from `/proc`.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Usage {
    pub(crate) cpu_s: f64,
    pub(crate) peak_memory_mib: f64,
}

impl Secrets {
    pub(crate) fn random() -> Self {
        let hex = || format!("{:032x}", rand::random::<u128>());
        Self { app_secret: hex(), access_token: hex() }
    }
}

/// An address on loopback that nobody listens on. (Somebody may take it before its user does; then the start
/// fails and says so.)
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// The binary beside this one.
pub(crate) fn beside() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("siaga");
    ensure!(path.is_file(), "{} is not there; build it with `cargo build --release`", path.display());
    Ok(path)
}

impl Server {
    /// Starts a server that takes webhooks at `webhook` and sends to the emulator at `graph`.
    pub(crate) async fn start(
        binary: &Path,
        whatsapp: &WhatsApp,
        webhook: SocketAddr,
        graph: &str,
        secrets: &Secrets,
    ) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("siaga-load-")?;
        let key_file = folder.path().join("siaga.key");
        write_key(&key_file)?;
        let signing_file = folder.path().join("signing.pem");
        siaga::config::signing_file::load_or_make(&signing_file)?;
        let ops = free_address()?;
        let numbers: Vec<String> = numbers(whatsapp)
            .iter()
            .map(|(id, display)| {
                let rate = whatsapp.messages_per_s;
                format!("{{ id = {id:?}, display = {display:?}, messages_per_s = {rate} }}")
            })
            .collect();
        let child = Command::new(binary)
            .arg("serve")
            .env_clear()
            .env("SIAGA__SERVER__BIND", webhook.to_string())
            .env("SIAGA__SERVER__OPS_BIND", ops.to_string())
            .env("SIAGA__WHATSAPP__MODE", "cloud")
            .env("SIAGA__WHATSAPP__GRAPH_URL", graph)
            .env("SIAGA__WHATSAPP__APP_SECRETS", format!("[{:?}]", secrets.app_secret))
            .env("SIAGA__WHATSAPP__VERIFY_TOKEN", Secrets::random().app_secret)
            .env("SIAGA__WHATSAPP__ACCESS_TOKEN", &secrets.access_token)
            .env("SIAGA__WHATSAPP__PHONE_NUMBERS", format!("[{}]", numbers.join(", ")))
            .env("SIAGA__STORE__PATH", folder.path().join("store"))
            .env("SIAGA__STORE__KEY_FILE", &key_file)
            .env("SIAGA__CERTIFICATE__KEY_FILE", &signing_file)
            .env("SIAGA__OTP__SENDERS", "[\"http\"]")
            .env("SIAGA__OTP__URL", format!("{graph}/sms"))
            .env("SIAGA__TELEMETRY__LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut server = Self { child, ops, _folder: folder };
        server.until_ready().await?;
        Ok(server)
    }

    async fn until_ready(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + START;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended at its start: {status}");
            }
            if status_of(self.ops, "/readyz").await.is_ok_and(|status| status == 200) {
                return Ok(());
            }
            ensure!(Instant::now() < until, "the server is not ready after {} s", START.as_secs());
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// What it took so far.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        usage_of(self.child.id().context("the server has ended")?)
    }

    /// Asks it to end, as an operator would.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().context("the server ended by itself")?;
        let asked = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await?;
        ensure!(asked.success(), "the server cannot be asked to end");
        let status = timeout(END, self.child.wait()).await.context("the server did not end in time")??;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

/// What a process took so far.
pub(crate) fn usage_of(pid: u32) -> anyhow::Result<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    usage_in(&stat, &status).context("/proc is not as expected")
}

/// Id and display of each business number.
pub(crate) fn numbers(whatsapp: &WhatsApp) -> Vec<(String, String)> {
    let number = |n: usize| (format!("{}", 100_000_000_000_001 + n), format!("+62 811-0000-{:04}", 1_000 + n));
    (0..whatsapp.numbers).map(number).collect()
}

fn write_key(path: &Path) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    std::io::Write::write_all(&mut file, &rand::random::<[u8; 32]>())?;
    Ok(())
}

/// The status of a GET, and nothing more.
async fn status_of(address: SocketAddr, path: &str) -> anyhow::Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    Ok(std::str::from_utf8(&head[9..])?.parse()?)
}

/// User and system time in ticks of 10 ms are the 14th and 15th fields, the second being a name in brackets.
fn usage_in(stat: &str, status: &str) -> Option<Usage> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB");
    Some(Usage { cpu_s: ticks / 100.0, peak_memory_mib: peak.parse::<f64>().ok()? / 1_024.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_from_proc() {
        let stat = "17 (si aga) S 1 17 17 0 -1 4194560 3117 0 0 0 250 50 0 0 20 0 9 0 12345 1 2 3";
        let usage = usage_in(stat, "Name:\tsiaga\nVmHWM:\t   65536 kB\nVmRSS:\t 1 kB\n").expect("usage");
        assert!((usage.cpu_s - 3.0).abs() < 1e-9 && (usage.peak_memory_mib - 64.0).abs() < 1e-9);
    }
}
