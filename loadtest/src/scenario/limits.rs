//! What must hold. What a file does not name is not looked at, but for what may never happen: that is 0 unless said.

use anyhow::ensure;
use serde::Deserialize;

/// Counts, per cent and milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Mistakes of the conversation, each counted by citizen and line.
    pub(crate) lost_max: f64,
    pub(crate) duplicated_max: f64,
    pub(crate) reordered_max: f64,
    pub(crate) wrong_recipient_max: f64,
    pub(crate) wrong_step_max: f64,
    /// Forged POSTs that were taken, and signed ones, however odd, that were not.
    pub(crate) forged_taken_max: f64,
    pub(crate) odd_refused_max: f64,
    /// Citizens who gave up, of all.
    pub(crate) failed_percent_max: f64,
    /// POSTs that were not answered with 200 at the first try, of all.
    pub(crate) redelivered_percent_max: Option<f64>,
    /// From the moment a webhook's POST was due to its 200, and to the reply's arrival at the Graph API.
    pub(crate) ack_p50_ms: Option<f64>,
    pub(crate) ack_p99_ms: Option<f64>,
    /// Meta's bar is less than 1.
    pub(crate) ack_over_1_s_percent: Option<f64>,
    pub(crate) reply_p50_ms: Option<f64>,
    pub(crate) reply_p99_ms: Option<f64>,
    /// The server's memory at the most.
    pub(crate) memory_mib_max: Option<f64>,
    /// Memory and disk in the run's last quarter against its second quarter.
    pub(crate) memory_growth_percent_max: Option<f64>,
    pub(crate) disk_growth_percent_max: Option<f64>,
}

impl Limits {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let named = self.named();
        let wrong = named.iter().find(|(_, bound)| !bound.is_some_and(|bound| bound >= 0.0) && bound.is_some());
        ensure!(wrong.is_none(), "`limits.{}` must not be negative", wrong.map_or("", |(name, _)| name));
        Ok(())
    }

    /// Leaves only what may never happen.
    pub(crate) fn forget_times(&mut self) {
        let kept = self.clone();
        *self = Self {
            lost_max: kept.lost_max,
            duplicated_max: kept.duplicated_max,
            reordered_max: kept.reordered_max,
            wrong_recipient_max: kept.wrong_recipient_max,
            wrong_step_max: kept.wrong_step_max,
            forged_taken_max: kept.forged_taken_max,
            odd_refused_max: kept.odd_refused_max,
            failed_percent_max: kept.failed_percent_max,
            ..Self::default()
        };
    }

    /// Every limit with its bound, as files name it.
    pub(crate) fn named(&self) -> [(&'static str, Option<f64>); 17] {
        [
            ("lost_max", Some(self.lost_max)),
            ("duplicated_max", Some(self.duplicated_max)),
            ("reordered_max", Some(self.reordered_max)),
            ("wrong_recipient_max", Some(self.wrong_recipient_max)),
            ("wrong_step_max", Some(self.wrong_step_max)),
            ("forged_taken_max", Some(self.forged_taken_max)),
            ("odd_refused_max", Some(self.odd_refused_max)),
            ("failed_percent_max", Some(self.failed_percent_max)),
            ("redelivered_percent_max", self.redelivered_percent_max),
            ("ack_p50_ms", self.ack_p50_ms),
            ("ack_p99_ms", self.ack_p99_ms),
            ("ack_over_1_s_percent", self.ack_over_1_s_percent),
            ("reply_p50_ms", self.reply_p50_ms),
            ("reply_p99_ms", self.reply_p99_ms),
            ("memory_mib_max", self.memory_mib_max),
            ("memory_growth_percent_max", self.memory_growth_percent_max),
            ("disk_growth_percent_max", self.disk_growth_percent_max),
        ]
    }
}
