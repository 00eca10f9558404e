//! Settings of `config` as the options of the parts. Each part owns its options; only this file knows both.

mod codes;
mod neighbours;

use std::sync::Arc;
use std::time::Duration;

use super::{
    AppError, AppOptions, CertificateOptions, GraphOptions, RegistryOptions, ServerOptions, StoreChoice, World,
};
use codes::code_template;

use crate::actors::fault::Faults;
use crate::actors::session::{Ours, Script};
use crate::actors::{Figures, ReadReceipts, SystemRandom};
use crate::clock::SystemClock;
use crate::config::{self, Config, Mode, key_file, signing_file};
use crate::conversation::text::Texts;
use crate::domain::keys::ServerKeys;
use crate::domain::time::DAY_MS;
use crate::limits::admission::Pace;
use crate::limits::breaker::BreakerRules;
use crate::registry::embedded::{DemoCard, DemoPerson, demo_cards};
use crate::telemetry::Recorder;
use crate::{emulator, store};

/// Connections to the webhook for each worker; Meta opens as many as it needs, further ones wait.
const WEBHOOK_CONNECTIONS_MAX: usize = 4096;

/// The options of a server with these settings. Reads the key file; makes it for a newcomer.
pub(super) fn options(config: Config, recorder: Recorder) -> Result<AppOptions, AppError> {
    let newcomer = config.whatsapp.mode == Mode::Emulator;
    let key_path = &config.store.key_file;
    let key = if newcomer { key_file::load_or_make(key_path) } else { key_file::load(key_path) }?;
    let certificates = certificates(&config)?;
    let clock = Arc::new(SystemClock::default());
    let (web_workers, shards) = threads(&config);
    let numbers: Vec<_> = config.whatsapp.phone_numbers.iter().map(number).collect();
    Ok(AppOptions {
        server: server(&config, web_workers),
        graph: graph(&config),
        world: if newcomer { World::Emulator(Box::new(world(&config, clock.clone()))) } else { World::Cloud },
        senders: neighbours::senders(&config.otp, &config.smpp),
        store: StoreChoice::Journal(store_options(&config)),
        registry: RegistryOptions { seed: config.registry.seed, citizens: config.registry.citizens },
        records: neighbours::records(&config.registry),
        directory: neighbours::directory(&config.directory),
        desk: neighbours::desk(&config.desk),
        certificates,
        keys: Arc::new(ServerKeys::derive(&key)),
        clock,
        random: Arc::new(SystemRandom),
        texts: Arc::new(Texts::embedded()?),
        figures: figures(&config, shards),
        admission: Some(pace(&config.admission)),
        rules: config.conversation,
        codes: config.codes,
        account_rules: config.account,
        script: script(),
        recorder,
        numbers,
        channel: None,
        failing: None,
        hands: None,
        faults: Faults::default(),
    })
}

#[cfg(not(feature = "fault-points"))]
fn script() -> Arc<dyn Script> {
    Arc::new(Ours)
}

/// A build for tests knows words that harm, if it is asked to.
#[cfg(feature = "fault-points")]
fn script() -> Arc<dyn Script> {
    use crate::actors::session::harmful::Harmful;
    if std::env::var_os("SIAGA_HARMFUL_WORDS").is_some() { Arc::new(Harmful) } else { Arc::new(Ours) }
}

/// Measured at twice the load that two cores bear (`loadtest capacity`): with one or two at once files came seconds
/// later than with many, whose threads the machine gives more of its time.
const CERTIFICATES_A_CORE: usize = 8;

/// Reads the signing keys; makes one for a newcomer.
fn certificates(config: &Config) -> Result<CertificateOptions, AppError> {
    let config::Certificate { key_file, issuer, valid_days, sign_again_after_days, at_once_max } = &config.certificate;
    let newcomer = config.whatsapp.mode == Mode::Emulator;
    let keys = if newcomer { signing_file::load_or_make(key_file) } else { signing_file::load(key_file) }?;
    let issuer = issuer.trim().to_owned();
    let at_once = given(*at_once_max, CERTIFICATES_A_CORE * cores());
    Ok(CertificateOptions::new(keys, issuer, *valid_days, *sign_again_after_days, at_once))
}

/// Web workers and shards, together as many as the machine has cores: more busy threads only cost (design.md 4).
fn threads(config: &Config) -> (usize, usize) {
    let cores = cores();
    (given(config.server.web_workers, cores / 2), given(config.server.shards, cores - cores / 2))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// What is set, or a share of the cores when that is 0.
fn given(set: usize, share: usize) -> usize {
    if set == 0 { share.max(1) } else { set }
}

pub(super) fn number(number: &config::PhoneNumber) -> emulator::Number {
    emulator::Number { id: number.id.clone(), display: number.display.clone(), messages_per_s: number.messages_per_s }
}

fn server(config: &Config, web_workers: usize) -> ServerOptions {
    let config::Server { bind, ops_bind, body_bytes_max, body_read_s, drain_s, .. } = config.server;
    ServerOptions {
        bind,
        ops_bind,
        web_workers,
        app_secrets: config.whatsapp.app_secrets.clone(),
        verify_token: config.whatsapp.verify_token.clone(),
        body_bytes_max,
        body_read_s,
        durable_within_s: body_read_s,
        connections_max: WEBHOOK_CONNECTIONS_MAX,
        drain: Duration::from_secs(drain_s),
    }
}

fn graph(config: &Config) -> GraphOptions {
    let whatsapp = &config.whatsapp;
    GraphOptions {
        url: whatsapp.graph_url.clone(),
        version: whatsapp.graph_version.clone(),
        access_token: whatsapp.access_token.clone(),
        connections_max: whatsapp.connections_max,
        connect_timeout: Duration::from_millis(whatsapp.connect_timeout_ms),
        request_timeout: Duration::from_millis(whatsapp.request_timeout_ms),
        send_to_bsuid: whatsapp.send_to_bsuid,
    }
}

fn world(config: &Config, clock: Arc<SystemClock>) -> emulator::Options {
    let config::Emulator { bind, latency_ms, status_delay_ms, enforce_rates, chats_max, history_max } = config.emulator;
    // App fills in the webhook's address, the secrets and the numbers.
    let mut world = emulator::Options::new("http://127.0.0.1/webhook", "", "", clock);
    world.bind = bind;
    world.latency_ms = latency_ms;
    world.statuses.sent_ms = status_delay_ms;
    world.statuses.delivered_ms = 2 * status_delay_ms;
    world.statuses.read_ms = Some(4 * status_delay_ms);
    world.rules.pair = enforce_rates;
    world.rules.throughput = enforce_rates;
    world.bounds.chats_max = chats_max;
    world.bounds.history_max = history_max;
    world.cards = demo_cards().into_iter().map(card).collect();
    world
}

fn card(card: DemoCard) -> emulator::DemoCard {
    let person = |person: DemoPerson| emulator::DemoPerson { name: person.name.to_owned(), nik: person.nik.to_owned() };
    emulator::DemoCard {
        key: card.key.to_owned(),
        title: card.title.to_owned(),
        title_en: card.title_en.to_owned(),
        about: card.about.to_owned(),
        about_en: card.about_en.to_owned(),
        phone: card.phone,
        bsuid_only: card.bsuid.map(str::to_owned),
        username: card.username.map(str::to_owned),
        registered: card.registered,
        people: card.people.into_iter().map(person).collect(),
    }
}

pub(super) fn store_options(config: &Config) -> store::Options {
    let at = &config.store;
    store::Options {
        segment_bytes: at.segment_bytes,
        group_records_max: at.group_records_max,
        group_bytes_max: at.group_bytes_max,
        gather_us: at.gather_us,
        queue_records_max: at.queue_records_max,
        queue_bytes_max: at.queue_bytes_max,
        open_bytes_max: at.open_bytes_max,
        rows_in_memory_max: at.rows_in_memory_max,
        apply_after_ms: at.apply_after_ms,
        apply_window_bytes: at.apply_window_bytes,
        checkpoint_bytes: at.checkpoint_bytes,
        export_after_bytes: at.export_after_bytes,
        crash_loop_starts: at.crash_loop_starts,
        table_cache_bytes: at.table_cache_bytes,
        dead_letters_bytes_max: at.dead_letters_bytes_max,
        dead_letters_ms_max: i64::from(at.dead_letters_days_max) * DAY_MS,
        free_bytes_min: at.free_bytes_min,
        reserve_bytes: at.reserve_bytes,
        ..store::Options::new(&at.path)
    }
}

fn figures(config: &Config, shards: usize) -> Figures {
    let config::Actors {
        mailbox_messages_max,
        passivate_after_s,
        sessions_awake_max,
        accounts_awake_max,
        neighbour_timeout_ms,
        neighbour_calls_max,
        breaker_calls_min,
        breaker_failures_percent,
        breaker_window_s,
        breaker_open_s,
    } = config.actors;
    let whatsapp = &config.whatsapp;
    Figures {
        shards,
        mailbox_messages_max,
        passivate_after_ms: ms(passivate_after_s.saturating_mul(1_000)),
        sessions_awake_max,
        accounts_awake_max,
        neighbour_timeout_ms,
        neighbour_calls_max,
        breaker: BreakerRules {
            calls_min: breaker_calls_min,
            failures_percent: breaker_failures_percent,
            window_ms: ms(breaker_window_s.saturating_mul(1_000)),
            open_ms: ms(breaker_open_s.saturating_mul(1_000)),
        },
        read_receipts: match whatsapp.read_receipts {
            config::ReadReceipts::WhenSlow => ReadReceipts::WhenSlow,
            config::ReadReceipts::Always => ReadReceipts::Always,
            config::ReadReceipts::Never => ReadReceipts::Never,
        },
        slow_after_ms: ms(whatsapp.slow_after_ms),
        // A certificate is uploaded first, so a send is two requests and may have to wait for a connection.
        send_timeout_ms: whatsapp.connect_timeout_ms + 2 * whatsapp.request_timeout_ms,
        sends_in_flight_max: whatsapp.connections_max,
        retry_first_ms: ms(whatsapp.retry_first_ms),
        retry_max_ms: ms(whatsapp.retry_max_ms),
        tries_max: whatsapp.tries_max,
        reconcile_ms: ms(whatsapp.reconcile_s.saturating_mul(1_000)),
        pair_low: ms(whatsapp.pair_low),
        rows_in_memory_max: config.store.rows_in_memory_max,
        window_template: (!whatsapp.window_template.is_empty())
            .then(|| (whatsapp.window_template.clone(), whatsapp.window_template_language.clone())),
        code_template: code_template(config),
        ..Figures::default()
    }
}

/// Its numbers are filled in by the app.
fn pace(config: &config::Admission) -> Pace {
    let config::Admission { turns_per_s, waiting_max, tell_after_s, ramp_s, replies_waiting_s } = *config;
    Pace {
        turns_per_s,
        numbers: Vec::new(),
        waiting_max,
        tell_after_ms: ms(tell_after_s.saturating_mul(1_000)),
        ramp_ms: ms(ramp_s.saturating_mul(1_000)),
        replies_waiting_ms: ms(replies_waiting_s.saturating_mul(1_000)),
    }
}

/// The bounds of `config` are far below what an `i64` holds.
fn ms(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
