//! The server from its two listeners: what it promises before it says 200, and what a crash may not undo.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use siaga::app::Ended;
use siaga::domain::message::Outbound;
use siaga::ports::{Clock, DeadReason, OutgoingMessage, SendError, Store};

use crate::support::{APP_SECRET, ParrotHouse, VERIFY_TOKEN, envelope, envelope_to, eventually, sign, text};

const SITI: &str = "6281200000042";
const SITI_E164: &str = "+6281200000042";

#[tokio::test]
async fn says_200_only_when_all_is_durable() {
    let house = ParrotHouse::new();
    let app = house.open();
    house.store.hold();
    let body = serde_json::to_vec(&envelope(&[text("w1", SITI, "hai")])).unwrap();
    let signature = sign(APP_SECRET, &body);
    let post = app.post_raw(body, Some(&signature));
    tokio::pin!(post);
    let early = tokio::time::timeout(Duration::from_millis(300), &mut post).await;
    assert!(early.is_err(), "it was answered before it was durable");
    assert!(house.channel.sent().is_empty(), "and nobody was told anything");
    house.store.release();
    assert_eq!(post.await.status().as_u16(), 200);
    eventually("the reply", || house.channel.texts_to(SITI_E164) == ["hai"]).await;
    app.at_rest().await;
}

#[tokio::test]
async fn a_store_without_room_is_503_and_meta_comes_again() {
    let house = ParrotHouse::new();
    let app = house.open();
    house.store.fill(Some("the test's disk is full"));
    let body = serde_json::to_vec(&envelope(&[text("w1", SITI, "hai")])).unwrap();
    let signature = sign(APP_SECRET, &body);
    let refused = app.post_raw(body.clone(), Some(&signature)).await;
    assert_eq!(refused.status().as_u16(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(app.ops("/readyz").await.0, 503);
    assert_eq!(app.ops("/livez").await.0, 200);
    house.store.fill(None);
    assert_eq!(app.ops("/readyz").await.0, 200);
    assert_eq!(app.post_raw(body, Some(&signature)).await.status().as_u16(), 200);
    eventually("the reply", || house.channel.texts_to(SITI_E164) == ["hai"]).await;
}

#[tokio::test]
async fn a_connection_that_rested_for_seconds_takes_the_next_webhook() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let house = ParrotHouse::new();
    let app = house.open();
    let mut connection = tokio::net::TcpStream::connect(app.handles.addresses.webhook).await.expect("connected");
    for rest_s in [0, 6] {
        tokio::time::sleep(Duration::from_secs(rest_s)).await;
        let ask =
            format!("GET /webhook?hub.mode=subscribe&hub.challenge=1&hub.verify_token={VERIFY_TOKEN} HTTP/1.1\r\n");
        connection.write_all(format!("{ask}host: siaga\r\n\r\n").as_bytes()).await.expect("written");
        let mut answer = [0; 12];
        let read = connection.read_exact(&mut answer).await;
        assert!(read.is_ok() && answer == *b"HTTP/1.1 200", "after {rest_s} s: {read:?}");
        // The rest of the answer, which is short.
        assert!(connection.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0));
    }
}

#[tokio::test]
async fn what_is_not_signed_by_meta_is_401_and_leaves_no_trace() {
    let house = ParrotHouse::new();
    let app = house.open();
    let body = serde_json::to_vec(&envelope(&[text("w1", SITI, "hai")])).unwrap();
    let right = sign(APP_SECRET, &body);
    let other = sign("another-secret", &body);
    let of_another_body = sign(APP_SECRET, b"{}");
    for signature in [None, Some(other.as_str()), Some(of_another_body.as_str()), Some(""), Some(&right[..70])] {
        let answer = app.post_raw(body.clone(), signature).await;
        assert_eq!(answer.status().as_u16(), 401, "{signature:?}");
        assert_eq!(answer.text().await.unwrap(), "", "a refusal says nothing");
    }
    eventually("all rows are closed", || house.store.open_rows() == (0, 0)).await;
    // Any of the configured secrets is good, for a rotation.
    let older = sign("older-secret", &body);
    assert_eq!(app.post_raw(body, Some(&older)).await.status().as_u16(), 200);
    eventually("the reply", || house.channel.sent().len() == 1).await;
}

#[tokio::test]
async fn a_body_past_its_bound_is_413() {
    let house = ParrotHouse::new();
    let app = house.open();
    let huge = vec![b' '; 4 * 1024 * 1024 + 1];
    let signature = sign(APP_SECRET, &huge);
    // The server may close while the rest is still on its way; then there is no answer to read.
    let request = app.http.post(app.url()).header("x-hub-signature-256", &signature).body(huge);
    if let Ok(answer) = request.send().await {
        assert_eq!(answer.status().as_u16(), 413);
    }
    let mut largest = serde_json::to_vec(&envelope(&[text("w1", SITI, "hai")])).unwrap();
    largest.resize(4 * 1024 * 1024, b' ');
    let signature = sign(APP_SECRET, &largest);
    assert_eq!(app.post_raw(largest, Some(&signature)).await.status().as_u16(), 200);
    eventually("the reply", || house.channel.sent().len() == 1).await;
}

#[tokio::test]
async fn meta_can_verify_the_webhook_and_nobody_else() {
    let house = ParrotHouse::new();
    let app = house.open();
    let ask = async |query: String| {
        let answer = app.http.get(format!("{}?{query}", app.url())).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let right = format!("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={VERIFY_TOKEN}");
    assert_eq!(ask(right).await, (200, "1158201444".to_owned()));
    for wrong in [
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=guess".to_owned(),
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=".to_owned(),
        format!("hub.mode=unsubscribe&hub.challenge=1&hub.verify_token={VERIFY_TOKEN}"),
        String::new(),
    ] {
        let (status, body) = ask(wrong.clone()).await;
        assert_eq!((status, body.as_str()), (403, ""), "{wrong}");
    }
    drop(app);
    let mut options = house.options();
    options.store = siaga::app::StoreChoice::Given(std::sync::Arc::new(siaga::store::Memory::new()));
    options.server.verify_token = "".into();
    let app = crate::support::TestApp::start(options);
    let empty = app.http.get(format!("{}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=", app.url()));
    assert_eq!(empty.send().await.unwrap().status().as_u16(), 403, "an empty token is none");
}

#[tokio::test]
async fn a_message_has_its_effect_once_also_after_a_restart() {
    let mut house = ParrotHouse::new();
    let app = house.open();
    let hai = text("w1", SITI, "hai");
    assert_eq!(app.post(&envelope(&[hai.clone(), hai.clone()])).await, 200);
    eventually("the reply", || house.channel.texts_to(SITI_E164) == ["hai"]).await;
    for _ in 0..5 {
        assert_eq!(app.post(&envelope(std::slice::from_ref(&hai))).await, 200);
    }
    app.at_rest().await;
    house.crash(app);
    let app = house.open();
    house.clock.advance(7 * 86_400_000);
    assert_eq!(app.post(&envelope(&[hai])).await, 200);
    // One that is as old as the clock has moved is refused.
    assert_eq!(app.post(&envelope(&[text("w2", SITI, "basi")])).await, 200);
    let mut again = text("w3", SITI, "lagi");
    again["timestamp"] = json!((house.clock.now().0 / 1_000).to_string());
    assert_eq!(app.post(&envelope(&[again])).await, 200);
    eventually("the second reply", || !house.channel.texts_to(SITI_E164).is_empty()).await;
    app.at_rest().await;
    // Nothing of the first process is said again by the second.
    assert_eq!(house.channel.texts_to(SITI_E164), ["lagi"]);
}

#[tokio::test]
async fn what_comes_in_one_post_is_one_turn() {
    let house = ParrotHouse::new();
    let app = house.open();
    let four: Vec<Value> = ["a", "b", "c", "d"].iter().map(|word| text(&format!("w-{word}"), SITI, word)).collect();
    assert_eq!(app.post(&envelope(&four)).await, 200);
    eventually("the reply", || house.channel.texts_to(SITI_E164) == ["a,b,c,d"]).await;
    app.at_rest().await;
    eventually("all rows are closed", || house.store.open_rows() == (0, 0)).await;
}

#[tokio::test]
async fn many_at_once_each_in_their_own_order() {
    const PEOPLE: usize = 40;
    const EACH: usize = 12;
    let house = ParrotHouse::new();
    let app = house.open();
    let phone = |person: usize| format!("62812000{person:05}");
    // Everybody writes at once; each waits for 200 before the next message, as Meta's order is only that.
    join_all((0..PEOPLE).map(|person| {
        let app = &app;
        async move {
            for n in 0..EACH {
                let message = text(&format!("w-{person}-{n}"), &phone(person), &n.to_string());
                assert_eq!(app.post(&envelope(&[message])).await, 200);
            }
        }
    }))
    .await;
    app.at_rest().await;
    let expected = (0..EACH).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let texts = house.channel.texts();
    for person in 0..PEOPLE {
        // How many share a turn is chance; their order is not.
        assert_eq!(texts[&format!("+{}", phone(person))].join(","), expected, "person {person}");
    }
}

#[tokio::test]
async fn a_poisonous_message_harms_neither_neighbours_nor_what_follows() {
    let house = ParrotHouse::new();
    let app = house.open();
    let budi = "6281200000077";
    let batch = [
        text("s1", SITI, "a"),
        text("b1", budi, "x"),
        text("s2", SITI, "poison"),
        text("s3", SITI, "c"),
        text("b2", budi, "y"),
    ];
    assert_eq!(app.post(&envelope(&batch)).await, 200);
    eventually("all replies", || house.channel.sent().len() == 4).await;
    app.at_rest().await;
    assert_eq!(house.channel.texts_to(SITI_E164), ["a", "sorry", "c"]);
    assert_eq!(house.channel.texts_to("+6281200000077"), ["x,y"]);
    let dead = house.store.dead_letters().await.unwrap();
    let reasons: Vec<DeadReason> = dead.iter().map(|(_, letter)| letter.reason).collect();
    assert_eq!(reasons, [DeadReason::Poison]);
}

#[tokio::test]
async fn a_session_that_dies_is_started_again_and_says_nothing_twice() {
    let house = ParrotHouse::new();
    let app = house.open();
    house.parrot.faints.store(1, Ordering::SeqCst);
    assert_eq!(app.post(&envelope(&[text("s1", SITI, "a")])).await, 200);
    app.at_rest().await;
    assert_eq!(app.post(&envelope(&[text("s2", SITI, "b")])).await, 200);
    eventually("the second reply", || !house.channel.texts_to(SITI_E164).is_empty()).await;
    app.at_rest().await;
    assert_eq!(house.channel.texts_to(SITI_E164), ["a", "b"]);
    assert_eq!(house.parrot.faints.load(Ordering::SeqCst), 0, "it did die");
    eventually("all rows are closed", || house.store.open_rows() == (0, 0)).await;
}

#[tokio::test]
async fn after_a_crash_replies_that_may_have_left_wait_for_a_status_then_go_once_more() {
    let mut house = ParrotHouse::new();
    let app = house.open();
    house.channel.hang.store(1, Ordering::SeqCst);
    assert_eq!(app.post(&envelope(&[text("s1", SITI, "a")])).await, 200);
    eventually("its reply is on the way", || house.channel.tried.load(Ordering::SeqCst) == 1).await;
    house.crash(app);
    let app = house.open();
    assert_eq!(app.post(&envelope(&[text("s2", "6281200000077", "x")])).await, 200);
    eventually("others are served meanwhile", || house.channel.sent().len() == 1).await;
    assert!(house.channel.texts_to(SITI_E164).is_empty(), "it may be with Meta already");
    house.clock.advance(120_000);
    eventually("it goes once more", || {
        house.clock.advance(1_000);
        house.channel.texts_to(SITI_E164) == ["a"]
    })
    .await;
    app.at_rest().await;
    eventually("all rows are closed", || house.store.open_rows() == (0, 0)).await;
}

#[tokio::test]
async fn a_status_settles_what_a_crash_left_open() {
    let mut house = ParrotHouse::new();
    let app = house.open();
    assert_eq!(app.post(&envelope(&[text("s1", SITI, "a")])).await, 200);
    eventually("it is sent", || house.channel.sent().len() == 1).await;
    let tag = house.channel.sent()[0].tag.0.clone();
    app.at_rest().await;
    house.channel.fail_next([SendError::Ambiguous { reason: "reset".into() }]);
    assert_eq!(app.post(&envelope(&[text("s2", SITI, "b")])).await, 200);
    eventually("the second reply was tried", || house.channel.tried.load(Ordering::SeqCst) == 2).await;
    app.at_rest().await;
    eventually("one reply stays open", || house.store.open_rows() == (0, 1)).await;
    house.crash(app);
    let app = house.open();
    // A status of another message settles nothing; its own does. The tag differs by the row alone, so a forged
    // one is refused.
    assert_eq!(app.post(&status("wamid.x", &tag)).await, 200);
    assert_eq!(app.post(&status("wamid.y", &tag.replacen('.', "0.", 1))).await, 200);
    app.at_rest().await;
    assert_eq!(house.store.open_rows().1, 1);
    house.clock.advance(120_000);
    eventually("it goes once more", || {
        house.clock.advance(1_000);
        house.channel.sent().len() == 1
    })
    .await;
    let second = house.channel.sent()[0].tag.0.clone();
    assert_eq!(app.post(&status("wamid.z", &second)).await, 200);
    app.at_rest().await;
    eventually("all rows are closed", || house.store.open_rows() == (0, 0)).await;
}

pub(crate) fn status(wamid: &str, tag: &str) -> Value {
    let status = json!({"id": wamid, "status": "delivered", "timestamp": "1795416601", "recipient_id": SITI,
        "biz_opaque_callback_data": tag});
    let mut body = envelope(&[]);
    body["entry"][0]["changes"][0]["value"]["statuses"] = json!([status]);
    body
}

#[tokio::test]
async fn refusals_that_pass_are_tried_again_in_order() {
    let house = ParrotHouse::new();
    let app = house.open();
    house.channel.fail_next([
        SendError::Unreachable { reason: "refused".into() },
        SendError::Refused { code: 131_016, http: 503 },
    ]);
    assert_eq!(app.post(&envelope(&[text("s1", SITI, "a")])).await, 200);
    assert_eq!(app.post(&envelope(&[text("s2", SITI, "b")])).await, 200);
    eventually("both leave", || {
        house.clock.advance(100);
        house.channel.texts_to(SITI_E164).join(",") == "a,b"
    })
    .await;
    app.at_rest().await;
    eventually("all rows are closed", || house.store.open_rows() == (0, 0)).await;
}

#[tokio::test]
async fn what_meta_will_never_take_is_given_up_and_kept() {
    let house = ParrotHouse::new();
    let app = house.open();
    house.channel.fail_next([SendError::Refused { code: 131_026, http: 400 }]);
    assert_eq!(app.post(&envelope(&[text("s1", SITI, "a")])).await, 200);
    app.at_rest().await;
    assert_eq!(app.post(&envelope(&[text("s2", SITI, "b")])).await, 200);
    eventually("the next one leaves", || house.channel.texts_to(SITI_E164) == ["b"]).await;
    let dead = house.store.dead_letters().await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].1.reason, DeadReason::Unsendable);
}

#[tokio::test]
async fn strangers_numbers_and_riddles_are_kept_and_answered_200() {
    let house = ParrotHouse::new();
    let app = house.open();
    assert_eq!(app.post(&envelope_to("999", &[text("s1", SITI, "a")])).await, 200);
    let riddle = b"not json at all".to_vec();
    let signature = sign(APP_SECRET, &riddle);
    assert_eq!(app.post_raw(riddle, Some(&signature)).await.status().as_u16(), 200);
    let nobody = json!({"id": "w", "timestamp": "1795416600", "type": "text", "text": {"body": "a"}});
    assert_eq!(app.post(&envelope(&[nobody])).await, 200);
    app.at_rest().await;
    let dead = house.store.dead_letters().await.unwrap();
    let mut reasons: Vec<String> = dead.iter().map(|(_, letter)| format!("{:?}", letter.reason)).collect();
    reasons.sort();
    assert_eq!(reasons, ["NoSender", "NotUnderstood", "UnknownNumber"]);
    assert!(house.channel.sent().is_empty());
}

#[tokio::test]
async fn a_drain_finishes_what_is_in_flight() {
    let house = ParrotHouse::new();
    let app = house.open();
    for n in 0..20 {
        assert_eq!(app.post(&envelope(&[text(&format!("w{n}"), &format!("62812000{n:05}"), "hai")])).await, 200);
    }
    assert_eq!(app.drain(), Ended::Drained);
    assert_eq!(house.channel.sent().len(), 20);
    eventually("all rows are closed", || house.store.open_rows() == (0, 0)).await;
}

#[tokio::test]
async fn operators_see_the_shards_and_the_metrics() {
    let house = ParrotHouse::new();
    let app = house.open();
    assert_eq!(app.post(&envelope(&[text("w1", SITI, "hai")])).await, 200);
    app.at_rest().await;
    let (status, page) = app.ops("/actors").await;
    let page: Value = serde_json::from_str(&page).unwrap();
    assert_eq!((status, page["shards"].as_array().unwrap().len()), (200, 2));
    let (status, metrics) = app.ops("/metrics").await;
    assert_eq!(status, 200);
    assert!(metrics.contains("siaga_webhook_posts_total"));
    // Nobody else in these tests sends a place: each of them counts, also by a handle that was kept.
    for places in 1..=3_usize {
        let place = json!({"id": format!("w-place-{places}"), "from": SITI, "timestamp": "1795416600",
            "type": "location", "location": {"latitude": -6.2, "longitude": 106.8}});
        assert_eq!(app.post(&envelope(&[place])).await, 200);
        let (_, metrics) = app.ops("/metrics").await;
        let counted = format!("siaga_webhook_parts_total{{kind=\"message_location\"}} {places}\n");
        assert!(metrics.contains(&counted), "{places}");
    }
    assert!(!metrics.contains(SITI), "no contact is ever a label");
    assert_eq!(app.ops("/webhook").await.0, 404, "the pages are apart");
}

#[tokio::test]
async fn a_phone_that_changes_hands_is_another_contact() {
    let house = ParrotHouse::new();
    let app = house.open();
    let from = |wamid: &str, bsuid: &str, body: &str| {
        let mut message = text(wamid, SITI, body);
        message["from_user_id"] = json!(bsuid);
        message
    };
    assert_eq!(app.post(&envelope(&[from("w1", "ID.first", "a")])).await, 200);
    app.at_rest().await;
    assert_eq!(app.post(&envelope(&[from("w2", "ID.second", "b")])).await, 200);
    eventually("three replies", || house.channel.sent().len() == 3).await;
    app.at_rest().await;
    let sent = house.channel.sent();
    let contact = |text: &str| {
        let says = |sent: &&OutgoingMessage| matches!(sent.message.as_ref(), Outbound::Text { body } if body.0 == text);
        sent.iter().find(says).map(|sent| sent.tag.0.split('.').nth(2).unwrap().to_owned()).unwrap()
    };
    assert_ne!(contact("a"), contact("b"), "whoever has the number now is not who had it");
    assert_eq!(contact("a"), contact("notice"), "who had it is told, where only he reads it");
    assert_eq!(house.channel.texts()["ID.first"], ["notice"]);
    assert_eq!(house.channel.texts_to(SITI_E164), ["a", "b"]);
}
