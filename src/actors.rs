//! The actors: sessions, accounts, outbox, and what keeps them alive.
//!
//! ```text
//! Root                    3 restarts in 60 s, then the process exits 70
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
pub mod gate;
mod intake;
pub mod ledger;
pub mod neighbour;
pub mod outbox;
pub mod root;
pub mod sender;
pub mod session;
pub mod shard;
pub mod supervision;
pub mod sweep;
pub mod switchboard;
pub mod tag;
pub mod timers;
pub mod versioned;

use std::sync::Arc;

use crate::account::AccountRules;
use crate::conversation::Rules;
use crate::conversation::text::Texts;
use crate::domain::contact::ContactId;
use crate::domain::keys::{LookupKey, ServerKeys};
use crate::limits::Budgets;
use crate::limits::breaker::BreakerRules;
use crate::ports::{
    AccountDirectory, Channel, Clock, Delivery, ImmunizationRegistry, InboxRow, Inlet, OtpSender, RowId, Store, Tickets,
};

use board::{Board, Mail};
use gate::Gate;
use neighbour::Bulkheads;
use outbox::Lanes;

/// All that actors use of the world: ports, keys, texts, rules and figures. Made once by `app`.
pub struct Neighbours {
    pub clock: Arc<dyn Clock>,
    pub store: Arc<dyn Store>,
    /// One for each shard.
    pub lines: Vec<Lines>,
    pub directory: Arc<dyn AccountDirectory>,
    pub registry: Arc<dyn ImmunizationRegistry>,
    pub tickets: Arc<dyn Tickets>,
    pub keys: Arc<ServerKeys>,
    pub switchboard: Arc<switchboard::Switchboard>,
    pub texts: Arc<Texts>,
    pub rules: Rules,
    pub account_rules: AccountRules,
    pub budgets: Arc<Budgets>,
    pub ledger: Arc<ledger::Ledger>,
    pub script: Arc<dyn session::Script>,
    pub random: Arc<dyn Random>,
    pub figures: Figures,
    /// Calls under way to registry, SMS gateway and desk, all shards together.
    pub calls: Arc<Bulkheads>,
}

/// A shard's own ways out: HTTP connections belong to the thread that opened them.
#[derive(Clone)]
pub struct Lines {
    pub channel: Arc<dyn Channel>,
    pub otp: Arc<dyn OtpSender>,
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

/// When a citizen's message is marked as read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadReceipts {
    /// With a typing indicator, when a port is awaited longer than `slow_after_ms`.
    #[default]
    WhenSlow,
    /// At each turn.
    Always,
    Never,
}

/// The bounds of this floor (config sections `[actors]` and `[whatsapp]`).
#[derive(Clone, Debug)]
pub struct Figures {
    pub shards: usize,
    pub mailbox_messages_max: usize,
    /// Rows that one turn takes; the rest are the next turn's.
    pub turn_rows_max: usize,
    pub passivate_after_ms: i64,
    pub sessions_awake_max: usize,
    pub accounts_awake_max: usize,
    /// Events that wait at one account; more of them are answered `Down`.
    pub account_events_max: usize,
    pub neighbour_timeout_ms: u64,
    pub neighbour_calls_max: usize,
    pub breaker: BreakerRules,
    pub read_receipts: ReadReceipts,
    pub slow_after_ms: i64,
    pub send_timeout_ms: u64,
    pub sends_in_flight_max: usize,
    pub retry_first_ms: i64,
    pub retry_max_ms: i64,
    pub tries_max: u32,
    pub reconcile_ms: i64,
    /// With so few messages left in a citizen's bucket, what waits for him is merged.
    pub pair_low: i64,
    /// Free-form messages leave only within the 24 h window. `false` where a test's chats live longer.
    pub keeps_window: bool,
    /// What is said where the 24 h window is closed: a template's name and language.
    pub window_template: Option<(String, String)>,
    pub sms_tries_max: u32,
    /// How often timers are looked at.
    pub tick_ms: u64,
    /// How often a page of what rests is looked at for what may go.
    pub sweep_every_ms: u64,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            shards: 1,
            mailbox_messages_max: 64,
            turn_rows_max: 64,
            passivate_after_ms: 60_000,
            sessions_awake_max: 1_000_000,
            accounts_awake_max: 200_000,
            account_events_max: 64,
            neighbour_timeout_ms: 4_000,
            neighbour_calls_max: 256,
            breaker: BreakerRules::default(),
            read_receipts: ReadReceipts::default(),
            slow_after_ms: 800,
            send_timeout_ms: 15_000,
            sends_in_flight_max: 64,
            retry_first_ms: 500,
            retry_max_ms: 60_000,
            tries_max: 8,
            reconcile_ms: 120_000,
            pair_low: 15,
            keeps_window: true,
            window_template: None,
            sms_tries_max: 5,
            tick_ms: 25,
            sweep_every_ms: 1_000,
        }
    }
}

/// The boards and lanes of all shards, and which contact or account is whose.
///
/// A contact always lands on the same shard while the process lives (a fixed hash), so two generations of one
/// session share a thread. Nothing on disk depends on the number of shards.
pub struct Shards {
    boards: Vec<Arc<Board>>,
    lanes: Vec<Arc<Lanes>>,
    /// Who is served now; without one, everyone.
    gate: Option<Arc<Gate>>,
}

impl Shards {
    /// For `n` shards, at least one. Without a gate everyone is served at once.
    pub fn new(n: usize, gate: Option<Arc<Gate>>) -> Arc<Self> {
        let n = n.max(1);
        let board = || gate.as_ref().map_or_else(Board::default, |gate| Board::gated(Arc::clone(gate)));
        Arc::new(Self {
            boards: (0..n).map(|_| Arc::new(board())).collect(),
            lanes: (0..n).map(|_| Arc::new(Lanes::default())).collect(),
            gate,
        })
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

    /// Rows to the boards of their shards, all of a board at once.
    fn rows(&self, rows: Vec<(RowId, InboxRow)>) {
        let mut of_shards: Vec<Vec<(RowId, InboxRow)>> = self.boards.iter().map(|_| Vec::new()).collect();
        for (id, row) in rows {
            of_shards[self.of_contact(row.contact)].push((id, row));
        }
        for (board, rows) in self.boards.iter().zip(of_shards) {
            if !rows.is_empty() {
                board.rows(rows);
            }
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
        let mut statuses = Vec::new();
        for delivery in deliveries {
            match delivery {
                Delivery::Inbox { id, row } => rows.push((id, row)),
                Delivery::Status(status) => statuses.push(status),
            }
        }
        self.rows(rows);
        self.statuses(statuses);
    }
}
