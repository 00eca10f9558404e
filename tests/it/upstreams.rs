//! Each upstream dead, slow or lying while a citizen chats: the server as a ministry runs it (FHIR registry, account
//! directory and SMS gateway over HTTP), one of the three at fault, and what he reads from then on, word for word: he is
//! told once, soothed once, and served when it is well again without repeating himself; what is changed is changed once.
//!
//! A row of a table is one way to fail. `what` a fault means to an adapter alone is in `satusehat`, `directory` and
//! `sms_http`.

mod wall;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use siaga::app::{AppOptions, CodeSender, Directory, Records};
use siaga::domain::name::Name;
use siaga::domain::nik::Nik;
use siaga::otp::sms_http::{Meaning, Reading};
use siaga::registry::embedded::Citizen;
use siaga::registry::{directory, satusehat as fhir};

use crate::ministry::Ministry;
use crate::neighbours::{Clinic, mobile, neighbour, nik};
use crate::satusehat::{bare, bundle, is_login, options as fhir_options, say, token};
use crate::support::{TestApp, eventually};
use crate::tiny_server::{Answer, Seen};
use wall::{Fault, Upstream};

/// Past it a slow upstream counts as down. Others have all the time that this machine needs.
const SLOW: Duration = Duration::from_millis(1_500);
const PATIENT: Duration = Duration::from_secs(30);

const REGISTRY_DOWN: &str = "Data vaksinasi sedang tidak dapat diakses. Permintaan Anda kami simpan dan kami jawab \
    begitu pulih; tidak perlu mengirim ulang.";
const SERVICE_DOWN: &str = "Layanan itu sedang tidak dapat diakses. Permintaan Anda kami simpan dan kami jawab begitu \
    pulih; tidak perlu mengirim ulang.";
const STILL: &str = "Masih kami usahakan. Permintaan Anda tersimpan; tidak perlu mengirim ulang.";

/// The three, and a clinic whose citizens stand in them.
struct Ward {
    clinic: Clinic,
    fhir: Upstream,
    directory: Upstream,
    sms: Upstream,
    ministry: Arc<Ministry>,
}

impl Ward {
    async fn open(people: usize) -> Self {
        let clinic = Clinic::open(0).await;
        let ministry = Arc::<Ministry>::default();
        for person in 0..people {
            let (name, nik) =
                (Name::parse("Siti Rahmawati").expect("a name"), Nik::parse(&nik(person)).expect("a nik"));
            let born = nik.birth_dates().next().expect("a birth date");
            ministry.enter(&Citizen::new(mobile(person), nik, name, born));
        }
        let own = Arc::clone(&ministry);
        Self {
            clinic,
            fhir: Upstream::start(recorded).await,
            directory: Upstream::start(move |seen| own.answer(seen)).await,
            sms: Upstream::start(|_| Answer::Say(200, "{}".into())).await,
            ministry,
        }
    }

    fn options(&self) -> AppOptions {
        let mut options = self.clinic.options();
        options.failing = None;
        options.figures.neighbour_timeout_ms = 60_000;
        options.records =
            Records::Satusehat(fhir::Options { timeout: self.fhir.deadline(), ..fhir_options(&self.fhir.url()) });
        options.directory = Directory::Http(directory::Options {
            url: self.directory.url(),
            authorization: "Bearer kunci".to_owned().into(),
            timeout: self.directory.deadline(),
            connections_max: 4,
        });
        if let Some(CodeSender::Http(http)) = options.senders.first_mut() {
            http.url = format!("{}/sms", self.sms.url());
            http.timeout = self.sms.deadline();
            // Its 200 is no yes when it is a page, as an operator would set it.
            http.readings = vec![Reading { status: Some(200), says: "<html".into(), means: Meaning::Retry }];
        }
        options
    }

    /// Waits until calls to a neighbour have failed.
    async fn has_failed(&self, app: &TestApp, name: &str) {
        let mut actors = Value::Null;
        for _ in 0..6_000 {
            actors = serde_json::from_str(&app.ops("/actors").await.1).expect("a picture");
            if neighbour(&actors, name)["failed"].as_u64() > Some(0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{name} never failed: {actors}");
    }

    /// What he was told after his first so many messages.
    fn told(&self, since: usize) -> Vec<String> {
        self.clinic.got(0).into_iter().skip(since).map(|(words, _)| words).collect()
    }

    /// The code of the newest SMS to him.
    fn code(&self, person: usize) -> Option<String> {
        let to = mobile(person).phone().to_e164();
        let sms = self.sms.seen().into_iter().rfind(|seen| seen.json()["to"] == to.as_str())?;
        Some(sms.json()["text"].as_str()?[..6].to_owned())
    }

    async fn asks_for_a_code(&self, app: &TestApp, person: usize) {
        self.clinic.says(app, person, "status").await;
        self.clinic.hears(person, "Selamat datang").await;
        self.clinic.taps(app, person, "Setuju, nomor ini").await;
    }

    async fn types_the_code(&self, app: &TestApp, person: usize) {
        eventually("the code arrives", || self.code(person).is_some()).await;
        self.clinic.says(app, person, &self.code(person).expect("a code")).await;
        self.clinic.hears(person, "tulis nama lengkap").await;
    }

    async fn logs_in(&self, app: &TestApp, person: usize) {
        self.asks_for_a_code(app, person).await;
        self.clinic.hears(person, "Kode OTP 6 angka").await;
        self.types_the_code(app, person).await;
    }

    /// As far as the question whether the new name is right.
    async fn writes_a_new_name(&self, app: &TestApp) {
        self.logs_in(app, 0).await;
        let clinic = &self.clinic;
        clinic.says(app, 0, &format!("Siti Rahmawati {}", nik(0))).await;
        clinic.hears(0, "Status vaksinasi a.n. Siti").await;
        clinic.says(app, 0, "ubah info diri").await;
        clinic.hears(0, "Data apa yang ingin diubah").await;
        clinic.taps(app, 0, "Nama").await;
        clinic.hears(0, "Tulis nama lengkap persis").await;
        clinic.says(app, 0, "Siti Rahmawaty").await;
        clinic.hears(0, "SITI RAHMAWATY").await;
    }

    /// He hears this next.
    async fn hears(&self, row: &str, words: &str) {
        let heard = || self.clinic.got(0).last().is_some_and(|(said, _)| said.contains(words));
        eventually(&format!("{row}: he hears \"{words}\""), heard).await;
    }

    /// He asks twice while he waits, and is soothed once.
    async fn is_impatient(&self, app: &TestApp, row: &str) {
        self.clinic.says(app, 0, "kok lama sekali").await;
        self.hears(row, STILL).await;
        self.clinic.says(app, 0, "masih lama?").await;
        app.at_rest().await;
    }

    /// Hears this at last, and nothing more in the ten minutes after it.
    async fn is_served(&self, app: &TestApp, row: &str, words: &str) {
        let served = || self.clinic.got(0).last().is_some_and(|(said, _)| said.starts_with(words));
        self.clinic.in_time(&format!("{row}: he is served"), served).await;
        app.settled().await;
        for _ in 0..60 {
            self.clinic.house.clock.advance(10_000);
            app.at_rest().await;
        }
        app.settled().await;
    }
}

/// What the FHIR server has: everybody, with one dose.
fn recorded(seen: &Seen) -> Answer {
    let line = &seen.line;
    if is_login(line) {
        return say(200, &token("kunci"));
    }
    let digits = |after: &str| line.split_once(after).map(|(_, rest)| rest.chars().take(16).collect::<String>());
    if let Some(nik) = digits("nik%7C") {
        return say(200, &bundle(&[patient(&nik)]));
    }
    match digits("Immunization?patient=P") {
        Some(nik) => say(200, &bundle(&[dose(&nik)])),
        None => say(404, &json!({ "resourceType": "OperationOutcome", "issue": [] })),
    }
}

fn patient(nik: &str) -> Value {
    let mut patient = bare(&format!("P{nik}"), nik);
    patient["birthDate"] = json!("1990-08-07");
    patient
}

fn dose(nik: &str) -> Value {
    json!({ "resourceType": "Immunization", "id": format!("im-{nik}"), "status": "completed", "lotNumber": "202107052H",
        "vaccineCode": { "coding": [{ "system": "http://hl7.org/fhir/sid/cvx", "code": "511" }] },
        "patient": { "reference": format!("Patient/P{nik}") }, "occurrenceDateTime": "2021-09-03",
        "protocolApplied": [{ "doseNumberPositiveInt": 1 }] })
}

/// The FHIR server tells somebody else's record, whoever is asked for.
fn anothers(part: &'static str) -> Fault {
    Fault::Lies(Arc::new(move |seen| {
        let other = "0001011708100004";
        match part {
            "patient" if seen.line.contains("/Patient?") => say(200, &bundle(&[patient(other)])),
            "dose" if seen.line.contains("/Immunization?") => say(200, &bundle(&[dose(other)])),
            _ => recorded(seen),
        }
    }))
}

/// All ways in which any upstream fails.
fn faults() -> Vec<(&'static str, Fault)> {
    vec![
        ("dead", Fault::Dead),
        ("slow", Fault::Silent),
        ("html 200", Fault::Says(200, "<html><body>Selamat datang</body></html>".into())),
        ("500", Fault::Says(500, "{\"message\":\"oops\"}".into())),
        ("429", Fault::Later(30)),
        ("cut", Fault::Length(9_000)),
        ("a length too short", Fault::Length(25)),
        ("broken off", Fault::Raw("HTTP/1.1 200 OK\r\ncontent-le".into())),
    ]
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_told_of_once_and_read_when_the_registry_is_well() {
    let lies = [("another's number", anothers("patient")), ("another's vaccination", anothers("dose"))];
    for (row, fault) in faults().into_iter().chain(lies) {
        let mut ward = Ward::open(1).await;
        ward.fhir.slow_by(&fault);
        let app = TestApp::start(ward.options());
        ward.logs_in(&app, 0).await;
        let before = ward.clinic.got(0).len();
        ward.fhir.fails(fault).await;
        ward.clinic.says(&app, 0, &format!("Siti Rahmawati {}", nik(0))).await;
        ward.hears(row, REGISTRY_DOWN).await;
        ward.is_impatient(&app, row).await;
        ward.fhir.is_well();
        ward.is_served(&app, row, "Maaf menunggu.").await;
        let told = ward.told(before);
        assert_eq!(told[..told.len() - 1], [REGISTRY_DOWN, STILL], "{row}");
        assert!(told[2].starts_with("Maaf menunggu. Status vaksinasi a.n. Siti:"), "{row}: {told:?}");
        assert!(told[2].contains("3 September 2021"), "{row}: his own: {told:?}");
    }
}

#[tokio::test]
async fn a_registry_that_asks_for_a_pause_is_not_asked_before_it_is_over() {
    let mut ward = Ward::open(1).await;
    let app = TestApp::start(ward.options());
    ward.logs_in(&app, 0).await;
    ward.fhir.fails(Fault::Later(30)).await;
    ward.clinic.says(&app, 0, &format!("Siti Rahmawati {}", nik(0))).await;
    ward.hears("429", REGISTRY_DOWN).await;
    let asked = ward.fhir.seen().len();
    for _ in 0..28 {
        ward.clinic.house.clock.advance(1_000);
        app.settled().await;
    }
    assert_eq!(ward.fhir.seen().len(), asked);
    ward.fhir.is_well();
    ward.is_served(&app, "429", "Maaf menunggu. Status vaksinasi a.n. Siti:").await;
}

#[tokio::test]
async fn a_code_that_hangs_on_the_directory_is_told_of_once_and_sent_when_it_is_well() {
    for (row, fault) in faults() {
        let mut ward = Ward::open(1).await;
        ward.directory.slow_by(&fault);
        let app = TestApp::start(ward.options());
        ward.directory.fails(fault).await;
        ward.asks_for_a_code(&app, 0).await;
        ward.hears(row, SERVICE_DOWN).await;
        ward.is_impatient(&app, row).await;
        assert_eq!(ward.code(0), None, "{row}");
        ward.directory.is_well();
        ward.is_served(&app, row, "Maaf menunggu.").await;
        let told = ward.told(1);
        assert_eq!(told[..told.len() - 1], [SERVICE_DOWN, STILL], "{row}");
        assert!(told[2].starts_with("Maaf menunggu. Kode OTP 6 angka kami kirim lewat SMS"), "{row}: {told:?}");
        eventually("the code arrives", || ward.code(0).is_some()).await;
        app.settled().await;
        assert_eq!(ward.sms.seen().len(), 1, "{row}: one code");
    }
}

/// Whether the directory has made the change before it fails or not, nobody can tell from outside.
#[tokio::test]
async fn a_change_that_fails_is_told_of_once_and_made_once_when_the_directory_is_well() {
    let is_change = |seen: &Seen| seen.line.starts_with("PUT");
    for (row, fault) in faults() {
        for (row, made) in [(format!("{row}, not made"), false), (format!("{row}, made"), true)] {
            let row = row.as_str();
            let mut ward = Ward::open(1).await;
            ward.directory.slow_by(&fault);
            let app = TestApp::start(ward.options());
            ward.writes_a_new_name(&app).await;
            let (before, sent) = (ward.clinic.got(0).len(), ward.sms.seen().len());
            ward.directory.fails_at(fault.clone(), is_change, made).await;
            ward.clinic.taps(&app, 0, "Benar").await;
            ward.hears(row, SERVICE_DOWN).await;
            ward.is_impatient(&app, row).await;
            ward.directory.is_well();
            ward.is_served(&app, row, "Maaf menunggu.").await;
            let told = ward.told(before);
            assert_eq!(told[..told.len() - 1], [SERVICE_DOWN, STILL], "{row}");
            assert!(told[2].starts_with("Maaf menunggu. Nama sudah diperbarui"), "{row}: {told:?}");
            assert_eq!(ward.ministry.changes(), 1, "{row}");
            let exchanges = ward.ministry.exchanges();
            let person = exchanges.iter().find(|one| one["method"] == "PUT").expect("a change")["path"].clone();
            let id = person.as_str().and_then(|path| path.split('/').nth(3)).expect("an id");
            assert_eq!(ward.ministry.name(id), "SITI RAHMAWATY", "{row}");
            let news = ward.sms.seen().split_off(sent);
            assert!(news.len() == 1 && news[0].json()["text"].as_str().is_some_and(|text| text.contains("BUKAN SAYA")));
        }
    }
}

#[tokio::test]
async fn a_code_that_the_gateway_does_not_take_is_the_one_that_arrives_when_it_is_well() {
    for (row, fault) in faults() {
        // What a gateway says behind a good status is read only where a setting asks for it.
        if row == "a length too short" {
            continue;
        }
        let mut ward = Ward::open(1).await;
        ward.sms.slow_by(&fault);
        let mut options = ward.options();
        // It is kept beyond those.
        options.figures.sms_tries_max = 1;
        let app = TestApp::start(options);
        ward.sms.fails(fault).await;
        ward.asks_for_a_code(&app, 0).await;
        ward.hears(row, "Kode OTP 6 angka kami kirim lewat SMS").await;
        ward.has_failed(&app, "otp.http").await;
        ward.sms.is_well();
        eventually(&format!("{row}: the code is taken"), || ward.sms.well_answers() == 1).await;
        app.settled().await;
        let requests = ward.sms.seen();
        let same = |seen: &Seen| (seen.json(), seen.headers["idempotency-key"].clone());
        assert!(requests.iter().all(|seen| same(seen) == same(&requests[0])), "{row}: {requests:?}");
        ward.types_the_code(&app, 0).await;
        assert_eq!((ward.sms.well_answers(), ward.clinic.got(0).len()), (1, 3), "{row}");
    }
}

/// The interface does not say whose phone an answer is about, so this cannot be told from a wrong name: but nothing of
/// the other is opened, and he is served when he tries again.
#[tokio::test]
async fn a_directory_that_names_somebody_else_opens_nothing_of_his() {
    let mut ward = Ward::open(2).await;
    let app = TestApp::start(ward.options());
    ward.logs_in(&app, 0).await;
    let ministry = Arc::clone(&ward.ministry);
    ward.directory
        .fails(Fault::Lies(Arc::new(move |seen| {
            let body = json!({ "phone": mobile(1).phone().to_e164() }).to_string().into_bytes();
            ministry.answer(&Seen { body, ..seen.clone() })
        })))
        .await;
    let own = format!("Siti Rahmawati {}", nik(0));
    ward.clinic.says(&app, 0, &own).await;
    ward.clinic.hears(0, "Nama dan NIK itu belum cocok").await;
    assert!(!ward.fhir.seen().iter().any(|seen| seen.line.contains(&nik(1))), "nobody reads the other's record");
    ward.directory.is_well();
    ward.clinic.says(&app, 0, &own).await;
    ward.clinic.hears(0, "Status vaksinasi a.n. Siti").await;
}

/// They are two servers: who only wants to log in does not wait for the other.
#[tokio::test]
async fn a_dead_registry_keeps_nobody_from_logging_in() {
    const PEOPLE: usize = 8;
    let mut ward = Ward::open(PEOPLE + 1).await;
    let app = TestApp::start(ward.options());
    for person in 0..PEOPLE {
        ward.logs_in(&app, person).await;
    }
    // What the breaker counted till now is past.
    ward.clinic.house.clock.advance(11_000);
    ward.fhir.fails(Fault::Dead).await;
    for person in 0..PEOPLE {
        ward.clinic.says(&app, person, &format!("Siti Rahmawati {}", nik(person))).await;
        ward.clinic.hears(person, REGISTRY_DOWN).await;
    }
    let actors: Value = serde_json::from_str(&app.ops("/actors").await.1).expect("a picture");
    assert_eq!(neighbour(&actors, "registry")["breaker"], "open");
    ward.logs_in(&app, PEOPLE).await;
    ward.fhir.is_well();
    let served =
        |person| ward.clinic.got(person).last().is_some_and(|(said, _)| said.contains("Status vaksinasi a.n."));
    ward.clinic.in_time("all are served", || (0..PEOPLE).all(served)).await;
    app.settled().await;
}
