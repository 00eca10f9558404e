//! The real binary's commands, on a server that runs and on one that does not.

#![allow(clippy::unwrap_used)] // helpers of tests are tests: there a panic is the finding

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use siaga::clock::SystemClock;
use siaga::ports::Clock as _;

use crate::support::{envelope_to, sign, text};

/// Generous: a slow machine is no failure.
const PATIENCE: Duration = Duration::from_secs(60);
/// What `config/default.toml` says, known to everyone.
const APP_SECRET: &str = "emulator-app-secret";
const OURS: &str = "100000000000001";
/// Words of citizens; none may ever be printed.
const CANARIES: [&str; 4] = ["81200000042", "0812-0000-0042", "rahasia", "wamid.secret"];

/// A directory with a store in it, and everything that was printed about it.
struct Place {
    directory: tempfile::TempDir,
    printed: String,
}

struct Server {
    child: Child,
    webhook: String,
}

impl Server {
    async fn post(&self, body: Vec<u8>) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let signature = sign(APP_SECRET, &body);
        let request = client.post(&self.webhook).header("x-hub-signature-256", signature).body(body);
        assert_eq!(request.send().await.expect("the webhook answers").status().as_u16(), 200);
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn stop(mut self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Reaped already, unless an assertion failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Place {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), printed: String::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, store: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_siaga"));
        command.args(arguments).current_dir(self.directory.path());
        for (name, value) in [
            ("SERVER__BIND", "127.0.0.1:0"),
            ("SERVER__OPS_BIND", "127.0.0.1:0"),
            ("EMULATOR__BIND", "127.0.0.1:0"),
            ("REGISTRY__CITIZENS", "100"),
            ("STORE__PATH", store),
            ("STORE__KEY_FILE", "siaga.key"),
            ("STORE__APPLY_AFTER_MS", "10"),
        ] {
            command.env(format!("SIAGA__{name}"), value);
        }
        command
    }

    fn serve(&self, store: &str, arguments: &[&str]) -> Server {
        let mut command = self.command(store, &[&["serve"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let webhook = loop {
            let line = lines.next().expect("the server says where it is").unwrap();
            if let Some(url) = line.trim().strip_prefix("webhook") {
                break url.trim().to_owned();
            }
        };
        // Its pipe is read to the end, or it would stop writing.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, webhook }
    }

    /// Runs a command to its end: exit code and all it printed.
    fn run(&mut self, store: &str, arguments: &[&str]) -> (i32, String) {
        let Output { status, stdout, stderr } = self.command(store, arguments).output().unwrap();
        let said = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
        self.printed += &said;
        (status.code().expect("it ended by itself"), said)
    }

    fn good(&mut self, store: &str, arguments: &[&str]) -> String {
        let (code, said) = self.run(store, arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        said
    }

    fn json(&mut self, store: &str, arguments: &[&str]) -> Vec<Value> {
        let said = self.good(store, &[arguments, &["--json"]].concat());
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn letters(&mut self, store: &str) -> Vec<(String, String)> {
        let mut lines = self.json(store, &["dead-letters", "list"]);
        let sum = lines.pop().unwrap();
        assert_eq!(sum["dead_letters"], lines.len());
        let field = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
        lines.iter().map(|line| (field(line, "id"), field(line, "reason"))).collect()
    }

    /// Waits until there are so many letters: the emulator refuses a reply some time later, because it was never
    /// written to by this citizen.
    fn eventually(&mut self, store: &str, count: usize) -> Vec<(String, String)> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let letters = self.letters(store);
            if letters.len() == count {
                return letters;
            }
            assert!(Instant::now() < deadline, "{letters:?} never were {count}");
        }
    }

    fn state(&mut self, store: &str) -> String {
        let found = self.json(store, &["store", "verify"]).remove(0);
        assert_eq!(found["all_holds"], true, "{found}");
        found["state"].as_str().expect("a stopped store tells its state").to_owned()
    }

    fn said_nothing_personal(&self) {
        assert!(self.printed.contains("unknown_number") && self.printed.len() > 1_000, "{}", self.printed);
        for canary in CANARIES {
            assert!(!self.printed.contains(canary), "`{canary}` was printed:\n{}", self.printed);
        }
    }
}

/// One letter of each of two kinds, and a citizen who was served.
async fn fill(server: &Server) {
    let bytes = |body: &Value| serde_json::to_vec(body).unwrap();
    server.post(bytes(&envelope_to(OURS, &[text_of_now("wamid.secret.1", "hai")]))).await;
    server.post(bytes(&envelope_to("999", &[text_of_now("wamid.secret.2", "rahasia 0812-0000-0042")]))).await;
    server.post(b"rahasia 0812-0000-0042".to_vec()).await;
}

/// The binary lives in real time, where a message of another day is refused by policy.
fn text_of_now(wamid: &str, body: &str) -> Value {
    let mut message = text(wamid, "6281200000042", body);
    message["timestamp"] = json!((SystemClock::default().now().0 / 1_000).to_string());
    message
}

fn segment(store: &Path) -> PathBuf {
    let entries = fs::read_dir(store.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    entries.min().unwrap()
}

#[tokio::test]
async fn commands_do_the_same_on_a_running_and_on_a_stopped_server() {
    let mut place = Place::new();
    let server = place.serve("store", &[]);
    fill(&server).await;
    let socket = place.path("store/control.sock");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let letters = place.eventually("store", 3);
    let refused = letters.iter().find(|letter| letter.1 == "unsendable").expect("the reply that was refused");
    place.good("store", &["dead-letters", "drop", &refused.0]);
    let letters = place.letters("store");
    assert_eq!(
        letters.iter().map(|letter| letter.1.as_str()).collect::<Vec<_>>(),
        ["unknown_number", "not_understood"]
    );
    let shown = place.good("store", &["dead-letters", "show", &letters[0].0]);
    assert!(
        shown.contains("a citizen's message (message_text) to number 999") || shown.contains("to number 999"),
        "{shown}"
    );
    let shown = place.good("store", &["dead-letters", "show", &letters[1].0]);
    assert!(shown.contains("a webhook (not json)"), "{shown}");
    let (code, said) = place.run("store", &["dead-letters", "retry", &letters[0].0]);
    assert!(code == 1 && said.contains("its number is still none of ours"), "{code}: {said}");
    let said = place.good("store", &["store", "verify"]);
    assert!(said.ends_with("all holds\n") && said.contains("put: "), "{said}");
    let stats = place.json("store", &["store", "stats"]).remove(0);
    assert!(
        stats["live"]["keys"].as_u64() > Some(0) && stats["journal"]["kinds"]["dead letter"]["parts"] == 3,
        "{stats}"
    );
    assert!(stats["live"]["amplification"].as_f64() > Some(0.0) && stats["table"]["lag_records"].is_u64(), "{stats}");
    let (code, said) = place.run("store", &["serve"]);
    assert!(code == 69 && said.contains("is in use by another process"), "{code}: {said}");
    place.good("store", &["store", "export", "running.archive"]);
    let (code, said) = place.run("store", &["store", "export", "running.archive"]);
    assert!(code == 1 && said.contains("is there already"), "{code}: {said}");
    let (code, said) = place.run("store", &["store", "import", "running.archive"]);
    assert!(code == 69 && said.contains("a server runs on the store"), "{code}: {said}");
    server.kill();
    assert!(socket.exists(), "a killed server leaves its socket");

    assert_eq!(place.letters("store"), letters, "the same from the store itself");
    let shown = place.good("store", &["dead-letters", "show", &letters[0].0]);
    assert!(shown.contains("to number 999"), "{shown}");
    place.good("store", &["dead-letters", "drop", &letters[1].0]);
    let (code, said) = place.run("store", &["dead-letters", "drop", &letters[1].0]);
    assert!(code == 1 && said.contains("there is no dead letter"), "{code}: {said}");
    place.good("store", &["store", "stats"]);
    place.state("store");

    let server = place.serve("store", &[]);
    assert_eq!(place.letters("store"), letters[..1]);
    let (code, said) = place.run("store", &["dead-letters", "retry", "--all"]);
    assert!(code == 1 && said.contains("0 dead letters were handed over again, 1 are left"), "{code}: {said}");
    server.stop();
    assert!(!socket.exists());
    place.said_nothing_personal();
}

#[tokio::test]
async fn a_store_is_moved_by_export_and_import_and_served_on() {
    let mut place = Place::new();
    let server = place.serve("store", &[]);
    fill(&server).await;
    place.eventually("store", 3);
    let running = place.json("store", &["store", "export", "running.archive"]).remove(0);
    server.kill();
    let imported = place.json("from-running", &["store", "import", "running.archive"]).remove(0);
    assert_eq!(imported["state"], running["state"]);
    assert_eq!(place.state("from-running"), running["state"].as_str().unwrap());

    let exported = place.json("store", &["store", "export", "stopped.archive"]).remove(0);
    assert_eq!(place.state("store"), exported["state"].as_str().unwrap());
    place.good("copy", &["store", "import", "stopped.archive"]);
    assert_eq!(place.state("copy"), exported["state"].as_str().unwrap());
    assert_eq!(place.letters("copy"), place.letters("store"));
    let (code, said) = place.run("copy", &["store", "import", "stopped.archive"]);
    assert!(code == 1 && said.contains("is not empty"), "{code}: {said}");
    let server = place.serve("copy", &[]);
    assert_eq!(place.letters("copy").len(), 3);
    fill(&server).await;
    // The citizen's own message had its effect before the move.
    place.eventually("copy", 5);
    server.stop();

    let archive = place.path("stopped.archive");
    let mut bytes = fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&archive, bytes).unwrap();
    let (code, said) = place.run("other", &["store", "import", "stopped.archive"]);
    assert!(code == 1 && said.contains("`stopped.archive` cannot be read at offset "), "{code}: {said}");
    assert!(!place.path("other").exists());
    place.said_nothing_personal();
}

#[tokio::test]
async fn a_damaged_journal_is_named_and_its_loss_is_accepted_only_by_name() {
    let mut place = Place::new();
    let server = place.serve("store", &[]);
    fill(&server).await;
    server.stop();
    place.letters("store");
    let file = segment(&place.path("store"));
    let mut bytes = fs::read(&file).unwrap();
    // In the first record, behind the segment's start frame.
    bytes[47 + 30] ^= 1;
    fs::write(&file, bytes).unwrap();
    let (code, said) = place.run("store", &["store", "verify"]);
    assert_eq!(code, 1, "{said}");
    let named = format!(
        "missing     lsn 1..1 (`{}` at offset 47)",
        Path::new("store").join("journal").join(file.file_name().unwrap()).display()
    );
    assert!(said.contains(&named) && said.ends_with("not all holds\n"), "{said}");
    for refused in [&["serve"][..], &["dead-letters", "list"], &["store", "export", "archive"]] {
        let (code, said) = place.run("store", refused);
        assert!(code == 69 && said.contains("siaga serve --accept-loss 1..1"), "{code}: {said}");
    }
    let (code, _) = place.run("store", &["serve", "--accept-loss", "2..2"]);
    assert_eq!(code, 69, "another loss than this one");
    let (code, said) = place.run("store", &["serve", "--accept-loss", "1"]);
    assert!(code == 64 && said.contains("FROM..TO"), "{code}: {said}");
    place.serve("store", &["--accept-loss", "1..1"]).stop();
    place.serve("store", &[]).stop();
    place.said_nothing_personal();
}

#[tokio::test]
async fn where_there_is_no_store_none_is_made_by_asking() {
    let mut place = Place::new();
    fs::write(place.path("siaga.key"), [7; 32]).unwrap();
    fs::set_permissions(place.path("siaga.key"), fs::Permissions::from_mode(0o600)).unwrap();
    for command in [&["store", "verify"][..], &["store", "stats"], &["store", "export", "x"], &["dead-letters", "list"]]
    {
        let (code, said) = place.run("store", command);
        assert!(code == 69 && said.contains("there is no store at `store`"), "{command:?}: {code}: {said}");
    }
    assert!(!place.path("store").exists());
}

#[tokio::test]
async fn the_key_may_be_the_units_credential() {
    let place = Place::new();
    let credentials = place.path("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("siaga.key"), [7; 32]).unwrap();
    fs::set_permissions(credentials.join("siaga.key"), fs::Permissions::from_mode(0o440)).unwrap();
    let run = |unit: bool| {
        let mut command = place.command("store", &["store", "import", "no-such-archive"]);
        command.env("SIAGA__STORE__KEY_FILE", "credential:siaga.key").env_remove("CREDENTIALS_DIRECTORY");
        if unit {
            command.env("CREDENTIALS_DIRECTORY", &credentials);
        }
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    assert!(run(false).contains("LoadCredential=siaga.key:FILE"), "{}", run(false));
    assert!(run(true).contains("cannot read `no-such-archive`"), "{}", run(true));
}
