//! A ministry's own desk as `config/ministry.openapi.yaml` describes it, in a few lines: it believes what is signed,
//! takes it or is in trouble, and signs what it orders. Signatures are made here by hand, not by the server's code.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the finding")]

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::tiny_server::{Answer, Seen};

/// Of this desk and the server.
pub(crate) const SECRET: &str = "whsec_c2VjcmV0LW9mLWEtdGVzdC1hbmQtb2Ytbm9ib2R5LWVsc2U=";

/// How it is today.
#[derive(Clone, Debug)]
pub(crate) enum Mood {
    Takes,
    Says(u16, &'static str),
    Silent,
    Drops,
    /// Takes it, and the answer is lost.
    TakesAndDrops,
}

/// The desk's mind.
pub(crate) struct Desk {
    state: Mutex<State>,
}

struct State {
    mood: Mood,
    tries: usize,
    taken: Vec<Value>,
    exchanges: Vec<Value>,
}

impl Default for Desk {
    fn default() -> Self {
        let state = State { mood: Mood::Takes, tries: 0, taken: Vec::new(), exchanges: Vec::new() };
        Self { state: Mutex::new(state) }
    }
}

impl Desk {
    pub(crate) fn be(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    /// How often it was told something.
    pub(crate) fn tries(&self) -> usize {
        self.state.lock().unwrap().tries
    }

    /// What it took, in its order; what it had already by its id is not taken again.
    pub(crate) fn taken(&self) -> Vec<Value> {
        self.state.lock().unwrap().taken.clone()
    }

    /// What it took of one kind: type and words.
    pub(crate) fn told(&self) -> Vec<(String, Value)> {
        self.taken().iter().map(|event| (event["type"].as_str().unwrap().to_owned(), event["words"].clone())).collect()
    }

    /// All that was said, as `python/exchanges.py` reads it.
    pub(crate) fn exchanges(&self) -> Vec<Value> {
        self.state.lock().unwrap().exchanges.clone()
    }

    pub(crate) fn answer(&self, seen: &Seen) -> Answer {
        let mut state = self.state.lock().unwrap();
        state.tries += 1;
        let header = |name: &str| seen.headers.get(name).cloned().unwrap_or_default();
        let right = signature(SECRET, &header("webhook-id"), &header("webhook-timestamp"), &seen.body);
        let believed = header("webhook-signature").split(' ').any(|given| given == right);
        let mood = if believed { state.mood.clone() } else { Mood::Says(401, "") };
        let event: Value = serde_json::from_slice(&seen.body).unwrap();
        let takes = matches!(mood, Mood::Takes | Mood::TakesAndDrops);
        if takes {
            assert_eq!(event["id"], header("webhook-id"));
            match state.taken.iter().find(|taken| taken["id"] == event["id"]) {
                Some(taken) => assert_eq!(*taken, event, "an id is for one event"),
                None => state.taken.push(event),
            }
        }
        let status = if let Mood::Says(status, _) = mood { status } else { 204 };
        let (method, path) = seen.line.split_once(' ').unwrap();
        let exchange = json!({
            "webhook": "report", "method": method, "path": path, "headers": seen.headers,
            "body": String::from_utf8_lossy(&seen.body), "status": status, "answer_headers": {}, "answer": "",
        });
        state.exchanges.push(exchange);
        match mood {
            Mood::Takes => Answer::Raw("HTTP/1.1 204 X\r\nconnection: close\r\n\r\n".to_owned()),
            Mood::Says(status, body) => Answer::Say(status, body.to_owned()),
            Mood::Silent => Answer::Silence,
            Mood::Drops | Mood::TakesAndDrops => Answer::Close,
        }
    }
}

/// An order as it leaves the desk.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) at_s: String,
    pub(crate) signature: String,
    pub(crate) body: Vec<u8>,
}

impl Order {
    pub(crate) fn new(id: &str, at_s: i64, body: &Value) -> Self {
        Self::signed_by(SECRET, id, at_s, body.to_string().into_bytes())
    }

    pub(crate) fn signed_by(secret: &str, id: &str, at_s: i64, body: Vec<u8>) -> Self {
        let signature = signature(secret, id, &at_s.to_string(), &body);
        Self { id: id.to_owned(), at_s: at_s.to_string(), signature, body }
    }

    /// Posts it to the server's webhook listener; status and body of the answer.
    pub(crate) async fn post(&self, http: &reqwest::Client, listener: &str) -> (u16, String) {
        let request = http
            .post(format!("http://{listener}/desk"))
            .header("content-type", "application/json")
            .header("webhook-id", &self.id)
            .header("webhook-timestamp", &self.at_s)
            .header("webhook-signature", &self.signature)
            .body(self.body.clone());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The same with its answer, as `python/exchanges.py` reads it.
    pub(crate) fn exchange(&self, (status, answer): &(u16, String)) -> Value {
        let headers = json!({
            "webhook-id": self.id, "webhook-timestamp": self.at_s, "webhook-signature": self.signature,
        });
        json!({
            "method": "POST", "path": "/desk", "headers": headers, "body": String::from_utf8_lossy(&self.body),
            "status": status, "answer_headers": {}, "answer": answer,
        })
    }
}

fn signature(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
