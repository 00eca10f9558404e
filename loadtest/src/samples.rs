//! A look at the run every second: for the line that is shown meanwhile, and for the report's plots.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::crowd::Stage;
use crate::figures::Percentiles;
use crate::server::{Shared, Usage, drift_at, usage_of};

/// Looks that are kept; a run longer than an hour and a half keeps its beginning.
const SAMPLES_MAX: usize = 5_400;

/// One look.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Sample {
    /// Since the start.
    pub(crate) at_s: f64,
    /// Since the look before.
    pub(crate) messages_per_s: f64,
    pub(crate) replies_per_s: f64,
    pub(crate) ack_p50_ms: f64,
    pub(crate) ack_p99_ms: f64,
    pub(crate) reply_p50_ms: f64,
    pub(crate) reply_p99_ms: f64,
    pub(crate) in_flight: f64,
    pub(crate) server: Option<ServerSample>,
    pub(crate) tester_cpu_percent: f64,
}

/// What the server's process takes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct ServerSample {
    pub(crate) cpu_percent: f64,
    pub(crate) memory_mib: f64,
    pub(crate) disk_mib: f64,
    /// Messages that it took and cannot account for; `None` while it did not say.
    pub(crate) drift: Option<f64>,
}

/// Looks until it is dropped; what was seen is asked for with [`Sampler::end`].
pub(crate) struct Sampler {
    task: tokio::task::JoinHandle<()>,
    seen: Arc<std::sync::Mutex<Vec<Sample>>>,
    bar: ProgressBar,
}

/// What the look before saw.
#[derive(Default)]
struct Before {
    at_s: f64,
    said: u64,
    replies: u64,
    server_cpu_s: Option<f64>,
    tester_cpu_s: f64,
}

impl Sampler {
    /// Begins to look at a run of so many citizens.
    pub(crate) fn begin(stage: Arc<Stage>, server: Option<Shared>, citizens: usize, begun: Instant) -> Self {
        let seen: Arc<std::sync::Mutex<Vec<Sample>>> = Arc::default();
        let bar = bar(citizens);
        let (shown, samples) = (bar.clone(), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            let mut ticks = interval(Duration::from_secs(1));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            ticks.tick().await;
            let mut before = Before::default();
            loop {
                ticks.tick().await;
                let sample = look(&stage, server.as_ref(), begun.elapsed().as_secs_f64(), &mut before).await;
                show(&shown, &stage, &sample);
                let mut samples = samples.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if samples.len() < SAMPLES_MAX {
                    samples.push(sample);
                }
            }
        });
        Self { task, seen, bar }
    }

    /// Ends it.
    pub(crate) fn end(self) -> Vec<Sample> {
        self.task.abort();
        self.bar.finish_and_clear();
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

async fn look(stage: &Stage, server: Option<&Shared>, at_s: f64, before: &mut Before) -> Sample {
    let (said, replies, in_flight, ack, reply): (u64, u64, u64, Percentiles, Percentiles) = stage
        .with(|figures| (figures.said, figures.replies, figures.in_flight(), figures.ack.look(), figures.reply.look()));
    let (mut usage, mut disk_mib, mut drift) = (None, 0.0, None);
    if let Some(server) = server {
        let ops = {
            let server = server.lock().await;
            (usage, disk_mib) = (server.usage().ok(), mib(server.disk_bytes().unwrap_or_default()));
            server.ops()
        };
        drift = drift_at(ops).await;
    }
    let tester_cpu_s = usage_of(std::process::id()).map_or(before.tester_cpu_s, |usage| usage.cpu_s);
    let passed = (at_s - before.at_s).max(0.001);
    let cpu = |now: f64, then: f64| ((now - then) / passed * 100.0).max(0.0);
    let seen = |usage: Usage| ServerSample {
        cpu_percent: cpu(usage.cpu_s, before.server_cpu_s.unwrap_or(usage.cpu_s)),
        memory_mib: usage.memory_mib,
        disk_mib,
        drift,
    };
    let sample = Sample {
        at_s,
        messages_per_s: rate(said - before.said, passed),
        replies_per_s: rate(replies - before.replies, passed),
        ack_p50_ms: ack.p50,
        ack_p99_ms: ack.p99,
        reply_p50_ms: reply.p50,
        reply_p99_ms: reply.p99,
        in_flight: rate(in_flight, 1.0),
        server: usage.map(seen),
        tester_cpu_percent: cpu(tester_cpu_s, before.tester_cpu_s),
    };
    let server_cpu_s = usage.map(|usage| usage.cpu_s).or(before.server_cpu_s);
    *before = Before { at_s, said, replies, server_cpu_s, tester_cpu_s };
    sample
}

fn show(bar: &ProgressBar, stage: &Stage, sample: &Sample) {
    let (left, lost) = stage.with(|figures| (figures.served + figures.failed, figures.failed + figures.strays));
    bar.set_position(left);
    bar.set_message(format!(
        "{:.0} messages/s, 200 {:.0}/{:.0} ms, reply {:.0}/{:.0} ms, {:.0} in flight, {lost} lost",
        sample.messages_per_s,
        sample.ack_p50_ms,
        sample.ack_p99_ms,
        sample.reply_p50_ms,
        sample.reply_p99_ms,
        sample.in_flight
    ));
}

fn bar(citizens: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(citizens).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("{bar:20} {pos}/{len} citizens, {elapsed}: {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

#[expect(clippy::cast_precision_loss, reason = "counts of a second")]
fn rate(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds
}

#[expect(clippy::cast_precision_loss, reason = "bytes of a disk")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}
