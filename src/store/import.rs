//! A store made from an archive.
//!
//! The new store is an ordinary one: an export of its own that the first start builds the table from, a
//! checkpoint behind it, and a segment that begins with what is open. It has a name card of its own: from here on
//! it has another history than the one it came from, and its count of accepted messages begins anew. It is made
//! beside its place, opened once, compared with what the archive says of itself, and only then moved there: so
//! there is never half a store to start on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive::{self, ArchiveError, Exported, Piece};
use super::checkpoint::Checkpoint;
use super::disk::{Disk, DiskFailure, MachineDisk};
use super::export::{self, Draft};
use super::identity::{self, StoreId};
use super::part::{self, Encoded};
use super::seal::Seal;
use super::segment::Head;
use super::{Options, inspect};
use crate::domain::keys::ServerKeys;
use crate::ports::{Clock, Lsn};

/// Makes a store at `options.path`, which must be empty or not there, from an archive that the same key sealed.
pub fn import(
    options: &Options,
    archive: &Path,
    keys: &ServerKeys,
    clock: Arc<dyn Clock>,
) -> Result<Exported, ArchiveError> {
    let place = &options.path;
    is_free(place)?;
    let draft = beside(place);
    clear(&draft)?;
    let made = make(options, &draft, archive, keys, clock);
    match made {
        Ok(exported) => {
            fs::rename(&draft, place).map_err(DiskFailure::of("move", &draft))?;
            let parent = parent(place);
            MachineDisk.sync_dir(parent).map_err(DiskFailure::of("sync", parent))?;
            Ok(exported)
        }
        Err(fault) => {
            // It is in nobody's way; the next import clears it too.
            let _ = clear(&draft);
            Err(fault)
        }
    }
}

fn make(
    options: &Options,
    draft: &Path,
    archive: &Path,
    keys: &ServerKeys,
    clock: Arc<dyn Clock>,
) -> Result<Exported, ArchiveError> {
    let exported = lay_out(draft, archive, keys, &*clock)?;
    let options = Options { path: draft.to_owned(), crash_loop_starts: 0, accept_loss: Vec::new(), ..options.clone() };
    let store = super::open(&options, keys, clock)?;
    store.close_and_wait();
    let found = inspect::verify(draft, keys)?;
    if !found.all_holds() || found.state.as_deref() != Some(&exported.state) {
        return Err(ArchiveError::Different(found.to_string()));
    }
    Ok(exported)
}

/// Writes the files of a store.
fn lay_out(dir: &Path, archive: &Path, keys: &ServerKeys, clock: &dyn Clock) -> Result<Exported, ArchiveError> {
    let disk = &MachineDisk;
    let seal = Seal::new(keys);
    let (journal, exports) = (dir.join("journal"), export::dir(dir));
    for dir in [&journal, &exports] {
        disk.create_dir(dir).map_err(DiskFailure::of("create", dir))?;
    }
    let id = identity::create(disk, dir, seal.key_id())?;
    let mut writing = Writing { dir, id, seal: &seal, clock, export: None, head: None, next: Lsn(0), keys: 0 };
    let exported = archive::read(disk, archive, &mut |found| {
        archive::check(&seal, archive, &found)?;
        writing.begin(found.lsn)?;
        match found.piece {
            Piece::Pairs(pairs) => writing.pairs(&pairs),
            Piece::Rows(rows) => writing.rows(&rows.iter().map(archive::encoded).collect::<Vec<_>>()),
        }
    })?;
    writing.begin(exported.lsn)?;
    writing.end(exported.lsn)?;
    Ok(exported)
}

struct Writing<'a> {
    dir: &'a Path,
    id: StoreId,
    seal: &'a Seal,
    clock: &'a dyn Clock,
    export: Option<Draft>,
    head: Option<Head>,
    next: Lsn,
    keys: u64,
}

impl Writing<'_> {
    fn begin(&mut self, lsn: Lsn) -> Result<(), ArchiveError> {
        if self.export.is_none() {
            let disk = Arc::new(MachineDisk);
            self.export = Some(export::begin(&*disk, &export::dir(self.dir), self.id, lsn)?);
            self.next = Lsn(lsn.0 + 1);
            self.head = Some(Head::begin(disk, &self.dir.join("journal"), self.id, self.next, self.clock.now())?);
        }
        Ok(())
    }

    fn pairs(&mut self, pairs: &[export::Lent<'_>]) -> Result<(), ArchiveError> {
        self.keys += pairs.len() as u64;
        let Some(export) = &mut self.export else { return Ok(()) };
        let mut page = Vec::new();
        for (key, bytes) in pairs {
            export::encode(&mut page, key, bytes);
        }
        Ok(export.page(&page)?)
    }

    fn rows(&mut self, rows: &[Encoded]) -> Result<(), ArchiveError> {
        let mut bytes = Vec::new();
        part::write_record(&mut bytes, self.seal, self.next, 0, rows);
        self.next = Lsn(self.next.0 + 1);
        match &mut self.head {
            Some(head) => Ok(head.write(&bytes, 0)?),
            None => Ok(()),
        }
    }

    fn end(self, lsn: Lsn) -> Result<(), ArchiveError> {
        let disk = &MachineDisk;
        if let Some(head) = &self.head {
            head.sync()?;
        }
        if let Some(mut export) = self.export {
            export::end(&mut export, self.keys)?;
            export::finish(disk, &export::dir(self.dir), &export)?;
        }
        Ok(Checkpoint { applied: lsn, from: Lsn(lsn.0 + 1) }.write(disk, self.dir)?)
    }
}

fn is_free(place: &Path) -> Result<(), ArchiveError> {
    let mut entries = match fs::read_dir(place) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(DiskFailure::of("list", place))?,
    };
    match entries.next() {
        None => Ok(()),
        Some(entry) => {
            let found = entry.map_err(DiskFailure::of("list", place))?.file_name().to_string_lossy().into_owned();
            Err(ArchiveError::NotEmpty { path: place.to_owned(), found })
        }
    }
}

fn parent(place: &Path) -> &Path {
    place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(place: &Path) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".importing");
    parent(place).join(name)
}

fn clear(draft: &Path) -> Result<(), ArchiveError> {
    match fs::remove_dir_all(draft) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => Err(DiskFailure::of("remove", draft)(fault).into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
