//! Weeks of traffic on a clock of our own: what is remembered must be what still matters, and no more.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the finding")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use siaga::account::Account;
use siaga::actors::Figures;
use siaga::actors::session::record::ContactRecord;
use siaga::clock::ManualClock;
use siaga::domain::certificate::Certificate;
use siaga::domain::contact::ContactId;
use siaga::domain::message::Outbound;
use siaga::domain::phone::Mobile;
use siaga::domain::time::{DAY_MS, HOUR_MS};
use siaga::ports::{Key, Part, Record, Store, Table, Value};
use siaga::store::{self, Memory, Options};

use super::graph_client::certificate_message;
use super::support::{Parrot, Recording, START, TestApp, envelope, eventually, parrot_options, text};

/// Contacts that write on one day and never again.
const A_DAY: i64 = 12;
const DAYS: i64 = 22;
/// Ids are kept eight days; the ninth day's contacts are the last that are still there.
const KEPT_DAYS: i64 = 9;

fn options(path: &Path) -> Options {
    Options {
        segment_bytes: 16 << 10,
        apply_after_ms: 10,
        apply_window_bytes: 4 << 10,
        checkpoint_bytes: 16 << 10,
        export_after_bytes: 32 << 10,
        table_cache_bytes: 64 << 20,
        crash_loop_starts: 0,
        free_bytes_min: 0,
        reserve_bytes: 0,
        ..Options::new(path)
    }
}

fn app(store: Arc<dyn Store>, clock: &Arc<ManualClock>) -> TestApp {
    let channel = Arc::new(Recording::default());
    let mut options = parrot_options(store, clock.clone(), channel, Arc::new(Parrot::default()));
    options.figures = Figures { sweep_every_ms: 1, ..options.figures };
    TestApp::start(options)
}

/// Until everything was looked at once from now on, and what was found is done.
async fn swept(app: &TestApp) {
    let seen = app.sweeps();
    eventually("a whole pass", || app.sweeps() >= seen + 2).await;
    app.at_rest().await;
}

async fn keys(store: &dyn Store, table: Table) -> usize {
    store.scan(table, Key::new()).await.unwrap().len()
}

fn bytes_below(path: &Path) -> u64 {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    entries
        .map(
            |entry| {
                if entry.path().is_dir() { bytes_below(&entry.path()) } else { entry.metadata().map_or(0, |m| m.len()) }
            },
        )
        .sum()
}

#[actix_web::test]
async fn what_is_kept_and_the_disk_stay_flat_while_people_come_and_go() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let store: Arc<dyn Store> =
        store::open(&options(directory.path()), &siaga::domain::keys::ServerKeys::derive(&[42; 32]), clock.clone())
            .unwrap();
    let app = app(Arc::clone(&store), &clock);
    let mut disk = Vec::new();
    for day in 0..DAYS {
        for person in 0..A_DAY {
            let from = format!("62812000{:05}", day * A_DAY + person);
            for number in 0..3 {
                let mut message = text(&format!("wamid.{day}.{person}.{number}"), &from, &"long words ".repeat(20));
                message["timestamp"] = clock_s(&clock).to_string().into();
                assert_eq!(app.post(&envelope(&[message])).await, 200);
            }
        }
        app.at_rest().await;
        swept(&app).await;
        swept(&app).await;
        let contacts = keys(&*store, Table::Contact).await;
        let aliases = keys(&*store, Table::Alias).await;
        let expected = usize::try_from((day + 1).min(KEPT_DAYS) * A_DAY).unwrap();
        assert_eq!((contacts, aliases), (expected, expected), "after day {day}");
        let table = bytes_below(&directory.path().join("table"));
        // sled's file grows by half a MiB and is cleaned behind that.
        assert!(table < 3 << 20, "the table has {table} bytes after day {day}");
        disk.push(bytes_below(directory.path()) - table);
        clock.advance(DAY_MS);
    }
    let (early, late) = disk[8..].split_at(6);
    let (early, late) = (early.iter().max().unwrap(), late.iter().max().unwrap());
    assert!(*late <= early + early / 4, "the disk grows: {disk:?}");
    drop(app);
}

fn clock_s(clock: &ManualClock) -> i64 {
    siaga::ports::Clock::now(clock).0 / 1_000
}

#[actix_web::test]
async fn a_contact_with_an_id_to_remember_stays_and_its_duplicate_is_still_known() {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let clock = Arc::new(ManualClock::at(START));
    let app = app(Arc::clone(&store), &clock);
    let post = envelope(&[text("wamid.once", "6281200000042", "hai")]);
    assert_eq!(app.post(&post).await, 200);
    app.at_rest().await;
    clock.advance(8 * DAY_MS - HOUR_MS);
    swept(&app).await;
    let record = store.get(Table::Contact, only_key(&*store).await).await.unwrap().unwrap();
    assert_eq!(ContactRecord::decode(&record).unwrap().seen.len(), 1);
    clock.advance(2 * HOUR_MS);
    swept(&app).await;
    swept(&app).await;
    assert_eq!((keys(&*store, Table::Contact).await, keys(&*store, Table::Alias).await), (0, 0));
    let mut again = text("wamid.later", "6281200000042", "hai");
    again["timestamp"] = clock_s(&clock).to_string().into();
    assert_eq!(app.post(&envelope(&[again])).await, 200);
    app.at_rest().await;
    let record = store.get(Table::Contact, only_key(&*store).await).await.unwrap().unwrap();
    assert_eq!(ContactRecord::decode(&record).unwrap().rev, 1, "whoever comes back is new");
}

/// Meta brings a message again for seven days, also one that a thousand others followed.
#[actix_web::test]
async fn the_first_of_a_thousand_messages_is_known_for_eight_days_and_then_forgotten() {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let clock = Arc::new(ManualClock::at(START));
    let app = app(Arc::clone(&store), &clock);
    // Words that act however old they are: to take them for new would be the worst.
    let words = |number: usize| text(&format!("wamid.{number}"), "6281200000042", "HAPUS DATA");
    for post in 0..50 {
        let messages: Vec<_> = (0..20).map(|number| words(20 * post + number)).collect();
        assert_eq!(app.post(&envelope(&messages)).await, 200);
        app.at_rest().await;
    }
    let pages = keys(&*store, Table::Dedupe).await;
    assert!(pages >= 6, "{pages} pages");
    clock.advance(7 * DAY_MS);
    let (before, record) = (store.tally(), store.get(Table::Contact, only_key(&*store).await).await.unwrap());
    for number in [0, 500, 999] {
        assert_eq!(app.post(&envelope(&[words(number)])).await, 200);
        app.at_rest().await;
    }
    let after = store.tally();
    assert_eq!((after.absorbed, after.answered), (before.absorbed + 3, before.answered));
    assert_eq!(store.get(Table::Contact, only_key(&*store).await).await.unwrap(), record);
    clock.advance(DAY_MS + 2 * HOUR_MS);
    swept(&app).await;
    swept(&app).await;
    assert_eq!((keys(&*store, Table::Dedupe).await, keys(&*store, Table::Contact).await), (0, 0));
}

async fn only_key(store: &dyn Store) -> Key {
    let mut rows = store.scan(Table::Contact, Key::new()).await.unwrap();
    assert_eq!(rows.len(), 1);
    rows.remove(0).0
}

#[actix_web::test]
async fn unused_accounts_and_aliases_that_lead_nowhere_are_forgotten() {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let clock = Arc::new(ManualClock::at(START));
    let keys_of = siaga::domain::keys::ServerKeys::derive(&[42; 32]);
    let phone = Mobile::parse("0812-0000-0077").unwrap();
    let account = Part::Put {
        table: Table::Account,
        key: Key::from_slice(&keys_of.account(phone).0),
        value: Value::encode(1, &(phone, Account::default())),
    };
    // As the switchboard writes it: the contact, and no other identifier.
    let orphan = Part::Put {
        table: Table::Alias,
        key: Key::from_slice(&[7; 16]),
        value: Value::encode(1, &(ContactId(99), Option::<[u8; 16]>::None)),
    };
    let parts = vec![account, orphan];
    drop(store.append(Record { writer: None, parts }).unwrap());
    let app = app(Arc::clone(&store), &clock);
    let gone = Arc::clone(&store);
    for _ in 0..3 {
        swept(&app).await;
    }
    assert_eq!((keys(&*gone, Table::Account).await, keys(&*gone, Table::Alias).await), (0, 0));
}

#[actix_web::test]
async fn certificates_go_a_year_after_their_signatures_ended() {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let clock = Arc::new(ManualClock::at(START));
    let app = app(Arc::clone(&store), &clock);
    let Outbound::Certificate { certificate, .. } = certificate_message() else { panic!("a certificate") };
    let certificate = Certificate { vaccine: "CoronaVac".into(), ..*certificate };
    assert!(app.issuer().issue(certificate).await.unwrap().code.is_some());
    clock.advance(729 * DAY_MS);
    swept(&app).await;
    assert_eq!(keys(&*store, Table::Certificate).await, 2, "whose it is, and its id");
    clock.advance(2 * DAY_MS);
    swept(&app).await;
    swept(&app).await;
    assert_eq!(keys(&*store, Table::Certificate).await, 0);
}
