//! Start marks: a server that starts again and again within a minute is killed by something that it recovers.
//!
//! The mark is durable before anything is read back, and goes when the store is closed in order. At the third
//! within a minute the messages that were in flight become dead letters: an operator finds them, and everyone
//! else is served.

use std::path::Path;

use super::disk::{Disk, DiskFailure};
use super::identity;
use crate::domain::message::DeadReason;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::ports::{Closing, DeadLetter, InboxRow, Part, Record, RowId};

const FILE: &str = "starts";
/// Rows of one record.
const ROWS_MAX: usize = 128;

/// Marks a start. True: it is at least the `starts`-th within a minute. A mark that cannot be read counts as
/// none: it guards against crashes, and must not be one.
pub(super) fn mark(disk: &dyn Disk, dir: &Path, now: Timestamp, starts: usize) -> Result<bool, DiskFailure> {
    let path = dir.join(FILE);
    let text = match disk.read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(fault) => return Err(DiskFailure::of("read", &path)(fault)),
    };
    let mut marks: Vec<i64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    marks.retain(|mark| (0..MINUTE_MS).contains(&(now.0 - mark)));
    marks.push(now.0);
    let lines: Vec<String> = marks.iter().rev().take(starts).rev().map(i64::to_string).collect();
    identity::write_whole(disk, dir, FILE, (lines.join("\n") + "\n").as_bytes())?;
    Ok(marks.len() >= starts)
}

/// A start was refused in order (another key, a hole): it did not crash, and is not counted. A mark that stays is
/// one too many, no harm.
pub(super) fn take_back(disk: &dyn Disk, dir: &Path) {
    let Ok(bytes) = disk.read(&dir.join(FILE)) else { return };
    let text = String::from_utf8_lossy(&bytes);
    let marks: Vec<&str> = text.lines().collect();
    let kept: String = marks.iter().rev().skip(1).rev().flat_map(|mark| [mark, "\n"]).collect();
    let _ = identity::write_whole(disk, dir, FILE, kept.as_bytes());
}

/// The store was closed in order. Not synced: a mark too many is no harm.
pub(super) fn clear(disk: &dyn Disk, dir: &Path) -> Result<(), DiskFailure> {
    let path = dir.join(FILE);
    match disk.remove(&path) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => Err(DiskFailure::of("remove", &path)(fault)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The records that turn rows into dead letters.
pub(super) fn set_aside(rows: &[(RowId, InboxRow)], now: Timestamp) -> Vec<Record> {
    let letter = |row: &InboxRow| DeadLetter {
        at: now,
        reason: DeadReason::CrashLoop,
        contact: Some(row.contact),
        body: postcard::to_stdvec(&row.body).unwrap_or_default(),
    };
    let parts =
        |(id, row): &(RowId, InboxRow)| [Part::DeadLetter(letter(row)), Part::CloseInbox(*id, Closing::DeadLettered)];
    rows.chunks(ROWS_MAX).map(|rows| Record { writer: None, parts: rows.iter().flat_map(parts).collect() }).collect()
}
