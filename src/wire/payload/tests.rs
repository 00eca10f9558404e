//! The corners of leniency that no recorded payload shows; whole payloads are in `tests/it/payloads.rs`.

use serde_json::{Value, json};

use super::*;
use crate::domain::contact::{Bsuid, Identity};
use crate::domain::message::MessageId;
use crate::domain::phone::Phone;

const NOW: Timestamp = Timestamp(1_795_000_000_000);

fn to_bytes(body: &Value) -> Vec<u8> {
    serde_json::to_vec(body).unwrap()
}

fn body(field: &str, value: &Value) -> Vec<u8> {
    to_bytes(
        &json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": field, "value": value }] }] }),
    )
}

fn parts(value: Value) -> Vec<Part> {
    let mut value = value;
    value["metadata"] = json!({ "phone_number_id": "100" });
    decode(&body("messages", &value), NOW).parts
}

fn only(value: Value) -> Inbound {
    match parts(value).as_slice() {
        [Part::Message(message)] => message.clone(),
        other => panic!("not one message: {other:?}"),
    }
}

fn said(timestamp: &Value) -> Inbound {
    only(json!({ "messages": [{ "id": "w", "from": "6281200000042", "type": "text", "text": { "body": "hai" },
        "timestamp": timestamp }] }))
}

fn phone(digits: &str) -> Option<Phone> {
    Phone::from_wa_id(digits)
}

fn bsuid(id: &str) -> Option<Bsuid> {
    (!id.is_empty()).then(|| Bsuid(id.to_owned()))
}

#[test]
fn timestamps_come_in_every_shape() {
    for (given, expected) in [
        (json!("1794999000"), 1_794_999_000_000),
        (json!(1_794_999_000), 1_794_999_000_000),
        (json!(1_794_999_000_123_i64), 1_794_999_000_123),
        (json!(" 1794999000123 "), 1_794_999_000_123),
        (json!("asdf"), NOW.0),
        (json!(""), NOW.0),
        (json!(-5), NOW.0),
        (json!(1.5), NOW.0),
        (json!(200_000_000_000_i64), NOW.0),
        (json!(i64::MAX), NOW.0),
        (json!(u64::MAX), NOW.0),
        (json!({ "s": 1 }), NOW.0),
        (Value::Null, NOW.0),
    ] {
        assert_eq!(said(&given).sent_at, Timestamp(expected), "{given}");
    }
}

#[test]
fn a_phone_and_a_bsuid_are_paired_by_value_never_by_place() {
    let messages = json!([
        { "id": "a", "from": "6281200000002", "type": "text", "text": { "body": "a" } },
        { "id": "b", "from_user_id": "ID.1", "type": "text", "text": { "body": "b" } },
        { "id": "c", "from": "6281200000003", "type": "text", "text": { "body": "c" } },
    ]);
    let contacts = json!([
        { "wa_id": "6281200000001", "user_id": "ID.1" },
        { "wa_id": "6281200000002", "user_id": "ID.2" },
    ]);
    let found = parts(json!({ "messages": messages, "contacts": contacts }));
    let who: Vec<_> =
        found.iter().map(|part| if let Part::Message(m) = part { m.from.clone() } else { panic!() }).collect();
    assert_eq!(who[0], Identity { phone: phone("6281200000002"), bsuid: bsuid("ID.2") });
    assert_eq!(who[1], Identity { phone: phone("6281200000001"), bsuid: bsuid("ID.1") });
    assert_eq!(who[2], Identity { phone: phone("6281200000003"), bsuid: None });
}

#[test]
fn contradicting_cards_bind_nobody() {
    let contacts = json!([
        { "wa_id": "6281200000001", "user_id": "ID.1" },
        { "wa_id": "6281200000001", "user_id": "ID.2" },
        { "wa_id": "6281200000001", "user_id": "ID.1" },
    ]);
    let message = only(json!({ "contacts": contacts,
        "messages": [{ "id": "a", "from": "6281200000001", "type": "text", "text": { "body": "a" } }] }));
    assert_eq!(message.from, Identity { phone: phone("6281200000001"), bsuid: None });
}

#[test]
fn a_lone_card_names_the_sender_of_a_lone_message_only() {
    let card = json!([{ "wa_id": "6281200000001", "user_id": "ID.1" }]);
    let nameless = |id: &str| json!({ "id": id, "type": "text", "text": { "body": "a" } });
    let one = only(json!({ "contacts": card, "messages": [nameless("a")] }));
    assert_eq!(one.from, Identity { phone: phone("6281200000001"), bsuid: bsuid("ID.1") });
    for part in parts(json!({ "contacts": card, "messages": [nameless("a"), nameless("b")] })) {
        assert!(matches!(part, Part::Dead { reason: DeadReason::NoSender, .. }), "{part:?}");
    }
}

#[test]
fn a_dead_update_is_a_body_that_reads_the_same_again() {
    let found = parts(json!({ "messages": [
        { "id": "a", "type": "text", "text": { "body": "hai" } },
        { "id": "b", "from": "6281200000001", "type": "text", "text": { "body": "hai" } },
        "not a message",
    ], "statuses": [{ "id": "w" }, { "status": "sent" }] }));
    assert_eq!(
        found.iter().map(Part::name).collect::<Vec<_>>(),
        ["dead_no_sender", "message_text", "dead_not_understood", "dead_not_understood", "dead_not_understood"]
    );
    for part in found {
        if let Part::Dead { reason, bytes } = part {
            assert_eq!(decode(&bytes, NOW).parts, vec![Part::Dead { reason, bytes }]);
        }
    }
}

#[test]
fn updates_past_the_bound_are_kept_and_read_the_next_time() {
    let messages: Vec<Value> = (0..1_700)
        .map(|n| json!({ "id": format!("w{n}"), "from": "6281200000001", "type": "text", "text": { "body": "x" } }))
        .collect();
    let status = json!([{ "id": "s", "status": "sent" }]);
    let mut found = parts(json!({ "messages": messages, "statuses": status, "contacts": [{ "wa_id": "6281200000001",
        "user_id": "ID.1" }] }));
    assert_eq!(found.len(), UPDATES_MAX + 1);
    let Some(Part::Dead { reason: DeadReason::NotUnderstood, bytes }) = found.pop() else { panic!("{found:?}") };
    let rest = decode(&bytes, NOW).parts;
    assert_eq!(rest.len(), 701);
    let Part::Message(first) = &rest[0] else { panic!() };
    assert_eq!(first.id, MessageId("w1000".into()));
    assert_eq!(first.from.bsuid, bsuid("ID.1"), "the cards went with them");
    assert_eq!(rest[700].name(), "status_sent");
}

#[test]
fn half_an_emoji_does_not_cost_its_neighbours() {
    let raw = br#"{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{
        "metadata":{"phone_number_id":"100"},"messages":[
        {"id":"a","from":"6281200000001","type":"text","text":{"body":"hai \ud83d"}},
        {"id":"b","from":"6281200000002","type":"text","text":{"body":"nul \u0000 \ud83d\ude00"}}]}}]}]}"#;
    let found = decode(raw, NOW).parts;
    let texts: Vec<_> = found
        .iter()
        .map(|part| {
            let Part::Message(Inbound { content: Content::Text(text), .. }) = part else { panic!("{part:?}") };
            text.0.as_str()
        })
        .collect();
    assert_eq!(texts, ["hai \u{fffd}", "nul \0 \u{1f600}"]);
}

#[test]
fn what_is_no_webhook_is_kept_whole() {
    for body in [&b""[..], b"null", b"[]", b"{\"object\":\"page\",\"entry\":[]}", b"{\"entry\":[]}", b"\xff\xfe", b"{"]
    {
        let expected = Part::Dead { reason: DeadReason::NotUnderstood, bytes: body.to_vec() };
        assert_eq!(decode(body, NOW).parts, vec![expected]);
    }
    let deep = "[".repeat(100_000);
    assert_eq!(decode(deep.as_bytes(), NOW).parts.len(), 1);
}

#[test]
fn scraps_in_the_envelope_spoil_nothing() {
    let good = json!({ "field": "messages", "value": { "metadata": { "phone_number_id": "100" },
        "messages": { "id": "a", "from": 6_281_200_000_001_u64, "text": { "body": "hai" } } } });
    let body = json!({ "object": "whatsapp_business_account", "entry": [null, 7, { "changes": "no" }, { "changes": [3, good, {}] },
        { "changes": [{ "field": "messages", "value": "odd" }] }] });
    let names: Vec<_> = decode(&to_bytes(&body), NOW).parts.iter().map(Part::name).collect();
    let dead = "dead_not_understood";
    assert_eq!(names, [dead, dead, dead, dead, "message_text", "ignored_empty", dead]);
}

#[test]
fn long_texts_are_cut_and_long_ids_name_nothing() {
    let long = "é".repeat(TEXT_CHARS_MAX + 10);
    let message = only(json!({ "messages": [{ "id": "a", "from": "6281200000001", "text": { "body": long } }] }));
    let Content::Text(text) = message.content else { panic!() };
    assert_eq!(text.0.chars().count(), TEXT_CHARS_MAX);
    let id = "w".repeat(600);
    let found = parts(json!({ "messages": [{ "id": id, "from": "6281200000001", "text": { "body": "a" } }] }));
    assert_eq!(found[0].name(), "dead_not_understood");
}

#[test]
fn nothing_personal_is_printed() {
    let found = parts(json!({ "messages": [
        { "id": "a", "from": "6281200000042", "from_user_id": "ID.777", "type": "text", "text": { "body": "rahasia" } },
        { "id": "b", "type": "text", "text": { "body": "rahasia" } },
        { "id": "c", "from": "6281200000042", "type": "system",
          "system": { "type": "user_changed_number", "wa_id": "6281200000043" } },
    ] }));
    let printed = format!("{found:?}");
    for secret in ["rahasia", "0000042", "0000043", "777"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
