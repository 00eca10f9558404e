//! A directory whose change of name ends the certificates of the old one.
//!
//! In front of every directory, so that no adapter has to know of certificates. The change comes first: were the
//! certificates ended first and the change refused, a citizen would stand there with neither. A crash between
//! the two is mended by the change being asked for again under its key: it changes nothing then, and the
//! certificates end.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};

use super::Register;
use crate::domain::citizen::{Person, PersonId};
use crate::domain::name::Name;
use crate::domain::phone::Mobile;
use crate::ports::{AccountDirectory, IdempotencyKey, NeighbourError};

/// A directory, and the register that follows it.
pub struct Renaming {
    directory: Arc<dyn AccountDirectory>,
    register: Arc<Register>,
}

impl Renaming {
    pub fn new(directory: Arc<dyn AccountDirectory>, register: Arc<Register>) -> Self {
        Self { directory, register }
    }
}

impl AccountDirectory for Renaming {
    fn persons(&self, phone: Mobile) -> BoxFuture<'_, Result<Vec<Person>, NeighbourError>> {
        self.directory.persons(phone)
    }

    fn change_name(
        &self,
        key: IdempotencyKey,
        person: PersonId,
        name: Name,
    ) -> BoxFuture<'_, Result<(), NeighbourError>> {
        async move {
            self.directory.change_name(key, person.clone(), name.clone()).await?;
            let ended = self.register.revoke_renamed(&person, &name).await;
            ended.map_err(|fault| NeighbourError::Down { neighbour: "certificates", reason: fault.to_string() })
        }
        .boxed()
    }

    fn change_phone(
        &self,
        key: IdempotencyKey,
        person: PersonId,
        from: Mobile,
        to: Mobile,
    ) -> BoxFuture<'_, Result<(), NeighbourError>> {
        self.directory.change_phone(key, person, from, to)
    }
}
