//! Our requests beside published samples of the same kind: no key that a sample does not know, none missing
//! that every sample has.
//!
//! The samples are not ours to publish; they lie beside the repository (`../shared/wac/outbound`) and are looked
//! at where they are at hand. What each body says word for word is tested in `wire::outbound`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use siaga::domain::contact::{Bsuid, Recipient};
use siaga::domain::message::{Button, MessageId, Outbound, Text};
use siaga::domain::otp::Otp;
use siaga::domain::phone::Phone;
use siaga::wire::outbound::{Answer, mark_read, media_id, message, otp_template, read};

/// Keys that a request may have without a sample having them: how we know the message again.
const OURS: [&str; 1] = ["biz_opaque_callback_data"];
/// Keys of a sample that we never send: other headers, descriptions of rows.
const THEIRS: [&str; 2] = ["interactive.header", "interactive.action.sections[].rows[].description"];

fn sample(name: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/wac/outbound").join(format!("{name}.json"));
    Some(serde_json::from_slice(&fs::read(path).ok()?).expect("a sample is json"))
}

fn phone() -> Phone {
    Phone::from_wa_id("6281200000042").expect("a phone")
}

fn sent(outbound: &Outbound) -> Value {
    let body = message(&Recipient::Phone(phone()), outbound, "tag", Some("media")).expect("a body");
    serde_json::from_slice(&body).expect("json")
}

/// Every path of keys, lists as `[]`.
fn keys(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(value, "", &mut found);
    found
}

fn collect(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, item) in map {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                collect(item, &path, found);
                found.insert(path);
            }
        }
        Value::Array(list) => list.iter().for_each(|item| collect(item, &format!("{at}[]"), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The request has the sample's keys and no others, but for what is named above.
fn same_shape(name: &str, request: &Value) {
    let Some(sample) = sample(name) else { return };
    let ours: BTreeSet<String> = keys(request).into_iter().filter(|key| !OURS.contains(&key.as_str())).collect();
    let theirs: BTreeSet<String> = keys(&sample)
        .into_iter()
        .filter(|key| !THEIRS.iter().any(|other| key == other || key.starts_with(&format!("{other}."))))
        .collect();
    assert_eq!(ours, theirs, "{name}");
    for key in ["messaging_product", "recipient_type", "type"] {
        assert_eq!(request.get(key), sample.get(key), "{name}: {key}");
    }
}

fn text(text: &str) -> Text {
    Text(text.to_owned())
}

fn choices() -> Vec<Button> {
    vec![Button { id: "7:a".into(), title: text("A") }, Button { id: "7:b".into(), title: text("B") }]
}

#[test]
fn texts() {
    let request = sent(&Outbound::Text { body: text("hai") });
    same_shape("text__metadocs", &request);
    same_shape("openapi_send_text_message", &request);
    assert_eq!(request["text"]["preview_url"], false);
}

#[test]
fn reply_buttons() {
    let buttons = |footer| sent(&Outbound::Buttons { body: text("b"), footer, buttons: choices() });
    same_shape("interactive_reply_buttons__metadocs", &buttons(Some(text("f"))));
    same_shape("openapi_send_reply_button", &buttons(None));
}

#[test]
fn lists() {
    let footer = Some(text("f"));
    let request = sent(&Outbound::List { body: text("b"), footer, open: text("o"), rows: choices() });
    same_shape("interactive_list__metadocs", &request);
    same_shape("openapi_send_list_message", &request);
}

#[test]
fn documents() {
    let request = sent(&crate::graph_client::certificate_message());
    same_shape("document_by_id__metadocs", &request);
    same_shape("openapi_send_document_message_by_id", &request);
    let certificate = crate::graph_client::certificate_message();
    assert_eq!(message(&Recipient::Phone(phone()), &certificate, "tag", None), None, "nothing without its file");
}

#[test]
fn templates_with_a_code() {
    let body = otp_template(phone(), "verification_code", "id", Otp::new(483_920).expect("a code"), "tag");
    let request: Value = serde_json::from_slice(&body).expect("json");
    same_shape("template_auth_copy_code__metadocs", &request);
    if let Some(sample) = sample("template_auth_copy_code__metadocs") {
        for path in ["/template/components/1/sub_type", "/template/components/1/index", "/template/components/0/type"] {
            assert_eq!(request.pointer(path), sample.pointer(path), "{path}");
        }
    }
}

#[test]
fn read_receipts() {
    let body = |typing| serde_json::from_slice(&mark_read(&MessageId("wamid.1".into()), typing)).expect("json");
    same_shape("mark_read__metadocs", &body(false));
    same_shape("mark_read_typing_indicator__metadocs", &body(true));
    same_shape("openapi_send_typing_indicator_and_read_receipt", &body(true));
}

#[test]
fn a_bsuid_stands_where_the_sample_has_it() {
    let to = Recipient::Bsuid(Bsuid("ID.1".into()));
    let body = message(&to, &Outbound::Text { body: text("hai") }, "tag", None).expect("a body");
    let request: Value = serde_json::from_slice(&body).expect("json");
    assert_eq!(request["recipient"], "ID.1");
    if let Some(sample) = sample("template_by_bsuid__wappa") {
        assert!(sample.get("recipient").is_some() && sample.get("to").is_none());
    }
}

#[test]
fn published_answers_are_read() {
    let accepted = [
        "response_ok__metadocs",
        "response_ok_bsuid_jun2026__metadocs",
        "response_template_accepted_bsuid__wappa",
        "openapi_response_200_example_response",
        "openapi_response_200_send_list_message",
        "openapi_response_200_send_reply_button",
        "openapi_response_200_send_single_product_message",
    ];
    let answer = |name| sample(name).map(|body| read(body.to_string().as_bytes()));
    for name in accepted {
        assert!(matches!(answer(name), None | Some(Answer::Accepted(_))), "{name}");
    }
    for (name, code) in [
        ("response_error_100_sep2026__metadocs", 100),
        ("response_error_130429_sep2026__metadocs", 130_429),
        ("response_error_131062__wappa", 131_062),
    ] {
        assert!(answer(name).is_none_or(|answer| answer == Answer::Refused { code }), "{name}");
    }
    let done = answer("openapi_response_200_send_typing_indicator_and_read_receipt");
    assert!(done.is_none_or(|answer| answer == Answer::Done));
    assert_eq!(media_id(br#"{"id":"1037543291543636"}"#).as_deref(), Some("1037543291543636"));
}
