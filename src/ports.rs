//! The contracts between the actors and the world: what a neighbour must do, and how it may fail.
//!
//! Floor 1: domain types only, no adapter is named here. An adapter implements one trait; `app` wires it.
//! Every error says whether asking again can help; none carries personal data.

pub mod desk;
pub mod hands;
pub mod store;
pub mod tally;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::domain::call::CallId;
pub use crate::domain::call::{ConflictReason, NeighbourError};
use crate::domain::certificate::Revocation;
use crate::domain::citizen::{Person, PersonId, VaccinationRecord};
use crate::domain::contact::{BusinessNumber, ContactId, Recipient};
use crate::domain::message::{MessageId, Outbound, Text};
use crate::domain::name::Name;
use crate::domain::otp::Otp;
use crate::domain::phone::{Mobile, Phone};
use crate::domain::ticket::{TicketDraft, TicketNumber, TicketStanding, TicketView};
use crate::domain::time::Timestamp;
use crate::domain::uvci::Uvci;

pub use desk::{Acted, Change, MinistryDesk, OrderId, Telling, Untold};
pub use hands::{Hands, Held, Troubling};
pub use store::{
    Attempt, DeadLetter, DeadLetterHead, DeadReason, Delivery, InboxBody, InboxRow, Inlet, Key, Lsn, OutboxHead,
    OutboxRow, Page, Part, Record, Recovered, RecoveredSend, RowId, Settlement, Store, StoreError, Table, Ticket,
    Value, Writer,
};
pub use tally::{Closing, Tally};

// === time ==========================================================================================

/// The present. The only way to know it (clippy forbids the others), so that a test can own it.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
}

// === registry ======================================================================================

/// Makes a change happen once, however often it is asked for: contact and call of the turn that wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IdempotencyKey {
    pub contact: ContactId,
    pub call: CallId,
}

/// Who stands under a phone, and the changes a citizen may make himself.
pub trait AccountDirectory: Send + Sync + 'static {
    /// The people registered under a phone, at most six; empty when the phone is not registered.
    fn persons(&self, phone: Mobile) -> BoxFuture<'_, Result<Vec<Person>, NeighbourError>>;

    /// Changes the name on certificates, at once.
    fn change_name(
        &self,
        key: IdempotencyKey,
        person: PersonId,
        name: Name,
    ) -> BoxFuture<'_, Result<(), NeighbourError>>;

    /// Moves one person from one phone to another, at once.
    fn change_phone(
        &self,
        key: IdempotencyKey,
        person: PersonId,
        from: Mobile,
        to: Mobile,
    ) -> BoxFuture<'_, Result<(), NeighbourError>>;
}

/// What is recorded of a person's vaccinations.
pub trait ImmunizationRegistry: Send + Sync + 'static {
    /// The record as it is now; no doses when nothing is recorded.
    fn record(&self, person: &Person) -> BoxFuture<'_, Result<VaccinationRecord, NeighbourError>>;
}

// === SMS ===========================================================================================

/// Sends one-time codes and notices of changes to a registered phone.
pub trait OtpSender: Send + Sync + 'static {
    /// Hands a text over for delivery. The same key is never sent twice by a sender that can tell.
    fn send(&self, sms: OutgoingSms) -> BoxFuture<'_, Result<(), Unsent>>;

    /// Names who is told what became of texts that were taken. A sender that hears nothing of them tells nothing.
    fn tell(&self, _: Arc<dyn Receipts>) {}
}

/// Hears what became of texts.
pub trait Receipts: Send + Sync + 'static {
    /// Once for a text at most, never for many, in any order, at any time.
    fn heard(&self, receipt: Receipt);
}

/// What became of a text that was taken.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub sms: OutgoingSms,
    pub fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The phone has it.
    Delivered,
    /// The phone will never have it.
    Undeliverable,
}

/// A text on its way to a phone: at most 160 GSM-7 characters.
#[derive(Clone, Debug)]
pub struct OutgoingSms {
    pub key: IdempotencyKey,
    pub to: Mobile,
    pub text: Text,
}

/// A text that a sender did not take, as far as it knows. No personal data in `reason`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// It was not taken. Asking again later can help.
    #[error("the text was not taken: {reason}")]
    NotNow { reason: String },
    /// The request left and no answer came: it may have been taken or not. Asked again under the same key, a sender
    /// that can tell sends it once.
    #[error("the text was taken or not: {reason}")]
    Unknown { reason: String },
    /// The number receives no texts.
    #[error("the number is reported to receive no texts")]
    Undelivered,
    /// Never: only an operator can help.
    #[error("the text was refused: {reason}")]
    Refused { reason: String },
}

// === tickets =======================================================================================

/// Files reports and says where they stand. One open report per person and kind; more words are added to it.
pub trait Tickets: Send + Sync + 'static {
    fn file(&self, key: IdempotencyKey, draft: TicketDraft) -> BoxFuture<'_, Result<TicketView, NeighbourError>>;
    fn add(
        &self,
        contact: ContactId,
        number: TicketNumber,
        detail: Text,
    ) -> BoxFuture<'_, Result<Option<TicketView>, NeighbourError>>;
    fn reopen(
        &self,
        contact: ContactId,
        number: TicketNumber,
    ) -> BoxFuture<'_, Result<Option<TicketView>, NeighbourError>>;
    /// The reports of a contact, newest first.
    fn of_contact(&self, contact: ContactId) -> BoxFuture<'_, Result<Vec<TicketView>, NeighbourError>>;
    /// The same with what the desk said last about each.
    fn read(&self, contact: ContactId) -> BoxFuture<'_, Result<Vec<TicketStanding>, NeighbourError>>;
    /// Forgets reports that were done with before a moment, at most a page of them; gives how many. The next call
    /// goes on behind it, and begins anew at the end.
    fn forget_closed(&self, before: Timestamp) -> BoxFuture<'_, Result<usize, NeighbourError>>;
}

// === WhatsApp ======================================================================================

/// Sends messages to citizens.
pub trait Channel: Send + Sync + 'static {
    /// Sends one message. `Ok` means accepted by Meta, not delivered. A certificate is uploaded first.
    fn send(&self, outgoing: OutgoingMessage) -> BoxFuture<'_, Result<MessageId, SendError>>;

    /// Marks a message (and the earlier ones) as read; with `typing`, shows the typing indicator too.
    fn mark_read(
        &self,
        number: BusinessNumber,
        message: MessageId,
        typing: bool,
    ) -> BoxFuture<'_, Result<(), SendError>>;

    /// Sends a one-time code by a template of Meta's authentication category (cloud-api.md 4.6). `Ok` means accepted
    /// by Meta, not delivered.
    fn send_code(&self, code: OutgoingCode) -> BoxFuture<'_, Result<MessageId, SendError>>;
}

/// A code on its way to the WhatsApp of a phone. To a phone only: Meta refuses such a template to a BSUID.
#[derive(Clone, Debug)]
pub struct OutgoingCode {
    pub number: BusinessNumber,
    pub to: Phone,
    pub template: CodeTemplate,
    pub code: Otp,
}

/// The template that codes are sent by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeTemplate {
    pub name: String,
    pub language: String,
}

/// One message on its way out.
#[derive(Clone, Debug)]
pub struct OutgoingMessage {
    pub number: BusinessNumber,
    pub to: Recipient,
    pub message: Arc<Outbound>,
    /// `biz_opaque_callback_data`: comes back in every status of this message. No personal data.
    pub tag: SendTag,
}

/// Names an outbox row towards Meta: row id, contact, authenticated so that a stranger's tag means nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SendTag(pub String);

/// A send that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Meta answered with an error of its table (`wire::codes` says what to do with it).
    #[error("meta refused the message with code {code} (http {http})")]
    Refused { code: u32, http: u16 },
    /// Nothing was sent: the connection could not be made.
    #[error("graph api cannot be reached: {reason}")]
    Unreachable { reason: String },
    /// The bytes left and no answer came: it may have been sent or not.
    #[error("graph api did not answer: {reason}")]
    Ambiguous { reason: String },
    /// An answer that is not the Cloud API's (a proxy's page, a cut body).
    #[error("graph api answered http {http} without a readable body")]
    Unreadable { http: u16 },
    /// Nothing was sent and nothing ever will be: its certificate cannot be made, it breaks a limit of Meta's,
    /// or its recipient cannot be written to. No personal data in `reason`.
    #[error("the message cannot be sent at all: {reason}")]
    Unsendable { reason: String },
}

// === certificates ==================================================================================

/// Revocations on one page of the public list. A page that is full never changes again.
pub const REVOCATIONS_A_PAGE: u64 = 1_000;

/// Which certificates are no longer to be believed, oldest first.
pub trait RevocationList: Send + Sync + 'static {
    /// How many there are: grows, never shrinks.
    fn count(&self) -> u64;

    /// The revocations of a page, counted from 0; none beyond the last.
    fn page(&self, number: u32) -> BoxFuture<'_, Result<Vec<Revocation>, StoreError>>;
}

/// Why an id is not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    #[error("no certificate was issued under that id")]
    NotIssued,
    #[error("it is revoked already")]
    Already,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is kept of issued certificates.
pub trait IssuedCertificates: Send + Sync + 'static {
    /// Revokes a certificate by its id.
    fn revoke(&self, id: Uvci) -> BoxFuture<'_, Result<Revocation, RevokeError>>;

    /// Forgets a row of `Table::Certificate` if it matters no more; whether it did. For the sweep.
    fn forget(&self, key: Key, value: Value) -> BoxFuture<'_, Result<bool, StoreError>>;
}
