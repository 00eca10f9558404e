//! What a certificate says (domain.md 4); how it is typeset is in `crate::certificate`.

use serde::{Deserialize, Serialize};
use time::Date;

use super::name::Name;
use super::nik::Nik;

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
    pub id: String,
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
