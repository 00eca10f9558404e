//! Records of other versions, end to end: an older server's is read, used, and written anew in today's version at its
//! next change; a newer server's is refused by name, and stays as it is.
//!
//! The record is an alias, whose first version had no `since`.

use std::path::Path;
use std::sync::Arc;

use siaga::actors::SystemRandom;
use siaga::actors::switchboard::{Brought, Switchboard};
use siaga::domain::contact::{Bsuid, BusinessNumber, ContactId, Identity};
use siaga::domain::keys::LookupKey;
use siaga::domain::message::{Content, Inbound, MessageId, Text};
use siaga::domain::phone::Phone;
use siaga::domain::time::Timestamp;
use siaga::ports::{Key, Part, Store, StoreError, Table, Ticket, Value};
use siaga::store::Journal;

use super::world::{Seen, durable, keys, open, wait};

const NOW: Timestamp = Timestamp(1_795_000_000_000);

fn phone() -> Phone {
    Phone::from_wa_id("6281200000042").unwrap()
}

fn alias() -> Key {
    Key::from_slice(&keys().phone_alias(phone()).0)
}

/// A process that was killed and one that finds what it left, in the table.
fn restarted(path: &Path) -> Arc<Journal> {
    open(path).unwrap()
}

fn write(path: &Path, value: Value) {
    let store = open(path).unwrap();
    durable(&*store, vec![Part::Put { table: Table::Alias, key: alias(), value }]);
    store.close_and_wait();
}

fn says(store: &Arc<Journal>) -> Result<Option<Ticket>, StoreError> {
    let switchboard = Switchboard::new(store.clone(), Arc::new(keys()), Arc::new(SystemRandom));
    let from = Identity { phone: Some(phone()), bsuid: Some(Bsuid("ID.x".into())) };
    let message = Inbound {
        id: MessageId("w1".into()),
        from,
        to: BusinessNumber("100".into()),
        sent_at: NOW,
        quotes: None,
        content: Content::Text(Text("hai".into())),
    };
    wait(switchboard.accept(Brought { messages: vec![message], ..Brought::default() }, NOW))
}

fn resting(store: &Arc<Journal>) -> Value {
    wait(store.get(Table::Alias, alias())).unwrap().unwrap()
}

fn waiting(store: &Arc<Journal>) -> Vec<ContactId> {
    store.attach(Arc::new(Seen::default())).inbox.iter().map(|(_, row)| row.contact).collect()
}

#[test]
fn an_older_record_is_read_used_and_written_anew_at_its_next_change() {
    let directory = tempfile::tempdir().unwrap();
    let first: (ContactId, Option<LookupKey>) = (ContactId(77), None);
    write(directory.path(), Value::encode(1, &first));

    let store = restarted(directory.path());
    assert_eq!(resting(&store).version(), Ok(1), "no start walks through what rests");
    says(&store).unwrap().unwrap().durable.blocking_recv().unwrap();
    assert_eq!(resting(&store).version(), Ok(2), "its phone was seen with a BSUID: the record changed");
    drop(store);

    let store = restarted(directory.path());
    assert_eq!(waiting(&store), [ContactId(77)], "the contact that the old record names");
    let (contact, _, since): (ContactId, Option<LookupKey>, Timestamp) = resting(&store).decode(2, &[]).unwrap();
    assert_eq!((contact, since), (ContactId(77), Timestamp::default()), "it is older than all that say since when");
}

#[test]
fn a_newer_record_is_refused_by_name_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let newer = Value::encode(9, &"whatever it will be");
    write(directory.path(), newer.clone());

    let store = restarted(directory.path());
    let refused = says(&store).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a record of table Alias cannot be read: the record has version 9, this server knows 2 at most"
    );
    drop(store);

    let store = restarted(directory.path());
    assert_eq!(resting(&store), newer);
    assert!(waiting(&store).is_empty(), "nothing of the POST was kept: Meta delivers it again");
}
