//! Meta's news about a message of ours (cloud-api.md 2.1).

use serde_json_borrow::Value;

use crate::domain::message::{DeadReason, DeliveryState, Status};
use crate::domain::time::Timestamp;

use super::read::{code, id, list, message_id, number, text, timestamp};
use super::{Ignored, Part};

/// Reads one of `value.statuses`.
pub(super) fn decode(value: &Value, status: &Value, accepted_at: Timestamp) -> Result<Part, DeadReason> {
    let state = match text(status, "status") {
        Some("sent") => DeliveryState::Sent,
        Some("delivered") => DeliveryState::Delivered,
        // A voice message played has been read; we send none, but it costs nothing to know.
        Some("read" | "played") => DeliveryState::Read,
        Some("failed") => DeliveryState::Failed,
        // `deleted`, `warning`, and whatever comes next year: none of them changes what we do.
        Some(_) => return Ok(Part::Ignored(Ignored::UnknownStatus)),
        None => return Err(DeadReason::NotUnderstood),
    };
    if text(status, "recipient_type") == Some("group") {
        return Ok(Part::Ignored(Ignored::Group));
    }
    let (Some(message), Some(number)) = (message_id(status, "id"), number(value)) else {
        return Err(DeadReason::NotUnderstood);
    };
    Ok(Part::Status(Status {
        message,
        number,
        state,
        at: timestamp(status).unwrap_or(accepted_at),
        tag: id(status, "biz_opaque_callback_data").map(std::borrow::Cow::into_owned),
        error: list(status, "errors").iter().find_map(code),
    }))
}
