//! What an account keeps, and what of it time takes away.
//!
//! Everything is kept a pair (chat, account), so that nothing a stranger's chat does reaches another chat's
//! code, tries or lock. What is durable stays under 4 KiB whatever happens: every list has a bound here.
//! Work in flight is not durable: the session asks again under the same call.
//!
//! Invariant: [`Account::settle`] runs before every step, so the rest of the module sees only what is alive.
//! A clock that jumps back never makes a code or a login live longer; it may only end them early.
//!
//! How it rested in older versions is in [`older`].

mod challenge;
pub mod older;

use serde::{Deserialize, Serialize};

pub(super) use challenge::{Challenge, Heard};

use super::job::{Changing, Job, Jobs, Wanted};
use super::{AccountRules, JobId};
use crate::domain::call::{Answer, Asker, CallId};
use crate::domain::citizen::PersonId;
use crate::domain::contact::ContactId;
use crate::domain::keys::LookupKey;
use crate::domain::message::Text;
use crate::domain::name::Name;
use crate::domain::phone::Mobile;
use crate::domain::ticket::TicketView;
use crate::domain::time::{DAY_MS, SECOND_MS, Timestamp};

/// Chats an account remembers at once. Past it a new stranger is answered as locked.
pub(super) const CHATS_MAX: usize = 12;
/// Of these, chats that neither write from the account's own number nor ever proved it: the rest is a reserve
/// that strangers cannot take from those who belong here.
pub(super) const STRANGERS_MAX: usize = 8;
/// Changes that can still be undone. Past it changes are shut until the oldest runs out.
pub(super) const CHANGES_MAX: usize = 6;
/// Who proved this number once keeps his place among its own this long, if nobody else needs it.
const PROVEN_MS: i64 = 400 * DAY_MS;
/// An unused chat, and an unused account, are forgotten after this long.
const IDLE_MS: i64 = DAY_MS;

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Grows whenever all logins end at once; never falls, so an old one never fits again.
    pub(super) epoch: u32,
    pub(super) used_at: Timestamp,
    pub(super) proof: Option<Proof>,
    pub(super) changes_shut_until: Option<Timestamp>,
    pub(super) phone_shut_until: Option<Timestamp>,
    pub(super) chats: Vec<Chat>,
    pub(super) changes: Vec<Change>,
    /// When codes went out to chats that never proved this number, within a day.
    pub(super) stranger_sends: Vec<Timestamp>,
    pub(super) nik_misses: Vec<NikMisses>,
    #[serde(skip)]
    pub(super) jobs: Jobs,
}

/// That somebody proved this phone, and with which WhatsApp account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Proof {
    pub(super) at: Timestamp,
    /// The BSUID of the phone's own WhatsApp when it last logged in.
    pub(super) bsuid: Option<LookupKey>,
    /// Another BSUID that wrote from the phone since, and for which the logins were already ended.
    pub(super) suspect: Option<LookupKey>,
}

/// One chat's dealings with this account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chat {
    pub(super) contact: ContactId,
    pub(super) used_at: Timestamp,
    /// Writes from the account's own number, or proved it once: not a stranger.
    pub(super) belongs: bool,
    pub(super) login: Option<ChatLogin>,
    /// At most one a purpose.
    pub(super) challenges: Vec<Challenge>,
    /// When codes were sent, within the window; fresh ones have a budget of their own.
    pub(super) sends: Vec<Timestamp>,
    pub(super) fresh_sends: Vec<Timestamp>,
    pub(super) lock: Option<Lock>,
    pub(super) misses: Misses,
    pub(super) last: Option<Last>,
}

/// That a chat is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChatLogin {
    pub(super) since: Timestamp,
    /// Month and year of the last vaccination are still owed: tries that are left.
    pub(super) step_up: Option<u8>,
    /// By a code that went another way than by SMS: it shows and never changes.
    pub(super) weak: bool,
}

/// A stop of all attempts; remembered a day past its end, so that the next one is longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lock {
    pub(super) until: Timestamp,
    pub(super) count: u8,
}

/// Names and NIKs that did not fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Misses {
    /// Since the last lock, less one a hit.
    pub(super) open: u8,
    pub(super) today: u8,
    pub(super) day_from: Timestamp,
}

/// Wrong names for one NIK of this phone, whoever typed them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NikMisses {
    pub(super) print: u64,
    pub(super) today: u8,
    pub(super) day_from: Timestamp,
}

/// The answer to the last call, so that a call made again after a restart changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Last {
    pub(super) call: CallId,
    /// A hash of the request: a contact that was erased counts its calls anew, and must not meet old answers.
    pub(super) print: u64,
    pub(super) kept: Kept,
}

/// What is kept of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kept {
    /// All of it.
    Whole(Answer),
    /// A change that was made, with the SMS that tells of it (and may not have left yet).
    Told { answer: Answer, sms: Text },
    /// People were identified and the misses counted; the people are read anew.
    Counted { misses_left: u8 },
    /// The directory was asked to make this change, and may have made it: asked again it is this one and no other.
    Changing(Changing),
}

/// A change of data that its undo code still takes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) key: LookupKey,
    pub(super) expires_at: Timestamp,
    pub(super) person: PersonId,
    pub(super) what: What,
    pub(super) stage: Stage,
}

/// What was changed, and what it takes to put it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    Name { before: Name },
    Phone { to: Mobile },
}

/// How far an undo has come; each stage is durable, so that an interrupted one goes on where it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    Open,
    /// Logins are ended and changes shut. `whole`: the registry took the change back; else the desk has to.
    PutBack {
        whole: bool,
    },
    /// The report is filed: the same code gets the same answer.
    Filed {
        ticket: TicketView,
        whole: bool,
    },
}

impl Account {
    /// The auth epoch: a row with personal data leaves only while this is the epoch it was written under.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether the record can be forgotten: unused for a day, and no lock, hold, undo or proof to remember.
    /// (The proof is what a changed BSUID and twelve silent months are measured against.)
    pub fn is_idle(&self, now: Timestamp) -> bool {
        let held = |until: Option<Timestamp>| until.is_some_and(|until| until > now);
        now.since_ms(self.used_at) >= IDLE_MS
            && self.proof.is_none()
            && !held(self.changes_shut_until)
            && !held(self.phone_shut_until)
            && self.changes.iter().all(|change| change.expires_at <= now)
            && self.chats.iter().all(|chat| chat.lock.as_ref().is_none_or(|lock| lock.remembered_until() <= now))
    }

    /// Says where the numbers of its jobs begin, each time it is read from its record: what a neighbour still
    /// answers to an earlier life must fit no job of this one.
    pub fn number_jobs_from(&mut self, first: u64) {
        self.jobs.number_from(first);
    }

    /// Who asked for a code to his own number, if that is what this job is for.
    pub(super) fn own_challenge(&self, job: JobId) -> Option<Asker> {
        match self.jobs.get(job)? {
            Job::People { ask, wanted: Wanted::OwnChallenge } => Some(ask.asker),
            Job::People { .. }
            | Job::Records { .. }
            | Job::Read { .. }
            | Job::Change { .. }
            | Job::PutBack { .. }
            | Job::Report { .. } => None,
        }
    }

    /// Whether a change can no longer be undone: a step drops it, and the row of its undo code with it.
    pub fn has_spent_changes(&self, now: Timestamp) -> bool {
        self.changes.iter().any(|change| change.expires_at <= now)
    }

    /// Drops what time has ended; gives the undo codes that no longer mean anything.
    pub(super) fn settle(&mut self, now: Timestamp, rules: &AccountRules) -> Vec<LookupKey> {
        let spent = |until: Option<Timestamp>, longest_s: u32| {
            until.filter(|until| *until > now).map(|until| until.min(later(now, longest_s)))
        };
        self.changes_shut_until = spent(self.changes_shut_until, rules.changes_shut_s);
        self.phone_shut_until = spent(self.phone_shut_until, rules.phone_changes_every_s);
        for chat in &mut self.chats {
            chat.settle(now, rules);
        }
        // A clock that jumps back frees nothing: what was counted counts as of now.
        self.stranger_sends.iter_mut().for_each(|at| *at = (*at).min(now));
        self.stranger_sends.retain(|at| now.since_ms(*at) < DAY_MS);
        self.nik_misses.iter_mut().for_each(|misses| misses.day_from = misses.day_from.min(now));
        self.chats.retain(|chat| {
            let kept_ms = if chat.belongs { PROVEN_MS } else { IDLE_MS };
            chat.login.is_some() || chat.lock.is_some() || now.since_ms(chat.used_at) < kept_ms
        });
        let gone = self.changes.iter().filter(|change| change.expires_at <= now).map(|change| change.key).collect();
        self.changes.retain(|change| change.expires_at > now);
        gone
    }

    pub(super) fn chat(&self, contact: ContactId) -> Option<&Chat> {
        self.chats.iter().find(|chat| chat.contact == contact)
    }

    pub(super) fn chat_mut(&mut self, contact: ContactId) -> Option<&mut Chat> {
        self.chats.iter_mut().find(|chat| chat.contact == contact)
    }

    /// A chat turned out to be another one: the stricter of what counts against both, and no login.
    pub(super) fn join(&mut self, former: ContactId, into: ContactId) {
        let Some(place) = self.chats.iter().position(|chat| chat.contact == former) else { return };
        let former = self.chats.remove(place);
        if let Some(chat) = self.chat_mut(into) {
            return chat.absorb(former);
        }
        let mut chat = Chat::new(into, false, former.used_at);
        chat.absorb(former);
        self.chats.push(chat);
    }

    /// Makes sure that a chat has its place. False: there is none, and nothing may be counted for it.
    pub(super) fn admit(&mut self, contact: ContactId, own_number: bool, now: Timestamp) -> bool {
        if let Some(chat) = self.chat_mut(contact) {
            chat.used_at = now;
            chat.belongs |= own_number;
            return true;
        }
        let strangers = self.chats.iter().filter(|chat| !chat.belongs).count();
        if self.chats.len() >= CHATS_MAX || (!own_number && strangers >= STRANGERS_MAX) {
            // The account's own number may take a place, and only that of the chat least in use that has nothing
            // to lose: a stranger's counters are what stops him. Others may take one that was long not used.
            let idle = |chat: &&Chat| chat.belongs && chat.login.is_none() && chat.lock.is_none();
            let oldest = self.chats.iter().filter(idle).min_by_key(|chat| chat.used_at);
            let long_idle = oldest.is_some_and(|chat| now.since_ms(chat.used_at) >= IDLE_MS);
            match oldest.map(|chat| chat.contact) {
                Some(oldest) if own_number || (long_idle && strangers < STRANGERS_MAX) => {
                    self.chats.retain(|chat| chat.contact != oldest);
                }
                _ => return false,
            }
        }
        self.chats.push(Chat::new(contact, own_number, now));
        true
    }
}

/// `seconds` after `now`.
pub(super) fn later(now: Timestamp, seconds: u32) -> Timestamp {
    now.plus_ms(i64::from(seconds) * SECOND_MS)
}

#[cfg(test)]
mod tests;
