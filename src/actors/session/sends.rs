//! What the service said last in a chat, while its session is awake: so that a quote can be understood, and so
//! that each message's news only moves forward.
//!
//! Pure and small: the newest [`SENDS_MAX`]. In memory only: what was said may be personal data, and a session
//! that has left memory falls back to the open question.

use std::collections::VecDeque;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::domain::message::{DeliveryState, MessageId, Outbound};
use crate::ports::RowId;

/// Messages that are kept.
pub const SENDS_MAX: usize = 8;

/// The last messages of the service in one chat.
#[derive(Debug, Default)]
pub struct Sends(VecDeque<Sent>);

#[derive(Debug)]
struct Sent {
    row: RowId,
    message: Arc<Outbound>,
    /// Known when Meta took it.
    id: Option<MessageId>,
    state: Option<DeliveryState>,
}

/// How far a message has come.
#[derive(Debug)]
pub struct Moved {
    pub row: RowId,
    pub id: MessageId,
    pub state: DeliveryState,
}

/// What a session has not heard yet of its last sends: the furthest of each, of so many as it keeps.
#[derive(Debug, Default)]
pub struct SendNews(SmallVec<[Moved; 1]>);

impl SendNews {
    pub fn add(&mut self, moved: Moved) {
        match self.0.iter_mut().find(|known| known.row == moved.row) {
            Some(known) if known.state.moves_to(moved.state) => known.state = moved.state,
            Some(_) => {}
            None => {
                if self.0.len() >= SENDS_MAX {
                    self.0.remove(0);
                }
                self.0.push(moved);
            }
        }
    }
}

impl Sends {
    /// Takes all of it to heart.
    pub fn heard(&mut self, news: SendNews) {
        for Moved { row, id, state } in news.0 {
            self.moved(row, &id, state);
        }
    }

    /// A row that is on its way out.
    pub fn note(&mut self, row: RowId, message: Arc<Outbound>) {
        if self.0.len() >= SENDS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Sent { row, message, id: None, state: None });
    }

    /// News of a row: sent < delivered < read, failed is the end. Whether it moved.
    pub fn moved(&mut self, row: RowId, id: &MessageId, state: DeliveryState) -> bool {
        let Some(sent) = self.0.iter_mut().find(|sent| sent.row == row) else { return false };
        sent.id.get_or_insert_with(|| id.clone());
        let forward = sent.state.is_none_or(|known| known.moves_to(state));
        if forward {
            sent.state = Some(state);
        }
        forward
    }

    /// The message with this id, if it is one of the last.
    pub fn find(&self, id: &MessageId) -> Option<Arc<Outbound>> {
        self.0.iter().rev().find(|sent| sent.id.as_ref() == Some(id)).map(|sent| Arc::clone(&sent.message))
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::Text;
    use crate::ports::Lsn;

    fn row(n: u64) -> RowId {
        RowId { lsn: Lsn(n), index: 0 }
    }

    fn id(n: u64) -> MessageId {
        MessageId(format!("wamid.{n}"))
    }

    fn text(n: u64) -> Arc<Outbound> {
        Arc::new(Outbound::Text { body: Text(n.to_string()) })
    }

    #[test]
    fn news_only_move_forward() {
        use DeliveryState::{Delivered, Failed, Read, Sent};
        // (news in the order they come, which of them move)
        let table: &[(&[DeliveryState], &[bool])] = &[
            (&[Sent, Delivered, Read], &[true, true, true]),
            (&[Read, Delivered, Sent], &[true, false, false]),
            (&[Delivered, Delivered], &[true, false]),
            (&[Sent, Failed, Delivered, Read], &[true, true, false, false]),
        ];
        for (news, moved) in table {
            let mut sends = Sends::default();
            sends.note(row(1), text(1));
            let actual: Vec<bool> = news.iter().map(|state| sends.moved(row(1), &id(1), *state)).collect();
            assert_eq!(actual, *moved, "{news:?}");
        }
    }

    #[test]
    fn news_that_wait_for_a_turn_are_the_furthest_of_the_last_eight() {
        use DeliveryState::{Delivered, Failed, Read, Sent};
        let (mut sends, mut news) = (Sends::default(), SendNews::default());
        for n in 0..=8 {
            sends.note(row(n), text(n));
            for state in [Sent, Read, Delivered] {
                news.add(Moved { row: row(n), id: id(n), state });
            }
        }
        assert_eq!(news.0.len(), SENDS_MAX);
        assert!(news.0.iter().all(|moved| moved.state == Read));
        news.add(Moved { row: row(8), id: id(8), state: Failed });
        news.add(Moved { row: row(8), id: id(8), state: Read });
        sends.heard(news);
        assert_eq!(sends.find(&id(1)), Some(text(1)));
        assert!(!sends.moved(row(8), &id(8), Read), "it has failed");
    }

    #[test]
    fn the_last_eight_are_found_by_the_id_that_meta_gave_them() {
        let mut sends = Sends::default();
        for n in 0..=8 {
            sends.note(row(n), text(n));
            sends.moved(row(n), &id(n), DeliveryState::Sent);
        }
        assert_eq!(sends.find(&id(8)), Some(text(8)));
        assert_eq!(sends.find(&id(1)), Some(text(1)));
        assert_eq!(sends.find(&id(0)), None, "only eight");
        assert!(!sends.moved(row(0), &id(0), DeliveryState::Read));
        sends.note(row(9), text(9));
        assert_eq!(sends.find(&id(9)), None, "nobody can quote what has not arrived");
        sends.clear();
        assert_eq!(sends.find(&id(8)), None);
    }
}
