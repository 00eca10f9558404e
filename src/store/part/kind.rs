//! The kinds of parts.

/// Fixed for life: the number is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    Put = 1,
    Delete = 2,
    OpenInbox = 3,
    CloseInbox = 4,
    OpenOutbox = 5,
    AttemptOutbox = 6,
    CloseOutbox = 7,
    Status = 8,
    Timer = 9,
    DeadLetter = 10,
    /// What was open in a segment that went (`store::carry`).
    CarriedInbox = 11,
    CarriedOutbox = 12,
    CarriedStatus = 13,
    CarriedDeadLetter = 14,
    CloseDeadLetter = 15,
}

/// As it is written first, and as it is carried.
const CARRIED: [(Kind, Kind); 4] = [
    (Kind::OpenInbox, Kind::CarriedInbox),
    (Kind::OpenOutbox, Kind::CarriedOutbox),
    (Kind::Status, Kind::CarriedStatus),
    (Kind::DeadLetter, Kind::CarriedDeadLetter),
];

impl Kind {
    /// One more than the largest number.
    pub(in crate::store) const NUMBERS: usize = 16;

    /// The kinds that were counted, by number.
    pub(in crate::store) fn counted(counts: &[u64; Self::NUMBERS]) -> impl Iterator<Item = (Self, u64)> {
        let of =
            |(number, count): (u8, &u64)| Self::from_number(number).filter(|_| *count > 0).map(|kind| (kind, *count));
        (0..).zip(counts).filter_map(of)
    }

    /// For people who look into a store.
    pub(in crate::store) fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Delete => "delete",
            Self::OpenInbox => "open inbox",
            Self::CloseInbox => "close inbox",
            Self::OpenOutbox => "open outbox",
            Self::AttemptOutbox => "attempt",
            Self::CloseOutbox => "close outbox",
            Self::Status => "status",
            Self::Timer => "timer",
            Self::DeadLetter => "dead letter",
            Self::CarriedInbox => "carried inbox",
            Self::CarriedOutbox => "carried outbox",
            Self::CarriedStatus => "carried status",
            Self::CarriedDeadLetter => "carried dead letter",
            Self::CloseDeadLetter => "close dead letter",
        }
    }

    pub(in crate::store) fn from_number(number: u8) -> Option<Self> {
        use Kind::{
            AttemptOutbox, CloseDeadLetter, CloseInbox, CloseOutbox, DeadLetter, Delete, OpenInbox, OpenOutbox, Put,
            Status, Timer,
        };
        [Put, Delete, OpenInbox, CloseInbox, OpenOutbox, AttemptOutbox, CloseOutbox, Status, Timer, DeadLetter]
            .into_iter()
            .chain([CloseDeadLetter])
            .chain(CARRIED.iter().map(|row| row.1))
            .find(|kind| *kind as u8 == number)
    }

    /// The kind that something carried was written with first.
    pub(in crate::store) fn first(self) -> Self {
        CARRIED.iter().find(|row| row.1 == self).map_or(self, |row| row.0)
    }

    /// The kind that it is carried with.
    pub(in crate::store) fn carrying(self) -> Self {
        CARRIED.iter().find(|row| row.0 == self).map_or(self, |row| row.1)
    }
}
