//! A session's calls: which are under way, when each is made (again), and who serves it.
//!
//! A call is made after the turn that wants it is durable. Its answer may get lost with a crashed actor, so a
//! call without an answer is made again under the same id (whoever serves it does nothing twice), and after
//! [`MAKES_MAX`] times it counts as answered `Down`. Bounded: [`CALLS_MAX`] under way, the oldest is forgotten.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use super::record::ContactRecord;
use super::{Home, Language};
use crate::account::AccountEvent;
use crate::actors::board::Mail;
use crate::actors::{supervision, versioned};
use crate::domain::call::{Answer, Asker, Call, CallId, NeighbourError, Request};
use crate::domain::contact::ContactId;
use crate::domain::keys::LookupKey;
use crate::domain::otp::UndoCode;
use crate::domain::phone::Mobile;
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::metrics;
use crate::ports::{IdempotencyKey, Key, StoreError, Table, Value};

/// The state waits for one call at most; a few more may be on their way back.
pub const CALLS_MAX: usize = 4;
/// A call is made so often at most before it counts as `Down`.
pub const MAKES_MAX: u8 = 3;
/// Longer than all neighbours of one call together may take.
const AGAIN_AFTER_MS: i64 = 20 * SECOND_MS;
const UNDO_VERSION: u8 = 1;

/// The calls of one session.
#[derive(Debug, Default)]
pub struct Calls(Vec<UnderWay>);

#[derive(Debug)]
struct UnderWay {
    call: Call,
    makes: u8,
    /// When it is made, or made again.
    at: Timestamp,
    /// When the citizen is shown that we are still at it.
    slow_at: Option<Timestamp>,
}

/// What is due.
#[derive(Debug, Default, PartialEq)]
pub struct Due {
    pub make: Vec<Call>,
    /// Made too often without an answer.
    pub given_up: Vec<CallId>,
    /// A call has taken long enough that the citizen should see it.
    pub slow: bool,
}

impl Calls {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an answer with this id is awaited.
    pub fn expects(&self, id: CallId) -> bool {
        self.0.iter().any(|under_way| under_way.call.id == id)
    }

    /// Adds a call, to be made at `at`. One that is there already stays as it is.
    pub fn add(&mut self, call: Call, at: Timestamp) {
        if self.expects(call.id) {
            return;
        }
        if self.0.len() >= CALLS_MAX {
            self.0.remove(0);
        }
        self.0.push(UnderWay { call, makes: 0, at, slow_at: None });
    }

    /// Its answer is handled. A turn may have asked again under the same id meanwhile, so this comes before `add`.
    pub fn answered(&mut self, id: CallId) {
        self.0.retain(|under_way| under_way.call.id != id);
    }

    /// What is to be done at `now`. `slow_after_ms`: from when on the citizen is shown that it takes long.
    pub fn due(&mut self, now: Timestamp, slow_after_ms: i64) -> Due {
        let mut due = Due::default();
        for under_way in &mut self.0 {
            if under_way.slow_at.is_some_and(|at| at <= now) {
                under_way.slow_at = None;
                due.slow = true;
            }
            if under_way.at > now {
                continue;
            }
            if under_way.makes >= MAKES_MAX {
                due.given_up.push(under_way.call.id);
                // Should even this answer get lost, it is given again.
                under_way.at = now.plus_ms(AGAIN_AFTER_MS);
                continue;
            }
            if under_way.makes == 0 {
                under_way.slow_at = Some(now.plus_ms(slow_after_ms));
            }
            under_way.makes += 1;
            under_way.at = now.plus_ms(AGAIN_AFTER_MS);
            due.make.push(under_way.call.clone());
        }
        due
    }

    /// When to look again.
    pub fn due_at(&self) -> Option<Timestamp> {
        self.0.iter().flat_map(|under_way| [Some(under_way.at), under_way.slow_at]).flatten().min()
    }
}

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
fn asker(home: &Home, contact: ContactId, record: &ContactRecord, account: Mobile, language: Language) -> Asker {
    let phone = record.identity.phone;
    Asker {
        contact,
        ending: phone.map(crate::domain::phone::Phone::ending),
        bsuid: record.identity.bsuid.as_ref().map(|bsuid| home.neighbours.keys.bsuid_alias(bsuid)),
        own_number: phone == Some(account.phone()),
        language,
    }
}

/// Makes a call. Its answer arrives at the contact's board, whatever happens.
pub fn make(home: &Home, contact: ContactId, record: &ContactRecord, call: Call, language: Language) {
    let Call { id, request } = call;
    if let Some(phone) = account_of(&request) {
        let asker = asker(home, contact, record, phone, language);
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
            Box::pin(async move { neighbours.tickets.of_contact(contact).await.map(Answer::Tickets) })
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
    let gate = Arc::clone(&home.neighbours.calls.desk);
    let within = Duration::from_millis(home.neighbours.figures.neighbour_timeout_ms);
    let home = home.clone();
    supervision::task(guarded("desk", gate, within, make), move |result| {
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

/// A neighbour's call within its bulkhead and its time; both together count against `within`.
pub async fn guarded<T>(
    neighbour: &'static str,
    gate: Arc<Semaphore>,
    within: Duration,
    make: impl FnOnce() -> BoxFuture<'static, Result<T, NeighbourError>>,
) -> Result<T, NeighbourError> {
    let call = async {
        let _place = gate.acquire().await;
        make().await
    };
    let result = match tokio::time::timeout(within, call).await {
        Ok(result) => result,
        Err(_) => Err(NeighbourError::Down { neighbour, reason: format!("no answer in {} ms", within.as_millis()) }),
    };
    let outcome = match &result {
        Ok(_) => "ok",
        Err(NeighbourError::Down { .. }) => "down",
        Err(NeighbourError::Misconfigured { .. }) => "misconfigured",
        Err(NeighbourError::NotFound { .. }) => "not_found",
        Err(NeighbourError::Conflict { .. }) => "conflict",
    };
    metrics::neighbour_called(neighbour, outcome);
    result
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
            value.map(|value| versioned::decode::<Mobile>(Table::Undo, UNDO_VERSION, &value)).transpose()
        }
    };
    let home = home.clone();
    supervision::task(find, move |found: Result<Result<Option<Mobile>, StoreError>, _>| {
        let answer = match found {
            Ok(Ok(Some(phone))) => {
                let asker = asker(&home, contact, &record, phone, language);
                return ask(&home, phone, asker, call, Request::Undo { code });
            }
            Ok(Ok(None)) => Answer::UndoUnknown,
            Ok(Err(_)) | Err(_) => Answer::Down,
        };
        home.shards.tell_contact(contact, Mail::Answer { contact, call, answer });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: u64) -> Call {
        Call { id: CallId(id), request: Request::ReadTickets }
    }

    #[test]
    fn a_call_waits_is_made_and_made_again() {
        let mut calls = Calls::default();
        calls.add(call(1), Timestamp(5_000));
        assert_eq!(calls.due_at(), Some(Timestamp(5_000)));
        assert_eq!(calls.due(Timestamp(4_999), 800), Due::default());
        assert_eq!(calls.due(Timestamp(5_000), 800).make, [call(1)]);
        assert_eq!(calls.due_at(), Some(Timestamp(5_800)), "then it is slow");
        assert!(calls.due(Timestamp(5_800), 800).slow);
        assert_eq!(calls.due_at(), Some(Timestamp(25_000)), "then it is made again");
        assert_eq!(calls.due(Timestamp(25_000), 800), Due { make: vec![call(1)], ..Due::default() });
        assert_eq!(calls.due(Timestamp(45_000), 800).make, [call(1)]);
        assert_eq!(calls.due(Timestamp(65_000), 800), Due { given_up: vec![CallId(1)], ..Due::default() });
        calls.answered(CallId(1));
        assert_eq!(calls.due_at(), None);
    }

    #[test]
    fn the_same_call_is_kept_once_and_the_number_is_bounded() {
        let mut calls = Calls::default();
        for id in [1, 1, 2, 3, 4, 5] {
            calls.add(call(id), Timestamp(0));
        }
        assert!(!calls.expects(CallId(1)) && calls.expects(CallId(5)));
        assert_eq!(calls.due(Timestamp(0), 800).make.len(), CALLS_MAX);
    }
}
