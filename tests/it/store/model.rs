//! Journal and memory store against a plain map, with restarts in the history.
//!
//! A killed store may lose a suffix of what was not durable, nothing else: so the model keeps every state
//! since the last ticket that resolved, and after a restart the store must equal one of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use siaga::domain::contact::ContactId;
use siaga::domain::time::Timestamp;
use siaga::ports::{
    Attempt, Closing, DeadLetter, DeadReason, InboxRow, Key, Lsn, OutboxRow, Part, RecoveredSend, RowId, Settlement,
    Store, StoreError, Table, Tally, Value,
};
use siaga::store::{Journal, Memory};

use super::world::{Seen, clock, inbox, key, keys, outbox, patient, record, status, trimming, value, wait};

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Append(Vec<Piece>),
    /// Wait for the newest ticket.
    Settle,
    Read(u8),
    Close,
    Kill,
}

/// A part before it is known which rows there are.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Put(u8, u8),
    Delete(u8),
    OpenInbox(u8),
    CloseInbox(u8),
    OpenOutbox(u8),
    AttemptOutbox(u8),
    CloseOutbox(u8),
    Status(u8),
    Timer(u8, Option<u8>),
    DeadLetter(u8),
    CloseDeadLetter(u8),
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    values: BTreeMap<Key, Value>,
    inbox: BTreeMap<RowId, InboxRow>,
    outbox: BTreeMap<RowId, (OutboxRow, Attempt)>,
    timers: BTreeMap<ContactId, Timestamp>,
    statuses: Vec<(Lsn, String)>,
    /// What each holds; `None`: the disk refused to say.
    dead: BTreeMap<RowId, Option<u8>>,
    /// Without what is pending: that is the inbox.
    tally: Tally,
    next: u64,
}

fn pieces() -> impl Strategy<Value = Piece> {
    prop_oneof![
        4 => (0..8_u8, any::<u8>()).prop_map(|(key, text)| Piece::Put(key, text)),
        1 => (0..8_u8).prop_map(Piece::Delete),
        2 => any::<u8>().prop_map(Piece::OpenInbox),
        2 => any::<u8>().prop_map(Piece::CloseInbox),
        2 => any::<u8>().prop_map(Piece::OpenOutbox),
        1 => any::<u8>().prop_map(Piece::AttemptOutbox),
        2 => any::<u8>().prop_map(Piece::CloseOutbox),
        1 => any::<u8>().prop_map(Piece::Status),
        1 => (0..4_u8, any::<Option<u8>>()).prop_map(|(contact, at)| Piece::Timer(contact, at)),
        1 => any::<u8>().prop_map(Piece::DeadLetter),
        1 => any::<u8>().prop_map(Piece::CloseDeadLetter),
    ]
}

pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        12 => prop::collection::vec(pieces(), 0..5).prop_map(Op::Append),
        3 => Just(Op::Settle),
        3 => (0..8_u8).prop_map(Op::Read),
        1 => Just(Op::Close),
        1 => Just(Op::Kill),
    ];
    prop::collection::vec(op, 1..60)
}

fn pick<T>(map: &BTreeMap<RowId, T>, number: u8) -> RowId {
    // A row that is not there is a fair guess too: closing twice must be harmless.
    map.keys().nth(usize::from(number) % (map.len() + 1)).copied().unwrap_or(RowId { lsn: Lsn(1), index: 9 })
}

fn closing(number: u8) -> Closing {
    Closing::from_number(number % 4).unwrap()
}

impl Model {
    fn part(&self, piece: &Piece) -> Part {
        match piece {
            Piece::Put(number, text) => {
                Part::Put { table: Table::Contact, key: key(*number), value: value(&text.to_string()) }
            }
            Piece::Delete(number) => Part::Delete { table: Table::Contact, key: key(*number) },
            Piece::OpenInbox(contact) => Part::OpenInbox(inbox((*contact).into())),
            Piece::CloseInbox(number) => Part::CloseInbox(pick(&self.inbox, *number), closing(*number)),
            Piece::OpenOutbox(contact) => Part::OpenOutbox(outbox((*contact).into(), "text")),
            Piece::AttemptOutbox(number) => {
                Part::AttemptOutbox { row: pick(&self.outbox, *number), again: number % 2 == 0 }
            }
            Piece::CloseOutbox(number) => {
                Part::CloseOutbox { row: pick(&self.outbox, *number), how: Settlement::Withdrawn }
            }
            Piece::Status(number) => Part::Status(status(&number.to_string())),
            Piece::Timer(contact, at) => {
                Part::Timer { contact: ContactId((*contact).into()), at: at.map(|at| Timestamp(at.into())) }
            }
            Piece::DeadLetter(byte) => Part::DeadLetter(DeadLetter {
                at: Timestamp(0),
                reason: DeadReason::NotUnderstood,
                contact: None,
                body: vec![*byte],
            }),
            Piece::CloseDeadLetter(number) => Part::CloseDeadLetter(pick(&self.dead, *number)),
        }
    }

    fn apply(&mut self, lsn: Lsn, parts: &[Part]) {
        let (mut inbox, mut outbox, mut dead) = (0.., 0.., 0..);
        for part in parts {
            match part.clone() {
                Part::Put { key, value, .. } => drop(self.values.insert(key, value)),
                Part::Delete { key, .. } => drop(self.values.remove(&key)),
                Part::OpenInbox(row) => {
                    self.inbox.insert(RowId { lsn, index: inbox.next().unwrap() }, row);
                    self.tally.accepted += 1;
                }
                Part::CloseInbox(row, how) => {
                    if self.inbox.remove(&row).is_some() {
                        self.tally.close(how);
                    }
                }
                Part::OpenOutbox(row) => {
                    self.outbox.insert(RowId { lsn, index: outbox.next().unwrap() }, (row, Attempt::Never));
                }
                Part::AttemptOutbox { row, again } => {
                    if let Some(sent) = self.outbox.get_mut(&row) {
                        sent.1 = sent.1.and(again);
                    }
                }
                Part::CloseOutbox { row, .. } => drop(self.outbox.remove(&row)),
                Part::Status(status) => self.statuses.push((lsn, status.message.0)),
                Part::Timer { contact, at: Some(at) } => drop(self.timers.insert(contact, at)),
                Part::Timer { contact, at: None } => drop(self.timers.remove(&contact)),
                Part::DeadLetter(letter) => {
                    self.dead.insert(RowId { lsn, index: dead.next().unwrap() }, Some(letter.body[0]));
                }
                Part::CloseDeadLetter(letter) => drop(self.dead.remove(&letter)),
            }
        }
        self.next = lsn.0 + 1;
    }

    /// The statuses that a start must hand out: those after the oldest row still to be sent.
    fn open_statuses(&self) -> Vec<String> {
        let oldest = self.outbox.keys().next().map(|row| row.lsn);
        let open = self.statuses.iter().filter(|(lsn, _)| oldest.is_some_and(|oldest| *lsn > oldest));
        open.map(|(_, message)| message.clone()).collect()
    }
}

/// A store and how it is restarted.
pub(crate) trait Machine {
    /// Whether a record may get this LSN where `next` is the model's. What is carried when the journal is trimmed
    /// takes some in between.
    fn goes_on(&self, next: u64, lsn: u64) -> bool {
        next <= lsn
    }

    fn store(&self) -> &dyn Store;
    /// Ends the process and starts the next one. Gives whether it ended cleanly.
    fn restart(&mut self, clean: bool) -> bool;
    /// Whether it may end by itself.
    fn mortal(&self) -> bool {
        false
    }
}

fn open_trimming(path: &Path) -> Arc<Journal> {
    siaga::store::open(&trimming(path), &keys(), clock()).unwrap()
}

struct OnMemory(Memory);

struct OnDisk {
    path: PathBuf,
    journal: Option<Arc<Journal>>,
    _directory: tempfile::TempDir,
}

impl Machine for OnMemory {
    fn goes_on(&self, next: u64, lsn: u64) -> bool {
        next == lsn
    }

    fn store(&self) -> &dyn Store {
        &self.0
    }

    fn restart(&mut self, clean: bool) -> bool {
        if clean {
            wait(self.0.close());
        }
        self.0 = self.0.reopen();
        clean
    }
}

impl Machine for OnDisk {
    fn store(&self) -> &dyn Store {
        &**self.journal.as_ref().unwrap()
    }

    fn restart(&mut self, clean: bool) -> bool {
        if clean {
            wait(self.store().close());
        }
        drop(self.journal.take());
        self.journal = Some(open_trimming(&self.path));
        clean
    }
}

const UNSAID: &str = "(unsaid)";

/// What the store shows and hands out after a start.
fn observe(store: &dyn Store, seen: &Arc<Seen>) -> Model {
    let recovered = store.attach(Arc::clone(seen) as _);
    let outbox = recovered.outbox.into_iter().map(|send| sent(store, send));
    let tally = store.tally();
    assert_eq!((tally.drift(), tally.pending), (0, recovered.inbox.len() as u64), "{tally:?}");
    Model {
        values: wait(store.scan(Table::Contact, Key::new())).unwrap().into_iter().collect(),
        inbox: recovered.inbox.into_iter().collect(),
        outbox: outbox.collect(),
        timers: recovered.timers.into_iter().collect(),
        statuses: recovered.statuses.into_iter().map(|status| (Lsn(0), status.message.0)).collect(),
        dead: wait(store.dead_letters()).unwrap().into_iter().map(|(id, _)| (id, letter(store, id))).collect(),
        tally: Tally { pending: 0, ..tally },
        next: 0,
    }
}

/// What is to be sent, read back where memory let go of it; a disk that died under the reading has not said.
fn sent(store: &dyn Store, send: RecoveredSend) -> (RowId, (OutboxRow, Attempt)) {
    let read = || match wait(store.outbox_rows(vec![send.id])) {
        Ok(mut read) => read.pop().expect("it is open").1,
        Err(fault) => {
            assert_eq!(fault, StoreError::Closed);
            outbox(send.head.contact.0, UNSAID)
        }
    };
    (send.id, (send.row.unwrap_or_else(read), send.attempted))
}

/// What a letter holds, wherever it stands now.
fn letter(store: &dyn Store, id: RowId) -> Option<u8> {
    wait(store.dead_letter(id)).ok().map(|letter| letter.unwrap().body[0])
}

fn same(observed: &Model, model: &Model) -> bool {
    let statuses: Vec<String> = observed.statuses.iter().map(|(_, message)| message.clone()).collect();
    let mut expected = Model { statuses: observed.statuses.clone(), next: 0, ..model.clone() };
    for (id, said) in &mut expected.dead {
        *said = said.filter(|_| observed.dead.get(id) != Some(&None));
    }
    for (id, (row, _)) in &mut expected.outbox {
        if let Some((seen, _)) = observed.outbox.get(id).filter(|(seen, _)| *seen == outbox(seen.contact.0, UNSAID)) {
            *row = seen.clone();
        }
    }
    *observed == expected && statuses == model.open_statuses()
}

/// One history: a store, what it was told, and what it may remember of it.
struct History<'a> {
    machine: &'a mut dyn Machine,
    seen: Arc<Seen>,
    /// Every state since the last durable one; the last is what a reader sees.
    states: Vec<Model>,
    tickets: Vec<tokio::sync::oneshot::Receiver<()>>,
    delivered: Vec<RowId>,
    sent: Vec<RowId>,
}

pub(crate) fn run(machine: &mut dyn Machine, ops: &[Op]) -> Result<(), TestCaseError> {
    let seen = Arc::new(Seen::default());
    let states = vec![Model { next: 1, ..Model::default() }];
    prop_assert!(same(&observe(machine.store(), &seen), &states[0]));
    let mut history = History { machine, seen, states, tickets: Vec::new(), delivered: Vec::new(), sent: Vec::new() };
    ops.iter().try_for_each(|op| history.step(op))
}

impl History<'_> {
    fn step(&mut self, op: &Op) -> Result<(), TestCaseError> {
        match op {
            Op::Append(pieces) => self.append(pieces),
            Op::Settle => self.settle(),
            Op::Read(number) => {
                let found = match wait(self.machine.store().get(Table::Contact, key(*number))) {
                    Err(StoreError::Closed) if self.machine.mortal() => return self.restart(false),
                    found => found.unwrap(),
                };
                let expected = self.states.last().unwrap().values.get(&key(*number));
                prop_assert_eq!(found.as_ref(), expected, "a reader sees what was appended");
                Ok(())
            }
            Op::Close => self.restart(true),
            Op::Kill => self.restart(false),
        }
    }

    fn append(&mut self, pieces: &[Piece]) -> Result<(), TestCaseError> {
        let mut now = self.states.last().unwrap().clone();
        let parts: Vec<Part> = pieces.iter().map(|piece| now.part(piece)).collect();
        let ticket = match patient(self.machine.store(), parts.clone()) {
            Ok(ticket) => ticket,
            Err(StoreError::Closed) if self.machine.mortal() => return self.restart(false),
            Err(fault) => return Err(TestCaseError::fail(fault.to_string())),
        };
        let lsn = ticket.lsn.0;
        prop_assert!(self.machine.goes_on(now.next, lsn), "{lsn} after {}", now.next);
        now.apply(ticket.lsn, &parts);
        let rows = parts.iter().filter(|part| matches!(part, Part::OpenInbox(_))).count();
        self.delivered.extend((0..).take(rows).map(|index| RowId { lsn: ticket.lsn, index }));
        let sends = parts.iter().filter(|part| matches!(part, Part::OpenOutbox(_))).count();
        self.sent.extend((0..).take(sends).map(|index| RowId { lsn: ticket.lsn, index }));
        self.tickets.push(ticket.durable);
        self.states.push(now);
        Ok(())
    }

    /// Waits for all tickets.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        while !self.tickets.is_empty() {
            if self.tickets.remove(0).blocking_recv().is_err() {
                prop_assert!(self.machine.mortal(), "a ticket was dropped");
                return self.restart(false);
            }
            self.states.remove(0);
        }
        prop_assert_eq!(&*self.seen.rows.lock().unwrap(), &self.delivered, "in order, before the ticket");
        prop_assert_eq!(&*self.seen.sends.lock().unwrap(), &self.sent, "and what is to be sent");
        Ok(())
    }

    fn restart(&mut self, clean: bool) -> Result<(), TestCaseError> {
        let clean = self.machine.restart(clean);
        let durable = self.tickets.iter_mut().map_while(|ticket| ticket.try_recv().ok()).count();
        let possible = if clean { &self.states[self.states.len() - 1..] } else { &self.states[durable..] };
        self.seen = Arc::new(Seen::default());
        self.delivered.clear();
        self.sent.clear();
        let observed = observe(self.machine.store(), &self.seen);
        let found = possible.iter().find(|state| same(&observed, state));
        prop_assert!(
            found.is_some(),
            "{observed:?}\nis none of {} states, the first\n{:?}",
            possible.len(),
            possible[0]
        );
        // States that look alike differ in where the journal goes on; an empty record tells.
        let alike: Vec<Model> = possible.iter().filter(|state| same(&observed, state)).cloned().collect();
        self.tickets.clear();
        match self.machine.store().append(record(Vec::new())) {
            Ok(ticket) => {
                let goes_on = |state: &Model| self.machine.goes_on(state.next, ticket.lsn.0);
                let state = alike.into_iter().rfind(goes_on);
                let nexts: Vec<u64> = possible.iter().map(|state| state.next).collect();
                prop_assert!(state.is_some(), "the journal goes on at {:?}, not at any of {nexts:?}", ticket.lsn);
                let before = state.unwrap();
                let mut after = before.clone();
                after.apply(ticket.lsn, &[]);
                self.tickets.push(ticket.durable);
                self.states = vec![before, after];
                Ok(())
            }
            Err(StoreError::Closed) if self.machine.mortal() => {
                self.states = alike;
                self.restart(false)
            }
            Err(fault) => Err(TestCaseError::fail(fault.to_string())),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_memory_store_is_its_model(ops in ops()) {
        run(&mut OnMemory(Memory::new()), &ops)?;
    }

    #[test]
    fn the_journal_is_its_model(ops in ops()) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let journal = Some(open_trimming(&path));
        run(&mut OnDisk { path, journal, _directory: directory }, &ops)?;
    }
}
