//! The store by itself, without a server around it: how many appends, what a turn costs, how fast it starts.
//!
//! Processor time is taken from the kernel, thread by thread, so it says the same on a busy machine. Rates and
//! waiting times do not: what else the machine did is printed with them.

mod appends;
mod machine;
mod rest;
mod turns;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Figure {
    /// Durable appends a second, 64 writers each waiting for its own.
    Appends(Place),
    /// Processor time of a turn's three records, what readers wait meanwhile, and the disk it takes in the end.
    Turns {
        #[command(flatten)]
        place: Place,
        #[arg(long, default_value_t = 1_000_000)]
        turns: u64,
        #[arg(long, default_value_t = 200_000)]
        contacts: u64,
    },
    /// Contacts at rest: a process that is killed, and the memory and time of the next one.
    Rest {
        #[command(flatten)]
        place: Place,
        #[arg(long, default_value_t = 1_000_000)]
        contacts: u64,
    },
    /// Fills a store and then waits to be killed: the first half of `rest`.
    #[command(hide = true)]
    Fill { path: PathBuf, contacts: u64 },
}

/// Where the store lies while it is measured; gone afterwards.
#[derive(Args, Debug)]
pub(crate) struct Place {
    /// A directory on the disk that counts (a memory file system measures nothing).
    #[arg(long, value_name = "DIR", default_value = ".")]
    within: PathBuf,
}

impl Place {
    fn directory(&self) -> anyhow::Result<tempfile::TempDir> {
        Ok(tempfile::Builder::new().prefix("store-figures-").tempdir_in(&self.within)?)
    }
}

/// Measures, and says whether the figures keep their bounds.
pub(crate) fn measure(figure: Figure) -> anyhow::Result<ExitCode> {
    let broken = match figure {
        Figure::Appends(place) => appends::measure(&place)?,
        Figure::Turns { place, turns, contacts } => turns::measure(&place, turns, contacts)?,
        Figure::Rest { place, contacts } => rest::measure(&place, contacts)?,
        Figure::Fill { path, contacts } => rest::fill(&path, contacts)?,
    };
    Ok(machine::verdict(&broken))
}
