//! When contacts want to be woken: one wish each, the earliest first.
//!
//! Pure. Timers live here and not in sessions, because a session with a timer of its own could not leave memory,
//! and because one set per shard is looked at by one tick, against `ports::Clock`, which a test owns.

use std::collections::{BTreeSet, HashMap};

use crate::domain::contact::ContactId;
use crate::domain::time::Timestamp;

/// The wishes of one shard's contacts.
#[derive(Debug, Default)]
pub struct Timers {
    by_time: BTreeSet<(Timestamp, ContactId)>,
    by_contact: HashMap<ContactId, Timestamp>,
}

impl Timers {
    /// Sets, replaces or takes back a contact's wish.
    pub fn set(&mut self, contact: ContactId, at: Option<Timestamp>) {
        if let Some(old) = self.by_contact.remove(&contact) {
            self.by_time.remove(&(old, contact));
        }
        if let Some(at) = at {
            self.by_contact.insert(contact, at);
            self.by_time.insert((at, contact));
        }
    }

    /// Takes out the wishes that have come due, earliest first, at most `max` of them.
    pub fn due(&mut self, now: Timestamp, max: usize) -> Vec<ContactId> {
        let mut due = Vec::new();
        while due.len() < max
            && let Some((at, contact)) = self.by_time.first().copied()
            && at <= now
        {
            self.by_time.pop_first();
            self.by_contact.remove(&contact);
            due.push(contact);
        }
        due
    }

    /// The earliest wish.
    pub fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Whether a contact wants to be woken.
    pub fn has(&self, contact: ContactId) -> bool {
        self.by_contact.contains_key(&contact)
    }

    /// How many contacts wait to be woken.
    pub fn len(&self) -> usize {
        self.by_contact.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.by_contact.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ContactId = ContactId(1);
    const B: ContactId = ContactId(2);

    #[test]
    fn a_new_wish_replaces_the_old_one() {
        let mut timers = Timers::default();
        timers.set(A, Some(Timestamp(10)));
        timers.set(A, Some(Timestamp(30)));
        timers.set(B, Some(Timestamp(20)));
        assert_eq!(timers.len(), 2);
        assert_eq!(timers.due(Timestamp(9), 8), []);
        assert_eq!(timers.due(Timestamp(20), 8), [B]);
        assert_eq!(timers.due(Timestamp(30), 8), [A]);
        assert!(timers.is_empty());
    }

    #[test]
    fn a_wish_taken_back_never_comes() {
        let mut timers = Timers::default();
        timers.set(A, Some(Timestamp(10)));
        timers.set(A, None);
        assert_eq!(timers.due(Timestamp(100), 8), []);
        assert_eq!(timers.len(), 0);
    }

    #[test]
    fn many_due_at_once_come_in_order_and_in_portions() {
        let mut timers = Timers::default();
        for id in 0..5 {
            timers.set(ContactId(id), Some(Timestamp(i64::try_from(5 - id).unwrap())));
        }
        assert_eq!(timers.due(Timestamp(9), 2), [ContactId(4), ContactId(3)]);
        assert_eq!(timers.due(Timestamp(9), 9), [ContactId(2), ContactId(1), ContactId(0)]);
    }
}
