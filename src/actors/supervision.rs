//! The one way to start an actor, and how often it may be started again.
//!
//! actix's own supervisor does not catch panics: a panicking actor disappears and nobody hears of it. Here the
//! actor's whole future runs inside `catch_unwind`, its mailbox is bounded before the first message, and how it
//! ended is told exactly once, as a value. The old future is dropped before the notice goes out and outside
//! unwinding, so a `stopped()` that panics harms nobody and no two generations overlap.
//!
//! Strategy: one for one. Whoever starts an actor hears its [`Exit`] and decides by a [`RestartWindow`].

use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll};

use actix::dev::channel;
use actix::{Actor, Addr, ArbiterHandle, Context};
use futures_util::FutureExt;

use crate::domain::time::Timestamp;

/// How an actor ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Its work is done.
    Finished,
    /// It was idle and let go; it wakes again when there is work.
    Passivated,
    /// It gave up by itself (the store refused it).
    Failed,
    /// It panicked. What it held in memory is gone, what is durable is not.
    Panicked,
    /// Its thread went away under it.
    Killed,
}

impl Exit {
    /// A closed name, for a metric's label.
    pub fn name(self) -> &'static str {
        match self {
            Exit::Finished => "finished",
            Exit::Passivated => "passivated",
            Exit::Failed => "failed",
            Exit::Panicked => "panicked",
            Exit::Killed => "killed",
        }
    }
}

/// The intention an actor states before it stops; `Passivated` when it never says anything.
#[derive(Clone)]
pub struct Ending(Rc<Cell<Exit>>);

impl Default for Ending {
    fn default() -> Self {
        Self(Rc::new(Cell::new(Exit::Passivated)))
    }
}

impl Ending {
    /// From here on, stopping means this.
    pub fn will_be(&self, exit: Exit) {
        self.0.set(exit);
    }
}

/// Tells how an actor ended, also when its thread drops it without a word.
struct Farewell<F: FnOnce(Exit)>(Option<F>);

impl<F: FnOnce(Exit)> Farewell<F> {
    fn say(mut self, exit: Exit) {
        self.tell(exit);
    }

    fn tell(&mut self, exit: Exit) {
        if let Some(tell) = self.0.take() {
            tell(exit);
        }
    }
}

impl<F: FnOnce(Exit)> Drop for Farewell<F> {
    fn drop(&mut self) {
        self.tell(Exit::Killed);
    }
}

// It is never pinned: its closure is taken out of it by value.
impl<F: FnOnce(Exit)> Unpin for Farewell<F> {}

/// Starts an actor on an arbiter. `make` runs there; `exit` is called exactly once, there or, when the arbiter
/// is gone, wherever its remains are dropped. `exit` must not panic and must not block.
pub fn spawn<A>(
    on: &ArbiterHandle,
    mailbox_messages_max: usize,
    make: impl FnOnce(&mut Context<A>, Ending) -> A + Send + 'static,
    exit: impl FnOnce(Exit) + Send + 'static,
) -> Addr<A>
where
    A: Actor<Context = Context<A>>,
{
    // A bound of zero would mean none at all.
    let (sender, receiver) = channel::channel(mailbox_messages_max.max(1));
    let farewell = Farewell(Some(exit));
    // When the arbiter is gone the closure is dropped, and `Farewell` says so.
    on.spawn_fn(move || {
        let ending = Ending::default();
        let stated = ending.clone();
        let made = catch_unwind(AssertUnwindSafe(move || {
            let mut context = Context::with_receiver(receiver);
            let actor = make(&mut context, ending);
            context.into_future(actor)
        }));
        match made {
            Ok(actor) => drop(actix::spawn(Life { actor: Some(actor), stated, farewell })),
            Err(_) => farewell.say(Exit::Panicked),
        }
    });
    Addr::new(sender)
}

/// An actor while it lives. A future by hand, because an async block would keep a place for each value that moves
/// through it, and there are a million of these.
struct Life<A: Future + Unpin, F: FnOnce(Exit)> {
    actor: Option<A>,
    stated: Ending,
    farewell: Farewell<F>,
}

impl<A: Future + Unpin, F: FnOnce(Exit)> Future for Life<A, F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, waker: &mut TaskContext<'_>) -> Poll<()> {
        let Some(actor) = self.actor.as_mut() else { return Poll::Ready(()) };
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(actor).poll(waker).is_ready()));
        if matches!(polled, Ok(false)) {
            return Poll::Pending;
        }
        // Not while it unwinds: what a panicking block holds is dropped then, and an actor's `stopped()` that panics
        // would end the process.
        let actor = self.actor.take();
        let dropped = catch_unwind(AssertUnwindSafe(move || drop(actor)));
        let exit = if polled.and(dropped).is_ok() { self.stated.0.get() } else { Exit::Panicked };
        self.farewell.tell(exit);
        Poll::Ready(())
    }
}

/// A task that panicked instead of giving its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task panicked")]
pub struct Panicked;

/// Runs a future on this thread; `done` hears its result, or that it panicked.
pub fn task<T: 'static>(future: impl Future<Output = T> + 'static, done: impl FnOnce(Result<T, Panicked>) + 'static) {
    // No async block: it would keep a second place for the future.
    let guarded = AssertUnwindSafe(future).catch_unwind();
    actix::spawn(guarded.map(move |result| done(result.map_err(|_: Box<dyn Any + Send>| Panicked))));
}

/// What a supervisor does about a child that ended badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again.
    Restart,
    /// Too often within the window: take it out of the way, or fail upwards.
    Spent,
}

const PAUSE_FIRST_MS: i64 = 200;
const PAUSE_MAX_MS: i64 = 5_000;

/// How often something may be started again: `restarts_max` within a window that slides with the clock.
#[derive(Clone, Debug)]
pub struct RestartWindow {
    restarts_max: usize,
    window_ms: i64,
    at: VecDeque<Timestamp>,
}

impl RestartWindow {
    pub fn new(restarts_max: usize, window_ms: i64) -> Self {
        Self { restarts_max, window_ms, at: VecDeque::new() }
    }

    /// Counts a bad end at `now`. A clock that went back counts as no time passed.
    pub fn record(&mut self, now: Timestamp) -> Verdict {
        while self.at.front().is_some_and(|first| now.since_ms(*first) >= self.window_ms) {
            self.at.pop_front();
        }
        if self.at.len() >= self.restarts_max {
            return Verdict::Spent;
        }
        self.at.push_back(now);
        Verdict::Restart
    }

    /// How long to wait before the restart that was counted last: none after the first, then doubling up to five
    /// seconds.
    pub fn pause_ms(&self, now: Timestamp) -> i64 {
        match self.counted(now) {
            0 | 1 => 0,
            again => (PAUSE_FIRST_MS << (again - 2).min(16)).min(PAUSE_MAX_MS),
        }
    }

    /// Restarts that still count at `now`.
    pub fn counted(&self, now: Timestamp) -> usize {
        self.at.iter().filter(|at| now.since_ms(**at) < self.window_ms).count()
    }
}

#[cfg(test)]
mod tests;
