//! What a session costs while it is awake and nothing has happened yet: so many are woken from their records, and
//! the process has grown by at most 1.5 KiB for each.
//!
//! In a binary of its own, because the memory of a process is measured. `SIAGA_SESSIONS` says how many (50,000 when
//! it is not set; `.ci/long wake-million`: 1,000,000).

#![expect(clippy::print_stdout, reason = "the long run tells its figure")]

#[path = "it/support.rs"]
#[allow(dead_code, reason = "one file of helpers for two binaries")]
mod support;

use std::sync::Arc;

use siaga::actors::session::record::ContactRecord;
use siaga::app::StoreChoice;
use siaga::clock::ManualClock;
use siaga::domain::contact::{BusinessNumber, ContactId, Identity, Recipient};
use siaga::domain::message::MessageId;
use siaga::domain::phone::Phone;
use siaga::ports::{Part, Record, Store, Table};
use siaga::store::Memory;

use support::{START, TestApp, eventually_within, options};

/// The server's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The promise, held by the long run with a release build; the short one counts what a process of any size takes
/// beside it.
const SESSION_BYTES_MAX: u64 = if cfg!(debug_assertions) { 2_048 } else { 1_536 };
/// Of one record of the store.
const PARTS_MAX: u64 = 1_000;

fn sessions() -> u64 {
    std::env::var("SIAGA_SESSIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(50_000)
}

/// What the process has in memory.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a resident size");
    let kib: u64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1_024
}

/// A citizen's record after one conversation, and his wish to be woken in a minute.
fn resting(number: u64) -> [Part; 2] {
    let contact = ContactId(number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let phone = Phone::from_wa_id(&format!("628120{number:07}")).expect("a phone");
    let mut record = ContactRecord {
        rev: 5,
        identity: Identity { phone: Some(phone), bsuid: None },
        reply_to: Some((BusinessNumber(support::NUMBER.into()), Recipient::Phone(phone))),
        ..ContactRecord::default()
    };
    for message in 0..5 {
        record.seen.note(&MessageId(format!("wamid.{number}.{message}")), START);
    }
    [
        Part::Put { table: Table::Contact, key: ContactRecord::key(contact), value: record.encode() },
        Part::Timer { contact, at: Some(START.plus_ms(60_000)) },
    ]
}

#[tokio::test]
async fn a_session_that_is_awake_costs_at_most_a_kibibyte_and_a_half() {
    let count = sessions();
    let (store, clock) = (Arc::new(Memory::new()), Arc::new(ManualClock::at(START)));
    for first in (0..count).step_by(usize::try_from(PARTS_MAX).unwrap()) {
        let parts = (first..count.min(first + PARTS_MAX)).flat_map(resting).collect();
        store.append(Record { writer: None, parts }).expect("there is room");
    }
    let mut options = options(clock.clone());
    options.store = StoreChoice::Given(store);
    options.figures.sessions_awake_max = usize::try_from(2 * count).unwrap();
    let app = TestApp::start(options);
    app.at_rest().await;
    let before = resident_bytes();
    clock.advance(60_000);
    let awake = || app.tree().shards.iter().map(|shard| shard.sessions_awake as u64).sum::<u64>();
    eventually_within(std::time::Duration::from_secs(600), "all are awake", || awake() == count).await;
    app.at_rest().await;
    let each = resident_bytes().saturating_sub(before) / count;
    println!("{count} sessions awake, {each} bytes each");
    assert!(each <= SESSION_BYTES_MAX, "{each} bytes a session");
}
