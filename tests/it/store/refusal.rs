//! A disk that refuses its n-th call, for each n: nothing is promised that is not there, and the next start
//! finds everything that was. A disk that was full for a moment is the end of nothing, unless it is sled's.

use std::path::Path;
use std::sync::Arc;

use siaga::ports::{Part, Store, StoreError};
use siaga::store::{Journal, Options};

use super::disk::{Call, Fault, SimDisk};
use super::world::{Seen, get, inbox, open_on, options, patient, put, record, trimming, value};

const CALLS: u64 = 200;
/// Enough to pass that many disk calls, rotations among them.
const RECORDS: u8 = 120;

/// Appends until the store ends, or to the end. Gives the records that were acknowledged.
fn fill(store: &Journal, call: u64, fault: Fault) -> u8 {
    for number in 0..RECORDS {
        match patient(store, vec![put(number, "a value"), Part::OpenInbox(inbox(number.into()))]) {
            Ok(ticket) => {
                if ticket.durable.blocking_recv().is_err() {
                    return number;
                }
            }
            Err(refused) => {
                assert_eq!(refused, StoreError::Closed, "call {call}, {fault:?}, record {number}");
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
            let acknowledged = fill(&store, call, fault);
            // What could not be written or synced is the end, unless there was no room. Else it goes on where it can
            // do without: a read that is made again, a file that only helps.
            let went_on = acknowledged == RECORDS;
            let (asked, of) = disk.refused().expect("a call was refused");
            let spared = asked == Call::Read || ["tally", "reserve"].iter().any(|file| of.ends_with(file));
            let may_go_on = fault == Fault::NoSpace || fault == Fault::Glitch && spared;
            assert!(!went_on || may_go_on, "call {call}: {fault:?}, {asked:?} of {}", of.display());
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
