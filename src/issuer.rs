//! The register of issued certificates: which id stands for whom, and which are no longer to be believed.
//!
//! A certificate gets its id when it is first made; the same person, dose and content have the same id however
//! often the file is sent, so a resend issues nothing new. When its name or its record says something else, the
//! old id is revoked in the very record that gives the new one. Invariants: an id is durable before anyone sees
//! it; a revocation is durable before the change that caused it is answered; one person's certificates change one
//! at a time; the list of revocations only grows. Ids and keyed hashes rest here, never a name or a NIK.
//!
//! What does not belong here: what a code says and how it is signed (`certificate::hcert`), who may have a
//! certificate (`account`).

mod register;
mod renaming;
mod revoked;
mod row;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::certificate::hcert::{self, Claims, HcertError, Payload, Signer, Vaccines};
use crate::certificate::{CertificateError, Code, Typesetter};
use crate::domain::certificate::Certificate;
use crate::domain::time::Timestamp;
use crate::metrics;
use crate::ports::StoreError;

pub use register::Register;
pub use renaming::Renaming;
pub use revoked::Revoked;

use register::revocation;
use row::{IdRow, Settled, Standing, Wanted};

const SECOND_MS: i64 = 1_000;

/// Settings of an issuer.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who issues, as a checker reads it.
    pub issuer: String,
    /// How long a signature is good.
    pub valid_s: i64,
    /// A certificate sent again after this is signed anew under its id, so that it is good for long again.
    pub sign_again_after_s: i64,
    /// So many are made at once; more wait for a place, in the order in which they came.
    pub at_once: usize,
}

/// One certificate, made.
pub struct Issued {
    pub pdf: Vec<u8>,
    /// None when its vaccine is in no value set.
    pub code: Option<Code>,
}

/// Why no certificate is made. Without personal data.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error("its name was changed after it was asked for")]
    Renamed,
    #[error("its person has certificates for more doses than {}", row::DOSES_MAX)]
    TooMany,
    #[error(transparent)]
    Typeset(#[from] CertificateError),
    #[error(transparent)]
    Unsigned(#[from] HcertError),
    #[error("the signing key's certificate has ended")]
    SignerEnded,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("making it panicked")]
    Panicked,
}

/// The issuer.
pub struct Issuer {
    register: Arc<Register>,
    signer: Arc<dyn Signer>,
    typesetter: Typesetter,
    vaccines: Vaccines,
    options: Options,
    /// Making one is ten times the work of a message: as many threads as ask for one would take the cores from the
    /// few that serve everyone.
    places: Arc<Semaphore>,
}

impl IssueError {
    /// Whether making it again later can help.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Store(StoreError::TooLarge { .. } | StoreError::Unreadable { .. }) => false,
            Self::Store(_) | Self::Unsigned(HcertError::Unsigned(_)) | Self::SignerEnded => true,
            Self::Renamed | Self::TooMany | Self::Typeset(_) | Self::Unsigned(_) | Self::Panicked => false,
        }
    }
}

impl Issuer {
    /// Issues into a register.
    pub fn new(
        register: Arc<Register>,
        signer: Arc<dyn Signer>,
        typesetter: Typesetter,
        vaccines: Vaccines,
        options: Options,
    ) -> Self {
        let places = Arc::new(Semaphore::new(options.at_once.max(1)));
        Self { register, signer, typesetter, vaccines, options, places }
    }

    /// Where its certificates are registered.
    pub fn register(&self) -> &Arc<Register> {
        &self.register
    }

    /// Registers a certificate, signs its code and sets its document. Asked again, it gives the same bytes.
    pub async fn issue(self: Arc<Self>, certificate: Certificate) -> Result<Issued, IssueError> {
        let standing = if self.vaccines.codes(&certificate.vaccine).is_some() {
            Some(self.registered(&certificate).await?)
        } else {
            tracing::warn!("a certificate gets no code: its vaccine is not in config/vaccines.toml");
            metrics::certificate_issued("without_code");
            None
        };
        // Nobody closes it.
        let place = Arc::clone(&self.places).acquire_owned().await;
        // A hardware module may take its time, and typesetting would hold up every session of the shard.
        let made = tokio::task::spawn_blocking(move || {
            let _place = place;
            self.make(&certificate, standing.as_ref())
        });
        made.await.unwrap_or(Err(IssueError::Panicked))
    }

    async fn registered(&self, certificate: &Certificate) -> Result<Standing, IssueError> {
        let register = &self.register;
        let holder = register.keys.certificate_holder(&certificate.person);
        let _alone = register.alone(holder).await;
        let mut row = register.row(holder).await?;
        let now = register.clock.now();
        let now_s = now.0.div_euclid(SECOND_MS);
        let last_s = self.signer.good_until_s().unwrap_or(i64::MAX);
        if last_s <= now_s {
            return Err(IssueError::SignerEnded);
        }
        let wanted = Wanted {
            dose: certificate.dose,
            name: register.digest(&certificate.name),
            says: self.says(certificate),
            asked_at: certificate.asked_at,
            now_s,
            expires_at_s: now_s.saturating_add(self.options.valid_s).min(last_s),
            sign_again_after_s: self.options.sign_again_after_s,
        };
        let id_of = |issue| register.keys.certificate_id(holder, wanted.says, issue, now_s);
        let (how, standing, ended) = match row.settle(&wanted, id_of)? {
            Settled::Stands(standing) => {
                metrics::certificate_issued("again");
                return Ok(standing);
            }
            Settled::SignedAnew(standing) => ("signed_anew", standing, None),
            Settled::New { standing, ended } => ("new", standing, ended),
        };
        let parts = vec![row.part(holder), IdRow { holder }.part(&standing.id)];
        let revocations = ended.map(|(ended, reason)| revocation(&ended, now, reason)).into_iter().collect();
        register.keep(parts, revocations).await?;
        metrics::certificate_issued(how);
        Ok(standing)
    }

    fn make(&self, certificate: &Certificate, standing: Option<&Standing>) -> Result<Issued, IssueError> {
        let code = standing.and_then(|standing| self.code(certificate, standing)).transpose()?;
        Ok(Issued { pdf: self.typesetter.render(certificate, code.as_ref())?, code })
    }

    fn code(&self, certificate: &Certificate, standing: &Standing) -> Option<Result<Code, IssueError>> {
        let payload = Payload::of(certificate, &standing.id, &self.options.issuer, &self.vaccines)?;
        let Standing { signed_at_s, expires_at_s, .. } = *standing;
        let claims = Claims { issued_at_s: signed_at_s, expires_at_s, payload };
        let good_until = Timestamp::from_unix_s(expires_at_s).day_wib();
        let code = |text| Code { text, id: standing.id.clone(), good_until };
        Some(hcert::sign(&claims, &*self.signer).map(code).map_err(IssueError::from))
    }

    /// All that is printed or signed, whatever the language.
    fn says(&self, certificate: &Certificate) -> [u8; 16] {
        let Certificate { name, nik, birth_date, dose, date, vaccine, batch, .. } = certificate;
        let (birth_date, date) = (birth_date.to_julian_day().to_le_bytes(), date.to_julian_day().to_le_bytes());
        let (nik, dose) = (nik.number().to_le_bytes(), [*dose]);
        let texts = [name.as_str().as_bytes(), vaccine.as_bytes(), batch.as_bytes()];
        let said: Vec<&[u8]> = texts.into_iter().chain([&nik[..], &birth_date, &date, &dose]).collect();
        self.register.keys.certificate_digest(&said)
    }
}
