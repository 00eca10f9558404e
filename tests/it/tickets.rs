//! `siaga tickets` on a running server: what officers see, what they may do, and what reaches the desk.

#![allow(clippy::unwrap_used)] // helpers of tests are tests: there a panic is the finding

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use siaga::app::StoreChoice;
use siaga::clock::ManualClock;
use siaga::control::client::{self, End};
use siaga::control::tickets::Step;
use siaga::control::{Command, Said, socket_path};
use siaga::domain::call::CallId;
use siaga::domain::certificate::Language;
use siaga::domain::contact::ContactId;
use siaga::domain::message::Text;
use siaga::domain::nik::Nik;
use siaga::domain::phone::Mobile;
use siaga::domain::ticket::{TicketDraft, TicketKind, TicketNumber, TicketState};
use siaga::domain::time::HOUR_MS;
use siaga::ports::{IdempotencyKey, Store, Tickets};
use siaga::store::Options;

use crate::support::{Parrot, Recording, START, TestApp, parrot_options};

/// The server ends before its directory goes.
struct Office {
    app: TestApp,
    clock: Arc<ManualClock>,
    directory: tempfile::TempDir,
}

impl Office {
    fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let given: Arc<dyn Store> = Arc::new(siaga::store::Memory::new());
        let mut options = parrot_options(given, clock.clone(), Arc::<Recording>::default(), Arc::<Parrot>::default());
        let store = Options::new(directory.path().join("store"));
        options.store = StoreChoice::Journal(Options { table_cache_bytes: 8 << 20, reserve_bytes: 0, ..store });
        Self { app: TestApp::start(options), clock, directory }
    }

    async fn file(&self, chat: u64, kind: TicketKind, detail: &str) -> TicketNumber {
        let draft = TicketDraft {
            kind,
            contact: ContactId(chat),
            language: Language::Indonesian,
            verified_phone: Mobile::parse("0812-0000-0042").ok(),
            verified_person: None,
            claimed_phone: None,
            claimed_name: None,
            claimed_nik: Nik::parse("0001014708900003").ok(),
            detail: Text(detail.to_owned()),
        };
        let key = IdempotencyKey { contact: ContactId(chat), call: CallId(1) };
        self.app.handles.desk.file(key, draft).await.unwrap().number
    }

    async fn ask(&self, command: Command) -> (Vec<Said>, End) {
        let path = socket_path(&self.directory.path().join("store"));
        let asked = tokio::task::spawn_blocking(move || {
            let mut items = Vec::new();
            let end = client::ask(&path, command, &mut |said| items.push(said)).unwrap();
            (items, end)
        });
        asked.await.unwrap()
    }

    async fn done(&self, command: Command) -> (Vec<Said>, Said) {
        match self.ask(command).await {
            (items, End::Done { said, .. }) => (items, said),
            (_, End::Refused { reason }) => panic!("refused: {reason}"),
        }
    }

    async fn step(&self, number: TicketNumber, step: Step) -> Result<String, String> {
        match self.ask(Command::MoveTicket { number: number.to_string(), step }).await.1 {
            End::Done { said, .. } => Ok(said.text),
            End::Refused { reason } => Err(reason),
        }
    }

    async fn list(&self, all: bool) -> Vec<(String, Option<i64>)> {
        let (items, _) = self.done(Command::ListTickets { all }).await;
        let seen = |said: &Said| (said.data["number"].as_str().unwrap().to_owned(), said.data["left_ms"].as_i64());
        items.iter().map(seen).collect()
    }
}

fn answer(words: &str) -> Step {
    Step::Answer { words: words.to_owned() }
}

#[tokio::test]
async fn reports_are_listed_by_urgency_and_their_clock_stops_while_the_citizen_is_asked() {
    let office = Office::open();
    assert_eq!(office.list(true).await, []);
    let first = office.file(1, TicketKind::NikMisrecorded, "NIK saya salah").await;
    office.clock.advance(HOUR_MS);
    let second = office.file(2, TicketKind::Other, "lain").await;
    let both = [(first.to_string(), Some(71 * HOUR_MS)), (second.to_string(), Some(72 * HOUR_MS))];
    assert_eq!(office.list(false).await, both);
    office.step(first, Step::Ask { words: "Tanggal berapa?".into() }).await.unwrap();
    assert_eq!(office.list(false).await, both[1..], "it waits for its citizen, not for an officer");
    assert_eq!(office.list(true).await.len(), 2);
    office.clock.advance(100 * HOUR_MS);
    let added = office.app.handles.desk.add(ContactId(1), first, Text("3 September".into())).await.unwrap();
    assert!(added.is_some());
    let late = [(second.to_string(), Some(-28 * HOUR_MS)), (first.to_string(), Some(71 * HOUR_MS))];
    assert_eq!(office.list(false).await, late, "a hundred hours of waiting are not the desk's");
    let (_, said) = office.done(Command::ListTickets { all: false }).await;
    assert_eq!(said.text, "2 reports, 1 late");
}

#[tokio::test]
async fn an_officer_sees_words_and_the_ends_of_numbers_and_answers_once() {
    let office = Office::open();
    let number = office.file(1, TicketKind::NikMisrecorded, "digit terakhir salah").await;
    let (_, shown) = office.done(Command::ShowTicket { number: number.to_string() }).await;
    assert!(shown.text.contains("digit terakhir salah") && shown.text.contains("0001********0003"), "{}", shown.text);
    assert_eq!(shown.data["verified_phone"], "…0042");
    assert!(!shown.text.contains("0001014708900003") && !shown.data.to_string().contains("81200000042"));
    office.step(number, Step::Take).await.unwrap();
    let told = office.step(number, answer(" Sudah diperbaiki.\nTerima kasih. ")).await.unwrap();
    assert_eq!(told, format!("report {number} is answered; the citizen is told"));
    let kept = office.app.handles.desk.ticket(number).await.unwrap().unwrap();
    assert!(matches!(kept.state, TicketState::Answered { .. }));
    assert_eq!(kept.answer, Some(Text("Sudah diperbaiki.\nTerima kasih.".into())));
    let again = office.step(number, answer("Sudah diperbaiki.\nTerima kasih.")).await.unwrap_err();
    assert!(again.contains("already"), "{again}");
    assert!(office.step(number, answer("Mohon unduh lagi.")).await.is_ok(), "other words are another answer");
    office.step(number, Step::Close).await.unwrap();
    let closed = office.step(number, answer("Satu lagi.")).await.unwrap_err();
    assert!(closed.contains("closed"), "{closed}");
    for words in ["", "  \n ", &"a".repeat(601), "bel\u{7}"] {
        let open = office.file(2, TicketKind::Other, "lain").await;
        assert!(office.step(open, answer(words)).await.is_err(), "{words:?}");
    }
    let mistyped = office.ask(Command::ShowTicket { number: "4821-0938".into() }).await.1;
    assert!(matches!(mistyped, End::Refused { .. }));
}

#[tokio::test]
async fn an_export_is_whole_and_for_its_owner_alone() {
    let office = Office::open();
    for chat in 1..=30 {
        office.file(chat, TicketKind::DoseOrVaccineWrong, &format!("dosis {chat}")).await;
    }
    let file: PathBuf = office.directory.path().join("reports.jsonl");
    let (_, said) = office.done(Command::ExportTickets { file: file.clone() }).await;
    assert_eq!(said.data["tickets"], 30);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 30);
    assert!(lines.iter().all(|line| {
        line["claimed_nik"] == "0001014708900003"
            && line["verified_phone"] == "+6281200000042"
            && line["detail"].as_str().unwrap().starts_with("dosis ")
            && line["kind"] == "dose_or_vaccine_wrong"
            && line["state"] == "filed"
    }));
    let again = office.ask(Command::ExportTickets { file }).await.1;
    assert!(matches!(again, End::Refused { .. }), "a file that is there is not written over");
    let relative = office.ask(Command::ExportTickets { file: "reports.jsonl".into() }).await.1;
    assert!(matches!(relative, End::Refused { .. }));
}
