//! The actors: sessions, accounts, outbox, and what keeps them alive.
//!
//! ```text
//! Root                    3 restarts in 60 s or 2 lost threads, then the process exits 70
//! └─ Shard x n            one an arbiter; 5 in 60 s, then Root counts
//!     ├─ Outbox           5 in 60 s, then the shard
//!     ├─ Session x many   3 panics in 60 s: its message becomes a dead letter
//!     └─ Account x many   3 panics in 60 s: what it was asked is answered `Down`
//! ```
//!
//! # What holds them together
//! - [`board::Board`] and [`outbox::Lanes`] are what must outlive an actor's panic: open rows, open sends, wishes
//!   to be woken, mail. One lock each, held for moments, never across an await. A shard or outbox that starts
//!   again finds all its work there; nothing is asked of the store twice.
//! - Only a shard holds addresses of sessions and accounts. Everyone else names a contact or a phone and leaves
//!   mail at the board of its shard. So a restart needs no re-wiring, and nobody can reach a dead generation.
//! - A session has at most one turn at a time; newer rows wait at the board. So nothing overtakes, and a
//!   mailbox is only a window.
//!
//! Floor 3: knows ports, domain, conversation, account, limits and metrics; never an adapter.

pub mod account;
pub mod board;
pub mod courier;
pub mod fault;
mod figures;
pub mod gate;
pub mod hand;
mod intake;
pub mod ledger;
pub mod neighbour;
pub mod outbox;
pub mod receipts;
pub mod root;
pub mod sender;
pub mod session;
pub mod shard;
pub mod supervision;
pub mod sweep;
pub mod switchboard;
pub mod tag;
pub mod tally;
pub mod timers;
pub mod versioned;

use std::sync::Arc;

use crate::account::AccountRules;
use crate::conversation::Rules;
use crate::conversation::text::Texts;
use crate::domain::contact::ContactId;
use crate::domain::keys::{LookupKey, ServerKeys};
use crate::limits::{Budgets, Fence};
use crate::ports::{
    AccountDirectory, Channel, Clock, Delivery, ImmunizationRegistry, InboxRow, Inlet, IssuedCertificates, OtpSender,
    RowId, Store, Tickets,
};

use board::{Board, Mail};
use fault::Faults;
use gate::Gate;
use hand::InHand;
use neighbour::Bulkheads;
use outbox::{Lanes, RowsInMemory};

pub use figures::{Figures, ReadReceipts};

/// All that actors use of the world: ports, keys, texts, rules and figures. Made once by `app`.
pub struct Neighbours {
    pub clock: Arc<dyn Clock>,
    pub store: Arc<dyn Store>,
    /// One for each shard.
    pub lines: Vec<Lines>,
    pub directory: Arc<dyn AccountDirectory>,
    pub registry: Arc<dyn ImmunizationRegistry>,
    pub tickets: Arc<dyn Tickets>,
    pub issued: Arc<dyn IssuedCertificates>,
    pub keys: Arc<ServerKeys>,
    pub switchboard: Arc<switchboard::Switchboard>,
    pub texts: Arc<Texts>,
    pub rules: Rules,
    pub account_rules: AccountRules,
    pub budgets: Arc<Budgets>,
    pub fence: Arc<Fence>,
    pub ledger: Arc<ledger::Ledger>,
    pub script: Arc<dyn session::Script>,
    pub random: Arc<dyn Random>,
    pub figures: Figures,
    /// Calls under way to registry, the ways of codes, and desk, all shards together.
    pub calls: Arc<Bulkheads>,
    pub hands: InHand,
    pub faults: Faults,
}

/// A shard's own ways out: HTTP connections belong to the thread that opened them.
#[derive(Clone)]
pub struct Lines {
    pub channel: Arc<dyn Channel>,
    /// The ways of codes and notices, in their order; each has its neighbour in [`Bulkheads::ways`].
    pub ways: Vec<Way>,
}

/// A way of codes.
#[derive(Clone)]
pub enum Way {
    Sms(Arc<dyn OtpSender>),
    /// By a template to the phone's WhatsApp: codes only, and only where their account lets them go that way.
    Template,
}

/// Where randomness comes from: a CSPRNG, or a seed in a test.
pub trait Random: Send + Sync + 'static {
    fn bytes(&self) -> [u8; 32];
}

/// Randomness of the operating system's making.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn bytes(&self) -> [u8; 32] {
        rand::random()
    }
}

/// The boards and lanes of all shards, and which contact or account is whose.
///
/// A contact always lands on the same shard while the process lives (a fixed hash), so two generations of one
/// session share a thread. Nothing on disk depends on the number of shards.
pub struct Shards {
    boards: Vec<Arc<Board>>,
    lanes: Vec<Arc<Lanes>>,
    memory: Arc<RowsInMemory>,
    /// Who is served now; without one, everyone.
    gate: Option<Arc<Gate>>,
}

impl Shards {
    /// For `n` shards, at least one, that keep so many rows to be sent in memory. Without a gate everyone is served
    /// at once.
    pub fn new(n: usize, gate: Option<Arc<Gate>>, rows_in_memory_max: usize) -> Arc<Self> {
        let n = n.max(1);
        let memory = Arc::new(RowsInMemory::new(rows_in_memory_max));
        let board = || gate.as_ref().map_or_else(Board::default, |gate| Board::gated(Arc::clone(gate)));
        Arc::new(Self {
            boards: (0..n).map(|_| Arc::new(board())).collect(),
            lanes: (0..n).map(|_| Arc::new(Lanes::sharing(Arc::clone(&memory)))).collect(),
            memory,
            gate,
        })
    }

    /// Rows to be sent that are in memory.
    pub fn rows_in_memory(&self) -> &RowsInMemory {
        &self.memory
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.boards.len()
    }

    /// The board of a shard.
    pub fn board(&self, shard: usize) -> &Arc<Board> {
        &self.boards[shard % self.boards.len()]
    }

    /// The lanes of a shard.
    pub fn lanes(&self, shard: usize) -> &Arc<Lanes> {
        &self.lanes[shard % self.lanes.len()]
    }

    /// The shard of a contact.
    pub fn of_contact(&self, contact: ContactId) -> usize {
        self.place(contact.0)
    }

    /// The shard of an account.
    pub fn of_account(&self, key: LookupKey) -> usize {
        let mut first = [0; 8];
        first.copy_from_slice(&key.0[..8]);
        self.place(u64::from_le_bytes(first))
    }

    fn place(&self, value: u64) -> usize {
        // Fibonacci hashing: the high half of the product is well mixed whatever the low bits were.
        let mixed = value.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        usize::try_from(mixed).unwrap_or_default() % self.boards.len()
    }

    /// Leaves mail at the shard of a contact.
    pub fn tell_contact(&self, contact: ContactId, mail: Mail) {
        self.board(self.of_contact(contact)).post(mail);
    }

    /// Leaves mail at the shard of an account.
    pub fn tell_account(&self, key: LookupKey, mail: Mail) {
        self.board(self.of_account(key)).post(mail);
    }

    /// Sorts things by the shard of their contact.
    fn by_shard<T>(&self, things: Vec<T>, contact_of: impl Fn(&T) -> ContactId) -> Vec<Vec<T>> {
        let mut sorted: Vec<Vec<T>> = self.boards.iter().map(|_| Vec::new()).collect();
        for thing in things {
            sorted[self.of_contact(contact_of(&thing))].push(thing);
        }
        sorted
    }

    /// Rows to the boards of their shards, all of a board at once.
    fn rows(&self, rows: Vec<(RowId, InboxRow)>) {
        for (board, rows) in self.boards.iter().zip(self.by_shard(rows, |(_, row)| row.contact)) {
            if !rows.is_empty() {
                board.rows(rows);
            }
        }
    }

    fn sends(&self, sends: Vec<outbox::Send>) {
        for (lanes, sends) in self.lanes.iter().zip(self.by_shard(sends, |send| send.head.contact)) {
            lanes.push(sends);
        }
    }

    fn statuses(&self, statuses: Vec<crate::domain::message::Status>) {
        for status in statuses {
            // The tag is proven by the outbox, on its own thread; here it only says whose it would be.
            let shard = tag::contact_of(status.tag.as_deref()).map_or(0, |contact| self.of_contact(contact));
            self.lanes(shard).status(status);
        }
    }

    /// Whether nothing waits, is in the air, or will leave now: what a drain waits for.
    pub fn at_rest(&self) -> bool {
        self.boards.iter().all(|board| board.at_rest()) && self.lanes.iter().all(|lanes| lanes.at_rest())
    }
}

impl Inlet for Shards {
    fn deliver(&self, deliveries: Vec<Delivery>) {
        let mut rows = Vec::new();
        let mut sends = Vec::new();
        let mut statuses = Vec::new();
        for delivery in deliveries {
            match delivery {
                Delivery::Inbox { id, row } => rows.push((id, row)),
                Delivery::Outbox { id, row } => sends.push(outbox::Send::new(id, row)),
                Delivery::Status(status) => statuses.push(status),
            }
        }
        self.rows(rows);
        self.sends(sends);
        self.statuses(statuses);
    }
}
