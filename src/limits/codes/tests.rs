//! The budgets, with a clock in the hand.

use super::*;
use crate::domain::time::SECOND_MS;

const START: Timestamp = Timestamp(1_795_400_000_000);
const HERE: LookupKey = LookupKey([1; 16]);
const THERE: LookupKey = LookupKey([2; 16]);

fn key(n: u64) -> LookupKey {
    let mut key = [9; 16];
    key[..8].copy_from_slice(&n.to_le_bytes());
    LookupKey(key)
}

fn rules() -> CodeRules {
    CodeRules { per_minute: 1_000, per_day: 10_000, ..CodeRules::default() }
}

/// How many codes a stranger gets out of so many wishes.
fn taken(codes: &mut Codes, route: LookupKey, wishes: u32, now: Timestamp) -> u32 {
    (0..wishes).map(|_| u32::from(codes.take(route, false, now).is_ok())).sum()
}

#[test]
fn strangers_have_a_routes_budget_an_hour_and_those_who_belong_are_never_stopped_by_it() {
    let mut codes = Codes::new(CodeRules { route_per_hour: 20, ..rules() });
    assert_eq!(taken(&mut codes, HERE, 100, START), 20);
    assert_eq!(codes.take(HERE, false, START.plus_ms(5)), Err(START.plus_ms(HOUR_MS)), "the truth");
    assert_eq!(codes.take(HERE, true, START), Ok(()));
    assert_eq!(codes.take(THERE, false, START), Ok(()), "another route");
    assert_eq!(taken(&mut codes, HERE, 100, START.plus_ms(HOUR_MS - 1)), 0);
    assert_eq!(taken(&mut codes, HERE, 100, START.plus_ms(HOUR_MS)), 20);
}

#[test]
fn half_of_all_is_for_those_who_belong() {
    let mut codes = Codes::new(CodeRules { per_minute: 10, per_day: 30, ..rules() });
    assert_eq!((0..20).filter(|n| codes.take(key(*n), false, START).is_ok()).count(), 5);
    assert_eq!(codes.take(HERE, false, START), Err(START.plus_ms(MINUTE_MS)));
    assert_eq!((0..20).filter(|n| codes.take(key(*n), true, START).is_ok()).count(), 5);
    assert_eq!(codes.take(HERE, true, START), Err(START.plus_ms(MINUTE_MS)));
    for minute in 1..10 {
        let now = START.plus_ms(minute * MINUTE_MS);
        taken(&mut codes, THERE, 20, now);
    }
    let now = START.plus_ms(10 * MINUTE_MS);
    assert_eq!(codes.take(HERE, false, now), Err(START.plus_ms(DAY_MS)), "fifteen strangers a day");
    assert_eq!((0..100).filter(|n| codes.take(key(*n), true, now).is_ok()).count(), 10);
}

#[test]
fn a_route_whose_codes_nobody_types_is_clamped_and_freed_when_they_are_typed_again() {
    let mut codes = Codes::new(CodeRules { clamp_sample: 50, clamp_percent: 10, clamped_per_hour: 6, ..rules() });
    assert_eq!(taken(&mut codes, HERE, 60, START), 60);
    (0..60).for_each(|_| codes.take(THERE, false, START).unwrap());
    (0..6).for_each(|_| codes.proven(THERE));
    let later = START.plus_ms(HOUR_MS);
    assert_eq!(taken(&mut codes, HERE, 60, later), 6, "not one was typed");
    assert_eq!(codes.clamped(), 1);
    assert_eq!(taken(&mut codes, THERE, 60, later), 60, "one in ten was");
    assert_eq!(codes.take(HERE, true, later), Ok(()), "who belongs is not stopped");
    (0..3).for_each(|_| codes.proven(HERE));
    let much_later = later.plus_ms(HOUR_MS);
    assert_eq!(taken(&mut codes, HERE, 60, much_later), 60, "people are there");
}

#[test]
fn a_route_is_judged_by_a_whole_sample_and_no_sooner_than_a_quarter_of_an_hour() {
    let rules = CodeRules { clamp_sample: 60, clamp_percent: 10, ..rules() };
    let judged = |sent: u32, typed: u32, after_ms: i64| {
        let mut codes = Codes::new(rules.clone());
        assert_eq!(taken(&mut codes, HERE, sent, START), sent);
        (0..typed).for_each(|_| codes.proven(HERE));
        codes.take(HERE, true, START.plus_ms(after_ms)).unwrap();
        codes.clamped() == 1
    };
    let quarter_ms = 15 * MINUTE_MS;
    assert!(!judged(60, 0, quarter_ms - 1), "some may still be typed");
    assert!(judged(60, 0, quarter_ms));
    assert!(!judged(59, 0, quarter_ms), "too few tell nothing");
    assert!(judged(60, 5, quarter_ms), "fewer than one in ten");
    assert!(!judged(60, 6, quarter_ms));
}

#[test]
fn a_route_is_forgotten_when_that_forgives_nothing() {
    let full = |clamp_percent| {
        let mut codes = Codes::new(CodeRules { clamp_sample: 1, clamp_percent, routes_max: 1, ..rules() });
        codes.take(HERE, false, START).unwrap();
        codes.take(HERE, false, START.plus_ms(PERIOD_MS)).unwrap();
        codes
    };
    let last = START.plus_ms(PERIOD_MS);
    for (clamp_percent, idle_ms) in [(0, HOUR_MS), (100, DAY_MS)] {
        let mut codes = full(clamp_percent);
        assert!(codes.take(THERE, false, last.plus_ms(idle_ms - 1)).is_err(), "the book is full");
        assert_eq!(codes.take(THERE, false, last.plus_ms(idle_ms - 1 + SWEEP_EVERY_MS)), Ok(()));
        assert!(codes.rows(THERE).contains(&Row { route: Some(HERE), bytes: None }), "and its keeper is told");
        let mut codes = full(clamp_percent);
        assert_eq!(codes.take(THERE, false, last.plus_ms(idle_ms)), Ok(()));
    }
}

#[test]
fn what_was_counted_rests_and_a_clock_that_jumps_back_frees_nothing() {
    let mut codes = Codes::new(CodeRules { route_per_hour: 20, ..rules() });
    assert!(codes.is_empty());
    assert_eq!(taken(&mut codes, HERE, 100, START), 20);
    assert!(!codes.is_empty());
    let rows = codes.rows(HERE);
    let mut again = Codes::new(CodeRules { route_per_hour: 20, ..rules() });
    for row in rows {
        again.load(row.route, &row.bytes.unwrap());
    }
    assert_eq!((again.len(), again.all), (1, codes.all));
    again.take(THERE, true, START).unwrap();
    assert_eq!(again.len(), 2);
    again.give_back(THERE, true);
    assert_eq!(taken(&mut again, HERE, 100, START.plus_ms(-DAY_MS)), 0);
    assert_eq!(taken(&mut again, HERE, 100, START.plus_ms(-DAY_MS + HOUR_MS)), 20, "an hour, whatever the clock says");
}

#[test]
fn what_is_given_back_was_never_taken() {
    let mut codes = Codes::new(CodeRules { route_per_hour: 2, per_minute: 4, ..rules() });
    for _ in 0..100 {
        codes.take(HERE, false, START).unwrap();
        codes.give_back(HERE, false);
    }
    assert_eq!(taken(&mut codes, HERE, 10, START), 2);
    assert_eq!((codes.all.minute.all, codes.routes[&HERE].period.sent), (2, 2));
    codes.take(HERE, true, START).unwrap();
    for (belongs, left) in [(true, (2, 2)), (false, (1, 1))] {
        codes.give_back(HERE, belongs);
        let Window { all, strangers, .. } = codes.routes[&HERE].hour;
        assert_eq!((all, strangers), left, "a stranger's place is a stranger's again");
    }
}

#[test]
fn ten_million_routes_take_no_more_room_than_the_bound() {
    let mut codes = Codes::new(CodeRules { per_minute: u32::MAX, per_day: u32::MAX, routes_max: 4_096, ..rules() });
    let mut now = START;
    let mut forgotten = 0;
    // A tenth in debug builds: the bound holds after the first few thousand or not at all.
    let senders: u64 = if cfg!(debug_assertions) { 1_000_000 } else { 10_000_000 };
    for sender in 0..senders {
        if sender % 5_000 == 0 {
            now = now.plus_ms(SWEEP_EVERY_MS.max(SECOND_MS));
        }
        let route = key(sender);
        if codes.take(route, sender % 2 == 0, now).is_ok() {
            forgotten += codes.rows(route).iter().filter(|row| row.bytes.is_none()).count();
        }
        assert!(codes.len() <= 4_096);
    }
    assert!(codes.routes.capacity() <= 2 * 8_192, "{} slots", codes.routes.capacity());
    assert!(forgotten <= 4_096 * 2, "{forgotten}");
    let bytes = size_of::<(LookupKey, Route)>() + 1;
    assert!(bytes <= 80, "{bytes} bytes a route: {} MB at the default bound", 2 * 65_536 * bytes / 1_000_000);
    assert_eq!(codes.take(key(u64::MAX), true, now), Ok(()), "who belongs is served all the same");
    assert!(codes.take(key(u64::MAX), false, now).is_err(), "fails closed");
}
