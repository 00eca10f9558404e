//! Who a webhook says is writing, and what it says of changed identities (cloud-api.md 2 and 3.1).
//!
//! A phone or a BSUID may be missing anywhere, and a BSUID has been seen in the place of a phone. A pair of both
//! is only taken from one message or one contact card of the envelope, never put together by position: binding
//! a stranger's phone to a BSUID would show him another's session.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json_borrow::Value;

use crate::domain::contact::{Bsuid, BusinessNumber, Identity};
use crate::domain::message::{DeadReason, MessageId};
use crate::domain::phone::Phone;
use crate::domain::time::Timestamp;

use super::read::{field, id, list, message_id, number, text, timestamp};
use super::{Ignored, Parent, Part};

/// The longest parent BSUID that is kept: `ID.ENT.` and 128 characters are shorter.
const PARENT_BYTES_MAX: usize = 192;

/// A citizen's identity changed: `old` and `new` are one person, as far as each is given. At least one of them
/// names somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityChange {
    pub kind: IdentityChangeKind,
    /// Our number that was told; a `user_id_update` may come without.
    pub number: Option<BusinessNumber>,
    /// The system message's id, for dedupe; none in a `user_id_update`.
    pub id: Option<MessageId>,
    pub old: Identity,
    pub new: Identity,
    pub at: Timestamp,
}

/// Which of Meta's three ways of telling it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentityChangeKind {
    /// System message: `old` has the phone of before, `new` the one of now (and its BSUID, when known).
    PhoneChanged,
    /// System message: `new` has the BSUID of now; `old` is known only if a phone or a former BSUID is given.
    BsuidChanged,
    /// Field `user_id_update`: both BSUIDs, the one payload that links them reliably.
    BsuidUpdated,
}

impl IdentityChangeKind {
    /// A closed name, for a metric's label.
    pub fn name(self) -> &'static str {
        match self {
            IdentityChangeKind::PhoneChanged => "system_phone_changed",
            IdentityChangeKind::BsuidChanged => "system_bsuid_changed",
            IdentityChangeKind::BsuidUpdated => "system_bsuid_updated",
        }
    }
}

/// What the contact cards of one value tell: which phone and BSUID belong together.
pub(super) struct Senders {
    bsuids: HashMap<Phone, Option<Bsuid>>,
    phones: HashMap<Bsuid, Option<Phone>>,
    /// The only contact of a value with only one message: that message's sender whatever it says itself.
    lone: Option<Identity>,
    lone_parent: Option<Bsuid>,
}

impl Senders {
    pub(super) fn of(value: &Value) -> Self {
        let contacts = list(value, "contacts");
        let mut senders = Self { bsuids: HashMap::new(), phones: HashMap::new(), lone: None, lone_parent: None };
        for contact in contacts {
            let known = identity(contact, "wa_id", "user_id");
            if let (Some(phone), Some(bsuid)) = (known.phone, &known.bsuid) {
                pair(&mut senders.bsuids, phone, bsuid.clone());
                pair(&mut senders.phones, bsuid.clone(), phone);
            }
            if contacts.len() == 1 && list(value, "messages").len() == 1 && known.recipient().is_some() {
                senders.lone = Some(known);
                senders.lone_parent = bsuid(contact, "parent_user_id");
            }
        }
        senders
    }

    /// The parent BSUID of a message's sender, where the message or its lone contact card tells it.
    pub(super) fn parent(&self, message: &Value) -> Option<Parent> {
        let told = bsuid(message, "from_parent_user_id").or_else(|| self.lone_parent.clone())?;
        let bsuid = Some(told).filter(|bsuid| bsuid.0.len() <= PARENT_BYTES_MAX)?;
        Some(Parent { of: self.sender(message)?, bsuid })
    }

    /// The sender of a message; `None` when nobody could be answered.
    pub(super) fn sender(&self, message: &Value) -> Option<Identity> {
        let mut who = identity(message, "from", "from_user_id");
        match (&who.phone, &who.bsuid) {
            (Some(phone), None) => who.bsuid = self.bsuids.get(phone).cloned().flatten(),
            (None, Some(bsuid)) => who.phone = self.phones.get(bsuid).copied().flatten(),
            (None, None) => return self.lone.clone(),
            (Some(_), Some(_)) => {}
        }
        Some(who)
    }
}

/// Notes a pair; two that contradict each other are worth nothing.
fn pair<K: std::hash::Hash + Eq, V: PartialEq>(map: &mut HashMap<K, Option<V>>, key: K, value: V) {
    map.entry(key).and_modify(|known| *known = known.take().filter(|known| *known == value)).or_insert(Some(value));
}

/// A phone and a BSUID under their keys; a BSUID under the phone's key counts as one.
pub(super) fn identity(value: &Value, phone_key: &str, bsuid_key: &str) -> Identity {
    let given = id(value, phone_key);
    let phone = given.as_deref().and_then(Phone::from_wa_id);
    let misplaced = given.filter(|_| phone.is_none()).and_then(bsuid_shaped);
    Identity { phone, bsuid: bsuid(value, bsuid_key).or(misplaced) }
}

/// Taken whole and not checked for its form, which has changed before.
fn bsuid(value: &Value, key: &str) -> Option<Bsuid> {
    id(value, key).map(|id| Bsuid(id.into_owned()))
}

/// `ID.1349…` or the older `user.93737…`.
fn bsuid_shaped(id: Cow<'_, str>) -> Option<Bsuid> {
    let (prefix, rest) = id.split_once('.')?;
    let country = prefix.len() == 2 && prefix.bytes().all(|byte| byte.is_ascii_alphabetic());
    ((country || prefix == "user") && !rest.is_empty()).then(|| Bsuid(id.into_owned()))
}

/// A message of type `system`.
pub(super) fn system(value: &Value, message: &Value, accepted_at: Timestamp) -> Result<Part, DeadReason> {
    let Some(system) = field(message, "system") else { return Ok(Part::Ignored(Ignored::System)) };
    let kind = match text(system, "type") {
        // The oldest form has no type and told only of numbers.
        Some("user_changed_number" | "customer_changed_number") | None => IdentityChangeKind::PhoneChanged,
        Some("user_changed_user_id") => IdentityChangeKind::BsuidChanged,
        Some(_) => return Ok(Part::Ignored(Ignored::System)),
    };
    let new = identity(system, if field(system, "wa_id").is_some() { "wa_id" } else { "new_wa_id" }, "user_id");
    let mut old = identity(message, "from", "from_user_id");
    old.bsuid = bsuid(system, "previous_user_id").or(old.bsuid).filter(|bsuid| Some(bsuid) != new.bsuid.as_ref());
    change(IdentityChange {
        kind,
        number: number(value),
        id: message_id(message, "id"),
        old,
        new,
        at: timestamp(message).unwrap_or(accepted_at),
    })
}

/// One object of field `user_id_update`. Its `wa_id` is the phone of now: the BSUID changes with the phone.
pub(super) fn user_id_update(value: &Value, update: &Value, accepted_at: Timestamp) -> Result<Part, DeadReason> {
    let ids = field(update, "user_id").ok_or(DeadReason::NotUnderstood)?;
    change(IdentityChange {
        kind: IdentityChangeKind::BsuidUpdated,
        number: number(value),
        id: None,
        old: Identity { phone: None, bsuid: bsuid(ids, "previous") },
        new: Identity {
            phone: id(update, "wa_id").and_then(|id| Phone::from_wa_id(&id)),
            bsuid: bsuid(ids, "current"),
        },
        at: timestamp(update).unwrap_or(accepted_at),
    })
}

fn change(change: IdentityChange) -> Result<Part, DeadReason> {
    let somebody = change.old.recipient().is_some() || change.new.recipient().is_some();
    if somebody { Ok(Part::System(change)) } else { Err(DeadReason::NoSender) }
}
