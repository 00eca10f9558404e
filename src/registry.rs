//! Registries: who stands under a phone, and what is recorded of their vaccinations (domain.md 5).
//!
//! One so far, [`embedded`]: synthetic citizens in memory, for the demo, for tests and for load. Both of its
//! ports are implemented by one adapter, since one person's name is on the account and on the certificate.

pub mod embedded;
