//! What a dead letter is, told without a word of it: names of a closed set, counts, our own numbers' ids.

use std::collections::BTreeMap;

use crate::domain::message::{DeadReason, Inbound, Outbound, ReplyKind};
use crate::ports::{DeadLetter, InboxBody, OutboxRow};
use crate::wire::payload::{self, Part};

const UNREAD: &str = "this server cannot read what it holds";

pub(super) fn of(letter: &DeadLetter) -> String {
    match letter.reason {
        DeadReason::Poison | DeadReason::CrashLoop => match postcard::from_bytes(&letter.body) {
            Ok(InboxBody::Message(message)) => inbound(message),
            Ok(InboxBody::Notice(_)) => "a notice of this server to the conversation".to_owned(),
            Ok(InboxBody::Called { .. }) => "a citizen's call".to_owned(),
            Ok(InboxBody::Parent(_)) => "a citizen's parent id".to_owned(),
            Err(_) => UNREAD.to_owned(),
        },
        DeadReason::UnknownNumber => postcard::from_bytes(&letter.body).map_or_else(|_| UNREAD.to_owned(), inbound),
        DeadReason::NotUnderstood | DeadReason::NoSender => webhook(letter),
        DeadReason::Unsendable => {
            postcard::from_bytes(&letter.body).map_or_else(|_| UNREAD.to_owned(), |row| reply(&row))
        }
    }
}

fn inbound(message: Inbound) -> String {
    let to = number(&message.to.0).to_owned();
    format!("a citizen's message ({}) to number {to}", Part::Message(message).name())
}

fn reply(row: &OutboxRow) -> String {
    let kind = match row.kind {
        ReplyKind::Prompt => "a question",
        ReplyKind::Answer => "an answer",
        ReplyKind::Document => "a document",
        ReplyKind::Notice => "a notice",
    };
    let form = match row.message.as_ref() {
        Outbound::Text { .. } => "text",
        Outbound::Buttons { .. } => "buttons",
        Outbound::List { .. } => "list",
        Outbound::Certificate { .. } => "certificate",
        Outbound::Template { .. } => "a template",
    };
    format!("{kind} of ours ({form}) from number {}", number(&row.number.0))
}

fn webhook(letter: &DeadLetter) -> String {
    let json = if serde_json::from_slice::<serde::de::IgnoredAny>(&letter.body).is_ok() { "json" } else { "not json" };
    let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
    for part in payload::decode(&letter.body, letter.at).parts {
        *parts.entry(part.name()).or_default() += 1;
    }
    let parts: Vec<String> = parts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    format!("a webhook ({json}), read now as {}", parts.join(", "))
}

/// An id of Meta's is digits; whatever else a stranger put there is not printed.
fn number(id: &str) -> &str {
    if !id.is_empty() && id.len() <= 20 && id.bytes().all(|byte| byte.is_ascii_digit()) { id } else { "(odd)" }
}
