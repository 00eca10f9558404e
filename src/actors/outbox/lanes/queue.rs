//! Whose turn it is: contacts that may be written to, by business number and urgency.
//!
//! Numbers take turns, so that one that is slow or stopped holds up no other. Within a number the urgent go first;
//! within an urgency whoever waits longest. A contact stands in one queue at a time; where it became more urgent,
//! its older place is passed over. Bounded by the contacts that have open rows, and those by the store.

use std::collections::{HashMap, VecDeque};

use crate::domain::contact::{BusinessNumber, ContactId};
use crate::domain::message::Urgency;

const URGENCIES: [Urgency; 3] = [Urgency::Session, Urgency::Reply, Urgency::Notice];

/// A contact's place: which number, how urgent.
pub(super) type Place = (usize, Urgency);

#[derive(Debug, Default)]
pub(super) struct Queues {
    numbers: Vec<OfNumber>,
    at: HashMap<ContactId, Place>,
}

#[derive(Debug)]
struct OfNumber {
    number: BusinessNumber,
    lines: [VecDeque<ContactId>; 3],
    standing: usize,
    /// It is stopped or held: who stands here is not about to leave.
    shut: bool,
}

impl Queues {
    /// Puts a contact last in its queue, unless it stands there or in a more urgent one.
    pub(super) fn add(&mut self, contact: ContactId, number: &BusinessNumber, urgency: Urgency) {
        let place = (self.place_of(number), urgency);
        match self.at.get(&contact) {
            Some(known) if known.0 == place.0 && known.1 <= urgency => return,
            Some(known) => self.numbers[known.0].standing -= 1,
            None => {}
        }
        self.at.insert(contact, place);
        let own = &mut self.numbers[place.0];
        own.standing += 1;
        own.lines[urgency as usize].push_back(contact);
    }

    fn place_of(&mut self, number: &BusinessNumber) -> usize {
        self.numbers.iter().position(|own| own.number == *number).unwrap_or_else(|| {
            let lines = [VecDeque::new(), VecDeque::new(), VecDeque::new()];
            self.numbers.push(OfNumber { number: number.clone(), lines, standing: 0, shut: false });
            self.numbers.len() - 1
        })
    }

    /// The first of a number, the most urgent first; it stands nowhere from here on.
    pub(super) fn pop(&mut self, number: usize) -> Option<(ContactId, Place)> {
        for urgency in URGENCIES {
            let place = (number, urgency);
            while let Some(contact) = self.numbers.get_mut(number)?.lines[urgency as usize].pop_front() {
                if self.at.get(&contact) == Some(&place) {
                    self.at.remove(&contact);
                    self.numbers[number].standing -= 1;
                    return Some((contact, place));
                }
            }
        }
        None
    }

    /// It could not leave now and stands first again.
    pub(super) fn back(&mut self, contact: ContactId, place: Place, shut: bool) {
        self.at.insert(contact, place);
        let own = &mut self.numbers[place.0];
        own.shut = shut;
        own.standing += 1;
        own.lines[place.1 as usize].push_front(contact);
    }

    /// It stands first, unless it stands somewhere already.
    pub(super) fn first(&mut self, contact: ContactId, place: Place) {
        if !self.at.contains_key(&contact) {
            self.back(contact, place, false);
        }
    }

    /// A message of this number leaves.
    pub(super) fn open(&mut self, number: usize) {
        self.numbers[number].shut = false;
    }

    /// Numbers that anybody ever stood at.
    pub(super) fn numbers(&self) -> usize {
        self.numbers.len()
    }

    /// Whether nobody is about to leave.
    pub(super) fn is_at_rest(&self) -> bool {
        self.numbers.iter().all(|own| own.standing == 0 || own.shut)
    }

    #[cfg(test)]
    pub(super) fn standing(&self) -> usize {
        self.at.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(id: &str) -> BusinessNumber {
        BusinessNumber(id.into())
    }

    fn order(queues: &mut Queues, number: usize) -> Vec<u64> {
        std::iter::from_fn(|| queues.pop(number)).map(|(contact, _)| contact.0).collect()
    }

    #[test]
    fn the_urgent_go_first_and_within_an_urgency_the_longest_waiting() {
        let mut queues = Queues::default();
        let wants = [
            (1, Urgency::Notice),
            (2, Urgency::Reply),
            (3, Urgency::Session),
            (4, Urgency::Reply),
            (5, Urgency::Session),
            (1, Urgency::Notice),
        ];
        for (contact, urgency) in wants {
            queues.add(ContactId(contact), &number("1"), urgency);
        }
        assert_eq!(order(&mut queues, 0), [3, 5, 2, 4, 1], "each once");
    }

    #[test]
    fn who_becomes_more_urgent_moves_up_and_who_becomes_less_stays() {
        let mut queues = Queues::default();
        for (contact, urgency) in [
            (1, Urgency::Notice),
            (2, Urgency::Reply),
            (1, Urgency::Session),
            (2, Urgency::Notice),
            (3, Urgency::Notice),
        ] {
            queues.add(ContactId(contact), &number("1"), urgency);
        }
        assert_eq!((queues.standing(), queues.is_at_rest()), (3, false));
        assert_eq!(order(&mut queues, 0), [1, 2, 3]);
        assert_eq!((queues.standing(), queues.is_at_rest()), (0, true));
    }

    #[test]
    fn who_stands_at_a_shut_number_is_at_rest_and_first_again() {
        let mut queues = Queues::default();
        queues.add(ContactId(1), &number("1"), Urgency::Reply);
        queues.add(ContactId(2), &number("1"), Urgency::Reply);
        let (contact, place) = queues.pop(0).unwrap();
        queues.back(contact, place, true);
        assert!(queues.is_at_rest());
        queues.add(ContactId(3), &number("2"), Urgency::Reply);
        assert!(!queues.is_at_rest(), "another number is not shut");
        assert_eq!(order(&mut queues, 1), [3]);
        queues.open(0);
        assert!(!queues.is_at_rest());
        assert_eq!(order(&mut queues, 0), [1, 2]);
    }
}
