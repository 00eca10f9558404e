//! Durable appends: 64 writers, each waiting for its record before it writes the next.
#![expect(clippy::print_stdout, reason = "the command line speaks to a person")]

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use siaga::ports::{Record, Store as _};

use super::{Place, machine, work};

const WRITERS: u64 = 64;
const RUN: Duration = Duration::from_secs(10);
/// How long the disk is measured alone, before and after.
const ALONE: Duration = Duration::from_secs(3);
/// Of one of these records in the journal.
const RECORD_BYTES: usize = 660;
/// As the bound asks for.
const RATE_MIN: f64 = 100_000.0;

pub(super) fn measure(place: &Place) -> anyhow::Result<Vec<String>> {
    let directory = place.directory()?;
    let alone = allowed(directory.path())?;
    let store = work::open(directory.path())?;
    let appended = Arc::new(AtomicU64::new(0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    machine::tell_load();
    let (began, before) = (Instant::now(), machine::threads());
    runtime.block_on(async {
        for number in 0..WRITERS {
            let (store, appended) = (Arc::clone(&store), Arc::clone(&appended));
            tokio::spawn(async move {
                loop {
                    let record = Record { writer: None, parts: vec![work::put(number, work::AWAKE_BYTES)] };
                    let Ok(ticket) = store.append(record) else { return };
                    if ticket.durable.await.is_err() {
                        return;
                    }
                    appended.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        tokio::time::sleep(RUN).await;
    });
    #[expect(clippy::cast_precision_loss, reason = "counts below 2^52")]
    let (count, spent_ns) = {
        let spent: u64 = machine::threads().iter().map(|(name, ns)| ns - before.get(name).unwrap_or(&0)).sum();
        (appended.load(Ordering::Relaxed) as f64, spent as f64)
    };
    let rate = count / began.elapsed().as_secs_f64();
    println!("durable appends/s with {WRITERS} writers: {rate:.0} (at least {RATE_MIN:.0})");
    println!("processor time of one, the writers' included: {:.1} us", spent_ns / count / 1_000.0);
    let after = allowed(directory.path())?;
    println!("the disk alone, {WRITERS} records a sync: {alone:.0} records/s before, {after:.0} after");
    machine::tell_load();
    Ok(if rate < RATE_MIN { vec![format!("durable appends/s: {rate:.0} is under {RATE_MIN:.0}")] } else { Vec::new() })
}

/// Records a second that the disk allows when each writer waits for his own: all of them in every sync, and nothing
/// done between two syncs. What is more than that is not to be had with so many writers.
#[expect(clippy::cast_precision_loss, reason = "counts below 2^52")]
fn allowed(within: &Path) -> anyhow::Result<f64> {
    let path = within.join("alone");
    let file = File::create(&path)?;
    let group = vec![7; RECORD_BYTES * usize::try_from(WRITERS)?];
    let (began, mut groups) = (Instant::now(), 0_u64);
    while began.elapsed() < ALONE {
        file.write_all_at(&group, groups * group.len() as u64)?;
        file.sync_data()?;
        groups += 1;
    }
    let rate = (groups * WRITERS) as f64 / began.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}
