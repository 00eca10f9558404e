//! This floor's records as they rest in the table: `codec` with the store's error, which names the table.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::Older;
use crate::ports::{StoreError, Table, Value};

/// A record's bytes behind its version.
pub fn encode<T: Serialize>(version: u8, record: &T) -> Value {
    Value::encode(version, record)
}

/// The record in a value of this version, or of one of the `older` ones.
pub fn decode<T: DeserializeOwned>(
    table: Table,
    version: u8,
    older: &[Older<T>],
    value: &Value,
) -> Result<T, StoreError> {
    value.decode(version, older).map_err(|error| StoreError::Unreadable { table, reason: error.to_string() })
}
