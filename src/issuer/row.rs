//! What rests of one holder: the certificate that stands for each dose. Pure.

use serde::{Deserialize, Serialize};

use super::IssueError;
use crate::domain::certificate::RevocationReason;
use crate::domain::keys::LookupKey;
use crate::domain::time::Timestamp;
use crate::domain::uvci::Uvci;
use crate::ports::{Key, Part, StoreError, Table, Value};

/// Doses of one person that have a certificate; bounds the row below the store's 4 KiB.
pub(super) const DOSES_MAX: usize = 16;

const HOLDER_VERSION: u8 = 1;
const ID_VERSION: u8 = 1;

/// A keyed hash (`ServerKeys::certificate_digest`).
pub(super) type Digest = [u8; 16];

/// The certificates of one holder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HolderRow {
    /// The newest of each dose.
    standings: Vec<Standing>,
    renamed: Option<Renamed>,
}

/// The newest certificate of a dose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    dose: u8,
    pub(super) id: Uvci,
    name: Digest,
    says: Digest,
    /// Counts the dose's certificates: with it, and the moment of the first signature, no id comes twice.
    issue: u32,
    pub(super) signed_at_s: i64,
    pub(super) expires_at_s: i64,
    revoked: bool,
}

/// The last change of name by chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Renamed {
    to: Digest,
    at: Timestamp,
}

/// A certificate that is asked for.
pub(super) struct Wanted {
    pub(super) dose: u8,
    pub(super) name: Digest,
    pub(super) says: Digest,
    pub(super) asked_at: Timestamp,
    pub(super) now_s: i64,
    /// Until when it would be good if it were signed now.
    pub(super) expires_at_s: i64,
    pub(super) sign_again_after_s: i64,
}

/// How a wish is met.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// By what was issued before; nothing changes.
    Stands(Standing),
    /// By what was issued before, with a new signature.
    SignedAnew(Standing),
    /// By a new certificate, which may end an older one.
    New { standing: Standing, ended: Option<(Standing, RevocationReason)> },
}

/// Whose a certificate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IdRow {
    pub(super) holder: LookupKey,
}

impl HolderRow {
    pub(super) fn read(value: &Value) -> Result<Self, StoreError> {
        value.decode(HOLDER_VERSION, &[]).map_err(|fault| unreadable(&fault.to_string()))
    }

    pub(super) fn part(&self, holder: LookupKey) -> Part {
        let value = Value::encode(HOLDER_VERSION, self);
        Part::Put { table: Table::Certificate, key: key_of_holder(holder), value }
    }

    /// Meets a wish, and remembers how. A file asked for before the name was changed is not made any more: under
    /// the old name it would end the new one.
    pub(super) fn settle(&mut self, wanted: &Wanted, id_of: impl FnOnce(u32) -> Uvci) -> Result<Settled, IssueError> {
        if self.renamed.is_some_and(|renamed| wanted.asked_at < renamed.at && wanted.name != renamed.to) {
            return Err(IssueError::Renamed);
        }
        let place = self.standings.iter().position(|standing| standing.dose == wanted.dose);
        if let Some(standing) = place.map(|place| &mut self.standings[place])
            && !standing.revoked
            && standing.says == wanted.says
        {
            if wanted.now_s - standing.signed_at_s < wanted.sign_again_after_s {
                return Ok(Settled::Stands(standing.clone()));
            }
            (standing.signed_at_s, standing.expires_at_s) = (wanted.now_s, wanted.expires_at_s);
            return Ok(Settled::SignedAnew(standing.clone()));
        }
        if place.is_none() && self.standings.len() >= DOSES_MAX {
            return Err(IssueError::TooMany);
        }
        let before = place.map(|place| self.standings.remove(place));
        let issue = before.as_ref().map_or(0, |before| before.issue.saturating_add(1));
        let standing = Standing {
            dose: wanted.dose,
            id: id_of(issue),
            name: wanted.name,
            says: wanted.says,
            issue,
            signed_at_s: wanted.now_s,
            expires_at_s: wanted.expires_at_s,
            revoked: false,
        };
        self.standings.push(standing.clone());
        let ended = before.filter(|before| !before.revoked).map(|before| {
            let renamed = before.name != wanted.name;
            (before, if renamed { RevocationReason::NameChanged } else { RevocationReason::Corrected })
        });
        Ok(Settled::New { standing, ended })
    }

    /// Ends what stands under another name; gives it.
    pub(super) fn rename(&mut self, to: Digest, at: Timestamp) -> Vec<Standing> {
        if self.renamed.is_none_or(|renamed| renamed.to != to) {
            self.renamed = Some(Renamed { to, at });
        }
        let others = self.standings.iter_mut().filter(|standing| !standing.revoked && standing.name != to);
        others
            .map(|standing| {
                standing.revoked = true;
                standing.clone()
            })
            .collect()
    }

    /// Whether all of it ended before a moment: the signatures, and the change of name.
    pub(super) fn has_ended(&self, before: Timestamp) -> bool {
        let signed = |standing: &Standing| Timestamp::from_unix_s(standing.expires_at_s) < before;
        self.standings.iter().all(signed) && self.renamed.is_none_or(|renamed| renamed.at < before)
    }

    /// Ends the certificate with this id; nothing when it does not stand any more.
    pub(super) fn withdraw(&mut self, id: &Uvci) -> Option<Standing> {
        let standing = self.standings.iter_mut().find(|standing| standing.id == *id && !standing.revoked)?;
        standing.revoked = true;
        Some(standing.clone())
    }
}

impl IdRow {
    pub(super) fn read(value: &Value) -> Result<Self, StoreError> {
        value.decode(ID_VERSION, &[]).map_err(|fault| unreadable(&fault.to_string()))
    }

    pub(super) fn part(&self, id: &Uvci) -> Part {
        Part::Put { table: Table::Certificate, key: key_of_id(id), value: Value::encode(ID_VERSION, self) }
    }
}

pub(super) fn key_of_holder(holder: LookupKey) -> Key {
    prefixed(b'h', &holder.0)
}

/// Whose row a key leads to, if to one of a holder.
pub(super) fn holder_of(key: &Key) -> Option<LookupKey> {
    let (b'h', holder) = key.split_first()? else { return None };
    holder.try_into().ok().map(LookupKey)
}

pub(super) fn is_of_id(key: &Key) -> bool {
    key.first() == Some(&b'i')
}

/// Ids are opaque and public, so one may stand in a key.
pub(super) fn key_of_id(id: &Uvci) -> Key {
    prefixed(b'i', id.as_str().as_bytes())
}

pub(super) fn prefixed(kind: u8, rest: &[u8]) -> Key {
    let mut key = Key::new();
    key.push(kind);
    key.extend_from_slice(rest);
    key
}

pub(super) fn unreadable(reason: &str) -> StoreError {
    StoreError::Unreadable { table: Table::Certificate, reason: reason.to_owned() }
}
