//! FHIR's `date` and `dateTime`, read leniently, as days in Indonesia.

use time::{Date, Month, Time, UtcOffset};

use crate::domain::time::{Timestamp, Zone};

/// The day in western Indonesia: a moment is brought there, a bare day is one already. None for a month or a year
/// alone, and for what cannot be read.
pub(super) fn day_wib(text: &str) -> Option<Date> {
    let (day, clock) = match text.trim().split_once(['T', 't', ' ']) {
        Some((day, clock)) => (day, Some(clock)),
        None => (text.trim(), None),
    };
    let day = date(day)?;
    let Some(clock) = clock else { return Some(day) };
    // A clock without a zone is against the standard; the ministry's are UTC.
    let (clock, offset) = match clock.find(['Z', 'z', '+', '-']) {
        Some(at) => (&clock[..at], offset(&clock[at..])?),
        None => (clock, UtcOffset::UTC),
    };
    let moment = day.with_time(time_of_day(clock)?).assume_offset(offset);
    Some(Timestamp::from_unix_s(moment.unix_timestamp()).at(Zone::Wib).date())
}

/// `YYYY-MM-DD`, and nothing else: a birth date with stars in it is none.
pub(super) fn date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()
}

fn time_of_day(text: &str) -> Option<Time> {
    let whole = text.split('.').next()?;
    let mut parts = whole.split(':').map(|part| part.parse::<u8>().ok());
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    Time::from_hms(hour, minute, second.min(59)).ok()
}

fn offset(text: &str) -> Option<UtcOffset> {
    if text.eq_ignore_ascii_case("z") {
        return Some(UtcOffset::UTC);
    }
    let sign: i8 = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let hours: i8 = digits.get(..2)?.parse().ok()?;
    let minutes: i8 = digits.get(2..4).map_or(Some(0), |minutes| minutes.parse().ok())?;
    UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn a_morning_in_jakarta_is_the_day_after_it_began_in_greenwich() {
        for (text, day) in [
            ("2021-09-03", Some(date!(2021 - 09 - 03))),
            ("2021-09-02T17:00:00+00:00", Some(date!(2021 - 09 - 03))),
            ("2021-09-02T16:59:59Z", Some(date!(2021 - 09 - 02))),
            ("2021-09-02T18:14:00.123456Z", Some(date!(2021 - 09 - 03))),
            ("2021-09-03T00:30:00+07:00", Some(date!(2021 - 09 - 03))),
            ("2021-09-03T01:30:00+09:00", Some(date!(2021 - 09 - 02))),
            ("2021-12-31T20:00:00-0400", Some(date!(2022 - 01 - 01))),
            ("2021-09-02 23:00", Some(date!(2021 - 09 - 03))),
            ("2021-09-02T23:59:60Z", Some(date!(2021 - 09 - 03))),
            ("2021-09", None),
            ("2021", None),
            ("", None),
            ("1990-**-**", None),
            ("2021-02-30", None),
            ("2021-09-03T25:00:00Z", None),
            ("2021-09-03T10:00:00+99:99", None),
            ("kemarin", None),
        ] {
            assert_eq!(day_wib(text), day, "{text}");
        }
    }
}
