//! The books of one number, and those of all together.

use super::super::aimd::{Aimd, Bucket, MESSAGE};
use super::super::standing::Stop;
use crate::domain::message::Urgency;
use crate::metrics;

const SECOND_US: i64 = 1_000_000;
/// An upgrade takes up to a minute (131057), and so long is waited where Meta says "too much" without a figure.
const HOLD_US: i64 = 60 * SECOND_US;
/// The first hold of app or account; doubles with each refusal up to [`HOLD_US`], until one is accepted.
const ACCOUNT_HOLD_FIRST_US: i64 = 2 * SECOND_US;
/// So long all messages that come in are counted after Meta refused; then replies have their half again.
const ALL_COUNT_US: i64 = 60 * SECOND_US;
/// A refusal this long after a message was left out of the count is its doing.
const LEFT_OUT_US: i64 = 10 * SECOND_US;
/// Refusals this close together are one.
const ACCOUNT_HOLD_ONCE_US: i64 = SECOND_US;

/// One number's.
pub(super) struct Number {
    /// As Meta's webhooks name it.
    pub(super) digits: String,
    pub(super) rate: Aimd,
    all: Bucket,
    heard: Bucket,
    /// When a message that came in was last left out of the count.
    left_out_at_us: Option<i64>,
    /// Since when all of them are counted, because Meta does.
    all_count_since_us: Option<i64>,
    pub(super) hold_until_us: i64,
    pub(super) stop: Option<Stop>,
}

/// What holds for all numbers at once.
#[derive(Default)]
pub(super) struct Everyone {
    pub(super) stop: Option<Stop>,
    pub(super) hold_until_us: i64,
    held_at_us: Option<i64>,
    pub(super) hold_us: i64,
}

impl Number {
    pub(super) fn new(rate: u32) -> Self {
        Self {
            digits: String::new(),
            rate: Aimd::new(rate),
            all: Bucket::full(),
            heard: Bucket::full(),
            left_out_at_us: None,
            all_count_since_us: None,
            hold_until_us: i64::MIN,
            stop: None,
        }
    }

    /// Waits for a minute.
    pub(super) fn hold(&mut self, now_us: i64) {
        self.hold_until_us = now_us.saturating_add(HOLD_US);
    }

    /// A tenth of a second's worth: the sum over any second stays near the rate.
    fn room(rate_milli: i64) -> i64 {
        (rate_milli * SECOND_US / 10).max(MESSAGE)
    }

    /// Takes one message's place; the less urgent leave some behind.
    pub(super) fn take(&mut self, urgency: Urgency, now_us: i64) -> bool {
        let rate = self.rate.rate_milli(now_us);
        let room = Self::room(rate);
        let left_behind = match urgency {
            Urgency::Session => 0,
            Urgency::Reply => 1,
            Urgency::Notice => 3,
        };
        self.all.take(rate, room, ((1 + left_behind) * MESSAGE).min(room), now_us)
    }

    /// Counts a message that came in, within its half.
    pub(super) fn heard(&mut self, now_us: i64) {
        let rate = self.rate.rate_milli(now_us);
        // A second's worth may come at once; over more than that, half the rate.
        let half = rate / 2;
        let second = (half * SECOND_US).max(MESSAGE);
        let within = self.heard.take(half, second, MESSAGE, now_us);
        if within || self.all_count(now_us) {
            // Whether there was room or not: Meta counts it, nobody waits for it.
            self.all.charge(rate, Self::room(rate), second, now_us);
        } else {
            self.left_out_at_us = Some(now_us);
        }
    }

    fn all_count(&self, now_us: i64) -> bool {
        self.all_count_since_us.is_some_and(|since| now_us.saturating_sub(since) < ALL_COUNT_US)
    }

    /// Meta refused for the rate: what is done about it, if that was news. Where messages that came in were left
    /// out of the count, that was the mistake, and all are counted for a while; else the rate is cut.
    pub(super) fn refused(&mut self, now_us: i64) -> Option<&'static str> {
        let lately = |at: Option<i64>, within| at.is_some_and(|at| now_us.saturating_sub(at) < within);
        if lately(self.left_out_at_us, LEFT_OUT_US) && !self.all_count(now_us) {
            self.all_count_since_us = Some(now_us);
            let rate = self.rate.rate_milli(now_us);
            // Meta's bucket is empty, whatever ours says.
            self.all.owe(rate * SECOND_US / 4, now_us);
            return Some("count_all");
        }
        let known = lately(self.all_count_since_us, SECOND_US);
        (!known && self.rate.cut(now_us)).then_some("cut")
    }
}

impl Everyone {
    /// Meta refused for the app or the account: waits, longer each time.
    pub(super) fn hold(&mut self, now_us: i64) {
        if self.held_at_us.is_some_and(|at| now_us.saturating_sub(at) < ACCOUNT_HOLD_ONCE_US) {
            return;
        }
        self.hold_us = (self.hold_us * 2).clamp(ACCOUNT_HOLD_FIRST_US, HOLD_US);
        (self.held_at_us, self.hold_until_us) = (Some(now_us), now_us.saturating_add(self.hold_us));
        metrics::limit_acted("hold_account");
        tracing::warn!(
            wait_s = self.hold_us / SECOND_US,
            "meta refuses for the app's or account's rate; all numbers wait"
        );
    }
}
