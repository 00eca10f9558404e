//! What takes a thread or the whole process with it: a message whose handling overflows the stack, and one whose
//! handling never returns. Each is tried three times in all, across restarts, and then set aside alone; whoever
//! else wrote is answered.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use siaga::domain::contact::Recipient;
use siaga::domain::phone::Phone;
use siaga::emulator::{Content, Emulator, Happening, Sender};
use tokio::time::Instant;

use super::server::{PATIENCE, Server, Site};

const VICTIM: &str = "6281200000077";
const NEIGHBOUR: &str = "6281200000042";
/// SIGABRT: what an overflown stack ends in.
const ABORTED: i32 = 6;
/// The server gave up on itself.
const GAVE_UP: i32 = 70;

struct Scene {
    site: Site,
    emulator: Emulator,
}

impl Scene {
    async fn new() -> Self {
        let site = Site::new();
        let emulator = site.emulator().await;
        Self { site, emulator }
    }

    /// A server to which `#overflow` and `#loop` are words that harm.
    fn spawn(&self) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_siaga"));
        command.env("SIAGA_HARMFUL_WORDS", "1");
        self.site.spawn_under(&self.emulator.url(), command)
    }

    fn say(&self, wa_id: &str, text: &str) {
        drop(self.emulator.say(&Sender::phone(phone(wa_id)), Content::text(text)).expect("said"));
    }

    /// Replies that a citizen has got.
    fn replies(&self, wa_id: &str) -> usize {
        let chat = self.emulator.chat(&Recipient::Phone(phone(wa_id)));
        chat.iter().filter(|event| matches!(event.what, Happening::Replied(_))).count()
    }

    /// Says something, and waits for as many replies more.
    async fn is_answered(&self, wa_id: &str, text: &str) {
        let before = self.replies(wa_id);
        self.say(wa_id, text);
        self.until(text, || self.replies(wa_id) > before).await;
    }

    async fn until(&self, what: &str, mut ready: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !ready() {
            assert!(Instant::now() < deadline, "never answered: {what}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Starts processes, as systemd would, until the victim hears something; gives the live one, and how those
    /// before it ended. Meanwhile the neighbour says something to each.
    async fn until_the_victim_is_told(&self, mut server: Server) -> (Server, Vec<std::process::ExitStatus>) {
        let mut ends = Vec::new();
        let deadline = Instant::now() + 3 * PATIENCE;
        while self.replies(VICTIM) == 0 {
            assert!(Instant::now() < deadline, "the victim was never told; processes ended so: {ends:?}");
            if let Some(end) = server.ended() {
                ends.push(end);
                self.say(NEIGHBOUR, "menu");
                server = self.spawn();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        (server, ends)
    }

    /// One message is set aside, its neighbours are answered, and so is what its sender says next.
    async fn all_others_are_served(&self, server: Server) {
        self.is_answered(VICTIM, "hai").await;
        self.is_answered(NEIGHBOUR, "bantuan").await;
        server.until_nothing_open().await;
        // The books are looked at once a second.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let metrics = server.page("metrics").await;
            if metrics.contains("siaga_messages{term=\"pending\"} 0") && metrics.contains("siaga_messages_drift 0") {
                assert!(metrics.contains("siaga_messages{term=\"dead_lettered\"} 1"), "{metrics}");
                break;
            }
            assert!(Instant::now() < deadline, "the books do not come out even: {metrics}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(server.stop().await, Some(0), "asked to stop, it stops in order");
    }
}

fn phone(wa_id: &str) -> Phone {
    Phone::from_wa_id(wa_id).expect("a phone")
}

#[actix_web::test]
async fn a_message_that_overflows_the_stack_ends_three_processes_and_then_only_itself() {
    let scene = Scene::new().await;
    let mut server = scene.spawn();
    server.until_ready().await;
    scene.is_answered(NEIGHBOUR, "hai").await;
    scene.say(VICTIM, "#overflow");
    let (server, ends) = scene.until_the_victim_is_told(server).await;
    let signals: Vec<Option<i32>> = ends.iter().map(ExitStatusExt::signal).collect();
    assert_eq!(signals, [Some(ABORTED); 3], "three tries, each the end of a process");
    scene.all_others_are_served(server).await;
    scene.emulator.stop().await;
}

#[actix_web::test]
async fn a_message_whose_handling_never_returns_is_tried_three_times_on_three_threads() {
    let scene = Scene::new().await;
    let mut server = scene.spawn();
    server.until_ready().await;
    scene.is_answered(NEIGHBOUR, "hai").await;
    scene.say(VICTIM, "#loop");
    // The first thread is given up after ten seconds, the second is the process's end, the third is the last try.
    let (server, ends) = scene.until_the_victim_is_told(server).await;
    let codes: Vec<Option<i32>> = ends.iter().map(std::process::ExitStatus::code).collect();
    assert_eq!(codes, [Some(GAVE_UP)]);
    scene.all_others_are_served(server).await;
    scene.emulator.stop().await;
}
