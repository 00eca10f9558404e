//! HTTP in: the webhook for Meta, and the operator's pages.
//!
//! Two listeners, so that a proxy can never open the second to the internet by mistake. Floor 4: knows the
//! switchboard and the pictures of the shards, never a session.

pub mod ops;
pub mod webhook;

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the server is on its way out. One for the process.
#[derive(Debug, Default)]
pub struct Draining(AtomicBool);

impl Draining {
    /// From here on the server takes nothing new.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
