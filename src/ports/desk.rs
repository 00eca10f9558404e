//! A ministry's own desk: what it is told of reports, and what it orders.
//!
//! What it has to be told is kept with the reports until it has taken it ([`Untold`]); how it is told is an adapter's
//! ([`MinistryDesk`]). What it orders is named by an id of its own, so that an order that comes twice is carried out once.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::call::NeighbourError;
use crate::domain::message::Text;
use crate::domain::ticket::{Ticket, TicketNumber, TicketView};
use crate::domain::time::Timestamp;

/// What happened to a report on our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    Filed,
    /// Its citizen added words.
    Words,
    /// The answer did not help its citizen.
    Reopened,
    Closed,
    /// It was taken up, asked about or answered here, by `siaga tickets`.
    Moved,
}

impl Change {
    /// As programs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Filed => "report.filed",
            Self::Words => "report.words",
            Self::Reopened => "report.reopened",
            Self::Closed => "report.closed",
            Self::Moved => "report.moved",
        }
    }
}

/// One thing that a ministry's desk is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// As it stood after the change, without its words.
    pub report: Ticket,
    /// Grows by one a change of this report.
    pub serial: u32,
    pub change: Change,
    pub at: Timestamp,
    /// Those of the change.
    pub words: Option<Text>,
}

impl Telling {
    /// The same whenever it is told again.
    pub fn id(&self) -> String {
        format!("{}-{}", self.report.number, self.serial)
    }
}

/// What a ministry's desk was not told yet.
pub trait Untold: Send + Sync + 'static {
    /// Reports that there is something to tell of: at first all that were left, then those that come, each once.
    /// Waits while there is none.
    fn fresh(&self) -> BoxFuture<'_, Result<Vec<TicketNumber>, NeighbourError>>;
    /// Whoever waits for fresh ones begins with all that are left once more.
    fn look_again(&self);
    /// The oldest thing to tell of a report.
    fn next(&self, report: TicketNumber) -> BoxFuture<'_, Result<Option<Telling>, NeighbourError>>;
    /// It was taken: it is told no more. Whether there is something else to tell of this report.
    fn told(&self, report: TicketNumber, serial: u32) -> BoxFuture<'_, Result<bool, NeighbourError>>;
}

/// Tells a ministry's desk.
pub trait MinistryDesk: Send + Sync + 'static {
    /// `Ok`: it has it. `Down`: asking again helps. All else: it refuses this very thing.
    fn tell(&self, telling: Telling) -> BoxFuture<'_, Result<(), NeighbourError>>;
}

/// The name of an order, as short as a report keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderId([u8; 16]);

impl OrderId {
    /// By the id that the desk gave it.
    pub fn of(id: &str) -> Self {
        let hash = Sha256::digest(id.as_bytes());
        Self(std::array::from_fn(|at| hash[at]))
    }
}

/// What came of moving a report on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acted {
    Done(TicketView),
    /// This very order was carried out before.
    Before,
    Unknown,
    /// Only its citizen opens it again.
    Closed,
    /// It was answered with the same words already.
    Repeated,
}
