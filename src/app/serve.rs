//! Settings become a running server: the way from `config` to the parts' own options.

use std::process::ExitCode;

use crate::config::Config;

/// Serves until it is told to stop.
pub fn serve(_config: Config) -> ExitCode {
    ExitCode::SUCCESS
}
