//! Lost power and refusing disks: the model's histories on a simulated disk, by seed.
//!
//! Each process of a history lives until a disk call of its own number goes wrong, so crashes fall between
//! write and sync, into a rotation, into a start. A seed that fails is run alone with
//! `SIAGA_SEED=<n> cargo test --test it power`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use siaga::ports::Store;
use siaga::store::{Journal, Options};

use super::disk::{Fault, SimDisk};
use super::model::{Machine, ops, run};
use super::world::{open_on, trimming, wait};

const SEEDS: u64 = 2_000;

/// Processes that ended after their journal had been trimmed.
static TRIMMED: AtomicU64 = AtomicU64::new(0);

/// So small that most histories are trimmed.
fn small() -> Options {
    Options { segment_bytes: 300, export_after_bytes: 400, ..trimming(Path::new("/sim")) }
}

struct OnSimulated {
    disk: Arc<SimDisk>,
    journal: Option<Arc<Journal>>,
    rng: StdRng,
    faults: &'static [Fault],
}

impl OnSimulated {
    fn start(seed: u64, faults: &'static [Fault], lying: bool) -> Self {
        let disk = SimDisk::new(lying);
        let journal = Some(open_on(&disk, &small()).unwrap());
        let mut machine = Self { disk, journal, rng: StdRng::seed_from_u64(seed), faults };
        machine.set_trap();
        machine
    }

    fn set_trap(&mut self) {
        let fault = self.faults[self.rng.random_range(0..self.faults.len())];
        let calls = if self.rng.random_bool(0.5) { 1..40 } else { 1..400 };
        self.disk.fail_at(self.rng.random_range(calls), fault);
    }
}

impl Machine for OnSimulated {
    fn store(&self) -> &dyn Store {
        &**self.journal.as_ref().unwrap()
    }

    fn mortal(&self) -> bool {
        true
    }

    fn restart(&mut self, clean: bool) -> bool {
        if clean {
            wait(self.store().close());
        }
        let clean = clean && !self.disk.dead();
        TRIMMED.fetch_add(u64::from(self.disk.trimmed()), Ordering::Relaxed);
        let power = self.rng.random_bool(0.8);
        let mut next = self.disk.restart(power.then(|| self.rng.random()));
        drop(self.journal.take());
        // A start may lose power too; the one after it must still find everything.
        loop {
            if self.rng.random_bool(0.3) {
                next.fail_at(self.rng.random_range(1..25), Fault::PowerLoss);
            }
            match open_on(&next, &small()) {
                Ok(journal) => {
                    self.journal = Some(journal);
                    self.disk = next;
                    self.set_trap();
                    return clean;
                }
                Err(fault) => {
                    assert!(next.dead(), "a start that was not disturbed: {fault}");
                    next = next.restart(Some(self.rng.random()));
                }
            }
        }
    }
}

fn history(seed: u64, faults: &'static [Fault], lying: bool) -> Result<(), TestCaseError> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let ops = ops().new_tree(&mut runner).unwrap().current();
    run(&mut OnSimulated::start(seed, faults, lying), &ops)
}

fn seeds() -> std::ops::Range<u64> {
    match std::env::var("SIAGA_SEED") {
        Ok(seed) => {
            let seed = seed.parse().expect("SIAGA_SEED is a number");
            seed..seed + 1
        }
        Err(_) => 0..SEEDS,
    }
}

#[test]
fn lost_power_loses_nothing_that_was_acknowledged() {
    for seed in seeds() {
        if let Err(fault) = history(seed, &[Fault::PowerLoss], false) {
            panic!("seed {seed}: {fault}");
        }
    }
    if seeds().count() > 1 {
        let trimmed = TRIMMED.load(Ordering::Relaxed);
        assert!(trimmed > 200, "only {trimmed} crashes met a trimmed journal");
    }
}

#[test]
fn a_refusing_disk_loses_nothing_that_was_acknowledged() {
    for seed in seeds().take(400) {
        if let Err(fault) = history(seed, &[Fault::Error, Fault::NoSpace, Fault::ShortWrite], false) {
            panic!("seed {seed}: {fault}");
        }
    }
}

/// The proof of the two above: the same histories on a disk whose sync does nothing.
#[test]
fn a_disk_that_lies_about_syncing_is_found_out() {
    let found = (0..200).any(|seed| {
        std::panic::catch_unwind(|| history(seed, &[Fault::PowerLoss], true)).map_or(true, |outcome| outcome.is_err())
    });
    assert!(found, "two hundred lost powers on a lying disk and nothing was missed");
}
