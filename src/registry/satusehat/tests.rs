//! Doses from vaccinations as facilities record them.

use serde_json::{Value, json};
use time::macros::date;

use super::doses::{VaccineCode, Vaccines};
use super::fhir::Immunization;
use crate::domain::citizen::Dose;

const CVX: &str = "http://hl7.org/fhir/sid/cvx";

fn doses(recorded: &[Value]) -> Vec<Dose> {
    let code =
        |code: &str, vaccine: &str| VaccineCode { system: CVX.into(), code: code.into(), vaccine: vaccine.into() };
    let vaccines = Vaccines::new(&[code("511", "CoronaVac"), code("208", "Comirnaty")]);
    vaccines.doses(recorded.iter().filter_map(Immunization::read).collect())
}

/// A whole one; `with` lies over it, null takes away.
fn given(id: &str, number: u8, day: &str, with: &Value) -> Value {
    let mut whole = json!({
        "resourceType": "Immunization", "id": id, "status": "completed",
        "vaccineCode": { "coding": [{ "system": CVX, "code": "511" }] },
        "patient": { "reference": "Patient/P02478375538" },
        "occurrenceDateTime": day, "recorded": day, "lotNumber": "202107052H",
        "protocolApplied": [{ "doseNumberPositiveInt": number }],
    });
    for (key, value) in with.as_object().into_iter().flatten() {
        whole[key] = value.clone();
    }
    whole
}

/// Number, day, vaccine, and the certificate if there is one.
fn seen(recorded: &[Value]) -> Vec<(u8, String, String, Option<String>)> {
    doses(recorded)
        .into_iter()
        .map(|dose| (dose.number, dose.date.to_string(), dose.vaccine, dose.certificate))
        .collect()
}

fn dose(number: u8, day: &str, vaccine: &str, certificate: Option<&str>) -> (u8, String, String, Option<String>) {
    (number, day.into(), vaccine.into(), certificate.map(str::to_owned))
}

#[test]
fn what_was_not_given_or_is_not_against_covid_is_left_out() {
    let tetanus = json!({ "coding": [{ "system": CVX, "code": "35" }, { "system": "kfa", "code": "511" }] });
    let recorded = [
        given("a", 1, "2021-09-02T18:00:00+00:00", &json!({})),
        given("b", 2, "2021-10-01", &json!({ "status": "entered-in-error" })),
        given("c", 3, "2021-11-01", &json!({ "status": "not-done" })),
        given("d", 1, "2023-08-31", &json!({ "vaccineCode": tetanus })),
        given("e", 4, "2022", &json!({})),
        given("f", 5, "2022-02-02", &json!({ "resourceType": "OperationOutcome" })),
        json!("not even an object"),
    ];
    assert_eq!(seen(&recorded), [dose(1, "2021-09-03", "CoronaVac", Some("a"))]);
    assert_eq!(doses(&recorded)[0].batch, "202107052H");
}

#[test]
fn a_dose_that_lacks_what_a_certificate_says_is_recorded_and_not_issued() {
    let recorded = [
        given("a", 1, "2021-09-03", &json!({ "lotNumber": null })),
        given("b", 2, "2021-10-01", &json!({ "status": null })),
        given("c", 3, "2022-01-14", &json!({ "id": " " })),
        given("d", 4, "2023-01-14", &json!({})),
    ];
    let expected = [
        dose(1, "2021-09-03", "CoronaVac", None),
        dose(2, "2021-10-01", "CoronaVac", None),
        dose(3, "2022-01-14", "CoronaVac", None),
        dose(4, "2023-01-14", "CoronaVac", Some("d")),
    ];
    assert_eq!(seen(&recorded), expected);
}

#[test]
fn the_same_dose_is_one_however_often_it_was_sent() {
    let (day, late) = ("2021-09-03", json!({ "recorded": "2021-09-09" }));
    let again = [
        given("bare", 1, day, &json!({ "lotNumber": null, "recorded": "2021-09-20" })),
        given("first", 1, day, &json!({})),
        given("late", 1, day, &late),
        given("second", 2, "2021-10-01", &json!({})),
    ];
    let expected = [dose(1, day, "CoronaVac", Some("late")), dose(2, "2021-10-01", "CoronaVac", Some("second"))];
    let mut turned = again.clone();
    for _ in 0..again.len() {
        turned.rotate_left(1);
        assert_eq!(seen(&turned), expected, "whatever order they come in");
    }
    let corrected = [
        given("wrong", 1, "2021-09-03", &json!({ "recorded": "2021-09-03" })),
        given("right", 1, "2021-09-04", &json!({ "recorded": "2021-09-10" })),
    ];
    assert_eq!(seen(&corrected), [dose(1, "2021-09-04", "CoronaVac", Some("right"))]);
}

#[test]
fn numbers_are_read_however_they_are_written_and_found_where_they_are_missing() {
    let numbered = |id: &str, day: &str, protocol: Value| given(id, 1, day, &json!({ "protocolApplied": protocol }));
    let recorded = [
        numbered("a", "2021-09-03", json!([{ "doseNumberPositiveInt": "1" }])),
        numbered("b", "2021-10-01", json!({ "doseNumberString": "Dosis 2" })),
        numbered("c", "2022-01-14", json!([])),
        numbered("d", "2022-01-14", json!([{ "doseNumberPositiveInt": 0 }])),
    ];
    let expected = [
        dose(1, "2021-09-03", "CoronaVac", Some("a")),
        dose(2, "2021-10-01", "CoronaVac", Some("b")),
        dose(3, "2022-01-14", "CoronaVac", None),
    ];
    assert_eq!(seen(&recorded), expected);
    // One of the same day that has its number is that dose.
    let both = [numbered("c", "2022-01-14", json!([])), given("e", 3, "2022-01-14", &json!({}))];
    assert_eq!(seen(&both), [dose(3, "2022-01-14", "CoronaVac", Some("e"))]);
}

#[test]
fn a_vaccine_without_a_known_code_counts_if_the_protocol_says_against_what() {
    let against = json!([{ "doseNumberPositiveInt": 1, "targetDisease": [{ "coding": [{ "code": "840539006" }] }] }]);
    let codes = json!({ "coding": [{ "system": "http://sys-ids.kemkes.go.id/kfa", "code": 93_001_234, "display": "IndoVac" }] });
    let recorded = given("a", 1, "2022-11-14", &json!({ "vaccineCode": codes, "protocolApplied": against }));
    assert_eq!(seen(&[recorded]), [dose(1, "2022-11-14", "IndoVac", Some("a"))]);
    let bare = json!({ "coding": [{ "code": "208" }] });
    let recorded = given("b", 2, "2022-11-14", &json!({ "vaccineCode": bare }));
    let known = doses(&[recorded]);
    assert_eq!((known[0].vaccine.as_str(), known[0].date), ("Comirnaty", date!(2022 - 11 - 14)));
}
