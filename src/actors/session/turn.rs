//! One turn, thought through: what waits for a contact becomes the next record and one journal record.
//!
//! No waiting and no I/O in here: given the record, what waits and the moment, it says what to write and what to
//! do once that is durable. A panic of the conversation stays inside: the turn is tried again with the first
//! event alone, three times in all over restarts, then that event is put aside and the citizen told.

mod tries;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::actors::board::{Blame, Waiting};
use crate::conversation::{Context, Effect, Event, Legacy, Notice, Step, age};
use crate::domain::call::CallId;
use crate::domain::contact::ContactId;
use crate::domain::message::{Inbound, MessageId};
use crate::domain::time::Timestamp;
use crate::ports::{Closing, InboxBody, InboxRow, RowId, Troubling};

use super::plan::{News, Plan};
use super::record::{ContactRecord, Trouble};
use super::{Script, Setting};
use tries::{conclude, first_of, set_aside, still_there};

pub use tries::{TRIES_MAX, first};

/// The events of one turn, each with the row it came in.
struct Agenda {
    events: Vec<(Event, Troubling)>,
    /// Rows that need no step: duplicates, and what was too long on its way.
    spent: Vec<(RowId, Closing)>,
    record: Box<ContactRecord>,
    heard: Option<MessageId>,
    recall: bool,
    /// This contact turned out to be that one.
    moved: Option<ContactId>,
    news: News,
}

fn agenda(record: &ContactRecord, waiting: &Waiting, setting: &Setting<'_>) -> Agenda {
    let now = setting.now;
    let mut agenda = Agenda {
        events: Vec::new(),
        spent: Vec::new(),
        record: Box::new(record.clone()),
        heard: None,
        recall: false,
        moved: None,
        news: News::default(),
    };
    // Answers first: they belong to what was asked before the messages came.
    for (call, answer) in &waiting.answers {
        agenda.events.push((Event::Answer { call: *call, answer: answer.clone() }, Troubling::Answer(*call)));
    }
    for (id, row) in &waiting.rows {
        match &row.body {
            InboxBody::Message(message) => agenda.message(*id, message, row.accepted_at, setting),
            InboxBody::Notice(notice) => {
                agenda.notice(notice);
                agenda.events.push((Event::Notice(notice.clone()), Troubling::Row(*id)));
            }
            InboxBody::Called { number, at } => {
                agenda.record.called(number, *at, now);
                agenda.spent.push((*id, Closing::Absorbed));
            }
            InboxBody::Parent(bsuid) => {
                agenda.record.parent = Some(bsuid.clone());
                agenda.spent.push((*id, Closing::Absorbed));
            }
        }
    }
    if waiting.due && agenda.record.wish.is_some_and(|wish| wish <= now) {
        agenda.record.wish = None;
        agenda.events.push((Event::Wake, Troubling::Wake));
    }
    agenda
}

impl Agenda {
    /// What a notice does to the record; what it means to the conversation is the conversation's.
    fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::IdentityChanged => {
                self.record.lost_phone();
                self.recall = true;
            }
            Notice::Merged { from } => self.record.was(*from),
            Notice::Absorbed(legacy) => self.record.seen.absorb(&legacy.seen),
            Notice::MovedTo { into, recall } => {
                self.moved = Some(*into);
                self.recall |= *recall;
            }
            Notice::LoginEnded | Notice::TicketMoved { .. } => {}
        }
    }

    fn message(&mut self, id: RowId, message: &Inbound, accepted_at: Timestamp, setting: &Setting<'_>) {
        self.news.messages += 1;
        if setting.older.has(&message.id) || !self.record.seen.note(&message.id, setting.now) {
            self.news.duplicates += 1;
            self.spent.push((id, Closing::Absorbed));
            return;
        }
        let Some(event) = age::taken_as(message.clone(), accepted_at, setting.rules) else {
            self.news.too_old += 1;
            self.spent.push((id, Closing::Refused));
            return;
        };
        self.record.heard(message, setting.now);
        self.heard = Some(message.id.metas());
        self.events.push((event, Troubling::Row(id)));
    }
}

/// Thinks a turn through.
pub fn plan(script: &dyn Script, setting: &Setting<'_>, record: &ContactRecord, waiting: &Waiting) -> Plan {
    if let Some(into) = record.moved {
        return pass_on(waiting, into);
    }
    let waiting = &*up_to_a_move(waiting);
    match (waiting.blamed, &record.trouble) {
        // It took a session, a thread or the process with it: that was a try, and its count comes first.
        (Some(Blame { what, .. }), _) if still_there(waiting, what) => {
            return set_aside(script, setting, record, waiting, what);
        }
        (_, Some(Trouble { what, tries })) if *tries >= TRIES_MAX => {
            return conclude(script, setting, record.clone(), waiting, *what);
        }
        _ => {}
    }
    if record.trouble.is_some() {
        // Whatever it was: one thing alone, until it is known which one harms.
        return alone(script, setting, record, waiting, 0);
    }
    let whole = agenda(record, waiting, setting);
    if whole.events.is_empty() {
        let called = whole.record.heard_at != record.heard_at;
        let record = called.then(|| Box::new(ContactRecord { rev: record.rev + 1, ..*whole.record }));
        return Plan { record, closed: whole.spent, news: whole.news, ..Plan::default() };
    }
    if let Some(mut plan) = attempt(script, setting, whole) {
        plan.answers_done = waiting.answers.len();
        return plan;
    }
    // Somewhere in it is an event that panics. The first one alone tells whether it is that one; the others
    // stay where they are and come again.
    alone(script, setting, record, waiting, 1)
}

/// The first thing that waits, without the others. `panics`: so many there were in this turn already.
fn alone(script: &dyn Script, setting: &Setting<'_>, record: &ContactRecord, waiting: &Waiting, panics: usize) -> Plan {
    let alone = agenda(record, &first_of(waiting), setting);
    let Some((_, what)) = alone.events.first().cloned() else {
        return Plan { closed: alone.spent, news: News { panics, ..alone.news }, ..Plan::default() };
    };
    if let Some(mut plan) = attempt(script, setting, alone) {
        plan.news.panics = panics;
        plan.answers_done = usize::from(matches!(what, Troubling::Answer(_)));
        return plan;
    }
    set_aside(script, setting, record, waiting, what)
}

/// What waits, up to the notice that moves the contact away; that one is a turn by itself.
fn up_to_a_move(waiting: &Waiting) -> Cow<'_, Waiting> {
    let moves = |row: &InboxRow| matches!(notice_of(row), Some(Notice::MovedTo { .. }));
    match waiting.rows.iter().position(|(_, row)| moves(row)) {
        Some(place) if place.max(1) < waiting.rows.len() => {
            let mut before = waiting.clone();
            before.rows.truncate(place.max(1));
            Cow::Owned(before)
        }
        Some(_) | None => Cow::Borrowed(waiting),
    }
}

fn notice_of(row: &InboxRow) -> Option<&Notice> {
    if let InboxBody::Notice(notice) = &row.body { Some(notice) } else { None }
}

/// The contact is only a name of another: what comes for it is that one's.
fn pass_on(waiting: &Waiting, into: ContactId) -> Plan {
    let mut plan = Plan { answers_done: waiting.answers.len(), ..Plan::default() };
    for (id, row) in &waiting.rows {
        plan.closed.push((*id, Closing::Absorbed));
        // These two are about the name itself.
        if !matches!(notice_of(row), Some(Notice::MovedTo { .. } | Notice::IdentityChanged)) {
            plan.opened.push(InboxRow { contact: into, ..row.as_ref().clone() });
        }
    }
    plan
}

fn attempt(script: &dyn Script, setting: &Setting<'_>, agenda: Agenda) -> Option<Plan> {
    let Agenda { events, spent, mut record, heard, recall, moved, news } = agenda;
    let row_of = |what: &Troubling| match what {
        Troubling::Row(id) => Some(*id),
        Troubling::Answer(_) | Troubling::Wake => None,
    };
    let rows: Vec<RowId> = events.iter().filter_map(|(_, what)| row_of(what)).collect();
    let closed = spent;
    let only_answers = closed.is_empty() && events.iter().all(|(_, what)| matches!(what, Troubling::Answer(_)));
    let events = events.into_iter().map(|(event, _)| event).collect();
    let before;
    let step = {
        let context = Context {
            now: setting.now,
            contact: setting.contact,
            call: CallId(record.rev + 1),
            identity: &record.identity,
            texts: setting.texts,
            rules: setting.rules,
            quoted: &|message| setting.sends.find(message),
        };
        // What panics here is thought through again from the record as it was, not from this copy of it.
        let state = std::mem::take(&mut record.state);
        before = only_answers.then(|| state.clone());
        catch_unwind(AssertUnwindSafe(|| script.step(state, events, &context))).ok()?
    };
    let Step { state, effects, wake_at } = step;
    if effects.is_empty() && before.as_ref() == Some(&state) && wake_at == record.wish {
        // An answer nobody waits for any more: nothing to write down.
        return Some(Plan { closed, news, ..Plan::default() });
    }
    record.rev += 1;
    record.state = state;
    record.wish = wake_at;
    record.trouble = None;
    record.told = 0;
    let mut plan = Plan { closed, recall, heard, news, ..Plan::default() };
    for effect in effects {
        match effect {
            Effect::Say(reply) => plan.say(setting, &record, reply),
            Effect::Call { call, after_s } => plan.calls.push((call, after_s)),
            // A turn closes its rows, and nothing else of a message's text rests anywhere.
            Effect::Purge(_) => {}
            Effect::Erase => plan.recall = true,
        }
    }
    plan.close(rows.into_iter());
    if let Some(into) = moved {
        let legacy = Legacy { seen: record.seen.ids(setting.older), strict: record.state.strict() };
        let body = InboxBody::Notice(Notice::Absorbed(Box::new(legacy)));
        plan.opened.push(InboxRow { contact: into, accepted_at: setting.now, body });
        record.becomes(into);
    }
    plan.record = Some(record);
    Some(plan)
}

#[cfg(test)]
mod tests;
