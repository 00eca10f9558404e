//! The process around a server: logs, signals, what a newcomer reads first, and the exit code.

use std::future::Future;
use std::ops::RangeInclusive;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use super::{Addresses, App, Ended, StoreChoice, settings};
use crate::config::{Config, Mode};
use crate::registry::embedded::demo_cards;
use crate::telemetry;

/// An address or the store cannot be had (EX_UNAVAILABLE).
const EXIT_UNAVAILABLE: u8 = 69;
/// The server gave up on itself (EX_SOFTWARE); systemd starts it again.
const EXIT_GAVE_UP: u8 = 70;

/// Serves until SIGINT or SIGTERM, then drains. `losses`: records that may be missing from the journal.
pub fn serve(config: Config, losses: Vec<RangeInclusive<u64>>) -> ExitCode {
    let recorder = match telemetry::log(&config.telemetry).and_then(|()| telemetry::recorder()) {
        Ok(recorder) => recorder,
        Err(error) => return refuse(&error),
    };
    let newcomer = config.whatsapp.mode == Mode::Emulator;
    let mut options = match settings::options(config, recorder) {
        Ok(options) => options,
        Err(error) => return refuse(&error),
    };
    if let StoreChoice::Journal(store) = &mut options.store {
        store.accept_loss = losses;
    }
    actix_web::rt::System::new().block_on(async move {
        let stop = match stop_signal() {
            Ok(stop) => stop,
            Err(error) => return refuse(&error),
        };
        let app = match App::build(options).await {
            Ok(app) => app,
            Err(error) => return refuse(&error),
        };
        announce(&app.addresses(), newcomer);
        match app.run_until_stopped(stop).await {
            Ended::Drained | Ended::Late => ExitCode::SUCCESS,
            Ended::GaveUp => ExitCode::from(EXIT_GAVE_UP),
        }
    })
}

#[expect(clippy::print_stderr, reason = "a start that fails tells the person who started it")]
fn refuse(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("siaga: {error}");
    ExitCode::from(EXIT_UNAVAILABLE)
}

/// Resolves at the first SIGINT or SIGTERM. A second one ends the process at once, which is as safe as a crash:
/// what is acknowledged is on the disk, and goes on at the next start.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
        tracing::info!("asked to stop: finishing what is in flight; ask again to stop at once");
        actix_web::rt::spawn(async move {
            tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
            tracing::warn!("asked twice: stopping at once");
            std::process::exit(0);
        });
    })
}

#[expect(clippy::print_stdout, reason = "the newcomer's first page")]
fn announce(addresses: &Addresses, newcomer: bool) {
    let Addresses { webhook, ops, chat } = addresses;
    tracing::info!(%webhook, %ops, "serving");
    let Some(chat) = chat.filter(|_| newcomer) else { return };
    println!("siaga is ready. All people here are invented.\n");
    println!("  chat page   http://{chat}/");
    println!("  webhook     http://{webhook}/webhook");
    println!("  metrics     http://{ops}/metrics   (also /livez /readyz /actors)\n");
    println!("Three citizens to try: open the chat page, pick a number, write \"hai\".\n");
    for card in demo_cards().iter().filter(|card| card.phone.is_some()).take(3) {
        let Some((phone, person)) = card.phone.zip(card.people.first()) else { continue };
        let phone = phone.to_e164().replacen("+62", "0", 1);
        println!("  {phone}   {:<18} NIK {}   {} ({})", person.name, person.nik, card.title, card.title_en);
    }
    println!("\nCtrl-C stops it.");
}
