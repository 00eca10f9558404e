//! The losses that an operator has accepted, by name; a start after that does not ask again.
//!
//! A text file, one `FROM..TO` a line, both LSNs lost. It is the record that something was lost at all, so it
//! is never shortened. A line that cannot be read accepts nothing: then the start asks again, by name.

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
    let text = text(disk, dir)?;
    let mut accepted = ranges(&text);
    let new: Vec<_> = losses.iter().filter(|loss| !accepted.contains(loss)).cloned().collect();
    if !new.is_empty() {
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let lines: Vec<String> = new.iter().map(|loss| format!("{}..{}\n", loss.start(), loss.end())).collect();
        identity::write_whole(disk, dir, FILE, format!("{text}{gap}{}", lines.concat()).as_bytes())?;
        accepted.extend(new);
    }
    Ok(accepted)
}

pub(super) fn read(disk: &dyn Disk, dir: &Path) -> Result<Vec<RangeInclusive<u64>>, OpenError> {
    Ok(ranges(&text(disk, dir)?))
}

fn text(disk: &dyn Disk, dir: &Path) -> Result<String, DiskFailure> {
    let path = dir.join(FILE);
    match disk.read(&path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(fault) => Err(DiskFailure::of("read", &path)(fault)),
    }
}

fn ranges(text: &str) -> Vec<RangeInclusive<u64>> {
    let (read, lost): (Vec<_>, Vec<_>) = text.lines().map(range).partition(Option::is_some);
    if !lost.is_empty() {
        tracing::warn!("`{FILE}` has {} lines that are not `FROM..TO`; they accept nothing", lost.len());
    }
    read.into_iter().flatten().collect()
}

fn range(line: &str) -> Option<RangeInclusive<u64>> {
    let (from, to) = line.split_once("..")?;
    Some(from.parse().ok()?..=to.parse().ok()?)
}
