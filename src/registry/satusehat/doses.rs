//! A person's doses, from what is recorded of his vaccinations.
//!
//! A dose can be certified when it says which one it is, of which batch, and that it was given; else it is recorded
//! and not issued. The same dose on the same day is one dose, however often it was sent; of one number on two days
//! the one recorded last holds, since that is how facilities correct themselves.

use serde::Deserialize;
use time::Date;

use super::fhir::{Coding, Immunization};
use crate::domain::citizen::Dose;

/// What one code of a vaccine means.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaccineCode {
    /// `http://hl7.org/fhir/sid/cvx`, `http://sys-ids.kemkes.go.id/kfa`
    pub system: String,
    pub code: String,
    /// As it is printed: a name of `config/vaccines.toml`.
    pub vaccine: String,
}

/// The codes that are known.
pub(super) struct Vaccines(Vec<VaccineCode>);

/// A dose, and what decides between two that are the same.
struct Given {
    number: Option<u8>,
    date: Date,
    vaccine: String,
    batch: String,
    certificate: Option<String>,
    recorded: String,
}

impl Vaccines {
    pub(super) fn new(codes: &[VaccineCode]) -> Self {
        Self(codes.to_vec())
    }

    /// The doses against COVID-19 in order, each number once.
    pub(super) fn doses(&self, recorded: Vec<Immunization>) -> Vec<Dose> {
        let mut given: Vec<Given> = recorded.into_iter().filter_map(|one| self.given(one)).collect();
        // The one that holds comes first among its equals.
        given.sort_by(|a, b| {
            let whole = |one: &Given| (one.certificate.is_some(), one.recorded.clone());
            (a.number, whole(b)).cmp(&(b.number, whole(a)))
        });
        let mut doses: Vec<Given> = Vec::new();
        for one in given {
            let same = |known: &Given| match one.number {
                Some(_) => known.number == one.number,
                None => known.date == one.date,
            };
            // Those without a number come first: they give way to a numbered one of their day.
            doses.retain(|known| known.number.is_some() || known.date != one.date);
            match doses.iter_mut().find(|known| same(known)) {
                Some(known) if one.date != known.date && one.recorded > known.recorded => *known = one,
                Some(_) => {}
                None => doses.push(one),
            }
        }
        numbered(doses)
    }

    fn given(&self, one: Immunization) -> Option<Given> {
        let vaccine = self.vaccine(&one)?;
        let certificate = one.id.filter(|_| one.completed && one.dose.is_some() && one.lot.is_some());
        let batch = one.lot.unwrap_or_default();
        Some(Given { number: one.dose, date: one.date, vaccine, batch, certificate, recorded: one.recorded })
    }

    /// By a known code; or, if the protocol says that it is against COVID-19, as it is called there.
    fn vaccine(&self, one: &Immunization) -> Option<String> {
        let means = |coding: &Coding| {
            let fits = |known: &&VaccineCode| {
                known.code == coding.code && coding.system.as_ref().is_none_or(|system| *system == known.system)
            };
            self.0.iter().find(fits).map(|known| known.vaccine.clone())
        };
        if let Some(vaccine) = one.codings.iter().find_map(means) {
            return Some(vaccine);
        }
        if !one.against_covid {
            let codes: Vec<&str> = one.codings.iter().map(|coding| coding.code.as_str()).collect();
            tracing::debug!(?codes, "a vaccination whose codes are not in registry.vaccine_codes is left out");
            return None;
        }
        let called = one.text.clone().or_else(|| one.codings.iter().find_map(|coding| coding.display.clone()));
        called.or_else(|| one.codings.first().map(|coding| coding.code.clone()))
    }
}

/// In ascending order; who has no number gets the first one that is free after those of earlier days.
fn numbered(mut doses: Vec<Given>) -> Vec<Dose> {
    doses.sort_by_key(|dose| (dose.date, dose.number));
    let mut taken: Vec<u8> = doses.iter().filter_map(|dose| dose.number).collect();
    let mut last = 0;
    for dose in &mut doses {
        let number = dose.number.unwrap_or_else(|| {
            let free = (last + 1..u8::MAX).find(|number| !taken.contains(number)).unwrap_or(u8::MAX);
            taken.push(free);
            free
        });
        dose.number = Some(number);
        last = last.max(number);
    }
    let mut doses: Vec<Dose> = doses
        .into_iter()
        .filter_map(|Given { number, date, vaccine, batch, certificate, .. }| {
            Some(Dose { number: number?, date, vaccine, batch, certificate })
        })
        .collect();
    doses.sort_by_key(|dose| dose.number);
    doses
}
