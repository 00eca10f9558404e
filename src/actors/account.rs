//! An account: the one writer of what spans chats. Thinks with `account::step`, one event at a time.
//!
//! As a session: load, think, append, wait until durable, then act. What it asks of neighbours comes back as
//! events. Its record holds the phone, sealed like all, so that a record can be read without its key's owner.
//!
//! What does not belong here: counters, locks, matching (`account`), how calls reach it (`session::calls`).

pub mod effects;
mod record;
mod sms;
mod template;
mod undo_code;

use std::panic::{AssertUnwindSafe, catch_unwind};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};

pub use record::{due, epoch_now};

use record::{encoded, load, may_go, record_key};

use super::Neighbours;
use super::board::Mail;
use super::fault::Point;
use super::session::Home;
use super::supervision::{Ending, Exit};
use crate::account::{Account, AccountContext, AccountEffect, AccountEvent, may_make_code, step};
use crate::conversation::Notice;
use crate::domain::call::{Answer, CallId};
use crate::domain::contact::ContactId;
use crate::domain::keys::LookupKey;
use crate::domain::otp::UndoCode;
use crate::domain::phone::Mobile;
use crate::domain::time::Timestamp;
use crate::metrics;
use crate::ports::{Held, InboxBody, InboxRow, Part, StoreError, Table, Troubling, Value};

/// One event. The shard sends it only when the last one is over.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Handle(pub Box<AccountEvent>);

/// The actor.
pub struct AccountKeeper {
    phone: Mobile,
    key: LookupKey,
    life: u64,
    home: Home,
    ending: Ending,
    memory: Option<Memory>,
}

struct Memory {
    account: Account,
    /// As it rests: what was not changed is not written.
    resting: Value,
    /// Own calls under way.
    running: usize,
}

impl AccountKeeper {
    pub fn new(phone: Mobile, key: LookupKey, life: u64, home: Home, ending: Ending) -> Self {
        Self { phone, key, life, home, ending, memory: None }
    }
}

impl Actor for AccountKeeper {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.home.neighbours.faults.at(Point::AccountStart);
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.home.neighbours.faults.at(Point::AccountStop);
    }
}

impl Handler<Handle> for AccountKeeper {
    type Result = ();

    fn handle(&mut self, message: Handle, context: &mut Context<Self>) {
        self.home.neighbours.faults.at(Point::AccountHandle);
        let memory = self.memory.take();
        let (home, phone, key) = (self.home.clone(), self.phone, self.key);
        let run = async move { handle(&home, phone, key, memory, *message.0).await };
        context.wait(run.into_actor(self).map(|result, keeper, context| match result {
            Ok(memory) => {
                let busy = memory.running > 0;
                keeper.memory = Some(memory);
                keeper.home.post(Mail::AccountTurned { key: keeper.key, life: keeper.life, busy });
            }
            // The process is about to end. Whoever waits asks again after the next start.
            Err(StoreError::Closed) => context.stop(),
            Err(error) => {
                tracing::error!(%error, "an account's step could not be made durable");
                keeper.ending.will_be(Exit::Failed);
                context.stop();
            }
        }));
    }
}

/// Whether an event is the answer to a call of the account itself.
fn ends_a_call(event: &AccountEvent) -> bool {
    match event {
        AccountEvent::Persons { .. }
        | AccountEvent::Record { .. }
        | AccountEvent::Changed { .. }
        | AccountEvent::TicketFiled { .. } => true,
        AccountEvent::Asked { .. }
        | AccountEvent::ByTemplate { .. }
        | AccountEvent::Delivered { .. }
        | AccountEvent::Undeliverable { .. }
        | AccountEvent::EndLogins { .. }
        | AccountEvent::HoldPhone { .. }
        | AccountEvent::Settle => false,
    }
}

/// The person whom an event wants a code on behalf of.
fn on_behalf(event: &AccountEvent) -> Option<LookupKey> {
    if let AccountEvent::Asked { asker, .. } = event { asker.on_behalf } else { None }
}

/// Who waits for what comes of an event.
fn asked_by(event: &AccountEvent) -> Option<(ContactId, CallId)> {
    if let AccountEvent::Asked { asker, call, .. } = event { Some((asker.contact, *call)) } else { None }
}

async fn handle(
    home: &Home,
    phone: Mobile,
    key: LookupKey,
    memory: Option<Memory>,
    event: AccountEvent,
) -> Result<Memory, StoreError> {
    let neighbours = &home.neighbours;
    let mut memory = if let Some(memory) = memory {
        memory
    } else {
        let mut account = load(neighbours, phone).await?;
        account.number_jobs_from(first_job(neighbours));
        let resting = encoded(phone, &account);
        Memory { account, resting, running: 0 }
    };
    if ends_a_call(&event) {
        memory.running = memory.running.saturating_sub(1);
    }
    let asked = asked_by(&event);
    let settling = matches!(event, AccountEvent::Settle);
    let now = neighbours.clock.now();
    let place = may_make_code(&memory.account, &event)
        .map(|belongs| neighbours.ledger.take(phone, on_behalf(&event), belongs, now));
    let given = Given {
        codes_spent_until: place.as_ref().and_then(|place| place.as_ref().err().copied()),
        undo_code: undo_code::for_event(neighbours, &event).await?,
    };
    // Whoever asked has it in hand: it is his call that harms, and his session that counts its tries.
    let held = asked.map(|(contact, call)| Held { contact, what: Troubling::Answer(call) });
    let before = memory.account.clone();
    let thought = neighbours.hands.hold(home.writer, held, || think(neighbours, phone, before, event, (now, given)));
    let Some((account, effects)) = thought else {
        metrics::turn_panicked();
        if let Some((contact, call)) = asked {
            home.shards.tell_contact(contact, Mail::Answer { contact, call, answer: Answer::Down });
        }
        return Ok(memory);
    };
    let forgotten = settling && memory.running == 0 && may_go(&account, now);
    let account = if forgotten { Account::default() } else { account };
    let value = encoded(phone, &account);
    let mut parts = Vec::new();
    if forgotten {
        parts.push(Part::Delete { table: Table::Account, key: record_key(key) });
        metrics::tidied("account_forgotten");
    } else if memory.resting != value {
        parts.push(Part::Put { table: Table::Account, key: record_key(key), value: value.clone() });
    }
    parts.extend(effects.iter().filter_map(|effect| part_of(effect, phone, now)));
    // Records become durable in order: what is counted here is durable before the code is told of.
    if effects.iter().any(|effect| matches!(effect, AccountEffect::CountCode))
        && let Some(Ok(place)) = place
    {
        place.keep().await?;
    }
    if effects.iter().any(|effect| matches!(effect, AccountEffect::CountProof)) {
        neighbours.ledger.proven(phone).await?;
    }
    if !parts.is_empty() {
        home.commit(parts).await?;
    }
    neighbours.faults.at(Point::AccountDurable);
    memory.account = account;
    memory.resting = value;
    memory.running += effects::carry_out(home, phone, effects);
    Ok(memory)
}

/// A number that no earlier life of the account counted from: its calls may still be answered.
fn first_job(neighbours: &Neighbours) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&neighbours.random.bytes()[..8]);
    u64::from_le_bytes(first)
}

/// What a step is given beside the event.
struct Given {
    codes_spent_until: Option<Timestamp>,
    undo_code: UndoCode,
}

/// `None`: the step panicked, and the account stays as it was.
fn think(
    neighbours: &Neighbours,
    phone: Mobile,
    account: Account,
    event: AccountEvent,
    (now, given): (Timestamp, Given),
) -> Option<(Account, Vec<AccountEffect>)> {
    let keys = &neighbours.keys;
    let context = AccountContext {
        now,
        random: neighbours.random.bytes(),
        phone,
        otp: &|challenge, chat, target| keys.otp(challenge, chat, target),
        undo_key: &|code| keys.undo(code),
        undo_code: &|_| given.undo_code,
        texts: &neighbours.texts,
        service_number: &neighbours.rules.service_number,
        rules: &neighbours.account_rules,
        codes_spent_until: given.codes_spent_until,
    };
    catch_unwind(AssertUnwindSafe(|| {
        neighbours.faults.at(Point::AccountStep);
        step(account, event, &context)
    }))
    .ok()
}

/// What of an effect is durable together with the state.
fn part_of(effect: &AccountEffect, phone: Mobile, now: Timestamp) -> Option<Part> {
    use super::session::asking::{undo_key, undo_value};
    match effect {
        AccountEffect::PutUndo { key } => {
            Some(Part::Put { table: Table::Undo, key: undo_key(*key), value: undo_value(phone) })
        }
        AccountEffect::DeleteUndo { key } => Some(Part::Delete { table: Table::Undo, key: undo_key(*key) }),
        AccountEffect::EndLogin { contact } => Some(Part::OpenInbox(InboxRow {
            contact: *contact,
            accepted_at: now,
            body: InboxBody::Notice(Notice::LoginEnded),
        })),
        AccountEffect::Answer { .. }
        | AccountEffect::LookUp { .. }
        | AccountEffect::ReadRecord { .. }
        | AccountEffect::ChangeName { .. }
        | AccountEffect::ChangePhone { .. }
        | AccountEffect::FileTicket { .. }
        | AccountEffect::Sms { .. }
        | AccountEffect::Template { .. }
        | AccountEffect::EndLoginsOf { .. }
        | AccountEffect::HoldPhoneOf { .. }
        | AccountEffect::CountCode
        | AccountEffect::CountProof => None,
    }
}
