//! Synthetic records, and an inlet that remembers what it was given.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use siaga::clock::ManualClock;
use siaga::conversation::Notice;
use siaga::domain::contact::{BusinessNumber, ContactId, Recipient};
use siaga::domain::keys::ServerKeys;
use siaga::domain::message::{DeliveryState, MessageId, Outbound, ReplyKind, Status, Text, Urgency};
use siaga::domain::phone::Phone;
use siaga::domain::time::Timestamp;
use siaga::ports::{
    Attempt, Delivery, InboxBody, InboxRow, Inlet, Key, OutboxRow, Part, Record, RecoveredSend, RowId, Store,
    StoreError, Table, Ticket, Value,
};
use siaga::store::disk::Disk;
use siaga::store::{self, Journal, OpenError, Options};

/// How long the applier may be behind.
const PATIENCE: Duration = Duration::from_secs(60);

/// Remembers deliveries: rows as (id, contact), statuses by message.
#[derive(Default)]
pub(crate) struct Seen {
    pub rows: Mutex<Vec<RowId>>,
    pub sends: Mutex<Vec<RowId>>,
    pub statuses: Mutex<Vec<String>>,
}

impl Inlet for Seen {
    fn deliver(&self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            match delivery {
                Delivery::Inbox { id, .. } => self.rows.lock().unwrap().push(id),
                Delivery::Outbox { id, .. } => self.sends.lock().unwrap().push(id),
                Delivery::Status(status) => self.statuses.lock().unwrap().push(status.message.0),
            }
        }
    }
}

pub(crate) fn keys() -> ServerKeys {
    ServerKeys::derive(&[7; 32])
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp(1_795_000_000_000)))
}

/// Small bounds, so that short histories cross them.
pub(crate) fn options(path: &Path) -> Options {
    Options {
        segment_bytes: 700,
        gather_us: 0,
        apply_after_ms: 0,
        apply_window_bytes: 300,
        checkpoint_bytes: 500,
        export_after_bytes: u64::MAX,
        rows_in_memory_max: 1,
        crash_loop_starts: 0,
        dead_letters_ms_max: i64::MAX,
        table_cache_bytes: 8 << 20,
        free_bytes_min: 0,
        reserve_bytes: 0,
        ..Options::new(path)
    }
}

/// The same, exporting and trimming all the time.
pub(crate) fn trimming(path: &Path) -> Options {
    Options { export_after_bytes: 1_500, ..options(path) }
}

pub(crate) fn open(path: &Path) -> Result<Arc<Journal>, OpenError> {
    store::open(&options(path), &keys(), clock())
}

pub(crate) fn open_on(disk: &Arc<impl Disk>, options: &Options) -> Result<Arc<Journal>, OpenError> {
    store::open_on(Arc::clone(disk) as Arc<dyn Disk>, options, &keys(), clock())
}

pub(crate) fn key(number: u8) -> Key {
    Key::from_slice(&[b'k', number])
}

pub(crate) fn value(text: &str) -> Value {
    Value::encode(1, &text)
}

pub(crate) fn put(number: u8, text: &str) -> Part {
    Part::Put { table: Table::Contact, key: key(number), value: value(text) }
}

pub(crate) fn inbox(contact: u64) -> InboxRow {
    InboxRow { contact: ContactId(contact), accepted_at: Timestamp(1), body: InboxBody::Notice(Notice::LoginEnded) }
}

pub(crate) fn outbox(contact: u64, text: &str) -> OutboxRow {
    OutboxRow {
        contact: ContactId(contact),
        number: BusinessNumber("1000".into()),
        to: Recipient::Phone(Phone::from_wa_id("6281200000042").unwrap()),
        kind: ReplyKind::Answer,
        message: Arc::new(Outbound::Text { body: Text(text.to_owned()) }),
        epoch: None,
        born_at: Timestamp(2),
        urgency: Urgency::Reply,
        window_until: Timestamp(3),
        place: None,
    }
}

pub(crate) fn status(message: &str) -> Status {
    Status {
        message: MessageId(message.to_owned()),
        number: BusinessNumber("1000".into()),
        state: DeliveryState::Sent,
        at: Timestamp(3),
        tag: Some("row".to_owned()),
        error: None,
    }
}

/// What is to be sent, read back where it was let go of; and how often it was attempted.
pub(crate) fn sends(store: &dyn Store, found: Vec<RecoveredSend>) -> Vec<(RowId, OutboxRow, Attempt)> {
    let whole = |RecoveredSend { id, head, row, attempted }| {
        let row = row.unwrap_or_else(|| {
            let mut read = wait(store.outbox_rows(vec![id])).unwrap();
            assert_eq!(read.first().map(|(read, _)| *read), Some(id), "it is open");
            read.remove(0).1
        });
        assert_eq!(row.head(), head);
        (id, row, attempted)
    };
    found.into_iter().map(whole).collect()
}

pub(crate) fn record(parts: Vec<Part>) -> Record {
    Record { writer: None, parts }
}

/// Appends. Waits for the applier, as whoever is told that it is behind: one that lives catches up, one whose disk
/// refused takes the store with it.
pub(crate) fn patient(store: &dyn Store, parts: Vec<Part>) -> Result<Ticket, StoreError> {
    let deadline = Instant::now() + PATIENCE;
    let record = record(parts);
    loop {
        match store.append(record.clone()) {
            Err(StoreError::Full(_)) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
            other => return other,
        }
    }
}

pub(crate) fn append(store: &dyn Store, parts: Vec<Part>) -> Ticket {
    patient(store, parts).unwrap()
}

/// Appends and waits until it is durable.
pub(crate) fn durable(store: &dyn Store, parts: Vec<Part>) -> u64 {
    let ticket = append(store, parts);
    ticket.durable.blocking_recv().unwrap();
    ticket.lsn.0
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn get(store: &dyn Store, number: u8) -> Option<Value> {
    wait(store.get(Table::Contact, key(number))).unwrap()
}
