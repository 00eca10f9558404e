//! A disk that refuses its n-th call, for each n: nothing is promised that is not there, and the next start
//! finds everything that was. A disk that was full for a moment is the end of nothing, unless it is sled's.

use std::path::Path;
use std::sync::Arc;

use siaga::ports::{Part, Store, StoreError};
use siaga::store::{Journal, Options};

use super::disk::{Fault, SimDisk};
use super::world::{Seen, get, inbox, open_on, options, patient, put, record, trimming, value};

const CALLS: u64 = 200;
/// Enough to pass that many disk calls, rotations among them.
const RECORDS: u8 = 120;

/// Appends until the store ends, or to the end. Gives the records that were acknowledged.
fn fill(store: &Journal) -> u8 {
    for number in 0..RECORDS {
        match patient(store, vec![put(number, "a value"), Part::OpenInbox(inbox(number.into()))]) {
            Ok(ticket) => {
                if ticket.durable.blocking_recv().is_err() {
                    return number;
                }
            }
            Err(refused) => {
                assert_eq!(refused, StoreError::Closed);
                return number;
            }
        }
    }
    RECORDS
}

fn refuse_at(call: u64, fault: Fault, power: bool, options: &Options) {
    let disk = SimDisk::new(false);
    disk.fail_at(call, fault);
    let acknowledged = match open_on(&disk, options) {
        Ok(store) => {
            let acknowledged = fill(&store);
            // A journal that found no room has gone on; whatever else was refused is the end.
            let went_on = acknowledged == RECORDS;
            assert!(!went_on || fault == Fault::NoSpace, "call {call}: {RECORDS} records and the disk did not refuse");
            assert!(went_on || store.ready().is_err(), "a store whose disk refused is not ready");
            drop(store);
            assert!(went_on || disk.dead(), "the process would have ended");
            acknowledged
        }
        // Refused while opening: nothing was promised.
        Err(_) => 0,
    };
    let next = disk.restart(power.then_some(call));
    let store = open_on(&next, options).unwrap_or_else(|fault| panic!("call {call}: {fault}"));
    let rows = store.attach(Arc::new(Seen::default())).inbox.len();
    assert!(rows >= usize::from(acknowledged) && rows <= usize::from(acknowledged) + 1, "call {call}: {rows}");
    for number in 0..acknowledged {
        assert_eq!(get(&*store, number), Some(value("a value")), "call {call}, record {number}");
    }
    let rest = store.append(record(vec![put(200, "goes on")])).unwrap();
    rest.durable.blocking_recv().unwrap_or_else(|_| panic!("call {call}: it does not go on"));
}

#[test]
fn whichever_call_is_refused_nothing_acknowledged_is_lost() {
    let path = Path::new("/refusing");
    for call in 1..=CALLS {
        for fault in [Fault::Error, Fault::Glitch, Fault::NoSpace, Fault::ShortWrite] {
            // Every other time the machine goes down with the process.
            refuse_at(call, fault, call % 2 == 0, &options(path));
        }
    }
}

#[test]
fn nor_is_it_when_the_store_exports_and_trims_all_the_while() {
    let path = Path::new("/refusing");
    for call in 1..=CALLS {
        for fault in [Fault::Error, Fault::Glitch, Fault::NoSpace, Fault::ShortWrite] {
            refuse_at(call, fault, call % 2 == 1, &trimming(path));
        }
    }
}
