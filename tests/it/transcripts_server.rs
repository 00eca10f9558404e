//! The written conversations against the whole server: webhook, journal, actors, Graph API, SMS, PDF.
//!
//! The same files run against the pure conversation elsewhere. Here codes are the server's own: the code that a
//! file expects next is bound to the next one that arrives by SMS, and stands for it in what the citizen says.

mod identity;

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::broadcast::Receiver;

use siaga::app::{CodeSender, StoreChoice, World};
use siaga::clock::ManualClock;
use siaga::domain::contact::{Bsuid, BusinessNumber, Identity, Recipient};
use siaga::domain::message::Text;
use siaga::domain::phone::Phone;
use siaga::domain::ticket::TicketMove;
use siaga::domain::time::Timestamp;
use siaga::emulator::{Card, Content, Event, Form, Happening, Reply, Sender};
use siaga::ports::{Clock, CodeTemplate};
use siaga::registry::embedded::Citizen;
use siaga::transcript::directive::{self, Gateway, TicketNews};
use siaga::transcript::{Directive, Expected, ExpectedSms, Pattern, Said, Step, Transcript, Turn, Way, What};

use crate::support::{TestApp, eventually, options};

/// A transcript that sets no clock starts on Monday, 23 November 2026, 08.00 WIB, as the pure run does.
const MORNING: Timestamp = Timestamp(1_795_395_600_000);
/// More wake-ups than this in one wait: something runs in a circle.
const WAKES_MAX: usize = 500;
/// How long an SMS is waited for, and how often it is looked for: ten seconds, on a machine that has other work.
const SMS_LOOKS: usize = 400;
const SMS_LOOK: std::time::Duration = std::time::Duration::from_millis(25);

/// A message of the service, as its chat shows it.
struct Shown {
    id: String,
    says: Expected,
    /// Button and row titles with their ids.
    offers: Vec<(String, String, bool)>,
}

#[derive(Default)]
struct Chat {
    shown: Vec<Shown>,
    unread: VecDeque<String>,
    said: Vec<String>,
}

struct Runner {
    app: TestApp,
    clock: Arc<ManualClock>,
    events: Receiver<Arc<Event>>,
    chats: HashMap<Recipient, Chat>,
    sms: Vec<(Way, Phone, String)>,
    who: Option<Sender>,
    /// Which phone each WhatsApp account showed last: its chat goes by that.
    shown_as: HashMap<Bsuid, Phone>,
    /// How long the next turn is on its way.
    late_ms: i64,
    /// Codes that the file expects, oldest first; those that came, digits only, and what they really are.
    expected_codes: VecDeque<String>,
    expected_undo: VecDeque<String>,
    real: Vec<(String, String)>,
    faults: Vec<String>,
}

fn shown(reply: &siaga::emulator::Reply) -> Shown {
    let mut offers = Vec::new();
    let (document, text, buttons, rows) = match &reply.form {
        Form::Text { body } => (None, body.0.clone(), Vec::new(), Vec::new()),
        Form::Buttons { body, buttons, .. } => {
            offers.extend(buttons.iter().map(|button| (button.title.0.clone(), button.id.clone(), false)));
            (None, body.0.clone(), buttons.iter().map(|button| button.title.0.clone()).collect(), Vec::new())
        }
        Form::List { body, open, rows, .. } => {
            offers.extend(rows.iter().map(|row| (row.title.0.clone(), row.id.clone(), true)));
            (None, body.0.clone(), vec![open.0.clone()], rows.iter().map(|row| row.title.0.clone()).collect())
        }
        Form::Document { file_name, caption, .. } => {
            let caption = caption.clone().unwrap_or_default().0;
            (Some(file_name.0.clone()), caption, Vec::new(), Vec::new())
        }
        // The service has no other forms: shown as it is, it fits nothing.
        other @ (Form::Action { .. }
        | Form::Media { .. }
        | Form::Template { .. }
        | Form::Reaction { .. }
        | Form::Location { .. }
        | Form::Contacts { .. }) => (None, format!("{other:?}"), Vec::new(), Vec::new()),
    };
    Shown { id: reply.id.clone(), says: Expected { document, text: Pattern::new(text), buttons, rows }, offers }
}

fn fits(expected: &Expected, said: &Expected) -> bool {
    expected.document == said.document
        && expected.buttons == said.buttons
        && expected.rows == said.rows
        && expected.text.fits(said.text.as_str())
}

/// Eight digits in two groups, as an SMS has them.
fn undo_code_in(text: &str) -> Option<&str> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '-');
    words.into_iter().find(|word| word.len() == 9 && word.as_bytes()[4] == b'-')
}

impl Runner {
    fn start(directory: &Path) -> Self {
        let clock = Arc::new(ManualClock::at(MORNING));
        let mut options = options(clock.clone());
        if let World::Emulator(world) = &mut options.world {
            // News of a report outside the 24 hours go by a template, which a transcript does not know: it shows
            // the words.
            world.rules.window = false;
            options.figures.keeps_window = false;
        }
        let template = CodeTemplate { name: "kode".into(), language: "id".into() };
        options.senders.push(CodeSender::Template);
        options.figures.code_template = Some((BusinessNumber(options.numbers[0].id.as_str().into()), template));
        options.store = StoreChoice::Journal(siaga::store::Options::new(directory));
        let app = TestApp::start(options);
        let events = app.handles.emulator.as_ref().expect("an emulator").subscribe();
        Self {
            app,
            clock,
            events,
            chats: HashMap::new(),
            sms: Vec::new(),
            who: None,
            shown_as: HashMap::new(),
            late_ms: 0,
            expected_codes: VecDeque::new(),
            expected_undo: VecDeque::new(),
            real: Vec::new(),
            faults: Vec::new(),
        }
    }

    fn fault(&mut self, line: usize, expected: impl Into<String>, actual: impl Into<String>) {
        self.faults.push(format!("line {line}\n  expected: {}\n  actual:   {}", expected.into(), actual.into()));
    }

    async fn settle(&mut self) {
        self.app.settled().await;
        while let Ok(event) = self.events.try_recv() {
            match (&event.what, &event.chat) {
                // Beside all chats, like an SMS: its text is the code alone.
                (Happening::Replied(Reply { form: Form::Template { parameters, .. }, .. }), Some(chat)) => {
                    let Recipient::Phone(to) = chat else { panic!("a template to a BSUID") };
                    let text = parameters.first().cloned().unwrap_or_default().0;
                    self.receive(Way::Template, &to.to_e164(), text);
                }
                (Happening::Replied(reply), Some(chat)) => {
                    let chat = self.chats.entry(chat.clone()).or_default();
                    chat.unread.push_back(reply.id.clone());
                    chat.shown.push(shown(reply));
                }
                (Happening::Sms { to, text }, _) => self.receive(Way::Sms, to, text.0.clone()),
                _ => {}
            }
        }
    }

    /// An SMS: binds the code that the file expects next to the one that came.
    fn receive(&mut self, way: Way, to: &str, mut text: String) {
        let digits = text.get(..6).filter(|head| head.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned);
        if let Some(real) = digits
            && let Some(expected) = self.expected_codes.pop_front()
        {
            text.replace_range(..6, &expected);
            self.real.push((expected, real));
        }
        if let Some(real) = undo_code_in(&text).map(str::to_owned)
            && let Some(expected) = self.expected_undo.pop_front()
        {
            text = text.replace(&real, &expected);
            self.real.push((expected.replace('-', ""), real.replace('-', "")));
        }
        self.sms.push((way, Phone::from_wa_id(to).expect("an SMS goes to a phone"), text));
    }

    /// What the citizen writes, with the codes that really came.
    fn really(&self, text: &str) -> Text {
        let digits: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| c.is_ascii_digit()).collect();
        let mut bytes = text.as_bytes().to_vec();
        for (expected, real) in &self.real {
            for run in digits.windows(expected.len()) {
                // Written as people do: together, or in groups.
                let close = run.windows(2).all(|pair| pair[1].0 - pair[0].0 <= 2);
                if close && run.iter().map(|(_, digit)| *digit).eq(expected.chars()) {
                    for ((place, _), digit) in run.iter().zip(real.bytes()) {
                        bytes[*place] = digit;
                    }
                }
            }
        }
        Text(String::from_utf8(bytes).expect("digits for digits"))
    }

    fn chat(&mut self) -> Option<&mut Chat> {
        let chat = match self.who.as_ref()?.chat()? {
            Recipient::Bsuid(bsuid) => {
                self.shown_as.get(&bsuid).map_or(Recipient::Bsuid(bsuid), |phone| Recipient::Phone(*phone))
            }
            phone @ Recipient::Phone(_) => phone,
        };
        Some(self.chats.entry(chat).or_default())
    }

    async fn step(&mut self, step: &Step, next: &[Step]) {
        let line = step.line;
        match &step.what {
            What::Note(_) => {}
            What::Directive(directive) => self.directive(line, directive).await,
            What::Turn(turn) => self.turn(line, turn, next).await,
            What::Reply(expected) => self.reply(line, expected),
            What::Silence => self.expect_nothing(line),
            What::Sms(sms) => self.expect_sms(line, sms).await,
        }
    }

    async fn turn(&mut self, line: usize, turn: &Turn, next: &[Step]) {
        self.expect_nothing(line);
        self.sms.clear();
        if let Some(Sender { phone: Some(phone), bsuid: Some(bsuid), .. }) = &self.who {
            self.shown_as.retain(|_, of| of != phone);
            self.shown_as.insert(bsuid.clone(), *phone);
        }
        self.await_codes(turn).await;
        let exchange = next.iter().take_while(|step| !matches!(step.what, What::Turn(_)));
        for step in exchange {
            if let What::Sms(sms) = &step.what {
                self.expected_codes.extend(sms.code().map(siaga::domain::otp::Otp::digits));
                self.expected_undo.extend(sms.undo().map(siaga::domain::otp::UndoCode::digits));
            }
        }
        let sent_at = self.clock.now().plus_ms(-std::mem::take(&mut self.late_ms));
        let mut sayings = Vec::new();
        for said in &turn.said {
            match self.saying(said) {
                Some(saying) => sayings.push(siaga::emulator::Saying { sent_at: Some(sent_at), ..saying }),
                None => self.fault(line, format!("> {said}"), "it cannot be said here"),
            }
        }
        let emulator = self.app.handles.emulator.clone().expect("an emulator");
        let posting = emulator.post(sayings).expect("it is said");
        let said = posting.ids.clone();
        let stored = posting.stored.await.expect("it is stored");
        assert_eq!(stored.http, 200);
        if let Some(chat) = self.chat() {
            chat.said.extend(said);
        }
        self.settle().await;
        if !turn.checked {
            self.chats.values_mut().for_each(|chat| chat.unread.clear());
        }
    }

    fn saying(&mut self, said: &Said) -> Option<siaga::emulator::Saying> {
        let from = self.who.clone()?;
        let text = |text: Text| Content::Text { text };
        let mut quotes = None;
        let content = match said {
            Said::Text(written) => text(self.really(written)),
            Said::Tap(title) => {
                let chat = self.chat()?;
                let (of, id, row) = chat.shown.iter().rev().find_map(|shown| {
                    let (_, id, row) = shown.offers.iter().find(|(offered, ..)| offered == title)?;
                    Some((shown.id.clone(), id.clone(), *row))
                })?;
                let title = Text(title.clone());
                if row { Content::Row { of, id, title, description: None } } else { Content::Button { of, id, title } }
            }
            Said::Sticker => Content::Sticker,
            Said::Voice => Content::Voice,
            Said::Photo => Content::Photo { caption: None },
            Said::File => Content::Document { file_name: Text("berkas.pdf".into()) },
            Said::Location => Content::Location { latitude: -6.2, longitude: 106.8 },
            Said::Reaction => {
                let to = self.chat()?.shown.last()?.id.clone();
                Content::Reaction { to, emoji: Some("\u{1F44D}".into()) }
            }
            Said::Contact(phone) => {
                Content::Contacts { cards: vec![Card { name: Text("Kontak".into()), phone: Text(phone.to_e164()) }] }
            }
            Said::Edit(written) => {
                let content = Box::new(text(self.really(written)));
                Content::Edit { original: self.chat()?.said.last()?.clone(), content }
            }
            Said::Revoke => Content::Revoke { original: self.chat()?.said.last()?.clone() },
            Said::Welcome => Content::Welcome,
            Said::Quote { nth, text: written } => {
                let shown = &self.chat()?.shown;
                quotes = Some(shown.get(shown.len().checked_sub(*nth)?)?.id.clone());
                text(self.really(written))
            }
        };
        let mut saying = siaga::emulator::Saying::new(from, content);
        saying.quotes = quotes;
        Some(saying)
    }

    fn reply(&mut self, line: usize, expected: &Expected) {
        let said = self.chat().and_then(|chat| {
            let id = chat.unread.pop_front()?;
            chat.shown.iter().find(|shown| shown.id == id).map(|shown| shown.says.clone())
        });
        if !said.as_ref().is_some_and(|said| fits(expected, said)) {
            let actual = said.map_or_else(|| "(diam)".to_owned(), |said| said.to_string());
            self.fault(line, format!("< {expected}"), format!("< {actual}"));
        }
    }

    fn expect_nothing(&mut self, line: usize) {
        let mut unread = Vec::new();
        for chat in self.chats.values_mut() {
            while let Some(id) = chat.unread.pop_front() {
                let said = chat.shown.iter().find(|shown| shown.id == id).map(|shown| shown.says.to_string());
                unread.push(said.unwrap_or_default());
            }
        }
        for said in unread {
            self.fault(line, "< (diam)", format!("< {said}"));
        }
    }

    /// An SMS is on its way while nobody waits for it. A code that is typed now has come, if one was sent.
    async fn await_codes(&mut self, turn: &Turn) {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let typed: String = turn.said.iter().map(|said| digits(&said.to_string())).collect();
        self.await_sms(|runner| !runner.expected_codes.iter().any(|code| typed.contains(code.as_str()))).await;
    }

    /// Waits until what is awaited has come, as long as only a slow machine takes.
    async fn await_sms(&mut self, mut came: impl FnMut(&Self) -> bool) {
        for _ in 0..SMS_LOOKS {
            if came(self) {
                return;
            }
            tokio::time::sleep(SMS_LOOK).await;
            self.settle().await;
        }
    }

    async fn expect_sms(&mut self, line: usize, expected: &ExpectedSms) {
        let to = expected.to.phone();
        let way = expected.way;
        let fits = |sent: &(Way, Phone, String)| (sent.0, sent.1) == (way, to) && expected.text.fits(&sent.2);
        self.await_sms(|runner| runner.sms.iter().any(fits)).await;
        let place = self.sms.iter().position(fits);
        if let Some(place) = place {
            self.sms.remove(place);
        } else {
            let sent = self.sms.iter().map(|(way, to, text)| format!("{way:?} to …{}: {text}", to.ending()));
            let actual = sent.collect::<Vec<_>>().join(" | ");
            self.fault(line, format!("{way:?} to …{}: {}", to.ending(), expected.text.as_str()), actual);
        }
    }

    async fn directive(&mut self, line: usize, directive: &Directive) {
        match directive {
            Directive::Wa(Identity { phone, bsuid }) => {
                self.who = Some(Sender { phone: *phone, bsuid: bsuid.clone(), ..Sender::default() });
            }
            Directive::Meta { way, before, after } => {
                let at = self.clock.now();
                assert_eq!(self.app.post(&identity::told(*way, before, after, at)).await, 200);
            }
            Directive::Clock(at) => self.wait_until(line, *at).await,
            Directive::Wait(ms) => self.wait_until(line, self.clock.now().plus_ms(*ms)).await,
            Directive::Late(ms) => self.late_ms = *ms,
            Directive::Citizen(citizen) => self.app.handles.registry.put(person(citizen)),
            Directive::Otp(code) => self.expected_codes.push_back(code.digits()),
            Directive::Undo(code) => self.expected_undo.push_back(code.digits()),
            Directive::Number(number) => self.app.handles.desk.foretell(*number),
            Directive::Registry { up } => self.app.handles.registry.set_down(!up),
            Directive::Sms(Gateway::Down) => {
                self.fault(line, "a gateway that can be switched off", "the emulator's is always up");
            }
            Directive::Sms(gateway) => {
                let emulator = self.app.handles.emulator.as_ref().expect("an emulator");
                emulator.lose_sms(*gateway == Gateway::Undelivered);
            }
            Directive::NoSms => {
                if let Some((.., text)) = self.sms.first().cloned() {
                    self.fault(line, "no SMS in this exchange", text);
                }
            }
            Directive::Ticket { number, news } => {
                let now = self.clock.now();
                let moved = match news {
                    TicketNews::InWork { since } => {
                        self.clock.set(*since);
                        TicketMove::TakeUp
                    }
                    TicketNews::Answered(words) => TicketMove::Answer(Text(words.clone())),
                    TicketNews::Ask(words) => TicketMove::Ask(Text(words.clone())),
                    TicketNews::Closed => TicketMove::Close,
                };
                let view = self.app.handles.desk.advance(*number, moved).await.expect("the desk serves");
                self.clock.set(now);
                if view.is_none() {
                    self.fault(line, format!("report {number}"), "it was never filed");
                }
            }
        }
        self.settle().await;
    }

    /// The clock moves on, and what waits for it happens in the order it is due.
    async fn wait_until(&mut self, line: usize, until: Timestamp) {
        for _ in 0..WAKES_MAX {
            let due = self.app.next_due().filter(|due| *due <= until);
            let Some(due) = due else {
                self.clock.set(until.max(self.clock.now()));
                return;
            };
            self.clock.set(due.max(self.clock.now()));
            let app = &self.app;
            eventually("what is due happens", || app.next_due() != Some(due)).await;
            self.settle().await;
        }
        self.fault(line, "wishes that come to an end", "they do not");
    }
}

fn person(citizen: &directive::Citizen) -> Citizen {
    let directive::Citizen { phone, nik, name, civil, standing, born, doses } = citizen;
    let birth_date = born.or_else(|| nik.birth_dates().next()).unwrap_or(time::macros::date!(1980 - 01 - 01));
    let person =
        Citizen::new(*phone, *nik, name.clone(), birth_date).with_civil_name(civil.clone()).with_standing(*standing);
    doses.iter().fold(person, |person, dose| person.with_dose(dose.number, dose.date, &dose.vaccine, dose.issued))
}

fn files() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .expect("transcripts")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    files
}

/// Plays a file on a server; gives the server as it stands then, and what was wrong.
async fn played(path: &Path, directory: &Path) -> (Option<Runner>, Vec<String>) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).expect("a transcript");
    let transcript = match Transcript::parse(&name, &text) {
        Ok(transcript) => transcript,
        Err(error) => return (None, vec![error.to_string()]),
    };
    let mut runner = Runner::start(directory);
    for (at, step) in transcript.steps.iter().enumerate() {
        runner.step(step, &transcript.steps[at + 1..]).await;
    }
    runner.expect_nothing(transcript.steps.last().map_or(1, |step| step.line));
    let faults = runner.faults.iter().map(|fault| format!("{name}: {fault}")).collect();
    (Some(runner), faults)
}

async fn play(path: &Path) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a directory");
    played(path, directory.path()).await.1
}

/// What the words "are no longer valid" promise.
#[tokio::test]
async fn a_name_changed_by_chat_puts_the_certificate_before_it_on_the_public_list() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/80-change-name-english.txt");
    let directory = tempfile::tempdir().expect("a directory");
    let (runner, faults) = played(&path, directory.path()).await;
    let runner = runner.unwrap_or_else(|| panic!("{faults:?}"));
    let address = runner.app.url().replace("/webhook", "/certificates/revoked");
    let page = runner.app.http.get(address).send().await.expect("an answer").text().await.expect("a body");
    let page: serde_json::Value = serde_json::from_str(&page).expect("json");
    let rows = page["revoked"].as_array().expect("a list");
    assert_eq!(rows.len(), 1, "{page}");
    assert_eq!(rows[0]["reason"], "name_changed");
    assert!(siaga::domain::uvci::Uvci::parse(rows[0]["id"].as_str().expect("an id")).is_ok(), "{page}");
}

#[tokio::test]
async fn every_transcript_is_what_the_server_says() {
    let files = files();
    assert!(files.len() >= 12, "the transcripts were not found");
    let mut faults = Vec::new();
    for path in &files {
        faults.extend(play(path).await);
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
