//! The emulator as the server sees it: what it posts, what it takes, what it refuses and with which code.
#![allow(clippy::unwrap_used)] // helpers of tests: a panic is the finding

pub(crate) mod hook;
mod mutations;
mod page;
mod samples;
mod webhooks;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use siaga::domain::phone::Phone;
use siaga::domain::time::Timestamp;
use siaga::emulator::{Content, Emulator, Options, Sender};
use siaga::ports::Clock;

pub(crate) const SECRET: &str = "an app secret of the tests";
pub(crate) const TOKEN: &str = "an access token of the tests";
pub(crate) const NUMBER: &str = "100000000000567";

/// A clock that stands still until it is moved.
pub(crate) struct StillClock(AtomicI64);

impl StillClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_795_000_000_000)))
    }

    fn forward_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

pub(crate) fn options(webhook_url: &str, clock: &Arc<StillClock>) -> Options {
    Options::new(webhook_url, SECRET, TOKEN, Arc::clone(clock) as Arc<dyn Clock>)
}

pub(crate) fn citizen() -> Sender {
    Sender::phone(Phone::from_wa_id("6281200000042").unwrap())
}

/// Calls the Graph API as the server does.
pub(crate) struct Graph {
    client: reqwest::Client,
    url: String,
}

impl Graph {
    fn of(emulator: &Emulator) -> Self {
        Self { client: reqwest::Client::builder().no_proxy().build().unwrap(), url: emulator.url() }
    }

    /// HTTP status and body of one call.
    async fn messages(&self, body: &Value) -> (u16, Value) {
        let request = self.client.post(format!("{}/v23.0/{NUMBER}/messages", self.url)).bearer_auth(TOKEN);
        let answer = request.json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn upload(&self, mime_type: &str, bytes: &[u8]) -> (u16, Value) {
        let part = reqwest::multipart::Part::bytes(bytes.to_vec()).file_name("file").mime_str(mime_type).unwrap();
        let form = reqwest::multipart::Form::new().text("messaging_product", "whatsapp").part("file", part);
        let request = self.client.post(format!("{}/v23.0/{NUMBER}/media", self.url)).bearer_auth(TOKEN);
        let answer = request.multipart(form).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn get(&self, url: &str, token: &str) -> reqwest::Response {
        self.client.get(url).bearer_auth(token).send().await.unwrap()
    }
}

/// The error code of an answer.
pub(crate) fn code((_, answer): &(u16, Value)) -> Option<u64> {
    answer["error"]["code"].as_u64()
}

pub(crate) fn text_to(to: &str) -> Value {
    json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": to,
        "type": "text", "text": { "body": "Selamat datang" }
    })
}

/// An emulator whose webhook nobody answers, and a citizen who has written: windows are open.
pub(crate) async fn alone(clock: &Arc<StillClock>, change: impl FnOnce(&mut Options)) -> (Emulator, Graph) {
    let mut options = options("http://127.0.0.1:9/webhook", clock);
    options.statuses.read_ms = None;
    change(&mut options);
    let emulator = siaga::emulator::start(options).await.unwrap();
    emulator.say(&citizen(), Content::text("hai")).unwrap();
    let graph = Graph::of(&emulator);
    (emulator, graph)
}

#[tokio::test]
async fn a_certificate_is_uploaded_sent_fetched_and_deleted() {
    let clock = StillClock::new();
    let (emulator, graph) = alone(&clock, |_| {}).await;
    let (status, answer) = graph.upload("application/pdf", b"%PDF-1.7 invented").await;
    assert_eq!(status, 200);
    let id = answer["id"].as_str().unwrap();
    let document = json!({
        "messaging_product": "whatsapp", "to": "+6281200000042", "type": "document",
        "document": { "id": id, "filename": "Sertifikat.pdf", "caption": "Sertifikat" }
    });
    assert_eq!(graph.messages(&document).await.0, 200);
    assert_eq!(emulator.file(id).unwrap().bytes.as_ref(), b"%PDF-1.7 invented");

    let described: Value = graph.get(&format!("{}/v23.0/{id}", emulator.url()), TOKEN).await.json().await.unwrap();
    assert_eq!(described["file_size"], 17);
    let url = described["url"].as_str().unwrap();
    assert_eq!(graph.get(url, TOKEN).await.bytes().await.unwrap().as_ref(), b"%PDF-1.7 invented");
    assert_eq!(graph.get(url, "another").await.status(), 401);
    clock.forward_ms(5 * 60_000);
    assert_eq!(graph.get(url, TOKEN).await.status(), 404);

    let media = format!("{}/v23.0/{id}", emulator.url());
    let deleted = graph.client.delete(&media).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(deleted.json::<Value>().await.unwrap(), json!({ "success": true }));
    assert_eq!(graph.get(&media, TOKEN).await.status(), 400);
    emulator.stop().await;
}

#[tokio::test]
async fn an_answer_names_the_citizen_the_way_the_server_did() {
    let clock = StillClock::new();
    let (emulator, graph) = alone(&clock, |_| {}).await;
    let (_, answer) = graph.messages(&text_to("+62 812-0000-0042")).await;
    assert_eq!(answer["contacts"], json!([{ "input": "+62 812-0000-0042", "wa_id": "6281200000042" }]));
    assert!(answer["messages"][0]["id"].as_str().unwrap().starts_with("wamid."));

    emulator.say(&Sender::bsuid("ID.4711"), Content::text("hi")).unwrap();
    let mut to_bsuid = text_to("");
    to_bsuid["recipient"] = json!("ID.4711");
    to_bsuid.as_object_mut().unwrap().remove("to");
    let (_, answer) = graph.messages(&to_bsuid).await;
    assert_eq!(answer["contacts"], json!([{ "input": "ID.4711", "user_id": "ID.4711" }]));
    emulator.stop().await;
}

#[tokio::test]
async fn meta_s_limits_of_the_moment_are_kept() {
    let clock = StillClock::new();
    let (emulator, graph) = alone(&clock, |_| {}).await;
    let mut accepted = 0;
    let refused = loop {
        let answer = graph.messages(&text_to("+6281200000042")).await;
        match code(&answer) {
            None => accepted += 1,
            Some(code) => break code,
        }
    };
    assert_eq!((accepted, refused), (45, 131_056), "the pair bucket");
    clock.forward_ms(6_000);
    assert_eq!(code(&graph.messages(&text_to("+6281200000042")).await), None);

    assert_eq!(code(&graph.messages(&text_to("+6281200000051")).await), Some(131_047), "never wrote");
    clock.forward_ms(24 * 3_600_000);
    assert_eq!(code(&graph.messages(&text_to("+6281200000042")).await), Some(131_047), "the window");

    emulator.maintain_for_ms(60_000);
    emulator.say(&citizen(), Content::text("hai")).unwrap();
    assert_eq!(code(&graph.messages(&text_to("+6281200000042")).await), Some(131_057));
    clock.forward_ms(60_000);
    assert_eq!(code(&graph.messages(&text_to("+6281200000042")).await), None);
    emulator.stop().await;
}

#[tokio::test]
async fn a_number_is_our_own_however_it_is_displayed() {
    for display in ["0811-0000-0119", "+62 811-0000-0119", "6281100000119"] {
        let (emulator, graph) = alone(&StillClock::new(), |options| options.numbers[0].display = display.into()).await;
        assert_eq!(code(&graph.messages(&text_to("+6281100000119")).await), Some(131_021), "{display}");
        assert_eq!(code(&graph.messages(&text_to("81200000042")).await), None, "{display}");
        emulator.stop().await;
    }
}

#[tokio::test]
async fn throughput_counts_both_directions() {
    let clock = StillClock::new();
    let (emulator, graph) = alone(&clock, |options| options.numbers[0].messages_per_s = 5).await;
    emulator.say(&citizen(), Content::text("P")).unwrap();
    for _ in 0..3 {
        assert_eq!(code(&graph.messages(&text_to("+6281200000042")).await), None);
    }
    assert_eq!(code(&graph.messages(&text_to("+6281200000042")).await), Some(130_429));
    emulator.stop().await;
}

#[tokio::test]
async fn what_is_full_refuses_new_citizens_and_keeps_serving_the_known() {
    use siaga::emulator::SayError;
    let (emulator, _) = alone(&StillClock::new(), |options| {
        options.bounds.contacts_max = 1;
        options.bounds.open_posts_max = 3;
    })
    .await;
    let stranger = Sender::phone(Phone::from_wa_id("6281200000051").unwrap());
    assert_eq!(emulator.say(&stranger, Content::text("hai")).unwrap_err(), SayError::Full);
    assert_eq!(emulator.say(&Sender::default(), Content::text("hai")).unwrap_err(), SayError::Nobody);
    for _ in 0..2 {
        emulator.say(&citizen(), Content::text("P")).unwrap();
    }
    assert_eq!(emulator.say(&citizen(), Content::text("P")).unwrap_err(), SayError::Full, "posts that nobody takes");
    assert_eq!(emulator.open_posts(), 3);
    emulator.stop().await;
    assert_eq!(emulator.say(&citizen(), Content::text("P")).unwrap_err(), SayError::Closed);
}

#[tokio::test]
async fn planned_faults_happen_once_each() {
    use siaga::emulator::Fault;
    let clock = StillClock::new();
    let (emulator, graph) = alone(&clock, |_| {}).await;
    emulator.fail_next(1, Fault::Code(2));
    emulator.fail_next(1, Fault::Http(502));
    emulator.fail_next(1, Fault::ResetAfterAccept);
    let refused = graph.messages(&text_to("+6281200000042")).await;
    assert_eq!((refused.0, code(&refused)), (503, Some(2)));

    let url = format!("{}/v23.0/{NUMBER}/messages", emulator.url());
    let call = || graph.client.post(&url).bearer_auth(TOKEN).json(&text_to("+6281200000042")).send();
    assert_eq!(call().await.unwrap().status(), 502);
    let chat = citizen().chat().unwrap();
    let replies = |events: Vec<Arc<siaga::emulator::Event>>| {
        events.iter().filter(|event| matches!(event.what, siaga::emulator::Happening::Replied(_))).count()
    };
    let before = replies(emulator.chat(&chat));
    assert!(call().await.is_err(), "the connection dies before the answer");
    assert_eq!(replies(emulator.chat(&chat)), before + 1, "and yet the message was accepted");

    emulator.revoke_token(true);
    let revoked = graph.messages(&text_to("+6281200000042")).await;
    assert_eq!((revoked.0, code(&revoked)), (401, Some(190)));
    emulator.revoke_token(false);
    assert_eq!(graph.messages(&text_to("+6281200000042")).await.0, 200);
    emulator.stop().await;
}

#[tokio::test]
async fn an_sms_reaches_the_phone_and_only_that() {
    let clock = StillClock::new();
    let (emulator, graph) = alone(&clock, |_| {}).await;
    let mut events = emulator.subscribe();
    let sms = |body: Value| graph.client.post(format!("{}/sms", emulator.url())).json(&body).send();
    assert_eq!(sms(json!({ "to": "+6281200000042", "text": "483920 kode" })).await.unwrap().status(), 200);
    assert_eq!(sms(json!({ "to": "081200000042", "text": "x" })).await.unwrap().status(), 400);
    assert_eq!(sms(json!({ "to": "+6281200000042", "text": "" })).await.unwrap().status(), 400);
    emulator.fail_sms(true);
    assert_eq!(sms(json!({ "to": "+6281200000042", "text": "lost" })).await.unwrap().status(), 503);
    emulator.fail_sms(false);
    let inbox = emulator.sms_inbox(Phone::from_wa_id("6281200000042").unwrap());
    assert_eq!(inbox.iter().map(|text| text.0.as_str()).collect::<Vec<_>>(), ["483920 kode"]);
    loop {
        let event = events.recv().await.unwrap();
        if let siaga::emulator::Happening::Sms { to, text } = &event.what {
            assert_eq!((to.as_str(), text.0.as_str()), ("+6281200000042", "483920 kode"));
            break;
        }
    }
    emulator.stop().await;
}
