//! What happened, kept for a while: so that a page that is loaded again shows the chat, and a test can ask.
//!
//! Numbering, keeping and broadcasting happen under one lock: whoever subscribes first and reads the history
//! then misses nothing and can tell what it has seen twice by `Event::seq`.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::sync::broadcast;

use super::event::{Event, Happening};
use super::ids;
use super::options::Bounds;
use super::say::Sender;
use super::world::lock;
use crate::domain::contact::Recipient;
use crate::domain::message::Text;
use crate::domain::phone::Phone;
use crate::domain::time::Timestamp;

/// SMS kept of one phone; then the oldest goes.
const INBOX_MAX: usize = 8;
/// SMS shown on the page; then the oldest goes.
const SMS_SHOWN_MAX: usize = 50;

/// Chats, SMS, and the stream of what is new.
pub(super) struct History {
    chats_max: usize,
    events_max: usize,
    phones_max: usize,
    stream: broadcast::Sender<Arc<Event>>,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    seq: u64,
    chats: HashMap<Recipient, Chat>,
    by_token: HashMap<String, Recipient>,
    sms: VecDeque<Arc<Event>>,
    inboxes: HashMap<Phone, VecDeque<Text>>,
}

struct Chat {
    token: String,
    sender: Sender,
    events: VecDeque<Arc<Event>>,
    used_at_seq: u64,
}

/// The phones that have an inbox are as many as there may be.
#[derive(Debug)]
pub(super) struct InboxesFull;

impl History {
    pub(super) fn new(bounds: &Bounds) -> Self {
        Self {
            chats_max: bounds.chats_max,
            events_max: bounds.history_max,
            phones_max: bounds.contacts_max,
            stream: broadcast::Sender::new(bounds.events_max.max(1)),
            books: Mutex::default(),
        }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.stream.subscribe()
    }

    /// Gives an event its number, keeps it if its chat is kept, tells everyone.
    pub(super) fn publish(&self, chat: Option<&Recipient>, at: Timestamp, what: Happening) {
        let mut books = lock(&self.books);
        books.seq += 1;
        let seq = books.seq;
        let event = Arc::new(Event { seq, chat: chat.cloned(), at_ms: at.0, what });
        if let Some(kept) = chat.and_then(|chat| books.chats.get_mut(chat)) {
            kept.used_at_seq = seq;
            push(&mut kept.events, self.events_max, Arc::clone(&event));
        }
        if matches!(event.what, Happening::Sms { .. }) {
            push(&mut books.sms, SMS_SHOWN_MAX, Arc::clone(&event));
        }
        // Nobody listening is no error.
        drop(self.stream.send(event));
    }

    /// Starts keeping a chat, if chats are kept at all; the one longest unused makes room.
    pub(super) fn open(&self, chat: &Recipient, sender: &Sender) -> Option<String> {
        if self.chats_max == 0 {
            return None;
        }
        let mut books = lock(&self.books);
        let seq = books.seq;
        if let Some(kept) = books.chats.get_mut(chat) {
            kept.sender.learn(sender);
            return Some(kept.token.clone());
        }
        if books.chats.len() >= self.chats_max {
            books.forget_longest_unused();
        }
        let token = ids::token();
        books.by_token.insert(token.clone(), chat.clone());
        let kept = Chat { token: token.clone(), sender: sender.clone(), events: VecDeque::new(), used_at_seq: seq };
        books.chats.insert(chat.clone(), kept);
        Some(token)
    }

    /// The chat that a page calls by this token, and who the page speaks as.
    pub(super) fn by_token(&self, token: &str) -> Option<(Recipient, Sender)> {
        let books = lock(&self.books);
        let chat = books.by_token.get(token)?;
        let kept = books.chats.get(chat)?;
        Some((chat.clone(), kept.sender.clone()))
    }

    /// Forgets what happened in a chat; the chat itself stays.
    pub(super) fn clear(&self, chat: &Recipient) {
        if let Some(kept) = lock(&self.books).chats.get_mut(chat) {
            kept.events.clear();
        }
    }

    pub(super) fn of_chat(&self, chat: &Recipient) -> Vec<Arc<Event>> {
        lock(&self.books).chats.get(chat).map(|kept| kept.events.iter().cloned().collect()).unwrap_or_default()
    }

    /// What a page shows: a chat and the latest SMS, after an event it has seen, in order.
    pub(super) fn since(&self, chat: &Recipient, seen: u64) -> VecDeque<Arc<Event>> {
        let books = lock(&self.books);
        let chat_events = books.chats.get(chat).into_iter().flat_map(|kept| kept.events.iter());
        let mut events: Vec<_> = chat_events.chain(&books.sms).filter(|event| event.seq > seen).cloned().collect();
        events.sort_unstable_by_key(|event| event.seq);
        events.into()
    }

    /// Puts a text into a phone's inbox.
    pub(super) fn receive_sms(&self, to: Phone, text: &Text) -> Result<(), InboxesFull> {
        let mut books = lock(&self.books);
        if books.inboxes.len() >= self.phones_max && !books.inboxes.contains_key(&to) {
            return Err(InboxesFull);
        }
        push(books.inboxes.entry(to).or_default(), INBOX_MAX, text.clone());
        Ok(())
    }

    pub(super) fn inbox(&self, to: Phone) -> Vec<Text> {
        lock(&self.books).inboxes.get(&to).map(|texts| texts.iter().cloned().collect()).unwrap_or_default()
    }
}

impl Books {
    fn forget_longest_unused(&mut self) {
        let oldest = self.chats.iter().min_by_key(|(_, kept)| kept.used_at_seq).map(|(chat, _)| chat.clone());
        if let Some(kept) = oldest.and_then(|chat| self.chats.remove(&chat)) {
            self.by_token.remove(&kept.token);
        }
    }
}

/// Adds to the end; the first makes room.
fn push<T>(list: &mut VecDeque<T>, len_max: usize, item: T) {
    list.push_back(item);
    if list.len() > len_max {
        list.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(n: u64) -> Recipient {
        Recipient::Phone(Phone::from_wa_id(&format!("6281200000{n:03}")).unwrap())
    }

    fn history(chats_max: usize, history_max: usize) -> History {
        History::new(&Bounds { chats_max, history_max, contacts_max: 2, ..Bounds::default() })
    }

    #[test]
    fn the_chat_longest_unused_makes_room_and_a_chat_keeps_its_newest_events() {
        let history = history(2, 3);
        let tokens: Vec<_> =
            (1..=2).map(|n| history.open(&phone(n), &Sender::default()).expect("chats are kept")).collect();
        for _ in 0..5 {
            history.publish(Some(&phone(1)), Timestamp(0), Happening::Typing);
        }
        history.open(&phone(3), &Sender::default());
        assert!(history.by_token(&tokens[0]).is_some());
        assert!(history.by_token(&tokens[1]).is_none());
        let seqs: Vec<_> = history.since(&phone(1), 3).iter().map(|event| event.seq).collect();
        assert_eq!(seqs, [4, 5]);
        assert_eq!(history.of_chat(&phone(1)).len(), 3);
    }

    #[test]
    fn inboxes_are_bounded_in_phones_and_in_texts() {
        let history = history(1, 1);
        let phones: Vec<_> = (1..=3).map(|n| Phone::from_wa_id(&format!("62812000000{n}")).unwrap()).collect();
        for n in 0..20 {
            history.receive_sms(phones[0], &Text(format!("{n}"))).unwrap();
        }
        history.receive_sms(phones[1], &Text("x".into())).unwrap();
        assert!(history.receive_sms(phones[2], &Text("y".into())).is_err());
        assert_eq!(history.inbox(phones[0]).len(), INBOX_MAX);
        assert_eq!(history.inbox(phones[0])[7], Text("19".into()));
    }
}
