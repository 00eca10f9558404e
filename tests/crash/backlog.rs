//! Far more replies wait than may be in memory: the others stay in the journal, also when their segments are trimmed
//! and the server is killed, and each is sent once and in its citizen's order.
//!
//! `SIAGA_BACKLOG` says how many citizens wait for three replies each (2,000 when it is not set).

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use siaga::clock::SystemClock;
use siaga::domain::contact::{BusinessNumber, ContactId, Recipient};
use siaga::domain::message::{Outbound, ReplyKind, Text, Urgency};
use siaga::domain::phone::Phone;
use siaga::domain::time::{DAY_MS, MINUTE_MS};
use siaga::emulator::{Event, Form, Happening};
use siaga::ports::{Clock, Key, OutboxRow, Part, Record, Store, Table, Value};
use siaga::store::{self, Journal, Options};
use tokio::sync::broadcast::Receiver;

use super::deferred::meta;
use super::kill::number;
use super::server::{NUMBER_ID, PATIENCE, Server, Site};

const ROUNDS: u64 = 3;
/// Rows of one record.
const AT_ONCE: u64 = 100;
/// The least that the setting takes.
const IN_MEMORY: u64 = 1_000;
/// What is in the air of one shard (`whatsapp.connections_max`).
const IN_FLIGHT: u64 = 16;

async fn durable(store: &Journal, parts: Vec<Part>) {
    let ticket = store.append(Record { writer: None, parts }).expect("appended");
    ticket.durable.await.expect("durable");
}

/// The first record that the journal still holds.
fn first_lsn(path: &Path) -> u64 {
    let names = std::fs::read_dir(path.join("journal")).expect("a journal");
    let names = names.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    names.filter_map(|name| name.strip_suffix(".seg")?.parse().ok()).min().expect("a segment")
}

fn row(citizen: u64, round: u64, now: siaga::domain::time::Timestamp) -> Part {
    // Long enough that a thousand of them fill a segment.
    let text = format!("{citizen} {round} {}", "kata ".repeat(150));
    Part::OpenOutbox(OutboxRow {
        contact: ContactId(1_000_000 + citizen),
        number: BusinessNumber(NUMBER_ID.into()),
        to: Recipient::Phone(Phone::from_wa_id(&format!("628120000{:04}", citizen % 10_000)).expect("a phone")),
        kind: ReplyKind::Document,
        message: Arc::new(Outbound::Text { body: Text(text) }),
        epoch: None,
        // The newest row is young: those within a second of it would be reconciled first.
        born_at: now.plus_ms(if citizen == 0 && round + 1 == ROUNDS { 0 } else { -MINUTE_MS }),
        urgency: Urgency::Reply,
        window_until: now.plus_ms(DAY_MS),
        place: None,
    })
}

/// A store in which all of it waits, carried out of the segments in which it was born.
async fn held_back(site: &Site, citizens: u64) {
    let options = Options {
        segment_bytes: 1 << 20,
        checkpoint_bytes: 1 << 20,
        export_after_bytes: 1 << 20,
        apply_after_ms: 0,
        ..Options::new(site.store())
    };
    let clock = Arc::new(SystemClock::default());
    let now = clock.now();
    let store = store::open(&options, &site.keys(), clock).expect("a store");
    for round in 0..ROUNDS {
        for from in (0..citizens).step_by(usize::try_from(AT_ONCE).expect("small")) {
            let some = from..(from + AT_ONCE).min(citizens);
            durable(&store, some.map(|citizen| row(citizen, round, now)).collect()).await;
        }
    }
    let born = citizens * ROUNDS / AT_ONCE;
    for number in 0..u64::MAX {
        if first_lsn(&site.store()) > born {
            break;
        }
        let value = Value::encode(1, &"x".repeat(3_500));
        let key = Key::from_slice(&(number % 100).to_be_bytes());
        durable(&store, vec![Part::Put { table: Table::Undo, key, value }]).await;
    }
    store.close_and_wait();
}

/// A gauge as `/metrics` shows it.
async fn gauge(server: &Server, name: &str) -> u64 {
    let page = server.page("metrics").await;
    let line = page.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name} in {page}"));
    line.trim().parse().unwrap_or_else(|_| panic!("{name}{line}"))
}

/// How often each was sent, by citizen, in order.
#[derive(Default)]
struct Sent(HashMap<String, Vec<u64>>);

impl Sent {
    fn note(&mut self, event: &Event) {
        if let Happening::Replied(reply) = &event.what
            && let Form::Text { body } = &reply.form
        {
            let mut words = body.0.split(' ');
            let (citizen, round) = (words.next().expect("a citizen"), words.next().expect("a round"));
            self.0.entry(citizen.to_owned()).or_default().push(round.parse().expect("a round"));
        }
    }

    fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    async fn until(&mut self, events: &mut Receiver<Arc<Event>>, enough: usize) {
        while self.count() < enough {
            let event = tokio::time::timeout(PATIENCE, events.recv()).await;
            let event = event.unwrap_or_else(|_| panic!("{} of {enough} are sent, and no more come", self.count()));
            self.note(&event.expect("the emulator's events"));
            while let Ok(event) = events.try_recv() {
                self.note(&event);
            }
        }
    }
}

#[actix_web::test]
async fn of_a_backlog_few_rows_are_in_memory_and_each_is_sent_once_and_in_order() {
    let citizens = number("SIAGA_BACKLOG", 2_000);
    let all = citizens * ROUNDS;
    let settings = |messages_per_s: u32| {
        format!(
            "[store]\nrows_in_memory_max = {IN_MEMORY}\nsegment_bytes = 1048576\ncheckpoint_bytes = 1048576\n\
             export_after_bytes = 1048576\n[whatsapp]\nreconcile_s = 1\nconnections_max = {IN_FLIGHT}\n\
             phone_numbers = [ {{ id = \"{NUMBER_ID}\", display = \"0811-0000-0119\", messages_per_s = {messages_per_s} }} ]\n"
        )
    };
    let site = Site::with(&settings(5));
    held_back(&site, citizens).await;
    let emulator = meta(&site).await;
    let (mut events, mut sent) = (emulator.subscribe(), Sent::default());
    // A life that sends a few of them and is killed.
    let server = site.start(&emulator.url()).await;
    sent.until(&mut events, 20).await;
    let bound = IN_MEMORY + 2 * IN_FLIGHT;
    let (open, here) =
        (gauge(&server, "siaga_store_open_rows{box=\"outbox\"}").await, gauge(&server, "siaga_rows_in_memory").await);
    assert!(open > all / 2 && here <= bound, "{here} of {open} rows are in memory");
    server.kill();

    site.set(&settings(1_000));
    let server = site.start(&emulator.url()).await;
    let step = usize::try_from(all).expect("small") / 10;
    for tenth in 1..=10 {
        sent.until(&mut events, tenth * step).await;
        let here = gauge(&server, "siaga_rows_in_memory").await;
        assert!(here <= bound, "{here} rows are in memory");
    }
    server.stop().await;
    emulator.stop().await;
    while let Ok(event) = events.try_recv() {
        sent.note(&event);
    }
    assert_eq!(sent.0.len() as u64, citizens);
    // One that was in the air when the server was killed may be there twice, in its place.
    let mut repeated = 0;
    for (citizen, mut rounds) in sent.0 {
        let before = rounds.len();
        rounds.dedup();
        repeated += before - rounds.len();
        assert_eq!(rounds, [0, 1, 2], "of citizen {citizen}");
    }
    assert!(repeated as u64 <= 2 * IN_FLIGHT, "{repeated} were sent twice");
}
