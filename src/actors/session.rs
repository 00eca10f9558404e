//! A session: the one writer of a contact.
//!
//! One turn at a time: load the record, think ([`turn::plan`]), append, wait until it is durable, then act. While
//! it waits its mailbox is not read, and its shard gives it nothing new; so there is never more than one turn in
//! the air and nothing overtakes. What it holds in memory is what is durable, so letting it go loses nothing.
//!
//! What does not belong here: what is said (`conversation`), who delivers it (`outbox`), when it starts and
//! ends (`shard`).

pub mod asking;
pub mod calls;
mod fence;
#[cfg(feature = "fault-points")]
pub mod harmful;
pub mod home;
mod life;
mod ours;
pub mod plan;
pub mod record;
pub mod rest;
pub mod revisions;
mod room;
pub mod seen;
pub mod sends;
pub mod turn;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};

use super::board::{Mail, Waiting};
use super::fault::Point;
use super::supervision::{Ending, Exit};
use crate::conversation::text::Texts;
use crate::conversation::{Context as Setup, Effect, Event, Reply, Rules, State, Step};
use crate::domain::certificate::Language;
use crate::domain::contact::ContactId;
use crate::domain::time::Timestamp;
use crate::ports::StoreError;

pub use home::Home;
use life::{Life, Memory};
pub use ours::Ours;
use seen::Older;
use sends::Sends;
pub use sends::{Moved, SendNews};

/// The conversation as a session uses it. One implementation serves citizens ([`Ours`]); tests have others.
pub trait Script: Send + Sync + 'static {
    fn step(&self, state: State, events: Vec<Event>, context: &Setup<'_>) -> Step;
    fn resume(&self, state: &State, context: &Setup<'_>) -> Vec<Effect>;
    /// The neutral word for something that could not be handled.
    fn apology(&self, state: &State, texts: &Texts) -> Reply;
    fn language(&self, state: &State) -> Language;
    /// What is said once to a chat that writes faster than it is read.
    fn too_many(&self, state: &State, texts: &Texts) -> Reply {
        crate::conversation::too_many_messages(state, texts)
    }
}

/// What a turn knows of the world.
pub struct Setting<'a> {
    pub contact: ContactId,
    pub now: Timestamp,
    pub texts: &'a Texts,
    pub rules: &'a Rules,
    pub sends: &'a Sends,
    /// Ids of messages handled earlier than the record reaches, as far as they could matter to this turn.
    pub older: &'a Older,
}

/// One turn's work. The shard sends it only when the last one is over.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Work {
    pub waiting: Waiting,
    /// How far the last messages of this chat have come meanwhile.
    pub news: SendNews,
}

/// The actor.
pub struct Session {
    contact: ContactId,
    life: u64,
    home: Home,
    ending: Ending,
    memory: Option<Box<Memory>>,
}

impl Session {
    pub fn new(contact: ContactId, life: u64, home: Home, ending: Ending) -> Self {
        Self { contact, life, home, ending, memory: None }
    }
}

impl Actor for Session {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.home.neighbours.faults.at(Point::SessionStart);
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.home.neighbours.faults.at(Point::SessionStop);
    }
}

impl Handler<Work> for Session {
    type Result = ();

    fn handle(&mut self, work: Work, context: &mut Context<Self>) {
        self.home.neighbours.faults.at(Point::SessionWork);
        let life = Life { contact: self.contact, number: self.life, home: self.home.clone() };
        let mut memory = self.memory.take();
        if let Some(memory) = &mut memory {
            memory.sends.heard(work.news);
        }
        let run = life.turn(memory, work.waiting);
        context.wait(run.into_actor(self).map(|result, session, context| match result {
            Ok((memory, turned)) => {
                session.memory = Some(memory);
                session.home.post(Mail::Turned(turned));
            }
            // The process is about to end. What waits comes again after the next start.
            Err(StoreError::Closed) => context.stop(),
            Err(error) => {
                tracing::error!(contact.id = session.contact.0, %error, "a turn could not be made durable");
                session.ending.will_be(Exit::Failed);
                context.stop();
            }
        }));
    }
}
