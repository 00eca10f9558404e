//! Turns at saturation: three records each (a POST, its turn, its reply's end), as many at once as a busy server
//! has, while somebody reads.
#![expect(clippy::print_stdout, reason = "the command line speaks to a person")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use siaga::ports::{RowId, Store as _, Table};
use siaga::store::{self, Journal};

use super::{Place, machine, work};

/// Turns under way at once.
const AT_ONCE: u64 = 512;
/// Between two reads.
const READ_EVERY: Duration = Duration::from_millis(1);

/// Bounds: microseconds a turn in all, and of the table; milliseconds of a reader; disk.
const TURN_US_MAX: f64 = 45.0;
const TABLE_US_MAX: f64 = 25.0;
const READ_MS_MAX: f64 = 20.0;
const DISK_TIMES_LIVE_MAX: f64 = 6.0;
const SEGMENTS_MAX: f64 = 4.0;
const SEGMENT_BYTES: f64 = 67_108_864.0;

#[expect(clippy::cast_precision_loss, reason = "counts and bytes below 2^52")]
pub(super) fn measure(place: &Place, turns: u64, contacts: u64) -> anyhow::Result<Vec<String>> {
    let directory = place.directory()?;
    let store = work::open(directory.path())?;
    let mut dice = StdRng::seed_from_u64(1);
    // Everybody has been there before: what is measured is the long run.
    round(&store, 0..contacts, &mut (0..))?;
    machine::tell_load();
    let over = Arc::new(AtomicBool::new(false));
    let reading = read(Arc::clone(&store), contacts, Arc::clone(&over))?;
    let (began, before) = (Instant::now(), machine::threads());
    let mut numbers = contacts..;
    let mut done = 0;
    let mut most = Held::default();
    while done < turns {
        let at_once = AT_ONCE.min(turns - done);
        round(&store, (0..at_once).map(|_| dice.random_range(0..contacts)), &mut numbers)?;
        done += at_once;
        if done % (AT_ONCE * 16) == 0 {
            most = most.or_more(Held::of(directory.path()));
        }
    }
    let spent = spent(&before);
    let wall = began.elapsed();
    over.store(true, Ordering::Relaxed);
    let reads = reading.join().map_err(|_| anyhow::anyhow!("the reader panicked"))?;
    most = most.or_more(Held::of(directory.path()));
    println!("{turns} turns of {contacts} contacts: {:.0} turns/s", turns as f64 / wall.as_secs_f64());
    let us = |ns: u64| ns as f64 / turns as f64 / 1_000.0;
    for (name, ns) in &spent {
        println!("  {name:<16} {:>6.1} us a turn", us(*ns));
    }
    let table: u64 = spent.iter().filter(|(name, _)| is_table(name)).map(|(_, ns)| ns).sum();
    let all: u64 = spent.iter().filter(|(name, _)| *name != "reading").map(|(_, ns)| ns).sum();
    let live = live_bytes(&store, directory.path())?;
    println!("reads: {} of them, p50 {:.2} ms", reads.len(), reads.value_at_quantile(0.5) as f64 / 1e6);
    println!("live: {:.1} MB", live as f64 / 1e6);
    most.tell("at its most, while a third export is written");
    let after = Held::of(directory.path());
    after.tell("afterwards");
    machine::tell_load();
    let disk_bound = DISK_TIMES_LIVE_MAX * live as f64 + SEGMENTS_MAX * SEGMENT_BYTES;
    let broken = [
        machine::at_most("processor time of a turn in the store, its callers' included, us", us(all), TURN_US_MAX),
        machine::at_most("of it applier, exports and sled, us", us(table), TABLE_US_MAX),
        machine::at_most("readers' p99.9, ms", reads.value_at_quantile(0.999) as f64 / 1e6, READ_MS_MAX),
        machine::at_most("disk afterwards, MB", after.all as f64 / 1e6, disk_bound / 1e6),
    ];
    Ok(broken.into_iter().flatten().collect())
}

fn is_table(thread: &str) -> bool {
    thread.starts_with("siaga-applier") || thread.starts_with("sled") || thread.contains("flusher")
}

/// A turn of each contact, all at once; each step waits until the one before is durable.
fn round(
    store: &Journal,
    contacts: impl Iterator<Item = u64>,
    numbers: &mut impl Iterator<Item = u64>,
) -> anyhow::Result<()> {
    let mut contacts = contacts.peekable();
    while contacts.peek().is_some() {
        let crowd: Vec<(u64, u64)> = contacts.by_ref().zip(&mut *numbers).take(usize::try_from(AT_ONCE)?).collect();
        let steps = |of: &mut dyn FnMut(usize) -> anyhow::Result<siaga::ports::Ticket>| -> anyhow::Result<Vec<RowId>> {
            let tickets = (0..crowd.len()).map(of).collect::<anyhow::Result<Vec<_>>>()?;
            let rows = tickets.iter().map(|ticket| RowId { lsn: ticket.lsn, index: 0 }).collect();
            for ticket in tickets {
                ticket.durable.blocking_recv()?;
            }
            Ok(rows)
        };
        let inbox = steps(&mut |at| work::append(store, work::post(crowd[at].0, crowd[at].1)))?;
        let outbox = steps(&mut |at| work::append(store, work::turn(crowd[at].0, inbox[at])))?;
        steps(&mut |at| work::append(store, work::settle(outbox[at], crowd[at].1)))?;
    }
    Ok(())
}

/// Somebody who reads contacts all the while; gives what each read took, in nanoseconds.
fn read(store: Arc<Journal>, contacts: u64, over: Arc<AtomicBool>) -> anyhow::Result<JoinHandle<Histogram<u64>>> {
    let mut took = Histogram::new(3)?;
    let mut dice = StdRng::seed_from_u64(2);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let reading = move || {
        while !over.load(Ordering::Relaxed) {
            std::thread::sleep(READ_EVERY);
            let began = Instant::now();
            let found = runtime.block_on(store.get(Table::Contact, work::key(dice.random_range(0..contacts))));
            assert!(matches!(found, Ok(Some(_))), "everybody is there");
            took.saturating_record(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        took
    };
    Ok(std::thread::Builder::new().name("reading".into()).spawn(reading)?)
}

/// What a store holds on the disk, by directory, in bytes. Its reserve is left out: that is no data but room that is
/// kept free, of a size of its own (`store.reserve_bytes`), and given up when the disk is full.
#[derive(Clone, Copy, Default)]
struct Held {
    table: u64,
    exports: u64,
    journal: u64,
    all: u64,
}

impl Held {
    fn of(path: &Path) -> Self {
        let of = |name: &str| machine::bytes_below(&path.join(name));
        let reserve = std::fs::metadata(path.join("reserve")).map_or(0, |reserve| reserve.len());
        let all = machine::bytes_below(path).saturating_sub(reserve);
        Self { table: of("table"), exports: of("exports"), journal: of("journal"), all }
    }

    fn or_more(self, other: Self) -> Self {
        if other.all > self.all { other } else { self }
    }

    fn tell(self, when: &str) {
        let mb = |bytes: u64| bytes / 1_000_000;
        let Self { table, exports, journal, all } = self;
        println!("disk {when}: {} MB (table {}, exports {}, journal {})", mb(all), mb(table), mb(exports), mb(journal));
    }
}

fn spent(before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let now = machine::threads().into_iter();
    now.map(|(name, ns)| (name.clone(), ns.saturating_sub(before.get(&name).copied().unwrap_or_default()))).collect()
}

/// Closes the store, and asks it what lives.
fn live_bytes(store: &Journal, path: &Path) -> anyhow::Result<u64> {
    tokio::runtime::Builder::new_current_thread().build()?.block_on(store.close());
    Ok(store::stats(path, &work::keys())?.live_bytes)
}
