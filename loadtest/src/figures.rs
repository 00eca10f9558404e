//! The measures of a run while it runs: counts, and times in histograms, whole and of the last second.

use std::collections::HashMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Times from a microsecond to ten minutes, in three digits.
const TIME_US_MAX: u64 = 600_000_000;

/// The measures.
#[derive(Clone)]
pub(crate) struct Figures {
    pub(crate) said: u64,
    pub(crate) replies: u64,
    pub(crate) courtesies: u64,
    pub(crate) documents: u64,
    pub(crate) sms: u64,
    pub(crate) statuses: u64,
    pub(crate) not_stored: u64,
    /// Replies to chats that nobody had spoken in.
    pub(crate) strays: u64,
    pub(crate) noise: NoiseCount,
    pub(crate) ack: Times,
    pub(crate) reply: Times,
    pub(crate) late: Times,
    /// How late a message was posted that awaits its reply.
    due: HashMap<String, Duration>,
    pub(crate) began: u64,
    pub(crate) served: u64,
    pub(crate) failed: u64,
    pub(crate) events_lost: u64,
    pub(crate) wall: Duration,
}

/// What became of POSTs that no citizen sent.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct NoiseCount {
    pub(crate) forged: u64,
    pub(crate) forged_taken: u64,
    pub(crate) odd: u64,
    pub(crate) odd_refused: u64,
    /// Messages of the one who writes without end.
    pub(crate) hot: u64,
    pub(crate) hot_taken: u64,
}

/// Times of one kind.
#[derive(Clone)]
pub(crate) struct Times {
    whole: Histogram<u64>,
    /// Since the last look.
    lately: Histogram<u64>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) count: u64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl Figures {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            said: 0,
            replies: 0,
            courtesies: 0,
            documents: 0,
            sms: 0,
            statuses: 0,
            not_stored: 0,
            strays: 0,
            noise: NoiseCount::default(),
            ack: Times::new()?,
            reply: Times::new()?,
            late: Times::new()?,
            due: HashMap::new(),
            began: 0,
            served: 0,
            failed: 0,
            events_lost: 0,
            wall: Duration::ZERO,
        })
    }

    /// A citizen began, so late against the plan.
    pub(crate) fn began(&mut self, late: Duration) {
        self.began += 1;
        self.late.record(late.as_secs_f64() * 1_000.0);
    }

    /// A citizen left.
    pub(crate) fn left(&mut self, served: bool) {
        if served {
            self.served += 1;
        } else {
            self.failed += 1;
        }
    }

    /// Citizens under way.
    pub(crate) fn in_flight(&self) -> u64 {
        self.began - self.served - self.failed
    }

    /// A message that awaits its reply is posted, so late.
    pub(crate) fn due(&mut self, id: String, late: Duration) {
        self.due.insert(id, late);
    }

    pub(crate) fn ack(&mut self, ms: f64) {
        self.ack.record(ms);
    }

    /// A reply came, so long after the POST of the message began. Told once of a message.
    pub(crate) fn reply(&mut self, id: &str, ms: f64) {
        if let Some(late) = self.due.remove(id) {
            self.reply.record(ms + late.as_secs_f64() * 1_000.0);
        }
    }

    pub(crate) fn lost(&mut self, events: u64) {
        self.events_lost += events;
    }
}

impl Times {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let whole = Histogram::new_with_bounds(1, TIME_US_MAX, 3)?;
        Ok(Self { lately: whole.clone(), whole })
    }

    pub(crate) fn record(&mut self, ms: f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the histogram's range")]
        let us = (ms * 1_000.0).clamp(1.0, 600_000_000.0) as u64;
        self.whole.saturating_record(us);
        self.lately.saturating_record(us);
    }

    pub(crate) fn percentiles(&self) -> Percentiles {
        percentiles(&self.whole)
    }

    /// Of the times since the last look.
    pub(crate) fn look(&mut self) -> Percentiles {
        let lately = percentiles(&self.lately);
        self.lately.reset();
        lately
    }

    /// How many of a hundred took longer.
    pub(crate) fn percent_over(&self, ms: u64) -> f64 {
        let over = self.whole.len() - self.whole.count_between(0, ms * 1_000);
        percent(over, self.whole.len())
    }
}

fn percentiles(times: &Histogram<u64>) -> Percentiles {
    if times.is_empty() {
        return Percentiles::default();
    }
    #[expect(clippy::cast_precision_loss, reason = "ten minutes in microseconds fit")]
    let ms = |us: u64| us as f64 / 1_000.0;
    let at = |quantile| ms(times.value_at_quantile(quantile));
    Percentiles { count: times.len(), p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: ms(times.max()) }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run")]
pub(crate) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_counted_from_the_moment_a_message_was_due_and_once() {
        let mut figures = Figures::new().expect("figures");
        figures.due("m1".into(), Duration::from_millis(500));
        figures.reply("m1", 20.0);
        figures.reply("m1", 4_000.0);
        figures.reply("unknown", 4_000.0);
        let reply = figures.reply.percentiles();
        assert_eq!(reply.count, 1);
        assert!((reply.max - 520.0).abs() < 1.0, "{}", reply.max);
    }

    #[test]
    fn the_last_second_is_told_apart_and_the_share_over_a_bound() {
        let mut times = Times::new().expect("times");
        (0..99).for_each(|_| times.record(10.0));
        assert_eq!(times.look().count, 99);
        times.record(1_500.0);
        assert_eq!((times.look().count, times.percentiles().count), (1, 100));
        assert!((times.percent_over(1_000) - 1.0).abs() < 1e-9);
    }
}
