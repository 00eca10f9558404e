//! Each end of an actor is told as what it was, and the window of restarts slides.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use actix::{Actor, Arbiter, AsyncContext, Context, Handler, Message, System};

use super::{Ending, Exit, RestartWindow, Verdict, spawn, task};
use crate::domain::time::Timestamp;

#[test]
fn restart_window_slides() {
    // (restarts_max, window_ms, [(moment, verdict)])
    type Row = (usize, i64, &'static [(i64, Verdict)]);
    use Verdict::{Restart, Spent};
    let table: &[Row] = &[
        (0, 1_000, &[(0, Spent)]),
        (1, 1_000, &[(0, Restart), (999, Spent), (1_000, Restart)]),
        (3, 60_000, &[(0, Restart), (1, Restart), (2, Restart), (3, Spent), (59_999, Spent)]),
        // It slides: only the first has left the window at 60,000, so one more is allowed, not three.
        (3, 60_000, &[(0, Restart), (50_000, Restart), (59_000, Restart), (60_000, Restart), (60_001, Spent)]),
        // A refused restart is not counted against the next.
        (1, 1_000, &[(0, Restart), (500, Spent), (1_400, Restart)]),
        // A clock that goes back opens nothing.
        (2, 1_000, &[(5_000, Restart), (4_000, Restart), (4_500, Spent), (6_000, Restart)]),
    ];
    for (index, (restarts_max, window_ms, steps)) in table.iter().enumerate() {
        let mut window = RestartWindow::new(*restarts_max, *window_ms);
        for (at, verdict) in *steps {
            assert_eq!(window.record(Timestamp(*at)), *verdict, "row {index} at {at}");
        }
    }
}

#[test]
fn restart_window_counts_what_is_inside() {
    let mut window = RestartWindow::new(5, 1_000);
    window.record(Timestamp(0));
    window.record(Timestamp(900));
    assert_eq!(window.counted(Timestamp(950)), 2);
    assert_eq!(window.counted(Timestamp(1_000)), 1);
}

#[test]
fn the_pause_before_a_restart_grows_and_is_bounded() {
    // Restarts a second apart in a window of a minute: the pause before each.
    let pauses = [0, 200, 400, 800, 1_600, 3_200, 5_000, 5_000];
    let mut window = RestartWindow::new(100, 60_000);
    for (restart, pause_ms) in (0..).zip(pauses) {
        let now = Timestamp(restart * 1_000);
        window.record(now);
        assert_eq!(window.pause_ms(now), pause_ms, "restart {restart}");
    }
    let later = Timestamp(67_000);
    window.record(later);
    assert_eq!(window.pause_ms(later), 0, "those before have left the window");
}

struct Probe {
    ending: Ending,
    heard: Sender<u32>,
    stops_badly: bool,
}

impl Actor for Probe {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Context<Self>) {
        assert!(!self.stops_badly, "as the test wants");
    }
}

#[derive(Message)]
#[rtype(result = "()")]
enum Do {
    Say(u32),
    Panic,
    Stop(Exit),
    StopBadly,
}

impl Handler<Do> for Probe {
    type Result = ();

    fn handle(&mut self, message: Do, context: &mut Context<Self>) {
        use actix::ActorContext;
        match message {
            Do::Say(number) => self.heard.send(number).expect("the test listens"),
            Do::Panic => panic!("as the test wants"),
            Do::StopBadly => self.stops_badly = true,
            Do::Stop(exit) => {
                self.ending.will_be(exit);
                context.stop();
            }
        }
    }
}

struct Rig {
    arbiter: Arbiter,
    exits: (Sender<Exit>, Receiver<Exit>),
    words: (Sender<u32>, Receiver<u32>),
}

const PATIENCE: Duration = Duration::from_secs(20);

impl Rig {
    fn start(&self, bound: usize) -> actix::Addr<Probe> {
        let heard = self.words.0.clone();
        let exits = self.exits.0.clone();
        spawn(
            &self.arbiter.handle(),
            bound,
            move |_, ending| Probe { ending, heard, stops_badly: false },
            move |exit| exits.send(exit).expect("the test listens"),
        )
    }

    fn exit(&self) -> Exit {
        self.exits.1.recv_timeout(PATIENCE).expect("an exit is always told")
    }
}

fn on_a_rig(test: impl FnOnce(&Rig)) {
    let system = System::new();
    system.block_on(async {
        let rig = Rig { arbiter: Arbiter::new(), exits: channel(), words: channel() };
        test(&rig);
        rig.arbiter.stop();
    });
}

#[test]
fn every_end_is_told_as_what_it_was() {
    on_a_rig(|rig| {
        let cases = [
            (Do::Stop(Exit::Finished), Exit::Finished),
            (Do::Stop(Exit::Failed), Exit::Failed),
            (Do::Panic, Exit::Panicked),
        ];
        for (message, exit) in cases {
            let address = rig.start(4);
            assert!(address.try_send(message).is_ok(), "there is room");
            assert_eq!(rig.exit(), exit);
        }
        // Nobody holds its address any more: what waits is handled first, then it goes.
        let address = rig.start(4);
        assert!(address.try_send(Do::Say(7)).is_ok(), "there is room");
        drop(address);
        assert_eq!(rig.exit(), Exit::Passivated);
        assert_eq!(rig.words.1.try_recv(), Ok(7));
    });
}

#[test]
fn a_panic_spares_the_neighbours_and_the_arbiter() {
    on_a_rig(|rig| {
        let neighbour = rig.start(4);
        let broken = rig.start(4);
        assert!(broken.try_send(Do::Panic).is_ok(), "there is room");
        assert_eq!(rig.exit(), Exit::Panicked);
        assert!(broken.try_send(Do::Say(1)).is_err(), "the dead take no mail");
        assert!(neighbour.try_send(Do::Say(2)).is_ok(), "there is room");
        assert_eq!(rig.words.1.recv_timeout(PATIENCE), Ok(2));
    });
}

#[test]
fn a_panic_while_it_stops_is_told_as_one_and_spares_the_thread() {
    on_a_rig(|rig| {
        for last in [Do::Panic, Do::Stop(Exit::Finished)] {
            let broken = rig.start(4);
            assert!(broken.try_send(Do::StopBadly).is_ok(), "there is room");
            assert!(broken.try_send(last).is_ok(), "there is room");
            assert_eq!(rig.exit(), Exit::Panicked);
        }
        let neighbour = rig.start(4);
        assert!(neighbour.try_send(Do::Say(2)).is_ok(), "there is room");
        assert_eq!(rig.words.1.recv_timeout(PATIENCE), Ok(2));
    });
}

#[test]
fn a_dead_arbiter_kills() {
    on_a_rig(|rig| {
        let living = rig.start(4);
        assert!(living.try_send(Do::Say(1)).is_ok(), "there is room");
        rig.words.1.recv_timeout(PATIENCE).expect("it lives");
        rig.arbiter.stop();
        assert_eq!(rig.exit(), Exit::Killed);
        let late = rig.start(4);
        assert_eq!(rig.exit(), Exit::Killed);
        assert!(late.try_send(Do::Say(2)).is_err());
    });
}

#[test]
fn a_full_mailbox_refuses() {
    on_a_rig(|rig| {
        // The arbiter is kept busy, so that nothing is taken out meanwhile.
        let (go, wait) = channel::<()>();
        rig.arbiter.spawn_fn(move || {
            // It ends when the sender is dropped.
            let _ended = wait.recv_timeout(PATIENCE);
        });
        let address = rig.start(2);
        let taken = (0..100).filter(|_| address.try_send(Do::Say(0)).is_ok()).count();
        drop(go);
        assert!((1..=4).contains(&taken), "{taken} messages got into a mailbox of two");
    });
}

#[test]
fn a_task_that_panics_is_heard() {
    let system = System::new();
    system.block_on(async {
        let (tell, hear) = tokio::sync::oneshot::channel();
        task(async { panic!("as the test wants") }, move |result: Result<(), _>| {
            tell.send(result.is_err()).expect("the test listens");
        });
        assert_eq!(hear.await, Ok(true));
    });
}

#[test]
fn context_is_ours_from_the_first_message() {
    // `make` gets the real context: what it schedules there runs in the actor.
    on_a_rig(|rig| {
        let heard = rig.words.0.clone();
        let exits = rig.exits.0.clone();
        let address = spawn(
            &rig.arbiter.handle(),
            1,
            move |context: &mut Context<Probe>, ending| {
                context.notify(Do::Say(9));
                Probe { ending, heard, stops_badly: false }
            },
            move |exit| exits.send(exit).expect("the test listens"),
        );
        assert_eq!(rig.words.1.recv_timeout(PATIENCE), Ok(9));
        drop(address);
        assert_eq!(rig.exit(), Exit::Passivated);
    });
}
