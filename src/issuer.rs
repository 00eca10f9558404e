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

mod renaming;
mod revoked;
mod row;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard};

use crate::certificate::hcert::{self, Claims, HcertError, Payload, Signer, Vaccines};
use crate::certificate::{CertificateError, Code, Typesetter};
use crate::domain::certificate::{Certificate, Revocation, RevocationReason};
use crate::domain::citizen::PersonId;
use crate::domain::keys::{LookupKey, ServerKeys};
use crate::domain::name::Name;
use crate::domain::time::Timestamp;
use crate::domain::uvci::Uvci;
use crate::metrics;
use crate::ports::{Clock, Part, Record, Store, StoreError, Table};

pub use renaming::Renaming;
pub use revoked::Revoked;

use row::{HolderRow, IdRow, Settled, Standing, Wanted};

const SECOND_MS: i64 = 1_000;
/// People are shared out over so many locks; two who share one wait for each other's fsync, no more.
const LOCKS: usize = 256;

/// Settings of an issuer.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who issues, as a checker reads it.
    pub issuer: String,
    /// How long a signature is good.
    pub valid_s: i64,
    /// A certificate sent again after this is signed anew under its id, so that it is good for long again.
    pub sign_again_after_s: i64,
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

/// Why an id is not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    #[error("no certificate was issued under that id")]
    NotIssued,
    #[error("it is revoked already")]
    Already,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The issuer. One for the process.
pub struct Issuer {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    keys: Arc<ServerKeys>,
    signer: Arc<dyn Signer>,
    typesetter: Typesetter,
    vaccines: Vaccines,
    options: Options,
    holders: Vec<Mutex<()>>,
    revoked: Arc<Revoked>,
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
    /// Opens the register of a store.
    pub async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        keys: Arc<ServerKeys>,
        signer: Arc<dyn Signer>,
        typesetter: Typesetter,
        vaccines: Vaccines,
        options: Options,
    ) -> Result<Self, StoreError> {
        let revoked = Arc::new(Revoked::open(Arc::clone(&store)).await?);
        let holders = (0..LOCKS).map(|_| Mutex::new(())).collect();
        Ok(Self { store, clock, keys, signer, typesetter, vaccines, options, holders, revoked })
    }

    /// The revocations, for the public list.
    pub fn revoked(&self) -> &Arc<Revoked> {
        &self.revoked
    }

    /// Registers a certificate, signs its code and sets its document. Asked again, it gives the same bytes.
    pub async fn issue(self: Arc<Self>, certificate: Certificate) -> Result<Issued, IssueError> {
        let standing = if self.vaccines.codes(&certificate.vaccine).is_some() {
            Some(self.register(&certificate).await?)
        } else {
            tracing::warn!("a certificate gets no code: its vaccine is not in config/vaccines.toml");
            metrics::certificate_issued("without_code");
            None
        };
        // A hardware module may take its time, and typesetting would hold up every session of the shard.
        let made = tokio::task::spawn_blocking(move || self.make(&certificate, standing.as_ref()));
        made.await.unwrap_or(Err(IssueError::Panicked))
    }

    /// Revokes a certificate by its id.
    pub async fn revoke(&self, id: &Uvci) -> Result<Revocation, RevokeError> {
        let key = row::key_of_id(id);
        let found = self.store.get(Table::Certificate, key).await?.ok_or(RevokeError::NotIssued)?;
        let holder = IdRow::read(&found)?.holder;
        let _alone = self.alone(holder).await;
        let mut row = self.row(holder).await?;
        let now = self.clock.now();
        let ended = row.withdraw(id).ok_or(RevokeError::Already)?;
        let revocation = revocation(&ended, now, RevocationReason::Withdrawn);
        self.keep(vec![row.part(holder)], vec![revocation.clone()]).await?;
        Ok(revocation)
    }

    /// Revokes what was issued to a person under another name than this. Asked again, it does nothing.
    pub async fn revoke_renamed(&self, person: &PersonId, name: &Name) -> Result<(), StoreError> {
        let holder = self.keys.certificate_holder(person);
        let _alone = self.alone(holder).await;
        let mut row = self.row(holder).await?;
        let now = self.clock.now();
        let ended = row.rename(self.digest(name), now);
        let revocations = ended.iter().map(|ended| revocation(ended, now, RevocationReason::NameChanged)).collect();
        self.keep(vec![row.part(holder)], revocations).await
    }

    async fn register(&self, certificate: &Certificate) -> Result<Standing, IssueError> {
        let holder = self.keys.certificate_holder(&certificate.person);
        let _alone = self.alone(holder).await;
        let mut row = self.row(holder).await?;
        let now = self.clock.now();
        let now_s = now.0.div_euclid(SECOND_MS);
        let last_s = self.signer.good_until_s().unwrap_or(i64::MAX);
        if last_s <= now_s {
            return Err(IssueError::SignerEnded);
        }
        let wanted = Wanted {
            dose: certificate.dose,
            name: self.digest(&certificate.name),
            says: self.says(certificate),
            asked_at: certificate.asked_at,
            now_s,
            expires_at_s: now_s.saturating_add(self.options.valid_s).min(last_s),
            sign_again_after_s: self.options.sign_again_after_s,
        };
        let id_of = |issue| self.keys.certificate_id(holder, wanted.says, issue);
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
        self.keep(parts, revocations).await?;
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

    /// Makes rows and revocations durable as one.
    async fn keep(&self, mut parts: Vec<Part>, revocations: Vec<Revocation>) -> Result<(), StoreError> {
        let listing = self.revoked.list(&revocations).await;
        parts.extend(listing.parts());
        let ticket = self.store.append(Record { writer: None, parts })?;
        listing.appended();
        ticket.durable.await.map_err(|_| StoreError::Closed)?;
        for revocation in &revocations {
            metrics::certificate_revoked(revocation.reason.name());
        }
        Ok(())
    }

    async fn alone(&self, holder: LookupKey) -> MutexGuard<'_, ()> {
        self.holders[usize::from(holder.0[0]) % LOCKS].lock().await
    }

    async fn row(&self, holder: LookupKey) -> Result<HolderRow, StoreError> {
        let found = self.store.get(Table::Certificate, row::key_of_holder(holder)).await?;
        found.map_or_else(|| Ok(HolderRow::default()), |value| HolderRow::read(&value))
    }

    fn digest(&self, name: &Name) -> [u8; 16] {
        self.keys.certificate_digest(&[name.as_str().as_bytes()])
    }

    /// All that is printed or signed, whatever the language.
    fn says(&self, certificate: &Certificate) -> [u8; 16] {
        let Certificate { name, nik, birth_date, dose, date, vaccine, batch, .. } = certificate;
        let (birth_date, date) = (birth_date.to_julian_day().to_le_bytes(), date.to_julian_day().to_le_bytes());
        let (nik, dose) = (nik.number().to_le_bytes(), [*dose]);
        let texts = [name.as_str().as_bytes(), vaccine.as_bytes(), batch.as_bytes()];
        let said: Vec<&[u8]> = texts.into_iter().chain([&nik[..], &birth_date, &date, &dose]).collect();
        self.keys.certificate_digest(&said)
    }
}

fn revocation(ended: &Standing, at: Timestamp, reason: RevocationReason) -> Revocation {
    Revocation { id: ended.id.clone(), at, reason, expires_at_s: ended.expires_at_s }
}
