//! What reaches the server: shapes, signatures, order, redelivery, statuses.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use siaga::domain::contact::Bsuid;
use siaga::domain::message::Text;
use siaga::domain::phone::Phone;
use siaga::emulator::{Card, Content, Emulator, Happening, Saying, Sender, Signing};

use super::hook::Hook;
use super::{Graph, SECRET, StillClock, citizen, options, text_to};

async fn with_hook(answers: &[u16]) -> (Emulator, Hook) {
    let hook = Hook::start(answers);
    let mut options = options(&hook.url, &StillClock::new());
    options.redelivery.gap_first_ms = 5;
    (options.statuses.sent_ms, options.statuses.delivered_ms, options.statuses.read_ms) = (0, 0, Some(0));
    (siaga::emulator::start(options).await.unwrap(), hook)
}

#[tokio::test]
async fn a_text_is_signed_over_its_very_bytes_and_escaped_as_meta_does() {
    let (emulator, mut hook) = with_hook(&[]).await;
    emulator.say(&citizen(), Content::text("makasih ya 🙏 1/2")).unwrap();
    let post = hook.next().await;
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(&post.bytes);
    let hex = post.signature.as_deref().unwrap().strip_prefix("sha256=").unwrap();
    let pairs = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
    mac.verify_slice(&pairs.collect::<Vec<_>>()).expect("signed over the bytes that came");
    let raw = String::from_utf8(post.bytes.clone()).unwrap();
    assert!(raw.contains(r"makasih ya \ud83d\ude4f 1\/2"), "{raw}");
    let envelope = post.json();
    assert_eq!(envelope["object"], "whatsapp_business_account");
    assert_eq!(envelope["entry"][0]["changes"][0]["field"], "messages");
    let value = post.value();
    assert_eq!(value["metadata"], json!({ "display_phone_number": "6281100000119", "phone_number_id": super::NUMBER }));
    assert_eq!(value["messages"][0]["timestamp"], "1795000000");
    assert_eq!(value["contacts"], json!([{ "profile": {}, "wa_id": "6281200000042" }]));
    emulator.stop().await;
}

#[tokio::test]
async fn every_kind_of_message_has_meta_s_shape() {
    let (emulator, mut hook) = with_hook(&[]).await;
    let text = |text: &str| Text(text.into());
    let of = || "wamid.ours".to_owned();
    let cases: Vec<(Content, &str, &str, Value)> = vec![
        (
            Content::Button { of: of(), id: "7:menu".into(), title: text("Menu") },
            "interactive",
            "/interactive",
            json!({ "type": "button_reply", "button_reply": { "id": "7:menu", "title": "Menu" } }),
        ),
        (
            Content::Row { of: of(), id: "7:a".into(), title: text("A"), description: None },
            "interactive",
            "/interactive",
            json!({ "type": "list_reply", "list_reply": { "id": "7:a", "title": "A" } }),
        ),
        (Content::Voice, "audio", "/audio/voice", json!(true)),
        (Content::Photo { caption: Some(text("KTP")) }, "image", "/image/caption", json!("KTP")),
        (Content::Video, "video", "/video/mime_type", json!("video/mp4")),
        (Content::Document { file_name: text("a.pdf") }, "document", "/document/filename", json!("a.pdf")),
        (Content::Sticker, "sticker", "/sticker/animated", json!(false)),
        (Content::Location { latitude: -6.2, longitude: 106.8 }, "location", "/location/latitude", json!(-6.2)),
        (
            Content::Contacts { cards: vec![Card { name: text("Ibu Siti"), phone: text("0812-0000-0118") }] },
            "contacts",
            "/contacts/0/phones/0/phone",
            json!("0812-0000-0118"),
        ),
        (Content::Reaction { to: of(), emoji: None }, "reaction", "/reaction", json!({ "message_id": "wamid.ours" })),
        (
            Content::Edit { original: "wamid.theirs".into(), content: Box::new(Content::text("baru")) },
            "edit",
            "/edit",
            json!({ "original_message_id": "wamid.theirs",
                "message": { "context": { "id": "M0" }, "type": "text", "text": { "body": "baru" } } }),
        ),
        (
            Content::Revoke { original: "wamid.theirs".into() },
            "revoke",
            "/revoke/original_message_id",
            json!("wamid.theirs"),
        ),
        (Content::Welcome, "request_welcome", "/request_welcome", Value::Null),
        (Content::Unsupported { what: "poll".into() }, "unsupported", "/errors/0/code", json!(131_051)),
    ];
    for (content, kind, place, expected) in cases {
        emulator.say(&citizen(), content).unwrap();
        let message = hook.next().await.value()["messages"][0].take();
        assert_eq!(message["type"], kind);
        assert_eq!(message.pointer(place).unwrap_or(&Value::Null), &expected, "{message}");
    }
    emulator.stop().await;
}

#[tokio::test]
async fn a_citizen_is_known_by_phone_by_bsuid_or_by_both() {
    let (emulator, mut hook) = with_hook(&[]).await;
    let both = Sender { bsuid: Some(Bsuid("ID.1".into())), name: Some(Text("Siti".into())), ..citizen() };
    emulator.say(&both, Content::text("hai")).unwrap();
    let value = hook.next().await.value();
    let message = &value["messages"][0];
    assert_eq!((&message["from"], &message["from_user_id"]), (&json!("6281200000042"), &json!("ID.1")));
    assert_eq!(
        value["contacts"],
        json!([{ "profile": { "name": "Siti" }, "wa_id": "6281200000042", "user_id": "ID.1" }])
    );
    emulator.say(&Sender::bsuid("ID.2"), Content::text("hai")).unwrap();
    let value = hook.next().await.value();
    assert_eq!(value["messages"][0].get("from"), None);
    assert_eq!(value["contacts"], json!([{ "profile": {}, "user_id": "ID.2" }]));

    // The server may answer the first by BSUID: it is the same chat.
    let mut to_bsuid = text_to("+6281200000042");
    to_bsuid.as_object_mut().unwrap().remove("to");
    to_bsuid["recipient"] = json!("ID.1");
    assert_eq!(Graph::of(&emulator).messages(&to_bsuid).await.0, 200);
    let replied = |chat| emulator.chat(&chat).iter().any(|event| matches!(event.what, Happening::Replied(_)));
    assert!(replied(both.chat().unwrap()));
    emulator.stop().await;
}

#[tokio::test]
async fn a_batch_travels_in_one_post_in_order() {
    let (emulator, mut hook) = with_hook(&[]).await;
    let other = Sender::phone(Phone::from_wa_id("6281200000051").unwrap());
    let sayings = [("Assalamualaikum", &citizen()), ("P", &other), ("min", &citizen())]
        .map(|(text, from)| Saying { sent_at: None, ..Saying::new(from.clone(), Content::text(text)) });
    let posting = emulator.post(sayings.to_vec()).unwrap();
    let value = hook.next().await.value();
    let messages = value["messages"].as_array().unwrap();
    let texts: Vec<_> = messages.iter().map(|message| message["text"]["body"].as_str().unwrap()).collect();
    assert_eq!(texts, ["Assalamualaikum", "P", "min"]);
    assert_eq!(value["contacts"].as_array().unwrap().len(), 2, "each citizen once");
    let ids: Vec<_> = messages.iter().map(|message| message["id"].as_str().unwrap()).collect();
    assert_eq!(ids, posting.ids);
    emulator.stop().await;
}

#[tokio::test]
async fn a_post_that_is_not_taken_comes_again_as_it_was() {
    let (emulator, mut hook) = with_hook(&[503, 500, 401]).await;
    let posting = emulator.say(&citizen(), Content::text("hai")).unwrap();
    let first = hook.next().await;
    for _ in 0..3 {
        let again = hook.next().await;
        assert_eq!((&again.bytes, &again.signature), (&first.bytes, &first.signature));
    }
    let stored = posting.stored.await.unwrap();
    assert_eq!((stored.http, stored.attempt), (200, 4));
    let events = emulator.chat(&citizen().chat().unwrap());
    let gaps: Vec<_> = events
        .iter()
        .filter_map(|event| {
            let Happening::NotStored { http, retry_in_ms, .. } = event.what else { return None };
            Some((http, retry_in_ms))
        })
        .collect();
    assert_eq!(gaps, [(Some(503), Some(0)), (Some(500), Some(5)), (Some(401), Some(10))]);
    emulator.stop().await;
}

#[tokio::test]
async fn a_reply_is_followed_by_its_statuses_with_our_callback_data() {
    let (emulator, mut hook) = with_hook(&[]).await;
    emulator.say(&citizen(), Content::text("hai")).unwrap();
    hook.next().await;
    let mut reply = text_to("+6281200000042");
    reply["biz_opaque_callback_data"] = json!("row-7");
    let (_, answer) = Graph::of(&emulator).messages(&reply).await;
    // Deliveries are concurrent: which of the three comes first is nobody's promise.
    let mut seen = Vec::new();
    for _ in 0..3 {
        let status = hook.next().await.value()["statuses"][0].take();
        let step = status["status"].as_str().unwrap().to_owned();
        assert_eq!(status["id"], answer["messages"][0]["id"]);
        assert_eq!(status["recipient_id"], "6281200000042");
        assert_eq!(status["biz_opaque_callback_data"], "row-7");
        assert_eq!(status.get("pricing").is_some(), step != "read");
        assert_eq!(status.get("conversation").is_some(), step == "sent");
        seen.push(step);
    }
    seen.sort();
    assert_eq!(seen, ["delivered", "read", "sent"]);
    emulator.fail_next(1, siaga::emulator::Fault::FailedStatus(131_026));
    Graph::of(&emulator).messages(&reply).await;
    let value = hook.next().await.value();
    assert_eq!((&value["statuses"][0]["status"], value.get("contacts")), (&json!("failed"), None));
    assert_eq!(value["statuses"][0]["errors"][0]["code"], 131_026);
    emulator.stop().await;
}

#[tokio::test]
async fn a_reply_tells_what_it_answers_and_reading_shows_in_the_chat() {
    let (emulator, _hook) = with_hook(&[]).await;
    let first = emulator.say(&citizen(), Content::text("hai")).unwrap().ids.remove(0);
    let second = emulator.say(&citizen(), Content::text("P")).unwrap().ids.remove(0);
    let graph = Graph::of(&emulator);
    let read = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": second,
        "typing_indicator": { "type": "text" } });
    assert_eq!(graph.messages(&read).await, (200, json!({ "success": true })));
    graph.messages(&text_to("+6281200000042")).await;
    let events = emulator.chat(&citizen().chat().unwrap());
    let marked = events.iter().any(|event| matches!(&event.what, Happening::MarkedRead { id } if *id == second));
    let typing = events.iter().any(|event| matches!(event.what, Happening::Typing));
    assert!(marked && typing);
    let answers = events.iter().find_map(|event| {
        let Happening::Replied(reply) = &event.what else { return None };
        Some(reply.answers.iter().map(|answer| answer.id.clone()).collect::<Vec<_>>())
    });
    assert_eq!(answers, Some(vec![first, second]));
    emulator.stop().await;
}

#[tokio::test]
async fn bytes_of_a_bad_day_are_posted_as_they_are() {
    let (emulator, mut hook) = with_hook(&[401, 200]).await;
    let taken = emulator.post_raw(b"not json".to_vec(), Signing::Wrong).unwrap().stored.await.unwrap();
    assert_eq!((taken.http, hook.next().await.bytes), (401, b"not json".to_vec()));
    emulator.post_raw(b"{}".to_vec(), Signing::Missing).unwrap().stored.await.unwrap();
    assert_eq!(hook.next().await.signature, None);
    emulator.stop().await;
}
