//! A person in the registry, and what is recorded of his vaccinations.

use serde::{Deserialize, Serialize};
use time::Date;

use super::name::Name;
use super::nik::Nik;
use super::redacted;
use super::time::Timestamp;

/// The registry's own opaque name of a person. Not the NIK; may be kept after a session, sealed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PersonId(pub String);

redacted!(PersonId);

/// A person registered under a phone (`AccountDirectory`). At most six a phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: PersonId,
    pub nik: Nik,
    /// The name on certificates today.
    pub name: Name,
    /// The first or verified name: what an automatic change is measured against (conversation.md 6).
    pub verified_name: Name,
    /// The name the population register has for this NIK, when the directory knows it.
    pub civil_name: Option<Name>,
    pub standing: Standing,
    /// The last automatic change of the name, if any: one in 30 days.
    pub name_changed_at: Option<Timestamp>,
}

/// Whether a record may be opened by chat at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    Open,
    /// Protected by the ministry: reads as a miss.
    Protected,
    /// Dead: reads as a miss.
    Deceased,
}

/// The vaccinations of a person (`ImmunizationRegistry`), doses in ascending order of number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaccinationRecord {
    pub birth_date: Date,
    /// Empty: no vaccination is recorded.
    pub doses: Vec<Dose>,
}

/// One vaccination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dose {
    /// 1, 2, 3 (booster) …
    pub number: u8,
    /// The day in Indonesia.
    pub date: Date,
    /// The vaccine's name as printed, "CoronaVac".
    pub vaccine: String,
    pub batch: String,
    /// The certificate's id once it is issued; `None`: recorded, not issued yet.
    pub certificate: Option<String>,
}

impl VaccinationRecord {
    /// The doses that have a certificate.
    pub fn issued(&self) -> impl Iterator<Item = &Dose> {
        self.doses.iter().filter(|dose| dose.certificate.is_some())
    }
}
