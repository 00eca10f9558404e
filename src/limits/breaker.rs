//! Whether a neighbour is worth calling: a circuit breaker.
//!
//! Closed, all calls go. When enough of them ended within the window and too many of those failed, it opens:
//! calls are refused at once, so that nobody waits for a deadline and the neighbour is left in peace. After a
//! while it is half open: one call at a time tries. One that succeeds closes it, one that fails opens it again.
//!
//! Pure, driven by the clock it is given. Bounded: one bucket a second of the window.

use std::collections::VecDeque;

use serde::Serialize;

use crate::domain::time::{SECOND_MS, Timestamp};

/// When it opens, and for how long (config section `[actors]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerRules {
    /// Fewer calls than this within the window say nothing.
    pub calls_min: u32,
    /// So many of a hundred have to fail.
    pub failures_percent: u32,
    pub window_ms: i64,
    pub open_ms: i64,
}

impl Default for BreakerRules {
    fn default() -> Self {
        Self { calls_min: 20, failures_percent: 50, window_ms: 10 * SECOND_MS, open_ms: 15 * SECOND_MS }
    }
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    Closed,
    /// The next call tries.
    HalfOpen,
    Open,
}

/// Leave to make one call. Its end is told with [`Breaker::ended`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leave {
    /// Ends of calls that began before the breaker last changed say nothing about now.
    era: u64,
}

/// What the end of a call changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Opened,
    Closed,
}

/// A breaker.
#[derive(Debug)]
pub struct Breaker {
    rules: BreakerRules,
    standing: Standing,
    era: u64,
    /// By the second they ended in, oldest first: how many, and how many failed.
    ended: VecDeque<(i64, u32, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Closed,
    Open {
        until: Timestamp,
    },
    /// A call tries since then. One that is never heard of again is given up after as long as it stays open.
    Trying {
        since: Timestamp,
    },
}

impl Breaker {
    pub fn new(rules: BreakerRules) -> Self {
        Self { rules, standing: Standing::Closed, era: 0, ended: VecDeque::new() }
    }

    /// Asks for leave to call; refused until the moment given.
    pub fn ask(&mut self, now: Timestamp) -> Result<Leave, Timestamp> {
        let until = match self.standing {
            Standing::Closed => return Ok(Leave { era: self.era }),
            Standing::Open { until } => until,
            Standing::Trying { since } => since.plus_ms(self.rules.open_ms),
        };
        if now < until {
            return Err(until);
        }
        self.change(Standing::Trying { since: now });
        Ok(Leave { era: self.era })
    }

    /// A call ended: whether the neighbour answered.
    pub fn ended(&mut self, leave: Leave, answered: bool, now: Timestamp) -> Option<Change> {
        if leave.era != self.era {
            return None;
        }
        match self.standing {
            Standing::Closed => {
                self.count(answered, now);
                let (calls, failed) =
                    self.ended.iter().fold((0, 0), |sum, second| (sum.0 + second.1, sum.1 + second.2));
                let opens = calls >= self.rules.calls_min.max(1)
                    && u64::from(failed) * 100 >= u64::from(calls) * u64::from(self.rules.failures_percent);
                opens.then(|| self.open(now))
            }
            Standing::Trying { .. } if answered => {
                self.change(Standing::Closed);
                Some(Change::Closed)
            }
            Standing::Trying { .. } => Some(self.open(now)),
            Standing::Open { .. } => None,
        }
    }

    /// How it stands.
    pub fn state(&self, now: Timestamp) -> BreakerState {
        match self.standing {
            Standing::Closed => BreakerState::Closed,
            Standing::Open { until } if now < until => BreakerState::Open,
            Standing::Open { .. } | Standing::Trying { .. } => BreakerState::HalfOpen,
        }
    }

    /// Calls that ended within the window, and how many of them failed.
    pub fn counted(&self, now: Timestamp) -> (u32, u32) {
        let oldest = second_of(now.plus_ms(-self.rules.window_ms));
        let within = self.ended.iter().filter(|second| second.0 > oldest);
        within.fold((0, 0), |sum, second| (sum.0 + second.1, sum.1 + second.2))
    }

    fn open(&mut self, now: Timestamp) -> Change {
        self.change(Standing::Open { until: now.plus_ms(self.rules.open_ms) });
        Change::Opened
    }

    fn change(&mut self, standing: Standing) {
        self.standing = standing;
        self.era += 1;
        self.ended.clear();
    }

    fn count(&mut self, answered: bool, now: Timestamp) {
        let (second, oldest) = (second_of(now), second_of(now.plus_ms(-self.rules.window_ms)));
        // A clock that was set back ends nothing: what is from the future then goes too.
        self.ended.retain(|known| known.0 > oldest && known.0 <= second);
        if self.ended.back().is_none_or(|known| known.0 != second) {
            self.ended.push_back((second, 0, 0));
        }
        if let Some(last) = self.ended.back_mut() {
            last.1 += 1;
            last.2 += u32::from(!answered);
        }
    }
}

fn second_of(at: Timestamp) -> i64 {
    at.0.div_euclid(SECOND_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BreakerRules =
        BreakerRules { calls_min: 4, failures_percent: 50, window_ms: 10 * SECOND_MS, open_ms: 15 * SECOND_MS };

    fn at(ms: i64) -> Timestamp {
        Timestamp(1_795_416_600_000 + ms)
    }

    /// One call that ends at once.
    fn call(breaker: &mut Breaker, answered: bool, now: Timestamp) -> Option<Change> {
        let leave = breaker.ask(now).expect("leave to call");
        breaker.ended(leave, answered, now)
    }

    #[test]
    fn it_opens_when_enough_of_enough_failed() {
        // (ends of calls, one each second apart by `step_ms`; whether it is open after them)
        let table: [(&[bool], i64, bool); 7] = [
            (&[false, false, false], 0, false),
            (&[false, false, false, false], 0, true),
            (&[true, true, false, false], 0, true),
            (&[true, true, true, false, true, false], 0, false),
            (&[false, false, false, false], 2_000, true),
            // Too far apart: never four within ten seconds.
            (&[false, false, false, false, false, false], 4_000, false),
            (&[true, false, true, true, true, false, true], 1_000, false),
        ];
        for (ends, step_ms, open) in table {
            let mut breaker = Breaker::new(RULES);
            let mut now = at(0);
            for answered in ends {
                now = now.plus_ms(step_ms);
                call(&mut breaker, *answered, now);
            }
            let expected = if open { BreakerState::Open } else { BreakerState::Closed };
            assert_eq!(breaker.state(now), expected, "{ends:?} every {step_ms} ms");
        }
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(RULES);
        let turns: Vec<_> = (0..4).map(|_| call(&mut breaker, false, at(0))).collect();
        assert_eq!(turns, [None, None, None, Some(Change::Opened)], "told once");
        breaker
    }

    #[test]
    fn open_it_refuses_and_then_one_at_a_time_tries() {
        let mut breaker = opened();
        assert_eq!(breaker.ask(at(0)), Err(at(15_000)));
        assert_eq!(breaker.ask(at(14_999)), Err(at(15_000)));
        assert_eq!(breaker.state(at(15_000)), BreakerState::HalfOpen);
        let probe = breaker.ask(at(15_000)).expect("one tries");
        assert_eq!(breaker.ask(at(15_001)), Err(at(30_000)), "and no other meanwhile");
        assert_eq!(breaker.ended(probe, false, at(16_000)), Some(Change::Opened));
        assert_eq!(breaker.ask(at(30_999)), Err(at(31_000)), "from the failure on");
        let probe = breaker.ask(at(31_000)).expect("one tries again");
        assert_eq!(breaker.ended(probe, true, at(31_500)), Some(Change::Closed));
        assert_eq!(breaker.state(at(31_500)), BreakerState::Closed);
        assert_eq!(call(&mut breaker, false, at(31_500)), None, "what was before is forgotten");
    }

    #[test]
    fn a_try_that_is_never_heard_of_again_is_given_up() {
        let mut breaker = opened();
        let lost = breaker.ask(at(15_000)).expect("one tries");
        assert!(breaker.ask(at(29_999)).is_err());
        let probe = breaker.ask(at(30_000)).expect("another tries");
        assert_eq!(breaker.ended(lost, false, at(30_001)), None, "what comes of the lost one says nothing");
        assert_eq!(breaker.ended(probe, true, at(30_002)), Some(Change::Closed));
    }

    #[test]
    fn calls_from_before_say_nothing_about_now() {
        let mut breaker = Breaker::new(RULES);
        let slow: Vec<Leave> = (0..6).map(|_| breaker.ask(at(0)).expect("leave")).collect();
        for leave in &slow[..4] {
            breaker.ended(*leave, false, at(4_000));
        }
        assert_eq!(breaker.state(at(4_000)), BreakerState::Open);
        assert_eq!(breaker.ended(slow[4], true, at(5_000)), None, "late luck does not close it");
        let probe = breaker.ask(at(19_000)).expect("one tries");
        assert_eq!(breaker.ended(slow[5], false, at(19_001)), None);
        assert_eq!(breaker.ended(probe, true, at(19_002)), Some(Change::Closed));
    }

    #[test]
    fn a_clock_that_goes_back_keeps_nothing_open_for_ever() {
        let mut breaker = Breaker::new(RULES);
        for _ in 0..3 {
            call(&mut breaker, false, at(3_600_000));
        }
        assert_eq!(call(&mut breaker, true, at(0)), None, "one call, and it was answered");
        assert_eq!(breaker.counted(at(0)), (1, 0));
    }
}
