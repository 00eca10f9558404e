//! Settings of the neighbours that a ministry has: registry, directory, desk, SMS gateway.

use secrecy::SecretString;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub struct Registry {
    pub kind: RegistryKind,
    pub seed: u64,
    pub citizens: usize,
    pub url: String,
    pub client_id: String,
    pub client_secret: SecretString,
    pub timeout_ms: u64,
    pub connections_max: usize,
    pub vaccine_codes: Vec<VaccineCode>,
}

/// What a code of a vaccine means.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaccineCode {
    pub system: String,
    pub code: String,
    pub vaccine: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistryKind {
    Embedded,
    Satusehat,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Directory {
    pub kind: DirectoryKind,
    pub url: String,
    pub authorization: SecretString,
    pub timeout_ms: u64,
    pub connections_max: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryKind {
    Embedded,
    Http,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Desk {
    pub kind: DeskKind,
    pub url: String,
    pub secrets: Vec<SecretString>,
    pub timeout_ms: u64,
    pub connections_max: usize,
    pub retry_first_s: u64,
    pub retry_max_s: u64,
    pub refused_again_s: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeskKind {
    Here,
    Http,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Otp {
    /// In the order in which they are tried.
    pub senders: Vec<OtpSender>,
    pub url: String,
    pub authorization: SecretString,
    pub format: SmsFormat,
    pub body: String,
    pub headers: Vec<SmsHeader>,
    pub secret: SecretString,
    pub answers: Vec<SmsAnswer>,
    pub timeout_ms: u64,
    pub connections_max: usize,
    pub template: String,
    pub template_language: String,
}

/// An operator's SMSC.
#[derive(Clone, Debug, Deserialize)]
pub struct Smpp {
    pub address: String,
    pub system_id: String,
    pub password: SecretString,
    pub system_type: String,
    pub service_type: String,
    pub source: String,
    pub source_ton: u8,
    pub source_npi: u8,
    pub dest_ton: u8,
    pub dest_npi: u8,
    pub data_coding: u8,
    pub window_max: usize,
    pub timeout_ms: u64,
    pub enquire_link_s: u64,
    pub reconnect_first_ms: u64,
    pub reconnect_max_ms: u64,
    pub throttle_pause_ms: u64,
    pub receipts_max: usize,
    pub receipts_s: u64,
}

/// How a gateway is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmsFormat {
    Json,
    Form,
    Query,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsHeader {
    pub name: String,
    pub value: String,
}

/// What an answer of a gateway means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsAnswer {
    /// 0: any.
    pub status: u16,
    pub says: String,
    pub means: SmsMeaning,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmsMeaning {
    Sent,
    Retry,
    /// The number receives no SMS.
    Undelivered,
    Refused,
}

/// A way of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtpSender {
    Emulator,
    Http,
    Smpp,
    Template,
}
