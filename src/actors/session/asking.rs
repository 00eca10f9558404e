//! Who serves a session's call: an account, the desk, or, for an undo code, the account that it opens.
//!
//! Whatever happens to a call, an answer arrives at the contact's board.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Home;
use super::record::ContactRecord;
use crate::account::AccountEvent;
use crate::actors::board::Mail;
use crate::actors::{supervision, versioned};
use crate::conversation::Named;
use crate::domain::call::{Answer, Asker, Call, CallId, NeighbourError, Request};
use crate::domain::certificate::Language;
use crate::domain::contact::ContactId;
use crate::domain::keys::LookupKey;
use crate::domain::otp::UndoCode;
use crate::domain::phone::Mobile;
use crate::ports::{IdempotencyKey, Key, StoreError, Table, Value};

const UNDO_VERSION: u8 = 1;

/// The account a request goes to; none for those that go elsewhere.
pub fn account_of(request: &Request) -> Option<Mobile> {
    match request {
        Request::ChallengeOtp { account, .. }
        | Request::CheckOtp { account, .. }
        | Request::StepUp { account, .. }
        | Request::Identify { account, .. }
        | Request::ReadRecord { account, .. }
        | Request::ReadIssued { account, .. }
        | Request::ChangeName { account, .. }
        | Request::ChangePhone { account, .. }
        | Request::Leave { account } => Some(*account),
        Request::Undo { .. }
        | Request::FileTicket(_)
        | Request::AddToTicket { .. }
        | Request::ReopenTicket { .. }
        | Request::ReadTickets => None,
    }
}

/// Who asks, as an account may know it.
fn asker(
    home: &Home,
    contact: ContactId,
    record: &ContactRecord,
    (account, request): (Mobile, &Request),
    language: Language,
) -> Asker {
    let phone = record.identity.phone;
    let codes_spent_until = request.code_purpose().and_then(|purpose| {
        let neighbours = &home.neighbours;
        record.state.codes_spent_until(purpose, neighbours.clock.now(), &neighbours.rules)
    });
    let keys = &home.neighbours.keys;
    let on_behalf =
        request.code_purpose().and_then(|purpose| record.state.on_behalf(purpose)).map(|named| match named {
            Named::Nik(nik) => keys.nik(nik),
            Named::Person(person) => keys.person(&person),
        });
    Asker {
        contact,
        ending: phone.map(crate::domain::phone::Phone::ending),
        bsuid: record.identity.bsuid.as_ref().map(|bsuid| home.neighbours.keys.bsuid_alias(bsuid)),
        own_number: phone == Some(account.phone()),
        abroad: phone.is_some_and(crate::domain::phone::Phone::is_foreign),
        language,
        formerly: std::array::from_fn(|place| record.formerly.get(place).copied()),
        codes_spent_until,
        on_behalf,
    }
}

/// Makes a call. Its answer arrives at the contact's board, whatever happens.
pub fn make(home: &Home, contact: ContactId, record: &ContactRecord, call: Call, language: Language) {
    let Call { id, request } = call;
    if let Some(phone) = account_of(&request) {
        let asker = asker(home, contact, record, (phone, &request), language);
        ask(home, phone, asker, id, request);
        return;
    }
    let neighbours = Arc::clone(&home.neighbours);
    let key = IdempotencyKey { contact, call: id };
    match request {
        Request::Undo { code } => undo(home, contact, record.clone(), id, code, language),
        Request::FileTicket(draft) => desk(home, contact, id, move || {
            Box::pin(async move { neighbours.tickets.file(key, *draft).await.map(Answer::TicketFiled) })
        }),
        Request::AddToTicket { number, detail } => desk(home, contact, id, move || {
            Box::pin(async move {
                let added = neighbours.tickets.add(contact, number, detail).await?;
                Ok(added.map_or(Answer::NoTicket, Answer::TicketAdded))
            })
        }),
        Request::ReopenTicket { number } => desk(home, contact, id, move || {
            Box::pin(async move {
                let reopened = neighbours.tickets.reopen(contact, number).await?;
                Ok(reopened.map_or(Answer::NoTicket, Answer::TicketReopened))
            })
        }),
        Request::ReadTickets => desk(home, contact, id, move || {
            Box::pin(async move { neighbours.tickets.read(contact).await.map(Answer::Tickets) })
        }),
        Request::ChallengeOtp { .. }
        | Request::CheckOtp { .. }
        | Request::StepUp { .. }
        | Request::Identify { .. }
        | Request::ReadRecord { .. }
        | Request::ReadIssued { .. }
        | Request::ChangeName { .. }
        | Request::ChangePhone { .. }
        | Request::Leave { .. } => unreachable!("these name an account"),
    }
}

fn ask(home: &Home, phone: Mobile, asker: Asker, call: CallId, request: Request) {
    let key = home.neighbours.keys.account(phone);
    let board = home.shards.board(home.shards.of_account(key));
    if !board.ask(phone, AccountEvent::Asked { asker, call, request }) {
        home.shards.tell_contact(asker.contact, Mail::Answer { contact: asker.contact, call, answer: Answer::Down });
    }
}

type DeskCall = BoxFuture<'static, Result<Answer, NeighbourError>>;

fn desk(home: &Home, contact: ContactId, call: CallId, make: impl FnOnce() -> DeskCall + 'static) {
    let neighbour = Arc::clone(&home.neighbours.calls.desk);
    let within = Duration::from_millis(home.neighbours.figures.neighbour_timeout_ms);
    let home = home.clone();
    supervision::task(neighbour.call("desk", within, make), move |result| {
        let answer = match result {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::warn!(contact.id = contact.0, %error, "the desk did not serve a call");
                Answer::Down
            }
            Err(panicked) => {
                tracing::error!(contact.id = contact.0, error = %panicked, "a call to the desk panicked");
                Answer::Down
            }
        };
        home.shards.tell_contact(contact, Mail::Answer { contact, call, answer });
    });
}

/// What an undo code's row holds: the phone whose account made the change.
pub fn undo_value(phone: Mobile) -> Value {
    versioned::encode(UNDO_VERSION, &phone)
}

/// Where an undo code's row is.
pub fn undo_key(key: LookupKey) -> Key {
    Key::from_slice(&key.0)
}

fn undo(home: &Home, contact: ContactId, record: ContactRecord, call: CallId, code: UndoCode, language: Language) {
    let find = {
        let neighbours = Arc::clone(&home.neighbours);
        async move {
            let value = neighbours.store.get(Table::Undo, undo_key(neighbours.keys.undo(code))).await?;
            value.map(|value| versioned::decode::<Mobile>(Table::Undo, UNDO_VERSION, &[], &value)).transpose()
        }
    };
    let home = home.clone();
    supervision::task(find, move |found: Result<Result<Option<Mobile>, StoreError>, _>| {
        let answer = match found {
            Ok(Ok(Some(phone))) => {
                let request = Request::Undo { code };
                let asker = asker(&home, contact, &record, (phone, &request), language);
                return ask(&home, phone, asker, call, request);
            }
            Ok(Ok(None)) => Answer::UndoUnknown,
            Ok(Err(_)) | Err(_) => Answer::Down,
        };
        home.shards.tell_contact(contact, Mail::Answer { contact, call, answer });
    });
}
