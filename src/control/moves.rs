//! Moving a report on: the one way for officers here (`siaga tickets`) and for a ministry's own desk (`web::desk`).
//!
//! What was answered is not answered twice with the same words, and what is closed is not moved on: only its citizen
//! opens it again. Words that a chat would not show whole are refused, not cut.

use serde::{Deserialize, Serialize};

use super::tickets::Officers;
use crate::conversation::text::value::WORDS_MAX;
use crate::domain::message::Text;
use crate::domain::ticket::{TicketMove, TicketNumber};
use crate::ports::{Acted, NeighbourError, OrderId};

/// What an officer does with a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Take,
    Ask { words: String },
    Answer { words: String },
    Close,
}

/// Why a report is not moved on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("{0}")]
    Words(&'static str),
    #[error("there is no such report")]
    Unknown,
    #[error("it is closed")]
    Closed,
    #[error("it was answered with these words already")]
    Repeated,
    #[error(transparent)]
    Desk(#[from] NeighbourError),
}

/// Moves a report on; an order that was carried out before changes nothing.
pub async fn carry_out(
    officers: &dyn Officers,
    number: TicketNumber,
    step: Step,
    order: Option<OrderId>,
) -> Result<(), Refused> {
    let moved = match step {
        Step::Take => TicketMove::TakeUp,
        Step::Ask { words } => TicketMove::Ask(checked(&words)?),
        Step::Answer { words } => TicketMove::Answer(checked(&words)?),
        Step::Close => TicketMove::Close,
    };
    match officers.act(number, moved, order).await? {
        Acted::Done(_) | Acted::Before => Ok(()),
        Acted::Unknown => Err(Refused::Unknown),
        Acted::Closed => Err(Refused::Closed),
        Acted::Repeated => Err(Refused::Repeated),
    }
}

/// Words that fit into one message and hold nothing that a chat would not show.
fn checked(words: &str) -> Result<Text, Refused> {
    let words = words.trim();
    match words.chars().count() {
        0 => Err(Refused::Words("there are no words to the citizen")),
        1..=WORDS_MAX if !words.chars().any(|c| c.is_control() && c != '\n') => Ok(Text(words.to_owned())),
        1..=WORDS_MAX => Err(Refused::Words("its words hold control characters")),
        _ => Err(Refused::Words("its words are longer than 600 characters")),
    }
}
