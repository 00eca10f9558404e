//! Stopping in order: readiness off, nothing new, what is in flight is finished, all is durable, the end.
//!
//! Everything has its part of the time, so that the whole keeps within `server.drain_s` whatever does not end: four
//! fifths for work in flight, most of the rest for the store. Who is not done is named, again and again while it
//! lasts. What is not finished goes on after the next start: it is on the disk, as after a crash.

use std::time::Duration;

use tokio::time::Instant;

use super::{App, Ended};

/// How often a drain looks whether work has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often those are named that are still at work.
const NAME_EVERY: Duration = Duration::from_secs(5);
/// Longer than a neighbour may take.
const CALLS_WITHIN: Duration = Duration::from_secs(6);
/// When the actors cannot be kept running there is little to wait for.
const GAVE_UP_WITHIN: Duration = Duration::from_secs(5);

impl App {
    /// Takes nothing new, finishes what is in flight within bounds, closes the store.
    pub async fn drain(&self) -> Ended {
        self.drain_within(self.drain_within).await
    }

    /// The same for a server that gave up on itself: little time, and an end that says so.
    pub(super) async fn drain_after_failure(&self) -> Ended {
        self.drain_within(self.drain_within.min(GAVE_UP_WITHIN)).await;
        Ended::GaveUp
    }

    async fn drain_within(&self, within: Duration) -> Ended {
        let began = Instant::now();
        self.draining.begin();
        if let Some(gate) = self.shards.gate() {
            gate.close();
        }
        self.sweep.abort();
        // What it tells just now is told to its end; the rest is kept, and told after the next start.
        if let Some(courier) = &self.courier {
            courier.abort();
        }
        // From here on no connection is accepted. Whoever is connected is told 503 and let go; nobody is waited
        // for who only keeps a connection.
        let webhook = self.webhook.clone();
        actix_web::rt::spawn(async move { webhook.stop(true).await });
        let mut ended = self.finish(began + within.mul_f64(0.8)).await;
        if let Some(control) = &self.control {
            control.stop();
        }
        if tokio::time::timeout_at(began + within.mul_f64(0.95), self.store.close()).await.is_err() {
            tracing::error!("the store did not close in time; what it has acknowledged is on the disk");
            ended = Ended::GaveUp;
        }
        if let Some(emulator) = &self.emulator {
            emulator.stop().await;
        }
        self.ops.stop(false).await;
        tracing::info!(took_ms = began.elapsed().as_millis(), ?ended, "stopped");
        ended
    }

    /// Whether anybody waits for a neighbour, or an SMS is on its way.
    fn calls_under_way(&self) -> bool {
        let shards = self.actors().shards;
        self.calls.views().iter().any(|neighbour| neighbour.calls > 0)
            || shards.iter().any(|shard| shard.inbox.calls > 0 || shard.accounts_busy > 0)
    }

    /// Waits for posts and work in flight.
    async fn finish(&self, deadline: Instant) -> Ended {
        let mut name_at = Instant::now() + NAME_EVERY;
        let calls_until = deadline.min(Instant::now() + CALLS_WITHIN);
        loop {
            // In this order: a post that has ended has left its rows on the boards.
            let posts = self.draining.posts();
            let at_rest = posts == 0 && self.shards.at_rest();
            let now = Instant::now();
            // A call that is not answered is made again by the next process, which is safe and may be a second SMS:
            // worth a little patience, and no reason to be late.
            if at_rest && (!self.calls_under_way() || now >= calls_until) {
                return Ended::Drained;
            }
            if now >= name_at || now >= deadline {
                name_at = now + NAME_EVERY;
                for name in self.shards.unfinished() {
                    tracing::warn!(posts, "not finished yet: {name}");
                }
            }
            if now >= deadline {
                tracing::warn!("work in flight did not end in time; it goes on after the next start");
                return Ended::Late;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
