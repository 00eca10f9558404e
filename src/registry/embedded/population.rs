//! Ten thousand people from a seed, or up to a hundred thousand for load: households on a number, each case that the
//! service must answer among them.
//!
//! Invariants: the same seed and day give the same people; every NIK has the region 00, which does not exist;
//! every phone is 0812-0000-xxxx, and where these do not suffice 0812-0000-xxxxx; a number carries at most five;
//! 0812-0000-0000 to -0199 belong to `cast`, and 0812-0000-9000 to -9999 to nobody. Cases fall on fixed places, so
//! that a small population has them too.

use std::collections::HashSet;

use time::{Date, Duration, Month};

use super::cast::cast;
use super::citizen::Citizen;
use super::dice::Dice;
use super::names::{Culture, mistyped};
use crate::domain::citizen::Standing;
use crate::domain::name::Name;
use crate::domain::nik::Nik;
use crate::domain::phone::{Mobile, Phone};

/// The numbers that are not the cast's, up to those that are nobody's; then those of five digits.
const HOUSEHOLDS: [std::ops::Range<u32>; 2] = [200..9_000, 10_000..100_000];

/// After so many people the cases begin anew.
const CASES_EVERY: usize = 200;

/// Vaccines by weight, as they were given in 2021.
const VACCINES: [&str; 10] = [
    "CoronaVac",
    "CoronaVac",
    "CoronaVac",
    "CoronaVac",
    "CoronaVac",
    "CoronaVac",
    "Vaxzevria",
    "Vaxzevria",
    "Comirnaty",
    "Spikevax",
];

/// The year by whose end everybody had been asked; ages are counted from it, so that people do not grow older.
const CAMPAIGN_YEAR: i32 = 2021;

/// What is odd about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Smooth,
    NeverRecorded,
    /// The only dose is recorded these last days, its certificate not out.
    NotIssued,
    /// The second is.
    SecondNotIssued,
    /// Recorded for a month, and still not out.
    Stuck,
    /// The record's name has a slip against the population register.
    Typo,
    /// An officer's slip gave this person's NIK to the next one, and left this one a wrong one.
    NikTaken,
    /// The next one.
    HoldsOthersNik,
    Protected,
    Deceased,
}

impl Case {
    fn of(place: usize) -> Self {
        match place % CASES_EVERY {
            7 | 57 | 107 | 157 => Case::NeverRecorded,
            13 | 113 => Case::NotIssued,
            63 => Case::SecondNotIssued,
            163 => Case::Stuck,
            29 | 79 | 129 => Case::Typo,
            41 => Case::NikTaken,
            42 => Case::HoldsOthersNik,
            91 => Case::Protected,
            191 => Case::Deceased,
            _ => Case::Smooth,
        }
    }
}

/// The population of a seed on a day: the cast first, then as many invented people as are missing.
pub fn population(seed: u64, people: usize, today: Date) -> Vec<Citizen> {
    let mut citizens = cast(today);
    let mut niks: HashSet<Nik> = citizens.iter().map(|citizen| citizen.person.nik).collect();
    let mut dice = Dice::new(seed);
    let mut taken = None;
    for number in HOUSEHOLDS.into_iter().flatten() {
        if citizens.len() >= people {
            break;
        }
        let size = household(&mut dice).min(people - citizens.len());
        let culture = Culture::of(&mut dice);
        let handed_down = culture.handed_down(&mut dice);
        let Some(phone) = demo_phone(number) else { continue };
        for member in 0..size {
            let case = Case::of(citizens.len());
            let birth = Birth::of(&mut dice, member);
            let place = if member < 2 { dice.below(8) } else { member - 2 };
            let name = culture.name(&mut dice, birth.woman, handed_down, place);
            let Some(own) = free_nik(&mut dice, birth, &mut niks) else { continue };
            let nik = match case {
                Case::NikTaken => one_digit_off(own).filter(|nik| niks.insert(*nik)).map_or(own, |slip| {
                    taken = Some(own);
                    slip
                }),
                Case::HoldsOthersNik => taken.take().unwrap_or(own),
                Case::Smooth
                | Case::NeverRecorded
                | Case::NotIssued
                | Case::SecondNotIssued
                | Case::Stuck
                | Case::Typo
                | Case::Protected
                | Case::Deceased => own,
            };
            let Some(citizen) = person(&mut dice, phone, nik, &name, birth.date, case) else { continue };
            citizens.push(vaccinated(&mut dice, citizen, case, today));
        }
    }
    citizens
}

/// 0812-0000-xxxx, or one digit longer.
pub(super) fn demo_phone(last: u32) -> Option<Mobile> {
    Phone::from_wa_id(&format!("628120000{last:04}")).and_then(Mobile::from_phone)
}

fn household(dice: &mut Dice) -> usize {
    match dice.below(100) {
        0..55 => 1,
        55..77 => 2,
        77..87 => 3,
        87..95 => 4,
        _ => 5,
    }
}

#[derive(Clone, Copy)]
struct Birth {
    date: Date,
    woman: bool,
}

impl Birth {
    /// A member's: two grown-ups first, then children.
    fn of(dice: &mut Dice, member: usize) -> Self {
        let age = if member < 2 { dice.between(18, 84) } else { dice.between(6, 17) };
        let first = Date::from_calendar_date(CAMPAIGN_YEAR - age, Month::January, 1).unwrap_or(Date::MIN);
        let woman = if member < 2 { (member == 1) ^ (dice.below(3) == 0) } else { dice.below(2) == 0 };
        Self { date: first + Duration::days(dice.between(0, 364).into()), woman }
    }
}

/// `0001` + district 02 to 38 + birth date (day + 40 for women) + serial, one that is free.
fn free_nik(dice: &mut Dice, birth: Birth, taken: &mut HashSet<Nik>) -> Option<Nik> {
    let district = dice.between(2, 38);
    let day = birth.date.day() + if birth.woman { 40 } else { 0 };
    let (month, year) = (u8::from(birth.date.month()), birth.date.year() % 100);
    let first = dice.between(1, 9);
    (first..=9_999)
        .filter_map(|serial| Nik::parse(&format!("0001{district:02}{day:02}{month:02}{year:02}{serial:04}")).ok())
        .find(|nik| taken.insert(*nik))
}

/// The NIK next to this one: its last digit mistyped.
fn one_digit_off(nik: Nik) -> Option<Nik> {
    let mut digits = nik.digits();
    let last = digits.pop()?.to_digit(10)?;
    Nik::parse(&format!("{digits}{}", (last + 1) % 10)).ok()
}

fn person(dice: &mut Dice, phone: Mobile, nik: Nik, name: &str, birth_date: Date, case: Case) -> Option<Citizen> {
    let right = Name::parse(name).ok()?;
    let recorded = if case == Case::Typo { Name::parse(&mistyped(dice, name)).ok()? } else { right.clone() };
    // One in five is not matched against the population register yet; a slip is only known from it.
    let civil = (case == Case::Typo || dice.below(5) > 0).then_some(right);
    let standing = match case {
        Case::Protected => Standing::Protected,
        Case::Deceased => Standing::Deceased,
        Case::Smooth
        | Case::NeverRecorded
        | Case::NotIssued
        | Case::SecondNotIssued
        | Case::Stuck
        | Case::Typo
        | Case::NikTaken
        | Case::HoldsOthersNik => Standing::Open,
    };
    Some(Citizen::new(phone, nik, recorded, birth_date).with_civil_name(civil).with_standing(standing))
}

fn vaccinated(dice: &mut Dice, citizen: Citizen, case: Case, today: Date) -> Citizen {
    let vaccine = dice.pick(&VACCINES);
    let lately = today - Duration::days(dice.between(1, 6).into());
    match case {
        Case::NeverRecorded => citizen,
        Case::NotIssued => citizen.with_dose(1, lately, vaccine, false),
        Case::SecondNotIssued => {
            citizen.with_dose(1, lately - Duration::days(28), vaccine, true).with_dose(2, lately, vaccine, false)
        }
        Case::Stuck => citizen.with_dose(1, today - Duration::days(30), vaccine, false),
        Case::Smooth | Case::Typo | Case::NikTaken | Case::HoldsOthersNik | Case::Protected | Case::Deceased => {
            campaign(dice, citizen, vaccine)
        }
    }
}

/// One to three doses as the campaign gave them: grown-ups from January 2021, children from December, the
/// third from January 2022, with another vaccine as often as not.
fn campaign(dice: &mut Dice, citizen: Citizen, vaccine: &str) -> Citizen {
    let start = Date::from_calendar_date(CAMPAIGN_YEAR, Month::January, 13).unwrap_or(Date::MIN);
    let child = citizen.record.birth_date.year() > CAMPAIGN_YEAR - 12;
    let vaccine = if child { "CoronaVac" } else { vaccine };
    let first = start + Duration::days(if child { dice.between(335, 365) } else { dice.between(30, 330) }.into());
    let apart = if vaccine == "Vaxzevria" { 84 } else { 28 };
    let doses = if child { 1 + dice.below(2) } else { 1 + dice.below(3) };
    let mut citizen = citizen.with_dose(1, first, vaccine, true);
    if doses > 1 {
        let second = first + Duration::days(apart);
        citizen = citizen.with_dose(2, second, vaccine, true);
        if doses > 2 {
            let booster = (second + Duration::days(180)).max(start + Duration::days(364));
            citizen = citizen.with_dose(3, booster, dice.pick(&[vaccine, "Comirnaty", "Spikevax"]), true);
        }
    }
    citizen
}
