//! The real binary as a ministry would run it: `cloud` mode, a key file, secrets of its own, a directory that
//! outlives it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use siaga::clock::SystemClock;
use siaga::domain::keys::ServerKeys;
use siaga::emulator::{self, Options, Redelivery};

const APP_SECRET: &str = "crash-test-app-secret";
const ACCESS_TOKEN: &str = "crash-test-access-token";
pub(crate) const NUMBER_ID: &str = "100000000000567";
/// Generous: a slow machine is not a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A directory with settings, key and store, and the addresses of the server that lives there.
pub(crate) struct Site {
    directory: tempfile::TempDir,
    port: u16,
    ops_port: u16,
}

/// A process of the server.
pub(crate) struct Server {
    child: Child,
    ops: String,
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// `settings`: TOML that lies over the test's. A reply that a kill caught between the disk and the air waits two
    /// seconds for a status that tells.
    pub(crate) fn with(settings: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        siaga::config::key_file::load_or_make(&path.join("siaga.key")).expect("a key");
        siaga::config::signing_file::load_or_make(&path.join("signing.pem")).expect("a ring");
        let base = format!(
            "[whatsapp]\nmode = \"cloud\"\napp_secrets = [\"{APP_SECRET}\"]\nverify_token = \"crash-test-token\"\n\
             access_token = \"{ACCESS_TOKEN}\"\nretry_first_ms = 50\nreconcile_s = 2\n\
             phone_numbers = [ {{ id = \"{NUMBER_ID}\", display = \"0811-0000-0119\", messages_per_s = 1000 }} ]\n\
             [store]\npath = \"{store}\"\nkey_file = \"{key}\"\n\
             [certificate]\nkey_file = \"{signing}\"\n[otp]\nsenders = [\"http\"]\n[telemetry]\nlog = \"warn,siaga=trace\"\n",
            store = path.join("store").display(),
            key = path.join("siaga.key").display(),
            signing = path.join("signing.pem").display(),
        );
        std::fs::write(path.join("siaga.toml"), base).expect("settings written");
        let site = Self { directory, port: free_port(), ops_port: free_port() };
        site.set(settings);
        site
    }

    /// Other settings over the test's, from the next start on.
    pub(crate) fn set(&self, settings: &str) {
        std::fs::write(self.path().join("more.toml"), settings).expect("settings written");
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path().join("store")
    }

    pub(crate) fn keys(&self) -> ServerKeys {
        let key = siaga::config::key_file::load(&self.path().join("siaga.key")).expect("the key");
        ServerKeys::derive(&key)
    }

    /// What the emulator must know to play Meta to the server that lives here.
    pub(crate) fn meta(&self) -> Options {
        let webhook = format!("http://127.0.0.1:{}/webhook", self.port);
        let mut options = Options::new(&webhook, APP_SECRET, ACCESS_TOKEN, Arc::new(SystemClock::default()));
        options.redelivery = Redelivery { gap_first_ms: 50, gap_max_ms: 500, ..Redelivery::default() };
        options
    }

    pub(crate) async fn emulator(&self) -> emulator::Emulator {
        emulator::start(self.meta()).await.expect("an emulator")
    }

    /// Starts the server, and waits until it is ready.
    pub(crate) async fn start(&self, graph_url: &str) -> Server {
        let mut server = self.spawn(graph_url);
        server.until_ready().await;
        server
    }

    /// Starts the server.
    pub(crate) fn spawn(&self, graph_url: &str) -> Server {
        self.spawn_under(graph_url, Command::new(env!("CARGO_BIN_EXE_siaga")))
    }

    /// Starts it by a command that takes its arguments.
    pub(crate) fn spawn_under(&self, graph_url: &str, mut command: Command) -> Server {
        let path = self.path();
        let child = command
            .args(["serve", "--config"])
            .arg(path.join("siaga.toml"))
            .arg("--config")
            .arg(path.join("more.toml"))
            .env("SIAGA__SERVER__BIND", format!("127.0.0.1:{}", self.port))
            .env("SIAGA__SERVER__OPS_BIND", format!("127.0.0.1:{}", self.ops_port))
            .env("SIAGA__WHATSAPP__GRAPH_URL", graph_url)
            .env("SIAGA__OTP__URL", format!("{graph_url}/sms"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::options().append(true).create(true).open(path.join("log")).expect("a log"))
            .spawn()
            .expect("the server starts");
        Server { child, ops: format!("http://127.0.0.1:{}", self.ops_port) }
    }
}

impl Server {
    pub(crate) async fn until_ready(&mut self) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.ended() {
                panic!("the server ended by itself: {status}");
            }
            if let Ok(answer) = reqwest::get(format!("{}/readyz", self.ops)).await
                && answer.status().is_success()
            {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "the server was not ready in time");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the server's state")
    }

    /// SIGTERM, as systemd stops a service.
    pub(crate) fn ask_to_stop(&self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(asked.expect("kill runs").success());
    }

    /// Asks it to stop: the exit code when it has ended by itself.
    pub(crate) async fn stop(mut self) -> Option<i32> {
        self.ask_to_stop();
        self.until_ended().await.code()
    }

    pub(crate) async fn until_ended(&mut self) -> ExitStatus {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(tokio::time::Instant::now() < deadline, "the server did not end in time");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(crate) async fn page(&self, name: &str) -> String {
        let answer = reqwest::get(format!("{}/{name}", self.ops)).await.expect("the ops page answers");
        answer.text().await.expect("text")
    }

    /// Waits until nothing is accepted and not handled, and nothing is to be sent.
    pub(crate) async fn until_nothing_open(&self) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let actors = self.page("actors").await;
            let view: serde_json::Value = serde_json::from_str(&actors).expect("`/actors` is JSON");
            if open_rows(&view) == 0 {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "rows stay open: {actors}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("reaped");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already reaped after `kill`; after a failed assertion this ends the process.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The sum of all `rows_open`, wherever they stand in the page.
fn open_rows(view: &serde_json::Value) -> u64 {
    let own = view.get("rows_open").and_then(serde_json::Value::as_u64).unwrap_or_default();
    let fields = view.as_object().into_iter().flat_map(serde_json::Map::values);
    let items = view.as_array().into_iter().flatten();
    own + fields.chain(items).map(open_rows).sum::<u64>()
}
