//! Logs and metrics of the process: set up once, by `main` or by a test.
//!
//! Logs are sentences with dotted fields, on standard error, never with personal data. Metrics are rendered in
//! Prometheus' text form by [`Recorder::render`]; their names stand in `metrics`.

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, Telemetry};
use crate::metrics::{BUCKETS_RECORDS, BUCKETS_S, SECONDS_SUFFIX, STORE_GROUP};

/// Why the process cannot tell about itself.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("telemetry.log: `{filter}` is not a filter: {reason}")]
    Filter { filter: String, reason: String },
    #[error("logs are set up already")]
    Twice,
    #[error("metrics cannot be set up: {0}")]
    Metrics(String),
}

/// Where the process's metrics are collected.
#[derive(Clone)]
pub struct Recorder(PrometheusHandle);

/// Starts logging to standard error.
pub fn log(settings: &Telemetry) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&settings.log)
        .map_err(|error| TelemetryError::Filter { filter: settings.log.clone(), reason: error.to_string() })?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let registry = tracing_subscriber::registry().with(filter);
    match settings.format {
        LogFormat::Text => registry.with(lines.compact()).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    }
    .map_err(|_| TelemetryError::Twice)
}

/// The process's recorder; set up on the first call. A process has one, however many servers a test starts.
pub fn recorder() -> Result<Recorder, TelemetryError> {
    static RECORDER: OnceLock<Result<Recorder, String>> = OnceLock::new();
    RECORDER.get_or_init(install).clone().map_err(TelemetryError::Metrics)
}

fn install() -> Result<Recorder, String> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix(SECONDS_SUFFIX.to_owned()), &BUCKETS_S)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(STORE_GROUP.to_owned()), &BUCKETS_RECORDS))
        .map_err(|error| error.to_string())?;
    let handle = builder.install_recorder().map_err(|error| error.to_string())?;
    crate::metrics::describe();
    Ok(Recorder(handle))
}

impl Recorder {
    /// All metrics in Prometheus' text form.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds collected samples together. Histograms grow until this or `render` runs, so it runs every few
    /// seconds whether anyone scrapes or not.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}
