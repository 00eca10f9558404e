//! The national identity number (NIK): 16 digits, `PPRRSS DDMMYY NNNN` (domain.md 3.1).

use serde::{Deserialize, Serialize};

use super::redacted;

/// A NIK of the right length and form. Whether anyone holds it, only the registry knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Nik(u64);

redacted!(Nik);

/// Why sixteen digits (or fewer, or more) are not a NIK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NikError {
    /// Said to the citizen with the count, so that he can look again.
    #[error("a nik has 16 digits, {0} came")]
    Length(usize),
    /// The date or the serial cannot be: asked again once, then left to the registry (domain.md 3.1).
    /// Some real ones are so: the date in a NIK is not corrected even when it is wrong.
    #[error("digits 7 to 16 are not a birth date and a serial")]
    Form(Nik),
}

impl Nik {
    /// The 16 digits. Personal data: for the registry and the sealed store only.
    pub fn digits(self) -> String {
        format!("{:016}", self.0)
    }

    /// The number itself, as a key for keyed hashing. Personal data.
    pub fn number(self) -> u64 {
        self.0
    }

    pub(super) fn from_number(number: u64) -> Self {
        Self(number)
    }
}
