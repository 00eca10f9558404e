//! The real binary, killed with SIGKILL, against an emulated Meta that lives on.
//!
//! The emulator is in this process, so it keeps redelivering what was not acknowledged and remembers what was
//! answered. Here are single conversations across a kill; `crash/kill.rs` kills a server under load.
#![allow(clippy::unwrap_used)] // helpers of tests: a panic is the finding

#[path = "crash/backlog.rs"]
mod backlog;
#[path = "crash/crowd.rs"]
mod crowd;
#[path = "crash/deferred.rs"]
mod deferred;
#[path = "crash/drain.rs"]
mod drain;
#[path = "crash/history.rs"]
mod history;
#[path = "crash/inside.rs"]
mod inside;
#[path = "crash/kill.rs"]
mod kill;
#[path = "crash/poison.rs"]
mod poison;
#[path = "crash/server.rs"]
mod server;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use server::{PATIENCE, Server, Site};
use siaga::domain::phone::Phone;
use siaga::emulator::{self, Content, Emulator, Event, Form, Happening, Sender};
use tokio::sync::broadcast::Receiver;

struct World {
    site: Site,
    emulator: Emulator,
    events: Receiver<Arc<Event>>,
    citizen: Sender,
    phone: Phone,
}

impl World {
    async fn new(phone: &str) -> Self {
        let site = Site::new();
        let emulator = site.emulator().await;
        let events = emulator.subscribe();
        let phone = Phone::from_wa_id(phone).expect("a phone");
        Self { site, emulator, events, citizen: Sender::phone(phone), phone }
    }

    async fn start(&self) -> Server {
        self.site.start(&self.emulator.url()).await
    }

    fn say(&self, text: &str) -> emulator::Posting {
        self.emulator.say(&self.citizen, Content::text(text)).expect("said")
    }

    /// The next message of the service, as words with its buttons' titles.
    async fn reply(&mut self) -> String {
        tokio::time::timeout(PATIENCE, async {
            loop {
                let event = self.events.recv().await.expect("the emulator's events");
                if let Happening::Replied(reply) = &event.what {
                    return words(&reply.form);
                }
            }
        })
        .await
        .expect("a reply in time")
    }

    async fn answer(&mut self, text: &str) -> String {
        drop(self.say(text));
        self.reply().await
    }

    /// The code in the newest SMS.
    async fn code(&self) -> String {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(text) = self.emulator.sms_inbox(self.phone).last() {
                return text.0.chars().take(6).collect();
            }
            assert!(tokio::time::Instant::now() < deadline, "no sms in time");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn words(form: &Form) -> String {
    match form {
        Form::Text { body } => body.0.clone(),
        Form::Buttons { body, buttons, .. } => {
            let titles: Vec<_> = buttons.iter().map(|button| format!("[{}]", button.title.0)).collect();
            format!("{} {}", body.0, titles.join(" "))
        }
        Form::Document { file_name, .. } => format!("(PDF {})", file_name.0),
        Form::List { .. }
        | Form::Action { .. }
        | Form::Media { .. }
        | Form::Template { .. }
        | Form::Reaction { .. }
        | Form::Location { .. }
        | Form::Contacts { .. } => format!("{form:?}"),
    }
}

#[actix_web::test]
async fn a_citizen_goes_on_where_he_was_after_every_kill() {
    let mut world = World::new("6281200000042").await;
    let server = world.start().await;
    let greeting = world.answer("hai").await;
    assert!(greeting.contains("[Setuju, nomor ini]"), "{greeting}");
    server.kill();

    let server = world.start().await;
    let sent = world.answer("1").await;
    assert!(sent.contains("Kode OTP 6 angka kami kirim lewat SMS ke nomor berakhiran 0042"), "{sent}");
    let code = world.code().await;
    server.kill();

    let server = world.start().await;
    let menu = world.answer(&code).await;
    assert!(menu.contains("Verifikasi berhasil"), "{menu}");
    server.kill();

    let server = world.start().await;
    let question = world.answer("download sertifikat").await;
    assert!(question.contains("16 angka NIK"), "{question}");
    server.kill();

    let server = world.start().await;
    assert_eq!(world.answer("Siti Rahmawati 0001014708900003").await, "(PDF Sertifikat-Vaksinasi-Dosis-1.pdf)");
    server.kill();
    world.emulator.stop().await;
}

#[actix_web::test]
async fn what_was_acknowledged_is_answered_after_a_kill() {
    let mut world = World::new("6281200000051").await;
    let server = world.start().await;
    let stored = world.say("hai").stored.await.expect("taken");
    assert_eq!(stored.http, 200);
    // Wherever the turn is now, the message is the server's alone.
    server.kill();
    let server = world.start().await;
    let greeting = world.reply().await;
    assert!(greeting.contains("[Setuju, nomor ini]"), "{greeting}");
    server.kill();
    world.emulator.stop().await;
}

#[actix_web::test]
async fn what_came_while_the_server_was_dead_is_answered_when_it_is_back() {
    let mut world = World::new("6281200000063").await;
    let server = world.start().await;
    server.kill();
    let posting = world.say("hai");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let server = world.start().await;
    let greeting = world.reply().await;
    assert!(greeting.contains("[Setuju, nomor ini]"), "{greeting}");
    assert!(posting.stored.await.expect("taken").attempt > 1);
    server.kill();
    world.emulator.stop().await;
}

#[actix_web::test]
async fn no_word_of_a_citizen_is_in_a_log_a_metric_or_on_the_disk() {
    let mut world = World::new("6281200000042").await;
    let server = world.start().await;
    world.answer("hai").await;
    world.answer("1").await;
    let code = world.code().await;
    world.answer(&code).await;
    world.answer("sertifikat").await;
    assert_eq!(world.answer("Siti Rahmawati 0001014708900003").await, "(PDF Sertifikat-Vaksinasi-Dosis-1.pdf)");
    let pages = format!("{}{}", server.page("metrics").await, server.page("actors").await);
    assert_eq!(server.stop().await, Some(0), "asked to stop, it stops in order");
    world.emulator.stop().await;
    let log = std::fs::read_to_string(world.site.path().join("log")).expect("the log");
    assert!(log.contains("serving"), "nothing was logged:\n{log}");
    let words = ["81200000042", "0001014708900003", "1014708900003", "Rahmawati", "RAHMAWATI", &code];
    for word in words {
        assert!(!log.contains(word), "`{word}` is in the log:\n{log}");
        assert!(!pages.contains(word), "`{word}` is on the operator's pages");
    }
    let stored = files(&world.site.store());
    assert!(!stored.is_empty(), "the store has no files");
    for path in stored {
        let bytes = std::fs::read(&path).expect("a file of the store");
        for word in words.iter().filter(|word| word.len() > 6) {
            let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!found, "`{word}` stands in {}", path.display());
        }
    }
}

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
