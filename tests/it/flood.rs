//! One citizen's trouble is never another's, measured: poison among good messages, and one contact that floods.
//!
//! The small form runs always and looks at what became of every message. The long forms (`.ci/long poison`,
//! `.ci/long hot-contact`) hold the others' p99 against a clean run of the same size on the same machine.

#![expect(clippy::print_stdout, reason = "the long runs tell their figures")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a pace of messages needs no more"
)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use siaga::app::{AppOptions, StoreChoice};
use siaga::clock::SystemClock;
use siaga::domain::contact::{BusinessNumber, Recipient};
use siaga::domain::message::{MessageId, Outbound};
use siaga::ports::{Channel, Clock, DeadReason, OutgoingCode, OutgoingMessage, SendError, Store};
use siaga::store::{self, Journal};
use tokio::sync::Semaphore;

use crate::support::{Parrot, TestApp, envelope, eventually_within, parrot_options, text};

const PATIENCE: Duration = Duration::from_secs(900);
/// POSTs under way at once, as Meta would have.
const POSTS_MAX: usize = 64;
const HOT: &str = "6281300000001";

/// Notes when each recipient got his answer.
#[derive(Default)]
struct Stopwatch {
    answered: Mutex<HashMap<Recipient, (Instant, bool)>>,
}

impl Channel for Stopwatch {
    fn send(&self, outgoing: OutgoingMessage) -> BoxFuture<'_, Result<MessageId, SendError>> {
        let sorry = matches!(outgoing.message.as_ref(), Outbound::Text { body } if body.0 == "sorry");
        let mut answered = self.answered.lock().expect("not poisoned");
        answered.entry(outgoing.to).or_insert((Instant::now(), sorry));
        let id = MessageId(format!("wamid.out.{}", answered.len()));
        Box::pin(async { Ok(id) })
    }

    fn mark_read(&self, _: BusinessNumber, _: MessageId, _: bool) -> BoxFuture<'_, Result<(), SendError>> {
        Box::pin(async { Ok(()) })
    }

    fn send_code(&self, _: OutgoingCode) -> BoxFuture<'_, Result<MessageId, SendError>> {
        Box::pin(async { Ok(MessageId("wamid.code".into())) })
    }
}

struct House {
    app: TestApp,
    store: Arc<Journal>,
    stopwatch: Arc<Stopwatch>,
    clock: Arc<SystemClock>,
    said: Mutex<HashMap<Recipient, Instant>>,
    _directory: tempfile::TempDir,
}

impl House {
    fn open() -> Self {
        be_quiet();
        let directory = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(SystemClock::default());
        let stopwatch = Arc::new(Stopwatch::default());
        let at = store::Options::new(directory.path().join("store"));
        let store = store::open(&at, &siaga::domain::keys::ServerKeys::derive(&[42; 32]), clock.clone())
            .expect("the store opens");
        let options = AppOptions {
            store: StoreChoice::Given(store.clone()),
            ..parrot_options(store.clone(), clock.clone(), stopwatch.clone(), Arc::new(Parrot::default()))
        };
        let app = TestApp::start(options);
        Self { app, store, stopwatch, clock, said: Mutex::default(), _directory: directory }
    }

    /// A citizen's only message.
    async fn says(&self, wa_id: &str, words: &str) {
        let phone = siaga::domain::phone::Phone::from_wa_id(wa_id).expect("a number");
        self.said.lock().expect("not poisoned").insert(Recipient::Phone(phone), Instant::now());
        assert_eq!(self.app.post(&envelope(&[self.message(wa_id, "0", words)])).await, 200);
    }

    fn message(&self, wa_id: &str, number: &str, words: &str) -> serde_json::Value {
        let mut message = text(&format!("w-{wa_id}-{number}"), wa_id, words);
        message["timestamp"] = (self.clock.now().0 / 1_000).to_string().into();
        message
    }

    /// From saying something to having the answer, of those who were not told sorry; the 99th of a hundred.
    fn p99(&self) -> Duration {
        let (said, answered) =
            (self.said.lock().expect("not poisoned"), self.stopwatch.answered.lock().expect("not poisoned"));
        let took = |(who, at): (&Recipient, &Instant)| {
            let (answered, sorry) = answered.get(who)?;
            (!sorry).then(|| answered.duration_since(*at))
        };
        let mut took: Vec<Duration> = said.iter().filter_map(took).collect();
        took.sort_unstable();
        took[(took.len() * 99 / 100).min(took.len() - 1)]
    }

    fn answered(&self) -> usize {
        self.stopwatch.answered.lock().expect("not poisoned").len()
    }
}

/// Panics that a test wants need no words: six thousand backtraces would be what is measured.
fn be_quiet() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let words = info.payload().downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| info.payload().downcast_ref::<&str>().copied());
            if !words.is_some_and(|words| words.starts_with("as the test wants")) {
                loud(info);
            }
        }));
    });
}

fn wa_id(person: usize) -> String {
    format!("62812{person:07}")
}

/// Runs `post` for each number, so many a second, `POSTS_MAX` at once.
async fn paced(count: usize, per_s: f64, post: impl AsyncFn(usize)) {
    let places = Semaphore::new(POSTS_MAX);
    let began = tokio::time::Instant::now();
    let one = async |number: usize| {
        tokio::time::sleep_until(began + Duration::from_secs_f64(number as f64 / per_s)).await;
        let _place = places.acquire().await.expect("never closed");
        post(number).await;
    };
    // In portions: a hundred thousand futures at once would be looked at each time one moves.
    for first in (0..count).step_by(500) {
        futures_util::future::join_all((first..count.min(first + 500)).map(&one)).await;
    }
}

/// `good` messages, of as many people, with `poison` others spread among them.
async fn poisoned(good: usize, poison: usize, per_s: f64) -> Duration {
    let house = House::open();
    let every = (good + poison).checked_div(poison).unwrap_or(usize::MAX);
    paced(good + poison, per_s, async |number| {
        let words = if number % every == every - 1 { "poison" } else { "hai" };
        house.says(&wa_id(number), words).await;
    })
    .await;
    eventually_within(PATIENCE, "everyone is answered", || house.answered() == good + poison).await;
    house.app.at_rest().await;
    let letters = house.store.dead_letters().await.expect("the letters");
    assert_eq!(letters.len(), poison, "each of the poisoned, and nobody else");
    assert!(letters.iter().all(|(_, letter)| letter.reason == DeadReason::Poison));
    let sorry = house.stopwatch.answered.lock().expect("not poisoned").values().filter(|(_, sorry)| *sorry).count();
    assert_eq!(sorry, poison, "each of them is told so, and nobody else");
    let tally = house.store.tally();
    assert_eq!((tally.drift(), tally.pending), (0, 0), "{tally:?}");
    assert_eq!((tally.answered, tally.dead_lettered), (good as u64, poison as u64), "{tally:?}");
    house.p99()
}

/// `others` people say one thing each; meanwhile one contact says `hot_per_s` things a second, ten in a POST.
async fn flooded(others: usize, per_s: f64, hot_per_s: f64) -> Duration {
    let house = House::open();
    let hot = (others as f64 / per_s * hot_per_s / 10.0) as usize;
    let flood = paced(hot, hot_per_s / 10.0, async |number| {
        let ten: Vec<_> = (0..10).map(|nth| house.message(HOT, &format!("{number}-{nth}"), "hai")).collect();
        assert_eq!(house.app.post(&envelope(&ten)).await, 200);
    });
    let rest = paced(others, per_s, async |number| house.says(&wa_id(number), "hai").await);
    futures_util::future::join(flood, rest).await;
    let others_answered = || house.answered() >= others + usize::from(hot > 0);
    eventually_within(PATIENCE, "everyone is answered", others_answered).await;
    eventually_within(PATIENCE, "all of the flood is handled", || house.store.tally().pending == 0).await;
    let tally = house.store.tally();
    assert_eq!((tally.drift(), tally.dead_lettered), (0, 0), "{tally:?}");
    assert_eq!(tally.accepted, (others + 10 * hot) as u64);
    let p99 = house.p99();
    // What the one contact may be told leaves at Meta's pace: the rest stays for the next process.
    house.app.kill();
    p99
}

#[tokio::test]
async fn poison_is_set_aside_and_all_others_are_answered() {
    poisoned(600, 6, 300.0).await;
}

#[tokio::test]
async fn one_contact_that_floods_is_nobody_elses_trouble() {
    flooded(200, 100.0, 200.0).await;
}

#[tokio::test]
#[ignore = "takes minutes: .ci/long poison"]
async fn a_thousand_poisoned_among_a_hundred_thousand() {
    let clean = poisoned(20_000, 0, 800.0).await;
    let p99 = poisoned(100_000, 1_000, 800.0).await;
    println!("p99 of a clean run {clean:?}, with 1 % poison {p99:?}");
    assert!(p99 <= clean.mul_f64(1.5), "{p99:?} with poison, {clean:?} without");
}

#[tokio::test]
#[ignore = "takes minutes: .ci/long hot-contact"]
async fn one_contact_with_a_thousand_a_second_among_five_thousand() {
    let clean = flooded(5_000, 100.0, 0.0).await;
    let p99 = flooded(5_000, 100.0, 1_000.0).await;
    println!("p99 of a clean run {clean:?}, beside a flood {p99:?}");
    assert!(p99 <= clean.mul_f64(1.5), "{p99:?} beside a flood, {clean:?} without");
}
