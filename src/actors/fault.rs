//! Fault points: places where a test lets an actor fail, at its start, in each of its handlers, and at its stop.
//!
//! Only with the feature `fault-points`, which the tests of this package switch on and a release build never has:
//! without it a [`Faults`] is nothing and [`Faults::at`] compiles to nothing.

/// A place where an actor may be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    RootStart,
    RootLook,
    RootShardEnded,
    RootStop,
    ShardStart,
    ShardRung,
    ShardTick,
    ShardStop,
    OutboxStart,
    OutboxRung,
    OutboxTick,
    OutboxStop,
    SessionStart,
    SessionWork,
    /// After its turn is durable, before it has acted on it.
    SessionDurable,
    SessionStop,
    AccountStart,
    AccountHandle,
    /// After its step is durable, before it has acted on it.
    AccountDurable,
    AccountStop,
    /// While an account thinks.
    AccountStep,
}

#[cfg(not(feature = "fault-points"))]
pub use absent::Faults;
#[cfg(feature = "fault-points")]
pub use present::{Fault, Faults, harm};

#[cfg(not(feature = "fault-points"))]
mod absent {
    use super::Point;

    /// No faults.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Faults(());

    impl Faults {
        /// Nothing.
        #[inline]
        pub fn at(&self, _: Point) {}
    }
}

#[cfg(feature = "fault-points")]
mod present {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::Duration;

    use super::Point;

    /// What happens at a point.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Fault {
        Panic,
        /// It does not return until [`Faults::release`].
        Loop,
    }

    /// The faults that a test has armed. One set a server.
    #[derive(Clone, Debug, Default)]
    pub struct Faults(Arc<Armed>);

    #[derive(Debug, Default)]
    struct Armed {
        /// So many in all: a look costs nothing while there are none.
        count: AtomicUsize,
        plans: Mutex<Vec<(Point, Fault, usize)>>,
        released: AtomicBool,
    }

    impl Faults {
        /// The next `times` passages of a point fail.
        pub fn arm(&self, point: Point, fault: Fault, times: usize) {
            self.0.plans.lock().unwrap_or_else(PoisonError::into_inner).push((point, fault, times));
            self.0.count.fetch_add(times, Ordering::SeqCst);
        }

        /// Faults that have not happened yet.
        pub fn left(&self) -> usize {
            self.0.count.load(Ordering::SeqCst)
        }

        /// What loops comes back.
        pub fn release(&self) {
            self.0.released.store(true, Ordering::SeqCst);
        }

        /// Fails, if the point is armed.
        pub fn at(&self, point: Point) {
            if self.left() == 0 {
                return;
            }
            let Some(fault) = self.take(point) else { return };
            match fault {
                Fault::Panic => panic!("as the test wants, at {point:?}"),
                Fault::Loop => {
                    while !self.0.released.load(Ordering::SeqCst) {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                }
            }
        }

        fn take(&self, point: Point) -> Option<Fault> {
            let mut plans = self.0.plans.lock().unwrap_or_else(PoisonError::into_inner);
            let plan = plans.iter_mut().find(|(at, _, left)| *at == point && *left > 0)?;
            plan.2 -= 1;
            self.0.count.fetch_sub(1, Ordering::SeqCst);
            Some(plan.1)
        }
    }

    /// Words that harm whoever thinks about them: `#panic`, `#loop` (for ever), `#overflow` (the stack, and with it
    /// the process).
    pub fn harm(text: &str) {
        match text {
            "#panic" => panic!("as the test wants"),
            "#loop" => loop {
                std::thread::sleep(Duration::from_millis(100));
            },
            "#overflow" => drop(deeper(0)),
            _ => {}
        }
    }

    fn deeper(depth: u64) -> u64 {
        let room = std::hint::black_box([depth; 512]);
        if std::hint::black_box(depth) == u64::MAX {
            return 0;
        }
        deeper(depth + 1) + room[7]
    }
}
