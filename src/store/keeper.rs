//! The keeper: a thread that looks at the store once a second, so that nobody who works has to.
//!
//! It measures the disk's room (`space`), makes the reserve when there is room for it, and tells the metrics how
//! the store stands. It decides nothing and holds nothing up. A table that has outgrown four fifths of its cache
//! is told at the start and whenever it happens: past the cache sled's memory grows without bound.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::shared::Shared;
use super::tree::Tree;
use crate::metrics::{self, StoreStands};

const EVERY: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Keeper {
    ended: Mutex<bool>,
    end: Condvar,
}

/// The table, which the keeper only asks for its size.
pub(super) struct Watched {
    pub tree: Arc<dyn Tree>,
    pub cache_bytes: u64,
}

impl Keeper {
    /// Waits for the next look; false: it is over.
    fn next(&self) -> bool {
        let mut ended = self.ended.lock();
        if !*ended {
            self.end.wait_for(&mut ended, EVERY);
        }
        !*ended
    }

    pub(super) fn end(&self) {
        *self.ended.lock() = true;
        self.end.notify_all();
    }
}

pub(super) fn start(shared: Arc<Shared>, watched: Watched) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("siaga-keeper".into()).spawn(move || {
        let (mut before, mut told) = (StoreStands::default(), false);
        let mut applied_before = 0;
        loop {
            shared.space.look();
            shared.space.keep_reserve();
            let applied = shared.applied.load(Ordering::Relaxed);
            let mut now = stands(&shared, &watched, applied);
            if now.behind_records > 0 && applied == applied_before {
                now.behind_s = before.behind_s + EVERY.as_secs();
            }
            metrics::store_stands(&now);
            let outgrown = outgrows(now.table_bytes, watched.cache_bytes);
            if outgrown && !told {
                let (table, cache) = (now.table_bytes, watched.cache_bytes);
                tracing::error!(
                    "the table has {table} bytes, more than four fifths of store.table_cache_bytes ({cache}): raise it before the table outgrows it"
                );
            }
            (told, before, applied_before) = (outgrown, now, applied);
            if !shared.keeper.next() {
                return;
            }
        }
    })
}

fn outgrows(table_bytes: u64, cache_bytes: u64) -> bool {
    table_bytes > cache_bytes / 5 * 4
}

fn stands(shared: &Shared, watched: &Watched, applied: u64) -> StoreStands {
    let (inbox, outbox) = shared.open_rows();
    StoreStands {
        free_bytes: shared.space.free(),
        overlay_entries: shared.overlay.entries() as u64,
        overlay_bytes: shared.pending.bytes(),
        behind_records: (shared.next_to_be_durable().0 - 1).saturating_sub(applied),
        behind_s: 0,
        open_inbox: inbox as u64,
        open_outbox: outbox as u64,
        open_bytes: shared.queue.open_bytes(),
        segments: shared.segments.load(Ordering::Relaxed),
        // A table that cannot say so fails where it is worked with.
        table_bytes: watched.tree.bytes_on_disk().unwrap_or_default(),
        table_cache_bytes: watched.cache_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_told_of_before_it_outgrows_its_cache() {
        assert!(!outgrows(800, 1_000));
        assert!(outgrows(801, 1_000));
        assert!(!outgrows(0, 0));
    }
}
