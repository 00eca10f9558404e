//! In which order those in memory were last used, longest idle first.
//!
//! A line that is only added to: who is used again stands in it once more, and his older place is passed over. Many
//! hundred thousand stand here, so a place takes sixteen bytes, and places that nobody holds any more are a quarter of
//! the line at most.

use std::collections::VecDeque;

use crate::domain::contact::ContactId;

/// A line this short is not worth being cleared.
const SHORT: usize = 64;

/// A place in the line, never given twice.
pub(super) type Rank = u64;

/// The line. Who holds which place is known to its owner, and asked of it.
#[derive(Debug, Default)]
pub(super) struct Idle {
    line: VecDeque<(Rank, ContactId)>,
    last: Rank,
}

impl Idle {
    /// The place at the end of the line.
    pub(super) fn push(&mut self, contact: ContactId) -> Rank {
        self.last += 1;
        self.line.push_back((self.last, contact));
        self.last
    }

    /// Clears places that nobody holds, if they are many; `held`: how many are.
    pub(super) fn clear(&mut self, held: usize, holds: impl Fn(Rank, ContactId) -> bool) {
        if self.line.len() > SHORT + held + held / 4 {
            self.line.retain(|(rank, contact)| holds(*rank, *contact));
        }
    }

    /// Who has been idle longest.
    pub(super) fn longest(&mut self, holds: impl Fn(Rank, ContactId) -> bool) -> Option<ContactId> {
        while let Some((rank, contact)) = self.line.front().copied() {
            if holds(rank, contact) {
                return Some(contact);
            }
            self.line.pop_front();
        }
        None
    }

    /// All places, longest idle first; some are held by nobody.
    pub(super) fn places(&self) -> impl Iterator<Item = (Rank, ContactId)> {
        self.line.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn who_was_used_again_is_not_the_longest_idle_and_places_that_nobody_holds_go() {
        let (mut idle, mut held) = (Idle::default(), HashMap::new());
        let mut uses = (0..100).chain([0, 2]).map(ContactId).collect::<Vec<_>>();
        uses.extend((0..10_000).map(|_| ContactId(7)));
        for contact in uses {
            held.insert(contact, idle.push(contact));
            idle.clear(held.len(), |rank, contact| held.get(&contact) == Some(&rank));
        }
        assert!(idle.places().count() <= SHORT + 100 + 25);
        let longest = |idle: &mut Idle, held: &HashMap<ContactId, Rank>| {
            idle.longest(|rank, contact| held.get(&contact) == Some(&rank))
        };
        assert_eq!(longest(&mut idle, &held), Some(ContactId(1)));
        held.remove(&ContactId(1));
        assert_eq!(longest(&mut idle, &held), Some(ContactId(3)));
        held.clear();
        assert_eq!((longest(&mut idle, &held), idle.places().count()), (None, 0));
    }
}
