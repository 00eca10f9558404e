//! Figures that need a long run on a quiet machine, in release mode:
//! `cargo test --release --test it store::figures -- --ignored --nocapture --test-threads 1`.

#![expect(clippy::print_stdout, reason = "figures are for whoever started the run")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use siaga::ports::{Key, Part, Record, Store, Table, Value};
use siaga::store::{self, Journal, Options};

use super::world::{clock, keys};

const WRITERS: u64 = 64;
const RUN: Duration = Duration::from_secs(10);
/// What a turn writes of a contact, about (issue 4: appends of 600 B in the measurements).
const VALUE_BYTES: usize = 600;

/// Each writer waits for its record before it writes the next.
async fn writer(store: Arc<Journal>, number: u64, over: Arc<AtomicBool>, appended: Arc<AtomicU64>) {
    let value = Value([7; VALUE_BYTES].into());
    let key = Key::from_slice(&number.to_be_bytes());
    while !over.load(Ordering::Relaxed) {
        let part = Part::Put { table: Table::Contact, key: key.clone(), value: value.clone() };
        let ticket = store.append(Record { writer: None, parts: vec![part] }).unwrap();
        ticket.durable.await.unwrap();
        appended.fetch_add(1, Ordering::Relaxed);
    }
}

/// User and system time of this process, in seconds (`/proc/self/stat`, fields 14 and 15, ticks of 10 ms).
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    [11, 12].iter().map(|at| fields[*at].parse::<f64>().unwrap() / 100.0).sum()
}

fn durable_appends(path: &std::path::Path) -> (f64, f64) {
    let store = store::open(&Options::new(path), &keys(), clock()).unwrap();
    let (over, appended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (began, cpu) = (Instant::now(), cpu_s());
    runtime.block_on(async {
        let write = |number| writer(Arc::clone(&store), number, Arc::clone(&over), Arc::clone(&appended));
        let writers: Vec<_> = (0..WRITERS).map(|number| tokio::spawn(write(number))).collect();
        tokio::time::sleep(RUN).await;
        over.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.await.unwrap();
        }
    });
    #[expect(clippy::cast_precision_loss, reason = "a count below 2^52")]
    let count = appended.load(Ordering::Relaxed) as f64;
    (count / began.elapsed().as_secs_f64(), (cpu_s() - cpu) / count * 1e6)
}

#[test]
#[ignore = "a long run: see this file's head"]
fn durable_appends_with_64_writers() {
    let directory = tempfile::tempdir_in(std::env::var("SIAGA_FIGURES_DIR").unwrap_or_else(|_| ".".into())).unwrap();
    for round in 1..=3 {
        let (rate, cpu_us) = durable_appends(&directory.path().join(round.to_string()));
        println!("round {round}: {rate:.0} durable appends/s, {cpu_us:.1} us of CPU each (writer's task included)");
    }
}
