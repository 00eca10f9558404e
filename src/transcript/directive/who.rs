//! Who writes, and what Meta tells of changed identifiers.

use super::{Directive, MetaTells, phone_number};
use crate::domain::contact::{Bsuid, Identity};

impl MetaTells {
    /// Meta's name.
    pub fn name(self) -> &'static str {
        match self {
            MetaTells::UserIdUpdate => "user_id_update",
            MetaTells::UserChangedUserId => "user_changed_user_id",
            MetaTells::UserChangedNumber => "user_changed_number",
        }
    }
}

pub(super) fn wa(text: &str) -> Option<Identity> {
    let words = |word: &&str| *word != "no-phone" && *word != "no-bsuid";
    let mut who = names(text.split_whitespace().filter(words))?;
    let says = |wanted: &str| text.split_whitespace().any(|word| word == wanted);
    // Meta always sends a BSUID; one that is not written is made of the number.
    if who.bsuid.is_none() && !says("no-bsuid") {
        who.bsuid = who.phone.map(|phone| Bsuid(format!("ID.{}", phone.digits())));
    }
    if says("no-phone") {
        who.phone = None;
    }
    let whole = who.phone.is_some() != says("no-phone") && who.bsuid.is_some() != says("no-bsuid");
    (whole && who.recipient().is_some()).then_some(who)
}

pub(super) fn meta(text: &str) -> Option<Directive> {
    let (way, names_of) = text.split_once(' ')?;
    let (before, after) = names_of.split_once(" to ")?;
    let (before, after) = (names(before.split_whitespace())?, names(after.split_whitespace())?);
    let (way, whole) = match way {
        "user_id_update" => (MetaTells::UserIdUpdate, before.bsuid.is_some() && after.bsuid.is_some()),
        "user_changed_user_id" => (MetaTells::UserChangedUserId, after.bsuid.is_some()),
        "user_changed_number" => (MetaTells::UserChangedNumber, before.phone.is_some() && after.phone.is_some()),
        _ => return None,
    };
    (whole && before.recipient().is_some()).then_some(Directive::Meta { way, before, after })
}

/// `0812-0000-0042 bsuid=ID.abc`, either or both.
fn names<'a>(words: impl Iterator<Item = &'a str>) -> Option<Identity> {
    let mut identity = Identity::default();
    for word in words {
        match word.strip_prefix("bsuid=") {
            Some(id) if !id.is_empty() => identity.bsuid = Some(Bsuid(id.to_owned())),
            Some(_) => return None,
            None => identity.phone = Some(phone_number(word)?),
        }
    }
    Some(identity)
}
