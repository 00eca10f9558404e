//! A cheap Meta: posts one text of each citizen, takes the replies, and says how long both took.
//!
//! In a closed loop each of a few slots posts when its last turn is over; in an open loop turns begin at their rate,
//! whoever is late, and are measured from when they were due. A turn is over when its reply has arrived and, where
//! each status has a POST of its own, these were taken.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{Mutex as Turn, Notify};
use tokio::task::JoinSet;

use super::client::Connection;
use super::seen::Seen;
use super::wire::{self, Told};
use super::{Load, Statuses};

/// A reply that has not come by then is lost.
const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN_CONNECTIONS: Duration = Duration::from_millis(2);
/// After a POST that was not taken.
const PAUSE: Duration = Duration::from_millis(20);
/// Statuses of one POST, where they come together.
const BATCH: usize = 20;

/// One citizen's turn.
#[derive(Default)]
struct Citizen {
    /// When his message was due, in microseconds of the run and one; 0: he does not wait.
    asked: AtomicU64,
}

pub(crate) struct Meta {
    load: Load,
    secret: String,
    numbers: Vec<String>,
    webhook: SocketAddr,
    began: Instant,
    citizens: Vec<Citizen>,
    /// One a slot: its reply has come, and what statuses must say of it.
    bells: Vec<(Notify, Mutex<Option<Told>>)>,
    seen: Mutex<Seen>,
    measuring: AtomicBool,
    paused: AtomicBool,
    ended: AtomicBool,
    messages: AtomicU64,
    replies: AtomicU64,
}

impl Meta {
    pub(crate) fn new(
        load: Load,
        secret: &str,
        numbers: Vec<String>,
        webhook: SocketAddr,
    ) -> anyhow::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            load,
            secret: secret.to_owned(),
            numbers,
            webhook,
            began: Instant::now(),
            citizens: std::iter::repeat_with(Citizen::default).take(load.citizens + load.rest).collect(),
            bells: std::iter::repeat_with(<(Notify, Mutex<Option<Told>>)>::default).take(load.slots).collect(),
            seen: Mutex::new(Seen::new()?),
            measuring: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            messages: AtomicU64::new(0),
            replies: AtomicU64::new(0),
        }))
    }

    /// Takes replies until the process ends.
    pub(crate) async fn listen(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let _slow = stream.set_nodelay(true);
            let meta = Arc::clone(&self);
            tokio::spawn(async move {
                let service = service_fn(|request| meta.take(request));
                let _broken = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }

    /// Waits until each citizen has spoken once, unless first contacts are what is measured.
    pub(crate) async fn everyone_spoke(&self, within: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + within;
        while !self.load.first && self.messages.load(Ordering::Relaxed) < self.citizens.len() as u64 {
            anyhow::ensure!(Instant::now() < until, "not all citizens had spoken after {within:?}");
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Nobody of the closed loop begins a turn in the meantime: each pair of numbers may send a few dozen messages at
    /// once and then one each few seconds (cloud-api.md), and who wrote on would have spent them.
    pub(crate) async fn pause(&self, time: Duration) {
        self.paused.store(true, Ordering::Relaxed);
        tokio::time::sleep(time).await;
        self.paused.store(false, Ordering::Relaxed);
    }

    /// From here on what happens counts.
    pub(crate) fn measure(&self) {
        self.measuring.store(true, Ordering::Relaxed);
    }

    /// No turn begins any more; what was seen.
    pub(crate) fn end(&self) -> anyhow::Result<Seen> {
        self.measuring.store(false, Ordering::Relaxed);
        self.ended.store(true, Ordering::Relaxed);
        Ok(std::mem::replace(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner), Seen::new()?))
    }

    fn saw(&self, what: impl FnOnce(&mut Seen)) {
        if self.measuring.load(Ordering::Relaxed) {
            what(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    async fn take(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let is_post = request.method() == Method::POST;
        let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let answer = match wire::recipient(&body).filter(|_| is_post) {
            Some(contact) => {
                let id = self.replies.fetch_add(1, Ordering::Relaxed);
                self.replied(contact, id, &body);
                wire::accepted(contact, id)
            }
            None => Bytes::from_static(br#"{"success":true}"#),
        };
        Ok(Response::new(Full::new(answer)))
    }

    fn replied(&self, contact: u64, id: u64, body: &[u8]) {
        let Some(place) = usize::try_from(contact).ok().filter(|place| *place < self.citizens.len()) else { return };
        let asked = self.citizens[place].asked.swap(0, Ordering::AcqRel);
        if asked == 0 {
            self.saw(|seen| seen.more += 1);
            return;
        }
        let took = (self.now_us() + 1).saturating_sub(asked);
        self.saw(|seen| {
            seen.reply.saturating_record(took.max(1));
            seen.turns += u64::from(self.load.statuses != Statuses::Each);
        });
        let (bell, told) = &self.bells[place % self.bells.len()];
        if self.load.statuses != Statuses::None {
            let data = wire::data(body);
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(Told { contact, id, data });
        }
        bell.notify_one();
    }

    /// Posts until it is taken or the run has ended; microseconds of the last try.
    async fn post(&self, connection: &mut Connection, body: Bytes) -> Option<u64> {
        let signature = wire::signature(self.secret.as_bytes(), &body);
        loop {
            let from = Instant::now();
            let status = connection.post("/webhook", &[("x-hub-signature-256", &signature)], body.clone()).await;
            if status.is_ok_and(|status| status == StatusCode::OK) {
                return Some(u64::try_from(from.elapsed().as_micros()).unwrap_or(u64::MAX));
            }
            self.saw(|seen| seen.not_taken += 1);
            if self.ended.load(Ordering::Relaxed) {
                return None;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// One citizen says something, having meant to at `due_us`.
    async fn say(&self, connection: &mut Connection, place: usize, due_us: u64) -> bool {
        let message = self.messages.fetch_add(1, Ordering::Relaxed);
        let contact = place as u64;
        // A greeting that follows a question is no answer to it and gets none; a call for help always does.
        let words = if self.load.first { "hai" } else { "bantuan" };
        let body = wire::text(contact, self.number(place), message, words, now_s(), self.load.names);
        self.citizens[place].asked.store(due_us + 1, Ordering::Release);
        let Some(took) = self.post(connection, body).await else { return false };
        // What waited for a connection is part of the wait.
        let took = if self.load.rate > 0.0 { self.now_us().saturating_sub(due_us) } else { took };
        self.saw(|seen| seen.ack.saturating_record(took.max(1)));
        true
    }

    fn number(&self, place: usize) -> &str {
        &self.numbers[place % self.numbers.len()]
    }

    /// The closed loop: each slot has citizens of its own, who take turns.
    pub(crate) async fn closed(self: Arc<Self>) -> anyhow::Result<()> {
        let mut slots = JoinSet::new();
        for slot in 0..self.load.slots {
            slots.spawn(Arc::clone(&self).slot(slot));
        }
        while let Some(slot) = slots.join_next().await {
            slot??;
        }
        Ok(())
    }

    async fn slot(self: Arc<Self>, slot: usize) -> anyhow::Result<()> {
        // One after the other: of several processes the one that woke first would take all that come at once.
        tokio::time::sleep(BETWEEN_CONNECTIONS * u32::try_from(slot)?).await;
        let mut connection = Connection::open(self.webhook).await?;
        let (bell, told) = &self.bells[slot];
        let mut untold = Vec::new();
        let (mut place, mut walked) = (slot, false);
        while !self.ended.load(Ordering::Relaxed) {
            while self.paused.load(Ordering::Relaxed) {
                tokio::time::sleep(PAUSE).await;
            }
            if !self.say(&mut connection, place, self.now_us()).await {
                break;
            }
            if tokio::time::timeout(PATIENCE, bell.notified()).await.is_err() {
                self.citizens[place].asked.store(0, Ordering::Release);
                self.saw(|seen| seen.lost += 1);
            }
            let told = told.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(told) = told {
                untold.extend(["sent", "delivered", "read"].map(|status| (told.clone(), status)));
                self.tell(&mut connection, place, &mut untold).await;
            }
            place += self.load.slots;
            // Who is to rest speaks once, in the first walk over all.
            if place >= self.citizens.len() || (place >= self.load.citizens && walked) {
                anyhow::ensure!(!self.load.first, "all {} citizens have spoken", self.citizens.len());
                (place, walked) = (slot, true);
            }
        }
        Ok(())
    }

    /// Posts the statuses that are to be told by now.
    async fn tell(&self, connection: &mut Connection, place: usize, untold: &mut Vec<(Told, &'static str)>) {
        let a_post = if self.load.statuses == Statuses::Each { 1 } else { BATCH };
        while untold.len() >= a_post {
            let some: Vec<_> = untold.drain(..a_post).collect();
            let body = wire::statuses(self.number(place), &some, now_s());
            if self.post(connection, body).await.is_none() {
                return;
            }
            self.saw(|seen| seen.statuses += some.len() as u64);
        }
        if self.load.statuses == Statuses::Each {
            self.saw(|seen| seen.turns += 1);
        }
    }

    /// The open loop: citizens begin one after the other at the rate.
    pub(crate) async fn open(self: Arc<Self>) -> anyhow::Result<()> {
        let mut connections = Vec::with_capacity(self.load.slots);
        for _ in 0..self.load.slots {
            connections.push(Arc::new(Turn::new(Connection::open(self.webhook).await?)));
        }
        let (began, mut turns) = (self.now_us(), JoinSet::new());
        for (turn, place) in (0_u32..).zip((0..self.citizens.len()).cycle()) {
            if self.ended.load(Ordering::Relaxed) {
                break;
            }
            let after = Duration::from_secs_f64(f64::from(turn) / self.load.rate);
            let due_us = began + u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
            let early = due_us.saturating_sub(self.now_us());
            if early > 0 {
                tokio::time::sleep(Duration::from_micros(early)).await;
            }
            let (meta, connection) = (Arc::clone(&self), Arc::clone(&connections[place % connections.len()]));
            turns.spawn(async move { meta.say(&mut *connection.lock().await, place, due_us).await });
            while turns.try_join_next().is_some() {}
        }
        turns.shutdown().await;
        Ok(())
    }
}

fn now_s() -> u64 {
    UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
}
