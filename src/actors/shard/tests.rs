//! A model of one shard: the real board, shard, sessions and supervision, on a store whose every answer the test
//! gives when it likes. Each history is one interleaving of messages, loads, commits, crashes, time, bounded memory
//! and shards that take over.
//!
//! Whatever the interleaving: a contact's turns that become durable follow each other without a gap or an overlap,
//! no session of a generation is at work while another of the same contact is, and what was said is what was
//! written, each word once and in order. With the in-flight count removed (`Sessions::blind`) the same model
//! finds it out; `a_shard_that_does_not_see_turns_in_flight_is_found_out` shows that it does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use actix::{Arbiter, System};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::sync::oneshot;

use super::view::Sight;
use super::{Home, Shard};
use crate::account::AccountRules;
use crate::actors::fault::{Fault, Faults, Point};
use crate::actors::hand::{Forgetful, InHand};
use crate::actors::ledger::Ledger;
use crate::actors::neighbour::Bulkheads;
use crate::actors::session::Script;
use crate::actors::session::record::ContactRecord;
use crate::actors::supervision::{Ending, Exit};
use crate::actors::switchboard::Switchboard;
use crate::actors::{Figures, Lines, Neighbours, Shards, SystemRandom, Way};
use crate::clock::ManualClock;
use crate::conversation::text::Texts;
use crate::conversation::{Context, Effect, Event, Reply, Rules, State, Step};
use crate::desk::Desk;
use crate::domain::certificate::{Language, Revocation};
use crate::domain::contact::{BusinessNumber, ContactId, Identity};
use crate::domain::keys::ServerKeys;
use crate::domain::message::{Content, Inbound, MessageId, Outbound, ReplyKind, Text};
use crate::domain::phone::Phone;
use crate::domain::time::Timestamp;
use crate::domain::uvci::Uvci;
use crate::limits::breaker::BreakerRules;
use crate::limits::codes::CodeRules;
use crate::limits::{Budgets, Fence};
use crate::ports::{
    Channel, Clock, DeadLetter, DeadLetterHead, Delivery, InboxBody, InboxRow, Inlet, IssuedCertificates, Key,
    OtpSender, OutgoingCode, OutgoingMessage, OutgoingSms, Page, Part, Record, Recovered, RevokeError, RowId,
    SendError, Store, StoreError, Table, Tally, Ticket, Unsent, Value, Writer,
};
use crate::registry::embedded::EmbeddedRegistry;
use crate::store::Memory;

const START: Timestamp = Timestamp(1_795_416_600_000);
const CONTACTS: u64 = 3;
/// Fewer than contacts, so that memory is a bound too.
const AWAKE_MAX: usize = 2;
/// One fewer than the tries a message has: none may become a dead letter.
const FAULTS_MAX: usize = 2;

#[derive(Clone, Copy, Debug)]
enum Op {
    /// A message is appended.
    Say(u64),
    /// The oldest record becomes durable.
    Durable,
    /// One of the loads under way comes back.
    Loaded(usize),
    /// The shard goes a round.
    Round,
    /// Time passes, and the shard sees it.
    Pass(i64),
    /// Whoever can, runs.
    Run,
    /// The next passage of a point of a session panics.
    Harm(Point),
    /// Root gives the shard up: another takes over, the old one's sessions live on.
    TakeOver,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (0..CONTACTS).prop_map(Op::Say),
        8 => Just(Op::Durable),
        5 => (0..4_usize).prop_map(Op::Loaded),
        8 => Just(Op::Round),
        3 => prop_oneof![Just(50_i64), Just(400), Just(6_000), Just(61_000)].prop_map(Op::Pass),
        8 => Just(Op::Run),
        1 => prop_oneof![Just(Point::SessionStart), Just(Point::SessionWork), Just(Point::SessionDurable), Just(Point::SessionStop)]
            .prop_map(Op::Harm),
        1 => Just(Op::TakeOver),
    ];
    prop::collection::vec(op, 1..80)
}

/// What happened, as the store saw it.
#[derive(Default)]
struct Seen {
    /// Loads that wait to come back.
    loads: Vec<oneshot::Sender<()>>,
    /// Loads and commits under way of each contact, by generation.
    at_work: HashMap<(u32, ContactId), usize>,
    /// The newest revision appended of each contact.
    revisions: HashMap<ContactId, u64>,
    said: HashMap<ContactId, Vec<String>>,
    broken: Vec<String>,
}

/// The store of one generation.
struct Watched {
    generation: u32,
    inner: Arc<Memory>,
    seen: Arc<Mutex<Seen>>,
}

/// Something of a contact is under way until this is dropped.
struct AtWork {
    who: (u32, ContactId),
    seen: Arc<Mutex<Seen>>,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Some(count) = self.seen.lock().unwrap().at_work.get_mut(&self.who) {
            *count -= 1;
        }
    }
}

impl Watched {
    fn begin(&self, contact: ContactId, what: &str) -> AtWork {
        let who = (self.generation, contact);
        let mut seen = self.seen.lock().unwrap();
        let count = seen.at_work.entry(who).or_default();
        *count += 1;
        if *count > 1 {
            seen.broken.push(format!("two sessions of contact {} at work: {what}", contact.0));
        }
        AtWork { who, seen: Arc::clone(&self.seen) }
    }
}

fn contact_of(key: &Key) -> ContactId {
    ContactId(u64::from_be_bytes(key.as_slice().try_into().expect("a contact's key")))
}

impl Store for Watched {
    fn append(&self, record: Record) -> Result<Ticket, StoreError> {
        let put = record.parts.iter().find_map(|part| {
            let Part::Put { table: Table::Contact, key, value } = part else { return None };
            Some((contact_of(key), value.clone()))
        });
        let Ticket { lsn, durable } = self.inner.append(record)?;
        let Some((contact, value)) = put else { return Ok(Ticket { lsn, durable }) };
        let rev = ContactRecord::decode(&value)?.rev;
        let before = self.seen.lock().unwrap().revisions.insert(contact, rev).unwrap_or_default();
        if rev != before + 1 {
            let broken = format!("revision {rev} of contact {} follows {before}", contact.0);
            self.seen.lock().unwrap().broken.push(broken);
        }
        // The session is at work until it has heard that all is durable.
        let at_work = self.begin(contact, "a commit");
        let (tell, hear) = oneshot::channel();
        actix::spawn(async move {
            let outcome = durable.await;
            drop(at_work);
            if outcome.is_ok() {
                let _gone = tell.send(());
            }
        });
        Ok(Ticket { lsn, durable: hear })
    }

    fn get(&self, table: Table, key: Key) -> BoxFuture<'_, Result<Option<Value>, StoreError>> {
        let contact = contact_of(&key);
        let at_work = self.begin(contact, "a load");
        let value = self.inner.get(table, key);
        let (go, wait) = oneshot::channel();
        self.seen.lock().unwrap().loads.push(go);
        Box::pin(async move {
            // As it was when it was asked for: the most that a slow reader may be behind.
            let value = value.await;
            let came_back = wait.await;
            drop(at_work);
            came_back.map_err(|_| StoreError::Closed)?;
            value
        })
    }

    fn scan(&self, table: Table, prefix: Key) -> BoxFuture<'_, Result<Vec<(Key, Value)>, StoreError>> {
        self.inner.scan(table, prefix)
    }

    fn page(&self, table: Table, from: Key) -> BoxFuture<'_, Result<Page, StoreError>> {
        self.inner.page(table, from)
    }

    fn attach(&self, inlet: Arc<dyn Inlet>) -> Recovered {
        self.inner.attach(inlet)
    }

    fn outbox_rows(
        &self,
        rows: Vec<RowId>,
    ) -> BoxFuture<'_, Result<Vec<(RowId, crate::ports::OutboxRow)>, StoreError>> {
        self.inner.outbox_rows(rows)
    }

    fn fence(&self, writer: Writer) {
        self.inner.fence(writer);
    }

    fn dead_letters(&self) -> BoxFuture<'_, Result<Vec<(RowId, DeadLetterHead)>, StoreError>> {
        self.inner.dead_letters()
    }

    fn dead_letter(&self, id: RowId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>> {
        self.inner.dead_letter(id)
    }

    fn tally(&self) -> Tally {
        self.inner.tally()
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.inner.ready()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

/// Hears what is said, and hands everything on.
struct Ear {
    shards: Arc<Shards>,
    seen: Arc<Mutex<Seen>>,
}

impl Inlet for Ear {
    fn deliver(&self, deliveries: Vec<Delivery>) {
        for delivery in &deliveries {
            if let Delivery::Outbox { row, .. } = delivery
                && let Outbound::Text { body } = row.message.as_ref()
            {
                let mut seen = self.seen.lock().unwrap();
                seen.said.entry(row.contact).or_default().extend(body.0.split(',').map(str::to_owned));
            }
        }
        self.shards.deliver(deliveries);
    }
}

/// Says what it hears.
struct Echo;

impl Script for Echo {
    fn step(&self, state: State, events: Vec<Event>, _: &Context<'_>) -> Step {
        let heard: Vec<String> = events
            .into_iter()
            .filter_map(|event| {
                let (Event::Message(message) | Event::Late(message)) = event else { return None };
                let Content::Text(text) = message.content else { return None };
                Some(text.0)
            })
            .collect();
        let message = Outbound::Text { body: Text(heard.join(",")) };
        let said = (!heard.is_empty()).then_some(Effect::Say(Reply { kind: ReplyKind::Answer, message, epoch: None }));
        Step { state, effects: said.into_iter().collect(), wake_at: None }
    }

    fn resume(&self, _: &State, _: &Context<'_>) -> Vec<Effect> {
        Vec::new()
    }

    fn apology(&self, _: &State, _: &Texts) -> Reply {
        let message = Outbound::Text { body: Text("sorry".to_owned()) };
        Reply { kind: ReplyKind::Answer, message, epoch: None }
    }

    fn language(&self, _: &State) -> Language {
        Language::Indonesian
    }
}

struct Nowhere;

impl Channel for Nowhere {
    fn send(&self, _: OutgoingMessage) -> BoxFuture<'_, Result<MessageId, SendError>> {
        Box::pin(std::future::pending())
    }

    fn mark_read(&self, _: BusinessNumber, _: MessageId, _: bool) -> BoxFuture<'_, Result<(), SendError>> {
        Box::pin(std::future::pending())
    }

    fn send_code(&self, _: OutgoingCode) -> BoxFuture<'_, Result<MessageId, SendError>> {
        Box::pin(std::future::pending())
    }
}

impl OtpSender for Nowhere {
    fn send(&self, _: OutgoingSms) -> BoxFuture<'_, Result<(), Unsent>> {
        Box::pin(std::future::pending())
    }
}

impl IssuedCertificates for Nowhere {
    fn revoke(&self, _: Uvci) -> BoxFuture<'_, Result<Revocation, RevokeError>> {
        Box::pin(std::future::pending())
    }

    fn forget(&self, _: Key, _: Value) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(std::future::pending())
    }
}

/// What all histories share.
struct World {
    texts: Arc<Texts>,
    keys: Arc<ServerKeys>,
    registry: Arc<EmbeddedRegistry>,
    desk: Arc<Desk>,
}

impl World {
    async fn new() -> Self {
        let (store, clock) = (Arc::new(Memory::new()), Arc::new(ManualClock::at(START)));
        let keys = Arc::new(ServerKeys::derive(&[42; 32]));
        Self {
            texts: Arc::new(Texts::embedded().expect("the texts are good")),
            registry: Arc::new(
                EmbeddedRegistry::open(Vec::new(), store.clone(), clock.clone()).await.expect("an empty registry"),
            ),
            desk: Arc::new(Desk::new(store, clock, &keys)),
            keys,
        }
    }
}

impl World {
    /// Empty; a store in memory answers at once.
    fn ledger(&self) -> Ledger {
        Ledger::open(Arc::new(Memory::new()), Arc::clone(&self.keys), CodeRules::default())
            .now_or_never()
            .expect("it answers at once")
            .expect("an empty book")
    }
}

struct History<'a> {
    world: &'a World,
    blind: bool,
    clock: Arc<ManualClock>,
    store: Arc<Memory>,
    seen: Arc<Mutex<Seen>>,
    shards: Arc<Shards>,
    faults: Faults,
    harmed: usize,
    generation: u32,
    shard: Shard,
    written: HashMap<ContactId, usize>,
}

impl<'a> History<'a> {
    fn new(world: &'a World, blind: bool) -> Self {
        let (clock, store) = (Arc::new(ManualClock::at(START)), Arc::new(Memory::new()));
        let (seen, shards, faults) =
            (Arc::<Mutex<Seen>>::default(), Shards::new(1, None, usize::MAX), Faults::default());
        store.attach(Arc::new(Ear { shards: Arc::clone(&shards), seen: Arc::clone(&seen) }));
        store.hold();
        let watched = Watched { generation: 1, inner: Arc::clone(&store), seen: Arc::clone(&seen) };
        let shard = shard(world, &clock, &shards, &faults, watched, blind);
        let mut history = Self {
            world,
            blind,
            clock,
            store,
            seen,
            shards,
            faults,
            harmed: 0,
            generation: 1,
            shard,
            written: HashMap::new(),
        };
        history.shard.take_over();
        history
    }

    async fn step(&mut self, op: Op) {
        match op {
            Op::Say(contact) => self.say(ContactId(contact)),
            Op::Durable => drop(self.store.release_next()),
            Op::Loaded(which) => self.loaded(which),
            Op::Round => {
                self.shard.round();
            }
            Op::Pass(ms) => {
                self.clock.advance(ms);
                self.shard.pass();
            }
            Op::Run => run().await,
            Op::Harm(point) if self.harmed < FAULTS_MAX => {
                self.harmed += 1;
                self.faults.arm(point, Fault::Panic, 1);
            }
            Op::Harm(_) => {}
            Op::TakeOver => {
                self.generation += 1;
                let writer = Writer { shard: 0, generation: self.generation };
                self.store.fence(writer);
                let watched = Watched {
                    generation: self.generation,
                    inner: Arc::clone(&self.store),
                    seen: Arc::clone(&self.seen),
                };
                let next = shard(self.world, &self.clock, &self.shards, &self.faults, watched, self.blind);
                // The old one goes when it moves again; its sessions finish what they have in hand, and are refused.
                drop(std::mem::replace(&mut self.shard, next));
                self.shard.take_over();
            }
        }
    }

    fn say(&mut self, contact: ContactId) {
        let number = self.written.entry(contact).or_default();
        let phone = Phone::from_wa_id(&format!("62812000{:05}", contact.0));
        let message = Inbound {
            id: MessageId(format!("w-{}-{number}", contact.0)),
            from: Identity { phone, bsuid: None },
            to: BusinessNumber("100".into()),
            sent_at: self.clock.now(),
            quotes: None,
            content: Content::Text(Text(number.to_string())),
        };
        *number += 1;
        let row = InboxRow { contact, accepted_at: self.clock.now(), body: InboxBody::Message(message) };
        self.store.append(Record { writer: None, parts: vec![Part::OpenInbox(row)] }).expect("there is room");
    }

    fn loaded(&self, which: usize) {
        let mut seen = self.seen.lock().unwrap();
        if !seen.loads.is_empty() {
            let which = which % seen.loads.len();
            let _gone = seen.loads.remove(which).send(());
        }
    }

    /// Everything that can end ends, and what came of it is looked at.
    async fn end(mut self) -> Result<(), String> {
        for _ in 0..400 {
            while self.store.release_next() {}
            while !self.seen.lock().unwrap().loads.is_empty() {
                self.loaded(0);
            }
            run().await;
            self.shard.round();
            self.clock.advance(100);
            self.shard.pass();
            if self.store.open_rows().0 == 0 && self.shards.board(0).at_rest() {
                break;
            }
        }
        // What still waits for an answer hears that there is none.
        let loads = std::mem::take(&mut self.seen.lock().unwrap().loads);
        drop(loads);
        let seen = self.seen.lock().unwrap();
        if let Some(broken) = seen.broken.first() {
            return Err(broken.clone());
        }
        for (contact, written) in &self.written {
            let expected: Vec<String> = (0..*written).map(|number| number.to_string()).collect();
            let said = seen.said.get(contact).cloned().unwrap_or_default();
            if said != expected {
                return Err(format!("contact {} wrote {expected:?} and was answered {said:?}", contact.0));
            }
        }
        if self.blind {
            return Ok(());
        }
        let (tally, open) = (self.store.tally(), self.shards.board(0).unfinished());
        if tally.drift() != 0 || tally.pending != 0 || open.is_some() {
            return Err(format!("{tally:?}, unfinished: {open:?}"));
        }
        Ok(())
    }
}

fn shard(
    world: &World,
    clock: &Arc<ManualClock>,
    shards: &Arc<Shards>,
    faults: &Faults,
    store: Watched,
    blind: bool,
) -> Shard {
    let writer = Writer { shard: 0, generation: store.generation };
    let figures = Figures { sessions_awake_max: AWAKE_MAX, turn_rows_max: 2, ..Figures::default() };
    let store: Arc<dyn Store> = Arc::new(store);
    let random = Arc::new(SystemRandom);
    let switchboard = Arc::new(Switchboard::new(Arc::clone(&store), Arc::clone(&world.keys), random.clone()));
    let neighbours = Arc::new(Neighbours {
        clock: clock.clone(),
        store,
        switchboard,
        lines: vec![Lines { channel: Arc::new(Nowhere), ways: vec![Way::Sms(Arc::new(Nowhere))] }],
        directory: world.registry.clone(),
        registry: world.registry.clone(),
        tickets: world.desk.clone(),
        issued: Arc::new(Nowhere),
        keys: Arc::clone(&world.keys),
        texts: Arc::clone(&world.texts),
        rules: Rules::default(),
        account_rules: AccountRules::default(),
        budgets: Arc::new(Budgets::new([])),
        fence: Arc::new(Fence::new(10_000, clock.clone())),
        script: Arc::new(Echo),
        random,
        calls: Arc::new(Bulkheads::new(1, BreakerRules::default(), &(clock.clone() as Arc<dyn Clock>), &["sms"])),
        ledger: Arc::new(world.ledger()),
        hands: InHand::new(1, Arc::new(Forgetful)),
        faults: faults.clone(),
        figures,
    });
    let home = Home { shard: 0, shards: Arc::clone(shards), neighbours, writer };
    let on = Arbiter::current();
    let mut shard = Shard::new(home, on, Ending::default(), Arc::new(Sight::default()));
    shard.sessions.blind = blind;
    shard
}

/// Lets whoever can run.
async fn run() {
    for _ in 0..6 {
        tokio::task::yield_now().await;
    }
}

/// Panics that a test wants need no words.
fn be_quiet() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let wanted = info.payload_as_str().is_some_and(|words| words.starts_with("as the test wants"));
            if !wanted {
                loud(info);
            }
        }));
    });
}

fn interleavings() -> u32 {
    std::env::var("SIAGA_INTERLEAVINGS").ok().and_then(|count| count.parse().ok()).unwrap_or(1_500)
}

fn histories(cases: u32, blind: bool) -> Result<(), String> {
    be_quiet();
    let system = System::new();
    let world = system.block_on(World::new());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4_000, ..Config::default() };
    TestRunner::new(config)
        .run(&ops(), |ops| {
            system.block_on(async {
                let mut history = History::new(&world, blind);
                for op in ops {
                    history.step(op).await;
                }
                history.end().await.map_err(TestCaseError::fail)
            })
        })
        .map_err(|failure| failure.to_string())
}

#[test]
fn in_every_interleaving_a_contact_has_one_session_at_work_and_nothing_is_lost_or_overtaken() {
    if let Err(failure) = histories(interleavings(), false) {
        panic!("{failure}");
    }
}

#[test]
fn a_shard_that_does_not_see_turns_in_flight_is_found_out() {
    let failure = histories(interleavings(), true).expect_err("the model finds it out");
    let kinds = ["two sessions of contact", "revision", "was answered"];
    assert!(kinds.iter().any(|kind| failure.contains(kind)), "{failure}");
}

#[test]
fn the_least_recently_used_leave_first() {
    let system = System::new();
    system.block_on(async {
        let world = World::new().await;
        let mut history = History::new(&world, false);
        let serve = async |history: &mut History<'_>, contact: u64| {
            history.say(ContactId(contact));
            for _ in 0..20 {
                while history.store.release_next() {}
                while !history.seen.lock().unwrap().loads.is_empty() {
                    history.loaded(0);
                }
                history.shard.round();
                run().await;
            }
        };
        for (contact, awake) in [(0, vec![0]), (1, vec![0, 1]), (0, vec![0, 1]), (2, vec![0, 2]), (1, vec![1, 2])] {
            serve(&mut history, contact).await;
            assert_eq!(history.shard.sessions.who(), awake, "after {contact}");
        }
    });
}

#[test]
fn a_session_that_finds_the_store_closed_is_no_failure() {
    let system = System::new();
    system.block_on(async {
        let world = World::new().await;
        let mut history = History::new(&world, false);
        history.say(ContactId(0));
        while history.store.release_next() {}
        history.store.close().await;
        for _ in 0..20 {
            history.shard.round();
            run().await;
            history.loaded(0);
        }
        assert_eq!(history.shard.sessions.who(), [0], "it has ended with the process, and nobody starts it again");
        assert_eq!(history.shards.board(0).unfinished().map(|open| open.turns), Some(1), "its row is still there");
    });
}

/// Nothing of an [`Exit`] is left unnamed.
#[test]
fn exits_have_closed_names() {
    let names = [Exit::Finished, Exit::Passivated, Exit::Failed, Exit::Panicked, Exit::Killed].map(Exit::name);
    assert_eq!(names, ["finished", "passivated", "failed", "panicked", "killed"]);
}
