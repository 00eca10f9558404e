//! Moments and calendar days. Pure: the present comes from a `Clock` (`ports`), never from here.

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime, UtcOffset};

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

/// One second in the unit of [`Timestamp`].
pub const SECOND_MS: i64 = 1_000;
/// One minute in the unit of [`Timestamp`].
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// One hour in the unit of [`Timestamp`].
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// One day in the unit of [`Timestamp`].
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// Indonesia's three clock zones. WIB is the one the ministry dates its letters by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Western Indonesia, UTC+7.
    Wib,
    /// Central Indonesia, UTC+8.
    Wita,
    /// Eastern Indonesia, UTC+9.
    Wit,
}

impl Zone {
    fn offset(self) -> UtcOffset {
        let hours = match self {
            Zone::Wib => 7,
            Zone::Wita => 8,
            Zone::Wit => 9,
        };
        UtcOffset::from_hms(hours, 0, 0).unwrap_or(UtcOffset::UTC)
    }
}

impl Timestamp {
    /// From whole Unix seconds, as Meta's webhooks carry them.
    pub fn from_unix_s(seconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND_MS))
    }

    /// This moment moved by `ms` (may be negative); saturates.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; negative when `earlier` is later.
    pub fn since_ms(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The wall clock of a zone at this moment. Moments outside years 1 to 9999 read as 1970.
    pub fn at(self, zone: Zone) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
            .to_offset(zone.offset())
    }

    /// The calendar day in western Indonesia.
    pub fn day_wib(self) -> Date {
        self.at(Zone::Wib).date()
    }
}
