//! Why a server does not start.

use std::net::SocketAddr;

use crate::ports::StoreError;
use crate::{certificate, desk, emulator, otp, registry, store, whatsapp};

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("`{address}` cannot be bound: {source}")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error(transparent)]
    Open(#[from] store::OpenError),
    #[error("the store cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Emulator(#[from] emulator::EmulatorError),
    #[error("whatsapp: {0}")]
    Graph(#[from] whatsapp::OptionsError),
    #[error("sms: {0}")]
    Sms(#[from] otp::sms_http::OptionsError),
    #[error("smpp: {0}")]
    Smpp(#[from] otp::smpp::OptionsError),
    #[error("registry or directory: {0}")]
    Registry(#[from] registry::http::OptionsError),
    #[error("the ministry's desk: {0}")]
    Desk(#[from] desk::ministry::OptionsError),
    #[error("certificates: {0}")]
    Certificate(#[from] certificate::CertificateError),
    #[error(transparent)]
    Vaccines(#[from] certificate::hcert::vaccines::VaccinesFault),
    #[error("certificate.key_file: {0}")]
    Signing(#[from] crate::config::signing_file::SigningFileError),
    #[error(transparent)]
    Telemetry(#[from] crate::telemetry::TelemetryError),
    #[error("store.key_file: {0}")]
    Key(#[from] crate::config::key_file::KeyFileError),
    #[error("config/text: {0}")]
    Texts(#[from] crate::conversation::text::TextErrors),
    #[error(transparent)]
    Control(#[from] crate::control::socket::SocketError),
    #[error("{0}")]
    Options(&'static str),
}
