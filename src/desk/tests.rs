//! Reports from filing to closing, and what a chat may not do to another's.

use super::*;
use crate::domain::call::CallId;
use crate::domain::certificate::Language;
use crate::domain::citizen::PersonId;
use crate::domain::nik::Nik;
use crate::ports::{Delivery, Inlet, Table};
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
        let now = self.clock.now();
        Self::on(self.store.reopen(), now)
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
