//! The spellings of a moment that signatures, policies and HTTP use, to and from epoch seconds in UTC.

use std::fmt::Write;

/// Sixteen characters, `20150830T123600Z`: the `X-Amz-Date` of a request, also known as ISO 8601's basic format.
pub fn format_basic(epoch_seconds: i64) -> String {
    let (year, month, day, hour, minute, second) = civil(epoch_seconds);
    let mut out = String::with_capacity(16);
    push_year(&mut out, year);
    for part in [month, day] {
        push_two(&mut out, part);
    }
    out.push('T');
    for part in [hour, minute, second] {
        push_two(&mut out, part);
    }
    out.push('Z');
    out
}

/// `2015-08-30T12:36:00Z`, as `aws:CurrentTime` has it.
pub fn format_iso8601(epoch_seconds: i64) -> String {
    let (year, month, day, hour, minute, second) = civil(epoch_seconds);
    let mut out = String::with_capacity(20);
    push_year(&mut out, year);
    for (mark, part) in [('-', month), ('-', day), ('T', hour), (':', minute), (':', second)] {
        out.push(mark);
        push_two(&mut out, part);
    }
    out.push('Z');
    out
}

fn push_year(out: &mut String, year: i64) {
    if (0..10_000).contains(&year) {
        push_two(out, year / 100);
        push_two(out, year % 100);
    } else {
        let _ = write!(out, "{year:04}");
    }
}

/// A number below 100 in two digits.
fn push_two(out: &mut String, number: i64) {
    for digit in [number / 10, number % 10] {
        out.push(char::from(b'0' + (digit % 10) as u8));
    }
}

pub fn parse_basic(text: &str) -> Option<i64> {
    let text = text.as_bytes();
    if text.len() != 16 || text[8] != b'T' || text[15] != b'Z' {
        return None;
    }
    let date = (number(&text[..4])?, number(&text[4..6])?, number(&text[6..8])?);
    let time = (number(&text[9..11])?, number(&text[11..13])?, number(&text[13..15])?);
    epoch(date, time)
}

/// `Sun, 30 Aug 2015 12:36:00 GMT`: the `Date` header (RFC 9110, IMF-fixdate).
pub fn parse_http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.split_once(", ")?;
    let mut words = date.split(' ');
    let day = number(words.next()?.as_bytes())?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as i64 + 1;
    let year = number(words.next()?.as_bytes())?;
    let time = parse_time(words.next()?)?;
    if !matches!(words.next()?, "GMT" | "UTC" | "+0000") || words.next().is_some() {
        return None;
    }
    epoch((year, month, day), time)
}

/// The W3C profile of ISO 8601 that policies use: `2015-08-30`, `2015-08-30T12:36Z`, `2015-08-30T12:36:00.5+02:00`.
/// Gives thousandths of a second.
pub fn parse_iso8601_millis(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let date = parse_date(date)?;
    let Some(time) = time else { return epoch(date, (0, 0, 0))?.checked_mul(1000) };
    let zone = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at(zone);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let seconds = epoch(date, parse_time(clock)?)? - parse_zone(zone)?;
    Some(seconds * 1000 + parse_thousandths(fraction)?)
}

fn parse_date(text: &str) -> Option<(i64, i64, i64)> {
    let mut parts = text.split('-');
    let year = number(parts.next()?.as_bytes())?;
    let mut next = || parts.next().map_or(Some(1), |part| number(part.as_bytes()));
    let (month, day) = (next()?, next()?);
    if parts.next().is_some() { None } else { Some((year, month, day)) }
}

fn parse_time(text: &str) -> Option<(i64, i64, i64)> {
    let mut parts = text.split(':');
    let hour = number(parts.next()?.as_bytes())?;
    let minute = number(parts.next()?.as_bytes())?;
    let second = parts.next().map_or(Some(0), |part| number(part.as_bytes()))?;
    if parts.next().is_some() { None } else { Some((hour, minute, second)) }
}

fn parse_zone(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    Some(sign * (number(hours.as_bytes())? * 3600 + number(minutes.as_bytes())? * 60))
}

fn parse_thousandths(fraction: &str) -> Option<i64> {
    number(fraction.as_bytes())?;
    let mut digits = fraction.bytes().map(|digit| i64::from(digit - b'0'));
    let mut next = || digits.next().unwrap_or(0);
    Some(next() * 100 + next() * 10 + next())
}

fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

fn epoch((year, month, day): (i64, i64, i64), (hour, minute, second): (i64, i64, i64)) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last_day = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(is_leap),
        _ => 31,
    };
    // A leap second counts as the first second of the next minute.
    if !(0..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=last_day).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    // Days since 1970-01-01 in the proleptic Gregorian calendar, with years that begin in March.
    let march_year = if month > 2 { year } else { year - 1 };
    let century = march_year.div_euclid(400);
    let year_of_era = march_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = century * 146_097 + day_of_era - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

fn civil(epoch_seconds: i64) -> (i64, i64, i64, i64, i64, i64) {
    let days = epoch_seconds.div_euclid(86_400) + 719_468;
    let second_of_day = epoch_seconds.rem_euclid(86_400);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day, second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_go_round() {
        for seconds in [0, 951_782_399, 951_782_400, 1_440_938_160, 4_102_444_799, -1] {
            assert_eq!(parse_basic(&format_basic(seconds)), Some(seconds));
            assert_eq!(parse_iso8601_millis(&format_iso8601(seconds)), Some(seconds * 1000));
        }
        assert_eq!(format_basic(1_440_938_160), "20150830T123600Z");
    }

    #[test]
    fn http_dates_are_read() {
        assert_eq!(parse_http_date("Sun, 30 Aug 2015 12:36:00 GMT"), Some(1_440_938_160));
        for wrong in
            ["", "Sun, 30 Aug 2015", "Sun, 31 Feb 2015 12:36:00 GMT", "Sun, 30 Aug 2015 12:36:00 CET"]
        {
            assert_eq!(parse_http_date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn policy_dates_are_read() {
        let base = 1_440_892_800_000;
        for (text, millis) in [
            ("2015-08-30", base),
            ("2015-08-30T00:00Z", base),
            ("2015-08-30T02:00:00+02:00", base),
            ("2015-08-29T23:30:00-00:30", base),
            ("2015-08-30T00:00:00.25Z", base + 250),
            ("2015", 1_420_070_400_000),
        ] {
            assert_eq!(parse_iso8601_millis(text), Some(millis), "{text}");
        }
        for wrong in ["", "x", "2015-13-01", "2015-02-29", "2015-08-30T00:00", "2015-08-30T24:00Z", "2015-8-"]
        {
            assert_eq!(parse_iso8601_millis(wrong), None, "{wrong}");
        }
    }
}
