//! Pacing of what leaves, kept before Meta refuses: budgets of business numbers, and the pair limit. And of what
//! comes in: who is served now ([`admission`]), and which neighbour is worth calling ([`breaker`]).
//!
//! - [`Budgets`]: what each number may send now: its rate, in and out together, what Meta took of it for a while,
//!   and whether it may send at all ([`Standing`] is the part of that which outlives a restart).
//! - [`Pairs`]: what each citizen may still be sent.
//! - [`Fence`]: how fast each chat is read.
//!
//! Rates, holds and pair buckets are in memory: a restart forgives, and Meta's first refusal says it again. A ban
//! is not forgiven, nor are codes, tries and locks: those are in durable records.
//!
//! [`Fence`] is governor's. The other buckets are our own: governor's quota is fixed and what it gave it never takes
//! back, while a number's rate is cut and recovers ([`aimd`]) and is charged whether there is room or not, a pair's
//! place is given back by a send that did not leave, and the gate ([`admission`]) may be overdrawn.

pub mod admission;
pub mod aimd;
pub mod breaker;
pub mod budgets;
pub mod codes;
pub mod fence;
pub mod niks;
pub mod pairs;
#[cfg(test)]
mod senders;
pub mod standing;

pub use budgets::{Budgets, Room};
pub use fence::Fence;
pub use pairs::{PAIR_BURST, PAIR_EVERY_MS, Pairs};
pub use standing::Standing;
