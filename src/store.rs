//! The store: a journal that keeps the promise, and what is read back from it.
//!
//! # What is promised
//! A record whose ticket resolved survives kill -9 and power loss, whole; records become durable in the order
//! of their LSNs; after a start, every value is that of its last durable record, and every row that was open
//! is handed out again. What the disk damaged is found and named, never served.
//!
//! # How
//! [`Journal::append`](crate::ports::Store::append) encodes a record, gives it its LSN (`queue`) and makes its
//! values readable at once (`overlay`). One committer thread (`committer`) seals the parts (`part`, `seal`),
//! writes a group of them as frames (`frame`) to the last segment (`segment`), makes them durable with one
//! fdatasync, changes the open rows and delivers (`rows`; past a bound they are read back: `read_back`), and completes the tickets. A failed write or
//! sync ends the process: what the disk really holds is found at the next start (`recovery`, `walk`).
//!
//! Behind the committer one applier thread (`applier`) brings the newest value of each key (`pending`) into the
//! table (`tree`: sled), in small batches; a reader thread (`reader`) looks there for what is not in the
//! overlay any more. The table is no promise: what it holds durably is written down (`checkpoint`), and one
//! that is in doubt is set aside and rebuilt (`table`) from an export (`export`) and the journal behind it. With two
//! exports the journal before the older one is not needed any more: what is still open in it is written again
//! at the head (`carry`), and its segments go (`trim`).
//!
//! What an operator sees and does: `inspect` (stats, verify), `archive` (export), `import`, `dead` (dead letters).
//!
//! # What each file is, and what happens when it is damaged or gone
//! | file | what it is | damaged or gone |
//! |---|---|---|
//! | `journal/*.seg` | the promise | a torn tail is cut; a hole stops the start and is named (`walk`, `losses`) |
//! | `table/` | the table | set aside as `table.aside` and rebuilt from an export and the journal |
//! | `exports/*.export` | the table at one LSN | passed over for the other; neither reads and the journal was trimmed: the start is refused |
//! | `checkpoint` | up to where the table is durable, where the journal begins | taken from segments and exports, and the table rebuilt |
//! | `store.id` | which store this is, and its key's name | written anew from the journal, if its key is ours |
//! | `tally` | where all that was accepted went | counted anew from what the journal holds |
//! | `starts` | the starts of the last minute | counts as none |
//! | `accepted-losses` | what an operator has accepted | a line that cannot be read accepts nothing: the start asks again |
//! | `reserve` | room for the worst case (`space`) | made anew |
//! | `table.suspect` | being there, it says: rebuild | what is in it does not matter |
//! | `lock` | is locked while a server lives | what is in it does not matter |
//! | `*.new`, `exports/draft` | begun and not finished | written over |
//!
//! [`Memory`] is the same contract without a disk, for tests.
//!
//! What does not belong here: what the records mean. Owners encode theirs with `crate::codec`.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::keys::ServerKeys;
use crate::domain::time::DAY_MS;
use crate::ports::{Clock, Lsn, StoreError};

mod applier;
mod archive;
mod archiving;
mod carry;
mod checkpoint;
mod committer;
mod dead;
pub mod disk;
mod entrant;
mod export;
mod frame;
mod hands;
mod identity;
mod import;
mod inspect;
mod journal;
mod keeper;
mod losses;
mod memory;
mod overlay;
mod part;
mod pending;
mod progress;
mod queue;
mod read_back;
mod reader;
mod recovery;
mod replay;
mod rows;
mod seal;
mod segment;
mod shared;
mod space;
mod standing;
mod starts;
mod table;
mod tally;
pub mod tree;
mod trim;
mod walk;

pub use archive::{ArchiveError, Exported};
pub use hands::open_hands;
pub use import::import;
pub use inspect::{Broken, Findings, Judge, OwnJudge, stats, verify, verify_with};
pub use journal::Journal;
pub use memory::Memory;
pub use progress::Progress;

use disk::{Disk, DiskFailure, MachineDisk};
use part::PartError;
use tree::TreeFault;

/// A key of a table has at least one byte and at most these.
pub const KEY_BYTES_MAX: usize = 64;
/// A value has at most these (design.md 6).
pub const VALUE_BYTES_MAX: usize = 4096;
/// A record has at most these, all parts together: a POST of 4 MiB fits with all that is said about it.
pub const RECORD_BYTES_MAX: usize = 12 * 1024 * 1024;

/// Where the store is and what it may take.
#[derive(Clone, Debug)]
pub struct Options {
    /// The store's directory; made when it is not there.
    pub path: PathBuf,
    /// A segment that has reached this is followed by a new one.
    pub segment_bytes: u64,
    /// Of one group, which is synced as one.
    pub group_records_max: usize,
    pub group_bytes_max: usize,
    /// Groups smaller than this wait for more, until they are as large or `gather_us` are over.
    pub gather_below_records: usize,
    pub gather_us: u64,
    /// Of the queue before the committer: half for statuses, three quarters for messages, all for turns.
    pub queue_records_max: usize,
    pub queue_bytes_max: usize,
    /// Of open rows; past it, no new message is taken.
    pub open_bytes_max: u64,
    /// Outbox rows that are kept whole while they wait; of further ones only what says whose turn it is.
    pub rows_in_memory_max: usize,
    /// The table gets what is new after this long, or sooner when this much is waiting.
    pub apply_after_ms: u64,
    pub apply_window_bytes: u64,
    /// Journal between two checkpoints.
    pub checkpoint_bytes: u64,
    /// Journal between two exports, or half of the live data if that is more. The journal of two is kept.
    pub export_after_bytes: u64,
    /// Memory for the table; smaller than its data, it grows without bound (reliability.md 0a).
    pub table_cache_bytes: u64,
    /// Of dead letters, sealed, and how old they get; past it the oldest are dropped.
    pub dead_letters_bytes_max: u64,
    pub dead_letters_ms_max: i64,
    /// Less free on the disk than this, and no new message is taken; half of it, and the table waits too. 0: any.
    pub free_bytes_min: u64,
    /// Of the file that is given up when the disk is full; 0: none.
    pub reserve_bytes: u64,
    /// Starts within a minute at which what was in flight is set aside; 0: never. What one message does is known
    /// sooner and exactly (`ports::Hands`): it is set aside alone, after three. This ends what nobody can name.
    pub crash_loop_starts: usize,
    /// The LSNs that may be missing: the operator has seen the list and accepts the loss.
    pub accept_loss: Vec<RangeInclusive<u64>>,
    /// Tells how far a start has come.
    pub progress: Progress,
}

impl Options {
    /// The defaults of `config/default.toml`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            segment_bytes: 64 << 20,
            group_records_max: 4096,
            group_bytes_max: 8 << 20,
            gather_below_records: 16,
            gather_us: 1_500,
            queue_records_max: 65_536,
            queue_bytes_max: 128 << 20,
            open_bytes_max: 1 << 30,
            rows_in_memory_max: 200_000,
            apply_after_ms: 10_000,
            apply_window_bytes: 64 << 20,
            checkpoint_bytes: 64 << 20,
            export_after_bytes: 64 << 20,
            table_cache_bytes: 2 << 30,
            dead_letters_bytes_max: 64 << 20,
            dead_letters_ms_max: 30 * DAY_MS,
            free_bytes_min: 512 << 20,
            reserve_bytes: 256 << 20,
            crash_loop_starts: 5,
            accept_loss: Vec::new(),
            progress: Progress::default(),
        }
    }
}

/// Records that were durable and are not there any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    pub from: Lsn,
    pub to: Lsn,
    /// Where reading stopped.
    pub path: PathBuf,
    pub offset: u64,
}

/// Why the store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the store {0}")]
    Disk(#[from] DiskFailure),
    #[error("the store `{}` is in use by another process", path.display())]
    Locked { path: PathBuf },
    #[error("`{}` was sealed with key {found}, `store.key_file` holds {ours}", path.display())]
    OtherKey { path: PathBuf, found: String, ours: String },
    #[error("`{}` has format {found}, this server knows {known} at most", path.display())]
    Newer { path: PathBuf, found: u16, known: u16 },
    #[error("`{}` cannot be read at offset {offset}: {reason}", path.display())]
    Unreadable { path: PathBuf, offset: u64, reason: String },
    #[error("the journal misses records that were durable: {}; to start without them: siaga serve{}", holes(.0), flags(.0))]
    Holes(Vec<Hole>),
    #[error("the table cannot be opened: {0}")]
    Table(#[from] TreeFault),
    #[error("the table is broken, the journal begins at lsn {}, and no export reads; restore one of `exports/`", from.0)]
    NoExport { from: Lsn },
    #[error("the disk of `{}` has {free} bytes free, {needed} are needed to recover", path.display())]
    NoRoom { path: PathBuf, free: u64, needed: u64 },
    #[error("what the journal holds open cannot be read: {0}")]
    Part(#[from] PartError),
    #[error("messages that were in flight cannot be set aside: {0}")]
    SetAside(StoreError),
    #[error("a thread of the store cannot be started: {0}")]
    Thread(std::io::Error),
}

/// Whether a directory holds a store.
pub fn is_there(path: &Path) -> bool {
    identity::is_there(&MachineDisk, path)
}

/// Opens the store of this machine, recovers it, and starts its committer.
pub fn open(options: &Options, keys: &ServerKeys, clock: Arc<dyn Clock>) -> Result<Arc<Journal>, OpenError> {
    open_on(Arc::new(MachineDisk), options, keys, clock)
}

/// The same on any disk.
pub fn open_on(
    disk: Arc<dyn Disk>,
    options: &Options,
    keys: &ServerKeys,
    clock: Arc<dyn Clock>,
) -> Result<Arc<Journal>, OpenError> {
    recovery::open(disk, options, keys, clock).map(Arc::new)
}

/// What accepts exactly these losses on the command line.
fn flags(holes: &[Hole]) -> String {
    let one = |hole: &Hole| format!(" --accept-loss {}..{}", hole.from.0, hole.to.0);
    holes.iter().map(one).collect::<Vec<_>>().concat()
}

fn holes(holes: &[Hole]) -> String {
    let one = |hole: &Hole| {
        format!("lsn {}..{} (`{}` at offset {})", hole.from.0, hole.to.0, hole.path.display(), hole.offset)
    };
    holes.iter().map(one).collect::<Vec<_>>().join(", ")
}
