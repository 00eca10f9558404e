//! The crowd: citizens begin at the scenario's rate whether or not earlier ones are served (open loop).
//!
//! Every time is taken where it happens: the emulator measures each POST until its 200 and each message until
//! its reply arrives. How late citizens began against the plan is measured too, so that a load tester that
//! cannot keep up is seen and not taken for a fast server.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use indicatif::{ProgressBar, ProgressStyle};
use siaga::domain::contact::Recipient;
use siaga::emulator::{Emulator, Event, Form, Happening, Sender};
use siaga::registry::embedded::Citizen;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::chat::{self, Chat, Failure};
use crate::figures::Figures;
use crate::scenario::Scenario;
use crate::script::{Role, Script};

/// After the last citizen: statuses and late answers still come in.
const AFTERMATH: Duration = Duration::from_millis(1_500);

type Inboxes = Arc<Mutex<HashMap<Recipient, mpsc::Sender<Arc<Event>>>>>;

/// Sends the crowd, and gives what was measured.
pub(crate) async fn send(
    scenario: &Scenario,
    scripts: &[Arc<Script>],
    population: &[Citizen],
    emulator: &Emulator,
) -> anyhow::Result<Figures> {
    let cast = cast(scenario, scripts, population)?;
    let inboxes: Inboxes = Arc::default();
    let figures = Arc::new(Mutex::new(Figures::new()?));
    let listening = tokio::spawn(listen(emulator.subscribe(), Arc::clone(&inboxes), Arc::clone(&figures)));
    let progress = bar(cast.len());
    let begun = Instant::now();
    let mut playing: JoinSet<Result<(), Failure>> = JoinSet::new();
    for (n, (script, role)) in (0_u32..).zip(cast) {
        let planned = begun + Duration::from_secs_f64(f64::from(n) / scenario.citizens_per_s);
        sleep_until(planned).await;
        with(&figures, |figures| figures.began(planned.elapsed()));
        let sender = Sender::phone(role.phone);
        let (inbox, events) = mpsc::channel(chat::EVENTS_MAX);
        inboxes.lock().unwrap_or_else(PoisonError::into_inner).insert(Recipient::Phone(role.phone), inbox);
        playing.spawn(
            Chat {
                emulator: emulator.clone(),
                script,
                role,
                sender,
                events,
                think: Duration::from_millis(scenario.think_ms),
                patience: Duration::from_secs(scenario.reply_timeout_s),
            }
            .play(),
        );
        while let Some(done) = playing.try_join_next() {
            with(&figures, |figures| figures.served(flat(done)));
            progress.inc(1);
        }
    }
    while let Some(done) = playing.join_next().await {
        with(&figures, |figures| figures.served(flat(done)));
        progress.inc(1);
    }
    let wall = begun.elapsed();
    progress.finish_and_clear();
    sleep(AFTERMATH).await;
    listening.abort();
    let figures = with(&figures, |figures| figures.clone());
    Ok(figures.over(wall))
}

/// Who plays what: each citizen once, on a number of his own.
fn cast(
    scenario: &Scenario,
    scripts: &[Arc<Script>],
    population: &[Citizen],
) -> anyhow::Result<Vec<(Arc<Script>, Role)>> {
    let mut taken = HashSet::new();
    let mut cast = Vec::with_capacity(scenario.citizens);
    let mut from = vec![0; scripts.len()];
    for n in 0..scenario.citizens {
        let path = scenario.path_of(n);
        let script = &scripts[path];
        // Each script goes through the population once, whatever the others take.
        let found = population[from[path]..].iter().position(|c| script.suits(c) && !taken.contains(&c.phone));
        ensure!(
            found.is_some(),
            "the population has too few citizens for {} more of `{}`",
            scenario.citizens - n,
            script.name
        );
        let at = from[path] + found.unwrap_or_default();
        from[path] = at + 1;
        taken.insert(population[at].phone);
        cast.push((Arc::clone(script), Role::of(&population[at])));
    }
    Ok(cast)
}

/// Takes the measures, and brings events to the citizens they are for.
async fn listen(mut events: broadcast::Receiver<Arc<Event>>, inboxes: Inboxes, figures: Arc<Mutex<Figures>>) {
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(broadcast::error::RecvError::Lagged(lost)) => {
                with(&figures, |figures| figures.lost(lost));
                continue;
            }
            Err(broadcast::error::RecvError::Closed) => return,
        };
        with(&figures, |figures| measure(figures, &event.what));
        let inbox = chat::chat_of(&event)
            .and_then(|chat| inboxes.lock().unwrap_or_else(PoisonError::into_inner).get(&chat).cloned());
        // A citizen who is done has closed his.
        if let Some(Err(mpsc::error::TrySendError::Full(_))) = inbox.map(|inbox| inbox.try_send(event)) {
            with(&figures, |figures| figures.lost(1));
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
                figures.reply(answer.ms);
            }
        }
        Happening::Sms { .. } => figures.sms += 1,
        Happening::Typing
        | Happening::MarkedRead { .. }
        | Happening::Status { .. }
        | Happening::StatusStored { .. } => {}
    }
}

fn with<T>(figures: &Mutex<Figures>, act: impl FnOnce(&mut Figures) -> T) -> T {
    act(&mut figures.lock().unwrap_or_else(PoisonError::into_inner))
}

fn flat(done: Result<Result<(), Failure>, tokio::task::JoinError>) -> Result<(), Failure> {
    done.unwrap_or_else(|error| Err(Failure { script: "load tester".into(), line: 0, what: error.to_string() }))
}

fn bar(citizens: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(citizens).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} citizens served, {elapsed} gone, {eta} to go");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
