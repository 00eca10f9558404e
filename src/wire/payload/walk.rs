//! The walk through a webhook body: every entry, change and update, in order, each looked at by itself.
//!
//! What cannot be read becomes a dead letter with the bytes of a body of its own, and goes on with the next.

use serde_json::{Value as Owned, json};
use serde_json_borrow::Value;

use crate::domain::message::DeadReason;
use crate::domain::time::Timestamp;

use super::identity::{self, Senders};
use super::read::{self, at, field, list, text};
use super::{Ignored, Part, Ring, UPDATES_MAX, account, message, repair, status};

const OBJECT: &str = "whatsapp_business_account";

/// All parts of a body, at least one.
pub(super) fn parts(bytes: &[u8], accepted_at: Timestamp) -> Vec<Part> {
    let mut walk = Walk { accepted_at, parts: Vec::new(), beyond: Vec::new() };
    // Strict JSON first, since almost every body is; a citizen's broken emoji must not cost a whole batch.
    let read = serde_json::from_slice(bytes).map(|body| walk.envelope(&body));
    let read = read.ok().or_else(|| {
        let repaired = repair::repaired(bytes)?;
        serde_json::from_slice(&repaired).map(|body| walk.envelope(&body)).ok()
    });
    if read != Some(true) {
        walk.parts.push(dead(DeadReason::NotUnderstood, bytes.to_vec()));
    }
    walk.finish()
}

struct Walk {
    accepted_at: Timestamp,
    parts: Vec<Part>,
    /// Changes past [`UPDATES_MAX`].
    beyond: Vec<Owned>,
}

impl Walk {
    /// Whether this is an envelope of Meta's at all.
    fn envelope(&mut self, body: &Value) -> bool {
        let ours = text(body, "object") == Some(OBJECT) && at(body, "entry").is_some();
        if ours {
            self.body(body);
        }
        ours
    }

    fn body(&mut self, body: &Value) {
        for entry in list(body, "entry") {
            if !entry.is_object() {
                self.parts
                    .push(dead(DeadReason::NotUnderstood, to_bytes(&json!({ "object": OBJECT, "entry": [entry] }))));
            }
            for change in list(entry, "changes") {
                if self.parts.len() >= UPDATES_MAX {
                    self.beyond.push(Owned::from(change));
                } else {
                    self.change(change);
                }
            }
        }
    }

    fn change(&mut self, change: &Value) {
        let before = self.parts.len();
        let empty = Value::Null;
        let value = at(change, "value").unwrap_or(&empty);
        match text(change, "field") {
            _ if !change.is_object() => {
                let body = json!({ "object": OBJECT, "entry": [{ "changes": [change] }] });
                self.parts.push(dead(DeadReason::NotUnderstood, to_bytes(&body)));
            }
            Some("messages") | None => self.messages(value),
            Some("user_id_update") => self.user_ids(value),
            Some("calls") => {
                let senders = Senders::of(value);
                self.each(value, "calls", |accepted_at, call| Ok(ring(value, &senders, call, accepted_at)));
            }
            Some(other) => self.parts.push(account::other_field(other, value)),
        }
        if self.parts.len() == before && self.beyond.is_empty() {
            self.parts.push(Part::Ignored(Ignored::Empty));
        }
    }

    /// Field `messages`: the only one that tells of citizens' messages and of ours.
    fn messages(&mut self, value: &Value) {
        let senders = Senders::of(value);
        let mut parents = Vec::new();
        self.each(value, "messages", |accepted_at, update| message::decode(value, &senders, update, accepted_at));
        for message in list(value, "messages").iter().filter(|message| field(message, "group_id").is_none()) {
            parents.extend(senders.parent(message).filter(|parent| !parents.contains(parent)));
        }
        self.parts.extend(parents.into_iter().map(Part::Parent));
        self.each(value, "statuses", |accepted_at, update| status::decode(value, update, accepted_at));
        self.each(value, "errors", |_, update| Ok(Part::Ignored(Ignored::Errors { code: read::code(update) })));
        self.each(value, "user_actions", |_, _| Ok(Part::Ignored(Ignored::UserActions)));
        self.each(value, "message_echoes", |_, _| Ok(Part::Ignored(Ignored::Echo)));
        if !value.is_object() && !value.is_null() {
            self.parts.push(dead(DeadReason::NotUnderstood, alone(value, "messages", &[])));
        }
    }

    /// Field `user_id_update`: Meta's page shows one object, payloads seen hold a list of them.
    fn user_ids(&mut self, value: &Value) {
        if at(value, "user_id_update").is_some() {
            self.each(value, "user_id_update", |accepted_at, update| {
                identity::user_id_update(value, update, accepted_at)
            });
        } else {
            self.parts.push(
                identity::user_id_update(value, value, self.accepted_at)
                    .unwrap_or_else(|reason| dead(reason, alone_in("user_id_update", value.into()))),
            );
        }
    }

    /// Reads every update of one list; those past the bound are set aside together, with what they need.
    fn each(&mut self, value: &Value, key: &str, read: impl Fn(Timestamp, &Value) -> Result<Part, DeadReason>) {
        let updates = list(value, key);
        for (place, update) in updates.iter().enumerate() {
            if self.parts.len() >= UPDATES_MAX {
                let mut rest = Owned::from(value);
                if let Some(rest) = rest.as_object_mut() {
                    rest.retain(|name, _| name == key || name == "metadata" || name == "contacts");
                    rest.insert(key.to_owned(), owned(&updates[place..]));
                }
                self.beyond.push(json!({ "field": field_of(key), "value": rest }));
                return;
            }
            let part = read(self.accepted_at, update)
                .unwrap_or_else(|reason| dead(reason, alone(value, key, std::slice::from_ref(update))));
            self.parts.push(part);
        }
    }

    fn finish(mut self) -> Vec<Part> {
        if !self.beyond.is_empty() {
            let body = json!({ "object": OBJECT, "entry": [{ "changes": self.beyond }] });
            self.parts.push(dead(DeadReason::NotUnderstood, to_bytes(&body)));
        }
        if self.parts.is_empty() {
            self.parts.push(Part::Ignored(Ignored::Empty));
        }
        self.parts
    }
}

/// A call of a citizen that begins; all else about calls changes nothing.
fn ring(value: &Value, senders: &Senders, call: &Value, accepted_at: Timestamp) -> Part {
    let inbound = text(call, "direction").is_none_or(|direction| direction == "USER_INITIATED");
    let begins = text(call, "event") == Some("connect") && inbound;
    match (senders.sender(call), read::number(value)) {
        (Some(from), Some(to)) if begins => {
            Part::Call(Ring { from, to, at: read::timestamp(call).unwrap_or(accepted_at) })
        }
        _ => Part::Ignored(Ignored::Call),
    }
}

fn dead(reason: DeadReason, bytes: Vec<u8>) -> Part {
    Part::Dead { reason, bytes }
}

fn field_of(key: &str) -> &str {
    if matches!(key, "user_id_update" | "calls") { key } else { "messages" }
}

/// A body with these updates only. A lone contact goes with them: it may be all that names the sender, and many
/// would make the dead letters of one body outgrow it.
fn alone(value: &Value, key: &str, updates: &[Value]) -> Vec<u8> {
    let mut one = if value.is_object() { json!({}) } else { Owned::from(value) };
    if let Some(one) = one.as_object_mut() {
        one.insert("messaging_product".into(), "whatsapp".into());
        one.insert("metadata".into(), field(value, "metadata").map(Owned::from).unwrap_or_default());
        if let [contact] = list(value, "contacts") {
            one.insert("contacts".into(), owned(std::slice::from_ref(contact)));
        }
        one.insert(key.into(), owned(updates));
    }
    alone_in(field_of(key), one)
}

#[expect(clippy::needless_pass_by_value, reason = "the value is moved into the body")]
fn alone_in(field: &str, value: Owned) -> Vec<u8> {
    to_bytes(&json!({ "object": OBJECT, "entry": [{ "changes": [{ "field": field, "value": value }] }] }))
}

fn owned(list: &[Value]) -> Owned {
    list.iter().map(Owned::from).collect()
}

/// A value has string keys only, so it can always be written.
fn to_bytes(body: &Owned) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}
