//! The least a durable replying server can do: verify the signature, parse, one `fdatasync` for all that waits, 200,
//! one reply. No session, no record of what it said, no second look at anything. It runs as a process of its own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::client::Connection;
use super::group::Log;
use super::wire;

/// Connections to the Graph API. Each sends one reply at a time.
const CONNECTIONS: usize = 32;
/// Replies that wait for one connection.
const WAITING_MAX: usize = 65_536;
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

#[derive(Deserialize)]
struct Webhook<'a> {
    #[serde(borrow)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    changes: Vec<Change<'a>>,
}

#[derive(Deserialize)]
struct Change<'a> {
    #[serde(borrow)]
    value: Value<'a>,
}

#[derive(Deserialize)]
struct Value<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
    #[serde(borrow, default)]
    messages: Vec<Message<'a>>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    phone_number_id: &'a str,
}

#[derive(Deserialize)]
struct Message<'a> {
    from: &'a str,
}

struct Least {
    secret: String,
    log: Log,
    replies: Vec<mpsc::Sender<Reply>>,
}

struct Reply {
    number: String,
    body: Bytes,
}

/// Serves until it is killed.
pub(super) async fn serve(at: SocketAddr, graph: SocketAddr, secret: String, log: &Path) -> anyhow::Result<()> {
    let listener = TcpListener::bind(at).await.with_context(|| format!("cannot listen on {at}"))?;
    let mut replies = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        let connection = Connection::open(graph).await?;
        tokio::spawn(reply(connection, waiting));
        replies.push(sender);
    }
    let least = Arc::new(Least { secret, log: Log::create(log)?, replies });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let least = Arc::clone(&least);
        tokio::spawn(async move {
            let service = service_fn(|request| take(&least, request));
            // A connection that breaks is its client's matter.
            let _broken = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn reply(mut connection: Connection, mut waiting: mpsc::Receiver<Reply>) {
    while let Some(reply) = waiting.recv().await {
        let path = format!("/v23.0/{}/messages", reply.number);
        // The floor tries once: it is measured where nothing fails.
        let _lost = connection.post(&path, &[("authorization", "Bearer floor")], reply.body).await;
    }
}

async fn take(least: &Least, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let status = match handle(least, request).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::BAD_REQUEST,
    };
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    Ok(answer)
}

async fn handle(least: &Least, request: Request<Incoming>) -> anyhow::Result<()> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(anyhow::Error::from_boxed)?.to_bytes();
    let signature = head.headers.get("x-hub-signature-256").context("no signature")?;
    anyhow::ensure!(signature.as_bytes() == wire::signature(least.secret.as_bytes(), &body).as_bytes(), "not signed");
    let webhook: Webhook = serde_json::from_slice(&body)?;
    let mut replies = Vec::new();
    for value in webhook.entry.iter().flat_map(|entry| &entry.changes).map(|change| &change.value) {
        for message in &value.messages {
            let to = message.from;
            let text = format!(
                r#"{{"messaging_product":"whatsapp","to":"{to}","type":"text","text":{{"body":"Selamat datang"}}}}"#
            );
            let lane = to.bytes().rev().take(4).fold(0, |sum, digit| sum * 10 + usize::from(digit & 15));
            let reply = Reply { number: value.metadata.phone_number_id.to_owned(), body: text.into() };
            replies.push((lane % CONNECTIONS, reply));
        }
    }
    least.log.append(body.clone()).await?;
    for (lane, reply) in replies {
        least.replies[lane].try_send(reply).context("too many replies wait")?;
    }
    Ok(())
}
