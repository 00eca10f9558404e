//! The server under load: a release binary on loopback with everything of its own, or one that is running.
//!
//! It runs as in production (`whatsapp.mode = "cloud"`), with the load tester in Meta's and the SMS gateway's
//! place, so that what is measured shares no process with what measures.

mod drift;
mod usage;

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

pub(crate) use drift::drift_at;
pub(crate) use usage::{Usage, usage_of, usage_of_group};

use crate::scenario::{ServerSettings, WhatsApp};

/// How long a start and an orderly end may take.
const START: Duration = Duration::from_secs(60);
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
    launch: Launch,
    /// Its store and keys; gone when this is dropped.
    folder: TempDir,
    /// What its earlier processes took of the processor.
    spent_s: f64,
}

/// One that troubles, samples and the run share.
pub(crate) type Shared = Arc<Mutex<Server>>;

/// How a server is started, and started again.
#[derive(Clone)]
pub(crate) struct Launch {
    pub(crate) binary: PathBuf,
    pub(crate) whatsapp: WhatsApp,
    pub(crate) settings: ServerSettings,
    /// Where it takes webhooks, and where it sends to.
    pub(crate) webhook: SocketAddr,
    pub(crate) graph: String,
    pub(crate) secrets: Secrets,
    /// The directory that it asks, if not its own.
    pub(crate) directory: Option<SocketAddr>,
}

/// Mounts a disk in memory in a view of its own on the files, and becomes the server.
const ON_OWN_DISK: &str = r#"mount -t tmpfs -o size="$1"m tmpfs "$0" && shift && exec "$@""#;
/// What fills such a disk.
const FILLER: &str = "filler";

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
    /// Starts a server as it comes, that takes webhooks at `webhook` and sends to the emulator at `graph`.
    /// It logs errors alone: a line for each send that fails would bury the figures, which count them.
    pub(crate) async fn start(
        binary: &Path,
        whatsapp: &WhatsApp,
        webhook: SocketAddr,
        graph: &str,
        secrets: &Secrets,
    ) -> anyhow::Result<Self> {
        let (binary, whatsapp, graph) = (binary.to_owned(), whatsapp.clone(), graph.to_owned());
        let (mut settings, secrets) = (ServerSettings::default(), secrets.clone());
        settings.settings.insert("telemetry.log".into(), "error".into());
        Self::launch(Launch { binary, whatsapp, settings, webhook, graph, secrets, directory: None }).await
    }

    /// Starts a server with a store and keys of its own.
    pub(crate) async fn launch(launch: Launch) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("siaga-load-")?;
        write_key(&folder.path().join("siaga.key"))?;
        siaga::config::signing_file::load_or_make(&folder.path().join("signing.pem"))?;
        std::fs::create_dir(folder.path().join("store"))?;
        let ops = free_address()?;
        let child = launch.spawn(folder.path(), ops)?;
        let mut server = Self { child, ops, launch, folder, spent_s: 0.0 };
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

    /// Where its operators look.
    pub(crate) fn ops(&self) -> SocketAddr {
        self.ops
    }

    /// What it took so far, over all its starts.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        let usage = usage_of(self.pid()?)?;
        Ok(Usage { cpu_s: usage.cpu_s + self.spent_s, ..usage })
    }

    /// Bytes of its store on the disk.
    pub(crate) fn disk_bytes(&self) -> anyhow::Result<u64> {
        Ok(bytes_in(&self.store()?))
    }

    fn pid(&self) -> anyhow::Result<u32> {
        self.child.id().context("the server has ended")
    }

    /// Its store as this process sees it.
    fn store(&self) -> anyhow::Result<PathBuf> {
        let store = self.folder.path().join("store");
        Ok(match self.launch.settings.disk_mib {
            None => store,
            Some(_) => PathBuf::from(format!("/proc/{}/root{}", self.pid()?, store.display())),
        })
    }

    /// Ends it at once, as a power cut would.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.spent_s = self.usage()?.cpu_s;
        self.child.kill().await.context("the server cannot be killed")
    }

    /// Starts it again on the same store.
    pub(crate) async fn start_again(&mut self) -> anyhow::Result<()> {
        self.child = self.launch.spawn(self.folder.path(), self.ops)?;
        self.until_ready().await
    }

    pub(crate) async fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let sent = Command::new("kill").args([signal, &self.pid()?.to_string()]).status().await?;
        ensure!(sent.success(), "the server cannot be sent {signal}");
        Ok(())
    }

    /// Leaves no byte on its disk; which must be one of its own.
    pub(crate) fn fill_disk(&self) -> anyhow::Result<()> {
        ensure!(self.launch.settings.disk_mib.is_some(), "only a disk of the server's own is filled");
        let mut file = std::fs::File::create(self.store()?.join(FILLER))?;
        for chunk in [1024 * 1024, 4096] {
            let zeros = vec![0; chunk];
            // Ends with "no space left".
            while std::io::Write::write_all(&mut file, &zeros).is_ok() {}
        }
        Ok(())
    }

    pub(crate) fn free_disk(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.store()?.join(FILLER))?)
    }

    /// Asks it to end, as an operator would.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        self.signal("-TERM").await?;
        let status = timeout(END, self.child.wait()).await.context("the server did not end in time")??;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

impl Launch {
    fn spawn(&self, folder: &Path, ops: SocketAddr) -> anyhow::Result<Child> {
        let rate = self.whatsapp.messages_per_s;
        let numbers: Vec<String> = numbers(&self.whatsapp)
            .iter()
            .map(|(id, display)| format!("{{ id = {id:?}, display = {display:?}, messages_per_s = {rate} }}"))
            .collect();
        let store = folder.join("store");
        let mut command = match self.settings.disk_mib {
            None => Command::new(&self.binary),
            Some(mib) => {
                let mut command = Command::new("unshare");
                command.args(["-rm", "sh", "-c", ON_OWN_DISK]).arg(&store).arg(mib.to_string()).arg(&self.binary);
                command
            }
        };
        command
            .arg("serve")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("SIAGA__SERVER__BIND", self.webhook.to_string())
            .env("SIAGA__SERVER__OPS_BIND", ops.to_string())
            .env("SIAGA__WHATSAPP__MODE", "cloud")
            .env("SIAGA__WHATSAPP__GRAPH_URL", &self.graph)
            .env("SIAGA__WHATSAPP__APP_SECRETS", format!("[{:?}]", self.secrets.app_secret))
            .env("SIAGA__WHATSAPP__VERIFY_TOKEN", Secrets::random().app_secret)
            .env("SIAGA__WHATSAPP__ACCESS_TOKEN", &self.secrets.access_token)
            .env("SIAGA__WHATSAPP__PHONE_NUMBERS", format!("[{}]", numbers.join(", ")))
            .env("SIAGA__STORE__PATH", store)
            .env("SIAGA__STORE__KEY_FILE", folder.join("siaga.key"))
            .env("SIAGA__CERTIFICATE__KEY_FILE", folder.join("signing.pem"))
            .env("SIAGA__OTP__SENDERS", "[\"http\"]")
            .env("SIAGA__OTP__URL", format!("{}/sms", self.graph))
            .env("SIAGA__TELEMETRY__LOG", "warn");
        if let Some(address) = self.directory {
            command
                .env("SIAGA__DIRECTORY__KIND", "http")
                .env("SIAGA__DIRECTORY__URL", format!("http://{address}"))
                .env("SIAGA__DIRECTORY__AUTHORIZATION", "Bearer load");
        }
        for (name, value) in &self.settings.settings {
            command.env(setting(name), value);
        }
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        command.spawn().with_context(|| format!("cannot start {}", self.binary.display()))
    }
}

/// The variable that sets a key of the server's.
pub(crate) fn setting(key: &str) -> String {
    format!("SIAGA__{}", key.to_uppercase().replace('.', "__"))
}

/// What the files below a folder take on the disk. One that goes meanwhile counts nothing.
fn bytes_in(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let bytes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_in(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    });
    bytes.sum()
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
pub(crate) async fn status_of(address: SocketAddr, path: &str) -> anyhow::Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    Ok(std::str::from_utf8(&head[9..])?.parse()?)
}
