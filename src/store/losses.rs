//! The losses that an operator has accepted, by name; a start after that does not ask again.
//!
//! A text file, one `FROM..TO` a line, both LSNs lost. It is the record that something was lost at all, so it
//! is never shortened.

use std::ops::RangeInclusive;
use std::path::Path;

use super::disk::{Disk, DiskFailure};
use super::{OpenError, identity};

const FILE: &str = "accepted-losses";

/// The losses accepted at earlier starts and at this one, which is kept before it counts.
pub(super) fn read_and_keep(
    disk: &dyn Disk,
    dir: &Path,
    losses: &[RangeInclusive<u64>],
) -> Result<Vec<RangeInclusive<u64>>, OpenError> {
    let mut accepted = read(disk, dir)?;
    let new: Vec<_> = losses.iter().filter(|loss| !accepted.contains(loss)).cloned().collect();
    if !new.is_empty() {
        accepted.extend(new);
        write(disk, dir, &accepted)?;
    }
    Ok(accepted)
}

pub(super) fn read(disk: &dyn Disk, dir: &Path) -> Result<Vec<RangeInclusive<u64>>, OpenError> {
    let path = dir.join(FILE);
    let bytes = match disk.read(&path) {
        Ok(bytes) => bytes,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(fault) => return Err(DiskFailure::of("read", &path)(fault).into()),
    };
    let text = String::from_utf8_lossy(&bytes);
    text.lines().map(|line| range(line).ok_or_else(|| unreadable(&path, line))).collect()
}

fn write(disk: &dyn Disk, dir: &Path, losses: &[RangeInclusive<u64>]) -> Result<(), DiskFailure> {
    let lines: Vec<String> = losses.iter().map(|loss| format!("{}..{}", loss.start(), loss.end())).collect();
    identity::write_whole(disk, dir, FILE, (lines.join("\n") + "\n").as_bytes())
}

fn range(line: &str) -> Option<RangeInclusive<u64>> {
    let (from, to) = line.split_once("..")?;
    Some(from.parse().ok()?..=to.parse().ok()?)
}

fn unreadable(path: &Path, line: &str) -> OpenError {
    OpenError::Unreadable { path: path.to_owned(), offset: 0, reason: format!("`{line}` is not `FROM..TO`") }
}
