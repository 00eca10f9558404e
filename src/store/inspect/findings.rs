//! What was found in a store, and how it is told.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::ports::Lsn;
use crate::store::Hole;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub segments: u64,
    /// Of the segments' files.
    pub journal_bytes: u64,
    /// In the journal that is left.
    pub records: u64,
    /// The LSN of the next record.
    pub next: Lsn,
    /// By kind: how many parts the journal holds, and their bytes.
    pub parts: BTreeMap<&'static str, (u64, u64)>,
    /// All up to here is in the table.
    pub applied: Lsn,
    /// Of the table's files.
    pub table_bytes: u64,
    pub exports: u64,
    pub export_bytes: u64,
    /// Keys that are there in the end, and the bytes of them and their sealed values.
    pub live_keys: u64,
    pub live_bytes: u64,
    pub open_inbox: u64,
    pub open_outbox: u64,
    pub dead_letters: u64,
    /// Equal for stores that hold the same (`standing::State`). Not of a running store, which changes meanwhile,
    /// and not of one that misses something.
    pub state: Option<String>,
    /// Behind the last whole frame: never promised to anybody, cut at the next start.
    pub torn_bytes: u64,
    /// Records that are missing and whose loss nobody has accepted.
    pub holes: Vec<Hole>,
    /// What is there and is not what was written.
    pub broken: Vec<Broken>,
}

/// Something that is there and does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Of the record, or of the table or export as a whole; zero: not known.
    pub lsn: Lsn,
    pub path: PathBuf,
    pub offset: u64,
    pub reason: String,
}

impl Findings {
    /// Nothing is missing and nothing is broken; a torn tail was never promised.
    pub fn all_holds(&self) -> bool {
        self.holes.is_empty() && self.broken.is_empty()
    }

    /// How many records the table is behind the journal.
    pub fn lag_records(&self) -> u64 {
        self.next.0.saturating_sub(1).saturating_sub(self.applied.0)
    }

    /// How many times the live bytes the disk holds.
    #[expect(clippy::cast_precision_loss, reason = "a ratio for a person")]
    pub fn amplification(&self) -> f64 {
        let disk_bytes = self.journal_bytes + self.table_bytes + self.export_bytes;
        disk_bytes as f64 / self.live_bytes.max(1) as f64
    }

    /// For programs: the same figures, by their names.
    pub fn to_json(&self) -> Value {
        let parts = self
            .parts
            .iter()
            .map(|(name, (count, bytes))| ((*name).to_owned(), json!({ "parts": count, "bytes": bytes })));
        let missing = |hole: &Hole| json!({ "from": hole.from.0, "to": hole.to.0, "file": hole.path.display().to_string(), "offset": hole.offset });
        let broken = |broken: &Broken| {
            let Broken { lsn, path, offset, reason } = broken;
            json!({ "lsn": lsn.0, "file": path.display().to_string(), "offset": offset, "reason": reason })
        };
        json!({
            "journal": { "segments": self.segments, "bytes": self.journal_bytes, "records": self.records,
                "next_lsn": self.next.0, "torn_bytes": self.torn_bytes, "kinds": parts.collect::<Map<_, _>>() },
            "table": { "bytes": self.table_bytes, "applied_lsn": self.applied.0, "lag_records": self.lag_records() },
            "exports": { "files": self.exports, "bytes": self.export_bytes },
            "live": { "keys": self.live_keys, "bytes": self.live_bytes, "amplification": self.amplification() },
            "open": { "inbox": self.open_inbox, "outbox": self.open_outbox, "dead_letters": self.dead_letters },
            "state": self.state,
            "missing": self.holes.iter().map(missing).collect::<Vec<_>>(),
            "broken": self.broken.iter().map(broken).collect::<Vec<_>>(),
            "all_holds": self.all_holds(),
        })
    }
}

impl std::fmt::Display for Findings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (lag, amplification) = (self.lag_records(), self.amplification());
        writeln!(f, "journal     {} segments, {} bytes, {} records", self.segments, self.journal_bytes, self.records)?;
        for (name, (count, bytes)) in &self.parts {
            writeln!(f, "  {name}: {count} parts, {bytes} bytes")?;
        }
        writeln!(f, "next        lsn {}", self.next.0)?;
        writeln!(f, "table       {} bytes, {lag} records behind the journal", self.table_bytes)?;
        writeln!(f, "exports     {}, {} bytes", self.exports, self.export_bytes)?;
        writeln!(
            f,
            "live        {} keys, {} bytes; the disk holds {amplification:.1} times",
            self.live_keys, self.live_bytes
        )?;
        writeln!(
            f,
            "open        {} to handle, {} to send, {} dead letters",
            self.open_inbox, self.open_outbox, self.dead_letters
        )?;
        writeln!(f, "torn tail   {} bytes", self.torn_bytes)?;
        if let Some(state) = &self.state {
            writeln!(f, "state       {state}")?;
        }
        for hole in &self.holes {
            let Hole { from, to, path, offset } = hole;
            writeln!(f, "missing     lsn {}..{} (`{}` at offset {offset})", from.0, to.0, path.display())?;
        }
        for broken in &self.broken {
            let Broken { lsn, path, offset, reason } = broken;
            writeln!(f, "broken      lsn {} (`{}` at offset {offset}): {reason}", lsn.0, path.display())?;
        }
        f.write_str(if self.all_holds() { "all holds" } else { "not all holds" })
    }
}
