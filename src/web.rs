//! HTTP in: the webhook for Meta, and the operator's pages.
//!
//! Two listeners, so that a proxy can never open the second to the internet by mistake. Floor 4: knows the
//! switchboard and the pictures of the shards, never a session.

pub mod certificates;
pub mod desk;
pub mod ops;
pub mod webhook;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Whether the server is on its way out. One for the process.
#[derive(Debug, Default)]
pub struct Draining {
    begun: AtomicBool,
    posts: AtomicUsize,
}

/// A post that is being answered.
#[derive(Debug)]
pub struct Posting(Arc<Draining>);

impl Drop for Posting {
    fn drop(&mut self) {
        self.0.posts.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Draining {
    /// From here on the server takes nothing new.
    pub fn begin(&self) {
        self.begun.store(true, Ordering::SeqCst);
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::SeqCst)
    }

    /// A post comes in; `None` when a drain has begun. A drain waits for those that came before it.
    pub fn post(self: &Arc<Self>) -> Option<Posting> {
        self.posts.fetch_add(1, Ordering::SeqCst);
        let posting = Posting(Arc::clone(self));
        (!self.has_begun()).then_some(posting)
    }

    /// Posts that are being answered.
    pub fn posts(&self) -> usize {
        self.posts.load(Ordering::SeqCst)
    }
}
