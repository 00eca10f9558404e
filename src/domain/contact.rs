//! A contact: one chat identity of WhatsApp, known by a phone number, a business-scoped user id, or both.
//!
//! Neither is stable (design.md 4, cloud-api.md 3.2): a phone may be absent or change hands, a BSUID is
//! regenerated with a new phone. So everything is keyed by [`ContactId`], and aliases point to it.

use serde::{Deserialize, Serialize};

use super::phone::Phone;
use super::redacted;

/// The internal name of a contact. Random, never reused, says nothing about the person; safe in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContactId(pub u64);

/// Meta's business-scoped user id, kept whole as it came (`ID.` + up to 128 characters; older forms exist).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bsuid(pub String);

redacted!(Bsuid);

/// Who a webhook says is writing. At least one of the two is there, else nobody can be answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    pub phone: Option<Phone>,
    pub bsuid: Option<Bsuid>,
}

impl Identity {
    /// Where a reply goes: the identifier that came in, the phone when both did (cloud-api.md 3.2.4).
    pub fn recipient(&self) -> Option<Recipient> {
        match (&self.phone, &self.bsuid) {
            (Some(phone), _) => Some(Recipient::Phone(*phone)),
            (None, Some(bsuid)) => Some(Recipient::Bsuid(bsuid.clone())),
            (None, None) => None,
        }
    }
}

/// The address of a reply: `to` for a phone, `recipient` for a BSUID.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Recipient {
    Phone(Phone),
    Bsuid(Bsuid),
}

/// One of our business numbers, by Meta's `phone_number_id`. Not personal: it is ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BusinessNumber(pub std::sync::Arc<str>);
