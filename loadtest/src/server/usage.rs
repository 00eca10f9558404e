//! What a process, or a group of them, takes of the machine, from `/proc`.

use anyhow::Context as _;
use serde::Serialize;

/// What the process took, from `/proc`.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Usage {
    pub(crate) cpu_s: f64,
    pub(crate) peak_memory_mib: f64,
    /// Now.
    pub(crate) memory_mib: f64,
}

/// What a process took so far.
pub(crate) fn usage_of(pid: u32) -> anyhow::Result<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    usage_in(&stat, &status).context("/proc is not as expected")
}

/// What the processes of a group took so far, those that live. A page that several of them share is memory once.
pub(crate) fn usage_of_group(group: u32) -> anyhow::Result<Usage> {
    let mut sum = None;
    for process in std::fs::read_dir("/proc")?.flatten() {
        let read = |name: &str| std::fs::read_to_string(process.path().join(name)).unwrap_or_default();
        let stat = read("stat");
        if group_in(&stat) != Some(group) {
            continue;
        }
        // One that has ended meanwhile counts nothing.
        let Some(one) = usage_in(&stat, &read("status")) else { continue };
        let so_far = sum.unwrap_or(Usage { cpu_s: 0.0, peak_memory_mib: 0.0, memory_mib: 0.0 });
        sum = Some(Usage {
            cpu_s: so_far.cpu_s + one.cpu_s,
            peak_memory_mib: so_far.peak_memory_mib + one.peak_memory_mib,
            memory_mib: so_far.memory_mib + mib_in(&read("smaps_rollup"), "Pss:").unwrap_or(one.memory_mib),
        });
    }
    sum.with_context(|| format!("no process of group {group} lives"))
}

/// The fifth field.
fn group_in(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}

fn mib_in(text: &str, key: &str) -> Option<f64> {
    let kib = text.lines().find_map(|line| line.strip_prefix(key))?.trim().trim_end_matches(" kB");
    Some(kib.parse::<f64>().ok()? / 1_024.0)
}

/// User and system time in ticks of 10 ms are the 14th and 15th fields, the second being a name in brackets.
fn usage_in(stat: &str, status: &str) -> Option<Usage> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(Usage {
        cpu_s: ticks / 100.0,
        peak_memory_mib: mib_in(status, "VmHWM:")?,
        memory_mib: mib_in(status, "VmRSS:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_from_proc() {
        let stat = "17 (si aga) S 1 17 17 0 -1 4194560 3117 0 0 0 250 50 0 0 20 0 9 0 12345 1 2 3";
        let usage = usage_in(stat, "Name:\tsiaga\nVmHWM:\t   65536 kB\nVmRSS:\t 1024 kB\n").expect("usage");
        assert!(
            (usage.cpu_s - 3.0).abs() < 1e-9
                && (usage.peak_memory_mib - 64.0).abs() < 1e-9
                && (usage.memory_mib - 1.0).abs() < 1e-9
        );
        assert_eq!(group_in(stat), Some(17));
    }
}
