//! The bounds and paces of this floor, as settings give them; the values here are those of tests.
//!
//! Each has its key in `config/default.toml`, its bounds in `config::bounds` and its row in the README's table.

use crate::domain::contact::BusinessNumber;
use crate::limits::breaker::BreakerRules;
use crate::ports::CodeTemplate;

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
    /// Rows to be sent that are in memory, all shards together; the others are read back from the journal.
    pub rows_in_memory_max: usize,
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
    /// What a code is sent by when its SMS is reported undelivered, and from which number; none: it is not sent.
    pub code_template: Option<(BusinessNumber, CodeTemplate)>,
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
            rows_in_memory_max: 200_000,
            retry_first_ms: 500,
            retry_max_ms: 60_000,
            tries_max: 8,
            reconcile_ms: 120_000,
            pair_low: 15,
            keeps_window: true,
            window_template: None,
            code_template: None,
            sms_tries_max: 5,
            tick_ms: 25,
            sweep_every_ms: 1_000,
        }
    }
}
