//! What the Graph API answered: accepted, refused with a code, or nothing that can be read.
//!
//! HTTP status alone says little: errors have been seen under 200 and proxies answer for Meta. So the body
//! decides, and only an id means accepted.

use serde_json::Value;

use crate::domain::message::MessageId;

/// An answer to a message or a read receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Accepted, not delivered.
    Accepted(MessageId),
    /// `{"success": true}`: the answer to a read receipt.
    Done,
    /// Meta's error envelope.
    Refused { code: u32 },
    /// Not the Cloud API's: a proxy's page, a cut body, an envelope without a code.
    Unreadable,
}

/// What of an answer says anything; the rest, and who it went to, is read over.
#[derive(serde::Deserialize)]
struct Said {
    error: Option<Value>,
    messages: Option<Value>,
    success: Option<Value>,
}

/// Reads an answer's body.
pub fn read(body: &[u8]) -> Answer {
    let Ok(Said { error, messages, success }) = serde_json::from_slice(body) else { return Answer::Unreadable };
    if let Some(error) = error {
        return code(&error).map_or(Answer::Unreadable, |code| Answer::Refused { code });
    }
    if let Some(id) = messages.as_ref().and_then(|messages| messages.get(0)?.get("id")).and_then(named) {
        return Answer::Accepted(MessageId(id));
    }
    match success {
        Some(Value::Bool(true)) => Answer::Done,
        Some(_) | None => Answer::Unreadable,
    }
}

/// The id in the answer to an upload.
pub fn media_id(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<Value>(body).ok()?.get("id").and_then(named)
}

fn named(id: &Value) -> Option<String> {
    match id {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Everything else in the envelope is optional, and `error_data` has been seen as a plain string.
fn code(error: &Value) -> Option<u32> {
    let code = error.get("code")?;
    code.as_u64().or_else(|| code.as_str()?.trim().parse().ok()).and_then(|code| u32::try_from(code).ok())
}
