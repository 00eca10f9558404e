//! Reports from filing to closing, and what a chat may not do to another's.

use super::*;
use crate::conversation::Notice;
use crate::domain::call::CallId;
use crate::domain::certificate::Language;
use crate::domain::citizen::PersonId;
use crate::domain::nik::Nik;
use crate::domain::ticket::{TicketMove, TicketState};
use crate::ports::{Acted, Delivery, InboxBody, InboxRow, Inlet, OrderId, Table, Untold, Value};
use crate::store::Memory;

const CHAT: ContactId = ContactId(7);
const STRANGER: ContactId = ContactId(8);
const NOON: Timestamp = Timestamp(1_795_000_000_000);

/// A clock that a test moves.
struct Hands(Mutex<Timestamp>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("a clock")
    }
}

/// What reached the chats.
#[derive(Default)]
struct Heard(Mutex<Vec<InboxRow>>);

impl Inlet for Heard {
    fn deliver(&self, deliveries: Vec<Delivery>) {
        let rows = deliveries.into_iter().filter_map(|delivery| match delivery {
            Delivery::Inbox { row, .. } => Some(row),
            Delivery::Outbox { .. } | Delivery::Status(_) => None,
        });
        self.0.lock().expect("a list").extend(rows);
    }
}

struct Scene {
    store: Arc<Memory>,
    clock: Arc<Hands>,
    heard: Arc<Heard>,
    desk: Desk,
}

impl Scene {
    fn new() -> Self {
        Self::on(Memory::new(), NOON)
    }

    /// Where the ministry has a desk of its own.
    fn with_ministry() -> Self {
        let Self { store, clock, heard, desk } = Self::new();
        Self { desk: desk.with_ministry(), store, clock, heard }
    }

    fn on(store: Memory, now: Timestamp) -> Self {
        let (store, clock) = (Arc::new(store), Arc::new(Hands(Mutex::new(now))));
        let heard = Arc::new(Heard::default());
        store.attach(Arc::clone(&heard) as Arc<dyn Inlet>);
        let keys = ServerKeys::derive(&[3; 32]);
        let desk = Desk::new(Arc::clone(&store) as Arc<dyn Store>, Arc::clone(&clock) as Arc<dyn Clock>, &keys);
        Self { store, clock, heard, desk }
    }

    /// The same store as the next process finds it.
    fn restarted(self) -> Self {
        let (now, has_ministry) = (self.clock.now(), self.desk.bell.is_some());
        let Self { store, clock, heard, desk } = Self::on(self.store.reopen(), now);
        Self { desk: if has_ministry { desk.with_ministry() } else { desk }, store, clock, heard }
    }

    /// Tells the ministry's desk all of a report: what, and which words.
    async fn tell_all(&self, number: TicketNumber) -> Vec<(String, Change, Option<String>)> {
        let mut told = Vec::new();
        while let Some(telling) = self.desk.next(number).await.expect("read") {
            let more = self.desk.told(number, telling.serial).await.expect("settled");
            told.push((telling.id(), telling.change, telling.words.map(|words| words.0)));
            assert_eq!(more, self.desk.next(number).await.expect("read").is_some());
        }
        told
    }

    async fn order(&self, number: TicketNumber, id: &str, moved: TicketMove) -> Acted {
        self.desk.act(number, moved, Some(OrderId::of(id))).await.expect("the desk serves")
    }

    /// Rows of what was not told.
    async fn rows_untold(&self) -> usize {
        let rows = self.store.scan(Table::Ticket, Key::new()).await.expect("rows");
        rows.iter().filter(|(key, _)| matches!(key.first(), Some(b'o' | b'u'))).count()
    }

    fn pass(&self, ms: i64) {
        let mut hands = self.clock.0.lock().expect("a clock");
        *hands = hands.plus_ms(ms);
    }

    async fn file(&self, call: u64, draft: TicketDraft) -> TicketView {
        self.desk.file(key(draft.contact, call), draft).await.expect("filed")
    }

    async fn words(&self, number: TicketNumber) -> Vec<String> {
        let ticket = self.desk.ticket(number).await.expect("read").expect("a report");
        std::iter::once(ticket.draft.detail).chain(ticket.additions).map(|text| text.0).collect()
    }

    /// Of the last notice: whose, the report's state, and the words.
    fn last_notice(&self) -> Option<(ContactId, TicketState, Option<Text>)> {
        let heard = self.heard.0.lock().expect("a list");
        heard.last().and_then(|row| match &row.body {
            InboxBody::Notice(Notice::TicketMoved { ticket, words }) => {
                Some((row.contact, ticket.state.clone(), words.clone()))
            }
            InboxBody::Notice(_) | InboxBody::Message(_) | InboxBody::Called { .. } | InboxBody::Parent(_) => None,
        })
    }
}

fn key(contact: ContactId, call: u64) -> IdempotencyKey {
    IdempotencyKey { contact, call: CallId(call) }
}

fn draft(kind: TicketKind, person: Option<&str>, detail: &str) -> TicketDraft {
    TicketDraft {
        kind,
        contact: CHAT,
        language: Language::Indonesian,
        verified_phone: None,
        verified_person: person.map(|id| PersonId(id.into())),
        claimed_phone: None,
        claimed_name: None,
        claimed_nik: None,
        detail: Text(detail.into()),
    }
}

fn text(words: &str) -> Text {
    Text(words.into())
}

#[tokio::test]
async fn a_report_is_numbered_due_and_still_there_after_a_restart() {
    let scene = Scene::new();
    let filed = scene.file(1, draft(TicketKind::NikUsedByOther, None, "puskesmas kenanga")).await;
    assert_eq!(TicketNumber::parse(&filed.number.to_string()), Ok(filed.number), "its check digit fits");
    assert_eq!((filed.state.clone(), filed.due), (TicketState::Filed, NOON.plus_ms(72 * HOUR_MS)));
    let scene = scene.restarted();
    assert_eq!(scene.desk.of_contact(CHAT).await, Ok(vec![filed.clone()]));
    assert_eq!(scene.words(filed.number).await, ["puskesmas kenanga"]);
    let second = scene.file(2, draft(TicketKind::Other, None, "lain")).await;
    assert_ne!(second.number, filed.number);
    assert_eq!(scene.desk.of_contact(CHAT).await, Ok(vec![second, filed]), "newest first");
}

#[tokio::test]
async fn the_same_call_files_once_also_after_a_restart() {
    let scene = Scene::new();
    let first = scene.file(1, draft(TicketKind::Other, None, "a")).await;
    assert_eq!(scene.file(1, draft(TicketKind::Other, None, "a")).await, first);
    let scene = scene.restarted();
    assert_eq!(scene.file(1, draft(TicketKind::NoNik, Some("p"), "b")).await, first, "the call, not its content");
    assert_eq!(scene.words(first.number).await, ["a"]);
}

#[tokio::test]
async fn one_open_report_a_person_and_kind() {
    let scene = Scene::new();
    let first = scene.file(1, draft(TicketKind::DoseOrVaccineWrong, Some("siti"), "dosis 2 salah")).await;
    scene.pass(HOUR_MS);
    let again = scene.file(2, draft(TicketKind::DoseOrVaccineWrong, Some("siti"), "vaksinnya juga")).await;
    assert_eq!((again.number, again.due), (first.number, first.due));
    assert_eq!(scene.words(first.number).await, ["dosis 2 salah", "vaksinnya juga"]);
    let bayu = scene.file(3, draft(TicketKind::DoseOrVaccineWrong, Some("bayu"), "x")).await;
    let date = scene.file(4, draft(TicketKind::BirthDateWrong, Some("siti"), "x")).await;
    let claimed = TicketDraft {
        claimed_nik: Some(Nik::parse("0001014708900003").expect("a nik")),
        ..draft(TicketKind::DoseOrVaccineWrong, None, "x")
    };
    let claimed = scene.file(5, claimed).await;
    assert!([bayu.number, date.number, claimed.number].iter().all(|number| *number != first.number));
    scene.desk.advance(first.number, TicketMove::Answer(text("sudah"))).await.expect("answered");
    let new = scene.file(6, draft(TicketKind::DoseOrVaccineWrong, Some("siti"), "masih")).await;
    assert_ne!(new.number, first.number, "an answered report is not open");
}

#[tokio::test]
async fn a_chat_that_files_without_end_adds_to_what_is_open() {
    let scene = Scene::new();
    let mut numbers = std::collections::BTreeSet::new();
    for call in 0..30 {
        numbers.insert(scene.file(call, draft(TicketKind::OldNumberLost, Some(&call.to_string()), "x")).await.number);
    }
    assert_eq!(numbers.len(), OPEN_LOST_MAX);
    for call in 30..90 {
        let view = scene.file(call, draft(TicketKind::Other, Some(&call.to_string()), &call.to_string())).await;
        numbers.insert(view.number);
    }
    assert_eq!(numbers.len(), OPEN_MAX);
    let kept = scene.desk.of_contact(CHAT).await.expect("reports");
    assert_eq!(kept.len(), OPEN_MAX);
    let words = scene.words(kept[0].number).await;
    assert_eq!((words.len(), words[19].as_str()), (20, "89"), "the last of its words is the newest");
}

#[tokio::test]
async fn the_desks_moves_reach_the_chat_and_the_clock_stands_while_it_waits() {
    let scene = Scene::new();
    let filed = scene.file(1, draft(TicketKind::NikUsedByOther, None, "juli")).await;
    scene.pass(HOUR_MS);
    let taken = scene.desk.advance(filed.number, TicketMove::TakeUp).await.expect("moved").expect("a report");
    assert_eq!(taken.state, TicketState::InWork { since: NOON.plus_ms(HOUR_MS) });
    assert_eq!(scene.last_notice(), Some((CHAT, taken.state, None)));

    let asked = scene.desk.advance(filed.number, TicketMove::Ask(text("tanggal berapa?"))).await.expect("moved");
    let state = asked.expect("a report").state;
    assert_eq!(scene.last_notice(), Some((CHAT, state, Some(text("tanggal berapa?")))));
    scene.pass(5 * HOUR_MS);
    let added = scene.desk.add(CHAT, filed.number, text("tgl 14")).await.expect("added").expect("a report");
    assert_eq!(added.due, filed.due.plus_ms(5 * HOUR_MS), "later by as long as it waited");
    assert_eq!(added.state, TicketState::InWork { since: NOON.plus_ms(6 * HOUR_MS) });

    let answered = scene.desk.advance(filed.number, TicketMove::Answer(text("sudah diperbaiki"))).await.expect("moved");
    assert_eq!(answered.expect("a report").state, TicketState::Answered { at: NOON.plus_ms(6 * HOUR_MS) });
    let whole = scene.desk.ticket(filed.number).await.expect("read").expect("a report");
    assert_eq!((whole.answer, whole.additions), (Some(text("sudah diperbaiki")), vec![text("tgl 14")]));
    let told = scene.heard.0.lock().expect("a list").len();
    scene.desk.advance(filed.number, TicketMove::Close).await.expect("moved");
    assert_eq!(scene.heard.0.lock().expect("a list").len(), told, "closing is silent");
}

#[tokio::test]
async fn an_answer_that_did_not_help_is_opened_again_with_a_new_term() {
    let scene = Scene::new();
    let filed = scene.file(1, draft(TicketKind::Other, None, "x")).await;
    assert_eq!(scene.desk.reopen(CHAT, filed.number).await, Ok(Some(filed.clone())), "it is open as it is");
    scene.desk.advance(filed.number, TicketMove::Answer(text("sudah"))).await.expect("moved");
    scene.pass(24 * HOUR_MS);
    let reopened = scene.desk.reopen(CHAT, filed.number).await.expect("reopened").expect("a report");
    let now = NOON.plus_ms(24 * HOUR_MS);
    assert_eq!((reopened.state.clone(), reopened.due), (TicketState::Reopened { at: now }, now.plus_ms(DUE_MS)));
    scene.pass(HOUR_MS);
    assert_eq!(scene.desk.reopen(CHAT, filed.number).await, Ok(Some(reopened)), "twice is once");
}

#[tokio::test]
async fn another_chats_report_is_not_there() {
    let scene = Scene::new();
    let filed = scene.file(1, draft(TicketKind::Other, None, "x")).await;
    assert_eq!(scene.desk.add(STRANGER, filed.number, text("y")).await, Ok(None));
    assert_eq!(scene.desk.reopen(STRANGER, filed.number).await, Ok(None));
    assert_eq!(scene.desk.of_contact(STRANGER).await, Ok(Vec::new()));
    assert_eq!(scene.words(filed.number).await, ["x"]);
    let unknown = TicketNumber::new(48_210_937).expect("a number");
    assert_eq!(scene.desk.add(CHAT, unknown, text("y")).await, Ok(None));
    assert_eq!(scene.desk.advance(unknown, TicketMove::TakeUp).await, Ok(None));
}

#[tokio::test]
async fn long_words_are_cut_between_characters_and_a_repeat_is_not_added() {
    let scene = Scene::new();
    let filed = scene.file(1, draft(TicketKind::Other, None, &"é".repeat(4_000))).await;
    assert_eq!(scene.words(filed.number).await, ["é".repeat(1_500)]);
    scene.desk.add(CHAT, filed.number, text("sama")).await.expect("added");
    scene.desk.add(CHAT, filed.number, text("sama")).await.expect("added");
    assert_eq!(scene.words(filed.number).await.len(), 2);
    let moved = scene.desk.advance(filed.number, TicketMove::Answer(text(&"é".repeat(4_000)))).await;
    assert!(moved.is_ok(), "a record holds the longest answer");
}

#[tokio::test]
async fn a_foretold_number_is_given_once() {
    let scene = Scene::new();
    let number = TicketNumber::new(48_210_937).expect("a number");
    scene.desk.foretell(number);
    assert_eq!(scene.file(1, draft(TicketKind::Other, None, "x")).await.number, number);
    scene.desk.foretell(number);
    assert_ne!(scene.file(2, draft(TicketKind::NoNik, None, "x")).await.number, number);
}

#[tokio::test]
async fn a_full_store_files_nothing_and_says_so() {
    let scene = Scene::new();
    scene.store.fill(Some("the disk is full"));
    let refused = scene.desk.file(key(CHAT, 1), draft(TicketKind::Other, None, "x")).await;
    assert!(matches!(refused, Err(NeighbourError::Down { neighbour: "desk", .. })), "{refused:?}");
    scene.store.fill(None);
    assert_eq!(scene.desk.of_contact(CHAT).await, Ok(Vec::new()));
    scene.file(1, draft(TicketKind::Other, None, "x")).await;
}

#[tokio::test]
async fn reports_that_were_done_with_long_ago_are_forgotten_and_open_ones_never() {
    const KEPT_MS: i64 = 90 * 24 * HOUR_MS;
    let scene = Scene::new();
    let done = scene.file(1, draft(TicketKind::DoseOrVaccineWrong, Some("p1"), "nama")).await;
    let open = scene.file(2, draft(TicketKind::DoseOrVaccineWrong, Some("p2"), "nama juga")).await;
    scene.desk.advance(done.number, TicketMove::Answer(text("sudah"))).await.expect("answered");
    let before = |scene: &Scene| scene.clock.now().plus_ms(-KEPT_MS);
    scene.pass(KEPT_MS);
    assert_eq!(scene.desk.forget_closed(before(&scene)).await, Ok(0), "ninety days are not over");
    scene.pass(1);
    assert_eq!(scene.desk.forget_closed(before(&scene)).await, Ok(1));
    let left = scene.desk.of_contact(CHAT).await.expect("a list");
    assert_eq!(left.iter().map(|view| view.number).collect::<Vec<_>>(), [open.number]);
    scene.desk.advance(open.number, TicketMove::Close).await.expect("closed");
    scene.pass(KEPT_MS + 1);
    assert_eq!(scene.desk.forget_closed(before(&scene)).await, Ok(1));
    let rows = scene.store.scan(Table::Ticket, Key::new()).await.expect("rows");
    assert_eq!(rows.len(), 1, "words and list are gone too; how many numbers were made is never forgotten");
}

#[tokio::test]
async fn what_happens_to_a_report_waits_for_the_ministrys_desk_in_order_also_over_a_restart() {
    let scene = Scene::with_ministry();
    let filed = scene.file(1, draft(TicketKind::NikUsedByOther, None, "puskesmas kenanga")).await;
    scene.file(1, draft(TicketKind::NikUsedByOther, None, "puskesmas kenanga")).await;
    scene.desk.add(CHAT, filed.number, text("tgl 14")).await.expect("added");
    scene.desk.add(CHAT, filed.number, text("tgl 14")).await.expect("added again");
    assert_eq!(scene.desk.fresh().await, Ok(vec![filed.number]), "all that was left, once");
    let scene = scene.restarted();
    scene.desk.advance(filed.number, TicketMove::Answer(text("sudah"))).await.expect("answered");
    scene.desk.reopen(CHAT, filed.number).await.expect("reopened");
    scene.desk.advance(filed.number, TicketMove::Close).await.expect("closed");
    assert_eq!(scene.desk.fresh().await, Ok(vec![filed.number]), "found again by the next process");
    let first = scene.desk.next(filed.number).await.expect("read").expect("something to tell");
    assert_eq!(first.report.state, TicketState::Filed, "as it stood then");
    assert_eq!(scene.desk.next(filed.number).await, Ok(Some(first)), "the same until it is taken");
    let id = |serial: u32| format!("{}-{serial}", filed.number);
    let told = scene.tell_all(filed.number).await;
    let words = |text: &str| Some(text.to_owned());
    assert_eq!(
        told,
        [
            (id(1), Change::Filed, words("puskesmas kenanga")),
            (id(2), Change::Words, words("tgl 14")),
            (id(3), Change::Moved, words("sudah")),
            (id(4), Change::Reopened, None),
            (id(5), Change::Closed, None),
        ]
    );
    assert_eq!(scene.rows_untold().await, 0);
    let scene = scene.restarted();
    assert_eq!(scene.desk.fresh().await, Ok(Vec::new()), "nothing is told twice");
}

#[tokio::test]
async fn further_words_take_the_place_of_the_last_untold_and_a_forgotten_report_leaves_nothing() {
    let scene = Scene::with_ministry();
    let filed = scene.file(1, draft(TicketKind::Other, None, "0")).await;
    for word in 1..40 {
        scene.desk.add(CHAT, filed.number, text(&word.to_string())).await.expect("added");
    }
    assert_eq!(scene.rows_untold().await, 21, "twenty changes and the sign that there are some");
    scene.desk.advance(filed.number, TicketMove::Close).await.expect("closed");
    let last = scene.store.scan(Table::Ticket, Key::new()).await.expect("rows");
    assert!(last.iter().all(|(_, value)| value.0.len() < 4_096));
    scene.pass(91 * 24 * HOUR_MS);
    assert_eq!(scene.desk.forget_closed(scene.clock.now().plus_ms(-HOUR_MS)).await, Ok(1));
    assert_eq!(scene.rows_untold().await, 0);
    assert_eq!(scene.desk.next(filed.number).await, Ok(None));
}

#[tokio::test]
async fn an_order_is_carried_out_once_and_not_told_back() {
    let scene = Scene::with_ministry();
    let filed = scene.file(1, draft(TicketKind::Other, None, "x")).await.number;
    scene.tell_all(filed).await;
    let asked = scene.order(filed, "o-1", TicketMove::Ask(text("tanggal?"))).await;
    assert!(matches!(&asked, Acted::Done(view) if view.state == TicketState::WaitingCitizen { since: NOON }));
    let standing = scene.desk.read(CHAT).await.expect("read");
    assert_eq!(standing[0].words, Some(text("tanggal?")), "what was asked can be read again");
    assert!(matches!(scene.order(filed, "o-2", TicketMove::Answer(text("sudah"))).await, Acted::Done(_)));
    let scene = scene.restarted();
    let notices = scene.heard.0.lock().expect("a list").len();
    assert_eq!(scene.order(filed, "o-1", TicketMove::Ask(text("tanggal?"))).await, Acted::Before);
    assert_eq!(scene.order(filed, "o-2", TicketMove::Answer(text("lain"))).await, Acted::Before);
    assert_eq!(scene.order(filed, "o-3", TicketMove::Answer(text("sudah"))).await, Acted::Repeated);
    assert!(matches!(scene.order(filed, "o-4", TicketMove::Close).await, Acted::Done(_)));
    assert_eq!(scene.order(filed, "o-5", TicketMove::TakeUp).await, Acted::Closed);
    assert_eq!(
        scene.order(TicketNumber::new(48_210_937).expect("a number"), "o-6", TicketMove::Close).await,
        Acted::Unknown
    );
    assert_eq!(scene.heard.0.lock().expect("a list").len(), notices, "none of these is said to the citizen");
    assert_eq!(scene.desk.next(filed).await, Ok(None));
    scene.desk.reopen(CHAT, filed).await.expect("reopened");
    assert_eq!(scene.tell_all(filed).await.len(), 1, "what the citizen does is told");
}

#[tokio::test]
async fn without_a_ministrys_desk_nothing_is_kept_for_it_and_older_reports_are_read() {
    let scene = Scene::new();
    let filed = scene.file(1, draft(TicketKind::Other, None, "x")).await;
    assert_eq!(scene.rows_untold().await, 0);
    // As the first version wrote it: no changes to be told, no orders.
    let rows = scene.store.scan(Table::Ticket, Key::from_slice(b"h")).await.expect("rows");
    let mut bytes = rows[0].1.0.to_vec();
    bytes[0] = 1;
    assert_eq!((bytes.pop(), bytes.pop()), (Some(0), Some(0)));
    let value = Value(bytes.into());
    let part = Part::Put { table: Table::Ticket, key: rows[0].0.clone(), value };
    scene.desk.shelf.write(vec![part]).await.map_err(NeighbourError::from).expect("written");
    assert_eq!(scene.desk.of_contact(CHAT).await, Ok(vec![filed.clone()]));
    assert!(matches!(scene.order(filed.number, "o-1", TicketMove::TakeUp).await, Acted::Done(_)));
}
