//! The names of all metrics, as typed functions: nobody else calls the `metrics` macros.
//!
//! A label is one of a closed set, never a contact, phone, message id or text: the number of series is bounded
//! by this file. Counters and gauges only where an operator would act on them; times are seconds.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};

use crate::ports::Tally;

use kept::{Counters, Times};

/// Every histogram's name ends so.
pub const SECONDS_SUFFIX: &str = "_seconds";

/// Edges of the buckets of all times: from a cached answer to Meta's own time-out.
pub const BUCKETS_S: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Edges of the buckets of [`STORE_GROUP`]: up to the largest group.
pub const BUCKETS_RECORDS: [f64; 9] = [1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0];
/// The one histogram that is no time.
pub const STORE_GROUP: &str = "siaga_store_group_records";

mod kept;
mod store;

pub use store::{StoreStands, group_synced, store_parts, store_stands};

/// What every turn counts.
static POSTS: Counters = Counters::new("siaga_webhook_posts_total", "status");
static PARTS: Counters = Counters::new("siaga_webhook_parts_total", "kind");
static ACK: Times = Times::new("siaga_webhook_ack_seconds");
static TURNS: Counters = Counters::new("siaga_turns_total", "outcome");
static TURN: Times = Times::new("siaga_turn_seconds");
static STATUSES: Counters = Counters::new("siaga_statuses_total", "state");
static SENDS: Counters = Counters::new("siaga_sends_total", "outcome");
static REPLY: Times = Times::new("siaga_reply_seconds");

/// Tells Prometheus what each metric is. Called when the process has its recorder, and only then.
pub fn describe() {
    kept::recorded();
    store::describe();
    describe_counter!("siaga_webhook_posts_total", "webhook posts by answer");
    describe_counter!("siaga_webhook_parts_total", "what the posts held, by kind");
    describe_histogram!("siaga_webhook_ack_seconds", "from the last byte of a post to its answer");
    describe_counter!("siaga_turns_total", "turns of sessions, by how they ended");
    describe_histogram!("siaga_turn_seconds", "from a message's acceptance to its turn being durable");
    describe_counter!("siaga_messages_absorbed_total", "messages that got no answer of their own, by reason");
    describe_counter!("siaga_messages_refused_total", "messages refused by policy, by reason");
    describe_counter!("siaga_sends_total", "messages to citizens, by how they ended");
    describe_histogram!("siaga_reply_seconds", "from a message's acceptance to its reply being taken by Meta");
    describe_counter!("siaga_limits_total", "rates cut, sends held or stopped, replies merged, by what it was");
    describe_counter!("siaga_neighbour_calls_total", "calls to neighbours, by neighbour and outcome");
    describe_counter!("siaga_sms_receipts_total", "texts of which an operator told what became of them, by what");
    describe_gauge!("siaga_neighbour_open", "1 while calls to a neighbour are refused, by neighbour");
    describe_counter!("siaga_desk_told_total", "changes of reports told to the ministry's desk, by outcome");
    describe_gauge!("siaga_desk_untold", "reports of which the ministry's desk was not told all");
    describe_gauge!("siaga_desk_refused", "those of them whose change it refuses");
    describe_counter!("siaga_desk_orders_total", "webhooks of the ministry's desk, by what came of them");
    describe_gauge!("siaga_waiting", "citizens in the waiting room");
    describe_counter!("siaga_waiting_told_total", "replies from the waiting room, by which");
    describe_counter!("siaga_dead_letters_total", "dead letters, by reason");
    describe_counter!("siaga_dead_letters_dropped_total", "dead letters that went because of their bytes or days");
    describe_gauge!("siaga_dead_letters", "dead letters kept for an operator");
    describe_gauge!("siaga_dead_letters_bytes", "what they are reckoned with against store.dead_letters_bytes_max");
    describe_counter!("siaga_turn_panics_total", "events that made the conversation panic");
    describe_counter!("siaga_actor_failures_total", "actors that ended badly, by kind and how");
    describe_counter!("siaga_store_full_total", "appends of turns that had to wait for room");
    describe_counter!("siaga_statuses_total", "news of messages of ours, by state");
    describe_counter!(
        "siaga_codes_total",
        "one-time codes: made, typed right, refused by a budget of all or of a route"
    );
    describe_gauge!("siaga_code_routes", "routes of codes that are remembered, and those that are clamped");
    describe_counter!("siaga_tidied_total", "records that shrank or were forgotten, and passes over all of them");
    describe_counter!("siaga_certificates_total", "certificates made, by whether their id is new");
    describe_counter!("siaga_certificates_revoked_total", "certificates revoked, by reason");
    describe_gauge!("siaga_sessions_awake", "sessions in memory");
    describe_gauge!("siaga_rows_in_memory", "replies to be sent that are in memory, others are read back");
    describe_gauge!("siaga_messages", "messages ever accepted, and where they went, by term");
    describe_gauge!("siaga_messages_drift", "accepted messages that are not accounted for; anything but 0 is an alarm");
}

/// Where all accepted messages went.
#[expect(clippy::cast_precision_loss, reason = "a count of messages stays below 2^52 for centuries")]
pub fn messages_counted(tally: &Tally) {
    let Tally { accepted, answered, absorbed, refused, dead_lettered, pending } = *tally;
    let terms = [
        ("accepted", accepted),
        ("answered", answered),
        ("absorbed", absorbed),
        ("refused", refused),
        ("dead_lettered", dead_lettered),
        ("pending", pending),
    ];
    for (term, count) in terms {
        gauge!("siaga_messages", "term" => term).set(count as f64);
    }
    gauge!("siaga_messages_drift").set(tally.drift() as f64);
}

/// A post to the webhook was answered; `status` is a constant of the edge.
pub fn webhook_answered(status: &'static str, took: Duration) {
    POSTS.add(status, 1);
    ACK.record(took.as_secs_f64());
}

/// A post held this; `kind` is a constant of the decoder.
pub fn webhook_part(kind: &'static str) {
    PARTS.add(kind, 1);
}

/// A turn ended; `outcome` is a constant of the session.
pub fn turn_ended(outcome: &'static str, took: Duration) {
    TURNS.add(outcome, 1);
    TURN.record(took.as_secs_f64());
}

/// A message got no answer of its own; `reason` is a constant of the session.
pub fn message_absorbed(reason: &'static str) {
    counter!("siaga_messages_absorbed_total", "reason" => reason).increment(1);
}

/// A message was refused by policy; `reason` is a constant of the session.
pub fn message_refused(reason: &'static str) {
    counter!("siaga_messages_refused_total", "reason" => reason).increment(1);
}

/// A turn's event made the conversation panic.
pub fn turn_panicked() {
    counter!("siaga_turn_panics_total").increment(1);
}

/// An actor ended badly; `kind` and `exit` are constants of supervision.
pub fn actor_failed(kind: &'static str, exit: &'static str) {
    counter!("siaga_actor_failures_total", "kind" => kind, "exit" => exit).increment(1);
}

/// A turn found no room in the store and waits.
pub fn store_full() {
    counter!("siaga_store_full_total").increment(1);
}

/// Meta told how far a message of ours has come; `state` is a constant of the outbox.
pub fn status_heard(state: &'static str) {
    STATUSES.add(state, 1);
}

/// A send ended; `outcome` is a constant of the sender.
pub fn send_ended(outcome: &'static str) {
    SENDS.add(outcome, 1);
}

/// A reply was taken by Meta, this long after the message was accepted.
pub fn reply_taken(after: Duration) {
    REPLY.record(after.as_secs_f64());
}

/// A limit acted: rates cut, sends held or stopped, replies merged; `what` is a constant of the limits.
pub fn limit_acted(what: &'static str) {
    counter!("siaga_limits_total", "what" => what).increment(1);
}

/// A neighbour was called.
pub fn neighbour_called(neighbour: &'static str, outcome: &'static str) {
    counter!("siaga_neighbour_calls_total", "neighbour" => neighbour, "outcome" => outcome).increment(1);
}

/// It was told what became of a text; `fate` is a constant of the receipts.
pub fn receipt_heard(fate: &'static str) {
    counter!("siaga_sms_receipts_total", "fate" => fate).increment(1);
}

/// Whether calls to a neighbour are refused (1) or go (0).
pub fn breaker(neighbour: &'static str, open: u8) {
    gauge!("siaga_neighbour_open", "neighbour" => neighbour).set(f64::from(open));
}

/// A change of a report was told to the ministry's desk; `outcome` is a constant of the courier.
pub fn desk_told(outcome: &'static str) {
    counter!("siaga_desk_told_total", "outcome" => outcome).increment(1);
}

/// Reports of which the ministry's desk was not told all, and those of them that it refuses.
#[expect(clippy::cast_precision_loss, reason = "a count of reports is far below 2^52")]
pub fn desk_line(untold: usize, refused: usize) {
    gauge!("siaga_desk_untold").set(untold as f64);
    gauge!("siaga_desk_refused").set(refused as f64);
}

/// A webhook of the ministry's desk was answered; `outcome` is a constant of the web edge.
pub fn desk_ordered(outcome: &'static str) {
    counter!("siaga_desk_orders_total", "outcome" => outcome).increment(1);
}

/// How many wait to be let in.
#[expect(clippy::cast_precision_loss, reason = "a count of citizens is far below 2^52")]
pub fn waiting(count: usize) {
    gauge!("siaga_waiting").set(count as f64);
}

/// Somebody was told where he stands; `which` is a constant of the gate.
pub fn waiting_told(which: &'static str) {
    counter!("siaga_waiting_told_total", "which" => which).increment(1);
}

/// A certificate was made; `how` is a constant of the issuer.
pub fn certificate_issued(how: &'static str) {
    counter!("siaga_certificates_total", "how" => how).increment(1);
}

/// A certificate was revoked; `reason` is one of `RevocationReason`.
pub fn certificate_revoked(reason: &'static str) {
    counter!("siaga_certificates_revoked_total", "reason" => reason).increment(1);
}

/// Something became a dead letter.
pub fn dead_lettered(reason: &'static str) {
    counter!("siaga_dead_letters_total", "reason" => reason).increment(1);
}

/// A code was made, typed right, or refused by the budgets that span accounts.
pub fn code_counted(outcome: &'static str) {
    counter!("siaga_codes_total", "outcome" => outcome).increment(1);
}

/// How many routes are remembered, and how many of them are clamped.
#[expect(clippy::cast_precision_loss, reason = "a count of routes is far below 2^52")]
pub fn routes_known(all: usize, clamped: usize) {
    gauge!("siaga_code_routes", "state" => "known").set(all as f64);
    gauge!("siaga_code_routes", "state" => "clamped").set(clamped as f64);
}

/// The sweep did something; `what` is a constant of it: a record that shrank or went, or a whole pass.
pub fn tidied(what: &'static str) {
    counter!("siaga_tidied_total", "what" => what).increment(1);
}

/// How many sessions a shard has in memory.
#[expect(clippy::cast_precision_loss, reason = "a count of sessions is far below 2^52")]
pub fn sessions_awake(shard: u16, count: usize) {
    gauge!("siaga_sessions_awake", "shard" => shard.to_string()).set(count as f64);
}

/// Dead letters went because there were too many bytes of them, or too many days had passed.
pub fn dead_letters_dropped(count: usize) {
    counter!("siaga_dead_letters_dropped_total").increment(count as u64);
}

/// The dead letters that are kept.
#[expect(clippy::cast_precision_loss, reason = "counts and bytes are far below 2^52")]
pub fn dead_letters_kept(count: usize, bytes: u64) {
    gauge!("siaga_dead_letters").set(count as f64);
    gauge!("siaga_dead_letters_bytes").set(bytes as f64);
}

/// Replies that wait to be sent and are in memory, of all shards.
#[expect(clippy::cast_precision_loss, reason = "a count of rows is far below 2^52")]
pub fn rows_in_memory(count: usize) {
    gauge!("siaga_rows_in_memory").set(count as f64);
}
