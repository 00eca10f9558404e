//! Who is there, and whether every case is among them.

mod changes;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use time::macros::date;
use time::{Date, Duration};

use super::cast::CAST;
use super::population::demo_phone;
use super::*;
use crate::domain::citizen::Standing;
use crate::domain::nik::Nik;

const TODAY: Date = date!(2026 - 11 - 23);
const SEED: u64 = 20_211_110;

fn all() -> &'static [Citizen] {
    static ALL: LazyLock<Vec<Citizen>> = LazyLock::new(|| population(SEED, 10_000, TODAY));
    &ALL
}

fn mobile(last_four: u32) -> Mobile {
    demo_phone(last_four).expect("a phone")
}

fn by_name<'a>(citizens: &'a [Citizen], last_four: u32, name: &str) -> &'a Citizen {
    let phone = mobile(last_four);
    citizens.iter().find(|c| c.phone == phone && c.person.name.as_str() == name).expect("that citizen")
}

#[test]
fn the_same_seed_is_the_same_ten_thousand_people() {
    let people = all();
    assert_eq!(people.len(), 10_000);
    assert_eq!(people[..2_000], population(SEED, 2_000, TODAY)[..]);
    assert_ne!(people[CAST..100], population(SEED + 1, 100, TODAY)[CAST..]);
    assert_eq!(people[..CAST], population(SEED + 1, CAST, TODAY)[..]);
    let ids: HashSet<_> = people.iter().map(|citizen| &citizen.person.id).collect();
    assert_eq!(ids.len(), 10_000, "ids are unique");
    let certificates: Vec<_> =
        people.iter().flat_map(|c| c.record.issued()).filter_map(|d| d.certificate.as_ref()).collect();
    assert_eq!(certificates.iter().collect::<HashSet<_>>().len(), certificates.len(), "certificate ids are unique");
}

#[test]
fn for_load_there_are_a_hundred_thousand_of_whom_the_first_are_the_same() {
    let many = population(SEED, 100_000, TODAY);
    assert_eq!(many.len(), 100_000);
    assert_eq!(many[..9_990], all()[..9_990], "the last household of the fewer may be cut");
    let ids: HashSet<_> = many.iter().map(|citizen| &citizen.person.id).collect();
    assert_eq!(ids.len(), many.len(), "ids are unique");
    let longest = many.iter().map(|citizen| citizen.phone.phone().digits().to_string()).max_by_key(String::len);
    assert_eq!(longest.map(|digits| digits.len()), Some("6281200009999".len() + 1));
    let nobodys = 6_281_200_009_000..=6_281_200_009_999;
    assert!(!many.iter().any(|citizen| nobodys.contains(&citizen.phone.phone().digits())));
}

#[test]
fn niks_and_phones_are_of_nobody() {
    let mut by_nik: HashMap<Nik, usize> = HashMap::new();
    let mut by_phone: HashMap<Mobile, usize> = HashMap::new();
    for citizen in all() {
        let digits = citizen.person.nik.digits();
        assert!(digits.starts_with("0001"), "region 00 does not exist");
        assert_eq!(Nik::parse(&digits), Ok(citizen.person.nik), "of the right form");
        *by_nik.entry(citizen.person.nik).or_default() += 1;
        *by_phone.entry(citizen.phone).or_default() += 1;
        let number = citizen.phone.phone().digits();
        assert!((6_281_200_000_000..6_281_200_009_000).contains(&number), "0812-0000-xxxx, the last block free");
    }
    let twice: Vec<_> = by_nik.iter().filter(|(_, times)| **times > 1).map(|(nik, _)| nik.digits()).collect();
    assert_eq!(twice, ["0001014708900003"], "only the woman who registered twice");
    assert!(by_phone.values().all(|people| *people <= PERSONS_MAX));
    assert!((100..).contains(&by_phone.values().filter(|people| **people == 5).count()), "families of five");
    for nobody in [117, 131, 177, 181, 9_000, 9_999] {
        assert!(!by_phone.contains_key(&mobile(nobody)), "{nobody} is registered to nobody");
    }
}

#[test]
fn every_case_is_among_the_people() {
    let people = all();
    let count = |case: &dyn Fn(&Citizen) -> bool| people.iter().filter(|citizen| case(citizen)).count();
    let issued = |citizen: &Citizen, doses: usize| citizen.record.issued().count() == doses && citizen.is_smooth();
    for doses in 1..=3 {
        assert!(count(&|c| issued(c, doses)) > 1_000, "{doses} doses");
    }
    assert!(count(&|c| c.record.doses.is_empty()) > 100, "never recorded");
    let recent = |date: Date| (TODAY - Duration::days(7)..TODAY).contains(&date);
    let pending =
        |c: &Citizen| c.record.doses.last().is_some_and(|dose| dose.certificate.is_none() && recent(dose.date));
    assert!(count(&pending) > 100, "recorded these seven days, not issued");
    assert!(count(&|c| pending(c) && c.record.issued().count() == 1) > 20, "the second dose only");
    let stuck = |c: &Citizen| c.record.doses.last().is_some_and(|d| d.certificate.is_none() && !recent(d.date));
    assert!(count(&stuck) > 20, "recorded long ago, not issued");
    assert!(count(&|c| c.person.civil_name.as_ref().is_some_and(|civil| *civil != c.person.name)) > 100, "a slip");
    let holds_others = |c: &Citizen| c.person.nik.birth_dates().all(|date| date != c.record.birth_date);
    assert!(count(&holds_others) > 40, "somebody else's NIK");
    assert!(count(&|c| c.person.standing == Standing::Protected) > 40);
    assert!(count(&|c| c.person.standing == Standing::Deceased) > 40);
    assert!(count(&|c| !c.person.name.as_str().contains(' ')) > 300, "one-word names");
    assert!(count(&|c| c.record.birth_date.year() > 2006) > 500, "children");
    assert!(people.iter().all(|c| c.record.doses.windows(2).all(|pair| pair[0].date < pair[1].date)));
    assert!(people.iter().all(|c| c.record.doses.iter().all(|dose| dose.date < TODAY && !dose.batch.is_empty())));
}

#[test]
fn the_people_of_the_examples_are_there() {
    let people = all();
    assert_eq!(people.iter().filter(|c| c.phone < mobile(200)).count(), CAST, "no line of the cast is mistyped");
    let siti = by_name(people, 42, "Siti Rahmawati");
    assert_eq!((siti.person.nik.digits().as_str(), siti.record.issued().count()), ("0001014708900003", 1));
    let dates: Vec<Date> = by_name(people, 51, "Agus Prasetya").record.doses.iter().map(|dose| dose.date).collect();
    assert_eq!(dates, [date!(2021 - 07 - 14), date!(2021 - 08 - 11)]);
    let wayan = &by_name(people, 95, "Wayan Sudarma").record.doses;
    assert_eq!((wayan[0].date, wayan[0].certificate.is_some()), (date!(2026 - 11 - 02), true));
    assert_eq!((wayan[1].date, wayan[1].certificate.is_some()), (date!(2026 - 11 - 20), false));
    assert!(by_name(people, 95, "Made Sudarma").record.doses.is_empty());
    assert_eq!(people.iter().filter(|c| c.phone == mobile(88)).count(), 5);
    assert_eq!(by_name(people, 160, "Maria Wattimena").record.issued().count(), 3);
    let slip = by_name(people, 104, "Siti Rahmwati");
    assert_eq!(slip.person.civil_name.as_ref().map(Name::as_str), Some("Siti Rahmawati"));
    let own = Nik::parse("0001010909800021").expect("a nik");
    let holder = people.iter().find(|c| c.person.nik == own).expect("who holds it");
    assert!(holder.phone != mobile(145) && people.iter().any(|c| c.phone == mobile(145)));
}

#[test]
fn the_cards_show_people_who_are_there() {
    let people = all();
    let cards = demo_cards();
    assert_eq!(cards.len(), 6);
    assert!(cards.iter().all(|card| card.phone.is_some() != card.bsuid.is_some()));
    for card in &cards {
        let registered = card.registered.or(card.phone).and_then(Mobile::from_phone).expect("a registered number");
        for shown in &card.people {
            let nik = Nik::parse(shown.nik).expect("a nik");
            let there = people.iter().any(|citizen| {
                let person = &citizen.person;
                citizen.phone == registered && person.nik == nik && person.name.as_str() == shown.name
            });
            assert_eq!(there, card.key != "nik_taken", "{} on the card {}", shown.name, card.key);
        }
    }
}
