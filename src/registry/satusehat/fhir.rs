//! The few FHIR resources that matter, read as leniently as can be: what is not understood is not there.

use serde_json::Value;
use time::Date;

use super::NIK_SYSTEM;
use super::dates;

/// One page of a search.
pub(super) struct Bundle {
    /// The resources, whatever they are.
    pub(super) entries: Vec<Value>,
    /// Where the next page is.
    pub(super) next: Option<String>,
}

pub(super) struct Patient {
    /// The number under which SATUSEHAT has him (IHS).
    pub(super) id: String,
    /// Not one that was replaced by another.
    pub(super) active: bool,
    pub(super) birth_date: Option<Date>,
    niks: Vec<String>,
}

/// A vaccination that took place, as it is recorded.
pub(super) struct Immunization {
    pub(super) id: Option<String>,
    /// The patient's number, where it is named.
    pub(super) patient: Option<String>,
    /// Whether it is said to have been given.
    pub(super) completed: bool,
    pub(super) date: Date,
    /// System (may be missing) and code, and how the code is displayed.
    pub(super) codings: Vec<Coding>,
    /// What the vaccine is called where no code is known.
    pub(super) text: Option<String>,
    /// Against COVID-19, as the protocol says.
    pub(super) against_covid: bool,
    pub(super) dose: Option<u8>,
    pub(super) lot: Option<String>,
    /// When it was recorded, as written: later ones correct earlier ones.
    pub(super) recorded: String,
}

pub(super) struct Coding {
    pub(super) system: Option<String>,
    pub(super) code: String,
    pub(super) display: Option<String>,
}

/// COVID-19 in SNOMED CT.
const COVID: &str = "840539006";
/// More doses than anyone has: such a number is a slip.
const DOSE_MAX: u8 = 16;

impl Bundle {
    pub(super) fn read(body: &Value) -> Option<Self> {
        if is(body, "OperationOutcome") || !is(body, "Bundle") {
            return None;
        }
        let entries = list(body, "entry").iter().filter_map(|entry| entry.get("resource")).cloned().collect();
        let next = list(body, "link").iter().find(|link| text(link, "relation").as_deref() == Some("next"));
        Some(Self { entries, next: next.and_then(|link| text(link, "url")) })
    }
}

impl Patient {
    pub(super) fn read(body: &Value) -> Option<Self> {
        if !is(body, "Patient") {
            return None;
        }
        let niks = list(body, "identifier").iter();
        let niks = niks.filter(|identifier| text(identifier, "system").as_deref() == Some(NIK_SYSTEM));
        Some(Self {
            id: text(body, "id")?,
            active: body.get("active").and_then(Value::as_bool).unwrap_or(true),
            birth_date: text(body, "birthDate").and_then(|date| dates::date(&date)),
            niks: niks.filter_map(|identifier| text(identifier, "value")).collect(),
        })
    }

    /// Whether he has a NIK and not this one. One that is masked says nothing.
    pub(super) fn is_of_another_nik(&self, nik: &str) -> bool {
        let whole = |nik: &&String| nik.len() == 16 && nik.bytes().all(|byte| byte.is_ascii_digit());
        let mut whole = self.niks.iter().filter(whole).peekable();
        whole.peek().is_some() && whole.all(|known| known != nik)
    }
}

impl Immunization {
    /// None for one that did not take place, was entered in error, or has no day.
    pub(super) fn read(body: &Value) -> Option<Self> {
        let status = text(body, "status").unwrap_or_default();
        if !is(body, "Immunization") || matches!(status.as_str(), "entered-in-error" | "not-done") {
            return None;
        }
        let patient = body.pointer("/patient/reference").and_then(Value::as_str);
        let vaccine = body.get("vaccineCode").unwrap_or(&Value::Null);
        let protocols = list(body, "protocolApplied");
        let diseases = protocols.iter().flat_map(|protocol| list(protocol, "targetDisease"));
        Some(Self {
            id: text(body, "id"),
            patient: patient.and_then(|reference| reference.rsplit('/').next()).map(str::to_owned),
            completed: status == "completed",
            date: dates::day_wib(&text(body, "occurrenceDateTime")?)?,
            codings: codings(vaccine),
            text: text(vaccine, "text"),
            against_covid: diseases.flat_map(codings).any(|coding| coding.code == COVID),
            dose: protocols.iter().find_map(dose),
            lot: text(body, "lotNumber"),
            recorded: text(body, "recorded").unwrap_or_default(),
        })
    }
}

/// A number, a number in quotes, or the first number in words ("Dosis 2").
fn dose(protocol: &Value) -> Option<u8> {
    let value = protocol.get("doseNumberPositiveInt").or_else(|| protocol.get("doseNumberString"))?;
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(words) => words.split(|c: char| !c.is_ascii_digit()).find_map(|digits| digits.parse().ok()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    u8::try_from(number?).ok().filter(|number| (1..=DOSE_MAX).contains(number))
}

fn codings(concept: &Value) -> Vec<Coding> {
    let coding = |coding: &Value| {
        let code = match coding.get("code")? {
            Value::String(code) => code.trim().to_owned(),
            Value::Number(code) => code.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(Coding { system: text(coding, "system"), code, display: text(coding, "display") })
    };
    list(concept, "coding").iter().filter_map(coding).collect()
}

fn is(body: &Value, kind: &str) -> bool {
    body.get("resourceType").and_then(Value::as_str) == Some(kind)
}

/// A list, or the one thing that should have been one.
fn list<'a>(body: &'a Value, key: &str) -> &'a [Value] {
    match body.get(key) {
        Some(Value::Array(items)) => items,
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => &[],
    }
}

/// A text with something in it.
fn text(body: &Value, key: &str) -> Option<String> {
    body.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}
