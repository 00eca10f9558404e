//! The operators' commands from the command line: on a running server over `control.sock`, on a stopped one in the
//! store itself.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line speaks to a person")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::Value;

use super::{AppError, control, settings};
use crate::actors::session::revisions::Revisions;
use crate::actors::{Random, SystemRandom};
use crate::clock::SystemClock;
use crate::config::{Config, DeskKind, key_file};
use crate::control::client::{self, ClientError, End};
use crate::control::{Command, Report, Said, socket_path};
use crate::desk::Desk;
use crate::domain::keys::ServerKeys;
use crate::issuer::Register;
use crate::ports::{Clock, Part, Store};
use crate::store;

/// It was done and what was looked at is not in order, or it was refused.
const EXIT_NOT_GOOD: u8 = 1;
/// The store cannot be had (EX_UNAVAILABLE).
const EXIT_UNAVAILABLE: u8 = 69;

/// What an operator wants of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    Command(Command),
    /// Make a store of this file; only where nothing is.
    Import(PathBuf),
}

/// Why a stopped store was not worked on.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("there is no store at `{}`", .0.display())]
    NoStore(PathBuf),
    #[error("a server runs on the store: an import needs a place where nothing is")]
    Running,
    #[error(transparent)]
    App(#[from] AppError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{0}")]
    Said(String),
}

/// Does what an operator wants, prints what came of it (for a program: as JSON lines) and gives the exit code.
pub fn operate(config: &Config, wish: Wish, json: bool) -> ExitCode {
    let outcome = match wish {
        Wish::Import(file) => import(config, &file).map(|report| print(&report, json)),
        Wish::Command(command) => over_the_socket(config, &command, json).unwrap_or_else(|| {
            let report = in_the_store(config, command)?;
            Ok(print(&report, json))
        }),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(EXIT_NOT_GOOD),
        Err(error @ Refusal::Said(_)) => refuse(&error, EXIT_NOT_GOOD),
        Err(error) => refuse(&error, EXIT_UNAVAILABLE),
    }
}

fn refuse(error: &Refusal, code: u8) -> ExitCode {
    eprintln!("siaga: {error}");
    ExitCode::from(code)
}

/// `None`: no server runs there.
fn over_the_socket(config: &Config, command: &Command, json: bool) -> Option<Result<bool, Refusal>> {
    let path = socket_path(&config.store.path);
    match client::ask(&path, command.clone(), &mut |said| tell(&said, json)) {
        Ok(End::Done { said, good }) => {
            tell(&said, json);
            Some(Ok(good))
        }
        Ok(End::Refused { reason }) => Some(Err(Refusal::Said(reason))),
        Err(ClientError::Stopped) => None,
        Err(other) => Some(Err(other.into())),
    }
}

fn in_the_store(config: &Config, command: Command) -> Result<Report, Refusal> {
    let options = store::Options { crash_loop_starts: 0, ..settings::store_options(config) };
    if !store::is_there(&options.path) {
        return Err(Refusal::NoStore(options.path));
    }
    let keys = keys(config)?;
    match command {
        Command::Verify => {
            let mut revisions = Revisions::default();
            let judge = &mut |_, part: &Part| revisions.judge(part);
            Ok(control::findings(&store::verify_with(&options.path, &keys, judge).map_err(AppError::from)?))
        }
        Command::Stats => Ok(control::findings(&store::stats(&options.path, &keys).map_err(AppError::from)?)),
        Command::Export { .. }
        | Command::ListLetters
        | Command::ShowLetter { .. }
        | Command::RetryLetter { .. }
        | Command::RetryLetters
        | Command::DropLetter { .. }
        | Command::RevokeCertificate { .. }
        | Command::ListTickets { .. }
        | Command::ShowTicket { .. }
        | Command::MoveTicket { .. }
        | Command::ExportTickets { .. } => in_the_open_store(config, &options, &keys, command),
    }
}

fn in_the_open_store(
    config: &Config,
    options: &store::Options,
    keys: &Arc<ServerKeys>,
    command: Command,
) -> Result<Report, Refusal> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let journal = store::open(options, keys, Arc::clone(&clock)).map_err(AppError::from)?;
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let numbers: Vec<_> = config.whatsapp.phone_numbers.iter().map(settings::number).collect();
    let budgets = Arc::new(super::neighbours::budgets(&numbers));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|fault| Refusal::Said(fault.to_string()))?;
    let store: Arc<dyn Store> = journal.clone();
    let outcome = runtime.block_on(async {
        let desk = Desk::new(Arc::clone(&store), Arc::clone(&clock), keys);
        // What is done to a report here is told to the ministry's desk after the next start.
        let desk = Arc::new(if config.desk.kind == DeskKind::Http { desk.with_ministry() } else { desk });
        let register = Register::open(store, clock, Arc::clone(keys)).await?;
        control::control(Arc::clone(&journal), keys, &random, &budgets, &register, &desk).perform(command).await
    });
    journal.close_and_wait();
    outcome.map_err(|error| Refusal::Said(error.to_string()))
}

fn import(config: &Config, file: &std::path::Path) -> Result<Report, Refusal> {
    let options = settings::store_options(config);
    if std::os::unix::net::UnixStream::connect(socket_path(&options.path)).is_ok() {
        return Err(Refusal::Running);
    }
    let done = store::import(&options, file, &*keys(config)?, Arc::new(SystemClock::default()));
    let done = done.map_err(|error| Refusal::Said(error.to_string()))?;
    Ok(control::exported("imported from", file, &done))
}

/// A command never makes a key: what it would open was sealed with one that is there.
fn keys(config: &Config) -> Result<Arc<ServerKeys>, Refusal> {
    let key = key_file::load(&config.store.key_file).map_err(AppError::from)?;
    Ok(Arc::new(ServerKeys::derive(&key)))
}

fn print(report: &Report, json: bool) -> bool {
    report.items.iter().chain([&report.said]).for_each(|said| tell(said, json));
    report.good
}

fn tell(said: &Said, json: bool) {
    if json {
        let data: &Value = &said.data;
        println!("{data}");
    } else {
        println!("{}", said.text);
    }
}
