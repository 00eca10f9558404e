//! What time takes from an account, to the millisecond, and who has a place in it.

use super::*;

const START: Timestamp = Timestamp(1_795_400_000_000);
const KEY: LookupKey = LookupKey([3; 16]);

fn account() -> Account {
    Account { used_at: START, ..Account::default() }
}

fn chat(contact: u64, belongs: bool, used_at: Timestamp) -> Chat {
    Chat::new(ContactId(contact), belongs, used_at)
}

fn change(expires_at: Timestamp) -> Change {
    let what = What::Name { before: Name::parse("SITI UJI").unwrap() };
    Change { key: KEY, expires_at, person: PersonId("p1".into()), what, stage: Stage::Open }
}

const LOGIN: Option<ChatLogin> = Some(ChatLogin { since: START, step_up: None, weak: false });

#[test]
fn an_account_is_forgotten_when_nothing_of_it_matters_any_more_and_not_a_moment_sooner() {
    let end = START.plus_ms(IDLE_MS + 5_000);
    let locked = Chat { lock: Some(Lock { until: end.plus_ms(-DAY_MS), count: 1 }), ..chat(1, true, START) };
    for (what, account) in [
        ("use", Account { used_at: end.plus_ms(-IDLE_MS), ..account() }),
        ("changes are shut", Account { changes_shut_until: Some(end), ..account() }),
        ("the phone is shut", Account { phone_shut_until: Some(end), ..account() }),
        ("a change", Account { changes: vec![change(START), change(end)], ..account() }),
        ("a lock", Account { chats: vec![chat(2, true, START), locked], ..account() }),
    ] {
        assert!(!account.is_idle(end.plus_ms(-1)), "{what}");
        assert!(account.is_idle(end), "{what}");
    }
    let proof = Some(Proof { at: START, bsuid: None, suspect: None });
    assert!(!Account { proof, ..account() }.is_idle(START.plus_ms(PROVEN_MS * 2)));
}

#[test]
fn a_change_is_spent_when_its_undo_code_is() {
    let end = START.plus_ms(DAY_MS);
    for (now, spent) in [(end.plus_ms(-1), false), (end, true)] {
        let mut account = Account { changes: vec![change(end.plus_ms(1)), change(end)], ..account() };
        assert_eq!(account.has_spent_changes(now), spent);
        assert_eq!(account.settle(now, &AccountRules::default()), if spent { vec![KEY] } else { Vec::new() });
        assert_eq!(account.changes.len(), 2 - usize::from(spent));
    }
}

#[test]
fn what_is_shut_opens_in_time_and_a_clock_that_jumped_back_shuts_it_no_longer_than_the_rules() {
    let rules = AccountRules::default();
    let end = START.plus_ms(60_000);
    let settled = |now: Timestamp| {
        let mut account = Account { changes_shut_until: Some(end), phone_shut_until: Some(end), ..account() };
        account.settle(now, &rules);
        (account.changes_shut_until, account.phone_shut_until)
    };
    assert_eq!(settled(end.plus_ms(-1)), (Some(end), Some(end)));
    assert_eq!(settled(end), (None, None));
    let long_ago = START.plus_ms(-PROVEN_MS);
    let longest = (later(long_ago, rules.changes_shut_s), later(long_ago, rules.phone_changes_every_s));
    assert_eq!(settled(long_ago), (Some(longest.0), Some(longest.1)));
}

#[test]
fn codes_to_strangers_count_for_a_day_and_from_now_when_the_clock_jumped_back() {
    let rules = AccountRules::default();
    let left = |now: Timestamp| {
        let mut account = Account { stranger_sends: vec![START], ..account() };
        account.settle(now, &rules);
        account.stranger_sends
    };
    assert_eq!(left(START.plus_ms(DAY_MS - 1)), [START]);
    assert_eq!(left(START.plus_ms(DAY_MS)), []);
    assert_eq!(left(START.plus_ms(-DAY_MS)), [START.plus_ms(-DAY_MS)]);
    let mut account = account();
    account.nik_misses.push(NikMisses { print: 1, today: 3, day_from: START });
    account.settle(START.plus_ms(-1), &rules);
    assert_eq!(account.nik_misses[0].day_from, START.plus_ms(-1));
}

#[test]
fn chats_are_kept_as_long_as_they_matter() {
    let login_max_s = u32::try_from(PROVEN_MS * 2 / SECOND_MS).unwrap();
    let rules = AccountRules { login_max_s, ..AccountRules::default() };
    let left = |chat: Chat, after_ms: i64| {
        let mut account = Account { chats: vec![chat], ..account() };
        account.settle(START.plus_ms(after_ms), &rules);
        account.chats.len()
    };
    for (belongs, kept_ms) in [(false, IDLE_MS), (true, PROVEN_MS)] {
        assert_eq!(left(chat(1, belongs, START), kept_ms - 1), 1);
        assert_eq!(left(chat(1, belongs, START), kept_ms), 0);
        let in_it = Chat { login: LOGIN, ..chat(1, belongs, START) };
        assert_eq!(left(in_it, kept_ms), 1, "a login");
        let lock = Some(Lock { until: START.plus_ms(kept_ms), count: 1 });
        assert_eq!(left(Chat { lock, ..chat(1, belongs, START) }, kept_ms), 1, "a lock");
    }
}

#[test]
fn two_chats_that_are_one_have_one_place_and_what_counts_against_either() {
    let locked = |contact| Chat {
        lock: Some(Lock { until: START.plus_ms(5), count: 2 }),
        login: LOGIN,
        ..chat(contact, true, START)
    };
    let known = |account: &Account| account.chats.iter().map(|chat| chat.contact.0).collect::<Vec<_>>();
    let mut both = Account { chats: vec![chat(1, true, START), locked(2), chat(3, true, START)], ..account() };
    both.join(ContactId(2), ContactId(3));
    assert_eq!(known(&both), [1, 3]);
    let survivor = both.chat(ContactId(3)).unwrap();
    assert!(survivor.lock.is_some() && survivor.login.is_none());
    let mut one = Account { chats: vec![locked(2)], ..account() };
    one.join(ContactId(2), ContactId(9));
    one.join(ContactId(4), ContactId(9));
    assert_eq!(known(&one), [9]);
    let survivor = one.chat_mut(ContactId(9)).unwrap();
    assert!(survivor.lock.is_some() && survivor.login.is_none() && !survivor.belongs, "it has to prove itself");
}

#[test]
fn who_belongs_finds_a_place_and_a_stranger_never_takes_one_of_use() {
    let later = START.plus_ms(IDLE_MS);
    let full = |strangers: u64, own_used_at: Timestamp| {
        let mut account = account();
        account.chats.extend((0..strangers).map(|n| chat(n, false, later)));
        let own = CHATS_MAX as u64 - strangers;
        account.chats.extend((0..own).map(|n| chat(100 + n, true, own_used_at.plus_ms(i64::try_from(n).unwrap()))));
        account
    };
    let mut seven = full(7, START);
    assert!(seven.admit(ContactId(500), false, later), "the longest unused of its own gives way");
    assert!(seven.chat(ContactId(100)).is_none() && seven.chat(ContactId(101)).is_some());
    assert!(!seven.admit(ContactId(501), false, later), "eight strangers");
    assert!(!full(7, START.plus_ms(1)).admit(ContactId(500), false, later), "it was used within a day");
    let mut used = full(8, later);
    assert!(used.admit(ContactId(500), true, later), "the account's own number");
    assert_eq!((used.chats.len(), used.chat(ContactId(100)).is_none()), (CHATS_MAX, true));
    for keep in 100..104 {
        let mut busy = full(8, later);
        for chat in busy.chats.iter_mut().filter(|chat| chat.belongs && chat.contact.0 != keep) {
            if chat.contact.0 % 2 == 0 {
                chat.login = LOGIN;
            } else {
                chat.lock = Some(Lock { until: later, count: 1 });
            }
        }
        assert!(busy.admit(ContactId(500), true, later));
        assert!(busy.chat(ContactId(keep)).is_none(), "the only one that has nothing to lose");
    }
    let mut room = Account { chats: (0..8).map(|n| chat(n, false, START)).collect(), ..account() };
    assert!(!room.admit(ContactId(500), false, later) && room.admit(ContactId(500), true, later));
    assert!(room.admit(ContactId(0), true, later), "known already, and from its own number now");
    let known = room.chat(ContactId(0)).unwrap();
    assert_eq!((known.belongs, known.used_at, room.chats.len()), (true, later, 9));
    assert!(room.admit(ContactId(500), false, later) && room.chat(ContactId(500)).unwrap().belongs, "it stays its own");
}
