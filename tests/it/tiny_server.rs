//! A neighbour of a few lines: reads HTTP requests on loopback and does to each what the test says.
//!
//! Written on bare TCP, since the interesting neighbours break off, stay silent, or talk rubbish.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// "POST /v23.0/1/messages".
    pub(crate) line: String,
    /// By lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// What to do to a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// This status and body.
    Say(u16, String),
    /// The same after a while.
    SayLate(u16, String, Duration),
    /// This status and body, and close the connection without having said so.
    SayThenClose(u16, String),
    /// These bytes, then an end.
    Raw(String),
    /// Nothing, and keep the connection.
    Silence,
    /// Nothing, and close it.
    Close,
}

/// A running neighbour; ends with the test's runtime.
pub(crate) struct TinyServer {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    at_once_most: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl TinyServer {
    /// `answer` gets the number of the request and the request.
    pub(crate) async fn start(answer: impl Fn(usize, &Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let at_once_most: Arc<AtomicUsize> = Arc::default();
        let now: Arc<AtomicUsize> = Arc::default();
        let answer = Arc::new(answer);
        let connections: Arc<AtomicUsize> = Arc::default();
        let server = Self {
            url,
            seen: Arc::clone(&seen),
            at_once_most: Arc::clone(&at_once_most),
            connections: Arc::clone(&connections),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                let (now, most) = (Arc::clone(&now), Arc::clone(&at_once_most));
                tokio::spawn(async move {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    serve(stream, &seen, &*answer).await;
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test panics while holding it").clone()
    }

    /// How many connections were opened so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many connections were open at once at most.
    pub(crate) fn at_once_most(&self) -> usize {
        self.at_once_most.load(Ordering::SeqCst)
    }
}

impl Seen {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a json body")
    }
}

/// An address where nobody listens.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

async fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Seen>>, answer: &(impl Fn(usize, &Seen) -> Answer + Sync)) {
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer).await {
        let number = {
            let mut seen = seen.lock().expect("no test panics while holding it");
            seen.push(request.clone());
            seen.len() - 1
        };
        let said = match answer(number, &request) {
            Answer::Say(status, body) => said(status, &body),
            Answer::SayLate(status, body, after) => {
                tokio::time::sleep(after).await;
                said(status, &body)
            }
            Answer::SayThenClose(status, body) => {
                let _ = stream.write_all(said(status, &body).as_bytes()).await;
                return;
            }
            Answer::Raw(bytes) => {
                let _ = stream.write_all(bytes.as_bytes()).await;
                return;
            }
            Answer::Silence => return std::future::pending().await,
            Answer::Close => return,
        };
        if stream.write_all(said.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn said(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// One request of a known length; `None` when the client has gone.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    let head = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        more(stream, buffer).await?;
    };
    let text = String::from_utf8(buffer[..head].to_vec()).ok()?;
    let mut lines = text.lines();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or_default();
    while buffer.len() < head + 4 + length {
        more(stream, buffer).await?;
    }
    let body = buffer[head + 4..head + 4 + length].to_vec();
    buffer.drain(..head + 4 + length);
    Some(Seen { line, headers, body })
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let read = stream.read_buf(buffer).await.ok()?;
    (read > 0).then_some(())
}
