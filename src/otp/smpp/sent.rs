//! Texts whose receipt is awaited, by the id that the SMSC gave them.
//!
//! Bounded: of the last so many texts, for so long; past either the oldest is forgotten, and its receipt means nothing any
//! more. A receipt is told once. One that overtakes the answer with its id waits for that, among a few.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::receipt::Reading;
use crate::ports::{OutgoingSms, Receipt};

/// Receipts that came before the answer to their text. Past it the oldest is forgotten.
const EARLY_MAX: usize = 64;

/// The texts.
#[derive(Debug)]
pub(super) struct Sent {
    by_id: HashMap<String, (OutgoingSms, Instant)>,
    order: VecDeque<(String, Instant)>,
    early: VecDeque<Reading>,
    texts_max: usize,
    life: Duration,
}

impl Sent {
    pub(super) fn new(texts_max: usize, life: Duration) -> Self {
        let (by_id, order, early) = (HashMap::new(), VecDeque::new(), VecDeque::new());
        Self { by_id, order, early, texts_max: texts_max.max(1), life }
    }

    /// The SMSC took a text; its receipt, if that has come already.
    pub(super) fn taken(&mut self, id: String, sms: OutgoingSms, now: Instant) -> Option<Receipt> {
        if let Some(place) = self.early.iter().position(|early| early.id == id) {
            return self.early.remove(place).map(|early| Receipt { sms, fate: early.fate });
        }
        let old = |at: &Instant| now.saturating_duration_since(*at) >= self.life;
        while self.order.len() >= self.texts_max || self.order.front().is_some_and(|(_, at)| old(at)) {
            let Some((id, at)) = self.order.pop_front() else { break };
            if self.by_id.get(&id).is_some_and(|known| known.1 == at) {
                self.by_id.remove(&id);
            }
        }
        self.order.push_back((id.clone(), now));
        self.by_id.insert(id, (sms, now));
        None
    }

    /// A receipt came; whose it is, if that is known.
    pub(super) fn receipt(&mut self, reading: Reading, now: Instant) -> Option<Receipt> {
        let Some((sms, at)) = self.by_id.remove(&reading.id) else {
            if self.early.len() >= EARLY_MAX {
                self.early.pop_front();
            }
            self.early.push_back(reading);
            return None;
        };
        let in_time = now.saturating_duration_since(at) < self.life;
        in_time.then_some(Receipt { sms, fate: reading.fate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::call::CallId;
    use crate::domain::contact::ContactId;
    use crate::domain::message::Text;
    use crate::domain::phone::{Mobile, Phone};
    use crate::ports::{Fate, IdempotencyKey};

    const LIFE: Duration = Duration::from_secs(600);

    fn sms(call: u64) -> OutgoingSms {
        let key = IdempotencyKey { contact: ContactId(1), call: CallId(call) };
        let to = Phone::from_wa_id("6281200000042").and_then(Mobile::from_phone).expect("a mobile");
        OutgoingSms { key, to, text: Text("111111 kode OTP".into()) }
    }

    fn delivered(id: &str) -> Reading {
        Reading { id: id.to_owned(), fate: Fate::Delivered }
    }

    fn call(receipt: Option<Receipt>) -> Option<u64> {
        receipt.map(|receipt| receipt.sms.key.call.0)
    }

    #[test]
    fn a_receipt_is_told_once_and_a_strangers_never() {
        let (mut sent, now) = (Sent::new(9, LIFE), Instant::now());
        assert_eq!(call(sent.taken("a".into(), sms(1), now)), None);
        assert_eq!(call(sent.receipt(delivered("b"), now)), None);
        assert_eq!(call(sent.receipt(delivered("a"), now)), Some(1));
        assert_eq!(call(sent.receipt(delivered("a"), now)), None);
    }

    #[test]
    fn a_receipt_that_comes_first_waits_for_its_text() {
        let (mut sent, now) = (Sent::new(9, LIFE), Instant::now());
        sent.receipt(delivered("a"), now);
        assert_eq!(call(sent.taken("b".into(), sms(2), now)), None);
        assert_eq!(call(sent.taken("a".into(), sms(1), now)), Some(1));
        for stranger in 0..10 * EARLY_MAX {
            sent.receipt(delivered(&stranger.to_string()), now);
        }
        assert_eq!(sent.early.len(), EARLY_MAX);
    }

    #[test]
    fn the_oldest_is_forgotten_and_what_took_too_long() {
        let (mut sent, now) = (Sent::new(3, LIFE), Instant::now());
        for n in 1..=5 {
            sent.taken(n.to_string(), sms(n), now);
        }
        assert_eq!((sent.by_id.len(), sent.order.len()), (3, 3));
        assert_eq!(call(sent.receipt(delivered("2"), now)), None);
        assert_eq!(call(sent.receipt(delivered("3"), now)), Some(3));
        assert_eq!(call(sent.receipt(delivered("4"), now + LIFE)), None, "too late");
        sent.taken("6".into(), sms(6), now + LIFE);
        assert_eq!((sent.by_id.len(), sent.order.len()), (1, 1));
    }

    #[test]
    fn an_id_that_is_given_again_is_the_newer_texts() {
        let (mut sent, now) = (Sent::new(2, LIFE), Instant::now());
        sent.taken("a".into(), sms(1), now);
        sent.taken("a".into(), sms(2), now + Duration::from_secs(1));
        sent.taken("b".into(), sms(3), now + Duration::from_secs(2));
        assert_eq!(call(sent.receipt(delivered("a"), now + Duration::from_secs(3))), Some(2));
    }
}
