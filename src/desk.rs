//! Reports for people: numbered, due, stored.
