//! The sessions of a shard: who is awake, who works, who may go.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use actix::{Addr, ArbiterHandle};

use crate::actors::board::{Board, Mail, Turned, Waiting};
use crate::actors::session::{Home, Moved, Session, Work, plan};
use crate::actors::supervision::{self, Exit, RestartWindow, Verdict};
use crate::domain::contact::ContactId;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::metrics;
use crate::ports::{Closing, Part, Record};

const RESTARTS_MAX: usize = 3;

/// The sessions in memory.
pub struct Sessions {
    home: Home,
    on: ArbiterHandle,
    live: HashMap<ContactId, Live>,
    /// By when they last had a turn, longest idle first.
    idle: BTreeMap<u64, ContactId>,
    rank: u64,
    life: u64,
    /// Of those that ended badly lately.
    windows: HashMap<ContactId, RestartWindow>,
    /// They found no place or no room in a mailbox; looked at again with each tick.
    put_off: Vec<ContactId>,
    /// They died lately, more than once: not before then.
    resting: BTreeMap<ContactId, Timestamp>,
    /// In-flight turns are not seen: only to show that the model test would find it out.
    #[cfg(test)]
    pub(super) blind: bool,
}

struct Live {
    address: Addr<Session>,
    life: u64,
    rank: u64,
    used_at: Timestamp,
    /// A turn is under way.
    working: bool,
    /// Its calls are under way.
    waiting: bool,
}

impl Sessions {
    pub fn new(home: Home, on: ArbiterHandle) -> Self {
        Self {
            // Lives of another generation have other numbers.
            life: u64::from(home.writer.generation) << 32,
            home,
            on,
            live: HashMap::new(),
            idle: BTreeMap::new(),
            rank: 0,
            windows: HashMap::new(),
            put_off: Vec::new(),
            resting: BTreeMap::new(),
            #[cfg(test)]
            blind: false,
        }
    }

    /// How many are in memory.
    pub fn awake(&self) -> usize {
        self.live.len()
    }

    /// Who they are, in order.
    #[cfg(test)]
    pub(super) fn who(&self) -> Vec<u64> {
        let mut who: Vec<u64> = self.live.keys().map(|contact| contact.0).collect();
        who.sort_unstable();
        who
    }

    fn board(&self) -> Arc<Board> {
        Arc::clone(self.home.shards.board(self.home.shard))
    }

    fn now(&self) -> Timestamp {
        self.home.neighbours.clock.now()
    }

    /// Gives a contact's session what waits for it, unless it has a turn under way.
    pub fn hand_over(&mut self, contact: ContactId) {
        if self.is_working(contact) || self.resting.contains_key(&contact) {
            return;
        }
        if !self.live.contains_key(&contact) && !self.make_room() {
            self.put_off.push(contact);
            return;
        }
        let figures = &self.home.neighbours.figures;
        let waiting = self.board().take(contact, figures.turn_rows_max);
        if waiting.is_empty() {
            return;
        }
        self.wake(contact);
        self.give(contact, waiting);
    }

    fn give(&mut self, contact: ContactId, waiting: Waiting) {
        use actix::dev::SendError;
        let Some(live) = self.live.get_mut(&contact) else { return };
        live.working = true;
        if let Err(SendError::Full(Work(waiting)) | SendError::Closed(Work(waiting))) =
            live.address.try_send(Work(waiting))
        {
            // Full: it waits. Closed: its end is in the mail, and puts it in line again.
            live.working = false;
            drop(waiting);
            self.board().failed(contact, false);
            self.put_off.push(contact);
        }
    }

    fn wake(&mut self, contact: ContactId) {
        if self.live.contains_key(&contact) {
            return;
        }
        self.life += 1;
        let life = self.life;
        let home = self.home.clone();
        let board = self.board();
        let address = supervision::spawn(
            &self.on,
            self.home.neighbours.figures.mailbox_messages_max,
            move |_, ending| Session::new(contact, life, home, ending),
            move |exit| {
                // Those that were let go are no news.
                if exit != Exit::Passivated {
                    board.post(Mail::SessionEnded { contact, life, exit });
                }
            },
        );
        self.rank += 1;
        self.idle.insert(self.rank, contact);
        let used_at = self.now();
        self.live.insert(contact, Live { address, life, rank: self.rank, used_at, working: false, waiting: false });
    }

    #[cfg(not(test))]
    fn is_working(&self, contact: ContactId) -> bool {
        self.live.get(&contact).is_some_and(|live| live.working)
    }

    #[cfg(test)]
    fn is_working(&self, contact: ContactId) -> bool {
        !self.blind && self.live.get(&contact).is_some_and(|live| live.working)
    }

    fn may_go(&self, contact: ContactId) -> bool {
        self.live.get(&contact).is_some_and(|live| !self.is_working(contact) && !live.waiting)
    }

    /// The longest idle goes when there is no place for one more.
    fn make_room(&mut self) -> bool {
        let figures = &self.home.neighbours.figures;
        if self.live.len() < (figures.sessions_awake_max / figures.shards.max(1)).max(1) {
            return true;
        }
        let longest = self.idle.values().find(|contact| self.may_go(**contact)).copied();
        longest.is_some_and(|contact| self.let_go(contact))
    }

    /// Its address goes; it ends when its mailbox is empty, which it is.
    fn let_go(&mut self, contact: ContactId) -> bool {
        let Some(live) = self.live.remove(&contact) else { return false };
        self.idle.remove(&live.rank);
        true
    }

    /// Tells a session that is awake; a full mailbox or a sleeper misses it.
    pub fn tell(&self, contact: ContactId, moved: Moved) {
        if let Some(live) = self.live.get(&contact) {
            let _missed = live.address.try_send(moved);
        }
    }

    /// A turn is over.
    pub fn turned(&mut self, turned: &Turned) {
        let now = self.now();
        // One of an older life has closed its rows, and that is all that is left of it.
        let Some(live) = self.live.get_mut(&turned.contact).filter(|live| live.life == turned.life) else { return };
        live.working = false;
        live.waiting = turned.waiting;
        live.used_at = now;
        self.rank += 1;
        self.idle.remove(&std::mem::replace(&mut live.rank, self.rank));
        self.idle.insert(self.rank, turned.contact);
        let board = self.board();
        board.wish(turned.contact, turned.due);
        board.asks(turned.contact, turned.asking);
        board.turned(turned.contact);
    }

    /// A session ended and was not let go.
    pub fn ended(&mut self, contact: ContactId, life: u64, exit: Exit) {
        if self.live.get(&contact).is_none_or(|live| live.life != life) {
            return;
        }
        self.let_go(contact);
        metrics::actor_failed("session", exit.name());
        tracing::error!(contact.id = contact.0, ?exit, "a session ended");
        let now = self.now();
        let window = self.windows.entry(contact).or_insert_with(|| RestartWindow::new(RESTARTS_MAX, MINUTE_MS));
        let verdict = window.record(now);
        let pause_ms = window.pause_ms(now);
        if verdict == Verdict::Spent {
            self.set_aside(contact, now);
        } else if pause_ms > 0 {
            self.resting.insert(contact, now.plus_ms(pause_ms));
        }
        let board = self.board();
        board.asks(contact, 0);
        // What it gave up by itself is not its message's fault.
        board.failed(contact, exit == Exit::Panicked);
    }

    /// The oldest row of a contact whose session cannot live with it becomes a dead letter.
    fn set_aside(&mut self, contact: ContactId, now: Timestamp) {
        let board = self.board();
        let Some((id, row)) = board.oldest(contact) else { return };
        let parts =
            vec![Part::DeadLetter(plan::poison(contact, now, Some(&row))), Part::CloseInbox(id, Closing::DeadLettered)];
        match self.home.neighbours.store.append(Record { writer: Some(self.home.writer), parts }) {
            Ok(_) => {
                metrics::dead_lettered("poison");
                board.closed(contact, [id]);
            }
            Err(error) => tracing::error!(contact.id = contact.0, %error, "a row could not be set aside"),
        }
    }

    /// Lets the idle go, and looks again at what found no place.
    pub fn tick(&mut self, now: Timestamp) {
        let board = self.board();
        self.put_off.drain(..).for_each(|contact| board.again(contact));
        self.resting.retain(|contact, until| {
            let rests = *until > now;
            if !rests {
                board.again(*contact);
            }
            rests
        });
        let after_ms = self.home.neighbours.figures.passivate_after_ms;
        while let Some(contact) = self.idle.first_key_value().map(|(_, contact)| *contact) {
            let may_go = self.may_go(contact);
            let Some(live) = self.live.get_mut(&contact) else {
                self.idle.pop_first();
                continue;
            };
            if now.since_ms(live.used_at) < after_ms {
                break;
            }
            if may_go {
                self.let_go(contact);
            } else {
                // It is not idle: it waits for a neighbour. Looked at again later.
                live.used_at = now;
                self.rank += 1;
                self.idle.remove(&std::mem::replace(&mut live.rank, self.rank));
                self.idle.insert(self.rank, contact);
            }
        }
        self.windows.retain(|_, window| window.counted(now) > 0);
    }
}
