//! What must hold of a server that was killed again and again, checked from both ends.
//!
//! *Outside* stands what Meta saw: what was said, which POSTs got their 200, what was sent, whose status was
//! taken. *Inside* stands what the journal of the stopped server says. The two share ids only: a message's wamid
//! goes in, a row's tag comes out. [`check`] names every promise that is broken:
//!
//! - what was acknowledged had its effect, exactly once, and in the order in which it was said;
//! - a contact's revisions go up by one;
//! - what was to be sent was sent, in order, once; twice only if a kill met it in the air and its status had not
//!   come; never three times; not at all only if two kills met it in the air;
//! - nothing is left open in the end.
//!
//! The tests at the end break each promise in a history that holds, and must be told so.

use std::collections::{BTreeMap, HashMap};

use siaga::domain::contact::{ContactId, Recipient};
use siaga::ports::RowId;

/// Wamid of a citizen's message, or of ours.
pub(crate) type Wamid = String;

/// What Meta saw, in the order in which it happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outside {
    pub said: Vec<Said>,
    /// The moment at which the POST that brought a message got its 200.
    pub acknowledged: HashMap<Wamid, u64>,
    pub sent: Vec<Sent>,
    /// When the server first took a status of its message.
    pub told: HashMap<Wamid, i64>,
    /// Phone and text.
    pub sms: Vec<Sms>,
    /// Times at which the server was dead for certain: from before the kill to after the process had gone.
    pub kills: Vec<(i64, i64)>,
}

/// A message of a citizen.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub message: Wamid,
    pub chat: Recipient,
    /// The moment, among all that Meta saw.
    pub seq: u64,
}

/// A message of ours that Meta accepted.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// From its tag; `None`: it had none of ours.
    pub row: Option<(RowId, ContactId)>,
    pub message: Wamid,
    pub at_ms: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Sms {
    pub to: String,
    pub text: String,
    pub at_ms: i64,
}

/// What the journal says, in its order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inside {
    pub accepted: Vec<(RowId, ContactId, Wamid)>,
    pub turns: Vec<Turn>,
    /// Inbox rows that are done with, each time one is said to be.
    pub closed: Vec<RowId>,
    pub replies: Vec<(RowId, ContactId)>,
    /// Of a reply that stands in for others: the place of the first of them, where it is sent.
    pub places: HashMap<RowId, RowId>,
    /// When a reply was born.
    pub born_ms: HashMap<RowId, i64>,
    pub settled: Vec<(RowId, Settled)>,
}

/// A contact's next revision.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub contact: ContactId,
    pub rev: u64,
    /// The messages that had their effect in it.
    pub effects: Vec<Wamid>,
}

/// How a reply ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Under this id.
    Sent(Wamid),
    /// Taken back before it left.
    Withdrawn,
    Failed,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Acknowledged, and no turn had it.
    Lost(Wamid),
    /// More than one turn had it.
    EffectTwice(Wamid),
    /// It had its effect after something that was stored after it.
    EffectOutOfOrder(Wamid),
    /// It was stored before something that had its 200 before this was said.
    StoredOutOfOrder(Wamid),
    RevisionGap(u64, u64),
    LeftOpen(RowId),
    ClosedTwice(RowId),
    /// Sent, and no turn said so.
    SentFromNowhere(Wamid),
    NeverSent(RowId),
    /// Sent again although nobody killed it in the air, or although its end was known.
    SentTwice(RowId),
    SentThrice(RowId),
    SentOutOfOrder(RowId),
    NotSettled(RowId),
    SettledTwice(RowId),
    /// Settled as something that Meta does not know.
    SettledWrongly(RowId),
    SmsTwice(String),
}

/// Every broken promise.
pub(crate) fn check(outside: &Outside, inside: &Inside) -> Vec<Fault> {
    let mut faults = Vec::new();
    effects(outside, inside, &mut faults);
    revisions(inside, &mut faults);
    inbox(inside, &mut faults);
    sends(outside, inside, &mut faults);
    settlements(outside, inside, &mut faults);
    messages_by_phone(outside, &mut faults);
    faults.sort();
    faults
}

/// All that was sent to the contact of a fault's row, for whoever has to find out what went wrong.
pub(crate) fn story(fault: &Fault, outside: &Outside, inside: &Inside) -> String {
    use std::fmt::Write as _;
    let (Fault::SentTwice(row)
    | Fault::SentThrice(row)
    | Fault::SentOutOfOrder(row)
    | Fault::NeverSent(row)
    | Fault::NotSettled(row)
    | Fault::SettledTwice(row)
    | Fault::SettledWrongly(row)) = fault
    else {
        return String::new();
    };
    let Some((_, contact)) = inside.replies.iter().find(|(reply, _)| reply == row) else { return String::new() };
    let mut story = format!("{fault:?}: killed {:?}\n", outside.kills);
    for sent in outside.sent.iter().filter(|sent| sent.row.is_some_and(|(_, of)| of == *contact)) {
        let told = outside.told.get(&sent.message);
        let _ = writeln!(story, "  at {} {:?} sent as {}, status at {told:?}", sent.at_ms, sent.row, sent.message);
    }
    for (row, how) in inside.settled.iter().filter(|(row, _)| inside.replies.contains(&(*row, *contact))) {
        let _ = writeln!(story, "  {row} settled: {how:?}");
    }
    story
}

fn effects(outside: &Outside, inside: &Inside, faults: &mut Vec<Fault>) {
    let mut effect: HashMap<&Wamid, usize> = HashMap::new();
    for (at, turn) in inside.turns.iter().enumerate() {
        for message in &turn.effects {
            if effect.insert(message, at).is_some() {
                faults.push(Fault::EffectTwice(message.clone()));
            }
        }
    }
    for said in &outside.said {
        if outside.acknowledged.contains_key(&said.message) && !effect.contains_key(&said.message) {
            faults.push(Fault::Lost(said.message.clone()));
        }
    }
    in_order(outside, inside, &effect, faults);
}

/// What has its 200 is stored before what is said after that, and what was stored first has its effect first.
fn in_order(outside: &Outside, inside: &Inside, effect: &HashMap<&Wamid, usize>, faults: &mut Vec<Fault>) {
    let mut stored: HashMap<&Wamid, RowId> = HashMap::new();
    let mut of_contact: HashMap<ContactId, usize> = HashMap::new();
    for (row, contact, message) in &inside.accepted {
        if stored.contains_key(message) {
            continue;
        }
        stored.insert(message, *row);
        let Some(&at) = effect.get(message) else { continue };
        let before = of_contact.entry(*contact).or_insert(at);
        if at < *before {
            faults.push(Fault::EffectOutOfOrder(message.clone()));
        }
        *before = at.max(*before);
    }
    for (at, said) in outside.said.iter().enumerate() {
        let earlier = outside.said[..at].iter().filter(|earlier| earlier.chat == said.chat);
        let done =
            earlier.filter(|earlier| outside.acknowledged.get(&earlier.message).is_some_and(|ack| *ack < said.seq));
        let newest = done.filter_map(|earlier| stored.get(&earlier.message)).max();
        if stored.get(&said.message).is_some_and(|row| newest.is_some_and(|newest| row < newest)) {
            faults.push(Fault::StoredOutOfOrder(said.message.clone()));
        }
    }
}

fn revisions(inside: &Inside, faults: &mut Vec<Fault>) {
    let mut revs: HashMap<ContactId, u64> = HashMap::new();
    for turn in &inside.turns {
        let before = revs.insert(turn.contact, turn.rev).unwrap_or(0);
        if turn.rev != before + 1 {
            faults.push(Fault::RevisionGap(before, turn.rev));
        }
    }
}

fn inbox(inside: &Inside, faults: &mut Vec<Fault>) {
    let mut closed: HashMap<RowId, usize> = HashMap::new();
    for row in &inside.closed {
        *closed.entry(*row).or_default() += 1;
    }
    for (row, ..) in &inside.accepted {
        match closed.get(row) {
            None => faults.push(Fault::LeftOpen(*row)),
            Some(1) => {}
            Some(_) => faults.push(Fault::ClosedTwice(*row)),
        }
    }
}

fn sends(outside: &Outside, inside: &Inside, faults: &mut Vec<Fault>) {
    let mut of_row: BTreeMap<RowId, Vec<&Sent>> = inside.replies.iter().map(|(row, _)| (*row, Vec::new())).collect();
    let owners: HashMap<RowId, ContactId> = inside.replies.iter().copied().collect();
    let mut newest: HashMap<ContactId, RowId> = HashMap::new();
    for sent in &outside.sent {
        let Some((row, contact)) = sent.row.filter(|(row, contact)| owners.get(row) == Some(contact)) else {
            faults.push(Fault::SentFromNowhere(sent.message.clone()));
            continue;
        };
        let sends = of_row.entry(row).or_default();
        sends.push(sent);
        // A repeat may come after what followed the first: the end of the first was known, and lost with the kill.
        if sends.len() > 1 {
            continue;
        }
        let place = *inside.places.get(&row).unwrap_or(&row);
        let before = newest.entry(contact).or_insert(place);
        if place < *before {
            faults.push(Fault::SentOutOfOrder(row));
        }
        *before = place.max(*before);
    }
    let withdrawn = |row: &RowId| inside.settled.iter().any(|(id, how)| id == row && *how == Settled::Withdrawn);
    for (row, sent) in of_row {
        match sent[..] {
            [] if withdrawn(&row) || may_be_given_up(outside, inside, row) => {}
            [] => faults.push(Fault::NeverSent(row)),
            [_] => {}
            [first, second] if may_repeat(outside, first, second) => {}
            [_, _] => faults.push(Fault::SentTwice(row)),
            [..] => faults.push(Fault::SentThrice(row)),
        }
    }
}

/// It was settled as failed, and two kills may have met it in the air: it goes once more, and no third time.
fn may_be_given_up(outside: &Outside, inside: &Inside, row: RowId) -> bool {
    let failed = inside.settled.iter().any(|(id, how)| *id == row && *how == Settled::Failed);
    let born_ms = inside.born_ms.get(&row).copied().unwrap_or(i64::MAX);
    failed && outside.kills.iter().filter(|(_, to)| *to >= born_ms).count() >= 2
}

/// A kill lies between the two, and at that moment the server knew of no status of the first.
fn may_repeat(outside: &Outside, first: &Sent, second: &Sent) -> bool {
    let between = |(from, to): &&(i64, i64)| first.at_ms <= *to && second.at_ms >= *from;
    let told = outside.told.get(&first.message);
    outside.kills.iter().filter(between).any(|(from, _)| told.is_none_or(|told| told >= from))
}

fn settlements(outside: &Outside, inside: &Inside, faults: &mut Vec<Fault>) {
    let mut settled: HashMap<RowId, &Settled> = HashMap::new();
    for (row, how) in &inside.settled {
        if settled.insert(*row, how).is_some() {
            faults.push(Fault::SettledTwice(*row));
        }
    }
    let sent: HashMap<&Wamid, RowId> =
        outside.sent.iter().filter_map(|sent| Some((&sent.message, sent.row?.0))).collect();
    for (row, _) in &inside.replies {
        match settled.get(row) {
            None => faults.push(Fault::NotSettled(*row)),
            Some(Settled::Sent(message)) if sent.get(message) != Some(row) => {
                faults.push(Fault::SettledWrongly(*row));
            }
            Some(_) => {}
        }
    }
}

/// A text goes twice only across a kill.
fn messages_by_phone(outside: &Outside, faults: &mut Vec<Fault>) {
    let mut texts: HashMap<(&String, &String), i64> = HashMap::new();
    for sms in &outside.sms {
        if let Some(before) = texts.insert((&sms.to, &sms.text), sms.at_ms)
            && !outside.kills.iter().any(|(from, to)| before <= *to && sms.at_ms >= *from)
        {
            faults.push(Fault::SmsTwice(sms.to.clone()));
        }
    }
}

mod tests {
    use siaga::domain::contact::Bsuid;
    use siaga::ports::Lsn;

    use super::*;

    const CONTACT: ContactId = ContactId(1);

    fn row(lsn: u64) -> RowId {
        RowId { lsn: Lsn(lsn), index: 0 }
    }

    fn sent(lsn: u64, message: &str, at_ms: i64) -> Sent {
        Sent { row: Some((row(lsn), CONTACT)), message: message.to_owned(), at_ms }
    }

    fn said(message: &str, seq: u64) -> Said {
        Said { message: message.to_owned(), chat: Recipient::Bsuid(Bsuid("ID.1".into())), seq }
    }

    /// Three messages, three turns, three replies; the second reply went twice around the kill at 250.
    fn holds() -> (Outside, Inside) {
        let messages = ["a", "b", "c"].map(str::to_owned);
        let outside = Outside {
            said: messages.iter().zip([1, 3, 5]).map(|(message, seq)| said(message, seq)).collect(),
            acknowledged: messages.iter().zip([2, 4, 6]).map(|(message, seq)| (message.clone(), seq)).collect(),
            sent: vec![sent(2, "A", 110), sent(4, "B", 210), sent(4, "B again", 270), sent(6, "C", 310)],
            told: [("A", 120), ("B", 260), ("B again", 280), ("C", 320)]
                .map(|(message, at)| (message.to_owned(), at))
                .into(),
            sms: vec![
                Sms { to: "+62".into(), text: "1".into(), at_ms: 220 },
                Sms { to: "+62".into(), text: "1".into(), at_ms: 260 },
            ],
            kills: vec![(240, 250)],
        };
        let turn = |rev: u64, message: &str| Turn { contact: CONTACT, rev, effects: vec![message.to_owned()] };
        let how = |message: &str| Settled::Sent(message.to_owned());
        let inside = Inside {
            accepted: [1, 3, 5].into_iter().zip(&messages).map(|(lsn, m)| (row(lsn), CONTACT, m.clone())).collect(),
            turns: vec![turn(1, "a"), turn(2, "b"), turn(3, "c")],
            closed: vec![row(1), row(3), row(5)],
            replies: vec![(row(2), CONTACT), (row(4), CONTACT), (row(6), CONTACT)],
            settled: vec![(row(2), how("A")), (row(4), how("B again")), (row(6), how("C"))],
            born_ms: [(row(2), 105), (row(4), 205), (row(6), 305)].into(),
            ..Inside::default()
        };
        (outside, inside)
    }

    /// What is found when a history that holds is broken in one place.
    fn broken(harm: impl FnOnce(&mut Outside, &mut Inside)) -> Vec<Fault> {
        let (mut outside, mut inside) = holds();
        assert_eq!(check(&outside, &inside), []);
        harm(&mut outside, &mut inside);
        check(&outside, &inside)
    }

    #[test]
    fn a_lost_message_is_found() {
        let turn_gone = |_: &mut Outside, inside: &mut Inside| drop(inside.turns[1].effects.pop());
        assert_eq!(broken(turn_gone), [Fault::Lost("b".into())]);
        let nobody_was_promised = |outside: &mut Outside, inside: &mut Inside| {
            inside.turns[1].effects.clear();
            outside.acknowledged.remove("b");
        };
        assert_eq!(broken(nobody_was_promised), []);
        assert_eq!(broken(|_, inside| inside.closed.truncate(2)), [Fault::LeftOpen(row(5))]);
    }

    #[test]
    fn a_doubled_effect_is_found() {
        let twice = |_: &mut Outside, inside: &mut Inside| inside.turns[2].effects.push("b".into());
        assert!(broken(twice).contains(&Fault::EffectTwice("b".into())));
        assert_eq!(broken(|_, inside| inside.closed.push(row(1))), [Fault::ClosedTwice(row(1))]);
        assert_eq!(
            broken(|outside, _| outside.kills.clear()),
            [Fault::SentTwice(row(4)), Fault::SmsTwice("+62".into())]
        );
        assert_eq!(broken(|outside, _| outside.sent[2].at_ms = 239), [Fault::SentTwice(row(4))]);
        let status_had_come = |outside: &mut Outside, _: &mut Inside| {
            outside.told.insert("B".into(), 230);
        };
        assert_eq!(broken(status_had_come), [Fault::SentTwice(row(4))]);
        assert_eq!(broken(|outside, _| outside.sent.insert(3, sent(4, "B!", 290))), [Fault::SentThrice(row(4))]);
        let settled_twice =
            |_: &mut Outside, inside: &mut Inside| inside.settled.push((row(4), Settled::Sent("B".into())));
        assert_eq!(broken(settled_twice), [Fault::SettledTwice(row(4))]);
    }

    #[test]
    fn what_changed_places_is_found() {
        let swapped = |_: &mut Outside, inside: &mut Inside| {
            let (first, second) = (inside.turns[1].effects.clone(), inside.turns[2].effects.clone());
            inside.turns[1].effects = second;
            inside.turns[2].effects = first;
        };
        assert_eq!(broken(swapped), [Fault::EffectOutOfOrder("c".into())]);
        let overtaken = |_: &mut Outside, inside: &mut Inside| {
            inside.accepted[1].2 = "c".into();
            inside.accepted[2].2 = "b".into();
            inside.turns[1].effects = vec!["c".into()];
            inside.turns[2].effects = vec!["b".into()];
        };
        assert_eq!(broken(overtaken), [Fault::StoredOutOfOrder("c".into())]);
        assert_eq!(broken(|outside, _| outside.sent.swap(0, 1)), [Fault::SentOutOfOrder(row(2))]);
        let stands_in = |outside: &mut Outside, inside: &mut Inside| {
            outside.sent.swap(0, 1);
            inside.places.insert(row(4), row(1));
        };
        assert_eq!(broken(stands_in), []);
    }

    #[test]
    fn a_reply_that_was_given_up_met_two_kills_or_is_found() {
        let given_up = |outside: &mut Outside, inside: &mut Inside| {
            outside.sent.truncate(3);
            inside.settled[2].1 = Settled::Failed;
            outside.kills = vec![(240, 250), (310, 320), (330, 340)];
        };
        assert_eq!(broken(given_up), []);
        let after_one = |outside: &mut Outside, inside: &mut Inside| {
            given_up(outside, inside);
            outside.kills.pop();
        };
        assert_eq!(broken(after_one), [Fault::NeverSent(row(6))]);
    }

    #[test]
    fn a_revision_that_is_missing_or_there_twice_is_found() {
        assert_eq!(broken(|_, inside| inside.turns[2].rev = 4), [Fault::RevisionGap(2, 4)]);
        assert_eq!(broken(|_, inside| inside.turns[2].rev = 2), [Fault::RevisionGap(2, 2)]);
    }

    #[test]
    fn a_reply_without_a_turn_and_a_turn_without_its_reply_are_found() {
        let never = |outside: &mut Outside, _: &mut Inside| drop(outside.sent.pop());
        assert_eq!(broken(never), [Fault::NeverSent(row(6)), Fault::SettledWrongly(row(6))]);
        let taken_back = |outside: &mut Outside, inside: &mut Inside| {
            outside.sent.pop();
            inside.settled[2].1 = Settled::Withdrawn;
        };
        assert_eq!(broken(taken_back), []);
        let foreign = |outside: &mut Outside, _: &mut Inside| {
            outside.sent.push(Sent { row: None, message: "D".into(), at_ms: 400 });
        };
        assert_eq!(broken(foreign), [Fault::SentFromNowhere("D".into())]);
        assert_eq!(broken(|_, inside| inside.settled.truncate(2)), [Fault::NotSettled(row(6))]);
    }
}
