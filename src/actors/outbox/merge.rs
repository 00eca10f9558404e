//! What waits for one citizen, said in fewer messages: pure, used when his pair bucket runs low.
//!
//! - Texts merge, in their order, with a blank line between; nothing is said twice and nothing is left out.
//! - A prompt that a newer prompt follows is replaced by it: the question it asked is not open any more.
//! - Of all buttons only the last stay, with the footer that stood under them: older ones would not act.
//! - Documents and notices are never touched, and nothing moves past them.
//! - What stands on a login merges only with what stands on the same one: else its end would take the other along.
//! - Meta's bounds hold: 1,024 characters over buttons, 4,096 without. What does not fit is left for the next.

use std::sync::Arc;

use crate::domain::message::{Outbound, ReplyKind, Text};
use crate::ports::{OutboxRow, Settlement};

/// Longest body without and with buttons, in characters (cloud-api.md 4.1 to 4.3).
const PLAIN_MAX: usize = 4_096;
const CHOICES_MAX: usize = 1_024;
const BETWEEN: &str = "\n\n";

/// The first rows of a lane as one.
#[derive(Debug)]
pub struct Merged {
    /// How each of the first rows ends: merged, or withdrawn because a newer prompt replaces it.
    pub ends: Vec<Settlement>,
    /// What stands in for them. Its place is the caller's to set.
    pub row: OutboxRow,
}

/// Merges the first rows, as many as can be; `None`: the first row goes as it is.
pub fn merge(rows: &[&OutboxRow]) -> Option<Merged> {
    let first = rows.first().filter(|row| mergeable(row))?;
    let run = rows.iter().take_while(|row| mergeable(row) && same_way(first, row)).count();
    // The longest that fits; shorter ones are tried because a long prompt may be all that does not.
    (2..=run).rev().find_map(|count| {
        let rows = &rows[..count];
        let message = body(rows)?;
        Some(Merged { ends: ends(rows), row: stand_in(rows, message) })
    })
}

fn mergeable(row: &OutboxRow) -> bool {
    let kind = matches!(row.kind, ReplyKind::Prompt | ReplyKind::Answer);
    kind && matches!(&*row.message, Outbound::Text { .. } | Outbound::Buttons { .. } | Outbound::List { .. })
}

fn same_way(first: &OutboxRow, row: &OutboxRow) -> bool {
    first.number == row.number && first.to == row.to && first.epoch == row.epoch
}

/// Whether a newer prompt of these rows replaces the one at `place`.
fn is_replaced(rows: &[&OutboxRow], place: usize) -> bool {
    let prompt = |row: &&OutboxRow| row.kind == ReplyKind::Prompt;
    prompt(&rows[place]) && rows[place + 1..].iter().any(prompt)
}

fn kept<'a>(rows: &'a [&'a OutboxRow]) -> impl DoubleEndedIterator<Item = &'a OutboxRow> {
    (0..rows.len()).filter(|place| !is_replaced(rows, *place)).map(|place| rows[place])
}

fn ends(rows: &[&OutboxRow]) -> Vec<Settlement> {
    let end = |place| if is_replaced(rows, place) { Settlement::Withdrawn } else { Settlement::Merged };
    (0..rows.len()).map(end).collect()
}

/// The texts of the kept rows with the last buttons; `None` when that is too long.
fn body(rows: &[&OutboxRow]) -> Option<Outbound> {
    let texts: Vec<&str> = kept(rows).filter_map(|row| text_of(&row.message)).collect();
    let whole = Text(texts.join(BETWEEN));
    let chars = whole.0.chars().count();
    let choices = kept(rows).rev().find(|row| !matches!(&*row.message, Outbound::Text { .. }));
    let message = match choices.map(|row| (*row.message).clone()) {
        Some(Outbound::Buttons { footer, buttons, .. }) => Outbound::Buttons { body: whole, footer, buttons },
        Some(Outbound::List { footer, open, rows, .. }) => Outbound::List { body: whole, footer, open, rows },
        _ => return (chars <= PLAIN_MAX).then_some(Outbound::Text { body: whole }),
    };
    (chars <= CHOICES_MAX).then_some(message)
}

fn text_of(message: &Outbound) -> Option<&str> {
    match message {
        Outbound::Text { body } | Outbound::Buttons { body, .. } | Outbound::List { body, .. } => Some(&body.0),
        Outbound::Certificate { .. } | Outbound::Template { .. } => None,
    }
}

fn stand_in(rows: &[&OutboxRow], message: Outbound) -> OutboxRow {
    let first = rows[0];
    // An answer is never replaced; a question alone may be.
    let only_prompt = kept(rows).all(|row| row.kind == ReplyKind::Prompt);
    OutboxRow {
        kind: if only_prompt { ReplyKind::Prompt } else { ReplyKind::Answer },
        message: Arc::new(message),
        urgency: rows.iter().map(|row| row.urgency).min().unwrap_or(first.urgency),
        window_until: rows.iter().map(|row| row.window_until).max().unwrap_or(first.window_until),
        born_at: rows.iter().map(|row| row.born_at).min().unwrap_or(first.born_at),
        ..first.clone()
    }
}

#[cfg(test)]
mod tests;
