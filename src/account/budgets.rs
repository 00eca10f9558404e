//! Budgets that span chats: strangers share one, whoever belongs to the number has his own.

use super::world::{NOBODY, SITI, World, contact_asker, name, nik};
use super::*;
use crate::domain::call::Identified;
use crate::domain::name::is_small_change;
use crate::domain::otp::OtpPurpose;
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS};

const CITIZEN: u64 = 1;

/// What a stranger's chat gets when it asks for a code.
fn stranger(world: &mut World, chat: u64) -> Answer {
    world.ask_as(contact_asker(chat, false), world.challenge(OtpPurpose::Login))
}

#[test]
fn strangers_together_have_three_codes_an_hour_and_five_a_day_for_one_number() {
    let mut world = World::new();
    let mut sent = 0;
    for round in 0..48 {
        for chat in 0..4 {
            // Each round other chats: as many as the number can remember.
            sent += u32::from(stranger(&mut world, 100 + (round % 2) * 4 + chat) == Answer::OtpSent);
        }
        assert!(sent <= if round < 2 { 3 } else { 5 }, "{sent} in half-hour {round}");
        world.restart();
        world.wait(30 * MINUTE_MS);
    }
    assert_eq!((sent, world.sms.len()), (5, 5));
}

#[test]
fn whoever_belongs_to_the_number_has_codes_when_strangers_have_used_theirs_up() {
    let mut world = World::new();
    let wife = contact_asker(2, false);
    world.log_in(wife);
    world.wait(30 * DAY_MS);
    let used_up = (100..110).filter(|chat| stranger(&mut world, *chat) == Answer::OtpSent).count();
    assert_eq!(used_up, 3);
    for n in 0..3 {
        assert_eq!(world.own(world.challenge(OtpPurpose::Login)), Answer::OtpSent, "the number's own WhatsApp, {n}");
        assert_eq!(world.ask_as(wife, world.challenge(OtpPurpose::Login)), Answer::OtpSent, "who proved it, {n}");
        world.wait(MINUTE_MS);
    }
}

#[test]
fn what_is_left_is_told_truthfully() {
    let mut world = World::new();
    assert_eq!(stranger(&mut world, 100), Answer::OtpSent);
    world.wait(10 * MINUTE_MS);
    assert_eq!(stranger(&mut world, 101), Answer::OtpSent);
    assert_eq!(stranger(&mut world, 102), Answer::OtpSent);
    world.wait(MINUTE_MS);
    // The first leaves the hour in 49 minutes; a code that is out and alive is not forgotten over it.
    let until = world.now.plus_ms(49 * MINUTE_MS);
    assert_eq!(stranger(&mut world, 103), Answer::Locked { until });
    assert_eq!(stranger(&mut world, 102), Answer::OtpWait { seconds: 49 * 60, live: true });
    let code = world.last_code();
    let check = world.check(OtpPurpose::Login, &[code]);
    assert!(matches!(world.ask_as(contact_asker(102, false), check), Answer::OtpRight(_)));
    world.wait(49 * MINUTE_MS - 1);
    assert_eq!(stranger(&mut world, 103), Answer::Locked { until });
    world.wait(1);
    assert_eq!(stranger(&mut world, 103), Answer::OtpSent);
}

#[test]
fn a_used_code_is_not_said_to_be_valid() {
    let mut world = World::new();
    world.log_in(contact_asker(CITIZEN, true));
    assert_eq!(world.own(world.challenge(OtpPurpose::Login)), Answer::OtpWait { seconds: 60, live: false });
}

#[test]
fn the_chats_own_budget_locks_the_pair_until_it_is_over() {
    let mut world = World::new();
    let until = world.now.plus_ms(20 * HOUR_MS);
    let asker = Asker { codes_spent_until: Some(until), ..contact_asker(CITIZEN, true) };
    assert_eq!(world.ask_as(asker, world.challenge(OtpPurpose::Login)), Answer::Locked { until });
    let soon = Asker { codes_spent_until: Some(world.now.plus_ms(MINUTE_MS)), ..contact_asker(7, false) };
    let until = world.now.plus_ms(30 * MINUTE_MS);
    assert_eq!(world.ask_as(soon, world.challenge(OtpPurpose::Login)), Answer::Locked { until }, "a lock is a lock");
}

#[test]
fn the_budgets_of_all_stop_a_code_and_say_until_when_whether_registered_or_not() {
    let mut answers = Vec::new();
    for registered in [true, false] {
        let mut world = World::new();
        if !registered {
            world.people.clear();
        }
        let until = world.now.plus_ms(40 * MINUTE_MS);
        world.codes_spent_until = Some(until);
        answers.push(stranger(&mut world, 100));
        assert_eq!(answers.last(), Some(&Answer::Locked { until }));
        assert!(world.sms.is_empty());
    }
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn a_place_is_wanted_for_what_may_make_a_code_and_for_nothing_else() {
    let mut world = World::new();
    let asked = |asker, request| AccountEvent::Asked { asker, call: CallId(1), request };
    let challenge = world.challenge(OtpPurpose::Login);
    let (own, other) = (contact_asker(CITIZEN, true), contact_asker(9, false));
    assert_eq!(may_make_code(&world.account, &asked(own, challenge.clone())), Some(true));
    assert_eq!(may_make_code(&world.account, &asked(other, challenge.clone())), Some(false));
    let check = world.check(OtpPurpose::Login, &[1]);
    assert_eq!(may_make_code(&world.account, &asked(own, check)), None);
    let effects = world.step(asked(own, challenge));
    let [AccountEffect::LookUp { job, .. }] = effects[..] else { panic!("{effects:?}") };
    let found = AccountEvent::Persons { job, result: Ok(world.people.clone()) };
    assert_eq!(may_make_code(&world.account, &found), Some(true));
    let counted = world.step(found).iter().any(|effect| matches!(effect, AccountEffect::CountCode));
    assert!(counted, "a code that is made is counted");
}

#[test]
fn ten_wrong_names_a_day_for_one_nik_whatever_chats_guess_and_the_numbers_own_is_not_stopped() {
    let mut world = World::new();
    world.rules.otp_strangers_per_hour = 20;
    world.rules.otp_strangers_per_day = 20;
    let wrong = ("Rina Kartika", SITI.1);
    let mut compared = 0;
    for chat in 100..108 {
        world.log_in(contact_asker(chat, false));
        for _ in 0..2 {
            let before = world.account.clone();
            let answer = world.ask_as(contact_asker(chat, false), world.identify(&[wrong]));
            assert!(matches!(answer, Answer::Identified { ref people, .. } if people[..] == [Identified::Miss]));
            compared += u32::from(before.nik_misses.first().is_none_or(|misses| misses.today < 10));
        }
    }
    assert_eq!(compared, 10);
    world.restart();
    // A right name is now a miss like any other, and costs the same; the number's own chat is served.
    let answer = world.ask_as(contact_asker(100, false), world.identify(&[SITI]));
    assert!(matches!(answer, Answer::Locked { .. }), "the third miss of this chat: {answer:?}");
    world.log_in(contact_asker(CITIZEN, true));
    let answer = world.own(world.identify(&[SITI]));
    assert!(matches!(answer, Answer::Identified { ref people, .. } if matches!(people[..], [Identified::Found(_)])));
    world.wait(DAY_MS);
    world.log_in(contact_asker(109, false));
    let answer = world.ask_as(contact_asker(109, false), world.identify(&[SITI]));
    assert!(matches!(answer, Answer::Identified { ref people, .. } if matches!(people[..], [Identified::Found(_)])));
}

#[test]
fn the_last_wrong_name_of_a_day_is_compared_and_the_next_right_one_is_not() {
    for (wrong_names, is_found) in [(1, true), (2, false)] {
        let mut world = World::new();
        world.rules.nik_misses_per_day = 2;
        for chat in 0..wrong_names {
            let asker = contact_asker(100 + chat, false);
            world.log_in(asker);
            world.ask_as(asker, world.identify(&[("Rina Kartika", SITI.1)]));
        }
        world.log_in(contact_asker(109, false));
        let answer = world.ask_as(contact_asker(109, false), world.identify(&[SITI]));
        let found =
            matches!(answer, Answer::Identified { ref people, .. } if matches!(people[..], [Identified::Found(_)]));
        assert_eq!(found, is_found, "after {wrong_names} wrong names");
    }
}

#[test]
fn wrong_names_for_one_nik_cost_another_of_the_same_phone_nothing() {
    let mut world = World::new();
    world.rules.nik_misses_per_day = 1;
    let budi = Person {
        id: PersonId(String::from("p2")),
        nik: nik("0001014708900005"),
        name: name("BUDI SANTOSO"),
        verified_name: name("BUDI SANTOSO"),
        civil_name: None,
        ..world.people[0].clone()
    };
    world.records.insert(budi.id.clone(), world.records[&world.people[0].id].clone());
    world.people.push(budi);
    world.log_in(contact_asker(100, false));
    world.ask_as(contact_asker(100, false), world.identify(&[("Rina Kartika", SITI.1)]));
    assert_eq!(world.account.nik_misses.len(), 1);
    world.log_in(contact_asker(101, false));
    let answer = world.ask_as(contact_asker(101, false), world.identify(&[SITI, ("Budi Santoso", "0001014708900005")]));
    let Answer::Identified { people, .. } = answer else { panic!("{answer:?}") };
    assert!(matches!(people[..], [Identified::Miss, Identified::Found(_)]), "{people:?}");
}

#[test]
fn a_nik_that_stands_elsewhere_costs_nobody_anything() {
    let mut world = World::new();
    world.log_in(contact_asker(CITIZEN, true));
    for _ in 0..2 {
        world.own(world.identify(&[NOBODY]));
    }
    assert!(world.account.nik_misses.is_empty(), "{:?}", nik(NOBODY.1));
}

#[test]
fn many_who_proved_a_number_once_do_not_fill_it_for_ever() {
    let mut world = World::new();
    for chat in 100..140 {
        world.log_in(contact_asker(chat, false));
        world.restart();
        world.wait(DAY_MS);
    }
    assert_eq!(stranger(&mut world, 200), Answer::OtpSent);
}

#[test]
fn another_persons_nik_a_thousand_times_is_eight_misses_a_day_and_no_hit() {
    let mut world = World::new();
    let thief = contact_asker(CITIZEN, true);
    let (mut misses, mut tries) = (0, 0);
    let start = world.now;
    while tries < 1_000 {
        if !matches!(world.ask_as(thief, world.identify(&[NOBODY])), Answer::LoginGone) {
            tries += 1;
        }
        let answer = world.ask_as(thief, world.identify(&[NOBODY]));
        tries += 1;
        match answer {
            Answer::Identified { people, .. } => {
                assert_eq!(people, [Identified::Miss]);
                misses += 1;
            }
            Answer::Locked { until } => world.now = until,
            _ => {
                if world.ask_as(thief, world.challenge(OtpPurpose::Login)) == Answer::OtpSent {
                    let code = world.last_code();
                    world.ask_as(thief, world.check(OtpPurpose::Login, &[code]));
                } else {
                    world.wait(HOUR_MS);
                }
            }
        }
    }
    let days = world.now.since_ms(start) / DAY_MS + 1;
    assert!(i64::from(misses) <= 8 * days, "{misses} misses in {days} days");
}

#[test]
fn a_name_cannot_be_drifted_step_by_step() {
    let mut world = World::new();
    let verified = world.people[0].verified_name.clone();
    // Each step is one letter from the last; all of them together would be another person.
    for step in
        ["SITI RAHMAWATI", "SITI RAHMAWATA", "SITI RAHMAWANA", "SITI RAHMAMANA", "SITO RAHMAMANA", "RITO RAHMAMANA"]
    {
        world.log_in(contact_asker(CITIZEN, true));
        let request =
            Request::ChangeName { account: world.phone, person: world.people[0].id.clone(), name: name(step) };
        world.own(request);
        assert!(is_small_change(&verified, &world.people[0].name), "{:?}", world.people[0].name);
        world.wait(31 * DAY_MS);
    }
    assert_ne!(world.people[0].name, name("RITO RAHMAMANA"));
}

#[test]
fn a_chat_that_turns_out_to_be_another_keeps_the_stricter_of_everything() {
    let mut world = World::new();
    let (old, new) = (contact_asker(7, false), contact_asker(8, false));
    world.log_in(old);
    world.ask_as(old, world.identify(&[NOBODY, NOBODY]));
    world.ask_as(new, world.challenge(OtpPurpose::Login));
    world.ask_as(new, world.check(OtpPurpose::Login, &[1, 2, 3, 4, 5]));
    let until = world.now.plus_ms(30 * MINUTE_MS);
    for (now, was) in [(old, new), (new, old)] {
        let account = world.account.clone();
        let mut world = World::new();
        world.account = account;
        let asker = Asker { formerly: [Some(was.contact), None, None], ..now };
        assert_eq!(world.ask_as(asker, world.challenge(OtpPurpose::Login)), Answer::Locked { until });
        assert!(world.account.chat(was.contact).is_none());
        let chat = world.account.chat(now.contact).unwrap();
        assert_eq!((chat.misses.today, chat.login.is_some()), (2, false), "two slips, and no login");
        world.restart();
    }
}
