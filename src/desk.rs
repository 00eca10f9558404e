//! The desk: reports of citizens, numbered, due and kept; and what the officers' side does with them.
//!
//! Invariants: one writer, so that two reports at once never get one number; a report is durable before its
//! number is said; the same [`IdempotencyKey`] files nothing twice; a chat sees its own reports only; a move of
//! the desk and the notice of it to the chat are one record, and so are a change and what a ministry's own desk has to
//! be told of it (`feed`). Everything is bounded (`shelf`): a chat that files
//! without end adds words to reports that are open already, and gets the same kind of answer.
//!
//! What does not belong here: what the citizen is told (`conversation`), who may act for the desk.

mod feed;
mod head;
pub mod ministry;
mod number;
mod officers;
mod shelf;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt};

use crate::domain::contact::ContactId;
use crate::domain::keys::ServerKeys;
use crate::domain::message::Text;
use crate::domain::ticket::{Ticket, TicketDraft, TicketKind, TicketNumber, TicketStanding, TicketState, TicketView};
use crate::domain::time::{HOUR_MS, Timestamp};
use crate::ports::{Change, Clock, IdempotencyKey, Key, NeighbourError, Part, Store, Tickets};

use feed::Bell;
use head::Head;
use number::Numbers;
use shelf::Shelf;

pub use shelf::SLICES;

/// A report is answered within this long (UU 27/2022 asks it for corrections; domain.md 6).
const DUE_MS: i64 = 72 * HOUR_MS;

/// Open reports of a chat, of all kinds and of lost numbers; then further words go to one that is open.
const OPEN_MAX: usize = 12;
const OPEN_LOST_MAX: usize = 3;

/// The desk. Shared by all threads.
pub struct Desk {
    shelf: Shelf,
    numbers: Numbers,
    clock: Arc<dyn Clock>,
    /// Held from reading what is to be changed until the change is durable.
    writing: tokio::sync::Mutex<()>,
    /// Numbers that the next reports get, for tests that play a written conversation.
    foretold: Mutex<Vec<TicketNumber>>,
    /// Where the next look for old reports begins; empty: at the first.
    swept_to: Mutex<Key>,
    /// Where a ministry has a desk of its own: who is told that there is something to tell it.
    bell: Option<Bell>,
}

impl Desk {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, keys: &ServerKeys) -> Self {
        Self {
            shelf: Shelf::new(store),
            numbers: Numbers::new(*keys.ticket_key()),
            clock,
            writing: tokio::sync::Mutex::new(()),
            foretold: Mutex::new(Vec::new()),
            swept_to: Mutex::default(),
            bell: None,
        }
    }

    /// From here on changes are kept for a ministry's own desk until it has taken them.
    #[must_use]
    pub fn with_ministry(self) -> Self {
        Self { bell: Some(Bell::default()), ..self }
    }

    /// The next report gets this number if it is free. For tests.
    pub fn foretell(&self, number: TicketNumber) {
        self.foretold.lock().unwrap_or_else(PoisonError::into_inner).insert(0, number);
    }

    /// A report whole, with all its words: for the desk, never for a chat.
    pub async fn ticket(&self, number: TicketNumber) -> Result<Option<Ticket>, NeighbourError> {
        Ok(self.shelf.whole(number).await?)
    }

    /// One of [`SLICES`] slices of all reports as they are now, without their words, by number.
    pub async fn slice(&self, slice: u8) -> Result<Vec<Ticket>, NeighbourError> {
        Ok(self.shelf.slice(slice).await?.into_iter().map(|head| head.ticket).collect())
    }

    /// How long a report still has, less than nothing when it is late; `None` while its clock stands still or when
    /// it is done with.
    pub fn left_ms(&self, ticket: &Ticket) -> Option<i64> {
        match ticket.state {
            TicketState::Filed | TicketState::InWork { .. } | TicketState::Reopened { .. } => {
                Some(ticket.due.since_ms(self.clock.now()))
            }
            TicketState::WaitingCitizen { .. } | TicketState::Answered { .. } | TicketState::Closed { .. } => None,
        }
    }

    async fn filed(&self, key: IdempotencyKey, draft: TicketDraft) -> Result<TicketView, NeighbourError> {
        let _alone = self.writing.lock().await;
        let now = self.clock.now();
        let heads = self.shelf.of_contact(draft.contact).await?;
        if let Some(done) = heads.iter().find(|head| head.served(key)) {
            return Ok(done.view());
        }
        if let Some(mut open) = same_report(heads, &draft) {
            open.serve(key);
            self.add_words(&mut open, draft.detail, now).await?;
            return Ok(open.view());
        }
        let contact = draft.contact;
        let (number, mut parts) = self.next_number().await?;
        let mut head = Head::new(number, draft, now, now.plus_ms(DUE_MS));
        head.serve(key);
        let detail = std::mem::take(&mut head.ticket.draft.detail);
        parts.extend(self.shelf.add_words(&mut head, detail.clone(), now).await?);
        parts.push(self.shelf.listed(contact, number).await?);
        self.change(&mut head, Change::Filed, Some(detail), parts).await?;
        Ok(head.view())
    }

    /// A page of reports, from where the last call ended: those that were done with before a moment go.
    async fn swept(&self, before: Timestamp) -> Result<usize, NeighbourError> {
        let _alone = self.writing.lock().await;
        let from = std::mem::take(&mut *self.swept_to.lock().unwrap_or_else(PoisonError::into_inner));
        let (heads, next) = self.shelf.heads(from).await?;
        let mut forgotten = 0;
        for head in heads.iter().filter(|head| head.done_at().is_some_and(|at| at < before)) {
            let parts = self.shelf.forgotten(head).await?;
            self.shelf.write(parts).await?;
            forgotten += 1;
        }
        *self.swept_to.lock().unwrap_or_else(PoisonError::into_inner) = next.unwrap_or_default();
        Ok(forgotten)
    }

    /// A number that no report has, and what must be written for it not to be given again.
    async fn next_number(&self) -> Result<(TicketNumber, Vec<Part>), NeighbourError> {
        let foretold = self.foretold.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(number) = foretold
            && self.shelf.head(number).await?.is_none()
        {
            return Ok((number, Vec::new()));
        }
        let mut count = self.shelf.count().await?;
        loop {
            let number = self.numbers.nth(count);
            count += 1;
            // Taken only by a foretold one, or after ten million reports.
            if self.shelf.head(number).await?.is_none() {
                return Ok((number, vec![shelf::counted(count)]));
            }
        }
    }

    /// Changes a report of this chat; nothing when it has no such report.
    async fn of_chat(&self, contact: ContactId, number: TicketNumber) -> Result<Option<Head>, NeighbourError> {
        Ok(self.shelf.head(number).await?.filter(|head| head.ticket.draft.contact == contact))
    }

    /// Writes down words of the citizen; said again they are none.
    async fn add_words(&self, head: &mut Head, words: Text, now: Timestamp) -> Result<(), NeighbourError> {
        let parts = self.shelf.add_words(head, words.clone(), now).await?;
        if parts.is_empty() {
            return Ok(self.shelf.write(vec![head.written()]).await?);
        }
        self.change(head, Change::Words, Some(words), parts).await
    }

    async fn added(
        &self,
        contact: ContactId,
        number: TicketNumber,
        detail: Text,
    ) -> Result<Option<TicketView>, NeighbourError> {
        let _alone = self.writing.lock().await;
        let now = self.clock.now();
        let open = self.of_chat(contact, number).await?;
        let Some(mut head) = open.filter(|head| !matches!(head.ticket.state, TicketState::Closed { .. })) else {
            return Ok(None);
        };
        self.add_words(&mut head, detail, now).await?;
        Ok(Some(head.view()))
    }

    async fn reopened(&self, contact: ContactId, number: TicketNumber) -> Result<Option<TicketView>, NeighbourError> {
        let _alone = self.writing.lock().await;
        let now = self.clock.now();
        let Some(mut head) = self.of_chat(contact, number).await? else { return Ok(None) };
        if matches!(head.ticket.state, TicketState::Answered { .. } | TicketState::Closed { .. }) {
            head.ticket.state = TicketState::Reopened { at: now };
            head.ticket.due = now.plus_ms(DUE_MS);
            self.change(&mut head, Change::Reopened, None, Vec::new()).await?;
        }
        Ok(Some(head.view()))
    }
}

impl Tickets for Desk {
    fn forget_closed(&self, before: Timestamp) -> BoxFuture<'_, Result<usize, NeighbourError>> {
        self.swept(before).boxed()
    }

    fn file(&self, key: IdempotencyKey, draft: TicketDraft) -> BoxFuture<'_, Result<TicketView, NeighbourError>> {
        self.filed(key, draft).boxed()
    }

    fn add(
        &self,
        contact: ContactId,
        number: TicketNumber,
        detail: Text,
    ) -> BoxFuture<'_, Result<Option<TicketView>, NeighbourError>> {
        self.added(contact, number, detail).boxed()
    }

    fn reopen(
        &self,
        contact: ContactId,
        number: TicketNumber,
    ) -> BoxFuture<'_, Result<Option<TicketView>, NeighbourError>> {
        self.reopened(contact, number).boxed()
    }

    fn of_contact(&self, contact: ContactId) -> BoxFuture<'_, Result<Vec<TicketView>, NeighbourError>> {
        async move {
            let heads = self.shelf.of_contact(contact).await?;
            Ok(heads.iter().rev().map(Head::view).collect())
        }
        .boxed()
    }

    fn read(&self, contact: ContactId) -> BoxFuture<'_, Result<Vec<TicketStanding>, NeighbourError>> {
        async move {
            let mut standings = Vec::new();
            for head in self.shelf.of_contact(contact).await?.iter().rev() {
                standings.push(TicketStanding { view: head.view(), words: self.shelf.said(head).await? });
            }
            Ok(standings)
        }
        .boxed()
    }
}

/// The open report that a draft belongs to: of the same person and kind; else, once the chat has as many as it
/// may, the newest of that kind, or the newest.
fn same_report(heads: Vec<Head>, draft: &TicketDraft) -> Option<Head> {
    let mut open: Vec<Head> = heads.into_iter().filter(Head::is_open).collect();
    let of_kind = |head: &Head| head.ticket.draft.kind == draft.kind;
    let same = open.iter().rposition(|head| of_kind(head) && head.is_about(draft));
    let lost =
        draft.kind == TicketKind::OldNumberLost && open.iter().filter(|head| of_kind(head)).count() >= OPEN_LOST_MAX;
    let full = lost || open.len() >= OPEN_MAX;
    let newest = || open.iter().rposition(of_kind).or(open.len().checked_sub(1));
    same.or_else(|| newest().filter(|_| full)).map(|at| open.swap_remove(at))
}
