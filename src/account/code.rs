//! Codes: when one is sent, and how often it may be guessed (conversation.md 5).
//!
//! Invariants: a code is compared at most `otp_tries` times, whoever asks and however the clock jumps; it is
//! good once, for one purpose, in one chat; the answer about a number that is not the chat's own is made of
//! counters alone, before anyone is looked up; and strangers together use up only the strangers' share of a
//! number's codes, never what its own WhatsApp and the chats that proved it have.
//!
//! A code may reach a citizen abroad by a template, at the WhatsApp of the number he named, when the order of ways has
//! come to that: no SMS took it, or templates go first. It is noted before it leaves: what such a code opens is weak, whatever still arrives by SMS. Never
//! the number that is chatting: a message to that WhatsApp proves nothing that the chat has not shown already.

use super::AccountEffect;
use super::job::{Ask, Wanted};
use super::run::Run;
use super::state::{Challenge, ChatLogin, Heard};
use crate::domain::call::{Answer, CallId, Login};
use crate::domain::contact::ContactId;
use crate::domain::message::Text;
use crate::domain::otp::{Otp, OtpPurpose};
use crate::domain::time::{DAY_MS, HOUR_MS, SECOND_MS, Timestamp};

impl Run<'_, '_> {
    /// A chat wants a code.
    pub(super) fn challenge(&mut self, ask: Ask, purpose: OtpPurpose) {
        if !self.may_send(ask, purpose) {
            return;
        }
        match purpose {
            OtpPurpose::Login if ask.asker.own_number => self.look_up(ask, Wanted::OwnChallenge),
            OtpPurpose::Login => {
                let challenge = self.make_code(ask, purpose);
                self.conclude(ask, Answer::OtpSent);
                self.look_up(ask, Wanted::Sms { challenge });
            }
            // Whether these numbers are registered is of no matter.
            OtpPurpose::Fresh | OtpPurpose::NewPhone | OtpPurpose::LostPhone => {
                let challenge = self.make_code(ask, purpose);
                self.sms_code(ask, challenge);
                self.conclude(ask, Answer::OtpSent);
            }
        }
    }

    /// The chat's own number was looked up.
    pub(super) fn challenge_own(&mut self, ask: Ask, registered: bool) {
        if !registered {
            return self.conclude(ask, Answer::NotRegistered);
        }
        // Counted only now, so asked once more: another call of this chat may have come in between.
        if self.may_send(ask, OtpPurpose::Login) {
            let challenge = self.make_code(ask, OtpPurpose::Login);
            self.sms_code(ask, challenge);
            self.conclude(ask, Answer::OtpSent);
        }
    }

    /// Whether a code may go out now; if not, that is answered.
    fn may_send(&mut self, ask: Ask, purpose: OtpPurpose) -> bool {
        let (now, rules) = (self.now(), self.context.rules);
        let Some(chat) = self.chat(ask) else { return false };
        let fresh = purpose == OtpPurpose::Fresh;
        let live = chat.challenges.iter().any(|challenge| challenge.purpose == purpose);
        let sends = if fresh { &chat.fresh_sends } else { &chat.sends };
        let wait_ms = sends
            .last()
            .map_or(0, |sent_at| i64::from(rules.otp_resend_after_s) * SECOND_MS - now.since_ms(*sent_at).max(0));
        let (belongs, spent) = (chat.belongs, sends.len() >= usize::from(rules.otp_per_window));
        if let Some(until) = chat.locked_until(now) {
            self.conclude(ask, Answer::Locked { until });
        } else if fresh && !chat.may_change() {
            self.conclude(ask, Answer::LoginGone);
        } else if self.tells_of_delivery(ask, purpose) {
            self.conclude(ask, Answer::OtpDelivered);
        } else if wait_ms > 0 {
            self.conclude(ask, Answer::OtpWait { seconds: seconds_of(wait_ms), live });
        } else if spent || ask.asker.codes_spent_until.is_some() {
            self.lock_at_least(ask, ask.asker.codes_spent_until);
        } else if let Some(until) = self.spent_until(belongs) {
            // Nothing this chat did: what it has out stays good.
            let wait = Answer::OtpWait { seconds: seconds_of(until.since_ms(now)), live };
            self.conclude(ask, if live { wait } else { Answer::Locked { until } });
        } else {
            return true;
        }
        false
    }

    /// Until when the budgets that this chat shares with others hold no code for it.
    fn spent_until(&self, belongs: bool) -> Option<Timestamp> {
        let (now, rules) = (self.now(), self.context.rules);
        let sends = &self.account.stranger_sends;
        let within = |life_ms: i64, max: u8| {
            let lately: Vec<Timestamp> = sends.iter().copied().filter(|at| now.since_ms(*at) < life_ms).collect();
            // As soon as so many have left the window that there is room.
            let leaving = (lately.len() + 1).checked_sub(usize::from(max).max(1)).filter(|count| *count > 0)?;
            lately.get(leaving - 1).map(|at| at.plus_ms(life_ms))
        };
        let strangers = within(HOUR_MS, rules.otp_strangers_per_hour).max(within(DAY_MS, rules.otp_strangers_per_day));
        strangers.filter(|_| !belongs).max(self.context.codes_spent_until)
    }

    /// Makes a challenge and counts it. The chat's older one of the same purpose is dead from here on.
    fn make_code(&mut self, ask: Ask, purpose: OtpPurpose) -> [u8; 16] {
        let now = self.now();
        let mut id = [0; 16];
        id.copy_from_slice(&self.context.random[..16]);
        self.effects.push(AccountEffect::CountCode);
        if self.chat(ask).is_some_and(|chat| !chat.belongs) {
            self.account.stranger_sends.push(now);
        }
        let own = ask.asker.own_number || purpose == OtpPurpose::Fresh;
        let heard = if own { Heard::Nothing } else { Heard::Hidden { abroad: ask.asker.abroad } };
        if let Some(chat) = self.chat_mut(ask) {
            chat.challenges.retain(|challenge| challenge.purpose != purpose);
            chat.challenges.push(Challenge { purpose, id, sent_at: now, tries: 0, weak: false, call: ask.call, heard });
            let sends = if purpose == OtpPurpose::Fresh { &mut chat.fresh_sends } else { &mut chat.sends };
            sends.push(now);
        }
        id
    }

    /// Sends the code of a challenge, if it is still the one that counts.
    pub(super) fn sms_code(&mut self, ask: Ask, id: [u8; 16]) {
        let challenge = self.chat(ask).and_then(|chat| chat.challenges.iter().find(|challenge| challenge.id == id));
        let Some(purpose) = challenge.map(|challenge| challenge.purpose) else { return };
        let (contact, call, to) = (ask.asker.contact, ask.call, self.context.phone);
        let code = (self.context.otp)(id, contact, to);
        let text = self.context.texts.sms_otp(code, ask.asker.ending, ask.asker.language);
        let or_template = (purpose == OtpPurpose::Login && ask.asker.abroad).then_some(id);
        self.effects.push(AccountEffect::Sms { contact, call, to, text, or_template, from: 0 });
    }

    /// The phone has the code's SMS: it opens for its life from now on, up to the cap.
    pub(super) fn delivered(&mut self, contact: ContactId, call: CallId) {
        let now = self.now();
        if let Some(challenge) = self.made_for(contact, call) {
            challenge.delivered(now);
        }
    }

    /// The code's SMS will never arrive by the way that took it: it leaves by the next, if it is still out.
    pub(super) fn undeliverable(&mut self, (contact, call): (ContactId, CallId), text: Text, from: usize) {
        let to = self.context.phone;
        let Some(challenge) = self.made_for(contact, call) else { return };
        if matches!(challenge.heard, Heard::Delivered { .. }) {
            return;
        }
        let abroad = challenge.heard == Heard::Hidden { abroad: true };
        let or_template = (challenge.purpose == OtpPurpose::Login && abroad).then_some(challenge.id);
        self.effects.push(AccountEffect::Sms { contact, call, to, text, or_template, from });
    }

    /// The code that was made for a call, if it is out.
    fn made_for(&mut self, contact: ContactId, call: CallId) -> Option<&mut Challenge> {
        self.account.chat_mut(contact)?.challenges.iter_mut().find(|challenge| challenge.call == call)
    }

    /// Whether the chat is to be told, instead of being sent another code, that the phone has the one that is out.
    fn tells_of_delivery(&mut self, ask: Ask, purpose: OtpPurpose) -> bool {
        let challenges = self.chat_mut(ask).map(|chat| &mut chat.challenges);
        let out = challenges.and_then(|all| all.iter_mut().find(|challenge| challenge.purpose == purpose));
        out.is_some_and(Challenge::tells_of_delivery)
    }

    /// A code is to go by a template: it leaves once that it is weak is durable.
    pub(super) fn by_template(&mut self, (contact, call): (ContactId, CallId), id: [u8; 16], text: Text) {
        let to = self.context.phone;
        let challenges = self.account.chat_mut(contact).map(|chat| &mut chat.challenges);
        let challenge = challenges.and_then(|challenges| challenges.iter_mut().find(|challenge| challenge.id == id));
        let Some(challenge) = challenge else { return };
        challenge.weak = true;
        let code = (self.context.otp)(id, contact, to);
        self.effects.push(AccountEffect::Template { contact, call, to, code, text });
    }

    /// The same call again: the same code leaves again, under the same key, by the same way.
    pub(super) fn resend(&mut self, ask: Ask, purpose: OtpPurpose) {
        let challenge = self
            .chat(ask)
            .and_then(|chat| chat.challenges.iter().find(|challenge| challenge.purpose == purpose))
            .map(|challenge| challenge.id);
        match challenge {
            Some(challenge) if purpose == OtpPurpose::Login && !ask.asker.own_number => {
                self.look_up(ask, Wanted::Sms { challenge });
            }
            Some(challenge) => self.sms_code(ask, challenge),
            None => {}
        }
    }

    /// A chat tries codes. Each counts before it is compared.
    pub(super) fn check(&mut self, ask: Ask, purpose: OtpPurpose, codes: &[Otp]) {
        let (now, context) = (self.now(), self.context);
        if let Some(until) = self.locked_until(ask) {
            return self.conclude(ask, Answer::Locked { until });
        }
        let Some(chat) = self.chat_mut(ask) else { return };
        if purpose == OtpPurpose::Fresh && !chat.may_change() {
            return self.conclude(ask, Answer::LoginGone);
        }
        let Some(place) = chat.challenges.iter().position(|challenge| challenge.purpose == purpose) else {
            return self.conclude(ask, Answer::OtpExpired);
        };
        let challenge = &mut chat.challenges[place];
        let code = (context.otp)(challenge.id, ask.asker.contact, context.phone);
        for typed in codes {
            if challenge.tries >= context.rules.otp_tries {
                break;
            }
            challenge.tries += 1;
            if typed.matches(code) {
                let weak = chat.challenges.remove(place).weak;
                chat.belongs |= !weak;
                return self.proved(ask, (purpose, weak), now);
            }
        }
        let left = context.rules.otp_tries.saturating_sub(challenge.tries);
        if left == 0 {
            return self.lock(ask);
        }
        self.conclude(ask, Answer::OtpWrong { left });
    }

    fn proved(&mut self, ask: Ask, (purpose, weak): (OtpPurpose, bool), now: Timestamp) {
        if !weak {
            self.effects.push(AccountEffect::CountProof);
        }
        let step_up = match purpose {
            OtpPurpose::Login => {
                let step_up = self.owes_step_up(ask);
                if !step_up && !weak {
                    self.confirm(ask);
                }
                let step_up_tries = step_up.then_some(self.context.rules.step_up_tries);
                if let Some(chat) = self.chat_mut(ask) {
                    chat.login = Some(ChatLogin { since: now, step_up: step_up_tries, weak });
                }
                step_up
            }
            // A proof of the number, no way into it; a fresh one renews nothing but trust.
            OtpPurpose::Fresh => !self.is_in(ask),
            OtpPurpose::NewPhone | OtpPurpose::LostPhone => false,
        };
        let epoch = self.account.epoch;
        self.conclude(ask, Answer::OtpRight(Login { epoch, step_up, weak }));
    }
}

/// Whole seconds, rounded up.
fn seconds_of(ms: i64) -> u32 {
    u32::try_from((ms + SECOND_MS - 1) / SECOND_MS).unwrap_or(u32::MAX)
}
