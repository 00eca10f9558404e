//! The table of what rests: one ordered tree of full keys (table number and key), behind a trait so that a
//! simulated one can lose, tear and break.
//!
//! It is no promise: it follows the journal (`applier`) and is rebuilt from an export and the journal whenever
//! it is in doubt. A value is `[lsn, 8][sealed as in the journal]`, so applying twice is applying once. Under
//! [`APPLIED`] stands the LSN up to which the journal is in it.
//!
//! Its calls may block for as long as a disk does: they belong on the store's own threads.

use std::path::PathBuf;

use super::overlay::FullKey;
use crate::ports::Lsn;

mod resting;
mod sled_tree;

pub(super) use resting::{Resting, open, opens, read};
pub use sled_tree::open_sled;

/// The key of the LSN up to which all is applied. No table has this number.
pub(super) const APPLIED: &[u8] = &[255, b'a'];

/// Larger batches make readers wait and cost memory (reliability.md 0a).
pub(super) const BATCH_KEYS: usize = 256;

/// A key and its bytes.
pub type Pair = (Vec<u8>, Vec<u8>);

/// What one batch does to a key; `None` removes it.
pub type Write<'a> = (&'a [u8], Option<&'a [u8]>);

/// An ordered map of bytes that outlives the process.
pub trait Tree: Send + Sync + 'static {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeFault>;
    /// The first `most` pairs whose key is `from` or later, in key order.
    fn range(&self, from: &[u8], most: usize) -> Result<Vec<Pair>, TreeFault>;
    /// Shows the same pairs without copying them; gives how many they were.
    fn visit(&self, from: &[u8], most: usize, see: &mut dyn FnMut(&[u8], &[u8])) -> Result<usize, TreeFault> {
        let pairs = self.range(from, most)?;
        for (key, value) in &pairs {
            see(key, value);
        }
        Ok(pairs.len())
    }
    /// Does all of a batch or nothing; readers see it when this returns. Durable only after [`Tree::sync`].
    fn apply(&self, batch: &[Write<'_>]) -> Result<(), TreeFault>;
    /// What its files take on the disk. One that does not say takes nothing.
    fn bytes_on_disk(&self) -> Result<u64, TreeFault> {
        Ok(0)
    }
    /// Makes durable what was applied.
    fn sync(&self) -> Result<(), TreeFault>;
}

/// Why a tree does not do its work.
#[derive(Debug, thiserror::Error)]
pub enum TreeFault {
    /// The disk refuses; what the tree holds may well be whole.
    #[error("the disk refuses: {0}")]
    Disk(std::io::Error),
    /// It is not what was written, or it panics over it: it has to be rebuilt.
    #[error("it is broken: {0}")]
    Broken(String),
    #[error("the tree `{}` cannot be moved aside: {source}", path.display())]
    Aside { path: PathBuf, source: std::io::Error },
}

/// The first pairs below `prefix` from `from` on, and where the next call goes on; `None`: that was all.
pub(super) fn page(tree: &dyn Tree, prefix: &[u8], from: &[u8]) -> Result<(Vec<Pair>, Option<Vec<u8>>), TreeFault> {
    let mut pairs = tree.range(from, BATCH_KEYS)?;
    let full = pairs.len() == BATCH_KEYS;
    let next = pairs.last().map(|(key, _)| [key.as_slice(), &[0]].concat());
    let inside = pairs.iter().take_while(|(key, _)| key.starts_with(prefix)).count();
    let more = full && inside == pairs.len();
    pairs.truncate(inside);
    Ok((pairs, next.filter(|_| more)))
}

/// The LSN up to which the journal is in the tree; zero for one that was never applied to.
pub(super) fn applied(tree: &dyn Tree) -> Result<Lsn, TreeFault> {
    let Some(bytes) = tree.get(APPLIED)? else { return Ok(Lsn(0)) };
    let bytes = bytes.try_into().map_err(|_| TreeFault::Broken("what was applied is no LSN".into()))?;
    Ok(Lsn(u64::from_le_bytes(bytes)))
}

/// Is asked before each batch whether to go on, and hears of it when it is in the tree.
pub(super) trait Applied {
    fn goes_on(&mut self) -> bool {
        true
    }
    fn done(&mut self, _batch: &[(FullKey, Resting)]) {}
}

/// Nobody asks and nobody hears: a recovery.
impl Applied for () {}

/// Applies values in small sorted batches, `through` in the last. False: stopped before that, which is no harm.
pub(super) fn apply_all(
    tree: &dyn Tree,
    values: impl IntoIterator<Item = (FullKey, Resting)>,
    through: Lsn,
    with: &mut dyn Applied,
) -> Result<bool, TreeFault> {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(|a, b| a.0.cmp(&b.0));
    let through = through.0.to_le_bytes();
    let mut chunks = values.chunks(BATCH_KEYS).peekable();
    loop {
        let chunk = chunks.next().unwrap_or_default();
        if !with.goes_on() {
            return Ok(false);
        }
        let mut batch: Vec<Write<'_>> =
            chunk.iter().map(|(key, resting)| (key.as_slice(), resting.bytes.as_deref())).collect();
        let last = chunks.peek().is_none();
        if last {
            batch.push((APPLIED, Some(&through)));
        }
        tree.apply(&batch)?;
        with.done(chunk);
        if last {
            return Ok(true);
        }
    }
}
