//! The world of a transcript: chats, accounts and neighbours that answer at once.
//!
//! It does what the actors do, in one thread and without a disk: a turn is stepped, its effects are carried
//! out in order, answers become the next events, until nothing is left to do. What waits (a call that is made
//! again, a wish to be woken) happens when the clock moves.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use super::codes::Codes;
use super::desk::Desk;
use super::names::Names;
use super::people::People;
use crate::account::{Account, AccountEvent, AccountRules};
use crate::conversation::age;
use crate::conversation::text::Texts;
use crate::conversation::{Context, Effect, Event, Notice, Reply, Rules, State, step};
use crate::domain::call::{Call, CallId};
use crate::domain::contact::{BusinessNumber, ContactId, Identity};
use crate::domain::keys::LookupKey;
use crate::domain::message::{Button, Content, Inbound, MessageId, Outbound};
use crate::domain::phone::Mobile;
use crate::domain::ticket::TicketNumber;
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::transcript::Way;
use crate::transcript::directive::{Gateway, TicketNews};

/// A transcript that sets no clock starts on Monday, 23 November 2026, 09.00 WIB.
const START: Timestamp = Timestamp(1_795_399_200_000);
/// More steps than this without anyone writing or waiting: something runs in a circle.
const STEPS_MAX: usize = 2_000;

pub(super) struct World<'t> {
    pub(super) texts: &'t Texts,
    pub(super) rules: Rules,
    pub(super) account_rules: AccountRules,
    pub(super) now: Timestamp,
    /// How long the next turn was on its way.
    pub(super) late_ms: i64,
    pub(super) names: Names,
    pub(super) chats: Vec<Chat>,
    pub(super) accounts: BTreeMap<Mobile, Account>,
    pub(super) undo: BTreeMap<LookupKey, Mobile>,
    pub(super) people: People,
    pub(super) desk: Desk,
    pub(super) codes: RefCell<Codes>,
    /// Sent in this exchange and not asserted yet.
    pub(super) sms: Vec<(Way, Mobile, String)>,
    pub(super) gateway: Gateway,
    pub(super) restless: bool,
    pub(super) tasks: VecDeque<Task>,
    /// How long the directory and the registry take for a number. They answer at once for all others.
    pub(super) slow_ms: BTreeMap<Mobile, i64>,
    pub(super) later: Vec<(Timestamp, Later)>,
    pub(super) steps: u64,
    messages: u64,
}

/// A chat as both ends know it.
#[derive(Default)]
pub(super) struct Chat {
    pub(super) identity: Identity,
    pub(super) state: State,
    /// Chats that turned out to be this one.
    pub(super) formerly: Vec<ContactId>,
    revision: u64,
    wake_at: Option<Timestamp>,
    said: Vec<(MessageId, Outbound)>,
    unread: VecDeque<Outbound>,
    last_heard: Option<MessageId>,
}

/// A message on its way in.
pub(super) struct Heard {
    pub(super) content: Content,
    pub(super) quotes: Option<MessageId>,
}

/// What happens when its time has come.
pub(super) enum Later {
    /// A call that is made again.
    Call(ContactId, Call),
    /// What a slow neighbour answers.
    Account(Mobile, AccountEvent),
}

pub(super) enum Task {
    Turn(ContactId, Vec<Event>),
    Account(Mobile, AccountEvent),
}

impl<'t> World<'t> {
    pub(super) fn new(texts: &'t Texts) -> Self {
        Self {
            texts,
            rules: Rules::default(),
            account_rules: AccountRules::default(),
            now: START,
            late_ms: 0,
            names: Names::default(),
            chats: Vec::new(),
            accounts: BTreeMap::new(),
            undo: BTreeMap::new(),
            people: People::new(),
            desk: Desk::new(),
            codes: RefCell::default(),
            sms: Vec::new(),
            gateway: Gateway::Up,
            restless: false,
            tasks: VecDeque::new(),
            slow_ms: BTreeMap::new(),
            later: Vec::new(),
            steps: 0,
            messages: 0,
        }
    }

    pub(super) fn chat(&self, id: ContactId) -> Option<&Chat> {
        usize::try_from(id.0).ok().and_then(|place| self.chats.get(place))
    }

    fn chat_mut(&mut self, id: ContactId) -> Option<&mut Chat> {
        usize::try_from(id.0).ok().and_then(|place| self.chats.get_mut(place))
    }

    /// Messages of a chat that arrive together.
    pub(super) fn hear(&mut self, who: ContactId, heard: Vec<Heard>) {
        let now = self.now;
        let sent_at = now.plus_ms(-std::mem::take(&mut self.late_ms));
        let mut events = Vec::with_capacity(heard.len());
        for Heard { content, quotes } in heard {
            let id = self.message_id();
            let Some(chat) = self.chat_mut(who) else { return };
            if !matches!(content, Content::Edit { .. } | Content::Revoke { .. }) {
                chat.last_heard = Some(id.clone());
            }
            let (from, to) = (chat.identity.clone(), BusinessNumber("transcript".into()));
            let message = Inbound { id, from, to, sent_at, quotes, content };
            events.extend(age::taken_as(message, now, &self.rules));
        }
        if events.is_empty() {
            return;
        }
        self.tasks.push_back(Task::Turn(who, events));
        self.settle();
    }

    /// The clock moves on, and what waited for it happens in the order it is due.
    pub(super) fn wait_until(&mut self, until: Timestamp) {
        for _ in 0..STEPS_MAX {
            let later = self.later.iter().map(|(at, _)| *at).min();
            let wake = self.chats.iter().filter_map(|chat| chat.wake_at).min();
            let Some(due) = [later, wake].into_iter().flatten().min().filter(|due| *due <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(due);
            if let Some(place) = self.later.iter().position(|(at, _)| *at == due) {
                match self.later.remove(place).1 {
                    Later::Call(contact, call) => self.call(contact, call),
                    Later::Account(phone, event) => self.tasks.push_back(Task::Account(phone, event)),
                }
            } else if let Some(place) = self.chats.iter().position(|chat| chat.wake_at == Some(due)) {
                self.chats[place].wake_at = None;
                self.tasks.push_back(Task::Turn(ContactId(place as u64), vec![Event::Wake]));
            }
            self.settle();
        }
        self.restless = true;
        self.now = until;
    }

    /// The desk does something to a report. False: there is no such report.
    pub(super) fn ticket_moves(&mut self, number: TicketNumber, news: &TicketNews) -> bool {
        let Some((contact, ticket, words)) = self.desk.moves(number, news, self.now) else { return false };
        self.tasks.push_back(Task::Turn(contact, vec![Event::Notice(Notice::TicketMoved { ticket, words })]));
        self.settle();
        true
    }

    /// The button or row with this title, in the newest message that offered it.
    pub(super) fn offer(&self, who: ContactId, title: &str) -> Option<Heard> {
        self.chat(who)?.said.iter().rev().find_map(|(id, message)| {
            let buttons: &[Button] = match message {
                Outbound::Buttons { buttons, .. } => buttons,
                Outbound::List { rows, .. } => rows,
                Outbound::Text { .. } | Outbound::Certificate { .. } | Outbound::Template { .. } => &[],
            };
            let button = buttons.iter().find(|button| button.title.0 == title)?;
            let content = Content::Choice { id: button.id.clone(), title: button.title.clone() };
            Some(Heard { content, quotes: Some(id.clone()) })
        })
    }

    /// The n-th newest message of the service.
    pub(super) fn said(&self, who: ContactId, nth: usize) -> Option<MessageId> {
        self.chat(who)?.said.iter().rev().nth(nth.checked_sub(1)?).map(|(id, _)| id.clone())
    }

    pub(super) fn last_heard(&self, who: ContactId) -> Option<MessageId> {
        self.chat(who)?.last_heard.clone()
    }

    pub(super) fn next_unread(&mut self, who: ContactId) -> Option<Outbound> {
        self.chat_mut(who)?.unread.pop_front()
    }

    pub(super) fn any_unread(&mut self) -> Option<Outbound> {
        self.chats.iter_mut().find_map(|chat| chat.unread.pop_front())
    }

    pub(super) fn forget_unread(&mut self) {
        self.chats.iter_mut().for_each(|chat| chat.unread.clear());
    }

    fn message_id(&mut self) -> MessageId {
        self.messages += 1;
        MessageId(format!("wamid.{}", self.messages))
    }

    /// Works until nothing is left to do now.
    pub(super) fn settle(&mut self) {
        for _ in 0..STEPS_MAX {
            match self.tasks.pop_front() {
                Some(Task::Turn(contact, events)) => self.turn(contact, events),
                Some(Task::Account(phone, event)) => self.account(phone, event),
                None => return,
            }
        }
        self.tasks.clear();
        self.restless = true;
    }

    fn turn(&mut self, contact: ContactId, events: Vec<Event>) {
        let (now, texts) = (self.now, self.texts);
        let Some(chat) = usize::try_from(contact.0).ok().and_then(|place| self.chats.get_mut(place)) else { return };
        chat.revision += 1;
        let call = CallId(chat.revision);
        let said = &chat.said;
        let quoted = |id: &MessageId| {
            let found = said.iter().rev().find(|(said, _)| said == id);
            found.map(|(_, message)| std::sync::Arc::new(message.clone()))
        };
        let (identity, rules) = (&chat.identity, &self.rules);
        let context = Context { now, contact, call, identity, texts, rules, quoted: &quoted };
        let step = step(std::mem::take(&mut chat.state), events, &context);
        chat.state = step.state;
        chat.wake_at = step.wake_at;
        for effect in step.effects {
            match effect {
                Effect::Say(reply) => self.say(contact, reply),
                Effect::Call { call, after_s: 0 } => self.call(contact, call),
                Effect::Call { call, after_s } => {
                    let at = now.plus_ms(i64::from(after_s) * SECOND_MS);
                    self.later.push((at, Later::Call(contact, call)));
                }
                // Nothing is kept here beside what stands in the citizen's own phone.
                Effect::Purge(_) | Effect::Erase => {}
            }
        }
    }

    /// Personal data leaves only under the login it was written for.
    fn say(&mut self, contact: ContactId, reply: Reply) {
        let stale = reply.epoch.is_some_and(|login| {
            self.accounts.get(&login.account).is_none_or(|account| account.epoch() != login.epoch)
        });
        let id = self.message_id();
        if let Some(chat) = self.chat_mut(contact).filter(|_| !stale) {
            chat.unread.push_back(reply.message.clone());
            chat.said.push((id, reply.message));
        }
    }
}
