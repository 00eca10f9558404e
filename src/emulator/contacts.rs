//! What the emulator knows of citizens: their 24 h windows, their pair buckets, what awaits a reply.
//!
//! A citizen who shows phone and BSUID is one chat, named by the phone; the BSUID is an alias of it.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Instant;

use dashmap::DashMap;
use smallvec::SmallVec;

use super::error::SayError;
use super::event::Answer;
use super::rate::{Bucket, PAIR};
use super::say::Sender;
use super::world::lock;
use crate::domain::contact::{Bsuid, Recipient};
use crate::domain::phone::Phone;
use crate::domain::time::{DAY_MS, Timestamp};

/// Messages of one citizen that await a reply; then the oldest is no longer measured.
const AWAITING_MAX: usize = 32;

/// All citizens that wrote, or were written to.
pub(super) struct Contacts {
    /// `Bounds::contacts_max`.
    room: usize,
    of: DashMap<(usize, Recipient), Contact>,
    aliases: DashMap<Bsuid, Phone>,
    /// The WhatsApp account that wrote from a phone last: what goes to an earlier one is not shown there.
    accounts: DashMap<Phone, Bsuid>,
    inbound: Mutex<Inbound>,
}

#[derive(Default)]
struct Contact {
    wrote_at: Option<Timestamp>,
    pair: Bucket,
    awaiting: SmallVec<[(String, Instant); 1]>,
}

/// Inbound message ids and whose they are, oldest first.
struct Inbound {
    ids_max: usize,
    order: VecDeque<String>,
    chats: HashMap<String, (usize, Recipient)>,
}

impl Contacts {
    pub(super) fn new(contacts_max: usize, ids_max: usize) -> Self {
        let inbound = Inbound { ids_max, order: VecDeque::new(), chats: HashMap::new() };
        Self {
            room: contacts_max,
            of: DashMap::new(),
            aliases: DashMap::new(),
            accounts: DashMap::new(),
            inbound: Mutex::new(inbound),
        }
    }

    /// Whether all of these can be held, known or new.
    pub(super) fn room_for<'a>(&self, chats: impl Iterator<Item = &'a (usize, Recipient)>) -> bool {
        let new = chats.filter(|chat| !self.of.contains_key(*chat)).count();
        new == 0 || self.of.len().saturating_add(new) <= self.room
    }

    /// Notes that a citizen wrote: opens the window, starts the wait for a reply. Gives the chat.
    pub(super) fn wrote(
        &self,
        number: usize,
        from: &Sender,
        message_id: &str,
        now: Timestamp,
    ) -> Result<Recipient, SayError> {
        if let (Some(phone), Some(bsuid)) = (from.phone, &from.bsuid) {
            let former = self.accounts.insert(phone, bsuid.clone()).filter(|former| former != bsuid);
            if let Some(former) = former {
                self.aliases.remove_if(&former, |_, of| *of == phone);
            }
            self.aliases.insert(bsuid.clone(), phone);
        }
        let chat = self.resolve(from.chat().ok_or(SayError::Nobody)?);
        {
            let mut contact = self.of.entry((number, chat.clone())).or_default();
            contact.wrote_at = Some(now);
            if contact.awaiting.len() == AWAITING_MAX {
                contact.awaiting.remove(0);
            }
            contact.awaiting.push((message_id.to_owned(), Instant::now()));
        }
        lock(&self.inbound).note(message_id, number, &chat);
        Ok(chat)
    }

    /// The chat behind an address: a BSUID seen together with a phone is that phone's chat.
    pub(super) fn resolve(&self, to: Recipient) -> Recipient {
        match &to {
            Recipient::Bsuid(bsuid) => self.aliases.get(bsuid).map_or(to.clone(), |phone| Recipient::Phone(*phone)),
            Recipient::Phone(_) => to,
        }
    }

    /// Whether the citizen wrote within the last 24 h.
    pub(super) fn window_open(&self, number: usize, chat: &Recipient, now: Timestamp) -> bool {
        let wrote_at = self.of.get(&(number, chat.clone())).and_then(|contact| contact.wrote_at);
        wrote_at.is_some_and(|at| now.since_ms(at) < DAY_MS)
    }

    /// Takes one from the pair bucket. A stranger there is no room for has none, and is not held to it.
    pub(super) fn pair_allows(&self, number: usize, chat: &Recipient, now: Timestamp) -> bool {
        let key = (number, chat.clone());
        !self.room_for(std::iter::once(&key)) || self.of.entry(key).or_default().pair.take(PAIR, now)
    }

    /// A reply came: what it answers, and how long that took.
    pub(super) fn answered(&self, number: usize, chat: &Recipient) -> Vec<Answer> {
        let Some(mut contact) = self.of.get_mut(&(number, chat.clone())) else { return Vec::new() };
        let awaiting = std::mem::take(&mut contact.awaiting);
        awaiting.into_iter().map(|(id, since)| Answer { id, ms: millis(since) }).collect()
    }

    /// Whose message this id is.
    pub(super) fn chat_of(&self, message_id: &str) -> Option<(usize, Recipient)> {
        lock(&self.inbound).chats.get(message_id).cloned()
    }
}

impl Inbound {
    fn note(&mut self, id: &str, number: usize, chat: &Recipient) {
        if self.chats.insert(id.to_owned(), (number, chat.clone())).is_some() {
            return;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > self.ids_max
            && let Some(oldest) = self.order.pop_front()
        {
            self.chats.remove(&oldest);
        }
    }
}

/// Milliseconds since a moment, to the microsecond.
pub(super) fn millis(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
