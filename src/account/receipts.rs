//! What operators tell of codes: how long one opens, what a chat is told, and what leaves by the next way.

use super::world::{World, contact_asker};
use super::*;
use crate::domain::otp::OtpPurpose;
use crate::domain::time::MINUTE_MS;

const OWN: u64 = 1;

/// Asks for a code; the call that it was made for.
fn ask(world: &mut World, asker: Asker, purpose: OtpPurpose) -> CallId {
    let call = world.next_call();
    let request = world.challenge(purpose);
    assert_eq!(world.ask_again(asker, call, request), Answer::OtpSent);
    call
}

fn delivered(world: &mut World, contact: u64, call: CallId) {
    let effects = world.step(AccountEvent::Delivered { contact: ContactId(contact), call });
    assert!(effects.is_empty(), "{effects:?}");
}

fn undeliverable(world: &mut World, contact: u64, call: CallId) -> Vec<AccountEffect> {
    let text = Text("111111 kode".into());
    world.step(AccountEvent::Undeliverable { contact: ContactId(contact), call, text, from: 1 })
}

/// Whether a wrong code is compared: a code of this chat is out.
fn is_out(world: &mut World, asker: Asker, purpose: OtpPurpose) -> bool {
    match world.ask_as(asker, world.check(purpose, &[999_999])) {
        Answer::OtpWrong { .. } => true,
        Answer::OtpExpired => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn five_minutes_count_from_the_receipt_and_ten_from_the_sending() {
    // Delivered after so much, in ms; when it ends.
    for (after, ends) in [
        (0, 5 * MINUTE_MS),
        (MINUTE_MS, 6 * MINUTE_MS),
        (4 * MINUTE_MS + 59_999, 9 * MINUTE_MS + 59_999),
        (5 * MINUTE_MS, 5 * MINUTE_MS),
        (6 * MINUTE_MS, 5 * MINUTE_MS),
    ] {
        for (at, expected) in [(ends - 1, true), (ends, false)] {
            let mut world = World::new();
            let asker = contact_asker(OWN, true);
            let call = ask(&mut world, asker, OtpPurpose::Login);
            if after <= at {
                world.wait(after);
                delivered(&mut world, OWN, call);
                world.restart();
                world.wait(at - after);
            } else {
                world.wait(at);
            }
            assert_eq!(is_out(&mut world, asker, OtpPurpose::Login), expected, "delivered at {after}, looked at {at}");
        }
    }
}

#[test]
fn the_cap_is_a_setting_and_never_shorter_than_a_life() {
    let asker = contact_asker(OWN, true);
    for (cap_s, ends) in [(360, 6 * MINUTE_MS), (60, 5 * MINUTE_MS)] {
        let mut world = World::new();
        world.rules.otp_life_max_s = cap_s;
        let call = ask(&mut world, asker, OtpPurpose::Login);
        world.wait(4 * MINUTE_MS);
        delivered(&mut world, OWN, call);
        world.wait(ends - 4 * MINUTE_MS - 1);
        assert!(is_out(&mut world, asker, OtpPurpose::Login));
        world.wait(1);
        assert!(!is_out(&mut world, asker, OtpPurpose::Login));
    }
}

#[test]
fn only_the_first_receipt_counts_and_only_of_the_code_that_is_out() {
    let mut world = World::new();
    let asker = contact_asker(OWN, true);
    let older = ask(&mut world, asker, OtpPurpose::Login);
    world.wait(MINUTE_MS);
    let call = ask(&mut world, asker, OtpPurpose::Login);
    let before = world.account.clone();
    delivered(&mut world, OWN, older);
    delivered(&mut world, 99, call);
    delivered(&mut world, OWN, CallId(999));
    assert!(undeliverable(&mut world, OWN, older).is_empty());
    assert_eq!(world.account, before, "a receipt for an older code, of a stranger, of nobody");
    delivered(&mut world, OWN, call);
    world.wait(3 * MINUTE_MS);
    delivered(&mut world, OWN, call);
    world.wait(2 * MINUTE_MS - 1);
    assert!(is_out(&mut world, asker, OtpPurpose::Login));
    world.wait(1);
    assert!(!is_out(&mut world, asker, OtpPurpose::Login), "from the first on");
}

#[test]
fn who_wants_another_is_told_once_that_the_phone_has_it() {
    let mut world = World::new();
    let asker = contact_asker(OWN, true);
    let call = ask(&mut world, asker, OtpPurpose::Login);
    delivered(&mut world, OWN, call);
    world.wait(5_000);
    let (again, request) = (world.next_call(), world.challenge(OtpPurpose::Login));
    assert_eq!(world.ask_again(asker, again, request.clone()), Answer::OtpDelivered);
    world.restart();
    assert_eq!(world.ask_again(asker, again, request), Answer::OtpDelivered, "the same call, the same answer");
    assert_eq!(world.sms.len(), 1, "and nothing is sent");
    assert!(matches!(world.own(world.challenge(OtpPurpose::Login)), Answer::OtpWait { live: true, .. }));
    world.wait(MINUTE_MS);
    assert_eq!(world.own(world.challenge(OtpPurpose::Login)), Answer::OtpSent, "asked again, one is sent");
    assert!(
        matches!(world.own(world.challenge(OtpPurpose::Login)), Answer::OtpWait { .. }),
        "of that nothing is known"
    );
}

#[test]
fn a_fresh_code_is_told_of_by_itself() {
    let mut world = World::new();
    let asker = contact_asker(7, false);
    world.log_in(asker);
    let call = ask(&mut world, asker, OtpPurpose::Fresh);
    delivered(&mut world, 7, call);
    assert_eq!(world.ask_as(asker, world.challenge(OtpPurpose::Fresh)), Answer::OtpDelivered);
}

/// By a code that opens longer, or an answer of its own, a stranger would learn whether the number is registered.
#[test]
fn a_stranger_learns_nothing_from_receipts() {
    for purpose in [OtpPurpose::Login, OtpPurpose::NewPhone, OtpPurpose::LostPhone] {
        let mut heard = Vec::new();
        for receipts in [false, true] {
            let mut world = World::new();
            let asker = contact_asker(7, false);
            let call = ask(&mut world, asker, purpose);
            if receipts {
                delivered(&mut world, 7, call);
            }
            let mut answers = Vec::new();
            for wait in [1_000, 239_000, 59_999, 1, 60_000, 240_000] {
                world.wait(wait);
                answers.push(world.ask_as(asker, world.check(purpose, &[999_999])));
                answers.push(world.ask_as(asker, world.challenge(purpose)));
            }
            heard.push(answers);
        }
        assert_eq!(heard[0], heard[1], "{purpose:?}");
    }
}

#[test]
fn what_cannot_be_delivered_leaves_by_the_next_way_while_the_code_is_out() {
    let mut world = World::new();
    let asker = contact_asker(OWN, true);
    let call = ask(&mut world, asker, OtpPurpose::Login);
    let effects = undeliverable(&mut world, OWN, call);
    let [AccountEffect::Sms { to, call: under, or_template: None, from: 1, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((*to, *under), (world.phone, call));
    delivered(&mut world, OWN, call);
    assert!(undeliverable(&mut world, OWN, call).is_empty(), "it has arrived by another way");
    world.wait(5 * MINUTE_MS);
    assert!(undeliverable(&mut world, OWN, call).is_empty(), "it opens nothing any more");
}

#[test]
fn only_a_login_from_abroad_may_then_go_by_a_template() {
    for (abroad, purpose, template) in [
        (true, OtpPurpose::Login, true),
        (false, OtpPurpose::Login, false),
        (true, OtpPurpose::NewPhone, false),
        (true, OtpPurpose::LostPhone, false),
    ] {
        let mut world = World::new();
        let asker = Asker { abroad, ..contact_asker(7, false) };
        let call = ask(&mut world, asker, purpose);
        let challenge = world.account.chats[0].challenges[0].id;
        let effects = undeliverable(&mut world, 7, call);
        let [AccountEffect::Sms { or_template, .. }] = &effects[..] else { panic!("{effects:?}") };
        assert_eq!(*or_template, template.then_some(challenge), "{abroad} {purpose:?}");
    }
}
