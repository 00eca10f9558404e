//! The ministry's directory over HTTP: what is asked of it, and changes that happen once or not at all.

use std::sync::Arc;
use std::time::Duration;

use siaga::clock::ManualClock;
use siaga::domain::call::CallId;
use siaga::domain::citizen::PersonId;
use siaga::domain::contact::ContactId;
use siaga::domain::name::Name;
use siaga::domain::phone::{Mobile, Phone};
use siaga::ports::{AccountDirectory, ConflictReason, IdempotencyKey, NeighbourError};
use siaga::registry::directory::{HttpDirectory, Options};
use siaga::registry::http::OptionsError;

use crate::ministry::Ministry;
use crate::support::START;
use crate::tiny_server::{Answer, TinyServer, nobody};

const OLD: &str = "+6281200000042";
const NEW: &str = "+6281200000199";

fn mobile(text: &str) -> Mobile {
    Phone::from_wa_id(text).and_then(Mobile::from_phone).expect("a mobile")
}

fn key(call: u64) -> IdempotencyKey {
    IdempotencyKey { contact: ContactId(255), call: CallId(call) }
}

fn options(url: &str) -> Options {
    Options {
        url: url.to_owned(),
        authorization: "Bearer kunci".to_owned().into(),
        timeout: Duration::from_secs(20),
        connections_max: 4,
    }
}

struct Bench {
    clock: Arc<ManualClock>,
    ministry: Arc<Ministry>,
    server: TinyServer,
    directory: HttpDirectory,
}

impl Bench {
    async fn new() -> Self {
        let (clock, ministry) = (Arc::new(ManualClock::at(START)), Arc::<Ministry>::default());
        ministry.register("p-siti", OLD, "Siti Rahmawati");
        let own = Arc::clone(&ministry);
        let server = TinyServer::start(move |_, seen| own.answer(seen)).await;
        let directory = HttpDirectory::new(&options(&server.url), clock.clone()).expect("options that are right");
        Self { clock, ministry, server, directory }
    }

    async fn look_up(&self) -> usize {
        self.directory.persons(mobile(OLD)).await.expect("an answer").len()
    }

    async fn rename(&self, call: u64, name: &str) -> Result<(), NeighbourError> {
        let name = Name::parse(name).expect("a name");
        self.directory.change_name(key(call), PersonId("p-siti".into()), name).await
    }

    async fn r#move(&self, call: u64, from: &str, to: &str) -> Result<(), NeighbourError> {
        self.directory.change_phone(key(call), PersonId("p-siti".into()), mobile(from), mobile(to)).await
    }
}

fn conflict(reason: ConflictReason) -> Result<(), NeighbourError> {
    Err(NeighbourError::Conflict { neighbour: "directory", reason })
}

#[tokio::test]
async fn people_are_found_by_phone_and_the_phone_stands_in_no_address() {
    let bench = Bench::new().await;
    assert_eq!(bench.look_up().await, 1);
    let found = bench.directory.persons(mobile(OLD)).await.expect("an answer");
    assert_eq!((found[0].id.0.as_str(), found[0].name.as_str()), ("p-siti", "Siti Rahmawati"));
    assert_eq!(bench.directory.persons(mobile(NEW)).await, Ok(Vec::new()));
    assert_eq!(bench.ministry.exchanges().len(), 3);
    for seen in bench.server.seen() {
        assert_eq!(seen.line, "POST /v1/persons/search");
        assert_eq!(seen.headers["authorization"], "Bearer kunci");
    }
}

#[tokio::test]
async fn a_change_is_made_at_once_and_once_however_often_it_is_asked_for() {
    let bench = Bench::new().await;
    bench.look_up().await;
    assert_eq!(bench.rename(7, "Siti Rahma").await, Ok(()));
    assert_eq!(bench.directory.persons(mobile(OLD)).await.expect("an answer")[0].name.as_str(), "Siti Rahma");
    let change = bench.server.seen().into_iter().find(|seen| seen.line.starts_with("PUT")).expect("a change");
    assert_eq!(change.line, "PUT /v1/persons/p-siti/name");
    assert_eq!(change.headers["idempotency-key"], "00000000000000ff-7");
    assert_eq!(change.headers["if-match"], "\"1\"");
    assert_eq!(bench.rename(7, "Siti Rahma").await, Ok(()), "again, as after a restart");
    // The answer is lost on its way: nobody knows, and the turn asks again.
    bench.look_up().await;
    bench.ministry.cut_next();
    let lost = bench.r#move(8, OLD, NEW).await;
    assert!(matches!(lost, Err(NeighbourError::Down { .. })), "{lost:?}");
    assert_eq!(bench.r#move(8, OLD, NEW).await, Ok(()));
    assert_eq!((bench.ministry.changes(), bench.ministry.phone("p-siti")), (2, NEW.to_owned()));
    assert_eq!(bench.look_up().await, 0);
}

#[tokio::test]
async fn what_somebody_else_changed_meanwhile_is_not_written_over() {
    let bench = Bench::new().await;
    bench.look_up().await;
    bench.ministry.touch("p-siti");
    assert_eq!(bench.rename(7, "Siti Rahma").await, conflict(ConflictReason::Outdated));
    assert_eq!((bench.ministry.changes(), bench.ministry.name("p-siti")), (0, "Siti Rahmawati".to_owned()));
    bench.look_up().await;
    assert_eq!(bench.r#move(8, NEW, OLD).await, conflict(ConflictReason::Outdated), "he is not there");
    for other in 0..6 {
        bench.ministry.register(&format!("p-{other}"), NEW, "Budi");
    }
    assert_eq!(bench.r#move(9, OLD, NEW).await, conflict(ConflictReason::NumberFull));
    assert_eq!(bench.ministry.changes(), 0);
    let unknown = bench.directory.change_name(key(10), PersonId("p-none".into()), Name::parse("Budi").expect("a name"));
    assert_eq!(unknown.await, Err(NeighbourError::NotFound { neighbour: "directory" }));
}

#[tokio::test]
async fn an_undo_days_later_asks_for_the_version_of_today() {
    let bench = Bench::new().await;
    bench.look_up().await;
    bench.ministry.touch("p-siti");
    bench.clock.advance(119_999);
    assert_eq!(bench.rename(7, "Siti Rahma").await, conflict(ConflictReason::Outdated), "seen just now");
    bench.look_up().await;
    bench.ministry.touch("p-siti");
    bench.clock.advance(120_000);
    assert_eq!(bench.rename(8, "Siti Rahma").await, Ok(()));
    let lines: Vec<String> = bench.server.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines[lines.len() - 2..], ["GET /v1/persons/p-siti", "PUT /v1/persons/p-siti/name"]);
}

#[tokio::test]
async fn a_directory_that_fails_is_down_or_misconfigured_and_changes_nothing_twice() {
    let html = "<html>Siti Rahmawati +6281200000042</html>";
    for (what, fault, down) in [
        ("500", Answer::Say(500, html.into()), true),
        ("503", Answer::Say(503, String::new()), true),
        ("429", Answer::Say(429, String::new()), true),
        ("200 html", Answer::Say(200, html.into()), true),
        ("cut", Answer::Raw("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"persons\":".into()), true),
        ("closed", Answer::Close, true),
        ("silent", Answer::Silence, true),
        ("401", Answer::Say(401, r#"{"message":"no token of ours"}"#.into()), false),
        ("404", Answer::Say(404, html.into()), false),
        ("302", Answer::Say(302, String::new()), false),
        ("something else", Answer::Say(200, r#"{"people":[]}"#.into()), false),
    ] {
        let silent = matches!(fault, Answer::Silence);
        let server = TinyServer::start(move |_, _| fault.clone()).await;
        let timeout = Duration::from_millis(if silent { 150 } else { 20_000 });
        let options = Options { timeout, ..options(&server.url) };
        let directory = HttpDirectory::new(&options, Arc::new(ManualClock::at(START))).expect("options");
        let error = directory.persons(mobile(OLD)).await.expect_err(what);
        assert_eq!(matches!(error, NeighbourError::Down { .. }), down, "{what}: {error}");
        let printed = format!("{error} {error:?}");
        assert!(!printed.contains("628120") && !printed.contains("kunci"), "{what}: {printed}");
    }
    let gone = HttpDirectory::new(&options(&nobody().await), Arc::new(ManualClock::at(START))).expect("options");
    assert!(matches!(gone.persons(mobile(OLD)).await, Err(NeighbourError::Down { .. })));
    let refused = |url: &str| HttpDirectory::new(&options(url), Arc::new(ManualClock::at(START))).err();
    assert!(matches!(refused("http://accounts.example.org"), Some(OptionsError::PlainHttp)));
    assert!(matches!(refused("accounts"), Some(OptionsError::Url)));
}
