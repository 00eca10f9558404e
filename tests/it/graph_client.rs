//! The Graph API client against neighbours that accept, refuse, break off and stay silent.
//!
//! What counts most is which failure is `Ambiguous`: called so without need a citizen waits, not called so he
//! gets a message twice.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::json;
use siaga::domain::certificate::{Certificate, Language};
use siaga::domain::citizen::PersonId;
use siaga::domain::contact::{Bsuid, BusinessNumber, Recipient};
use siaga::domain::message::{MessageId, Outbound, Text};
use siaga::domain::name::Name;
use siaga::domain::nik::Nik;
use siaga::domain::phone::Phone;
use siaga::domain::time::Timestamp;
use siaga::ports::{Channel, OutgoingMessage, SendError, SendTag};
use siaga::whatsapp::{GraphClient, Options, OptionsError, Render, Unmade};

use crate::tiny_server::{Answer, Seen, TinyServer, nobody};

const ACCEPTED: &str = r#"{"messaging_product":"whatsapp","contacts":[{"input":"x"}],"messages":[{"id":"wamid.9"}]}"#;
const PDF: &[u8] = b"%PDF-1.7 \x00\xff synthetic";

fn options(url: &str) -> Options {
    Options {
        base_url: url.to_owned(),
        version: "v23.0".to_owned(),
        token: "token-1".into(),
        connections_max: 4,
        connect_timeout: Duration::from_secs(2),
        request_timeout: Duration::from_secs(5),
        send_to_bsuid: true,
    }
}

fn renders() -> Render {
    Arc::new(|_: Certificate| ready(Ok(PDF.to_vec())).boxed())
}

fn client(url: &str) -> GraphClient {
    GraphClient::new(&options(url), renders()).expect("options that are right")
}

/// A client that soon loses patience.
fn hasty(url: &str) -> GraphClient {
    let options = Options { request_timeout: Duration::from_millis(150), ..options(url) };
    GraphClient::new(&options, renders()).expect("options that are right")
}

fn outgoing(message: Outbound) -> OutgoingMessage {
    OutgoingMessage {
        number: BusinessNumber("100000000000001".into()),
        to: Recipient::Phone(Phone::from_wa_id("6281200000042").expect("a phone")),
        message: Arc::new(message),
        tag: SendTag("tag-1".into()),
    }
}

fn text() -> OutgoingMessage {
    outgoing(Outbound::Text { body: Text("rahasia".into()) })
}

fn certificate() -> OutgoingMessage {
    outgoing(certificate_message())
}

pub(crate) fn certificate_message() -> Outbound {
    let certificate = Certificate {
        id: "id".into(),
        person: PersonId("p".into()),
        asked_at: Timestamp(0),
        name: Name::parse("SITI UJI").expect("a name"),
        nik: Nik::parse("0001014708900003").expect("a nik"),
        birth_date: time::Date::from_calendar_date(1990, time::Month::August, 7).expect("a date"),
        dose: 2,
        date: time::Date::from_calendar_date(2021, time::Month::August, 11).expect("a date"),
        vaccine: "CoronaVac".into(),
        batch: "B1".into(),
        language: Language::Indonesian,
    };
    Outbound::Certificate {
        certificate: Box::new(certificate),
        file_name: "Sertifikat-Vaksinasi-Dosis-2.pdf".into(),
        caption: Text("Sertifikat".into()),
    }
}

fn is_upload(request: &Seen) -> bool {
    request.line.ends_with("/media")
}

#[tokio::test]
async fn a_text_is_posted_once_with_token_and_tag() {
    let server = TinyServer::start(|_, _| Answer::Say(200, ACCEPTED.into())).await;
    let sent = client(&server.url).send(text()).await;
    assert_eq!(sent, Ok(MessageId("wamid.9".into())));
    let [request] = &server.seen()[..] else { panic!("not one request: {:?}", server.seen()) };
    assert_eq!(request.line, "POST /v23.0/100000000000001/messages");
    assert_eq!(request.headers["authorization"], "Bearer token-1");
    assert_eq!(request.headers["content-type"], "application/json");
    let body = request.json();
    assert_eq!(body["to"], "+6281200000042");
    assert_eq!(body["biz_opaque_callback_data"], "tag-1");
}

#[tokio::test]
async fn a_certificate_is_uploaded_and_then_sent_by_its_id() {
    let server = TinyServer::start(|_, request| {
        Answer::Say(200, if is_upload(request) { r#"{"id":"media-7"}"#.into() } else { ACCEPTED.to_owned() })
    })
    .await;
    assert_eq!(client(&server.url).send(certificate()).await, Ok(MessageId("wamid.9".into())));
    let [upload, message] = &server.seen()[..] else { panic!("not two requests: {:?}", server.seen()) };
    assert_eq!(upload.line, "POST /v23.0/100000000000001/media");
    assert!(upload.headers["content-type"].starts_with("multipart/form-data; boundary="));
    assert!(upload.body.windows(PDF.len()).any(|window| window == PDF), "the file, byte for byte");
    let form = String::from_utf8_lossy(&upload.body);
    for part in [
        "name=\"messaging_product\"\r\n\r\nwhatsapp",
        "filename=\"Sertifikat-Vaksinasi-Dosis-2.pdf\"",
        "application/pdf",
    ] {
        assert!(form.contains(part), "{part} in {form}");
    }
    assert_eq!(
        message.json()["document"],
        json!({ "id": "media-7", "filename": "Sertifikat-Vaksinasi-Dosis-2.pdf", "caption": "Sertifikat" })
    );
}

#[tokio::test]
async fn a_read_receipt_is_done_without_an_id() {
    let server = TinyServer::start(|_, _| Answer::Say(200, r#"{"success":true}"#.into())).await;
    let number = BusinessNumber("100000000000001".into());
    assert_eq!(client(&server.url).mark_read(number, MessageId("wamid.1".into()), true).await, Ok(()));
    assert_eq!(server.seen()[0].json()["typing_indicator"]["type"], "text");
}

#[tokio::test]
async fn a_refusal_has_its_code_whatever_the_status() {
    for (status, code) in [(400, 100), (401, 190), (429, 130_429), (503, 2), (200, 131_047)] {
        let body = format!(r#"{{"error":{{"message":"m","code":{code},"error_data":"text"}}}}"#);
        let server = TinyServer::start(move |_, _| Answer::Say(status, body.clone())).await;
        assert_eq!(client(&server.url).send(text()).await, Err(SendError::Refused { code, http: status }));
    }
}

#[tokio::test]
async fn what_cannot_be_read_has_its_status() {
    for (status, body) in [(502, "<html>"), (500, "{}"), (200, "{}"), (200, "ok"), (302, ""), (429, "slow down")] {
        let server = TinyServer::start(move |_, _| Answer::Say(status, body.into())).await;
        let sent = client(&server.url).send(text()).await;
        assert_eq!(sent, Err(SendError::Unreadable { http: status }), "{body}");
        assert_eq!(server.seen().len(), 1, "nothing is repeated or followed here");
    }
}

#[tokio::test]
async fn a_connection_is_kept_and_one_that_was_closed_at_rest_is_left() {
    let server = TinyServer::start(|number, _| match number {
        1 => Answer::SayThenClose(200, ACCEPTED.into()),
        _ => Answer::Say(200, ACCEPTED.into()),
    })
    .await;
    let client = client(&server.url);
    for (send, connections) in [(0, 1), (1, 1), (2, 2), (3, 2)] {
        assert!(client.send(text()).await.is_ok(), "{send}");
        assert_eq!((server.seen().len(), server.connections()), (send + 1, connections));
        // For the end of the second one to arrive.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_connection_whose_sender_lost_patience_is_not_used_again() {
    let server = TinyServer::start(|number, _| match number {
        0 => Answer::SayLate(200, ACCEPTED.replace("wamid.9", "wamid.late"), Duration::from_millis(300)),
        _ => Answer::Say(200, ACCEPTED.into()),
    })
    .await;
    let client = hasty(&server.url);
    assert!(matches!(client.send(text()).await, Err(SendError::Ambiguous { .. })));
    assert_eq!(client.send(text()).await, Ok(MessageId("wamid.9".into())), "not the answer to the one before");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn what_does_not_speak_tls_is_sent_nothing() {
    let server = TinyServer::start(|_, _| Answer::Say(200, ACCEPTED.into())).await;
    let sent = client(&server.url.replace("http:", "https:")).send(text()).await;
    assert!(matches!(sent, Err(SendError::Unreachable { .. })), "{sent:?}");
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let sent = client(&nobody().await).send(text()).await;
    assert!(matches!(sent, Err(SendError::Unreachable { .. })), "{sent:?}");
}

#[tokio::test]
async fn silence_after_the_request_is_ambiguous() {
    let server = TinyServer::start(|_, _| Answer::Silence).await;
    let sent = hasty(&server.url).send(text()).await;
    assert!(matches!(sent, Err(SendError::Ambiguous { .. })), "{sent:?}");
}

#[tokio::test]
async fn a_break_after_the_request_is_ambiguous_and_not_repeated() {
    let server = TinyServer::start(|_, _| Answer::Close).await;
    let sent = client(&server.url).send(text()).await;
    assert!(matches!(sent, Err(SendError::Ambiguous { .. })), "{sent:?}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_acceptance_that_breaks_off_is_ambiguous_and_an_error_is_not() {
    for (head, ambiguous) in [("200 OK", true), ("500 No", false)] {
        let raw = format!("HTTP/1.1 {head}\r\ncontent-length: 99\r\n\r\n{{\"mess");
        let server = TinyServer::start(move |_, _| Answer::Raw(raw.clone())).await;
        match client(&server.url).send(text()).await {
            Err(SendError::Ambiguous { .. }) => assert!(ambiguous, "{head}"),
            Err(SendError::Unreadable { http: 500 }) => assert!(!ambiguous, "{head}"),
            other => panic!("{head}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_answer_longer_than_any_of_meta_s_is_not_read() {
    let long = format!("{ACCEPTED}{}", " ".repeat(200_000));
    let server = TinyServer::start(move |_, _| Answer::Say(200, long.clone())).await;
    let sent = client(&server.url).send(text()).await;
    assert!(matches!(sent, Err(SendError::Ambiguous { .. })), "{sent:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_token() {
    let other = TinyServer::start(|_, _| Answer::Say(200, ACCEPTED.into())).await;
    let away = format!("HTTP/1.1 307 Away\r\nlocation: {}/elsewhere\r\ncontent-length: 0\r\n\r\n", other.url);
    let server = TinyServer::start(move |_, _| Answer::Raw(away.clone())).await;
    assert_eq!(client(&server.url).send(text()).await, Err(SendError::Unreadable { http: 307 }));
    assert_eq!(other.seen().len(), 0);
}

#[tokio::test]
async fn no_failure_of_an_upload_is_ambiguous() {
    for answer in [Answer::Silence, Answer::Close, Answer::Say(502, "<html>".into()), Answer::Say(200, "{}".into())] {
        let server = TinyServer::start({
            let answer = answer.clone();
            move |_, _| answer.clone()
        })
        .await;
        let sent = hasty(&server.url).send(certificate()).await;
        assert!(matches!(sent, Err(SendError::Unreachable { .. })), "{answer:?}: {sent:?}");
        assert!(server.seen().iter().all(is_upload), "no message went out");
    }
    let refused = r#"{"error":{"code":131053}}"#;
    let server = TinyServer::start(move |_, _| Answer::Say(400, refused.into())).await;
    let sent = client(&server.url).send(certificate()).await;
    assert_eq!(sent, Err(SendError::Refused { code: 131_053, http: 400 }));
}

#[tokio::test]
async fn what_can_never_be_sent_costs_no_request() {
    let server = TinyServer::start(|_, _| Answer::Say(200, ACCEPTED.into())).await;
    let never = || ready(Err(Unmade::Never("no such font".into()))).boxed();
    let unmade: [Render; 2] = [Arc::new(move |_| never()), Arc::new(|_| panic!("a bug in typesetting"))];
    for render in unmade {
        let client = GraphClient::new(&options(&server.url), render).expect("options that are right");
        let sent = client.send(certificate()).await;
        assert!(matches!(sent, Err(SendError::Unsendable { .. })), "{sent:?}");
    }
    let later: Render = Arc::new(|_| ready(Err(Unmade::NotNow("the store is full".into()))).boxed());
    let sent =
        GraphClient::new(&options(&server.url), later).expect("options that are right").send(certificate()).await;
    assert!(matches!(sent, Err(SendError::Unreachable { .. })), "it is tried again: {sent:?}");
    let sent = client(&server.url).send(outgoing(Outbound::Text { body: Text("é".repeat(4_097)) })).await;
    assert!(matches!(sent, Err(SendError::Unsendable { .. })), "{sent:?}");
    let by_phone_only = Options { send_to_bsuid: false, ..options(&server.url) };
    let by_phone_only = GraphClient::new(&by_phone_only, renders()).expect("options that are right");
    let to_bsuid = OutgoingMessage { to: Recipient::Bsuid(Bsuid("ID.1".into())), ..text() };
    let sent = by_phone_only.send(to_bsuid.clone()).await;
    assert!(matches!(sent, Err(SendError::Unsendable { .. })), "{sent:?}");
    assert_eq!(server.seen().len(), 0);
    assert!(client(&server.url).send(to_bsuid).await.is_ok(), "with the setting on it goes out");
}

#[tokio::test]
async fn no_more_connections_than_allowed() {
    let server = TinyServer::start(|_, _| Answer::SayLate(200, ACCEPTED.into(), Duration::from_millis(20))).await;
    let client = client(&server.url);
    let sends = (0..12).map(|_| client.send(text()));
    for sent in futures_util::future::join_all(sends).await {
        assert!(sent.is_ok(), "{sent:?}");
    }
    assert_eq!(server.seen().len(), 12);
    assert!(server.at_once_most() <= 4, "{} at once", server.at_once_most());
}

#[tokio::test]
async fn waiting_for_a_connection_is_bounded_and_nothing_has_left() {
    let server = TinyServer::start(|_, _| Answer::Silence).await;
    let options = Options {
        connections_max: 1,
        connect_timeout: Duration::from_millis(50),
        request_timeout: Duration::from_millis(400),
        ..options(&server.url)
    };
    let unreachable = AtomicUsize::new(0);
    let client = GraphClient::new(&options, renders()).expect("options that are right");
    let sends = (0..4).map(|_| async {
        if let Err(SendError::Unreachable { .. }) = client.send(text()).await {
            unreachable.fetch_add(1, Ordering::SeqCst);
        }
    });
    futures_util::future::join_all(sends).await;
    let unreachable = unreachable.load(Ordering::SeqCst);
    assert!(unreachable >= 1, "somebody waited in vain");
    assert_eq!(server.seen().len() + unreachable, 4, "who waited in vain sent nothing");
}

#[tokio::test]
async fn no_error_holds_what_is_personal_or_secret() {
    let servers = [
        TinyServer::start(|_, _| Answer::Close).await,
        TinyServer::start(|_, request| Answer::Say(500, String::from_utf8_lossy(&request.body).into_owned())).await,
    ];
    let mut urls: Vec<String> = servers.iter().map(|server| server.url.clone()).collect();
    urls.push(nobody().await);
    for url in urls {
        let error = client(&url).send(text()).await.expect_err("none accepts");
        let printed = format!("{error} {error:?}");
        for secret in ["rahasia", "0000042", "token-1"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}

#[test]
fn options_that_would_leak_or_stall_are_refused() {
    let refused = |options: Options| GraphClient::new(&options, renders()).err();
    let at = |url: &str| refused(options(url));
    assert!(matches!(at("http://graph.example.org"), Some(OptionsError::PlainHttp(_))));
    assert!(matches!(at("ftp://127.0.0.1"), Some(OptionsError::Url(_))));
    assert!(matches!(at("graph"), Some(OptionsError::Url(_))));
    assert!(at("https://graph.facebook.com").is_none());
    assert!(at("http://localhost:8090/").is_none());
    assert!(at("http://[::1]:8090").is_none());
    let none = Options { connections_max: 0, ..options("https://graph.facebook.com") };
    assert!(matches!(refused(none), Some(OptionsError::NoConnections)));
    let broken = Options { token: "token\n1".into(), ..options("https://graph.facebook.com") };
    assert!(matches!(refused(broken), Some(OptionsError::Token)));
}
