//! Certificates issued from the command line, on the store of a stopped server.
//!
//! The store has one owner at a time (its lock), so a running server is told of by name and nothing is changed
//! behind its back.

use std::future::Future;
use std::sync::Arc;

use super::ports::Registries;
use super::{AppError, StoreChoice, settings};
use crate::config::Config;
use crate::domain::certificate::{Certificate, Language};
use crate::domain::nik::Nik;
use crate::domain::phone::Mobile;
use crate::issuer::{IssueError, Issued, Issuer};
use crate::ports::{Clock, NeighbourError, Store};

/// Which certificate to make.
pub struct Order {
    pub phone: Mobile,
    pub nik: Nik,
    pub dose: u8,
    pub language: Language,
}

/// Why it is not done. Without personal data: the operator knows whom he asked for.
#[derive(Debug, thiserror::Error)]
pub enum ByHandError {
    #[error(transparent)]
    App(#[from] AppError),
    #[error("nobody with that NIK is registered under that phone")]
    Unknown,
    #[error("dose {0} is not recorded")]
    NotRecorded(u8),
    #[error("dose {0} is recorded and its certificate is not issued by the registry yet")]
    NotIssued(u8),
    #[error(transparent)]
    Registry(#[from] NeighbourError),
    #[error("the certificate is not made: {0}")]
    Unmade(#[from] IssueError),
}

/// What stands open while one thing is done.
struct Open {
    store: Arc<dyn Store>,
    registries: Registries,
    issuer: Arc<Issuer>,
    clock: Arc<dyn Clock>,
}

/// Makes one certificate.
pub fn issue(config: Config, order: Order) -> Result<Issued, ByHandError> {
    run(config, |open| async move {
        let certificate = open.certificate(&order).await?;
        Ok(Arc::clone(&open.issuer).issue(certificate).await?)
    })
}

fn run<T, F>(config: Config, act: impl FnOnce(Arc<Open>) -> F) -> Result<T, ByHandError>
where
    F: Future<Output = Result<T, ByHandError>>,
{
    actix_web::rt::System::new().block_on(async move {
        let mut options = settings::options(config, crate::telemetry::recorder().map_err(AppError::from)?)?;
        if let StoreChoice::Journal(at) = &mut options.store {
            // A command is no start that could have crashed.
            at.crash_loop_starts = 0;
        }
        let (store, _) = super::ports::open_store(&options).await?;
        let open = Arc::new(Open {
            registries: super::ports::open_registries(&options, &store).await?,
            issuer: super::ports::open_issuer(&options, &store).await?,
            clock: Arc::clone(&options.clock),
            store: Arc::clone(&store),
        });
        let done = act(Arc::clone(&open)).await;
        open.store.close().await;
        done
    })
}

impl Open {
    async fn certificate(&self, order: &Order) -> Result<Certificate, ByHandError> {
        let persons = self.registries.directory.persons(order.phone).await?;
        let person = persons.into_iter().find(|person| person.nik == order.nik).ok_or(ByHandError::Unknown)?;
        let record = self.registries.records.record(&person).await?;
        let dose = record.doses.into_iter().find(|dose| dose.number == order.dose);
        let dose = dose.ok_or(ByHandError::NotRecorded(order.dose))?;
        Ok(Certificate {
            id: dose.certificate.ok_or(ByHandError::NotIssued(order.dose))?,
            person: person.id,
            asked_at: self.clock.now(),
            name: person.name,
            nik: person.nik,
            birth_date: record.birth_date,
            dose: dose.number,
            date: dose.date,
            vaccine: dose.vaccine,
            batch: dose.batch,
            language: order.language,
        })
    }
}
