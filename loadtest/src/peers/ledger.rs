//! A Meta that keeps a ledger: one message of each chat, delivered until it is taken, and how often it was answered.
//! Its Graph API can be told to refuse every call, or to let nobody in.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use crate::floor::client::Connection;
use crate::floor::wire::{self, Names};

/// A webhook that is not answered by then was not taken, as with Meta.
const POST_TIMEOUT: Duration = Duration::from_secs(10);
/// Meta delivers again after a while, and then after a longer one.
const GAP: Duration = Duration::from_secs(1);
const GAP_MAX: Duration = Duration::from_secs(8);
const BACKLOG: u32 = 1_024;

/// What the Graph API does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Graph {
    Up,
    /// Answers each call with 503.
    Refuses,
    /// Nobody listens.
    Away,
}

pub(super) struct Ledger {
    secret: String,
    numbers: Vec<String>,
    webhook: SocketAddr,
    now_s: u64,
    graph: watch::Sender<Graph>,
    chats: Vec<AtomicU32>,
    replies: AtomicU64,
}

impl Ledger {
    pub(super) fn new(secret: &str, numbers: Vec<String>, webhook: SocketAddr, chats: usize) -> Arc<Self> {
        Arc::new(Self {
            secret: secret.to_owned(),
            numbers,
            webhook,
            now_s: UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
            graph: watch::Sender::new(Graph::Up),
            chats: std::iter::repeat_with(AtomicU32::default).take(chats).collect(),
            replies: AtomicU64::new(0),
        })
    }

    pub(super) fn chats(&self) -> usize {
        self.chats.len()
    }

    /// How often each chat was answered.
    pub(super) fn answers(&self) -> Vec<u32> {
        self.chats.iter().map(|answers| answers.load(Ordering::Relaxed)).collect()
    }

    pub(super) fn replies(&self) -> u64 {
        self.replies.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, graph: Graph) {
        self.graph.send_replace(graph);
    }

    /// The same bytes whenever it is called, as Meta delivers again.
    fn message(&self, chat: usize) -> Bytes {
        let number = &self.numbers[chat % self.numbers.len()];
        wire::text(chat as u64, number, chat as u64, "bantuan", self.now_s, Names::PhoneAndBsuid)
    }

    /// Delivers a chat's message until it is taken, each time over a connection of its own.
    pub(super) async fn deliver(&self, chat: usize, until: Instant) -> bool {
        let body = self.message(chat);
        let signature = wire::signature(self.secret.as_bytes(), &body);
        let mut gap = GAP;
        loop {
            let post = async {
                let mut connection = Connection::open(self.webhook).await?;
                connection.post("/webhook", &[("x-hub-signature-256", &signature)], body.clone()).await
            };
            let by = until.min(Instant::now() + POST_TIMEOUT);
            if matches!(timeout_at(by, post).await, Ok(Ok(StatusCode::OK))) {
                return true;
            }
            if Instant::now() + gap > until {
                return false;
            }
            sleep(gap).await;
            gap = (gap * 2).min(GAP_MAX);
        }
    }

    /// The Graph API, until the process ends.
    pub(super) async fn listen(self: Arc<Self>, mut listener: TcpListener) -> anyhow::Result<()> {
        let at = listener.local_addr()?;
        let mut graph = self.graph.subscribe();
        loop {
            tokio::select! {
                accepted = listener.accept() => self.serve(accepted?.0),
                gone = graph.wait_for(|graph| *graph == Graph::Away) => drop(gone?),
            }
            if *graph.borrow() == Graph::Away {
                drop(listener);
                // Bound, so that nobody else takes the port, but not listening: who calls is refused.
                let kept = bind(at).await?;
                graph.wait_for(|graph| *graph != Graph::Away).await?;
                listener = kept.listen(BACKLOG)?;
            }
        }
    }

    /// One connection; it ends in order when Graph goes away.
    fn serve(self: &Arc<Self>, stream: tokio::net::TcpStream) {
        let _slow = stream.set_nodelay(true);
        let ledger = Arc::clone(self);
        let mut graph = self.graph.subscribe();
        tokio::spawn(async move {
            let service = service_fn(|request| ledger.take(request));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                _ended = connection.as_mut() => return,
                _gone = async { graph.wait_for(|graph| *graph == Graph::Away).await.map(drop) } => {}
            }
            connection.as_mut().graceful_shutdown();
            let _ended = connection.await;
        });
    }

    async fn take(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        if *self.graph.borrow() != Graph::Up {
            let said = r#"{"error":{"message":"(#131016) Service unavailable","type":"OAuthException","code":131016}}"#;
            let mut refused = Response::new(Full::new(Bytes::from_static(said.as_bytes())));
            *refused.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            return Ok(refused);
        }
        let Some(contact) = wire::recipient(&body) else {
            return Ok(Response::new(Full::new(Bytes::from_static(br#"{"success":true}"#))));
        };
        let id = self.replies.fetch_add(1, Ordering::Relaxed);
        if let Some(answers) = usize::try_from(contact).ok().and_then(|chat| self.chats.get(chat)) {
            answers.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Response::new(Full::new(wire::accepted(contact, id))))
    }
}

/// The port may be held for a moment by the listener that has just closed.
async fn bind(at: SocketAddr) -> anyhow::Result<TcpSocket> {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        match socket.bind(at) {
            Ok(()) => return Ok(socket),
            Err(error) if Instant::now() > until => return Err(error).context("Graph's port cannot be kept"),
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    }
}
