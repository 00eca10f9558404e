//! Exporting and trimming, on the applier's thread: while it exports, nobody writes the table.
//!
//! An export follows when the journal since the last one is half of the live data (and a floor): so an export
//! costs a turn the same however much rests, and the journal of two is little more than the live data. Two are kept
//! at every moment, and the journal from the older one. Shortly before an export a segment is begun, so that what
//! it makes needless does not share one with what is needed. A segment goes in this order: the table and its checkpoint are durable past
//! it, two verified exports are, what it holds open is durable at the head, the checkpoint names the first
//! segment that counts, and then the file is removed. A crash anywhere in between repeats or ignores work.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::applier::{Applier, Fault};
use super::carry::{self, Carried};
use super::checkpoint::Checkpoint;
use super::disk::DiskFailure;
use super::export::{self, Export, ExportFault};
use super::segment::{self, Segment};
use super::{part, space, walk};
use crate::ports::Lsn;

impl Applier {
    /// Journal from one export to the next. What was carried comes back with each trimming.
    fn export_after(&self) -> u64 {
        self.export_after_bytes.max(self.live_bytes / 2).max(2 * self.carried_bytes)
    }

    /// Where the segment is begun that the next export lets begin the journal.
    fn segment_after(&self) -> u64 {
        self.export_after() / 8 * 7
    }

    /// Journal until a window has to be cut: where a segment is begun, and where an export is due.
    pub(super) fn until_export(&self) -> u64 {
        let next = [self.segment_after(), self.export_after()].into_iter().find(|at| self.since_export < *at);
        next.map_or(u64::MAX, |at| at - self.since_export)
    }

    /// This much journal is about to be applied.
    pub(super) fn nears_export(&self, journal_bytes: u64) {
        let at = self.segment_after();
        if self.since_export < at && self.since_export.saturating_add(journal_bytes) >= at {
            self.shared.new_segment.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn export_when_due(&mut self) -> Result<(), Fault> {
        let shared = Arc::clone(&self.shared);
        // Somebody looks at the files: they stay until he is done.
        let Some(_hold) = shared.files.try_lock() else { return Ok(()) };
        if self.since_export < self.export_after() || self.exports.last().is_some_and(|last| last.lsn == self.applied) {
            return Ok(());
        }
        // What fits beside it later, will: an export is tried after each window.
        if !shared.space.table_may_write(self.live_bytes) {
            return Ok(());
        }
        self.check_point()?;
        let dir = export::dir(&self.dir);
        let (own, before) = ((self.store, &shared.seal), self.exports.last());
        let written = export::write(&*shared.disk, &dir, own, &*self.tree, self.applied, before);
        let (export, bytes) = match written {
            Ok(written) => written,
            Err(ExportFault::Disk(failure)) if failure.is_full() => {
                space::clear(&*shared.disk, &dir.join(export::DRAFT));
                tracing::warn!("no export for now: the store {failure}");
                return Ok(());
            }
            Err(ExportFault::Disk(failure)) => return Err(failure.into()),
            Err(ExportFault::Tree(fault)) => return Err(fault.into()),
            Err(fault @ ExportFault::Damaged { .. }) => {
                self.since_export = 0;
                tracing::error!("an export does not read back and does not count; nothing is trimmed: {fault}");
                return Ok(());
            }
        };
        tracing::info!("exported {bytes} bytes at lsn {}", export.lsn.0);
        self.since_export = 0;
        self.live_bytes = bytes;
        self.exports.push(export);
        self.trim()
    }

    fn trim(&mut self) -> Result<(), Fault> {
        let [.., older, _] = &self.exports[..] else { return Ok(()) };
        let older = older.lsn;
        let floor = older.min(self.checkpoint.applied);
        let segments = segment::list(&*self.shared.disk, &self.dir.join("journal"))?;
        let dead = segments.windows(2).take_while(|pair| pair[1].first.0 - 1 <= floor.0).count();
        if dead > 0 {
            let first_kept = segments[dead].first;
            if !self.carry_all(&segments[..dead], first_kept) {
                return Ok(());
            }
            let checkpoint = Checkpoint { from: first_kept, ..self.checkpoint };
            if !self.write_down(checkpoint)? {
                return Ok(());
            }
            for segment in &segments[..dead] {
                self.remove(&segment.path)?;
                self.shared.segments.fetch_sub(1, Ordering::Relaxed);
            }
        }
        let (old, kept): (Vec<Export>, Vec<Export>) = self.exports.drain(..).partition(|export| export.lsn < older);
        self.exports = kept;
        old.iter().try_for_each(|export| self.remove(&export.path))
    }

    fn remove(&self, path: &std::path::Path) -> Result<(), Fault> {
        Ok(self.shared.disk.remove(path).map_err(DiskFailure::of("remove", path))?)
    }

    /// Makes what is open in these segments durable at the head. False: not now, and nothing may be trimmed.
    fn carry_all(&mut self, dead: &[Segment], next: Lsn) -> bool {
        self.carried_bytes = 0;
        let mut statuses = VecDeque::new();
        for (at, segment) in dead.iter().enumerate() {
            let next = dead.get(at + 1).map_or(next, |later| later.first);
            let Some(carried) = self.open_in(segment, next) else { return false };
            let (news, carried): (Vec<_>, Vec<_>) = carried.into_iter().partition(|one| one.kind == part::Kind::Status);
            statuses.extend(news);
            // One row that stays open for long keeps every later status alive.
            let too_many = statuses.len().saturating_sub(carry::STATUSES_MAX);
            statuses.drain(..too_many);
            if !self.carry(carried) {
                return false;
            }
        }
        self.carry(statuses.into())
    }

    /// Makes these durable at the head.
    fn carry(&mut self, carried: Vec<Carried>) -> bool {
        for record in carry::records(carried) {
            self.carried_bytes += record.iter().map(Carried::bytes).sum::<usize>() as u64;
            let Ok(ticket) = self.shared.queue.carry(record) else { return false };
            if ticket.durable.blocking_recv().is_err() {
                return false;
            }
        }
        true
    }

    /// What a segment holds that may be open; `None`: it is damaged, and stays as evidence.
    fn open_in(&self, segment: &Segment, next: Lsn) -> Option<Vec<Carried>> {
        let shared = &self.shared;
        let oldest = shared.oldest_outbox();
        let mut carried = Vec::new();
        let one = std::slice::from_ref(segment);
        let end = walk::walk(&*shared.disk, one, self.store, segment.first, &self.accepted, &mut |_, frame| {
            let parts = part::parts(frame.payload)?;
            let mut found = Carried::all_of(Lsn(frame.lsn), &parts, oldest);
            found.retain(|one| shared.still_open(one));
            carried.append(&mut found);
            Ok(())
        });
        let lost = |from: Lsn| self.accepted.iter().any(|all| all.contains(&from.0) && all.contains(&(next.0 - 1)));
        match end {
            Ok(end) if end.next == next || lost(end.next) => Some(carried),
            Ok(end) => {
                let path = segment.path.display();
                tracing::error!("`{path}` ends at lsn {}, not at {}; it is not trimmed", end.next.0, next.0);
                None
            }
            Err(fault) => {
                tracing::error!("`{}` is not trimmed: {fault}", segment.path.display());
                None
            }
        }
    }
}
