//! Operators' commands on a store: what they are, and how a server does them over `control.sock`.
//!
//! The socket stands in the store's directory, mode 0600, and answers nobody but its owner and root. One
//! request a connection: a JSON line in, JSON lines out ([`Line`]), the last of them `done` or `refused`; while
//! a command takes long a `working` line says every few seconds that it does. Requests, connections, items of an
//! answer and waits are bounded. `v` is the protocol's version: another one is refused by name.
//!
//! Commands run one after the other, so that no letter is handed over twice. On a stopped server the command
//! line opens the store and runs the same [`Control`] itself.
//!
//! Nothing personal leaves here but what officers answer reports by ([`tickets`]): a letter is told by its reason,
//! time, contact (a random number), size and shape.
//!
//! What does not belong here: how a store is looked into, exported and imported (`store`, wired by `app`).

pub mod client;
mod letters;
pub mod moves;
mod shape;
pub mod socket;
pub mod tickets;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::actors::switchboard::Switchboard;
use crate::domain::ticket::{TicketNumber, TicketNumberError};
use crate::domain::uvci::{Uvci, UvciError};
use crate::limits::Budgets;
use crate::ports::{IssuedCertificates, NeighbourError, RevokeError, RowId, Store, StoreError};

use tickets::{Officers, Step};

/// Of the protocol.
pub const VERSION: u16 = 1;
/// Letters that one answer lists; more are only counted.
pub const LISTED_MAX: usize = 10_000;

/// One request, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub v: u16,
    pub command: Command,
}

/// What an operator may want.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Every checksum, every seal, every row, the table against the journal.
    Verify,
    /// Counts only.
    Stats,
    /// Into a file that is not there yet; an absolute path of the server's machine.
    Export {
        file: PathBuf,
    },
    ListLetters,
    ShowLetter {
        id: String,
    },
    RetryLetter {
        id: String,
    },
    /// As many as are there when it begins.
    RetryLetters,
    DropLetter {
        id: String,
    },
    /// By its id, as it stands on the certificate.
    RevokeCertificate {
        id: String,
    },
    /// Those that wait for an officer; or all.
    ListTickets {
        all: bool,
    },
    ShowTicket {
        number: String,
    },
    MoveTicket {
        number: String,
        step: Step,
    },
    /// With all their words, into a file that is not there yet.
    ExportTickets {
        file: PathBuf,
    },
}

/// One line of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    Working { seconds: u64 },
    Item(Said),
    Done { said: Said, good: bool },
    Refused { reason: String },
}

/// For a person, and for a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub text: String,
    pub data: Value,
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub items: Vec<Said>,
    pub said: Said,
    /// It was done, and what it looked at is in order.
    pub good: bool,
}

/// Why a command was not done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("`{0}` is no name of a dead letter: it is LSN.INDEX, as `dead-letters list` prints it")]
    Name(String),
    #[error("there is no dead letter {0}")]
    Absent(RowId),
    #[error("dead letter {id} cannot be handed over again: {reason}")]
    Hopeless { id: RowId, reason: &'static str },
    #[error("`{}` must be an absolute path", .0.display())]
    Relative(PathBuf),
    #[error("`{id}`: {fault}")]
    Id { id: String, fault: UvciError },
    #[error("{id}: {fault}")]
    Revoke { id: Uvci, fault: RevokeError },
    #[error("`{number}`: {fault}")]
    TicketNumber { number: String, fault: TicketNumberError },
    #[error("report {number}: {reason}")]
    Ticket { number: TicketNumber, reason: &'static str },
    #[error(transparent)]
    Desk(#[from] NeighbourError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Vault(String),
}

/// What can be done to a store beside what `ports::Store` knows. Refusals say file and offset.
pub trait Vault: Send + Sync + 'static {
    fn look(&self, open_seals: bool) -> BoxFuture<'_, Result<Report, String>>;
    fn export(&self, file: PathBuf) -> BoxFuture<'_, Result<Report, String>>;
}

/// Does the commands.
pub struct Control {
    pub store: Arc<dyn Store>,
    pub vault: Arc<dyn Vault>,
    pub switchboard: Switchboard,
    pub budgets: Arc<Budgets>,
    pub issued: Arc<dyn IssuedCertificates>,
    pub officers: Arc<dyn Officers>,
    /// Held while a command runs.
    pub one: tokio::sync::Mutex<()>,
}

/// Where the socket of a store is.
pub fn socket_path(store: &Path) -> PathBuf {
    store.join("control.sock")
}

impl Control {
    /// Does a command, after those that came before it.
    pub async fn perform(&self, command: Command) -> Result<Report, ControlError> {
        let _one = self.one.lock().await;
        match command {
            Command::Verify => self.vault.look(true).await.map_err(ControlError::Vault),
            Command::Stats => self.vault.look(false).await.map_err(ControlError::Vault),
            Command::Export { file } if !file.is_absolute() => Err(ControlError::Relative(file)),
            Command::Export { file } => self.vault.export(file).await.map_err(ControlError::Vault),
            Command::ListLetters => self.list().await,
            Command::ShowLetter { id } => self.show(letters::name(&id)?).await,
            Command::RetryLetter { id } => self.retry(letters::name(&id)?).await,
            Command::RetryLetters => self.retry_all().await,
            Command::DropLetter { id } => self.drop_letter(letters::name(&id)?).await,
            Command::RevokeCertificate { id } => self.revoke(id).await,
            Command::ListTickets { all } => self.list_tickets(all).await,
            Command::ShowTicket { number } => self.show_ticket(&number).await,
            Command::MoveTicket { number, step } => self.move_ticket(&number, step).await,
            Command::ExportTickets { file } => self.export_tickets(file).await,
        }
    }

    async fn revoke(&self, id: String) -> Result<Report, ControlError> {
        let id = Uvci::parse(&id).map_err(|fault| ControlError::Id { id, fault })?;
        self.issued.revoke(id.clone()).await.map_err(|fault| ControlError::Revoke { id: id.clone(), fault })?;
        Ok(Report::of(format!("{id} is revoked"), json!({ "revoked": id.as_str() })))
    }
}

impl Report {
    /// A report of one sentence.
    pub fn of(text: String, data: Value) -> Self {
        Self { items: Vec::new(), said: Said { text, data }, good: true }
    }
}

impl Line {
    /// As it goes over the socket.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self)
            .unwrap_or_else(|_| json!({ "refused": { "reason": "the answer has no form" } }).to_string().into_bytes());
        bytes.push(b'\n');
        bytes
    }
}
