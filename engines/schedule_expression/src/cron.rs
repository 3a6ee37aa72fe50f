//! Cron expressions of six fields: minutes, hours, days of the month, months, days of the week, years.

use crate::days::{Days, days_in_month};
use crate::field::{HOURS, MINUTES, MONTHS, Numbers, YEARS};
use crate::zone::{WallTime, Zone};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    minutes: Numbers,
    hours: Numbers,
    days: Days,
    months: Numbers,
    years: Numbers,
}

/// Times in a row that a zone's clocks never show, or show for the second time: an hour's worth, and some.
const MOST_SKIPPED: usize = 24 * 60;

impl Cron {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minutes, hours, days_of_month, months, days_of_week, years] = fields.try_into().ok()?;
        Some(Self {
            minutes: Numbers::parse(minutes, MINUTES)?,
            hours: Numbers::parse(hours, HOURS)?,
            days: Days::parse(days_of_month, days_of_week)?,
            months: Numbers::parse(months, MONTHS)?,
            years: Numbers::parse(years, YEARS)?,
        })
    }

    /// The first time after `after`. Times that clocks put forward leave out are left out, and those that clocks put
    /// back show twice come once (EventBridge Scheduler User Guide, "Daylight savings time").
    pub(crate) fn next_after(&self, after: i64, zone: &Zone) -> Option<i64> {
        let mut wall = zone.wall_time(after)?;
        for _ in 0..MOST_SKIPPED {
            wall = self.next_wall_time(wall)?;
            if let Some(instant) = zone.instant(wall, false).filter(|instant| *instant > after) {
                return Some(instant);
            }
        }
        None
    }

    /// The first matching minute behind that of `wall`.
    fn next_wall_time(&self, wall: WallTime) -> Option<WallTime> {
        let mut year = u16::try_from(wall.year).ok()?;
        let mut month = u16::from(wall.month);
        let mut day = wall.day;
        let mut hour = u16::from(wall.hour);
        let mut minute = u16::from(wall.minute) + 1;
        loop {
            let matching_year = self.years.from(year, YEARS.greatest)?;
            if matching_year > year {
                (year, month, day, hour, minute) = (matching_year, 1, 1, 0, 0);
            }
            let signed_year = i16::try_from(year).ok()?;
            let Some(matching_month) = self.months.from(month, 12) else {
                (year, month, day, hour, minute) = (year + 1, 1, 1, 0, 0);
                continue;
            };
            if matching_month > month {
                (month, day, hour, minute) = (matching_month, 1, 0, 0);
            }
            let short_month = u8::try_from(month).ok()?;
            let last = days_in_month(signed_year, short_month);
            let Some(matching_day) =
                (day..=last).find(|day| self.days.contains(signed_year, short_month, *day))
            else {
                (month, day, hour, minute) = (month + 1, 1, 0, 0);
                continue;
            };
            if matching_day > day {
                (day, hour, minute) = (matching_day, 0, 0);
            }
            let Some(matching_hour) = self.hours.from(hour, 23) else {
                (day, hour, minute) = (day + 1, 0, 0);
                continue;
            };
            if matching_hour > hour {
                (hour, minute) = (matching_hour, 0);
            }
            let Some(minute) = self.minutes.from(minute, 59) else {
                (hour, minute) = (hour + 1, 0);
                continue;
            };
            return Some(WallTime {
                year: signed_year,
                month: short_month,
                day,
                hour: u8::try_from(hour).ok()?,
                minute: u8::try_from(minute).ok()?,
                second: 0,
            });
        }
    }
}
