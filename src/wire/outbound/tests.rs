//! Requests word for word, answers of every kind, and the limits on both sides of each bound.

use serde_json::{Value, json};

use super::limits::{BrokenLimit, check};
use super::*;
use crate::domain::contact::Bsuid;
use crate::domain::message::Text;

fn phone() -> Recipient {
    Recipient::Phone(Phone::from_wa_id("6281200000042").unwrap())
}

fn text(text: &str) -> Text {
    Text(text.to_owned())
}

fn button(id: &str, title: &str) -> Button {
    Button { id: id.to_owned(), title: text(title) }
}

fn encoded(to: &Recipient, outbound: &Outbound) -> Value {
    serde_json::from_slice(&message(to, outbound, "tag-1", Some("media-7")).unwrap()).unwrap()
}

#[test]
fn a_text_goes_to_a_number_with_its_plus_and_without_preview() {
    let body = encoded(&phone(), &Outbound::Text { body: text("hai\n\"x\" \u{1f600}") });
    assert_eq!(
        body,
        json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "+6281200000042",
            "type": "text",
            "text": { "preview_url": false, "body": "hai\n\"x\" \u{1f600}" },
            "biz_opaque_callback_data": "tag-1",
        })
    );
}

#[test]
fn a_bsuid_is_a_recipient_and_never_a_to() {
    let body = encoded(&Recipient::Bsuid(Bsuid("ID.13".into())), &Outbound::Text { body: text("hai") });
    assert_eq!(body["recipient"], "ID.13");
    assert_eq!(body.get("to"), None);
    assert_eq!(body["recipient_type"], "individual");
}

#[test]
fn buttons_are_replies_and_a_missing_footer_is_missing() {
    let buttons = vec![button("7:yes", "Ya"), button("7:no", "Tidak")];
    let mut outbound = Outbound::Buttons { body: text("Setuju?"), footer: None, buttons };
    assert_eq!(
        encoded(&phone(), &outbound)["interactive"],
        json!({ "type": "button", "body": { "text": "Setuju?" }, "action": { "buttons": [
            { "type": "reply", "reply": { "id": "7:yes", "title": "Ya" } },
            { "type": "reply", "reply": { "id": "7:no", "title": "Tidak" } },
        ] } })
    );
    if let Outbound::Buttons { footer, .. } = &mut outbound {
        *footer = Some(text("kaki"));
    }
    assert_eq!(encoded(&phone(), &outbound)["interactive"]["footer"], json!({ "text": "kaki" }));
}

#[test]
fn a_list_is_one_titled_section() {
    let rows = vec![button("7:1", "Dosis 1"), button("7:2", "Dosis 2")];
    let outbound = Outbound::List { body: text("Pilih"), footer: Some(text("kaki")), open: text("Lihat"), rows };
    let body = encoded(&phone(), &outbound);
    assert_eq!(body["type"], "interactive");
    assert_eq!(
        body["interactive"],
        json!({ "type": "list", "body": { "text": "Pilih" }, "footer": { "text": "kaki" }, "action": {
            "button": "Lihat", "sections": [{ "title": "Lihat", "rows": [
                { "id": "7:1", "title": "Dosis 1" }, { "id": "7:2", "title": "Dosis 2" }] }] } })
    );
}

#[test]
fn a_template_says_the_code_twice() {
    let Recipient::Phone(to) = phone() else { unreachable!() };
    let body = otp_template(to, "otp_id", "id", Otp::new(483_920).unwrap(), "t");
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["to"], "+6281200000042");
    let code = json!([{ "type": "text", "text": "483920" }]);
    assert_eq!(
        body["template"],
        json!({ "name": "otp_id", "language": { "code": "id" }, "components": [
            { "type": "body", "parameters": code },
            { "type": "button", "sub_type": "url", "index": "0", "parameters": code }] })
    );
}

#[test]
fn read_receipts_come_with_and_without_typing() {
    let body = |typing| serde_json::from_slice::<Value>(&mark_read(&MessageId("w1".into()), typing)).unwrap();
    let plain = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "w1" });
    assert_eq!(body(false), plain);
    let mut typing = plain;
    typing["typing_indicator"] = json!({ "type": "text" });
    assert_eq!(body(true), typing);
}

#[test]
fn answers_are_read_by_their_body() {
    let accepted = Answer::Accepted(MessageId("wamid.1".into()));
    for (body, expected) in [
        (r#"{"messages":[{"id":"wamid.1"}],"contacts":[{"input":"+62","wa_id":"62"}]}"#, accepted.clone()),
        (
            r#"{"contacts":[{"input":"ID.1","user_id":"ID.1"}],"messages":[{"id":"wamid.1","message_status":"accepted"}]}"#,
            accepted,
        ),
        (r#"{"success":true}"#, Answer::Done),
        (r#"{"success":false}"#, Answer::Unreadable),
        (r#"{"messages":[]}"#, Answer::Unreadable),
        (r#"{"messages":[{"id":""}]}"#, Answer::Unreadable),
        (
            r#"{"error":{"message":"(#131056)","code":131056,"error_data":{"details":"x"}}}"#,
            Answer::Refused { code: 131_056 },
        ),
        (r#"{"error":{"code":"100","error_data":"a string"}}"#, Answer::Refused { code: 100 }),
        (r#"{"error":{"code":0}}"#, Answer::Refused { code: 0 }),
        (r#"{"error":{"message":"no code"}}"#, Answer::Unreadable),
        (r#"{"error":"text","messages":[{"id":"w"}]}"#, Answer::Unreadable),
        ("<html>502</html>", Answer::Unreadable),
        (r#"{"messages":[{"id":"wam"#, Answer::Unreadable),
        ("", Answer::Unreadable),
    ] {
        assert_eq!(read(body.as_bytes()), expected, "{body}");
    }
    assert_eq!(media_id(br#"{"id":"42"}"#), Some("42".into()));
    assert_eq!(media_id(br#"{"id":42}"#), Some("42".into()));
    assert_eq!(media_id(b"{}"), None);
}

#[test]
fn what_meta_would_refuse_is_found_first() {
    let buttons = |buttons: Vec<Button>| Outbound::Buttons { body: text("b"), footer: None, buttons };
    let rows = |rows: Vec<Button>| Outbound::List { body: text("b"), footer: None, open: text("o"), rows };
    let many = |count: usize| (0..count).map(|n| button(&n.to_string(), &format!("t{n}"))).collect::<Vec<_>>();
    let title = |chars: usize| vec![button("1", &"é".repeat(chars))];
    let fine = [
        Outbound::Text { body: text(&"é".repeat(4_096)) },
        buttons(many(3)),
        buttons(title(20)),
        rows(many(10)),
        rows(title(24)),
    ];
    for outbound in fine {
        assert_eq!(check(&outbound), Ok(()), "{outbound:?}");
    }
    let length = |chars, chars_max| matches_length(chars, chars_max);
    assert!(length(4_097, 4_096)(check(&Outbound::Text { body: text(&"é".repeat(4_097)) })));
    assert!(length(0, 4_096)(check(&Outbound::Text { body: text("") })));
    assert!(length(21, 20)(check(&buttons(title(21)))));
    assert!(length(25, 24)(check(&rows(title(25)))));
    assert!(length(0, 20)(check(&buttons(vec![button("1", "")]))));
    for broken in [buttons(many(4)), buttons(vec![]), rows(many(11)), rows(vec![])] {
        assert!(matches!(check(&broken), Err(BrokenLimit::Count { .. })), "{broken:?}");
    }
    for twice in [
        buttons(vec![button("1", "a"), button("1", "b")]),
        buttons(vec![button("1", "a"), button("2", "a")]),
        rows(vec![button("1", "a"), button("1", "b")]),
    ] {
        assert!(matches!(check(&twice), Err(BrokenLimit::Twice { .. })), "{twice:?}");
    }
}

fn matches_length(chars: usize, chars_max: usize) -> impl Fn(Result<(), BrokenLimit>) -> bool {
    move |found| matches!(found, Err(BrokenLimit::Length { chars: c, chars_max: m, .. }) if (c, m) == (chars, chars_max))
}
