//! What of a turn's messages is not read, because its chat writes faster than the fence of all chats lets it
//! (`limits::fence`), and when that is said: once a minute.

use std::sync::Arc;

use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::ports::{InboxBody, InboxRow, RowId};

/// When this chat was last told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told(Option<Timestamp>);

/// What is not read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sifted {
    pub(super) refused: Vec<RowId>,
    /// It is to be said that not all was read.
    pub(super) tell: bool,
}

impl Told {
    /// Takes the messages out that are too many. Notices pass: no citizen writes them.
    pub(super) fn sift(
        &mut self,
        rows: &mut Vec<(RowId, Arc<InboxRow>)>,
        now: Timestamp,
        mut admits: impl FnMut() -> bool,
    ) -> Sifted {
        let mut sifted = Sifted::default();
        rows.retain(|(id, row)| {
            let read = !matches!(row.body, InboxBody::Message(_)) || admits();
            if !read {
                sifted.refused.push(*id);
            }
            read
        });
        // A clock that jumps back begins a minute of its own.
        let lately = self.0.is_some_and(|at| (0..MINUTE_MS).contains(&now.since_ms(at)));
        sifted.tell = !sifted.refused.is_empty() && !lately;
        if sifted.tell {
            self.0 = Some(now);
        }
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
    fn what_is_not_let_in_is_told_of_once_a_minute_and_notices_pass() {
        let mut told = Told::default();
        let mut left = 60;
        let mut admits = || {
            let admits = left > 0;
            left -= i32::from(admits);
            admits
        };
        let mut rows = messages(0..40);
        assert_eq!(told.sift(&mut rows, START, &mut admits), Sifted::default());
        let mut rows = messages(40..100);
        rows.insert(30, row(100, InboxBody::Notice(Notice::LoginEnded)));
        let sifted = told.sift(&mut rows, START, &mut admits);
        assert_eq!((rows.len(), sifted.refused.len(), sifted.tell), (21, 40, true), "a notice passes");
        let sifted = told.sift(&mut messages(200..300), START.plus_ms(MINUTE_MS - 1), &mut admits);
        assert_eq!((sifted.refused.len(), sifted.tell), (100, false));
        let sifted = told.sift(&mut messages(300..301), START.plus_ms(MINUTE_MS), &mut admits);
        assert!(sifted.tell, "a minute later once more");
        assert_eq!(told.sift(&mut messages(400..402), START.plus_ms(MINUTE_MS), || true), Sifted::default());
    }

    #[test]
    fn it_takes_sixteen_bytes_of_an_awake_session() {
        assert!(size_of::<Told>() <= 16);
    }
}
