//! The sessions of a shard: who is awake, who works, who may go.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use actix::{Addr, ArbiterHandle};

use super::idle::{Idle, Rank};
use crate::actors::board::{Board, Mail, Turned, Waiting};
use crate::actors::session::{Home, Moved, SendNews, Session, Work, plan};
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
    /// In boxes: a map of hundreds of thousands may be half empty.
    live: HashMap<ContactId, Box<Live>>,
    /// By when they last had a turn.
    idle: Idle,
    /// The last that was begun, and what all of them are numbered from.
    life: u32,
    lives_from: u64,
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
    rank: Rank,
    used_at: Timestamp,
    life: u32,
    /// A turn is under way.
    working: bool,
    /// Its calls are under way.
    waiting: bool,
    /// Goes with its next turn.
    news: SendNews,
}

impl Sessions {
    pub fn new(home: Home, on: ArbiterHandle) -> Self {
        Self {
            // Lives of another generation have other numbers.
            lives_from: u64::from(home.writer.generation) << 32,
            life: 0,
            home,
            on,
            live: HashMap::new(),
            idle: Idle::default(),
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
        let work = Work { waiting, news: std::mem::take(&mut live.news) };
        if let Err(SendError::Full(work) | SendError::Closed(work)) = live.address.try_send(work) {
            // Full: it waits. Closed: its end is in the mail, and puts it in line again.
            live.working = false;
            live.news = work.news;
            self.board().failed(contact, false);
            self.put_off.push(contact);
        }
    }

    fn wake(&mut self, contact: ContactId) {
        if self.live.contains_key(&contact) {
            return;
        }
        // Four thousand million lives of one generation of a shard: it ends before they do.
        self.life = self.life.wrapping_add(1);
        let life = self.lives_from | u64::from(self.life);
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
        let (rank, used_at) = (self.idle.push(contact), self.now());
        let news = SendNews::default();
        let live = Live { address, rank, used_at, life: self.life, working: false, waiting: false, news };
        self.live.insert(contact, Box::new(live));
    }

    /// The contact's life with this number, if it is in memory.
    fn living(&mut self, contact: ContactId, life: u64) -> Option<&mut Live> {
        let from = self.lives_from;
        self.live.get_mut(&contact).map(Box::as_mut).filter(|live| from | u64::from(live.life) == life)
    }

    /// It was used just now: it goes to the end of the line.
    fn used(&mut self, contact: ContactId, now: Timestamp) {
        let Some(live) = self.live.get_mut(&contact) else { return };
        (live.used_at, live.rank) = (now, self.idle.push(contact));
        let live = &self.live;
        self.idle.clear(live.len(), |rank, contact| live.get(&contact).is_some_and(|live| live.rank == rank));
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
        // Places at the front that nobody holds are not to be passed over again and again.
        self.longest_idle();
        let holds = |rank, contact| self.live.get(&contact).is_some_and(|live| live.rank == rank);
        let longest = self.idle.places().find(|(rank, contact)| holds(*rank, *contact) && self.may_go(*contact));
        longest.is_some_and(|(_, contact)| self.let_go(contact))
    }

    fn longest_idle(&mut self) -> Option<ContactId> {
        let live = &self.live;
        self.idle.longest(|rank, contact| live.get(&contact).is_some_and(|live| live.rank == rank))
    }

    /// Its address goes; it ends when its mailbox is empty, which it is.
    fn let_go(&mut self, contact: ContactId) -> bool {
        let was_live = self.live.remove(&contact).is_some();
        let live = &self.live;
        self.idle.clear(live.len(), |rank, contact| live.get(&contact).is_some_and(|live| live.rank == rank));
        was_live
    }

    /// News for a session that is awake: they go with its next turn, since nothing before it asks for them.
    pub fn tell(&mut self, contact: ContactId, moved: Moved) {
        if let Some(live) = self.live.get_mut(&contact) {
            live.news.add(moved);
        }
    }

    /// A turn is over.
    pub fn turned(&mut self, turned: &Turned) {
        let now = self.now();
        // One of an older life has closed its rows, and that is all that is left of it.
        let Some(live) = self.living(turned.contact, turned.life) else { return };
        live.working = false;
        live.waiting = turned.waiting;
        self.used(turned.contact, now);
        let board = self.board();
        board.wish(turned.contact, turned.due);
        board.asks(turned.contact, turned.asking);
        board.turned(turned.contact);
    }

    /// A session ended and was not let go.
    pub fn ended(&mut self, contact: ContactId, life: u64, exit: Exit) {
        if self.living(contact, life).is_none() {
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
        while let Some(contact) = self.longest_idle() {
            if self.live.get(&contact).is_none_or(|live| now.since_ms(live.used_at) < after_ms) {
                break;
            }
            if self.may_go(contact) {
                self.let_go(contact);
            } else {
                // It is not idle: it waits for a neighbour. Looked at again later.
                self.used(contact, now);
            }
        }
        self.windows.retain(|_, window| window.counted(now) > 0);
    }
}
