//! A session's calls: which are under way, and when each is made (again).
//!
//! A call is made after the turn that wants it is durable. Its answer may get lost with a crashed actor, so a
//! call without an answer is made again under the same id (whoever serves it does nothing twice), and after
//! [`MAKES_MAX`] times it counts as answered `Down`. Bounded: [`CALLS_MAX`] under way, the oldest is forgotten.

use crate::domain::call::{Call, CallId};
use crate::domain::time::{SECOND_MS, Timestamp};

/// The state waits for one call at most; a few more may be on their way back.
pub const CALLS_MAX: usize = 4;
/// A call is made so often at most before it counts as `Down`.
pub const MAKES_MAX: u8 = 3;
/// Longer than all neighbours of one call together may take.
const AGAIN_AFTER_MS: i64 = 20 * SECOND_MS;

/// The calls of one session.
#[derive(Debug, Default)]
pub struct Calls(Vec<UnderWay>);

#[derive(Debug)]
struct UnderWay {
    call: Call,
    makes: u8,
    /// When it is made, or made again.
    at: Timestamp,
    /// When the citizen is shown that we are still at it.
    slow_at: Option<Timestamp>,
}

/// What is due.
#[derive(Debug, Default, PartialEq)]
pub struct Due {
    pub make: Vec<Call>,
    /// Made too often without an answer.
    pub given_up: Vec<CallId>,
    /// A call has taken long enough that the citizen should see it.
    pub slow: bool,
}

impl Calls {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an answer with this id is awaited.
    pub fn expects(&self, id: CallId) -> bool {
        self.0.iter().any(|under_way| under_way.call.id == id)
    }

    /// How many are made and not answered.
    pub fn made(&self) -> usize {
        self.0.iter().filter(|under_way| under_way.makes > 0).count()
    }

    /// Adds a call, to be made at `at`. One that is there already stays as it is.
    pub fn add(&mut self, call: Call, at: Timestamp) {
        if self.expects(call.id) {
            return;
        }
        if self.0.len() >= CALLS_MAX {
            self.0.remove(0);
        }
        self.0.push(UnderWay { call, makes: 0, at, slow_at: None });
    }

    /// Its answer is handled. A turn may have asked again under the same id meanwhile, so this comes before `add`.
    pub fn answered(&mut self, id: CallId) {
        self.0.retain(|under_way| under_way.call.id != id);
    }

    /// What is to be done at `now`. `slow_after_ms`: from when on the citizen is shown that it takes long.
    pub fn due(&mut self, now: Timestamp, slow_after_ms: i64) -> Due {
        let mut due = Due::default();
        for under_way in &mut self.0 {
            if under_way.slow_at.is_some_and(|at| at <= now) {
                under_way.slow_at = None;
                due.slow = true;
            }
            if under_way.at > now {
                continue;
            }
            if under_way.makes >= MAKES_MAX {
                due.given_up.push(under_way.call.id);
                // Should even this answer get lost, it is given again.
                under_way.at = now.plus_ms(AGAIN_AFTER_MS);
                continue;
            }
            if under_way.makes == 0 {
                under_way.slow_at = Some(now.plus_ms(slow_after_ms));
            }
            under_way.makes += 1;
            under_way.at = now.plus_ms(AGAIN_AFTER_MS);
            due.make.push(under_way.call.clone());
        }
        due
    }

    /// When to look again.
    pub fn due_at(&self) -> Option<Timestamp> {
        self.0.iter().flat_map(|under_way| [Some(under_way.at), under_way.slow_at]).flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::call::Request;

    fn call(id: u64) -> Call {
        Call { id: CallId(id), request: Request::ReadTickets }
    }

    #[test]
    fn a_call_waits_is_made_and_made_again() {
        let mut calls = Calls::default();
        calls.add(call(1), Timestamp(5_000));
        assert_eq!(calls.due_at(), Some(Timestamp(5_000)));
        assert_eq!(calls.due(Timestamp(4_999), 800), Due::default());
        assert_eq!(calls.due(Timestamp(5_000), 800).make, [call(1)]);
        assert_eq!(calls.due_at(), Some(Timestamp(5_800)), "then it is slow");
        assert!(calls.due(Timestamp(5_800), 800).slow);
        assert_eq!(calls.due_at(), Some(Timestamp(25_000)), "then it is made again");
        assert_eq!(calls.due(Timestamp(25_000), 800), Due { make: vec![call(1)], ..Due::default() });
        assert_eq!(calls.due(Timestamp(45_000), 800).make, [call(1)]);
        assert_eq!(calls.due(Timestamp(65_000), 800), Due { given_up: vec![CallId(1)], ..Due::default() });
        calls.answered(CallId(1));
        assert_eq!(calls.due_at(), None);
    }

    #[test]
    fn the_same_call_is_kept_once_and_the_number_is_bounded() {
        let mut calls = Calls::default();
        for id in [1, 1, 2, 3, 4, 5] {
            calls.add(call(id), Timestamp(0));
        }
        assert!(!calls.expects(CallId(1)) && calls.expects(CallId(5)));
        assert_eq!(calls.due(Timestamp(0), 800).make.len(), CALLS_MAX);
    }
}
