//! How the emulated Meta behaves all through a scenario. What goes wrong at a moment is a trouble.

use anyhow::ensure;
use serde::Deserialize;

/// The emulated WhatsApp.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhatsApp {
    /// Business numbers, and Meta's limit on each, in and out together. Citizens are spread over them.
    pub(crate) numbers: usize,
    pub(crate) messages_per_s: u32,
    /// Meta's answer time at `/messages`.
    pub(crate) latency_ms: u64,
    /// `delivered` follows after this long, `sent` after half of it, `read` half a second later.
    pub(crate) status_delay_ms: u64,
    /// Statuses come in any order; so many may share a POST, gathered for so long.
    #[serde(default)]
    pub(crate) statuses_shuffled: bool,
    #[serde(default = "one")]
    pub(crate) statuses_batch_max: usize,
    #[serde(default)]
    pub(crate) statuses_gather_ms: u64,
    /// So many messages of different citizens may share a POST, gathered for so long.
    #[serde(default = "one")]
    pub(crate) messages_batch_max: usize,
    #[serde(default)]
    pub(crate) messages_gather_ms: u64,
    /// So many of a hundred POSTs of messages come a second time, this long after the first.
    #[serde(default)]
    pub(crate) duplicates_percent: u32,
    #[serde(default)]
    pub(crate) duplicate_after_ms: u64,
    /// Each POST of messages is held up for 0 to so long, so that one may overtake another.
    #[serde(default)]
    pub(crate) jitter_ms: u64,
    /// What is not answered with 200 within `post_timeout_ms` comes again at once, then after gaps that double.
    #[serde(default = "post_timeout_ms")]
    pub(crate) post_timeout_ms: u64,
    #[serde(default = "redelivery_gap_ms")]
    pub(crate) redelivery_gap_ms: u64,
    #[serde(default = "redelivery_gap_max_ms")]
    pub(crate) redelivery_gap_max_ms: u64,
}

impl WhatsApp {
    /// One that answers at once and tells nothing of what became of a message.
    pub(crate) fn instant(numbers: usize, messages_per_s: u32) -> Self {
        Self {
            numbers,
            messages_per_s,
            latency_ms: 0,
            status_delay_ms: 0,
            statuses_shuffled: false,
            statuses_batch_max: 1,
            statuses_gather_ms: 0,
            messages_batch_max: 1,
            messages_gather_ms: 0,
            duplicates_percent: 0,
            duplicate_after_ms: 0,
            jitter_ms: 0,
            post_timeout_ms: post_timeout_ms(),
            redelivery_gap_ms: redelivery_gap_ms(),
            redelivery_gap_max_ms: redelivery_gap_max_ms(),
        }
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!((1..=100).contains(&self.numbers), "`whatsapp.numbers` must be 1 to 100");
        ensure!((1..=1_000).contains(&self.messages_per_s), "`whatsapp.messages_per_s` must be 1 to 1000");
        ensure!(self.duplicates_percent <= 100, "`whatsapp.duplicates_percent` must be 0 to 100");
        for batch in [self.statuses_batch_max, self.messages_batch_max] {
            ensure!((1..=1_000).contains(&batch), "`whatsapp.…_batch_max` must be 1 to 1000, as Meta batches");
        }
        Ok(())
    }
}

fn one() -> usize {
    1
}

fn post_timeout_ms() -> u64 {
    10_000
}

fn redelivery_gap_ms() -> u64 {
    1_000
}

fn redelivery_gap_max_ms() -> u64 {
    300_000
}
