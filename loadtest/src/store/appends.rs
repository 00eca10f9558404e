//! Durable appends: 64 writers, each waiting for its record before it writes the next.
#![expect(clippy::print_stdout, reason = "the command line speaks to a person")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use siaga::ports::{Record, Store as _};

use super::{Place, machine, work};

const WRITERS: u64 = 64;
const RUN: Duration = Duration::from_secs(10);
/// As the bound asks for.
const RATE_MIN: f64 = 100_000.0;

pub(super) fn measure(place: &Place) -> anyhow::Result<Vec<String>> {
    let directory = place.directory()?;
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
    machine::tell_load();
    Ok(if rate < RATE_MIN { vec![format!("durable appends/s: {rate:.0} is under {RATE_MIN:.0}")] } else { Vec::new() })
}
