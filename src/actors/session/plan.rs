//! What a turn came to: the next record, what to write down with it, and what to do once that is durable.

use std::sync::Arc;

use super::Setting;
use super::record::ContactRecord;
use crate::actors::board::Waiting;
use crate::conversation::Reply;
use crate::domain::call::Call;
use crate::domain::contact::ContactId;
use crate::domain::message::{MessageId, ReplyKind, Urgency};
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::metrics;
use crate::ports::{Closing, DeadLetter, DeadReason, InboxRow, OutboxRow, Part, RowId, Settlement, Table};

/// A call that is under way when its turn is durable: after a restart the contact is looked at this soon.
const RESUME_AFTER_MS: i64 = 1_000;

/// A later wish is written down anew only when the earlier one, which stands in the table, is nearer than this: after
/// a restart a contact looked at too early is looked at for nothing, and most wishes grow with every turn.
const ALARM_NEAR_MS: i64 = MINUTE_MS;

/// When the store says that a contact is to be looked at after a restart, if at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alarm {
    /// As it is written, whatever that is.
    #[default]
    AsWritten,
    At(Option<Timestamp>),
}

impl Alarm {
    /// What has to be written so that nobody who wants to be woken sleeps past `wanted`; `self` is what was written.
    #[must_use]
    pub fn for_wish(self, wanted: Option<Timestamp>, now: Timestamp) -> Self {
        match (self, wanted) {
            (Self::At(None), None) => Self::AsWritten,
            (Self::At(Some(written)), Some(wanted)) if written <= wanted && written > now.plus_ms(ALARM_NEAR_MS) => {
                Self::AsWritten
            }
            _ => Self::At(wanted),
        }
    }
}

/// What a turn came to.
#[derive(Debug, Default)]
pub struct Plan {
    /// The record from here on; `None`: as it was.
    pub record: Option<Box<ContactRecord>>,
    /// Rows that end with this turn, and how.
    pub closed: Vec<(RowId, Closing)>,
    pub replies: Vec<OutboxRow>,
    pub dead: Vec<DeadLetter>,
    /// Rows for another contact: the one that this turned out to be.
    pub opened: Vec<InboxRow>,
    /// Calls to make, each with the seconds to wait first.
    pub calls: Vec<(Call, u32)>,
    /// Open sends are taken back: their citizen asked to be forgotten, or their address may be another's now.
    pub recall: bool,
    /// How many of the waiting answers this turn handled; the others wait on.
    pub answers_done: usize,
    /// The newest message heard: what a read receipt names.
    pub heard: Option<MessageId>,
    /// What happened, for the metrics.
    pub news: News,
}

/// Countable things of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    pub messages: usize,
    pub duplicates: usize,
    /// Refused by policy: they were too long on their way.
    pub too_old: usize,
    /// Refused by policy: more than is read of one chat within a minute.
    pub too_many: usize,
    /// Read, and nothing of their own said: fillers, and all of a burst but the last.
    pub absorbed: usize,
    /// Refused by policy: the waiting room was full.
    pub turned_away: usize,
    pub panics: usize,
    /// Replies that had nowhere to go.
    pub unaddressed: usize,
}

/// A row that cannot be handled, as an operator finds it.
pub fn poison(contact: ContactId, at: Timestamp, row: Option<&InboxRow>) -> DeadLetter {
    let body = row.and_then(|row| postcard::to_stdvec(&row.body).ok()).unwrap_or_default();
    DeadLetter { at, reason: DeadReason::Poison, contact: Some(contact), body }
}

impl Plan {
    pub(super) fn say(&mut self, setting: &Setting<'_>, record: &ContactRecord, reply: Reply) {
        let Some((number, to)) = record.reply_to.clone() else {
            self.news.unaddressed += 1;
            return;
        };
        self.replies.push(OutboxRow {
            contact: setting.contact,
            number,
            to,
            kind: reply.kind,
            message: Arc::new(reply.message),
            epoch: reply.epoch,
            born_at: setting.now,
            urgency: match reply.kind {
                ReplyKind::Notice => Urgency::Notice,
                _ if record.state.is_live(setting.now, setting.rules) => Urgency::Session,
                ReplyKind::Prompt | ReplyKind::Answer | ReplyKind::Document => Urgency::Reply,
            },
            window_until: record.window_until(),
            place: None,
        });
    }

    /// The record cannot be written: what waits is set aside whole, and the contact stays as it was.
    pub fn give_up(&mut self, contact: ContactId, waiting: &Waiting, now: Timestamp) {
        *self = Self { answers_done: waiting.answers.len(), ..Self::default() };
        for (id, row) in &waiting.rows {
            self.closed.push((*id, Closing::DeadLettered));
            self.dead.push(poison(contact, now, Some(row.as_ref())));
        }
    }

    /// Says how the rows that made the turn ended: the newest has the answer, those before it are of one burst; a
    /// turn that says and asks nothing has read them all.
    pub(super) fn close(&mut self, rows: impl Iterator<Item = RowId>) {
        let answers = !self.replies.is_empty() || !self.calls.is_empty();
        let first = self.closed.len();
        self.closed.extend(rows.map(|row| (row, Closing::Absorbed)));
        if answers && let Some((_, how)) = self.closed[first..].iter_mut().max_by_key(|(row, _)| *row) {
            *how = Closing::Answered;
        }
        self.news.absorbed = self.closed.len() - first - usize::from(answers && self.closed.len() > first);
        self.closed.sort_unstable_by_key(|(row, _)| *row);
    }

    /// Refuses what came too fast; the first time within a minute that is said.
    pub(super) fn refuse(
        &mut self,
        setting: &Setting<'_>,
        record: &ContactRecord,
        rows: Vec<RowId>,
        told: Option<Reply>,
    ) {
        self.news.too_many = rows.len();
        self.closed.extend(rows.into_iter().map(|row| (row, Closing::Refused)));
        self.closed.sort_unstable_by_key(|(row, _)| *row);
        if let Some(reply) = told {
            let known = self.record.clone();
            self.say(setting, known.as_deref().unwrap_or(record), reply);
        }
    }

    /// Whether a new question is among the replies.
    pub fn prompts(&self) -> bool {
        self.replies.iter().any(|row| row.kind == ReplyKind::Prompt)
    }

    /// When the contact is to be looked at after a restart: its wish, or soon when calls are under way.
    pub fn timer(&self, calls_under_way: bool, now: Timestamp) -> Option<Timestamp> {
        let resume = (calls_under_way || !self.calls.is_empty()).then(|| now.plus_ms(RESUME_AFTER_MS));
        let wish = self.record.as_ref().and_then(|record| record.wish);
        [wish, resume].into_iter().flatten().min()
    }

    /// Tells the metrics.
    pub fn count(&self) {
        (0..self.news.duplicates).for_each(|_| metrics::message_absorbed("duplicate"));
        (0..self.news.too_old).for_each(|_| metrics::message_refused("too_old"));
        (0..self.news.too_many).for_each(|_| metrics::message_refused("too_many"));
        (0..self.news.absorbed).for_each(|_| metrics::message_absorbed("no_answer_of_its_own"));
        (0..self.news.turned_away).for_each(|_| metrics::message_refused("room_full"));
        (0..self.news.panics).for_each(|_| metrics::turn_panicked());
        (0..self.news.unaddressed).for_each(|_| metrics::send_ended("unaddressed"));
        self.dead.iter().for_each(|_| metrics::dead_lettered("poison"));
    }

    /// The parts of the journal record. Withdrawn rows are the older questions that never left.
    pub fn parts(&self, contact: ContactId, withdrawn: &[RowId], alarm: Alarm) -> Vec<Part> {
        let mut parts = Vec::with_capacity(2 + self.closed.len() + self.replies.len() + withdrawn.len());
        if let Some(record) = &self.record {
            let key = ContactRecord::key(contact);
            parts.push(Part::Put { table: Table::Contact, key, value: record.encode() });
            if let Alarm::At(at) = alarm {
                parts.push(Part::Timer { contact, at });
            }
        }
        parts.extend(self.closed.iter().map(|(row, how)| Part::CloseInbox(*row, *how)));
        parts.extend(self.dead.iter().cloned().map(Part::DeadLetter));
        parts.extend(withdrawn.iter().map(|row| Part::CloseOutbox { row: *row, how: Settlement::Withdrawn }));
        parts.extend(self.opened.iter().cloned().map(Part::OpenInbox));
        parts.extend(self.replies.iter().cloned().map(Part::OpenOutbox));
        parts
    }
}
