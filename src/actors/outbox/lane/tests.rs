//! The lane: order under back-off, what each of Meta's answers asks for, and never more than one duplicate.

use super::*;
use crate::domain::contact::{BusinessNumber, ContactId, Recipient};
use crate::domain::message::{Outbound, Text};
use crate::domain::phone::Phone;
use crate::domain::time::{DAY_MS, HOUR_MS};
use crate::ports::{Attempt, Lsn, RecoveredSend};

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
        urgency: Urgency::Reply,
        window_until: START.plus_ms(DAY_MS),
        place: None,
    }
}

fn found(lsn: u64, born_at: Timestamp, attempted: Attempt) -> RecoveredSend {
    let row = row(ReplyKind::Answer, born_at);
    RecoveredSend { id: id(lsn), head: row.head(), row: Some(row), attempted }
}

fn lane(rows: &[(u64, ReplyKind)]) -> Lane {
    let mut lane = Lane::default();
    for (lsn, kind) in rows {
        lane.push(Send::new(id(*lsn), row(*kind, START)));
    }
    lane
}

fn go(lane: &mut Lane, now: Timestamp) -> RowId {
    let head = lane.head(now, true);
    assert!(matches!(head, Head::Ready), "expected a send, found {head:?}");
    lane.launch().unwrap().id
}

fn later(lane: &Lane, now: Timestamp) -> Timestamp {
    let head = lane.head(now, true);
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
    assert!(matches!(lane.head(START, true), Head::Idle));
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
    assert_eq!(later(&lane, START), START.plus_ms(500));
    assert_eq!(go(&mut lane, START.plus_ms(500)), id(1));
    lane.ended(id(1), refused(Class::Retry), START, RETRY);
    assert_eq!(later(&lane, START), START.plus_ms(1_000));
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
        (Class::StopAndPage, Some(0)),
        (Class::Once, Some(500)),
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
                if wait_ms == 0 {
                    assert!(matches!(lane.head(START, true), Head::Ready), "how long is the number's business");
                    continue;
                }
                assert_eq!(later(&lane, START), START.plus_ms(wait_ms), "{class:?}");
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
        go(&mut lane, now);
        assert_eq!(lane.ended(id(1), Outcome::Unreachable, now, RETRY), None);
        now = now.plus_ms(60_000);
    }
    assert!(matches!(lane.head(START.plus_ms(DAY_MS), true), Head::Closed));
    now = START.plus_ms(DAY_MS - 1);
    go(&mut lane, now);
    let settled = lane.ended(id(1), Outcome::Unreachable, now.plus_ms(1), RETRY);
    assert_eq!(settled, Some(Settlement::Failed { code: Some(131_047) }));
}

#[test]
fn an_ambiguous_send_waits_for_a_status_then_goes_once_more() {
    let mut lane = lane(&[(1, ReplyKind::Answer)]);
    go(&mut lane, START);
    assert_eq!(lane.ended(id(1), Outcome::Ambiguous, START, RETRY), None);
    let until = START.plus_ms(120_000);
    assert_eq!(later(&lane, START), until);
    assert_eq!(go(&mut lane, until), id(1));
    lane.ended(id(1), Outcome::Ambiguous, until, RETRY);
    let end = until.plus_ms(120_000);
    assert_eq!(later(&lane, until), end);
    assert!(matches!(lane.head(end, true), Head::GiveUp(row, None) if row == id(1)), "twice is enough");
}

#[test]
fn a_status_settles_before_the_answer_is_read() {
    let mut lane = lane(&[(1, ReplyKind::Answer), (2, ReplyKind::Answer)]);
    go(&mut lane, START);
    assert!(lane.remove(id(1)));
    assert!(!lane.remove(id(1)), "only once");
    assert!(matches!(lane.head(START, true), Head::Idle), "its connection is still open");
    assert_eq!(lane.ended(id(1), Outcome::Ambiguous, START, RETRY), None);
    assert_eq!(go(&mut lane, START), id(2));
}

#[test]
fn only_what_certainly_has_not_left_is_withdrawn() {
    let mut lane = lane(&[(1, ReplyKind::Prompt), (2, ReplyKind::Prompt), (3, ReplyKind::Answer)]);
    lane.push(Send::new(id(0), row(ReplyKind::Prompt, START)).unknown(START));
    assert_eq!(go(&mut lane, START), id(0));
    let gone = lane.withdraw(|kind| kind == ReplyKind::Prompt);
    assert_eq!(gone.iter().map(|send| send.id).collect::<Vec<_>>(), [id(1), id(2)]);
    lane.ended(id(0), sent(), START, RETRY);
    assert_eq!(go(&mut lane, START), id(3));
    assert!(lane.withdraw(|_| true).is_empty(), "it is in the air");
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
    assert_eq!(later(&lane, START), until);
}

#[test]
fn after_a_restart_only_what_may_have_left_waits() {
    let old = START.plus_ms(-10_000);
    let rows = vec![found(1, old, Attempt::Never), found(2, old, Attempt::Once), found(3, START, Attempt::Never)];
    let sends = recovered(rows, 120_000, START);
    let ambiguous: Vec<bool> = sends.iter().map(|send| send.attempted).collect();
    assert_eq!(ambiguous, [false, true, true]);
    let mut lane = Lane::default();
    sends.into_iter().skip(1).take(1).for_each(|send| lane.push(send));
    assert_eq!(later(&lane, START), START.plus_ms(120_000));
    assert_eq!(go(&mut lane, START.plus_ms(120_000)), id(2));
    lane.ended(id(2), Outcome::Ambiguous, START.plus_ms(120_000), RETRY);
    assert!(matches!(lane.head(START.plus_ms(240_000), true), Head::GiveUp(_, None)), "once more, and no more");
}

#[test]
fn what_was_sent_once_more_before_a_restart_is_never_sent_again() {
    let sends = recovered(vec![found(1, START.plus_ms(-10_000), Attempt::Again)], 120_000, START);
    let mut lane = Lane::default();
    for send in sends {
        lane.push(send);
    }
    assert_eq!(later(&lane, START), START.plus_ms(120_000), "a status may still tell");
    assert!(matches!(lane.head(START.plus_ms(120_000), true), Head::GiveUp(row, None) if row == id(1)));
}

#[test]
fn what_an_outbox_left_in_the_air_is_ambiguous() {
    let mut lane = lane(&[(1, ReplyKind::Answer)]);
    go(&mut lane, START);
    lane.start_over(START, 120_000, &[]);
    assert_eq!(later(&lane, START), START.plus_ms(120_000));
}

#[test]
fn jitter_never_passes_the_whole_delay() {
    for (chance, expected) in [(0.0, 0), (0.5, 30_000), (1.0, 60_000), (7.0, 60_000)] {
        assert_eq!(Retry { chance, ..RETRY }.backoff(40), expected);
    }
}

#[test]
fn an_ambiguous_send_goes_once_more_whatever_is_refused_in_between() {
    let mut lane = lane(&[(1, ReplyKind::Answer)]);
    go(&mut lane, START);
    lane.ended(id(1), Outcome::Ambiguous, START, RETRY);
    let mut now = START.plus_ms(120_000);
    for end in [refused(Class::ThrottleNumber), Outcome::Unreachable, Outcome::NotNow] {
        go(&mut lane, now);
        assert_eq!(lane.ended(id(1), end, now, RETRY), None);
        assert!(lane.withdraw(|_| true).is_empty(), "the first may have arrived");
        now = now.plus_ms(10_000);
    }
    go(&mut lane, now);
    lane.ended(id(1), Outcome::Ambiguous, now, RETRY);
    assert!(matches!(lane.head(now.plus_ms(120_000), true), Head::GiveUp(..)), "never a third time");
}

#[test]
fn the_pairs_rate_waits_ever_longer_and_gives_nothing_up() {
    let mut lane = lane(&[(1, ReplyKind::Answer)]);
    let mut now = START;
    for wait_ms in [1_000, 4_000, 16_000, 60_000, 60_000, 60_000, 60_000] {
        go(&mut lane, now);
        assert_eq!(lane.ended(id(1), refused(Class::ThrottleContact), now, RETRY), None);
        assert_eq!(later(&lane, now), now.plus_ms(wait_ms));
        now = now.plus_ms(wait_ms);
    }
}

#[test]
fn a_code_that_says_too_little_is_tried_twice() {
    let mut lane = lane(&[(1, ReplyKind::Answer)]);
    go(&mut lane, START);
    assert_eq!(lane.ended(id(1), refused(Class::Once), START, RETRY), None);
    let now = later(&lane, START);
    go(&mut lane, now);
    assert_eq!(lane.ended(id(1), refused(Class::Once), now, RETRY), Some(Settlement::Failed { code: Some(7) }));
}

fn template() -> Outbound {
    Outbound::Template { name: "news".into(), language: "id".into() }
}

#[test]
fn past_the_window_one_template_stands_in_for_all_that_waits() {
    let mut lane = lane(&[(1, ReplyKind::Notice), (2, ReplyKind::Document), (3, ReplyKind::Answer)]);
    let late = START.plus_ms(DAY_MS);
    assert!(matches!(lane.head(late, true), Head::Closed));
    let swap = lane.templated(template(), late).unwrap();
    let taken: Vec<_> = swap.taken.iter().map(|(id, _, how)| (*id, how.clone())).collect();
    let dropped = Settlement::Failed { code: Some(131_047) };
    assert_eq!(taken, [1, 2, 3].map(|lsn| (id(lsn), dropped.clone())));
    assert_eq!((&*swap.row.message, swap.row.epoch, swap.row.place), (&template(), None, Some(id(1))));
    lane.swap(swap, id(9));
    assert!(matches!(lane.head(late, true), Head::Idle), "it is in the air");
    lane.push(Send::new(id(4), row(ReplyKind::Answer, late)));
    assert!(matches!(lane.ended(id(9), sent(), late, RETRY), Some(Settlement::Sent(_))));
    assert!(matches!(lane.head(late, true), Head::Closed));
    let again = OutboxRow { window_until: late.plus_ms(HOUR_MS), ..row(ReplyKind::Answer, late) };
    lane.push(Send::new(id(5), again));
    assert_eq!(go(&mut lane, late), id(4), "he wrote: all is free-form again");
}

#[test]
fn where_meta_says_the_window_is_closed_it_is_closed() {
    let mut lane = lane(&[(1, ReplyKind::Answer)]);
    go(&mut lane, START);
    let closed = Outcome::Refused { code: Some(131_047), class: Class::WindowClosed };
    assert_eq!(lane.ended(id(1), closed.clone(), START, RETRY), None);
    assert!(matches!(lane.head(START, true), Head::Closed));
    let swap = lane.templated(template(), START).unwrap();
    lane.swap(swap, id(2));
    let settled = lane.ended(id(2), closed, START, RETRY);
    assert_eq!(settled, Some(Settlement::Failed { code: Some(131_047) }), "a template is refused once");
    assert!(lane.is_empty());
}

#[test]
fn what_stands_in_keeps_the_place_of_the_first() {
    let mut lane = lane(&[(1, ReplyKind::Answer), (2, ReplyKind::Answer)]);
    let swap = lane.merged().unwrap();
    lane.push(Send::new(id(3), row(ReplyKind::Answer, START)));
    lane.swap(swap, id(4));
    assert_eq!(lane.ended(id(4), Outcome::NotNow, START, RETRY), None);
    assert_eq!(go(&mut lane, START), id(4), "before what came after those it took");
    lane.ended(id(4), sent(), START, RETRY);
    assert_eq!(go(&mut lane, START), id(3));
}
