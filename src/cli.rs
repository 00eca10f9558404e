//! The command line.
//!
//! Without a word it is the newcomer's start: the server with an emulated WhatsApp, everything on loopback.
//! Exit codes: 0 stopped in order or done, 1 a command was refused, or what it looked at is not good, 64 bad settings
//! or arguments, 69 an address or the store cannot be had,
//! 70 the server gave up on itself.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line speaks to a person")]

mod certificate;
mod tickets;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::app::Wish;
use crate::config::{Config, layers, show};
use crate::control::Command as Order;

/// Bad settings or arguments (EX_USAGE).
const EXIT_USAGE: u8 = 64;

/// A conversation server for WhatsApp: the vaccination-certificate line.
#[derive(Debug, Parser)]
#[command(name = "siaga", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve. Without --config: on this machine, with an emulated WhatsApp and a chat page.
    Serve(Serve),
    /// Only check the settings; exit 64 when something is wrong.
    Check(Files),
    /// Print the settings in effect, secrets hidden.
    Config(Files),
    /// Look after the store: over control.sock when its server runs, else directly.
    #[command(subcommand)]
    Store(Store),
    /// What could not be handled: look at it, hand it over again, drop it.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Citizens' reports: look through them, ask, answer, close, export.
    #[command(subcommand)]
    Tickets(tickets::Command),
    /// Issue, check and revoke certificates, and keep the keys that sign them.
    #[command(subcommand)]
    Certificate(certificate::Command),
}

#[derive(Debug, Subcommand)]
enum Store {
    /// Check every checksum, every seal, every row, and the table against the journal; exit 1 when one does not hold.
    Verify(Common),
    /// Count records by kind, bytes, how many times the live bytes the disk holds, how far the table is behind.
    Stats(Common),
    /// Write the whole store as of one moment into a file that is not there yet, sealed as it is.
    Export {
        file: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// Make a store from an export that the same key sealed, only where nothing is.
    Import {
        file: PathBuf,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, Subcommand)]
enum DeadLetters {
    /// One line each, oldest first.
    List(Common),
    /// One of them, without what it says.
    Show {
        id: String,
        #[command(flatten)]
        common: Common,
    },
    /// Hand one over again, or all.
    Retry {
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Give one up.
    Drop {
        id: String,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Args, Clone, Debug, Default)]
struct Common {
    #[command(flatten)]
    files: Files,
    /// Answer in JSON lines, for programs.
    #[arg(long)]
    json: bool,
}

#[derive(Args, Clone, Debug, Default)]
struct Files {
    /// A file of settings over the default; may be given several times, later ones win.
    #[arg(long = "config", value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Args, Clone, Debug, Default)]
struct Serve {
    #[command(flatten)]
    files: Files,
    /// Start although these records are missing from the journal, both included; the refused start names them.
    #[arg(long, value_name = "FROM..TO", value_parser = lsns)]
    accept_loss: Vec<RangeInclusive<u64>>,
}

/// Runs the command of this process's arguments.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not errors; clap prints each where it belongs.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match cli.command.unwrap_or(Command::Serve(Serve::default())) {
        Command::Serve(Serve { files, accept_loss }) => {
            with_settings(&files, |config| crate::app::serve(config, accept_loss))
        }
        Command::Check(files) => with_settings(&files, |_| {
            println!("the settings are good");
            ExitCode::SUCCESS
        }),
        Command::Config(files) => print_settings(&files),
        Command::Store(wish) => store(wish),
        Command::DeadLetters(wish) => dead_letters(wish),
        Command::Tickets(command) => tickets::run(command),
        Command::Certificate(command) => certificate::run(command),
    }
}

fn store(wish: Store) -> ExitCode {
    match wish {
        Store::Verify(common) => operate(&common, Wish::Command(Order::Verify)),
        Store::Stats(common) => operate(&common, Wish::Command(Order::Stats)),
        // A server's working directory is another one.
        Store::Export { file, common } => {
            let file = std::path::absolute(&file).unwrap_or(file);
            operate(&common, Wish::Command(Order::Export { file }))
        }
        Store::Import { file, common } => operate(&common, Wish::Import(file)),
    }
}

fn dead_letters(wish: DeadLetters) -> ExitCode {
    let (order, common) = match wish {
        DeadLetters::List(common) => (Order::ListLetters, common),
        DeadLetters::Show { id, common } => (Order::ShowLetter { id }, common),
        DeadLetters::Retry { id: Some(id), common, .. } => (Order::RetryLetter { id }, common),
        DeadLetters::Retry { id: None, common, .. } => (Order::RetryLetters, common),
        DeadLetters::Drop { id, common } => (Order::DropLetter { id }, common),
    };
    operate(&common, Wish::Command(order))
}

fn operate(common: &Common, wish: Wish) -> ExitCode {
    match Config::load_for_commands(&common.files.files, std::env::vars()) {
        Ok(config) => crate::app::operate(&config, wish, common.json),
        Err(error) => {
            eprintln!("siaga: {error}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

/// `FROM..TO`, both included, as a refused start and `accepted-losses` write it.
fn lsns(text: &str) -> Result<RangeInclusive<u64>, String> {
    let range = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..=to.parse().ok()?));
    range
        .filter(|range: &RangeInclusive<u64>| *range.start() > 0 && !range.is_empty())
        .ok_or_else(|| "it is not `FROM..TO`, two numbers of records, both of them lost".to_owned())
}

fn with_settings(files: &Files, then: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match Config::load(&files.files, std::env::vars()) {
        Ok(config) => then(config),
        Err(error) => {
            eprintln!("siaga: {error}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn print_settings(files: &Files) -> ExitCode {
    with_settings(files, |_| match layers::read(&files.files, std::env::vars()) {
        Ok(layered) => {
            print!("{}", show::effective(&layered));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("siaga: {error}");
            ExitCode::from(EXIT_USAGE)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_whole() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn a_loss_is_accepted_by_exactly_its_name() {
        assert_eq!(lsns("3..7"), Ok(3..=7));
        assert_eq!(lsns("7..7"), Ok(7..=7));
        for text in ["", "7", "7..", "..7", "7..3", "0..3", "3..=7", "3...7", "a..b", "-1..3"] {
            assert!(lsns(text).is_err(), "{text}");
        }
    }
}
