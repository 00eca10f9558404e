//! Dead letters, as an operator works through them.
//!
//! What a retry is depends on why a letter is dead. Always one record closes the letter and opens what comes of
//! it, so a crash leaves either the letter or its retry.
//! Whatever is handed over again counts as accepted when it became a letter: what was young then is not refused
//! as too old because an operator took his time.
//! - `poison`, `crash_loop`: the message (or notice) is a new inbox row of its contact. A poisoned message's id
//!   is known to its session as handled; it comes again under `MessageId::again`.
//! - `unknown_number`: as if it had just come, once its number is one of ours.
//! - `not_understood`, `no_sender`: the webhook's JSON is decoded again, by a server that may know more by now.
//!   What it still does not understand becomes a letter of its own; if that is all of it, nothing is changed.
//! - `unsendable`: the reply is put in line again, under the rules for any reply (its login must still hold).

use serde_json::{Value, json};

use super::{Control, ControlError, LISTED_MAX, Report, Said, shape};
use crate::actors::switchboard::Brought;
use crate::domain::message::{DeadReason, Inbound};
use crate::domain::time::{Timestamp, Zone};
use crate::ports::{
    DeadLetter, DeadLetterHead, InboxBody, InboxRow, Lsn, OutboxRow, Part, Record, RowId, StoreError, Ticket,
};
use crate::wire::payload::{self, Part as Decoded};

pub(super) fn name(id: &str) -> Result<RowId, ControlError> {
    id.parse().map_err(|_| ControlError::Name(id.to_owned()))
}

impl Control {
    pub(super) async fn list(&self) -> Result<Report, ControlError> {
        let letters = self.store.dead_letters().await?;
        let bytes: usize = letters.iter().map(|(_, head)| head.body_bytes).sum();
        let items = letters.iter().take(LISTED_MAX).map(|(id, head)| told(*id, head)).collect();
        let more = letters.len().saturating_sub(LISTED_MAX);
        let text = match more {
            0 => format!("{} dead letters, {bytes} bytes", letters.len()),
            more => format!("{} dead letters, {bytes} bytes; the newest {more} are not listed", letters.len()),
        };
        let data = json!({ "dead_letters": letters.len(), "bytes": bytes, "not_listed": more });
        Ok(Report { items, said: Said { text, data }, good: true })
    }

    pub(super) async fn show(&self, id: RowId) -> Result<Report, ControlError> {
        let letter = self.letter(id).await?;
        let Said { text, mut data } = told(id, &letter.head());
        let shape = shape::of(&letter);
        data["shape"] = Value::from(shape.clone());
        Ok(Report::of(format!("{text}\n  {shape}"), data))
    }

    pub(super) async fn retry(&self, id: RowId) -> Result<Report, ControlError> {
        let letter = self.letter(id).await?;
        self.hand_over(id, letter).await?;
        Ok(Report::of(format!("dead letter {id} was handed over again"), json!({ "retried": [id.to_string()] })))
    }

    /// Each for itself: one that cannot be retried stays, and the others go on.
    pub(super) async fn retry_all(&self) -> Result<Report, ControlError> {
        let (mut items, mut retried) = (Vec::new(), 0_usize);
        for (id, _) in self.store.dead_letters().await? {
            // Dropped for its age meanwhile.
            let Some(letter) = self.store.dead_letter(id).await? else { continue };
            match self.hand_over(id, letter).await {
                Ok(()) => retried += 1,
                Err(error @ ControlError::Hopeless { .. }) => {
                    if items.len() < LISTED_MAX {
                        items.push(Said { text: error.to_string(), data: json!({ "kept": id.to_string() }) });
                    }
                }
                Err(other) => return Err(other),
            }
        }
        let left = self.store.dead_letters().await?.len();
        let text = format!("{retried} dead letters were handed over again, {left} are left");
        let said = Said { text, data: json!({ "retried": retried, "left": left }) };
        Ok(Report { good: items.is_empty(), items, said })
    }

    pub(super) async fn drop_letter(&self, id: RowId) -> Result<Report, ControlError> {
        if !self.store.dead_letters().await?.iter().any(|(there, _)| *there == id) {
            return Err(ControlError::Absent(id));
        }
        self.write(vec![Part::CloseDeadLetter(id)]).await?;
        Ok(Report::of(format!("dead letter {id} was dropped"), json!({ "dropped": id.to_string() })))
    }

    async fn letter(&self, id: RowId) -> Result<DeadLetter, ControlError> {
        self.store.dead_letter(id).await?.ok_or(ControlError::Absent(id))
    }

    async fn hand_over(&self, id: RowId, letter: DeadLetter) -> Result<(), ControlError> {
        let unread = || ControlError::Hopeless { id, reason: "this server cannot read what it holds" };
        match letter.reason {
            DeadReason::Poison | DeadReason::CrashLoop => {
                let body: InboxBody = postcard::from_bytes(&letter.body).map_err(|_| unread())?;
                let contact = letter.contact.ok_or_else(unread)?;
                let row = InboxRow { contact, accepted_at: letter.at, body: again(letter.reason, id, body) };
                self.write(vec![Part::CloseDeadLetter(id), Part::OpenInbox(row)]).await.map(drop)
            }
            DeadReason::UnknownNumber => {
                let message: Inbound = postcard::from_bytes(&letter.body).map_err(|_| unread())?;
                if !self.budgets.knows(&message.to) {
                    return Err(ControlError::Hopeless { id, reason: "its number is still none of ours" });
                }
                self.bring(Brought { messages: vec![message], ..Brought::default() }, id, letter.at).await
            }
            DeadReason::NotUnderstood | DeadReason::NoSender => {
                let brought = self.decoded(&letter.body, letter.at);
                let brought = brought.ok_or(ControlError::Hopeless { id, reason: "it is still not understood" })?;
                self.bring(brought, id, letter.at).await
            }
            DeadReason::Unsendable => {
                let row: OutboxRow = postcard::from_bytes(&letter.body).map_err(|_| unread())?;
                // The store hands it to the outbox, as all that is to be sent.
                self.write(vec![Part::CloseDeadLetter(id), Part::OpenOutbox(row)]).await.map(drop)
            }
        }
    }

    /// What a webhook's JSON brings; `None`: nothing but what is not understood.
    fn decoded(&self, body: &[u8], at: Timestamp) -> Option<Brought> {
        let mut brought = Brought::default();
        let mut understood = false;
        for part in payload::decode(body, at).parts {
            understood |= !matches!(part, Decoded::Dead { .. });
            match part {
                Decoded::Message(message) if self.budgets.knows(&message.to) => brought.messages.push(message),
                Decoded::Message(message) => brought.dead.push(DeadLetter {
                    at,
                    reason: DeadReason::UnknownNumber,
                    contact: None,
                    body: postcard::to_stdvec(&message).unwrap_or_default(),
                }),
                Decoded::Status(status) => brought.statuses.push(status),
                Decoded::System(change) => brought.changes.push((change.old, change.new)),
                Decoded::Parent(parent) => brought.parents.push((parent.of, parent.bsuid)),
                Decoded::Account(_) | Decoded::Call(_) | Decoded::Ignored(_) => {}
                Decoded::Dead { reason, bytes } => {
                    brought.dead.push(DeadLetter { at, reason, contact: None, body: bytes });
                }
            }
        }
        understood.then_some(brought)
    }

    async fn bring(&self, brought: Brought, id: RowId, at: Timestamp) -> Result<(), ControlError> {
        let brought = Brought { letters: vec![id], ..brought };
        let ticket = self.switchboard.accept(brought, at).await?;
        match ticket {
            Some(ticket) => durable(ticket).await.map(drop),
            None => Ok(()),
        }
    }

    async fn write(&self, parts: Vec<Part>) -> Result<Lsn, ControlError> {
        durable(self.store.append(Record { writer: None, parts })?).await
    }
}

/// The session of a poisoned message knows its id as handled.
fn again(reason: DeadReason, id: RowId, body: InboxBody) -> InboxBody {
    match body {
        InboxBody::Message(ref message) if reason == DeadReason::Poison => {
            InboxBody::Message(Inbound { id: message.id.again(&id.to_string()), ..message.clone() })
        }
        InboxBody::Message(_) | InboxBody::Notice(_) | InboxBody::Called { .. } | InboxBody::Parent(_) => body,
    }
}

async fn durable(ticket: Ticket) -> Result<Lsn, ControlError> {
    ticket.durable.await.map_err(|_| StoreError::Closed)?;
    Ok(ticket.lsn)
}

fn told(id: RowId, head: &DeadLetterHead) -> Said {
    let DeadLetterHead { at, reason, contact, body_bytes } = *head;
    let at = at.at(Zone::Wib);
    let (date, time) = (at.date(), at.time());
    let when = format!("{date} {:02}:{:02}:{:02} WIB", time.hour(), time.minute(), time.second());
    let whose = contact.map_or_else(|| "no contact".to_owned(), |contact| format!("contact {}", contact.0));
    Said {
        text: format!("{id}  {when}  {:<14}  {body_bytes} bytes  {whose}", reason.name()),
        data: json!({
            "id": id.to_string(),
            "at_ms": head.at.0,
            "reason": reason.name(),
            "contact": contact.map(|contact| contact.0.to_string()),
            "bytes": body_bytes,
        }),
    }
}
