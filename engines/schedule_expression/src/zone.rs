//! Time zones.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// A zone of the tz database, such as `Europe/Berlin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A date and a time of day on a wall's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WallTime {
    pub year: i16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
}

impl Zone {
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The zone of that name, if there is one.
    pub fn find(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// What the clocks on the walls show.
    pub(crate) fn wall_time(&self, seconds: i64) -> Option<WallTime> {
        let time = self.0.to_datetime(Timestamp::from_second(seconds).ok()?);
        let part = |part: i8| u8::try_from(part).ok();
        Some(WallTime {
            year: time.year(),
            month: part(time.month())?,
            day: part(time.day())?,
            hour: part(time.hour())?,
            minute: part(time.minute())?,
            second: part(time.second())?,
        })
    }

    /// When the clocks show that time first. Where they are put forward over it, `None`, or the time that it would be
    /// had they not been.
    pub(crate) fn instant(&self, wall: WallTime, takes_missing: bool) -> Option<i64> {
        let part = |part: u8| i8::try_from(part).ok();
        let time = DateTime::new(
            wall.year,
            part(wall.month)?,
            part(wall.day)?,
            part(wall.hour)?,
            part(wall.minute)?,
            part(wall.second)?,
            0,
        )
        .ok()?;
        let ambiguous = self.0.to_ambiguous_timestamp(time);
        if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) && !takes_missing {
            return None;
        }
        ambiguous.compatible().ok().map(Timestamp::as_second)
    }
}
