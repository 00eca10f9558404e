//! Time tells nothing: on a clock of the test's own, with a directory that answers one number in 5 ms and the
//! other in 3 s, answers to a stranger come at the same tick; every kind of miss asks the same and waits the same.

use super::world::{NOBODY, SITI, World, contact_asker};
use super::*;
use crate::domain::otp::OtpPurpose;
use crate::domain::time::MINUTE_MS;

const QUICK_MS: i64 = 5;
const SLOW_MS: i64 = 3_000;

/// Runs a chat's call on virtual time: when each answer comes, counted from the question, and what was asked.
fn timed(world: &mut World, directory_ms: i64, event: AccountEvent) -> (Vec<(i64, Answer)>, Vec<&'static str>) {
    let start = world.now;
    let mut due = vec![(start, event)];
    let (mut answers, mut asked) = (Vec::new(), Vec::new());
    while !due.is_empty() {
        let next = (0..due.len()).min_by_key(|place| due[*place].0).unwrap();
        let (at, event) = due.remove(next);
        world.now = at;
        for effect in world.step(event) {
            match effect {
                AccountEffect::Answer { answer, .. } => answers.push((at.since_ms(start), answer)),
                AccountEffect::LookUp { job, .. } => {
                    asked.push("people");
                    due.push((
                        at.plus_ms(directory_ms),
                        AccountEvent::Persons { job, result: Ok(world.people.clone()) },
                    ));
                }
                AccountEffect::ReadRecord { job, person } => {
                    asked.push("record");
                    let record = world.records[&person.id].clone();
                    due.push((at.plus_ms(directory_ms), AccountEvent::Record { job, result: Ok(record) }));
                }
                AccountEffect::Sms { to, text, .. } => world.sms.push((to, text.0)),
                _ => {}
            }
        }
    }
    (answers, asked)
}

#[test]
fn a_stranger_hears_the_same_at_the_same_tick_whether_a_number_is_registered_or_not() {
    let mut heard = Vec::new();
    for (registered, directory_ms) in [(true, QUICK_MS), (true, SLOW_MS), (false, QUICK_MS), (false, SLOW_MS)] {
        let mut world = World::new();
        if !registered {
            world.people.clear();
        }
        let asker = contact_asker(7, false);
        let mut ticks = Vec::new();
        for n in 0..6_i64 {
            let requests = [world.challenge(OtpPurpose::Login), world.check(OtpPurpose::Login, &[999_999])];
            for request in requests {
                // Each at its own full minute, however long the directory took before.
                world.now = super::world::START.plus_ms(n * MINUTE_MS);
                let call = world.next_call();
                ticks.extend(timed(&mut world, directory_ms, AccountEvent::Asked { asker, call, request }).0);
            }
        }
        assert!(ticks.iter().all(|(ms, _)| *ms == 0), "before anyone is looked up: {ticks:?}");
        assert_eq!(world.sms.is_empty(), !registered);
        heard.push(ticks);
    }
    assert!(heard.windows(2).all(|pair| pair[0] == pair[1]), "{heard:?}");
}

#[test]
fn every_kind_of_miss_is_told_at_the_same_tick() {
    let kinds = [
        NOBODY,
        ("Rina Kartika", SITI.1),
        (SITI.0, "0001014708900012"),
        (SITI.0, "0001014708900013"),
        ("Siti R", "0001014708900014"),
    ];
    let mut heard = Vec::new();
    for claim in kinds {
        let mut world = World::new();
        world.add_those_who_are_not_shown();
        let asker = contact_asker(1, true);
        world.log_in(asker);
        let (call, request) = (world.next_call(), world.identify(&[claim]));
        heard.push(timed(&mut world, SLOW_MS, AccountEvent::Asked { asker, call, request }));
    }
    assert_eq!(heard[0].0.len(), 1);
    assert_eq!((heard[0].0[0].0, &heard[0].1), (SLOW_MS, &vec!["people"]));
    assert!(heard.windows(2).all(|pair| pair[0] == pair[1]), "{heard:?}");
}
