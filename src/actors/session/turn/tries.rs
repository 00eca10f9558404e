//! What harms the one who handles it: named, tried three times, then set aside alone.
//!
//! The count of tries is part of the contact's record, so that a restart does not begin it anew. What is set aside
//! becomes a dead letter, its citizen gets one apology, and his next message is served.

use crate::actors::board::Waiting;
use crate::ports::{Closing, InboxBody, Troubling};

use super::super::plan::{News, Plan, poison};
use super::super::record::ContactRecord;
use super::super::{Script, Setting};

/// A message is tried so often before it is set aside.
pub const TRIES_MAX: u8 = 3;

/// What a turn of this would handle first: what is named when it takes the session, the thread or the process
/// with it.
pub fn first(waiting: &Waiting) -> Option<Troubling> {
    if let Some((call, _)) = waiting.answers.first() {
        return Some(Troubling::Answer(*call));
    }
    waiting.rows.first().map(|(row, _)| Troubling::Row(*row)).or_else(|| waiting.due.then_some(Troubling::Wake))
}

/// A row that was closed meanwhile is nobody's trouble.
pub(super) fn still_there(waiting: &Waiting, what: Troubling) -> bool {
    match what {
        Troubling::Row(id) => waiting.rows.iter().any(|(row, _)| *row == id),
        Troubling::Answer(_) | Troubling::Wake => true,
    }
}

/// The first thing that waits, alone.
pub(super) fn first_of(waiting: &Waiting) -> Waiting {
    if let Some(answer) = waiting.answers.first() {
        return Waiting { answers: vec![answer.clone()], ..Waiting::default() };
    }
    match waiting.rows.first() {
        Some(row) => Waiting { rows: vec![row.clone()], ..Waiting::default() },
        None => Waiting { due: waiting.due, ..Waiting::default() },
    }
}

/// Counts the try; after the last one the event is put aside.
pub(super) fn set_aside(
    script: &dyn Script,
    setting: &Setting<'_>,
    record: &ContactRecord,
    waiting: &Waiting,
    what: Troubling,
) -> Plan {
    let mut record = record.clone();
    if record.tried(what) >= TRIES_MAX {
        return conclude(script, setting, record, waiting, what);
    }
    record.rev += 1;
    Plan { news: News { panics: 1, ..News::default() }, record: Some(Box::new(record)), ..Plan::default() }
}

/// The last try was made: the event is put aside, its citizen told, and the conversation goes on with the next.
pub(super) fn conclude(
    script: &dyn Script,
    setting: &Setting<'_>,
    mut record: ContactRecord,
    waiting: &Waiting,
    what: Troubling,
) -> Plan {
    let mut plan = Plan { news: News { panics: 1, ..News::default() }, ..Plan::default() };
    record.rev += 1;
    record.trouble = None;
    match what {
        Troubling::Row(id) => {
            if let Some((_, row)) = waiting.rows.iter().find(|(row, _)| *row == id) {
                if let InboxBody::Message(message) = &row.body {
                    record.seen.note(&message.id, setting.now);
                    record.heard(message, setting.now);
                }
                plan.closed.push((id, Closing::DeadLettered));
                plan.dead.push(poison(setting.contact, setting.now, Some(row)));
                plan.say(setting, &record, script.apology(&record.state, setting.texts));
            }
        }
        // A state that cannot take its own answer would wait for ever: start afresh, logged out.
        Troubling::Answer(call) => {
            record.state = crate::conversation::State::default();
            plan.answers_done = usize::from(waiting.answers.first().is_some_and(|(first, _)| *first == call));
            plan.say(setting, &record, script.apology(&record.state, setting.texts));
        }
        Troubling::Wake => record.wish = None,
    }
    plan.record = Some(Box::new(record));
    plan
}
