//! Numbers of reports: unique by a counter, and not to be guessed from one another.
//!
//! The counter goes through a permutation of the seven-digit numbers that only the server's key knows (a
//! Feistel network over 24 bits, repeated until the result has seven digits); the check digit comes last. So a
//! number says neither how many reports there are nor what the next one will be.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::ticket::TicketNumber;

/// Seven digits: the eighth is the check digit.
const NUMBERS: u32 = 10_000_000;
const HALF_BITS: u32 = 12;
const HALF: u32 = (1 << HALF_BITS) - 1;
/// Enough for each half to be mixed into the other many times; a number is made once a report.
const ROUNDS: u8 = 8;

/// The permutation of one server.
pub(super) struct Numbers {
    key: [u8; 32],
}

impl Numbers {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The number of the n-th report; after ten million they come again.
    pub(super) fn nth(&self, n: u64) -> TicketNumber {
        let mut seven = u32::try_from(n % u64::from(NUMBERS)).unwrap_or_default();
        loop {
            seven = self.permute(seven);
            // A permutation's cycle leads back below the bound: at the latest to where it began.
            if let Some(number) = TicketNumber::with_check_digit(seven) {
                return number;
            }
        }
    }

    fn permute(&self, number: u32) -> u32 {
        let (mut left, mut right) = (number >> HALF_BITS & HALF, number & HALF);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.scatter(round, right));
        }
        left << HALF_BITS | right
    }

    fn scatter(&self, round: u8, half: u32) -> u32 {
        let mut mac =
            <Hmac<Sha256> as KeyInit>::new_from_slice(&self.key).unwrap_or_else(|_| unreachable!("hmac takes any key"));
        mac.update(&[round]);
        mac.update(&half.to_le_bytes());
        let bytes = mac.finalize().into_bytes();
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) & HALF
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_are_unique_check_and_do_not_follow_one_another() {
        let numbers = Numbers::new([7; 32]);
        let first: Vec<TicketNumber> = (0..5_000).map(|n| numbers.nth(n)).collect();
        assert_eq!(first.iter().collect::<HashSet<_>>().len(), first.len());
        for number in &first {
            assert_eq!(TicketNumber::parse(&number.to_string()), Ok(*number), "its check digit fits");
        }
        let near = first.windows(2).filter(|pair| pair[0].number().abs_diff(pair[1].number()) < 100_000).count();
        assert!(near < 200, "{near} of 5,000 lie near the one before; by chance about 100 do");
        let again = Numbers::new([7; 32]);
        assert_eq!(again.nth(4_321), first[4_321]);
        assert_ne!(Numbers::new([8; 32]).nth(4_321), first[4_321]);
    }

    #[test]
    fn every_counter_below_the_bound_has_a_place() {
        // The permutation of 24 bits is one: no two numbers meet.
        let numbers = Numbers::new([1; 32]);
        let met: HashSet<u32> = (0..20_000).map(|n| numbers.permute(n * 838)).collect();
        assert_eq!(met.len(), 20_000);
    }
}
