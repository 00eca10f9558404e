//! One attempt to send one row.
//!
//! In this order, each able to end it: is the login it stands on still there, has its number budget, is it
//! written down that its bytes may leave, and then the channel. Nothing here decides what comes next: that is
//! the lane's (`outbox::lane`).

use std::time::Duration;

use super::outbox::lane::{AT_ONCE_MS, Outcome, Send};
use super::session::Home;
use super::{account, tag};
use crate::ports::{OutgoingMessage, Part, SendError};
use crate::wire::codes;

/// Sends a row, or says why not.
pub async fn attempt(home: Home, send: Send) -> Outcome {
    let neighbours = &home.neighbours;
    // What may leave is in memory; if it were not, it would be read back.
    let Some(row) = send.row() else { return Outcome::NotNow };
    if let Some(stands_on) = row.epoch {
        match account::epoch_now(neighbours.as_ref(), stands_on.account).await {
            Ok(epoch) if epoch == stands_on.epoch => {}
            Ok(_) => return Outcome::Stale,
            // Personal data leaves on a certain login or not at all.
            Err(error) => {
                tracing::error!(%error, "an account could not be read before a send");
                return Outcome::NotNow;
            }
        }
    }
    let now = neighbours.clock.now();
    // The second time always: whoever finds it in the air once more must not send it a third time.
    if (send.again || !send.attempted && now.since_ms(row.born_at) > AT_ONCE_MS)
        && home.commit(vec![Part::AttemptOutbox { row: send.id, again: send.again }]).await.is_err()
    {
        return Outcome::NotNow;
    }
    let outgoing = OutgoingMessage {
        number: row.number.clone(),
        to: row.to.clone(),
        message: row.message.clone(),
        tag: tag::seal(&neighbours.keys, send.id, row.contact),
    };
    let within = Duration::from_millis(neighbours.figures.send_timeout_ms);
    match tokio::time::timeout(within, home.lines().channel.send(outgoing)).await {
        Ok(Ok(message)) => Outcome::Sent(message),
        Ok(Err(error)) => outcome_of(&error),
        Err(_) => Outcome::Ambiguous,
    }
}

fn outcome_of(error: &SendError) -> Outcome {
    match error {
        SendError::Refused { code, http } => {
            let class = codes::class_of_answer(*code, *http);
            tracing::warn!(code, http, class = class.name(), "meta refused a message");
            Outcome::Refused { code: Some(*code), class }
        }
        SendError::Unreachable { reason } => {
            tracing::warn!(reason, "the graph api cannot be reached");
            Outcome::Unreachable
        }
        SendError::Ambiguous { reason } => {
            tracing::warn!(reason, "a send has an unknown end");
            Outcome::Ambiguous
        }
        // A proxy's page: below 500 nothing was taken, above nobody knows.
        SendError::Unreadable { http } if *http >= 500 || *http < 400 => Outcome::Ambiguous,
        SendError::Unreadable { http } => Outcome::Refused { code: None, class: codes::class_of_http(*http) },
        SendError::Unsendable { reason } => {
            tracing::error!(reason, "a message cannot be sent at all");
            Outcome::Unsendable
        }
    }
}
