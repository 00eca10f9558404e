//! What is kept of certificates: whose each id is, what stands for whom, what is revoked.
//!
//! Needs no signing key, so it can be worked on where nothing is signed: by an operator's command, by the sweep.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::{Mutex, MutexGuard};

use super::revoked::Revoked;
use super::row::{self, HolderRow, IdRow, Standing};
use crate::domain::certificate::{Revocation, RevocationReason};
use crate::domain::citizen::PersonId;
use crate::domain::keys::{LookupKey, ServerKeys};
use crate::domain::name::Name;
use crate::domain::time::{DAY_MS, Timestamp};
use crate::domain::uvci::Uvci;
use crate::metrics;
use crate::ports::{Clock, IssuedCertificates, Key, Part, Record, RevokeError, Store, StoreError, Table, Value};

/// People are shared out over so many locks; two who share one wait for each other's fsync, no more.
const LOCKS: usize = 256;

/// What is kept of a certificate goes a year after its signature ended (domain.md 6).
const KEPT_MS: i64 = 365 * DAY_MS;

/// The register of a store. One for the process: it locks people.
pub struct Register {
    store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) keys: Arc<ServerKeys>,
    holders: Vec<Mutex<()>>,
    revoked: Arc<Revoked>,
}

impl Register {
    pub async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        keys: Arc<ServerKeys>,
    ) -> Result<Arc<Self>, StoreError> {
        let revoked = Arc::new(Revoked::open(Arc::clone(&store)).await?);
        let holders = (0..LOCKS).map(|_| Mutex::new(())).collect();
        Ok(Arc::new(Self { store, clock, keys, holders, revoked }))
    }

    /// The revocations, for the public list.
    pub fn revoked(&self) -> &Arc<Revoked> {
        &self.revoked
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

    /// Makes rows and revocations durable as one.
    pub(super) async fn keep(&self, mut parts: Vec<Part>, revocations: Vec<Revocation>) -> Result<(), StoreError> {
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

    pub(super) async fn alone(&self, holder: LookupKey) -> MutexGuard<'_, ()> {
        self.holders[usize::from(holder.0[0]) % LOCKS].lock().await
    }

    pub(super) async fn row(&self, holder: LookupKey) -> Result<HolderRow, StoreError> {
        let found = self.store.get(Table::Certificate, row::key_of_holder(holder)).await?;
        found.map_or_else(|| Ok(HolderRow::default()), |value| HolderRow::read(&value))
    }

    pub(super) fn digest(&self, name: &Name) -> [u8; 16] {
        self.keys.certificate_digest(&[name.as_str().as_bytes()])
    }

    async fn withdrawn(&self, id: Uvci) -> Result<Revocation, RevokeError> {
        let key = row::key_of_id(&id);
        let found = self.store.get(Table::Certificate, key).await?.ok_or(RevokeError::NotIssued)?;
        let holder = IdRow::read(&found)?.holder;
        let _alone = self.alone(holder).await;
        let mut row = self.row(holder).await?;
        let now = self.clock.now();
        let ended = row.withdraw(&id).ok_or(RevokeError::Already)?;
        let revocation = revocation(&ended, now, RevocationReason::Withdrawn);
        self.keep(vec![row.part(holder)], vec![revocation.clone()]).await?;
        Ok(revocation)
    }

    /// A holder goes when nothing of him matters any more, an id when its holder is gone. The list of revocations
    /// stays as it is: its pages never change. What cannot be read stays too, and stops nobody.
    async fn forgotten(&self, key: Key, value: Value) -> Result<bool, StoreError> {
        let before = self.clock.now().plus_ms(-KEPT_MS);
        if let Some(holder) = row::holder_of(&key) {
            if !HolderRow::read(&value).is_ok_and(|row| row.has_ended(before)) {
                return Ok(false);
            }
            let _alone = self.alone(holder).await;
            // What the sweep brought may be old by now.
            if !self.row(holder).await?.has_ended(before) {
                return Ok(false);
            }
            return self.drop_row(key).await;
        }
        if !row::is_of_id(&key) {
            return Ok(false);
        }
        let Ok(IdRow { holder }) = IdRow::read(&value) else { return Ok(false) };
        let _alone = self.alone(holder).await;
        match self.store.get(Table::Certificate, row::key_of_holder(holder)).await? {
            Some(_) => Ok(false),
            None => self.drop_row(key).await,
        }
    }

    async fn drop_row(&self, key: Key) -> Result<bool, StoreError> {
        self.keep(vec![Part::Delete { table: Table::Certificate, key }], Vec::new()).await?;
        Ok(true)
    }
}

impl IssuedCertificates for Register {
    fn revoke(&self, id: Uvci) -> BoxFuture<'_, Result<Revocation, RevokeError>> {
        self.withdrawn(id).boxed()
    }

    fn forget(&self, key: Key, value: Value) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.forgotten(key, value).boxed()
    }
}

pub(super) fn revocation(ended: &Standing, at: Timestamp, reason: RevocationReason) -> Revocation {
    Revocation { id: ended.id.clone(), at, reason, expires_at_s: ended.expires_at_s }
}
