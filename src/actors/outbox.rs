//! The outbox of a shard: lets rows out in order, within budgets, and settles them.
//!
//! It owns nothing that matters: rows are in [`Lanes`] and in the journal. What ends a row is written down as
//! `CloseOutbox`, without waiting: if that note is lost in a crash, the row is reconciled at the next start.
//! Statuses settle rows too, also before the answer to the send was read, and never wake a session.

pub mod lane;
pub mod lanes;
pub mod retry;

use std::time::Duration;

use actix::{Actor, ActorContext, AsyncContext, Context, StreamHandler};

pub use lane::{Send, recovered};
pub use lanes::{Lanes, LanesView};

use self::lane::Outcome;
use self::lanes::Next;
use self::retry::Retry;
use super::board::Mail;
use super::session::Home;
use super::{sender, supervision, tag};
use crate::domain::contact::ContactId;
use crate::domain::message::{DeliveryState, MessageId, Status};
use crate::domain::time::Timestamp;
use crate::limits::Pairs;
use crate::metrics;
use crate::ports::{DeadLetter, DeadReason, OutboxRow, Part, Record, RowId, Settlement, StoreError};
use crate::wire::codes::{self, Class};

/// Things done in one go before others on the thread get their turn.
const GO_MAX: usize = 256;

/// The actor.
pub struct Outbox {
    home: Home,
    pairs: Pairs,
    /// Which outbox of these lanes it is: an older one, left behind by a shard that died, goes.
    claim: u64,
    /// Rows that a number's budget held back, in the air until the next tick.
    starved: Vec<(ContactId, RowId)>,
}

/// There may be something new.
struct Rung;
/// Time has passed.
struct Tick;

impl Outbox {
    pub fn new(home: Home) -> Self {
        Self { home, pairs: Pairs::default(), claim: 0, starved: Vec::new() }
    }

    fn lanes(&self) -> std::sync::Arc<Lanes> {
        std::sync::Arc::clone(self.home.shards.lanes(self.home.shard))
    }

    fn now(&self) -> Timestamp {
        self.home.neighbours.clock.now()
    }

    fn still_mine(&self, context: &mut Context<Self>) -> bool {
        let lanes = self.lanes();
        let mine = lanes.claim() == self.claim;
        if !mine {
            // The bell may have been meant for the newer one.
            lanes.ring();
            context.stop();
        }
        mine
    }

    fn work(&mut self) {
        let lanes = self.lanes();
        lanes.in_hand(true);
        let mut left = GO_MAX;
        while left > 0
            && let Some((contact, id, outcome)) = lanes.take_ended()
        {
            self.ended(contact, id, outcome);
            left -= 1;
        }
        let now = self.now();
        while left > 0
            && let Some(next) = lanes.next(now, self.home.neighbours.figures.sends_in_flight_max)
        {
            match next {
                Next::Go(contact, send) => self.go(contact, send, now),
                Next::GiveUp(contact, id) => {
                    lanes.settle(contact, id);
                    self.close(id, Settlement::Failed { code: None }, None);
                }
            }
            left -= 1;
        }
        // Last: nobody waits for them.
        while left > 0
            && let Some(status) = lanes.take_status()
        {
            self.status(&status);
            left -= 1;
        }
        lanes.in_hand(false);
        if left == 0 {
            lanes.ring();
        }
    }

    fn go(&mut self, contact: ContactId, send: Send, now: Timestamp) {
        let id = send.id;
        let lanes = self.lanes();
        if let Err(until) = self.pairs.take(&send.row.number, contact, now) {
            return lanes.ended(contact, id, Outcome::HeldBack { until });
        }
        if !self.home.neighbours.budgets.take(&send.row.number) {
            self.pairs.give_back(&send.row.number, contact);
            self.starved.push((contact, id));
            return;
        }
        supervision::task(sender::attempt(self.home.clone(), send), move |outcome| {
            // A panicking channel may have sent before it panicked.
            lanes.ended(contact, id, outcome.unwrap_or(Outcome::Ambiguous));
        });
    }

    fn ended(&mut self, contact: ContactId, id: RowId, outcome: Outcome) {
        if outcome == Outcome::NotNow {
            self.starved.push((contact, id));
            return;
        }
        if let Outcome::Refused { class: Class::StopAndPage | Class::Configuration, code } = &outcome {
            tracing::error!(code, "meta takes no messages from us; an operator must act");
        }
        metrics::send_ended(name(&outcome));
        let row = self.lanes().row(contact, id);
        let retry = self.retry();
        if let Some(how) = self.lanes().conclude(contact, id, outcome, self.now(), retry) {
            if let (Settlement::Sent(message), Some(row)) = (&how, &row) {
                self.moved(contact, id, message, DeliveryState::Sent);
                let after = u64::try_from(self.now().since_ms(row.born_at)).unwrap_or_default();
                metrics::reply_taken(Duration::from_millis(after));
            }
            self.close(id, how, row.as_deref());
        }
    }

    fn retry(&self) -> Retry {
        let figures = &self.home.neighbours.figures;
        let bytes = self.home.neighbours.random.bytes();
        Retry {
            first_ms: figures.retry_first_ms,
            max_ms: figures.retry_max_ms,
            tries_max: figures.tries_max,
            reconcile_ms: figures.reconcile_ms,
            chance: f64::from(u16::from_le_bytes([bytes[0], bytes[1]])) / f64::from(u16::MAX),
        }
    }

    /// Writes down that a row is settled. Not awaited: nothing but a restart depends on it.
    fn close(&self, id: RowId, how: Settlement, row: Option<&OutboxRow>) {
        let mut parts = Vec::with_capacity(2);
        if let (Settlement::Failed { .. }, Some(row)) = (&how, row) {
            metrics::dead_lettered("unsendable");
            parts.push(Part::DeadLetter(DeadLetter {
                at: self.now(),
                reason: DeadReason::Unsendable,
                contact: Some(row.contact),
                body: postcard::to_stdvec(row).unwrap_or_default(),
            }));
        }
        parts.push(Part::CloseOutbox { row: id, how });
        let record = Record { writer: Some(self.home.writer), parts };
        match self.home.neighbours.store.append(record.clone()) {
            Ok(_) | Err(StoreError::Closed | StoreError::Fenced { .. }) => {}
            // Closing frees room, so it is worth waiting for some.
            Err(_) => {
                let home = self.home.clone();
                supervision::task(async move { home.append(record.parts).await.map(drop) }, |_| {});
            }
        }
    }

    fn moved(&self, contact: ContactId, row: RowId, message: &MessageId, state: DeliveryState) {
        self.home.post(Mail::Moved { contact, row, id: message.clone(), state });
    }

    fn status(&mut self, status: &Status) {
        metrics::status_heard(match status.state {
            DeliveryState::Sent => "sent",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Read => "read",
            DeliveryState::Failed => "failed",
        });
        let Some((id, contact)) = status.tag.as_deref().and_then(|tag| tag::open(&self.home.neighbours.keys, tag))
        else {
            return;
        };
        self.moved(contact, id, &status.message, status.state);
        let lanes = self.lanes();
        let row = lanes.row(contact, id);
        if row.is_none() {
            return;
        }
        let how = match (status.state, status.error) {
            (DeliveryState::Failed, code) => {
                let class = code.map_or(Class::Unknown, codes::class);
                tracing::warn!(code, class = class.name(), "meta reports a message as failed");
                Settlement::Failed { code }
            }
            (DeliveryState::Sent | DeliveryState::Delivered | DeliveryState::Read, _) => {
                Settlement::Sent(status.message.clone())
            }
        };
        if lanes.settle(contact, id) {
            self.close(id, how, row.as_deref());
        }
    }

    fn tick(&mut self) {
        let lanes = self.lanes();
        for (contact, id) in self.starved.drain(..) {
            let now = self.home.neighbours.clock.now();
            lanes.land(contact, id, now);
        }
        self.pairs.forget(self.now());
        self.work();
    }
}

/// A closed name, for the metric's label.
fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Sent(_) => "sent",
        Outcome::Stale => "stale",
        Outcome::Refused { class, .. } => class.name(),
        Outcome::Unreachable => "unreachable",
        Outcome::Ambiguous => "ambiguous",
        Outcome::Unsendable => "unsendable",
        Outcome::NotNow => "not_now",
        Outcome::HeldBack { .. } => "held_back",
    }
}

impl Actor for Outbox {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let reconcile_ms = self.home.neighbours.figures.reconcile_ms;
        self.claim = self.lanes().start_over(self.now(), reconcile_ms);
        context.add_stream(futures_util::stream::unfold(self.lanes(), |lanes| async move {
            lanes.rung().await;
            Some((Rung, lanes))
        }));
        context.add_stream(super::shard::ticks(self.home.neighbours.figures.tick_ms, || Tick));
    }
}

impl StreamHandler<Rung> for Outbox {
    fn handle(&mut self, _: Rung, context: &mut Context<Self>) {
        if self.still_mine(context) {
            self.work();
        }
    }
}

impl StreamHandler<Tick> for Outbox {
    fn handle(&mut self, _: Tick, context: &mut Context<Self>) {
        if self.still_mine(context) {
            self.tick();
        }
    }
}
