//! Root: starts the shards, starts them again, and knows when to give up.
//!
//! A shard that ends is started again in a new generation, after a pause that grows; its older generation is fenced
//! first, so that whatever is left of it can write nothing. A shard or outbox that has work and does not move for
//! ten seconds is named, and gets a new thread the same way; what its thread had in hand counts as tried. Three
//! restarts within 60 s, or two lost threads, are Root's end: the process exits 70 and its supervisor starts it
//! afresh. Root itself is not started again: it has hardly anything to do, and when even that fails, so does the
//! process. The shards go on meanwhile, so that the drain can finish what is in flight.
//!
//! Progress is what counts, not an answer to a ping: an idle shard owes nobody a sign of life.

pub mod view;

use std::sync::Arc;

use actix::{Actor, Addr, Arbiter, AsyncContext, Context, Handler, Message, StreamHandler};
use tokio::sync::watch;

use super::fault::Point;
use super::session::Home;
use super::shard::view::STILL_LOOKS;
use super::shard::{Shard, ticks};
use super::supervision::{self, Exit, RestartWindow, Verdict};
use super::{Neighbours, Shards, tally};
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::metrics;
use crate::ports::Writer;

pub use view::{Sights, TreeView};

const RESTARTS_MAX: usize = 3;
const LOST_THREADS_MAX: usize = 2;
const LOOK_EVERY_MS: u64 = 1_000;
/// Looks without a move after which a thread counts as lost.
const STUCK_LOOKS: u32 = 2 * STILL_LOOKS;

/// How the tree stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Running,
    /// Too many restarts or lost threads: exit 70.
    Failed,
}

/// The actor.
pub struct Root {
    neighbours: Arc<Neighbours>,
    shards: Arc<Shards>,
    children: Vec<Child>,
    sights: Arc<Sights>,
    window: RestartWindow,
    lost_threads: usize,
    books: tally::Books,
    health: watch::Sender<Health>,
}

struct Child {
    arbiter: Arbiter,
    /// Held so that the shard lives.
    address: Option<Addr<Shard>>,
    generation: u32,
    /// Of the shard and of its outbox, and the looks since they moved.
    moves: [u64; 2],
    still: [u32; 2],
    /// When it starts again.
    due: Option<Timestamp>,
}

/// Time to see whether all move.
struct Look;

/// A shard ended.
#[derive(Message)]
#[rtype(result = "()")]
struct ShardEnded {
    shard: usize,
    generation: u32,
    exit: Exit,
}

/// Starts the tree on the current system. Keep the address: without it Root ends.
pub fn start(
    neighbours: Arc<Neighbours>,
    shards: Arc<Shards>,
    books: tally::Books,
) -> (Addr<Root>, Arc<Sights>, watch::Receiver<Health>) {
    let sights = Arc::new(Sights::new(shards.count()));
    let (health, hear) = watch::channel(Health::Running);
    let (seen, ended) = (Arc::clone(&sights), Arc::clone(&sights));
    let told = health.clone();
    let address = supervision::spawn(
        &Arbiter::current(),
        neighbours.figures.mailbox_messages_max,
        move |_, _| Root {
            window: RestartWindow::new(RESTARTS_MAX, MINUTE_MS),
            children: Vec::new(),
            neighbours,
            shards,
            sights: seen,
            lost_threads: 0,
            books,
            health,
        },
        move |exit| {
            if matches!(exit, Exit::Panicked | Exit::Failed) {
                tracing::error!(?exit, "root ended");
                metrics::actor_failed("root", exit.name());
                ended.stands(Health::Failed);
                told.send_replace(Health::Failed);
            }
        },
    );
    (address, sights, hear)
}

impl Root {
    fn start_shard(&mut self, shard: usize, context: &Context<Self>) {
        let Some(child) = self.children.get_mut(shard) else { return };
        child.generation += 1;
        child.still = [0, 0];
        child.due = None;
        let generation = child.generation;
        let number = u16::try_from(shard).unwrap_or(u16::MAX);
        let writer = Writer { shard: number, generation };
        if generation > 1 {
            self.neighbours.store.fence(writer);
        }
        let sight = Arc::clone(&self.sights.shards[shard]);
        let home = Home { shard, shards: Arc::clone(&self.shards), neighbours: Arc::clone(&self.neighbours), writer };
        let on = child.arbiter.handle();
        let root = context.address();
        let here = on.clone();
        child.address = Some(supervision::spawn(
            &on,
            self.neighbours.figures.mailbox_messages_max,
            move |_, ending| Shard::new(home, here, ending, sight),
            move |exit| {
                // Root has room for more ends than there are shards; a refused one is found by the watch.
                if root.try_send(ShardEnded { shard, generation, exit }).is_err() {
                    tracing::error!(shard, ?exit, "the end of a shard was not heard");
                }
            },
        ));
    }

    /// Who was to start again by now starts; who has work and does not move is named, and given up in the end.
    fn watch(&mut self, context: &Context<Self>) {
        let now = self.neighbours.clock.now();
        for shard in 0..self.children.len() {
            if self.children[shard].due.is_some_and(|due| due <= now) {
                self.start_shard(shard, context);
            }
            let looks = self.look_at(shard, now);
            if looks == STILL_LOOKS {
                let name = self.sights.shards[shard].stuck().unwrap_or("shard");
                tracing::warn!(shard, unfinished = ?self.shards.board(shard).view(), "the {name} has work and does not move");
            }
            if looks < STUCK_LOOKS {
                continue;
            }
            tracing::error!(shard, unfinished = ?self.shards.board(shard).unfinished(), "a shard's thread is given up");
            metrics::actor_failed("shard", "stuck");
            self.lost_threads += 1;
            self.sights.restarted(true);
            if self.lost_threads >= LOST_THREADS_MAX {
                return self.give_up();
            }
            if let Some(held) = self.neighbours.hands.holding(shard) {
                self.shards.board(self.shards.of_contact(held.contact)).blame(held.contact, held.what);
            }
            self.children[shard].arbiter = Arbiter::new();
            self.start_shard(shard, context);
        }
    }

    /// Looks without a move of a shard or its outbox, whichever has more.
    fn look_at(&mut self, shard: usize, now: Timestamp) -> u32 {
        let sight = &self.sights.shards[shard];
        let has_work = [self.shards.board(shard).has_work(now), self.shards.lanes(shard).has_work(now)];
        let moves = sight.moves();
        let child = &mut self.children[shard];
        for part in 0..2 {
            let stands = child.due.is_none() && has_work[part] && child.moves[part] == moves[part];
            child.still[part] = if stands { child.still[part] + 1 } else { 0 };
        }
        child.moves = moves;
        sight.still(child.still);
        child.still.into_iter().max().unwrap_or_default()
    }

    fn give_up(&self) {
        tracing::error!("the actors cannot be kept running");
        self.sights.stands(Health::Failed);
        self.health.send_replace(Health::Failed);
    }
}

impl Actor for Root {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.neighbours.faults.at(Point::RootStart);
        for shard in 0..self.shards.count() {
            let arbiter = Arbiter::new();
            self.children.push(Child {
                arbiter,
                address: None,
                generation: 0,
                moves: [0; 2],
                still: [0; 2],
                due: None,
            });
            self.start_shard(shard, context);
        }
        // Never two looks at once: a machine that stood still has not lost its threads.
        context.add_stream(ticks(LOOK_EVERY_MS, || Look));
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.neighbours.faults.at(Point::RootStop);
    }
}

impl StreamHandler<Look> for Root {
    fn handle(&mut self, _: Look, context: &mut Context<Self>) {
        self.neighbours.faults.at(Point::RootLook);
        if *self.health.borrow() == Health::Running {
            self.watch(context);
        }
        self.books.check(self.neighbours.store.as_ref());
        self.sights.looked();
    }
}

impl Handler<ShardEnded> for Root {
    type Result = ();

    fn handle(&mut self, ended: ShardEnded, context: &mut Context<Self>) {
        let current = self.children.get(ended.shard).map(|child| child.generation);
        if current != Some(ended.generation) {
            return;
        }
        tracing::error!(shard = ended.shard, exit = ?ended.exit, "a shard ended");
        metrics::actor_failed("shard", ended.exit.name());
        self.sights.shards[ended.shard].ended();
        self.sights.restarted(false);
        let now = self.neighbours.clock.now();
        if self.window.record(now) == Verdict::Spent {
            return self.give_up();
        }
        self.neighbours.faults.at(Point::RootShardEnded);
        let pause_ms = self.window.pause_ms(now);
        let Some(child) = self.children.get_mut(ended.shard) else { return };
        if ended.exit == Exit::Killed {
            child.arbiter = Arbiter::new();
        }
        if pause_ms > 0 {
            child.due = Some(now.plus_ms(pause_ms));
        } else {
            self.start_shard(ended.shard, context);
        }
    }
}
