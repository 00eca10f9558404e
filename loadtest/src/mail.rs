//! Meta's side of the way in: which messages share a POST, which comes late, and which comes twice.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use siaga::emulator::{Emulator, Saying};
use tokio::time::sleep;

use crate::scenario::WhatsApp;

/// Hands what citizens say to the emulator. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Mail {
    emulator: Emulator,
    meta: WhatsApp,
    /// Turns that wait for others to share a POST with.
    waiting: Arc<Mutex<Vec<Saying>>>,
    /// Turns that could not be posted: the load tester's own bound.
    pub(crate) refused: Arc<Mutex<u64>>,
}

impl Mail {
    pub(crate) fn new(emulator: Emulator, meta: WhatsApp) -> Self {
        Self { emulator, meta, waiting: Arc::default(), refused: Arc::default() }
    }

    /// A turn of one citizen: it stays together.
    pub(crate) fn send(&self, sayings: Vec<Saying>, dice: &mut StdRng) {
        let held_ms = if self.meta.jitter_ms > 0 { dice.random_range(0..=self.meta.jitter_ms) } else { 0 };
        let twice = dice.random_range(0..100) < self.meta.duplicates_percent;
        if held_ms == 0 && !twice {
            self.gather(sayings);
            return;
        }
        let mail = self.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(held_ms)).await;
            let again = twice.then(|| sayings.clone());
            mail.gather(sayings);
            if let Some(again) = again {
                sleep(Duration::from_millis(mail.meta.duplicate_after_ms)).await;
                mail.gather(again);
            }
        });
    }

    fn gather(&self, sayings: Vec<Saying>) {
        if self.meta.messages_batch_max <= 1 {
            self.post(sayings);
            return;
        }
        let full = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let first = waiting.is_empty();
            waiting.extend(sayings);
            let full = waiting.len() >= self.meta.messages_batch_max;
            if first && !full {
                let mail = self.clone();
                tokio::spawn(async move {
                    sleep(Duration::from_millis(mail.meta.messages_gather_ms)).await;
                    mail.post(mail.taken());
                });
            }
            full
        };
        if full {
            self.post(self.taken());
        }
    }

    fn taken(&self) -> Vec<Saying> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn post(&self, sayings: Vec<Saying>) {
        let count = sayings.len();
        if count > 0 && self.emulator.post(sayings).is_err() {
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) += u64::try_from(count).unwrap_or(u64::MAX);
        }
    }
}
