//! The registry of a transcript: whoever `# @citizen` names, in memory, changed at once.

use time::macros::date;

use crate::domain::call::{ConflictReason, NeighbourError};
use crate::domain::citizen::{Dose, Person, PersonId, VaccinationRecord};
use crate::domain::name::Name;
use crate::domain::phone::Mobile;
use crate::domain::time::Timestamp;
use crate::transcript::directive::{Citizen, DoseGiven};

/// People on one number.
const PEOPLE_MAX: usize = 6;
/// Someone's, when neither the directive nor the NIK tells.
const SOME_BIRTH_DATE: time::Date = date!(1980 - 01 - 01);

pub(super) struct People {
    pub(super) up: bool,
    all: Vec<(Mobile, Person, VaccinationRecord)>,
}

impl People {
    pub(super) fn new() -> Self {
        Self { up: true, all: Vec::new() }
    }

    /// Adds a person, or (the same phone and NIK) says anew what is recorded of him.
    pub(super) fn add(&mut self, citizen: &Citizen) {
        let Citizen { phone, nik, name, civil, standing, born, doses } = citizen;
        self.all.retain(|(at, person, _)| at != phone || person.nik != *nik);
        let id = PersonId(format!("person-{}-{}", phone.ending(), nik.number()));
        let person = Person {
            id,
            nik: *nik,
            name: name.clone(),
            verified_name: name.clone(),
            civil_name: civil.clone(),
            standing: *standing,
            name_changed_at: None,
        };
        let birth_date = born.or_else(|| nik.birth_dates().next()).unwrap_or(SOME_BIRTH_DATE);
        let mut doses: Vec<Dose> = doses.iter().map(dose).collect();
        doses.sort_by_key(|dose| dose.number);
        self.all.push((*phone, person, VaccinationRecord { birth_date, doses }));
    }

    fn reach(&self) -> Result<(), NeighbourError> {
        if self.up {
            Ok(())
        } else {
            Err(NeighbourError::Down { neighbour: "registry", reason: String::from("it is") })
        }
    }

    pub(super) fn under(&self, phone: Mobile) -> Result<Vec<Person>, NeighbourError> {
        self.reach()?;
        Ok(self.all.iter().filter(|(at, ..)| *at == phone).map(|(_, person, _)| person.clone()).collect())
    }

    pub(super) fn record(&self, person: &PersonId) -> Result<VaccinationRecord, NeighbourError> {
        self.reach()?;
        let known = self.all.iter().find(|(_, known, _)| known.id == *person);
        known.map(|(.., record)| record.clone()).ok_or(NeighbourError::NotFound { neighbour: "registry" })
    }

    pub(super) fn change_name(&mut self, person: &PersonId, name: Name, now: Timestamp) -> Result<(), NeighbourError> {
        self.reach()?;
        let known = self.all.iter_mut().find(|(_, known, _)| known.id == *person);
        let (_, known, _) = known.ok_or(NeighbourError::NotFound { neighbour: "directory" })?;
        known.name = name;
        known.name_changed_at = Some(now);
        Ok(())
    }

    pub(super) fn change_phone(&mut self, person: &PersonId, from: Mobile, to: Mobile) -> Result<(), NeighbourError> {
        self.reach()?;
        let conflict = |reason| NeighbourError::Conflict { neighbour: "directory", reason };
        if self.all.iter().filter(|(at, ..)| *at == to).count() >= PEOPLE_MAX {
            return Err(conflict(ConflictReason::NumberFull));
        }
        let known = self.all.iter_mut().find(|(at, known, _)| *at == from && known.id == *person);
        known.ok_or(conflict(ConflictReason::Outdated))?.0 = to;
        Ok(())
    }
}

fn dose(given: &DoseGiven) -> Dose {
    let DoseGiven { number, date, vaccine, issued } = given;
    let certificate = issued.then(|| format!("URN:UVCI:01:ID:{number}-{date}"));
    Dose { number: *number, date: *date, vaccine: vaccine.clone(), batch: String::from("B1"), certificate }
}
