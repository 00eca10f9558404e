//! The command line.
//!
//! Without a word it is the newcomer's start: the server with an emulated WhatsApp, everything on loopback.
//! Exit codes: 0 stopped in order, 64 bad settings or arguments, 69 an address or the store cannot be had,
//! 70 the server gave up on itself.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line speaks to a person")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, layers, show};

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
    Serve(Files),
    /// Only check the settings; exit 64 when something is wrong.
    Check(Files),
    /// Print the settings in effect, secrets hidden.
    Config(Files),
}

#[derive(Args, Clone, Debug, Default)]
struct Files {
    /// A file of settings over the default; may be given several times, later ones win.
    #[arg(long = "config", value_name = "FILE")]
    files: Vec<PathBuf>,
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
    match cli.command.unwrap_or(Command::Serve(Files::default())) {
        Command::Serve(files) => with_settings(&files, crate::app::serve),
        Command::Check(files) => with_settings(&files, |_| {
            println!("the settings are good");
            ExitCode::SUCCESS
        }),
        Command::Config(files) => print_settings(&files),
    }
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
