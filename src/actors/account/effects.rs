//! What an account wants done, after its state is durable: answers, calls to neighbours, SMS.
//!
//! Each call has a deadline and a place in its neighbour's bulkhead, and its end comes back as an event, also
//! when it panics. An SMS is tried again within bounds; nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::template;
use crate::account::{AccountEffect, AccountEvent};
use crate::actors::Neighbours;
use crate::actors::board::Mail;
use crate::actors::neighbour::Neighbour;
use crate::actors::session::Home;
use crate::actors::supervision;
use crate::domain::call::NeighbourError;
use crate::domain::message::Text;
use crate::domain::phone::Mobile;
use crate::metrics;
use crate::ports::{IdempotencyKey, OtpSender};

const SMS_FIRST_MS: u64 = 500;
const SMS_LAST_MS: u64 = 8_000;
/// While the gateway's breaker is open an SMS waits for it, looked at so often and at most so many times: a
/// minute. A code is good for longer than that.
const GATEWAY_LOOK: Duration = Duration::from_millis(500);
const GATEWAY_LOOKS_MAX: u32 = 120;

/// Does what an effect says; `true` when an event will come of it.
pub fn carry_out(home: &Home, phone: Mobile, effect: AccountEffect) -> bool {
    let neighbours = Arc::clone(&home.neighbours);
    let call = Call { home, phone };
    match effect {
        AccountEffect::Answer { contact, call, answer } => {
            home.shards.tell_contact(contact, Mail::Answer { contact, call, answer });
            false
        }
        AccountEffect::LookUp { job, account } => call.make(
            "directory",
            &home.neighbours.calls.registry,
            move || Box::pin(async move { neighbours.directory.persons(account).await }),
            move |result| AccountEvent::Persons { job, result },
        ),
        AccountEffect::ReadRecord { job, person } => call.make(
            "registry",
            &home.neighbours.calls.registry,
            move || Box::pin(async move { neighbours.registry.record(&person).await }),
            move |result| AccountEvent::Record { job, result },
        ),
        AccountEffect::ChangeName { job, contact, call: id, person, name } => call.make(
            "directory",
            &home.neighbours.calls.registry,
            move || {
                let key = IdempotencyKey { contact, call: id };
                Box::pin(async move { neighbours.directory.change_name(key, person, name).await })
            },
            move |result| AccountEvent::Changed { job, result },
        ),
        AccountEffect::ChangePhone { job, contact, call: id, person, from, to } => call.make(
            "directory",
            &home.neighbours.calls.registry,
            move || {
                let key = IdempotencyKey { contact, call: id };
                Box::pin(async move { neighbours.directory.change_phone(key, person, from, to).await })
            },
            move |result| AccountEvent::Changed { job, result },
        ),
        AccountEffect::FileTicket { job, contact, call: id, draft } => call.make(
            "desk",
            &home.neighbours.calls.desk,
            move || {
                let key = IdempotencyKey { contact, call: id };
                Box::pin(async move { neighbours.tickets.file(key, *draft).await })
            },
            move |result| AccountEvent::TicketFiled { job, result },
        ),
        AccountEffect::Sms { contact, call, to, text, or_template } => {
            sms(home, IdempotencyKey { contact, call }, to, text, or_template);
            false
        }
        AccountEffect::Template { to, code } => template::send(home, to, code),
        AccountEffect::EndLoginsOf { account, changes_shut_until } => {
            tell(home, account, AccountEvent::EndLogins { changes_shut_until });
            false
        }
        AccountEffect::HoldPhoneOf { account, until } => {
            tell(home, account, AccountEvent::HoldPhone { until });
            false
        }
        // Durable together with the state.
        AccountEffect::EndLogin { .. }
        | AccountEffect::PutUndo { .. }
        | AccountEffect::DeleteUndo { .. }
        | AccountEffect::CountCode
        | AccountEffect::CountProof => false,
    }
}

fn tell(home: &Home, phone: Mobile, event: AccountEvent) {
    let key = home.neighbours.keys.account(phone);
    home.shards.tell_account(key, Mail::Account { phone, event: Box::new(event) });
}

struct Call<'a> {
    home: &'a Home,
    phone: Mobile,
}

impl Call<'_> {
    fn make<T: 'static>(
        &self,
        what: &'static str,
        neighbour: &Arc<Neighbour>,
        make: impl FnOnce() -> BoxFuture<'static, Result<T, NeighbourError>> + 'static,
        event: impl FnOnce(Result<T, NeighbourError>) -> AccountEvent + 'static,
    ) -> bool {
        let within = Duration::from_millis(self.home.neighbours.figures.neighbour_timeout_ms);
        let (home, phone) = (self.home.clone(), self.phone);
        supervision::task(Arc::clone(neighbour).call(what, within, make), move |result| {
            let result = result.unwrap_or_else(|panicked| {
                tracing::error!(neighbour = what, error = %panicked, "a neighbour's call panicked");
                Err(NeighbourError::Down { neighbour: what, reason: panicked.to_string() })
            });
            if let Err(error) = &result {
                tracing::warn!(neighbour = what, %error, "a neighbour did not serve a call");
            }
            tell(&home, phone, event(result));
        });
        true
    }
}

/// Waits while calls to the gateway are refused.
async fn wait_for_gateway(gateway: &Neighbour) {
    for _ in 0..GATEWAY_LOOKS_MAX {
        if !gateway.refuses() {
            return;
        }
        tokio::time::sleep(GATEWAY_LOOK).await;
    }
}

/// Sends an SMS, again while the gateway is down, within bounds.
fn sms(home: &Home, key: IdempotencyKey, to: Mobile, text: Text, or_template: Option<[u8; 16]>) {
    let neighbours = Arc::clone(&home.neighbours);
    let sender = Arc::clone(&home.lines().otp);
    let home = home.clone();
    supervision::task(sms_with_retries(neighbours, sender, key, to, text), move |sent| match (sent, or_template) {
        (Ok(Sent::Yes), _) => {}
        (Ok(Sent::Undelivered), Some(challenge)) if home.neighbours.figures.code_template.is_some() => {
            tell(&home, to, AccountEvent::Undelivered { contact: key.contact, challenge });
        }
        (Ok(Sent::Undelivered | Sent::GivenUp) | Err(_), _) => metrics::neighbour_called("sms", "given_up"),
    });
}

/// What became of an SMS.
enum Sent {
    Yes,
    /// The gateway reports that the number receives none.
    Undelivered,
    GivenUp,
}

async fn sms_with_retries(
    neighbours: Arc<Neighbours>,
    sender: Arc<dyn OtpSender>,
    key: IdempotencyKey,
    to: Mobile,
    text: Text,
) -> Sent {
    let within = Duration::from_millis(neighbours.figures.neighbour_timeout_ms);
    for attempt in 0..neighbours.figures.sms_tries_max.max(1) {
        if attempt > 0 {
            let whole = SMS_FIRST_MS.saturating_mul(1 << attempt.min(16)).min(SMS_LAST_MS);
            let chance = u64::from(neighbours.random.bytes()[0]);
            tokio::time::sleep(Duration::from_millis(whole * chance / 255)).await;
        }
        wait_for_gateway(&neighbours.calls.sms).await;
        let (gateway, text, sender) = (Arc::clone(&neighbours.calls.sms), text.clone(), Arc::clone(&sender));
        let send = move || -> BoxFuture<'static, _> { Box::pin(async move { sender.send(key, to, text).await }) };
        match gateway.call("sms", within, send).await {
            Ok(()) => return Sent::Yes,
            Err(NeighbourError::Down { .. }) => {}
            Err(NeighbourError::NotFound { .. }) => {
                tracing::info!("an sms is reported undelivered");
                return Sent::Undelivered;
            }
            Err(error) => {
                tracing::error!(%error, "an sms cannot be sent");
                return Sent::GivenUp;
            }
        }
    }
    tracing::error!(tries = neighbours.figures.sms_tries_max, "an sms was given up");
    Sent::GivenUp
}
