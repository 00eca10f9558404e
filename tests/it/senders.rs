//! The ways of codes, in their order: who is asked when, what leaves by the next, and what a template may carry.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::json;
use siaga::app::{AppOptions, CodeSender};
use siaga::domain::contact::{BusinessNumber, Recipient};
use siaga::domain::message::Outbound;
use siaga::domain::phone::Phone;
use siaga::otp::sms_http::{Meaning, Options, Reading};
use siaga::ports::{Clock as _, CodeTemplate, OutgoingCode, SendError};

use crate::neighbours::{Clinic, mobile, wa_id};
use crate::support::{TestApp, envelope, eventually, text};
use crate::tiny_server::{Answer, Seen, TinyServer};

/// Answers with nothing at all.
const SILENT: u16 = 0;
/// As the emulator says it, and as it is set here.
const UNDELIVERED: u16 = 410;
/// A citizen in Singapore.
const ABROAD: &str = "6581234567";

/// A gateway that answers what it is told to.
struct Gateway {
    server: TinyServer,
    says: Arc<AtomicU16>,
}

impl Gateway {
    async fn start(says: u16) -> Self {
        let says = Arc::new(AtomicU16::new(says));
        let mood = Arc::clone(&says);
        let server = TinyServer::start(move |_, _| match mood.load(Ordering::SeqCst) {
            SILENT => Answer::Silence,
            status => Answer::Say(status, "{}".to_owned()),
        });
        Self { server: server.await, says }
    }

    fn sender(&self) -> CodeSender {
        let undelivered = Reading { status: Some(UNDELIVERED), says: String::new(), means: Meaning::Undelivered };
        CodeSender::Http(Options {
            timeout: std::time::Duration::from_secs(30),
            readings: vec![undelivered],
            ..Options::plain(format!("{}/sms", self.server.url))
        })
    }

    fn codes(&self) -> Vec<Seen> {
        self.server.seen()
    }
}

fn options(clinic: &Clinic, senders: Vec<CodeSender>) -> AppOptions {
    let mut options = clinic.options();
    options.senders = senders;
    let number = BusinessNumber(options.numbers[0].id.as_str().into());
    options.figures.code_template = Some((number, CodeTemplate { name: "kode".into(), language: "id".into() }));
    options
}

/// Asks for a code to the own number.
async fn asks(clinic: &Clinic, app: &TestApp, person: usize) {
    clinic.says(app, person, "status").await;
    clinic.hears(person, "Selamat datang").await;
    clinic.taps(app, person, "Setuju, nomor ini").await;
    clinic.hears(person, "Kode OTP 6 angka").await;
}

async fn says_from_abroad(clinic: &Clinic, app: &TestApp, words: &str) {
    let before = heard_abroad(clinic).len();
    let mut message = text(&format!("w-{:016x}", rand::random::<u64>()), ABROAD, words);
    message["timestamp"] = json!((clinic.house.clock.now().0 / 1_000).to_string());
    assert_eq!(app.post(&envelope(&[message])).await, 200);
    eventually(words, || heard_abroad(clinic).len() > before).await;
}

fn heard_abroad(clinic: &Clinic) -> Vec<String> {
    let him = Recipient::Phone(Phone::from_wa_id(ABROAD).expect("a phone"));
    let to_him = clinic.house.channel.sent().into_iter().filter(|sent| sent.to == him);
    to_him
        .map(|sent| match sent.message.as_ref() {
            Outbound::Text { body } | Outbound::Buttons { body, .. } | Outbound::List { body, .. } => body.0.clone(),
            Outbound::Certificate { caption, .. } => caption.0.clone(),
            Outbound::Template { name, .. } => name.clone(),
        })
        .collect()
}

fn templates(clinic: &Clinic) -> Vec<OutgoingCode> {
    clinic.house.channel.codes.lock().expect("not poisoned").clone()
}

/// What one code was asked to be sent by: its text and its key, the same each time.
fn same(requests: &[Seen]) -> (String, String) {
    let of = |seen: &Seen| {
        (seen.json()["text"].as_str().expect("a text").to_owned(), seen.headers["idempotency-key"].clone())
    };
    let first = of(&requests[0]);
    assert!(requests.iter().all(|request| of(request) == first), "{requests:?}");
    first
}

#[tokio::test]
async fn what_the_first_way_does_not_take_leaves_by_the_next_at_once_and_opens_the_same() {
    for mood in [503, 429, 403, UNDELIVERED] {
        let clinic = Clinic::open(1).await;
        let (first, second) = (Gateway::start(mood).await, Gateway::start(200).await);
        let app = TestApp::start(options(&clinic, vec![first.sender(), second.sender()]));
        asks(&clinic, &app, 0).await;
        eventually("the code leaves by the second way", || !second.codes().is_empty()).await;
        app.settled().await;
        assert_eq!((first.codes().len(), second.codes().len()), (1, 1), "{mood}");
        let (sms, _) = same(&[first.codes(), second.codes()].concat());
        clinic.says(&app, 0, &sms[..6]).await;
        clinic.hears(0, "tulis nama lengkap").await;
    }
}

#[tokio::test]
async fn a_way_that_may_have_taken_it_is_asked_again_by_its_key_before_the_next() {
    let clinic = Clinic::open(1).await;
    let (first, second) = (Gateway::start(SILENT).await, Gateway::start(200).await);
    let app = TestApp::start(options(&clinic, vec![first.sender(), second.sender()]));
    asks(&clinic, &app, 0).await;
    eventually("the code leaves by the second way", || !second.codes().is_empty()).await;
    app.settled().await;
    assert_eq!((first.codes().len(), second.codes().len()), (2, 1));
    same(&[first.codes(), second.codes()].concat());
}

#[tokio::test]
async fn each_way_has_a_breaker_of_its_own_and_the_first_is_asked_first_again_when_it_is_back() {
    let clinic = Clinic::open(9).await;
    let (first, second) = (Gateway::start(503).await, Gateway::start(200).await);
    let app = TestApp::start(options(&clinic, vec![first.sender(), second.sender()]));
    // It opens after six failures, and only this one.
    for person in 0..8 {
        asks(&clinic, &app, person).await;
        eventually("the code leaves", || second.codes().len() > person).await;
    }
    assert_eq!(first.codes().len(), 6, "then it is not asked any more");
    let ready = app.ops("/readyz").await.1;
    assert!(ready.contains("otp.http: failing, not called\notp.http: called"), "{ready}");
    first.says.store(200, Ordering::SeqCst);
    clinic.house.clock.advance(60_000);
    asks(&clinic, &app, 8).await;
    eventually("the code leaves by the first way", || first.codes().len() == 7).await;
    app.settled().await;
    assert_eq!(second.codes().len(), 8);
}

#[tokio::test]
async fn a_template_goes_to_the_registered_phone_for_who_is_abroad_and_never_to_the_chat_itself() {
    let clinic = Clinic::open(2).await;
    let gateway = Gateway::start(UNDELIVERED).await;
    let app = TestApp::start(options(&clinic, vec![gateway.sender(), CodeSender::Template]));
    says_from_abroad(&clinic, &app, "status").await;
    says_from_abroad(&clinic, &app, &format!("+{}", wa_id(0))).await;
    eventually("the code leaves by the template", || !templates(&clinic).is_empty()).await;
    // Its own WhatsApp asks, and the number receives no SMS: there is no way.
    asks(&clinic, &app, 1).await;
    eventually("it is given up", || gateway.codes().len() == 2).await;
    app.settled().await;
    let [code] = &templates(&clinic)[..] else { panic!("one code: {:?}", templates(&clinic)) };
    assert_eq!(code.to, mobile(0).phone());
    says_from_abroad(&clinic, &app, code.code.digits().as_str()).await;
    says_from_abroad(&clinic, &app, &format!("Siti Rahmawati {}", crate::neighbours::nik(0))).await;
    assert!(heard_abroad(&clinic).last().is_some_and(|said| said.contains("Status vaksinasi a.n.")));
}

#[tokio::test]
async fn a_template_that_meta_refuses_leaves_the_code_to_the_way_after_it() {
    let clinic = Clinic::open(1).await;
    let gateway = Gateway::start(200).await;
    let app = TestApp::start(options(&clinic, vec![CodeSender::Template, gateway.sender()]));
    let refused = SendError::Refused { code: 132_001, http: 404 };
    clinic.house.channel.code_failures.lock().expect("not poisoned").push(refused);
    says_from_abroad(&clinic, &app, "status").await;
    says_from_abroad(&clinic, &app, &format!("+{}", wa_id(0))).await;
    eventually("the code leaves by sms", || gateway.codes().len() == 1).await;
    app.settled().await;
    assert!(templates(&clinic).is_empty());
}

/// The bucket of 45 is the citizen's whose WhatsApp it is: his own chat has just had all of it.
#[tokio::test]
async fn a_template_waits_for_room_in_the_bucket_of_the_chat_that_it_goes_to() {
    let clinic = Clinic::open(1).await;
    let app = TestApp::start(options(&clinic, vec![CodeSender::Template, Gateway::start(200).await.sender()]));
    for said in 0..45 {
        clinic.says(&app, 0, "bantuan").await;
        eventually("he is answered", || clinic.got(0).len() > said).await;
    }
    says_from_abroad(&clinic, &app, "status").await;
    says_from_abroad(&clinic, &app, &format!("+{}", wa_id(0))).await;
    let metrics = || async { app.ops("/metrics").await.1 };
    let waits = "siaga_limits_total{what=\"code_waits\"}";
    for _ in 0..3_000 {
        if metrics().await.contains(waits) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(metrics().await.contains(waits), "it waits");
    assert!(templates(&clinic).is_empty());
    clinic.house.clock.advance(60_000);
    eventually("it leaves", || templates(&clinic).len() == 1).await;
}
