//! Every sentence of the service, loaded from Fluent files and checked against Meta's limits.

/// The sentences of both languages.
pub struct Texts;
