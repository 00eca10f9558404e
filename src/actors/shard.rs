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
pub mod sessions;
pub mod view;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, Addr, ArbiterHandle, AsyncContext, Context, StreamHandler};
use futures_util::Stream;

use super::board::{Board, Mail};
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

    fn start_outbox(&mut self) {
        self.outbox_life += 1;
        let life = self.outbox_life;
        let home = self.home.clone();
        let board = self.board();
        self.outbox = Some(supervision::spawn(
            &self.on,
            self.home.neighbours.figures.mailbox_messages_max,
            move |_, _| Outbox::new(home),
            move |exit| board.post(Mail::OutboxEnded { life, exit }),
        ));
    }

    fn still_mine(&self, context: &mut Context<Self>) -> bool {
        let board = self.board();
        let mine = board.claim() == self.claim;
        if !mine {
            // The bell may have been meant for the newer one.
            board.ring();
            context.stop();
        }
        mine
    }

    fn work(&mut self, context: &mut Context<Self>) {
        let board = self.board();
        board.in_hand(true);
        let mut left = GO_MAX;
        while left > 0
            && let Some(mail) = board.take_mail()
        {
            self.mail(mail, context);
            left -= 1;
        }
        while left > 0
            && let Some(contact) = board.next_ready()
        {
            self.sessions.hand_over(contact);
            left -= 1;
        }
        self.sight.beat();
        self.sight.look(self.sessions.awake(), self.accounts.awake(), self.accounts.busy());
        board.in_hand(false);
        if left == 0 {
            board.ring();
        }
    }

    fn mail(&mut self, mail: Mail, context: &mut Context<Self>) {
        match mail {
            Mail::Turned(turned) => self.sessions.turned(&turned),
            Mail::SessionEnded { contact, life, exit } => self.sessions.ended(contact, life, exit),
            Mail::Answer { contact, call, answer } => self.board().answer(contact, call, answer),
            Mail::Moved { contact, row, id, state } => self.sessions.tell(contact, Moved { row, id, state }),
            Mail::Account { phone, event } => self.accounts.give(phone, event),
            Mail::AccountTurned { key, life, busy } => self.accounts.turned(key, life, busy),
            Mail::AccountEnded { key, life, exit } => self.accounts.ended(key, life, exit),
            Mail::OutboxEnded { life, exit } if life == self.outbox_life => self.outbox_ended(exit, context),
            Mail::OutboxEnded { .. } => {}
        }
    }

    fn outbox_ended(&mut self, exit: Exit, context: &mut Context<Self>) {
        tracing::error!(shard = self.home.shard, ?exit, "an outbox ended");
        metrics::actor_failed("outbox", exit.name());
        match self.outbox_window.record(self.now()) {
            Verdict::Restart => self.start_outbox(),
            Verdict::Spent => {
                self.ending.will_be(Exit::Failed);
                context.stop();
            }
        }
    }

    fn tick(&mut self, context: &mut Context<Self>) {
        let now = self.now();
        self.board().fire(now, FIRE_MAX);
        self.home.shards.let_in(self.home.neighbours.calls.registry.times_back());
        self.sessions.tick(now);
        self.accounts.tick(now);
        self.work(context);
        metrics::sessions_awake(self.home.writer.shard, self.sessions.awake());
    }
}

impl Actor for Shard {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.start_outbox();
        let board = self.board();
        self.claim = board.start_over();
        context.add_stream(futures_util::stream::unfold(board, |board| async move {
            board.rung().await;
            Some((Rung, board))
        }));
        context.add_stream(ticks(self.home.neighbours.figures.tick_ms, || Tick));
    }
}

impl StreamHandler<Rung> for Shard {
    fn handle(&mut self, _: Rung, context: &mut Context<Self>) {
        if self.still_mine(context) {
            self.work(context);
        }
    }
}

impl StreamHandler<Tick> for Shard {
    fn handle(&mut self, _: Tick, context: &mut Context<Self>) {
        if self.still_mine(context) {
            self.tick(context);
        }
    }
}
