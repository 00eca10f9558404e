//! Claims as a CWT (RFC 8392) in CBOR, and back.
//!
//! Reading is lenient where issuers differ (key order, a date with a time behind it, other entries beside the
//! vaccination) and strict where a checker decides by it.

use coset::cbor::{self, Value};
use time::{Date, Month};

use super::Claims;
use super::payload::{COUNTRY, Payload, Vaccination};

const ISSUER: i64 = 1;
const EXPIRES_AT: i64 = 4;
const ISSUED_AT: i64 = 6;
const HCERT: i64 = -260;
const EU_DCC: i64 = 1;

const SCHEMA: &str = "1.3.0";

type Fault = &'static str;

/// The claims' bytes.
pub(super) fn written(claims: &Claims) -> Result<Vec<u8>, Fault> {
    let claims = numbered([
        (ISSUER, Value::from(COUNTRY)),
        (EXPIRES_AT, Value::from(claims.expires_at_s)),
        (ISSUED_AT, Value::from(claims.issued_at_s)),
        (HCERT, numbered([(EU_DCC, payload(&claims.payload))])),
    ]);
    let mut bytes = Vec::with_capacity(512);
    cbor::into_writer(&claims, &mut bytes).map_err(|_| "it cannot be written")?;
    Ok(bytes)
}

fn payload(payload: &Payload) -> Value {
    let mut name = vec![("fn", payload.family.as_str()), ("fnt", payload.family_plain.as_str())];
    if let (Some(given), Some(plain)) = (&payload.given, &payload.given_plain) {
        name.extend([("gn", given.as_str()), ("gnt", plain.as_str())]);
    }
    let of = &payload.vaccination;
    let text = |text: &str| Value::from(text);
    let vaccination = named([
        ("tg", text(&of.disease)),
        ("vp", text(&of.prophylaxis)),
        ("mp", text(&of.product)),
        ("ma", text(&of.holder)),
        ("dn", Value::from(of.dose)),
        ("sd", Value::from(of.doses)),
        ("dt", Value::from(of.date.to_string())),
        ("co", text(&of.country)),
        ("is", text(&of.issuer)),
        ("ci", text(&of.id)),
    ]);
    named([
        ("ver", Value::from(SCHEMA)),
        ("nam", named(name.into_iter().map(|(key, value)| (key, Value::from(value))))),
        ("dob", Value::from(payload.birth_date.to_string())),
        ("v", Value::Array(vec![vaccination])),
    ])
}

fn numbered(pairs: impl IntoIterator<Item = (i64, Value)>) -> Value {
    Value::Map(pairs.into_iter().map(|(key, value)| (Value::from(key), value)).collect())
}

fn named<'a>(pairs: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(pairs.into_iter().map(|(key, value)| (Value::from(key), value)).collect())
}

/// The claims in bytes whose signature was right.
pub(super) fn read(bytes: &[u8]) -> Result<Claims, Fault> {
    let claims: Value = cbor::from_reader(bytes).map_err(|_| "it is not CBOR")?;
    let moment = |key, fault| at(&claims, &Value::from(key)).and_then(seconds).ok_or(fault);
    let hcert = at(&claims, &Value::from(HCERT)).ok_or("it has no claim -260")?;
    let payload = at(hcert, &Value::from(EU_DCC)).ok_or("claim -260 has no entry 1")?;
    Ok(Claims {
        issued_at_s: moment(ISSUED_AT, "it does not say when it was signed")?,
        expires_at_s: moment(EXPIRES_AT, "it does not say until when it is good")?,
        payload: read_payload(payload)?,
    })
}

fn read_payload(payload: &Value) -> Result<Payload, Fault> {
    let name = field(payload, "nam").ok_or("it has no name")?;
    let entries = field(payload, "v").and_then(Value::as_array).map(Vec::as_slice);
    let Some([of]) = entries else { return Err("it does not hold exactly one vaccination") };
    let text = |key, fault| field(of, key).and_then(Value::as_text).map(str::to_owned).ok_or(fault);
    let count = |key, fault| field(of, key).and_then(small).ok_or(fault);
    let part = |key| field(name, key).and_then(Value::as_text).map(str::to_owned);
    Ok(Payload {
        family_plain: part("fnt").ok_or("it has no transliterated name")?,
        family: part("fn").unwrap_or_default(),
        given: part("gn"),
        given_plain: part("gnt"),
        birth_date: date(field(payload, "dob")).ok_or("its birth date is not a day")?,
        vaccination: Vaccination {
            disease: text("tg", "it names no disease")?,
            prophylaxis: text("vp", "it names no prophylaxis")?,
            product: text("mp", "it names no vaccine")?,
            holder: text("ma", "it names no maker")?,
            dose: count("dn", "it has no number of its dose")?,
            doses: count("sd", "it has no number of doses")?,
            date: date(field(of, "dt")).ok_or("its date is not a day")?,
            country: text("co", "it names no country")?,
            issuer: text("is", "it names no issuer")?,
            id: text("ci", "it has no id")?,
        },
    })
}

fn at<'v>(map: &'v Value, key: &Value) -> Option<&'v Value> {
    map.as_map()?.iter().find(|(found, _)| found == key).map(|(_, value)| value)
}

fn field<'v>(map: &'v Value, key: &str) -> Option<&'v Value> {
    at(map, &Value::from(key))
}

fn seconds(value: &Value) -> Option<i64> {
    value.as_integer().and_then(|number| i64::try_from(number).ok())
}

fn small(value: &Value) -> Option<u8> {
    value.as_integer().and_then(|number| u8::try_from(number).ok())
}

/// `1990-08-07`, with or without a time behind it.
fn date(value: Option<&Value>) -> Option<Date> {
    let mut parts = value?.as_text()?.get(..10)?.split('-');
    let (year, month, day) =
        (parts.next()?.parse().ok()?, parts.next()?.parse::<u8>().ok()?, parts.next()?.parse().ok()?);
    Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()
}
