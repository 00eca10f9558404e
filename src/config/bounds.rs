//! What each number may be, and which words a choice has.
//!
//! Every whole number of the default file has a row (a test checks it): a setting without a bound is a bug.

use toml::Value;

use super::fault::Fault;
use super::layers::Layered;

const DAY_S: i64 = 86_400;
const GIB: i64 = 1 << 30;

/// Key, least, most.
const NUMBERS: &[(&str, i64, i64)] = &[
    ("server.web_workers", 0, 256),
    ("server.shards", 0, 256),
    // Meta sends up to 3 MB; a bound below that would refuse its largest batches for ever.
    ("server.body_bytes_max", 3_145_728, 64 << 20),
    ("server.body_read_s", 1, 60),
    ("server.drain_s", 1, 300),
    ("whatsapp.slow_after_ms", 100, 20_000),
    ("whatsapp.connect_timeout_ms", 100, 60_000),
    ("whatsapp.request_timeout_ms", 500, 120_000),
    ("whatsapp.connections_max", 1, 10_000),
    ("whatsapp.retry_first_ms", 10, 60_000),
    ("whatsapp.retry_max_ms", 100, 3_600_000),
    ("whatsapp.tries_max", 1, 100),
    ("whatsapp.reconcile_s", 1, 120),
    ("whatsapp.pair_low", 1, 45),
    ("store.segment_bytes", 1 << 20, GIB),
    ("store.group_records_max", 1, 65_536),
    ("store.group_bytes_max", 65_536, 256 << 20),
    ("store.gather_us", 0, 10_000),
    ("store.queue_records_max", 16, 1_000_000),
    ("store.queue_bytes_max", 8 << 20, 4 * GIB),
    ("store.open_bytes_max", 1 << 20, 64 * GIB),
    ("store.rows_in_memory_max", 1_000, 100_000_000),
    ("store.apply_after_ms", 10, 60_000),
    ("store.apply_window_bytes", 1 << 20, GIB),
    ("store.checkpoint_bytes", 1 << 20, 16 * GIB),
    ("store.export_after_bytes", 1 << 20, 64 * GIB),
    ("store.crash_loop_starts", 0, 100),
    ("store.table_cache_bytes", 64 << 20, 256 * GIB),
    // A record has at most 12 MiB, and one of them must fit.
    ("store.dead_letters_bytes_max", 16 << 20, 16 * GIB),
    ("store.dead_letters_days_max", 1, 3_650),
    ("store.free_bytes_min", 64 << 20, 1_024 * GIB),
    ("store.reserve_bytes", 0, 64 * GIB),
    ("actors.mailbox_messages_max", 1, 10_000),
    ("actors.passivate_after_s", 1, DAY_S),
    ("actors.sessions_awake_max", 100, 10_000_000),
    ("actors.accounts_awake_max", 100, 10_000_000),
    ("actors.neighbour_timeout_ms", 100, 60_000),
    ("actors.neighbour_calls_max", 1, 100_000),
    ("actors.breaker_calls_min", 1, 10_000),
    ("actors.breaker_failures_percent", 1, 100),
    ("actors.breaker_window_s", 1, 300),
    ("actors.breaker_open_s", 1, 600),
    ("admission.turns_per_s", 0, 1_000_000),
    ("admission.waiting_max", 0, 10_000_000),
    ("admission.tell_after_s", 0, 3_600),
    ("admission.ramp_s", 1, 3_600),
    ("admission.replies_waiting_s", 1, 3_600),
    ("conversation.session_idle_s", 60, DAY_S),
    ("conversation.session_max_s", 60, DAY_S),
    ("conversation.fresh_login_s", 30, DAY_S),
    ("conversation.change_window_s", 60, DAY_S),
    ("conversation.filler_window_s", 0, 300),
    ("conversation.silence_after_end_s", 0, 7 * DAY_S),
    ("conversation.retry_first_s", 1, 600),
    ("conversation.retry_max_s", 1, 3_600),
    ("conversation.late_after_s", 60, DAY_S),
    ("conversation.refused_after_s", 600, 7 * DAY_S),
    ("conversation.family_max", 1, 6),
    // A code is 20 bits: five minutes and five tries are what keeps it a secret (reliability.md 5.1).
    ("conversation.codes_max", 1, 20),
    ("conversation.change_codes_max", 1, 20),
    ("conversation.codes_window_s", 60, DAY_S),
    ("conversation.codes_per_day", 1, 50),
    ("conversation.sessions_per_hour", 1, 100),
    ("conversation.messages_per_minute", 1, 10_000),
    ("account.otp_life_s", 60, 600),
    ("account.otp_life_max_s", 60, 600),
    ("account.otp_tries", 1, 10),
    ("account.otp_resend_after_s", 10, 600),
    ("account.otp_per_window", 1, 10),
    ("account.otp_window_s", 60, DAY_S),
    ("account.otp_strangers_per_hour", 1, 20),
    ("account.otp_strangers_per_day", 1, 20),
    ("account.nik_misses_per_day", 1, 50),
    ("account.misses_before_lock", 1, 10),
    ("account.misses_per_day", 1, 50),
    ("account.step_up_tries", 1, 5),
    ("account.undo_life_s", 3_600, 30 * DAY_S),
    ("account.changes_shut_s", 0, 30 * DAY_S),
    ("account.phone_changes_every_s", 0, 365 * DAY_S),
    ("account.name_changes_every_s", 0, 365 * DAY_S),
    ("account.reconfirm_after_s", DAY_S, 3_650 * DAY_S),
    ("account.login_max_s", 60, DAY_S),
    ("codes.per_minute", 1, 10_000_000),
    ("codes.per_day", 1, 1_000_000_000),
    ("codes.route_per_hour", 1, 1_000_000),
    ("codes.clamp_sample", 1, 1_000_000),
    ("codes.clamp_percent", 0, 100),
    ("codes.clamped_per_hour", 0, 1_000_000),
    ("codes.routes_max", 16, 1_000_000),
    ("codes.nik_per_day", 1, 100),
    ("codes.niks_max", 16, 1_000_000),
    ("registry.seed", 0, i64::MAX),
    ("registry.citizens", 100, 100_000),
    ("registry.timeout_ms", 100, 60_000),
    ("registry.connections_max", 1, 10_000),
    ("directory.timeout_ms", 100, 60_000),
    ("directory.connections_max", 1, 10_000),
    ("desk.timeout_ms", 100, 60_000),
    ("desk.connections_max", 1, 1_000),
    ("desk.retry_first_s", 1, 600),
    ("desk.retry_max_s", 1, 86_400),
    ("desk.refused_again_s", 60, 7 * DAY_S),
    ("certificate.valid_days", 2, 3_650),
    ("certificate.sign_again_after_days", 1, 3_649),
    ("certificate.at_once_max", 0, 1_024),
    ("otp.timeout_ms", 100, 60_000),
    ("otp.connections_max", 1, 10_000),
    ("smpp.source_ton", 0, 6),
    ("smpp.source_npi", 0, 18),
    ("smpp.dest_ton", 0, 6),
    ("smpp.dest_npi", 0, 18),
    ("smpp.data_coding", 0, 255),
    ("smpp.window_max", 1, 1_000),
    ("smpp.timeout_ms", 100, 60_000),
    ("smpp.enquire_link_s", 1, 3_600),
    ("smpp.reconnect_first_ms", 100, 60_000),
    ("smpp.reconnect_max_ms", 100, 600_000),
    ("smpp.throttle_pause_ms", 0, 60_000),
    ("smpp.receipts_max", 1, 10_000_000),
    ("smpp.receipts_s", 1, DAY_S),
    ("emulator.latency_ms", 0, 60_000),
    ("emulator.status_delay_ms", 0, 60_000),
    ("emulator.chats_max", 1, 100_000),
    ("emulator.history_max", 10, 100_000),
    ("whatsapp.phone_numbers.messages_per_s", 1, 1_000),
    ("account.lock_s.seconds", 60, 30 * DAY_S),
];

/// Key and its words.
const CHOICES: [(&str, &[&str]); 7] = [
    ("whatsapp.mode", &["emulator", "cloud"]),
    ("whatsapp.read_receipts", &["when_slow", "always", "never"]),
    ("registry.kind", &["embedded", "satusehat"]),
    ("directory.kind", &["embedded", "http"]),
    ("desk.kind", &["here", "http"]),
    ("otp.format", &["json", "form", "query"]),
    ("telemetry.format", &["text", "json"]),
];

/// The range of a number.
pub(super) fn range(key: &str) -> Option<(i64, i64)> {
    NUMBERS.iter().find(|row| row.0 == key).map(|row| (row.1, row.2))
}

/// Every number outside its range and every word that is no choice.
pub fn check(layered: &Layered) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (key, leaf) in &layered.leaves {
        let allowed = match &leaf.value {
            Value::Integer(number) => range(key)
                .filter(|(least, most)| !(least..=most).contains(&number))
                .map(|(least, most)| format!("{least} to {most}")),
            Value::String(word) => CHOICES
                .iter()
                .find(|choice| choice.0 == key)
                .filter(|choice| !choice.1.contains(&word.as_str()))
                .map(|choice| choice.1.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")),
            Value::Array(items) => array_range(key, items),
            Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) | Value::Table(_) => None,
        };
        if let Some(allowed) = allowed {
            faults.push(Fault::NotAllowed {
                key: key.clone(),
                origin: leaf.origin.clone(),
                value: leaf.shown(key),
                allowed,
            });
        }
    }
    faults
}

/// What a list of numbers, or a list of tables with numbers, may hold.
fn array_range(key: &str, items: &[Value]) -> Option<String> {
    let (inner, numbers): (&str, Vec<i64>) = match key {
        "account.lock_s" => ("account.lock_s.seconds", items.iter().filter_map(Value::as_integer).collect()),
        "whatsapp.phone_numbers" => (
            "whatsapp.phone_numbers.messages_per_s",
            items.iter().filter_map(|item| item.get("messages_per_s").and_then(Value::as_integer)).collect(),
        ),
        _ => return None,
    };
    let (least, most) = range(inner)?;
    let outside = numbers.iter().any(|number| !(least..=most).contains(number));
    outside.then(|| format!("{} of {least} to {most}", inner.rsplit('.').next().unwrap_or(inner)))
}
