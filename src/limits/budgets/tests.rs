//! Budgets on a clock that the test owns.

use super::*;
use crate::domain::time::Timestamp;
use crate::limits::standing::Standing;
use crate::wire::payload::{AccountChange, AccountEvent, QualityChange, TemplateState};

struct Hand(std::sync::atomic::AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

struct World {
    hand: Arc<Hand>,
    budgets: Budgets,
}

fn number(id: &str) -> BusinessNumber {
    BusinessNumber(id.into())
}

/// Two numbers of eighty a second.
fn world() -> World {
    let hand = Arc::new(Hand(1_000_000.into()));
    let budgets = Budgets::on_clock(hand.clone(), [(number("1"), 80), (number("2"), 80)])
        .known_as(&number("1"), "0811-0000-0119")
        .known_as(&number("2"), "+62 811-0000-0120");
    World { hand, budgets }
}

impl World {
    fn pass(&self, ms: i64) {
        self.hand.0.fetch_add(ms, std::sync::atomic::Ordering::SeqCst);
    }

    fn takes(&self, id: &str) -> bool {
        self.budgets.take_for(&number(id), Urgency::Session) == Room::Yes
    }

    /// Messages that leave within so many seconds, tried each millisecond.
    fn sent_in(&self, id: &str, seconds: i64, urgency: Urgency) -> usize {
        (0..seconds * 1_000)
            .filter(|_| {
                self.pass(1);
                self.budgets.take_for(&number(id), urgency) == Room::Yes
            })
            .count()
    }

    fn refused(&self, id: &str, code: u32) {
        self.budgets.refused(&number(id), Some(code), crate::wire::codes::class(code));
    }
}

#[test]
fn a_number_sends_no_more_than_its_budget() {
    let world = world();
    let burst = (0..100).filter(|_| world.takes("1")).count();
    assert_eq!(burst, 8, "a tenth of a second's worth");
    assert!((795..=800).contains(&world.sent_in("1", 10, Urgency::Session)));
    assert!(!world.takes("3"), "a stranger has no budget");
    assert!(world.takes("2"), "each number has its own");
}

#[test]
fn what_comes_in_takes_half_at_most() {
    let world = world();
    let mut sent = 0;
    for _ in 0..10_000 {
        world.pass(1);
        (0..3).for_each(|_| world.budgets.heard(&number("1")));
        sent += usize::from(world.takes("1"));
    }
    assert!((350..=410).contains(&sent), "a flood of 3,000 a second leaves replies their half: {sent} in 10 s");
}

#[test]
fn where_meta_refuses_for_what_came_in_all_of_it_counts_for_a_minute() {
    let world = world();
    let flood = |seconds: i64| {
        let mut sent = 0;
        for ms in 0..seconds * 1_000 {
            world.pass(1);
            // Sixty a second.
            if ms % 50 < 3 {
                world.budgets.heard(&number("1"));
            }
            sent += usize::from(world.takes("1"));
        }
        sent
    };
    assert!((355..=420).contains(&flood(10)), "replies keep their half");
    (0..5).for_each(|_| world.refused("1", 130_429));
    assert_eq!(world.budgets.per_s(&number("1")), 80, "the rate was right");
    let rest = flood(10);
    assert!((170..=205).contains(&rest), "what sixty a second leave: {rest} in 10 s");
    world.refused("1", 130_429);
    assert_eq!(world.budgets.per_s(&number("1")), 56, "if that is too much as well, it is cut");
    flood(80);
    assert!((355..=420).contains(&flood(10)), "a minute later they have their half again");
}

#[test]
fn in_and_out_together_keep_the_rate() {
    let world = world();
    let mut sent = 0;
    for ms in 0..60_000 {
        world.pass(1);
        if ms % 40 == 0 {
            world.budgets.heard(&number("1"));
        }
        sent += usize::from(world.takes("1"));
    }
    assert!((3_280..=3_310).contains(&sent), "80 less the 25 a second that come in: {sent} in 60 s");
}

#[test]
fn the_urgent_find_room_where_the_others_find_none() {
    let world = world();
    (0..8).for_each(|_| assert!(world.takes("1")));
    let mut taken = [0; 3];
    for _ in 0..1_000 {
        world.pass(5);
        for (place, urgency) in [Urgency::Notice, Urgency::Reply, Urgency::Session].into_iter().enumerate() {
            taken[place] += usize::from(world.budgets.take_for(&number("1"), urgency) == Room::Yes);
        }
    }
    assert_eq!(taken[..2], [0, 0], "whoever asks first");
    assert!(taken[2] >= 395);
    assert!(world.sent_in("1", 10, Urgency::Notice) >= 790, "alone, notices have it all");
}

#[test]
fn a_rate_that_meta_refuses_is_cut_and_recovers() {
    let world = world();
    world.sent_in("1", 1, Urgency::Session);
    (0..20).for_each(|_| world.refused("1", 130_429));
    assert_eq!((world.budgets.per_s(&number("1")), world.budgets.per_s(&number("2"))), (56, 80));
    assert!(world.budgets.troubles()[0].contains("rate cut to 56 of 80"));
    world.pass(31_000);
    assert_eq!(world.budgets.per_s(&number("1")), 80);
    assert!(world.budgets.troubles().is_empty());
}

#[test]
fn maintenance_and_spam_wait_a_minute_for_that_number() {
    for code in [131_057, 131_048] {
        let world = world();
        world.refused("1", code);
        assert_eq!(world.budgets.take_for(&number("1"), Urgency::Session), Room::Shut);
        assert!(world.takes("2"));
        world.pass(59_999);
        assert!(!world.takes("1"));
        assert_eq!(world.budgets.troubles().iter().filter(|line| line.contains("sends wait")).count(), 1);
        world.pass(1);
        assert!(world.takes("1"), "{code}");
    }
}

#[test]
fn the_apps_and_the_accounts_rate_hold_all_numbers_ever_longer() {
    for code in [4, 80_007, 131_064] {
        let world = world();
        for wait_ms in [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
            (0..5).for_each(|_| world.refused("1", code));
            world.pass(wait_ms - 1);
            assert!(!world.takes("1") && !world.takes("2"), "{code}");
            world.pass(1);
            assert!(world.takes("1") && world.takes("2"), "{code} after {wait_ms}");
        }
        world.budgets.accepted(&number("1"));
        world.refused("2", code);
        world.pass(2_000);
        assert!(world.takes("1"), "one accepted, it begins anew");
    }
}

#[test]
fn a_stop_ends_when_a_probe_is_accepted() {
    for (code, everyones) in [(0, true), (190, true), (368, false), (131_031, false), (131_042, false)] {
        let world = world();
        world.refused("1", code);
        assert_eq!(world.budgets.take_for(&number("1"), Urgency::Session), Room::Shut, "{code}");
        assert_eq!(world.takes("2"), !everyones, "{code}");
        world.budgets.accepted(&number("1"));
        assert!(!world.takes("1"), "{code}: it left before the stop");
        assert_eq!(world.budgets.troubles().len(), 1);
        world.pass(60_000);
        assert!(world.takes("1"), "{code}: the probe");
        assert!(!world.takes("1"), "{code}: one");
        world.refused("1", code);
        world.pass(119_999);
        assert!(!world.takes("1"), "{code}: the next after twice as long");
        world.pass(1);
        assert!(world.takes("1"));
        world.budgets.accepted(&number("1"));
        assert!(world.takes("1") && world.takes("2"), "{code}");
        assert!(world.budgets.troubles().is_empty());
    }
}

#[test]
fn a_probe_that_finds_no_room_comes_at_once_when_there_is_some() {
    let world = world();
    world.refused("1", 131_042);
    (0..200).for_each(|_| world.budgets.heard(&number("1")));
    world.pass(60_000);
    (0..200).for_each(|_| world.budgets.heard(&number("1")));
    assert_eq!(world.budgets.take_for(&number("1"), Urgency::Session), Room::NotNow);
    world.pass(1_000);
    assert!(world.takes("1"));
}

fn account(change: AccountChange, digits: Option<&str>) -> AccountEvent {
    AccountEvent::Account { change, display_number: digits.map(str::to_owned) }
}

#[test]
fn a_ban_stops_sends_until_meta_says_otherwise_and_over_a_restart() {
    let world = world();
    for change in [AccountChange::Violation, AccountChange::DisablingScheduled, AccountChange::RestrictedOutsideWindow]
    {
        assert_eq!(world.budgets.news(&account(change, None)), None, "an operator's business");
    }
    assert!(world.takes("1"));
    for change in
        [AccountChange::Disabled, AccountChange::Deleted, AccountChange::Offboarded, AccountChange::Restricted]
    {
        let kept = world.budgets.news(&account(change, None)).unwrap();
        assert!(!world.takes("1") && !world.takes("2"), "{change:?}");
        let again = super::tests::world();
        again.budgets.stand(&kept);
        assert!(!again.takes("1"), "after a restart as well");
        let over = world.budgets.news(&account(AccountChange::Reinstated, None)).unwrap();
        assert_eq!(over.key(), kept.key(), "the later takes the place of the earlier");
        assert!(world.takes("1") && world.takes("2"));
        again.budgets.stand(&over);
        assert!(again.takes("1"));
    }
    let kept = world.budgets.news(&account(AccountChange::Restricted, Some("6281100000119"))).unwrap();
    assert_eq!(kept, Standing::Number("1".into(), Some(Reason::Restricted)));
    assert!(!world.takes("1") && world.takes("2"), "that number's sends");
    assert!(world.budgets.troubles()[0].starts_with("number 1: sends are stopped"));
}

#[test]
fn an_upgrade_raises_the_number_it_names() {
    let world = world();
    let upgrade = |digits: Option<&str>| AccountEvent::NumberQuality {
        display_number: digits.map(str::to_owned),
        change: QualityChange::ThroughputUpgrade,
    };
    assert_eq!(world.budgets.news(&upgrade(Some("6281100000999"))), None, "not ours");
    assert_eq!(world.budgets.news(&upgrade(None)), None, "one of two");
    let kept = world.budgets.news(&upgrade(Some("6281100000120"))).unwrap();
    assert_eq!((world.budgets.per_s(&number("1")), world.budgets.per_s(&number("2"))), (80, 1_000));
    assert!((9_900..=10_000).contains(&world.sent_in("2", 10, Urgency::Session)));
    let again = super::tests::world();
    again.budgets.stand(&kept);
    assert_eq!(again.budgets.per_s(&number("2")), 1_000);
}

#[test]
fn a_paused_template_is_not_said() {
    let world = world();
    let news = |state| AccountEvent::Template { name: Some("news".into()), state };
    for state in [TemplateState::Paused, TemplateState::Disabled, TemplateState::Rejected] {
        assert_eq!(world.budgets.news(&news(state)), Some(Standing::Template("news".into(), false)));
        assert!(!world.budgets.template_is_usable("news") && world.budgets.template_is_usable("other"));
        world.budgets.news(&news(TemplateState::Flagged));
        assert_eq!(world.budgets.troubles(), ["template news: paused or disabled"]);
        world.budgets.news(&news(TemplateState::Approved));
        assert!(world.budgets.template_is_usable("news"));
    }
}
