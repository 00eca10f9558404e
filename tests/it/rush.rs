//! An hour of a national rush in emulated time, held to Meta's limits by the emulator's own referee.
//!
//! Ours and real here: `limits` (budgets, pairs), `actors::outbox::Lanes` with merging, window, priorities and what
//! follows a refusal; the emulator's: windows, pair buckets with their borrowing, throughput in both directions.
//! Played by the test: citizens, the network's delay, the session (one reply a turn, a newer prompt withdraws an
//! unsent one) and the journal (a number a record). Nothing waits for real time.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the finding")]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use siaga::actors::outbox::Lanes;
use siaga::actors::outbox::lane::{Outcome, Send};
use siaga::actors::outbox::lanes::{Next, Pace};
use siaga::actors::outbox::retry::Retry;
use siaga::clock::ManualClock;
use siaga::domain::contact::{BusinessNumber, ContactId, Recipient};
use siaga::domain::message::{MessageId, Outbound, ReplyKind, Text, Urgency};
use siaga::domain::phone::Phone;
use siaga::domain::time::Timestamp;
use siaga::emulator::{Referee, Rules, Sender};
use siaga::limits::Budgets;
use siaga::ports::{Clock, Lsn, OutboxRow, RowId, Settlement};
use siaga::wire::codes;

use crate::support::START;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// Between us and Meta, one way.
const WAY_MS: i64 = 30;
const TICK_MS: i64 = 25;
const NUMBERS: [&str; 2] = ["100000000000001", "100000000000002"];
const PER_S: u32 = 80;
/// From "hai" to the certificate.
const MESSAGES: u32 = 5;

/// A random number generator that every run repeats (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn between(&mut self, least: i64, most: i64) -> i64 {
        least + i64::try_from(self.next() % u64::try_from(most - least).unwrap()).unwrap()
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.next().is_multiple_of(many)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// Citizens come, or news of the desk, for this second.
    Second,
    /// A citizen says the n-th of what he has to say.
    Says(u64, u32),
    /// He has waited long enough for the answer to his n-th.
    Nags(u64, u32),
    /// Our webhook has it.
    Heard(u64),
    /// A message of ours is at Meta.
    Arrives(u64, RowId),
    /// Its answer is here.
    Ends(u64, RowId, Result<(), u32>),
    Tick,
}

/// What is known of one citizen.
#[derive(Default)]
struct Citizen {
    /// Messages he has sent of his five.
    step: u32,
    nags: u32,
    hammers: bool,
    window_until: Timestamp,
    /// The marks of texts said to him and not delivered yet, in order.
    owed: Vec<u32>,
    last_mark: u32,
    marks: u32,
}

#[derive(Debug, Default)]
struct Tally {
    citizens: u64,
    heard: u64,
    attempts: u64,
    accepted: u64,
    merged: u64,
    replaced: u64,
    templates: u64,
    given_up: u64,
    refused: HashMap<u32, u64>,
    /// Seconds from birth to acceptance of sessions' replies.
    waits_s: Vec<i64>,
    owed: usize,
}

struct Rush {
    clock: Arc<ManualClock>,
    dice: Dice,
    due: BinaryHeap<Reverse<(Timestamp, u64, What)>>,
    order: u64,
    lanes: Lanes,
    budgets: Budgets,
    referee: Referee,
    planned: bool,
    template: (String, String),
    rows: u64,
    flying: HashMap<RowId, Send>,
    citizens: HashMap<u64, Citizen>,
    first_minute: i64,
    ends_at: Timestamp,
    tally: Tally,
}

fn number_of(citizen: u64) -> usize {
    usize::try_from(citizen % 2).unwrap()
}

fn sender(citizen: u64) -> Sender {
    let phone = Phone::from_wa_id(&format!("62812{citizen:08}")).unwrap();
    Sender { phone: Some(phone), bsuid: None, name: None, username: None }
}

impl Rush {
    fn new(minutes: std::ops::Range<i64>, planned: bool) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let numbers = NUMBERS.map(|id| (BusinessNumber(id.into()), PER_S));
        let mut rush = Self {
            budgets: Budgets::on_clock(clock.clone(), numbers),
            clock,
            dice: Dice(20_211_110),
            due: BinaryHeap::new(),
            order: 0,
            lanes: Lanes::default(),
            referee: Referee::new(Rules::default(), &[PER_S; 2], 10_000_000, 64),
            planned,
            template: ("ada_kabar".into(), "id".into()),
            rows: 0,
            flying: HashMap::new(),
            citizens: HashMap::new(),
            first_minute: minutes.start,
            ends_at: START.plus_ms((minutes.end - minutes.start) * MINUTE_MS),
            tally: Tally::default(),
        };
        rush.at(0, What::Second);
        rush.at(0, What::Tick);
        rush
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn at(&mut self, after_ms: i64, what: What) {
        self.order += 1;
        self.due.push(Reverse((self.now().plus_ms(after_ms), self.order, what)));
    }

    /// Runs to the end, and on until all that was said is delivered.
    fn run(mut self) -> Tally {
        while let Some(Reverse((at, _, what))) = self.due.pop() {
            self.clock.set(at);
            self.happens(what);
            self.work();
        }
        self.tally.owed = self.citizens.values().map(|citizen| citizen.owed.len()).sum();
        self.tally.waits_s.sort_unstable();
        self.tally
    }

    fn happens(&mut self, what: What) {
        match what {
            What::Second => self.second(),
            What::Says(citizen, step) => self.says(citizen, step),
            What::Nags(citizen, step) => self.nags(citizen, step),
            What::Heard(citizen) => self.heard(citizen),
            What::Arrives(citizen, row) => self.arrives(citizen, row),
            What::Ends(citizen, row, end) => self.ends(citizen, row, end),
            What::Tick => {
                self.lanes.forget(self.now());
                let more = self.now() < self.ends_at || self.lanes.view().rows_open > 0;
                // A day after the end whatever is left has been given up.
                if more && self.now() < self.ends_at.plus_ms(DAY_MS + MINUTE_MS) {
                    self.at(TICK_MS, What::Tick);
                }
            }
        }
    }

    /// Citizens of one second: rising for twenty minutes, more than the numbers can carry for ten, then falling.
    fn second(&mut self) {
        if self.now() >= self.ends_at {
            return;
        }
        self.at(SECOND_MS, What::Second);
        let minute = self.first_minute + self.now().since_ms(START) / MINUTE_MS;
        let per_minute = match minute {
            0..20 => 300 + minute * 18,
            20..30 => 1_050,
            _ => 660,
        };
        let mut left = per_minute;
        // So many a minute, each second its share by the dice.
        while left > 0 {
            if self.dice.one_in(60) {
                self.comes();
            }
            left -= 1;
        }
        if self.dice.one_in(3) {
            self.desk_has_news();
        }
    }

    fn comes(&mut self) {
        self.tally.citizens += 1;
        let citizen = self.tally.citizens;
        let hammers = self.dice.one_in(200);
        self.citizens.insert(citizen, Citizen { hammers, ..Citizen::default() });
        let after_ms = self.dice.between(0, SECOND_MS);
        self.at(after_ms, What::Says(citizen, 0));
        // Some press send like a bell, for three minutes.
        let mut at_ms = after_ms;
        while hammers && at_ms < 3 * MINUTE_MS {
            at_ms += self.dice.between(300, 1_500);
            self.at(at_ms, What::Says(citizen, 1));
        }
    }

    /// A report is answered whose citizen wrote yesterday, or an hour less than a day ago.
    fn desk_has_news(&mut self) {
        let citizen = 50_000_000 + self.tally.citizens + self.rows;
        let hours = if self.dice.one_in(2) { 30 } else { 23 };
        let wrote_at = self.now().plus_ms(-hours * 60 * MINUTE_MS);
        self.referee.wrote(number_of(citizen), &sender(citizen), "w", wrote_at).unwrap();
        let known = Citizen { window_until: wrote_at.plus_ms(DAY_MS), ..Citizen::default() };
        self.citizens.insert(citizen, known);
        self.say(citizen, ReplyKind::Notice, Urgency::Notice);
    }

    fn says(&mut self, citizen: u64, step: u32) {
        let now = self.now();
        let known = self.citizens.get_mut(&citizen).unwrap();
        if step >= known.step {
            known.step = step + 1;
        }
        let hammers = known.hammers;
        self.referee.wrote(number_of(citizen), &sender(citizen), "w", now).unwrap();
        self.at(WAY_MS, What::Heard(citizen));
        if !hammers {
            let patience_ms = self.dice.between(20_000, 90_000);
            self.at(patience_ms, What::Nags(citizen, step));
        }
    }

    fn nags(&mut self, citizen: u64, step: u32) {
        let known = self.citizens.get_mut(&citizen).unwrap();
        if known.step != step + 1 || known.owed.is_empty() || known.nags >= 3 {
            return;
        }
        known.nags += 1;
        self.says(citizen, step);
    }

    /// One turn: the newer prompt withdraws an unsent one, the last message is answered with the certificate too.
    fn heard(&mut self, citizen: u64) {
        self.tally.heard += 1;
        let now = self.now();
        self.budgets.heard(&BusinessNumber(NUMBERS[number_of(citizen)].into()));
        let known = self.citizens.get_mut(&citizen).unwrap();
        known.window_until = now.plus_ms(DAY_MS);
        let (step, hammers) = (known.step, known.hammers);
        let urgency = if step > 1 { Urgency::Session } else { Urgency::Reply };
        if hammers {
            return self.say(citizen, ReplyKind::Answer, urgency);
        }
        for gone in self.lanes.withdraw(ContactId(citizen), |kind| kind == ReplyKind::Prompt) {
            self.tally.replaced += 1;
            let mark = gone.id.index;
            self.citizens.get_mut(&citizen).unwrap().owed.retain(|owed| *owed != mark);
        }
        self.say(citizen, ReplyKind::Prompt, urgency);
        if step >= MESSAGES {
            self.say(citizen, ReplyKind::Document, urgency);
        }
    }

    /// A reply with a mark of its own; the mark is the row's index as well.
    fn say(&mut self, citizen: u64, kind: ReplyKind, urgency: Urgency) {
        let now = self.now();
        let known = self.citizens.get_mut(&citizen).unwrap();
        known.marks += 1;
        known.owed.push(known.marks);
        let (mark, window_until) = (known.marks, known.window_until);
        self.rows += 1;
        let id = RowId { lsn: Lsn(self.rows), index: mark };
        let row = OutboxRow {
            contact: ContactId(citizen),
            number: BusinessNumber(NUMBERS[number_of(citizen)].into()),
            to: Recipient::Phone(sender(citizen).phone.unwrap()),
            kind,
            message: Arc::new(Outbound::Text { body: Text(mark.to_string()) }),
            epoch: None,
            born_at: now,
            urgency,
            window_until,
            place: None,
        };
        self.lanes.push(vec![Send::new(id, row)]);
    }

    fn work(&mut self) {
        loop {
            let pace = Pace {
                budgets: &self.budgets,
                in_flight_max: 256,
                pair_low: 15,
                keeps_window: self.planned,
                template: Some(&self.template),
                planned: self.planned,
            };
            let Some(next) = self.lanes.next(self.now(), &pace) else { return };
            let (contact, send) = match next {
                Next::Go(contact, send) => (contact, send),
                Next::Swap(contact, swap) => {
                    self.rows += 1;
                    for (id, _, how) in &swap.taken {
                        match how {
                            Settlement::Merged => self.tally.merged += 1,
                            // The window is closed: a template is said in its stead.
                            Settlement::Sent(_)
                            | Settlement::Withdrawn
                            | Settlement::Stale
                            | Settlement::Failed { .. } => self.no_longer_owed(contact.0, id.index),
                        }
                    }
                    (contact, self.lanes.swap(contact, swap, RowId { lsn: Lsn(self.rows), index: 0 }))
                }
                Next::ReadBack(..) => unreachable!("all is in memory"),
                Next::GiveUp(contact, id, _) => {
                    self.tally.given_up += 1;
                    self.lanes.settle(contact, id);
                    continue;
                }
            };
            let id = send.id;
            self.tally.attempts += 1;
            self.flying.insert(id, send);
            self.at(WAY_MS, What::Arrives(contact.0, id));
        }
    }

    fn no_longer_owed(&mut self, citizen: u64, mark: u32) {
        self.tally.replaced += 1;
        self.citizens.get_mut(&citizen).unwrap().owed.retain(|owed| *owed != mark);
    }

    fn arrives(&mut self, citizen: u64, id: RowId) {
        let send = self.flying.get(&id).unwrap();
        let template = matches!(&*send.row().unwrap().message, Outbound::Template { .. });
        let end = self.referee.judge(number_of(citizen), &send.row().unwrap().to, template, self.now());
        if let (Ok(()), Outbound::Text { body }) = (&end, &*send.row().unwrap().message) {
            let marks: Vec<u32> = body.0.split("\n\n").map(|mark| mark.parse().unwrap()).collect();
            let known = self.citizens.get_mut(&citizen).unwrap();
            for mark in marks {
                assert!(mark > known.last_mark, "said twice or out of order: {mark} after {}", known.last_mark);
                known.last_mark = mark;
                known.owed.retain(|owed| *owed != mark);
            }
        }
        let answer_ms = self.dice.between(WAY_MS, 4 * WAY_MS);
        self.at(answer_ms, What::Ends(citizen, id, end));
    }

    fn ends(&mut self, citizen: u64, id: RowId, end: Result<(), u32>) {
        let now = self.now();
        let send = self.flying.remove(&id).unwrap();
        let outcome = match end {
            Ok(()) => {
                self.tally.accepted += 1;
                self.tally.templates += u64::from(matches!(&*send.row().unwrap().message, Outbound::Template { .. }));
                if send.head.urgency == Urgency::Session {
                    self.tally.waits_s.push(now.since_ms(send.head.born_at) / SECOND_MS);
                }
                Outcome::Sent(MessageId("wamid.out".into()))
            }
            Err(code) => {
                *self.tally.refused.entry(code).or_default() += 1;
                Outcome::Refused { code: Some(code), class: codes::class(code) }
            }
        };
        let chance = f64::from(u32::try_from(self.dice.between(0, 1_000)).unwrap()) / 1_000.0;
        let retry = Retry { first_ms: 500, max_ms: 60_000, tries_max: 8, reconcile_ms: 120_000, chance };
        self.lanes.ended(ContactId(citizen), id, outcome);
        let (contact, id, outcome) = self.lanes.take_ended().unwrap();
        let settled = self.lanes.conclude(contact, id, outcome, now, retry, &self.budgets);
        let known = self.citizens.get(&citizen).unwrap();
        let goes_on = matches!(settled, Some(Settlement::Sent(_))) && !known.hammers && known.owed.is_empty();
        if goes_on && (1..MESSAGES).contains(&known.step) {
            let (step, think_ms) = (known.step, self.dice.between(3_000, 20_000));
            self.at(think_ms, What::Says(citizen, step));
        }
    }
}

impl Tally {
    fn refusals(&self, code: u32) -> u64 {
        self.refused.get(&code).copied().unwrap_or_default()
    }

    /// Of a thousand attempts.
    fn per_mille(&self, code: u32) -> f64 {
        let count = |count: u64| f64::from(u32::try_from(count).unwrap());
        1_000.0 * count(self.refusals(code)) / count(self.attempts)
    }

    fn wait_s(&self, percent: usize) -> i64 {
        self.waits_s.get(self.waits_s.len() * percent / 100).copied().unwrap_or_default()
    }

    #[expect(clippy::print_stdout, reason = "the figures are what is wanted")]
    fn show(&self, what: &str) {
        println!(
            "{what}: {} citizens, {} heard, {} sent, {} accepted, {} merged, {} replaced, {} templates, refused {:?}, \
             waits p50 {} s p99 {} s",
            self.citizens,
            self.heard,
            self.attempts,
            self.accepted,
            self.merged,
            self.replaced,
            self.templates,
            self.refused,
            self.wait_s(50),
            self.wait_s(99),
        );
    }
}

#[test]
fn an_hour_of_a_national_rush_stays_inside_metas_limits() {
    let tally = Rush::new(0..60, true).run();
    tally.show("planned");
    assert!(tally.heard > 150_000 && tally.attempts > 150_000, "it is a rush");
    assert_eq!(tally.refusals(131_056), 0, "the pair's rate");
    assert!(tally.per_mille(130_429) <= 1.0, "the number's rate: {} of a thousand", tally.per_mille(130_429));
    assert_eq!(tally.refusals(131_047), 0, "the window");
    assert!(tally.merged > 0 && tally.replaced > 0 && tally.templates > 0, "every rule was needed");
    assert_eq!((tally.owed, tally.given_up), (0, 0), "every text was delivered, replaced or said by a template");
}

#[test]
fn without_the_planner_it_does_not() {
    let tally = Rush::new(18..24, false).run();
    tally.show("unplanned, six minutes of it");
    assert!(tally.refusals(131_056) > 0, "the pair's rate is broken");
    assert!(tally.refusals(131_047) > 0, "and the window");
    assert!(tally.per_mille(130_429) > 1.0, "and the number's rate: {} of a thousand", tally.per_mille(130_429));
}
