//! The two trials in which nothing is timed: every webhook twice, and Graph down for a while.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::ledger::{Graph, Ledger};
use crate::floor::side::{self, Side};
use crate::server::{self, Secrets};

/// Chats whose messages are under way at once.
const LANES: usize = 16;
/// How long after the first was taken a webhook comes again, where it does not come twice at once.
const AGAIN: Duration = Duration::from_millis(300);
/// No reply for so long: what is doubled has come.
const QUIET: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(100);

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trials {
    /// Webhooks that come twice.
    pub(super) twice: usize,
    /// Of the outage: messages a second, seconds before and after it, seconds of it.
    pub(super) rate: u32,
    pub(super) beside: Duration,
    pub(super) down: Duration,
    /// How long replies are waited for when all is up.
    pub(super) patience: Duration,
}

/// Each webhook twice.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Twice {
    pub(super) webhooks: usize,
    /// Answered more than once.
    pub(super) doubled: usize,
    pub(super) unanswered: usize,
}

/// Graph down in the middle.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Outage {
    pub(super) messages: usize,
    /// Of these, sent while Graph was down.
    pub(super) while_down: usize,
    pub(super) lost: usize,
    /// Answered more than once.
    pub(super) doubled: usize,
}

impl Trials {
    pub(super) fn messages(&self) -> usize {
        let seconds = (self.beside * 2 + self.down).as_secs_f64();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded by the arguments")]
        let messages = (seconds * f64::from(self.rate)) as usize;
        messages
    }

    pub(super) async fn twice_of(&self, side: &Side) -> anyhow::Result<Twice> {
        let secrets = Secrets::random();
        let (listener, webhook) = (TcpListener::bind("127.0.0.1:0").await?, server::free_address()?);
        let graph = listener.local_addr()?;
        let ledger = Ledger::new(&secrets.app_secret, side::numbers(), webhook, self.twice);
        let listening = tokio::spawn(Arc::clone(&ledger).listen(listener));
        let running = side.start(webhook, graph, &secrets).await?;
        let twice = self.twice(&ledger).await;
        listening.abort();
        running.stop().await?;
        twice
    }

    pub(super) async fn outage_of(&self, side: &Side) -> anyhow::Result<Outage> {
        let secrets = Secrets::random();
        let (listener, webhook) = (TcpListener::bind("127.0.0.1:0").await?, server::free_address()?);
        let graph = listener.local_addr()?;
        let ledger = Ledger::new(&secrets.app_secret, side::numbers(), webhook, self.messages());
        let listening = tokio::spawn(Arc::clone(&ledger).listen(listener));
        let running = side.start(webhook, graph, &secrets).await?;
        let outage = self.outage(&ledger).await;
        ensure!(!listening.is_finished(), "Graph ended before the trial");
        listening.abort();
        running.stop().await?;
        Ok(outage)
    }

    /// Half of the webhooks come twice at once, the others again when the first was taken.
    pub(super) async fn twice(&self, ledger: &Arc<Ledger>) -> anyhow::Result<Twice> {
        let until = Instant::now() + self.patience;
        let mut lanes = JoinSet::new();
        for lane in 0..LANES {
            let ledger = Arc::clone(ledger);
            lanes.spawn(async move {
                let mut taken = true;
                for chat in (lane..ledger.chats()).step_by(LANES) {
                    if (chat / LANES).is_multiple_of(2) {
                        let (one, other) = tokio::join!(ledger.deliver(chat, until), ledger.deliver(chat, until));
                        taken &= one && other;
                    } else {
                        taken &= ledger.deliver(chat, until).await;
                        sleep(AGAIN).await;
                        taken &= ledger.deliver(chat, until).await;
                    }
                }
                taken
            });
        }
        while let Some(taken) = lanes.join_next().await {
            ensure!(taken?, "a webhook was not taken within {} s", self.patience.as_secs());
        }
        let answers = settled(ledger, Instant::now() + self.patience).await;
        Ok(Twice {
            webhooks: answers.len(),
            doubled: answers.iter().filter(|answers| **answers > 1).count(),
            unanswered: answers.iter().filter(|answers| **answers == 0).count(),
        })
    }

    /// Messages come evenly. In the first half of the outage Graph refuses, in the second nobody listens.
    pub(super) async fn outage(&self, ledger: &Arc<Ledger>) -> Outage {
        let began = Instant::now();
        let (falls, rises) = (began + self.beside, began + self.beside + self.down);
        let until = rises + self.beside + self.patience;
        let plan = Arc::clone(ledger);
        let half = self.down / 2;
        let weather = tokio::spawn(async move {
            for (at, graph) in [(falls, Graph::Refuses), (falls + half, Graph::Away), (rises, Graph::Up)] {
                sleep_until(at).await;
                plan.set(graph);
            }
        });
        let (mut deliveries, mut while_down) = (JoinSet::new(), 0);
        for (chat, n) in (0..ledger.chats()).zip(0_u32..) {
            let due = began + Duration::from_secs(1) * n / self.rate;
            sleep_until(due).await;
            while_down += usize::from((falls..rises).contains(&due));
            let ledger = Arc::clone(ledger);
            deliveries.spawn(async move { ledger.deliver(chat, until).await });
        }
        let _ended = weather.await;
        // What is never taken is counted as lost.
        let _all = tokio::time::timeout_at(until, deliveries.join_all()).await;
        let answers = settled(ledger, until).await;
        Outage {
            messages: answers.len(),
            while_down,
            lost: answers.iter().filter(|answers| **answers == 0).count(),
            doubled: answers.iter().filter(|answers| **answers > 1).count(),
        }
    }
}

/// The answers, when each chat has one and no more come, or when the patience has ended.
async fn settled(ledger: &Ledger, until: Instant) -> Vec<u32> {
    let (mut seen, mut since) = (ledger.replies(), Instant::now());
    loop {
        sleep(LOOK).await;
        if ledger.replies() != seen {
            (seen, since) = (ledger.replies(), Instant::now());
        }
        let answers = ledger.answers();
        let complete = !answers.contains(&0) && since.elapsed() >= QUIET;
        if complete || Instant::now() >= until {
            return answers;
        }
    }
}
