//! The lanes on a clock that the test owns: what every code of Meta's does to a row, its citizen, its number and all
//! numbers; who goes first; how often an ambiguous send is delivered.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::domain::contact::{BusinessNumber, Recipient};
use crate::domain::message::{MessageId, Outbound, Text, Urgency};
use crate::domain::phone::Phone;
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use crate::limits::PAIR_BURST;
use crate::ports::{Clock, Lsn, OutboxRow};
use crate::wire::codes;

const START: Timestamp = Timestamp(1_000_000);
const RETRY: Retry = Retry { first_ms: 500, max_ms: 60_000, tries_max: 3, reconcile_ms: 120_000, chance: 1.0 };
/// Two citizens of one number, one of another.
const SITI: ContactId = ContactId(1);
const BUDI: ContactId = ContactId(2);
const RINA: ContactId = ContactId(3);

struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Lanes, their budgets and their time.
struct World {
    hand: Arc<Hand>,
    budgets: Budgets,
    lanes: Lanes,
    template: Option<(String, String)>,
    rows: u64,
    /// All that was ever said, as the journal has it.
    journal: HashMap<RowId, OutboxRow>,
    memory: Arc<RowsInMemory>,
    in_flight_max: usize,
}

fn number(id: &str) -> BusinessNumber {
    BusinessNumber(id.into())
}

fn world() -> World {
    world_keeping(usize::MAX)
}

/// A world in which so many rows are in memory.
fn world_keeping(rows: usize) -> World {
    let hand = Arc::new(Hand(START.0.into()));
    let budgets = Budgets::on_clock(hand.clone(), [(number("1"), 80), (number("2"), 80)]);
    let memory = Arc::new(RowsInMemory::new(rows));
    let lanes = Lanes::sharing(Arc::clone(&memory));
    World { hand, budgets, lanes, template: None, rows: 0, journal: HashMap::new(), memory, in_flight_max: 1_000 }
}

impl World {
    fn now(&self) -> Timestamp {
        self.hand.now()
    }

    fn pass(&self, ms: i64) {
        self.hand.0.fetch_add(ms, Ordering::SeqCst);
    }

    fn say(&mut self, contact: ContactId, kind: ReplyKind, body: &str) -> RowId {
        let urgency = if kind == ReplyKind::Notice { Urgency::Notice } else { Urgency::Reply };
        self.say_as(contact, kind, urgency, body)
    }

    fn say_as(&mut self, contact: ContactId, kind: ReplyKind, urgency: Urgency, body: &str) -> RowId {
        self.rows += 1;
        let id = RowId { lsn: Lsn(self.rows), index: 0 };
        let row = OutboxRow {
            contact,
            number: number(if contact == RINA { "2" } else { "1" }),
            to: Recipient::Phone(Phone::from_wa_id("6281200000042").unwrap()),
            kind,
            message: Arc::new(Outbound::Text { body: Text(body.into()) }),
            epoch: None,
            born_at: self.now(),
            urgency,
            window_until: self.now().plus_ms(DAY_MS),
            place: None,
        };
        self.journal.insert(id, row.clone());
        self.lanes.push(vec![Send::new(id, row)]);
        id
    }

    fn next(&mut self) -> Option<Next> {
        let pace = Pace {
            budgets: &self.budgets,
            in_flight_max: self.in_flight_max,
            pair_low: 15,
            keeps_window: true,
            template: self.template.as_ref(),
            planned: true,
        };
        self.lanes.next(self.now(), &pace)
    }

    /// What leaves now; swaps are written down at once.
    fn leaves(&mut self) -> Option<(ContactId, Send)> {
        match self.next()? {
            Next::Go(contact, send) => Some((contact, send)),
            Next::Swap(contact, swap) => {
                self.rows += 1;
                let id = RowId { lsn: Lsn(self.rows), index: 0 };
                Some((contact, self.lanes.swap(contact, swap, id)))
            }
            Next::GiveUp(contact, id, _) => {
                self.lanes.settle(contact, id);
                self.leaves()
            }
            Next::ReadBack(contact, ids) => {
                let rows = ids.iter().map(|id| (*id, self.journal[id].clone())).collect();
                self.lanes.read_back(contact, &ids, Some(rows), self.now());
                self.leaves()
            }
        }
    }

    fn ends(&self, contact: ContactId, id: RowId, outcome: Outcome) -> Option<Settlement> {
        self.lanes.ended(contact, id, outcome);
        let (contact, id, outcome) = self.lanes.take_ended().unwrap();
        self.lanes.conclude(contact, id, outcome, self.now(), RETRY, &self.budgets)
    }

    fn refused(&self, contact: ContactId, id: RowId, code: u32) -> Option<Settlement> {
        self.ends(contact, id, Outcome::Refused { code: Some(code), class: codes::class(code) })
    }

    /// Milliseconds until this citizen's next message leaves; all others are taken by Meta. `None`: not within a
    /// quarter of an hour.
    fn waits(&mut self, contact: ContactId) -> Option<(i64, Send)> {
        let from = self.now();
        while self.now().since_ms(from) <= 15 * MINUTE_MS {
            while let Some((who, send)) = self.leaves() {
                if who == contact {
                    return Some((self.now().since_ms(from), send));
                }
                self.ends(who, send.id, sent());
            }
            self.pass(250);
        }
        None
    }
}

fn sent() -> Outcome {
    Outcome::Sent(MessageId("wamid.1".into()))
}

/// What becomes of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    /// Sent again after so many ms; given up after so many refusals in all, or never.
    Again(i64, Option<u32>),
    /// Given up at once, with a dead letter.
    Dropped,
    /// A template in its stead, if there is one; else given up.
    Template,
}

/// How long a neighbour waits because of it, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waits {
    /// Another citizen of the same number.
    number: i64,
    /// A citizen of another number.
    everyone: i64,
}

const NOBODY: Waits = Waits { number: 0, everyone: 0 };

/// Every code of cloud-api.md 5, what becomes of its row, and who else waits.
fn table() -> Vec<(&'static [u32], Row, Waits)> {
    let everyone = |ms| Waits { number: ms, everyone: ms };
    let number = |ms| Waits { number: ms, everyone: 0 };
    vec![
        (&[2, 131_016, 133_004], Row::Again(500, Some(3)), NOBODY),
        (&[1, 131_000, 131_053], Row::Again(500, Some(3)), NOBODY),
        (&[135_000], Row::Again(500, Some(2)), NOBODY),
        // Its rate is cut as well.
        (&[130_429], Row::Again(4_000, None), NOBODY),
        (&[131_048], Row::Again(60_000, None), number(60_000)),
        (&[131_057], Row::Again(60_000, None), number(60_000)),
        // His bucket is emptied: one comes after 6 s.
        (&[131_056], Row::Again(6_000, None), NOBODY),
        (&[4, 80_007, 131_064], Row::Again(4_000, None), everyone(2_000)),
        // A probe after a minute.
        (&[0, 190], Row::Again(60_000, None), everyone(60_000)),
        (&[368, 131_031, 131_042, 131_044], Row::Again(60_000, None), number(60_000)),
        (&[131_047], Row::Template, NOBODY),
        (&[130_403, 130_472, 130_497, 131_021, 131_026, 131_049, 131_050, 131_062, 137_000], Row::Dropped, NOBODY),
        (
            &[
                3, 10, 33, 200, 299, 131_005, 131_030, 131_037, 131_045, 131_063, 132_015, 132_016, 132_068, 132_069,
                133_000, 133_005, 133_006, 133_008, 133_010, 133_015, 133_016, 134_011,
            ],
            Row::Dropped,
            NOBODY,
        ),
        (
            &[
                100, 131_008, 131_009, 131_020, 131_041, 131_051, 131_052, 131_055, 131_059, 131_200, 131_299, 132_000,
                132_001, 132_005, 132_007, 132_008, 132_012, 132_018, 134_100, 134_102, 138_000, 138_999, 139_000,
                139_999, 147_001, 147_005,
            ],
            Row::Dropped,
            NOBODY,
        ),
        // Not in the table.
        (&[5, 131_010, 999_999], Row::Again(500, Some(3)), NOBODY),
    ]
}

#[test]
fn what_every_code_does_to_its_row_its_citizen_its_number_and_all_numbers() {
    let table = table();
    for (first, last, _) in codes::table() {
        for code in [first, last] {
            assert_eq!(table.iter().filter(|row| row.0.contains(&code)).count(), 1, "code {code} has one row here");
        }
    }
    for (codes, row, waits) in table {
        for code in codes {
            assert_eq!(row_after(*code), row, "code {code}: the row");
            assert_eq!(wait_after(*code, BUDI), waits.number, "code {code}: another citizen of the number");
            assert_eq!(wait_after(*code, RINA), waits.everyone, "code {code}: another number");
            cut_and_emptied(*code);
        }
    }
}

/// Meta refuses Siti's message with this code, again and again.
fn row_after(code: u32) -> Row {
    let mut world = world();
    let id = world.say(SITI, ReplyKind::Answer, "halo");
    world.leaves().unwrap();
    let first = world.refused(SITI, id, code);
    if first == Some(Settlement::Failed { code: Some(code) }) {
        return Row::Dropped;
    }
    assert_eq!(first, None, "code {code}");
    let waited = if code == codes::WINDOW_CLOSED {
        assert!(matches!(world.next(), Some(Next::GiveUp(SITI, given_up, Some(131_047))) if given_up == id));
        world.lanes.settle(SITI, id);
        assert!(world.lanes.at_rest(), "without a template it is given up");
        world.template = Some(("news".into(), "id".into()));
        let id = world.say(SITI, ReplyKind::Answer, "halo");
        world.leaves().unwrap();
        world.refused(SITI, id, code);
        let (_, send) = world.leaves().unwrap();
        assert!(matches!(&*send.row().unwrap().message, Outbound::Template { .. }));
        return Row::Template;
    } else {
        world.waits(SITI).unwrap_or_else(|| panic!("code {code}: it never leaves again")).0
    };
    let mut refusals = 1;
    loop {
        refusals += 1;
        match world.refused(SITI, id, code) {
            Some(how) => {
                assert_eq!(how, Settlement::Failed { code: Some(code) });
                return Row::Again(waited, Some(refusals));
            }
            None if refusals == 12 => return Row::Again(waited, None),
            None => {
                // Pauses of probes grow up to an hour.
                while world.waits(SITI).is_none() {
                    assert!(world.now().since_ms(START) < DAY_MS, "code {code}");
                }
            }
        }
    }
}

/// How long this citizen waits after Siti was refused.
fn wait_after(code: u32, neighbour: ContactId) -> i64 {
    let mut world = world();
    let id = world.say(SITI, ReplyKind::Answer, "halo");
    world.leaves().unwrap();
    world.refused(SITI, id, code);
    world.lanes.settle(SITI, id);
    world.say(neighbour, ReplyKind::Answer, "halo");
    world.waits(neighbour).unwrap().0
}

fn cut_and_emptied(code: u32) {
    let mut world = world();
    let id = world.say(SITI, ReplyKind::Answer, "halo");
    world.leaves().unwrap();
    world.refused(SITI, id, code);
    let rate = if matches!(code, 130_429 | 131_048) { 56 } else { 80 };
    assert_eq!((world.budgets.per_s(&number("1")), world.budgets.per_s(&number("2"))), (rate, 80), "code {code}");
    let left = |contact| world.lanes.lock().pairs.left(&number("1"), contact, world.now());
    let of_siti = if code == 131_056 { 0 } else { PAIR_BURST - 1 };
    assert_eq!((left(SITI), left(BUDI)), (of_siti, PAIR_BURST), "code {code}: only his bucket");
    let stopped = matches!(code, 0 | 190 | 368 | 131_031 | 131_042 | 131_044);
    let says = world.budgets.troubles().iter().any(|line| line.contains("sends are stopped"));
    assert_eq!(says, stopped, "code {code}: what an operator reads");
}

#[test]
fn a_status_that_tells_of_a_failure_acts_like_an_answer() {
    let world = world();
    world.lanes.learn(&number("1"), SITI, 131_042, world.now(), &world.budgets);
    assert!(world.budgets.troubles()[0].contains("a payment is missing"));
    world.lanes.learn(&number("2"), RINA, 131_056, world.now(), &world.budgets);
    assert_eq!(world.lanes.lock().pairs.left(&number("2"), RINA, world.now()), 0);
}

#[test]
fn a_template_that_meta_paused_is_not_said_again() {
    let mut world = world();
    world.template = Some(("news".into(), "id".into()));
    world.say(SITI, ReplyKind::Notice, "kabar");
    world.pass(DAY_MS);
    let (_, send) = world.leaves().unwrap();
    assert!(matches!(&*send.row().unwrap().message, Outbound::Template { .. }));
    assert!(matches!(world.refused(SITI, send.id, 132_015), Some(Settlement::Failed { code: Some(132_015) })));
    let id = world.say(BUDI, ReplyKind::Notice, "kabar");
    world.pass(DAY_MS);
    assert!(matches!(world.next(), Some(Next::GiveUp(BUDI, given_up, Some(131_047))) if given_up == id));
}

#[test]
fn the_urgent_leave_first_and_no_number_waits_for_another() {
    let mut world = world();
    // Number 1 is busy; number 2 is not.
    for n in 0..200 {
        world.say_as(ContactId(100 + n), ReplyKind::Notice, Urgency::Notice, "kabar");
        world.say_as(ContactId(400 + n), ReplyKind::Answer, Urgency::Reply, "jawab");
        world.say_as(ContactId(700 + n), ReplyKind::Prompt, Urgency::Session, "kode?");
    }
    world.say(RINA, ReplyKind::Notice, "kabar");
    let (mut order, mut rina_at) = (Vec::new(), None);
    for _ in 0..20_000 {
        while let Some((contact, send)) = world.leaves() {
            world.ends(contact, send.id, sent());
            if contact == RINA {
                rina_at = Some(world.now().since_ms(START));
            } else {
                order.push(contact.0);
            }
        }
        world.pass(1);
    }
    let expected: Vec<u64> = [700, 400, 100].into_iter().flat_map(|first| first..first + 200).collect();
    assert_eq!(order, expected, "by urgency, and who waited longest within one");
    assert!(rina_at.is_some_and(|at| at < 50), "{rina_at:?}");
    assert!(world.lanes.at_rest());
}

#[test]
fn where_a_bucket_runs_low_what_waits_is_said_in_fewer_messages() {
    let in_memory = where_a_bucket_runs_low(usize::MAX);
    assert!((50..=70).contains(&in_memory), "{in_memory} messages");
    assert_eq!(where_a_bucket_runs_low(0), in_memory, "what is read back is merged alike");
}

fn where_a_bucket_runs_low(rows_in_memory: usize) -> usize {
    let mut world = world_keeping(rows_in_memory);
    let (mut said, mut sends) = (Vec::new(), 0);
    // A hundred answers in a hundred seconds: sixteen more than the bucket and its refill would let through.
    for second in 0..400 {
        if second < 100 {
            world.say(SITI, ReplyKind::Answer, &format!("<{second}>"));
        }
        if second == 50 {
            world.say(SITI, ReplyKind::Document, "<document>");
        }
        while let Some((contact, send)) = world.leaves() {
            let Outbound::Text { body } = &*send.row().unwrap().message else { panic!("texts only") };
            said.extend(body.0.split("\n\n").map(str::to_owned));
            world.ends(contact, send.id, sent());
            sends += 1;
        }
        world.pass(SECOND_MS);
    }
    let mut expected: Vec<String> = (0..100).map(|second| format!("<{second}>")).collect();
    expected.insert(51, "<document>".into());
    assert_eq!(said, expected, "each once, in order");
    assert!(world.lanes.at_rest());
    sends
}

#[test]
fn a_stopped_number_is_at_rest_and_goes_on_where_it_was() {
    let mut world = world();
    let id = world.say(SITI, ReplyKind::Answer, "halo");
    world.leaves().unwrap();
    world.refused(SITI, id, 131_042);
    world.say(BUDI, ReplyKind::Answer, "halo");
    assert!(world.leaves().is_none());
    assert!(world.lanes.at_rest(), "a drain does not wait for a bill to be paid");
    let (waited, probe) = world.waits(SITI).unwrap();
    assert_eq!((waited, probe.id), (60_000, id));
    assert!(world.leaves().is_none(), "one probe");
    world.ends(SITI, id, sent());
    assert_eq!(world.leaves().unwrap().0, BUDI);
}

#[test]
fn of_a_backlog_few_rows_are_in_memory_and_each_is_said_once_and_in_order() {
    const CONTACTS: u64 = 2_000;
    const KEPT: usize = 100;
    const IN_FLIGHT: usize = 16;
    let mut world = world_keeping(KEPT);
    world.in_flight_max = IN_FLIGHT;
    for round in 0..3 {
        for contact in 0..CONTACTS {
            world.say(ContactId(1_000 + contact), ReplyKind::Document, &round.to_string());
        }
    }
    assert_eq!(world.memory.count(), KEPT);
    let mut said: HashMap<ContactId, String> = HashMap::new();
    let until = START.plus_ms(HOUR_MS);
    let mut down = 20_000;
    while world.lanes.open() > 0 {
        assert!(world.now() < until, "{} are left", world.lanes.open());
        let mut flying = Vec::new();
        while let Some((contact, send)) = world.leaves() {
            flying.push((contact, send));
        }
        for (contact, send) in flying {
            // Meta is down at first: whatever was tried goes back to the journal.
            if down > 0 {
                down -= 1;
                world.ends(contact, send.id, Outcome::Unreachable);
                continue;
            }
            let Outbound::Text { body } = &*send.row().unwrap().message else { panic!("texts only") };
            said.entry(contact).or_default().push_str(&body.0);
            world.ends(contact, send.id, sent());
        }
        world.pass(100);
    }
    assert_eq!((said.len(), world.memory.count()), (2_000, 0));
    assert!(said.values().all(|said| said == "012"), "each once, in order");
    assert!(world.memory.most() <= KEPT + IN_FLIGHT, "{} were in memory", world.memory.most());
}

/// What happens to an attempt.
#[derive(Clone, Copy, Debug)]
enum End {
    Accepted,
    /// It arrived and the answer was lost; its status comes after so many seconds, or never.
    Lost(Option<i64>),
    /// Cut off before it arrived, and nobody can tell.
    Cut,
    Refused(u32),
    Unreachable,
}

fn ends() -> impl Strategy<Value = Vec<End>> {
    let end = prop_oneof![
        2 => Just(End::Accepted),
        3 => (0..300_i64).prop_map(|seconds| End::Lost(Some(seconds))),
        2 => Just(End::Lost(None)),
        2 => Just(End::Cut),
        1 => Just(End::Refused(130_429)),
        1 => Just(End::Refused(131_056)),
        1 => Just(End::Refused(2)),
        1 => Just(End::Unreachable),
    ];
    proptest::collection::vec(end, 1..12)
}

proptest! {
    /// Whatever goes wrong: never delivered more than twice, and once when its status came in time.
    #[test]
    fn an_ambiguous_send_is_delivered_at_most_twice(ends in ends()) {
        let mut world = world();
        let id = world.say(SITI, ReplyKind::Answer, "halo");
        let mut delivered = 0;
        let mut in_time = false;
        let mut status_at: Option<Timestamp> = None;
        let mut ends = ends.into_iter();
        let until = START.plus_ms(DAY_MS + MINUTE_MS);
        while world.lanes.send(SITI, id).is_some() && world.now() < until {
            if status_at.is_some_and(|at| at <= world.now()) {
                world.lanes.settle(SITI, id);
                break;
            }
            if let Some((_, send)) = world.leaves() {
                prop_assert!(!in_time, "its status was on the way");
                prop_assert_eq!(send.id, id);
                match ends.next().unwrap_or(End::Accepted) {
                    End::Accepted => {
                        delivered += 1;
                        world.ends(SITI, id, sent());
                    }
                    End::Lost(seconds) => {
                        delivered += 1;
                        let first = delivered == 1 && status_at.is_none();
                        status_at = status_at.or(seconds.map(|seconds| world.now().plus_ms(seconds * SECOND_MS)));
                        in_time = first && seconds.is_some_and(|seconds| seconds < 120);
                        world.ends(SITI, id, Outcome::Ambiguous);
                    }
                    End::Cut => {
                        world.ends(SITI, id, Outcome::Ambiguous);
                    }
                    End::Refused(code) => {
                        world.refused(SITI, id, code);
                    }
                    End::Unreachable => {
                        world.ends(SITI, id, Outcome::Unreachable);
                    }
                }
            } else {
                world.pass(500);
            }
        }
        prop_assert!(delivered <= 2, "delivered {} times", delivered);
        prop_assert!(world.lanes.send(SITI, id).is_none(), "it is settled");
    }
}

#[test]
fn what_was_settled_waits_for_the_next_outbox_to_write_it_down() {
    let world = world();
    let row = RowId { lsn: Lsn(7), index: 0 };
    let ends = vec![Part::CloseOutbox { row, how: Settlement::Stale }];
    world.lanes.settled(ends.clone());
    assert!(!world.lanes.at_rest(), "a drain waits for it");
    world.lanes.start_over(world.now(), RETRY.reconcile_ms);
    assert_eq!(world.lanes.take_settled(), ends);
    assert!(world.lanes.at_rest());
}
