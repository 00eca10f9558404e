//! One citizen who plays a script: says a line, waits for what it must bring, thinks, goes on.
//!
//! Whether he was served in time is told at once; whether all that came was right is told at the end of the run, from
//! both ends of his chat (`checker`), for a reply too many may come long after he has left.

mod words;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use siaga::domain::message::Text;
use siaga::emulator::{Event, Happening, Reply, Saying};
use siaga::transcript::Said;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::checker::{self, Exchange, Got, History, Mistake, Wanted};
use crate::crowd::Stage;
use crate::script::{Move, Role, Script, named_in};

pub(crate) use words::chat_of;

/// Events waiting for one citizen; a script brings a few dozen. A citizen that loses one fails.
pub(crate) const EVENTS_MAX: usize = 512;

/// What is written instead of a code.
const NONSENSE: &str = "ini gimana ya caranya min";

/// Why a citizen was not served.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Failure {
    pub(crate) script: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// A citizen at his phone.
pub(crate) struct Chat {
    pub(crate) stage: Arc<Stage>,
    pub(crate) script: Arc<Script>,
    pub(crate) role: Role,
    /// His messages' ids start so, and differ from everybody's.
    pub(crate) ids: String,
    /// `phone_number_id` he writes to.
    pub(crate) number: String,
    pub(crate) events: mpsc::Receiver<Arc<Event>>,
    pub(crate) dice: StdRng,
    pub(crate) seen: Seen,
}

/// What the citizen has seen so far.
#[derive(Default)]
pub(crate) struct Seen {
    /// Not yet compared with the script.
    waiting: VecDeque<Reply>,
    replies: Vec<Reply>,
    code: Option<String>,
    /// The own last message.
    said: Option<String>,
    slipped: bool,
    history: History,
    /// Ids of own messages, and the exchange each belongs to.
    ids: Vec<(String, usize)>,
}

impl Chat {
    /// Plays the script to its end, beginning when it was planned.
    pub(crate) async fn play(&mut self, due: Instant) -> Result<(), Failure> {
        self.seen.history.to.clone_from(&self.number);
        self.seen.history.own = self.role.names();
        let script = Arc::clone(&self.script);
        let mut due = due;
        for (at, step) in script.moves.iter().enumerate() {
            let (line, done) = match step {
                Move::Say { line, said } => {
                    let owed = script.moves[at + 1..].iter().map_while(|next| match next {
                        Move::Expect { line, expected } => {
                            Some(Wanted { line: *line, shape: Some(words::shape_of(expected)) })
                        }
                        Move::Say { .. } => None,
                    });
                    (*line, self.say(due, *line, said, owed.collect()).await)
                }
                Move::Expect { line, expected } => (*line, self.expect(Some(&words::shape_of(expected))).await),
            };
            let now = done.map_err(|what| Failure { script: script.name.clone(), line, what })?;
            due = now + self.think();
        }
        Ok(())
    }

    /// Listens until the run is over, and tells what was wrong.
    pub(crate) async fn listen_on(mut self) -> Vec<Mistake> {
        while let Some(event) = self.events.recv().await {
            self.note(&event);
        }
        checker::check(&self.seen.history)
    }

    fn think(&mut self) -> Duration {
        Duration::from_millis(self.stage.scenario.citizens.think.ms(&mut self.dice))
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.stage.scenario.citizens.patience_s)
    }

    async fn say(&mut self, due: Instant, line: usize, said: &[Said], owed: Vec<Wanted>) -> Result<Instant, String> {
        let asks_code = |one: &Said| matches!(one, Said::Text(text) if self.script.needs_code(text));
        let mut due = due;
        if said.iter().any(asks_code) {
            self.await_code().await?;
            // A code that came late is typed late: that wait is told by itself.
            due = due.max(Instant::now());
            due = self.slip(due, line).await?;
        }
        sleep_until(due).await;
        let mut sayings = Vec::with_capacity(said.len());
        for one in said {
            sayings.push(words::content(&self.script, &self.role, &self.seen, one)?);
        }
        let posted = self.post(due, line, sayings, owed);
        // Only text is edited or taken back; a sticker in between changes nothing.
        if said.iter().any(|one| matches!(one, Said::Text(_) | Said::Quote { .. })) {
            self.seen.said = self.seen.ids.last().map(|(id, _)| id.clone());
        }
        Ok(posted)
    }

    /// What people do before they type the code right. Gives when the right one is due.
    async fn slip(&mut self, due: Instant, line: usize) -> Result<Instant, String> {
        if std::mem::replace(&mut self.seen.slipped, true) {
            return Ok(due);
        }
        let citizens = &self.stage.scenario.citizens;
        let (wrong, nonsense) = (citizens.wrong_code_percent, citizens.nonsense_percent);
        let chance = self.dice.random_range(0..100_u32);
        let text = if chance < wrong {
            words::mistyped(self.seen.code.as_deref().unwrap_or_default())
        } else if chance < wrong + nonsense {
            NONSENSE.to_owned()
        } else {
            return Ok(due);
        };
        sleep_until(due).await;
        let content = siaga::emulator::Content::Text { text: Text(text) };
        self.post(due, line, vec![(content, None)], vec![Wanted { line, shape: None }]);
        Ok(self.expect(None).await? + self.think())
    }

    /// Hands a turn to Meta; gives the moment.
    fn post(
        &mut self,
        due: Instant,
        line: usize,
        contents: Vec<(siaga::emulator::Content, Option<String>)>,
        wanted: Vec<Wanted>,
    ) -> Instant {
        let now = Instant::now();
        let exchange = self.seen.history.exchanges.len();
        let answered = !wanted.is_empty();
        self.seen.history.exchanges.push(Exchange { line, taken: None, answered: None, wanted });
        let mut sayings = Vec::with_capacity(contents.len());
        for (content, quotes) in contents {
            let id = format!("{}.{}", self.ids, self.seen.ids.len());
            self.seen.ids.push((id.clone(), exchange));
            let saying = Saying::new(self.role.sender.clone(), content);
            sayings.push(Saying { quotes, id: Some(id), to: Some(self.number.clone()), ..saying });
        }
        if let Some(last) = sayings.last().and_then(|saying| saying.id.clone()).filter(|_| answered) {
            self.stage.with(|figures| figures.due(last, now.saturating_duration_since(due)));
        }
        self.stage.mail.send(sayings, &mut self.dice);
        now
    }

    async fn await_code(&mut self) -> Result<(), String> {
        let until = Instant::now() + self.patience();
        while self.seen.code.is_none() {
            self.watch(until).await.map_err(|_| "no SMS with a code came".to_owned())?;
        }
        Ok(())
    }

    /// Waits for the next reply; gives when it was there.
    async fn expect(&mut self, shape: Option<&checker::Shape>) -> Result<Instant, String> {
        let until = Instant::now() + self.patience();
        loop {
            if let Some(reply) = self.seen.waiting.pop_front() {
                let got = words::shape_of_form(&reply.form);
                return match shape {
                    Some(shape) if *shape != got => Err(format!("expected {}, got {}", shape.told(), got.told())),
                    Some(_) | None => Ok(Instant::now()),
                };
            }
            self.watch(until).await?;
        }
    }

    /// Takes the next event in.
    async fn watch(&mut self, until: Instant) -> Result<(), String> {
        let event = match timeout_at(until, self.events.recv()).await {
            Ok(Some(event)) => event,
            Ok(None) => return Err("the citizen's events stopped".into()),
            Err(_) => return Err("no reply in time".into()),
        };
        self.note(&event);
        Ok(())
    }

    fn note(&mut self, event: &Event) {
        match &event.what {
            Happening::Replied(reply) => self.replied(event.seq, reply),
            Happening::Stored { id, .. } => {
                let known = self.seen.ids.iter().find(|(own, _)| own == id).map(|(_, exchange)| *exchange);
                if let Some(exchange) = known.and_then(|at| self.seen.history.exchanges.get_mut(at)) {
                    exchange.taken.get_or_insert(event.seq);
                }
            }
            Happening::Sms { text, .. } => self.seen.code = words::code_in(&text.0).or(self.seen.code.take()),
            Happening::Said { .. }
            | Happening::NotStored { .. }
            | Happening::Typing
            | Happening::MarkedRead { .. }
            | Happening::Status { .. }
            | Happening::StatusStored { .. } => {}
        }
    }

    fn replied(&mut self, place: u64, reply: &Reply) {
        let text = words::text_of(&reply.form);
        if self.stage.scenario.citizens.courtesies.iter().any(|words| text.contains(words.as_str())) {
            self.stage.with(|figures| figures.courtesies += 1);
            return;
        }
        let again = |got: &Got| got.id.is_some() && got.id == reply.opaque;
        if !self.seen.history.replies.iter().any(again) {
            self.seen.waiting.push_back(reply.clone());
        }
        self.seen.replies.push(reply.clone());
        let got = Got {
            id: reply.opaque.clone(),
            from: reply.number.clone(),
            names: named_in(text),
            shape: words::shape_of_form(&reply.form),
        };
        self.seen.history.came(place, got);
    }
}
