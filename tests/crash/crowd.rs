//! Citizens who chat all at once and do not mind that the server dies: each says something, waits for its answer,
//! and says the next thing. What Meta saw of it all is written down for the history checker.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use siaga::actors::tag;
use siaga::clock::SystemClock;
use siaga::domain::contact::Recipient;
use siaga::domain::keys::ServerKeys;
use siaga::domain::phone::Phone;
use siaga::emulator::{Content, Emulator, Event, Happening, Saying, Sender};
use siaga::ports::Clock;
use siaga::registry::embedded::population;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::history::{Outside, Said, Sent, Sms};
use super::server::PATIENCE;

/// As in `config/default.toml`; the crash tests' servers have this many citizens.
const SEED: u64 = 20_211_110;
pub(crate) const CITIZENS: usize = 400;
/// After that a citizen asks for another code; one is given every ten seconds.
const SMS_PATIENCE: Duration = Duration::from_secs(11);
/// Events that one citizen may be behind.
const EVENTS_MAX: usize = 4_096;

/// What is said after the login, all of which is answered.
const LINES: [&str; 6] = ["menu", "bantuan", "status vaksinasi", "download sertifikat", "english", "indonesia"];

/// The settings that a crowd needs of a server: everything is answered, and no number of crashes sets anything aside.
pub(crate) const SETTINGS: &str = "[registry]\ncitizens = 400\n[store]\ncrash_loop_starts = 0\n[conversation]\nfiller_window_s = 0\n\
     messages_per_minute = 10000\nsessions_per_hour = 100\ncodes_max = 20\ncodes_per_day = 50\n\
     [account]\notp_resend_after_s = 10\notp_per_window = 10\n";

type Inboxes = HashMap<Recipient, mpsc::Sender<Arc<Event>>>;

/// Citizens at their phones, until they are called home.
pub(crate) struct Crowd {
    chatting: JoinSet<()>,
    over: watch::Sender<bool>,
    recording: JoinHandle<()>,
    outside: Arc<Mutex<Outside>>,
}

struct Citizen {
    emulator: Emulator,
    sender: Sender,
    phone: Phone,
    /// "name nik": who he is, in one line.
    who: String,
    dice: StdRng,
    events: mpsc::Receiver<Arc<Event>>,
    over: watch::Receiver<bool>,
}

impl Crowd {
    /// Sends `citizens` to their phones.
    pub(crate) fn send(emulator: &Emulator, keys: ServerKeys, citizens: usize, seed: u64) -> Self {
        let over = watch::Sender::new(false);
        let outside = Arc::new(Mutex::new(Outside::default()));
        let (mut chatting, mut inboxes) = (JoinSet::new(), Inboxes::new());
        let mut dice = StdRng::seed_from_u64(seed);
        let live = emulator.subscribe();
        for citizen in population(SEED, CITIZENS, SystemClock::default().now().day_wib()) {
            let phone = citizen.phone.phone();
            if inboxes.len() == citizens {
                break;
            }
            if !citizen.is_smooth() || inboxes.contains_key(&Recipient::Phone(phone)) {
                continue;
            }
            let (inbox, events) = mpsc::channel(EVENTS_MAX);
            inboxes.insert(Recipient::Phone(phone), inbox);
            let citizen = Citizen {
                emulator: emulator.clone(),
                sender: Sender::phone(phone),
                phone,
                who: format!("{} {}", citizen.person.name.as_str(), citizen.person.nik.digits()),
                dice: StdRng::seed_from_u64(dice.random()),
                events,
                over: over.subscribe(),
            };
            chatting.spawn(citizen.chat());
        }
        assert_eq!(inboxes.len(), citizens, "the population has too few");
        let recording = tokio::spawn(record(live, inboxes, Arc::clone(&outside), keys));
        Self { chatting, over, recording, outside }
    }

    /// Notes that the server was dead for certain from before `from_ms` to `to_ms`.
    pub(crate) fn killed(&self, from_ms: i64, to_ms: i64) {
        self.outside.lock().expect("facts").kills.push((from_ms, to_ms));
    }

    /// Calls everybody home: each says one more thing and has it answered.
    pub(crate) async fn home(&mut self) {
        self.over.send_replace(true);
        while let Some(done) = self.chatting.join_next().await {
            done.expect("a citizen was not served");
        }
    }

    /// What Meta saw, when nothing is on its way any more.
    pub(crate) fn outside(self) -> Outside {
        self.recording.abort();
        self.outside.lock().expect("facts").clone()
    }
}

async fn record(
    mut live: broadcast::Receiver<Arc<Event>>,
    inboxes: Inboxes,
    outside: Arc<Mutex<Outside>>,
    keys: ServerKeys,
) {
    while let Ok(event) = live.recv().await.inspect_err(|lost| {
        assert!(matches!(lost, broadcast::error::RecvError::Closed), "events were lost: {lost}");
    }) {
        note(&mut outside.lock().expect("facts"), &event, &keys);
        if let Some(inbox) = event.chat.as_ref().and_then(|chat| inboxes.get(chat)) {
            // A citizen who is done has gone.
            let _ = inbox.try_send(event);
        }
    }
}

fn note(outside: &mut Outside, event: &Event, keys: &ServerKeys) {
    let at_ms = event.at_ms;
    match &event.what {
        Happening::Said { id, .. } => {
            outside.said.push(Said { message: id.clone(), chat: event.chat.clone().expect("a chat"), seq: event.seq });
        }
        Happening::Stored { id, .. } => drop(outside.acknowledged.insert(id.clone(), event.seq)),
        Happening::Replied(reply) => {
            let row = reply.opaque.as_deref().and_then(|opaque| tag::open(keys, opaque));
            outside.sent.push(Sent { row, message: reply.id.clone(), at_ms });
        }
        Happening::StatusStored { id } => {
            outside.told.entry(id.clone()).or_insert(at_ms);
        }
        Happening::Sms { to, text } => outside.sms.push(Sms { to: to.clone(), text: text.0.clone(), at_ms }),
        Happening::NotStored { .. } | Happening::Typing | Happening::MarkedRead { .. } | Happening::Status { .. } => {}
    }
}

impl Citizen {
    async fn chat(mut self) {
        self.ask(&["hai"]).await;
        self.ask(&["1"]).await;
        let code = self.code().await;
        self.ask(&[&code]).await;
        while !*self.over.borrow() {
            let (first, second) = (self.line(), self.line());
            match self.dice.random_range(0..10) {
                0..3 => self.ask(&[first]).await,
                3..6 => {
                    let who = self.who.clone();
                    self.ask(&["download sertifikat"]).await;
                    self.ask(&[&who]).await;
                    // What is not understood four times in a row is not answered any more.
                    self.ask(&["menu"]).await;
                }
                6..8 => self.ask(&[first, second]).await,
                _ => {
                    // The second as soon as the first has its 200, answered or not.
                    let posting = self.say(&[first]);
                    posting.stored.await.expect("taken in the end");
                    self.ask(&[second]).await;
                }
            }
        }
        self.ask(&["menu"]).await;
    }

    fn line(&mut self) -> &'static str {
        LINES[self.dice.random_range(0..LINES.len())]
    }

    /// Says lines in one POST.
    fn say(&self, lines: &[&str]) -> siaga::emulator::Posting {
        let saying = |line: &&str| Saying::new(self.sender.clone(), Content::text(line));
        self.emulator.post(lines.iter().map(saying).collect()).expect("said")
    }

    /// Says lines in one POST, and waits for a reply that came after the last of them. Who is not answered says it
    /// again, as people do: a reply that two kills met in the air is given up. Whether it was right to give it up is
    /// the checker's to say.
    async fn ask(&mut self, lines: &[&str]) {
        for _ in 0..3 {
            if self.is_answered(lines).await {
                return;
            }
        }
        self.complain(&format!("{lines:?} was never answered"));
    }

    async fn is_answered(&mut self, lines: &[&str]) -> bool {
        let posting = self.say(lines);
        let last = posting.ids.last().expect("something was said");
        let answered = async {
            loop {
                let event = self.events.recv().await.expect("the citizen's events");
                if let Happening::Replied(reply) = &event.what
                    && reply.answers.iter().any(|answer| answer.id == *last)
                {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, answered).await.is_ok()
    }

    /// The code in the newest SMS. A kill can take an SMS that was on its way; then he asks for another.
    async fn code(&mut self) -> String {
        for _ in 0..10 {
            let patience = tokio::time::Instant::now() + SMS_PATIENCE;
            while tokio::time::Instant::now() < patience {
                if let Some(text) = self.emulator.sms_inbox(self.phone).last() {
                    return text.0.chars().take(6).collect();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            self.ask(&["kirim ulang"]).await;
        }
        self.complain("no sms came, however often he asked");
    }

    /// Fails the test with all that happened in the chat. All people here are invented.
    fn complain(&self, about: &str) -> ! {
        let chat = self.emulator.chat(&Recipient::Phone(self.phone));
        let told: Vec<String> = chat.iter().filter_map(|event| told(event)).collect();
        panic!("{about}; the chat:\n{}", told.join("\n"));
    }
}

/// An event in words, for whoever has to find out what went wrong.
fn told(event: &Event) -> Option<String> {
    let what = match &event.what {
        Happening::Said { id, content: Content::Text { text }, .. } => format!("said {} ({id})", text.0),
        Happening::Replied(reply) => {
            let form = serde_json::to_string(&reply.form).expect("a form is JSON");
            format!("replied {} {:?} {form}", reply.id, reply.opaque)
        }
        Happening::Status { .. } => return None,
        other @ (Happening::Said { .. }
        | Happening::Stored { .. }
        | Happening::NotStored { .. }
        | Happening::Typing
        | Happening::MarkedRead { .. }
        | Happening::StatusStored { .. }
        | Happening::Sms { .. }) => format!("{other:?}"),
    };
    Some(format!("{} {what}", event.at_ms))
}
