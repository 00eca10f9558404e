//! A table that loses what was not synced, and sometimes breaks, with its simulated disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rand::RngExt;
use rand::rngs::StdRng;
use siaga::store::tree::{Pair, Tree, TreeFault, Write};

use super::disk::{Call, Platter};

type Values = BTreeMap<Vec<u8>, Vec<u8>>;
type Batch = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// A table as its disk holds it.
#[derive(Clone, Default)]
pub(crate) struct SimTree {
    durable: Values,
    current: Values,
    unsynced: Vec<Batch>,
    broken: bool,
}

struct Handle {
    platter: Arc<Mutex<Platter>>,
    path: std::path::PathBuf,
}

impl SimTree {
    /// As the next process finds it after the power went: any number of the batches that were not synced.
    pub(crate) fn torn(&self, rng: &mut StdRng) -> Self {
        let mut values = self.durable.clone();
        let kept = rng.random_range(0..=self.unsynced.len());
        for batch in &self.unsynced[..kept] {
            write(&mut values, batch);
        }
        Self { durable: values.clone(), current: values, unsynced: Vec::new(), broken: rng.random_bool(0.1) }
    }
}

impl SimTree {
    pub(crate) fn bytes(&self) -> u64 {
        self.current.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
    }
}

fn write(values: &mut Values, batch: &Batch) {
    for (key, value) in batch {
        match value {
            Some(value) => drop(values.insert(key.clone(), value.clone())),
            None => drop(values.remove(key)),
        }
    }
}

pub(crate) fn open(platter: &Arc<Mutex<Platter>>, path: &Path) -> Result<Arc<dyn Tree>, TreeFault> {
    let mut inner = platter.lock().unwrap();
    inner.refuse(Call::Read, path).map_err(TreeFault::Disk)?;
    if inner.trees.entry(path.to_owned()).or_default().broken {
        return Err(TreeFault::Broken("simulated".into()));
    }
    drop(inner);
    Ok(Arc::new(Handle { platter: Arc::clone(platter), path: path.to_owned() }))
}

impl Handle {
    fn with<T>(&self, act: impl FnOnce(&mut SimTree) -> T) -> T {
        act(self.platter.lock().unwrap().trees.entry(self.path.clone()).or_default())
    }

    fn refuse(&self) -> Result<(), TreeFault> {
        self.platter.lock().unwrap().refuse(Call::Change, &self.path).map_err(TreeFault::Disk)
    }
}

impl Tree for Handle {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeFault> {
        Ok(self.with(|tree| tree.current.get(key).cloned()))
    }

    fn range(&self, from: &[u8], most: usize) -> Result<Vec<Pair>, TreeFault> {
        let pairs = |tree: &mut SimTree| {
            tree.current.range(from.to_vec()..).take(most).map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        Ok(self.with(pairs))
    }

    fn apply(&self, batch: &[Write<'_>]) -> Result<(), TreeFault> {
        self.refuse()?;
        self.platter.lock().unwrap().tree_batches += 1;
        let batch: Batch = batch.iter().map(|(key, value)| (key.to_vec(), value.map(<[u8]>::to_vec))).collect();
        self.with(|tree| {
            write(&mut tree.current, &batch);
            tree.unsynced.push(batch);
        });
        Ok(())
    }

    fn sync(&self) -> Result<(), TreeFault> {
        self.refuse()?;
        if self.platter.lock().unwrap().lying {
            return Ok(());
        }
        self.with(|tree| {
            tree.durable.clone_from(&tree.current);
            tree.unsynced.clear();
        });
        Ok(())
    }
}
