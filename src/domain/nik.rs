//! The national identity number (NIK): 16 digits, `PPRRSS DDMMYY NNNN` (domain.md 3.1).

use serde::{Deserialize, Serialize};
use time::{Date, Month};

use super::digits::only_digits;
use super::redacted;

/// A NIK of the right length and form. Whether anyone holds it, only the registry knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Nik(u64);

redacted!(Nik);

/// Why sixteen digits (or fewer, or more) are not a NIK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NikError {
    /// Said to the citizen with the count, so that he can look again.
    #[error("a nik has 16 digits, {0} came")]
    Length(usize),
    /// The date or the serial cannot be: asked again once, then left to the registry (domain.md 3.1).
    /// Some real ones are so: the date in a NIK is not corrected even when it is wrong.
    #[error("digits 7 to 16 are not a birth date and a serial")]
    Form(Nik),
}

impl Nik {
    /// Reads 16 digits with spaces, dots and dashes among them. Asked of it: the length, a day of 01-31 or
    /// 41-71 (women) that exists in its month in 19YY or 20YY, a serial above 0000, not one digit sixteen
    /// times. The region is not judged: NIKs keep codes of regions since split or renumbered.
    pub fn parse(text: &str) -> Result<Self, NikError> {
        let digits = only_digits(text).unwrap_or_default();
        let nik = match digits.parse() {
            Ok(number) if digits.len() == 16 => Self(number),
            _ => return Err(NikError::Length(digits.len())),
        };
        let one_digit = digits.bytes().all(|b| digits.as_bytes().first() == Some(&b));
        let possible = nik.birth_dates().next().is_some() && !nik.0.is_multiple_of(10_000) && !one_digit;
        if possible { Ok(nik) } else { Err(NikError::Form(nik)) }
    }

    /// The days its digits 7 to 12 can mean, 19YY before 20YY; none when they are not a date. A hint only:
    /// the registry's birth date may differ.
    pub fn birth_dates(self) -> impl Iterator<Item = Date> {
        let part = |shift: u64| u8::try_from(self.0 / shift % 100).unwrap_or_default();
        let (day, month, year) = (part(100_000_000), part(1_000_000), part(10_000));
        let day = if (41..=71).contains(&day) { day - 40 } else { day };
        [1900, 2000].into_iter().filter_map(move |century| {
            let month = Month::try_from(month).ok()?;
            Date::from_calendar_date(century + i32::from(year), month, day).ok()
        })
    }

    /// The first and last four digits, stars between: what a certificate shows.
    pub fn masked(self) -> String {
        format!("{:04}********{:04}", self.0 / 1_000_000_000_000, self.0 % 10_000)
    }

    /// The 16 digits. Personal data: for the registry and the sealed store only.
    pub fn digits(self) -> String {
        format!("{:016}", self.0)
    }

    /// The number itself, as a key for keyed hashing. Personal data.
    pub fn number(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_forms_of_the_same_nik() {
        let nik = Nik::parse("0001014708900003").unwrap();
        for typed in
            ["0001 0147 0890 0003", "000101.470890.0003", "000101-470890-0003", "０００１０１４７０８９００００３"]
        {
            assert_eq!(Nik::parse(typed), Ok(nik), "{typed}");
        }
        assert_eq!(nik.digits(), "0001014708900003");
        assert_eq!(nik.masked(), "0001********0003");
        assert_eq!(format!("{nik:?}"), "Nik(…)");
    }

    #[test]
    fn another_count_of_digits_is_said() {
        for (typed, count) in [("000101150370000", 15), ("00010115037000091", 17), ("", 0), ("nik saya", 0)] {
            assert_eq!(Nik::parse(typed), Err(NikError::Length(count)), "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_a_nik_is_given_back_for_the_second_time_it_comes() {
        for typed in [
            "0001010008900003", // day 00
            "0001013208900003", // day 32
            "0001014008900003", // day 40
            "0001017208900003", // day 72
            "0001011500900003", // month 00
            "0001011513900003", // month 13
            "0001013102900003", // 31 February
            "0001014708900000", // serial 0000
            "1111111111111111",
            "0000000000000000",
        ] {
            let Err(NikError::Form(nik)) = Nik::parse(typed) else { panic!("{typed} passed") };
            assert_eq!(nik.digits(), typed);
        }
    }

    #[test]
    fn a_leap_day_in_either_century_is_enough() {
        // 1900 was no leap year, 2000 was.
        let nik = Nik::parse("0001012902000001").unwrap();
        let dates: Vec<Date> = nik.birth_dates().collect();
        assert_eq!(dates, [time::macros::date!(2000 - 02 - 29)]);
        // Neither 1901 nor 2001.
        assert!(matches!(Nik::parse("0001012902010001"), Err(NikError::Form(_))));
    }

    #[test]
    fn a_womans_day_is_forty_less() {
        let nik = Nik::parse("0001014708900003").unwrap();
        assert_eq!(nik.birth_dates().next(), Some(time::macros::date!(1990 - 08 - 07)));
    }

    proptest::proptest! {
        #[test]
        fn digits_go_round(region in 0_u64..1_000_000, day in 1_u64..=28, woman: bool, month in 1_u64..=12, year in 0_u64..100, serial in 1_u64..10_000) {
            let day = if woman { day + 40 } else { day };
            let digits = format!("{region:06}{day:02}{month:02}{year:02}{serial:04}");
            let nik = Nik::parse(&digits);
            // Sixteen equal digits cannot come out of this: a day and its month would be equal and 11.
            if digits != "1111111111111111" {
                proptest::prop_assert_eq!(nik.map(Nik::digits), Ok(digits));
            }
        }
    }
}
