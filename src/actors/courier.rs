//! The courier: tells a ministry's own desk what happens to reports, each change until it is taken.
//!
//! What is to be told is kept with the reports (`ports::Untold`), so that the end of the process loses nothing: the
//! next courier begins with what was left. One change of a report at a time, in order; so many reports at once. What
//! is not taken is told again, ever later and never given up; what is refused is put aside for long, so that others go
//! on, counted and told to the log. While the desk's breaker is open nobody is sent; when it is back nobody waits
//! longer.

use std::collections::{BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::neighbour::Neighbour;
use super::{Random, supervision};
use crate::domain::ticket::TicketNumber;
use crate::limits::breaker::BreakerState;
use crate::metrics;
use crate::ports::{MinistryDesk, NeighbourError, Untold};

/// Reports that stand in line; past it they are looked for in the store when half of them are served.
const LINE_MAX: usize = 262_144;
/// How often a breaker that is open is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// What the store does not give is asked for again after this.
const STORE_AGAIN: Duration = Duration::from_secs(1);
/// A change whose writer was given up on is in the store and was never named: all is looked through this often.
const LOOK_AGAIN_EVERY: Duration = Duration::from_secs(600);

/// How fast, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub at_once_max: usize,
    /// For one telling.
    pub within: Duration,
    pub retry_first: Duration,
    pub retry_max: Duration,
    pub refused_again: Duration,
}

/// What a courier works with.
pub struct Round {
    pub untold: Arc<dyn Untold>,
    pub desk: Arc<dyn MinistryDesk>,
    pub neighbour: Arc<Neighbour>,
    pub random: Arc<dyn Random>,
    pub pace: Pace,
}

/// What came of telling one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Taken { more: bool },
    Nothing,
    NotNow,
    Refused,
}

/// Where a report stands.
#[derive(Clone, Copy, Debug)]
enum Stand {
    Waits {
        due: Instant,
        tries: u32,
        refused: bool,
    },
    /// It is being told; `again`: something came to be told meanwhile.
    Flies {
        tries: u32,
        again: bool,
    },
}

#[derive(Default)]
struct Line {
    stands: HashMap<TicketNumber, Stand>,
    due: BTreeSet<(Instant, TicketNumber)>,
    flying: usize,
    refused: usize,
    /// There was no place for everyone.
    missed: bool,
}

/// Starts the courier on the current thread; it ends with its system, or when the handle is aborted: what is being
/// told then is told to its end.
pub fn start(round: Round) -> JoinHandle<()> {
    let round = Arc::new(round);
    actix::spawn(async move {
        loop {
            if AssertUnwindSafe(walk(&round)).catch_unwind().await.is_ok() {
                return;
            }
            tracing::error!("the courier of the ministry's desk panicked; it begins anew");
            round.untold.look_again();
            tokio::time::sleep(STORE_AGAIN).await;
        }
    })
}

async fn walk(round: &Arc<Round>) {
    let mut line = Line::default();
    let (tell, mut ended) = mpsc::channel(round.pace.at_once_max.max(1));
    let mut back = round.neighbour.times_back();
    let mut fresh = round.untold.fresh();
    let mut again_at = Instant::now() + LOOK_AGAIN_EVERY;
    loop {
        let room = match round.neighbour.state() {
            BreakerState::Closed => round.pace.at_once_max.max(1),
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 0,
        };
        while line.flying < room
            && let Some(number) = line.pop(Instant::now())
        {
            send(round, number, tell.clone());
        }
        metrics::desk_line(line.stands.len(), line.refused);
        let looks_at = Instant::now() + LOOK_EVERY;
        let next = if line.flying < room { line.next_due() } else { (room == 0).then_some(looks_at) };
        tokio::select! {
            Some((number, told)) = ended.recv() => line.ended(number, told, round),
            numbers = &mut fresh => {
                match numbers {
                    Ok(numbers) => numbers.into_iter().for_each(|number| line.add(number, Instant::now())),
                    Err(error) => {
                        tracing::warn!(%error, "what the ministry's desk is to be told cannot be read");
                        tokio::time::sleep(STORE_AGAIN).await;
                    }
                }
                fresh = round.untold.fresh();
            }
            () = until(next) => {}
            () = tokio::time::sleep_until(again_at) => {
                again_at = Instant::now() + LOOK_AGAIN_EVERY;
                round.untold.look_again();
            }
        }
        if std::mem::replace(&mut back, round.neighbour.times_back()) != back {
            line.hurry(Instant::now());
        }
        if line.missed && line.stands.len() < LINE_MAX / 2 {
            line.missed = false;
            round.untold.look_again();
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn send(round: &Arc<Round>, number: TicketNumber, tell: mpsc::Sender<(TicketNumber, Told)>) {
    let own = Arc::clone(round);
    supervision::task(async move { own.tell_one(number).await }, move |told| {
        let told = told.unwrap_or_else(|panicked| {
            tracing::error!(ticket = %number, error = %panicked, "telling the ministry's desk panicked");
            Told::NotNow
        });
        // As many places as there are tellings; a courier that has gone needs no news.
        let _ = tell.try_send((number, told));
    });
}

impl Round {
    async fn tell_one(&self, number: TicketNumber) -> Told {
        let telling = match self.untold.next(number).await {
            Ok(Some(telling)) => telling,
            Ok(None) => return Told::Nothing,
            Err(error) => return unsettled(number, &error),
        };
        let (serial, desk) = (telling.serial, Arc::clone(&self.desk));
        let call = Arc::clone(&self.neighbour)
            .call("ministry_desk", self.pace.within, move || Box::pin(async move { desk.tell(telling).await }));
        match call.await {
            Ok(()) => {}
            Err(error @ NeighbourError::Down { .. }) => {
                tracing::debug!(ticket = %number, %error, "the ministry's desk did not take a change");
                metrics::desk_told("not_now");
                return Told::NotNow;
            }
            Err(error) => {
                tracing::error!(ticket = %number, %error, "the ministry's desk refuses a change of a report");
                metrics::desk_told("refused");
                return Told::Refused;
            }
        }
        metrics::desk_told("taken");
        match self.untold.told(number, serial).await {
            Ok(more) => Told::Taken { more },
            Err(error) => unsettled(number, &error),
        }
    }
}

/// The store has it, and does not say it or does not let go of it.
fn unsettled(number: TicketNumber, error: &NeighbourError) -> Told {
    tracing::error!(ticket = %number, %error, "what the ministry's desk is told cannot be read or settled");
    if matches!(error, NeighbourError::Down { .. }) { Told::NotNow } else { Told::Refused }
}

impl Line {
    fn add(&mut self, number: TicketNumber, now: Instant) {
        let full = self.stands.len() >= LINE_MAX;
        match self.stands.get_mut(&number) {
            Some(Stand::Flies { again, .. }) => *again = true,
            // Its turn comes, and the older change first.
            Some(Stand::Waits { .. }) => {}
            None if full => self.missed = true,
            None => self.wait(number, now, 0, false),
        }
    }

    fn wait(&mut self, number: TicketNumber, due: Instant, tries: u32, refused: bool) {
        self.stands.insert(number, Stand::Waits { due, tries, refused });
        self.due.insert((due, number));
        self.refused += usize::from(refused);
    }

    fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The next whose time has come; from here on it flies.
    fn pop(&mut self, now: Instant) -> Option<TicketNumber> {
        let (_, number) = self.due.first().copied().filter(|(due, _)| *due <= now)?;
        self.due.pop_first();
        let tries = match self.stands.get(&number) {
            Some(Stand::Waits { tries, refused, .. }) => {
                self.refused -= usize::from(*refused);
                *tries
            }
            Some(Stand::Flies { .. }) | None => 0,
        };
        self.stands.insert(number, Stand::Flies { tries, again: false });
        self.flying += 1;
        Some(number)
    }

    fn ended(&mut self, number: TicketNumber, told: Told, round: &Round) {
        let Some(Stand::Flies { tries, again }) = self.stands.remove(&number) else { return };
        self.flying -= 1;
        let now = Instant::now();
        match told {
            Told::Taken { more } if more || again => self.wait(number, now, 0, false),
            Told::Nothing if again => self.wait(number, now, 0, false),
            Told::Taken { .. } | Told::Nothing => {}
            Told::NotNow => {
                let after = backoff(&round.pace, tries, round.random.bytes()[0]);
                self.wait(number, now + after, tries.saturating_add(1), false);
            }
            Told::Refused => self.wait(number, now + round.pace.refused_again, 0, true),
        }
    }

    /// The desk is back: who waited for that waits no longer.
    fn hurry(&mut self, now: Instant) {
        let waits = |stand: &Stand| matches!(stand, Stand::Waits { refused: false, .. });
        let numbers: Vec<TicketNumber> =
            self.stands.iter().filter(|(_, stand)| waits(stand)).map(|(number, _)| *number).collect();
        for number in numbers {
            if let Some(Stand::Waits { due, .. }) = self.stands.get_mut(&number) {
                self.due.remove(&(*due, number));
                *due = (*due).min(now);
                self.due.insert((*due, number));
            }
        }
    }
}

/// Doubling from the first to the longest, between half of it and all.
fn backoff(pace: &Pace, tries: u32, chance: u8) -> Duration {
    let whole = pace.retry_first.saturating_mul(1 << tries.min(20)).min(pace.retry_max);
    whole.mul_f64(0.5 + f64::from(chance) / 510.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_to_its_bound() {
        let second = Duration::from_secs(1);
        let pace = Pace {
            at_once_max: 1,
            within: second,
            retry_first: second,
            retry_max: 60 * second,
            refused_again: 3_600 * second,
        };
        let pauses: Vec<u64> = (0..9).map(|tries| backoff(&pace, tries, 255).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(backoff(&pace, u32::MAX, 0), 30 * second);
    }

    #[test]
    fn what_comes_while_a_report_flies_is_not_missed() {
        let (mut line, now) = (Line::default(), Instant::now());
        let number = TicketNumber::new(48_210_937).expect("a number");
        line.add(number, now);
        line.add(number, now);
        assert_eq!((line.pop(now), line.pop(now)), (Some(number), None));
        line.add(number, now);
        assert!(matches!(line.stands[&number], Stand::Flies { again: true, .. }));
    }
}
