//! What an account wants done, after its state is durable: answers, calls to neighbours, texts to phones.
//!
//! Each call has a deadline and a place in its neighbour's bulkhead, and its end comes back as an event, also
//! when it panics. For a text nobody waits (`sms`, `template`).

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{sms, template};
use crate::account::{AccountEffect, AccountEvent};
use crate::actors::board::Mail;
use crate::actors::neighbour::Neighbour;
use crate::actors::session::Home;
use crate::actors::supervision;
use crate::domain::call::NeighbourError;
use crate::domain::phone::Mobile;
use crate::ports::{IdempotencyKey, OutgoingSms};

/// What is found out for whoever has his answer already begins this much later. His reply is on its way meanwhile: the
/// work that a registered number makes (a code, a record, an SMS) would take some tenths of a millisecond from the same
/// thread, and over many tries a stranger could tell it from none.
const AFTER_ANSWER: Duration = Duration::from_millis(300);

/// Does what the effects of a step say, in their order; how many events will come of it.
pub fn carry_out(home: &Home, phone: Mobile, effects: Vec<AccountEffect>) -> usize {
    let (mut events, mut pause) = (0, Duration::ZERO);
    for effect in effects {
        let answers = matches!(effect, AccountEffect::Answer { .. });
        events += usize::from(begin(home, phone, effect, pause));
        pause = if answers { AFTER_ANSWER } else { pause };
    }
    events
}

/// Does what an effect says, a call after a pause; `true` when an event will come of it.
fn begin(home: &Home, phone: Mobile, effect: AccountEffect, pause: Duration) -> bool {
    let (neighbours, call) = (Arc::clone(&home.neighbours), Call { home, phone, pause });
    match effect {
        AccountEffect::Answer { contact, call, answer } => {
            home.shards.tell_contact(contact, Mail::Answer { contact, call, answer });
            false
        }
        AccountEffect::LookUp { job, account } => call.make(
            "directory",
            &home.neighbours.calls.directory,
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
            &home.neighbours.calls.directory,
            move || {
                let key = IdempotencyKey { contact, call: id };
                Box::pin(async move { neighbours.directory.change_name(key, person, name).await })
            },
            move |result| AccountEvent::Changed { job, result },
        ),
        AccountEffect::ChangePhone { job, contact, call: id, person, from, to } => call.make(
            "directory",
            &home.neighbours.calls.directory,
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
        AccountEffect::Sms { contact, call, to, text, or_template, from } => {
            sms::send(home, OutgoingSms { key: IdempotencyKey { contact, call }, to, text }, or_template, from);
            false
        }
        AccountEffect::Template { contact, call, to, code, text } => {
            template::send(home, OutgoingSms { key: IdempotencyKey { contact, call }, to, text }, code);
            false
        }
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

pub(super) fn tell(home: &Home, phone: Mobile, event: AccountEvent) {
    let key = home.neighbours.keys.account(phone);
    home.shards.tell_account(key, Mail::Account { phone, event: Box::new(event) });
}

struct Call<'a> {
    home: &'a Home,
    phone: Mobile,
    pause: Duration,
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
        let (pause, neighbour) = (self.pause, Arc::clone(neighbour));
        let called = async move {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            neighbour.call(what, within, make).await
        };
        supervision::task(called, move |result| {
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
