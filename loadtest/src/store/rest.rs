//! Contacts at rest: one process fills a store and is killed, the next one opens it.
#![expect(clippy::print_stdout, reason = "the command line speaks to a person")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::{Place, machine, work};

/// Contacts of one record: people come one by one, but to fill is not what is measured.
const AT_ONCE: u64 = 64;
/// Records under way at once.
const RECORDS: u64 = 64;

const START_S_MAX: f64 = 5.0;
const MEMORY_MIB_MAX: f64 = 2.5 * 1_024.0;
/// As many as the bounds are for.
const STARTED: u64 = 1_000_000;
const RESTING: u64 = 2_000_000;

pub(super) fn measure(place: &Place, contacts: u64) -> anyhow::Result<Vec<String>> {
    let directory = place.directory()?;
    machine::tell_load();
    let mut filling = Command::new(std::env::current_exe()?)
        .args(["store", "fill"])
        .arg(directory.path())
        .arg(contacts.to_string())
        .stdout(Stdio::piped())
        .spawn()?;
    let said = BufReader::new(filling.stdout.take().context("its words")?).lines().next();
    let filled = said.context("the filling process ended")??;
    let after_filling = machine::memory_mib(&filling.id().to_string());
    filling.kill()?;
    filling.wait()?;
    println!("{filled}; killed with {after_filling:.0} MiB in memory");
    println!("on the disk: {} MB", machine::bytes_below(directory.path()) / 1_000_000);
    let before = machine::threads();
    let began = Instant::now();
    let store = work::open(directory.path())?;
    let took = began.elapsed();
    let spent: u64 = machine::threads().iter().map(|(name, ns)| ns - before.get(name).unwrap_or(&0)).sum();
    println!(
        "opened in {:.2} s, {:.2} s of processor time",
        took.as_secs_f64(),
        Duration::from_nanos(spent).as_secs_f64()
    );
    let memory = machine::memory_mib("self");
    machine::tell_load();
    drop(store);
    #[expect(clippy::cast_precision_loss, reason = "a count below 2^52")]
    let share = |of: u64| contacts as f64 / of as f64;
    let broken = [
        machine::at_most("start after SIGKILL, s", took.as_secs_f64(), START_S_MAX * share(STARTED).max(1.0)),
        machine::at_most("memory after the start, MiB", memory, MEMORY_MIB_MAX * share(RESTING).max(1.0)),
        machine::at_most("memory after filling, MiB", after_filling, MEMORY_MIB_MAX * share(RESTING).max(1.0)),
    ];
    Ok(broken.into_iter().flatten().collect())
}

/// Fills a store with contacts and two aliases each, says so, and waits.
pub(super) fn fill(path: &Path, contacts: u64) -> anyhow::Result<Vec<String>> {
    let store = work::open(path)?;
    let mut from = 0;
    while from < contacts {
        let until = (from + AT_ONCE * RECORDS).min(contacts);
        let mut tickets = Vec::new();
        while from < until {
            let some = from..(from + AT_ONCE).min(until);
            from = some.end;
            let parts = some.flat_map(|contact| {
                [work::put(contact, work::RESTING_BYTES), work::alias(contact, 0), work::alias(contact, 1)]
            });
            tickets.push(work::append(&store, parts.collect())?);
        }
        for ticket in tickets {
            ticket.durable.blocking_recv()?;
        }
    }
    while store.overlay_entries() > 0 {
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("{contacts} contacts at rest");
    std::io::stdout().flush()?;
    loop {
        std::thread::park();
    }
}
