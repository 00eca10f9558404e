//! The accounts of a shard: one event at a time each, the rest in line.
//!
//! Bounded: so many awake (past it the longest idle leaves, and when none is idle a new one fails closed) and so
//! many events in line at one. What is refused is answered `Down`; the session asks again later.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use actix::{Addr, ArbiterHandle};

use crate::account::AccountEvent;
use crate::actors::account::{AccountKeeper, Handle};
use crate::actors::board::{Board, Mail};
use crate::actors::session::Home;
use crate::actors::supervision::{self, Exit};
use crate::domain::call::Answer;
use crate::domain::keys::LookupKey;
use crate::domain::phone::Mobile;
use crate::domain::time::Timestamp;
use crate::metrics;

/// The accounts in memory.
pub struct Accounts {
    home: Home,
    on: ArbiterHandle,
    live: HashMap<LookupKey, Live>,
    idle: BTreeMap<u64, LookupKey>,
    rank: u64,
    life: u64,
    busy: usize,
}

struct Live {
    address: Addr<AccountKeeper>,
    life: u64,
    rank: u64,
    used_at: Timestamp,
    line: VecDeque<Box<AccountEvent>>,
    /// What it handles now; kept so that whoever asked can be answered if it ends badly.
    working: Option<Asking>,
    /// Its own calls are under way.
    busy: bool,
}

/// Who waits for the event that is handled.
#[derive(Clone, Copy)]
enum Asking {
    Chat(crate::domain::contact::ContactId, crate::domain::call::CallId),
    Nobody,
}

impl Accounts {
    pub fn new(home: Home, on: ArbiterHandle) -> Self {
        // Lives of another generation have other numbers.
        let life = u64::from(home.writer.generation) << 32;
        Self { home, on, live: HashMap::new(), idle: BTreeMap::new(), rank: 0, life, busy: 0 }
    }

    /// How many are in memory.
    pub fn awake(&self) -> usize {
        self.live.len()
    }

    /// How many have something to do.
    pub fn busy(&self) -> usize {
        self.busy
    }

    fn board(&self) -> Arc<Board> {
        Arc::clone(self.home.shards.board(self.home.shard))
    }

    /// Puts an event in line at its account.
    pub fn give(&mut self, phone: Mobile, event: Box<AccountEvent>) {
        let key = self.home.neighbours.keys.account(phone);
        if !self.live.contains_key(&key) && !self.wake(phone, key) {
            return self.refuse(&event);
        }
        let Some(live) = self.live.get_mut(&key) else { return };
        let was_idle = live.may_go();
        // Answers of neighbours are awaited, and bounded by the calls that were made.
        let question = matches!(*event, AccountEvent::Asked { .. });
        if question && live.line.len() >= self.home.neighbours.figures.account_events_max {
            return self.refuse(&event);
        }
        live.line.push_back(event);
        self.busy += usize::from(was_idle);
        self.next(key);
    }

    fn refuse(&self, event: &AccountEvent) {
        if let Asking::Chat(contact, call) = asking(event) {
            metrics::neighbour_called("account", "refused");
            self.home.shards.tell_contact(contact, Mail::Answer { contact, call, answer: Answer::Down });
        }
    }

    fn next(&mut self, key: LookupKey) {
        use actix::dev::SendError;
        let Some(live) = self.live.get_mut(&key) else { return };
        if live.working.is_some() {
            return;
        }
        let Some(event) = live.line.pop_front() else { return };
        live.working = Some(asking(&event));
        if let Err(SendError::Full(Handle(event)) | SendError::Closed(Handle(event))) =
            live.address.try_send(Handle(event))
        {
            live.working = None;
            live.line.push_front(event);
        }
    }

    fn wake(&mut self, phone: Mobile, key: LookupKey) -> bool {
        if self.live.len() >= self.home.neighbours.figures.accounts_awake_max.max(1) {
            let longest = self.idle.values().find(|key| self.live.get(key).is_some_and(Live::may_go)).copied();
            let Some(longest) = longest else { return false };
            self.let_go(longest);
        }
        self.life += 1;
        let life = self.life;
        let home = self.home.clone();
        let board = self.board();
        let address = supervision::spawn(
            &self.on,
            self.home.neighbours.figures.mailbox_messages_max,
            move |_, ending| AccountKeeper::new(phone, key, life, home, ending),
            move |exit| {
                if exit != Exit::Passivated {
                    board.post(Mail::AccountEnded { key, life, exit });
                }
            },
        );
        self.rank += 1;
        self.idle.insert(self.rank, key);
        let used_at = self.home.neighbours.clock.now();
        let live = Live { address, life, rank: self.rank, used_at, line: VecDeque::new(), working: None, busy: false };
        self.live.insert(key, live);
        true
    }

    fn let_go(&mut self, key: LookupKey) -> Option<Live> {
        let live = self.live.remove(&key)?;
        self.idle.remove(&live.rank);
        Some(live)
    }

    /// An event is handled.
    pub fn turned(&mut self, key: LookupKey, life: u64, busy: bool) {
        let now = self.home.neighbours.clock.now();
        let Some(live) = self.live.get_mut(&key).filter(|live| live.life == life) else { return };
        live.working = None;
        live.busy = busy;
        self.busy -= usize::from(live.may_go());
        live.used_at = now;
        self.rank += 1;
        self.idle.remove(&std::mem::replace(&mut live.rank, self.rank));
        self.idle.insert(self.rank, key);
        self.next(key);
    }

    /// An account ended and was not let go: who waited for it hears `Down`, and asks again.
    pub fn ended(&mut self, key: LookupKey, life: u64, exit: Exit) {
        if self.live.get(&key).is_none_or(|live| live.life != life) {
            return;
        }
        metrics::actor_failed("account", exit.name());
        tracing::error!(?exit, "an account ended");
        let Some(live) = self.let_go(key) else { return };
        self.busy -= usize::from(!live.may_go());
        if let Some(Asking::Chat(contact, call)) = live.working {
            self.home.shards.tell_contact(contact, Mail::Answer { contact, call, answer: Answer::Down });
        }
        live.line.iter().for_each(|event| self.refuse(event));
    }

    /// Lets the idle go.
    pub fn tick(&mut self, now: Timestamp) {
        let after_ms = self.home.neighbours.figures.passivate_after_ms;
        let gone: Vec<LookupKey> = self
            .idle
            .values()
            .take_while(|key| self.live.get(key).is_none_or(|live| now.since_ms(live.used_at) >= after_ms))
            .filter(|key| self.live.get(key).is_none_or(Live::may_go))
            .copied()
            .collect();
        for key in gone {
            self.let_go(key);
        }
    }
}

fn asking(event: &AccountEvent) -> Asking {
    match event {
        AccountEvent::Asked { asker, call, .. } => Asking::Chat(asker.contact, *call),
        AccountEvent::Persons { .. }
        | AccountEvent::Record { .. }
        | AccountEvent::Changed { .. }
        | AccountEvent::TicketFiled { .. }
        | AccountEvent::ByTemplate { .. }
        | AccountEvent::Delivered { .. }
        | AccountEvent::Undeliverable { .. }
        | AccountEvent::EndLogins { .. }
        | AccountEvent::HoldPhone { .. }
        | AccountEvent::Settle => Asking::Nobody,
    }
}

impl Live {
    fn may_go(&self) -> bool {
        self.working.is_none() && !self.busy && self.line.is_empty()
    }
}
