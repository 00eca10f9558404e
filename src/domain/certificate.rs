//! What a certificate says (domain.md 4); how it is typeset and signed is in `crate::certificate`.

use serde::{Deserialize, Serialize};
use time::Date;

use super::citizen::PersonId;
use super::name::Name;
use super::nik::Nik;
use super::time::Timestamp;
use super::uvci::Uvci;

/// The language of a chat, and so of its certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Language {
    #[default]
    Indonesian,
    English,
}

/// All that is printed on one certificate of one dose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The registry's number of it. Printed only where it has no id that can be verified (`domain::uvci`).
    pub id: String,
    /// Whose it is: under which it stands in the register of issued ones.
    pub person: PersonId,
    /// When it was asked for, with the name as it was then.
    pub asked_at: Timestamp,
    /// The whole name, as the registry has it at the moment of asking.
    pub name: Name,
    /// Printed masked (`crate::certificate`), never whole.
    pub nik: Nik,
    pub birth_date: Date,
    pub dose: u8,
    pub date: Date,
    pub vaccine: String,
    pub batch: String,
    pub language: Language,
}

/// A certificate that is no longer to be believed although its signature is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    pub id: Uvci,
    pub at: Timestamp,
    pub reason: RevocationReason,
    /// When its signature ends anyway, seconds since 1970: from then on nobody needs to look for it.
    pub expires_at_s: i64,
}

/// Why a certificate was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RevocationReason {
    /// Its citizen changed his name.
    NameChanged,
    /// The record that it was made from says something else now.
    Corrected,
    /// An operator took it back.
    Withdrawn,
}

impl RevocationReason {
    /// As the public list writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NameChanged => "name_changed",
            Self::Corrected => "corrected",
            Self::Withdrawn => "withdrawn",
        }
    }
}
