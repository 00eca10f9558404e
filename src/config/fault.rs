//! What can be wrong with settings, said so that an operator can mend it without reading code.

use std::fmt;
use std::path::PathBuf;

/// Everything that is wrong, found in one go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    pub faults: Vec<Fault>,
}

/// One thing that is wrong. `origin` is the file or variable that set the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("{}: cannot be read: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("{origin}: is not toml: {reason}")]
    Syntax { origin: String, reason: String },
    #[error("{key}: no such setting ({origin}){}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown { key: String, origin: String, nearest: Option<String> },
    #[error("{key}: is {value} ({origin}); allowed: {allowed}")]
    NotAllowed { key: String, origin: String, value: String, allowed: String },
    #[error("{key}: is {value} ({origin}); {reason}")]
    Invalid { key: String, origin: String, value: String, reason: String },
    #[error("{key}: {reason}")]
    Rule { key: &'static str, reason: String },
    #[error("the settings do not fit: {reason}")]
    Unfit { reason: String },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.faults.len();
        write!(f, "{count} {} in the settings", if count == 1 { "fault" } else { "faults" })?;
        for fault in &self.faults {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}
