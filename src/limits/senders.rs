//! Millions of distinct senders, each once: what the limiters that know people by name hold of them.
//!
//! They come as fast as Meta's fastest number brings them, and each limiter is swept as its owner sweeps it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::admission::{Admission, Arrival, Pace};
use super::codes::{CodeRules, Codes};
use super::fence::Fence;
use super::pairs::{PAIR_BURST, PAIR_EVERY_MS, Pairs};
use crate::domain::contact::{BusinessNumber, ContactId};
use crate::domain::keys::LookupKey;
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::ports::Clock;

/// A clock that the senders move.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// Messages a second, both ways: half of them are a sender's first.
const PER_S: u32 = 1_000;
const START: Timestamp = Timestamp(1_795_400_000_000);
const WAITING_MAX: usize = 20_000;
const ROUTES_MAX: usize = 65_536;

/// The most that was held at any time, and what became of the senders.
#[derive(Debug, Default)]
struct Held {
    pairs: usize,
    pair_bytes: usize,
    routes: usize,
    fenced: usize,
    waiting: usize,
    served: u64,
    turned_away: u64,
    codes: u64,
    /// How much the process has grown.
    grown_bytes: u64,
}

/// What the process has in memory.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1_024
}

/// Every sender arrives once; who is let in asks for a code to a number of a route of its own and is answered.
fn offer(senders: u64, swept: bool) -> Held {
    let number = BusinessNumber("100".into());
    let pace = Pace {
        turns_per_s: 0,
        numbers: vec![(number.clone(), PER_S)],
        waiting_max: WAITING_MAX,
        tell_after_ms: 15 * SECOND_MS,
        ramp_ms: 20 * SECOND_MS,
        replies_waiting_ms: 10 * SECOND_MS,
    };
    let before = resident_bytes();
    let mut gate = Admission::new(pace, START);
    let mut pairs = Pairs::default();
    let rules = CodeRules { per_minute: u32::MAX, per_day: u32::MAX, ..CodeRules::default() };
    assert_eq!(rules.routes_max, ROUTES_MAX);
    let mut codes = Codes::new(rules);
    let clock = Arc::new(Hand(AtomicI64::new(START.0)));
    let fence = Fence::new(60, clock.clone());
    let mut held = Held::default();
    for sender in 0..senders {
        let now = START.plus_ms(i64::try_from(sender).unwrap_or_default());
        clock.0.store(now.0, Ordering::Relaxed);
        // Far apart in every table.
        let contact = ContactId(sender.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut let_in = Vec::new();
        match gate.arrive(contact, &number, now) {
            Arrival::Served => let_in.push(contact),
            Arrival::Full { .. } => held.turned_away += 1,
            Arrival::Waits(_) => {}
        }
        let_in.extend(std::iter::from_fn(|| gate.next(now)).map(|guest| guest.contact));
        for contact in let_in {
            held.served += 1;
            assert!(fence.admits(contact));
            assert_eq!(pairs.take(&number, contact, now), Ok(()));
            let mut route = [0; 16];
            route[..8].copy_from_slice(&contact.0.to_le_bytes());
            let route = LookupKey(route);
            if codes.take(route, false, now).is_ok() {
                held.codes += 1;
                // As its owner does after each: what was forgotten is deleted.
                codes.rows(route);
            }
        }
        if sender % 1_000 == 999 {
            if swept {
                pairs.forget(now);
            }
            let (count, bytes) = pairs.held();
            held.pairs = held.pairs.max(count);
            held.pair_bytes = held.pair_bytes.max(bytes);
            held.routes = held.routes.max(codes.len());
            held.fenced = held.fenced.max(fence.len());
            held.waiting = held.waiting.max(gate.view(now).waiting);
            held.grown_bytes = held.grown_bytes.max(resident_bytes().saturating_sub(before));
        }
    }
    held
}

/// A pair's bucket is full again six seconds after its one message, and full ones are looked for each ten.
const PAIRS_HELD_MAX: usize = (PER_S as usize) * 17;

fn assert_bounded(held: &Held) {
    assert!(held.pairs <= PAIRS_HELD_MAX && held.pair_bytes <= 4 << 20, "{held:?}");
    assert!(held.routes <= ROUTES_MAX && held.waiting <= WAITING_MAX, "{held:?}");
    // Ten seconds of senders, and those of the second before.
    assert!(held.fenced <= (PER_S as usize) * 11, "{held:?}");
}

#[test]
fn a_hundred_thousand_senders_are_within_the_caps_because_they_are_forgotten() {
    assert_eq!((PAIR_BURST, PAIR_EVERY_MS), (45, 6_000), "what the figure stands on");
    let held = offer(100_000, true);
    assert_bounded(&held);
    assert!(held.turned_away > 0 && held.waiting == WAITING_MAX, "the room was full: {held:?}");
    let kept = offer(100_000, false);
    assert_eq!(kept.pairs as u64, kept.served, "the test of the test: who is not forgotten is held");
    assert!(kept.pairs > PAIRS_HELD_MAX, "{kept:?}");
}

/// `.ci/long senders`: alone in its process, whose memory is measured.
#[test]
#[ignore = "a long run: .ci/long senders"]
#[expect(clippy::print_stdout, reason = "whoever runs it wants the figures")]
fn ten_million_senders_leave_a_few_bytes_each() {
    let senders: u64 = std::env::var("SIAGA_SENDERS").ok().and_then(|count| count.parse().ok()).unwrap_or(10_000_000);
    let held = offer(senders, true);
    println!("{held:?}");
    println!(
        "{senders} senders: the process grew by {} KiB at the most, {:.2} bytes a sender",
        held.grown_bytes / 1_024,
        f64::from(u32::try_from(held.grown_bytes).unwrap_or(u32::MAX))
            / f64::from(u32::try_from(senders).unwrap_or(u32::MAX))
    );
    assert_bounded(&held);
    assert!(held.grown_bytes <= 32 << 20, "{held:?}");
}
