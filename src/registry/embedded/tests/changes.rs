//! That changes are made once, at once, and stay.

use std::sync::Arc;

use time::macros::date;

use super::super::*;
use super::{SEED, TODAY, mobile};
use crate::domain::call::CallId;
use crate::domain::contact::ContactId;
use crate::domain::nik::Nik;
use crate::domain::time::Timestamp;
use crate::store::Memory;

struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Enough for a test of changes: the cast, and a few of the others.
fn some() -> Vec<Citizen> {
    population(SEED, 60, TODAY)
}

async fn open(citizens: Vec<Citizen>, store: &Arc<Memory>) -> EmbeddedRegistry {
    let clock = Arc::new(At(Timestamp(1_795_000_000_000)));
    EmbeddedRegistry::open(citizens, Arc::clone(store) as Arc<dyn Store>, clock).await.expect("a registry")
}

fn key(call: u64) -> IdempotencyKey {
    IdempotencyKey { contact: ContactId(7), call: CallId(call) }
}

#[tokio::test]
async fn a_changed_name_shows_at_once_and_after_a_restart() {
    let store = Arc::new(Memory::new());
    let registry = open(some(), &store).await;
    let before = registry.persons(mobile(104)).await.expect("people")[0].clone();
    let name = Name::parse("SITI RAHMAWATI").expect("a name");
    registry.change_name(key(1), before.id.clone(), name.clone()).await.expect("changed");
    let after = registry.persons(mobile(104)).await.expect("people")[0].clone();
    assert_eq!((&after.name, &after.verified_name), (&name, &before.verified_name));
    assert_eq!(after.name_changed_at, Some(Timestamp(1_795_000_000_000)));
    drop(registry);

    let registry = open(some(), &Arc::new(store.reopen())).await;
    assert_eq!(registry.persons(mobile(104)).await.expect("people")[0], after);
}

#[tokio::test]
async fn a_moved_person_moves_alone_once_and_back() {
    let store = Arc::new(Memory::new());
    let registry = open(some(), &store).await;
    let hendra = registry.persons(mobile(130)).await.expect("people")[0].clone();
    let (from, to) = (mobile(130), mobile(199));
    registry.change_phone(key(1), hendra.id.clone(), from, to).await.expect("moved");
    registry.change_phone(key(1), hendra.id.clone(), from, to).await.expect("the same call again");
    assert_eq!(registry.persons(from).await.expect("people").len(), 1);
    assert_eq!(registry.persons(to).await.expect("people")[1], hendra);
    let outdated = Err(conflict(ConflictReason::Outdated));
    assert_eq!(registry.change_phone(key(2), hendra.id.clone(), from, to).await, outdated);
    drop(registry);

    let registry = open(some(), &Arc::new(store.reopen())).await;
    assert_eq!(registry.persons(to).await.expect("people").len(), 2);
    registry.change_phone(key(1), hendra.id.clone(), from, to).await.expect("known after a restart too");
    registry.change_phone(key(3), hendra.id.clone(), to, from).await.expect("moved back");
    assert_eq!(registry.persons(from).await.expect("people").len(), 2);
    assert_eq!(registry.record(&hendra).await.expect("a record").doses.len(), 2);
}

#[tokio::test]
async fn a_seventh_person_finds_a_number_full_and_nobody_finds_a_stranger() {
    let registry = open(some(), &Arc::new(Memory::new())).await;
    let siti = registry.persons(mobile(42)).await.expect("people")[0].clone();
    let full = Err(conflict(ConflictReason::NumberFull));
    assert_eq!(registry.change_phone(key(1), siti.id.clone(), mobile(42), mobile(190)).await, full);
    assert_eq!(registry.persons(mobile(42)).await.expect("people").len(), 1);
    let stranger = PersonId("nobody".into());
    let nobody = Err(NeighbourError::NotFound { neighbour: NEIGHBOUR });
    assert_eq!(registry.change_name(key(2), stranger, siti.name.clone()).await, nobody);
}

#[tokio::test]
async fn a_change_that_is_not_durable_is_not_made() {
    let store = Arc::new(Memory::new());
    let registry = open(some(), &store).await;
    let siti = registry.persons(mobile(42)).await.expect("people")[0].clone();
    let name = Name::parse("Siti Rahmawaty").expect("a name");
    store.fill(Some("the disk is full"));
    let refused = registry.change_name(key(1), siti.id.clone(), name.clone()).await;
    assert!(matches!(refused, Err(NeighbourError::Down { .. })), "{refused:?}");
    assert_eq!(registry.persons(mobile(42)).await.expect("people")[0], siti);
    store.fill(None);
    registry.change_name(key(1), siti.id.clone(), name.clone()).await.expect("asked again");
    assert_eq!(registry.persons(mobile(42)).await.expect("people")[0].name, name);
}

#[tokio::test]
async fn switched_off_it_answers_nothing() {
    let registry = open(some(), &Arc::new(Memory::new())).await;
    let siti = registry.persons(mobile(42)).await.expect("people")[0].clone();
    registry.set_down(true);
    assert!(matches!(registry.persons(mobile(42)).await, Err(NeighbourError::Down { .. })));
    assert!(matches!(registry.record(&siti).await, Err(NeighbourError::Down { .. })));
    let renamed = registry.change_name(key(1), siti.id.clone(), siti.name.clone()).await;
    assert!(matches!(renamed, Err(NeighbourError::Down { .. })));
    registry.set_down(false);
    assert_eq!(registry.record(&siti).await.expect("a record").doses.len(), 1);
}

#[tokio::test]
async fn somebody_elses_id_opens_no_record() {
    let registry = open(some(), &Arc::new(Memory::new())).await;
    let mut other = registry.persons(mobile(42)).await.expect("people")[0].clone();
    other.nik = Nik::parse("3201014708900003").expect("a nik");
    assert!(matches!(registry.record(&other).await, Err(NeighbourError::NotFound { .. })));
}

#[tokio::test]
async fn a_citizen_put_in_replaces_his_older_self() {
    let registry = open(Vec::new(), &Arc::new(Memory::new())).await;
    let nik = Nik::parse("0001014708900003").expect("a nik");
    let citizen = |name| Citizen::new(mobile(42), nik, Name::parse(name).expect("a name"), date!(1990 - 08 - 07));
    registry.put(citizen("Siti Rahmwati"));
    registry.put(citizen("Siti Rahmawati").with_dose(1, date!(2021 - 09 - 03), "CoronaVac", true));
    let people = registry.persons(mobile(42)).await.expect("people");
    assert_eq!(people.iter().map(|person| person.name.as_str()).collect::<Vec<_>>(), ["Siti Rahmawati"]);
    assert_eq!(registry.record(&people[0]).await.expect("a record").doses.len(), 1);
}
