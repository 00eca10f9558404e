//! The lane: order under back-off, what each of Meta's answers asks for, and never more than one duplicate.

use super::*;
use crate::domain::contact::{BusinessNumber, ContactId, Recipient};
use crate::domain::message::{Outbound, Text};
use crate::domain::phone::Phone;
use crate::ports::Lsn;

const START: Timestamp = Timestamp(1_000_000);
const RETRY: Retry = Retry { first_ms: 500, max_ms: 60_000, tries_max: 3, reconcile_ms: 120_000, chance: 1.0 };

fn id(lsn: u64) -> RowId {
    RowId { lsn: Lsn(lsn), index: 0 }
}

fn row(kind: ReplyKind, born_at: Timestamp) -> OutboxRow {
    OutboxRow {
        contact: ContactId(1),
        number: BusinessNumber("100".into()),
        to: Recipient::Phone(Phone::from_wa_id("6281200000042").unwrap()),
        kind,
        message: Arc::new(Outbound::Text { body: Text("halo".into()) }),
        epoch: None,
        born_at,
    }
}

fn lane(rows: &[(u64, ReplyKind)]) -> Lane {
    let mut lane = Lane::default();
    for (lsn, kind) in rows {
        lane.push(Send::new(id(*lsn), row(*kind, START)));
    }
    lane
}

fn go(lane: &mut Lane, now: Timestamp) -> RowId {
    let head = lane.head(now);
    let Head::Go(send) = head else { panic!("expected a send, found {head:?}") };
    send.id
}

fn later(lane: &mut Lane, now: Timestamp) -> Timestamp {
    let head = lane.head(now);
    let Head::Later(at) = head else { panic!("expected a wait, found {head:?}") };
    at
}

fn refused(class: Class) -> Outcome {
    Outcome::Refused { code: Some(7), class }
}

fn sent() -> Outcome {
    Outcome::Sent(MessageId("wamid.1".into()))
}

#[test]
fn one_in_the_air_and_the_next_in_order() {
    let mut lane = lane(&[(2, ReplyKind::Answer), (1, ReplyKind::Document)]);
    assert_eq!(go(&mut lane, START), id(1));
    assert!(matches!(lane.head(START), Head::Idle));
    assert!(matches!(lane.ended(id(1), sent(), START, RETRY), Some(Settlement::Sent(_))));
    assert_eq!(go(&mut lane, START), id(2));
    lane.ended(id(2), sent(), START, RETRY);
    assert!(lane.is_empty());
}

#[test]
fn a_refused_send_waits_and_nothing_overtakes_it() {
    let mut lane = lane(&[(1, ReplyKind::Answer), (2, ReplyKind::Answer)]);
    go(&mut lane, START);
    assert_eq!(lane.ended(id(1), refused(Class::Retry), START, RETRY), None);
    assert_eq!(later(&mut lane, START), START.plus_ms(500));
    assert_eq!(go(&mut lane, START.plus_ms(500)), id(1));
    lane.ended(id(1), refused(Class::Retry), START, RETRY);
    assert_eq!(later(&mut lane, START), START.plus_ms(1_000));
    go(&mut lane, START.plus_ms(1_000));
    let settled = lane.ended(id(1), refused(Class::Retry), START, RETRY);
    assert_eq!(settled, Some(Settlement::Failed { code: Some(7) }), "three tries, no more");
    assert_eq!(go(&mut lane, START), id(2));
}

#[test]
fn what_each_class_asks_for() {
    // (class, wait in ms, or none: given up at once)
    let table = [
        (Class::Retry, Some(500)),
        (Class::Unknown, Some(500)),
        (Class::ThrottleContact, Some(1_000)),
        (Class::ThrottleNumber, Some(4_000)),
        (Class::ThrottleAccount, Some(4_000)),
        (Class::Maintenance, Some(60_000)),
        (Class::StopAndPage, Some(60_000)),
        (Class::WindowClosed, None),
        (Class::GiveUpContact, None),
        (Class::Configuration, None),
        (Class::Bug, None),
    ];
    for (class, wait) in table {
        let mut lane = lane(&[(1, ReplyKind::Answer)]);
        go(&mut lane, START);
        let settled = lane.ended(id(1), refused(class), START, RETRY);
        match wait {
            Some(wait_ms) => {
                assert_eq!(settled, None, "{class:?}");
                assert_eq!(later(&mut lane, START), START.plus_ms(wait_ms), "{class:?}");
            }
            None => assert_eq!(settled, Some(Settlement::Failed { code: Some(7) }), "{class:?}"),
        }
    }
}

#[test]
fn trouble_that_is_not_the_messages_own_does_not_count_but_ends_with_the_window() {
    let mut lane = lane(&[(1, ReplyKind::Answer)]);
    let mut now = START;
    for _ in 0..50 {
        let Head::Go(_) = lane.head(now) else { panic!("it is tried again") };
        assert_eq!(lane.ended(id(1), Outcome::Unreachable, now, RETRY), None);
        now = now.plus_ms(60_000);
    }
    now = START.plus_ms(DAY_MS);
    go(&mut lane, now);
    let settled = lane.ended(id(1), Outcome::Unreachable, now, RETRY);
    assert_eq!(settled, Some(Settlement::Failed { code: Some(131_047) }));
}

#[test]
fn an_ambiguous_send_waits_for_a_status_then_goes_once_more() {
    let mut lane = lane(&[(1, ReplyKind::Answer)]);
    go(&mut lane, START);
    assert_eq!(lane.ended(id(1), Outcome::Ambiguous, START, RETRY), None);
    let until = START.plus_ms(120_000);
    assert_eq!(later(&mut lane, START), until);
    assert_eq!(go(&mut lane, until), id(1));
    lane.ended(id(1), Outcome::Ambiguous, until, RETRY);
    let end = until.plus_ms(120_000);
    assert_eq!(later(&mut lane, until), end);
    assert!(matches!(lane.head(end), Head::GiveUp(row) if row == id(1)), "twice is enough");
}

#[test]
fn a_status_settles_before_the_answer_is_read() {
    let mut lane = lane(&[(1, ReplyKind::Answer), (2, ReplyKind::Answer)]);
    go(&mut lane, START);
    assert!(lane.remove(id(1)));
    assert!(!lane.remove(id(1)), "only once");
    assert!(matches!(lane.head(START), Head::Idle), "its connection is still open");
    assert_eq!(lane.ended(id(1), Outcome::Ambiguous, START, RETRY), None);
    assert_eq!(go(&mut lane, START), id(2));
}

#[test]
fn only_what_certainly_has_not_left_is_withdrawn() {
    let mut lane = lane(&[(1, ReplyKind::Prompt), (2, ReplyKind::Prompt), (3, ReplyKind::Answer)]);
    lane.push(Send::unknown(id(0), row(ReplyKind::Prompt, START), START));
    assert_eq!(go(&mut lane, START), id(0));
    let gone = lane.withdraw(|kind| kind == ReplyKind::Prompt);
    assert_eq!(gone, [id(1), id(2)]);
    lane.ended(id(0), sent(), START, RETRY);
    assert_eq!(go(&mut lane, START), id(3));
    assert_eq!(lane.withdraw(|_| true), [], "it is in the air");
}

#[test]
fn held_back_is_not_tried() {
    let mut lane = lane(&[(1, ReplyKind::Answer)]);
    for _ in 0..10 {
        go(&mut lane, START);
        assert_eq!(lane.ended(id(1), Outcome::NotNow, START, RETRY), None);
    }
    go(&mut lane, START);
    let until = START.plus_ms(6_000);
    lane.ended(id(1), Outcome::HeldBack { until }, START, RETRY);
    assert_eq!(later(&mut lane, START), until);
}

#[test]
fn after_a_restart_only_what_may_have_left_waits() {
    let old = START.plus_ms(-10_000);
    let rows = vec![
        RecoveredSend { id: id(1), row: row(ReplyKind::Answer, old), attempted: false },
        RecoveredSend { id: id(2), row: row(ReplyKind::Answer, old), attempted: true },
        RecoveredSend { id: id(3), row: row(ReplyKind::Answer, START), attempted: false },
    ];
    let sends = recovered(rows, 120_000, START);
    let ambiguous: Vec<bool> = sends.iter().map(|send| send.attempted).collect();
    assert_eq!(ambiguous, [false, true, true]);
    let mut lane = Lane::default();
    sends.into_iter().skip(1).take(1).for_each(|send| lane.push(send));
    assert_eq!(later(&mut lane, START), START.plus_ms(120_000));
    assert_eq!(go(&mut lane, START.plus_ms(120_000)), id(2));
    lane.ended(id(2), Outcome::Ambiguous, START.plus_ms(120_000), RETRY);
    assert!(matches!(lane.head(START.plus_ms(240_000)), Head::GiveUp(_)), "once more, and no more");
}

#[test]
fn what_an_outbox_left_in_the_air_is_ambiguous() {
    let mut lane = lane(&[(1, ReplyKind::Answer)]);
    go(&mut lane, START);
    lane.start_over(START, 120_000);
    assert_eq!(later(&mut lane, START), START.plus_ms(120_000));
}

#[test]
fn jitter_never_passes_the_whole_delay() {
    for (chance, expected) in [(0.0, 0), (0.5, 30_000), (1.0, 60_000), (7.0, 60_000)] {
        assert_eq!(Retry { chance, ..RETRY }.backoff(40), expected);
    }
}
