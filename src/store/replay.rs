//! What the journal says: values into the tree, rows, statuses and dead letters as they are at its end.
//!
//! Values up to the LSN that the tree already holds are skipped. Rows are kept sealed until the end is reached,
//! because most of them were closed again.

use std::collections::BTreeMap;

use super::frame::Frame;
use super::part::{self, Kind, PartError, Place, Stored};
use super::pending::Window;
use super::rows::{At, INBOX_ROW_BYTES, Restored, Rows, STATUSES_MAX};
use super::seal::Seal;
use super::segment::Segment;
use super::shared::Recovery;
use super::tree::{self, Tree, TreeFault};
use super::{OpenError, frame, table};
use crate::ports::{Attempt, DeadLetter, Lsn, RowId, Tally};

mod sends;

use sends::Sends;

pub(super) struct Replay<'a> {
    seal: &'a Seal,
    tree: &'a dyn Tree,
    /// What the tree holds.
    applied: Lsn,
    window: Window,
    window_bytes: u64,
    inbox: BTreeMap<RowId, Kept>,
    sends: Sends<'a>,
    dead: BTreeMap<RowId, Kept>,
    /// The newest export, and the journal's bytes behind it.
    exported: Lsn,
    pub since_export: u64,
    /// What was accepted and how it ended, and the record up to which that had been counted before.
    tally: Tally,
    counted: Lsn,
    /// By record and place among its statuses.
    statuses: BTreeMap<(Lsn, u32), Kept>,
}

/// A content that may not be needed.
struct Kept {
    clear: Vec<u8>,
    sealed: Vec<u8>,
    /// The record that it stands in.
    written: Lsn,
}

impl Kept {
    fn of(stored: &Stored<'_>, written: Lsn) -> Self {
        Self { clear: stored.own_clear().to_vec(), sealed: stored.sealed.to_vec(), written }
    }

    fn bytes(&self) -> u32 {
        u32::try_from(self.sealed.len()).unwrap_or(u32::MAX)
    }

    fn open<T: part::Content>(&self, seal: &Seal, kind: Kind, lsn: Lsn) -> Result<T, PartError> {
        part::body(seal, kind, lsn, &self.clear, &self.sealed)
    }
}

impl<'a> Replay<'a> {
    pub(super) fn new(
        seal: &'a Seal,
        table: &'a table::Opened,
        exported: Lsn,
        (window_bytes, rows_max): (u64, usize),
        (counted, tally): (Lsn, Tally),
    ) -> Self {
        Self {
            seal,
            tree: &*table.tree,
            applied: table.applied,
            window: Window::default(),
            window_bytes,
            exported,
            since_export: 0,
            tally,
            counted,
            inbox: BTreeMap::new(),
            sends: Sends::new(seal, rows_max),
            dead: BTreeMap::new(),
            statuses: BTreeMap::new(),
        }
    }

    pub(super) fn record(&mut self, segment: &Segment, frame: &Frame<'_>) -> Result<(), OpenError> {
        let lsn = Lsn(frame.lsn);
        let parts = part::parts(frame.payload).map_err(|fault| OpenError::Unreadable {
            path: segment.path.clone(),
            offset: frame.offset as u64,
            reason: format!("lsn {}: {fault}", lsn.0),
        })?;
        if lsn > self.exported {
            self.since_export += (frame.end - frame.offset) as u64;
        }
        let mut statuses = 0..;
        for stored in &parts {
            let offset = (frame.offset + frame::HEAD + stored.offset) as u64;
            let at = At { segment: segment.first, offset, len: u32::try_from(stored.len).unwrap_or(u32::MAX) };
            self.part(lsn, stored, at, &mut statuses);
        }
        if lsn > self.applied {
            for (key, resting) in parts.iter().filter_map(|stored| tree::read(lsn, stored)) {
                self.window.put(key, resting);
            }
            self.window.through = lsn;
            if self.window.bytes >= self.window_bytes {
                self.apply()?;
            }
        }
        Ok(())
    }

    fn part(&mut self, lsn: Lsn, stored: &Stored<'_>, at: At, statuses: &mut impl Iterator<Item = u32>) {
        match (stored.kind, stored.place) {
            (Kind::OpenInbox, Place::Born(index, _)) => {
                self.inbox.insert(RowId { lsn, index }, Kept::of(stored, lsn));
                self.tally.accepted += u64::from(lsn > self.counted);
            }
            (Kind::OpenOutbox, Place::Born(index, _)) => self.sends.insert(RowId { lsn, index }, stored, at),
            (Kind::CloseInbox, Place::Row(row)) => {
                if self.inbox.remove(&row).is_some() && lsn > self.counted {
                    self.tally.close(stored.closing());
                }
            }
            (Kind::CloseOutbox, Place::Row(row)) => self.sends.remove(row),
            (Kind::AttemptOutbox, Place::Row(row)) => self.sends.attempt(row, Attempt::Never.and(stored.again())),
            (Kind::Status, _) => {
                let place = (lsn, statuses.next().unwrap_or_default());
                self.statuses.insert(place, Kept::of(stored, lsn));
                if self.statuses.len() > STATUSES_MAX {
                    self.statuses.pop_first();
                }
            }
            (Kind::DeadLetter, Place::Nth(index)) => {
                drop(self.dead.insert(RowId { lsn, index }, Kept::of(stored, lsn)));
            }
            (Kind::CloseDeadLetter, Place::Row(row)) => drop(self.dead.remove(&row)),
            (Kind::CarriedOutbox, Place::Carried { id, attempted }) => {
                self.sends.insert(id, stored, at);
                self.sends.attempt(id, attempted);
            }
            (kind, Place::Carried { id, .. }) => {
                let kept = Kept::of(stored, lsn);
                if kind == Kind::CarriedInbox {
                    self.inbox.insert(id, kept);
                } else if kind == Kind::CarriedDeadLetter {
                    self.dead.insert(id, kept);
                } else {
                    self.statuses.insert((id.lsn, id.index), kept);
                }
            }
            (Kind::Put | Kind::Delete, Place::Key(..)) | (Kind::Timer, Place::Timer(..)) => {}
            (kind, _) => unreachable!("a part of kind {kind:?} is read with its own place"),
        }
    }

    fn apply(&mut self) -> Result<(), TreeFault> {
        let Window { values, through, .. } = std::mem::take(&mut self.window);
        tree::apply_all(self.tree, values, through, &mut ())?;
        self.applied = through;
        Ok(())
    }

    /// The end is reached: the tree gets its rest, and what is open is opened. `next`: the LSN after the end.
    /// `anew`: what was counted before cannot be relied on.
    pub(super) fn finish(mut self, next: Lsn, anew: bool) -> Result<(Recovery, Lsn), OpenError> {
        if self.window.through > self.applied {
            self.apply()?;
        }
        if anew {
            let pending = self.inbox.len() as u64;
            self.tally.accepted = Tally { pending, ..self.tally }.accounted_for();
        }
        let applied = self.applied;
        let (rows, open_bytes) = self.open(Lsn(next.0 - 1)).map_err(OpenError::Part)?;
        Ok((Recovery { next, rows, open_bytes, segments: 0 }, applied))
    }

    fn open(self, through: Lsn) -> Result<(Rows, u64), PartError> {
        let mut restored = Restored::default();
        let mut open_bytes = 0;
        for (id, kept) in &self.inbox {
            let bytes = kept.bytes().saturating_add(INBOX_ROW_BYTES);
            restored.inbox.push((*id, kept.open(self.seal, Kind::OpenInbox, id.lsn)?, bytes));
            open_bytes += u64::from(bytes);
        }
        let oldest = self.sends.oldest();
        restored.outbox = self.sends.open()?;
        open_bytes += restored.outbox.iter().map(|send| u64::from(send.bytes)).sum::<u64>();
        if let Some(oldest) = oldest {
            for ((lsn, _), kept) in self.statuses.range((oldest.lsn, u32::MAX)..) {
                restored.statuses.push((*lsn, kept.open(self.seal, Kind::Status, *lsn)?));
            }
        }
        for (id, kept) in &self.dead {
            let letter: DeadLetter = kept.open(self.seal, Kind::DeadLetter, id.lsn)?;
            restored.dead.add(*id, letter.head(), kept.bytes(), kept.written);
        }
        Ok((Rows::restored(restored, self.tally, through), open_bytes))
    }
}
