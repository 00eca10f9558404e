//! Loose reading of JSON: a key that is missing, null or of another type than expected is simply not there.

use std::borrow::Cow;

use serde_json_borrow::Value;

use crate::domain::contact::BusinessNumber;
use crate::domain::message::{MessageId, Text};
use crate::domain::time::Timestamp;

use super::TEXT_CHARS_MAX;

/// Longest identifier taken at its word, in bytes. Meta's are below 200; a longer one names nothing.
const ID_BYTES_MAX: usize = 512;

/// Unix times from here on are milliseconds: as seconds they would lie past the year 33000.
const MILLISECONDS_FROM: i64 = 1_000_000_000_000;
/// The last second (year 5138) and the last millisecond that are taken for a time at all.
const SECONDS_MAX: i64 = 99_999_999_999;
const MILLISECONDS_MAX: i64 = 99_999_999_999_999;

/// What stands under a key; of a key that stands there twice, the first.
pub(super) fn at<'a, 'b>(value: &'a Value<'b>, key: &str) -> Option<&'a Value<'b>> {
    value.as_object()?.get(key)
}

pub(super) fn field<'a, 'b>(value: &'a Value<'b>, key: &str) -> Option<&'a Value<'b>> {
    at(value, key).filter(|value| !value.is_null())
}

/// A text that says something.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    at(value, key)?.as_str().filter(|text| !text.is_empty())
}

/// The list under a key; one that is not in a list is a list of one.
pub(super) fn list<'a, 'b>(value: &'a Value<'b>, key: &str) -> &'a [Value<'b>] {
    match at(value, key) {
        None | Some(Value::Null) => &[],
        Some(Value::Array(list)) => list,
        Some(one) => std::slice::from_ref(one),
    }
}

/// An identifier, which some senders write as a number.
pub(super) fn id<'a>(value: &'a Value, key: &str) -> Option<Cow<'a, str>> {
    let id = match at(value, key)? {
        Value::Str(text) => Cow::Borrowed(text.trim()),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (1..=ID_BYTES_MAX).contains(&id.len()).then_some(id)
}

pub(super) fn message_id(value: &Value, key: &str) -> Option<MessageId> {
    id(value, key).map(|id| MessageId(id.into_owned()))
}

/// Our number that a value is about.
pub(super) fn number(value: &Value) -> Option<BusinessNumber> {
    id(field(value, "metadata")?, "phone_number_id").map(|id| BusinessNumber(id.as_ref().into()))
}

/// `timestamp`: Unix seconds as text (Meta), as a number, or in milliseconds (all seen).
pub(super) fn timestamp(value: &Value) -> Option<Timestamp> {
    let number = match at(value, "timestamp")? {
        Value::Str(text) => text.trim().parse().ok()?,
        Value::Number(number) => number.as_i64()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    match number {
        1..=SECONDS_MAX => Some(Timestamp::from_unix_s(number)),
        MILLISECONDS_FROM..=MILLISECONDS_MAX => Some(Timestamp(number)),
        _ => None,
    }
}

/// `code` of an error object.
pub(super) fn code(error: &Value) -> Option<u32> {
    match at(error, "code")? {
        Value::Number(number) => number.as_u64().and_then(|code| u32::try_from(code).ok()),
        Value::Str(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A person's text, cut at [`TEXT_CHARS_MAX`].
pub(super) fn clipped(text: &str) -> Text {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => Text(text[..end].to_owned()),
        None => Text(text.to_owned()),
    }
}
