//! What goes wrong in a scenario, and when: at Meta's, at the neighbours', with the server itself, and on the wire.

use anyhow::ensure;
use serde::Deserialize;

use super::ServerSettings;

/// Something goes wrong at a moment, for a while.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trouble {
    /// After the start.
    pub(crate) at_s: f64,
    pub(crate) for_s: f64,
    pub(crate) what: What,
    /// Of a hundred calls, so many are met; all if it is left out.
    #[serde(default = "all")]
    pub(crate) percent: u32,
    /// How slow.
    pub(crate) ms: Option<u64>,
    /// Meta's code.
    pub(crate) code: Option<u32>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// `/messages` and `/media` answer with a proxy's 503.
    GraphDown,
    /// `/messages` refuses with `code`: 130429 for too many, 131056 for too many to one.
    GraphCode,
    /// `/messages` accepts, and the connection dies before its answer.
    GraphReset,
    /// `/messages` takes `ms` longer.
    GraphSlow,
    /// 131057, as while Meta upgrades a number.
    GraphMaintenance,
    /// 190: the access token is not taken.
    TokenRevoked,
    /// The SMS gateway answers 503.
    SmsDown,
    /// The SMS gateway takes `ms`.
    SmsSlow,
    /// The directory answers 503.
    DirectoryDown,
    /// The directory takes `ms`.
    DirectorySlow,
    /// SIGKILL; after `for_s` the server is started again on the same store.
    Kill,
    /// SIGSTOP; after `for_s` SIGCONT.
    Stop,
    /// The server's disk is filled to the last byte; after `for_s` it is as before.
    DiskFull,
}

/// POSTs that no citizen sent.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Noise {
    pub(crate) what: NoiseKind,
    pub(crate) per_s: f64,
}

/// What comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoiseKind {
    /// A good message under a signature of somebody else; must be refused and never answered.
    WrongSignature,
    /// A good message without a signature; the same.
    NoSignature,
    /// Signed, and no JSON.
    NotJson,
    /// Signed, JSON, and no webhook.
    NotAWebhook,
    /// Signed, of a field that Meta has not invented yet.
    UnknownField,
    /// Signed, 3 MB of it.
    Huge,
    /// One contact writes without end. Each message must be taken; he gets an answer now and then.
    HotContact,
}

fn all() -> u32 {
    100
}

impl What {
    /// Whether it needs a server of our own.
    pub(crate) fn needs_the_process(self) -> bool {
        matches!(self, Self::Kill | Self::Stop | Self::DiskFull | Self::DirectoryDown | Self::DirectorySlow)
    }
}

impl Trouble {
    pub(super) fn check(&self, server: &ServerSettings) -> anyhow::Result<()> {
        let what = self.what;
        ensure!(
            self.at_s.is_finite() && self.at_s >= 0.0 && self.for_s.is_finite() && self.for_s >= 0.0,
            "`troubles`: {what:?}: `at_s` and `for_s` must not be negative"
        );
        ensure!((1..=100).contains(&self.percent), "`troubles`: {what:?}: `percent` must be 1 to 100");
        let slow = matches!(what, What::GraphSlow | What::SmsSlow | What::DirectorySlow);
        ensure!(slow == self.ms.is_some(), "`troubles`: {what:?}: `ms` belongs to what is slow, and to nothing else");
        ensure!(
            (what == What::GraphCode) == self.code.is_some(),
            "`troubles`: {what:?}: `code` belongs to graph_code, and to nothing else"
        );
        let directory = matches!(what, What::DirectoryDown | What::DirectorySlow);
        ensure!(!directory || server.directory_ms.is_some(), "`troubles`: {what:?} needs `server.directory_ms`");
        ensure!(what != What::DiskFull || server.disk_mib.is_some(), "`troubles`: {what:?} needs `server.disk_mib`");
        ensure!(
            what != What::Kill || server.disk_mib.is_none(),
            "`troubles`: {what:?}: a disk in memory (`server.disk_mib`) dies with the server"
        );
        Ok(())
    }
}

impl Noise {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let per_s = self.per_s;
        ensure!(per_s > 0.0 && per_s <= 10_000.0, "`noise`: {:?}: `per_s` must be above 0, at most 10,000", self.what);
        Ok(())
    }
}
