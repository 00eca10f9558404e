//! Records as turns write them, of invented people.

use std::path::Path;
use std::sync::Arc;

use siaga::clock::SystemClock;
use siaga::domain::contact::{BusinessNumber, ContactId, Identity, Recipient};
use siaga::domain::keys::ServerKeys;
use siaga::domain::message::{Content, Inbound, MessageId, Outbound, ReplyKind, Text, Urgency};
use siaga::domain::phone::Phone;
use siaga::domain::time::{DAY_MS, Timestamp};
use siaga::ports::{
    Closing, Delivery, InboxBody, InboxRow, Inlet, Key, OutboxRow, Part, Record, RowId, Settlement, Store, StoreError,
    Table, Ticket, Value,
};
use siaga::store::{self, Journal, OpenError, Options};

/// An awake contact's record with nonce and tag, about; and one at rest (design.md 9).
pub(super) const AWAKE_BYTES: usize = 600 - 45;
pub(super) const RESTING_BYTES: usize = 200 - 45;

const AT: Timestamp = Timestamp(1_795_000_000_000);

/// Takes deliveries and does nothing about them.
struct Nowhere;

impl Inlet for Nowhere {
    fn deliver(&self, _: Vec<Delivery>) {}
}

/// A store with the settings of `config/default.toml`, attached.
pub(super) fn open(path: &Path) -> Result<Arc<Journal>, OpenError> {
    let options = Options { crash_loop_starts: 0, ..Options::new(path) };
    let store = store::open(&options, &keys(), Arc::new(SystemClock::default()))?;
    drop(store.attach(Arc::new(Nowhere)));
    Ok(store)
}

pub(super) fn keys() -> ServerKeys {
    ServerKeys::derive(&[7; 32])
}

/// Appends, waiting while the store is full, as a shard does.
pub(super) fn append(store: &Journal, parts: Vec<Part>) -> anyhow::Result<Ticket> {
    let record = Record { writer: None, parts };
    loop {
        match store.append(record.clone()) {
            Err(StoreError::Full(_)) => std::thread::sleep(std::time::Duration::from_millis(1)),
            other => return Ok(other?),
        }
    }
}

pub(super) fn key(contact: u64) -> Key {
    Key::from_slice(&contact.to_be_bytes())
}

pub(super) fn put(contact: u64, bytes: usize) -> Part {
    Part::Put { table: Table::Contact, key: key(contact), value: Value(vec![7; bytes].into()) }
}

/// One of the two aliases that a contact has.
pub(super) fn alias(contact: u64, which: u8) -> Part {
    // Spread as keyed hashes are.
    let hash = (contact + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(u32::from(which) * 32);
    let key = Key::from_slice(&[hash.to_be_bytes(), contact.to_be_bytes()].concat());
    Part::Put { table: Table::Alias, key, value: Value([7_u8; 26].as_slice().into()) }
}

fn phone() -> Option<Phone> {
    Phone::from_wa_id("6281200000042")
}

/// A POST with one message.
pub(super) fn post(contact: u64, number: u64) -> Vec<Part> {
    let message = Inbound {
        id: MessageId(format!("wamid.{number:032x}")),
        from: Identity { phone: phone(), bsuid: None },
        to: BusinessNumber("100000000000567".into()),
        sent_at: AT,
        quotes: None,
        content: Content::Text(Text("status vaksinasi saya bagaimana ya".into())),
    };
    let body = InboxBody::Message(message);
    vec![Part::OpenInbox(InboxRow { contact: ContactId(contact), accepted_at: AT, body })]
}

/// The turn that answers it.
pub(super) fn turn(contact: u64, row: RowId) -> Vec<Part> {
    let reply = OutboxRow {
        contact: ContactId(contact),
        number: BusinessNumber("100000000000567".into()),
        to: phone().map_or_else(|| unreachable!("a phone"), Recipient::Phone),
        kind: ReplyKind::Answer,
        message: Arc::new(Outbound::Text { body: Text("Status vaksinasi: dosis 1 dan 2 tercatat. ".repeat(6)) }),
        epoch: None,
        born_at: AT,
        urgency: Urgency::Reply,
        window_until: AT.plus_ms(DAY_MS),
        place: None,
    };
    vec![
        put(contact, AWAKE_BYTES),
        Part::Timer { contact: ContactId(contact), at: Some(AT) },
        Part::CloseInbox(row, Closing::Answered),
        Part::OpenOutbox(reply),
    ]
}

/// Its reply has been sent.
pub(super) fn settle(row: RowId, number: u64) -> Vec<Part> {
    vec![Part::CloseOutbox { row, how: Settlement::Sent(MessageId(format!("wamid.{number:032x}"))) }]
}
