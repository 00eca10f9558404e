//! A ministry's own desk held to `config/ministry.openapi.yaml`, and to Standard Webhooks, by programs that nobody here
//! wrote: all that is told, ordered and answered is in the document, what we sign is believed by the standard's own
//! library (PyPI's `standardwebhooks`), and what that library signs is believed by us.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use siaga::app::DeskChoice;
use siaga::clock::SystemClock;
use siaga::desk::ministry::Options;
use siaga::domain::call::CallId;
use siaga::domain::certificate::Language;
use siaga::domain::citizen::PersonId;
use siaga::domain::contact::ContactId;
use siaga::domain::message::Text;
use siaga::domain::name::Name;
use siaga::domain::nik::Nik;
use siaga::domain::phone::Mobile;
use siaga::domain::ticket::{TicketDraft, TicketKind, TicketMove, TicketNumber};
use siaga::ports::{Clock as _, IdempotencyKey, Tickets as _};

use super::ministry_desk::{Desk, Mood, Order, SECRET};
use super::support::{self, ParrotHouse, TestApp, eventually};
use super::tiny_server::TinyServer;
use super::{installed, run, script};

const CHAT: ContactId = ContactId(7);

fn draft(kind: TicketKind) -> TicketDraft {
    TicketDraft {
        kind,
        contact: CHAT,
        language: Language::Indonesian,
        verified_phone: Mobile::parse("0812-0000-0042").ok(),
        verified_person: Some(PersonId("p-siti".into())),
        claimed_phone: Mobile::parse("0812-0000-0199").ok(),
        claimed_name: Name::parse("Siti Nur'aini, S.Pd").ok(),
        claimed_nik: Nik::parse("0001014708900003").ok(),
        detail: Text("Puskesmas Melati ☘, \"Juli\" 2021\n".to_owned()),
    }
}

/// The server with the ministry's desk beside it; by the wall clock, as strangers are.
async fn open() -> (Arc<Desk>, TinyServer, TestApp) {
    let desk = Arc::<Desk>::default();
    let own = Arc::clone(&desk);
    let server = TinyServer::start(move |_, seen| own.answer(seen)).await;
    let house = ParrotHouse::new();
    let clock = Arc::new(SystemClock::default());
    let mut options = support::parrot_options(house.store, clock, house.channel, house.parrot);
    options.desk = DeskChoice::Http(Options {
        url: format!("{}/siaga", server.url),
        secrets: vec![SECRET.into()],
        timeout: Duration::from_secs(30),
        connections_max: 2,
        retry_first: Duration::from_millis(5),
        retry_max: Duration::from_millis(40),
        refused_again: Duration::from_millis(100),
    });
    (desk, server, TestApp::start(options))
}

/// What happens to a report, all of it, and what is said about it in both directions.
async fn everything(desk: &Desk, app: &TestApp) -> Vec<Value> {
    let officers = Arc::clone(&app.handles.desk);
    for (mood, tries) in [(Mood::Says(503, ""), 1), (Mood::Says(422, ""), 2)] {
        desk.be(mood);
        // What is not taken comes again and again, so that another try is what tells.
        let before = desk.tries();
        let key = IdempotencyKey { contact: CHAT, call: CallId(tries) };
        officers.file(key, draft(TicketKind::NikMisrecorded)).await.expect("filed");
        eventually("it is not taken", || desk.tries() > before).await;
    }
    desk.be(Mood::Takes);
    let nothing = TicketDraft {
        verified_phone: None,
        verified_person: None,
        claimed_phone: None,
        claimed_name: None,
        claimed_nik: None,
        language: Language::English,
        ..draft(TicketKind::NoNik)
    };
    let key = IdempotencyKey { contact: CHAT, call: CallId(9) };
    let number = officers.file(key, nothing).await.expect("filed").number;
    officers.add(CHAT, number, Text("tgl 14".to_owned())).await.expect("added");
    let moved = async |moved| officers.advance(number, moved).await.expect("the desk serves").expect("a report");
    moved(TicketMove::TakeUp).await;
    moved(TicketMove::Answer(Text("Sudah.".to_owned()))).await;
    officers.reopen(CHAT, number).await.expect("reopened");
    moved(TicketMove::Close).await;
    officers.reopen(CHAT, number).await.expect("reopened");
    eventually("all is told", || desk.taken().len() >= 8).await;
    let mut exchanges = desk.exchanges();
    let now_s = SystemClock::default().now().0 / 1_000;
    let listener = app.handles.addresses.webhook.to_string();
    let order = |act: &str| json!({ "report": number.to_string(), "act": act });
    let worded = |act: &str, words: &str| json!({ "report": number.to_string(), "act": act, "words": words });
    let gone = TicketNumber::new(0).expect("a number").to_string();
    let orders = [
        Order::new("e-1", now_s, &order("take")),
        Order::new("e-2", now_s, &worded("ask", "Tanggal berapa?")),
        Order::new("e-2", now_s, &worded("ask", "Tanggal berapa?")),
        Order::new("e-3", now_s, &worded("answer", "Sudah diperbaiki.\nTerima kasih.")),
        Order::new("e-4", now_s - 301, &order("close")),
        Order::new("e-4", now_s, &order("close")),
        Order::new("e-5", now_s, &order("take")),
        Order::new("e-6", now_s, &json!({ "report": gone, "act": "take" })),
    ];
    for order in orders {
        let answer = order.post(&app.http, &listener).await;
        exchanges.push(order.exchange(&answer));
    }
    exchanges
}

#[tokio::test]
async fn all_that_is_said_to_and_by_a_ministrys_desk_is_in_its_description_and_signed_as_the_standard_has_it() {
    let (desk, _server, app) = open().await;
    let exchanges = everything(&desk, &app).await;
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("exchanges.json");
    std::fs::write(&path, serde_json::to_vec(&exchanges).unwrap()).unwrap();
    let python = || Command::new(installed("python/bin/python3"));
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/config/ministry.openapi.yaml");
    let seen = run(python().arg(script("python/exchanges.py")).arg(document).arg(&path));
    let expected =
        "order 204\norder 401\norder 404\norder 409\nreportChanged 2XX\nreportChanged 4XX\nreportChanged 5XX\n";
    assert_eq!(String::from_utf8(seen).unwrap(), expected);
    let believed = run(python().arg(script("python/hooks.py")).args(["verify", SECRET]).arg(&path));
    let told = exchanges.iter().filter(|exchange| exchange["webhook"] == "report").count();
    assert_eq!(String::from_utf8(believed).unwrap(), format!("{told} believed, {told} altered ones not\n"));
}

#[tokio::test]
async fn what_the_standards_library_signs_is_believed() {
    let (_desk, _server, app) = open().await;
    let key = IdempotencyKey { contact: CHAT, call: CallId(1) };
    let number = app.handles.desk.file(key, draft(TicketKind::Other)).await.expect("filed").number;
    let body = json!({ "report": number.to_string(), "act": "ask", "words": "Tanggal ☘ berapa?" }).to_string();
    let mut python = Command::new(installed("python/bin/python3"));
    let signed = run(python.arg(script("python/hooks.py")).args(["sign", SECRET, "msg_1", &body]));
    let signed: Value = serde_json::from_slice(&signed).unwrap();
    let text = |name: &str| signed[name].as_str().unwrap().to_owned();
    let order = Order { id: text("id"), at_s: text("at"), signature: text("signature"), body: body.into_bytes() };
    let listener = app.handles.addresses.webhook.to_string();
    assert_eq!(order.post(&app.http, &listener).await.0, 204);
    let forged = Order { body: order.body.iter().map(|byte| byte ^ u8::from(*byte == b'T')).collect(), ..order };
    assert_eq!(forged.post(&app.http, &listener).await.0, 401);
}
