//! Segments: the files that the journal is made of.
//!
//! A segment is named after the first LSN that may stand in it and begins with a start frame (format, store,
//! time). A new one is begun only when everything in the one before is durable, and its own start frame and
//! name are durable before a record is written to it. So the mere presence of a later segment proves that
//! nothing before it was still on its way.
//!
//! Zeros are written ahead of the records, a piece at a time. A sync whose file grew has its length to write as well,
//! a second write of the disk; one that finds the room there has not, and takes a third of the processor's time and
//! half of the clock's. So a segment may end in zeros, which are no frames; whoever leaves it cuts them off.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, DiskFailure, DiskFile};
use super::frame;
use super::identity::StoreId;
use super::space;
use crate::domain::time::Timestamp;
use crate::ports::Lsn;

/// Of the frames and of what is in them. A reader refuses a newer one.
pub(super) const FORMAT: u16 = 1;

/// Zeros that are written ahead at once, at most.
pub(super) const AHEAD_MAX: usize = 1 << 20;
static ZEROS: [u8; AHEAD_MAX] = [0; AHEAD_MAX];

/// A segment on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub first: Lsn,
    pub path: PathBuf,
}

/// The segment that is written to.
pub(super) struct Head {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    store: StoreId,
    first: Lsn,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    offset: u64,
    /// Up to here the file is written, with zeros from `offset` on.
    ahead: u64,
}

pub(super) fn name(first: Lsn) -> String {
    format!("{:020}.seg", first.0)
}

/// The segments in a directory, oldest first. Other files are not looked at.
pub(super) fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<Segment>, DiskFailure> {
    let names = disk.list(dir).map_err(DiskFailure::of("list", dir))?;
    let first = |name: &str| name.strip_suffix(".seg").filter(|digits| digits.len() == 20)?.parse().ok();
    let mut segments: Vec<_> =
        names.iter().filter_map(|name| Some(Segment { first: Lsn(first(name)?), path: dir.join(name) })).collect();
    segments.sort_by_key(|segment| segment.first);
    Ok(segments)
}

/// What a start frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub format: u16,
    pub store: StoreId,
    pub begun_at: Timestamp,
}

impl Start {
    fn write(self, first: Lsn) -> Vec<u8> {
        let mut bytes = Vec::new();
        let start = frame::begin(&mut bytes, first.0, 0, frame::Kind::Start);
        bytes.extend_from_slice(&self.format.to_le_bytes());
        bytes.extend_from_slice(&self.store.0);
        bytes.extend_from_slice(&self.begun_at.0.to_le_bytes());
        frame::finish(&mut bytes, start);
        bytes
    }

    /// From a start frame's payload; `None`: too short to say.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        Some(Self {
            format: u16::from_le_bytes(payload.get(..2)?.try_into().ok()?),
            store: StoreId(payload.get(2..18)?.try_into().ok()?),
            begun_at: Timestamp(i64::from_le_bytes(payload.get(18..26)?.try_into().ok()?)),
        })
    }
}

impl Head {
    /// Begins a segment: durable with its name before this returns.
    pub(super) fn begin(
        disk: Arc<dyn Disk>,
        dir: &Path,
        store: StoreId,
        first: Lsn,
        now: Timestamp,
    ) -> Result<Self, DiskFailure> {
        let path = dir.join(name(first));
        let file = disk.create(&path).map_err(DiskFailure::of("create", &path))?;
        let start = Start { format: FORMAT, store, begun_at: now }.write(first);
        file.write_at(0, &start).map_err(DiskFailure::of("write", &path))?;
        file.sync().map_err(DiskFailure::of("sync", &path))?;
        disk.sync_dir(dir).map_err(DiskFailure::of("sync", dir))?;
        let offset = start.len() as u64;
        Ok(Self { disk, dir: dir.to_owned(), store, first, path, file, offset, ahead: offset })
    }

    /// Goes on in a segment that ends at `offset`: whatever stands behind is cut off, durably. Its name is made
    /// durable too: a process killed right after `create` leaves a segment that only the page cache knows.
    pub(super) fn resume(
        disk: Arc<dyn Disk>,
        dir: &Path,
        store: StoreId,
        segment: &Segment,
        offset: u64,
    ) -> Result<Self, DiskFailure> {
        let path = segment.path.clone();
        let file = disk.open(&path).map_err(DiskFailure::of("open", &path))?;
        file.set_len(offset).map_err(DiskFailure::of("cut", &path))?;
        file.sync().map_err(DiskFailure::of("sync", &path))?;
        disk.sync_dir(dir).map_err(DiskFailure::of("sync", dir))?;
        Ok(Self { disk, dir: dir.to_owned(), store, first: segment.first, path, file, offset, ahead: offset })
    }

    /// The next segment, beginning with `first`. All that was written here must be durable.
    pub(super) fn next(&mut self, first: Lsn, now: Timestamp) -> Result<Self, DiskFailure> {
        self.cut()?;
        let begun = Self::begin(Arc::clone(&self.disk), &self.dir, self.store, first, now);
        if begun.as_ref().is_err_and(DiskFailure::is_full) {
            // Nothing stands in it yet. It is begun again before anything is written elsewhere.
            space::clear(&*self.disk, &self.dir.join(name(first)));
        }
        begun
    }

    /// `ahead`: so many zeros follow when there is no room for the bytes yet.
    pub(super) fn write(&mut self, bytes: &[u8], ahead: usize) -> Result<(), DiskFailure> {
        let end = self.offset + bytes.len() as u64;
        if end > self.ahead {
            self.ahead = end;
            let zeros = &ZEROS[..ahead.min(AHEAD_MAX)];
            match self.file.write_at(end, zeros) {
                Ok(()) => self.ahead += zeros.len() as u64,
                // There may yet be room for what has to be written.
                Err(fault) if space::is_full(&fault) => {}
                Err(fault) => return Err(DiskFailure::of("write", &self.path)(fault)),
            }
        }
        self.file.write_at(self.offset, bytes).map_err(DiskFailure::of("write", &self.path))?;
        self.offset = end;
        Ok(())
    }

    /// Gives back what was written ahead. Not synced: zeros that come back with a crash harm nobody.
    pub(super) fn cut(&mut self) -> Result<(), DiskFailure> {
        if self.ahead > self.offset {
            self.file.set_len(self.offset).map_err(DiskFailure::of("cut", &self.path))?;
            self.ahead = self.offset;
        }
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), DiskFailure> {
        self.file.sync().map_err(DiskFailure::of("sync", &self.path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its name.
    pub(super) fn first(&self) -> Lsn {
        self.first
    }

    pub(super) fn bytes(&self) -> u64 {
        self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MachineDisk;

    #[test]
    fn what_is_written_ahead_is_no_frame_and_is_cut_off_by_whoever_leaves() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = StoreId([7; 16]);
        let mut head = Head::begin(Arc::new(MachineDisk), folder.path(), store, Lsn(1), Timestamp(1)).expect("begun");
        let mut mark = Vec::new();
        let start = frame::begin(&mut mark, 1, 0, frame::Kind::Mark);
        frame::finish(&mut mark, start);
        let len = |head: &Head| std::fs::metadata(head.path()).expect("a file").len();
        for _ in 0..200 {
            head.write(&mark, 1_000).expect("written");
            let ahead = len(&head) - head.bytes();
            assert!(ahead <= 1_000, "{ahead}");
        }
        assert!(len(&head) > head.bytes());
        let bytes = std::fs::read(head.path()).expect("read");
        let end = usize::try_from(head.bytes()).expect("small");
        assert!(matches!(frame::read(&bytes, end), frame::Read::End));
        let left = head.next(Lsn(2), Timestamp(2)).map(|_| len(&head));
        assert_eq!(left.expect("begun"), head.bytes());
    }
}
