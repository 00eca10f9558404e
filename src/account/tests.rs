//! What an account does, event by event.

use super::world::*;
use super::*;
use crate::domain::call::{ConflictReason, Identified, Login};
use crate::domain::otp::OtpPurpose;
use crate::domain::ticket::TicketKind;
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

#[test]
fn an_own_number_is_looked_up_first_and_an_unregistered_one_costs_nothing() {
    let mut world = World::new();
    let people = std::mem::take(&mut world.people);
    for _ in 0..5 {
        assert_eq!(world.own(world.challenge(OtpPurpose::Login)), Answer::NotRegistered);
    }
    assert!(world.sms.is_empty());
    world.people = people;
    assert_eq!(world.own(world.challenge(OtpPurpose::Login)), Answer::OtpSent);
    assert_eq!(world.sms.len(), 1);
    assert!(world.sms[0].1.contains("berakhiran 0042"), "{}", world.sms[0].1);
}

#[test]
fn a_strangers_answers_are_the_same_whether_the_number_is_registered_or_not() {
    let (mut registered, mut nobody) = (World::new(), World::new());
    nobody.people.clear();
    let asker = contact_asker(7, false);
    let mut seen = Vec::new();
    for world in [&mut registered, &mut nobody] {
        let mut answers = Vec::new();
        for wait in [0, 10_000, 60_000, 61_000, 62_000] {
            world.wait(wait);
            let effects = {
                let call = world.next_call();
                let request = world.challenge(OtpPurpose::Login);
                world.step(AccountEvent::Asked { asker, call, request })
            };
            // The answer stands before the lookup.
            let first = effects.iter().find(|effect| !matches!(effect, AccountEffect::CountCode));
            assert!(first.is_none_or(|effect| matches!(effect, AccountEffect::Answer { .. })), "{effects:?}");
            for effect in effects {
                match effect {
                    AccountEffect::CountCode => {}
                    AccountEffect::Answer { answer, .. } => answers.push(answer),
                    AccountEffect::LookUp { job, .. } => {
                        let result = Ok(world.people.clone());
                        world.run(AccountEvent::Persons { job, result });
                    }
                    other => panic!("{other:?}"),
                }
            }
            answers.push(world.ask_as(asker, world.check(OtpPurpose::Login, &[999_999])));
        }
        seen.push(answers);
    }
    assert_eq!(seen[0], seen[1]);
    assert!(nobody.sms.is_empty());
    assert_eq!(registered.sms.len(), 3);
}

#[test]
fn codes_are_waited_for_counted_and_then_stopped_longer_each_time() {
    let mut world = World::new();
    assert_eq!(world.own(world.challenge(OtpPurpose::Login)), Answer::OtpSent);
    world.wait(25 * SECOND_MS);
    assert_eq!(world.own(world.challenge(OtpPurpose::Login)), Answer::OtpWait { seconds: 35, live: true });
    for (lock, minutes) in [30, 180, 24 * 60, 24 * 60].into_iter().enumerate() {
        for _ in 0..3 {
            world.wait(MINUTE_MS);
            if lock == 0 && world.sms.len() == 3 {
                break;
            }
            assert_eq!(world.own(world.challenge(OtpPurpose::Login)), Answer::OtpSent);
        }
        world.wait(MINUTE_MS);
        let until = world.now.plus_ms(minutes * MINUTE_MS);
        assert_eq!(world.own(world.challenge(OtpPurpose::Login)), Answer::Locked { until });
        world.wait(minutes * MINUTE_MS - 1);
        assert_eq!(world.own(world.challenge(OtpPurpose::Login)), Answer::Locked { until }, "lock {lock}");
        world.restart();
        world.wait(1);
    }
}

#[test]
fn five_wrong_codes_lock_the_pair_and_each_in_a_burst_counts() {
    let mut world = World::new();
    world.own(world.challenge(OtpPurpose::Login));
    assert_eq!(world.own(world.check(OtpPurpose::Login, &[1])), Answer::OtpWrong { left: 4 });
    assert_eq!(world.own(world.check(OtpPurpose::Login, &[2, 3, 4])), Answer::OtpWrong { left: 1 });
    let right = world.last_code();
    let until = world.now.plus_ms(30 * MINUTE_MS);
    assert_eq!(world.own(world.check(OtpPurpose::Login, &[5, right])), Answer::Locked { until });
    assert_eq!(world.own(world.check(OtpPurpose::Login, &[right])), Answer::Locked { until });
    world.wait(30 * MINUTE_MS);
    assert_eq!(world.own(world.check(OtpPurpose::Login, &[right])), Answer::OtpExpired);
}

#[test]
fn a_code_is_good_once_for_five_minutes_for_its_purpose_and_its_chat() {
    let mut world = World::new();
    world.own(world.challenge(OtpPurpose::Login));
    let code = world.last_code();
    assert_eq!(world.own(world.check(OtpPurpose::NewPhone, &[code])), Answer::OtpExpired);
    let stranger = contact_asker(7, false);
    assert_eq!(world.ask_as(stranger, world.check(OtpPurpose::Login, &[code])), Answer::OtpExpired);
    world.wait(5 * MINUTE_MS - 1);
    let call = world.next_call();
    let check = world.check(OtpPurpose::Login, &[code]);
    let login = Answer::OtpRight(Login { epoch: 0, step_up: false, weak: false });
    assert_eq!(world.ask_again(contact_asker(1, true), call, check.clone()), login);
    world.restart();
    assert_eq!(world.ask_again(contact_asker(1, true), call, check.clone()), login, "the same call, the same answer");
    assert_eq!(world.own(check), Answer::OtpExpired, "another call, a used code");
    world.wait(MINUTE_MS);
    world.own(world.challenge(OtpPurpose::Login));
    world.wait(5 * MINUTE_MS);
    assert_eq!(world.own(world.check(OtpPurpose::Login, &[world.last_code()])), Answer::OtpExpired);
}

#[test]
fn a_new_code_kills_only_the_older_one_of_the_same_chat() {
    let mut world = World::new();
    world.own(world.challenge(OtpPurpose::Login));
    let mine = world.last_code();
    let stranger = contact_asker(7, false);
    world.ask_as(stranger, world.challenge(OtpPurpose::Login));
    world.wait(MINUTE_MS);
    world.ask_as(stranger, world.challenge(OtpPurpose::Login));
    world.ask_as(stranger, world.check(OtpPurpose::Login, &[7, 8, 9, 10, 11]));
    assert!(matches!(world.own(world.check(OtpPurpose::Login, &[mine])), Answer::OtpRight(_)));
    world.own(world.challenge(OtpPurpose::Login));
    let old = world.last_code();
    world.wait(MINUTE_MS);
    world.own(world.challenge(OtpPurpose::Login));
    assert_eq!(world.own(world.check(OtpPurpose::Login, &[old])), Answer::OtpWrong { left: 4 });
}

#[test]
fn fresh_codes_have_their_own_budget_and_need_a_login() {
    let mut world = World::new();
    assert_eq!(world.own(world.challenge(OtpPurpose::Fresh)), Answer::LoginGone);
    world.log_in(contact_asker(1, true));
    for _ in 0..3 {
        assert_eq!(world.own(world.challenge(OtpPurpose::Fresh)), Answer::OtpSent);
        world.wait(MINUTE_MS);
    }
    let fresh = world.last_code();
    assert_eq!(world.own(world.challenge(OtpPurpose::Login)), Answer::OtpSent, "the other budget");
    let right = world.own(world.check(OtpPurpose::Fresh, &[fresh]));
    assert!(matches!(right, Answer::OtpRight(Login { step_up: false, .. })), "he is in, and owes nothing: {right:?}");
}

#[test]
fn strangers_cannot_take_the_places_of_those_who_belong() {
    let mut world = World::new();
    for chat in 100..130 {
        world.ask_as(contact_asker(chat, false), world.challenge(OtpPurpose::Login));
    }
    let until = world.now.plus_ms(30 * MINUTE_MS);
    let refused = world.ask_as(contact_asker(200, false), world.challenge(OtpPurpose::Login));
    assert_eq!(refused, Answer::Locked { until }, "fails closed");
    world.log_in(contact_asker(1, true));
    world.restart();
}

#[test]
fn a_call_made_again_counts_nothing_twice_and_sends_the_same_code_again() {
    let mut world = World::new();
    let asker = contact_asker(1, true);
    let call = world.next_call();
    let challenge = world.challenge(OtpPurpose::Login);
    for _ in 0..4 {
        assert_eq!(world.ask_again(asker, call, challenge.clone()), Answer::OtpSent);
        world.restart();
    }
    assert!(world.sms.windows(2).all(|pair| pair[0] == pair[1]), "one code");
    let call = world.next_call();
    let check = world.check(OtpPurpose::Login, &[1, 2]);
    for _ in 0..4 {
        assert_eq!(world.ask_again(asker, call, check.clone()), Answer::OtpWrong { left: 3 });
    }
    world.log_in_with_last(asker);
    let call = world.next_call();
    let identify = world.identify(&[NOBODY]);
    for _ in 0..4 {
        let answer = world.ask_again(asker, call, identify.clone());
        assert_eq!(answer, Answer::Identified { people: vec![Identified::Miss], misses_left: 2 });
        world.restart();
    }
    // A contact that was erased counts its calls anew: the same number, another request, no old answer.
    let other = world.identify(&[SITI]);
    assert!(matches!(world.ask_again(asker, call, other), Answer::Identified { misses_left: 3, .. }));
}

#[test]
fn a_call_made_again_for_anothers_number_is_looked_up_again_before_its_code_leaves() {
    for own_number in [true, false] {
        let mut world = World::new();
        let (asker, call) = (contact_asker(7, own_number), world.next_call());
        let request = world.challenge(OtpPurpose::Login);
        assert_eq!(world.ask_again(asker, call, request.clone()), Answer::OtpSent);
        let effects = world.step(AccountEvent::Asked { asker, call, request });
        let looks_up = effects.iter().any(|effect| matches!(effect, AccountEffect::LookUp { .. }));
        let leaves = effects.iter().any(|effect| matches!(effect, AccountEffect::Sms { .. }));
        assert_eq!((looks_up, leaves), (!own_number, own_number), "{effects:?}");
    }
}

impl World {
    fn log_in_with_last(&mut self, asker: Asker) {
        let code = self.last_code();
        assert!(matches!(self.ask_as(asker, self.check(OtpPurpose::Login, &[code])), Answer::OtpRight(_)));
    }
}

#[test]
fn every_kind_of_miss_is_the_same_and_three_lock_the_pair() {
    let mut world = World::new();
    world.add_those_who_are_not_shown();
    let asker = contact_asker(1, true);
    world.log_in(asker);
    let misses = [NOBODY, ("Rina Kartika", SITI.1), (SITI.0, "0001014708900012"), (SITI.0, "0001014708900013")];
    for miss in misses {
        let answer = world.own(world.identify(&[miss]));
        assert_eq!(answer, Answer::Identified { people: vec![Identified::Miss], misses_left: 2 });
        let hit = world.own(world.identify(&[SITI]));
        assert!(matches!(hit, Answer::Identified { misses_left: 3, .. }), "a hit takes one away");
    }
    // The last three of the day's eight are used up at once.
    let until = world.now.plus_ms(30 * MINUTE_MS);
    assert_eq!(world.own(world.identify(&[NOBODY, NOBODY, NOBODY])), Answer::Locked { until });
    assert_eq!(world.own(world.identify(&[SITI])), Answer::Locked { until });
    world.wait(31 * MINUTE_MS);
    assert_eq!(world.own(world.identify(&[SITI])), Answer::LoginGone, "a lock ends the login");
    world.log_in(asker);
    let until = world.now.plus_ms(DAY_MS);
    assert_eq!(world.own(world.identify(&[NOBODY])), Answer::Locked { until }, "eight a day in all");
}

#[test]
fn a_familys_message_counts_its_hits_first() {
    let mut world = World::new();
    world.log_in(contact_asker(1, true));
    let answer = world.own(world.identify(&[SITI, NOBODY, SITI]));
    let Answer::Identified { people, misses_left } = answer else { panic!("{answer:?}") };
    assert_eq!(misses_left, 2);
    assert!(matches!(people[..], [Identified::Found(_), Identified::Miss, Identified::Found(_)]));
}

#[test]
fn a_neighbour_that_is_down_counts_nothing_and_the_same_call_works_later() {
    let mut world = World::new();
    let asker = contact_asker(1, true);
    world.directory_down = true;
    assert_eq!(world.own(world.challenge(OtpPurpose::Login)), Answer::Down);
    world.directory_down = false;
    world.log_in(asker);
    world.registry_down = true;
    let call = world.next_call();
    let identify = world.identify(&[SITI, NOBODY]);
    for _ in 0..5 {
        assert_eq!(world.ask_again(asker, call, identify.clone()), Answer::Down);
    }
    world.registry_down = false;
    assert!(matches!(world.ask_again(asker, call, identify), Answer::Identified { misses_left: 2, .. }));
}

#[test]
fn requests_from_a_chat_that_is_not_in_are_refused() {
    let mut world = World::new();
    let person = PersonId(String::from("p1"));
    let read = Request::ReadRecord { account: world.phone, person: person.clone() };
    let requests = [
        world.identify(&[SITI]),
        read.clone(),
        world.change_name("SITI RAHMAWATI"),
        world.change_phone("6281200000199"),
    ];
    for request in requests {
        assert_eq!(world.own(request), Answer::LoginGone);
    }
    world.log_in(contact_asker(1, true));
    assert!(matches!(world.own(read.clone()), Answer::Record(_)));
    let issued = Request::ReadIssued { account: world.phone, person, dose: 1 };
    assert_eq!(world.ask_as(contact_asker(9, false), issued.clone()), Answer::Issued(true));
    world.wait(HOUR_MS);
    assert_eq!(world.own(read.clone()), Answer::LoginGone, "an hour in all");
    world.log_in(contact_asker(1, true));
    assert_eq!(world.own(Request::Leave { account: world.phone }), Answer::Left);
    assert_eq!(world.own(read), Answer::LoginGone);
    world.people.clear();
    assert_eq!(world.ask_as(contact_asker(9, false), issued), Answer::LoginGone);
}

#[test]
fn another_bsuid_on_the_same_phone_ends_logins_and_owes_a_step_up() {
    let mut world = World::new();
    let (old, other) = (contact_asker(1, true), contact_asker(2, true));
    let first = world.log_in(old);
    let wife = contact_asker(3, false);
    world.log_in(wife);
    world.wait(MINUTE_MS);
    assert_eq!(world.ask_as(other, world.challenge(OtpPurpose::Login)), Answer::OtpSent);
    let ended = |effect: &&AccountEffect| matches!(effect, AccountEffect::EndLogin { .. });
    assert_eq!(world.out.iter().filter(ended).count(), 2);
    assert!(world.account.epoch() > first.epoch);
    let code = world.last_code();
    let login = world.ask_as(other, world.check(OtpPurpose::Login, &[code]));
    assert!(matches!(login, Answer::OtpRight(Login { step_up: true, .. })), "{login:?}");
    assert_eq!(world.ask_as(other, world.identify(&[SITI])), Answer::LoginGone, "nothing opens before");
    let step_up = |month| Request::StepUp { account: mobile("6281200000042"), month, year: 2021 };
    assert_eq!(world.ask_as(other, step_up(8)), Answer::StepUpWrong { left: 1 });
    assert!(matches!(world.ask_as(other, step_up(9)), Answer::StepUpRight(_)));
    assert!(matches!(world.ask_as(other, world.identify(&[SITI])), Answer::Identified { .. }));
    let until = world.now.plus_ms(DAY_MS);
    assert_eq!(world.ask_as(other, world.change_name("SITI RAHMAWATI")), Answer::ChangesShut { until });
    world.wait(HOUR_MS);
    assert!(!world.log_in(other).step_up, "proven now");
}

#[test]
fn another_bsuid_is_acted_on_once_until_the_phones_own_proves_itself_again() {
    let mut world = World::new();
    let (old, other, wife) = (contact_asker(1, true), contact_asker(2, true), contact_asker(3, false));
    let epoch = world.log_in(old).epoch;
    world.wait(MINUTE_MS);
    world.ask_as(other, world.challenge(OtpPurpose::Login));
    let ended = world.account.epoch();
    assert!(ended > epoch);
    // Who proves the phone from elsewhere says nothing of what is on it.
    world.log_in(wife);
    world.wait(MINUTE_MS);
    world.ask_as(other, world.challenge(OtpPurpose::Login));
    assert_eq!(world.account.epoch(), ended, "the wife stays in");
    world.log_in(old);
    world.wait(MINUTE_MS);
    world.ask_as(other, world.challenge(OtpPurpose::Login));
    assert!(world.account.epoch() > ended, "another again");
}

#[test]
fn a_phone_silent_for_a_year_owes_a_step_up_and_two_wrong_ones_lock() {
    let mut world = World::new();
    let asker = contact_asker(1, true);
    world.log_in(asker);
    world.wait(365 * DAY_MS);
    world.restart();
    assert!(!world.account.is_idle(world.now), "the proof is kept");
    assert!(world.log_in(asker).step_up);
    let step_up = Request::StepUp { account: world.phone, month: 1, year: 2021 };
    assert_eq!(world.own(step_up.clone()), Answer::StepUpWrong { left: 1 });
    assert!(matches!(world.own(step_up), Answer::Locked { .. }));
}

#[test]
fn a_small_change_of_name_is_made_told_and_can_be_undone() {
    let mut world = World::new();
    let asker = contact_asker(1, true);
    world.log_in(asker);
    let call = world.next_call();
    let request = world.change_name("SITI RAHMAWATI");
    assert_eq!(world.ask_again(asker, call, request.clone()), Answer::NameChanged);
    world.restart();
    let sms = world.sms.clone();
    assert_eq!(world.ask_again(asker, call, request), Answer::NameChanged);
    assert_eq!(world.sms.len(), sms.len() + 1, "the SMS leaves again under the same key");
    assert_eq!(world.sms.last(), sms.last());
    assert_eq!(world.people[0].name, name("SITI RAHMAWATI"));
    assert!(world.out.iter().any(|effect| matches!(effect, AccountEffect::PutUndo { .. })));
    assert_eq!(world.own(world.change_name("SITI RAHMAWATY")), Answer::NeedsDesk, "once in 30 days");
    world.wait(30 * DAY_MS);
    world.log_in(asker);
    assert_eq!(world.own(world.change_name("RINA KARTIKA")), Answer::NeedsDesk, "too different");
}

#[test]
fn an_undo_puts_the_name_back_ends_logins_and_shuts_changes_from_any_chat() {
    let mut world = World::new();
    let asker = contact_asker(1, true);
    let login = world.log_in(asker);
    assert_eq!(world.own(world.change_name("SITI RAHMAWATI")), Answer::NameChanged);
    let undo = world.undo();
    let stranger = contact_asker(9, false);
    let answer = world.ask_as(stranger, undo.clone());
    let Answer::Undone { ticket } = &answer else { panic!("{answer:?}") };
    assert_eq!(ticket.kind, TicketKind::NameChangeUndone);
    assert_eq!(world.people[0].name, name("SITI RAHMWATI"));
    assert!(world.account.epoch() > login.epoch);
    assert_eq!(world.own(world.identify(&[SITI])), Answer::LoginGone);
    assert_eq!(world.ask_as(contact_asker(10, false), undo.clone()), answer, "typed twice, done once");
    let told = |effect: &AccountEffect| matches!(effect, AccountEffect::EndLogin { contact } if contact.0 == 1);
    assert_eq!(world.out.iter().filter(|effect| told(effect)).count(), 1);
    world.wait(MINUTE_MS);
    world.log_in(asker);
    let until = world.now.plus_ms(DAY_MS - MINUTE_MS);
    assert_eq!(world.own(world.change_name("SITI RAHMAWATI")), Answer::ChangesShut { until });
    world.wait(3 * DAY_MS);
    assert_eq!(world.ask_as(stranger, undo), Answer::UndoUnknown, "72 hours");
    assert!(world.out.iter().any(|effect| matches!(effect, AccountEffect::DeleteUndo { .. })));
}

#[test]
fn a_moved_phone_holds_the_new_account_and_can_be_moved_back() {
    let mut world = World::new();
    let asker = contact_asker(1, true);
    world.log_in(asker);
    assert_eq!(world.own(world.change_phone("6281200000199")), Answer::PhoneChanged);
    let until = world.now.plus_ms(DAY_MS);
    let new = mobile("6281200000199");
    let holds = |effect: &AccountEffect| matches!(effect, AccountEffect::HoldPhoneOf { account, until: to } if *account == new && *to == until);
    assert!(world.out.iter().any(holds), "{:?}", world.out);
    assert!(world.sms.last().unwrap().1.contains("a.n. S. pindah ke nomor berakhiran 0199"));
    assert_eq!(world.own(world.change_phone("6281200000198")), Answer::ChangesShut { until });
    let undo = world.undo();
    world.desk_down = true;
    let wife = contact_asker(9, false);
    assert_eq!(world.ask_as(wife, undo.clone()), Answer::Down, "put back, not yet reported");
    world.restart();
    world.desk_down = false;
    world.out.clear();
    assert!(matches!(world.ask_as(wife, undo), Answer::Undone { .. }));
    assert!(!world.out.iter().any(|effect| matches!(effect, AccountEffect::ChangePhone { .. })), "moved back once");
}

#[test]
fn what_the_directory_refuses_goes_to_people() {
    let mut world = World::new();
    world.log_in(contact_asker(1, true));
    world.refuse_changes = Some(ConflictReason::NumberFull);
    assert_eq!(world.own(world.change_phone("6281200000199")), Answer::PhoneFull);
    world.refuse_changes = Some(ConflictReason::Outdated);
    assert_eq!(world.own(world.change_name("SITI RAHMAWATI")), Answer::NeedsDesk);
    world.refuse_changes = None;
    assert_eq!(world.own(world.change_name("SITI RAHMAWATI")), Answer::NameChanged);
    world.refuse_changes = Some(ConflictReason::Outdated);
    let undo = world.undo();
    assert!(matches!(world.own(undo), Answer::TicketFiled(_)), "the desk puts it back");
    assert_eq!(world.own(world.identify(&[SITI])), Answer::LoginGone, "and nobody is in meanwhile");
}

#[test]
fn an_unused_record_can_be_forgotten_once_nothing_is_held() {
    let mut world = World::new();
    let stranger = contact_asker(7, false);
    world.ask_as(stranger, world.challenge(OtpPurpose::Login));
    assert!(!world.account.is_idle(world.now));
    world.wait(DAY_MS);
    assert!(world.account.is_idle(world.now));
    world.ask_as(stranger, world.challenge(OtpPurpose::Login));
    world.ask_as(stranger, world.check(OtpPurpose::Login, &[1, 2, 3, 4, 5]));
    world.wait(DAY_MS);
    assert!(!world.account.is_idle(world.now), "a lock is remembered a day past its end");
    world.wait(30 * MINUTE_MS);
    assert!(world.account.is_idle(world.now));
}

#[test]
fn a_full_record_stays_small() {
    let mut world = World::new();
    let long = "KLMNOPQRST KLMNOPQRST KLMNOPQRST KLMNOPQRST KLMNOPQRST ABCDE";
    let template = world.people[0].clone();
    world.people = (0..6)
        .map(|n| Person {
            id: PersonId(format!("{n:036}")),
            name: name(long),
            verified_name: name(long),
            ..template.clone()
        })
        .collect();
    // The most that the settings allow.
    world.rules.otp_strangers_per_hour = 20;
    world.rules.otp_strangers_per_day = 20;
    for chat in 1..5 {
        world.log_in(contact_asker(chat, false));
    }
    for n in 0..6_u32 {
        world.people[n as usize].nik = nik(&format!("00010147089001{n:02}"));
        let wrong = world.identify(&[("Bayu Pradana", &format!("00010147089001{n:02}"))]);
        world.ask_as(contact_asker(1 + u64::from(n) % 4, false), wrong);
    }
    for chat in 100..140 {
        world.ask_as(contact_asker(chat, false), world.challenge(OtpPurpose::Login));
        world.ask_as(contact_asker(chat, false), world.challenge(OtpPurpose::NewPhone));
    }
    for n in 0..6 {
        let person = PersonId(format!("{n:036}"));
        let name = name(&long.replace("ABCDE", "ABCDF"));
        let request = Request::ChangeName { account: world.phone, person, name };
        let answer = world.ask_as(contact_asker(1 + n % 4, false), request);
        assert_eq!(answer, Answer::NameChanged);
    }
    let shut = world.ask_as(contact_asker(1, false), world.change_name("SITI"));
    assert!(matches!(shut, Answer::ChangesShut { .. }), "no room for another undo");
    world.restart();
}

#[test]
fn a_code_does_not_outlive_a_lock_shorter_than_itself() {
    let mut world = World::new();
    world.rules.lock_s = [60; 3];
    world.own(world.challenge(OtpPurpose::Login));
    let code = world.last_code();
    world.own(world.check(OtpPurpose::Login, &[1, 2, 3, 4, 5]));
    world.wait(MINUTE_MS);
    assert_eq!(world.own(world.check(OtpPurpose::Login, &[code])), Answer::OtpExpired);
}

#[test]
fn a_clock_that_jumps_back_ends_codes_and_logins_and_keeps_locks() {
    let mut world = World::new();
    let asker = contact_asker(1, true);
    world.log_in(asker);
    world.wait(MINUTE_MS);
    world.own(world.challenge(OtpPurpose::Login));
    let code = world.last_code();
    let stranger = contact_asker(7, false);
    world.ask_as(stranger, world.challenge(OtpPurpose::Login));
    world.ask_as(stranger, world.check(OtpPurpose::Login, &[1, 2, 3, 4, 5]));
    world.wait(-HOUR_MS);
    assert_eq!(world.own(world.check(OtpPurpose::Login, &[code])), Answer::OtpExpired);
    assert_eq!(world.own(world.identify(&[SITI])), Answer::LoginGone);
    let locked = world.ask_as(stranger, world.challenge(OtpPurpose::Login));
    assert!(matches!(locked, Answer::Locked { until } if until <= world.now.plus_ms(DAY_MS)), "{locked:?}");
}

#[test]
fn a_chat_that_undoes_its_own_change_is_answered_and_not_noticed() {
    let mut world = World::new();
    world.log_in(contact_asker(1, true));
    assert_eq!(world.own(world.change_name("SITI RAHMAWATI")), Answer::NameChanged);
    let undo = world.undo();
    assert!(matches!(world.own(undo), Answer::Undone { .. }));
    assert!(!world.out.iter().any(|effect| matches!(effect, AccountEffect::EndLogin { .. })), "{:?}", world.out);
    assert_eq!(world.own(world.identify(&[SITI])), Answer::LoginGone);
}

#[test]
fn when_the_undo_has_run_out_time_alone_takes_its_row_with_it() {
    let mut world = World::new();
    world.log_in(contact_asker(1, true));
    assert_eq!(world.own(world.change_name("SITI RAHMAWATI")), Answer::NameChanged);
    assert!(world.step(AccountEvent::Settle).is_empty(), "nothing has ended yet");
    world.wait(3 * DAY_MS - 1);
    assert!(!world.account.has_spent_changes(world.now));
    world.wait(1);
    assert!(world.account.has_spent_changes(world.now));
    let effects = world.step(AccountEvent::Settle);
    assert!(matches!(effects[..], [AccountEffect::DeleteUndo { .. }]), "{effects:?}");
    assert!(!world.account.has_spent_changes(world.now), "once");
}

/// A family of two on one phone; the father's record is being read when the account's actor dies, and comes when
/// the daughter's is read by its next life.
#[test]
fn what_a_neighbour_still_answers_to_an_earlier_life_is_nobodys() {
    let mut world = World::new();
    let father = world.people[0].id.clone();
    let daughter = Person {
        id: PersonId(String::from("p2")),
        nik: nik("0001014708900012"),
        name: name("RINA KARTIKA"),
        verified_name: name("RINA KARTIKA"),
        civil_name: None,
        ..world.people[0].clone()
    };
    world.people.push(daughter.clone());
    let asker = contact_asker(1, true);
    world.log_in(asker);
    let mut reads = Vec::new();
    for claim in [SITI, ("Rina Kartika", "0001014708900012")] {
        world.restart();
        let (call, request) = (world.next_call(), world.identify(&[claim]));
        let looked = world.step(AccountEvent::Asked { asker, call, request });
        let [AccountEffect::LookUp { job, .. }] = looked[..] else { panic!("{looked:?}") };
        let result = Ok(world.people.clone());
        let read = world.step(AccountEvent::Persons { job, result });
        let [AccountEffect::ReadRecord { job, .. }] = read[..] else { panic!("{read:?}") };
        reads.push(job);
    }
    let record = world.records[&father].clone();
    let late = world.step(AccountEvent::Record { job: reads[0], result: Ok(record.clone()) });
    assert!(late.is_empty(), "the father's record is shown as the daughter's: {late:?}");
    let own = VaccinationRecord { doses: Vec::new(), ..record };
    let shown = world.step(AccountEvent::Record { job: reads[1], result: Ok(own.clone()) });
    let [AccountEffect::Answer { answer: Answer::Identified { people, .. }, .. }] = &shown[..] else {
        panic!("{shown:?}")
    };
    let [Identified::Found(found)] = &people[..] else { panic!("{people:?}") };
    assert_eq!((&found.person, &found.record), (&daughter.id, &own));
}
