//! Turns with a conversation that repeats what it hears, and panics when told to.

use std::sync::Arc;

use super::*;
use crate::actors::session::plan::Alarm;
use crate::actors::session::seen::Older;
use crate::actors::session::sends::Sends;
use crate::conversation::text::Texts;
use crate::conversation::{Notice, Reply, Rules, State};
use crate::domain::call::{Answer, Call, Request};
use crate::domain::certificate::Language;
use crate::domain::contact::{BusinessNumber, ContactId, Identity};
use crate::domain::message::{Content, Outbound, ReplyKind, Text};
use crate::domain::phone::Phone;
use crate::domain::time::MINUTE_MS;
use crate::ports::{DeadReason, InboxRow, Lsn, Part, Table};

const NOW: Timestamp = Timestamp(1_790_000_000_000);
const CONTACT: ContactId = ContactId(9);

/// Says back what it hears; some words make it panic, call, or wish.
struct Parrot;

fn say(kind: ReplyKind, text: String) -> Effect {
    Effect::Say(Reply { kind, message: Outbound::Text { body: Text(text) }, epoch: None })
}

impl Script for Parrot {
    fn step(&self, state: State, events: Vec<Event>, context: &Context<'_>) -> Step {
        let mut heard = Vec::new();
        let mut effects = Vec::new();
        let mut wake_at = None;
        for event in events {
            match event {
                Event::Message(Inbound { content: Content::Text(Text(text)), .. }) => {
                    assert_ne!(text, "poison");
                    if text == "ask" {
                        let call = Call { id: context.call, request: Request::ReadTickets };
                        effects.push(Effect::Call { call, after_s: 0 });
                    }
                    if text == "wish" {
                        wake_at = Some(context.now.plus_ms(5_000));
                    }
                    heard.push(text);
                }
                Event::Answer { answer: Answer::Left, .. } => panic!("a poisoned answer"),
                Event::Notice(_) => heard.push("notice".to_owned()),
                Event::Wake => heard.push("wake".to_owned()),
                Event::Late(message) => heard.push(format!("late {}", message.id.0)),
                Event::Answer { .. } | Event::Message(_) => {}
            }
        }
        if !heard.is_empty() {
            effects.insert(0, say(ReplyKind::Prompt, heard.join(",")));
        }
        Step { state, effects, wake_at }
    }

    fn resume(&self, _: &State, _: &Context<'_>) -> Vec<Effect> {
        Vec::new()
    }

    fn apology(&self, _: &State, _: &Texts) -> Reply {
        Reply { kind: ReplyKind::Answer, message: Outbound::Text { body: Text("sorry".into()) }, epoch: None }
    }

    fn language(&self, _: &State) -> Language {
        Language::Indonesian
    }
}

fn row_id(lsn: u64) -> RowId {
    RowId { lsn: Lsn(lsn), index: 0 }
}

fn message(lsn: u64, wamid: &str, text: &str) -> (RowId, Arc<InboxRow>) {
    let message = Inbound {
        id: MessageId(wamid.into()),
        from: Identity { phone: Phone::from_wa_id("6281200000042"), bsuid: None },
        to: BusinessNumber("100".into()),
        sent_at: NOW,
        quotes: None,
        content: Content::Text(Text(text.into())),
    };
    let body = InboxBody::Message(message);
    (row_id(lsn), Arc::new(InboxRow { contact: CONTACT, accepted_at: NOW, body }))
}

fn run(record: &ContactRecord, waiting: &Waiting) -> Plan {
    let texts = Texts::embedded().unwrap();
    let rules = Rules::default();
    plan(
        &Parrot,
        &Setting {
            contact: CONTACT,
            now: NOW,
            texts: &texts,
            rules: &rules,
            sends: &Sends::default(),
            older: &Older::default(),
        },
        record,
        waiting,
    )
}

fn rows(rows: impl Into<Vec<(RowId, Arc<InboxRow>)>>) -> Waiting {
    Waiting { rows: rows.into(), ..Waiting::default() }
}

fn said(plan: &Plan) -> Vec<&str> {
    plan.replies
        .iter()
        .filter_map(|row| match row.message.as_ref() {
            Outbound::Text { body } => Some(body.0.as_str()),
            Outbound::Buttons { .. }
            | Outbound::List { .. }
            | Outbound::Certificate { .. }
            | Outbound::Template { .. } => None,
        })
        .collect()
}

fn known() -> ContactRecord {
    *run(&ContactRecord::default(), &rows([message(1, "w0", "hai")])).record.unwrap()
}

#[test]
fn all_that_waits_is_one_turn() {
    let plan = run(&ContactRecord::default(), &rows([message(1, "w1", "a"), message(2, "w2", "b")]));
    assert_eq!(said(&plan), ["a,b"]);
    assert_eq!(plan.closed, [(row_id(1), Closing::Absorbed), (row_id(2), Closing::Answered)]);
    assert_eq!(plan.record.as_ref().unwrap().rev, 1);
    let parts = plan.parts(CONTACT, &[], Alarm::At(None));
    assert!(matches!(parts[0], Part::Put { table: Table::Contact, .. }));
    assert_eq!(parts.len(), 5, "contact, timer, two rows closed, one reply");
}

#[test]
fn a_message_has_its_effect_once() {
    let first = run(&ContactRecord::default(), &rows([message(1, "w1", "a"), message(2, "w1", "a")]));
    assert_eq!(said(&first), ["a"], "also within one turn");
    assert_eq!(first.news.duplicates, 1);
    // As after a restart: all it knows is the record.
    let value = first.record.unwrap().encode();
    let record = ContactRecord::decode(&value).unwrap();
    let again = run(&record, &rows([message(7, "w1", "a")]));
    assert_eq!(again.closed, [(row_id(7), Closing::Absorbed)]);
    assert!(again.replies.is_empty() && again.record.is_none());
    assert_eq!(again.parts(CONTACT, &[], Alarm::At(None)), [Part::CloseInbox(row_id(7), Closing::Absorbed)]);
}

#[test]
fn a_poisonous_message_does_not_harm_its_neighbours() {
    let all = rows([message(1, "w1", "a"), message(2, "w2", "poison"), message(3, "w3", "c")]);
    let first = run(&ContactRecord::default(), &all);
    assert_eq!((said(&first), first.closed.as_slice()), (vec!["a"], &[(row_id(1), Closing::Answered)][..]));
    let mut record = first.record.unwrap();
    let left = rows(all.rows[1..].to_vec());
    for _ in 1..TRIES_MAX {
        let tried = run(&record, &left);
        assert!(tried.closed.is_empty() && tried.replies.is_empty() && tried.dead.is_empty());
        *record = ContactRecord::decode(&tried.record.unwrap().encode()).unwrap();
    }
    let aside = run(&record, &left);
    assert_eq!(aside.closed, [(row_id(2), Closing::DeadLettered)]);
    assert_eq!(said(&aside), ["sorry"]);
    assert_eq!(aside.dead.len(), 1);
    assert_eq!((aside.dead[0].reason, aside.dead[0].contact), (DeadReason::Poison, Some(CONTACT)));
    let last = run(&aside.record.unwrap(), &rows(all.rows[2..].to_vec()));
    assert_eq!(said(&last), ["c"]);
}

#[test]
fn what_took_a_session_with_it_is_counted_before_it_is_tried_again() {
    let blamed = |waiting: &Waiting| Waiting {
        rows: waiting.rows.clone(),
        blamed: Some(Blame { what: Troubling::Row(row_id(2)), counted_by: None }),
        ..Waiting::default()
    };
    let waiting = rows([message(2, "w2", "b"), message(3, "w3", "c")]);
    let counted = run(&known(), &blamed(&waiting));
    assert!(counted.closed.is_empty() && counted.replies.is_empty(), "nothing is handled in this turn");
    let record = ContactRecord::decode(&counted.record.unwrap().encode()).unwrap();
    assert_eq!(record.trouble.as_ref().map(|trouble| trouble.tries), Some(1));
    // Alone: should it harm again, it is known which one it was.
    let alone = run(&record, &waiting);
    assert_eq!((said(&alone), alone.closed.len()), (vec!["b"], 1));
    assert_eq!(alone.record.unwrap().trouble, None);
    let second = run(&record, &blamed(&waiting)).record.unwrap();
    let third = run(&second, &blamed(&waiting));
    assert_eq!(third.closed, [(row_id(2), Closing::DeadLettered)]);
    assert_eq!((said(&third), third.dead.len()), (vec!["sorry"], 1));
    let next = run(&third.record.unwrap(), &rows(waiting.rows[1..].to_vec()));
    assert_eq!(said(&next), ["c"]);
}

#[test]
fn tries_that_other_processes_made_are_enough() {
    let mut record = known();
    for _ in 0..TRIES_MAX {
        record.tried(Troubling::Row(row_id(2)));
    }
    let aside = run(&record, &rows([message(2, "w2", "b"), message(3, "w3", "c")]));
    assert_eq!((said(&aside), &aside.closed[..]), (vec!["sorry"], &[(row_id(2), Closing::DeadLettered)][..]));
    // Its row is closed by now: nobody is told anything, and the count is forgotten.
    let gone = run(&record, &rows([message(3, "w3", "c")]));
    assert!(gone.replies.is_empty() && gone.closed.is_empty());
    assert_eq!(gone.record.unwrap().trouble, None);
}

#[test]
fn a_poisoned_answer_ends_the_wait() {
    let mut record = known();
    let waiting = Waiting { answers: vec![(CallId(1), Answer::Left), (CallId(2), Answer::OtpSent)], ..rows([]) };
    for _ in 1..TRIES_MAX {
        let tried = run(&record, &waiting);
        assert_eq!((tried.answers_done, said(&tried).len()), (0, 0), "it comes again");
        record = *tried.record.unwrap();
    }
    let ended = run(&record, &waiting);
    assert_eq!((ended.answers_done, said(&ended)), (1, vec!["sorry"]));
    assert_eq!(ended.record.unwrap().state, State::default());
}

#[test]
fn an_answer_that_changes_nothing_is_not_written_down() {
    let record = known();
    let waiting = Waiting { answers: vec![(CallId(77), Answer::OtpSent)], ..Waiting::default() };
    let plan = run(&record, &waiting);
    assert!(plan.record.is_none() && plan.parts(CONTACT, &[], Alarm::At(None)).is_empty());
    assert_eq!(plan.answers_done, 1);
}

#[test]
fn a_wish_comes_once_and_not_before_its_time() {
    let record = run(&known(), &rows([message(2, "w1", "wish")])).record.unwrap();
    assert_eq!(record.wish, Some(NOW.plus_ms(5_000)));
    let due = Waiting { due: true, ..Waiting::default() };
    assert!(run(&record, &due).record.is_none(), "a nudge is no wish");
    let ripe = ContactRecord { wish: Some(NOW), ..*record };
    let woken = run(&ripe, &due);
    assert_eq!(said(&woken), ["wake"]);
    assert_eq!(woken.record.unwrap().wish, None);
}

#[test]
fn a_call_is_named_by_its_turn_and_looked_after() {
    let plan = run(&known(), &rows([message(2, "w1", "ask")]));
    assert_eq!(plan.calls, [(Call { id: CallId(2), request: Request::ReadTickets }, 0)]);
    assert_eq!(plan.record.as_ref().unwrap().rev, 2);
    assert_eq!(plan.timer(false, NOW), Some(NOW.plus_ms(1_000)), "a restart looks at it soon");
}

#[test]
fn nobody_to_answer_is_counted_and_no_panic() {
    let notice = InboxRow { contact: CONTACT, accepted_at: NOW, body: InboxBody::Notice(Notice::LoginEnded) };
    let plan = run(&ContactRecord::default(), &rows([(row_id(1), Arc::new(notice))]));
    assert_eq!((plan.replies.len(), plan.news.unaddressed), (0, 1));
    assert_eq!(plan.closed, [(row_id(1), Closing::Absorbed)]);
}

#[test]
fn a_reply_goes_where_the_message_came_from() {
    let plan = run(&ContactRecord::default(), &rows([message(1, "w1", "a")]));
    assert_eq!(plan.replies[0].number, BusinessNumber("100".into()));
    assert_eq!(
        plan.replies[0].to,
        crate::domain::contact::Recipient::Phone(Phone::from_wa_id("6281200000042").unwrap())
    );
}

#[test]
fn nothing_goes_to_a_phone_that_may_be_anothers_now() {
    let changed = InboxRow { contact: CONTACT, accepted_at: NOW, body: InboxBody::Notice(Notice::IdentityChanged) };
    let plan = run(&known(), &rows([(row_id(2), Arc::new(changed))]));
    assert!(plan.recall, "what has not left is taken back");
    assert_eq!((plan.replies.len(), plan.news.unaddressed), (0, 1));
    let record = plan.record.unwrap();
    assert_eq!((record.identity.phone, record.reply_to.clone()), (None, None));
    let back = run(&record, &rows([message(3, "w3", "a")]));
    assert_eq!(said(&back), ["a"], "a message of his own brings it back");
}

#[test]
fn a_later_wish_is_written_anew_only_when_the_earlier_one_is_near() {
    let at = |minutes: i64| Some(NOW.plus_ms(minutes * MINUTE_MS));
    // (what was written, what is wanted, what is written now)
    let table = [
        (Alarm::AsWritten, None, Alarm::At(None)),
        (Alarm::AsWritten, at(5), Alarm::At(at(5))),
        (Alarm::At(None), None, Alarm::AsWritten),
        (Alarm::At(None), at(5), Alarm::At(at(5))),
        (Alarm::At(at(5)), at(6), Alarm::AsWritten),
        (Alarm::At(at(5)), at(5), Alarm::AsWritten),
        (Alarm::At(at(5)), at(4), Alarm::At(at(4))),
        (Alarm::At(at(1)), at(9), Alarm::At(at(9))),
        (Alarm::At(at(-3)), at(9), Alarm::At(at(9))),
        (Alarm::At(at(5)), None, Alarm::At(None)),
    ];
    for (written, wanted, expected) in table {
        assert_eq!(written.for_wish(wanted, NOW), expected, "{written:?} and then {wanted:?}");
    }
}
