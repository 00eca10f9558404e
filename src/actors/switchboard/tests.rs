//! Who is who: the cases of cloud-api.md 10, each with a crash between any two records.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::actors::SystemRandom;
use crate::actors::board::Waiting;
use crate::actors::session::plan::Alarm;
use crate::actors::session::seen::Older;
use crate::actors::session::sends::Sends;
use crate::actors::session::{Ours, Setting, turn};
use crate::conversation::text::Texts;
use crate::conversation::{Rules, State};
use crate::domain::call::{Answer, CallId, Login};
use crate::domain::contact::{BusinessNumber, Recipient};
use crate::domain::message::{Content, MessageId, Text};
use crate::domain::time::DAY_MS;
use crate::ports::{Delivery, Inlet, OutboxRow, RowId};
use crate::store::Memory;

const START: Timestamp = Timestamp(1_795_400_000_000);

/// Nobody listens: each turn finds its rows as a new process would.
struct Deaf;

impl Inlet for Deaf {
    fn deliver(&self, _: Vec<Delivery>) {}
}

/// A server that crashes after every record.
struct Town {
    store: Arc<Memory>,
    texts: Texts,
    now: Timestamp,
    messages: u64,
    /// What left, in order.
    said: Vec<OutboxRow>,
}

fn who(phone: &str, bsuid: &str) -> Identity {
    Identity {
        phone: (!phone.is_empty()).then(|| Phone::from_wa_id(phone).unwrap()),
        bsuid: (!bsuid.is_empty()).then(|| Bsuid(bsuid.to_owned())),
    }
}

const P: &str = "6281200000042";
const Q: &str = "6281200000043";
const X: &str = "ID.x";
const Y: &str = "ID.y";
const Z: &str = "ID.z";

impl Town {
    fn new() -> Self {
        Self {
            store: Arc::new(Memory::new()),
            texts: Texts::embedded().unwrap(),
            now: START,
            messages: 0,
            said: Vec::new(),
        }
    }

    fn inbound(&mut self, from: Identity, text: &str) -> Inbound {
        self.messages += 1;
        Inbound {
            id: MessageId(format!("w{}", self.messages)),
            from,
            to: BusinessNumber("100".into()),
            sent_at: self.now,
            quotes: None,
            content: Content::Text(Text(text.to_owned())),
        }
    }

    /// A crash, and what the next process finds open.
    fn open(&mut self) -> Vec<(RowId, InboxRow)> {
        self.store = Arc::new(self.store.reopen());
        self.store.attach(Arc::new(Deaf)).inbox
    }

    async fn post(&mut self, brought: Brought) {
        self.open();
        self.now = self.now.plus_ms(1_000);
        let keys = Arc::new(ServerKeys::derive(&[7; 32]));
        let switchboard = Switchboard::new(self.store.clone(), keys, Arc::new(SystemRandom));
        switchboard.accept(brought, self.now).await.unwrap();
    }

    async fn record(&self, contact: ContactId) -> ContactRecord {
        let value = self.store.get(Table::Contact, ContactRecord::key(contact)).await.unwrap();
        value.map(|value| ContactRecord::decode(&value).unwrap()).unwrap_or_default()
    }

    /// One turn of one contact, as its session takes it.
    async fn turn(&mut self, contact: ContactId, answers: Vec<(CallId, Answer)>) {
        let open = self.open();
        let rows = open.into_iter().filter(|(_, row)| row.contact == contact);
        let rows = rows.map(|(id, row)| (id, Arc::new(row))).collect();
        let waiting = Waiting { rows, answers, ..Waiting::default() };
        let record = self.record(contact).await;
        let (rules, sends, older) = (Rules::default(), Sends::default(), Older::default());
        let setting =
            Setting { contact, now: self.now, texts: &self.texts, rules: &rules, sends: &sends, older: &older };
        let plan = turn::plan(&Ours, &setting, &record, &waiting);
        self.said.extend(plan.replies.iter().cloned());
        let parts = plan.parts(contact, &[], Alarm::At(None));
        if !parts.is_empty() {
            self.store.append(Record { writer: None, parts }).unwrap();
        }
    }

    /// Turns until nothing is open; `last`: whether the newest contact of those that could goes first.
    async fn settle(&mut self, last: bool) {
        for _ in 0..50 {
            let open = self.open();
            let next = if last { open.last() } else { open.first() };
            let Some((_, row)) = next else { return };
            self.turn(row.contact, Vec::new()).await;
        }
        panic!("rows go round in a circle");
    }

    /// Says something; gives the contact that hears it in the end.
    async fn says(&mut self, phone: &str, bsuid: &str, text: &str, last: bool) -> ContactId {
        let message = self.inbound(who(phone, bsuid), text);
        let id = message.id.clone();
        self.post(Brought { messages: vec![message], ..Brought::default() }).await;
        let is_it = |body: &InboxBody| matches!(body, InboxBody::Message(message) if message.id == id);
        let named = self.open().into_iter().find(|(_, row)| is_it(&row.body)).map(|(_, row)| row.contact);
        self.settle(last).await;
        let named = named.unwrap();
        self.record(named).await.moved.unwrap_or(named)
    }

    async fn change(&mut self, before: Identity, after: Identity, last: bool) {
        self.post(Brought { changes: vec![(before, after)], ..Brought::default() }).await;
        self.settle(last).await;
    }

    /// Logs a contact in on its own number, by the answers that its calls would get.
    async fn log_in(&mut self, phone: &str, bsuid: &str) -> ContactId {
        let contact = self.says(phone, bsuid, "hai", false).await;
        self.says(phone, bsuid, "0812 0000 0042", false).await;
        self.answer(contact, Answer::OtpSent).await;
        self.says(phone, bsuid, "483920", false).await;
        self.answer(contact, Answer::OtpRight(Login { epoch: 1, step_up: false, weak: false })).await;
        assert!(self.record(contact).await.state.login().is_some(), "logged in");
        contact
    }

    async fn answer(&mut self, contact: ContactId, answer: Answer) {
        let call = self.record(contact).await.state.waiting().expect("it waits for an answer");
        self.turn(contact, vec![(call, answer)]).await;
    }
}

#[derive(Clone, Copy)]
enum Step {
    /// Phone, BSUID, and who it is.
    Says(&'static str, &'static str, char),
    /// Meta tells of a change: phone and BSUID of before and of now.
    Changes([&'static str; 4]),
}

#[tokio::test]
async fn who_is_who_whatever_the_order_and_with_a_crash_after_every_record() {
    use Step::{Changes, Says};
    let table: &[(&str, &[Step])] = &[
        ("phone and BSUID", &[Says(P, X, 'a'), Says(P, X, 'a')]),
        ("another BSUID, after the phone alone", &[Says(P, X, 'a'), Says(P, "", 'a'), Says(P, Y, 'b')]),
        (
            "the phone of one with the BSUID of another",
            &[Says(P, X, 'a'), Says("", Y, 'b'), Says(P, Y, 'b'), Says("", X, 'a'), Says(P, "", 'b')],
        ),
        (
            "the BSUID of one with the phone of another",
            &[Says(Q, X, 'a'), Says(P, "", 'b'), Says(P, X, 'a'), Says(P, "", 'a'), Says(Q, "", 'c')],
        ),
        ("BSUID only", &[Says("", X, 'a'), Says("", X, 'a'), Says("", Y, 'b')]),
        ("phone only, as before 2026", &[Says(P, "", 'a'), Says(P, "", 'a'), Says(Q, "", 'b')]),
        ("BSUID first, then the phone", &[Says("", X, 'a'), Says(P, X, 'a'), Says(P, "", 'a')]),
        ("phone first, then the BSUID", &[Says(P, "", 'a'), Says(P, X, 'a'), Says("", X, 'a')]),
        (
            "met twice, then both",
            &[Says(P, "", 'a'), Says("", X, '?'), Says(P, X, 'a'), Says("", X, 'a'), Says(P, "", 'a')],
        ),
        (
            "the other one is older",
            &[Says("", X, 'a'), Says(P, "", '?'), Says(P, X, 'a'), Says(P, "", 'a'), Says("", X, 'a')],
        ),
        ("update before the message", &[Says(P, X, 'a'), Changes(["", X, Q, Y]), Says(Q, Y, 'a'), Says("", X, 'a')]),
        (
            "update after the message",
            &[Says(P, X, 'a'), Says(Q, Y, '?'), Changes(["", X, Q, Y]), Says(Q, Y, 'a'), Says(Q, "", 'a')],
        ),
        ("update never", &[Says(P, X, 'a'), Says(Q, Y, 'b'), Says(Q, Y, 'b'), Says(P, X, 'a')]),
        (
            "update twice",
            &[Says(P, X, 'a'), Changes(["", X, Q, Y]), Says(Q, Y, 'a'), Changes(["", X, Q, Y]), Says(Q, Y, 'a')],
        ),
        ("update of the BSUID alone", &[Says(P, X, 'a'), Changes([P, X, P, Y]), Says("", Y, 'a'), Says(P, Y, 'a')]),
        (
            "update that tells of a phone he never showed",
            &[Says(Q, X, 'a'), Changes([P, X, "", Y]), Says("", Y, 'a'), Says("", X, 'a')],
        ),
        ("update without the phone", &[Says(P, X, 'a'), Changes(["", X, "", Y]), Says(Q, Y, 'a'), Says(P, "", 'b')]),
        ("the phone with another BSUID", &[Says(P, X, 'a'), Says(P, Z, 'b'), Says("", X, 'a'), Says(P, "", 'b')]),
        ("the phone left, and no BSUID", &[Says(P, X, 'a'), Says(Q, X, 'a'), Says(P, "", 'b')]),
        ("number changed", &[Says(P, "", 'a'), Changes([P, "", Q, ""]), Says(Q, "", 'a'), Says(P, "", 'b')]),
        ("number changed, told late", &[Says(P, "", 'a'), Says(Q, "", '?'), Changes([P, "", Q, ""]), Says(Q, "", 'a')]),
        (
            "number changed to another's",
            &[Says(P, X, 'a'), Says(Q, Z, 'b'), Changes([P, "", Q, ""]), Says(Q, X, 'a'), Says("", Z, 'b')],
        ),
        ("number and BSUID changed", &[Says(P, X, 'a'), Changes([P, "", Q, Y]), Says(Q, Y, 'a'), Says(P, Z, 'b')]),
        (
            "a BSUID told of a phone that is another's",
            &[Says(P, X, 'a'), Says("", Y, 'b'), Changes([P, "", "", Y]), Says("", Y, 'b'), Says(P, X, 'a')],
        ),
    ];
    for (case, steps) in table {
        for last in [false, true] {
            let mut town = Town::new();
            let mut named: BTreeMap<char, ContactId> = BTreeMap::new();
            for step in *steps {
                match *step {
                    Says(phone, bsuid, name) => {
                        let contact = town.says(phone, bsuid, "hai", last).await;
                        if name == '?' {
                            continue;
                        }
                        let known = *named.entry(name).or_insert(contact);
                        assert_eq!(known, contact, "{case}: {name}");
                        let others = named.iter().filter(|(other, _)| **other != name);
                        assert!(others.clone().all(|(_, other)| *other != contact), "{case}: {name} is somebody else");
                    }
                    Changes([old_phone, old_bsuid, phone, bsuid]) => {
                        town.change(who(old_phone, old_bsuid), who(phone, bsuid), last).await;
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn two_posts_of_one_new_contact_at_once_make_one_and_a_later_one_makes_one_of_two() {
    for round in 0..200_u64 {
        let store: Arc<Memory> = Arc::new(Memory::new());
        let keys = Arc::new(ServerKeys::derive(&[7; 32]));
        let switchboard = Switchboard::new(store.clone(), keys, Arc::new(SystemRandom));
        let mut town = Town::new();
        let one = |from: Identity, town: &mut Town| Brought {
            messages: vec![town.inbound(from, "hai")],
            ..Brought::default()
        };
        let (phone, bsuid) = (one(who(P, ""), &mut town), one(who("", X), &mut town));
        let (both, again) = (one(who(P, X), &mut town), one(who(P, X), &mut town));
        // The order in which they get the locks differs from round to round.
        let delay = |n: u64| async move {
            for _ in 0..n {
                tokio::task::yield_now().await;
            }
        };
        let (first, second, third, fourth) = tokio::join!(
            async {
                delay(round % 3).await;
                switchboard.accept(phone, START).await
            },
            async {
                delay(round / 3 % 3).await;
                switchboard.accept(bsuid, START).await
            },
            async {
                delay(round / 9 % 3).await;
                switchboard.accept(both, START).await
            },
            async {
                delay(round / 27 % 3).await;
                switchboard.accept(again, START).await
            },
        );
        for accepted in [first, second, third, fourth] {
            assert!(accepted.unwrap().is_some());
        }
        town.store = store;
        town.settle(round % 2 == 0).await;
        let survivors = [town.says(P, "", "hai", false).await, town.says("", X, "hai", false).await];
        assert_eq!(survivors[0], survivors[1], "round {round}");
    }
}

#[tokio::test]
async fn a_merge_moves_what_counts_against_and_nothing_that_anybody_could_read() {
    for last in [false, true] {
        let mut town = Town::new();
        let older = town.log_in(P, "").await;
        let younger = town.says("", X, "hai", last).await;
        let heard = town.messages;
        for n in 0..5 {
            town.says("", X, &format!("bukan saya 1234-567{n}"), last).await;
            town.answer(younger, Answer::UndoUnknown).await;
        }
        let both = town.says(P, X, "menu", last).await;
        assert_eq!(both, older);
        let (stays, gone) = (town.record(older).await, town.record(younger).await);
        assert_eq!(stays.state.login(), None, "both logins end");
        assert_eq!((gone.moved, gone.state, gone.seen.len()), (Some(older), State::default(), 0));
        assert_eq!(stays.formerly, [younger]);
        // What the younger had handled is handled: Meta delivers it once more, under whatever name.
        let said = town.said.len();
        let mut repeated = town.inbound(who("", X), "bukan saya 1234-5670");
        repeated.id = MessageId(format!("w{}", heard + 1));
        town.post(Brought { messages: vec![repeated], ..Brought::default() }).await;
        town.settle(last).await;
        assert_eq!(town.said.len(), said, "no second effect");
        // The undo tries of the younger are the older's now: a sixth asks nobody.
        town.says("", X, "bukan saya 9999-9999", last).await;
        assert_eq!(town.record(older).await.state.waiting(), None);
    }
}

#[tokio::test]
async fn nothing_of_one_goes_to_the_phones_next_owner() {
    // How the phone gets to him: with a BSUID of his own, after Meta told, or after the first wrote from another.
    let ways: [&[[&str; 4]]; 3] = [&[], &[["", X, Q, Y]], &[[P, "", Q, ""]]];
    for changes in ways {
        for last in [false, true] {
            let mut town = Town::new();
            let first = town.log_in(P, X).await;
            for [old_phone, old_bsuid, phone, bsuid] in changes {
                town.change(who(old_phone, old_bsuid), who(phone, bsuid), last).await;
            }
            let bsuid = if changes.is_empty() { Z } else { "" };
            let before = town.said.len();
            let next = town.says(P, bsuid, "menu", last).await;
            assert_ne!(first, next);
            assert_eq!(town.record(first).await.state.login(), None, "the login ended");
            let to_phone = Recipient::Phone(Phone::from_wa_id(P).unwrap());
            for row in &town.said[before..] {
                assert!(row.contact == next || row.to != to_phone, "said to the next owner in the first one's name");
                assert!(row.epoch.is_none());
            }
            assert!(town.record(first).await.reply_to.is_none_or(|(_, to)| to != to_phone));
            town.now = town.now.plus_ms(DAY_MS);
        }
    }
}

#[tokio::test]
async fn a_change_that_meta_tells_of_twice_ends_one_login_not_two() {
    // Whether the phone changes with the BSUID or stays.
    for phone in [P, Q] {
        let mut town = Town::new();
        let contact = town.log_in(P, X).await;
        town.change(who(P, X), who(phone, Y), false).await;
        assert_eq!(town.record(contact).await.state.login(), None, "{phone}: who he is has changed");
        assert_eq!(town.log_in(phone, Y).await, contact, "{phone}");
        town.change(who(P, X), who(phone, Y), false).await;
        assert!(town.record(contact).await.state.login().is_some(), "{phone}: this was told before");
    }
}

#[tokio::test]
async fn a_phone_met_alone_becomes_his_who_changed_to_it_and_one_with_a_bsuid_is_only_taken() {
    for (shown, merged) in [("", true), (Z, false)] {
        let mut town = Town::new();
        let contact = town.says(P, X, "hai", false).await;
        let other = town.says(Q, shown, "hai", false).await;
        town.change(who("", X), who(Q, Y), false).await;
        assert_eq!(town.record(other).await.moved, merged.then_some(contact), "{shown}");
        assert_eq!(town.says(Q, Y, "hai", false).await, contact, "{shown}");
    }
}

#[tokio::test]
async fn a_phone_that_was_seen_with_a_bsuid_leads_it_back_when_its_own_alias_is_gone() {
    let mut town = Town::new();
    let contact = town.says(P, X, "hai", false).await;
    let keys = ServerKeys::derive(&[7; 32]);
    let gone = Part::Delete { table: Table::Alias, key: alias_key(keys.bsuid_alias(&Bsuid(X.to_owned()))) };
    town.store.append(Record { writer: None, parts: vec![gone] }).unwrap();
    assert_eq!(town.says(P, X, "hai", false).await, contact);
}

/// Always the same.
struct Same;

impl Random for Same {
    fn bytes(&self) -> [u8; 32] {
        [7; 32]
    }
}

#[tokio::test]
async fn under_a_new_name_nothing_rests_from_its_first_record_on() {
    let mut town = Town::new();
    let named = ContactId(u64::from_le_bytes([7; 8]));
    let (table, key) = (Table::Contact, ContactRecord::key(named));
    let rests = ContactRecord { rev: 9, ..ContactRecord::default() };
    let put = |value| Record { writer: None, parts: vec![Part::Put { table, key: key.clone(), value }] };
    town.store.append(put(rests.encode())).unwrap();
    let keys = Arc::new(ServerKeys::derive(&[7; 32]));
    let switchboard = Switchboard::new(town.store.clone(), keys, Arc::new(Same));
    // Said in the record itself: a look into the table, which would say the same, crosses to the reader and back.
    for (left, why) in [(None, "not even what another may have left"), (Some(rests.encode()), "who is known keeps his")]
    {
        let messages = vec![town.inbound(who(P, X), "hai")];
        switchboard.accept(Brought { messages, ..Brought::default() }, START).await.unwrap();
        assert_eq!(town.store.get(table, key.clone()).await.unwrap(), left, "{why}");
        town.store.append(put(rests.encode())).unwrap();
    }
}

#[tokio::test]
async fn an_alias_written_before_there_was_a_since_is_the_oldest() {
    let mut town = Town::new();
    let keys = ServerKeys::derive(&[7; 32]);
    let old: (ContactId, Option<LookupKey>) = (ContactId(77), None);
    let put = Part::Put {
        table: Table::Alias,
        key: alias_key(keys.phone_alias(Phone::from_wa_id(P).unwrap())),
        value: versioned::encode(1, &old),
    };
    town.store.append(Record { writer: None, parts: vec![put] }).unwrap();
    town.says("", X, "hai", false).await;
    assert_eq!(town.says(P, X, "hai", false).await, ContactId(77));
}

/// What else can happen to the names of somebody who is logged in.
#[derive(Clone, Debug)]
enum Happens {
    Says(usize, usize),
    Changes([usize; 4]),
}

/// None, and those that a history is about.
const PHONES: [&str; 3] = ["", P, Q];
const BSUIDS: [&str; 4] = ["", X, Y, Z];

fn happens() -> impl Strategy<Value = (Happens, bool)> {
    let who = || (0..PHONES.len(), 0..BSUIDS.len()).prop_filter("somebody", |(phone, bsuid)| phone + bsuid > 0);
    let change =
        (who(), who()).prop_map(|((old_phone, old_bsuid), (phone, bsuid))| [old_phone, old_bsuid, phone, bsuid]);
    let what = prop_oneof![
        3 => who().prop_map(|(phone, bsuid)| Happens::Says(phone, bsuid)),
        1 => change.prop_map(Happens::Changes),
    ];
    (what, any::<bool>())
}

/// Who logged in, as he showed himself then, and as far as he showed more of himself since.
struct LoggedIn {
    contact: ContactId,
    phone: &'static str,
    bsuid: &'static str,
}

impl LoggedIn {
    /// Whether a message under these names can only be his; what it shows more of him is his from here on.
    fn is(&mut self, phone: &'static str, bsuid: &'static str) -> bool {
        let his = match (bsuid, self.bsuid) {
            ("", _) => phone == self.phone,
            (_, "") => phone == self.phone && !phone.is_empty(),
            (shown, own) => shown == own,
        };
        if his {
            self.phone = if phone.is_empty() { self.phone } else { phone };
            self.bsuid = if bsuid.is_empty() { self.bsuid } else { bsuid };
        }
        his
    }

    fn is_at(&self, to: &Recipient) -> bool {
        match to {
            Recipient::Phone(phone) => Phone::from_wa_id(self.phone) == Some(*phone),
            Recipient::Bsuid(bsuid) => bsuid.0 == self.bsuid,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever shows what names and whatever Meta tells, with a crash after every record: a login serves nobody but
    /// the one who proved himself, and nothing that is said under it goes to another.
    #[test]
    fn a_login_serves_only_who_proved_himself(
        (first_phone, first_bsuid) in prop_oneof![Just((P, X)), Just((P, "")), Just(("", X))],
        history in prop::collection::vec(happens(), 1..14),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut town = Town::new();
            let contact = town.log_in(first_phone, first_bsuid).await;
            let mut login = LoggedIn { contact, phone: first_phone, bsuid: first_bsuid };
            for (what, last) in history {
                let said = town.said.len();
                match what {
                    Happens::Says(phone, bsuid) => {
                        let (phone, bsuid) = (PHONES[phone], BSUIDS[bsuid]);
                        let heard = town.says(phone, bsuid, "menu", last).await;
                        let serves = town.record(heard).await.state.login().is_some();
                        prop_assert!(!serves || heard == login.contact, "another contact is logged in");
                        prop_assert!(!serves || login.is(phone, bsuid), "{phone} {bsuid} is served under the login");
                    }
                    Happens::Changes([old_phone, old_bsuid, phone, bsuid]) => {
                        let before = who(PHONES[old_phone], BSUIDS[old_bsuid]);
                        town.change(before, who(PHONES[phone], BSUIDS[bsuid]), last).await;
                    }
                }
                if town.record(login.contact).await.state.login().is_none() {
                    return Ok(());
                }
                for row in town.said[said..].iter().filter(|row| row.contact == login.contact) {
                    prop_assert!(login.is_at(&row.to), "said to {:?} under the login", row.to);
                }
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_name_of_who_is_merged_in_the_same_post_leads_to_who_stays() {
    let mut town = Town::new();
    let older = town.says(P, "", "hai", false).await;
    town.says("", X, "hai", false).await;
    town.change(who("", X), who("", Y), false).await;
    let messages = vec![town.inbound(who(P, Y), "hai"), town.inbound(who("", X), "hai")];
    town.post(Brought { messages, ..Brought::default() }).await;
    let is_message = |row: &InboxRow| matches!(row.body, InboxBody::Message(_));
    let heard: Vec<ContactId> =
        town.open().iter().filter(|(_, row)| is_message(row)).map(|(_, row)| row.contact).collect();
    assert_eq!(heard, [older, older]);
}

#[tokio::test]
async fn who_is_merged_twice_in_one_post_is_told_where_he_ends() {
    let mut town = Town::new();
    let oldest = town.says("", Y, "hai", false).await;
    let older = town.says(P, "", "hai", false).await;
    let youngest = town.says("", X, "hai", false).await;
    let changes = vec![(who("", X), who(P, "")), (who("", X), who("", Y))];
    town.post(Brought { changes, ..Brought::default() }).await;
    town.settle(false).await;
    for gone in [older, youngest] {
        assert_eq!(town.record(gone).await.moved, Some(oldest));
    }
    assert_eq!(town.says(P, "", "hai", false).await, oldest);
}

#[test]
fn locks_are_shared_out_by_a_keys_first_two_bytes() {
    let of = |first: u16| {
        let mut key = [7; 16];
        key[..2].copy_from_slice(&first.to_le_bytes());
        stripe(LookupKey(key))
    };
    assert_eq!([0, 1, 1_023, 1_024, 65_535].map(of), [0, 1, 1_023, 0, 1_023]);
}

/// Two citizens whose portfolios have one parent, and one who shows only that.
#[tokio::test]
async fn a_parent_bsuid_is_kept_and_never_leads_to_anybody() {
    let mut town = Town::new();
    let parent = Bsuid("ID.ENT.11".to_owned());
    let mut met = Vec::new();
    for (phone, bsuid) in [(P, X), (Q, Y), ("", "ID.ENT.11")] {
        let from = who(phone, bsuid);
        let message = town.inbound(from.clone(), "hai");
        let parents = vec![(from, parent.clone())];
        town.post(Brought { messages: vec![message], parents, ..Brought::default() }).await;
        let contact = town.open()[0].1.contact;
        assert_eq!(town.open().len(), 2, "its message, and the parent: nobody is merged");
        town.settle(false).await;
        met.push(contact);
    }
    let all: std::collections::BTreeSet<ContactId> = met.iter().copied().collect();
    assert_eq!(all.len(), 3, "three people");
    for contact in met {
        assert_eq!(town.record(contact).await.parent, Some(parent.clone()));
        assert_eq!(town.record(contact).await.moved, None);
    }
    let aliases = town.store.scan(Table::Alias, Key::new()).await.unwrap();
    assert_eq!(aliases.len(), 5, "two phones and three BSUIDs, no parent among them");
    assert_eq!(town.said.len(), 3, "one reply each: a parent says nothing");
    // Of who is not known it is dropped.
    town.post(Brought { parents: vec![(who("", Z), parent)], ..Brought::default() }).await;
    assert!(town.open().is_empty());
}
