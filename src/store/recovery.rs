//! Opening a store: the lock, the name card, and the journal read back into values and open rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::committer;
use super::disk::{Disk, DiskFailure};
use super::frame::Frame;
use super::journal::{Journal, Shared};
use super::overlay::{self, Entry, Overlay};
use super::part::{self, Kind, PartError, Place, Stored};
use super::queue::Queue;
use super::rows::{Change, Rows};
use super::seal::Seal;
use super::segment::{self, Head, Segment};
use super::walk::{self, End};
use super::{OpenError, Options, identity, losses};
use crate::domain::keys::ServerKeys;
use crate::ports::{Clock, DeadLetter, Lsn, RowId, Value};

/// What the journal says, read from its beginning.
struct Replay<'a> {
    seal: &'a Seal,
    overlay: Overlay,
    rows: Rows,
    open_bytes: u64,
    dead: BTreeMap<RowId, DeadLetter>,
}

pub(super) fn open(
    disk: Arc<dyn Disk>,
    options: &Options,
    keys: &ServerKeys,
    clock: Arc<dyn Clock>,
) -> Result<Journal, OpenError> {
    let journal_dir = options.path.join("journal");
    disk.create_dir(&journal_dir).map_err(DiskFailure::of("create", &journal_dir))?;
    let lock_path = options.path.join("lock");
    let lock = disk.lock(&lock_path).map_err(|fault| {
        if fault.kind() == std::io::ErrorKind::WouldBlock {
            OpenError::Locked { path: options.path.clone() }
        } else {
            DiskFailure::of("lock", &lock_path)(fault).into()
        }
    })?;
    let seal = Seal::new(keys);
    let store = identity::read_or_create(&*disk, &options.path, seal.key_id())?;
    // A process that was killed may have left names that only the page cache knows; we build on them.
    disk.sync_dir(&options.path).map_err(DiskFailure::of("sync", &options.path))?;
    let segments = segment::list(&*disk, &journal_dir)?;
    let mut replay = Replay {
        seal: &seal,
        overlay: Overlay::default(),
        rows: Rows::default(),
        open_bytes: 0,
        dead: BTreeMap::new(),
    };
    let mut accepted = losses::read(&*disk, &options.path)?;
    if let Some(loss) = options.accept_loss.clone().filter(|loss| !accepted.contains(loss)) {
        accepted.push(loss);
        losses::write(&*disk, &options.path, &accepted)?;
    }
    let end =
        walk::walk(&*disk, &segments, store, Lsn(1), &accepted, &mut |segment, frame| replay.record(segment, frame))?;
    let Replay { overlay, rows, open_bytes, dead, .. } = replay;
    let End { next, head, torn_bytes } = end;
    if torn_bytes > 0 {
        tracing::warn!(
            "the journal's end was torn: {torn_bytes} bytes that nobody was promised are cut before lsn {}",
            next.0
        );
    }
    let head = if let Some((last, offset)) = head {
        Head::resume(Arc::clone(&disk), &journal_dir, store, &last, offset)?
    } else {
        if let Some(torn) = segments.last() {
            disk.remove(&torn.path).map_err(DiskFailure::of("remove", &torn.path))?;
        }
        Head::begin(Arc::clone(&disk), &journal_dir, store, next, clock.now())?
    };
    let queue = Queue::new(options, next, open_bytes);
    let shared = Arc::new(Shared::new(disk, seal, clock, queue, overlay, rows, dead, lock));
    let thread = committer::start(Arc::clone(&shared), head, options).map_err(OpenError::Thread)?;
    Ok(Journal::new(shared, thread))
}

impl Replay<'_> {
    fn record(&mut self, segment: &Segment, frame: &Frame<'_>) -> Result<(), OpenError> {
        let lsn = Lsn(frame.lsn);
        let parts = part::parts(frame.payload);
        parts.and_then(|parts| parts.iter().try_for_each(|stored| self.part(lsn, stored))).map_err(|fault| {
            let reason = format!("lsn {}: {fault}", lsn.0);
            OpenError::Unreadable { path: segment.path.clone(), offset: frame.offset as u64, reason }
        })
    }

    fn part(&mut self, lsn: Lsn, stored: &Stored<'_>) -> Result<(), PartError> {
        let bytes = u32::try_from(stored.sealed.len()).unwrap_or(u32::MAX);
        match (stored.kind, stored.place) {
            (Kind::Put, Place::Key(table, key)) => {
                let value = Some(Value(stored.open(self.seal, lsn)?.into()));
                self.overlay.put(overlay::full_key(table, key), Entry { lsn, value });
            }
            (Kind::Delete, Place::Key(table, key)) => {
                self.overlay.put(overlay::full_key(table, key), Entry { lsn, value: None });
            }
            (Kind::Timer, Place::Timer(contact, at)) => {
                let value = at.map(overlay::timer_value);
                self.overlay.put(overlay::timer_key(contact), Entry { lsn, value });
            }
            (Kind::OpenInbox, Place::Born(index, _)) => {
                self.change(lsn, Change::OpenInbox { index, row: stored.inbox(self.seal, lsn)?, bytes });
                self.open_bytes += u64::from(bytes);
            }
            (Kind::OpenOutbox, Place::Born(index, _)) => {
                self.change(lsn, Change::OpenOutbox { index, row: stored.outbox(self.seal, lsn)?, bytes });
                self.open_bytes += u64::from(bytes);
            }
            (Kind::CloseInbox, Place::Row(row)) => self.change(lsn, Change::CloseInbox(row)),
            (Kind::AttemptOutbox, Place::Row(row)) => self.change(lsn, Change::AttemptOutbox(row)),
            (Kind::CloseOutbox, Place::Row(row)) => self.change(lsn, Change::CloseOutbox(row)),
            (Kind::Status, _) => self.change(lsn, Change::Status(stored.status(self.seal, lsn)?)),
            (Kind::DeadLetter, Place::Nth(index)) => {
                self.dead.insert(RowId { lsn, index }, stored.dead_letter(self.seal, lsn)?);
            }
            (kind, _) => unreachable!("a part of kind {kind:?} is read with its own place"),
        }
        Ok(())
    }

    fn change(&mut self, lsn: Lsn, change: Change) {
        self.open_bytes -= self.rows.apply(lsn, vec![change], &mut Vec::new());
    }
}
