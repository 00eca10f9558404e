//! What the directory's answers say, in the service's own types. A person who cannot be read is left out and the
//! others are served; what would open too much when it is not understood is read as closed.

use reqwest::header::HeaderValue;
use serde_json::Value;
use time::{Date, Month};

use crate::domain::citizen::{Person, PersonId, Standing};
use crate::domain::name::Name;
use crate::domain::nik::{Nik, NikError};
use crate::domain::time::{DAY_MS, Timestamp};
use crate::ports::ConflictReason;

/// People on one number; the interface promises no more.
const PERSONS_MAX: usize = 6;
/// 1 January 1970, in days of the Julian calendar's count.
const UNIX_DAY: i64 = 2_440_588;
/// An id stands in addresses and records.
const ID_BYTES_MAX: usize = 64;

/// The people of a lookup, each with his version.
pub(super) fn persons(body: &Value) -> Result<Vec<(Person, Option<HeaderValue>)>, &'static str> {
    let list = body.get("persons").and_then(Value::as_array).ok_or("its lookup answers without persons")?;
    if list.len() > PERSONS_MAX {
        return Err("it has more than six people under a number");
    }
    let read: Vec<_> = list.iter().filter_map(person).collect();
    if read.len() < list.len() {
        tracing::warn!(left_out = list.len() - read.len(), "people of the directory cannot be read");
    }
    Ok(read)
}

/// Why a change was refused.
pub(super) fn conflict(body: &[u8]) -> ConflictReason {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match body.get("reason").and_then(Value::as_str) {
        Some("number_full") => ConflictReason::NumberFull,
        Some(_) | None => ConflictReason::Outdated,
    }
}

fn person(body: &Value) -> Option<(Person, Option<HeaderValue>)> {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let name = |key: &str| text(key).and_then(|name| Name::parse(name).ok());
    let id = text("id").filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX && id.bytes().all(is_plain))?;
    let nik = match Nik::parse(text("nik")?) {
        // Some real ones have a wrong date in them.
        Ok(nik) | Err(NikError::Form(nik)) => nik,
        Err(NikError::Length(_)) => return None,
    };
    let printed = name("name")?;
    let person = Person {
        id: PersonId(id.to_owned()),
        nik,
        verified_name: name("verified_name").unwrap_or_else(|| printed.clone()),
        name: printed,
        civil_name: name("civil_name"),
        standing: match text("standing") {
            Some("open") => Standing::Open,
            Some("deceased") => Standing::Deceased,
            Some(_) | None => Standing::Protected,
        },
        name_changed_at: text("name_changed_on").and_then(day),
    };
    Some((person, text("version").and_then(|version| HeaderValue::from_str(version).ok())))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// The start of a day, `YYYY-MM-DD`.
fn day(text: &str) -> Option<Timestamp> {
    let mut parts = text.splitn(3, '-');
    let year: i32 = parts.next()?.parse().ok()?;
    let month = Month::try_from(parts.next()?.parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(year, month, parts.next()?.parse().ok()?).ok()?;
    let days = i64::from(date.to_julian_day()) - UNIX_DAY;
    Some(Timestamp(days * DAY_MS))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn siti() -> Value {
        json!({ "id": "p-1", "version": "\"7\"", "nik": "0001014708900003", "name": "Siti Rahmawati",
            "verified_name": "Siti R", "civil_name": "SITI RAHMAWATI", "standing": "open",
            "name_changed_on": "2026-11-01" })
    }

    fn read(person: &Value) -> Option<Person> {
        let people = persons(&json!({ "persons": [person] })).expect("a list");
        people.into_iter().next().map(|(person, _)| person)
    }

    #[test]
    fn a_person_is_read_whole() {
        let person = read(&siti()).expect("a person");
        assert_eq!((person.name.as_str(), person.verified_name.as_str()), ("Siti Rahmawati", "Siti R"));
        assert_eq!(person.civil_name.map(|name| name.as_str().to_owned()).as_deref(), Some("SITI RAHMAWATI"));
        assert_eq!(person.name_changed_at, Some(Timestamp(1_793_491_200_000)));
        assert_eq!(person.standing, Standing::Open);
    }

    #[test]
    fn what_is_not_understood_opens_nothing() {
        let with = |key: &str, value: Value| {
            let mut person = siti();
            person[key] = value;
            read(&person)
        };
        for standing in [json!("protected"), json!("new word"), json!(null), json!(1)] {
            assert_eq!(with("standing", standing).map(|person| person.standing), Some(Standing::Protected));
        }
        assert_eq!(with("standing", json!("deceased")).map(|person| person.standing), Some(Standing::Deceased));
        for (key, value) in
            [("id", json!("a/../b")), ("id", json!("")), ("nik", json!("123")), ("name", json!("")), ("id", json!(7))]
        {
            assert_eq!(with(key, value), None, "{key}");
        }
        assert!(with("nik", json!("0001019908900003")).is_some(), "a nik with a wrong date is one");
        assert_eq!(with("civil_name", json!("佐藤")).and_then(|person| person.civil_name), None);
        assert_eq!(with("verified_name", json!(null)).map(|person| person.verified_name == person.name), Some(true));
        assert!(persons(&json!({ "persons": vec![siti(); 7] })).is_err());
        assert!(persons(&json!({ "people": [] })).is_err());
        assert_eq!(persons(&json!({ "persons": [siti(), {}] })).map(|people| people.len()), Ok(1));
    }

    #[test]
    fn a_conflict_that_is_not_explained_is_an_outdated_one() {
        assert_eq!(conflict(br#"{"reason":"number_full"}"#), ConflictReason::NumberFull);
        for body in [&br#"{"reason":"outdated"}"#[..], b"<html>", b""] {
            assert_eq!(conflict(body), ConflictReason::Outdated);
        }
    }
}
