//! Which call goes where, and what becomes of an account's effects.

use crate::account::{self, AccountContext, AccountEffect, AccountEvent};
use crate::conversation::{Event, Notice};
use crate::domain::call::{Answer, Asker, Call, CallId, Request};
use crate::domain::contact::ContactId;
use crate::domain::keys::LookupKey;
use crate::domain::otp::UndoCode;
use crate::domain::phone::{Mobile, Phone};

use super::world::{Later, Task, World};
use crate::transcript::Way;
use crate::transcript::directive::Gateway;

impl World<'_> {
    /// A session's call: to the desk, or to the account of the phone it names.
    pub(super) fn call(&mut self, contact: ContactId, Call { id, request }: Call) {
        let phone = match request {
            Request::ChallengeOtp { account, .. }
            | Request::CheckOtp { account, .. }
            | Request::StepUp { account, .. }
            | Request::Identify { account, .. }
            | Request::ReadRecord { account, .. }
            | Request::ReadIssued { account, .. }
            | Request::ChangeName { account, .. }
            | Request::ChangePhone { account, .. }
            | Request::Leave { account } => account,
            Request::Undo { code } => match self.undo.get(&undo_key(code)) {
                Some(account) => *account,
                None => return self.answer(contact, id, Answer::UndoUnknown),
            },
            Request::FileTicket(draft) => {
                let view = self.desk.file(contact, id, *draft, self.now);
                return self.answer(contact, id, Answer::TicketFiled(view));
            }
            Request::AddToTicket { number, .. } => {
                let answer = self.desk.add(contact, number, self.now);
                return self.answer(contact, id, answer);
            }
            Request::ReopenTicket { number } => {
                let answer = self.desk.reopen(contact, number, self.now);
                return self.answer(contact, id, answer);
            }
            Request::ReadTickets => {
                let answer = self.desk.of_contact(contact);
                return self.answer(contact, id, answer);
            }
        };
        if let Some(asker) = self.asker(contact, phone, &request) {
            self.tasks.push_back(Task::Account(phone, AccountEvent::Asked { asker, call: id, request }));
        }
    }

    fn asker(&self, contact: ContactId, account: Mobile, request: &Request) -> Option<Asker> {
        let chat = self.chat(contact)?;
        let identity = &chat.identity;
        let purpose = request.code_purpose();
        let codes_spent_until =
            purpose.and_then(|purpose| chat.state.codes_spent_until(purpose, self.now, &self.rules));
        Some(Asker {
            contact,
            ending: identity.phone.map(Phone::ending),
            bsuid: identity.bsuid.as_ref().map(|bsuid| hashed(bsuid.0.as_bytes())),
            own_number: identity.phone == Some(account.phone()),
            abroad: identity.phone.is_some_and(Phone::is_foreign),
            language: chat.state.language(),
            formerly: std::array::from_fn(|nth| chat.formerly.iter().rev().nth(nth).copied()),
            codes_spent_until,
            // One transcript's citizens are no crowd.
            on_behalf: None,
        })
    }

    fn answer(&mut self, contact: ContactId, call: CallId, answer: Answer) {
        self.tasks.push_back(Task::Turn(contact, vec![Event::Answer { call, answer }]));
    }

    pub(super) fn account(&mut self, phone: Mobile, event: AccountEvent) {
        self.steps += 1;
        let mut random = [0; 32];
        random[..16].copy_from_slice(&hashed(&self.steps.to_le_bytes()).0);
        let account = self.accounts.remove(&phone).unwrap_or_default();
        let context = AccountContext {
            now: self.now,
            random,
            phone,
            otp: &|challenge, _, _| self.codes.borrow_mut().otp(challenge),
            undo_key: &undo_key,
            undo_code: &|random| self.codes.borrow_mut().undo(random),
            texts: self.texts,
            service_number: &self.rules.service_number,
            rules: &self.account_rules,
            codes_spent_until: None,
        };
        let (account, effects) = account::step(account, event, &context);
        self.accounts.insert(phone, account);
        for effect in effects {
            self.effect(phone, effect);
        }
    }

    fn effect(&mut self, phone: Mobile, effect: AccountEffect) {
        let event = match effect {
            AccountEffect::Answer { contact, call, answer } => return self.answer(contact, call, answer),
            AccountEffect::LookUp { job, account } => AccountEvent::Persons { job, result: self.people.under(account) },
            AccountEffect::ReadRecord { job, person } => {
                AccountEvent::Record { job, result: self.people.record(&person.id) }
            }
            AccountEffect::ChangeName { job, person, name, .. } => {
                AccountEvent::Changed { job, result: self.people.change_name(&person, name, self.now) }
            }
            AccountEffect::ChangePhone { job, person, from, to, .. } => {
                AccountEvent::Changed { job, result: self.people.change_phone(&person, from, to) }
            }
            AccountEffect::FileTicket { job, contact, call, draft } => {
                AccountEvent::TicketFiled { job, result: Ok(self.desk.file(contact, call, *draft, self.now)) }
            }
            AccountEffect::Sms { contact, call, to, text, or_template, .. } => match (self.gateway, or_template) {
                (Gateway::Undelivered, Some(challenge)) => AccountEvent::ByTemplate { contact, call, challenge, text },
                (Gateway::Up, _) => return self.sms.push((Way::Sms, to, text.0)),
                (Gateway::Down | Gateway::Undelivered, _) => return,
            },
            AccountEffect::Template { to, code, .. } => return self.sms.push((Way::Template, to, code.digits())),
            AccountEffect::EndLogin { contact } => {
                let ended = vec![Event::Notice(Notice::LoginEnded)];
                return self.tasks.push_back(Task::Turn(contact, ended));
            }
            AccountEffect::EndLoginsOf { account, changes_shut_until } => {
                let event = AccountEvent::EndLogins { changes_shut_until };
                return self.tasks.push_back(Task::Account(account, event));
            }
            AccountEffect::HoldPhoneOf { account, until } => {
                return self.tasks.push_back(Task::Account(account, AccountEvent::HoldPhone { until }));
            }
            AccountEffect::PutUndo { key } => {
                self.undo.insert(key, phone);
                return;
            }
            AccountEffect::DeleteUndo { key } => {
                self.undo.remove(&key);
                return;
            }
            // One transcript's citizens are no crowd.
            AccountEffect::CountCode | AccountEffect::CountProof => return,
        };
        if let Some(ms) = self.slow_ms.get(&phone) {
            self.later.push((self.now.plus_ms(*ms), Later::Account(phone, event)));
        } else {
            self.tasks.push_back(Task::Account(phone, event));
        }
    }
}

/// Unkeyed: nothing here is secret.
fn hashed(bytes: &[u8]) -> LookupKey {
    use sha2::{Digest, Sha256};
    let full: [u8; 32] = Sha256::digest(bytes).into();
    let mut short = [0; 16];
    short.copy_from_slice(&full[..16]);
    LookupKey(short)
}

fn undo_key(code: UndoCode) -> LookupKey {
    hashed(&code.number().to_le_bytes())
}
