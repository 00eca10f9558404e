//! Root: starts the shards, starts them again, and knows when to give up.
//!
//! A shard that ends is started again in a new generation; its older generation is fenced first, so that whatever
//! is left of it can write nothing. A shard that does not move for ten seconds gets a new thread the same way.
//! Three restarts within 60 s, or two lost threads, are Root's end: the process exits 70 and its supervisor
//! starts it afresh.

use std::sync::Arc;

use actix::{Actor, Addr, Arbiter, AsyncContext, Context, Handler, Message, StreamHandler};
use tokio::sync::watch;

use super::session::Home;
use super::shard::view::{ShardView, Sight};
use super::shard::{Shard, ticks};
use super::supervision::{self, Exit, RestartWindow, Verdict};
use super::{Neighbours, Shards};
use crate::domain::time::MINUTE_MS;
use crate::metrics;
use crate::ports::Writer;

const RESTARTS_MAX: usize = 3;
const LOST_THREADS_MAX: usize = 2;
const LOOK_EVERY_MS: u64 = 1_000;
/// Looks without a beat after which a thread counts as lost.
const STUCK_LOOKS: u32 = 10;

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
    sights: Sights,
    window: RestartWindow,
    lost_threads: usize,
    health: watch::Sender<Health>,
}

/// What is seen of each shard.
pub type Sights = Arc<Vec<Arc<Sight>>>;

struct Child {
    arbiter: Arbiter,
    /// Held so that the shard lives.
    address: Option<Addr<Shard>>,
    generation: u32,
    beats: u64,
    still: u32,
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
pub fn start(neighbours: Arc<Neighbours>, shards: Arc<Shards>) -> (Addr<Root>, Sights, watch::Receiver<Health>) {
    let sights: Sights = Arc::new((0..shards.count()).map(|_| Arc::new(Sight::default())).collect());
    let (health, hear) = watch::channel(Health::Running);
    let seen = Arc::clone(&sights);
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
            health,
        },
        move |exit| {
            if matches!(exit, Exit::Panicked | Exit::Failed) {
                told.send_replace(Health::Failed);
            }
        },
    );
    (address, sights, hear)
}

/// A picture of all shards, for `/actors`.
pub fn view(shards: &Shards, sights: &[Arc<Sight>]) -> Vec<ShardView> {
    let of = |(shard, sight): (usize, &Arc<Sight>)| {
        sight.view(shard, shards.board(shard).view(), shards.lanes(shard).view())
    };
    sights.iter().enumerate().map(of).collect()
}

impl Root {
    fn start_shard(&mut self, shard: usize, context: &Context<Self>) {
        let Some(child) = self.children.get_mut(shard) else { return };
        child.generation += 1;
        child.still = 0;
        let generation = child.generation;
        let number = u16::try_from(shard).unwrap_or(u16::MAX);
        let writer = Writer { shard: number, generation };
        if generation > 1 {
            self.neighbours.store.fence(writer);
        }
        let sight = Arc::clone(&self.sights[shard]);
        sight.started(generation);
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

    fn watch(&mut self, context: &Context<Self>) {
        for shard in 0..self.children.len() {
            let beats = self.sights[shard].beats();
            let child = &mut self.children[shard];
            child.still = if child.beats == beats { child.still + 1 } else { 0 };
            child.beats = beats;
            if child.still < STUCK_LOOKS {
                continue;
            }
            tracing::error!(shard, "a shard's thread does not move");
            metrics::actor_failed("shard", "stuck");
            self.lost_threads += 1;
            if self.lost_threads >= LOST_THREADS_MAX {
                self.give_up();
                return;
            }
            self.children[shard].arbiter = Arbiter::new();
            self.start_shard(shard, context);
        }
    }

    fn give_up(&self) {
        tracing::error!("the actors cannot be kept running");
        self.health.send_replace(Health::Failed);
    }
}

impl Actor for Root {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        for shard in 0..self.shards.count() {
            let child = Child { arbiter: Arbiter::new(), address: None, generation: 0, beats: 0, still: 0 };
            self.children.push(child);
            self.start_shard(shard, context);
        }
        // Never two looks at once: a machine that stood still has not lost its threads.
        context.add_stream(ticks(LOOK_EVERY_MS, || Look));
    }
}

impl StreamHandler<Look> for Root {
    fn handle(&mut self, _: Look, context: &mut Context<Self>) {
        self.watch(context);
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
        if self.window.record(self.neighbours.clock.now()) == Verdict::Spent {
            return self.give_up();
        }
        if ended.exit == Exit::Killed
            && let Some(child) = self.children.get_mut(ended.shard)
        {
            child.arbiter = Arbiter::new();
        }
        self.start_shard(ended.shard, context);
    }
}
