//! The keeper: a thread that looks at the store once a second, so that nobody who works has to.
//!
//! It measures the disk's room (`space`), makes the reserve when there is room for it, and tells the metrics how
//! the store stands. It decides nothing and holds nothing up.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::shared::Shared;

const EVERY: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Keeper {
    ended: Mutex<bool>,
    end: Condvar,
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

pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("siaga-keeper".into()).spawn(move || {
        loop {
            shared.space.look();
            shared.space.keep_reserve();
            if !shared.keeper.next() {
                return;
            }
        }
    })
}
