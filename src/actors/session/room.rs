//! A turn in the waiting room: the citizen is told where he stands, or turned away; nothing is handled.
//!
//! The gate decides who waits without knowing more than that no session is in progress. What it cannot know is
//! looked at here: whoever is in the middle of something after all, who sends what acts at any time, and what was
//! handled before, is served. How often he was told is in his record, so that a restart does not tell him anew.

use super::Setting;
use super::plan::Plan;
use super::record::ContactRecord;
use crate::actors::board::{Room, Waiting};
use crate::conversation::{self, age};
use crate::domain::message::{Content, Inbound};
use crate::ports::{Closing, InboxBody, RowId};

/// Replies a citizen gets from the waiting room until he is served.
const TOLD_MAX: u8 = 2;

/// What becomes of who is told something instead of being served; `None`: he is to be served.
pub(super) fn plan(setting: &Setting<'_>, record: &ContactRecord, waiting: &Waiting, room: Room) -> Option<Plan> {
    let messages: Vec<(RowId, &Inbound)> = waiting
        .rows
        .iter()
        .filter_map(|(id, row)| match &row.body {
            InboxBody::Message(message) => Some((*id, message)),
            InboxBody::Notice(_) | InboxBody::Called { .. } | InboxBody::Parent(_) => None,
        })
        .collect();
    if messages.len() < waiting.rows.len()
        || record.state.is_live(setting.now, setting.rules)
        || messages.iter().any(|(_, message)| age::acts_at_any_age(&message.content))
        || messages.iter().all(|(_, message)| record.seen.has(&message.id) || setting.older.has(&message.id))
    {
        return None;
    }
    let mut record = record.clone();
    for (_, message) in &messages {
        record.heard(message, setting.now);
    }
    let heard: Vec<&Content> = messages.iter().map(|(_, message)| &message.content).collect();
    let mut plan = Plan::default();
    let (tells, reply) = match room {
        Room::Waits { place, again } => {
            let told_max = if again { TOLD_MAX } else { 1 };
            (record.told < told_max, conversation::waiting_room(&record.state, &heard, place, setting.texts))
        }
        Room::Full { minutes, tell } => {
            for (id, message) in &messages {
                record.seen.note(&message.id, setting.now);
                plan.closed.push((*id, Closing::Refused));
            }
            plan.news.turned_away = messages.len();
            (tell && record.told < TOLD_MAX, conversation::room_full(&record.state, &heard, minutes, setting.texts))
        }
    };
    if tells {
        record.told += 1;
        plan.say(setting, &record, reply);
    }
    if tells || !plan.closed.is_empty() {
        record.rev += 1;
        plan.record = Some(Box::new(record));
    }
    Some(plan)
}
