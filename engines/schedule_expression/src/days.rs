//! Which days a cron expression means: by their number in the month, or by their day of the week.

use crate::field::{DAYS_OF_MONTH, DAYS_OF_WEEK, Numbers};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Days {
    OfMonth {
        numbers: Numbers,
        /// `L`
        has_last: bool,
        /// `15W`: the weekday nearest to the 15th in its month. 0 is `LW`, the month's last weekday.
        nearest_weekdays: Vec<u8>,
    },
    OfWeek {
        numbers: Numbers,
        /// `5L`: the month's last Thursday.
        last: Vec<u8>,
        /// `3#2`: the month's second Tuesday.
        ordinal: Vec<(u8, u8)>,
    },
}

impl Days {
    /// One of the two fields says `?`, and the other one which days.
    pub(crate) fn parse(of_month: &str, of_week: &str) -> Option<Self> {
        match (of_month, of_week) {
            ("?", "?") => None,
            (of_month, "?") => Self::parse_of_month(of_month),
            ("?", of_week) => Self::parse_of_week(of_week),
            _ => None,
        }
    }

    fn parse_of_month(text: &str) -> Option<Self> {
        let (mut numbers, mut has_last, mut nearest_weekdays) =
            (Numbers::none(DAYS_OF_MONTH), false, Vec::new());
        for part in text.split(',') {
            let part = part.to_ascii_uppercase();
            match part.strip_suffix('W') {
                Some("L") => nearest_weekdays.push(0),
                Some(day) => nearest_weekdays.push(u8::try_from(DAYS_OF_MONTH.number(day)?).ok()?),
                None if part == "L" => has_last = true,
                None => numbers.add(&part, DAYS_OF_MONTH)?,
            }
        }
        Some(Self::OfMonth { numbers, has_last, nearest_weekdays })
    }

    fn parse_of_week(text: &str) -> Option<Self> {
        let (mut numbers, mut last, mut ordinal) = (Numbers::none(DAYS_OF_WEEK), Vec::new(), Vec::new());
        let day = |text: &str| DAYS_OF_WEEK.number(text).and_then(|day| u8::try_from(day).ok());
        for part in text.split(',') {
            let part = part.to_ascii_uppercase();
            if part == "L" {
                numbers.add("7", DAYS_OF_WEEK)?;
            } else if let Some((weekday, turn)) = part.split_once('#') {
                let turn = turn.parse().ok().filter(|turn| (1..=5).contains(turn))?;
                ordinal.push((day(weekday)?, turn));
            } else if let Some(weekday) = part.strip_suffix('L') {
                last.push(day(weekday)?);
            } else {
                numbers.add(&part, DAYS_OF_WEEK)?;
            }
        }
        Some(Self::OfWeek { numbers, last, ordinal })
    }

    pub(crate) fn contains(&self, year: i16, month: u8, day: u8) -> bool {
        let length = days_in_month(year, month);
        match self {
            Self::OfMonth { numbers, has_last, nearest_weekdays } => {
                numbers.contains(day.into())
                    || (*has_last && day == length)
                    || nearest_weekdays.iter().any(|wanted| nearest_weekday(year, month, *wanted) == day)
            }
            Self::OfWeek { numbers, last, ordinal } => {
                let weekday = weekday(year, month, day);
                numbers.contains(weekday.into())
                    || (last.contains(&weekday) && day + 7 > length)
                    || ordinal.contains(&(weekday, (day - 1) / 7 + 1))
            }
        }
    }
}

/// Stays in the month: the weekday nearest to Sunday the 1st is Monday the 2nd, to Saturday the 1st Monday the 3rd.
fn nearest_weekday(year: i16, month: u8, day: u8) -> u8 {
    let length = days_in_month(year, month);
    let is_last = day == 0;
    let day = if is_last { length } else { day };
    if day > length {
        return 0;
    }
    match weekday(year, month, day) {
        7 if day > 1 => day - 1,
        7 => day + 2,
        1 if day == length || is_last => day - 2,
        1 => day + 1,
        _ => day,
    }
}

pub(crate) fn days_in_month(year: i16, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// From 1 for Sunday (Tomohiko Sakamoto's method).
fn weekday(year: i16, month: u8, day: u8) -> u8 {
    const SHIFTS: [i32; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let year = i32::from(year) - i32::from(month < 3);
    let shift = SHIFTS[usize::from(month - 1)];
    let days = year + year / 4 - year / 100 + year / 400 + shift + i32::from(day);
    (days.rem_euclid(7) + 1) as u8
}
