//! Changes whose answer is lost: nobody knows whether they were made. The same call asks again under the same key, and
//! whatever the registry has in it by then, the change is told of, and undone to what was before it.

use super::state::What;
use super::world::{World, contact_asker, mobile, name};
use super::*;
use crate::domain::time::MINUTE_MS;

fn citizen() -> Asker {
    contact_asker(1, true)
}

/// Asks for a change up to the directory, which makes it when asked; its answer does not come back.
fn asked_and_lost(
    world: &mut World,
    call: CallId,
    request: &Request,
    make: impl Fn(&mut World),
) -> (ContactId, CallId) {
    let mut events = vec![AccountEvent::Asked { asker: citizen(), call, request: request.clone() }];
    let mut key = None;
    let mut told = Vec::new();
    while let Some(event) = events.pop() {
        for effect in world.step(event) {
            match effect {
                AccountEffect::LookUp { job, .. } => {
                    events.push(AccountEvent::Persons { job, result: Ok(world.people.clone()) });
                }
                AccountEffect::ChangeName { job, contact, call, .. }
                | AccountEffect::ChangePhone { job, contact, call, .. } => {
                    key = Some((contact, call));
                    make(world);
                    let down = NeighbourError::Down { neighbour: "test", reason: String::from("lost") };
                    events.push(AccountEvent::Changed { job, result: Err(down) });
                }
                AccountEffect::Answer { answer, .. } => told.push(answer),
                _ => {}
            }
        }
    }
    assert_eq!(told, [Answer::Down], "it is asked for again");
    assert!(world.sms.len() == 1 && world.account.changes.is_empty(), "nothing is told of yet");
    key.unwrap()
}

#[test]
fn a_name_whose_change_was_lost_is_the_same_change_and_not_a_second_one() {
    let mut world = World::new();
    world.log_in(citizen());
    let before = world.people[0].name.clone();
    let (call, request) = (world.next_call(), world.change_name("SITI RAHMAWATI"));
    let make = |world: &mut World| {
        world.people[0].name = name("SITI RAHMAWATI");
        world.people[0].name_changed_at = Some(world.now);
    };
    let first = asked_and_lost(&mut world, call, &request, make);
    world.restart();
    world.wait(MINUTE_MS);
    assert_eq!(asked_and_lost(&mut world, call, &request, make), first, "under the same key");
    world.wait(MINUTE_MS);
    assert_eq!(world.ask_again(citizen(), call, request.clone()), Answer::NameChanged);
    assert_eq!(world.account.changes[0].what, What::Name { before }, "what it was before the first time");
    assert_eq!(world.sms.len(), 2);
    assert_eq!(world.ask_again(citizen(), call, request), Answer::NameChanged);
    assert_eq!(world.account.changes.len(), 1);
}

#[test]
fn a_person_who_has_moved_already_has_moved_by_this_call() {
    let mut world = World::new();
    world.log_in(citizen());
    let (call, request) = (world.next_call(), world.change_phone("6281200000199"));
    let first = asked_and_lost(&mut world, call, &request, |world| world.people.clear());
    world.restart();
    assert!(world.people.is_empty());
    assert_eq!(world.ask_again(citizen(), call, request), Answer::PhoneChanged);
    let moved = world.out.iter().find_map(|effect| match effect {
        AccountEffect::ChangePhone { contact, call, .. } => Some((*contact, *call)),
        _ => None,
    });
    assert_eq!(moved, Some(first), "under the same key");
    assert_eq!(world.account.changes[0].what, What::Phone { to: mobile("6281200000199") });
    assert!(world.sms.last().unwrap().1.contains("BUKAN SAYA"), "the old phone can undo it");
}
