//! One step under way: the account, what may be known, and the effects so far.
//!
//! Here is what every request shares: finding its chat a place, telling a repeated call from a new one,
//! keeping an answer, waiting for a neighbour. What a request means is in the modules beside.

use sha2::{Digest, Sha256};

use super::job::{Ask, Job, Reading, Wanted};
use super::state::{Chat, Kept, Last, later};
use super::{Account, AccountContext, AccountEffect, JobId};
use crate::domain::call::{Answer, Asker, CallId, NeighbourError, Request};
use crate::domain::citizen::{Person, VaccinationRecord};
use crate::domain::contact::ContactId;
use crate::domain::message::Text;
use crate::domain::phone::Mobile;
use crate::domain::time::Timestamp;

pub(super) struct Run<'a, 'c> {
    pub(super) account: Account,
    pub(super) context: &'a AccountContext<'c>,
    pub(super) effects: Vec<AccountEffect>,
}

impl<'a, 'c> Run<'a, 'c> {
    pub(super) fn new(mut account: Account, context: &'a AccountContext<'c>) -> Self {
        let gone = account.settle(context.now, context.rules);
        let effects = gone.into_iter().map(|key| AccountEffect::DeleteUndo { key }).collect();
        Self { account, context, effects }
    }

    pub(super) fn end(self) -> (Account, Vec<AccountEffect>) {
        (self.account, self.effects)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.context.now
    }

    /// A chat's request.
    pub(super) fn asked(&mut self, asker: Asker, call: CallId, request: Request) {
        if self.account.jobs.serves(asker.contact, call) {
            return;
        }
        let ask = Ask { asker, call, print: fingerprint(&request), overtaken: false };
        // These two stand on no login and are counted elsewhere: they take no chat's place.
        if let Request::Undo { code } = request {
            return self.undo(ask, code);
        }
        if let Request::ReadIssued { person, dose, .. } = request {
            return self.look_up(ask, Wanted::Issued { person, dose });
        }
        for ask in self.account.jobs.overtaken(asker.contact, call) {
            self.say(ask, Answer::Down);
        }
        let now = self.now();
        self.account.used_at = now;
        asker.formerly.into_iter().flatten().for_each(|former| self.account.join(former, asker.contact));
        self.notice_identity(&asker);
        if !self.account.admit(asker.contact, asker.own_number, now) {
            let until = later(now, self.context.rules.lock_s[0]);
            return self.say(ask, Answer::Locked { until });
        }
        let last = self.chat(ask).and_then(|chat| chat.last.as_ref());
        match last.filter(|last| last.call == call && last.print == ask.print).map(|last| last.kept.clone()) {
            Some(kept) => self.repeat(ask, request, kept),
            None => self.serve(ask, request, None),
        }
    }

    /// `counted`: the misses left that were answered before, when the call is made again.
    fn serve(&mut self, ask: Ask, request: Request, counted: Option<u8>) {
        match request {
            Request::ChallengeOtp { purpose, .. } => self.challenge(ask, purpose),
            Request::CheckOtp { purpose, codes, .. } => self.check(ask, purpose, &codes),
            Request::StepUp { month, year, .. } => self.step_up(ask, month, year),
            Request::Identify { claims, .. } => self.identify(ask, claims, counted),
            Request::ReadRecord { person, .. } => self.if_in(ask, Wanted::Record { person }),
            Request::ChangeName { person, name, .. } => self.change(ask, Wanted::ChangeName { person, name }),
            Request::ChangePhone { person, to, .. } => self.change(ask, Wanted::ChangePhone { person, to }),
            Request::Leave { .. } => self.leave(ask),
            // Served before, or the desk's: whoever brings one of these here may try again elsewhere.
            Request::Undo { .. }
            | Request::ReadIssued { .. }
            | Request::FileTicket(_)
            | Request::AddToTicket { .. }
            | Request::ReopenTicket { .. }
            | Request::ReadTickets => self.say(ask, Answer::Down),
        }
    }

    /// The same answer again; what may not have left before the crash leaves again under the same key.
    fn repeat(&mut self, ask: Ask, request: Request, kept: Kept) {
        match (kept, request) {
            (Kept::Counted { misses_left }, request) => self.serve(ask, request, Some(misses_left)),
            (Kept::Changing(changing), request) => self.change_again(ask, changing, request),
            (Kept::Told { answer, sms }, _) => {
                self.sms(ask, self.context.phone, sms);
                self.say(ask, answer);
            }
            (Kept::Whole(Answer::OtpSent), Request::ChallengeOtp { purpose, .. }) => {
                self.say(ask, Answer::OtpSent);
                self.resend(ask, purpose);
            }
            // The login may have ended since.
            (Kept::Whole(Answer::OtpRight(_) | Answer::StepUpRight(_)), request)
                if opens(&request) && self.chat(ask).is_none_or(|chat| chat.login.is_none()) =>
            {
                self.say(ask, Answer::LoginGone);
            }
            (Kept::Whole(answer), _) => self.say(ask, answer),
        }
    }

    pub(super) fn chat(&self, ask: Ask) -> Option<&Chat> {
        self.account.chat(ask.asker.contact)
    }

    pub(super) fn chat_mut(&mut self, ask: Ask) -> Option<&mut Chat> {
        self.account.chat_mut(ask.asker.contact)
    }

    pub(super) fn locked_until(&self, ask: Ask) -> Option<Timestamp> {
        self.chat(ask).and_then(|chat| chat.locked_until(self.now()))
    }

    /// Stops the chat's attempts and says so.
    pub(super) fn lock(&mut self, ask: Ask) {
        self.lock_at_least(ask, None);
    }

    /// The same, for as long as something else stops the chat anyway: what is said is the whole truth.
    pub(super) fn lock_at_least(&mut self, ask: Ask, least: Option<Timestamp>) {
        let (now, rules) = (self.now(), self.context.rules);
        if let Some(chat) = self.chat_mut(ask) {
            let until = chat.lock(now, rules).max(least.unwrap_or_default());
            if let Some(lock) = &mut chat.lock {
                lock.until = until;
            }
            self.conclude(ask, Answer::Locked { until });
        }
    }

    /// Answers without keeping the answer.
    pub(super) fn say(&mut self, ask: Ask, answer: Answer) {
        self.effects.push(AccountEffect::Answer { contact: ask.asker.contact, call: ask.call, answer });
    }

    /// Answers, and keeps the answer for the same call.
    pub(super) fn conclude(&mut self, ask: Ask, answer: Answer) {
        self.keep(ask, Kept::Whole(answer.clone()));
        self.say(ask, answer);
    }

    pub(super) fn keep(&mut self, ask: Ask, kept: Kept) {
        if let Some(chat) = self.chat_mut(ask).filter(|_| !ask.overtaken) {
            chat.last = Some(Last { call: ask.call, print: ask.print, kept });
        }
    }

    pub(super) fn sms(&mut self, ask: Ask, to: Mobile, text: Text) {
        let (contact, call) = (ask.asker.contact, ask.call);
        self.effects.push(AccountEffect::Sms { contact, call, to, text, or_template: None, from: 0 });
    }

    /// Ends every login at once: nothing written under the old epoch leaves any more. The chat whose answer says
    /// so needs no notice: it would take from it the very call that it waits for.
    pub(super) fn end_logins(&mut self, changes_shut_until: Option<Timestamp>, told: Option<ContactId>) {
        self.account.epoch = self.account.epoch.saturating_add(1);
        self.account.changes_shut_until = self.account.changes_shut_until.max(changes_shut_until);
        let ended: Vec<ContactId> =
            self.account.chats.iter_mut().filter_map(|chat| chat.login.take().map(|_| chat.contact)).collect();
        let others = ended.into_iter().filter(|contact| told != Some(*contact));
        self.effects.extend(others.map(|contact| AccountEffect::EndLogin { contact }));
    }

    /// Asks who stands under the phone.
    pub(super) fn look_up(&mut self, ask: Ask, wanted: Wanted) {
        // An SMS that finds no place is not sent, and that is not said: the answer was given before.
        let answered = matches!(wanted, Wanted::Sms { .. });
        match self.account.jobs.open(Job::People { ask, wanted }) {
            Some(job) => self.effects.push(AccountEffect::LookUp { job, account: self.context.phone }),
            None if answered => {}
            None => self.say(ask, Answer::Down),
        }
    }

    /// The people under the phone, or why they could not be read.
    pub(super) fn people(&mut self, job: JobId, result: Result<Vec<Person>, NeighbourError>) {
        let Some(Job::People { ask, wanted }) = self.account.jobs.take(job) else { return };
        let people = match result {
            Ok(people) => people,
            Err(NeighbourError::NotFound { .. }) => Vec::new(),
            Err(_) if matches!(wanted, Wanted::Sms { .. }) => return,
            Err(_) => return self.say(ask, Answer::Down),
        };
        match wanted {
            Wanted::OwnChallenge => self.challenge_own(ask, !people.is_empty()),
            Wanted::Sms { .. } if people.is_empty() => {}
            Wanted::Sms { challenge } => self.sms_code(ask, challenge),
            Wanted::StepUp { .. } => self.read(ask, wanted, people),
            Wanted::Identify { ref claims, counted } => {
                let fits = |person: &Person| {
                    self.may_be_named(ask, person.nik)
                        && claims.iter().any(|claim| super::identify::fits(claim, person))
                };
                let hits: Vec<Person> = people.iter().filter(|person| fits(person)).cloned().collect();
                if counted.is_none() {
                    self.count_wrong_names(claims, &people, &hits);
                }
                self.read(ask, wanted, hits);
            }
            Wanted::Record { ref person } | Wanted::Issued { ref person, .. } => {
                match people.into_iter().find(|candidate| candidate.id == *person) {
                    Some(person) => self.read(ask, wanted, vec![person]),
                    None => self.say(ask, Answer::LoginGone),
                }
            }
            Wanted::ChangeName { person, name } => self.change_name(ask, &people, &person, name),
            Wanted::ChangePhone { person, to } => self.change_phone(ask, &people, &person, to),
        }
    }

    /// Reads the records of these people, all at once.
    fn read(&mut self, ask: Ask, wanted: Wanted, people: Vec<Person>) {
        let readings: Vec<Reading> = people.into_iter().map(|person| Reading { person, record: None }).collect();
        if readings.is_empty() {
            return self.read_all(ask, wanted, &readings);
        }
        let people: Vec<Person> = readings.iter().map(|reading| reading.person.clone()).collect();
        let left = people.len();
        let Some(of) = self.account.jobs.open(Job::Records { ask, wanted, readings, left }) else {
            return self.say(ask, Answer::Down);
        };
        let mut reads = Vec::with_capacity(left);
        for (index, person) in people.into_iter().enumerate() {
            let Some(job) = self.account.jobs.open(Job::Read { of, index }) else {
                self.account.jobs.give_up(of);
                return self.say(ask, Answer::Down);
            };
            reads.push(AccountEffect::ReadRecord { job, person: Box::new(person) });
        }
        self.effects.append(&mut reads);
    }

    /// One record, or why it could not be read.
    pub(super) fn record(&mut self, job: JobId, result: Result<VaccinationRecord, NeighbourError>) {
        let Some(Job::Read { of, index }) = self.account.jobs.take(job) else { return };
        let record = match result {
            Ok(record) => Some(record),
            // A registry that knows him otherwise than the directory does: a miss, and the desk's.
            Err(NeighbourError::NotFound { .. } | NeighbourError::Conflict { .. }) => None,
            Err(_) => {
                if let Some(ask) = self.account.jobs.give_up(of).and_then(|job| job.ask()) {
                    self.say(ask, Answer::Down);
                }
                return;
            }
        };
        let Some(Job::Records { readings, left, .. }) = self.account.jobs.get_mut(of) else { return };
        if let Some(reading) = readings.get_mut(index) {
            reading.record = record;
        }
        *left -= 1;
        if *left == 0
            && let Some(Job::Records { ask, wanted, readings, .. }) = self.account.jobs.take(of)
        {
            self.read_all(ask, wanted, &readings);
        }
    }

    fn read_all(&mut self, ask: Ask, wanted: Wanted, readings: &[Reading]) {
        match wanted {
            Wanted::StepUp { month, year } => self.stepped_up(ask, month, year, readings),
            Wanted::Identify { claims, counted } => self.identified(ask, &claims, counted, readings),
            Wanted::Record { .. } => self.record_read(ask, readings),
            Wanted::Issued { dose, .. } => self.issued(ask, dose, readings),
            Wanted::OwnChallenge | Wanted::Sms { .. } | Wanted::ChangeName { .. } | Wanted::ChangePhone { .. } => {}
        }
    }
}

/// Whether a right answer to this request leaves the chat logged in.
fn opens(request: &Request) -> bool {
    use crate::domain::otp::OtpPurpose::{Fresh, Login};
    matches!(request, Request::StepUp { .. } | Request::CheckOtp { purpose: Login | Fresh, .. })
}

/// Tells two requests apart; kept sealed in the record like all else.
fn fingerprint(request: &Request) -> u64 {
    let bytes = postcard::to_stdvec(request).unwrap_or_default();
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    hash.iter().take(8).fold(0, |print, byte| print << 8 | u64::from(*byte))
}
