//! `control.sock` of a running server: who may ask, what is refused, and what becomes of dead letters.

#![allow(clippy::unwrap_used)] // helpers of tests are tests: there a panic is the finding

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use siaga::app::StoreChoice;
use siaga::clock::ManualClock;
use siaga::control::client::{self, ClientError, End};
use siaga::control::{Command, Said, socket_path};
use siaga::domain::keys::ServerKeys;
use siaga::domain::time::HOUR_MS;
use siaga::emulator;
use siaga::ports::{DeadLetter, DeadReason, InboxBody, Part, Record, SendError, Store};
use siaga::store::{self, Options};

use crate::support::{
    APP_SECRET, Parrot, Recording, START, TestApp, envelope, envelope_to, eventually, parrot_options, sign, text,
};

const SITI: &str = "6281200000042";
const SITI_E164: &str = "+6281200000042";
/// Longer than a slow machine needs for a line.
const PATIENCE: Duration = Duration::from_secs(60);

/// A parrot's server over a journal.
struct House {
    directory: tempfile::TempDir,
    clock: Arc<ManualClock>,
    channel: Arc<Recording>,
    parrot: Arc<Parrot>,
}

impl House {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::at(START)),
            channel: Arc::default(),
            parrot: Arc::default(),
        }
    }

    fn store(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    fn options(&self) -> Options {
        Options { apply_after_ms: 10, table_cache_bytes: 8 << 20, crash_loop_starts: 0, ..Options::new(self.store()) }
    }

    fn open(&self, more_numbers: &[&str]) -> TestApp {
        let given: Arc<dyn Store> = Arc::new(siaga::store::Memory::new());
        let mut options = parrot_options(given, self.clock.clone(), self.channel.clone(), self.parrot.clone());
        options.store = StoreChoice::Journal(self.options());
        let number = options.numbers[0].clone();
        options
            .numbers
            .extend(more_numbers.iter().map(|id| emulator::Number { id: (*id).to_owned(), ..number.clone() }));
        TestApp::start(options)
    }

    /// Writes letters as a server that ran before would have.
    fn leave(&self, letters: Vec<DeadLetter>) {
        let keys = ServerKeys::derive(&[42; 32]);
        let store = store::open(&self.options(), &keys, self.clock.clone()).unwrap();
        let parts = letters.into_iter().map(Part::DeadLetter).collect();
        store.append(Record { writer: None, parts }).unwrap().durable.blocking_recv().unwrap();
        store.close_and_wait();
    }

    async fn ask(&self, command: Command) -> (Vec<Said>, End) {
        let path = socket_path(&self.store());
        let asked = tokio::task::spawn_blocking(move || {
            let mut items = Vec::new();
            let end = client::ask(&path, command, &mut |said| items.push(said)).unwrap();
            (items, end)
        });
        asked.await.unwrap()
    }

    async fn done(&self, command: Command) -> (Vec<Said>, Said) {
        match self.ask(command).await {
            (items, End::Done { said, .. }) => (items, said),
            (_, End::Refused { reason }) => panic!("refused: {reason}"),
        }
    }

    async fn refused(&self, command: Command) -> String {
        match self.ask(command).await {
            (_, End::Refused { reason }) => reason,
            (_, End::Done { said, .. }) => panic!("done: {}", said.text),
        }
    }

    /// The only letter, when it has come (a settled send is not waited for): id and reason.
    async fn letter(&self) -> (String, String) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let (items, said) = self.done(Command::ListLetters).await;
            if let [one] = &items[..] {
                let field = |name: &str| one.data[name].as_str().unwrap().to_owned();
                return (field("id"), field("reason"));
            }
            assert!(tokio::time::Instant::now() < deadline, "{}", said.text);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn letters(&self) -> usize {
        self.done(Command::ListLetters).await.0.len()
    }
}

#[tokio::test]
async fn a_poisoned_message_is_answered_when_what_broke_on_it_is_mended() {
    let house = House::new();
    let app = house.open(&[]);
    assert_eq!(app.post(&envelope(&[text("s1", SITI, "poison")])).await, 200);
    app.at_rest().await;
    let (first, reason) = house.letter().await;
    assert_eq!(reason, "poison");
    house.done(Command::RetryLetter { id: first.clone() }).await;
    app.at_rest().await;
    eventually("it broke again", || house.channel.texts_to(SITI_E164) == ["sorry", "sorry"]).await;
    let (second, _) = house.letter().await;
    assert_ne!(first, second, "not taken for a message that was handled");
    house.parrot.mended.store(true, Ordering::SeqCst);
    // A day and a half later: an operator took his time, the citizen did not.
    house.clock.advance(36 * HOUR_MS);
    house.done(Command::RetryLetter { id: second.clone() }).await;
    eventually("it is answered", || house.channel.texts_to(SITI_E164) == ["sorry", "sorry", "poison"]).await;
    assert_eq!(house.letters().await, 0);
    assert_eq!(
        house.refused(Command::RetryLetter { id: second.clone() }).await,
        format!("there is no dead letter {second}")
    );
    // Meta delivers the first one again: its effect was had.
    assert_eq!(app.post(&envelope(&[text("s1", SITI, "poison")])).await, 200);
    app.at_rest().await;
    assert_eq!(house.channel.texts_to(SITI_E164).len(), 3);
}

#[tokio::test]
async fn what_meta_refused_is_sent_when_it_is_handed_over_again() {
    let house = House::new();
    let app = house.open(&[]);
    house.channel.fail_next([SendError::Refused { code: 131_026, http: 400 }]);
    assert_eq!(app.post(&envelope(&[text("s1", SITI, "a")])).await, 200);
    app.at_rest().await;
    let (id, reason) = house.letter().await;
    assert_eq!(reason, "unsendable");
    let (_, shown) = house.done(Command::ShowLetter { id: id.clone() }).await;
    assert_eq!(shown.data["shape"], "an answer of ours (text) from number 100000000000567");
    house.done(Command::RetryLetter { id }).await;
    eventually("it leaves", || house.channel.texts_to(SITI_E164) == ["a"]).await;
    assert_eq!(house.letters().await, 0);
    app.at_rest().await;
}

#[tokio::test]
async fn a_message_to_a_number_that_became_ours_is_answered() {
    let house = House::new();
    let app = house.open(&[]);
    assert_eq!(app.post(&envelope_to("999", &[text("s1", SITI, "a")])).await, 200);
    app.at_rest().await;
    let (id, reason) = house.letter().await;
    assert_eq!(reason, "unknown_number");
    let refused = house.refused(Command::RetryLetter { id: id.clone() }).await;
    assert!(refused.ends_with("its number is still none of ours"), "{refused}");
    app.drain();
    let app = house.open(&["999"]);
    house.done(Command::RetryLetter { id }).await;
    eventually("it is answered", || house.channel.texts_to(SITI_E164) == ["a"]).await;
    assert_eq!(house.letters().await, 0);
    app.at_rest().await;
}

#[tokio::test]
async fn a_webhook_is_read_again_by_a_server_that_knows_more_and_the_rest_stays() {
    let house = House::new();
    let webhook =
        |reason, body: &Value| DeadLetter { at: START, reason, contact: None, body: serde_json::to_vec(body).unwrap() };
    let riddle = json!({"object": "something_else", "canary": "0812-0000-0042"});
    // As if a server before this one had not known texts.
    let known = envelope(&[text("s1", SITI, "a"), json!({"id": "w", "type": "text", "text": {"body": "b"}})]);
    let notice = InboxBody::Notice(siaga::conversation::Notice::LoginEnded);
    let crashed = DeadLetter {
        at: START,
        reason: DeadReason::CrashLoop,
        contact: Some(siaga::domain::contact::ContactId(5)),
        body: postcard::to_stdvec(&notice).unwrap(),
    };
    let broken = DeadLetter { reason: DeadReason::Poison, body: vec![0xff], ..crashed.clone() };
    let letters =
        vec![webhook(DeadReason::NotUnderstood, &riddle), webhook(DeadReason::NotUnderstood, &known), crashed, broken];
    let opened = house.directory.path().to_owned();
    let house = Arc::new(house);
    let writer = Arc::clone(&house);
    tokio::task::spawn_blocking(move || writer.leave(letters)).await.unwrap();
    let app = house.open(&[]);
    let (items, said) = house.done(Command::RetryLetters).await;
    assert_eq!(said.data, json!({"retried": 2, "left": 3}), "{}", said.text);
    let said: String = items.iter().map(|said| said.text.clone() + "\n").collect();
    assert!(said.contains("it is still not understood"), "{said}");
    assert!(said.contains("this server cannot read what it holds"), "{said}");
    eventually("it is answered", || house.channel.texts_to(SITI_E164) == ["a"]).await;
    app.at_rest().await;
    let (items, _) = house.done(Command::ListLetters).await;
    let mut reasons: Vec<_> = items.iter().map(|said| said.data["reason"].as_str().unwrap()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["no_sender", "not_understood", "poison"], "what has no sender is a letter of its own now");
    for item in &items {
        let id = item.data["id"].as_str().unwrap().to_owned();
        let (_, shown) = house.done(Command::ShowLetter { id: id.clone() }).await;
        assert!(!format!("{shown:?}").contains("0042"), "{}", shown.text);
        house.done(Command::DropLetter { id: id.clone() }).await;
        assert_eq!(
            house.refused(Command::DropLetter { id: id.clone() }).await,
            format!("there is no dead letter {id}")
        );
    }
    assert_eq!(house.letters().await, 0);
    assert!(opened.exists());
}

/// The first line of the answer to these bytes.
fn raw(path: &Path, bytes: &[u8]) -> Value {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A server that refuses may have closed before it was told all: what it said can be read even so.
    let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(std::net::Shutdown::Write));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    serde_json::from_str(answer.lines().last().expect("an answer")).unwrap()
}

#[tokio::test]
async fn the_socket_is_its_owners_takes_the_place_of_a_dead_one_and_goes_with_its_server() {
    let house = House::new();
    let path = socket_path(&house.store());
    std::fs::create_dir_all(house.store()).unwrap();
    // Left by a server that was killed: nobody listens.
    drop(UnixListener::bind(&path).unwrap());
    let app = house.open(&[]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(house.letters().await, 0);
    app.drain();
    assert!(!path.exists());
    let gone = client::ask(&path, Command::Stats, &mut |_| {}).expect_err("nobody is there");
    assert!(matches!(gone, ClientError::Stopped), "{gone}");
}

#[tokio::test]
async fn odd_requests_are_refused_by_what_is_wrong_with_them() {
    let house = House::new();
    let app = house.open(&[]);
    let path = socket_path(&house.store());
    let asked = tokio::task::spawn_blocking(move || {
        let long = [&br#"{"v":1,"command":{"export":{"file":"/"#[..], &vec![b'x'; 20_000], b"\"}}}\n"].concat();
        let cases: [(&[u8], &str); 8] = [
            (b"", "a request is one line"),
            (b"{\"v\":1,\"command\":\"stats\"}", "a request is one line"),
            (&long, "a request is one line of at most 16384 bytes"),
            (b"hai\n", "the request is not json"),
            (b"{\"command\":\"stats\"}\n", "names no version"),
            (b"{\"v\":2,\"order\":\"stats\"}\n", "has version 2, this server speaks 1"),
            (b"{\"v\":1,\"command\":\"burn\"}\n", "the request is not known"),
            (b"{\"v\":1,\"command\":{\"export\":{\"file\":\"here\"}}}\n", "must be an absolute path"),
        ];
        for (bytes, expected) in cases {
            let answer = raw(&path, bytes);
            let reason = answer["refused"]["reason"].as_str().unwrap_or_else(|| panic!("{answer}"));
            assert!(reason.contains(expected), "{reason}");
        }
        let answer = raw(&path, b"{\"v\":1,\"command\":{\"show_letter\":{\"id\":\"seven\"}}}\n");
        assert!(answer["refused"]["reason"].as_str().unwrap().contains("LSN.INDEX"), "{answer}");
        // Eight may wait with their request, the ninth is sent away; the others are served as before.
        let waiting: Vec<_> = (0..8).map(|_| UnixStream::connect(&path).unwrap()).collect();
        let answer = raw(&path, b"{\"v\":1,\"command\":\"stats\"}\n");
        assert!(answer["refused"]["reason"].as_str().unwrap().contains("too many"), "{answer}");
        drop(waiting);
    });
    asked.await.unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while let (_, End::Refused { reason }) = house.ask(Command::Stats).await {
        assert!(reason.contains("too many"), "{reason}");
        assert!(tokio::time::Instant::now() < deadline, "those who left still count");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let signature = sign(APP_SECRET, b"{}");
    assert_eq!(app.post_raw(b"{}".to_vec(), Some(&signature)).await.status().as_u16(), 200, "it serves on");
    app.at_rest().await;
}
