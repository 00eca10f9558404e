//! A rate that Meta may correct: cut when it refuses, recovering slowly (additive increase, multiplicative
//! decrease), and the token bucket that keeps to it.
//!
//! Pure: time is given, in microseconds of any origin; one that goes back counts as none passed. What was in the
//! air when a rate was cut is refused as well: within [`CUT_ONCE_US`] all refusals are one.

/// Refusals this close together are one cut.
const CUT_ONCE_US: i64 = 1_000_000;
/// What is left of a rate that was cut, in percent.
const CUT_TO_PERCENT: i64 = 70;
/// A rate is never cut below this part of its ceiling.
const FLOOR_DIVISOR: i64 = 10;
/// A cut rate recovers from a tenth to the whole in 90 s: a hundredth of its ceiling each second.
const RECOVER_DIVISOR: i64 = 100;

/// One message, in the buckets' unit.
pub(super) const MESSAGE: i64 = 1_000_000_000;

/// Messages a second that are allowed now. Kept in thousandths.
#[derive(Clone, Copy, Debug)]
pub struct Aimd {
    ceiling: i64,
    /// What the last cut left, and when.
    cut: Option<(i64, i64)>,
}

impl Aimd {
    /// At its ceiling; zero is one a second, so that a wrong setting is slow and not dead.
    pub fn new(ceiling_per_s: u32) -> Self {
        Self { ceiling: i64::from(ceiling_per_s.max(1)) * 1_000, cut: None }
    }

    /// Thousandths of messages a second, now.
    pub fn rate_milli(&self, now_us: i64) -> i64 {
        let Some((left, at_us)) = self.cut else { return self.ceiling };
        let passed = i128::from(now_us.saturating_sub(at_us).max(0));
        let gained = passed * i128::from(self.ceiling / RECOVER_DIVISOR) / 1_000_000;
        i64::try_from(gained).unwrap_or(i64::MAX).saturating_add(left).min(self.ceiling)
    }

    /// Meta refused for the rate. Whether that was news.
    pub fn cut(&mut self, now_us: i64) -> bool {
        if self.cut.is_some_and(|(_, at_us)| now_us.saturating_sub(at_us) < CUT_ONCE_US) {
            return false;
        }
        let left = self.rate_milli(now_us) * CUT_TO_PERCENT / 100;
        self.cut = Some((left.max(self.ceiling / FLOOR_DIVISOR), now_us));
        true
    }

    /// Meta allows more from now on; never less than before.
    pub fn raise(&mut self, ceiling_per_s: u32) {
        let ceiling = i64::from(ceiling_per_s) * 1_000;
        if ceiling > self.ceiling {
            *self = Self { ceiling, cut: None };
        }
    }

    pub fn ceiling_per_s(&self) -> u32 {
        u32::try_from(self.ceiling / 1_000).unwrap_or(u32::MAX)
    }
}

/// A token bucket whose rate may change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    level: i64,
    at_us: i64,
}

impl Bucket {
    /// Full when it is first looked at.
    pub(super) fn full() -> Self {
        Self { level: i64::MAX / 4, at_us: i64::MAX }
    }

    fn fill(&mut self, rate_milli: i64, room: i64, now_us: i64) {
        let passed = now_us.saturating_sub(self.at_us).max(0);
        let gained = i128::from(passed) * i128::from(rate_milli);
        self.level = i64::try_from(i128::from(self.level) + gained).unwrap_or(i64::MAX).min(room);
        self.at_us = now_us;
    }

    /// Takes one message when at least `least` are there.
    pub(super) fn take(&mut self, rate_milli: i64, room: i64, least: i64, now_us: i64) -> bool {
        self.fill(rate_milli, room, now_us);
        let enough = self.level >= least.max(MESSAGE);
        if enough {
            self.level -= MESSAGE;
        }
        enough
    }

    /// It is empty, and owes as much.
    pub(super) fn owe(&mut self, debt: i64, now_us: i64) {
        (self.level, self.at_us) = (-debt, now_us);
    }

    /// Takes one that nobody can refuse; it owes at most `debt_max`.
    pub(super) fn charge(&mut self, rate_milli: i64, room: i64, debt_max: i64, now_us: i64) {
        self.fill(rate_milli, room, now_us);
        self.level = (self.level - MESSAGE).max(-debt_max);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND_US: i64 = 1_000_000;

    #[test]
    fn a_cut_rate_recovers_by_a_hundredth_a_second() {
        let mut rate = Aimd::new(80);
        assert_eq!(rate.rate_milli(0), 80_000);
        assert!(rate.cut(0));
        assert_eq!(rate.rate_milli(0), 56_000);
        assert!(!rate.cut(SECOND_US - 1), "what was in the air with it is no news");
        assert_eq!(rate.rate_milli(10 * SECOND_US), 64_000);
        assert_eq!(rate.rate_milli(30 * SECOND_US), 80_000);
        assert_eq!(rate.rate_milli(90 * SECOND_US), 80_000, "never past its ceiling");
    }

    #[test]
    fn cut_again_and_again_it_keeps_a_tenth() {
        let mut rate = Aimd::new(80);
        for second in 0..100 {
            rate.cut(second * 2 * SECOND_US);
        }
        assert!((8_000..20_000).contains(&rate.rate_milli(198 * SECOND_US)));
    }

    #[test]
    fn an_upgrade_is_the_new_ceiling_and_never_a_smaller_one() {
        let mut rate = Aimd::new(80);
        rate.cut(0);
        rate.raise(1_000);
        assert_eq!(rate.rate_milli(0), 1_000_000);
        rate.raise(80);
        assert_eq!(rate.ceiling_per_s(), 1_000);
    }

    proptest! {
        /// Whatever the moments and whatever is charged, no stretch of time sees more than burst + rate x time.
        #[test]
        fn a_bucket_never_gives_more_than_its_rate(
            gaps in proptest::collection::vec((0_i64..50_000, any::<bool>()), 1..400),
        ) {
            let (rate, room) = (80_000, 8 * MESSAGE);
            let mut bucket = Bucket::full();
            let (mut now, mut taken) = (0, 0_i64);
            for (gap, heard) in gaps {
                now += gap;
                if heard {
                    bucket.charge(rate, room, 40 * MESSAGE, now);
                } else {
                    taken += i64::from(bucket.take(rate, room, MESSAGE, now));
                }
            }
            prop_assert!(taken <= 8 + now * 80 / SECOND_US + 1, "{taken} in {now} us");
        }
    }
}
