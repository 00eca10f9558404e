//! Registries: who stands under a phone, and what is recorded of their vaccinations (domain.md 5).
//!
//! [`embedded`]: synthetic citizens in memory, both of its ports, for the demo, for tests and for load.
//! [`satusehat`]: the ministry's FHIR server, for what is recorded. [`directory`]: a ministry's own system, for who
//! stands under a phone and for changes.

pub mod directory;
pub mod embedded;
pub mod http;
pub mod satusehat;
mod told;
