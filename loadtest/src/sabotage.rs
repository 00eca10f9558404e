//! Something between Meta and the server that does what a scenario's limits are there to find.
//!
//! A limit that was never seen to break holds nothing. So a saboteur can stand on both wires: it takes Meta's webhooks
//! to the server and the server's calls to Meta, and on the way it loses, doubles, misdirects, rewrites, swaps or delays
//! a part of them, or answers in the server's name what no server may answer. `loadtest prove` (`prove.rs`) plays every
//! scenario under each of these. It never stands in a run that measures anything.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, client, server};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// One reply of so many is met.
const EVERY: u64 = 4;
/// Longer than any bound of a scenario on times.
const DELAY: Duration = Duration::from_millis(2_500);
/// How long a swapped reply waits for the one after it.
const SWAP: Duration = Duration::from_millis(700);
/// Bodies that are remembered as having come once.
const SEEN_MAX: usize = 1_000_000;

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// Meta never hears of a reply, and the server is told that it was taken.
    LoseReplies,
    DoubleReplies,
    /// A reply goes to whoever was written to before.
    MisdirectReplies,
    /// A reply has other words and no buttons.
    RewriteReplies,
    /// A certificate arrives after the one that followed it.
    SwapCertificates,
    DelayReplies,
    /// The 200 comes late.
    DelayAcks,
    /// A webhook is refused when it comes first.
    RefuseFirst,
    /// What the server refuses for its signature is answered with 200.
    TakeForged,
    /// What is signed and of no field we know is refused.
    RefuseOdd,
}

/// One at work; what it listens on goes with the run's process.
pub(crate) struct Saboteur {
    sabotage: Sabotage,
    /// Where Meta and the server think that they reach each other.
    pub(crate) webhook: SocketAddr,
    pub(crate) graph: SocketAddr,
    ends: OnceLock<Ends>,
    met: AtomicU64,
    /// By the path of the business number that wrote to him: Meta takes nothing for whom this number has not heard.
    last_recipient: Mutex<HashMap<String, (&'static str, String)>>,
    seen: Mutex<HashSet<Bytes>>,
}

/// The real ends of both wires.
#[derive(Clone, Copy)]
struct Ends {
    server: SocketAddr,
    meta: SocketAddr,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wire {
    Webhook,
    Graph,
}

impl Saboteur {
    /// Listens on both wires. Until [`Saboteur::between`] is called, nothing gets through.
    pub(crate) async fn listen(sabotage: Sabotage) -> anyhow::Result<Arc<Self>> {
        let (webhook, graph) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
        let saboteur = Arc::new(Self {
            sabotage,
            webhook: webhook.local_addr()?,
            graph: graph.local_addr()?,
            ends: OnceLock::new(),
            met: AtomicU64::new(0),
            last_recipient: Mutex::default(),
            seen: Mutex::default(),
        });
        for (listener, wire) in [(webhook, Wire::Webhook), (graph, Wire::Graph)] {
            tokio::spawn(Arc::clone(&saboteur).serve(listener, wire));
        }
        Ok(saboteur)
    }

    /// Where the real ends are; the first call counts.
    pub(crate) fn between(&self, server: SocketAddr, meta: &str) -> anyhow::Result<()> {
        let meta = meta.trim_start_matches("http://").parse().with_context(|| format!("`{meta}` is no address"))?;
        self.ends.get_or_init(|| Ends { server, meta });
        Ok(())
    }

    async fn serve(self: Arc<Self>, listener: TcpListener, wire: Wire) {
        while let Ok((stream, _)) = listener.accept().await {
            let saboteur = Arc::clone(&self);
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let saboteur = Arc::clone(&saboteur);
                    async move { Ok::<_, Infallible>(saboteur.pass(wire, request).await.unwrap_or_else(|_| broken())) }
                });
                let _closed = server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }

    async fn pass(self: Arc<Self>, wire: Wire, request: Request<Incoming>) -> anyhow::Result<Response<Full<Bytes>>> {
        let ends = *self.ends.get().context("nobody is there yet")?;
        let (head, body) = request.into_parts();
        let letter = Letter { head, body: body.collect().await?.to_bytes() };
        match wire {
            Wire::Webhook => self.webhook(ends.server, letter).await,
            Wire::Graph => self.graph(ends.meta, letter).await,
        }
    }

    async fn webhook(&self, server: SocketAddr, letter: Letter) -> anyhow::Result<Response<Full<Bytes>>> {
        if self.sabotage == Sabotage::RefuseFirst && self.comes_first(&letter.body) && self.meets() {
            return Ok(with_status(StatusCode::SERVICE_UNAVAILABLE));
        }
        let odd = !letter.body.windows(FIELD.len()).any(|part| part == FIELD);
        let answer = letter.deliver(server).await?;
        if self.sabotage == Sabotage::DelayAcks {
            sleep(DELAY).await;
        }
        let forged = answer.status() == StatusCode::UNAUTHORIZED;
        Ok(match self.sabotage {
            Sabotage::TakeForged if forged => with_status(StatusCode::OK),
            Sabotage::RefuseOdd if odd => with_status(StatusCode::BAD_REQUEST),
            Sabotage::TakeForged
            | Sabotage::RefuseOdd
            | Sabotage::LoseReplies
            | Sabotage::DoubleReplies
            | Sabotage::MisdirectReplies
            | Sabotage::RewriteReplies
            | Sabotage::SwapCertificates
            | Sabotage::DelayReplies
            | Sabotage::DelayAcks
            | Sabotage::RefuseFirst => answer,
        })
    }

    async fn graph(&self, meta: SocketAddr, mut letter: Letter) -> anyhow::Result<Response<Full<Bytes>>> {
        let Some(mut reply) = letter.reply() else { return letter.deliver(meta).await };
        let recipient = recipient(&reply);
        let before = recipient.clone().and_then(|to| {
            let mut last = self.last_recipient.lock().unwrap_or_else(PoisonError::into_inner);
            last.insert(letter.head.uri.path().to_owned(), to)
        });
        let swapped = self.sabotage == Sabotage::SwapCertificates && reply["type"] == "document";
        // The median moves only when most are late.
        let all = self.sabotage == Sabotage::DelayReplies;
        if !swapped && !all && !self.meets() {
            return letter.deliver(meta).await;
        }
        match self.sabotage {
            Sabotage::LoseReplies => return Ok(accepted()),
            Sabotage::DoubleReplies => {
                letter.clone().deliver(meta).await?;
            }
            Sabotage::DelayReplies => sleep(DELAY).await,
            Sabotage::MisdirectReplies => {
                if let Some((key, other)) = before.filter(|other| Some(other) != recipient.as_ref())
                    && let Some(fields) = reply.as_object_mut()
                {
                    fields.retain(|field, _| !RECIPIENTS.contains(&field.as_str()));
                    fields.insert(key.to_owned(), json!(other));
                    letter.body = Bytes::from(reply.to_string());
                }
            }
            Sabotage::RewriteReplies => {
                let kept = ["messaging_product", "recipient_type", "to", "recipient", "biz_opaque_callback_data"];
                let mut other: Value = kept.iter().map(|key| ((*key).to_owned(), reply[*key].clone())).collect();
                if let Some(fields) = other.as_object_mut() {
                    fields.retain(|_, value| !value.is_null());
                }
                (other["type"], other["text"]) = (json!("text"), json!({ "body": "Halo?" }));
                letter.body = Bytes::from(other.to_string());
            }
            Sabotage::SwapCertificates if swapped && !is_last(&reply) => {
                tokio::spawn(async move {
                    sleep(SWAP).await;
                    letter.deliver(meta).await
                });
                return Ok(accepted());
            }
            Sabotage::SwapCertificates
            | Sabotage::DelayAcks
            | Sabotage::RefuseFirst
            | Sabotage::TakeForged
            | Sabotage::RefuseOdd => {}
        }
        letter.deliver(meta).await
    }

    /// Whether this one is met.
    fn meets(&self) -> bool {
        self.met.fetch_add(1, Ordering::Relaxed).is_multiple_of(EVERY)
    }

    fn comes_first(&self, body: &Bytes) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.len() < SEEN_MAX && seen.insert(body.clone())
    }
}

/// What a webhook of messages holds.
const FIELD: &[u8] = br#""field":"messages""#;

/// Where a reply says whom it goes to: a phone, or the BSUID of who hides it (cloud-api.md 3.1).
const RECIPIENTS: [&str; 2] = ["to", "recipient"];

fn recipient(reply: &Value) -> Option<(&'static str, String)> {
    RECIPIENTS.into_iter().find_map(|key| Some((key, reply[key].as_str()?.to_owned())))
}

/// Whether a certificate is the last of its turn: only that one says what can be done next.
fn is_last(reply: &Value) -> bool {
    reply["document"]["caption"].as_str().is_some_and(|caption| caption.contains("SELESAI"))
}

/// A request on its way.
#[derive(Clone)]
struct Letter {
    head: hyper::http::request::Parts,
    body: Bytes,
}

impl Letter {
    /// A message to a citizen; not a receipt, an upload or an SMS.
    fn reply(&self) -> Option<Value> {
        let body: Value =
            self.head.uri.path().ends_with("/messages").then(|| serde_json::from_slice(&self.body).ok())??;
        body["type"].is_string().then_some(body)
    }

    async fn deliver(self, to: SocketAddr) -> anyhow::Result<Response<Full<Bytes>>> {
        let stream = TcpStream::connect(to).await?;
        let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::from_parts(self.head, Full::new(self.body));
        for name in [CONTENT_LENGTH, TRANSFER_ENCODING, HOST] {
            request.headers_mut().remove(name);
        }
        request.headers_mut().insert(HOST, to.to_string().parse()?);
        let (mut head, body) = sender.send_request(request).await?.into_parts();
        for name in [CONTENT_LENGTH, TRANSFER_ENCODING] {
            head.headers.remove(name);
        }
        Ok(Response::from_parts(head, Full::new(body.collect().await?.to_bytes())))
    }
}

/// As if Meta had taken a reply.
fn accepted() -> Response<Full<Bytes>> {
    let id = format!("wamid.sabotage{:032x}", rand::random::<u128>());
    let body = json!({ "messaging_product": "whatsapp", "contacts": [], "messages": [{ "id": id }] });
    Response::new(Full::new(Bytes::from(body.to_string())))
}

fn broken() -> Response<Full<Bytes>> {
    with_status(StatusCode::BAD_GATEWAY)
}

fn with_status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    response
}
