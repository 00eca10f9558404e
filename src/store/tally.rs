//! The tally on the disk: what was accepted and how it ended, up to a record.
//!
//! Written before a checkpoint lets go of journal, so the journal behind it always holds the rest of the count. One
//! that is missing or damaged is no reason not to start: the count begins anew, with a warning.

use std::path::Path;

use super::disk::{Disk, DiskFailure};
use super::identity;
use crate::ports::{Lsn, Tally};

const FILE: &str = "tally";
const FORMAT: u16 = 1;

pub(super) fn write(disk: &dyn Disk, dir: &Path, through: Lsn, tally: &Tally) -> Result<(), DiskFailure> {
    let Tally { accepted, answered, absorbed, refused, dead_lettered, pending: _ } = tally;
    let text = format!(
        "siaga tally\nformat {FORMAT}\nthrough {}\naccepted {accepted}\nanswered {answered}\nabsorbed {absorbed}\n\
         refused {refused}\ndead-lettered {dead_lettered}\n",
        through.0
    );
    let text = format!("{text}crc {:08x}\n", crc32c::crc32c(text.as_bytes()));
    identity::write_whole(disk, dir, FILE, text.as_bytes())
}

/// The tally of a directory and the last record that is in it. `None`: nothing that can be relied on.
pub(super) fn read(disk: &dyn Disk, dir: &Path) -> Option<(Lsn, Tally)> {
    let bytes = disk.read(&dir.join(FILE)).ok()?;
    let text = str::from_utf8(&bytes).ok()?;
    let body = &text[..text.rfind("crc ")?];
    if text[body.len()..] != format!("crc {:08x}\n", crc32c::crc32c(body.as_bytes())) {
        return None;
    }
    let field =
        |name: &str| body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<u64>().ok());
    if field("format")? != u64::from(FORMAT) {
        return None;
    }
    let tally = Tally {
        accepted: field("accepted")?,
        answered: field("answered")?,
        absorbed: field("absorbed")?,
        refused: field("refused")?,
        dead_lettered: field("dead-lettered")?,
        pending: 0,
    };
    Some((Lsn(field("through")?), tally))
}
