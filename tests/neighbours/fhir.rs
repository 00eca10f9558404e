//! The SATUSEHAT adapter against a FHIR server that nobody here wrote: Medplum's, in memory, behind SATUSEHAT's
//! addresses and login (`servers/fhir.js`). Every resource that it is given is validated by Medplum first.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use siaga::clock::SystemClock;
use siaga::domain::citizen::Person;
use siaga::domain::name::Name;
use siaga::domain::nik::Nik;
use siaga::domain::phone::{Mobile, Phone};
use siaga::ports::{ConflictReason, ImmunizationRegistry as _, NeighbourError};
use siaga::registry::embedded::Citizen;
use siaga::registry::satusehat::{Options, Satusehat, VaccineCode};
use time::macros::date;

use super::programs::{installed, script};

const CVX: &str = "http://hl7.org/fhir/sid/cvx";
const NIK_SYSTEM: &str = "https://fhir.kemkes.go.id/id/nik";
/// Vaccinations of one person against other things: three of the server's pages.
const OTHERS: usize = 130;

/// The running server; ends with this.
pub(crate) struct Server {
    process: Child,
    pub(crate) url: String,
    _directory: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start(resources: &[Value], life_s: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let seed = directory.path().join("resources.json");
        std::fs::write(&seed, serde_json::to_vec(resources).unwrap()).unwrap();
        let mut process = Command::new("node")
            .current_dir(installed("servers/node_modules").parent().unwrap())
            .arg(script("servers/fhir.js"))
            .arg(seed)
            .arg(life_s.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node; install it with .ci/neighbours");
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        assert!(!port.trim().is_empty(), "the server did not start; its error is above");
        Self { process, url: format!("http://127.0.0.1:{}", port.trim()), _directory: directory }
    }

    fn registry(&self, secret: &str) -> Satusehat {
        let code =
            |code: &str, vaccine: &str| VaccineCode { system: CVX.into(), code: code.into(), vaccine: vaccine.into() };
        let options = Options {
            url: self.url.clone(),
            client_id: "klien-1".into(),
            client_secret: secret.to_owned().into(),
            timeout: Duration::from_secs(60),
            connections_max: 8,
            vaccines: vec![code("511", "CoronaVac"), code("208", "Comirnaty")],
        };
        Satusehat::new(&options, Arc::new(SystemClock::default())).expect("options that are right")
    }

    pub(crate) async fn logins(&self) -> String {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        http.get(format!("{}/logins", self.url)).send().await.unwrap().text().await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn person(nik: &str, name: &str) -> Person {
    let phone = Phone::from_wa_id("6281200000042").and_then(Mobile::from_phone).expect("a mobile");
    let (nik, name) = (Nik::parse(nik).expect("a nik"), Name::parse(name).expect("a name"));
    Citizen::new(phone, nik, name, date!(1990 - 08 - 07)).person
}

pub(crate) fn patient(id: &str, nik: &str, name: &str, born: Option<&str>) -> Value {
    let mut patient = json!({
        "resourceType": "Patient", "id": id, "active": true, "gender": "female",
        "identifier": [{ "system": NIK_SYSTEM, "use": "official", "value": nik }],
        "name": [{ "use": "official", "text": name }],
    });
    if let Some(born) = born {
        patient["birthDate"] = json!(born);
    }
    patient
}

pub(crate) fn vaccination(id: &str, of: &str, code: &str, dose: u8, at: &str) -> Value {
    json!({
        "resourceType": "Immunization", "id": id, "status": "completed", "primarySource": false,
        "vaccineCode": { "coding": [{ "system": CVX, "code": code }] },
        "patient": { "reference": format!("Patient/{of}") },
        "occurrenceDateTime": at, "recorded": at, "lotNumber": "202107052H",
        "protocolApplied": [{ "doseNumberPositiveInt": dose }],
    })
}

fn with(mut resource: Value, key: &str, value: Value) -> Value {
    let fields = resource.as_object_mut().unwrap();
    if value.is_null() {
        fields.remove(key)
    } else {
        fields.insert(key.to_owned(), value)
    };
    resource
}

fn resources() -> Vec<Value> {
    let others = (0..OTHERS)
        .map(|number| vaccination(&format!("tetanus-{number}"), "p-siti", "35", 1, "2023-08-31T01:14:00+00:00"));
    let mut all = vec![
        patient("p-siti", "0001014708900003", "Siti Rahmawati", Some("1990-08-07")),
        patient("p-budi", "0001011708100004", "Budi Santoso", Some("1910-08-17")),
        patient("p-dua-a", "0001011708850005", "Agus Wijaya", Some("1985-08-17")),
        patient("p-dua-b", "0001011708850005", "Agus Wijayanto", Some("1985-08-17")),
        vaccination("siti-1", "p-siti", "511", 1, "2021-09-02T18:00:00+00:00"),
        vaccination("budi-1", "p-budi", "208", 1, "2021-12-01T03:00:00+07:00"),
    ];
    all.extend(others);
    all.extend([
        vaccination("siti-1-again", "p-siti", "511", 1, "2021-09-02T18:30:00+00:00"),
        with(vaccination("siti-2", "p-siti", "511", 2, "2021-10-01T02:00:00Z"), "lotNumber", Value::Null),
        with(vaccination("siti-3", "p-siti", "208", 3, "2022-01-14T03:00:00Z"), "status", json!("entered-in-error")),
        with(vaccination("siti-4", "p-siti", "208", 3, "2022-02-14T03:00:00Z"), "status", json!("not-done")),
        vaccination("siti-5", "p-siti", "208", 3, "2022-03-14T03:00:00Z"),
    ]);
    all
}

#[tokio::test]
async fn records_are_read_off_a_fhir_server_that_nobody_here_wrote() {
    let server = Server::start(&resources(), 3_599);
    let registry = server.registry("rahasia");
    let siti = registry.record(&person("0001014708900003", "Siti Rahmawati")).await.expect("a record");
    assert_eq!(siti.birth_date, date!(1990 - 08 - 07));
    let doses: Vec<_> = siti
        .doses
        .iter()
        .map(|dose| (dose.number, dose.date, dose.vaccine.as_str(), dose.certificate.is_some()))
        .collect();
    let expected = [
        (1, date!(2021 - 09 - 03), "CoronaVac", true),
        (2, date!(2021 - 10 - 01), "CoronaVac", false),
        (3, date!(2022 - 03 - 14), "Comirnaty", true),
    ];
    assert_eq!(doses, expected, "of all pages, in western Indonesian days, each once, without what was not given");
    let budi = registry.record(&person("0001011708100004", "Budi Santoso")).await.expect("a record");
    assert_eq!((budi.birth_date, budi.doses.len()), (date!(1910 - 08 - 17), 1));
    assert_eq!(budi.doses[0].date, date!(2021 - 12 - 01));
    let unknown = registry.record(&person("0001011708990009", "Nobody")).await;
    assert_eq!(unknown, Err(NeighbourError::NotFound { neighbour: "satusehat" }));
    let two = registry.record(&person("0001011708850005", "Agus Wijaya")).await;
    assert_eq!(two, Err(NeighbourError::Conflict { neighbour: "satusehat", reason: ConflictReason::TwoPeople }));
    assert_eq!(server.logins().await, "1", "one login for all of it");
    let refused = server.registry("salah").record(&person("0001014708900003", "Siti Rahmawati")).await;
    let Err(NeighbourError::Misconfigured { reason, .. }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("Invalid client credentials"), "{reason}");
}

#[tokio::test]
async fn a_birth_date_that_the_patient_does_not_tell_is_confirmed_by_nobody_and_is_a_conflict() {
    let server = Server::start(&[patient("p-tini", "0001014708900003", "Tini", None)], 3_599);
    let tini = server.registry("rahasia").record(&person("0001014708900003", "Tini")).await;
    assert_eq!(tini, Err(NeighbourError::Conflict { neighbour: "satusehat", reason: ConflictReason::Differs }));
}

#[tokio::test]
async fn tokens_that_end_soon_are_renewed_while_citizens_ask() {
    let server = Server::start(&resources(), 6);
    let registry = server.registry("rahasia");
    let siti = person("0001014708900003", "Siti Rahmawati");
    let mut logins = String::from("0");
    // Until a third token was needed, however slow this machine is.
    for _ in 0..600 {
        registry.record(&siti).await.expect("served, whatever becomes of the token");
        logins = server.logins().await;
        if logins.parse::<u32>().unwrap() >= 3 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{logins} logins in a minute of tokens that last six seconds");
}
