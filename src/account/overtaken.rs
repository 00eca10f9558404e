//! Calls that a chat has put another one in place of: answered late, they count nothing and are not taken for its last.

use super::world::{NOBODY, SITI, World, contact_asker};
use super::*;
use crate::domain::otp::OtpPurpose;
use crate::domain::time::{DAY_MS, MINUTE_MS};

/// Asks, and leaves the neighbours to answer later: what they were asked, and what the chat was told.
fn asked(world: &mut World, asker: Asker, request: Request) -> (CallId, Vec<JobId>, Vec<Answer>) {
    let call = world.next_call();
    let (mut jobs, mut answers) = (Vec::new(), Vec::new());
    for effect in world.step(AccountEvent::Asked { asker, call, request }) {
        match effect {
            AccountEffect::LookUp { job, .. } => jobs.push(job),
            AccountEffect::Answer { answer, .. } => answers.push(answer),
            _ => {}
        }
    }
    (call, jobs, answers)
}

fn people(world: &World, job: JobId) -> AccountEvent {
    AccountEvent::Persons { job, result: Ok(world.people.clone()) }
}

#[test]
fn a_name_that_another_call_overtook_counts_no_miss_and_answers_nothing() {
    let mut world = World::new();
    let citizen = contact_asker(1, true);
    world.log_in(citizen);
    let slip = world.identify(&[NOBODY]);
    let (_, jobs, _) = asked(&mut world, citizen, slip);
    world.wait(2 * MINUTE_MS);
    let newer = world.next_call();
    let fresh = world.challenge(OtpPurpose::Fresh);
    let told = world.run(AccountEvent::Asked { asker: citizen, call: newer, request: fresh.clone() });
    assert!(told.iter().any(|(_, call, answer)| *call != newer && *answer == Answer::Down), "{told:?}");
    assert!(world.run(people(&world, jobs[0])).is_empty());
    assert_eq!(world.account.chats[0].misses.today, 0);
    assert!(world.account.nik_misses.is_empty());
    assert_eq!(world.ask_again(citizen, newer, fresh), Answer::OtpSent, "its last answer is the newer call's");
    assert_eq!(world.account.chats[0].fresh_sends.len(), 1);
}

#[test]
fn so_it_is_when_only_the_records_are_missing() {
    let mut world = World::new();
    let citizen = contact_asker(1, true);
    world.log_in(citizen);
    let family = world.identify(&[SITI, NOBODY]);
    let (_, jobs, _) = asked(&mut world, citizen, family);
    let mut reads = Vec::new();
    for effect in world.step(people(&world, jobs[0])) {
        if let AccountEffect::ReadRecord { job, person } = effect {
            reads.push(AccountEvent::Record { job, result: Ok(world.records[&person.id].clone()) });
        }
    }
    assert_eq!(reads.len(), 1);
    let left = world.ask_as_newer(citizen, Request::Leave { account: world.phone });
    assert_eq!(left, Answer::Left);
    assert!(world.run(reads.remove(0)).is_empty());
    assert_eq!(world.account.chats[0].misses.today, 0);
}

#[test]
fn a_month_that_another_call_overtook_costs_no_try() {
    let mut world = World::new();
    let citizen = contact_asker(1, true);
    world.log_in(citizen);
    world.wait(366 * DAY_MS);
    assert!(world.log_in(citizen).step_up);
    let tries = world.account.chats[0].login.clone();
    let wrong = Request::StepUp { account: world.phone, month: 1, year: 1999 };
    let (_, jobs, _) = asked(&mut world, citizen, wrong.clone());
    let (_, newer, _) = asked(&mut world, citizen, wrong);
    for job in jobs {
        assert!(world.run(people(&world, job)).is_empty());
    }
    assert_eq!(world.account.chats[0].login, tries);
    let told = world.run(people(&world, newer[0]));
    assert!(matches!(told[..], [(_, _, Answer::StepUpWrong { left: 1 })]), "{told:?}");
}

#[test]
fn a_change_that_is_on_its_way_comes_to_its_end_and_is_not_the_chats_last() {
    let mut world = World::new();
    let citizen = contact_asker(1, true);
    world.log_in(citizen);
    let change = world.change_name("SITI RAHMAWATI");
    let (_, jobs, _) = asked(&mut world, citizen, change);
    let mut changing = None;
    for effect in world.step(people(&world, jobs[0])) {
        if let AccountEffect::ChangeName { job, .. } = effect {
            changing = Some(job);
        }
    }
    world.wait(2 * MINUTE_MS);
    let newer = world.next_call();
    let fresh = world.challenge(OtpPurpose::Fresh);
    assert_eq!(world.ask_again(citizen, newer, fresh.clone()), Answer::OtpSent);
    let told = world.run(AccountEvent::Changed { job: changing.unwrap(), result: Ok(()) });
    assert!(matches!(told[..], [(_, _, Answer::NameChanged)]), "{told:?}");
    assert_eq!(world.account.changes.len(), 1, "it can be undone");
    assert!(world.sms.last().unwrap().1.contains("BUKAN SAYA"));
    world.restart();
    assert_eq!(world.ask_again(citizen, newer, fresh), Answer::OtpSent);
    assert_eq!(world.account.chats[0].fresh_sends.len(), 1, "counted once");
}
