//! What others may see of a shard without asking it: counters it keeps up itself.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use serde::Serialize;

use crate::actors::board::BoardView;
use crate::actors::outbox::LanesView;

/// Written by the shard, read by Root (is it stuck?) and by `/actors`.
#[derive(Debug, Default)]
pub struct Sight {
    beats: AtomicU64,
    sessions: AtomicUsize,
    accounts: AtomicUsize,
    accounts_busy: AtomicUsize,
    restarts: AtomicU64,
    generation: AtomicU64,
}

/// One shard, for `/actors`.
#[derive(Clone, Debug, Serialize)]
pub struct ShardView {
    pub shard: usize,
    pub generation: u64,
    pub restarts: u64,
    pub sessions_awake: usize,
    pub accounts_awake: usize,
    /// With an event in hand or in line, or calls of their own under way.
    pub accounts_busy: usize,
    pub inbox: BoardView,
    pub outbox: LanesView,
}

impl Sight {
    /// It lives.
    pub fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it has lived.
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    /// Notes who is awake.
    pub fn look(&self, sessions: usize, accounts: usize, accounts_busy: usize) {
        self.sessions.store(sessions, Ordering::Relaxed);
        self.accounts.store(accounts, Ordering::Relaxed);
        self.accounts_busy.store(accounts_busy, Ordering::Relaxed);
    }

    /// Notes a start.
    pub fn started(&self, generation: u32) {
        if self.generation.swap(u64::from(generation), Ordering::Relaxed) != 0 {
            self.restarts.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// All that is seen.
    pub fn view(&self, shard: usize, inbox: BoardView, outbox: LanesView) -> ShardView {
        ShardView {
            shard,
            generation: self.generation.load(Ordering::Relaxed),
            restarts: self.restarts.load(Ordering::Relaxed),
            sessions_awake: self.sessions.load(Ordering::Relaxed),
            accounts_awake: self.accounts.load(Ordering::Relaxed),
            accounts_busy: self.accounts_busy.load(Ordering::Relaxed),
            inbox,
            outbox,
        }
    }
}
