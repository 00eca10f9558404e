//! A session at work: one turn from what waits to what is done about it.

use std::sync::Arc;
use std::time::Duration;

use super::calls::Calls;
use super::fence::{Sifted, Told};
use super::plan::{Alarm, Plan};
use super::record::ContactRecord;
use super::sends::Sends;
use super::{Home, Setting, asking, room, turn};
use crate::actors::board::{Mail, Turned, Waiting};
use crate::actors::fault::Point;
use crate::actors::{ReadReceipts, outbox, supervision};
use crate::conversation::{Context as Setup, Effect, State};
use crate::domain::call::{Answer, Call, CallId};
use crate::domain::contact::ContactId;
use crate::domain::message::{MessageId, ReplyKind};
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::metrics;
use crate::ports::{Held, Lsn, Part, RowId, StoreError, Table};

/// What is kept while awake.
pub(super) struct Memory {
    pub(super) record: Box<ContactRecord>,
    pub(super) calls: Calls,
    heard: Option<MessageId>,
    pub(super) sends: Sends,
    too_many: Told,
    /// What this life wrote down last.
    alarm: Alarm,
    /// Loaded just now: a call the state waits for may be nobody's any more.
    fresh: bool,
}

impl Memory {
    /// Of a record that was loaded just now.
    pub(super) fn of(record: ContactRecord) -> Self {
        Self {
            record: Box::new(record),
            calls: Calls::default(),
            heard: None,
            sends: Sends::default(),
            too_many: Told::default(),
            alarm: Alarm::default(),
            fresh: true,
        }
    }
}

/// A session while it works.
pub(super) struct Life {
    pub(super) contact: ContactId,
    pub(super) number: u64,
    pub(super) home: Home,
}

impl Life {
    async fn load(&self) -> Result<Memory, StoreError> {
        let value = self.home.neighbours.store.get(Table::Contact, ContactRecord::key(self.contact)).await?;
        let record = match value {
            None => ContactRecord::fresh(self.home.neighbours.clock.now()),
            Some(value) => ContactRecord::decode(&value)?,
        };
        Ok(Memory::of(record))
    }

    /// One turn, from what waits to what is done about it.
    pub(super) async fn turn(
        self,
        memory: Option<Box<Memory>>,
        mut waiting: Waiting,
    ) -> Result<(Box<Memory>, Turned), StoreError> {
        let mut memory = match memory {
            Some(memory) => memory,
            None => Box::new(self.load().await?),
        };
        if waiting.only_tidying() {
            return self.tidy(memory).await;
        }
        let neighbours = &self.home.neighbours;
        let fresh = memory.fresh;
        // Just loaded, it cannot know what is under way: the conversation ignores what it does not wait for.
        waiting.answers.retain(|(call, _)| memory.calls.expects(*call) || fresh);
        // What a turn has counted whose end nobody heard is not counted again.
        waiting.blamed = waiting.blamed.filter(|blame| blame.counted_by.is_none_or(|rev| memory.record.rev < rev));
        let now = neighbours.clock.now();
        // The waiting room bounds what it says by itself, and its rows come again when they are served.
        let sifted = match waiting.room {
            None => memory.too_many.sift(&mut waiting.rows, now, || neighbours.fence.admits(self.contact)),
            Some(_) => Sifted::default(),
        };
        let older = self.older(&memory.record, &waiting).await?;
        let plan = {
            let setting = Setting {
                contact: self.contact,
                now,
                texts: &neighbours.texts,
                rules: &neighbours.rules,
                sends: &memory.sends,
                older: &older,
            };
            let script = neighbours.script.as_ref();
            let what = turn::first(&waiting).filter(|_| waiting.blamed.is_none());
            let held = what.map(|what| Held { contact: self.contact, what });
            let mut plan = neighbours.hands.hold(self.home.writer, held, || {
                let free = waiting.blamed.is_none() && memory.record.moved.is_none();
                let room = waiting.room.filter(|_| free);
                let told = room.and_then(|room| room::plan(&setting, &memory.record, &waiting, room));
                told.unwrap_or_else(|| turn::plan(script, &setting, &memory.record, &waiting))
            });
            let too_many = sifted.tell.then(|| script.too_many(&memory.record.state, &neighbours.texts));
            plan.refuse(&setting, &memory.record, sifted.refused, too_many);
            plan
        };
        if let Some(record) = plan.record.as_ref().filter(|_| waiting.blamed.is_some()) {
            self.home.shards.board(self.home.shard).counted_by(self.contact, record.rev);
        }
        let closed = self.commit(&mut memory, plan, &waiting, now).await?;
        self.measure(&waiting, closed);
        neighbours.faults.at(Point::SessionDurable);
        self.resume(&mut memory, now);
        self.act(&mut memory, now);
        let turned = Turned {
            contact: self.contact,
            life: self.number,
            due: [memory.record.wish, memory.calls.due_at()].into_iter().flatten().min(),
            waiting: !memory.calls.is_empty(),
            asking: memory.calls.made(),
        };
        Ok((memory, turned))
    }

    /// Makes the turn durable; what it said is handed over by the store, what it asks is to be made. Gives how many rows it closed.
    async fn commit(
        &self,
        memory: &mut Memory,
        mut plan: Plan,
        waiting: &Waiting,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        plan.count();
        let lanes = self.home.shards.lanes(self.home.shard);
        let taken_back = if plan.recall {
            memory.sends.clear();
            lanes.withdraw(self.contact, |_| true)
        } else if plan.prompts() {
            lanes.withdraw(self.contact, |kind| kind == ReplyKind::Prompt)
        } else {
            Vec::new()
        };
        for (call, _) in waiting.answers.iter().take(plan.answers_done) {
            memory.calls.answered(*call);
        }
        // A session that was just loaded makes the calls of its state only after this turn (`resume`).
        let state = plan.record.as_ref().map_or(&memory.record.state, |record| &record.state);
        let under_way = !memory.calls.is_empty() || (memory.fresh && !self.awaited(memory, state, now).is_empty());
        let alarm = memory.alarm.for_wish(plan.timer(under_way, now), now);
        let pages = match &mut plan.record {
            Some(record) => record.turn_pages(&memory.record, self.contact, now),
            None => Vec::new(),
        };
        let mut parts = plan.parts(self.contact, &ids(&taken_back), alarm);
        parts.extend(pages);
        if !parts.is_empty() {
            let lsn = match self.durable(parts, &mut plan, waiting, &taken_back, now).await {
                Ok(lsn) => lsn,
                Err(error) => {
                    // Whoever writes for this contact now must find them.
                    lanes.push(taken_back);
                    return Err(error);
                }
            };
            // At once: whatever happens to this session from here on, these are closed.
            let board = self.home.shards.board(self.home.shard);
            board.closed(self.contact, plan.closed.iter().map(|(row, _)| *row));
            // The store has handed them to the outbox by now.
            for (row, index) in plan.replies.drain(..).zip(0..) {
                memory.sends.note(RowId { lsn, index }, row.message);
            }
        }
        for (call, answer) in waiting.answers.iter().skip(plan.answers_done) {
            self.home.shards.board(self.home.shard).answer(self.contact, *call, answer.clone());
        }
        if let Some(record) = plan.record {
            memory.record = record;
            if alarm != Alarm::AsWritten {
                memory.alarm = alarm;
            }
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
        Ok(plan.closed.len())
    }

    /// Commits a turn; one whose record is too large is given up, its rows set aside.
    async fn durable(
        &self,
        parts: Vec<Part>,
        plan: &mut Plan,
        waiting: &Waiting,
        taken_back: &[outbox::Send],
        now: Timestamp,
    ) -> Result<Lsn, StoreError> {
        match self.home.commit(parts).await {
            Err(StoreError::TooLarge { bytes, .. }) => {
                tracing::error!(contact.id = self.contact.0, bytes, "a contact's record is too large");
                plan.give_up(self.contact, waiting, now);
                self.home.commit(plan.parts(self.contact, &ids(taken_back), Alarm::AsWritten)).await
            }
            other => other,
        }
    }

    /// From the acceptance of the oldest row to here, where it is durable.
    fn measure(&self, waiting: &Waiting, closed: usize) {
        let Some(first) = waiting.rows.first().filter(|_| closed > 0) else { return };
        let took_ms = self.home.neighbours.clock.now().since_ms(first.1.accepted_at);
        metrics::turn_ended("durable", Duration::from_millis(u64::try_from(took_ms).unwrap_or_default()));
    }

    /// After a load: a call the state waits for is made again, under its own id.
    fn resume(&self, memory: &mut Memory, now: Timestamp) {
        if !std::mem::take(&mut memory.fresh) {
            return;
        }
        for (call, after_s) in self.awaited(memory, &memory.record.state, now) {
            memory.calls.add(call, now.plus_ms(i64::from(after_s) * SECOND_MS));
        }
    }

    /// The calls that a state waits for, each with the seconds to wait first.
    fn awaited(&self, memory: &Memory, state: &State, now: Timestamp) -> Vec<(Call, u32)> {
        let neighbours = &self.home.neighbours;
        let context = Setup {
            now,
            contact: self.contact,
            call: CallId(memory.record.rev + 1),
            identity: &memory.record.identity,
            texts: &neighbours.texts,
            rules: &neighbours.rules,
            quoted: &|message| memory.sends.find(message),
        };
        let calls = neighbours.script.resume(state, &context).into_iter();
        calls
            .filter_map(|effect| if let Effect::Call { call, after_s } = effect { Some((call, after_s)) } else { None })
            .collect()
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

    /// A courtesy: it spends the number's and the citizen's budget while there is enough, and nothing waits for it.
    fn receipt(&self, memory: &Memory, typing: bool) {
        let (Some(message), Some((number, _))) = (memory.heard.clone(), memory.record.reply_to.clone()) else {
            return;
        };
        let neighbours = &self.home.neighbours;
        let (lanes, low) = (self.home.shards.lanes(self.home.shard), neighbours.figures.pair_low);
        if !lanes.spend(&number, self.contact, neighbours.clock.now(), low) || !neighbours.budgets.take(&number) {
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

fn ids(sends: &[outbox::Send]) -> Vec<RowId> {
    sends.iter().map(|send| send.id).collect()
}
