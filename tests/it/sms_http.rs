//! The SMS gateway over HTTP: what is posted, and what each answer means.

use std::time::Duration;

use serde_json::json;
use siaga::domain::call::CallId;
use siaga::domain::contact::ContactId;
use siaga::domain::message::Text;
use siaga::domain::phone::{Mobile, Phone};
use siaga::otp::sms_http::{Format, Meaning, Options, OptionsError, Reading, SmsHttp};
use siaga::ports::{IdempotencyKey, OtpSender, OutgoingSms, Unsent};

use crate::tiny_server::{Answer, TinyServer, nobody};

const CODE: &str = "483920 kode OTP";

fn options(url: &str) -> Options {
    let undelivered = Reading { status: Some(410), says: String::new(), means: Meaning::Undelivered };
    Options {
        timeout: Duration::from_secs(20),
        connections_max: 2,
        readings: vec![undelivered],
        ..Options::plain(format!("{url}/sms"))
    }
}

async fn send(options: &Options) -> Result<(), Unsent> {
    let to = Phone::from_wa_id("6281200000042").and_then(Mobile::from_phone).expect("a mobile");
    let key = IdempotencyKey { contact: ContactId(255), call: CallId(7) };
    SmsHttp::new(options).expect("options that are right").send(OutgoingSms { key, to, text: Text(CODE.into()) }).await
}

#[tokio::test]
async fn the_default_is_what_the_emulator_takes() {
    let server = TinyServer::start(|_, _| Answer::Say(202, String::new())).await;
    assert_eq!(send(&options(&server.url)).await, Ok(()));
    let [request] = &server.seen()[..] else { panic!("{:?}", server.seen()) };
    assert_eq!(request.line, "POST /sms");
    assert_eq!(request.json(), json!({ "to": "+6281200000042", "text": CODE }));
    assert_eq!(request.headers["idempotency-key"], "00000000000000ff-7");
    assert!(!request.headers.contains_key("authorization"));
}

#[tokio::test]
async fn another_gateway_needs_only_settings() {
    let server = TinyServer::start(|_, _| Answer::Say(200, "{}".into())).await;
    let options = Options {
        authorization: Some("Bearer kunci".into()),
        body: r#"{"messages":[{"destination":"{to}","body":"KEMENKES {text}","ref":"{key}","flash":false}]}"#.into(),
        ..options(&server.url)
    };
    assert_eq!(send(&options).await, Ok(()));
    let request = &server.seen()[0];
    assert_eq!(request.headers["authorization"], "Bearer kunci");
    assert_eq!(
        request.json(),
        json!({ "messages": [{ "destination": "+6281200000042", "body": format!("KEMENKES {CODE}"),
            "ref": "00000000000000ff-7", "flash": false }] })
    );
}

#[tokio::test]
async fn forms_queries_and_headers_are_filled_in_and_stay_what_they_are() {
    let server = TinyServer::start(|_, _| Answer::Say(200, String::new())).await;
    let options = Options {
        format: Format::Query,
        body: "user=siaga&pass={secret}&to={to}&text={text} + lain".into(),
        secret: "ra&hasia".to_owned().into(),
        headers: vec![("X-Api-Key".into(), "k-{secret}".into()), ("X-Ref".into(), "{key}/{text}".into())],
        ..options(&server.url)
    };
    assert_eq!(send(&options).await, Ok(()));
    assert_eq!(send(&Options { format: Format::Form, ..options }).await, Ok(()));
    let [query, form] = &server.seen()[..] else { panic!("{:?}", server.seen()) };
    let pairs = "user=siaga&pass=ra%26hasia&to=%2B6281200000042&text=483920+kode+OTP+%2B+lain";
    assert_eq!(query.line, format!("GET /sms?{pairs}"));
    assert_eq!((form.line.as_str(), &form.body[..]), ("POST /sms", pairs.as_bytes()));
    assert_eq!(form.headers["x-api-key"], "k-ra&hasia");
    assert_eq!(form.headers["x-ref"], "00000000000000ff-7/{text}", "no message in a header");
}

#[tokio::test]
async fn what_an_answer_means_is_a_setting() {
    let reading = |status, says: &str, means| Reading { status, says: says.to_owned(), means };
    let readings = vec![
        reading(Some(200), "balance", Meaning::Retry),
        reading(None, "blacklisted", Meaning::Refused),
        reading(Some(500), "duplicate", Meaning::Sent),
    ];
    for (status, body, expected) in [
        (200, "OK 17", Meaning::Sent),
        (200, "ERR insufficient balance", Meaning::Retry),
        (202, "ERR insufficient balance", Meaning::Sent),
        (503, "blacklisted", Meaning::Refused),
        (500, "duplicate key", Meaning::Sent),
        (500, "", Meaning::Retry),
        (403, "", Meaning::Refused),
    ] {
        let server = TinyServer::start(move |_, _| Answer::Say(status, body.into())).await;
        let means = match send(&Options { readings: readings.clone(), ..options(&server.url) }).await {
            Ok(()) => Meaning::Sent,
            Err(Unsent::NotNow { .. }) => Meaning::Retry,
            Err(Unsent::Refused { .. }) => Meaning::Refused,
            other => panic!("{status} {body}: {other:?}"),
        };
        assert_eq!(means, expected, "{status} {body}");
    }
}

#[tokio::test]
async fn every_answer_says_whether_asking_again_can_help() {
    for (status, down) in [(408, true), (429, true), (500, true), (503, true), (400, false), (401, false), (302, false)]
    {
        let server = TinyServer::start(move |_, _| Answer::Say(status, CODE.into())).await;
        match send(&options(&server.url)).await {
            Err(Unsent::NotNow { .. }) => assert!(down, "{status}"),
            Err(Unsent::Refused { .. }) => assert!(!down, "{status}"),
            other => panic!("{status}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_number_that_receives_no_sms_is_told_apart() {
    let server = TinyServer::start(|_, _| Answer::Say(410, CODE.into())).await;
    assert_eq!(send(&options(&server.url)).await, Err(Unsent::Undelivered));
}

#[tokio::test]
async fn silence_and_breaks_leave_it_open_absence_does_not_and_none_tells_anything_personal() {
    let silent = TinyServer::start(|_, _| Answer::Silence).await;
    let broken = TinyServer::start(|_, _| Answer::Close).await;
    for (url, left) in [(silent.url.clone(), true), (broken.url.clone(), true), (nobody().await, false)] {
        let options = Options { timeout: Duration::from_millis(150), ..options(&url) };
        let error = send(&options).await.expect_err("nobody answers");
        assert_eq!(matches!(error, Unsent::Unknown { .. }), left, "{error:?}");
        assert_eq!(matches!(error, Unsent::NotNow { .. }), !left, "{error:?}");
        let printed = format!("{error} {error:?}");
        assert!(!printed.contains("0000042") && !printed.contains("483920"), "{printed}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let here = options("http://127.0.0.1:1");
    let refused = |options: Options| SmsHttp::new(&options).err();
    assert!(refused(here.clone()).is_none());
    let body = |body: &str| refused(Options { body: body.into(), ..here.clone() });
    assert!(matches!(body("{"), Some(OptionsError::Body(_))));
    assert!(matches!(body(r#"{"to":"{to}"}"#), Some(OptionsError::Missing("{text}"))));
    assert!(matches!(body(r#"{"{to}":"{text}"}"#), Some(OptionsError::Missing("{to}"))), "names stand in texts");
    let url = |url: &str| refused(Options { url: url.into(), ..here.clone() });
    assert!(matches!(url("http://sms.example.org/"), Some(OptionsError::PlainHttp)));
    assert!(matches!(url("sms"), Some(OptionsError::Url)));
    assert!(url("https://sms.example.org/").is_none());
    let odd = Options { authorization: Some("a\nb".into()), ..here.clone() };
    assert!(matches!(refused(odd), Some(OptionsError::Authorization)));
    let header = Options { headers: vec![("X Api".into(), String::new())], ..here.clone() };
    assert!(matches!(refused(header), Some(OptionsError::Header(_))));
    assert!(matches!(refused(Options { connections_max: 0, ..here.clone() }), Some(OptionsError::NoConnections)));
}
