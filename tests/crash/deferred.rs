//! Replies that were held back when the server was killed: all that never left go at once, each once.
//!
//! `SIAGA_ROWS` says how many (2,000 when it is not set; `.ci/long deferred`: 50,000).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use siaga::actors::tag;
use siaga::clock::SystemClock;
use siaga::domain::contact::{BusinessNumber, ContactId, Recipient};
use siaga::domain::message::{Outbound, ReplyKind, Text, Urgency};
use siaga::domain::phone::Phone;
use siaga::domain::time::DAY_MS;
use siaga::emulator::{self, Emulator, Event, Happening};
use siaga::ports::{Clock, OutboxRow, Part, Record, RowId};
use siaga::store::{self, Options};
use tokio::sync::broadcast::Receiver;

use super::kill::number;
use super::server::{NUMBER_ID, PATIENCE, Site};

/// Rows of one record.
const AT_ONCE: u64 = 100;
/// The oldest was born so long before the newest.
const SPREAD_MS: i64 = 60_000;
/// Younger than this against the newest, a row may have left without a note (`actors::outbox::lane`).
const AT_ONCE_MS: i64 = 1_000;

/// A store as a server leaves it that held everything back and was killed: rows open, none attempted. Gives those
/// that certainly have not left.
async fn held_back(site: &Site, rows: u64) -> HashSet<RowId> {
    let clock = Arc::new(SystemClock::default());
    let newest = clock.now();
    let store = store::open(&Options::new(site.store()), &site.keys(), clock).expect("a store");
    let mut certain = HashSet::new();
    for from in (0..rows).step_by(usize::try_from(AT_ONCE).expect("small")) {
        let some = from..(from + AT_ONCE).min(rows);
        let age_ms =
            |row: u64| SPREAD_MS - SPREAD_MS * i64::try_from(row).expect("small") / i64::try_from(rows).expect("small");
        let part = |row: u64| {
            Part::OpenOutbox(OutboxRow {
                contact: ContactId(1_000_000 + row),
                number: BusinessNumber(NUMBER_ID.into()),
                to: Recipient::Phone(Phone::from_wa_id(&format!("628120000{:04}", row % 10_000)).expect("a phone")),
                kind: ReplyKind::Answer,
                message: Arc::new(Outbound::Text { body: Text(format!("jawaban {row}")) }),
                epoch: None,
                born_at: newest.plus_ms(-age_ms(row)),
                urgency: Urgency::Reply,
                window_until: newest.plus_ms(DAY_MS),
                place: None,
            })
        };
        let record = Record { writer: None, parts: some.clone().map(part).collect() };
        let ticket = siaga::ports::Store::append(&*store, record).expect("appended");
        ticket.durable.await.expect("durable");
        let old = (0..).zip(some).filter(|(_, row)| age_ms(*row) > 2 * AT_ONCE_MS);
        certain.extend(old.map(|(index, _)| RowId { lsn: ticket.lsn, index }));
    }
    certain
}

/// Which rows were attempted, by the journal of a dead server.
fn attempted(site: &Site) -> HashSet<RowId> {
    let mut attempted = HashSet::new();
    store::verify_with(&site.store(), &site.keys(), &mut |_, part| {
        if let Part::AttemptOutbox { row, .. } = part {
            attempted.insert(*row);
        }
        Ok(())
    })
    .expect("a store that can be looked at");
    attempted
}

/// How often Meta accepted each row.
#[derive(Default)]
struct Accepted(HashMap<RowId, u32>);

impl Accepted {
    fn note(&mut self, site: &Site, event: &Event) {
        if let Happening::Replied(reply) = &event.what {
            let row = reply.opaque.as_deref().and_then(|opaque| tag::open(&site.keys(), opaque));
            *self.0.entry(row.expect("our tag").0).or_default() += 1;
        }
    }

    /// Takes in what Meta accepts until `enough` of these rows are among it.
    async fn until(&mut self, site: &Site, events: &mut Receiver<Arc<Event>>, rows: &HashSet<RowId>, enough: usize) {
        loop {
            let there = rows.iter().filter(|row| self.0.contains_key(row)).count();
            if there >= enough {
                return;
            }
            let event = tokio::time::timeout(PATIENCE, events.recv()).await;
            let event = event.unwrap_or_else(|_| panic!("{there} of {enough} rows are sent, and no more come"));
            self.note(site, &event.expect("the emulator's events"));
            while let Ok(event) = events.try_recv() {
                self.note(site, &event);
            }
        }
    }
}

/// A Meta without limits.
pub(crate) async fn meta(site: &Site) -> Emulator {
    let mut options = site.meta();
    options.rules.window = false;
    options.rules.pair = false;
    options.rules.throughput = false;
    options.bounds.chats_max = 0;
    options.bounds.events_max = 1 << 20;
    options.bounds.open_posts_max = 1 << 20;
    emulator::start(options).await.expect("an emulator")
}

#[actix_web::test]
async fn what_was_held_back_goes_once_and_waits_for_nobody() {
    let rows = number("SIAGA_ROWS", 2_000);
    let settings = |messages_per_s: u32| {
        format!(
            "[whatsapp]\nreconcile_s = 120\n\
             phone_numbers = [ {{ id = \"{NUMBER_ID}\", display = \"0811-0000-0119\", messages_per_s = {messages_per_s} }} ]\n"
        )
    };
    let site = Site::with(&settings(5));
    let certain = held_back(&site, rows).await;
    let emulator = meta(&site).await;
    let (mut events, mut accepted) = (emulator.subscribe(), Accepted::default());
    // A life at five messages a second: it holds nearly all of them back, and is killed.
    let server = site.start(&emulator.url()).await;
    accepted.until(&site, &mut events, &certain, 10).await;
    server.kill();
    let attempted = attempted(&site);
    assert!(attempted.len() < certain.len() / 2, "{} of {rows} were not held back", attempted.len());
    let waiting: HashSet<RowId> = certain.difference(&attempted).copied().collect();
    site.set(&settings(1_000));
    let server = site.start(&emulator.url()).await;
    // Whoever had to be reconciled would not go before two minutes have passed.
    accepted.until(&site, &mut events, &waiting, waiting.len()).await;
    server.stop().await;
    emulator.stop().await;
    while let Ok(event) = events.try_recv() {
        accepted.note(&site, &event);
    }
    let twice: Vec<_> = accepted.0.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");
}
