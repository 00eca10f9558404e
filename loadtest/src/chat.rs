//! One citizen who plays a script: says a line, waits for what it must bring, thinks, goes on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use siaga::domain::contact::Recipient;
use siaga::domain::message::Text;
use siaga::emulator::{Card, Content, Emulator, Event, Form, Happening, Reply, Saying, Sender};
use siaga::transcript::{Expected, Said};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use crate::script::{Move, Role, Script};

/// Events waiting for one citizen; a script brings a few dozen. A citizen that loses one fails.
pub(crate) const EVENTS_MAX: usize = 512;

/// Why a citizen was not served.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Failure {
    pub(crate) script: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// A citizen at his phone.
pub(crate) struct Chat {
    pub(crate) emulator: Emulator,
    pub(crate) script: Arc<Script>,
    pub(crate) role: Role,
    pub(crate) sender: Sender,
    pub(crate) events: mpsc::Receiver<Arc<Event>>,
    pub(crate) think: Duration,
    pub(crate) patience: Duration,
}

/// What the citizen has seen so far.
#[derive(Default)]
struct Seen {
    /// Not yet compared with the script.
    waiting: VecDeque<Reply>,
    replies: Vec<Reply>,
    code: Option<String>,
    /// The own last message.
    said: Option<String>,
}

impl Chat {
    /// Plays the script to its end.
    pub(crate) async fn play(mut self) -> Result<(), Failure> {
        let script = Arc::clone(&self.script);
        let mut seen = Seen::default();
        let mut after_reply = false;
        for step in &script.moves {
            let (line, done) = match step {
                Move::Say { line, said } => {
                    if after_reply {
                        sleep(self.think).await;
                    }
                    after_reply = false;
                    (*line, self.say(&mut seen, said).await)
                }
                Move::Expect { line, expected } => {
                    after_reply = true;
                    (*line, self.expect(&mut seen, expected).await)
                }
            };
            done.map_err(|what| Failure { script: script.name.clone(), line, what })?;
        }
        Ok(())
    }

    async fn say(&mut self, seen: &mut Seen, said: &[Said]) -> Result<(), String> {
        let mut sayings = Vec::with_capacity(said.len());
        for one in said {
            let (content, quotes) = self.content(seen, one).await?;
            sayings.push(Saying { quotes, ..Saying::new(self.sender.clone(), content) });
        }
        // Only text is edited or taken back; a sticker in between changes nothing.
        let posting = self.emulator.post(sayings).map_err(|error| format!("not said: {error}"))?;
        if said.iter().any(|one| matches!(one, Said::Text(_) | Said::Quote { .. })) {
            seen.said = posting.ids.last().cloned();
        }
        Ok(())
    }

    async fn content(&mut self, seen: &mut Seen, said: &Said) -> Result<(Content, Option<String>), String> {
        let content = match said {
            Said::Text(text) => Content::Text { text: self.own(seen, text).await? },
            Said::Quote { nth, text } => {
                let quoted = seen.replies.iter().rev().nth(nth.saturating_sub(1)).map(|reply| reply.id.clone());
                return Ok((Content::Text { text: self.own(seen, text).await? }, quoted));
            }
            Said::Tap(title) => tapped(&seen.replies, title).ok_or_else(|| format!("nobody offered [{title}]"))?,
            Said::Edit(text) => {
                let text = self.own(seen, text).await?;
                let original = seen.said.clone().ok_or("nothing was said that could be edited")?;
                Content::Edit { original, content: Box::new(Content::Text { text }) }
            }
            Said::Revoke => {
                Content::Revoke { original: seen.said.clone().ok_or("nothing was said that could be taken back")? }
            }
            Said::Sticker => Content::Sticker,
            Said::Voice => Content::Voice,
            Said::Photo => Content::Photo { caption: None },
            Said::File => Content::Document { file_name: Text("file.pdf".into()) },
            Said::Location => Content::Location { latitude: -6.2, longitude: 106.8 },
            Said::Reaction => {
                let to = seen.replies.last().map(|reply| reply.id.clone()).ok_or("nothing to react to")?;
                Content::Reaction { to, emoji: Some("👍".into()) }
            }
            Said::Contact(phone) => {
                let card = Card { name: Text("Kontak".into()), phone: Text(phone.to_e164()) };
                Content::Contacts { cards: vec![card] }
            }
            Said::Welcome => Content::Welcome,
        };
        Ok((content, None))
    }

    /// A line of the script with the citizen's own data; a code is waited for.
    async fn own(&mut self, seen: &mut Seen, text: &str) -> Result<Text, String> {
        if self.script.needs_code(text) {
            let until = Instant::now() + self.patience;
            while seen.code.is_none() {
                self.watch(seen, until).await.map_err(|_| "no SMS with a code came".to_owned())?;
            }
        }
        Ok(Text(self.script.spoken(text, &self.role, seen.code.as_deref().unwrap_or_default())))
    }

    async fn expect(&mut self, seen: &mut Seen, expected: &Expected) -> Result<(), String> {
        let until = Instant::now() + self.patience;
        loop {
            if let Some(reply) = seen.waiting.pop_front() {
                return fits(expected, &reply.form);
            }
            self.watch(seen, until).await?;
        }
    }

    /// Takes the next event in.
    async fn watch(&mut self, seen: &mut Seen, until: Instant) -> Result<(), String> {
        let event = match timeout_at(until, self.events.recv()).await {
            Ok(Some(event)) => event,
            Ok(None) => return Err("the citizen's events stopped".into()),
            Err(_) => return Err("no reply in time".into()),
        };
        match &event.what {
            Happening::Replied(reply) => {
                seen.replies.push(reply.clone());
                seen.waiting.push_back(reply.clone());
            }
            Happening::Sms { text, .. } => seen.code = code_in(&text.0).or(seen.code.take()),
            Happening::Said { .. }
            | Happening::Stored { .. }
            | Happening::NotStored { .. }
            | Happening::Typing
            | Happening::MarkedRead { .. }
            | Happening::Status { .. }
            | Happening::StatusStored { .. } => {}
        }
        Ok(())
    }
}

/// Whose chat an event belongs to: a phone's SMS goes to the one who has that phone.
pub(crate) fn chat_of(event: &Event) -> Option<Recipient> {
    match (&event.chat, &event.what) {
        (Some(chat), _) => Some(chat.clone()),
        (None, Happening::Sms { to, .. }) => siaga::domain::phone::Phone::from_wa_id(to).map(Recipient::Phone),
        (None, _) => None,
    }
}

/// The code that an SMS starts with.
fn code_in(text: &str) -> Option<String> {
    let (code, _) = text.split_at_checked(6)?;
    code.bytes().all(|byte| byte.is_ascii_digit()).then(|| code.to_owned())
}

/// A tap on the newest button or row with this title.
fn tapped(replies: &[Reply], title: &str) -> Option<Content> {
    replies.iter().rev().find_map(|reply| match &reply.form {
        Form::Buttons { buttons, .. } => {
            let button = buttons.iter().find(|button| button.title.0 == title)?;
            Some(Content::Button { of: reply.id.clone(), id: button.id.clone(), title: button.title.clone() })
        }
        Form::List { rows, .. } => {
            let row = rows.iter().find(|row| row.title.0 == title)?;
            let (id, title, description) = (row.id.clone(), row.title.clone(), row.description.clone());
            Some(Content::Row { of: reply.id.clone(), id, title, description })
        }
        Form::Text { .. }
        | Form::Action { .. }
        | Form::Document { .. }
        | Form::Media { .. }
        | Form::Template { .. }
        | Form::Reaction { .. }
        | Form::Location { .. }
        | Form::Contacts { .. } => None,
    })
}

/// Whether a reply has the shape that is expected: document, buttons, rows.
fn fits(expected: &Expected, form: &Form) -> Result<(), String> {
    let (document, buttons, rows): (Option<String>, Vec<String>, Vec<String>) = match form {
        Form::Text { .. } => (None, Vec::new(), Vec::new()),
        Form::Document { file_name, .. } => (Some(file_name.0.clone()), Vec::new(), Vec::new()),
        Form::Buttons { buttons, .. } => {
            (None, buttons.iter().map(|button| button.title.0.clone()).collect(), Vec::new())
        }
        Form::List { open, rows, .. } => {
            (None, vec![open.0.clone()], rows.iter().map(|row| row.title.0.clone()).collect())
        }
        Form::Action { .. }
        | Form::Media { .. }
        | Form::Template { .. }
        | Form::Reaction { .. }
        | Form::Location { .. }
        | Form::Contacts { .. } => return Err("a reply of a kind that no transcript has".into()),
    };
    if (&document, &buttons, &rows) == (&expected.document, &expected.buttons, &expected.rows) {
        return Ok(());
    }
    let shape = |document: &Option<String>, buttons: &[String], rows: &[String]| {
        format!("{}{buttons:?}{}", document.as_deref().unwrap_or("text "), if rows.is_empty() { "" } else { " list" })
    };
    Err(format!(
        "expected {}, got {}",
        shape(&expected.document, &expected.buttons, &expected.rows),
        shape(&document, &buttons, &rows)
    ))
}
