//! Where all that was ever accepted went: the count that must come out even.
//!
//! accepted = answered + absorbed + refused + dead-lettered + pending, at every moment and across restarts. The
//! terms are counted in different places: what is accepted when its record is durable, what ended when a durable
//! record closes it, and what is pending by looking at the rows that are there. A row that disappears without
//! having been closed, or is closed twice, shows as a drift.

use serde::{Deserialize, Serialize};

/// How an accepted message or notice ended. Fixed for life: the number is on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Closing {
    /// Its turn answered it, or asked a neighbour on its account.
    #[default]
    Answered = 0,
    /// Read, and no answer of its own: a filler, one of a burst, a duplicate.
    Absorbed = 1,
    /// A policy refused it (it was too old, or one too many).
    Refused = 2,
    /// Set aside for an operator.
    DeadLettered = 3,
}

impl Closing {
    /// The closing with this number; an unknown one is of a newer server.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Answered, Self::Absorbed, Self::Refused, Self::DeadLettered]
            .into_iter()
            .find(|closing| *closing as u8 == number)
    }
}

/// The terms, since the store was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub accepted: u64,
    pub answered: u64,
    pub absorbed: u64,
    pub refused: u64,
    pub dead_lettered: u64,
    /// Rows that are open now.
    pub pending: u64,
}

impl Tally {
    /// Counts an end.
    pub fn close(&mut self, how: Closing) {
        *match how {
            Closing::Answered => &mut self.answered,
            Closing::Absorbed => &mut self.absorbed,
            Closing::Refused => &mut self.refused,
            Closing::DeadLettered => &mut self.dead_lettered,
        } += 1;
    }

    /// All that ended or is pending.
    pub fn accounted_for(&self) -> u64 {
        self.answered + self.absorbed + self.refused + self.dead_lettered + self.pending
    }

    /// What is accepted and not accounted for; below zero: what ended without having been accepted. Zero, or
    /// something is wrong.
    pub fn drift(&self) -> i64 {
        i64::try_from(i128::from(self.accepted) - i128::from(self.accounted_for())).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accounted_for_does_not_drift() {
        let mut tally = Tally { accepted: 5, pending: 1, ..Tally::default() };
        for how in [Closing::Answered, Closing::Absorbed, Closing::Refused, Closing::DeadLettered] {
            tally.close(how);
            assert_eq!(Closing::from_number(how as u8), Some(how));
        }
        assert_eq!((tally.accounted_for(), tally.drift()), (5, 0));
        tally.pending = 0;
        assert_eq!(tally.drift(), 1, "a row is gone");
        tally.close(Closing::Answered);
        tally.close(Closing::Answered);
        assert_eq!(tally.drift(), -1, "a row ended twice");
        assert_eq!(Closing::from_number(4), None);
    }
}
