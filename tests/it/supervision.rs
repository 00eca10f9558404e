//! What may break inside, by the name of the hazard: an actor that panics at any point of its life, a thread that
//! does not come back, a tree that cannot be kept running. Neighbours keep their order and their answers, and the
//! tree shows what happened.
//!
//! What takes the whole process with it is in `tests/crash/poison.rs`, with the real binary.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use siaga::actors::fault::{Fault, Faults, Point};
use siaga::actors::root::TreeView;
use siaga::actors::session::Script;
use siaga::actors::shard::view::Standing;
use siaga::app::Ended;
use siaga::conversation::text::Texts;
use siaga::conversation::{Context, Effect, Event, Reply, State, Step};
use siaga::domain::call::{Answer, Call, Request};
use siaga::domain::certificate::Language;
use siaga::domain::message::{Content, Outbound, ReplyKind, Text};
use siaga::domain::phone::Mobile;
use siaga::ports::{SendError, Store, Writer};

use crate::app::status;
use crate::support::{ParrotHouse, TestApp, envelope, eventually, text};

const PEOPLE: usize = 6;

/// Says what it hears; "ask" asks the citizen's own account, "hang" does not come back while the gate is shut.
#[derive(Default)]
struct Clerk {
    /// So many more times "hang" hangs.
    hangs: AtomicUsize,
    released: AtomicBool,
    hanging: AtomicUsize,
}

impl Clerk {
    fn hang(&self) {
        if self.hangs.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
            return;
        }
        self.hanging.fetch_add(1, Ordering::SeqCst);
        while !self.released.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn say(text: &str) -> Effect {
    let message = Outbound::Text { body: Text(text.to_owned()) };
    Effect::Say(Reply { kind: ReplyKind::Answer, message, epoch: None })
}

impl Script for Clerk {
    fn step(&self, state: State, events: Vec<Event>, context: &Context<'_>) -> Step {
        let mut said = Vec::new();
        let mut effects = Vec::new();
        for event in events {
            match event {
                Event::Message(message) | Event::Late(message) => {
                    let Content::Text(Text(text)) = message.content else { continue };
                    if text == "ask" {
                        let account = context.identity.phone.and_then(Mobile::from_phone).expect("a mobile phone");
                        let request = Request::Leave { account };
                        effects.push(Effect::Call { call: Call { id: context.call, request }, after_s: 0 });
                    }
                    if text == "hang" {
                        self.hang();
                    }
                    said.push(text);
                }
                Event::Answer { answer: Answer::Left, .. } => said.push("left".to_owned()),
                Event::Answer { .. } => said.push("down".to_owned()),
                Event::Notice(_) | Event::Wake => {}
            }
        }
        if !said.is_empty() {
            effects.push(say(&said.join(",")));
        }
        Step { state, effects, wake_at: None }
    }

    fn resume(&self, _: &State, _: &Context<'_>) -> Vec<Effect> {
        Vec::new()
    }

    fn apology(&self, _: &State, _: &Texts) -> Reply {
        let message = Outbound::Text { body: Text("sorry".to_owned()) };
        Reply { kind: ReplyKind::Answer, message, epoch: None }
    }

    fn language(&self, _: &State) -> Language {
        Language::Indonesian
    }
}

struct House {
    parrot: ParrotHouse,
    clerk: Arc<Clerk>,
    faults: Faults,
}

impl House {
    fn new() -> Self {
        Self { parrot: ParrotHouse::new(), clerk: Arc::default(), faults: Faults::default() }
    }

    fn open(&self) -> TestApp {
        let mut options = self.parrot.options();
        options.script = self.clerk.clone();
        options.faults = self.faults.clone();
        options.figures.passivate_after_ms = 60_000;
        TestApp::start(options)
    }

    /// Waits, and lets a little of the server's time pass, as pauses before restarts need it.
    async fn eventually(&self, what: &str, mut ready: impl FnMut() -> bool) {
        eventually(what, || {
            self.parrot.clock.advance(10);
            ready()
        })
        .await;
    }

    fn heard(&self, person: usize) -> String {
        self.parrot.channel.texts_to(&format!("+{}", phone(person))).join(",")
    }

    async fn everyone_hears(&self, what: &str, expected: impl Fn(&str) -> bool) {
        self.eventually(what, || (0..PEOPLE).all(|person| expected(&self.heard(person)))).await;
    }

    fn all_is_settled(&self) -> bool {
        self.parrot.store.open_rows() == (0, 0)
    }
}

fn phone(person: usize) -> String {
    format!("62812000{person:05}")
}

async fn says(app: &TestApp, person: usize, round: &str, words: &str) {
    let body = envelope(&[text(&format!("w-{person}-{round}"), &phone(person), words)]);
    assert_eq!(app.post(&body).await, 200);
}

async fn everyone_says(app: &TestApp, round: &str, words: &str) {
    join_all((0..PEOPLE).map(|person| says(app, person, round, words))).await;
}

/// Everyone says two things, asks his account, and says a third; gives the tree at the end.
async fn a_day(points: &[Point]) -> (TreeView, Vec<String>) {
    let house = House::new();
    let app = house.open();
    for point in points {
        house.faults.arm(*point, Fault::Panic, 1);
    }
    everyone_says(&app, "1", "1").await;
    everyone_says(&app, "2", "2").await;
    house.everyone_hears("the first two answers", |heard| heard == "1,2").await;
    everyone_says(&app, "ask", "ask").await;
    let answered = |heard: &str| heard == "1,2,ask,left" || heard == "1,2,ask,down";
    house.everyone_hears("what their accounts say", answered).await;
    // Sessions and accounts go to sleep.
    house.parrot.clock.advance(61_000);
    house.eventually("the faults happen", || house.faults.left() == 0).await;
    everyone_says(&app, "3", "3").await;
    house.everyone_hears("the last answer", |heard| heard.ends_with(",3")).await;
    house.eventually("all is settled", || house.all_is_settled()).await;
    let tally = house.parrot.store.tally();
    assert_eq!((tally.drift(), tally.pending), (0, 0), "{points:?}: {tally:?}");
    assert_eq!((tally.accepted, tally.dead_lettered), (4 * PEOPLE as u64, 0), "{points:?}: {tally:?}");
    let heard: Vec<String> = (0..PEOPLE).map(|person| house.heard(person)).collect();
    app.at_rest().await;
    // Who panicked last may still wait for its time to start again, although nobody needs it any more.
    house.eventually("everyone runs again", || all_run(&app.tree())).await;
    (app.tree(), heard)
}

fn all_run(tree: &TreeView) -> bool {
    tree.shards.iter().all(|shard| shard.state == Standing::Running && shard.outbox.state == Standing::Running)
}

/// Restarts of shards and outboxes.
fn restarts(tree: &TreeView) -> (u64, u64) {
    (tree.root.restarts, tree.shards.iter().map(|shard| shard.outbox.restarts).sum())
}

#[tokio::test]
async fn a_shard_that_panics_in_a_handler_at_its_start_or_at_its_stop_harms_nobody() {
    let cases: [(&[Point], u64); 5] = [
        (&[Point::ShardRung], 1),
        (&[Point::ShardTick], 1),
        (&[Point::ShardTick, Point::ShardStart], 2),
        (&[Point::ShardTick, Point::ShardStop], 1),
        (&[Point::ShardRung, Point::ShardStart, Point::ShardStop], 2),
    ];
    for (points, shards) in cases {
        let (tree, heard) = a_day(points).await;
        assert_eq!(tree.root.restarts, shards, "{points:?}");
        assert_eq!((tree.root.state, tree.root.lost_threads), ("running", 0), "{points:?}");
        assert_eq!(heard, vec!["1,2,ask,left,3"; PEOPLE], "{points:?}");
    }
}

#[tokio::test]
async fn what_an_outbox_hears_while_its_shard_is_replaced_is_written_down() {
    let house = House::new();
    let app = house.open();
    house.parrot.channel.fail_next([SendError::Ambiguous { reason: "reset".into() }]);
    says(&app, 0, "1", "1").await;
    house.eventually("its end is unknown", || house.parrot.channel.tried.load(Ordering::SeqCst) == 1).await;
    app.at_rest().await;
    assert_eq!(house.parrot.store.open_rows(), (0, 1));
    // The shards are given up: they may write no more, and nobody has taken over.
    for shard in 0..app.tree().shards.len() {
        house.parrot.store.fence(Writer { shard: u16::try_from(shard).expect("a few"), generation: u32::MAX });
    }
    let tag = house.parrot.channel.tags()[0].clone();
    assert_eq!(app.post(&status("wamid.x", &tag)).await, 200);
    house.eventually("all is settled", || house.all_is_settled()).await;
}

#[tokio::test]
async fn an_outbox_that_panics_in_a_handler_at_its_start_or_at_its_stop_sends_all_once() {
    let cases: [(&[Point], u64); 5] = [
        (&[Point::OutboxRung], 1),
        (&[Point::OutboxTick], 1),
        (&[Point::OutboxTick, Point::OutboxStart], 1),
        (&[Point::OutboxTick, Point::OutboxStop], 1),
        (&[Point::OutboxRung, Point::OutboxRung, Point::OutboxTick], 3),
    ];
    for (points, outboxes) in cases {
        let (tree, heard) = a_day(points).await;
        assert_eq!(restarts(&tree), (0, outboxes), "{points:?}");
        assert_eq!(heard, vec!["1,2,ask,left,3"; PEOPLE], "{points:?}");
    }
}

#[tokio::test]
async fn a_session_that_panics_anywhere_says_all_once_and_in_order() {
    let cases: [&[Point]; 5] = [
        &[Point::SessionStart],
        &[Point::SessionWork],
        &[Point::SessionDurable],
        &[Point::SessionStop],
        &[Point::SessionWork, Point::SessionStart, Point::SessionStop],
    ];
    for points in cases {
        let (tree, heard) = a_day(points).await;
        assert_eq!(restarts(&tree), (0, 0), "{points:?}: its shard is not troubled");
        assert_eq!(heard, vec!["1,2,ask,left,3"; PEOPLE], "{points:?}");
    }
}

#[tokio::test]
async fn an_account_that_panics_anywhere_is_down_for_one_question_of_one_citizen() {
    let cases: [(&[Point], usize); 6] = [
        (&[Point::AccountStart], 1),
        (&[Point::AccountHandle], 1),
        (&[Point::AccountStep], 1),
        (&[Point::AccountDurable], 1),
        (&[Point::AccountStop], 0),
        (&[Point::AccountHandle, Point::AccountStop], 1),
    ];
    for (points, down) in cases {
        let (tree, heard) = a_day(points).await;
        assert_eq!(restarts(&tree), (0, 0), "{points:?}: its shard is not troubled");
        let told_down = heard.iter().filter(|heard| *heard == "1,2,ask,down,3").count();
        let told_left = heard.iter().filter(|heard| *heard == "1,2,ask,left,3").count();
        assert_eq!((told_down, told_left), (down, PEOPLE - down), "{points:?}: {heard:?}");
    }
}

#[tokio::test]
async fn root_that_panics_lets_all_be_finished_and_the_process_end() {
    for point in [Point::RootLook, Point::RootShardEnded] {
        let house = House::new();
        let app = house.open();
        everyone_says(&app, "1", "1").await;
        house.everyone_hears("an answer", |heard| heard == "1").await;
        house.faults.arm(point, Fault::Panic, 1);
        if point == Point::RootShardEnded {
            house.faults.arm(Point::ShardTick, Fault::Panic, 1);
        }
        house.eventually("root ends", || app.tree().root.state == "failed").await;
        assert_eq!(app.ops("/livez").await, (503, "root has work and does not move\n".to_owned()));
        assert!(app.gave_up(), "the process is told to end");
        if point == Point::RootLook {
            everyone_says(&app, "2", "2").await;
            house.everyone_hears("an answer all the same", |heard| heard == "1,2").await;
        }
        app.kill();
    }
}

#[tokio::test]
async fn root_that_panics_at_its_start_ends_the_process_and_the_next_one_serves() {
    let mut house = House::new();
    house.faults.arm(Point::RootStart, Fault::Panic, 1);
    let app = house.open();
    house.eventually("root gives up", || app.gave_up()).await;
    everyone_says(&app, "1", "1").await;
    house.parrot.crash(app);
    let app = house.open();
    house.everyone_hears("an answer of the next process", |heard| heard == "1").await;
    app.at_rest().await;
}

#[tokio::test]
async fn root_that_panics_at_its_stop_leaves_a_drain_whole() {
    let house = House::new();
    let app = house.open();
    everyone_says(&app, "1", "1").await;
    house.faults.arm(Point::RootStop, Fault::Panic, 1);
    assert_eq!(app.drain(), Ended::Drained);
    assert_eq!(house.faults.left(), 0, "it panicked");
    assert!((0..PEOPLE).all(|person| house.heard(person) == "1"), "all was finished first");
    assert!(house.all_is_settled());
}

#[tokio::test]
async fn a_shard_that_dies_again_and_again_ends_the_process_and_nothing_is_lost() {
    let mut house = House::new();
    let app = house.open();
    house.faults.arm(Point::ShardTick, Fault::Panic, 4);
    house.eventually("root gives up", || app.gave_up()).await;
    everyone_says(&app, "1", "1").await;
    assert_eq!(app.tree().root.restarts, 4, "three are allowed in a minute");
    // The other shard answers its own, until the end.
    let past = Arc::clone(&house.parrot.channel);
    house.parrot.crash(app);
    let app = house.open();
    // What may have left already waits two minutes for a status.
    house.parrot.clock.advance(121_000);
    let before = |person| past.texts_to(&format!("+{}", phone(person))) == ["1"];
    let all = || (0..PEOPLE).all(|person| before(person) || house.heard(person) == "1");
    house.eventually("the others are answered by the next process", all).await;
    app.at_rest().await;
}

#[tokio::test]
async fn a_session_that_dies_every_time_loses_one_message_and_no_more() {
    let house = House::new();
    let app = house.open();
    // It dies before it can even count: its shard does, and sets the message aside.
    house.faults.arm(Point::SessionStart, Fault::Panic, 4);
    says(&app, 0, "1", "1").await;
    house.eventually("it is set aside", || house.parrot.store.tally().dead_lettered == 1).await;
    assert_eq!(house.faults.left(), 0);
    says(&app, 0, "2", "2").await;
    says(&app, 1, "1", "1").await;
    house.eventually("the next is answered", || house.heard(0) == "2" && house.heard(1) == "1").await;
    app.at_rest().await;
}

#[tokio::test]
async fn a_step_that_does_not_return_loses_its_thread_and_its_neighbours_move_on() {
    let house = House::new();
    let app = house.open();
    everyone_says(&app, "1", "1").await;
    house.everyone_hears("an answer", |heard| heard == "1").await;
    house.clerk.hangs.store(1, Ordering::SeqCst);
    says(&app, 0, "hang", "hang").await;
    eventually("a thread hangs", || house.clerk.hanging.load(Ordering::SeqCst) == 1).await;
    everyone_says(&app, "2", "2").await;
    // Half way it is named, and whoever watches the process hears it.
    let mut named = false;
    house
        .eventually("its shard is given up", || {
            named |= app.tree().shards.iter().any(|shard| serde_json::to_value(shard.state).unwrap() == "still");
            app.tree().root.lost_threads == 1
        })
        .await;
    assert!(named, "it was seen standing still");
    house.everyone_hears("the second answer", |heard| heard.ends_with('2')).await;
    let others = (1..PEOPLE).map(|person| house.heard(person));
    assert!(others.into_iter().all(|heard| heard == "1,2"));
    assert_eq!(house.heard(0), "1,hang,2", "its second try went well");
    // The lost thread comes back: what it wants to write is of an older generation.
    house.clerk.released.store(true, Ordering::SeqCst);
    everyone_says(&app, "3", "3").await;
    house.everyone_hears("the third answer", |heard| heard.ends_with('3')).await;
    house.eventually("all is settled", || house.all_is_settled()).await;
    assert_eq!(house.heard(0), "1,hang,2,3", "and nothing is said twice");
    let tree = app.tree();
    assert_eq!((tree.root.restarts, tree.root.state), (1, "running"));
    assert_eq!(app.ops("/livez").await.0, 200);
    app.at_rest().await;
}

#[tokio::test]
async fn two_lost_threads_end_the_process() {
    let house = House::new();
    let app = house.open();
    house.clerk.hangs.store(2, Ordering::SeqCst);
    says(&app, 0, "hang", "hang").await;
    house.eventually("root gives up", || app.gave_up()).await;
    assert_eq!(app.tree().root.lost_threads, 2);
    assert_eq!(app.ops("/livez").await.0, 503);
    house.clerk.released.store(true, Ordering::SeqCst);
    app.kill();
}

#[tokio::test]
async fn a_lost_row_rings() {
    let house = House::new();
    let app = house.open();
    everyone_says(&app, "1", "1").await;
    house.everyone_hears("an answer", |heard| heard == "1").await;
    app.at_rest().await;
    let look = app.tree().root.looks;
    eventually("the books are looked at", || app.tree().root.looks > look + 1).await;
    let (status, ready) = app.ops("/readyz").await;
    assert!(status == 200 && !ready.contains("not accounted for"), "{ready}");
    let (_, metrics) = app.ops("/metrics").await;
    assert!(metrics.contains("siaga_messages{term=\"accepted\"}"), "{metrics}");
    // One hangs, so that a row is open, and that row is lost.
    house.clerk.hangs.store(1, Ordering::SeqCst);
    says(&app, 0, "hang", "hang").await;
    eventually("a thread hangs", || house.clerk.hanging.load(Ordering::SeqCst) == 1).await;
    assert!(house.parrot.store.lose_a_row());
    house.clerk.released.store(true, Ordering::SeqCst);
    let look = app.tree().root.looks;
    eventually("the books are looked at", || app.tree().root.looks > look + 1).await;
    let (status, ready) = app.ops("/readyz").await;
    assert!(status == 200 && ready.contains("\n1 accepted messages are not accounted for\n"), "{ready}");
    app.at_rest().await;
    app.kill();
    // It rings in the next process too.
    let again = Arc::new(house.parrot.store.reopen());
    assert_eq!(again.tally().drift(), 1);
}

#[tokio::test]
async fn operators_see_the_tree_live() {
    let house = House::new();
    let app = house.open();
    house.clerk.hangs.store(1, Ordering::SeqCst);
    says(&app, 0, "hang", "hang").await;
    eventually("a thread hangs", || house.clerk.hanging.load(Ordering::SeqCst) == 1).await;
    says(&app, 0, "1", "1").await;
    house.parrot.clock.advance(7_000);
    let (status, page) = app.ops("/actors").await;
    let page: Value = serde_json::from_str(&page).expect("a picture of the tree");
    house.clerk.released.store(true, Ordering::SeqCst);
    assert_eq!((status, &page["root"]["state"]), (200, &Value::from("running")));
    let shards = page["shards"].as_array().expect("shards");
    assert_eq!(shards.len(), 2);
    let busy = shards.iter().find(|shard| shard["inbox"]["turns"] == 1).expect("one has a turn under way");
    assert_eq!((&busy["oldest_ms"], &busy["sessions_awake"]), (&Value::from(7_000), &Value::from(1)));
    assert_eq!((&busy["inbox"]["rows_open"], &busy["restarts"]), (&Value::from(2), &Value::from(0)));
    for figure in ["state", "generation", "moves", "mailbox", "accounts_awake"] {
        assert!(!busy[figure].is_null(), "`{figure}` is missing: {busy}");
    }
    assert_eq!(busy["outbox"]["state"], "running");
    app.at_rest().await;
}
