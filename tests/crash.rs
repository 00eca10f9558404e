//! The real binary, killed with SIGKILL, against an emulated Meta that lives on.
//!
//! The server runs as a ministry would run it (`cloud` mode, a key file, secrets of its own); the emulator is
//! in this process, so it keeps redelivering what was not acknowledged and remembers what was answered.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use siaga::clock::SystemClock;
use siaga::domain::phone::Phone;
use siaga::emulator::{self, Content, Emulator, Event, Form, Happening, Options, Redelivery, Sender};
use tokio::sync::broadcast::Receiver;

const APP_SECRET: &str = "crash-test-app-secret";
const ACCESS_TOKEN: &str = "crash-test-access-token";
const NUMBER_ID: &str = "100000000000567";
/// Generous: a slow machine is not a failure.
const PATIENCE: Duration = Duration::from_secs(60);

struct Server {
    child: Child,
    ops: String,
}

impl Server {
    async fn start(directory: &Path, port: u16, ops_port: u16, graph_url: &str) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_siaga"))
            .args(["serve", "--config"])
            .arg(directory.join("siaga.toml"))
            .env("SIAGA__SERVER__BIND", format!("127.0.0.1:{port}"))
            .env("SIAGA__SERVER__OPS_BIND", format!("127.0.0.1:{ops_port}"))
            .env("SIAGA__WHATSAPP__GRAPH_URL", graph_url)
            .env("SIAGA__OTP__URL", format!("{graph_url}/sms"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::options().append(true).create(true).open(directory.join("log")).expect("a log"))
            .spawn()
            .expect("the server starts");
        let mut server = Self { child, ops: format!("http://127.0.0.1:{ops_port}") };
        server.await_ready().await;
        server
    }

    async fn await_ready(&mut self) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the server's state") {
                panic!("the server ended by itself: {status}");
            }
            if let Ok(answer) = reqwest::get(format!("{}/readyz", self.ops)).await
                && answer.status().is_success()
            {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "the server was not ready in time");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// SIGTERM, as systemd stops a service: the exit code when it has ended by itself.
    async fn stop(mut self) -> Option<i32> {
        let ended = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(ended.expect("kill runs").success());
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the server's state") {
                return status.code();
            }
            assert!(tokio::time::Instant::now() < deadline, "the server did not stop in time");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn page(&self, name: &str) -> String {
        let answer = reqwest::get(format!("{}/{name}", self.ops)).await.expect("the ops page answers");
        answer.text().await.expect("text")
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    fn kill(mut self) {
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

struct World {
    directory: tempfile::TempDir,
    emulator: Emulator,
    events: Receiver<Arc<Event>>,
    citizen: Sender,
    phone: Phone,
    port: u16,
    ops_port: u16,
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

impl World {
    async fn new(phone: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        siaga::config::key_file::load_or_make(&path.join("siaga.key")).expect("a key");
        let settings = format!(
            "[whatsapp]\nmode = \"cloud\"\napp_secrets = [\"{APP_SECRET}\"]\nverify_token = \"crash-test-token\"\n\
             access_token = \"{ACCESS_TOKEN}\"\nretry_first_ms = 50\n\
             phone_numbers = [ {{ id = \"{NUMBER_ID}\", display = \"0811-0000-0119\", messages_per_s = 1000 }} ]\n\
             [store]\npath = \"{store}\"\nkey_file = \"{key}\"\n[otp]\nkind = \"http\"\n[telemetry]\nlog = \"warn,siaga=trace\"\n",
            store = path.join("store").display(),
            key = path.join("siaga.key").display(),
        );
        std::fs::write(path.join("siaga.toml"), settings).expect("settings written");
        let port = free_port();
        let webhook = format!("http://127.0.0.1:{port}/webhook");
        let mut options = Options::new(&webhook, APP_SECRET, ACCESS_TOKEN, Arc::new(SystemClock::default()));
        options.redelivery = Redelivery { gap_first_ms: 50, gap_max_ms: 500, ..Redelivery::default() };
        let emulator = emulator::start(options).await.expect("an emulator");
        let events = emulator.subscribe();
        let phone = Phone::from_wa_id(phone).expect("a phone");
        Self { directory, emulator, events, citizen: Sender::phone(phone), phone, port, ops_port: free_port() }
    }

    async fn start(&self) -> Server {
        Server::start(self.directory.path(), self.port, self.ops_port, &self.emulator.url()).await
    }

    fn say(&self, text: &str) -> emulator::Posting {
        self.emulator.say(&self.citizen, Content::text(text)).expect("said")
    }

    /// The next message of the service, as words with its buttons' titles.
    async fn reply(&mut self) -> String {
        tokio::time::timeout(PATIENCE, async {
            loop {
                let event = self.events.recv().await.expect("the emulator's events");
                if let Happening::Replied(reply) = &event.what {
                    return words(&reply.form);
                }
            }
        })
        .await
        .expect("a reply in time")
    }

    async fn answer(&mut self, text: &str) -> String {
        drop(self.say(text));
        self.reply().await
    }

    /// The code in the newest SMS.
    async fn code(&self) -> String {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(text) = self.emulator.sms_inbox(self.phone).last() {
                return text.0.chars().take(6).collect();
            }
            assert!(tokio::time::Instant::now() < deadline, "no sms in time");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn words(form: &Form) -> String {
    match form {
        Form::Text { body } => body.0.clone(),
        Form::Buttons { body, buttons, .. } => {
            let titles: Vec<_> = buttons.iter().map(|button| format!("[{}]", button.title.0)).collect();
            format!("{} {}", body.0, titles.join(" "))
        }
        Form::Document { file_name, .. } => format!("(PDF {})", file_name.0),
        Form::List { .. }
        | Form::Action { .. }
        | Form::Media { .. }
        | Form::Template { .. }
        | Form::Reaction { .. }
        | Form::Location { .. }
        | Form::Contacts { .. } => format!("{form:?}"),
    }
}

#[actix_web::test]
async fn a_citizen_goes_on_where_he_was_after_every_kill() {
    let mut world = World::new("6281200000042").await;
    let server = world.start().await;
    let greeting = world.answer("hai").await;
    assert!(greeting.contains("[Setuju, nomor ini]"), "{greeting}");
    server.kill();

    let server = world.start().await;
    let sent = world.answer("1").await;
    assert!(sent.contains("Kode OTP 6 angka kami kirim lewat SMS ke nomor berakhiran 0042"), "{sent}");
    let code = world.code().await;
    server.kill();

    let server = world.start().await;
    let menu = world.answer(&code).await;
    assert!(menu.contains("Verifikasi berhasil"), "{menu}");
    server.kill();

    let server = world.start().await;
    let question = world.answer("download sertifikat").await;
    assert!(question.contains("16 angka NIK"), "{question}");
    server.kill();

    let server = world.start().await;
    assert_eq!(world.answer("Siti Rahmawati 0001014708900003").await, "(PDF Sertifikat-Vaksinasi-Dosis-1.pdf)");
    server.kill();
    world.emulator.stop().await;
}

#[actix_web::test]
async fn what_was_acknowledged_is_answered_after_a_kill() {
    let mut world = World::new("6281200000051").await;
    let server = world.start().await;
    let stored = world.say("hai").stored.await.expect("taken");
    assert_eq!(stored.http, 200);
    // Wherever the turn is now, the message is the server's alone.
    server.kill();
    let server = world.start().await;
    let greeting = world.reply().await;
    assert!(greeting.contains("[Setuju, nomor ini]"), "{greeting}");
    server.kill();
    world.emulator.stop().await;
}

#[actix_web::test]
async fn what_came_while_the_server_was_dead_is_answered_when_it_is_back() {
    let mut world = World::new("6281200000063").await;
    let server = world.start().await;
    server.kill();
    let posting = world.say("hai");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let server = world.start().await;
    let greeting = world.reply().await;
    assert!(greeting.contains("[Setuju, nomor ini]"), "{greeting}");
    assert!(posting.stored.await.expect("taken").attempt > 1);
    server.kill();
    world.emulator.stop().await;
}

#[actix_web::test]
async fn no_word_of_a_citizen_is_in_a_log_a_metric_or_on_the_disk() {
    let mut world = World::new("6281200000042").await;
    let server = world.start().await;
    world.answer("hai").await;
    world.answer("1").await;
    let code = world.code().await;
    world.answer(&code).await;
    world.answer("sertifikat").await;
    assert_eq!(world.answer("Siti Rahmawati 0001014708900003").await, "(PDF Sertifikat-Vaksinasi-Dosis-1.pdf)");
    let pages = format!("{}{}", server.page("metrics").await, server.page("actors").await);
    assert_eq!(server.stop().await, Some(0), "asked to stop, it stops in order");
    world.emulator.stop().await;
    let log = std::fs::read_to_string(world.directory.path().join("log")).expect("the log");
    assert!(log.contains("serving"), "nothing was logged:\n{log}");
    let words = ["81200000042", "0001014708900003", "1014708900003", "Rahmawati", "RAHMAWATI", &code];
    for word in words {
        assert!(!log.contains(word), "`{word}` is in the log:\n{log}");
        assert!(!pages.contains(word), "`{word}` is on the operator's pages");
    }
    let stored = files(&world.directory.path().join("store"));
    assert!(!stored.is_empty(), "the store has no files");
    for path in stored {
        let bytes = std::fs::read(&path).expect("a file of the store");
        for word in words.iter().filter(|word| word.len() > 6) {
            let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!found, "`{word}` stands in {}", path.display());
        }
    }
}

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
