//! How fast one chat is read: what comes past that within a minute is counted and not answered (design.md 9).
//!
//! Kept in the awake session, so keyed on an identity that Meta has signed for, bounded with the sessions, and
//! swept with them: who is quiet long enough to be put to sleep has waited the minute out. A restart forgives.

use std::sync::Arc;

use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::ports::{InboxBody, InboxRow, RowId};

/// What one chat wrote within this minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fence {
    from: Timestamp,
    read: u32,
    told: bool,
}

/// What is not read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sifted {
    pub(super) refused: Vec<RowId>,
    /// It is to be said that not all was read.
    pub(super) tell: bool,
}

impl Fence {
    /// Takes the messages out that are too many. Notices pass: no citizen writes them.
    pub(super) fn sift(&mut self, rows: &mut Vec<(RowId, Arc<InboxRow>)>, now: Timestamp, per_minute: u32) -> Sifted {
        // A clock that jumps back begins a minute of its own.
        if !(0..MINUTE_MS).contains(&now.since_ms(self.from)) {
            *self = Self { from: now, ..Self::default() };
        }
        let mut sifted = Sifted::default();
        rows.retain(|(id, row)| {
            if !matches!(row.body, InboxBody::Message(_)) {
                return true;
            }
            if self.read < per_minute {
                self.read += 1;
                return true;
            }
            sifted.refused.push(*id);
            false
        });
        sifted.tell = !sifted.refused.is_empty() && !self.told;
        self.told |= sifted.tell;
        sifted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Notice;
    use crate::domain::contact::{BusinessNumber, ContactId, Identity};
    use crate::domain::message::{Content, Inbound, MessageId, Text};
    use crate::ports::Lsn;

    const START: Timestamp = Timestamp(1_795_400_000_000);

    fn row(n: u64, body: InboxBody) -> (RowId, Arc<InboxRow>) {
        let row = InboxRow { contact: ContactId(1), accepted_at: START, body };
        (RowId { lsn: Lsn(n), index: 0 }, Arc::new(row))
    }

    fn messages(numbers: std::ops::Range<u64>) -> Vec<(RowId, Arc<InboxRow>)> {
        let message = |n: u64| Inbound {
            id: MessageId(format!("w{n}")),
            from: Identity::default(),
            to: BusinessNumber("100".into()),
            sent_at: START,
            quotes: None,
            content: Content::Text(Text("hai".into())),
        };
        numbers.map(|n| row(n, InboxBody::Message(message(n)))).collect()
    }

    #[test]
    fn so_many_a_minute_are_read_and_the_rest_is_told_of_once() {
        let mut fence = Fence::default();
        let mut rows = messages(0..40);
        assert_eq!(fence.sift(&mut rows, START, 60), Sifted::default());
        let mut rows = messages(40..100);
        rows.insert(30, row(100, InboxBody::Notice(Notice::LoginEnded)));
        let sifted = fence.sift(&mut rows, START.plus_ms(MINUTE_MS - 1), 60);
        assert_eq!((rows.len(), sifted.refused.len(), sifted.tell), (21, 40, true), "a notice passes");
        let sifted = fence.sift(&mut messages(200..300), START.plus_ms(MINUTE_MS - 1), 60);
        assert_eq!((sifted.refused.len(), sifted.tell), (100, false));
        let mut rows = messages(300..301);
        assert_eq!(fence.sift(&mut rows, START.plus_ms(MINUTE_MS), 60), Sifted::default());
        assert_eq!(rows.len(), 1);
    }

    #[test]
    fn it_takes_sixteen_bytes_of_an_awake_session() {
        assert!(size_of::<Fence>() <= 16);
    }
}
