//! A registry that fails: its citizens are told once and served when it is back, and nobody else notices.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use siaga::actors::session::Ours;
use siaga::app::{AppOptions, CodeSender, FailingRegistry};
use siaga::domain::citizen::{Person, PersonId, VaccinationRecord};
use siaga::domain::contact::Recipient;
use siaga::domain::message::{Button, Outbound};
use siaga::domain::name::Name;
use siaga::domain::nik::Nik;
use siaga::domain::phone::{Mobile, Phone};
use siaga::limits::breaker::BreakerRules;
use siaga::ports::{AccountDirectory, Clock, IdempotencyKey, ImmunizationRegistry, NeighbourError};
use siaga::registry::embedded::{Citizen, EmbeddedRegistry};

use crate::support::{ParrotHouse, TestApp, envelope, eventually, text};
use crate::tiny_server::{Answer, TinyServer};

const UP: u8 = 0;
const DOWN: u8 = 1;
/// Its calls never end.
const SILENT: u8 = 2;

/// The embedded registry, in a mood.
pub(crate) struct Moody {
    registry: EmbeddedRegistry,
    mood: AtomicU8,
    /// Changes that are made, and whose answer is lost on its way back.
    answers_to_lose: AtomicUsize,
    /// Under which keys changes were asked for.
    asked: Mutex<Vec<IdempotencyKey>>,
}

impl Moody {
    async fn suffer(&self) -> Result<(), NeighbourError> {
        match self.mood.load(Ordering::SeqCst) {
            UP => Ok(()),
            DOWN => Err(NeighbourError::Down { neighbour: "registry", reason: "as the test wants".into() }),
            _ => std::future::pending().await,
        }
    }
}

impl AccountDirectory for Moody {
    fn persons(&self, phone: Mobile) -> BoxFuture<'_, Result<Vec<Person>, NeighbourError>> {
        Box::pin(async move {
            self.suffer().await?;
            self.registry.persons(phone).await
        })
    }

    fn change_name(
        &self,
        key: IdempotencyKey,
        person: PersonId,
        name: Name,
    ) -> BoxFuture<'_, Result<(), NeighbourError>> {
        Box::pin(async move {
            self.asked.lock().expect("not poisoned").push(key);
            self.registry.change_name(key, person, name).await?;
            let lost = |left: usize| left.checked_sub(1);
            match self.answers_to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lost) {
                Ok(_) => Err(NeighbourError::Down { neighbour: "directory", reason: "the answer was lost".into() }),
                Err(_) => Ok(()),
            }
        })
    }

    fn change_phone(
        &self,
        key: IdempotencyKey,
        person: PersonId,
        from: Mobile,
        to: Mobile,
    ) -> BoxFuture<'_, Result<(), NeighbourError>> {
        self.registry.change_phone(key, person, from, to)
    }
}

impl ImmunizationRegistry for Moody {
    fn record(&self, person: &Person) -> BoxFuture<'_, Result<VaccinationRecord, NeighbourError>> {
        let person = person.clone();
        Box::pin(async move {
            self.suffer().await?;
            self.registry.record(&person).await
        })
    }
}

pub(crate) struct Clinic {
    pub(crate) house: ParrotHouse,
    registry: Arc<Moody>,
    pub(crate) sms: TinyServer,
}

impl Clinic {
    /// A registry with so many citizens, `Siti Rahmawati` all of them.
    pub(crate) async fn open(people: usize) -> Self {
        let house = ParrotHouse::new();
        let registry =
            EmbeddedRegistry::open(Vec::new(), house.store.clone(), house.clock.clone()).await.expect("a registry");
        for person in 0..people {
            let name = Name::parse("Siti Rahmawati").expect("a name");
            let nik = Nik::parse(&nik(person)).expect("a nik");
            let born = nik.birth_dates().next().expect("a birth date");
            let dose = time::macros::date!(2021 - 09 - 03);
            registry.put(Citizen::new(mobile(person), nik, name, born).with_dose(1, dose, "CoronaVac", true));
        }
        let sms = TinyServer::start(|_, _| Answer::Say(200, "{}".to_owned())).await;
        Self {
            house,
            registry: Arc::new(Moody {
                registry,
                mood: AtomicU8::new(UP),
                answers_to_lose: AtomicUsize::new(0),
                asked: Mutex::default(),
            }),
            sms,
        }
    }

    pub(crate) fn options(&self) -> AppOptions {
        let mut options = self.house.options();
        options.script = Arc::new(Ours);
        options.failing = Some(FailingRegistry { directory: self.registry.clone(), records: self.registry.clone() });
        if let Some(CodeSender::Http(http)) = options.senders.first_mut() {
            http.url = format!("{}/sms", self.sms.url);
            http.timeout = std::time::Duration::from_secs(30);
        }
        // Two calls at once, real milliseconds; the breaker goes by the test's clock.
        options.figures.neighbour_calls_max = 2;
        options.figures.neighbour_timeout_ms = 500;
        options.figures.breaker = BreakerRules { calls_min: 6, ..BreakerRules::default() };
        options
    }

    fn mood(&self, mood: u8) {
        self.registry.mood.store(mood, Ordering::SeqCst);
    }

    /// What a person got, oldest first: words and buttons.
    pub(crate) fn got(&self, person: usize) -> Vec<(String, Vec<Button>)> {
        let to = mobile(person).phone();
        let sent = self.house.channel.sent();
        let to_him = sent.iter().filter(|sent| matches!(&sent.to, Recipient::Phone(phone) if *phone == to));
        to_him
            .map(|sent| match sent.message.as_ref() {
                Outbound::Text { body } => (body.0.clone(), Vec::new()),
                Outbound::Buttons { body, buttons, .. } => (body.0.clone(), buttons.clone()),
                Outbound::List { body, rows, .. } => (body.0.clone(), rows.clone()),
                Outbound::Certificate { caption, .. } => (caption.0.clone(), Vec::new()),
                Outbound::Template { name, .. } => (name.clone(), Vec::new()),
            })
            .collect()
    }

    pub(crate) fn message(&self, person: usize, words: &str) -> Value {
        let wamid = format!("w-{person}-{:016x}", rand::random::<u64>());
        let mut message = text(&wamid, &wa_id(person), words);
        message["timestamp"] = json!((self.house.clock.now().0 / 1_000).to_string());
        message
    }

    pub(crate) async fn says(&self, app: &TestApp, person: usize, words: &str) {
        assert_eq!(app.post(&envelope(&[self.message(person, words)])).await, 200);
    }

    /// Taps a button of the newest message, and waits for what comes of it.
    pub(crate) async fn taps(&self, app: &TestApp, person: usize, title: &str) {
        let got = self.got(person);
        let button = got.iter().rev().find_map(|(_, buttons)| buttons.iter().find(|button| button.title.0 == title));
        let button = button.unwrap_or_else(|| panic!("nobody offered [{title}]: {got:?}"));
        let mut message = self.message(person, "");
        message["type"] = json!("interactive");
        message["interactive"] = json!({"type": "button_reply", "button_reply": {"id": button.id, "title": title}});
        assert_eq!(app.post(&envelope(&[message])).await, 200);
    }

    pub(crate) async fn hears(&self, person: usize, words: &str) {
        let what = format!("person {person} hears \"{words}\"");
        eventually(&what, || self.got(person).last().is_some_and(|(said, _)| said.contains(words))).await;
    }

    /// As far as the question for name and NIK.
    pub(crate) async fn logs_in(&self, app: &TestApp, person: usize) {
        self.says(app, person, "status").await;
        self.hears(person, "Selamat datang").await;
        self.taps(app, person, "Setuju, nomor ini").await;
        self.hears(person, "Kode OTP 6 angka").await;
        let code = || {
            let to = mobile(person).phone().to_e164();
            let of_him = |body: &Value| body["to"].as_str() == Some(&to);
            let sms = self.sms.seen().iter().map(crate::tiny_server::Seen::json).rfind(of_him)?;
            Some(sms["text"].as_str()?[..6].to_owned())
        };
        eventually("the code arrives", || code().is_some()).await;
        self.says(app, person, &code().expect("a code")).await;
        self.hears(person, "tulis nama lengkap").await;
    }

    /// Moves the clock in small steps until it happens: retries and breakers wait for it.
    pub(crate) async fn in_time(&self, what: &str, mut happened: impl FnMut() -> bool) {
        eventually(what, || {
            self.house.clock.advance(200);
            happened()
        })
        .await;
    }
}

pub(crate) fn wa_id(person: usize) -> String {
    format!("62812000{person:05}")
}

pub(crate) fn mobile(person: usize) -> Mobile {
    Mobile::from_phone(Phone::from_wa_id(&wa_id(person)).expect("a phone")).expect("a mobile")
}

pub(crate) fn nik(person: usize) -> String {
    format!("000101470890{:04}", person + 1)
}

pub(crate) fn neighbour<'a>(actors: &'a Value, name: &str) -> &'a Value {
    let all = actors["neighbours"].as_array().expect("neighbours");
    all.iter().find(|neighbour| neighbour["name"] == name).expect("a neighbour")
}

const TOLD: &str = "Data vaksinasi sedang tidak dapat diakses.";

#[tokio::test]
async fn a_registry_that_is_down_is_told_once_and_served_when_it_is_back_also_after_a_restart() {
    let mut clinic = Clinic::open(1).await;
    let app = TestApp::start(clinic.options());
    clinic.logs_in(&app, 0).await;
    clinic.mood(DOWN);
    clinic.says(&app, 0, &format!("Siti Rahmawati {}", nik(0))).await;
    clinic.hears(0, TOLD).await;
    let said = clinic.got(0).len();
    // Minutes pass, it is asked again and again, and nothing more is said.
    for _ in 0..300 {
        clinic.house.clock.advance(1_000);
        app.at_rest().await;
    }
    app.settled().await;
    assert_eq!(clinic.got(0).len(), said, "{:?}", clinic.got(0).last());
    clinic.house.crash(app);

    let app = TestApp::start(clinic.options());
    for _ in 0..100 {
        clinic.house.clock.advance(1_000);
        app.at_rest().await;
    }
    app.settled().await;
    assert!(clinic.got(0).is_empty(), "the next process says nothing again: {:?}", clinic.got(0));
    clinic.mood(UP);
    clinic.in_time("he is served and repeats nothing", || !clinic.got(0).is_empty()).await;
    assert!(clinic.got(0)[0].0.starts_with("Maaf menunggu. Status vaksinasi a.n. Siti"), "{:?}", clinic.got(0));
    app.settled().await;
    assert_eq!(clinic.got(0).len(), 1);
}

#[tokio::test]
async fn a_registry_that_is_silent_holds_up_nobody_else_and_its_breaker_opens() {
    const PEOPLE: usize = 8;
    let clinic = Clinic::open(PEOPLE).await;
    let app = TestApp::start(clinic.options());
    for person in 0..PEOPLE {
        clinic.logs_in(&app, person).await;
    }
    clinic.mood(SILENT);
    for person in 0..PEOPLE {
        clinic.says(&app, person, &format!("Siti Rahmawati {}", nik(person))).await;
    }
    // Others are served while all its places are taken.
    for stranger in 100..105 {
        clinic.says(&app, stranger, "hai").await;
        clinic.hears(stranger, "Selamat datang").await;
        clinic.says(&app, stranger, "bantuan").await;
        clinic.hears(stranger, "Meta").await;
    }
    for person in 0..PEOPLE {
        clinic.hears(person, TOLD).await;
    }
    let actors: Value = serde_json::from_str(&app.ops("/actors").await.1).expect("a picture");
    assert_eq!(neighbour(&actors, "directory")["breaker"], "open");
    assert_eq!(neighbour(&actors, "directory")["opened"], 1);
    assert_eq!(neighbour(&actors, "desk")["breaker"], "closed");
    let (status, ready) = app.ops("/readyz").await;
    assert_eq!(status, 200, "a neighbour's trouble never takes the server out");
    assert!(ready.contains("directory: failing, not called"), "{ready}");
    assert!(app.ops("/metrics").await.1.contains("siaga_neighbour_open{neighbour=\"directory\"} 1"));
    clinic.mood(UP);
    clinic
        .in_time("everyone is served", || {
            (0..PEOPLE)
                .all(|person| clinic.got(person).last().is_some_and(|(said, _)| said.contains("Status vaksinasi a.n.")))
        })
        .await;
    for person in 0..PEOPLE {
        let told = clinic.got(person).iter().filter(|(said, _)| said.contains(TOLD)).count();
        assert_eq!(told, 1, "person {person} is told once");
    }
    assert!(app.ops("/readyz").await.1.contains("directory: called"));
    app.settled().await;
}

/// The directory never answers, and a stranger hears all the same what he would hear of any number: neither the
/// account nor any actor around it makes him wait for it.
#[tokio::test]
async fn what_a_stranger_hears_does_not_wait_for_the_directory() {
    let mut heard = Vec::new();
    for wanted in [0, 77] {
        let clinic = Clinic::open(1).await;
        let mut options = clinic.options();
        options.figures.neighbour_timeout_ms = 600_000;
        let app = TestApp::start(options);
        clinic.mood(SILENT);
        let stranger = 5;
        let number = format!("+{}", wa_id(wanted));
        let script = ["hai", &number, "999999", "999998", "belum terima kode", "999997", "999995", "status"];
        for (said, words) in script.into_iter().enumerate() {
            clinic.house.clock.advance(20_000);
            clinic.says(&app, stranger, words).await;
            eventually(words, || clinic.got(stranger).len() > said).await;
        }
        let titles = |buttons: Vec<Button>| buttons.into_iter().map(|button| button.title.0).collect::<Vec<_>>();
        let got: Vec<_> = clinic.got(stranger).into_iter().map(|(words, buttons)| (words, titles(buttons))).collect();
        let ending = &wa_id(wanted)[9..];
        assert!(got[1].0.contains(&format!("Jika nomor berakhiran {ending}")), "{got:#?}");
        assert!(got[2].0.starts_with("Kode belum sesuai") && clinic.sms.seen().is_empty(), "{got:#?}");
        heard.push(got.into_iter().map(|(words, titles)| (words.replace(ending, "NNNN"), titles)).collect::<Vec<_>>());
        app.kill();
    }
    assert_eq!(heard[0], heard[1]);
}

/// Nobody knows whether a change was made whose answer is lost. It is asked for again under the key of the first time,
/// also by the next process: made anew it would be a second change within 30 days, which is a matter for the desk.
#[tokio::test]
async fn a_change_whose_answer_is_lost_is_asked_for_again_by_its_key_and_made_once() {
    let mut clinic = Clinic::open(1).await;
    let app = TestApp::start(clinic.options());
    clinic.logs_in(&app, 0).await;
    clinic.says(&app, 0, &format!("Siti Rahmawati {}", nik(0))).await;
    clinic.hears(0, "Status vaksinasi a.n. Siti").await;
    clinic.says(&app, 0, "ubah info diri").await;
    clinic.hears(0, "Data apa yang ingin diubah").await;
    clinic.taps(&app, 0, "Nama").await;
    clinic.hears(0, "Tulis nama lengkap persis").await;
    clinic.says(&app, 0, "Siti Rahmawaty").await;
    clinic.hears(0, "SITI RAHMAWATY").await;
    clinic.registry.answers_to_lose.store(3, Ordering::SeqCst);
    clinic.taps(&app, 0, "Benar").await;
    let asked = || clinic.registry.asked.lock().expect("not poisoned").len();
    clinic.in_time("it is asked for, and for again", || asked() >= 2).await;
    clinic.house.crash(app);

    let _app = TestApp::start(clinic.options());
    let told = || clinic.got(0).last().is_some_and(|(said, _)| said.contains("Nama sudah diperbarui"));
    clinic.in_time("the change is told of", told).await;
    let keys = clinic.registry.asked.lock().expect("not poisoned").clone();
    assert!(keys.len() >= 4 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    let people = clinic.registry.registry.persons(mobile(0)).await.expect("people");
    assert_eq!(people[0].name, Name::parse("SITI RAHMAWATY").expect("a name"));
}
