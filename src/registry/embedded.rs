//! A registry of synthetic citizens in memory: both of its ports, for the demo, for tests and for load.
//!
//! Who exists comes from a seed (`population`) and is the same after every start; what citizens changed comes
//! from the store (`Table::Registry`, one row a person) and is laid over it. Invariants: one change at a time; a
//! change is durable before it is seen and seen before it is answered; the same [`IdempotencyKey`] changes
//! nothing twice; a number never carries more than [`PERSONS_MAX`] people.
//!
//! What does not belong here: who may change what (`account`), how names are compared (`domain::name`).

mod cards;
mod cast;
mod changes;
mod citizen;
mod dice;
mod names;
mod people;
mod population;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures_util::future::{BoxFuture, FutureExt};

use crate::domain::citizen::{Person, PersonId, VaccinationRecord};
use crate::domain::name::Name;
use crate::domain::phone::Mobile;
use crate::ports::{
    AccountDirectory, Clock, ConflictReason, IdempotencyKey, ImmunizationRegistry, Key, NeighbourError, Part, Record,
    Store, StoreError, Table,
};

pub use cards::{DemoCard, DemoPerson, demo_cards};
use changes::Changes;
pub use citizen::Citizen;
use people::People;
pub use population::population;

/// People on one number.
pub const PERSONS_MAX: usize = 6;

const NEIGHBOUR: &str = "registry";

/// The embedded registry. Shared by all threads.
pub struct EmbeddedRegistry {
    people: RwLock<People>,
    /// Held from reading what is to be changed until the change is durable and seen.
    writing: tokio::sync::Mutex<()>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    down: AtomicBool,
}

impl EmbeddedRegistry {
    /// Lays the stored changes over `citizens`. Changes of people who are not among them stay stored.
    pub async fn open(
        citizens: Vec<Citizen>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let mut people = People::new(citizens);
        for (key, value) in store.scan(Table::Registry, Key::new()).await? {
            let person = changes::person_of(&key)?;
            people.lay_over(&person, Changes::read(&value)?);
        }
        Ok(Self {
            people: RwLock::new(people),
            writing: tokio::sync::Mutex::new(()),
            store,
            clock,
            down: AtomicBool::new(false),
        })
    }

    /// Stops answering (`true`) or answers again: a fault to be tried, in tests and on the demo.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Release);
    }

    /// Adds a citizen while running, in place of one with the same phone and NIK. For tests: it is not stored.
    pub fn put(&self, citizen: Citizen) {
        self.write().put(citizen);
    }

    // No code panics while it holds the lock, and what it guards is whole after each assignment.
    fn read(&self) -> RwLockReadGuard<'_, People> {
        self.people.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, People> {
        self.people.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn up(&self) -> Result<(), NeighbourError> {
        if self.down.load(Ordering::Acquire) {
            return Err(down("switched off"));
        }
        Ok(())
    }

    /// Makes one change of one person, once a key. `apply` says what becomes of the changes made so far.
    async fn change(
        &self,
        key: IdempotencyKey,
        person: PersonId,
        apply: impl FnOnce(&People, &mut Changes) -> Result<(), NeighbourError> + Send,
    ) -> Result<(), NeighbourError> {
        self.up()?;
        let _alone = self.writing.lock().await;
        let changed = {
            let people = self.read();
            let mut changes = people.changes(&person).ok_or(NeighbourError::NotFound { neighbour: NEIGHBOUR })?;
            if changes.served(key) {
                return Ok(());
            }
            apply(&people, &mut changes)?;
            changes.serve(key);
            changes
        };
        let row = Part::Put { table: Table::Registry, key: changes::key_of(&person), value: changed.written() };
        let ticket = self.store.append(Record { writer: None, parts: vec![row] }).map_err(|e| down(&e.to_string()))?;
        ticket.durable.await.map_err(|_| down("the store is gone"))?;
        self.write().lay_over(&person, changed);
        Ok(())
    }
}

impl AccountDirectory for EmbeddedRegistry {
    fn persons(&self, phone: Mobile) -> BoxFuture<'_, Result<Vec<Person>, NeighbourError>> {
        std::future::ready(self.up().map(|()| self.read().on(phone))).boxed()
    }

    fn change_name(
        &self,
        key: IdempotencyKey,
        person: PersonId,
        name: Name,
    ) -> BoxFuture<'_, Result<(), NeighbourError>> {
        let at = self.clock.now();
        self.change(key, person, move |_, changes| {
            changes.rename(name, at);
            Ok(())
        })
        .boxed()
    }

    fn change_phone(
        &self,
        key: IdempotencyKey,
        person: PersonId,
        from: Mobile,
        to: Mobile,
    ) -> BoxFuture<'_, Result<(), NeighbourError>> {
        let moved = person.clone();
        self.change(key, person, move |people, changes| {
            if people.phone(&moved) != Some(from) {
                return Err(conflict(ConflictReason::Outdated));
            }
            if from != to && people.on(to).len() >= PERSONS_MAX {
                return Err(conflict(ConflictReason::NumberFull));
            }
            changes.move_to(to);
            Ok(())
        })
        .boxed()
    }
}

impl ImmunizationRegistry for EmbeddedRegistry {
    fn record(&self, person: &Person) -> BoxFuture<'_, Result<VaccinationRecord, NeighbourError>> {
        let answer = self
            .up()
            .and_then(|()| self.read().record(person).ok_or(NeighbourError::NotFound { neighbour: NEIGHBOUR }));
        std::future::ready(answer).boxed()
    }
}

fn down(reason: &str) -> NeighbourError {
    NeighbourError::Down { neighbour: NEIGHBOUR, reason: reason.to_owned() }
}

fn conflict(reason: ConflictReason) -> NeighbourError {
    NeighbourError::Conflict { neighbour: NEIGHBOUR, reason }
}
