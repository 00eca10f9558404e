//! The outbox of a shard: lets rows out as [`Lanes`] decides, and settles them.
//!
//! It owns nothing that matters: rows are in [`Lanes`] and in the journal. What ends a row is written down as
//! `CloseOutbox`, all of a round in one record, without waiting: if that note is lost in a crash, the row is reconciled
//! at the next start.
//! Statuses settle rows too, also before the answer to the send was read, and never wake a session.

mod ending;
pub mod lane;
pub mod lanes;
pub mod merge;
mod read_back;
pub mod retry;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, AsyncContext, Context, StreamHandler};

pub use lane::{Send, recovered};
pub use lanes::{Lanes, LanesView, RowsInMemory};

use self::ending::{ending, name};
use self::lane::{Outcome, Swap};
use self::lanes::{Next, Pace};
use self::retry::Retry;
use super::board::Mail;
use super::fault::Point;
use super::session::Home;
use super::shard::view::Sight;
use super::{sender, supervision, tag};
use crate::domain::contact::ContactId;
use crate::domain::message::{DeliveryState, MessageId, Status};
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::metrics;
use crate::ports::{Part, Record, RowId, Settlement, Ticket};
use crate::wire::codes::{self, Class, WINDOW_CLOSED};

/// Things done in one go before others on the thread get their turn.
const GO_MAX: usize = 256;

/// The actor.
pub struct Outbox {
    home: Home,
    sight: Arc<Sight>,
    /// Which outbox of these lanes it is: an older one, left behind by a shard that died, goes.
    claim: u64,
}

/// There may be something new.
struct Rung;
/// Time has passed.
struct Tick;

impl Outbox {
    pub fn new(home: Home, sight: Arc<Sight>) -> Self {
        Self { home, sight, claim: 0 }
    }

    fn lanes(&self) -> Arc<Lanes> {
        Arc::clone(self.home.shards.lanes(self.home.shard))
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
        let neighbours = Arc::clone(&self.home.neighbours);
        while left > 0
            && let Some(next) = lanes.next(now, &Pace::of(&neighbours))
        {
            match next {
                Next::Go(contact, send) => self.go(contact, send, None),
                Next::Swap(contact, swap) => self.swap(contact, swap, now),
                Next::ReadBack(contact, rows) => read_back::for_lane(&self.home, contact, rows),
                Next::GiveUp(contact, id, code) => {
                    let row = lanes.send(contact, id).and_then(|send| send.row().cloned());
                    lanes.settle(contact, id);
                    metrics::send_ended(if code == Some(WINDOW_CLOSED) { "window_closed" } else { "given_up" });
                    // What may have arrived is no dead letter.
                    self.close(id, &Settlement::Failed { code }, row.as_deref().filter(|_| code.is_some()), now);
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
        self.write_down();
        self.sight.outbox_moved();
        lanes.in_hand(false);
        if left == 0 {
            lanes.ring();
        }
    }

    /// Sends a row; one that was written down only now leaves when that is durable.
    fn go(&mut self, contact: ContactId, send: Send, written: Option<Ticket>) {
        let id = send.id;
        let (lanes, home) = (self.lanes(), self.home.clone());
        lanes.left();
        let attempt = async move {
            if let Some(ticket) = written
                && ticket.durable.await.is_err()
            {
                return Outcome::NotNow;
            }
            sender::attempt(home, send).await
        };
        supervision::task(attempt, move |outcome| {
            // A panicking channel may have sent before it panicked.
            lanes.ended(contact, id, outcome.unwrap_or(Outcome::Ambiguous));
        });
    }

    /// Writes down that one row stands in for others, as one record, and sends it.
    fn swap(&mut self, contact: ContactId, swap: Swap, now: Timestamp) {
        let lanes = self.lanes();
        let Some(first) = swap.taken.first().map(|(id, ..)| *id) else { return };
        let mut parts = vec![Part::OpenOutbox(swap.row.clone())];
        for (row, content, how) in &swap.taken {
            parts.extend(ending(*row, how, Some(content), now));
        }
        let Ok(ticket) = self.home.neighbours.store.append(Record { writer: Some(self.home.writer), parts }) else {
            // No room to write it down: it stays as it is.
            lanes.left();
            lanes.ended(contact, first, Outcome::HeldBack { until: now.plus_ms(SECOND_MS) });
            return;
        };
        for (.., how) in &swap.taken {
            metrics::limit_acted(if *how == Settlement::Merged { "merged" } else { "replaced" });
        }
        let send = lanes.swap(contact, swap, RowId { lsn: ticket.lsn, index: 0 });
        self.go(contact, send, Some(ticket));
    }

    fn ended(&mut self, contact: ContactId, id: RowId, outcome: Outcome) {
        if let Outcome::Refused { class: Class::Configuration, code } = &outcome {
            tracing::error!(code, "meta does not take this kind of message from us; an operator must act");
        }
        metrics::send_ended(name(&outcome));
        let (lanes, now, retry) = (self.lanes(), self.now(), self.retry());
        let send = lanes.send(contact, id);
        let budgets = &self.home.neighbours.budgets;
        let Some(how) = lanes.conclude(contact, id, outcome, now, retry, budgets) else { return };
        // At once: whatever happens here from now on, it will be written down.
        self.close(id, &how, send.as_ref().and_then(|send| send.row().map(|row| &**row)), now);
        if let (Settlement::Sent(message), Some(send)) = (&how, &send) {
            self.moved(contact, id, message, DeliveryState::Sent);
            let after = u64::try_from(now.since_ms(send.head.born_at)).unwrap_or_default();
            metrics::reply_taken(Duration::from_millis(after));
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
        let (lanes, now) = (self.lanes(), self.now());
        if let (DeliveryState::Failed, Some(code)) = (status.state, status.error) {
            lanes.learn(&status.number, contact, code, now, &self.home.neighbours.budgets);
        }
        let Some(send) = lanes.send(contact, id) else { return };
        let how = match (status.state, status.error) {
            (DeliveryState::Failed, code) => {
                let class = code.map_or(Class::Unknown, codes::class);
                tracing::warn!(code, class = class.name(), "meta reports a message as failed");
                Settlement::Failed { code }
            }
            (DeliveryState::Sent | DeliveryState::Delivered | DeliveryState::Read, _) => {
                self.home.neighbours.budgets.accepted(&send.head.number);
                Settlement::Sent(status.message.clone())
            }
        };
        match (&how, send.row()) {
            // What was given up is kept whole.
            (Settlement::Failed { .. }, None) => read_back::to_give_up(&self.home, contact, id, how),
            (_, row) => {
                if lanes.settle(contact, id) {
                    self.close(id, &how, row.map(|row| &**row), now);
                }
            }
        }
    }

    fn tick(&mut self) {
        let lanes = self.lanes();
        lanes.land(self.now());
        lanes.forget(self.now());
        self.work();
    }
}

impl Actor for Outbox {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.home.neighbours.faults.at(Point::OutboxStart);
        self.sight.outbox_started();
        let reconcile_ms = self.home.neighbours.figures.reconcile_ms;
        self.claim = self.lanes().start_over(self.now(), reconcile_ms);
        context.add_stream(futures_util::stream::unfold(self.lanes(), |lanes| async move {
            lanes.rung().await;
            Some((Rung, lanes))
        }));
        context.add_stream(super::shard::ticks(self.home.neighbours.figures.tick_ms, || Tick));
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.home.neighbours.faults.at(Point::OutboxStop);
    }
}

impl StreamHandler<Rung> for Outbox {
    fn handle(&mut self, _: Rung, context: &mut Context<Self>) {
        self.home.neighbours.faults.at(Point::OutboxRung);
        if self.still_mine(context) {
            self.work();
        }
    }
}

impl StreamHandler<Tick> for Outbox {
    fn handle(&mut self, _: Tick, context: &mut Context<Self>) {
        self.home.neighbours.faults.at(Point::OutboxTick);
        if self.still_mine(context) {
            self.tick();
        }
    }
}
