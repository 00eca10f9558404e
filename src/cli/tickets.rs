//! `siaga tickets`: reports of citizens, as officers work through them.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::{Common, operate};
use crate::app::Wish;
use crate::control::Command as Order;
use crate::control::tickets::Step;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Those that wait for an officer, the most urgent first.
    List {
        /// Also those that wait for their citizen, are answered or closed.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        common: Common,
    },
    /// One with the citizen's words; of NIK and phone the ends.
    Show {
        number: String,
        #[command(flatten)]
        common: Common,
    },
    /// Take one up: its citizen sees that it is in work.
    Take {
        number: String,
        #[command(flatten)]
        common: Common,
    },
    /// Ask its citizen something; its clock stands still until he answers.
    Ask {
        number: String,
        words: String,
        #[command(flatten)]
        common: Common,
    },
    /// Answer it: the words reach the citizen in his chat.
    Answer {
        number: String,
        words: String,
        #[command(flatten)]
        common: Common,
    },
    /// End it without a word.
    Close {
        number: String,
        #[command(flatten)]
        common: Common,
    },
    /// All of them, whole, as JSON lines in a new file that only its owner reads.
    Export {
        file: PathBuf,
        #[command(flatten)]
        common: Common,
    },
}

pub(super) fn run(command: Command) -> ExitCode {
    let step = |number, step| Order::MoveTicket { number, step };
    let (order, common) = match command {
        Command::List { all, common } => (Order::ListTickets { all }, common),
        Command::Show { number, common } => (Order::ShowTicket { number }, common),
        Command::Take { number, common } => (step(number, Step::Take), common),
        Command::Ask { number, words, common } => (step(number, Step::Ask { words }), common),
        Command::Answer { number, words, common } => (step(number, Step::Answer { words }), common),
        Command::Close { number, common } => (step(number, Step::Close), common),
        // A server's working directory is another one.
        Command::Export { file, common } => {
            (Order::ExportTickets { file: std::path::absolute(&file).unwrap_or(file) }, common)
        }
    };
    operate(&common, Wish::Command(order))
}
