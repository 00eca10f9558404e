//! What can go wrong with the emulator itself (what it refuses as Meta is `graph::GraphError`).

use std::net::SocketAddr;

/// The emulator cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    #[error("emulator: cannot listen on {bind}: {source}")]
    Bind { bind: SocketAddr, source: std::io::Error },
    #[error("emulator: no thread could be started: {0}")]
    Thread(std::io::Error),
    #[error("emulator: its thread died while starting")]
    Died,
    #[error("emulator: the http client cannot be made: {0}")]
    Client(reqwest::Error),
    #[error("emulator: {0}")]
    Options(&'static str),
}

/// A citizen cannot say this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SayError {
    #[error("a sender needs a phone or a BSUID")]
    Nobody,
    #[error("that business number is not one of the emulator's")]
    UnknownNumber,
    /// `Bounds::open_posts_max` or `Bounds::contacts_max`; nothing was said.
    #[error("the emulator holds as much as it may")]
    Full,
    #[error("the emulator is stopping")]
    Closed,
}
