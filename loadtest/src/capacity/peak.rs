//! What the national peak takes (domain.md 2.2), reckoned from what this machine holds. Pure arithmetic.

use std::fmt::Write as _;

use crate::report::Report;

/// Meta's most for one business number, messages a second in and out together.
const NUMBER_MESSAGES_PER_S: f64 = 1_000.0;
/// A download session of the sizing: 8 messages in, 9 out, and its length.
const SESSION_MESSAGES: f64 = 17.0;
const SESSION_S: f64 = 240.0;
/// An awake session's memory.
const SESSION_KIB: f64 = 1.5;
/// No more of a core than this is planned to be busy.
const BUSY: f64 = 0.7;

/// The demands, in sessions a second.
const DEMANDS: [(&str, f64); 4] = [
    ("3.0 M in a day, its peak hour (12 %)", 100.0),
    ("1 % of 208 M people within an hour", 579.0),
    ("3.0 M within one hour", 833.0),
    ("10 % of 208 M people within an hour", 5_785.0),
];

/// What a machine holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holds {
    pub(super) citizens_per_s: f64,
    pub(super) messages_per_citizen: f64,
    /// The server's process alone.
    pub(super) cpu_us_a_message: f64,
    pub(super) cores: f64,
}

/// What a demand takes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Takes {
    messages_per_s: f64,
    numbers: f64,
    /// Machines like this, the load tester on them too.
    machines: f64,
    /// Cores for the server alone.
    cores: f64,
    memory_gib: f64,
}

impl Holds {
    #[expect(clippy::cast_precision_loss, reason = "counts of a short run")]
    pub(super) fn of(citizens_per_s: f64, report: &Report) -> Self {
        let messages = (report.messages_said + report.replied) as f64;
        let citizens = (report.citizens_served + report.citizens_failed).max(1) as f64;
        let cpu_s = report.server.map_or(0.0, |usage| usage.cpu_s);
        Self {
            citizens_per_s,
            messages_per_citizen: messages / citizens,
            cpu_us_a_message: cpu_s * 1_000_000.0 / messages.max(1.0),
            cores: std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64),
        }
    }

    fn messages_per_s(&self) -> f64 {
        self.citizens_per_s * self.messages_per_citizen
    }

    /// What so many sessions a second of so many messages take.
    fn takes(&self, sessions_per_s: f64, messages: f64) -> Takes {
        let messages_per_s = sessions_per_s * messages;
        Takes {
            messages_per_s,
            numbers: (messages_per_s / NUMBER_MESSAGES_PER_S).ceil(),
            machines: (messages_per_s / self.messages_per_s()).ceil(),
            cores: (messages_per_s * self.cpu_us_a_message / 1_000_000.0 / BUSY).ceil(),
            memory_gib: sessions_per_s * SESSION_S * SESSION_KIB / 1_024.0 / 1_024.0,
        }
    }

    /// The answer, with its arithmetic.
    pub(super) fn told(&self, why: &str) -> String {
        let mut told = format!(
            "\nthis machine holds {:.0} citizens/s, {:.0} messages/s in and out (its {:.0} cores shared with the load)\n",
            self.citizens_per_s,
            self.messages_per_s(),
            self.cores
        );
        if !why.is_empty() {
            let _ = writeln!(told, "beyond it: {why}");
        }
        let _ = writeln!(
            told,
            "\na session here is {:.1} messages and {:.0} us of the server's CPU a message, statuses included; the sizing\n\
             reckons with {SESSION_MESSAGES} messages and {SESSION_S} s. numbers = messages/s / {NUMBER_MESSAGES_PER_S}; \
             machines = messages/s / {:.0};\ncores of the server alone = messages/s x us / {BUSY}; \
             memory = sessions awake x {SESSION_KIB} KiB\n",
            self.messages_per_citizen,
            self.cpu_us_a_message,
            self.messages_per_s()
        );
        let _ = writeln!(
            told,
            "{:<38}{:>11}{:>11}{:>9}{:>10}{:>7}{:>8}",
            "demand", "sessions/s", "messages/s", "numbers", "machines", "cores", "GiB"
        );
        for (name, sessions_per_s) in DEMANDS {
            for (path, messages) in [("", SESSION_MESSAGES), ("  as short as here", self.messages_per_citizen)] {
                let takes = self.takes(sessions_per_s, messages);
                let name = if path.is_empty() { name } else { path };
                let _ = writeln!(
                    told,
                    "{name:<38}{sessions_per_s:>11.0}{:>11.0}{:>9.0}{:>10.0}{:>7.0}{:>8.1}",
                    takes.messages_per_s, takes.numbers, takes.machines, takes.cores, takes.memory_gib
                );
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLDS: Holds =
        Holds { citizens_per_s: 100.0, messages_per_citizen: 10.0, cpu_us_a_message: 350.0, cores: 2.0 };

    #[test]
    fn the_national_peak_is_reckoned_as_the_sizing_does() {
        let takes = HOLDS.takes(833.0, SESSION_MESSAGES);
        assert!((takes.messages_per_s - 14_161.0).abs() < 0.5);
        assert_eq!((takes.numbers, takes.machines), (15.0, 15.0));
        // 14,161 x 350 us are 4.96 cores, and 7.08 when none is more than 70 % busy.
        assert!((takes.cores - 8.0).abs() < 1e-9, "{}", takes.cores);
        // 199,920 sessions at once.
        assert!((takes.memory_gib - 0.286).abs() < 0.001, "{}", takes.memory_gib);
        assert!((HOLDS.takes(5_785.0, SESSION_MESSAGES).numbers - 99.0).abs() < 1e-9);
    }

    #[test]
    fn the_answer_names_both_rates_and_what_broke_beyond() {
        let told = HOLDS.told("reply_p99_ms is 1500.00, the limit is 1000.00");
        assert!(told.contains("this machine holds 100 citizens/s, 1000 messages/s"), "{told}");
        assert!(told.contains("beyond it: reply_p99_ms") && told.contains("3.0 M within one hour"));
    }
}
