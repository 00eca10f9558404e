//! One connection to the Graph API, and an exchange over it.
//!
//! No task of its own: whoever uses a line drives it, so an exchange wakes nobody else and an abandoned one closes its
//! connection. At rest nobody looks at it; that its far end has closed is seen when it is taken again. What hyper hands
//! back unsent has not left, and that is said (`Sent::Unsent`): it may go over another line without a second thought.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::transport::{Failure, Reply};

/// Meta's answers are below 2 KiB.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
pub(super) type Body = Full<Bytes>;

/// An open connection.
pub(super) struct Line {
    sender: SendRequest<Body>,
    /// In a box: a kilobyte that would move with every exchange.
    connection: Box<Connection<Stream, Body>>,
    ended: bool,
    used_at: Instant,
}

/// What became of a request.
pub(super) enum Sent {
    Answered(Reply),
    Failed(Failure),
    /// The line was dead and nothing of it has left.
    Unsent(Box<Request<Body>>),
}

impl Line {
    pub(super) async fn over(stream: Stream) -> hyper::Result<Self> {
        let (sender, connection) = Builder::new().handshake(stream).await?;
        Ok(Self { sender, connection: Box::new(connection), ended: false, used_at: Instant::now() })
    }

    /// Whether it can take a request, as far as is known here.
    pub(super) fn is_usable(&mut self, idle_max: Duration) -> bool {
        self.turn(&mut Context::from_waker(Waker::noop()));
        !self.ended && self.sender.is_ready() && self.is_young(idle_max)
    }

    /// Whether its far end surely keeps it still.
    pub(super) fn is_young(&self, idle_max: Duration) -> bool {
        self.used_at.elapsed() < idle_max
    }

    /// Sends a request and reads its answer whole.
    pub(super) async fn exchange(&mut self, request: Request<Body>) -> Sent {
        let response = self.sender.try_send_request(request);
        let response = match self.drive(response).await {
            Some(Ok(response)) => response,
            Some(Err(mut error)) => {
                let broken = Sent::Failed(Failure::NoAnswer("the connection broke"));
                return error.take_message().map_or(broken, |request| Sent::Unsent(Box::new(request)));
            }
            None => return Sent::Failed(Failure::NoAnswer("the connection broke")),
        };
        let http = response.status().as_u16();
        self.used_at = Instant::now();
        match self.body(response.into_body()).await {
            Some(body) => Sent::Answered(Reply { http, body }),
            None if (200..300).contains(&http) => Sent::Failed(Failure::NoAnswer("the answer broke off")),
            None => Sent::Failed(Failure::Cut { http }),
        }
    }

    /// The body, unless it breaks off or is longer than any answer of Meta's.
    async fn body(&mut self, mut body: Incoming) -> Option<Bytes> {
        let mut whole = Bytes::new();
        while let Some(frame) = self.drive(body.frame()).await? {
            let Ok(data) = frame.ok()?.into_data() else { continue };
            if whole.len() + data.len() > ANSWER_BYTES_MAX {
                return None;
            }
            // It nearly always comes in one piece.
            whole = if whole.is_empty() { data } else { Bytes::from([whole, data].concat()) };
        }
        Some(whole)
    }

    /// Waits for what the connection brings while it is moved on; `None` when it ended without.
    async fn drive<F: Future>(&mut self, awaited: F) -> Option<F::Output> {
        let mut awaited = pin!(awaited);
        std::future::poll_fn(|context| {
            self.turn(context);
            match awaited.as_mut().poll(context) {
                Poll::Ready(brought) => Poll::Ready(Some(brought)),
                Poll::Pending if self.ended => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    fn turn(&mut self, context: &mut Context<'_>) {
        // A connection that has ended may not be polled again; how it ended its exchange tells.
        self.ended = self.ended || Pin::new(&mut *self.connection).poll(context).is_ready();
    }
}
