//! Weak logins: a code that went by a template opens certificate and status, and changes nothing.

use super::world::{Gateway, SITI, World, contact_asker, mobile};
use super::*;
use crate::domain::call::{Identified, Login};
use crate::domain::otp::OtpPurpose;
use crate::domain::time::{DAY_MS, MINUTE_MS};

/// A citizen abroad, who writes from a foreign number.
fn abroad() -> Asker {
    Asker { abroad: true, ..contact_asker(7, false) }
}

fn undelivered() -> World {
    let mut world = World::new();
    world.gateway = Gateway::Reports;
    world
}

/// Logs in by the code of the newest template.
fn log_in_weakly(world: &mut World) -> Login {
    assert_eq!(world.ask_as(abroad(), world.challenge(OtpPurpose::Login)), Answer::OtpSent);
    let (to, code) = *world.templates.last().unwrap();
    assert_eq!(to, world.phone, "to the WhatsApp of the number that was named");
    world.restart();
    let check = Request::CheckOtp { account: world.phone, purpose: OtpPurpose::Login, codes: vec![code] };
    match world.ask_as(abroad(), check) {
        Answer::OtpRight(login) => login,
        other => panic!("no login: {other:?}"),
    }
}

#[test]
fn a_code_by_template_opens_what_is_read_and_nothing_that_changes() {
    let mut world = undelivered();
    assert!(log_in_weakly(&mut world).weak);
    world.restart();
    let answer = world.ask_as(abroad(), world.identify(&[SITI]));
    assert!(matches!(answer, Answer::Identified { ref people, .. } if matches!(people[..], [Identified::Found(_)])));
    let person = world.people[0].id.clone();
    let read = Request::ReadRecord { account: world.phone, person };
    assert!(matches!(world.ask_as(abroad(), read), Answer::Record(_)));
    for request in [
        world.change_name("SITI RAHMAWATI"),
        world.change_phone("6281200000199"),
        world.challenge(OtpPurpose::Fresh),
        world.check(OtpPurpose::Fresh, &[1]),
    ] {
        assert_eq!(world.ask_as(abroad(), request), Answer::LoginGone);
    }
    assert_eq!(world.people[0].name, super::world::name("SITI RAHMWATI"));
    assert!(world.sms.is_empty() && world.account.changes.is_empty());
}

#[test]
fn what_was_weak_stays_so_until_a_code_by_sms() {
    let mut world = undelivered();
    log_in_weakly(&mut world);
    world.gateway = Gateway::Delivers;
    world.wait(2 * MINUTE_MS);
    assert!(!world.log_in(abroad()).weak);
    assert!(matches!(world.ask_as(abroad(), world.change_name("SITI RAHMAWATI")), Answer::NameChanged));
}

#[test]
fn an_sms_that_arrives_after_all_makes_its_code_no_stronger() {
    let mut world = undelivered();
    world.ask_as(abroad(), world.challenge(OtpPurpose::Login));
    let (_, code) = world.templates[0];
    // The gateway was wrong: the same call made again finds it serving.
    world.gateway = Gateway::Delivers;
    let (call, request) = (CallId(1), world.challenge(OtpPurpose::Login));
    assert_eq!(world.ask_again(abroad(), call, request), Answer::OtpSent);
    assert_eq!(Otp::new(world.last_code()), Some(code), "one code, two ways");
    let check = Request::CheckOtp { account: world.phone, purpose: OtpPurpose::Login, codes: vec![code] };
    let right = world.ask_as(abroad(), check);
    assert!(matches!(right, Answer::OtpRight(Login { weak: true, .. })), "{right:?}");
}

#[test]
fn a_weak_login_proves_nothing_beyond_itself() {
    let mut world = undelivered();
    world.people.iter_mut().for_each(|person| person.name_changed_at = None);
    log_in_weakly(&mut world);
    assert_eq!(world.account.proof, None, "the phone is not confirmed");
    assert!(!world.account.chat(abroad().contact).unwrap().belongs, "nor does the chat belong to it");
    let proofs = world.out.iter().filter(|effect| matches!(effect, AccountEffect::CountProof)).count();
    assert_eq!(proofs, 0, "nor is the route used by people");
}

#[test]
fn a_step_up_over_a_weak_login_stays_weak_and_confirms_nothing() {
    let mut world = World::new();
    world.log_in(contact_asker(1, true));
    let confirmed = world.account.proof.clone();
    world.wait(366 * DAY_MS);
    world.gateway = Gateway::Reports;
    assert!(log_in_weakly(&mut world).step_up);
    let step_up = Request::StepUp { account: world.phone, month: 9, year: 2021 };
    let right = world.ask_as(abroad(), step_up);
    assert!(matches!(right, Answer::StepUpRight(Login { weak: true, step_up: false, .. })), "{right:?}");
    assert_eq!(world.account.proof, confirmed);
    assert_eq!(world.ask_as(abroad(), world.change_name("SITI RAHMAWATI")), Answer::LoginGone);
}

#[test]
fn no_template_for_who_is_not_abroad_for_another_purpose_or_for_nobody() {
    let mut world = undelivered();
    world.rules.otp_strangers_per_hour = 9;
    assert_eq!(world.own(world.challenge(OtpPurpose::Login)), Answer::OtpSent, "the very number that is chatting");
    let home = contact_asker(8, false);
    assert_eq!(world.ask_as(home, world.challenge(OtpPurpose::Login)), Answer::OtpSent);
    for purpose in [OtpPurpose::NewPhone, OtpPurpose::LostPhone] {
        world.wait(11 * MINUTE_MS);
        assert_eq!(world.ask_as(abroad(), world.challenge(purpose)), Answer::OtpSent);
    }
    world.people.clear();
    world.wait(11 * MINUTE_MS);
    assert_eq!(world.ask_as(abroad(), world.challenge(OtpPurpose::Login)), Answer::OtpSent, "as if it were registered");
    assert!(world.templates.is_empty(), "{:?}", world.templates);
}

#[test]
fn a_report_about_a_code_that_is_no_longer_out_sends_nothing() {
    let mut world = World::new();
    world.ask_as(abroad(), world.challenge(OtpPurpose::Login));
    let challenge = world.account.chats[0].challenges[0].id;
    let contact = abroad().contact;
    let by_template = |contact, challenge| AccountEvent::ByTemplate {
        contact,
        call: CallId(1),
        challenge,
        text: Text("kode".into()),
    };
    world.run(by_template(ContactId(99), challenge));
    world.run(by_template(contact, [0; 16]));
    world.wait(5 * MINUTE_MS);
    world.run(by_template(contact, challenge));
    assert!(world.templates.is_empty());
    assert_eq!(world.phone, mobile("6281200000042"));
}
