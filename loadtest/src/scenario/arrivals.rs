//! When citizens come: an open loop, planned before the run, so that nobody who is late slows the clock.

use std::time::Duration;

use anyhow::ensure;
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde::Deserialize;

/// Citizens of one run.
const CITIZENS_MAX: f64 = 2_000_000.0;

/// A pattern of arrivals.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Arrivals {
    /// One after the other in equal distances.
    Even { per_s: f64, for_s: f64 },
    /// Independently of each other, as people do.
    Poisson { per_s: f64, for_s: f64 },
    /// Evenly growing or shrinking.
    Ramp { from_per_s: f64, to_per_s: f64, for_s: f64 },
    /// So many at any moments within a short time.
    Burst { citizens: f64, within_s: f64 },
    /// As recorded: how many in each second.
    Trace { per_second: Vec<f64> },
}

impl Arrivals {
    /// The moment of each arrival after the start, in order.
    pub(crate) fn plan(&self, dice: &mut StdRng) -> Vec<Duration> {
        let mut plan = match self {
            Self::Even { per_s, for_s } => ramp(*per_s, *per_s, *for_s),
            Self::Ramp { from_per_s, to_per_s, for_s } => ramp(*from_per_s, *to_per_s, *for_s),
            Self::Poisson { per_s, for_s } => {
                let mut at = 0.0;
                let mut plan = Vec::new();
                loop {
                    at -= (1.0 - dice.random::<f64>()).ln() / per_s;
                    if at >= *for_s {
                        break plan;
                    }
                    plan.push(at);
                }
            }
            Self::Burst { citizens, within_s } => {
                (0..whole(*citizens)).map(|_| dice.random::<f64>() * within_s).collect()
            }
            Self::Trace { per_second } => {
                let seconds = per_second.iter().zip(0_u32..);
                seconds
                    .flat_map(|(count, second)| {
                        ramp(*count, *count, 1.0).into_iter().map(move |at| at + f64::from(second))
                    })
                    .collect()
            }
        };
        plan.sort_by(f64::total_cmp);
        plan.into_iter().map(Duration::from_secs_f64).collect()
    }

    /// How long citizens come.
    pub(crate) fn seconds(&self) -> f64 {
        match self {
            Self::Even { for_s, .. } | Self::Poisson { for_s, .. } | Self::Ramp { for_s, .. } => *for_s,
            Self::Burst { within_s, .. } => *within_s,
            Self::Trace { per_second } => per_second.iter().map(|_| 1.0).sum(),
        }
    }

    pub(super) fn scale(&mut self, factor: f64) {
        match self {
            Self::Even { per_s, .. } | Self::Poisson { per_s, .. } => *per_s *= factor,
            Self::Ramp { from_per_s, to_per_s, .. } => {
                *from_per_s *= factor;
                *to_per_s *= factor;
            }
            Self::Burst { citizens, .. } => *citizens = (*citizens * factor).max(1.0),
            Self::Trace { per_second } => per_second.iter_mut().for_each(|count| *count *= factor),
        }
    }

    /// The same rates for a longer or shorter time; of a trace, every n-th second.
    pub(super) fn stretch(&mut self, factor: f64) {
        match self {
            Self::Even { for_s, .. } | Self::Poisson { for_s, .. } | Self::Ramp { for_s, .. } => *for_s *= factor,
            Self::Burst { within_s, .. } => *within_s *= factor,
            Self::Trace { per_second } => {
                let seconds = per_second.len();
                #[expect(clippy::cast_precision_loss, reason = "seconds of a trace")]
                let wanted = whole((seconds as f64 * factor).round()).max(1);
                let taken = (0..wanted).map(|second| per_second[second * seconds / wanted]).collect();
                *per_second = taken;
            }
        }
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        let (figures, citizens) = match self {
            Self::Even { per_s, for_s } | Self::Poisson { per_s, for_s } => (vec![*per_s, *for_s], per_s * for_s),
            Self::Ramp { from_per_s, to_per_s, for_s } => {
                (vec![*from_per_s, *to_per_s, *for_s], (from_per_s + to_per_s) / 2.0 * for_s)
            }
            Self::Burst { citizens, within_s } => (vec![*citizens, *within_s], *citizens),
            Self::Trace { per_second } => (per_second.clone(), per_second.iter().sum()),
        };
        ensure!(figures.iter().all(|figure| figure.is_finite() && *figure >= 0.0), "`arrivals` must not be negative");
        ensure!(
            (1.0..=CITIZENS_MAX).contains(&citizens) && self.seconds() > 0.0,
            "`arrivals` bring {citizens:.1} citizens, 1 to 2,000,000 are allowed"
        );
        Ok(())
    }
}

/// Moments at a rate that changes evenly: the n-th arrival is where the area under the rate reaches n.
fn ramp(from: f64, to: f64, seconds: f64) -> Vec<f64> {
    let slope = (to - from) / seconds;
    let count = whole(f64::midpoint(from, to) * seconds + 1e-9);
    let moment = |n: usize| {
        #[expect(clippy::cast_precision_loss, reason = "citizens of a run")]
        let area = n as f64;
        if slope.abs() < 1e-12 {
            area / from
        } else {
            ((from * from + 2.0 * slope * area).max(0.0).sqrt() - from) / slope
        }
    };
    (0..count).map(moment).collect()
}

fn whole(figure: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in bounds")]
    let whole = figure.max(0.0) as usize;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    fn plan(arrivals: &Arrivals, seed: u64) -> Vec<f64> {
        arrivals.plan(&mut StdRng::seed_from_u64(seed)).iter().map(Duration::as_secs_f64).collect()
    }

    #[test]
    fn every_pattern_brings_its_citizens_in_order_and_within_its_time() {
        for (arrivals, citizens) in [
            (Arrivals::Even { per_s: 10.0, for_s: 3.0 }, 30..=30),
            (Arrivals::Poisson { per_s: 100.0, for_s: 10.0 }, 850..=1_150),
            (Arrivals::Ramp { from_per_s: 0.0, to_per_s: 20.0, for_s: 10.0 }, 100..=100),
            (Arrivals::Burst { citizens: 50.0, within_s: 0.5 }, 50..=50),
            (Arrivals::Trace { per_second: vec![2.0, 0.0, 5.0] }, 7..=7),
        ] {
            let moments = plan(&arrivals, 7);
            assert!(citizens.contains(&moments.len()), "{arrivals:?}: {}", moments.len());
            assert!(moments.is_sorted() && moments.iter().all(|at| (0.0..=arrivals.seconds()).contains(at)));
            assert_eq!(moments, plan(&arrivals, 7), "the same seed brings the same citizens");
        }
        let random = Arrivals::Poisson { per_s: 100.0, for_s: 1.0 };
        assert_ne!(plan(&random, 7), plan(&random, 8));
    }

    #[test]
    fn a_ramp_grows_and_a_trace_keeps_its_quiet_seconds() {
        let ramp = plan(&Arrivals::Ramp { from_per_s: 0.0, to_per_s: 20.0, for_s: 10.0 }, 1);
        assert_eq!(ramp.iter().filter(|at| **at < 5.0).count(), 25, "a quarter of the area");
        let trace = plan(&Arrivals::Trace { per_second: vec![2.0, 0.0, 5.0] }, 1);
        assert!(trace.iter().all(|at| *at < 1.0 || *at >= 2.0));
    }

    #[test]
    fn a_shorter_story_has_the_same_rates() {
        let mut trace = Arrivals::Trace { per_second: vec![1.0, 2.0, 3.0, 4.0] };
        trace.stretch(0.5);
        assert_eq!(trace, Arrivals::Trace { per_second: vec![1.0, 3.0] });
        let mut even = Arrivals::Even { per_s: 10.0, for_s: 60.0 };
        even.stretch(0.1);
        even.scale(2.0);
        assert_eq!(even, Arrivals::Even { per_s: 20.0, for_s: 6.0 });
    }
}
