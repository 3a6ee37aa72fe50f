//! Schedules as they are written.

use crate::cron::Cron;
use crate::days::days_in_month;
use crate::zone::{WallTime, Zone};

/// A parsed schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    At(WallTime),
    /// Seconds, and whether the unit is singular for one and plural for more.
    Rate {
        seconds: i64,
        is_grammatical: bool,
    },
    Cron(Box<Cron>),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is no schedule: it has to be rate(5 minutes), cron(minutes hours day-of-month month day-of-week year) with ? in \
     one of the two day fields, or at(yyyy-mm-ddThh:mm:ss)"
)]
pub struct InvalidSchedule(pub String);

impl Schedule {
    pub fn parse(text: &str) -> Result<Self, InvalidSchedule> {
        let inner = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        let kind = match (inner("rate"), inner("cron"), inner("at")) {
            (Some(rate), _, _) => parse_rate(rate),
            (_, Some(cron), _) => Cron::parse(cron).map(|cron| Kind::Cron(Box::new(cron))),
            (_, _, Some(at)) => parse_wall_time(at).map(Kind::At),
            _ => None,
        };
        kind.map(Self).ok_or_else(|| InvalidSchedule(text.to_owned()))
    }

    /// Whether it happens once, at a given time.
    pub fn is_once(&self) -> bool {
        matches!(self.0, Kind::At(_))
    }

    /// Whether a rate's unit is written as event buses want it: `rate(1 hour)`, `rate(2 hours)`.
    pub fn is_grammatical(&self) -> bool {
        !matches!(self.0, Kind::Rate { is_grammatical: false, .. })
    }

    /// The first time after `after`. Rates count from `anchor`, which is not one of their times itself.
    pub fn next_after(&self, after: i64, anchor: i64, zone: &Zone) -> Option<i64> {
        match &self.0 {
            Kind::At(wall) => zone.instant(*wall, true).filter(|instant| *instant > after),
            Kind::Rate { seconds, .. } => {
                let passed = after.checked_sub(anchor)?.max(0) / seconds;
                anchor.checked_add(seconds.checked_mul(passed + 1)?)
            }
            Kind::Cron(cron) => cron.next_after(after, zone),
        }
    }
}

fn parse_rate(text: &str) -> Option<Kind> {
    let (value, unit) = text.trim().split_once(' ')?;
    let value: i64 = value.parse().ok().filter(|value| *value > 0)?;
    let unit = unit.trim();
    let stem = unit.strip_suffix('s').unwrap_or(unit);
    let unit_seconds = match stem {
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return None,
    };
    let seconds = value.checked_mul(unit_seconds).filter(|seconds| *seconds < 1 << 40)?;
    Some(Kind::Rate { seconds, is_grammatical: (value == 1) == (stem == unit) })
}

/// `2026-01-31T09:00:00`
fn parse_wall_time(text: &str) -> Option<WallTime> {
    let shape = |(index, byte): (usize, u8)| match index {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    };
    if text.len() != 19 || !text.bytes().enumerate().all(shape) {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u8>().ok();
    let time = WallTime {
        year: text.get(..4)?.parse().ok()?,
        month: number(5, 7)?,
        day: number(8, 10)?,
        hour: number(11, 13)?,
        minute: number(14, 16)?,
        second: number(17, 19)?,
    };
    let is_time = (1..=12).contains(&time.month)
        && (1..=days_in_month(time.year, time.month)).contains(&time.day)
        && time.hour < 24
        && time.minute < 60
        && time.second < 60;
    is_time.then_some(time)
}
