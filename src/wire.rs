//! The Cloud API's bytes: what Meta signs and posts, what it wants posted, and what its errors mean.
//!
//! Floor 0, pure: bytes in, domain types out, and back. Everything that knows a JSON key of Meta's is here
//! (the emulator has types of its own, so that a mistake made here is not made there as well).
//! Nothing here decides what to do with a message; sending it over HTTP is `whatsapp`'s business.

pub mod codes;
pub mod hook;
pub mod outbound;
pub mod payload;
pub mod signature;
