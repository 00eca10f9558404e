//! The people of the acceptance examples, by name: what `tests/transcripts` plays can be played on the demo.
//!
//! All of them stand on 0812-0000-0000 to -0199; what is not named here in that range is registered to nobody
//! (0117, 0131, 0177 and 0181 have their part in the examples just by that). Two examples use one woman's NIK
//! on two numbers; so she stands twice, once with a slip in her name: registered twice, as happens.

use time::macros::date;
use time::{Date, Duration};

use super::citizen::Citizen;
use super::population::demo_phone;
use crate::domain::name::Name;
use crate::domain::nik::Nik;

/// A citizen by the last digits of his phone; nothing when a line here is mistyped (a test counts them).
fn citizen(last_four: u32, nik: &str, name: &str, birth_date: Date) -> Option<Citizen> {
    Some(Citizen::new(demo_phone(last_four)?, Nik::parse(nik).ok()?, Name::parse(name).ok()?, birth_date))
}

/// How many people the cast has.
#[cfg(test)]
pub(super) const CAST: usize = 26;

/// All of them. Doses that must be recent are dated from `today`.
pub(super) fn cast(today: Date) -> Vec<Citizen> {
    [examples_1_to_6(), examples_7_to_12(today), full_number()].concat().into_iter().flatten().collect()
}

fn sinovac(citizen: Option<Citizen>, dates: &[Date]) -> Option<Citizen> {
    let dosed = |citizen: Citizen, (dose, date): (u8, &Date)| citizen.with_dose(dose, *date, "CoronaVac", true);
    citizen.map(|citizen| (1..).zip(dates).fold(citizen, dosed))
}

fn examples_1_to_6() -> Vec<Option<Citizen>> {
    vec![
        // 1 and 8: the shortest path; the same woman with a slip in her name on another number.
        sinovac(citizen(42, "0001014708900003", "Siti Rahmawati", date!(1990 - 08 - 07)), &[date!(2021 - 09 - 03)]),
        sinovac(citizen(104, "0001014708900003", "Siti Rahmwati", date!(1990 - 08 - 07)), &[date!(2021 - 09 - 03)])
            .map(|citizen| citizen.with_civil_name(Name::parse("Siti Rahmawati").ok())),
        // 2: two doses.
        sinovac(
            citizen(51, "0001011203850007", "Agus Prasetya", date!(1985 - 03 - 12)),
            &[date!(2021 - 07 - 14), date!(2021 - 08 - 11)],
        ),
        // 3: one word.
        sinovac(
            citizen(63, "0001011503700009", "Slamet", date!(1970 - 03 - 15)),
            &[date!(2021 - 09 - 03), date!(2021 - 10 - 01)],
        ),
        // 4: her other card.
        sinovac(citizen(118, "0001015906880002", "Nurul Khasanah", date!(1988 - 06 - 19)), &[date!(2021 - 08 - 24)]),
        // 5: codes.
        sinovac(citizen(72, "0001012205790004", "Bambang Wiryawan", date!(1979 - 05 - 22)), &[date!(2021 - 06 - 30)]),
        // 6: five on one number.
        sinovac(
            citizen(88, "0001015503820006", "Lestari Wulandari", date!(1982 - 03 - 15)),
            &[date!(2021 - 07 - 19), date!(2021 - 08 - 16)],
        ),
        sinovac(
            citizen(88, "0001011711790008", "Hadi Pradana", date!(1979 - 11 - 17)),
            &[date!(2021 - 07 - 19), date!(2021 - 08 - 16)],
        ),
        sinovac(citizen(88, "0001010505120004", "Bayu Pradana", date!(2012 - 05 - 05)), &[date!(2022 - 01 - 11)]),
        sinovac(citizen(88, "0001014506140003", "Citra Pradana", date!(2014 - 06 - 05)), &[date!(2022 - 01 - 11)]),
        citizen(88, "0001010707160001", "Dimas Pradana", date!(2016 - 07 - 07)),
    ]
}

fn examples_7_to_12(today: Date) -> Vec<Option<Citizen>> {
    let days_ago = |days: i64| today - Duration::days(days);
    vec![
        // 7: recorded and not issued; never recorded.
        citizen(95, "0001012001750011", "Wayan Sudarma", date!(1975 - 01 - 20)).map(|citizen| {
            citizen.with_dose(1, days_ago(21), "CoronaVac", true).with_dose(2, days_ago(3), "CoronaVac", false)
        }),
        citizen(95, "0001015002790012", "Made Sudarma", date!(1979 - 02 - 10)),
        // 9: a couple, and somebody on the number that one of them would move to.
        sinovac(
            citizen(130, "0001010904830005", "Hendra Kurniadi", date!(1983 - 04 - 09)),
            &[date!(2021 - 05 - 04), date!(2021 - 06 - 01)],
        ),
        sinovac(citizen(130, "0001016112850010", "Ratna Puspita", date!(1985 - 12 - 21)), &[date!(2021 - 08 - 02)]),
        sinovac(citizen(199, "0001010102940013", "Yance Rumbiak", date!(1994 - 02 - 01)), &[date!(2021 - 10 - 12)]),
        // 10: his NIK stands under another man's name; what stands under his own is a slip.
        sinovac(citizen(145, "0001010909800012", "Yohanes Mandacan", date!(1980 - 09 - 09)), &[date!(2021 - 07 - 14)]),
        sinovac(citizen(146, "0001010909800021", "Titus Kambu", date!(1977 - 02 - 28)), &[date!(2021 - 07 - 14)]),
        // 11: three doses, abroad.
        sinovac(
            citizen(160, "0001015112830008", "Maria Wattimena", date!(1983 - 12 - 11)),
            &[date!(2021 - 07 - 15), date!(2021 - 08 - 12), date!(2022 - 01 - 20)],
        ),
        // 12: the number that died.
        sinovac(
            citizen(170, "0001011203770005", "Joko Susilo", date!(1977 - 03 - 12)),
            &[date!(2021 - 08 - 05), date!(2021 - 09 - 02)],
        ),
    ]
}

/// Six people, so that nobody can move there.
fn full_number() -> Vec<Option<Citizen>> {
    vec![
        sinovac(citizen(190, "0001010305600014", "Poltak Sitorus", date!(1960 - 05 - 03)), &[date!(2021 - 04 - 20)]),
        sinovac(citizen(190, "0001014809620015", "Tiur Sitorus", date!(1962 - 09 - 08)), &[date!(2021 - 04 - 20)]),
        sinovac(citizen(190, "0001011210880016", "Togar Sitorus", date!(1988 - 10 - 12)), &[date!(2021 - 07 - 06)]),
        sinovac(citizen(190, "0001015001910017", "Lamria Sitorus", date!(1991 - 01 - 10)), &[date!(2021 - 07 - 06)]),
        sinovac(citizen(190, "0001012503940018", "Sahat Sitorus", date!(1994 - 03 - 25)), &[date!(2021 - 08 - 27)]),
        sinovac(citizen(190, "0001016907970019", "Duma Sitorus", date!(1997 - 07 - 29)), &[date!(2021 - 08 - 27)]),
    ]
}
