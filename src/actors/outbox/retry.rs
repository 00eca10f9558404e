//! How long a refused send waits.

use crate::domain::time::SECOND_MS;

/// Figures of retries, and chance.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    pub first_ms: i64,
    pub max_ms: i64,
    pub tries_max: u32,
    pub reconcile_ms: i64,
    /// From 0 to 1: full jitter takes this part of the delay.
    pub chance: f64,
}

/// 4^X seconds, as Meta asks for one citizen (cloud-api.md 5).
pub(super) fn pair_backoff(tries: u32, max_ms: i64) -> i64 {
    SECOND_MS.saturating_mul(4_i64.saturating_pow(tries.min(8))).min(max_ms.max(SECOND_MS))
}

impl Retry {
    /// Doubling from the first to the maximum, with full jitter.
    pub(super) fn backoff(self, tries: u32) -> i64 {
        let whole = self.first_ms.saturating_mul(1_i64 << tries.min(30)).min(self.max_ms).max(0);
        scale(whole, self.chance)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a delay of some minutes in ms")]
fn scale(whole: i64, part: f64) -> i64 {
    (whole as f64 * part.clamp(0.0, 1.0)) as i64
}
