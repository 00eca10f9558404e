//! What one citizen changed, as it rests in the store: one row a person, the newest state whole.

use serde::{Deserialize, Serialize};

use crate::domain::citizen::PersonId;
use crate::domain::name::Name;
use crate::domain::phone::Mobile;
use crate::domain::time::Timestamp;
use crate::ports::{IdempotencyKey, Key, StoreError, Table, Value};

const VERSION: u8 = 1;

/// Served keys kept a person; then the oldest goes. A name changes once in 30 days and a phone once in 24 h,
/// a repeat comes within minutes of a restart: more than these never matter.
const SERVED_MAX: usize = 8;

/// The changes of one person since the population was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Changes {
    pub(super) name: Option<Name>,
    pub(super) name_changed_at: Option<Timestamp>,
    pub(super) phone: Option<Mobile>,
    served: Vec<IdempotencyKey>,
}

impl Changes {
    pub(super) fn read(value: &Value) -> Result<Self, StoreError> {
        value.decode(VERSION, &[]).map_err(|fault| unreadable(&fault.to_string()))
    }

    pub(super) fn written(&self) -> Value {
        Value::encode(VERSION, self)
    }

    pub(super) fn rename(&mut self, name: Name, at: Timestamp) {
        self.name = Some(name);
        self.name_changed_at = Some(at);
    }

    pub(super) fn move_to(&mut self, phone: Mobile) {
        self.phone = Some(phone);
    }

    /// Whether this key's change is made already.
    pub(super) fn served(&self, key: IdempotencyKey) -> bool {
        self.served.contains(&key)
    }

    pub(super) fn serve(&mut self, key: IdempotencyKey) {
        if self.served.len() >= SERVED_MAX {
            self.served.remove(0);
        }
        self.served.push(key);
    }
}

/// A person's row. The id is opaque, so it may stand in a key.
pub(super) fn key_of(person: &PersonId) -> Key {
    Key::from_slice(person.0.as_bytes())
}

pub(super) fn person_of(key: &Key) -> Result<PersonId, StoreError> {
    let id = std::str::from_utf8(key).map_err(|_| unreadable("the key is not a person's id"))?;
    Ok(PersonId(id.to_owned()))
}

fn unreadable(reason: &str) -> StoreError {
    StoreError::Unreadable { table: Table::Registry, reason: reason.to_owned() }
}
