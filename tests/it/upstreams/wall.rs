//! An upstream behind a wall: the test says when nobody is there, and what goes wrong behind it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::{AtomicUsize, Duration, Ordering, PATIENT, SLOW};
use crate::tiny_server::{Answer, Seen, TinyServer};

/// What any of them might say.
const ANY_BODY: &str = "{\"resourceType\":\"Bundle\",\"persons\":[]}";

/// How it answers instead.
pub(super) type Lie = Arc<dyn Fn(&Seen) -> Answer + Send + Sync>;

/// A way to fail.
#[derive(Clone)]
pub(super) enum Fault {
    /// Connections are refused, open ones broken.
    Dead,
    /// No answer, ever.
    Silent,
    Says(u16, String),
    /// 429, and when to come again.
    Later(u32),
    /// A good answer as far as it goes, under a `content-length` that is not its own.
    Length(usize),
    Raw(String),
    Lies(Lie),
}

/// What goes wrong now.
#[derive(Default)]
struct Now {
    fault: Option<Fault>,
    /// Which requests it befalls; none: all.
    only: Option<fn(&Seen) -> bool>,
    /// The request is served first, and then it goes wrong.
    after: bool,
}

/// One upstream.
pub(super) struct Upstream {
    server: TinyServer,
    wall: Wall,
    now: Arc<Mutex<Now>>,
    well: Arc<AtomicUsize>,
    deadline: Duration,
}

impl Upstream {
    pub(super) async fn start(good: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let (now, well): (Arc<Mutex<Now>>, Arc<AtomicUsize>) = Default::default();
        let (own, count) = (Arc::clone(&now), Arc::clone(&well));
        let server = TinyServer::start(move |_, seen| {
            let now = own.lock().expect("no test panics while holding it");
            let befalls = now.only.is_none_or(|only| only(seen));
            let Some(fault) = now.fault.clone().filter(|_| befalls) else {
                count.fetch_add(1, Ordering::SeqCst);
                return good(seen);
            };
            if now.after {
                good(seen);
            }
            match fault {
                Fault::Dead => Answer::Close,
                Fault::Silent => Answer::Silence,
                Fault::Says(status, body) => Answer::Say(status, body),
                Fault::Later(after) => {
                    Answer::Raw(format!("HTTP/1.1 429 Later\r\nretry-after: {after}\r\ncontent-length: 0\r\n\r\n"))
                }
                Fault::Length(length) => {
                    Answer::Raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{ANY_BODY}"))
                }
                Fault::Raw(text) => Answer::Raw(text),
                Fault::Lies(lie) => lie(seen),
            }
        })
        .await;
        let to = server.url.trim_start_matches("http://").parse().expect("an address");
        Self { server, wall: Wall::open(to), now, well, deadline: PATIENT }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.wall.address)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.server.seen()
    }

    /// How many requests it served as it should.
    pub(super) fn well_answers(&self) -> usize {
        self.well.load(Ordering::SeqCst)
    }

    /// Shortens the deadline where it must run out.
    pub(super) fn slow_by(&mut self, fault: &Fault) {
        if matches!(fault, Fault::Silent) {
            self.deadline = SLOW;
        }
    }

    pub(super) fn deadline(&self) -> Duration {
        self.deadline
    }

    pub(super) async fn fails(&mut self, fault: Fault) {
        self.set(fault, None, false).await;
    }

    /// Only at these requests, and maybe `after` it has served them.
    pub(super) async fn fails_at(&mut self, fault: Fault, only: fn(&Seen) -> bool, after: bool) {
        self.set(fault, Some(only), after).await;
    }

    async fn set(&mut self, fault: Fault, only: Option<fn(&Seen) -> bool>, after: bool) {
        // Who serves a request and is dead then breaks off, and is found alive by the next.
        let dead = matches!(fault, Fault::Dead) && !after;
        *self.now.lock().expect("no test panics while holding it") = Now { fault: Some(fault), only, after };
        if dead {
            self.wall.shut().await;
        }
    }

    pub(super) fn is_well(&mut self) {
        *self.now.lock().expect("no test panics while holding it") = Now::default();
        self.wall.reopen();
    }
}

/// An address of its own in front of a server: open it passes all on, shut it refuses connections.
struct Wall {
    address: SocketAddr,
    to: SocketAddr,
    passing: Option<JoinHandle<()>>,
    /// Holds the address while nobody listens there.
    shut: Option<TcpSocket>,
}

impl Wall {
    fn open(to: SocketAddr) -> Self {
        let socket = bound("127.0.0.1:0".parse().expect("an address"));
        let address = socket.local_addr().expect("an address");
        let mut wall = Self { address, to, passing: None, shut: Some(socket) };
        wall.reopen();
        wall
    }

    fn reopen(&mut self) {
        let Some(socket) = self.shut.take() else { return };
        let (listener, to) = (socket.listen(64).expect("a listener"), self.to);
        self.passing = Some(tokio::spawn(async move {
            // Dropped with this, and all that passes with it.
            let mut passing = JoinSet::new();
            while let Ok((mut from, _)) = listener.accept().await {
                passing.spawn(async move {
                    if let Ok(mut to) = TcpStream::connect(to).await {
                        tokio::io::copy_bidirectional(&mut from, &mut to).await.ok();
                    }
                });
            }
        }));
    }

    async fn shut(&mut self) {
        let Some(passing) = self.passing.take() else { return };
        passing.abort();
        passing.await.ok();
        self.shut = Some(bound(self.address));
    }
}

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("a socket");
    socket.bind(address).expect("a port");
    socket
}
