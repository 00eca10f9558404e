//! What may go wrong inside, by name: actors that die, mailboxes and memory that are full, sessions put to sleep.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::{Value, json};
use siaga::actors::ReadReceipts;
use siaga::clock::ManualClock;
use siaga::domain::time::Timestamp;
use siaga::ports::Clock;

use crate::support::{ParrotHouse, START, TestApp, envelope, eventually, text};

const SITI: &str = "6281200000042";
const SITI_E164: &str = "+6281200000042";
const MINUTE_MS: i64 = 60_000;

/// A clock that panics when it is asked, so many times, on a thread of the actors.
struct FaintClock {
    time: ManualClock,
    faints: AtomicUsize,
}

impl Clock for FaintClock {
    fn now(&self) -> Timestamp {
        let of_actors = std::thread::current().name().is_some_and(|name| name.contains("arbiter"));
        let faint = |left: usize| left.checked_sub(1);
        let faints = of_actors && self.faints.fetch_update(Ordering::SeqCst, Ordering::SeqCst, faint).is_ok();
        assert!(!faints, "as the test wants");
        self.time.now()
    }
}

async fn actors(app: &TestApp) -> Vec<Value> {
    let (status, page) = app.ops("/actors").await;
    assert_eq!(status, 200);
    let page: Value = serde_json::from_str(&page).expect("a picture of the shards");
    page["shards"].as_array().expect("shards").clone()
}

fn sum(shards: &[Value], what: &str) -> u64 {
    shards.iter().map(|shard| shard[what].as_u64().expect("a count")).sum()
}

#[tokio::test]
async fn whatever_actor_dies_the_next_message_is_answered() {
    let house = ParrotHouse::new();
    let clock = Arc::new(FaintClock { time: ManualClock::at(START), faints: AtomicUsize::new(0) });
    let mut options = house.options();
    options.clock = clock.clone();
    let app = TestApp::start(options);
    for round in 0..8 {
        clock.faints.store(1, Ordering::SeqCst);
        // Nothing happens but ticks: a shard's or an outbox's dies of it.
        eventually("an actor dies", || clock.faints.load(Ordering::SeqCst) == 0).await;
        let word = round.to_string();
        assert_eq!(app.post(&envelope(&[text(&format!("w{round}"), SITI, &word)])).await, 200);
        eventually("the reply", || house.channel.texts_to(SITI_E164).last() == Some(&word)).await;
        app.at_rest().await;
        clock.time.advance(MINUTE_MS);
    }
    let expected: Vec<String> = (0..8).map(|round: u32| round.to_string()).collect();
    assert_eq!(house.channel.texts_to(SITI_E164), expected, "each once, in order");
    eventually("all rows are closed", || house.store.open_rows() == (0, 0)).await;
}

#[tokio::test]
async fn actors_that_die_under_load_lose_nothing() {
    const PEOPLE: usize = 20;
    let house = ParrotHouse::new();
    let clock = Arc::new(FaintClock { time: ManualClock::at(START), faints: AtomicUsize::new(0) });
    let mut options = house.options();
    options.clock = clock.clone();
    let app = TestApp::start(options);
    let phone = |person: usize| format!("62812000{person:05}");
    for round in 0..5 {
        // The web's threads ask the clock as well: whoever is not answered 200 comes again, as Meta does.
        clock.faints.store(2, Ordering::SeqCst);
        join_all((0..PEOPLE).map(|person| {
            let app = &app;
            async move {
                let message = text(&format!("w-{person}-{round}"), &phone(person), &round.to_string());
                let body = serde_json::to_vec(&envelope(&[message])).expect("json");
                let signature = crate::support::sign(crate::support::APP_SECRET, &body);
                loop {
                    let post = app.http.post(app.url()).header("x-hub-signature-256", &signature).body(body.clone());
                    if post.send().await.is_ok_and(|answer| answer.status().as_u16() == 200) {
                        break;
                    }
                }
            }
        }))
        .await;
        app.at_rest().await;
        // What was in the air when an outbox died is ambiguous: it waits for a status, then goes once more.
        clock.time.advance(3 * MINUTE_MS);
        eventually("all is settled", || house.store.open_rows() == (0, 0)).await;
        app.at_rest().await;
    }
    let texts = house.channel.texts();
    for person in 0..PEOPLE {
        let mut heard = texts[&format!("+{}", phone(person))].clone();
        // A send whose end nobody saw may have gone twice; none may be missing or out of order.
        heard.dedup();
        assert_eq!(heard, ["0", "1", "2", "3", "4"], "person {person}");
    }
}

#[tokio::test]
async fn a_session_put_to_sleep_forgets_nothing() {
    let house = ParrotHouse::new();
    let app = house.open();
    assert_eq!(app.post(&envelope(&[text("w1", SITI, "a")])).await, 200);
    app.at_rest().await;
    assert_eq!(sum(&actors(&app).await, "sessions_awake"), 1);
    house.clock.advance(2 * MINUTE_MS);
    loop {
        if sum(&actors(&app).await, "sessions_awake") == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(app.post(&envelope(&[text("w1", SITI, "a"), text("w2", SITI, "b")])).await, 200);
    eventually("the reply", || house.channel.texts_to(SITI_E164).len() == 2).await;
    assert_eq!(house.channel.texts_to(SITI_E164), ["a", "b"], "what it has handled it still knows");
}

#[tokio::test]
async fn more_people_than_may_be_awake_are_all_served() {
    const PEOPLE: usize = 60;
    let house = ParrotHouse::new();
    let mut options = house.options();
    options.figures.sessions_awake_max = 2;
    let app = TestApp::start(options);
    let everyone: Vec<Value> =
        (0..PEOPLE).map(|person| text(&format!("w{person}"), &format!("62812000{person:05}"), "hai")).collect();
    assert_eq!(app.post(&envelope(&everyone)).await, 200);
    eventually("everyone is answered", || house.channel.sent().len() == PEOPLE).await;
    let awake = actors(&app).await;
    assert!(sum(&awake, "sessions_awake") <= 4, "two a shard");
}

#[tokio::test]
async fn a_number_sends_within_its_budget_and_nothing_is_lost() {
    const PEOPLE: usize = 30;
    let house = ParrotHouse::new();
    let mut options = house.options();
    options.numbers[0].messages_per_s = 20;
    let app = TestApp::start(options);
    let started = std::time::Instant::now();
    let everyone: Vec<Value> =
        (0..PEOPLE).map(|person| text(&format!("w{person}"), &format!("62812000{person:05}"), "hai")).collect();
    assert_eq!(app.post(&envelope(&everyone)).await, 200);
    eventually("everyone is answered", || house.channel.sent().len() == PEOPLE).await;
    // Thirty at twenty a second with a burst of two: never in less than a second.
    assert!(started.elapsed().as_millis() >= 1_000, "{:?}", started.elapsed());
}

#[tokio::test]
async fn one_citizen_gets_forty_five_at_once_and_then_one_each_six_seconds() {
    let house = ParrotHouse::new();
    let app = house.open();
    for n in 0..47 {
        assert_eq!(app.post(&envelope(&[text(&format!("w{n}"), SITI, "hai")])).await, 200);
        // Each its own turn.
        eventually("its turn", || house.store.open_rows().0 == 0).await;
    }
    eventually("the burst", || house.channel.sent().len() == 45).await;
    house.clock.advance(6_000);
    eventually("what waits leaves as one", || house.channel.sent().len() == 46).await;
    assert_eq!(house.channel.texts_to(SITI_E164).last().map(String::as_str), Some("hai\n\nhai"));
    eventually("all rows are closed", || house.store.open_rows() == (0, 0)).await;
}

#[tokio::test]
async fn a_quoted_message_is_known_while_its_session_is_awake() {
    let house = ParrotHouse::new();
    let app = house.open();
    assert_eq!(app.post(&envelope(&[text("w1", SITI, "a")])).await, 200);
    eventually("the reply", || house.channel.sent().len() == 1).await;
    app.at_rest().await;
    let mut quoting = text("w2", SITI, "1");
    quoting["context"] = json!({"from": "6281100000119", "id": "wamid.out.1"});
    assert_eq!(app.post(&envelope(&[quoting])).await, 200);
    eventually("the second reply", || house.channel.texts_to(SITI_E164) == ["a", "1 about a"]).await;
}

#[tokio::test]
async fn messages_are_marked_as_read_when_the_operator_wants_it() {
    for (policy, expected) in [(ReadReceipts::Always, 1), (ReadReceipts::WhenSlow, 0), (ReadReceipts::Never, 0)] {
        let house = ParrotHouse::new();
        let mut options = house.options();
        options.figures.read_receipts = policy;
        let app = TestApp::start(options);
        assert_eq!(app.post(&envelope(&[text("w1", SITI, "a")])).await, 200);
        eventually("the reply", || house.channel.sent().len() == 1).await;
        app.at_rest().await;
        assert_eq!(house.channel.receipts.load(Ordering::SeqCst), expected, "{policy:?}");
    }
}
