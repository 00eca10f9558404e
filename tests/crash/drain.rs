//! A server under load, stopped in order again and again: each time it ends by itself with 0 within its 25 s,
//! nothing that was acknowledged is lost, and nothing is sent twice.
//!
//! `SIAGA_DRAINS` says how often (5 when it is not set; `.ci/long drain`: 50), `SIAGA_SEED` repeats a run's choices.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use siaga::clock::SystemClock;
use siaga::ports::Clock;

use super::crowd::{self, Crowd};
use super::kill::{meta, number, rest};
use super::server::Site;
use super::{history, inside};

const CITIZENS: usize = 40;
/// `server.drain_s`, as `config/default.toml` has it.
const WITHIN: Duration = Duration::from_secs(25);

#[actix_web::test]
#[expect(clippy::print_stdout, reason = "a long run says how it went")]
async fn whenever_it_is_stopped_all_is_finished_and_nothing_is_sent_twice() {
    let (drains, seed) = (number("SIAGA_DRAINS", 5), number("SIAGA_SEED", 3));
    let site = Site::with(crowd::SETTINGS);
    let emulator = meta(&site, 40).await;
    let mut dice = StdRng::seed_from_u64(seed);
    let crowd = Crowd::send(&emulator, site.keys(), CITIZENS, seed);
    let mut longest = Duration::ZERO;
    for drain in 0..drains {
        let server = site.start(&emulator.url()).await;
        tokio::time::sleep(Duration::from_millis(dice.random_range(100..1_500))).await;
        let asked = Instant::now();
        assert_eq!(server.stop().await, Some(0), "drain {drain}");
        let took = asked.elapsed();
        assert!(took <= WITHIN, "drain {drain} took {took:?}");
        longest = longest.max(took);
    }
    let last = site.start(&emulator.url()).await;
    let outside = rest(last, &emulator, crowd).await;
    emulator.stop().await;
    let inside = inside::read(&site);
    let faults = history::check(&outside, &inside);
    assert!(faults.is_empty(), "seed {seed}, {} messages said: {faults:#?}", outside.said.len());
    assert!(inside.turns.len() > CITIZENS * 3, "only {} turns: nothing was tried", inside.turns.len());
    println!("{drains} drains, {} messages, {} turns, the longest {longest:?}", outside.said.len(), inside.turns.len());
}

#[actix_web::test]
async fn asked_twice_it_stops_at_once_and_goes_on_where_it_was() {
    let site = Site::with(crowd::SETTINGS);
    let emulator = meta(&site, 40).await;
    let crowd = Crowd::send(&emulator, site.keys(), CITIZENS, 4);
    let clock = SystemClock::default();
    for _ in 0..2 {
        let mut server = site.start(&emulator.url()).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        let from = clock.now().0;
        server.ask_to_stop();
        server.ask_to_stop();
        let end = server.until_ended().await;
        assert_eq!(end.code(), Some(0), "{end}");
        crowd.killed(from, clock.now().0);
    }
    let last = site.start(&emulator.url()).await;
    let outside = rest(last, &emulator, crowd).await;
    emulator.stop().await;
    let inside = inside::read(&site);
    assert_eq!(history::check(&outside, &inside), []);
}
