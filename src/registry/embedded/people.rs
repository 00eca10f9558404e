//! Everyone, found by id and by phone, with their changes laid over.

use std::collections::HashMap;

use super::changes::Changes;
use super::citizen::Citizen;
use crate::domain::citizen::{Person, PersonId, VaccinationRecord};
use crate::domain::phone::Mobile;

/// The people of a registry.
#[derive(Default)]
pub(super) struct People {
    citizens: Vec<Citizen>,
    by_id: HashMap<PersonId, usize>,
    /// In the order in which people came to the number.
    by_phone: HashMap<Mobile, Vec<usize>>,
    changes: HashMap<PersonId, Changes>,
}

impl People {
    pub(super) fn new(citizens: Vec<Citizen>) -> Self {
        let mut people = Self::default();
        for citizen in citizens {
            people.put(citizen);
        }
        people
    }

    /// Adds a citizen, in place of the one with the same id and without his changes.
    pub(super) fn put(&mut self, citizen: Citizen) {
        self.changes.remove(&citizen.person.id);
        if let Some(at) = self.by_id.get(&citizen.person.id).copied() {
            self.settle(at, citizen.phone);
            self.citizens[at] = citizen;
        } else {
            let at = self.citizens.len();
            self.by_id.insert(citizen.person.id.clone(), at);
            self.by_phone.entry(citizen.phone).or_default().push(at);
            self.citizens.push(citizen);
        }
    }

    /// The people on a number.
    pub(super) fn on(&self, phone: Mobile) -> Vec<Person> {
        let places = self.by_phone.get(&phone).map_or(&[][..], Vec::as_slice);
        places.iter().map(|at| self.citizens[*at].person.clone()).collect()
    }

    pub(super) fn phone(&self, person: &PersonId) -> Option<Mobile> {
        self.by_id.get(person).map(|at| self.citizens[*at].phone)
    }

    /// What is recorded of a person. An id is no proof of who he is: beside another's directory it may be somebody
    /// else's there, and no real NIK is one of those here.
    pub(super) fn record(&self, person: &Person) -> Option<VaccinationRecord> {
        let citizen = self.by_id.get(&person.id).map(|at| &self.citizens[*at])?;
        (citizen.person.nik == person.nik).then(|| citizen.record.clone())
    }

    /// What a person changed so far; nothing for somebody who is not here.
    pub(super) fn changes(&self, person: &PersonId) -> Option<Changes> {
        self.by_id.get(person).map(|_| self.changes.get(person).cloned().unwrap_or_default())
    }

    /// Makes a person as his changes say. Somebody who is not here is passed over.
    pub(super) fn lay_over(&mut self, person: &PersonId, changes: Changes) {
        let Some(at) = self.by_id.get(person).copied() else { return };
        if let Some(name) = &changes.name {
            self.citizens[at].person.name = name.clone();
            self.citizens[at].person.name_changed_at = changes.name_changed_at;
        }
        if let Some(phone) = changes.phone {
            self.settle(at, phone);
        }
        self.changes.insert(person.clone(), changes);
    }

    /// Puts a citizen under a number, last in its order.
    fn settle(&mut self, at: usize, phone: Mobile) {
        let before = std::mem::replace(&mut self.citizens[at].phone, phone);
        if before == phone {
            return;
        }
        if let Some(neighbours) = self.by_phone.get_mut(&before) {
            neighbours.retain(|other| *other != at);
            if neighbours.is_empty() {
                self.by_phone.remove(&before);
            }
        }
        self.by_phone.entry(phone).or_default().push(at);
    }
}
