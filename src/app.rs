//! The composition root: the only module that names adapters.

use std::process::ExitCode;

use crate::config::Config;

/// Serves until it is told to stop.
pub fn serve(_config: Config) -> ExitCode {
    ExitCode::SUCCESS
}
