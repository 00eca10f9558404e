//! What others may see of a shard without asking it: counters it keeps up itself.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use serde::Serialize;

use crate::actors::board::BoardView;
use crate::actors::outbox::LanesView;
use crate::domain::time::Timestamp;

/// Looks without a move, with work waiting, after which a shard counts as stuck for an outsider (`/livez`); Root
/// gives up its thread after twice as many.
pub const STILL_LOOKS: u32 = 5;

/// Written by the shard, read by Root (is it stuck?) and by `/actors`.
#[derive(Debug, Default)]
pub struct Sight {
    moves: AtomicU64,
    outbox_moves: AtomicU64,
    sessions: AtomicUsize,
    accounts: AtomicUsize,
    accounts_busy: AtomicUsize,
    starts: AtomicU64,
    outbox_starts: AtomicU64,
    generation: AtomicU32,
    /// Looks of Root at which nothing had moved although there was work.
    still: AtomicU32,
    outbox_still: AtomicU32,
    /// It ended, and starts again when its pause is over.
    down: AtomicBool,
    outbox_down: AtomicBool,
}

/// How a shard stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Starting,
    Running,
    /// There is work, and nothing moves.
    Still,
    /// It ended, and starts again in a moment.
    Down,
}

/// One shard, for `/actors`.
#[derive(Clone, Debug, Serialize)]
pub struct ShardView {
    pub shard: usize,
    pub state: Standing,
    pub generation: u32,
    pub restarts: u64,
    /// Rounds it has gone.
    pub moves: u64,
    /// Letters and contacts that wait for it: its mailbox.
    pub mailbox: usize,
    /// For how long the oldest accepted message has been waiting.
    pub oldest_ms: i64,
    pub sessions_awake: usize,
    pub accounts_awake: usize,
    /// With an event in hand or in line, or calls of their own under way.
    pub accounts_busy: usize,
    pub inbox: BoardView,
    pub outbox: OutboxView,
}

/// A shard's outbox, for `/actors`.
#[derive(Clone, Debug, Serialize)]
pub struct OutboxView {
    pub state: Standing,
    pub restarts: u64,
    pub moves: u64,
    #[serde(flatten)]
    pub lanes: LanesView,
}

impl Sight {
    /// It has gone a round.
    pub fn moved(&self) {
        self.moves.fetch_add(1, Ordering::Relaxed);
    }

    /// Its outbox has.
    pub fn outbox_moved(&self) {
        self.outbox_moves.fetch_add(1, Ordering::Relaxed);
    }

    /// Rounds of the shard and of its outbox.
    pub fn moves(&self) -> [u64; 2] {
        [self.moves.load(Ordering::Relaxed), self.outbox_moves.load(Ordering::Relaxed)]
    }

    /// Notes who is awake.
    pub fn look(&self, sessions: usize, accounts: usize, accounts_busy: usize) {
        self.sessions.store(sessions, Ordering::Relaxed);
        self.accounts.store(accounts, Ordering::Relaxed);
        self.accounts_busy.store(accounts_busy, Ordering::Relaxed);
    }

    /// Notes a start.
    pub fn started(&self, generation: u32) {
        self.generation.store(generation, Ordering::Relaxed);
        self.starts.fetch_add(1, Ordering::Relaxed);
        self.down.store(false, Ordering::Relaxed);
        self.still([0, 0]);
    }

    /// Notes a start of the outbox.
    pub fn outbox_started(&self) {
        self.outbox_starts.fetch_add(1, Ordering::Relaxed);
        self.outbox_down.store(false, Ordering::Relaxed);
    }

    /// Notes the outbox's end.
    pub fn outbox_ended(&self) {
        self.outbox_down.store(true, Ordering::Relaxed);
    }

    /// Notes an end.
    pub fn ended(&self) {
        self.down.store(true, Ordering::Relaxed);
    }

    /// Root's looks without a move of shard and outbox.
    pub fn still(&self, looks: [u32; 2]) {
        self.still.store(looks[0], Ordering::Relaxed);
        self.outbox_still.store(looks[1], Ordering::Relaxed);
    }

    fn standing(&self) -> Standing {
        stands(&self.down, &self.starts, &self.still)
    }

    /// How its outbox does; down as well while the shard is, which starts it.
    fn outbox_standing(&self) -> Standing {
        let down = if self.down.load(Ordering::Relaxed) { &self.down } else { &self.outbox_down };
        stands(down, &self.outbox_starts, &self.outbox_still)
    }

    /// Whether shard or outbox has work and does not move; the name says which.
    pub fn stuck(&self) -> Option<&'static str> {
        if self.standing() == Standing::Still {
            return Some("shard");
        }
        (self.outbox_standing() == Standing::Still).then_some("outbox of shard")
    }

    /// All that is seen.
    pub fn view(&self, shard: usize, now: Timestamp, inbox: BoardView, lanes: LanesView) -> ShardView {
        let again = |starts: &AtomicU64| starts.load(Ordering::Relaxed).saturating_sub(1);
        ShardView {
            shard,
            state: self.standing(),
            generation: self.generation.load(Ordering::Relaxed),
            restarts: again(&self.starts),
            moves: self.moves.load(Ordering::Relaxed),
            mailbox: inbox.mail + inbox.contacts_waiting,
            oldest_ms: inbox.oldest.map_or(0, |accepted_at| now.since_ms(accepted_at).max(0)),
            sessions_awake: self.sessions.load(Ordering::Relaxed),
            accounts_awake: self.accounts.load(Ordering::Relaxed),
            accounts_busy: self.accounts_busy.load(Ordering::Relaxed),
            inbox,
            outbox: OutboxView {
                state: self.outbox_standing(),
                restarts: again(&self.outbox_starts),
                moves: self.outbox_moves.load(Ordering::Relaxed),
                lanes,
            },
        }
    }
}

fn stands(down: &AtomicBool, starts: &AtomicU64, still: &AtomicU32) -> Standing {
    if down.load(Ordering::Relaxed) {
        Standing::Down
    } else if starts.load(Ordering::Relaxed) == 0 {
        Standing::Starting
    } else if still.load(Ordering::Relaxed) >= STILL_LOOKS {
        Standing::Still
    } else {
        Standing::Running
    }
}
