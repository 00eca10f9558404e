//! What Meta says of our numbers and account, through the webhook: sends stop and go on, also over a restart, and an
//! operator reads why. And the 24 h window of a chat, which calls open as messages do.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the finding")]

use serde_json::{Value, json};
use siaga::conversation::Notice;
use siaga::domain::contact::ContactId;
use siaga::domain::message::Outbound;
use siaga::ports::{InboxBody, InboxRow, Key, Part, Record, Store, Table};

use crate::support::{NUMBER, ParrotHouse, START, TestApp, envelope, eventually, text};

const SITI: &str = "6281200000042";
const SITI_E164: &str = "+6281200000042";
const HOUR_MS: i64 = 3_600_000;

fn field(field: &str, value: &Value) -> Value {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]})
}

fn account(event: &str) -> Value {
    field(
        "account_update",
        &json!({ "event": event, "ban_info": {"waba_ban_state": if event == "DISABLED_UPDATE" {
        "DISABLE"
    } else {
        ""
    }} }),
    )
}

/// What it says of Meta; the neighbours are all called.
async fn readyz(app: &TestApp) -> String {
    let (status, page) = app.ops("/readyz").await;
    assert_eq!(status, 200, "readiness never depends on Meta");
    page.replace("directory: called\nregistry: called\notp.http: called\ndesk: called\n", "")
}

#[tokio::test]
async fn a_ban_holds_sends_over_a_restart_until_meta_ends_it() {
    let mut house = ParrotHouse::new();
    let app = house.open();
    assert_eq!(readyz(&app).await, "ready\n");
    assert_eq!(app.post(&account("DISABLED_UPDATE")).await, 200);
    assert_eq!(readyz(&app).await, "ready\nall numbers: sends are stopped: the account is banned (account_update)\n");
    assert_eq!(app.post(&envelope(&[text("w1", SITI, "hai")])).await, 200, "what citizens say is taken in");
    eventually("its turn", || house.store.open_rows() == (0, 1)).await;
    app.at_rest().await;
    assert_eq!(house.channel.sent().len(), 0, "a drain would not wait for it");
    house.crash(app);
    let app = house.open();
    assert!(readyz(&app).await.contains("the account is banned"));
    app.at_rest().await;
    assert_eq!(house.channel.sent().len(), 0);
    assert_eq!(app.post(&account("ACCOUNT_RECONNECTED")).await, 200);
    // The reply was a second old at the most when the server died: it may have left, and waits for a status.
    house.clock.advance(121_000);
    eventually("the reply", || house.channel.texts_to(SITI_E164) == ["hai"]).await;
    assert_eq!(readyz(&app).await, "ready\n");
    house.crash(app);
    let app = house.open();
    assert_eq!(readyz(&app).await, "ready\n", "what ended stays ended");
    app.at_rest().await;
}

#[tokio::test]
async fn an_upgrade_raises_the_budget_of_the_number_it_names_for_good() {
    let mut house = ParrotHouse::new();
    let mut options = house.options();
    options.numbers[0].messages_per_s = 20;
    let app = TestApp::start(options);
    let upgrade = json!({"display_phone_number": "+62 811-0000-0119", "event": "THROUGHPUT_UPGRADE"});
    assert_eq!(app.post(&field("phone_number_quality_update", &upgrade)).await, 200);
    let kept = house.store.scan(Table::Standing, Key::new()).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(String::from_utf8_lossy(&kept[0].0), format!("ceiling {NUMBER}"));
    house.crash(app);
    let mut options = house.options();
    options.numbers[0].messages_per_s = 1;
    let app = TestApp::start(options);
    // At one a second this would take two minutes.
    let everyone: Vec<Value> =
        (0..120).map(|person| text(&format!("w{person}"), &format!("62812000{person:05}"), "hai")).collect();
    let started = std::time::Instant::now();
    assert_eq!(app.post(&envelope(&everyone)).await, 200);
    eventually("everyone is answered", || house.channel.sent().len() == 120).await;
    assert!(started.elapsed().as_secs() < 100, "{:?}", started.elapsed());
}

/// A notice of the service, as the desk leaves one.
async fn notify(house: &ParrotHouse) {
    let contacts = house.store.scan(Table::Contact, Key::new()).await.unwrap();
    let contact = ContactId(u64::from_be_bytes(contacts[0].0.as_slice().try_into().unwrap()));
    let accepted_at = siaga::ports::Clock::now(house.clock.as_ref());
    let row = InboxRow { contact, accepted_at, body: InboxBody::Notice(Notice::LoginEnded) };
    house.store.append(Record { writer: None, parts: vec![Part::OpenInbox(row)] }).unwrap();
}

fn call(at_ms: i64) -> Value {
    let call = json!({"id": "wacid.1", "from": SITI, "event": "connect", "direction": "USER_INITIATED",
        "timestamp": (at_ms / 1_000).to_string()});
    field("calls", &json!({"metadata": {"phone_number_id": NUMBER}, "calls": [call]}))
}

#[tokio::test]
async fn messages_and_calls_open_the_window_and_past_it_nothing_free_form_leaves() {
    let mut house = ParrotHouse::new();
    let app = house.open();
    assert_eq!(app.post(&envelope(&[text("w1", SITI, "hai")])).await, 200);
    eventually("the reply", || house.channel.sent().len() == 1).await;
    app.at_rest().await;
    house.clock.advance(23 * HOUR_MS);
    assert_eq!(app.post(&call(START.0 + 23 * HOUR_MS)).await, 200);
    app.at_rest().await;
    // It is durable: the next process knows of the call.
    house.crash(app);
    let mut options = house.options();
    options.figures.window_template = Some(("ada_kabar".into(), "id".into()));
    let app = TestApp::start(options);
    house.clock.advance(20 * HOUR_MS);
    notify(&house).await;
    eventually("a notice 43 hours after the message", || house.channel.texts_to(SITI_E164) == ["notice"]).await;
    house.clock.advance(5 * HOUR_MS);
    notify(&house).await;
    eventually("a template, 25 hours after the call", || {
        house.channel.sent().last().is_some_and(|sent| {
            matches!(&*sent.message, Outbound::Template { name, language } if name == "ada_kabar" && language == "id")
        })
    })
    .await;
    eventually("all rows are closed", || house.store.open_rows() == (0, 0)).await;
    let letters = house.store.dead_letters().await.unwrap();
    assert_eq!(letters.len(), 1, "what the template stands for is kept");
    house.crash(app);
    let app = house.open();
    notify(&house).await;
    eventually("without a template it is withdrawn", || house.store.open_rows() == (0, 0)).await;
    app.at_rest().await;
    assert_eq!(house.store.dead_letters().await.unwrap().len(), 2);
    assert_eq!(house.channel.sent().len(), 0, "and nothing leaves");
}
