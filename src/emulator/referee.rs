//! Meta's rules of the moment, kept to the millisecond: the 24 h window, the pair's bucket with its borrowing, and the
//! number's throughput, both directions counted (cloud-api.md 6).
//!
//! Pure but for its locks: time is given. The emulator judges its HTTP calls by it; a test that lives in virtual time
//! asks it directly.

use std::sync::Mutex;

use super::contacts::Contacts;
use super::error::SayError;
use super::graph::{PAIR, THROUGHPUT, WINDOW};
use super::options::Rules;
use super::rate::{Bucket, Rate};
use super::say::Sender;
use super::world::lock;
use crate::domain::contact::Recipient;
use crate::domain::time::Timestamp;

/// Who may say what, and when. One for an emulator.
pub struct Referee {
    rules: Rules,
    rates: Vec<Rate>,
    throughput: Vec<Mutex<Bucket>>,
    pub(super) contacts: Contacts,
}

impl Referee {
    /// For numbers with these messages a second, known by their place. At most so many citizens are told apart, and
    /// so many of their messages are known by their ids.
    pub fn new(rules: Rules, messages_per_s: &[u32], contacts_max: usize, ids_max: usize) -> Self {
        Self {
            rules,
            rates: messages_per_s.iter().map(|rate| Rate::per_s(*rate)).collect(),
            throughput: messages_per_s.iter().map(|_| Mutex::default()).collect(),
            contacts: Contacts::new(contacts_max, ids_max),
        }
    }

    /// A citizen writes to a number: his window opens, and the number's throughput is used. Gives the chat.
    ///
    /// # Errors
    /// Nobody writes.
    pub fn wrote(&self, number: usize, from: &Sender, id: &str, now: Timestamp) -> Result<Recipient, SayError> {
        let chat = self.contacts.wrote(number, from, id, now)?;
        if let (Some(rate), Some(bucket)) = (self.rates.get(number), self.throughput.get(number)) {
            lock(bucket).charge(*rate, now);
        }
        Ok(chat)
    }

    /// Whether a message may go to a chat now; it is counted then.
    ///
    /// # Errors
    /// Meta's code.
    pub fn judge(&self, number: usize, chat: &Recipient, template: bool, now: Timestamp) -> Result<(), u32> {
        if !template && !self.window_open(number, chat, now) {
            return Err(WINDOW);
        }
        self.judge_in_window(number, chat, now)
    }

    /// The same without a look at the window.
    pub(super) fn judge_in_window(&self, number: usize, chat: &Recipient, now: Timestamp) -> Result<(), u32> {
        if !self.throughput_allows(number, now) {
            return Err(THROUGHPUT);
        }
        if self.rules.pair && !self.contacts.pair_allows(number, chat, now) {
            return Err(PAIR);
        }
        Ok(())
    }

    /// Whether a free-form message may go.
    pub(super) fn window_open(&self, number: usize, chat: &Recipient, now: Timestamp) -> bool {
        !self.rules.window || self.contacts.window_open(number, chat, now)
    }

    /// Counts a call of the server against its number's throughput; `false`: too many.
    pub(super) fn throughput_allows(&self, number: usize, now: Timestamp) -> bool {
        let (Some(rate), Some(bucket)) = (self.rates.get(number), self.throughput.get(number)) else { return true };
        !self.rules.throughput || lock(bucket).take(*rate, now)
    }
}
