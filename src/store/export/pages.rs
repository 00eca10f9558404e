//! Reading an export back page by page, and knowing again what stood in the one before. How an export is written and
//! when it gets its name is `export`'s.

use std::cmp::Ordering;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::{Export, ExportFault, Lent, READ_BYTES, decode, first, head};
use crate::ports::Lsn;
use crate::store::disk::{Disk, DiskFailure};
use crate::store::frame::{self, Kind, Read};
use crate::store::identity::StoreId;

/// The pages of an export, in order.
pub(super) struct Pages<'d> {
    disk: &'d dyn Disk,
    path: PathBuf,
    lsn: Lsn,
    store: StoreId,
    buffer: Vec<u8>,
    /// Where the next frame begins in the buffer.
    at: usize,
    /// Where the page stands that was read last.
    page: Range<usize>,
    /// Of the file.
    read_to: u64,
    number: u32,
    pairs: u64,
}

impl<'d> Pages<'d> {
    pub(super) fn new(disk: &'d dyn Disk, path: &Path, lsn: Lsn, store: StoreId) -> Self {
        Self {
            disk,
            path: path.to_owned(),
            lsn,
            store,
            buffer: Vec::new(),
            at: 0,
            page: 0..0,
            read_to: 0,
            number: 0,
            pairs: 0,
        }
    }

    /// The pairs of the next page; whoever gets `None` has seen all of them.
    pub(super) fn next(&mut self) -> Result<Option<Vec<Lent<'_>>>, ExportFault> {
        loop {
            let Read::Frame(found) = frame::read(&self.buffer, self.at) else {
                self.fill()?;
                continue;
            };
            let (kind, page) = (found.kind, found.offset + frame::HEAD..found.end);
            if found.lsn != self.lsn.0 || found.place != self.number {
                return Err(self.damaged("a frame of another export or place stands there"));
            }
            match (kind, self.number) {
                (Kind::Export, 0) if *found.payload == *head(self.store) => {}
                (Kind::Export, 1..) => {
                    self.turn(page.clone());
                    let Some(pairs) = decode(&self.buffer[page]) else { break };
                    self.pairs += pairs.len() as u64;
                    return Ok(Some(pairs));
                }
                (Kind::ExportEnd, 1..) if *found.payload == self.pairs.to_le_bytes() => return Ok(None),
                _ => return Err(self.damaged("this frame does not belong there")),
            }
            self.turn(page);
        }
        Err(self.damaged("its page is cut"))
    }

    fn turn(&mut self, page: Range<usize>) {
        self.at = page.end;
        self.page = page;
        self.number += 1;
    }

    fn fill(&mut self) -> Result<(), ExportFault> {
        let more = self.disk.read_at(&self.path, self.read_to, READ_BYTES);
        let more = more.map_err(DiskFailure::of("read", &self.path))?;
        if more.is_empty() {
            return Err(self.damaged("no whole frame stands there"));
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        self.read_to += more.len() as u64;
        self.buffer.extend_from_slice(&more);
        Ok(())
    }

    fn damaged(&self, reason: &str) -> ExportFault {
        let offset = self.read_to - (self.buffer.len() - self.at) as u64;
        ExportFault::Damaged { path: self.path.clone(), offset, reason: reason.to_owned() }
    }
}

/// What stood in the export before, which was opened to the last value when it was written: what is the same byte for
/// byte under the same key need not be opened again. Most of what rests rests on, so that an export costs what has
/// changed.
pub(super) struct Former<'d> {
    /// `None`: there is none, it has ended, or it cannot be read.
    pages: Option<Pages<'d>>,
    /// Where the next pair begins in its page.
    at: usize,
}

impl<'d> Former<'d> {
    pub(super) fn new(disk: &'d dyn Disk, before: Option<&Export>, store: StoreId) -> Self {
        let pages = before.map(|before| Pages::new(disk, &before.path, before.lsn, store));
        Self { pages, at: 0 }
    }

    /// Whether it held exactly this. To be asked in key order.
    pub(super) fn held(&mut self, key: &[u8], value: &[u8]) -> bool {
        while let Some(pages) = &mut self.pages {
            let page = &pages.buffer[pages.page.clone()];
            if let Some((pair, rest)) = first(page.get(self.at..).unwrap_or_default()) {
                match pair.0.cmp(key) {
                    Ordering::Less => self.at = page.len() - rest.len(),
                    Ordering::Equal => return pair.1 == value,
                    Ordering::Greater => return false,
                }
                continue;
            }
            self.at = 0;
            match pages.next() {
                Ok(Some(_)) => {}
                Ok(None) => self.pages = None,
                Err(fault) => {
                    tracing::error!("the export before cannot be compared with: {fault}");
                    self.pages = None;
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Draft, begin, encode, end, finish};
    use super::*;
    use crate::store::disk::MachineDisk;

    const STORE: StoreId = StoreId([7; 16]);

    /// An export of these pairs, so many a page.
    fn export(dir: &Path, lsn: u64, pairs: &[(Vec<u8>, Vec<u8>)], a_page: usize) -> Export {
        let mut draft: Draft = begin(&MachineDisk, dir, STORE, Lsn(lsn)).unwrap();
        for pairs in pairs.chunks(a_page) {
            let mut page = Vec::new();
            for (key, value) in pairs {
                encode(&mut page, key, value);
            }
            draft.page(&page).unwrap();
        }
        end(&mut draft, pairs.len() as u64).unwrap();
        finish(&MachineDisk, dir, &draft).unwrap()
    }

    fn pairs(numbers: impl Iterator<Item = u32>) -> Vec<(Vec<u8>, Vec<u8>)> {
        numbers.map(|n| (n.to_be_bytes().to_vec(), vec![u8::try_from(n % 251).unwrap(); 9])).collect()
    }

    #[test]
    fn only_what_stood_there_byte_for_byte_under_its_key_is_known_again() {
        let dir = tempfile::tempdir().unwrap();
        let even = pairs((0..1_000).map(|n| n * 2));
        for a_page in [1, 7, 256] {
            let before = export(dir.path(), 5, &even, a_page);
            let mut former = Former::new(&MachineDisk, Some(&before), STORE);
            for (key, mut value) in pairs(0..2_100) {
                let n = u32::from_be_bytes(key[..].try_into().unwrap());
                let changed = n % 3 == 0;
                value[8] ^= u8::from(changed);
                assert_eq!(former.held(&key, &value), n < 2_000 && n % 2 == 0 && !changed, "{n}");
            }
        }
        let mut none = Former::new(&MachineDisk, None, STORE);
        assert!(!none.held(&even[0].0, &even[0].1));
    }

    #[test]
    fn an_export_that_cannot_be_read_knows_nothing_from_there_on() {
        let dir = tempfile::tempdir().unwrap();
        let all = pairs(0..1_000);
        let before = export(dir.path(), 5, &all, 100);
        let mut bytes = std::fs::read(&before.path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&before.path, bytes).unwrap();
        let mut former = Former::new(&MachineDisk, Some(&before), STORE);
        let known: Vec<bool> = all.iter().map(|(key, value)| former.held(key, value)).collect();
        assert!(known[..400].iter().all(|known| *known) && known[500..].iter().all(|known| !known));
        let mut of_another = Former::new(&MachineDisk, Some(&before), StoreId([8; 16]));
        assert!(!of_another.held(&all[0].0, &all[0].1), "an export of another store says nothing of this one");
    }
}
