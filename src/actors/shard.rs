//! A shard: one thread's sessions, accounts and outbox, and the only holder of their addresses.
//!
//! It hands over what waits at its [`Board`], one turn a contact, and starts who is not awake. Bounded awake: past
//! the bound the longest idle leaves; when none is idle, what waits waits on. A child that ends badly starts
//! again with its work still on the board; one that does so too often has its oldest row set aside, so that
//! the contact goes on with the next.
//!
//! Everything here is sorted out in moments and never awaits; the shard itself should never panic, and when it
//! does, Root starts another in a new generation, which fences whatever the old one left behind.

pub mod accounts;
mod idle;
pub mod sessions;
pub mod view;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, Addr, ArbiterHandle, AsyncContext, Context, StreamHandler};
use futures_util::Stream;

use super::board::{Board, Mail};
use super::fault::Point;
use super::outbox::Outbox;
use super::session::{Home, Moved};
use super::supervision::{self, Ending, Exit, RestartWindow, Verdict};
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::metrics;

use accounts::Accounts;
use sessions::Sessions;
use view::Sight;

/// Things done in one go before others on the thread get their turn.
const GO_MAX: usize = 512;
/// Wishes that come due in one go.
const FIRE_MAX: usize = 1_024;
const OUTBOX_RESTARTS_MAX: usize = 5;

/// The actor.
pub struct Shard {
    home: Home,
    on: ArbiterHandle,
    ending: Ending,
    sessions: Sessions,
    accounts: Accounts,
    outbox: Option<Addr<Outbox>>,
    outbox_life: u64,
    outbox_window: RestartWindow,
    /// When a new outbox starts, after one that died more than once.
    outbox_due: Option<Timestamp>,
    sight: Arc<Sight>,
    /// Which shard of this board it is: an older one, on a thread that was given up, goes when it moves again.
    claim: u64,
}

/// There may be something new on the board.
struct Rung;
/// Time has passed.
struct Tick;

/// Moments, at least `every_ms` apart.
pub fn ticks<T>(every_ms: u64, make: impl Fn() -> T) -> impl Stream<Item = T> {
    let mut interval = tokio::time::interval(Duration::from_millis(every_ms.max(1)));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    futures_util::stream::unfold((interval, make), |(mut interval, make)| async move {
        interval.tick().await;
        let moment = make();
        Some((moment, (interval, make)))
    })
}

impl Shard {
    pub fn new(home: Home, on: ArbiterHandle, ending: Ending, sight: Arc<Sight>) -> Self {
        Self {
            sessions: Sessions::new(home.clone(), on.clone()),
            accounts: Accounts::new(home.clone(), on.clone()),
            home,
            on,
            ending,
            outbox: None,
            outbox_life: 0,
            outbox_window: RestartWindow::new(OUTBOX_RESTARTS_MAX, MINUTE_MS),
            outbox_due: None,
            sight,
            claim: 0,
        }
    }

    fn board(&self) -> Arc<Board> {
        Arc::clone(self.home.shards.board(self.home.shard))
    }

    fn now(&self) -> Timestamp {
        self.home.neighbours.clock.now()
    }

    /// Takes the board over from whatever shard had it before.
    fn take_over(&mut self) {
        self.claim = self.board().start_over();
        self.sight.started(self.home.writer.generation);
    }

    fn start_outbox(&mut self) {
        self.outbox_life += 1;
        self.outbox_due = None;
        let life = self.outbox_life;
        let home = self.home.clone();
        let sight = Arc::clone(&self.sight);
        let board = self.board();
        self.outbox = Some(supervision::spawn(
            &self.on,
            self.home.neighbours.figures.mailbox_messages_max,
            move |_, _| Outbox::new(home, sight),
            move |exit| board.post(Mail::OutboxEnded { life, exit }),
        ));
    }

    /// Whether no newer shard has taken the board over. An older one, on a thread that was given up, goes.
    fn still_mine(&self) -> bool {
        let board = self.board();
        let mine = board.claim() == self.claim;
        if !mine {
            // The bell may have been meant for the newer one.
            board.ring();
        }
        mine
    }

    /// Goes through the mail and hands over what waits. False: it gives up.
    fn round(&mut self) -> bool {
        let board = self.board();
        board.in_hand(true);
        let mut left = GO_MAX;
        let mut goes_on = true;
        while left > 0
            && let Some(mail) = board.take_mail()
        {
            goes_on &= self.mail(mail);
            left -= 1;
        }
        while left > 0
            && let Some(contact) = board.next_ready()
        {
            self.sessions.hand_over(contact);
            left -= 1;
        }
        self.sight.moved();
        self.sight.look(self.sessions.awake(), self.accounts.awake(), self.accounts.busy());
        board.in_hand(false);
        if left == 0 {
            board.ring();
        }
        goes_on
    }

    fn mail(&mut self, mail: Mail) -> bool {
        match mail {
            Mail::Turned(turned) => self.sessions.turned(&turned),
            Mail::SessionEnded { contact, life, exit } => self.sessions.ended(contact, life, exit),
            Mail::Answer { contact, call, answer } => self.board().answer(contact, call, answer),
            Mail::Moved { contact, row, id, state } => self.sessions.tell(contact, Moved { row, id, state }),
            Mail::Account { phone, event } => self.accounts.give(phone, event),
            Mail::AccountTurned { key, life, busy } => self.accounts.turned(key, life, busy),
            Mail::AccountEnded { key, life, exit } => self.accounts.ended(key, life, exit),
            Mail::OutboxEnded { life, exit } if life == self.outbox_life => return self.outbox_ended(exit),
            Mail::OutboxEnded { .. } => {}
        }
        true
    }

    fn outbox_ended(&mut self, exit: Exit) -> bool {
        tracing::error!(shard = self.home.shard, ?exit, "an outbox ended");
        metrics::actor_failed("outbox", exit.name());
        self.sight.outbox_ended();
        let now = self.now();
        if self.outbox_window.record(now) == Verdict::Spent {
            return false;
        }
        match self.outbox_window.pause_ms(now) {
            0 => self.start_outbox(),
            pause_ms => self.outbox_due = Some(now.plus_ms(pause_ms)),
        }
        true
    }

    /// Time has passed: wishes come due, the idle go, who rested goes on. False: it gives up.
    fn pass(&mut self) -> bool {
        let now = self.now();
        if self.outbox_due.is_some_and(|due| due <= now) {
            self.start_outbox();
        }
        self.board().fire(now, FIRE_MAX);
        self.home.shards.let_in(self.home.neighbours.calls.times_back());
        self.sessions.tick(now);
        self.accounts.tick(now);
        metrics::sessions_awake(self.home.writer.shard, self.sessions.awake());
        metrics::rows_in_memory(self.home.shards.rows_in_memory().count());
        self.round()
    }

    fn go_on(&self, goes_on: bool, context: &mut Context<Self>) {
        if !goes_on {
            self.ending.will_be(Exit::Failed);
            context.stop();
        }
    }

    fn fault(&self, point: Point) {
        self.home.neighbours.faults.at(point);
    }
}

impl Actor for Shard {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.fault(Point::ShardStart);
        self.start_outbox();
        self.take_over();
        context.add_stream(futures_util::stream::unfold(self.board(), |board| async move {
            board.rung().await;
            Some((Rung, board))
        }));
        context.add_stream(ticks(self.home.neighbours.figures.tick_ms, || Tick));
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.fault(Point::ShardStop);
    }
}

impl StreamHandler<Rung> for Shard {
    fn handle(&mut self, _: Rung, context: &mut Context<Self>) {
        self.fault(Point::ShardRung);
        if !self.still_mine() {
            return context.stop();
        }
        let goes_on = self.round();
        self.go_on(goes_on, context);
    }
}

impl StreamHandler<Tick> for Shard {
    fn handle(&mut self, _: Tick, context: &mut Context<Self>) {
        self.fault(Point::ShardTick);
        if !self.still_mine() {
            return context.stop();
        }
        let goes_on = self.pass();
        self.go_on(goes_on, context);
    }
}

#[cfg(test)]
mod tests;
