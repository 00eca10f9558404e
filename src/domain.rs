//! The nouns of the service, each a type that can only hold what is valid.
//!
//! Floor 0: no clock, no network, no disk, no runtime. Personal data (NIK, phone, name, OTP, text) is a
//! newtype whose `Debug` says nothing; none of them implements `Display`. They derive `Serialize` for one
//! reader only: the store, which seals every record before it reaches a disk.
//!
//! What does not belong here: what the service says (`conversation`), what Meta's bytes look like (`wire`).

pub mod call;
pub mod certificate;
pub mod citizen;
pub mod contact;
pub(crate) mod digits;
pub mod keys;
pub mod message;
pub mod name;
pub mod nik;
pub mod otp;
pub mod phone;
pub mod ticket;
pub mod time;
pub mod uvci;

/// Gives a newtype a `Debug` that shows only its name: personal data is never printed.
macro_rules! redacted {
    ($($name:ident),+ $(,)?) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}
pub(crate) use redacted;
