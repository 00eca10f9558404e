//! What the kernel says of this process: processor time by thread, memory, and what else the machine did.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line speaks to a person")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// Nanoseconds of processor time by thread name.
pub(super) fn threads() -> BTreeMap<String, u64> {
    let mut times = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let read = |name: &str| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let ran = read("schedstat").split_whitespace().next().and_then(|ns| ns.parse::<u64>().ok());
        *times.entry(read("comm").trim().to_owned()).or_default() += ran.unwrap_or_default();
    }
    times
}

/// Resident memory of a process, in MiB.
pub(super) fn memory_mib(pid: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kib.unwrap_or_default() / 1_024.0
}

/// Of all files below.
pub(super) fn bytes_below(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => bytes_below(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

/// The machine's load, said with every figure that depends on it.
pub(super) fn tell_load() {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    println!("machine: {cores} cores, load {}", load.split_whitespace().take(3).collect::<Vec<_>>().join(" "));
}

/// A bound that may be broken; `None`: it holds.
pub(super) fn at_most(what: &str, measured: f64, bound: f64) -> Option<String> {
    println!("{what}: {measured:.1} (at most {bound:.1})");
    (measured > bound).then(|| format!("{what}: {measured:.1} is over {bound:.1}"))
}

pub(super) fn verdict(broken: &[String]) -> ExitCode {
    for bound in broken {
        eprintln!("broken: {bound}");
    }
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
