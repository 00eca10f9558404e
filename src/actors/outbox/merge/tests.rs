//! Merging: nothing is lost, nothing is said twice, order stays, Meta's bounds hold.

use proptest::prelude::*;

use super::*;
use crate::conversation::AuthEpoch;
use crate::domain::contact::{BusinessNumber, ContactId, Recipient};
use crate::domain::message::{Button, Urgency};
use crate::domain::phone::{Mobile, Phone};
use crate::domain::time::Timestamp;
use crate::wire::outbound::limits;

fn phone() -> Phone {
    Phone::from_wa_id("6281200000042").unwrap()
}

fn row(kind: ReplyKind, message: Outbound) -> OutboxRow {
    OutboxRow {
        contact: ContactId(1),
        number: BusinessNumber("100".into()),
        to: Recipient::Phone(phone()),
        kind,
        message: Arc::new(message),
        epoch: None,
        born_at: Timestamp(0),
        urgency: Urgency::Reply,
        window_until: Timestamp(0),
        place: None,
    }
}

fn text(body: &str) -> Outbound {
    Outbound::Text { body: Text(body.into()) }
}

fn buttons(body: &str, titles: &[&str]) -> Outbound {
    let button = |title: &&str| Button { id: format!("1:{title}"), title: Text((*title).into()) };
    Outbound::Buttons {
        body: Text(body.into()),
        footer: Some(Text(format!("under {}", body.chars().take(20).collect::<String>()))),
        buttons: titles.iter().map(button).collect(),
    }
}

fn answer(message: Outbound) -> OutboxRow {
    row(ReplyKind::Answer, message)
}

fn prompt(message: Outbound) -> OutboxRow {
    row(ReplyKind::Prompt, message)
}

fn merged(rows: &[OutboxRow]) -> Option<Merged> {
    merge(&rows.iter().collect::<Vec<_>>())
}

#[test]
fn texts_merge_and_the_last_buttons_stay() {
    let rows = [
        answer(buttons("satu", &["A"])),
        answer(text("dua")),
        prompt(buttons("tiga", &["B", "C"])),
        answer(text("empat")),
    ];
    let merged = merged(&rows).unwrap();
    assert_eq!(merged.ends, [Settlement::Merged, Settlement::Merged, Settlement::Merged, Settlement::Merged]);
    let Outbound::Buttons { body, footer, buttons } = &*merged.row.message else { panic!("buttons stay") };
    assert_eq!(body.0, "satu\n\ndua\n\ntiga\n\nempat");
    assert_eq!(footer.as_ref().unwrap().0, "under tiga");
    assert_eq!(buttons.iter().map(|button| button.title.0.as_str()).collect::<Vec<_>>(), ["B", "C"]);
    assert_eq!(merged.row.kind, ReplyKind::Answer, "an answer in it must not be replaced");
}

#[test]
fn a_newer_prompt_replaces_the_older() {
    let rows = [prompt(buttons("lama", &["A"])), answer(text("jawab")), prompt(text("baru"))];
    let merged = merged(&rows).unwrap();
    assert_eq!(merged.ends, [Settlement::Withdrawn, Settlement::Merged, Settlement::Merged]);
    assert_eq!(*merged.row.message, text("jawab\n\nbaru"), "its buttons go with it");
    let only = [prompt(buttons("lama", &["A"])), prompt(buttons("baru", &["B"]))];
    let one = super::tests::merged(&only).unwrap();
    assert_eq!((&*one.row.message, one.row.kind), (&buttons("baru", &["B"]), ReplyKind::Prompt));
}

#[test]
fn what_never_merges() {
    let login = |epoch| Some(AuthEpoch { account: Mobile::parse("0812-0000-0042").unwrap(), epoch });
    let plain = answer(text("a"));
    let others = [
        ("a notice", row(ReplyKind::Notice, text("b"))),
        ("a document", row(ReplyKind::Document, text("b"))),
        ("another number", OutboxRow { number: BusinessNumber("200".into()), ..answer(text("b")) }),
        ("another login", OutboxRow { epoch: login(1), ..answer(text("b")) }),
        ("a template", answer(Outbound::Template { name: "t".into(), language: "id".into() })),
    ];
    for (what, other) in others {
        assert!(merged(&[plain.clone(), other.clone()]).is_none(), "{what} after it");
        assert!(merged(&[other, plain.clone()]).is_none(), "{what} before it");
    }
    let same = |body| OutboxRow { epoch: login(1), ..answer(text(body)) };
    assert_eq!(merged(&[same("a"), same("b")]).unwrap().row.epoch, login(1), "one login");
    assert!(merged(std::slice::from_ref(&plain)).is_none(), "nothing to merge with");
    assert!(merged(&[]).is_none());
}

#[test]
fn what_does_not_fit_is_left_for_the_next() {
    let long = |chars: usize| answer(text(&"é".repeat(chars)));
    assert!(merged(&[long(2_048), long(2_048)]).is_none(), "two more for the blank line between");
    assert_eq!(merged(&[long(2_047), long(2_047)]).unwrap().ends.len(), 2);
    let rows = [long(600), long(600), prompt(buttons("pilih", &["A"]))];
    let merged = merged(&rows).unwrap();
    assert_eq!((merged.ends.len(), merged.row.message), (2, Arc::new(text(&format!("{0}\n\n{0}", "é".repeat(600))))));
}

/// Rows whose bodies are all different: (kind, form, length).
fn rows() -> impl Strategy<Value = Vec<OutboxRow>> {
    proptest::collection::vec((0..5_u8, 0..3_u8, 1..1_300_usize, 0..6_u8), 1..12).prop_map(|rows| {
        let one = |(place, (kind, form, chars, odd)): (usize, (u8, u8, usize, u8))| {
            let kind = match kind {
                0 | 1 => ReplyKind::Prompt,
                2 | 3 => ReplyKind::Answer,
                _ => ReplyKind::Notice,
            };
            let chars = if form == 0 { chars } else { chars.min(1_000) };
            let body = format!("<{place}>{}", "x".repeat(chars));
            let message = match form {
                0 => text(&body),
                1 => buttons(&body, &["A", "B"]),
                _ => Outbound::List {
                    body: Text(body),
                    footer: None,
                    open: Text("buka".into()),
                    rows: vec![Button { id: "1:x".into(), title: Text("x".into()) }],
                },
            };
            let number = if odd == 0 { "200" } else { "100" };
            OutboxRow { number: BusinessNumber(number.into()), ..row(kind, message) }
        };
        rows.into_iter().enumerate().map(one).collect()
    })
}

proptest! {
    /// Whatever waits, sent until nothing is left: every text that was not replaced is said once and in order,
    /// notices stand alone and where they stood, and Meta would take every message.
    #[test]
    fn nothing_is_lost_and_order_stays(rows in rows()) {
        let mut left: Vec<OutboxRow> = rows.clone();
        let (mut said, mut sends) = (Vec::new(), 0);
        let mut replaced = Vec::new();
        while !left.is_empty() {
            let taken = if let Some(merged) = merged(&left) {
                prop_assert!(merged.ends.len() >= 2);
                for (end, row) in merged.ends.iter().zip(&left) {
                    if *end == Settlement::Withdrawn {
                        prop_assert_eq!(row.kind, ReplyKind::Prompt);
                        replaced.push(text_of(&row.message).unwrap().to_owned());
                    }
                    prop_assert_ne!(row.kind, ReplyKind::Notice);
                }
                prop_assert_eq!(limits::check(&merged.row.message), Ok(()));
                said.push(text_of(&merged.row.message).unwrap().to_owned());
                merged.ends.len()
            } else {
                said.push(text_of(&left[0].message).unwrap().to_owned());
                1
            };
            left.drain(..taken);
            sends += 1;
        }
        prop_assert!(sends <= rows.len());
        let told = said.join(BETWEEN);
        let mut from = 0;
        for row in &rows {
            let body = text_of(&row.message).unwrap();
            if replaced.iter().any(|other| other == body) {
                prop_assert!(!told.contains(body), "replaced, and said");
                continue;
            }
            let at = told[from..].find(body);
            prop_assert!(at.is_some(), "{} is missing or out of order", &body[..4]);
            from += at.unwrap() + body.len();
            prop_assert!(!told[from..].contains(body), "said twice");
        }
    }
}
