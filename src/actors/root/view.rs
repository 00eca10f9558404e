//! What others may see of the tree without asking it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::Health;
use crate::actors::Shards;
use crate::actors::shard::view::{ShardView, Sight};
use crate::domain::time::Timestamp;

/// Root looks every second; without a look for this long it has died, or its thread has.
const ROOT_STILL: Duration = Duration::from_secs(30);

/// What is seen of Root and of each shard.
#[derive(Debug)]
pub struct Sights {
    pub shards: Vec<Arc<Sight>>,
    begun: Instant,
    /// Milliseconds since then.
    looked_at: AtomicU64,
    looks: AtomicU64,
    restarts: AtomicU64,
    lost_threads: AtomicUsize,
    failed: std::sync::atomic::AtomicBool,
}

/// Root, for `/actors`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RootView {
    pub state: &'static str,
    pub looks: u64,
    /// Of shards.
    pub restarts: u64,
    pub lost_threads: usize,
}

/// The whole tree, as `/actors` shows it and tests read it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TreeView {
    pub root: RootView,
    pub shards: Vec<ShardView>,
}

impl Sights {
    pub(super) fn new(shards: usize) -> Self {
        Self {
            shards: (0..shards).map(|_| Arc::new(Sight::default())).collect(),
            begun: Instant::now(),
            looked_at: AtomicU64::new(0),
            looks: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            lost_threads: AtomicUsize::new(0),
            failed: std::sync::atomic::AtomicBool::new(false),
        }
    }

    pub(super) fn looked(&self) {
        let at = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.looked_at.store(at, Ordering::Relaxed);
        self.looks.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn restarted(&self, lost_thread: bool) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        self.lost_threads.fetch_add(usize::from(lost_thread), Ordering::Relaxed);
    }

    pub(super) fn stands(&self, health: Health) {
        self.failed.store(health == Health::Failed, Ordering::Relaxed);
    }

    /// Who has work and does not move, by name; `None`: all is well.
    pub fn stuck(&self) -> Option<String> {
        let looked_at = Duration::from_millis(self.looked_at.load(Ordering::Relaxed));
        if self.failed.load(Ordering::Relaxed) || self.begun.elapsed().saturating_sub(looked_at) > ROOT_STILL {
            return Some("root".to_owned());
        }
        let mut shards = self.shards.iter().enumerate();
        shards.find_map(|(shard, sight)| sight.stuck().map(|what| format!("{what} {shard}")))
    }

    /// A picture of the tree.
    pub fn view(&self, shards: &Shards, now: Timestamp) -> TreeView {
        let of = |(shard, sight): (usize, &Arc<Sight>)| {
            sight.view(shard, now, shards.board(shard).view(), shards.lanes(shard).view())
        };
        TreeView {
            root: RootView {
                state: if self.failed.load(Ordering::Relaxed) { "failed" } else { "running" },
                looks: self.looks.load(Ordering::Relaxed),
                restarts: self.restarts.load(Ordering::Relaxed),
                lost_threads: self.lost_threads.load(Ordering::Relaxed),
            },
            shards: self.shards.iter().enumerate().map(of).collect(),
        }
    }
}
