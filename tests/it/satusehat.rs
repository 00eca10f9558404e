//! SATUSEHAT over HTTP: what is asked of it, what its answers mean, and every way in which it fails.
//!
//! The bodies are as the ministry's documentation and public clients show them, with invented people. The same
//! adapter against a FHIR server of strangers is in tests/neighbours.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use siaga::clock::ManualClock;
use siaga::domain::citizen::{Person, VaccinationRecord};
use siaga::domain::name::Name;
use siaga::domain::nik::Nik;
use siaga::domain::phone::{Mobile, Phone};
use siaga::ports::{ConflictReason, ImmunizationRegistry, NeighbourError};
use siaga::registry::embedded::Citizen;
use siaga::registry::http::OptionsError;
use siaga::registry::satusehat::{Options, Satusehat, VaccineCode};
use time::macros::date;

use crate::support::START;
use crate::tiny_server::{Answer, Seen, TinyServer, nobody};

const NIK: &str = "0001014708900003";
const IHS: &str = "P02478375538";

fn person(nik: &str, name: &str) -> Person {
    let phone = Phone::from_wa_id("6281200000042").and_then(Mobile::from_phone).expect("a mobile");
    let (nik, name) = (Nik::parse(nik).expect("a nik"), Name::parse(name).expect("a name"));
    Citizen::new(phone, nik, name, date!(1990 - 08 - 07)).person
}

fn siti() -> Person {
    person(NIK, "Siti Rahmawati")
}

pub(crate) fn options(url: &str) -> Options {
    let cvx = |code: &str, vaccine: &str| VaccineCode {
        system: "http://hl7.org/fhir/sid/cvx".into(),
        code: code.into(),
        vaccine: vaccine.into(),
    };
    Options {
        url: url.to_owned(),
        client_id: "klien-1".into(),
        client_secret: "rahasia dan=lain".into(),
        timeout: Duration::from_secs(20),
        connections_max: 8,
        vaccines: vec![cvx("511", "CoronaVac")],
    }
}

struct Bench {
    clock: Arc<ManualClock>,
    server: TinyServer,
    registry: Arc<Satusehat>,
}

impl Bench {
    async fn new(answer: impl Fn(usize, &Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::with(|options| options, answer).await
    }

    async fn with(
        change: impl FnOnce(Options) -> Options,
        answer: impl Fn(usize, &Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let server = TinyServer::start(answer).await;
        let options = change(options(&server.url));
        let registry = Arc::new(Satusehat::new(&options, clock.clone()).expect("options that are right"));
        Self { clock, server, registry }
    }

    async fn read(&self) -> Result<VaccinationRecord, NeighbourError> {
        self.registry.record(&siti()).await
    }

    fn lines(&self) -> Vec<String> {
        self.server.seen().into_iter().map(|seen| seen.line).collect()
    }

    fn logins(&self) -> usize {
        self.lines().iter().filter(|line| is_login(line)).count()
    }
}

pub(crate) fn is_login(line: &str) -> bool {
    line.contains("/oauth2/v1/accesstoken")
}

pub(crate) fn say(status: u16, body: &Value) -> Answer {
    Answer::Say(status, body.to_string())
}

/// As it comes: numbers are texts.
pub(crate) fn token(secret: &str) -> Value {
    json!({ "token_type": "BearerToken", "access_token": secret, "expires_in": "3599", "issued_at": "1671109805593",
        "status": "approved", "application_name": "x", "scope": "", "refresh_count": "0" })
}

pub(crate) fn bundle(resources: &[Value]) -> Value {
    let entries: Vec<Value> = resources.iter().map(|resource| json!({ "resource": resource })).collect();
    json!({ "resourceType": "Bundle", "type": "searchset", "total": entries.len(), "entry": entries })
}

/// By NIK alone the number comes, and no demographics.
pub(crate) fn bare(id: &str, nik: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "active": true, "identifier": [
        { "system": "https://fhir.kemkes.go.id/id/ihs-number", "use": "official", "value": id },
        { "system": "https://fhir.kemkes.go.id/id/nik", "use": "official", "value": nik }] })
}

fn patient() -> Value {
    let mut patient = bare(IHS, NIK);
    patient["birthDate"] = json!("1990-08-07");
    patient
}

fn vaccination(id: &str, number: u8, at: &str) -> Value {
    json!({ "resourceType": "Immunization", "id": id, "status": "completed", "primarySource": false,
        "vaccineCode": { "coding": [{ "system": "http://sys-ids.kemkes.go.id/kfa", "code": "93000000" },
            { "system": "http://hl7.org/fhir/sid/cvx", "code": "511" }] },
        "patient": { "reference": format!("Patient/{IHS}"), "display": "Siti Rahmawati" },
        "occurrenceDateTime": at, "recorded": at, "lotNumber": "202107052H",
        "protocolApplied": [{ "doseNumberPositiveInt": number }] })
}

/// Siti with one dose.
fn good(line: &str) -> Answer {
    if is_login(line) {
        say(200, &token("kunci"))
    } else if line.contains("/Patient?") {
        say(200, &bundle(&[patient()]))
    } else {
        say(200, &bundle(&[vaccination("im-1", 1, "2021-09-02T18:00:00+00:00")]))
    }
}

#[tokio::test]
async fn a_record_is_read_page_by_page_in_the_ministrys_way() {
    let bench = Bench::new(|_, seen| {
        let page = |resources: &[Value], next: Option<&str>| {
            let mut page = bundle(resources);
            let own = json!({ "relation": "self", "url": "x" });
            page["link"] = json!([own, next.map(|next| json!({ "relation": "next", "url": next }))]);
            say(200, &page)
        };
        match seen.line.as_str() {
            line if line.contains("after=2") => page(&[vaccination("im-3", 3, "2022-01-14T03:00:00Z")], None),
            line if line.contains("after=1") => page(
                &[vaccination("im-2", 2, "2021-10-01T02:00:00Z"), vaccination("im-1", 1, "2021-09-02T18:00:00Z")],
                Some("/fhir-r4/v1/Immunization?patient=P02478375538&after=2"),
            ),
            line if line.contains("/Immunization?") => page(
                &[vaccination("im-1", 1, "2021-09-02T18:00:00Z")],
                Some("Immunization?patient=P02478375538&after=1"),
            ),
            line => good(line),
        }
    })
    .await;
    let record = bench.read().await.expect("a record");
    assert_eq!(record.birth_date, date!(1990 - 08 - 07));
    let doses: Vec<_> = record.doses.iter().map(|dose| (dose.number, dose.date, dose.certificate.as_deref())).collect();
    let expected = [
        (1, date!(2021 - 09 - 03), Some("im-1")),
        (2, date!(2021 - 10 - 01), Some("im-2")),
        (3, date!(2022 - 01 - 14), Some("im-3")),
    ];
    assert_eq!(doses, expected);
    let seen = bench.server.seen();
    assert_eq!(seen[0].line, "POST /oauth2/v1/accesstoken?grant_type=client_credentials");
    assert_eq!(seen[0].headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(seen[0].body, b"client_id=klien-1&client_secret=rahasia+dan%3Dlain");
    let system = "https%3A%2F%2Ffhir.kemkes.go.id%2Fid%2Fnik%7C";
    assert_eq!(seen[1].line, format!("GET /fhir-r4/v1/Patient?identifier={system}{NIK}"));
    assert_eq!(seen[1].headers["authorization"], "Bearer kunci");
    assert_eq!(seen[2].line, format!("GET /fhir-r4/v1/Immunization?patient={IHS}&_count=100"));
    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn without_a_birth_date_both_centuries_are_tried_and_then_the_patient_himself() {
    let nik = "0001011708100004";
    let budi = person(nik, "Budi Santoso");
    for (born_in_search, read, expected) in [
        (Some("2010-08-17"), None, Ok(date!(2010 - 08 - 17))),
        (Some("1910-08-17"), None, Ok(date!(1910 - 08 - 17))),
        (None, Some("1980-12-03"), Ok(date!(1980 - 12 - 03))),
        (None, Some("1980-**-**"), Err(ConflictReason::Differs)),
        (None, None, Err(ConflictReason::Differs)),
    ] {
        let bench = Bench::new(move |_, seen| {
            let line = &seen.line;
            let one = |birth: Option<&str>| {
                let mut patient = bare(IHS, nik);
                patient["birthDate"] = json!(birth);
                patient
            };
            if line.contains("birthdate=") {
                assert!(line.contains("name=Budi+Santoso") && line.contains(nik), "{line}");
                let fits = born_in_search.is_some_and(|born| line.contains(&format!("birthdate={born}")));
                return say(200, &bundle(&if fits { vec![one(None)] } else { Vec::new() }));
            }
            match line.as_str() {
                line if line.contains("/Patient?") => say(200, &bundle(&[one(None)])),
                line if line.contains("/Patient/") => match read {
                    Some(born) => say(200, &one(Some(born))),
                    None => say(404, &json!({ "resourceType": "OperationOutcome", "issue": [] })),
                },
                line => good(line),
            }
        })
        .await;
        let record = bench.registry.record(&budi).await;
        let expected = expected.map_err(|reason| NeighbourError::Conflict { neighbour: "satusehat", reason });
        assert_eq!(record.map(|record| record.birth_date), expected);
    }
}

#[tokio::test]
async fn who_is_not_recorded_has_no_doses_and_who_is_not_there_is_not_found() {
    let nothing = Bench::new(|_, seen| match seen.line.as_str() {
        line if line.contains("/Immunization?") => say(200, &json!({ "resourceType": "Bundle", "total": 0 })),
        line => good(line),
    })
    .await;
    assert_eq!(nothing.read().await.expect("a record").doses, []);
    let asked: Vec<String> = nothing.lines().into_iter().filter(|line| line.contains("Immunization")).collect();
    assert_eq!(asked.len(), 2, "in both ways of writing a reference: {asked:?}");
    assert!(asked[1].contains(&format!("patient=Patient%2F{IHS}&")), "{asked:?}");
    let typed = Bench::new(|_, seen| match seen.line.as_str() {
        line if line.contains("Immunization?patient=P0") => say(200, &bundle(&[])),
        line => good(line),
    })
    .await;
    assert_eq!(typed.read().await.expect("a record").doses.len(), 1);
    let nobody = Bench::new(|_, seen| match seen.line.as_str() {
        line if line.contains("/Patient?") => say(200, &json!({ "resourceType": "Bundle", "total": 0 })),
        line => good(line),
    })
    .await;
    assert_eq!(nobody.read().await, Err(NeighbourError::NotFound { neighbour: "satusehat" }));
}

#[tokio::test]
async fn what_is_about_another_person_is_never_his() {
    let with = |patients: Vec<Value>, given: Value| async move {
        let bench = Bench::new(move |_, seen| match seen.line.as_str() {
            line if line.contains("/Patient?") => say(200, &bundle(&patients)),
            line if line.contains("/Immunization?") => say(200, &given),
            line => good(line),
        })
        .await;
        (bench.read().await, bench.lines().len())
    };
    let own = bundle(&[vaccination("im-1", 1, "2021-09-03")]);
    let (two, _) = with(vec![patient(), bare("P2", NIK)], own.clone()).await;
    assert_eq!(two, Err(NeighbourError::Conflict { neighbour: "satusehat", reason: ConflictReason::TwoPeople }));
    let mut replaced = bare("P2", NIK);
    replaced["active"] = json!(false);
    assert!(with(vec![replaced, patient(), patient()], own.clone()).await.0.is_ok(), "one who counts");
    let misconfigured = |end: &Result<VaccinationRecord, NeighbourError>| {
        assert!(matches!(end, Err(NeighbourError::Misconfigured { .. })), "{end:?}");
    };
    misconfigured(&with(vec![bare(IHS, "0001011708100004")], own.clone()).await.0);
    let mut others = vaccination("im-9", 1, "2021-09-03");
    others["patient"]["reference"] = json!("Patient/P9");
    misconfigured(&with(vec![patient()], bundle(&[vaccination("im-1", 1, "2021-09-03"), others])).await.0);
    for next in ["https://elsewhere.example.org/fhir-r4/v1/Immunization?page=2", "/oauth2/v1/x", "//elsewhere/x"] {
        let mut page = own.clone();
        page["link"] = json!([{ "relation": "next", "url": next }]);
        let (end, requests) = with(vec![patient()], page).await;
        misconfigured(&end);
        assert_eq!(requests, 3, "the token goes nowhere else");
    }
    let mut circle = own;
    circle["link"] = json!([{ "relation": "next", "url": format!("Immunization?patient={IHS}&_count=100") }]);
    misconfigured(&with(vec![patient()], circle).await.0);
}

#[tokio::test]
async fn one_login_serves_all_and_is_renewed_before_its_end() {
    let bench = Bench::new(|_, seen| {
        if is_login(&seen.line) {
            Answer::SayLate(200, token("kunci").to_string(), Duration::from_millis(50))
        } else {
            good(&seen.line)
        }
    })
    .await;
    let read = || async { bench.read().await.expect("a record") };
    join_all((0..20).map(|_| read())).await;
    assert_eq!(bench.logins(), 1);
    bench.clock.advance(2_900_000);
    read().await;
    assert_eq!(bench.logins(), 1, "48 minutes: as good as new");
    bench.clock.advance(120_000);
    join_all((0..20).map(|_| read())).await;
    crate::support::eventually("it is renewed", || bench.logins() == 2).await;
    read().await;
    assert_eq!(bench.logins(), 2, "by one login");
    bench.clock.advance(4_000_000);
    join_all((0..20).map(|_| read())).await;
    assert_eq!(bench.logins(), 3, "past its end everybody waits for one");
}

#[tokio::test]
async fn a_refused_login_is_not_tried_again_within_a_minute() {
    let refusals = [
        (
            401,
            json!({ "resourceType": "OperationOutcome", "issue": [{ "severity": "invalid", "code": "value",
            "details": { "text": "Invalid client credentials" } }] }),
            false,
        ),
        (400, json!({ "error": "invalid_client" }), false),
        (200, json!({ "status": "approved" }), false),
        (
            401,
            json!({ "issue": [{ "details": { "text": "Rate limit: 1 request per minute after a failed attempt" } }] }),
            true,
        ),
        (429, json!({}), true),
    ];
    for (status, body, is_down) in refusals {
        let bench = Bench::new(move |_, _| say(status, &body)).await;
        for _ in 0..2 {
            for end in join_all((0..20).map(|_| bench.read())).await {
                match end {
                    Err(NeighbourError::Down { .. }) => assert!(is_down, "{status}"),
                    Err(NeighbourError::Misconfigured { .. }) => assert!(!is_down, "{status}"),
                    other => panic!("{status}: {other:?}"),
                }
            }
            assert_eq!(bench.lines().len(), 1, "{status}: one login, and nothing else");
            bench.clock.advance(if is_down { 4_000 } else { 59_000 });
        }
        bench.clock.advance(61_000);
        let _ = bench.read().await;
        assert_eq!(bench.logins(), 2, "{status}: a minute is over");
    }
}

#[tokio::test]
async fn a_login_that_is_down_is_tried_again_ever_later_and_serves_when_it_is_back() {
    let broken = Arc::new(AtomicUsize::new(3));
    let left = Arc::clone(&broken);
    let bench = Bench::new(move |_, seen| {
        let fails = is_login(&seen.line) && left.load(Ordering::SeqCst) > 0;
        if fails {
            left.fetch_sub(1, Ordering::SeqCst);
            return Answer::Say(504, "Gateway Timeout".into());
        }
        good(&seen.line)
    })
    .await;
    let mut waited = Vec::new();
    for pause in [0, 5_000, 10_000, 20_000] {
        bench.clock.advance((pause - 1_000).max(0));
        if pause > 0 {
            assert!(bench.read().await.is_err(), "too early");
        }
        bench.clock.advance(1_000.min(pause));
        waited.push(bench.read().await.is_ok());
    }
    assert_eq!(waited, [false, false, false, true]);
    assert_eq!(bench.logins(), 4);
}

#[tokio::test]
async fn a_token_that_ended_early_is_replaced_once_and_a_new_one_that_is_refused_is_no_storm() {
    let given = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&given);
    let bench = Bench::new(move |_, seen| {
        if is_login(&seen.line) {
            let number = count.fetch_add(1, Ordering::SeqCst);
            return say(200, &token(&format!("kunci-{number}")));
        }
        // The second is the only one that is any good.
        match seen.headers["authorization"].as_str() {
            "Bearer kunci-1" => good(&seen.line),
            _ => say(401, &json!({ "fault": { "faultstring": "Access Token expired" } })),
        }
    })
    .await;
    assert!(matches!(bench.read().await, Err(NeighbourError::Misconfigured { .. })), "just given, and refused");
    assert!(bench.read().await.is_err());
    assert_eq!(bench.logins(), 1);
    bench.clock.advance(61_000);
    assert!(bench.read().await.is_ok());
    assert_eq!(bench.logins(), 2);
    let bench = Bench::new({
        let old = AtomicUsize::new(0);
        move |_, seen| {
            if is_login(&seen.line) {
                return say(200, &token(&format!("kunci-{}", old.fetch_add(1, Ordering::SeqCst))));
            }
            if seen.line.contains("Immunization") && seen.headers["authorization"].ends_with('0') {
                return say(401, &json!({}));
            }
            good(&seen.line)
        }
    })
    .await;
    bench.clock.advance(0);
    let _ = bench.read().await;
    bench.clock.advance(120_000);
    join_all((0..8).map(|_| bench.read())).await.into_iter().for_each(|end| assert!(end.is_ok(), "{end:?}"));
    assert_eq!(bench.logins(), 2, "eight noticed it, one logged in");
}

/// What a fault means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Means {
    Down,
    Misconfigured,
}

fn raw(text: &str) -> Answer {
    Answer::Raw(text.to_owned())
}

#[tokio::test]
async fn every_fault_is_down_or_misconfigured_and_tells_nothing_personal() {
    use Means::{Down, Misconfigured};
    let html = "<!DOCTYPE html><html><body>Siti Rahmawati 0001014708900003</body></html>";
    let outcome = json!({ "resourceType": "OperationOutcome", "issue": [{ "severity": "invalid", "code": "value",
        "details": { "text": "no patient 0001014708900003 called SITI Rahmawati, born 1990-08-07" } }] })
    .to_string();
    let long = format!("HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n{}", bundle(&[patient()]));
    let short = format!("HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n{}", bundle(&[patient()]));
    let faults: Vec<(&str, Answer, Means)> = vec![
        ("500", Answer::Say(500, outcome.clone()), Down),
        ("502 html", Answer::Say(502, html.into()), Down),
        ("504 text", Answer::Say(504, "Gateway Timeout".into()), Down),
        ("408", Answer::Say(408, String::new()), Down),
        ("200 html", Answer::Say(200, html.into()), Down),
        ("200 empty", Answer::Say(200, String::new()), Down),
        ("200 list", Answer::Say(200, "[]".into()), Down),
        ("200 outcome", Answer::Say(200, outcome.clone()), Down),
        ("200 something else", Answer::Say(200, r#"{"resourceType":"Basic"}"#.into()), Misconfigured),
        ("400", Answer::Say(400, outcome.clone()), Misconfigured),
        ("403", Answer::Say(403, outcome.clone()), Misconfigured),
        ("404", Answer::Say(404, outcome.clone()), Misconfigured),
        ("404 html", Answer::Say(404, html.into()), Misconfigured),
        ("422", Answer::Say(422, outcome), Misconfigured),
        ("302", Answer::Say(302, String::new()), Misconfigured),
        ("cut", raw(&long), Down),
        ("too short a length", raw(&short), Down),
        ("half a head", raw("HTTP/1.1 200 OK\r\ncontent-le"), Down),
        ("no http", raw("220 smtp ready\r\n"), Down),
        ("closed", Answer::Close, Down),
        ("silent", Answer::Silence, Down),
    ];
    for (what, fault, means) in faults {
        for part in ["/Patient?", "/Immunization?"] {
            let fault = fault.clone();
            let quick = |options| Options {
                timeout: Duration::from_millis(if what == "silent" { 150 } else { 20_000 }),
                ..options
            };
            let bench = Bench::with(
                quick,
                move |_, seen| {
                    if seen.line.contains(part) { fault.clone() } else { good(&seen.line) }
                },
            )
            .await;
            // Someone must be logged in: the short time is for the fault alone.
            let error = bench.read().await.expect_err(what);
            let is = match &error {
                NeighbourError::Down { neighbour: "satusehat", .. } => Down,
                NeighbourError::Misconfigured { neighbour: "satusehat", .. } => Misconfigured,
                NeighbourError::Down { .. }
                | NeighbourError::Misconfigured { .. }
                | NeighbourError::NotFound { .. }
                | NeighbourError::Conflict { .. } => panic!("{what}: {error:?}"),
            };
            assert_eq!(is, means, "{what} at {part}: {error}");
            let printed = format!("{error} {error:?}").to_lowercase();
            for personal in ["0001", "siti", "rahmawati", "1990", "p0247", "kunci", "rahasia"] {
                assert!(!printed.contains(personal), "{what}: {printed}");
            }
        }
    }
    let registry = Satusehat::new(&options(&nobody().await), Arc::new(ManualClock::at(START))).expect("options");
    assert!(matches!(registry.record(&siti()).await, Err(NeighbourError::Down { .. })));
}

#[tokio::test]
async fn what_the_server_says_is_kept_for_the_operator() {
    let bench = Bench::new(|_, seen| {
        if is_login(&seen.line) {
            return good(&seen.line);
        }
        say(400, &json!({ "issue": [{ "diagnostics": "unknown search parameter 'identifier'" }] }))
    })
    .await;
    let error = bench.read().await.expect_err("refused").to_string();
    assert!(error.contains("unknown search parameter 'identifier'"), "{error}");
}

#[tokio::test]
async fn a_server_that_asks_for_a_pause_gets_it() {
    let bench = Bench::new(|number, seen| {
        if number == 1 {
            return raw("HTTP/1.1 429 Too Many\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n");
        }
        good(&seen.line)
    })
    .await;
    for pause in [0, 6_999] {
        bench.clock.advance(pause);
        assert!(matches!(bench.read().await, Err(NeighbourError::Down { .. })));
        assert_eq!(bench.lines().len(), 2, "a login, and one request");
    }
    bench.clock.advance(1);
    assert!(bench.read().await.is_ok());
    let bench = Bench::new(|number, seen| match number {
        0 => raw("HTTP/1.1 429 Too Many\r\nretry-after: 37\r\ncontent-length: 0\r\n\r\n"),
        _ => good(&seen.line),
    })
    .await;
    for pause in [0, 36_999] {
        bench.clock.advance(pause);
        assert!(matches!(bench.read().await, Err(NeighbourError::Down { .. })));
        assert_eq!(bench.logins(), 1, "also when it is logged in to");
    }
    bench.clock.advance(1);
    assert!(bench.read().await.is_ok());
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let refused = |change: fn(&mut Options)| {
        let mut options = options("https://fhir.example.org");
        change(&mut options);
        Satusehat::new(&options, Arc::new(ManualClock::at(START))).err()
    };
    assert!(refused(|_| {}).is_none());
    assert!(matches!(refused(|options| options.url = "http://fhir.example.org".into()), Some(OptionsError::PlainHttp)));
    assert!(matches!(refused(|options| options.url = "fhir".into()), Some(OptionsError::Url)));
    assert!(matches!(refused(|options| options.connections_max = 0), Some(OptionsError::NoConnections)));
}
