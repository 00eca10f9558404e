//! How long a message was on its way, and what becomes of it (design.md 9).
//!
//! Its age is the time from its sending to its acceptance: what it waits in this server afterwards (the waiting
//! room, a restart) never makes it older. An old message is no answer to what is asked now, so it is not read as
//! one; three words act at any age, because they protect whoever sent them.

use super::choice::Choice;
use super::input::{self, Keyword};
use super::{Event, Rules};
use crate::domain::message::{Content, Inbound};
use crate::domain::time::{SECOND_MS, Timestamp};

/// What a message is taken for. `None`: it is refused by policy, counted and not answered.
pub fn taken_as(message: Inbound, accepted_at: Timestamp, rules: &Rules) -> Option<Event> {
    let age_ms = accepted_at.since_ms(message.sent_at);
    let past = |limit_s: u32| age_ms > i64::from(limit_s) * SECOND_MS;
    if !past(rules.late_after_s) || acts_at_any_age(&message.content) {
        return Some(Event::Message(message));
    }
    (!past(rules.refused_after_s)).then_some(Event::Late(message))
}

/// HAPUS DATA, BUKAN SAYA and SELESAI, typed or tapped. A tap acts only within its session, whatever its age.
pub fn acts_at_any_age(content: &Content) -> bool {
    match content {
        Content::Text(text) => says_so(&text.0),
        Content::Choice { id, title } => match Choice::from_id(id) {
            Some((_, choice)) => matches!(choice, Choice::Finish | Choice::Erase | Choice::EraseYes),
            None => says_so(&title.0),
        },
        Content::Edit { content, .. } => acts_at_any_age(content),
        Content::Voice
        | Content::Photo
        | Content::File
        | Content::Sticker
        | Content::Reaction
        | Content::Location
        | Content::Contacts(_)
        | Content::Revoke { .. }
        | Content::Welcome
        | Content::Unsupported => false,
    }
}

fn says_so(text: &str) -> bool {
    let reading = input::read(text);
    reading.undo.is_some() || matches!(reading.keyword, Some(Keyword::EraseData | Keyword::NotMe | Keyword::Finish))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::contact::{BusinessNumber, Identity};
    use crate::domain::message::{MessageId, Text};
    use crate::domain::time::{DAY_MS, MINUTE_MS};

    const ACCEPTED: Timestamp = Timestamp(1_795_416_600_000);

    fn aged(age_ms: i64, content: Content) -> &'static str {
        let message = Inbound {
            id: MessageId("wamid.1".into()),
            from: Identity { phone: None, bsuid: None },
            to: BusinessNumber("100".into()),
            sent_at: ACCEPTED.plus_ms(-age_ms),
            quotes: None,
            content,
        };
        match taken_as(message, ACCEPTED, &Rules::default()) {
            Some(Event::Message(_)) => "fresh",
            Some(Event::Late(_)) => "late",
            Some(Event::Answer { .. } | Event::Notice(_) | Event::Wake) => "something else",
            None => "refused",
        }
    }

    #[test]
    fn ages_are_told_apart_at_ten_minutes_and_a_day() {
        let (minutes, day) = (10 * MINUTE_MS, DAY_MS);
        let table = [
            // Meta's clock may be ahead of ours.
            (-MINUTE_MS, "fresh"),
            (0, "fresh"),
            (minutes, "fresh"),
            (minutes + 1, "late"),
            (day, "late"),
            (day + 1, "refused"),
            (7 * day, "refused"),
        ];
        for (age_ms, expected) in table {
            assert_eq!(aged(age_ms, Content::Text(Text("483920".into()))), expected, "{age_ms} ms");
        }
    }

    #[test]
    fn what_protects_its_sender_acts_at_any_age() {
        let text = |words: &str| Content::Text(Text(words.into()));
        let tap = |key: &str| Content::Choice { id: format!("3:{key}"), title: Text("x".into()) };
        for content in [
            text("hapus data"),
            text("bukan saya"),
            text("BUKAN SAYA 5207-7391"),
            text("selesai"),
            text("STOP"),
            text("not me 5207-7391"),
            tap("finish"),
            tap("erase"),
            tap("erase_yes"),
            Content::Edit { original: MessageId("w".into()), content: Box::new(text("selesai")) },
        ] {
            assert_eq!(aged(8 * DAY_MS, content.clone()), "fresh", "{content:?}");
        }
        for content in [text("menu"), text("ya"), tap("agree_this"), Content::Sticker, Content::Welcome] {
            assert_eq!(aged(8 * DAY_MS, content.clone()), "refused", "{content:?}");
        }
    }
}
