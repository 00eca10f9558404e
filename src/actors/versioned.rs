//! How this floor's records rest in the table: a version byte, then postcard.
//!
//! Postcard does not describe itself, so a shape that changes takes a new version and keeps reading the old one.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ports::{StoreError, Table, Value};

/// A record's bytes behind its version.
pub fn encode<T: Serialize>(version: u8, record: &T) -> Value {
    // Postcard fails on sequences of unknown length only, which no record has; a vector grows without failing.
    let bytes = postcard::to_extend(record, vec![version]).unwrap_or_else(|fault| unreachable!("it encodes: {fault}"));
    Value(bytes.into())
}

/// The record in a value, if it has this version.
pub fn decode<T: DeserializeOwned>(table: Table, version: u8, value: &Value) -> Result<T, StoreError> {
    let unreadable = |reason: String| StoreError::Unreadable { table, reason };
    let Some((found, body)) = value.0.split_first() else {
        return Err(unreadable("it is empty".to_owned()));
    };
    if *found != version {
        return Err(unreadable(format!("it has version {found}, expected {version}")));
    }
    match postcard::take_from_bytes(body) {
        Ok((record, [])) => Ok(record),
        Ok(_) | Err(_) => Err(unreadable("it is cut or broken".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_and_nothing_else_does() {
        let value = encode(3, &(7_u32, "x".to_owned()));
        assert_eq!(decode(Table::Contact, 3, &value), Ok((7_u32, "x".to_owned())));
        let mut long = value.0.to_vec();
        long.push(0);
        for bytes in [&[][..], &[3][..], &[2, 7, 1, b'x'][..], &value.0[..value.0.len() - 1], &long[..]] {
            let broken = decode::<(u32, String)>(Table::Contact, 3, &Value(bytes.into()));
            assert!(matches!(broken, Err(StoreError::Unreadable { table: Table::Contact, .. })), "{bytes:?}");
        }
    }
}
