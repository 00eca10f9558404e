//! What the SMSC's answers mean to a text (SMPP 3.4, section 5.1.3).
//!
//! Taken for "not now" is what says so by itself; all else that is not ours to mend by asking again is refused, so that
//! the next way has it at once. Numbers are told, words of the other side never.

use crate::ports::Unsent;

const OK: u32 = 0x00;
const INVALID_BIND_STATE: u32 = 0x04;
const SYSTEM_ERROR: u32 = 0x08;
const INVALID_DESTINATION: u32 = 0x0b;
const INVALID_PASSWORD: u32 = 0x0e;
const INVALID_SYSTEM_ID: u32 = 0x0f;
const QUEUE_FULL: u32 = 0x14;
const SUBMIT_FAILED: u32 = 0x45;
const THROTTLED: u32 = 0x58;
const TEMPORARY: u32 = 0x64;
const DELIVERY_FAILURE: u32 = 0xfe;

/// The answer to a text.
pub(super) fn of_submit(status: u32) -> Result<(), Unsent> {
    match status {
        OK => Ok(()),
        QUEUE_FULL | THROTTLED | INVALID_BIND_STATE | SYSTEM_ERROR | SUBMIT_FAILED | TEMPORARY => {
            Err(Unsent::NotNow { reason: format!("the smsc answers {status:#x}") })
        }
        INVALID_DESTINATION | DELIVERY_FAILURE => Err(Unsent::Undelivered),
        _ => Err(Unsent::Refused { reason: format!("the smsc answers {status:#x}") }),
    }
}

/// Whether it asks to be given less.
pub(super) fn asks_for_less(status: u32) -> bool {
    matches!(status, QUEUE_FULL | THROTTLED)
}

/// What a bind that was not granted means to every text meanwhile; `None`: it was granted.
pub(super) fn of_bind(status: u32) -> Option<Unsent> {
    let reason = || format!("the smsc does not let us bind: {status:#x}");
    match status {
        OK => None,
        INVALID_PASSWORD | INVALID_SYSTEM_ID => Some(Unsent::Refused { reason: reason() }),
        _ => Some(Unsent::NotNow { reason: reason() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the port says it.
    fn meaning(answer: &Result<(), Unsent>) -> &'static str {
        match answer {
            Ok(()) => "taken",
            Err(Unsent::NotNow { .. }) => "not now",
            Err(Unsent::Unknown { .. }) => "unknown",
            Err(Unsent::Undelivered) => "undelivered",
            Err(Unsent::Refused { .. }) => "refused",
        }
    }

    #[test]
    fn each_answer_has_its_meaning() {
        let table = [
            (0x00, "taken"),
            (0x01, "refused"), // message length
            (0x04, "not now"),
            (0x08, "not now"),
            (0x0a, "refused"), // source address
            (0x0b, "undelivered"),
            (0x14, "not now"),
            (0x45, "not now"),
            (0x48, "refused"), // source ton
            (0x50, "refused"), // destination ton
            (0x58, "not now"),
            (0x64, "not now"),
            (0x65, "refused"), // permanent
            (0x66, "refused"),
            (0xfe, "undelivered"),
            (0xff, "refused"),
            (0x4a1, "refused"), // a vendor's own
        ];
        for (status, expected) in table {
            assert_eq!(meaning(&of_submit(status)), expected, "{status:#x}");
        }
        let pausing: Vec<u32> = (0..0x500).filter(|status| asks_for_less(*status)).collect();
        assert_eq!(pausing, [0x14, 0x58]);
    }

    #[test]
    fn a_wrong_password_is_an_operators_and_everything_else_may_pass() {
        for (status, expected) in [(0x05, "not now"), (0x0d, "not now"), (0x0e, "refused"), (0x0f, "refused")] {
            assert_eq!(meaning(&of_bind(status).map_or(Ok(()), Err)), expected, "{status:#x}");
        }
        assert_eq!(of_bind(0), None);
    }
}
