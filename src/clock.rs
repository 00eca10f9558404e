//! The machine's clock, and one that a test owns.
