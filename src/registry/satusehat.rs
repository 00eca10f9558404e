//! What is recorded of a person's vaccinations, read from SATUSEHAT (FHIR R4; domain.md 5.1).
//!
//! A person is found by NIK; the answer often holds no more than his number there, so his birth date comes from a
//! search by NIK, name and date, with both centuries that the NIK leaves open. His vaccinations are read page by
//! page. Invariants: what is about another person is never taken for his; each way to fail is one of the port's
//! five (no person, a dose without a certificate, conflict, down, misconfigured); what the server says about a
//! failure is for the operator and holds nothing personal (`told`); a failed login is not tried again at once
//! (`token`). NIK and name stand in the request's address, since the ministry's interface wants them there.
//!
//! What does not belong here: whose record may be opened (`account`), and changes of name or phone, which
//! SATUSEHAT does not offer (`AccountDirectory`).

mod dates;
mod doses;
mod exchange;
mod fhir;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use reqwest::Url;
use secrecy::SecretString;
use time::Date;

use crate::domain::citizen::{Person, VaccinationRecord};
use crate::errands::Errands;
use crate::ports::{Clock, ConflictReason, ImmunizationRegistry, NeighbourError};

use super::http::{OptionsError, Voice};
use super::told::Hidden;

use doses::Vaccines;
use exchange::{Exchange, Found};
use fhir::{Bundle, Immunization, Patient};

pub use doses::VaccineCode;

const NEIGHBOUR: &str = "satusehat";
const VOICE: Voice = Voice(NEIGHBOUR);
/// The system of a NIK among a patient's identifiers.
const NIK_SYSTEM: &str = "https://fhir.kemkes.go.id/id/nik";
/// Vaccinations asked for at once.
const PAGE: &str = "100";
/// Pages of one person's vaccinations; nobody has so many.
const PAGES_MAX: usize = 20;

/// Settings of the server.
#[derive(Clone, Debug)]
pub struct Options {
    /// `https://api-satusehat.kemkes.go.id`; plain http only to this machine. Below it `oauth2/v1` and `fhir-r4/v1`.
    pub url: String,
    pub client_id: String,
    pub client_secret: SecretString,
    /// One request from start to end of answer; as long is waited for a free connection first.
    pub timeout: Duration,
    /// Requests under way at once.
    pub connections_max: usize,
    /// Which codes mean which vaccine; all others are not ours to certify.
    pub vaccines: Vec<VaccineCode>,
}

/// The adapter. Shared by all shards.
pub struct Satusehat {
    reader: Arc<Reader>,
    errands: Errands,
}

struct Reader {
    exchange: Exchange,
    vaccines: Vaccines,
    clock: Arc<dyn Clock>,
}

/// A patient as far as he matters: his number there, and the birth date once it is known.
struct Known {
    id: String,
    birth_date: Date,
}

impl Satusehat {
    /// Connects to nothing yet.
    pub fn new(options: &Options, clock: Arc<dyn Clock>) -> Result<Self, OptionsError> {
        let exchange = Exchange::new(options, Arc::clone(&clock))?;
        let vaccines = Vaccines::new(&options.vaccines);
        let errands = Errands::start(NEIGHBOUR)?;
        Ok(Self { reader: Arc::new(Reader { exchange, vaccines, clock }), errands })
    }
}

impl ImmunizationRegistry for Satusehat {
    fn record(&self, person: &Person) -> BoxFuture<'_, Result<VaccinationRecord, NeighbourError>> {
        let (reader, person) = (Arc::clone(&self.reader), person.clone());
        async move {
            let read = self.errands.run(async move { reader.record(&person).await }).await;
            read.unwrap_or_else(|_| Err(down("its work ended before it was done")))
        }
        .boxed()
    }
}

impl Reader {
    async fn record(&self, person: &Person) -> Result<VaccinationRecord, NeighbourError> {
        let hidden = Hidden::of(person);
        let patient = self.patient(person, &hidden).await?;
        let given = self.immunizations(&patient.id, &hidden).await?;
        Ok(VaccinationRecord { birth_date: patient.birth_date, doses: self.vaccines.doses(given) })
    }

    async fn patient(&self, person: &Person, hidden: &Hidden) -> Result<Known, NeighbourError> {
        let nik = person.nik.digits();
        let identifier = format!("{NIK_SYSTEM}|{nik}");
        let found = self.patients(&[("identifier", &identifier)], hidden).await?;
        if found.iter().any(|patient| patient.is_of_another_nik(&nik)) {
            return Err(misconfigured("it answered with another person than the one asked for"));
        }
        let [patient] = &found[..] else {
            return Err(if found.is_empty() { not_found() } else { conflict(ConflictReason::TwoPeople) });
        };
        let id = patient.id.clone();
        let birth_date = match patient.birth_date {
            Some(date) => date,
            None => self.birth_date(person, &identifier, &id, hidden).await?,
        };
        Ok(Known { id, birth_date })
    }

    /// By NIK alone no birth date came: it is confirmed by name, or read off the patient himself.
    async fn birth_date(
        &self,
        person: &Person,
        identifier: &str,
        id: &str,
        hidden: &Hidden,
    ) -> Result<Date, NeighbourError> {
        let name = person.civil_name.as_ref().unwrap_or(&person.verified_name);
        let today = self.clock.now().day_wib();
        // The later century first: more people live who were born in it than a hundred years before.
        let dates: Vec<Date> = person.nik.birth_dates().filter(|date| *date <= today).collect();
        for date in dates.into_iter().rev() {
            let born = date.to_string();
            let query = [("identifier", identifier), ("name", name.as_str()), ("birthdate", &born)];
            let found = self.patients(&query, hidden).await?;
            if let Some(patient) = found.iter().find(|patient| patient.id == id) {
                return Ok(patient.birth_date.unwrap_or(date));
            }
        }
        match self.exchange.get(self.exchange.fhir(&["Patient", id]), hidden).await? {
            Found::Resource(body) => Patient::read(&body)
                .filter(|patient| patient.id == id)
                .and_then(|patient| patient.birth_date)
                .ok_or_else(|| conflict(ConflictReason::Differs)),
            Found::Nothing => Err(conflict(ConflictReason::Differs)),
        }
    }

    /// Those who fit, each once.
    async fn patients(&self, query: &[(&str, &str)], hidden: &Hidden) -> Result<Vec<Patient>, NeighbourError> {
        let bundle = self.bundle(self.url("Patient", query), hidden).await?;
        let mut found: Vec<Patient> = Vec::new();
        for patient in bundle.entries.iter().filter_map(Patient::read).filter(|patient| patient.active) {
            if found.iter().all(|known| known.id != patient.id) {
                found.push(patient);
            }
        }
        Ok(found)
    }

    /// All that is recorded of a patient. The ministry writes his bare number; servers that know a reference only
    /// with its type find nothing by that, so an empty answer is asked for once more in their way.
    async fn immunizations(&self, id: &str, hidden: &Hidden) -> Result<Vec<Immunization>, NeighbourError> {
        let given = self.pages(id, id, hidden).await?;
        if given.is_empty() { self.pages(id, &format!("Patient/{id}"), hidden).await } else { Ok(given) }
    }

    async fn pages(&self, id: &str, reference: &str, hidden: &Hidden) -> Result<Vec<Immunization>, NeighbourError> {
        let mut given = Vec::new();
        let mut url = self.url("Immunization", &[("patient", reference), ("_count", PAGE)]);
        let mut read: Vec<Url> = Vec::new();
        while read.len() < PAGES_MAX {
            let bundle = self.bundle(url.clone(), hidden).await?;
            read.push(url);
            for immunization in bundle.entries.iter().filter_map(Immunization::read) {
                if immunization.patient.as_ref().is_some_and(|of| of != id) {
                    return Err(misconfigured("it answered with another person's vaccinations"));
                }
                given.push(immunization);
            }
            let Some(next) = bundle.next else { return Ok(given) };
            url = self.exchange.next(&next).ok_or_else(|| misconfigured("its next page is on another server"))?;
            if read.contains(&url) {
                return Err(misconfigured("its pages lead round in a circle"));
            }
        }
        Err(misconfigured("its pages do not end"))
    }

    async fn bundle(&self, url: Url, hidden: &Hidden) -> Result<Bundle, NeighbourError> {
        match self.exchange.get(url, hidden).await? {
            Found::Resource(body) => {
                Bundle::read(&body).ok_or_else(|| misconfigured("it answered a search with something else"))
            }
            Found::Nothing => Err(misconfigured("it does not know the address of a search (http 404)")),
        }
    }

    fn url(&self, resource: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.exchange.fhir(&[resource]);
        url.query_pairs_mut().extend_pairs(query);
        url
    }
}

fn down(reason: impl Into<String>) -> NeighbourError {
    VOICE.down(reason)
}

fn misconfigured(reason: impl Into<String>) -> NeighbourError {
    VOICE.misconfigured(reason)
}

fn not_found() -> NeighbourError {
    NeighbourError::NotFound { neighbour: NEIGHBOUR }
}

fn conflict(reason: ConflictReason) -> NeighbourError {
    NeighbourError::Conflict { neighbour: NEIGHBOUR, reason }
}
