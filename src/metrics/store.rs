//! The store's metrics: what becomes durable, and how the store stands once a second.

use std::time::Duration;

use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};

use super::STORE_GROUP;
use super::kept::{Counters, Times};

static GROUP: Times = Times::new(STORE_GROUP);
static SYNC: Times = Times::new("siaga_store_sync_seconds");
static PARTS: Counters = Counters::new("siaga_store_parts_total", "kind");

/// How a store stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoreStands {
    /// On its disk.
    pub free_bytes: u64,
    /// Values that are appended and not in the table.
    pub overlay_entries: u64,
    pub overlay_bytes: u64,
    /// Records that the table is behind the journal, and for how long it has not moved meanwhile.
    pub behind_records: u64,
    pub behind_s: u64,
    /// Rows to handle and to send, and the bytes of both.
    pub open_inbox: u64,
    pub open_outbox: u64,
    pub open_bytes: u64,
    pub segments: u64,
    pub table_bytes: u64,
    pub table_cache_bytes: u64,
}

pub(super) fn describe() {
    describe_histogram!(STORE_GROUP, "records that one sync made durable");
    describe_histogram!("siaga_store_sync_seconds", "one sync of the journal");
    describe_counter!("siaga_store_parts_total", "parts of records that became durable, by kind");
    describe_gauge!("siaga_store_free_bytes", "free on the store's disk");
    describe_gauge!("siaga_store_overlay_entries", "values that are appended and not in the table yet");
    describe_gauge!("siaga_store_overlay_bytes", "bytes of values that are durable and not in the table yet");
    describe_gauge!("siaga_store_behind_records", "records that the table is behind the journal");
    describe_gauge!("siaga_store_behind_seconds", "how long the table has not moved although it is behind");
    describe_gauge!("siaga_store_open_rows", "messages to handle (inbox) and replies to send (outbox)");
    describe_gauge!("siaga_store_open_bytes", "bytes of open rows");
    describe_gauge!("siaga_store_segments", "segments of the journal");
    describe_gauge!("siaga_store_table_bytes", "the table's files");
    describe_gauge!("siaga_store_table_cache_bytes", "store.table_cache_bytes, which must exceed the table");
}

/// A group of records became durable.
#[expect(clippy::cast_precision_loss, reason = "a count of records is far below 2^52")]
pub fn group_synced(records: usize, took: Duration) {
    GROUP.record(records as f64);
    SYNC.record(took.as_secs_f64());
}

/// Parts of this kind became durable; `kind` is a constant of the store.
pub fn store_parts(kind: &'static str, count: u64) {
    PARTS.add(kind, count);
}

/// Once a second.
#[expect(clippy::cast_precision_loss, reason = "bytes of a disk as a gauge")]
pub fn store_stands(stands: &StoreStands) {
    gauge!("siaga_store_free_bytes").set(stands.free_bytes as f64);
    gauge!("siaga_store_overlay_entries").set(stands.overlay_entries as f64);
    gauge!("siaga_store_overlay_bytes").set(stands.overlay_bytes as f64);
    gauge!("siaga_store_behind_records").set(stands.behind_records as f64);
    gauge!("siaga_store_behind_seconds").set(stands.behind_s as f64);
    gauge!("siaga_store_open_rows", "box" => "inbox").set(stands.open_inbox as f64);
    gauge!("siaga_store_open_rows", "box" => "outbox").set(stands.open_outbox as f64);
    gauge!("siaga_store_open_bytes").set(stands.open_bytes as f64);
    gauge!("siaga_store_segments").set(stands.segments as f64);
    gauge!("siaga_store_table_bytes").set(stands.table_bytes as f64);
    gauge!("siaga_store_table_cache_bytes").set(stands.table_cache_bytes as f64);
}
