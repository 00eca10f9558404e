//! The crowd: citizens begin at their planned moments whether or not earlier ones are served (open loop).
//!
//! Every time is taken where it happens: the emulator measures each POST until its 200 and each message until its
//! reply arrives, and what a citizen was late with against the plan is added, so that a load tester that cannot keep
//! up is seen and not taken for a fast server.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use siaga::domain::contact::Recipient;
use siaga::emulator::{Emulator, Event, Form, Happening};
use siaga::registry::embedded::Citizen;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::chat::{self, Chat, Failure, Seen};
use crate::checker::Mistake;
use crate::figures::Figures;
use crate::mail::Mail;
use crate::people;
use crate::scenario::Scenario;
use crate::script::{Role, Script};

/// After the last citizen: statuses and late answers still come in.
const AFTERMATH: Duration = Duration::from_millis(1_500);
/// POSTs that are still on their way then are waited for so long.
const SETTLING: Duration = Duration::from_secs(60);

/// What everybody in a run shares.
pub(crate) struct Stage {
    pub(crate) scenario: Scenario,
    pub(crate) emulator: Emulator,
    /// `phone_number_id` of each business number.
    pub(crate) numbers: Vec<String>,
    pub(crate) mail: Mail,
    /// Ids of this run's messages start so.
    pub(crate) run: String,
    figures: Mutex<Figures>,
    inboxes: Mutex<HashMap<Recipient, Inbox>>,
}

/// Where a chat's events go.
enum Inbox {
    Citizen(mpsc::Sender<Arc<Event>>),
    /// One that is part of the noise.
    Nobody,
}

/// Why citizens were not served, and what was wrong, each with its number of citizens.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) failures: BTreeMap<Failure, u64>,
    pub(crate) mistakes: BTreeMap<(String, Mistake), u64>,
}

impl Stage {
    pub(crate) fn new(scenario: Scenario, emulator: Emulator, numbers: Vec<String>) -> anyhow::Result<Arc<Self>> {
        let mail = Mail::new(emulator.clone(), scenario.whatsapp.clone());
        let run = format!("wamid.load{:08x}", rand::random::<u32>());
        let (figures, inboxes) = (Mutex::new(Figures::new()?), Mutex::default());
        Ok(Arc::new(Self { scenario, emulator, numbers, mail, run, figures, inboxes }))
    }

    /// The run's figures, alone.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Figures) -> T) -> T {
        act(&mut self.figures.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn inboxes<T>(&self, act: impl FnOnce(&mut HashMap<Recipient, Inbox>) -> T) -> T {
        act(&mut self.inboxes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replies to this chat are nobody's mistake.
    pub(crate) fn expect_noise(&self, chat: Recipient) {
        self.inboxes(|inboxes| inboxes.insert(chat, Inbox::Nobody));
    }
}

/// Plans the run: who comes when.
pub(crate) fn plan(
    scenario: &Scenario,
    scripts: &[Arc<Script>],
    population: &[Citizen],
) -> anyhow::Result<Vec<(Duration, Arc<Script>, Role)>> {
    let moments = scenario.arrivals.plan(&mut scenario.dice(0));
    let cast = people::cast(scenario, scripts, population, moments.len())?;
    Ok(moments.into_iter().zip(cast).map(|(at, (script, role))| (at, script, role)).collect())
}

/// Sends the crowd from `begun` on, and waits until everything has come to rest.
pub(crate) async fn send(
    stage: &Arc<Stage>,
    plan: Vec<(Duration, Arc<Script>, Role)>,
    begun: Instant,
) -> anyhow::Result<Outcome> {
    let listening = tokio::spawn(listen(stage.emulator.subscribe(), Arc::clone(stage)));
    // Dropped by each citizen when he leaves.
    let (leaving, mut left) = mpsc::channel::<()>(1);
    let mut playing: JoinSet<(String, Result<(), Failure>, Vec<Mistake>)> = JoinSet::new();
    for (n, (at, script, role)) in plan.into_iter().enumerate() {
        let due = begun + at;
        sleep_until(due).await;
        stage.with(|figures| figures.began(due.elapsed()));
        let (inbox, events) = mpsc::channel(chat::EVENTS_MAX);
        if let Some(chat) = role.sender.chat() {
            stage.inboxes(|inboxes| inboxes.insert(chat, Inbox::Citizen(inbox)));
        }
        let mut chat = Chat {
            stage: Arc::clone(stage),
            script,
            role,
            ids: format!("{}.{n}", stage.run),
            number: stage.numbers[n % stage.numbers.len()].clone(),
            events,
            dice: stage.scenario.dice(1 + u64::try_from(n).unwrap_or_default()),
            seen: Seen::default(),
        };
        let leaving = leaving.clone();
        playing.spawn(async move {
            let outcome = chat.play(due).await;
            chat.stage.with(|figures| figures.left(outcome.is_ok()));
            drop(leaving);
            (chat.script.name.clone(), outcome, chat.listen_on().await)
        });
    }
    drop(leaving);
    // Nothing is ever sent: this ends when all have left.
    let _ended = left.recv().await;
    settle(stage).await;
    stage.with(|figures| figures.wall = begun.elapsed());
    stage.inboxes(HashMap::clear);
    let mut outcome = Outcome::default();
    while let Some(done) = playing.join_next().await {
        let (script, served, mistakes) = done?;
        if let Err(failure) = served {
            *outcome.failures.entry(failure).or_default() += 1;
        }
        for mistake in mistakes {
            *outcome.mistakes.entry((script.clone(), mistake)).or_default() += 1;
        }
    }
    listening.abort();
    Ok(outcome)
}

/// Waits for what is still on its way.
async fn settle(stage: &Stage) {
    let until = Instant::now() + SETTLING;
    while stage.emulator.open_posts() > 0 && Instant::now() < until {
        sleep(Duration::from_millis(100)).await;
    }
    sleep(AFTERMATH).await;
}

/// Takes the measures, and brings events to the citizens they are for.
async fn listen(mut events: broadcast::Receiver<Arc<Event>>, stage: Arc<Stage>) {
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(broadcast::error::RecvError::Lagged(lost)) => {
                stage.with(|figures| figures.lost(lost));
                continue;
            }
            Err(broadcast::error::RecvError::Closed) => return,
        };
        stage.with(|figures| measure(figures, &event.what));
        let Some(chat) = chat::chat_of(&event) else { continue };
        let sent = stage.inboxes(|inboxes| match inboxes.get(&chat) {
            Some(Inbox::Citizen(inbox)) => Some(inbox.try_send(Arc::clone(&event)).is_ok()),
            Some(Inbox::Nobody) => Some(true),
            None => None,
        });
        match (sent, &event.what) {
            (Some(false), _) => stage.with(|figures| figures.lost(1)),
            (None, Happening::Replied(_)) => stage.with(|figures| figures.strays += 1),
            (Some(true) | None, _) => {}
        }
    }
}

fn measure(figures: &mut Figures, what: &Happening) {
    match what {
        Happening::Said { .. } => figures.said += 1,
        Happening::Stored { ms, .. } => figures.ack(*ms),
        Happening::NotStored { .. } => figures.not_stored += 1,
        Happening::Replied(reply) => {
            figures.replies += 1;
            figures.documents += u64::from(matches!(reply.form, Form::Document { .. }));
            for answer in &reply.answers {
                figures.reply(&answer.id, answer.ms);
            }
        }
        Happening::Sms { .. } => figures.sms += 1,
        Happening::StatusStored { .. } => figures.statuses += 1,
        Happening::Typing | Happening::MarkedRead { .. } | Happening::Status { .. } => {}
    }
}
