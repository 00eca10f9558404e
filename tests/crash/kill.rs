//! A server under load, killed with SIGKILL at random moments, again and again: what was acknowledged has its
//! effect, and nothing has one twice.
//!
//! `SIAGA_KILLS` says how often (20 when it is not set; `.ci/long kill`: 100), `SIAGA_SEED` repeats a run's
//! choices.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use siaga::clock::SystemClock;
use siaga::emulator::{self, Emulator};
use siaga::ports::Clock;

use super::crowd::{self, Crowd};
use super::history::{self, Outside};
use super::inside;
use super::server::{PATIENCE, Server, Site};

const CITIZENS: usize = 40;

/// A number from the environment.
pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Meta as the crowd meets it: no limits but the server's own, room for every event.
pub(crate) async fn meta(site: &Site, statuses_after_ms: u64) -> Emulator {
    let mut options = site.meta();
    options.rules.pair = false;
    options.numbers[0].messages_per_s = 1_000;
    options.bounds.events_max = 1 << 16;
    options.statuses.sent_ms = statuses_after_ms;
    options.statuses.delivered_ms = statuses_after_ms + 100;
    options.statuses.read_ms = None;
    emulator::start(options).await.expect("an emulator")
}

/// Lets a server live for a while, and kills it. One in ten lives until all is known that a kill left unknown, as
/// otherwise no citizen whose message a kill met would be served before the last kill.
async fn life(site: &Site, emulator: &Emulator, crowd: &Crowd, dice: &mut StdRng, nth: u64, reconcile_s: u64) {
    let mut server = site.spawn(&emulator.url());
    // One in four does not live to be ready.
    if dice.random_range(0..4) > 0 {
        server.until_ready().await;
    }
    let quiet_ms = if nth % 10 == 9 { (reconcile_s + 2) * 1_000 } else { 0 };
    tokio::time::sleep(Duration::from_millis(quiet_ms + dice.random_range(0..1_200))).await;
    let clock = SystemClock::default();
    assert!(server.ended().is_none(), "the server ended by itself");
    let from = clock.now().0;
    server.kill();
    crowd.killed(from, clock.now().0);
}

/// The last life: all that was begun is finished, and the server stops in order.
pub(crate) async fn rest(server: Server, emulator: &Emulator, mut crowd: Crowd) -> Outside {
    crowd.home().await;
    server.until_nothing_open().await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while emulator.open_posts() > 0 {
        assert!(tokio::time::Instant::now() < deadline, "webhooks are not taken");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.stop().await, Some(0), "asked to stop, it stops in order");
    crowd.outside()
}

/// Kills the server of a crowd `kills` times; the history of it all must hold.
async fn killed(kills: u64, seed: u64, statuses_after_ms: u64, reconcile_s: u64) {
    let site = Site::with(&format!("{}[whatsapp]\nreconcile_s = {reconcile_s}\n", crowd::SETTINGS));
    let emulator = meta(&site, statuses_after_ms).await;
    let mut dice = StdRng::seed_from_u64(seed);
    let crowd = Crowd::send(&emulator, site.keys(), CITIZENS, seed);
    for nth in 0..kills {
        life(&site, &emulator, &crowd, &mut dice, nth, reconcile_s).await;
    }
    let last = site.start(&emulator.url()).await;
    let outside = rest(last, &emulator, crowd).await;
    emulator.stop().await;
    let inside = inside::read(&site);
    let faults = history::check(&outside, &inside);
    let stories: String = faults.iter().map(|fault| history::story(fault, &outside, &inside)).collect();
    assert!(faults.is_empty(), "seed {seed}, {} messages said: {faults:?}\n{stories}", outside.said.len());
    assert!(inside.turns.len() > CITIZENS * 4, "only {} turns: nothing was tried", inside.turns.len());
}

#[actix_web::test]
async fn whenever_it_is_killed_nothing_is_lost_doubled_or_out_of_order() {
    let (kills, seed) = (number("SIAGA_KILLS", 20), number("SIAGA_SEED", 1));
    killed(kills, seed, 40, 3).await;
}

#[actix_web::test]
async fn what_was_in_the_air_goes_once_more_when_no_status_tells() {
    let (kills, seed) = (number("SIAGA_KILLS", 20) / 4, number("SIAGA_SEED", 2));
    // Statuses come too late for whoever waits a second for them.
    killed(kills, seed, 3_000, 1).await;
}
