//! A ministry's own desk: what it is told of reports, whatever becomes of it or of us, and what it orders.

#![allow(clippy::unwrap_used)] // helpers of tests are tests: there a panic is the finding

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use siaga::actors::session::Ours;
use siaga::app::{AppOptions, DeskChoice};
use siaga::desk::ministry::Options;
use siaga::domain::call::CallId;
use siaga::domain::certificate::Language;
use siaga::domain::contact::ContactId;
use siaga::domain::message::{Outbound, Text};
use siaga::domain::nik::Nik;
use siaga::domain::phone::Mobile;
use siaga::domain::ticket::{TicketDraft, TicketKind, TicketNumber, TicketState};
use siaga::domain::time::HOUR_MS;
use siaga::limits::breaker::BreakerRules;
use siaga::ports::{Clock as _, IdempotencyKey, Tickets as _};

use crate::ministry_desk::{Desk, Mood, Order, SECRET};
use crate::support::{ParrotHouse, TestApp, envelope, eventually};
use crate::tiny_server::TinyServer;

const SITI: &str = "6281200000042";

/// A server and the ministry's desk beside it.
struct Ministry {
    house: ParrotHouse,
    desk: Arc<Desk>,
    server: TinyServer,
    messages: usize,
    secrets: Vec<&'static str>,
    refused_again: Duration,
}

impl Ministry {
    async fn open() -> Self {
        let desk = Arc::<Desk>::default();
        let own = Arc::clone(&desk);
        let server = TinyServer::start(move |_, seen| own.answer(seen)).await;
        let refused_again = Duration::from_secs(3_600);
        Self { house: ParrotHouse::new(), desk, server, messages: 0, secrets: vec![SECRET], refused_again }
    }

    fn options(&self) -> AppOptions {
        let mut options = self.house.options();
        options.script = Arc::new(Ours);
        options.figures.breaker = BreakerRules { calls_min: 6, ..BreakerRules::default() };
        options.desk = DeskChoice::Http(Options {
            url: format!("{}/siaga", self.server.url),
            secrets: self.secrets.iter().map(|secret| (*secret).into()).collect(),
            timeout: Duration::from_millis(500),
            connections_max: 4,
            retry_first: Duration::from_millis(5),
            retry_max: Duration::from_millis(40),
            refused_again: self.refused_again,
        });
        options
    }

    fn start(&self) -> TestApp {
        TestApp::start(self.options())
    }

    /// The citizen writes, and all that comes of it has happened.
    async fn writes(&mut self, app: &TestApp, words: &str) {
        self.messages += 1;
        let at_s = self.house.clock.now().0 / 1_000;
        let message = json!({"from": SITI, "id": format!("wamid.in.{}", self.messages), "timestamp": at_s.to_string(),
            "type": "text", "text": {"body": words}});
        assert_eq!(app.post(&envelope(&[message])).await, 200);
        app.settled().await;
    }

    /// A report by chat, without a login.
    async fn reports(&mut self, app: &TestApp, words: &str) -> TicketNumber {
        for text in ["hai", "petugas", "Lainnya", words] {
            self.writes(app, text).await;
        }
        let said = self.said().last().cloned().unwrap_or_default();
        let number = said.split_whitespace().find_map(|word| TicketNumber::parse(word.trim_end_matches('.')).ok());
        number.unwrap_or_else(|| panic!("no report's number: {said}"))
    }

    /// All that the citizen reads.
    fn said(&self) -> Vec<String> {
        let sent = self.house.channel.sent();
        let words = |message: &Outbound| match message {
            Outbound::Text { body } | Outbound::Buttons { body, .. } | Outbound::List { body, .. } => body.0.clone(),
            Outbound::Template { name, .. } => format!("({name})"),
            Outbound::Certificate { .. } => String::from("(certificate)"),
        };
        sent.iter().map(|outgoing| words(&outgoing.message)).collect()
    }

    async fn hears(&self, part: &str) {
        eventually(&format!("the citizen reads `{part}`"), || self.said().iter().any(|said| said.contains(part))).await;
    }

    fn times_heard(&self, part: &str) -> usize {
        self.said().iter().filter(|said| said.contains(part)).count()
    }

    async fn orders(&self, app: &TestApp, id: &str, body: Value) -> u16 {
        let order = Order::new(id, self.house.clock.now().0 / 1_000, &body);
        order.post(&app.http, &app.handles.addresses.webhook.to_string()).await.0
    }

    async fn told(&self, count: usize) -> Vec<(String, Value)> {
        eventually("the desk is told", || {
            // The breaker goes by the test's clock.
            self.house.clock.advance(1_000);
            self.desk.taken().len() >= count
        })
        .await;
        self.desk.told()
    }
}

async fn file(app: &TestApp, chat: u64, words: &str) -> TicketNumber {
    let draft = TicketDraft {
        kind: TicketKind::NikMisrecorded,
        contact: ContactId(chat),
        language: Language::Indonesian,
        verified_phone: Mobile::parse("0812-0000-0042").ok(),
        verified_person: None,
        claimed_phone: None,
        claimed_name: None,
        claimed_nik: Nik::parse("0001014708900003").ok(),
        detail: Text(words.to_owned()),
    };
    let key = IdempotencyKey { contact: ContactId(chat), call: CallId(1) };
    app.handles.desk.file(key, draft).await.unwrap().number
}

async fn add(app: &TestApp, chat: u64, number: TicketNumber, words: &str) {
    assert!(app.handles.desk.add(ContactId(chat), number, Text(words.to_owned())).await.unwrap().is_some());
}

#[tokio::test]
async fn a_report_goes_to_the_ministrys_desk_and_its_answer_to_the_citizen() {
    let mut ministry = Ministry::open().await;
    let app = ministry.start();
    let number = ministry.reports(&app, "nama saya dua ejaan").await;
    assert_eq!(ministry.told(1).await, [("report.filed".to_owned(), json!("nama saya dua ejaan"))]);
    let event = ministry.desk.taken()[0].clone();
    assert_eq!(event["id"], format!("{number}-1"));
    let report = &event["report"];
    assert_eq!((&report["number"], &report["kind"]), (&json!(number.to_string()), &json!("other")));
    assert_eq!((&report["state"], &report["language"]), (&json!("filed"), &json!("id")));
    assert_eq!(report["filed_at"].as_str().map(|at| &at[..13]), Some("2026-11-23T06"));
    assert_eq!(report["due"].as_str().map(|at| &at[..13]), Some("2026-11-26T06"));
    assert_eq!(report["verified"], json!({ "phone": null, "person": null }));
    assert_eq!(report["claimed"], json!({ "phone": null, "name": null, "nik": null }));

    let order = |act: &str, words: Option<&str>| match words {
        Some(words) => json!({ "report": number.to_string(), "act": act, "words": words }),
        None => json!({ "report": number.to_string(), "act": act }),
    };
    assert_eq!(ministry.orders(&app, "e-1", order("take", None)).await, 204);
    assert_eq!(ministry.orders(&app, "e-2", order("ask", Some("Ejaan di KTP?"))).await, 204);
    ministry.hears("Ejaan di KTP?").await;
    ministry.writes(&app, "tiket").await;
    ministry.hears("petugas bertanya Senin").await;
    ministry.writes(&app, "tambah keterangan").await;
    ministry.writes(&app, "Siti Rahmawati tanpa h").await;
    assert_eq!(ministry.told(2).await[1], ("report.words".to_owned(), json!("Siti Rahmawati tanpa h")));
    assert_eq!(ministry.desk.taken()[1]["report"]["state"], "in_work", "its clock goes on");
    assert_eq!(ministry.orders(&app, "e-3", order("answer", Some("Sudah diperbaiki"))).await, 204);
    ministry.hears("selesai: Sudah diperbaiki.").await;
    ministry.writes(&app, "tiket").await;
    ministry.writes(&app, "belum selesai").await;
    assert_eq!(ministry.told(3).await[2], ("report.reopened".to_owned(), Value::Null));
    assert_eq!(ministry.orders(&app, "e-4", order("close", None)).await, 204);
    assert_eq!(ministry.desk.taken().len(), 3, "what it orders is not told back to it");
    let kept = app.handles.desk.ticket(number).await.unwrap().unwrap();
    assert!(matches!(kept.state, TicketState::Closed { .. }));
    let (_, ready) = app.ops("/readyz").await;
    assert!(ready.contains("ministry_desk: called"), "{ready}");
    let (_, metrics) = app.ops("/metrics").await;
    assert!(metrics.contains("siaga_desk_told_total{outcome=\"taken\"}"), "{metrics}");
    assert!(!metrics.contains("Rahmawati") && !metrics.contains(SITI));
}

#[tokio::test]
async fn what_the_desk_does_not_take_is_told_again_until_it_does_once_and_in_order() {
    let ministry = Ministry::open().await;
    let app = ministry.start();
    let html = "<html>502 Bad Gateway</html>";
    let moods = [
        Mood::Drops,
        Mood::Silent,
        Mood::Says(500, ""),
        Mood::Says(429, ""),
        Mood::Says(502, html),
        Mood::TakesAndDrops,
    ];
    for (chat, mood) in (1_u64..).zip(moods) {
        let (tries, taken) = (ministry.desk.tries(), ministry.desk.taken().len());
        let takes = matches!(mood, Mood::TakesAndDrops);
        ministry.desk.be(mood.clone());
        let number = file(&app, chat, "satu").await;
        add(&app, chat, number, "dua").await;
        add(&app, chat, number, "tiga").await;
        eventually("it was tried again", || {
            ministry.house.clock.advance(1_000);
            ministry.desk.tries() >= tries + 3
        })
        .await;
        assert!(takes || ministry.desk.taken().len() == taken, "{mood:?}");
        ministry.desk.be(Mood::Takes);
        let told = ministry.told(taken + 3).await;
        let words: Vec<&Value> = told[taken..].iter().map(|(_, words)| words).collect();
        assert_eq!(words, ["satu", "dua", "tiga"], "{mood:?}");
        let ids: Vec<Value> = ministry.desk.taken()[taken..].iter().map(|event| event["id"].clone()).collect();
        assert_eq!(ids, [1, 2, 3].map(|serial| json!(format!("{number}-{serial}"))), "{mood:?}");
    }
    eventually("all is told", || ministry.desk.taken().len() == 18).await;
}

#[tokio::test]
async fn a_desk_that_is_nowhere_holds_up_nobody_else_and_is_seen() {
    let mut ministry = Ministry::open().await;
    ministry.desk.be(Mood::Drops);
    let app = ministry.start();
    for chat in 1..=12 {
        file(&app, chat, "satu").await;
    }
    ministry.reports(&app, "nama saya dua ejaan").await;
    let mut ready = String::new();
    for _ in 0..6_000 {
        ready = app.ops("/readyz").await.1;
        if ready.contains("ministry_desk: failing") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(ready.starts_with("ready\n") && ready.contains("ministry_desk: failing"), "{ready}");
    ministry.desk.be(Mood::Takes);
    assert_eq!(ministry.told(13).await.len(), 13);
}

#[tokio::test]
async fn what_the_desk_refuses_is_put_aside_and_others_go_on() {
    let mut ministry = Ministry::open().await;
    ministry.refused_again = Duration::from_secs(2);
    ministry.desk.be(Mood::Says(422, "{\"message\":\"0001014708900003\"}"));
    let app = ministry.start();
    let first = file(&app, 1, "ditolak").await;
    eventually("it is refused", || ministry.desk.tries() == 1).await;
    ministry.desk.be(Mood::Takes);
    file(&app, 2, "diterima").await;
    ministry.told(1).await;
    assert_eq!(ministry.desk.told()[0].1, "diterima");
    let told = ministry.told(2).await;
    assert_eq!(told[1].1, "ditolak", "and once it is mended");
    assert_eq!(ministry.desk.taken()[1]["report"]["number"], first.to_string());
    assert_eq!(ministry.desk.taken()[1]["report"]["claimed"]["nik"], "0001014708900003");
    assert_eq!(ministry.desk.taken()[1]["report"]["verified"]["phone"], "+6281200000042");
    let (_, metrics) = app.ops("/metrics").await;
    assert!(metrics.contains("siaga_desk_told_total{outcome=\"refused\"}"), "{metrics}");
}

#[tokio::test]
async fn what_was_filed_before_a_kill_is_told_after_it() {
    let mut ministry = Ministry::open().await;
    ministry.desk.be(Mood::Drops);
    let app = ministry.start();
    let number = file(&app, 1, "satu").await;
    add(&app, 1, number, "dua").await;
    eventually("it was tried", || ministry.desk.tries() > 0).await;
    ministry.house.crash(app);
    ministry.desk.be(Mood::Takes);
    let app = ministry.start();
    ministry.told(2).await;
    add(&app, 1, number, "tiga").await;
    let told = ministry.told(3).await;
    assert_eq!(told.iter().map(|(_, words)| words).collect::<Vec<_>>(), ["satu", "dua", "tiga"]);
    app.settled().await;
    let tries = ministry.desk.tries();
    ministry.house.crash(app);
    let app = ministry.start();
    file(&app, 2, "empat").await;
    ministry.told(4).await;
    assert_eq!(ministry.desk.tries(), tries + 1, "what was taken is not told again");
}

#[tokio::test]
async fn an_order_that_is_forged_old_changed_or_of_another_form_does_nothing() {
    let mut ministry = Ministry::open().await;
    let app = ministry.start();
    let number = ministry.reports(&app, "nama saya dua ejaan").await;
    let (said, listener) = (ministry.said().len(), app.handles.addresses.webhook.to_string());
    let now_s = || ministry.house.clock.now().0 / 1_000;
    let body = json!({ "report": number.to_string(), "act": "answer", "words": "Sudah." });
    let right = Order::new("e-1", now_s(), &body);
    let changed = body.to_string().replace("Sudah.", "Bayar!").into_bytes();
    let other = "whsec_YW5vdGhlci1zZWNyZXQtdGhhdC1ub2JvZHktaGFzLXNldA==";
    for (what, order) in [
        ("another secret", Order::signed_by(other, "e-1", now_s(), right.body.clone())),
        ("a changed body", Order { body: changed, ..right.clone() }),
        ("another id", Order { id: "e-2".to_owned(), ..right.clone() }),
        ("another time", Order { at_s: (now_s() + 1).to_string(), ..right.clone() }),
        ("an old one", Order::new("e-1", now_s() - 301, &body)),
        ("one of tomorrow", Order::new("e-1", now_s() + 86_400, &body)),
        ("no signature", Order { signature: String::new(), ..right.clone() }),
        (
            "a webhook of Meta's",
            Order { signature: crate::support::sign("test-app-secret", &right.body), ..right.clone() },
        ),
    ] {
        let (status, told) = order.post(&app.http, &listener).await;
        assert_eq!(status, 401, "{what}: {told}");
    }
    let unsigned = app.http.post(format!("http://{listener}/desk")).body(right.body.clone()).send().await.unwrap();
    assert_eq!(unsigned.status().as_u16(), 401);
    assert_eq!(app.http.get(format!("http://{listener}/desk")).send().await.unwrap().status().as_u16(), 405);
    let report = number.to_string();
    for (status, body) in [
        (400, json!([])),
        (400, json!({ "report": report, "act": "erase" })),
        (400, json!({ "report": report, "act": "answer" })),
        (400, json!({ "report": report, "act": "close", "words": "x" })),
        (400, json!({ "report": report, "act": "answer", "words": " \n" })),
        (400, json!({ "report": report, "act": "answer", "words": "bel\u{7}" })),
        (400, json!({ "report": report, "act": "answer", "words": "a".repeat(601) })),
        (400, json!({ "report": report, "act": "take", "more": 1 })),
        (400, json!({ "report": "4821-0938", "act": "take" })),
        (404, json!({ "report": "0000-0000", "act": "take" })),
        (413, json!({ "report": report, "act": "answer", "words": "a".repeat(20_000) })),
    ] {
        assert_eq!(ministry.orders(&app, "e-3", body.clone()).await, status, "{body}");
    }
    let kept = app.handles.desk.ticket(number).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.answer), (TicketState::Filed, None));
    app.settled().await;
    assert_eq!(ministry.said().len(), said, "the citizen reads nothing of it");
    ministry.house.store.fill(Some("the disk is full"));
    assert_eq!(right.post(&app.http, &listener).await.0, 503);
    ministry.house.store.fill(None);
    assert_eq!(right.post(&app.http, &listener).await.0, 204, "and the same again once there is room");
    assert_eq!(ministry.orders(&app, "e-4", body.clone()).await, 409, "the same words are no other answer");
}

#[tokio::test]
async fn the_same_order_twice_acts_once_also_after_a_kill() {
    let mut ministry = Ministry::open().await;
    let app = ministry.start();
    let number = ministry.reports(&app, "nama saya dua ejaan").await;
    let body = json!({ "report": number.to_string(), "act": "ask", "words": "Ejaan di KTP?" });
    assert_eq!(ministry.orders(&app, "e-1", body.clone()).await, 204);
    ministry.hears("Ejaan di KTP?").await;
    app.settled().await;
    assert_eq!(ministry.orders(&app, "e-1", body.clone()).await, 204);
    app.settled().await;
    assert_eq!(ministry.times_heard("Ejaan di KTP?"), 1);
    ministry.house.crash(app);
    let app = ministry.start();
    ministry.house.clock.advance(60_000);
    assert_eq!(ministry.orders(&app, "e-1", body.clone()).await, 204);
    app.settled().await;
    assert_eq!(ministry.said(), Vec::<String>::new());
    assert_eq!(ministry.orders(&app, "e-2", body).await, 204, "another order is another question");
    ministry.hears("Ejaan di KTP?").await;
}

#[tokio::test]
async fn both_secrets_of_a_rotation_are_believed_and_sign() {
    let mut ministry = Ministry::open().await;
    ministry.secrets = vec!["whsec_YW5vdGhlci1zZWNyZXQtdGhhdC1ub2JvZHktaGFzLXNldA==", SECRET];
    let app = ministry.start();
    let number = file(&app, 1, "satu").await;
    ministry.told(1).await;
    let (now_s, listener) = (ministry.house.clock.now().0 / 1_000, app.handles.addresses.webhook.to_string());
    for (id, secret) in (1..).zip(ministry.secrets.clone()) {
        let body = json!({ "report": number.to_string(), "act": "take" }).to_string().into_bytes();
        let order = Order::signed_by(secret, &format!("e-{id}"), now_s, body);
        assert_eq!(order.post(&app.http, &listener).await.0, 204);
    }
}

#[tokio::test]
async fn an_answer_past_the_24_hours_is_a_template_and_read_at_the_next_message() {
    for template in [Some(("ada_kabar".to_owned(), "id".to_owned())), None] {
        let mut ministry = Ministry::open().await;
        let mut options = ministry.options();
        options.figures.window_template.clone_from(&template);
        let app = TestApp::start(options);
        let first = ministry.reports(&app, "nama saya dua ejaan").await;
        ministry.house.clock.advance(30 * HOUR_MS);
        let before = ministry.said().len();
        let body = json!({ "report": first.to_string(), "act": "answer", "words": "Sertifikat sudah benar." });
        assert_eq!(ministry.orders(&app, "e-1", body).await, 204);
        app.settled().await;
        let now = ministry.said()[before..].to_vec();
        assert_eq!(now, template.map(|_| vec!["(ada_kabar)".to_owned()]).unwrap_or_default(), "no word of health");
        // The process ends meanwhile: what was not told is not forgotten.
        ministry.house.crash(app);
        let app = ministry.start();
        ministry.writes(&app, "hai").await;
        ministry.hears(&format!("Laporan {first} selesai: Sertifikat sudah benar.")).await;
        assert_eq!(ministry.said().len(), 2, "the greeting and the answer: {:?}", ministry.said());
        ministry.writes(&app, "tiket").await;
        assert_eq!(ministry.times_heard("selesai: Sertifikat sudah benar."), 1, "it is told once");
        assert_eq!(ministry.times_heard("WIB: Sertifikat sudah benar."), 1, "and TIKET shows it");
    }
}

#[tokio::test]
async fn without_a_ministrys_desk_there_is_no_such_page() {
    let house = ParrotHouse::new();
    let app = house.open();
    let order = Order::new("e-1", house.clock.now().0 / 1_000, &json!({ "report": "0000-0000", "act": "take" }));
    assert_eq!(order.post(&app.http, &app.handles.addresses.webhook.to_string()).await.0, 404);
}

#[tokio::test]
async fn a_desk_is_told_over_tls_or_on_this_machine_alone() {
    let elsewhere = |url: &str| {
        let options = Options {
            url: url.to_owned(),
            secrets: vec![SECRET.into()],
            timeout: Duration::from_secs(1),
            connections_max: 1,
            retry_first: Duration::from_secs(1),
            retry_max: Duration::from_secs(1),
            refused_again: Duration::from_secs(1),
        };
        siaga::desk::ministry::HttpDesk::new(&options, ParrotHouse::new().clock).err().map(|error| error.to_string())
    };
    assert!(elsewhere("http://desk.example.go.id/").is_some_and(|error| error.contains("plain http")));
    assert!(elsewhere("ftp://desk.example.go.id/").is_some());
    assert_eq!(elsewhere("https://desk.example.go.id/"), None);
    assert_eq!(elsewhere("http://127.0.0.1:9/"), None);
}
