//! The chat page's own files and the small API behind them (the page itself is tried in tests/browser.rs).

use serde_json::{Value, json};
use siaga::emulator::{DemoCard, DemoPerson, Emulator};

use super::{Graph, StillClock, alone, citizen, text_to};

struct Page {
    client: reqwest::Client,
    url: String,
}

impl Page {
    fn of(emulator: &Emulator) -> Self {
        Self { client: reqwest::Client::builder().no_proxy().build().unwrap(), url: emulator.url() }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.client.post(format!("{}{path}", self.url)).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Reads events until one of this kind, as a page does after the one it saw last.
    async fn events_until(&self, chat: &str, seen: u64, kind: &str) -> Vec<Value> {
        let request = self.client.get(format!("{}/page/chats/{chat}/events", self.url));
        let mut stream = request.header("last-event-id", seen.to_string()).send().await.unwrap();
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        let (mut text, mut events) = (String::new(), Vec::<Value>::new());
        while events.last().is_none_or(|event| event["kind"] != kind) {
            text.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
            let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
            let data = whole.split("\n\n").filter_map(|event| event.split_once("data: "));
            events = data.map(|(_, json)| serde_json::from_str(json).unwrap()).collect();
        }
        events
    }
}

#[tokio::test]
async fn the_page_brings_all_it_needs_and_may_ask_nobody_else() {
    let (emulator, _) = alone(&StillClock::new(), |_| {}).await;
    let page = Page::of(&emulator);
    let front = page.get("/").await;
    let policy = front.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
    let html = front.text().await.unwrap();
    for forbidden in ["http://", "https://", "style=\"", "onclick", "<style", "<script>"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    let mut files: Vec<_> = ["bubbles", "menu", "panes"].map(|name| format!("page/{name}.js")).into();
    for attribute in ["href=\"/", "src=\"/"] {
        files.extend(html.split(attribute).skip(1).map(|rest| rest[..rest.find('"').unwrap()].to_owned()));
    }
    assert_eq!(files.len(), 7, "{files:?}");
    for file in files {
        let answer = page.get(&format!("/{file}")).await;
        assert_eq!(answer.status(), 200, "{file}");
        let text = answer.text().await.unwrap().replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains("http://") && !text.contains("https://"), "{file}");
    }
    emulator.stop().await;
}

#[tokio::test]
async fn a_page_that_comes_again_is_shown_the_chat_and_then_what_is_new() {
    let (emulator, graph) = alone(&StillClock::new(), |_| {}).await;
    let page = Page::of(&emulator);
    let (_, opened) = page.post("/page/chats", &json!({ "phone": "0812-0000-0042" })).await;
    let chat = opened["chat"].as_str().unwrap();
    assert!(!chat.contains("0042"), "an address names nobody");
    let (status, said) = page
        .post(&format!("/page/chats/{chat}/messages"), &json!({ "content": { "type": "text", "text": "halo" } }))
        .await;
    assert_eq!((status, said["ids"].as_array().unwrap().len()), (200, 1));
    graph.messages(&text_to("+6281200000042")).await;
    let first = page.events_until(chat, 0, "replied").await;
    let said: Vec<_> = first.iter().filter(|event| event["kind"] == "said").collect();
    assert_eq!(said.len(), 2, "one before the page was opened");
    assert_eq!(said[1]["content"]["text"], "halo");
    assert_eq!(first.last().unwrap()["form"]["body"], "Selamat datang");

    let seen = first.last().unwrap()["seq"].as_u64().unwrap();
    graph
        .client
        .post(format!("{}/sms", page.url))
        .json(&json!({ "to": "+6281200000042", "text": "483920 kode" }))
        .send()
        .await
        .unwrap();
    let news = page.events_until(chat, seen, "sms").await;
    assert!(news.iter().all(|event| event["seq"].as_u64().unwrap() > seen));
    assert_eq!(news.last().unwrap()["text"], "483920 kode");

    let (again, _) = page.post("/page/chats", &json!({ "phone": "+62 812 0000 0042" })).await;
    assert_eq!(again, 200);
    let cleared = page.client.delete(format!("{}/page/chats/{chat}/messages", page.url)).send().await.unwrap();
    assert_eq!(cleared.status(), 204);
    assert!(emulator.chat(&citizen().chat().unwrap()).is_empty());
    emulator.stop().await;
}

#[tokio::test]
async fn the_page_is_told_what_is_wrong_and_what_is_gone() {
    let (emulator, _) = alone(&StillClock::new(), |_| {}).await;
    let page = Page::of(&emulator);
    for wrong in [
        json!({}),
        json!({ "phone": "siti" }),
        json!({ "phone": "0812" }),
        json!({ "username": "x" }),
        json!({ "username": "48392 iya kirim" }),
    ] {
        assert_eq!(page.post("/page/chats", &wrong).await.0, 400, "{wrong}");
    }
    let text = json!({ "content": { "type": "text", "text": "hai" } });
    assert_eq!(page.post("/page/chats/unknown/messages", &text).await.0, 404);
    assert_eq!(page.get("/page/chats/unknown/events").await.status(), 404);
    assert_eq!(page.get("/page/files/1/a.pdf").await.status(), 404);
    let (_, opened) = page.post("/page/chats", &json!({ "username": "wayan.travels" })).await;
    let path = format!("/page/chats/{}/messages", opened["chat"].as_str().unwrap());
    let long = json!({ "content": { "type": "text", "text": "x".repeat(4_097) } });
    assert_eq!(page.post(&path, &long).await.0, 400);
    // A form on a foreign page cannot speak here: it cannot send this content type.
    let form = page.client.post(format!("{}{path}", page.url)).header("content-type", "text/plain");
    assert_eq!(form.body(text.to_string()).send().await.unwrap().status(), 400);
    emulator.stop().await;
}

#[tokio::test]
async fn cards_and_documents_reach_the_page() {
    let card = DemoCard {
        key: "smooth".into(),
        title: "Lancar".into(),
        title_en: "all goes well".into(),
        about: "Satu dosis.".into(),
        about_en: "One dose.".into(),
        phone: citizen().phone,
        bsuid_only: None,
        username: None,
        registered: None,
        people: vec![DemoPerson { name: "Siti Rahmawati".into(), nik: "0001014708900003".into() }],
    };
    let (emulator, graph) = alone(&StillClock::new(), |options| options.cards = vec![card]).await;
    let page = Page::of(&emulator);
    let setup: Value = page.get("/page/setup").await.json().await.unwrap();
    assert_eq!(setup["cards"][0]["phone"], "0812-0000-0042");
    assert_eq!(setup["cards"][0]["people"][0]["nik"], "0001014708900003");
    let (_, uploaded) = Graph::upload(&graph, "application/pdf", b"%PDF-1.7 invented").await;
    let file = page.get(&format!("/page/files/{}/Sertifikat.pdf", uploaded["id"].as_str().unwrap())).await;
    assert_eq!(file.headers()["content-type"], "application/pdf");
    assert_eq!(file.bytes().await.unwrap().as_ref(), b"%PDF-1.7 invented");
    emulator.stop().await;
}
