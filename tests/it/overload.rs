//! More people than the service can take: who is refused, who waits, who is served, and that nobody is lost.
//!
//! Time is the test's own, so nothing here depends on how fast a machine is.

mod long;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};
use siaga::actors::session::Ours;
use siaga::app::{AppOptions, StoreChoice};
use siaga::clock::ManualClock;
use siaga::domain::contact::Recipient;
use siaga::domain::message::Outbound;
use siaga::limits::admission::Pace;
use siaga::ports::{Clock, Store};

use crate::support::{APP_SECRET, ParrotHouse, Recording, TestApp, envelope, eventually, sign, text};

/// What a server with a gate lets in: four turns a second, unless a test says otherwise.
fn pace(turns_per_s: u32) -> Pace {
    Pace {
        turns_per_s,
        numbers: Vec::new(),
        waiting_max: 100_000,
        tell_after_ms: 15_000,
        ramp_ms: 17_000,
        replies_waiting_ms: 10_000,
    }
}

fn phone(person: usize) -> String {
    format!("62812000{person:05}")
}

/// A message of a person, sent as the clock stands.
fn said(clock: &ManualClock, wamid: &str, person: usize, words: &str) -> Value {
    let mut message = text(wamid, &phone(person), words);
    message["timestamp"] = json!((clock.now().0 / 1_000).to_string());
    message
}

/// Who got the parrot's echo of `words`, in order, and how often each was told that he has to wait.
fn heard(channel: &Recording, words: &str) -> (Vec<usize>, BTreeMap<usize, usize>) {
    let (mut served, mut told) = (Vec::new(), BTreeMap::new());
    for outgoing in channel.sent() {
        let Recipient::Phone(phone) = &outgoing.to else { continue };
        let person: usize = phone.digits().to_string().trim_start_matches("62812000").parse().expect("a person");
        let (Outbound::Text { body } | Outbound::Buttons { body, .. }) = outgoing.message.as_ref() else { continue };
        if body.0.starts_with("Layanan sedang ramai. Anda di urutan ") {
            *told.entry(person).or_default() += 1;
        } else if body.0.contains(words) {
            served.push(person);
        }
    }
    (served, told)
}

async fn admission(app: &TestApp) -> Value {
    let (status, page) = app.ops("/actors").await;
    assert_eq!(status, 200);
    serde_json::from_str::<Value>(&page).expect("a picture")["admission"].clone()
}

/// Moves the clock until somebody else is served.
async fn somebody_else(house: &ParrotHouse, words: &str) {
    let before = heard(&house.channel, words).0.len();
    house.clock.advance(500);
    eventually("somebody is let in", || heard(&house.channel, words).0.len() > before).await;
}

fn gated(house: &ParrotHouse, turns_per_s: u32) -> AppOptions {
    AppOptions { admission: Some(pace(turns_per_s)), ..house.options() }
}

async fn arrive(app: &TestApp, house: &ParrotHouse, people: std::ops::Range<usize>) {
    let people: Vec<usize> = people.collect();
    for some in people.chunks(20) {
        let messages: Vec<Value> =
            some.iter().map(|person| said(&house.clock, &format!("w{person}"), *person, "hai")).collect();
        assert_eq!(app.post(&envelope(&messages)).await, 200);
    }
}

#[tokio::test]
async fn who_waits_is_told_and_served_in_his_turn_also_across_a_restart() {
    const PEOPLE: usize = 200;
    let mut house = ParrotHouse::new();
    let app = TestApp::start(gated(&house, 40));
    arrive(&app, &house, 0..PEOPLE).await;
    // A quarter of a second's worth comes in at once; the first to wait for long are told so.
    eventually("ten are served and two told", || {
        let (served, told) = heard(&house.channel, "hai");
        served.len() == 10 && told.len() == 2
    })
    .await;
    app.at_rest().await;
    assert_eq!(admission(&app).await["waiting"], PEOPLE - 10);
    for _ in 0..4 {
        somebody_else(&house, "hai").await;
        app.at_rest().await;
    }
    let (served_before, told_before) = heard(&house.channel, "hai");
    assert!(told_before.len() > 2, "more were told meanwhile");
    house.crash(app);

    let app = TestApp::start(gated(&house, 40));
    assert_eq!(admission(&app).await["waiting"], PEOPLE - served_before.len(), "all who were not served wait");
    while heard(&house.channel, "hai").0.len() + served_before.len() < PEOPLE {
        somebody_else(&house, "hai").await;
    }
    app.at_rest().await;
    let (served, told) = heard(&house.channel, "hai");
    let everyone: BTreeSet<usize> = served_before.iter().chain(&served).copied().collect();
    assert_eq!((everyone.len(), served_before.len() + served.len()), (PEOPLE, PEOPLE), "everyone once");
    let again: Vec<&usize> = told.keys().filter(|person| told_before.contains_key(person)).collect();
    assert!(again.is_empty(), "told before the restart and after it: {again:?}");
    // In order of arrival; two shards at work may swap those who come in at the same moment.
    for (place, person) in served_before.iter().chain(&served).enumerate() {
        assert!(place.abs_diff(*person) <= 25, "person {person} came in as number {place}");
    }
    eventually("all rows are closed", || house.store.open_rows() == (0, 0)).await;
}

#[tokio::test]
async fn who_writes_again_is_told_once_more_and_no_third_time() {
    let mut house = ParrotHouse::new();
    let app = TestApp::start(gated(&house, 4));
    arrive(&app, &house, 0..60).await;
    eventually("one is told", || heard(&house.channel, "hai").1.len() == 1).await;
    let person = *heard(&house.channel, "hai").1.keys().next().expect("somebody");
    let write = async |app: &TestApp, house: &ParrotHouse, wamid: &str| {
        assert_eq!(app.post(&envelope(&[said(&house.clock, wamid, person, "halo?")])).await, 200);
        app.at_rest().await;
    };
    let a_minute = async |house: &ParrotHouse| {
        // What was saved up is a turn at most, however long nobody came in.
        let before = heard(&house.channel, "hai").0.len();
        house.clock.advance(61_000);
        eventually("the next comes in", || heard(&house.channel, "hai").0.len() > before).await;
    };
    write(&app, &house, "again-1").await;
    assert_eq!(heard(&house.channel, "hai").1[&person], 1, "so soon");
    a_minute(&house).await;
    write(&app, &house, "again-2").await;
    eventually("once more", || heard(&house.channel, "hai").1[&person] == 2).await;
    app.at_rest().await;
    house.crash(app);
    let app = TestApp::start(gated(&house, 4));
    for n in 3..7 {
        a_minute(&house).await;
        write(&app, &house, &format!("again-{n}")).await;
    }
    assert_eq!(heard(&house.channel, "hai").1.get(&person), None, "his record knows that he was told twice");
    app.kill();
}

#[tokio::test]
async fn who_is_in_the_middle_is_served_while_others_wait() {
    let house = ParrotHouse::new();
    let app = TestApp::start(AppOptions { script: Arc::new(Ours), ..gated(&house, 4) });
    assert_eq!(app.post(&envelope(&[said(&house.clock, "a1", 7, "hai")])).await, 200);
    eventually("he is greeted", || heard(&house.channel, "Selamat datang").0 == [7]).await;
    app.at_rest().await;
    arrive(&app, &house, 100..160).await;
    assert_eq!(app.post(&envelope(&[said(&house.clock, "a2", 7, "bantuan")])).await, 200);
    eventually("he is answered", || {
        let to_him = |sent: &siaga::ports::OutgoingMessage| matches!(&sent.to, Recipient::Phone(to) if to.digits().to_string() == phone(7));
        house.channel.sent().iter().filter(|sent| to_him(sent)).count() == 2
    })
    .await;
    app.at_rest().await;
    let (greeted, _) = heard(&house.channel, "Selamat datang");
    assert_eq!(greeted, [7], "nobody else had room");
    assert_eq!(admission(&app).await["waiting"], 60);
    app.kill();
}

#[tokio::test]
async fn a_full_waiting_room_turns_away_and_says_so_and_what_protects_acts_all_the_same() {
    let house = ParrotHouse::new();
    let admission = Some(Pace { waiting_max: 2, ..pace(4) });
    let app = TestApp::start(AppOptions { admission, ..house.options() });
    for person in 0..5 {
        assert_eq!(app.post(&envelope(&[said(&house.clock, &format!("w{person}"), person, "hai")])).await, 200);
    }
    app.at_rest().await;
    eventually("one is served, one told", || house.channel.sent().len() == 2).await;
    assert_eq!(house.channel.texts_to(&format!("+{}", phone(0))), ["hai"]);
    let told = house.channel.texts_to(&format!("+{}", phone(3)));
    assert_eq!(
        told,
        ["Layanan sedang sangat ramai dan pesan Anda belum dapat kami simpan. Mohon kirim lagi sekitar 1 menit lagi."]
    );
    let tally = house.store.tally();
    assert_eq!((tally.refused, tally.pending, tally.drift()), (2, 2, 0));
    // The same message again has been refused already; a new one that protects acts at once.
    assert_eq!(app.post(&envelope(&[said(&house.clock, "w9", 4, "BUKAN SAYA 5207-7391")])).await, 200);
    let four = format!("+{}", phone(4));
    eventually("it acts", || house.channel.texts_to(&four) == ["BUKAN SAYA 5207-7391"]).await;
    house.clock.advance(1_000);
    eventually("who waits is served", || heard(&house.channel, "hai").0 == [0, 1]).await;
    house.clock.advance(1_000);
    eventually("and the next", || heard(&house.channel, "hai").0 == [0, 1, 2]).await;
    house.clock.advance(1_000);
    assert_eq!(app.post(&envelope(&[said(&house.clock, "w10", 3, "hai lagi")])).await, 200);
    eventually("who was turned away is served when he comes again", || {
        house.channel.texts_to(&format!("+{}", phone(3))).last().is_some_and(|words| words == "hai lagi")
    })
    .await;
    app.at_rest().await;
    assert_eq!(house.store.tally().drift(), 0);
}

#[tokio::test]
async fn ten_times_what_fits_is_refused_delivered_again_and_served() {
    const PEOPLE: usize = 400;
    let house = ParrotHouse::new();
    let directory = tempfile::tempdir().expect("a directory");
    let mut options = gated(&house, 50);
    let journal = siaga::store::Options { open_bytes_max: 128 << 10, ..siaga::store::Options::new(directory.path()) };
    options.store = StoreChoice::Journal(journal);
    let app = TestApp::start(options);
    // All of them at once: what does not fit is kept for later, as Meta does.
    let mut refused: Vec<Vec<Value>> = Vec::new();
    let (mut statuses_refused_at, mut messages_refused_at) = (None, None);
    for post in 0..PEOPLE / 5 {
        let messages: Vec<Value> =
            (post * 5..post * 5 + 5).map(|person| said(&house.clock, &format!("w{person}"), person, "hai")).collect();
        let body = serde_json::to_vec(&envelope(&messages)).expect("json");
        let answer = app.post_raw(body.clone(), Some(&sign(APP_SECRET, &body))).await;
        if answer.status().as_u16() == 503 {
            assert_eq!(answer.headers()["retry-after"], "5");
            messages_refused_at.get_or_insert(post);
            refused.push(messages);
        } else {
            assert_eq!(answer.status().as_u16(), 200);
        }
        if app.post(&status(&format!("wamid.s{post}"))).await == 503 {
            statuses_refused_at.get_or_insert(post);
        }
    }
    assert!(messages_refused_at.is_some(), "it never was too much");
    assert!(statuses_refused_at < messages_refused_at, "{statuses_refused_at:?} {messages_refused_at:?}");
    // Those who came in are served: what is open now stays so, and readiness says why.
    app.at_rest().await;
    while let Some(messages) = refused.pop() {
        if app.post(&envelope(&messages)).await == 503 {
            refused.push(messages);
            break;
        }
    }
    assert_eq!(app.ops("/readyz").await, (503, unready()));
    let mut rounds = 0;
    while heard(&house.channel, "hai").0.len() < PEOPLE {
        rounds += 1;
        assert!(rounds < 5_000, "{} of {PEOPLE} are served", heard(&house.channel, "hai").0.len());
        if let Some(messages) = refused.pop()
            && app.post(&envelope(&messages)).await == 503
        {
            refused.insert(0, messages);
        }
        house.clock.advance(200);
        app.at_rest().await;
    }
    app.at_rest().await;
    let (served, told) = heard(&house.channel, "hai");
    let once: BTreeSet<usize> = served.iter().copied().collect();
    assert_eq!((served.len(), once.len()), (PEOPLE, PEOPLE), "everyone once");
    assert!(told.values().all(|times| *times <= 2), "{told:?}");
    assert_eq!(app.ops("/readyz").await.0, 200);
}

/// Why the store takes no more, and how the neighbours stand.
fn unready() -> String {
    "the store cannot take more now: open rows\ndirectory: called\nregistry: called\notp.http: called\ndesk: called\n"
        .to_owned()
}

/// A POST with nothing but news of a message of ours.
fn status(wamid: &str) -> Value {
    let mut body = envelope(&[]);
    body["entry"][0]["changes"][0]["value"]["statuses"] =
        json!([{"id": wamid, "status": "delivered", "timestamp": "1795416601", "recipient_id": phone(0)}]);
    body
}
