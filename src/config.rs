//! Settings: one commented default file, overlays, environment; read once, checked before a port is bound.
//!
//! `config/default.toml` holds every key, is built in, and is the documentation. Its shape is the schema: a key
//! or type that is not in it is an error ([`layers`]), ranges and choices stand in [`bounds`], what must fit together in
//! [`rules`]. All faults are found at once: the key, where it was set, its value (never a secret's), what is allowed.
//!
//! What does not belong here: what a part does with its settings (its own `Options`; `app` maps them).

pub mod bounds;
pub mod fault;
pub mod key_file;
pub mod layers;
mod neighbours;
pub mod rules;
pub mod show;
pub mod signing_file;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

use crate::account::AccountRules;
use crate::conversation::Rules;
use crate::limits::codes::CodeRules;

pub use fault::{ConfigError, Fault};
pub use neighbours::{
    Desk, DeskKind, Directory, DirectoryKind, Otp, OtpSender, Registry, RegistryKind, Smpp, SmsAnswer, SmsFormat,
    SmsHeader, SmsMeaning, VaccineCode,
};

/// The default settings, as the operator reads them.
pub const DEFAULT_TOML: &str = include_str!("../config/default.toml");

/// All settings, valid.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    pub server: Server,
    pub whatsapp: WhatsApp,
    pub store: Store,
    pub actors: Actors,
    pub admission: Admission,
    pub conversation: Rules,
    pub account: AccountRules,
    pub codes: CodeRules,
    pub registry: Registry,
    pub directory: Directory,
    pub desk: Desk,
    pub otp: Otp,
    pub smpp: Smpp,
    pub certificate: Certificate,
    pub emulator: Emulator,
    pub telemetry: Telemetry,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Server {
    pub bind: SocketAddr,
    pub ops_bind: SocketAddr,
    pub web_workers: usize,
    pub shards: usize,
    pub body_bytes_max: usize,
    pub body_read_s: u64,
    pub drain_s: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct WhatsApp {
    pub mode: Mode,
    pub graph_url: String,
    pub graph_version: String,
    pub app_secrets: Vec<SecretString>,
    pub verify_token: SecretString,
    pub access_token: SecretString,
    pub phone_numbers: Vec<PhoneNumber>,
    pub read_receipts: ReadReceipts,
    pub slow_after_ms: u64,
    pub connect_timeout_ms: u64,
    pub request_timeout_ms: u64,
    pub connections_max: usize,
    pub send_to_bsuid: bool,
    pub retry_first_ms: u64,
    pub retry_max_ms: u64,
    pub tries_max: u32,
    pub reconcile_s: u64,
    pub pair_low: u64,
    pub window_template: String,
    pub window_template_language: String,
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Emulator,
    Cloud,
}

/// When a message is marked as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadReceipts {
    WhenSlow,
    Always,
    Never,
}

/// One of our business numbers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhoneNumber {
    pub id: String,
    pub display: String,
    pub messages_per_s: u32,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Store {
    pub path: PathBuf,
    pub key_file: PathBuf,
    pub segment_bytes: u64,
    pub group_records_max: usize,
    pub group_bytes_max: usize,
    pub gather_us: u64,
    pub queue_records_max: usize,
    pub queue_bytes_max: usize,
    pub open_bytes_max: u64,
    pub rows_in_memory_max: usize,
    pub apply_after_ms: u64,
    pub apply_window_bytes: u64,
    pub checkpoint_bytes: u64,
    pub export_after_bytes: u64,
    pub crash_loop_starts: usize,
    pub table_cache_bytes: u64,
    pub dead_letters_bytes_max: u64,
    pub dead_letters_days_max: u32,
    pub free_bytes_min: u64,
    pub reserve_bytes: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Actors {
    pub mailbox_messages_max: usize,
    pub passivate_after_s: u64,
    pub sessions_awake_max: usize,
    pub accounts_awake_max: usize,
    pub neighbour_timeout_ms: u64,
    pub neighbour_calls_max: usize,
    pub breaker_calls_min: u32,
    pub breaker_failures_percent: u32,
    pub breaker_window_s: u64,
    pub breaker_open_s: u64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Admission {
    pub turns_per_s: u32,
    pub waiting_max: usize,
    pub tell_after_s: u64,
    pub ramp_s: u64,
    pub replies_waiting_s: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Certificate {
    pub key_file: PathBuf,
    pub issuer: String,
    pub valid_days: u32,
    pub sign_again_after_days: u32,
    pub at_once_max: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Emulator {
    pub bind: SocketAddr,
    pub latency_ms: u64,
    pub status_delay_ms: u64,
    pub enforce_rates: bool,
    pub chats_max: usize,
    pub history_max: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Telemetry {
    pub log: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Reads the default, then `files` in order, then the variables of `environment` that start with
    /// `SIAGA__`. All faults of all layers come back at once.
    pub fn load(
        files: &[PathBuf],
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let config = Self::load_for_commands(files, environment)?;
        let faults = rules::check(&config);
        if faults.is_empty() { Ok(config) } else { Err(ConfigError { faults }) }
    }

    /// The same without what only a server needs: who looks after a store on its machine has no secrets of Meta's.
    pub fn load_for_commands(
        files: &[PathBuf],
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let layered = layers::read(files, environment)?;
        let mut faults = layered.faults.clone();
        faults.extend(bounds::check(&layered));
        if faults.is_empty() { Self::from_layers(&layered) } else { Err(ConfigError { faults }) }
    }

    fn from_layers(layered: &layers::Layered) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        // Section by section and key by key, so that a list of the wrong shape is named by its key.
        for (key, leaf) in &layered.leaves {
            if let Some(reason) = layers::misfit(key, &leaf.value) {
                faults.push(Fault::Invalid {
                    key: key.clone(),
                    origin: leaf.origin.clone(),
                    value: leaf.shown(key),
                    reason,
                });
            }
        }
        if !faults.is_empty() {
            return Err(ConfigError { faults });
        }
        layered.to_table().try_into().map_err(|error: toml::de::Error| ConfigError {
            faults: vec![Fault::Unfit { reason: error.message().to_owned() }],
        })
    }
}
