//! A point in time, as AWS's timestamps have it.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds. AWS's wire formats carry no finer unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const EPOCH: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds, rounded towards the past.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Milliseconds within the second, 0 to 999.
    pub const fn subsecond_millis(self) -> u32 {
        self.0.rem_euclid(1000) as u32
    }

    /// The time from `earlier` to `self`; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0);
        Duration::from_millis(if millis < 0 { 0 } else { millis as u64 })
    }

    /// Year, month (1-12), day (1-31) in the proleptic Gregorian calendar, UTC.
    pub const fn date(self) -> (i64, u32, u32) {
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": civil_from_days.
        let days = self.0.div_euclid(86_400_000) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u32;
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        (year, month, day)
    }

    /// Hour, minute, second of the day, UTC.
    pub const fn time_of_day(self) -> (u32, u32, u32) {
        let seconds = self.seconds().rem_euclid(86_400) as u32;
        (seconds / 3600, seconds / 60 % 60, seconds % 60)
    }

    /// Day of the week, 0 = Sunday.
    pub const fn weekday(self) -> u32 {
        (self.0.div_euclid(86_400_000) + 4).rem_euclid(7) as u32
    }

    /// The time at a UTC date and time of day; `None` when there is no such day or time.
    pub fn from_utc(
        (year, month, day): (i64, u32, u32),
        (hour, minute, second): (u32, u32, u32),
        millis: u32,
    ) -> Option<Self> {
        if !(-9999..=9999).contains(&year) || !(1..=12).contains(&month) || day < 1 {
            return None;
        }
        if day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 59 || millis > 999 {
            return None;
        }
        let shifted_year = if month <= 2 { year - 1 } else { year };
        let era = shifted_year.div_euclid(400);
        let year_of_era = shifted_year.rem_euclid(400);
        let shifted_month = i64::from((month + 9) % 12);
        let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        let seconds = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
        Some(Self(seconds * 1000 + i64::from(millis)))
    }

    /// RFC 3339 in UTC with milliseconds only where there are any: `2026-01-02T03:04:05Z`.
    pub fn iso8601(self) -> String {
        let ((year, month, day), (hour, minute, second)) = (self.date(), self.time_of_day());
        let whole = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        match self.subsecond_millis() {
            0 => format!("{whole}Z"),
            millis => format!("{whole}.{millis:03}Z"),
        }
    }

    /// As [`Self::iso8601`], with milliseconds always: `2026-01-02T03:04:05.000Z`.
    pub fn iso8601_millis(self) -> String {
        let ((year, month, day), (hour, minute, second)) = (self.date(), self.time_of_day());
        let millis = self.subsecond_millis();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

const fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso8601())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso8601())
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn dates_go_there_and_back() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_440_938_160_123, "2015-08-30T12:36:00.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (4_102_444_799_000, "2099-12-31T23:59:59Z"),
        ] {
            let time = Timestamp::from_millis(millis);
            assert_eq!(time.iso8601(), text);
            let back = Timestamp::from_utc(time.date(), time.time_of_day(), time.subsecond_millis());
            assert_eq!(back, Some(time));
        }
        assert_eq!(Timestamp::from_utc((2025, 2, 29), (0, 0, 0), 0), None);
        assert_eq!(Timestamp::EPOCH.weekday(), 4);
    }
}
