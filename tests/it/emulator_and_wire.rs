//! The adapters and decoders of this server against the emulator: two readings of Meta's contract, written apart.
//!
//! The emulator shares no type with `wire`; where both agree, a slip of one hand is not in both.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use siaga::certificate::Typesetter;
use siaga::domain::call::CallId;
use siaga::domain::contact::{Bsuid, BusinessNumber, ContactId, Recipient};
use siaga::domain::message::{Button, DeliveryState, MessageId, Outbound, Text};
use siaga::domain::phone::Mobile;
use siaga::domain::time::Timestamp;
use siaga::emulator::{Card, Content, Emulator, Sender};
use siaga::otp::sms_http::{self, SmsHttp};
use siaga::ports::{Channel, IdempotencyKey, OtpSender, OutgoingMessage, OutgoingSms, SendError, SendTag};
use siaga::whatsapp::{GraphClient, Options, Render, Unmade};
use siaga::wire::payload::{Part, decode};
use siaga::wire::signature;

use crate::emulator::hook::{Hook, Received};
use crate::emulator::{NUMBER, SECRET, StillClock, TOKEN, citizen, options};

const ACCEPTED: Timestamp = Timestamp(1_795_000_001_000);

async fn emulated() -> (Emulator, Hook) {
    let hook = Hook::start(&[]);
    let mut options = options(&hook.url, &StillClock::new());
    (options.statuses.sent_ms, options.statuses.delivered_ms, options.statuses.read_ms) = (0, 0, None);
    (siaga::emulator::start(options).await.expect("an emulator"), hook)
}

fn client(emulator: &Emulator) -> GraphClient {
    let typesetter = Arc::new(Typesetter::new().expect("the typeface"));
    let options = Options {
        base_url: emulator.url(),
        version: "v23.0".into(),
        token: TOKEN.into(),
        connections_max: 4,
        connect_timeout: Duration::from_secs(2),
        request_timeout: Duration::from_secs(10),
        send_to_bsuid: true,
    };
    let render: Render = Arc::new(move |certificate| {
        let made = typesetter.render(&certificate, None).map_err(|error| Unmade::Never(error.to_string()));
        std::future::ready(made).boxed()
    });
    GraphClient::new(&options, render).expect("options that are right")
}

fn outgoing(message: Outbound) -> OutgoingMessage {
    OutgoingMessage {
        number: BusinessNumber(NUMBER.into()),
        to: citizen().chat().expect("a chat"),
        message: Arc::new(message),
        tag: SendTag("tag-1".into()),
    }
}

fn text(text: &str) -> Text {
    Text(text.to_owned())
}

/// The parts of a POST that is signed as it should be.
fn believed(post: &Received) -> Vec<Part> {
    let header = post.signature.as_deref().map(str::as_bytes);
    assert_eq!(signature::verify(&[SECRET.into()], header, &post.bytes), Ok(()));
    decode(&post.bytes, ACCEPTED).parts
}

#[tokio::test]
async fn all_that_the_emulator_can_say_is_understood() {
    let (emulator, mut hook) = emulated().await;
    let of = || "wamid.ours".to_owned();
    let cards = vec![Card { name: text("Uji"), phone: text("0812-0000-0118") }];
    let cases = [
        (Content::text("makasih \u{1f64f}"), "message_text"),
        (Content::Button { of: of(), id: "7:menu".into(), title: text("Menu") }, "message_choice"),
        (Content::Row { of: of(), id: "7:a".into(), title: text("A"), description: None }, "message_choice"),
        (Content::Voice, "message_voice"),
        (Content::Photo { caption: None }, "message_photo"),
        (Content::Video, "message_file"),
        (Content::Document { file_name: text("a.pdf") }, "message_file"),
        (Content::Sticker, "message_sticker"),
        (Content::Location { latitude: -6.2, longitude: 106.8 }, "message_location"),
        (Content::Contacts { cards }, "message_contacts"),
        (Content::Reaction { to: of(), emoji: None }, "message_reaction"),
        (Content::Edit { original: "w".into(), content: Box::new(Content::text("baru")) }, "message_edit"),
        (Content::Revoke { original: "w".into() }, "message_revoke"),
        (Content::Welcome, "message_welcome"),
        (Content::Unsupported { what: "poll".into() }, "message_unsupported"),
    ];
    let who = Sender { bsuid: Some(Bsuid("ID.1".into())), ..citizen() };
    for (content, name) in cases {
        let posted = emulator.say(&who, content).expect("it can be said");
        let parts = believed(&hook.next().await);
        let [Part::Message(message)] = &parts[..] else { panic!("{name}: {parts:?}") };
        assert_eq!(parts[0].name(), name);
        assert_eq!(posted.ids, std::slice::from_ref(&message.id.0));
        assert_eq!((message.from.phone, &message.from.bsuid), (who.phone, &who.bsuid));
        assert_eq!(message.to.0.as_ref(), NUMBER);
        assert_eq!(message.sent_at, Timestamp(1_795_000_000_000));
        let quotes = matches!(name, "message_choice").then(|| MessageId(of()));
        assert_eq!(message.quotes, quotes, "{name}");
    }
    emulator.stop().await;
}

#[tokio::test]
async fn all_that_we_say_is_taken_and_its_statuses_carry_our_tag() {
    let (emulator, mut hook) = emulated().await;
    emulator.say(&citizen(), Content::text("hai")).expect("it can be said");
    let Part::Message(heard) = believed(&hook.next().await).remove(0) else { panic!("not a message") };
    let client = client(&emulator);
    let choices = |count| {
        let choice = |n| Button { id: format!("7:{n}"), title: text(&format!("Pilihan {n}")) };
        (0..count).map(choice).collect::<Vec<_>>()
    };
    let said = [
        Outbound::Text { body: text("Selamat datang\n1/2 \u{e9}") },
        Outbound::Buttons { body: text("Pilih"), footer: Some(text("Reply ENGLISH")), buttons: choices(3) },
        Outbound::Buttons { body: text("Pilih"), footer: None, buttons: choices(1) },
        Outbound::List { body: text("Pilih"), footer: None, open: text("Lihat pilihan"), rows: choices(10) },
        crate::graph_client::certificate_message(),
    ];
    let number = BusinessNumber(NUMBER.into());
    assert_eq!(client.mark_read(number.clone(), heard.id.clone(), true).await, Ok(()));
    assert_eq!(client.mark_read(number, heard.id, false).await, Ok(()));
    for message in said {
        let id = client.send(outgoing(message)).await.expect("meta takes it");
        let mut seen = Vec::new();
        while seen.len() < 2 {
            for part in believed(&hook.next().await) {
                let Part::Status(status) = part else { panic!("{part:?}") };
                assert_eq!((&status.message, status.tag.as_deref()), (&id, Some("tag-1")));
                seen.push(status.state);
            }
        }
        seen.sort();
        assert_eq!(seen, [DeliveryState::Sent, DeliveryState::Delivered]);
    }
    emulator.stop().await;
}

#[tokio::test]
async fn a_refusal_of_the_emulator_is_read_with_its_code() {
    let (emulator, _hook) = emulated().await;
    let client = client(&emulator);
    // Nobody has written yet, so no window is open.
    let sent = client.send(outgoing(Outbound::Text { body: text("hai") })).await;
    assert!(matches!(sent, Err(SendError::Refused { code: 131_047, .. })), "{sent:?}");
    emulator.revoke_token(true);
    let sent = client.send(outgoing(Outbound::Text { body: text("hai") })).await;
    assert!(matches!(sent, Err(SendError::Refused { code: 190, .. })), "{sent:?}");
    emulator.stop().await;
}

#[tokio::test]
async fn a_code_reaches_the_emulated_phone() {
    let (emulator, _hook) = emulated().await;
    let options = sms_http::Options {
        timeout: Duration::from_secs(20),
        connections_max: 1,
        ..sms_http::Options::plain(format!("{}/sms", emulator.url()))
    };
    let Some(Recipient::Phone(phone)) = citizen().chat() else { panic!("the citizen has a phone") };
    let to = Mobile::from_phone(phone).expect("a mobile");
    let key = IdempotencyKey { contact: ContactId(1), call: CallId(1) };
    let sender = SmsHttp::new(&options).expect("options that are right");
    assert_eq!(sender.send(OutgoingSms { key, to, text: text("483920 kode OTP") }).await, Ok(()));
    assert_eq!(emulator.sms_inbox(phone), [text("483920 kode OTP")]);
    emulator.stop().await;
}
