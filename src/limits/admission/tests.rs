//! Who is served, who waits, in which order, and whether what is promised is true.

use proptest::prelude::*;

use super::*;

fn number(n: u8) -> BusinessNumber {
    BusinessNumber(format!("10{n}").into())
}

fn pace(turns_per_s: u32) -> Pace {
    Pace {
        turns_per_s,
        numbers: vec![(number(0), 1_000)],
        waiting_max: 1_000,
        tell_after_ms: 15 * SECOND_MS,
        ramp_ms: 20 * SECOND_MS,
        replies_waiting_ms: 10 * SECOND_MS,
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp(1_795_416_600_000 + ms)
}

fn guest(n: u64) -> ContactId {
    ContactId(n)
}

/// Lets in all who may, in steps of 25 ms from `from_ms` to `to_ms`.
fn let_in(gate: &mut Admission, from_ms: i64, to_ms: i64) -> Vec<u64> {
    let steps = (from_ms..=to_ms).step_by(25);
    steps
        .flat_map(|ms| std::iter::from_fn(|| gate.next(at(ms))).map(|guest| guest.contact.0).collect::<Vec<_>>())
        .collect()
}

#[test]
fn the_pace_is_the_smaller_of_budget_and_setting() {
    // (turns set, messages a second of each number, turns in all)
    let table: [(u32, &[u32], u32); 6] = [
        (0, &[80], 40),
        (0, &[80, 1_000], 540),
        (500, &[1_000, 1_000], 500),
        (500, &[80], 500),
        (0, &[1], 1),
        (7, &[], 7),
    ];
    for (turns_per_s, rates, expected) in table {
        let numbers = rates.iter().zip(0..).map(|(rate, n)| (number(n), *rate)).collect();
        let gate = Admission::new(Pace { numbers, ..pace(turns_per_s) }, at(0));
        assert_eq!(gate.view(at(0)).turns_per_s, expected, "{turns_per_s}, {rates:?}");
    }
    // The setting may be more than a number can send: each number keeps its own pace.
    let mut gate = Admission::new(Pace { numbers: vec![(number(0), 8)], ..pace(500) }, at(0));
    let served = (0..10).filter(|n| gate.arrive(guest(*n), &number(0), at(0)) == Arrival::Served).count();
    assert_eq!(served, 1, "four a second, a quarter of a second at once");
}

#[test]
fn who_arrives_in_calm_is_served_at_once_and_nobody_overtakes() {
    let mut gate = Admission::new(pace(4), at(0));
    assert_eq!(gate.arrive(guest(1), &number(0), at(0)), Arrival::Served);
    let Arrival::Waits(second) = gate.arrive(guest(2), &number(0), at(1)) else { panic!("no room") };
    // Half a second later there is room for two: the third comes behind the second all the same.
    let Arrival::Waits(_) = gate.arrive(guest(3), &number(0), at(500)) else { panic!("the second waits") };
    assert_eq!(gate.next(at(500)), Some(Guest { contact: guest(2), seat: second }));
    assert_eq!(let_in(&mut gate, 500, 2_000), [3]);
    assert_eq!(gate.view(at(2_000)).waiting, 0);
    assert_eq!(gate.arrive(guest(4), &number(0), at(2_000)), Arrival::Served);
}

#[test]
fn the_live_go_first_and_leave_what_is_left() {
    let mut gate = Admission::new(pace(20), at(0));
    for n in 0..200 {
        gate.arrive(guest(n), &number(0), at(0));
    }
    // Fifteen live turns a second leave five.
    let mut count = 0;
    for ms in (25..=20_000).step_by(25) {
        if ms % 200 < 75 {
            gate.live(&number(0), at(ms));
        }
        count += let_in(&mut gate, ms, ms).len();
    }
    assert!((80..=120).contains(&count), "{count} in twenty seconds");
    // More live turns than the pace leave none, and what is owed is forgiven soon.
    for ms in 20_001..21_000 {
        gate.live(&number(0), at(ms));
    }
    assert!(gate.next(at(21_000)).is_none());
    assert!(gate.next(at(23_500)).is_some(), "two seconds are owed at most");
}

#[test]
fn a_ramp_lets_in_a_tenth_at_first_and_all_at_its_end() {
    let mut gate = Admission::new(Pace { waiting_max: 2_000, ..pace(100) }, at(0));
    gate.ramp(at(0));
    for n in 0..2_000 {
        assert_ne!(gate.arrive(guest(n), &number(0), at(0)), Arrival::Served, "not even the first");
    }
    let seconds: Vec<usize> = (0..5).map(|s| let_in(&mut gate, s * 5_000 + 1, (s + 1) * 5_000).len()).collect();
    // Evenly multiplied: ten times as fast after twenty seconds.
    assert!(seconds.is_sorted() && seconds[0] < 100 && seconds[4] >= 480, "{seconds:?}");
    assert!(seconds[..4].iter().sum::<usize>() < 900, "{seconds:?}");
    assert_eq!(gate.view(at(25_000)).ramp_percent, 100);
}

#[test]
fn held_nobody_is_let_in_and_afterwards_by_a_ramp() {
    let mut gate = Admission::new(pace(100), at(0));
    gate.hold(true, at(0));
    for n in 0..500 {
        assert!(matches!(gate.arrive(guest(n), &number(0), at(0)), Arrival::Waits(_)));
    }
    assert_eq!(let_in(&mut gate, 0, 30_000).len(), 0);
    assert!(gate.tell(at(30_000)).is_none(), "what would say so cannot leave");
    gate.hold(false, at(30_000));
    assert!(let_in(&mut gate, 30_000, 31_000).len() < 20, "a tenth of the pace");
    // A short one is no outage.
    let mut gate = Admission::new(pace(100), at(0));
    for n in 0..500 {
        gate.arrive(guest(n), &number(0), at(0));
    }
    gate.hold(true, at(0));
    gate.hold(false, at(5_000));
    assert!(let_in(&mut gate, 5_000, 6_000).len() > 90);
}

#[test]
fn place_and_time_are_told_once_and_once_more() {
    let mut gate = Admission::new(pace(10), at(0));
    let seats: Vec<Arrival> = (0..600).map(|n| gate.arrive(guest(n), &number(0), at(0))).collect();
    let told: Vec<(u64, u32, u32)> = std::iter::from_fn(|| gate.tell(at(100)))
        .map(|(guest, place)| (guest.contact.0, place.place, place.minutes))
        .collect();
    // Two new conversations a second at first: the thirty next are let in within fifteen seconds.
    let served = seats.iter().filter(|arrival| **arrival == Arrival::Served).count() as u64;
    assert_eq!(served, 2);
    assert_eq!(told.first(), Some(&(30 + served, 31, 1)));
    assert!(told.len() < 5, "telling has a pace of its own: {}", told.len());
    let Arrival::Waits(seat) = seats[usize::try_from(told[0].0).unwrap()] else { panic!("he waits") };
    assert_eq!(gate.again(seat, at(59_000)), None, "so soon");
    let again = gate.again(seat, at(61_000)).expect("told again");
    assert_eq!(again.place, 31, "nobody was let in meanwhile");
    assert_eq!(gate.again(seat, at(300_000)), None, "never a third time");
    let Arrival::Waits(last) = seats[599] else { panic!("he waits") };
    assert_eq!(gate.again(last, at(300_000)), None, "who was not told yet is told in his turn");
}

#[test]
fn a_full_room_turns_away_and_keeps_who_is_in_it() {
    let mut gate = Admission::new(Pace { waiting_max: 3, ..pace(4) }, at(0));
    let arrivals: Vec<Arrival> = (0..8).map(|n| gate.arrive(guest(n), &number(0), at(0))).collect();
    assert!(
        matches!(
            arrivals[..],
            [
                Arrival::Served,
                Arrival::Waits(_),
                Arrival::Waits(_),
                Arrival::Waits(_),
                Arrival::Full { minutes: 1, tell: true },
                Arrival::Full { tell: false, .. },
                ..
            ]
        ),
        "{arrivals:?}"
    );
    let view = gate.view(at(0));
    assert_eq!((view.waiting, view.turned_away), (3, 4));
    assert_eq!(let_in(&mut gate, 0, 5_000), [1, 2, 3]);
}

#[test]
fn each_number_has_its_own_line() {
    let numbers = vec![(number(0), 8), (number(1), 800)];
    let mut gate = Admission::new(Pace { numbers, ..pace(0) }, at(0));
    for n in 0..20 {
        gate.arrive(guest(n), &number(0), at(0));
    }
    assert_eq!(gate.arrive(guest(100), &number(1), at(0)), Arrival::Served, "the other is calm");
    assert_eq!(let_in(&mut gate, 25, 2_000), (1..9).collect::<Vec<_>>());
}

#[test]
fn telling_never_costs_more_than_its_share_however_many_numbers_there_are() {
    let numbers = (0..10).map(|n| (number(n), 1_000)).collect();
    let mut gate = Admission::new(Pace { numbers, waiting_max: 10_000, ..pace(40) }, at(0));
    for n in 0..5_000 {
        gate.arrive(guest(n), &number(u8::try_from(n % 10).unwrap()), at(0));
    }
    let (mut served, mut told) = (0, [0; 10]);
    for ms in (25..=20_000).step_by(25) {
        served += let_in(&mut gate, ms, ms).len();
        while let Some((guest, _)) = gate.tell(at(ms)) {
            told[usize::try_from(guest.contact.0 % 10).unwrap()] += 1;
        }
    }
    assert!((560..=640).contains(&served), "{served} served in twenty seconds at thirty a second");
    assert!(told.iter().all(|told| (15..=25).contains(told)), "the numbers take turns: {told:?}");
}

#[derive(Clone, Debug)]
enum Op {
    Arrive(u8),
    Live(u8),
    Wait(u16),
    Hold(bool),
    Ramp,
    Again(u8),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..2_u8).prop_map(Op::Arrive),
        3 => (0..2_u8).prop_map(Op::Live),
        5 => (0..3_000_u16).prop_map(Op::Wait),
        1 => any::<bool>().prop_map(Op::Hold),
        1 => Just(Op::Ramp),
        2 => any::<u8>().prop_map(Op::Again),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order: within a number first come is first served, nobody is lost or let in
    /// twice, told twice at most and each place is the true one, never more in a second than the pace, and the
    /// room never holds more than its bound.
    #[test]
    fn the_gate_keeps_its_promises(ops in prop::collection::vec(op(), 1..200), turns in 1..60_u32) {
        let numbers = vec![(number(0), 40), (number(1), 60)];
        let mut gate = Admission::new(Pace { numbers, waiting_max: 40, ..pace(turns) }, at(0));
        let mut model: [std::collections::VecDeque<(u64, Seat)>; 2] = Default::default();
        let mut told: HashMap<u64, u32> = HashMap::new();
        let (mut now, mut next) = (0_i64, 0_u64);
        let mut went: Vec<i64> = Vec::new();
        for op in ops {
            match op {
                Op::Arrive(to) => {
                    next += 1;
                    match gate.arrive(guest(next), &number(to), at(now)) {
                        Arrival::Served => {
                            prop_assert!(model[usize::from(to)].is_empty(), "overtook");
                            went.push(now);
                        }
                        Arrival::Waits(seat) => model[usize::from(to)].push_back((next, seat)),
                        Arrival::Full { minutes, .. } => {
                            prop_assert!(minutes >= 1);
                            prop_assert_eq!(model[0].len() + model[1].len(), 40);
                        }
                    }
                }
                Op::Live(to) => gate.live(&number(to), at(now)),
                Op::Wait(ms) => now += i64::from(ms),
                Op::Hold(held) => gate.hold(held, at(now)),
                Op::Ramp => gate.ramp(at(now)),
                Op::Again(which) => {
                    let line = &model[usize::from(which % 2)];
                    if let Some((contact, seat)) = line.get(usize::from(which) % line.len().max(1)).copied()
                        && let Some(place) = gate.again(seat, at(now))
                    {
                        let at = line.iter().position(|(known, _)| *known == contact);
                        prop_assert_eq!(Some(place.place), at.map(|at| u32::try_from(at + 1).unwrap()));
                        *told.entry(contact).or_default() += 1;
                    }
                }
            }
            while let Some(Guest { contact, seat }) = gate.next(at(now)) {
                let line = model.iter_mut().find(|line| line.front() == Some(&(contact.0, seat)));
                prop_assert!(line.is_some(), "not the first of any line");
                if let Some(line) = line {
                    line.pop_front();
                }
                went.push(now);
            }
            while let Some((Guest { contact, seat }, place)) = gate.tell(at(now)) {
                let at = model.iter().find_map(|line| line.iter().position(|known| *known == (contact.0, seat)));
                prop_assert_eq!(Some(place.place), at.map(|at| u32::try_from(at + 1).unwrap()));
                prop_assert!(place.minutes >= 1);
                *told.entry(contact.0).or_default() += 1;
            }
            prop_assert_eq!(gate.view(at(now)).waiting, model[0].len() + model[1].len());
        }
        prop_assert!(told.values().all(|times| *times <= 2), "{:?}", told);
        // In no second more than the pace and the quarter of a second that was saved up.
        let most = i64::from(turns) + (i64::from(turns) / 4).max(1);
        for (first, from) in went.iter().enumerate() {
            let within = went[first..].iter().take_while(|at| **at < from + SECOND_MS).count();
            prop_assert!(i64::try_from(within).unwrap() <= most + 1, "{} in a second at {} turns", within, turns);
        }
    }
}
