//! How records become bytes: one version byte, then postcard.
//!
//! Postcard does not describe itself, so a type that changes takes a new version and keeps reading the old
//! ones: the owner lists them ([`Older`]), each with how its shape becomes today's, and every write is in
//! today's version. So a record is rewritten the next time its owner changes it, and no start has to walk all
//! of them. A newer version than the owner knows is refused by name: an older server never guesses at a newer
//! one's records.
//!
//! Floor 0. Values of the store have these as methods (`ports::Value`); sealing is the store's.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why bytes are not the record that was expected. Says nothing of their content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("the record is empty")]
    Empty,
    #[error("the record has version {found}, this server knows {known} at most")]
    Newer { found: u8, known: u8 },
    #[error("the record has the old version {found}, expected {known}")]
    Older { found: u8, known: u8 },
    #[error("the record of version {version} does not decode")]
    Malformed { version: u8 },
}

/// Nearly all records are shorter; to grow byte by byte up to here would cost more than the rest.
const RECORD_BYTES_USUAL: usize = 512;

/// A version that is still read: how its bytes, which stand behind their version, become today's record.
pub type Older<T> = (u8, fn(&[u8]) -> Result<T, CodecError>);

/// A record's bytes under its version.
pub fn encode<T: Serialize>(version: u8, record: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(RECORD_BYTES_USUAL);
    bytes.push(version);
    // Postcard refuses only sequences of unknown length, which no record has; a vector grows without failing.
    postcard::to_extend(record, bytes).unwrap_or_else(|fault| unreachable!("a record encodes: {fault}"))
}

/// The version that bytes were written with.
pub fn version(bytes: &[u8]) -> Result<u8, CodecError> {
    bytes.first().copied().ok_or(CodecError::Empty)
}

/// The record in bytes that were written with exactly this version.
pub fn decode<T: DeserializeOwned>(version: u8, bytes: &[u8]) -> Result<T, CodecError> {
    let (&found, body) = bytes.split_first().ok_or(CodecError::Empty)?;
    match found.cmp(&version) {
        std::cmp::Ordering::Greater => return Err(CodecError::Newer { found, known: version }),
        std::cmp::Ordering::Less => return Err(CodecError::Older { found, known: version }),
        std::cmp::Ordering::Equal => {}
    }
    match postcard::take_from_bytes(body) {
        Ok((record, [])) => Ok(record),
        Ok(_) | Err(_) => Err(CodecError::Malformed { version }),
    }
}

/// The record in bytes of this version or of one of the `older` ones.
pub fn decode_any<T: DeserializeOwned>(version: u8, older: &[Older<T>], bytes: &[u8]) -> Result<T, CodecError> {
    let found = self::version(bytes)?;
    match older.iter().find(|(old, _)| *old == found && found < version) {
        Some((_, convert)) => convert(bytes),
        None => decode(version, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_and_another_version_does_not() {
        let bytes = encode(3, &(7_u32, "x".to_owned()));
        assert_eq!(version(&bytes), Ok(3));
        assert_eq!(decode(3, &bytes), Ok((7_u32, "x".to_owned())));
        assert_eq!(decode::<(u32, String)>(2, &bytes), Err(CodecError::Newer { found: 3, known: 2 }));
        assert_eq!(decode::<(u32, String)>(4, &bytes), Err(CodecError::Older { found: 3, known: 4 }));
    }

    #[test]
    fn cut_and_overlong_records_are_refused() {
        let mut bytes = encode(1, &[1_u64, u64::MAX]);
        assert_eq!(decode::<[u64; 2]>(1, &bytes[..bytes.len() - 1]), Err(CodecError::Malformed { version: 1 }));
        bytes.push(0);
        assert_eq!(decode::<[u64; 2]>(1, &bytes), Err(CodecError::Malformed { version: 1 }));
        assert_eq!(decode::<u8>(1, &[]), Err(CodecError::Empty));
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Today {
        name: String,
        tries: u8,
    }

    const TODAY: u8 = 3;
    const OLDER: [Older<Today>; 2] = [
        (1, |bytes| decode(1, bytes).map(|name: String| Today { name, tries: 0 })),
        (2, |bytes| decode(2, bytes).map(|(name, tries): (String, bool)| Today { name, tries: tries.into() })),
    ];

    #[test]
    fn what_was_written_in_an_old_version_is_read_and_written_anew() {
        let today = |tries| Today { name: "x".to_owned(), tries };
        assert_eq!(decode_any(TODAY, &OLDER, &encode(1, &"x")), Ok(today(0)));
        let read = decode_any(TODAY, &OLDER, &encode(2, &("x", true)));
        assert_eq!(read, Ok(today(1)));
        let rewritten = encode(TODAY, &today(1));
        assert_eq!((version(&rewritten), decode_any(TODAY, &OLDER, &rewritten)), (Ok(3), Ok(today(1))));
        let newer = decode_any(TODAY, &OLDER, &encode(4, &"x"));
        assert_eq!(newer, Err(CodecError::Newer { found: 4, known: 3 }));
        let forgotten = decode_any(TODAY, &OLDER[1..], &encode(1, &"x"));
        assert_eq!(forgotten, Err(CodecError::Older { found: 1, known: 3 }));
        assert_eq!(decode_any(TODAY, &OLDER, &[2, 0xff]), Err(CodecError::Malformed { version: 2 }));
    }
}
