//! Valid requests, each spoilt in one place: the emulator must refuse each with the code of Meta's table.

use serde_json::{Value, json};
use siaga::emulator::{Content, Template};

use super::{StillClock, alone, citizen, code, text_to};

/// What is done to a valid body.
enum Change {
    /// Puts a value at a place.
    Set(&'static str, Value),
    /// Takes the field away.
    Remove(&'static str),
    /// Adds to the list.
    Push(&'static str, Value),
}
use Change::{Push, Remove, Set};

#[derive(Clone, Copy, Debug)]
enum Base {
    Text,
    Buttons,
    List,
    Link,
    Document,
    Template,
    OneTimeCode,
    Reaction,
    Location,
    Contacts,
    Read,
}

fn long(chars: usize) -> Value {
    // Two bytes each: the limits are in characters.
    json!("é".repeat(chars))
}

fn row(number: usize) -> Value {
    json!({ "id": format!("r{number}"), "title": format!("Baris {number}"), "description": "keterangan" })
}

fn body(base: Base, media: &str, message: &str) -> Value {
    let mut body = text_to("+6281200000042");
    let (kind, content) = match base {
        Base::Text => return body,
        Base::Read => {
            return json!({ "messaging_product": "whatsapp", "status": "read", "message_id": message,
                "typing_indicator": { "type": "text" } });
        }
        Base::Buttons => {
            let button = |key: &str| json!({ "type": "reply", "reply": { "id": format!("7:{key}"), "title": key } });
            let action = json!({ "buttons": [button("Satu"), button("Dua"), button("Tiga")] });
            let body = json!({ "text": "Pilih:" });
            let footer = json!({ "text": "Mengakhiri: SELESAI." });
            ("interactive", json!({ "type": "button", "body": body, "footer": footer, "action": action }))
        }
        Base::List => {
            let section = |title: &str, rows: std::ops::Range<usize>| json!({ "title": title, "rows": rows.map(row).collect::<Vec<_>>() });
            let action = json!({ "button": "Pilih", "sections": [section("A", 0..5), section("B", 5..10)] });
            ("interactive", json!({ "type": "list", "body": { "text": "Pilih:" }, "action": action }))
        }
        Base::Link => {
            let parameters = json!({ "display_text": "Buka", "url": "https://example.org/" });
            let action = json!({ "name": "cta_url", "parameters": parameters });
            ("interactive", json!({ "type": "cta_url", "body": { "text": "Buka:" }, "action": action }))
        }
        Base::Document => ("document", json!({ "id": media, "filename": "Sertifikat.pdf", "caption": "Sertifikat" })),
        Base::Template => {
            let parameters = json!([{ "type": "text", "text": "4821-0937" }]);
            let components = json!([{ "type": "body", "parameters": parameters }]);
            ("template", json!({ "name": "report", "language": { "code": "id" }, "components": components }))
        }
        Base::OneTimeCode => {
            let parameters = json!([{ "type": "text", "text": "483920" }]);
            let button = json!({ "type": "button", "sub_type": "url", "index": "0", "parameters": parameters });
            let components = json!([{ "type": "body", "parameters": parameters }, button]);
            ("template", json!({ "name": "code", "language": { "code": "id" }, "components": components }))
        }
        Base::Reaction => ("reaction", json!({ "message_id": message, "emoji": "👍" })),
        Base::Location => ("location", json!({ "latitude": -6.2, "longitude": 106.8, "name": "Puskesmas" })),
        Base::Contacts => ("contacts", json!([{ "name": { "formatted_name": "Pusat Bantuan" } }])),
    };
    body.as_object_mut().unwrap().remove("text");
    body["type"] = json!(kind);
    body[kind] = content;
    body
}

fn apply(body: &mut Value, change: &Change) {
    let (Set(place, _) | Push(place, _) | Remove(place)) = change;
    let (parent, key) = place.rsplit_once('/').unwrap();
    match change {
        Push(_, value) => body.pointer_mut(place).unwrap().as_array_mut().unwrap().push(value.clone()),
        Set(_, value) => body.pointer_mut(parent).unwrap()[key] = value.clone(),
        Remove(_) => {
            body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).expect("it was there");
        }
    }
}

#[rustfmt::skip] // a table
fn mutations() -> Vec<(Base, Change, u64)> {
    let button = || json!({ "type": "reply", "reply": { "id": "7:x", "title": "Empat" } });
    vec![
        // the envelope
        (Base::Text, Remove("/messaging_product"), 100),
        (Base::Text, Set("/messaging_product", json!("messenger")), 100),
        (Base::Text, Set("/recipient_type", json!("business_scoped_user_id")), 100),
        (Base::Text, Remove("/to"), 100),
        (Base::Text, Set("/to", json!(6_281_200_000_042_u64)), 100),
        (Base::Text, Set("/to", json!("Siti")), 131_009),
        (Base::Text, Set("/to", json!("ID.13491208655302741918")), 131_009),
        (Base::Text, Set("/to", json!("6281200000042")), 131_047), // the country code is put before it: a stranger
        (Base::Text, Set("/to", json!("+6281100000119")), 131_021),
        (Base::Text, Set("/type", json!("poll")), 131_051),
        (Base::Text, Set("/type", json!("document")), 131_008),
        (Base::Text, Set("/tpye", json!("text")), 100),
        (Base::Text, Set("/context", json!({})), 131_008),
        (Base::Text, Set("/biz_opaque_callback_data", long(513)), 131_009),
        // text
        (Base::Text, Remove("/text"), 131_008),
        (Base::Text, Remove("/text/body"), 131_008),
        (Base::Text, Set("/text/body", json!("")), 131_009),
        (Base::Text, Set("/text/body", long(4_097)), 131_009),
        (Base::Text, Set("/text/body", json!(7)), 100),
        (Base::Text, Set("/text/preview", json!(true)), 100),
        // reply buttons
        (Base::Buttons, Push("/interactive/action/buttons", button()), 131_009),
        (Base::Buttons, Set("/interactive/action/buttons", json!([])), 131_009),
        (Base::Buttons, Remove("/interactive/action/buttons"), 131_008),
        (Base::Buttons, Set("/interactive/action/buttons/0/reply/title", long(21)), 131_009),
        (Base::Buttons, Set("/interactive/action/buttons/0/reply/title", json!("Dua")), 131_009),
        (Base::Buttons, Set("/interactive/action/buttons/0/reply/id", json!("7:Dua")), 131_009),
        (Base::Buttons, Set("/interactive/action/buttons/0/reply/id", long(257)), 131_009),
        (Base::Buttons, Remove("/interactive/action/buttons/0/reply/id"), 131_008),
        (Base::Buttons, Set("/interactive/action/buttons/0/type", json!("url")), 131_009),
        (Base::Buttons, Set("/interactive/body/text", long(1_025)), 131_009),
        (Base::Buttons, Remove("/interactive/body"), 131_008),
        (Base::Buttons, Set("/interactive/footer/text", long(61)), 131_009),
        (Base::Buttons, Set("/interactive/header", json!({ "type": "text", "text": "x".repeat(61) })), 131_009),
        (Base::Buttons, Set("/interactive/type", json!("buttons")), 131_009),
        // lists
        (Base::List, Push("/interactive/action/sections/0/rows", row(10)), 131_009),
        (Base::List, Set("/interactive/action/button", long(21)), 131_009),
        (Base::List, Remove("/interactive/action/button"), 131_008),
        (Base::List, Set("/interactive/action/sections/0/title", long(25)), 131_009),
        (Base::List, Remove("/interactive/action/sections/0/title"), 131_008),
        (Base::List, Set("/interactive/action/sections/0/rows/0/title", long(25)), 131_009),
        (Base::List, Set("/interactive/action/sections/0/rows/0/id", long(201)), 131_009),
        (Base::List, Set("/interactive/action/sections/0/rows/0/id", json!("r7")), 131_009),
        (Base::List, Set("/interactive/action/sections/0/rows/0/description", long(73)), 131_009),
        (Base::List, Set("/interactive/header", json!({ "type": "image", "image": { "link": "https://x.id/a" } })), 131_009),
        (Base::List, Set("/interactive/body/text", long(4_097)), 131_009),
        // a button with an address
        (Base::Link, Set("/interactive/action/parameters/display_text", long(21)), 131_009),
        (Base::Link, Set("/interactive/action/parameters/url", json!("tel:119")), 131_009),
        // documents
        (Base::Document, Set("/document/caption", long(1_025)), 131_009),
        (Base::Document, Set("/document/id", json!("1376223850470843")), 131_009),
        (Base::Document, Set("/document/link", json!("https://example.org/a.pdf")), 131_009),
        (Base::Document, Remove("/document/id"), 131_008),
        (Base::Document, Set("/document/file_name", json!("a.pdf")), 100),
        // templates
        (Base::Template, Remove("/template/language"), 131_008),
        (Base::Template, Set("/template/name", json!("unknown")), 132_001),
        (Base::Template, Set("/template/components/0/parameters", json!([])), 132_000),
        (Base::OneTimeCode, Set("/recipient", json!("ID.4711")), 131_062),
        // others
        (Base::Reaction, Remove("/reaction/message_id"), 131_008),
        (Base::Reaction, Set("/reaction/emoji", json!("ok")), 131_009),
        (Base::Location, Set("/location/latitude", json!(91)), 131_009),
        (Base::Contacts, Remove("/contacts/0/name/formatted_name"), 131_008),
        (Base::Read, Set("/message_id", json!("wamid.unknown")), 131_009),
        (Base::Read, Remove("/message_id"), 131_008),
        (Base::Read, Set("/status", json!("delivered")), 131_009),
        (Base::Read, Set("/typing_indicator/type", json!("voice")), 131_009),
    ]
}

#[tokio::test]
async fn each_mutation_of_a_valid_request_is_refused_with_its_code() {
    let template = |name: &str| Template { name: name.into(), language: "id".into(), body_parameters: 1 };
    let clock = StillClock::new();
    let (emulator, graph) = alone(&clock, |options| {
        options.rules.templates = Some(vec![template("report"), template("code")]);
        (options.rules.pair, options.rules.throughput) = (false, false);
    })
    .await;
    let message = emulator.say(&citizen(), Content::text("hai")).unwrap().ids.remove(0);
    let (_, uploaded) = graph.upload("application/pdf", b"%PDF").await;
    let media = uploaded["id"].as_str().unwrap();
    let mutations = mutations();
    assert!(mutations.len() >= 40);
    for (base, change, wanted) in mutations {
        let mut spoilt = body(base, media, &message);
        let valid = graph.messages(&spoilt).await;
        assert_eq!(valid.0, 200, "{base:?} before it is spoilt: {}", valid.1);
        apply(&mut spoilt, &change);
        if wanted == 131_062 {
            spoilt.as_object_mut().unwrap().remove("to");
        }
        let answer = graph.messages(&spoilt).await;
        let (Set(place, _) | Push(place, _) | Remove(place)) = change;
        assert_eq!(code(&answer), Some(wanted), "{base:?} {place}: {}", answer.1);
        assert_eq!(answer.1["error"]["type"], "OAuthException");
    }
    emulator.stop().await;
}

#[tokio::test]
async fn wrong_paths_tokens_and_files_have_their_codes() {
    let clock = StillClock::new();
    let (emulator, graph) = alone(&clock, |_| {}).await;
    let post = |path: &str| graph.client.post(format!("{}{path}", emulator.url())).json(&text_to("+6281200000042"));
    for (request, http, wanted) in [
        (post("/v23.0/100000000000567/messages"), 401, 190),
        (post("/v23.0/100000000000567/messages").bearer_auth("another"), 401, 190),
        (post("/v23.0/1/messages").bearer_auth(super::TOKEN), 400, 33),
        (post("/23/100000000000567/messages").bearer_auth(super::TOKEN), 404, 2_500),
        (post("/v23.0/100000000000567/marketing").bearer_auth(super::TOKEN), 404, 2_500),
        (post("/v23.0/100000000000567/messages").bearer_auth(super::TOKEN).body("{"), 400, 100),
        (post("/v23.0/100000000000567/media").bearer_auth(super::TOKEN), 400, 100),
    ] {
        let answer = request.send().await.unwrap();
        let got = (answer.status().as_u16(), answer.json().await.unwrap());
        assert_eq!((got.0, code(&got)), (http, Some(wanted)), "{}", got.1);
    }
    assert_eq!(code(&graph.upload("application/zip", b"PK").await), Some(131_053));
    assert_eq!(code(&graph.upload("application/pdf", b"").await), Some(131_053));
    let (_, picture) = graph.upload("image/png", b"png").await;
    let mut document = text_to("+6281200000042");
    document.as_object_mut().unwrap().remove("text");
    document["type"] = json!("document");
    document["document"] = json!({ "id": picture["id"] });
    assert_eq!(code(&graph.messages(&document).await), Some(131_053));
    emulator.stop().await;
}
