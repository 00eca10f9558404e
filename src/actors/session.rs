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
pub mod home;
mod ours;
pub mod plan;
pub mod record;
pub mod turn;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};

use super::board::{Mail, Turned, Waiting};
use super::supervision::{Ending, Exit};
use super::{ReadReceipts, outbox, supervision};
use crate::conversation::text::Texts;
use crate::conversation::{Context as Setup, Effect, Event, Reply, Rules, State, Step};
use crate::domain::call::{Answer, CallId};
use crate::domain::certificate::Language;
use crate::domain::contact::ContactId;
use crate::domain::message::{MessageId, ReplyKind};
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::metrics;
use crate::ports::{RowId, StoreError, Table};

use calls::Calls;
pub use home::Home;
pub use ours::Ours;
use plan::Plan;
use record::ContactRecord;

/// The conversation as a session uses it. One implementation serves citizens ([`Ours`]); tests have others.
pub trait Script: Send + Sync + 'static {
    fn step(&self, state: State, events: Vec<Event>, context: &Setup<'_>) -> Step;
    fn resume(&self, state: &State, context: &Setup<'_>) -> Vec<Effect>;
    /// The neutral word for something that could not be handled.
    fn apology(&self, state: &State, texts: &Texts) -> Reply;
    fn language(&self, state: &State) -> Language;
}

/// What a turn knows of the world.
pub struct Setting<'a> {
    pub contact: ContactId,
    pub now: Timestamp,
    pub texts: &'a Texts,
    pub rules: &'a Rules,
}

/// One turn's work. The shard sends it only when the last one is over.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Work(pub Waiting);

/// The actor.
pub struct Session {
    contact: ContactId,
    life: u64,
    home: Home,
    ending: Ending,
    memory: Option<Memory>,
}

/// What is kept while awake.
struct Memory {
    record: ContactRecord,
    calls: Calls,
    heard: Option<MessageId>,
    /// Loaded just now: a call the state waits for may be nobody's any more.
    fresh: bool,
}

impl Session {
    pub fn new(contact: ContactId, life: u64, home: Home, ending: Ending) -> Self {
        Self { contact, life, home, ending, memory: None }
    }
}

impl Actor for Session {
    type Context = Context<Self>;
}

impl Handler<Work> for Session {
    type Result = ();

    fn handle(&mut self, work: Work, context: &mut Context<Self>) {
        let life = Life { contact: self.contact, number: self.life, home: self.home.clone() };
        let memory = self.memory.take();
        let run = async move { life.turn(memory, work.0).await };
        context.wait(run.into_actor(self).map(|result, session, context| match result {
            Ok((memory, turned)) => {
                session.memory = Some(memory);
                session.home.post(Mail::Turned(turned));
            }
            Err(error) => {
                tracing::error!(contact.id = session.contact.0, %error, "a turn could not be made durable");
                session.ending.will_be(Exit::Failed);
                context.stop();
            }
        }));
    }
}

/// A session while it works.
struct Life {
    contact: ContactId,
    number: u64,
    home: Home,
}

impl Life {
    async fn load(&self) -> Result<Memory, StoreError> {
        let value = self.home.neighbours.store.get(Table::Contact, ContactRecord::key(self.contact)).await?;
        let record = match value {
            None => ContactRecord::default(),
            Some(value) => ContactRecord::decode(&value)?,
        };
        Ok(Memory { record, calls: Calls::default(), heard: None, fresh: true })
    }

    async fn turn(&self, memory: Option<Memory>, mut waiting: Waiting) -> Result<(Memory, Turned), StoreError> {
        let mut memory = match memory {
            Some(memory) => memory,
            None => self.load().await?,
        };
        let neighbours = &self.home.neighbours;
        let fresh = memory.fresh;
        // Just loaded, it cannot know what is under way: the conversation ignores what it does not wait for.
        waiting.answers.retain(|(call, _)| memory.calls.expects(*call) || fresh);
        let now = neighbours.clock.now();
        let setting = Setting { contact: self.contact, now, texts: &neighbours.texts, rules: &neighbours.rules };
        let plan = turn::plan(neighbours.script.as_ref(), &setting, &memory.record, &waiting);
        let started = tokio::time::Instant::now();
        let closed = self.commit(&mut memory, plan, &waiting, now).await?;
        if !closed.is_empty() {
            metrics::turn_ended("durable", started.elapsed());
        }
        self.resume(&mut memory, now);
        self.act(&mut memory, now);
        let turned = Turned {
            contact: self.contact,
            life: self.number,
            closed,
            due: [memory.record.wish, memory.calls.due_at()].into_iter().flatten().min(),
            waiting: !memory.calls.is_empty(),
            asking: memory.calls.made(),
        };
        Ok((memory, turned))
    }

    /// Makes the turn durable, then hands over what it said and asks. Gives the rows it closed.
    async fn commit(
        &self,
        memory: &mut Memory,
        mut plan: Plan,
        waiting: &Waiting,
        now: Timestamp,
    ) -> Result<Vec<RowId>, StoreError> {
        plan.count();
        let lanes = self.home.shards.lanes(self.home.shard);
        let withdrawn = if plan.recall {
            lanes.withdraw(self.contact, |_| true)
        } else if plan.prompts() {
            lanes.withdraw(self.contact, |kind| kind == ReplyKind::Prompt)
        } else {
            Vec::new()
        };
        for (call, _) in waiting.answers.iter().take(plan.answers_done) {
            memory.calls.answered(*call);
        }
        let timer = plan.timer(!memory.calls.is_empty(), now);
        let parts = plan.parts(self.contact, &withdrawn, timer);
        if !parts.is_empty() {
            let lsn = match self.home.commit(parts).await {
                Err(StoreError::TooLarge { bytes, .. }) => {
                    tracing::error!(contact.id = self.contact.0, bytes, "a contact's record is too large");
                    plan.give_up(self.contact, waiting, now);
                    self.home.commit(plan.parts(self.contact, &withdrawn, None)).await?
                }
                other => other?,
            };
            let sends =
                plan.replies.drain(..).zip(0..).map(|(row, index)| outbox::Send::new(RowId { lsn, index }, row));
            lanes.push(self.contact, sends.collect());
        }
        for (call, answer) in waiting.answers.iter().skip(plan.answers_done) {
            self.home.shards.board(self.home.shard).answer(self.contact, *call, answer.clone());
        }
        if let Some(record) = plan.record {
            memory.record = record;
        }
        if plan.heard.is_some() {
            memory.heard = plan.heard;
            if self.home.neighbours.figures.read_receipts == ReadReceipts::Always {
                self.receipt(memory, false);
            }
        }
        for (call, after_s) in plan.calls {
            memory.calls.add(call, now.plus_ms(i64::from(after_s) * SECOND_MS));
        }
        Ok(plan.closed)
    }

    /// After a load: a call the state waits for is made again, under its own id.
    fn resume(&self, memory: &mut Memory, now: Timestamp) {
        if !std::mem::take(&mut memory.fresh) {
            return;
        }
        let neighbours = &self.home.neighbours;
        let context = Setup {
            now,
            contact: self.contact,
            call: CallId(memory.record.rev + 1),
            identity: &memory.record.identity,
            texts: &neighbours.texts,
            rules: &neighbours.rules,
            quoted: &|_| None,
        };
        for effect in neighbours.script.resume(&memory.record.state, &context) {
            if let Effect::Call { call, after_s } = effect {
                memory.calls.add(call, now.plus_ms(i64::from(after_s) * SECOND_MS));
            }
        }
    }

    /// Makes the calls that are due, and shows the citizen when one takes long.
    fn act(&self, memory: &mut Memory, now: Timestamp) {
        let neighbours = &self.home.neighbours;
        let due = memory.calls.due(now, neighbours.figures.slow_after_ms);
        let language = neighbours.script.language(&memory.record.state);
        for call in due.make {
            asking::make(&self.home, self.contact, &memory.record, call, language);
        }
        for call in due.given_up {
            let answer = Mail::Answer { contact: self.contact, call, answer: Answer::Down };
            self.home.post(answer);
        }
        if due.slow && neighbours.figures.read_receipts == ReadReceipts::WhenSlow {
            self.receipt(memory, true);
        }
    }

    /// A courtesy: it spends the number's budget, and nothing waits for it.
    fn receipt(&self, memory: &Memory, typing: bool) {
        let (Some(message), Some((number, _))) = (memory.heard.clone(), memory.record.reply_to.clone()) else {
            return;
        };
        let neighbours = &self.home.neighbours;
        if !neighbours.budgets.take(&number) {
            return;
        }
        let within = Duration::from_millis(neighbours.figures.send_timeout_ms);
        let channel = Arc::clone(&self.home.lines().channel);
        let mark = async move {
            tokio::time::timeout(within, channel.mark_read(number, message, typing)).await.is_ok_and(|r| r.is_ok())
        };
        supervision::task(mark, |marked| {
            metrics::send_ended(if marked == Ok(true) { "read_receipt" } else { "read_receipt_failed" });
        });
    }
}
