//! Registries: the embedded one of synthetic citizens.
