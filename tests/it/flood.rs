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
        let mut options = AppOptions {
            store: StoreChoice::Given(store.clone()),
            ..parrot_options(store.clone(), clock.clone(), stopwatch.clone(), Arc::new(Parrot::default()))
        };
        // A thousand in, beside all others, are more than Meta lets a number have in a second. That limit all of its
        // citizens share, so it would be measured and not what one contact does to the others.
        options.numbers.iter_mut().for_each(|number| number.messages_per_s = 10_000);
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

    /// From saying something to having the answer, of those who were not told sorry, shortest first. Forgets them.
    fn waits(&self) -> Vec<Duration> {
        let said = std::mem::take(&mut *self.said.lock().expect("not poisoned"));
        let answered = self.stopwatch.answered.lock().expect("not poisoned");
        let waited = |(who, at): (Recipient, Instant)| {
            let (answered, sorry) = answered.get(&who)?;
            (!sorry).then(|| answered.duration_since(at))
        };
        let mut waits: Vec<Duration> = said.into_iter().filter_map(waited).collect();
        waits.sort_unstable();
        waits
    }

    async fn letters(&self) -> Vec<DeadReason> {
        let letters = self.store.dead_letters().await.expect("the letters");
        letters.into_iter().map(|(_, letter)| letter.reason).collect()
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

/// `good` messages, of as many people from `first` on, with `poison` others spread among them.
async fn poisoned(house: &House, first: usize, good: usize, poison: usize, per_s: f64) -> Vec<Duration> {
    let every = (good + poison).checked_div(poison).unwrap_or(usize::MAX);
    let (before, letters) = (house.answered(), house.letters().await.len());
    paced(good + poison, per_s, async |number| {
        let words = if number % every == every - 1 { "poison" } else { "hai" };
        house.says(&wa_id(first + number), words).await;
    })
    .await;
    let answered = || house.answered() == before + good + poison;
    eventually_within(PATIENCE, "everyone is answered", answered).await;
    house.app.at_rest().await;
    let reasons = house.letters().await;
    assert_eq!(reasons.len() - letters, poison, "each of the poisoned, and nobody else");
    assert!(reasons.iter().all(|reason| *reason == DeadReason::Poison));
    let sorry = house.stopwatch.answered.lock().expect("not poisoned").values().filter(|(_, sorry)| *sorry).count();
    assert_eq!(sorry, reasons.len(), "each of them is told so, and nobody else");
    let tally = house.store.tally();
    assert_eq!((tally.drift(), tally.pending), (0, 0), "{tally:?}");
    assert_eq!(tally.dead_lettered, reasons.len() as u64, "{tally:?}");
    house.waits()
}

/// `others` people from `first` on say one thing each; meanwhile one contact says `hot_per_s` things a second, ten in a
/// POST.
async fn flooded(house: &House, first: usize, others: usize, per_s: f64, hot_per_s: f64) -> Vec<Duration> {
    let hot = (others as f64 / per_s * hot_per_s / 10.0) as usize;
    let (accepted, answered) = (house.store.tally().accepted, house.answered());
    let flood = paced(hot, hot_per_s / 10.0, async |number| {
        let ten: Vec<_> = (0..10).map(|nth| house.message(HOT, &format!("{first}-{number}-{nth}"), "hai")).collect();
        assert_eq!(house.app.post(&envelope(&ten)).await, 200);
    });
    let rest = paced(others, per_s, async |number| house.says(&wa_id(first + number), "hai").await);
    futures_util::future::join(flood, rest).await;
    eventually_within(PATIENCE, "everyone is answered", || house.answered() >= answered + others).await;
    eventually_within(PATIENCE, "all of the flood is handled", || house.store.tally().pending == 0).await;
    let tally = house.store.tally();
    assert_eq!((tally.drift(), tally.dead_lettered), (0, 0), "{tally:?}");
    assert_eq!(tally.accepted - accepted, (others + 10 * hot) as u64);
    house.waits()
}

/// What others wait with and without a trouble, taken by turns: what else the machine does is the same for both.
#[derive(Default)]
struct Compared {
    without: Vec<Vec<Duration>>,
    with: Vec<Vec<Duration>>,
}

impl Compared {
    /// The middle one of the turns' percentiles.
    fn middle(turns: &[Vec<Duration>], percent: usize) -> Duration {
        let mut all: Vec<Duration> = turns.iter().map(|waits| waits[(waits.len() - 1) * percent / 100]).collect();
        all.sort_unstable();
        all[all.len() / 2]
    }

    fn hold(&self, what: &str) {
        for percent in [50, 90, 99] {
            let (without, with) = (Self::middle(&self.without, percent), Self::middle(&self.with, percent));
            println!("p{percent} {without:?} without {what}, {with:?} with it, the middle of {}", self.with.len());
        }
        let (without, with) = (Self::middle(&self.without, 99), Self::middle(&self.with, 99));
        assert!(with <= without.mul_f64(1.5), "{with:?} with {what}, {without:?} without");
    }
}

#[tokio::test]
async fn poison_is_set_aside_and_all_others_are_answered() {
    let house = House::open();
    poisoned(&house, 0, 600, 6, 300.0).await;
}

#[tokio::test]
async fn one_contact_that_floods_is_nobody_elses_trouble() {
    let house = House::open();
    flooded(&house, 0, 200, 100.0, 200.0).await;
    // What the one contact may be told leaves at Meta's pace: the rest stays for the next process.
    house.app.kill();
}

#[tokio::test]
#[ignore = "takes minutes: .ci/long poison"]
async fn a_thousand_poisoned_among_a_hundred_thousand() {
    const TURNS: usize = 20;
    let (house, mut compared) = (House::open(), Compared::default());
    for turn in 0..TURNS {
        let first = turn * 20_000;
        compared.without.push(poisoned(&house, first, 5_000, 0, 800.0).await);
        compared.with.push(poisoned(&house, first + 10_000, 5_000, 50, 800.0).await);
    }
    assert_eq!(house.letters().await.len(), 1_000);
    compared.hold("1 % poison");
}

#[tokio::test]
#[ignore = "takes minutes: .ci/long hot-contact"]
async fn one_contact_with_a_thousand_a_second_among_five_thousand() {
    const TURNS: usize = 10;
    let (house, mut compared) = (House::open(), Compared::default());
    for turn in 0..TURNS {
        let first = turn * 20_000;
        compared.without.push(flooded(&house, first, 500, 100.0, 0.0).await);
        compared.with.push(flooded(&house, first + 10_000, 500, 100.0, 1_000.0).await);
    }
    house.app.kill();
    compared.hold("a flood");
}
