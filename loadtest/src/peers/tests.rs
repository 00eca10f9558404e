//! The peers as they are kept here, and the two trials against a peer whose faults are known.

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::ledger::Ledger;
use super::peer::Told;
use super::trials::Trials;
use crate::floor::client::Connection;

/// No trial of a test lasts so long.
const DEADLINE: Duration = Duration::from_secs(120);

#[test]
fn every_peer_that_is_kept_is_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the peers") {
        let folder = entry.expect("an entry").path();
        if !folder.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(folder.join("peer.toml")).expect("a peer.toml");
        let told = Told::parse(&text).unwrap_or_else(|error| panic!("{}: {error:#}", folder.display()));
        assert!(told.about.contains('.'), "{}: `about` tells the version", folder.display());
        let pins = ["requirements.txt", "package-lock.json"].iter().any(|pins| folder.join(pins).is_file());
        assert!(pins, "{}: nothing is pinned", folder.display());
        names.push(folder.file_name().expect("a name").to_string_lossy().into_owned());
    }
    names.sort();
    assert_eq!(names, ["botbuilder", "pywa", "whatsapp-api-js"]);
}

#[test]
fn an_odd_peer_is_refused() {
    let told = |more: &str| Told::parse(&format!("about = \"x 1.0\"\ncommand = [\"x\"]\n{more}"));
    assert!(told("processes = [1, 2]").is_ok());
    for odd in ["processes = []", "processes = [0]", "processes = [17]", "processes = [1]\nport = 1", ""] {
        assert!(told(odd).is_err(), "`{odd}` was taken");
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Answers each message once, also what Graph refused: it tries until Graph takes it.
    Sound,
    /// Answers whatever comes, however often.
    Forgetful,
    /// Says 200 first, tries once, and has forgotten what Graph refused.
    Careless,
    /// Says 500 for what Graph refused, and so is told again.
    Honest,
}

/// A bot whose faults are known.
struct Fake {
    kind: Kind,
    graph: SocketAddr,
    seen: Mutex<HashSet<String>>,
    /// Replies that Graph did not take.
    refused: AtomicUsize,
}

impl Fake {
    async fn serve(kind: Kind, graph: SocketAddr) -> (SocketAddr, Arc<Self>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("an address");
        let fake = Arc::new(Self { kind, graph, seen: Mutex::default(), refused: AtomicUsize::new(0) });
        let serving = Arc::clone(&fake);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = Arc::clone(&serving);
                tokio::spawn(async move {
                    let service = service_fn(|request| Arc::clone(&fake).take(request));
                    let _broken = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        (at, fake)
    }

    async fn take(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let body = request.into_body().collect().await.expect("a body").to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        let message = &body["entry"][0]["changes"][0]["value"]["messages"][0];
        let (id, from) = (message["id"].as_str().expect("an id"), message["from"].as_str().expect("a sender"));
        let new = self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        let from = from.to_owned();
        let mut answer = Response::new(Full::default());
        match self.kind {
            Kind::Sound if new => {
                tokio::spawn(async move {
                    while !self.reply(&from).await {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                });
            }
            Kind::Sound => {}
            Kind::Forgetful | Kind::Careless => {
                tokio::spawn(async move { self.reply(&from).await });
            }
            Kind::Honest => {
                if !self.reply(&from).await {
                    *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                }
            }
        }
        Ok(answer)
    }

    async fn reply(&self, to: &str) -> bool {
        let body = format!(r#"{{"messaging_product":"whatsapp","to":"{to}","type":"text","text":{{"body":"ya"}}}}"#);
        let post = async {
            let mut connection = Connection::open(self.graph).await?;
            connection.post("/v23.0/1/messages", &[], body.into()).await
        };
        let taken = matches!(post.await, Ok(StatusCode::OK));
        self.refused.fetch_add(usize::from(!taken), Ordering::Relaxed);
        taken
    }
}

/// A ledger whose Graph API listens, and a bot that it talks to.
async fn beside(kind: Kind, chats: usize) -> (Arc<Ledger>, Arc<Fake>) {
    let graph = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (webhook, fake) = Fake::serve(kind, graph.local_addr().expect("an address")).await;
    let ledger = Ledger::new("secret", vec!["100".into()], webhook, chats);
    tokio::spawn(Arc::clone(&ledger).listen(graph));
    (ledger, fake)
}

fn trials() -> Trials {
    Trials {
        twice: 64,
        rate: 20,
        beside: Duration::from_secs(1),
        down: Duration::from_secs(2),
        patience: Duration::from_secs(20),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_that_are_answered_twice_are_counted() {
    for (kind, expected) in [(Kind::Sound, 0), (Kind::Forgetful, 64)] {
        let (ledger, _fake) = beside(kind, 64).await;
        let twice = timeout(DEADLINE, trials().twice(&ledger)).await.expect("in time").expect("taken");
        assert_eq!((twice.webhooks, twice.doubled, twice.unanswered), (64, expected, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_that_graph_refused_and_nobody_sent_again_are_counted() {
    let trials = trials();
    let of = async |kind| {
        let (ledger, fake) = beside(kind, trials.messages()).await;
        let outage = timeout(DEADLINE, trials.outage(&ledger)).await.expect("in time");
        (outage, fake.refused.load(Ordering::Relaxed))
    };
    let (sound, honest, careless) = tokio::join!(of(Kind::Sound), of(Kind::Honest), of(Kind::Careless));
    for (kept, refused) in [sound, honest] {
        assert!(refused > 0, "Graph was never down");
        assert_eq!((kept.messages, kept.while_down, kept.lost, kept.doubled), (80, 40, 0, 0));
    }
    let (careless, refused) = careless;
    assert!(refused > 0, "Graph was never down");
    assert_eq!((careless.lost, careless.doubled), (refused, 0));
}
