//! The three ways in which AWS writes a time, and the scalars' texts shared by forms, headers and XML.

use shapes::{Member, Timestamp, TimestampFormat};

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The format of a timestamp member: its own, its shape's, or the place's default.
pub(crate) fn format_of(member: &Member, default: TimestampFormat) -> TimestampFormat {
    member.timestamp_format.or(member.shape.timestamp_format).unwrap_or(default)
}

/// Writes a time.
pub(crate) fn write(time: Timestamp, format: TimestampFormat) -> String {
    match format {
        TimestampFormat::Iso8601 => time.iso8601(),
        TimestampFormat::HttpDate => http_date(time),
        TimestampFormat::EpochSeconds => epoch_seconds(time),
    }
}

/// Seconds since 1970, with a fraction only where there is one: `1422172800`, `946845296.123`.
pub(crate) fn epoch_seconds(time: Timestamp) -> String {
    let millis = time.millis();
    if millis % 1000 == 0 {
        return (millis / 1000).to_string();
    }
    let sign = if millis < 0 { "-" } else { "" };
    let (seconds, fraction) = (millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000);
    let text = format!("{sign}{seconds}.{fraction:03}");
    text.trim_end_matches('0').to_owned()
}

/// RFC 9110 IMF-fixdate, which has no fraction of a second.
fn http_date(time: Timestamp) -> String {
    let ((year, month, day), (hour, minute, second)) = (time.date(), time.time_of_day());
    let weekday = DAYS[time.weekday() as usize];
    let month = MONTHS[month as usize - 1];
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Reads a time in `format`, or, as AWS does, in any of the others.
pub(crate) fn parse(text: &str, format: TimestampFormat) -> Option<Timestamp> {
    let text = text.trim();
    let read = |format| match format {
        TimestampFormat::Iso8601 => parse_iso8601(text),
        TimestampFormat::HttpDate => parse_http_date(text),
        TimestampFormat::EpochSeconds => text.parse().ok().and_then(from_epoch_seconds),
    };
    let others = [TimestampFormat::Iso8601, TimestampFormat::EpochSeconds, TimestampFormat::HttpDate];
    read(format).or_else(|| others.into_iter().filter(|other| *other != format).find_map(read))
}

/// A time from seconds with a fraction; `None` beyond the years -9999 to 9999.
pub(crate) fn from_epoch_seconds(seconds: f64) -> Option<Timestamp> {
    const BOUND: f64 = 253_402_300_800.0;
    if !(-2.0 * BOUND..BOUND).contains(&seconds) {
        return None;
    }
    Some(Timestamp::from_millis((seconds * 1000.0).round() as i64))
}

/// RFC 3339, with the date alone, a missing offset (UTC) and the basic form (`20260102T030405Z`) accepted.
fn parse_iso8601(text: &str) -> Option<Timestamp> {
    let mut cursor = Digits { bytes: text.as_bytes() };
    let year = i64::from(cursor.number(4)?);
    let extended = cursor.skip(b"-");
    let month = cursor.number(2)?;
    if extended && !cursor.skip(b"-") {
        return None;
    }
    let day = cursor.number(2)?;
    let (mut hour, mut minute, mut second, mut millis, mut offset_minutes) = (0, 0, 0, 0, 0);
    if cursor.skip(b"Tt ") {
        hour = cursor.number(2)?;
        cursor.skip(b":");
        minute = cursor.number(2)?;
        if cursor.skip(b":") || cursor.next_is_digit() {
            second = cursor.number(2)?;
        }
        millis = cursor.fraction();
        offset_minutes = cursor.offset()?;
    }
    if !cursor.bytes.is_empty() {
        return None;
    }
    // A leap second counts as the last one before it.
    let local = Timestamp::from_utc((year, month, day), (hour, minute, second.min(59)), millis)?;
    Some(Timestamp::from_millis(local.millis() - offset_minutes * 60_000))
}

/// `Tue, 29 Apr 2014 18:30:38 GMT`, with a fraction of a second accepted.
fn parse_http_date(text: &str) -> Option<Timestamp> {
    let rest = text.split_once(',').map_or(text, |(_, rest)| rest).trim();
    let mut words = rest.split([' ', '-']).filter(|word| !word.is_empty());
    let day = words.next()?.parse().ok()?;
    let month_name = words.next()?;
    let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(month_name))? as u32 + 1;
    let year: i64 = words.next()?.parse().ok()?;
    let mut cursor = Digits { bytes: words.next()?.as_bytes() };
    let hour = cursor.number(2)?;
    cursor.skip(b":");
    let minute = cursor.number(2)?;
    cursor.skip(b":");
    let second = cursor.number(2)?;
    let millis = cursor.fraction();
    Timestamp::from_utc((year, month, day), (hour, minute, second.min(59)), millis)
}

/// Fixed-width numbers at the front of a text.
struct Digits<'a> {
    bytes: &'a [u8],
}

impl Digits<'_> {
    fn number(&mut self, width: usize) -> Option<u32> {
        let (digits, rest) = self.bytes.split_at_checked(width)?;
        self.bytes = rest;
        digits
            .iter()
            .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
    }

    fn skip(&mut self, any_of: &[u8]) -> bool {
        match self.bytes.split_first() {
            Some((byte, rest)) if any_of.contains(byte) => {
                self.bytes = rest;
                true
            }
            _ => false,
        }
    }

    fn next_is_digit(&self) -> bool {
        self.bytes.first().is_some_and(u8::is_ascii_digit)
    }

    /// Milliseconds from `.123456`; what is finer is cut off.
    fn fraction(&mut self) -> u32 {
        if !self.skip(b".,") {
            return 0;
        }
        let (mut millis, mut scale) = (0, 100);
        while self.next_is_digit() {
            millis += u32::from(self.bytes[0] - b'0') * scale;
            scale /= 10;
            self.bytes = &self.bytes[1..];
        }
        millis
    }

    /// Minutes east of UTC; none given is UTC.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.bytes.first() {
            None => return Some(0),
            Some(b'Z' | b'z') => {
                self.bytes = &self.bytes[1..];
                return Some(0);
            }
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) => return None,
        };
        self.bytes = &self.bytes[1..];
        let hours = i64::from(self.number(2)?);
        self.skip(b":");
        let minutes = if self.next_is_digit() { i64::from(self.number(2)?) } else { 0 };
        Some(sign * (hours * 60 + minutes))
    }
}

#[cfg(test)]
mod tests {
    use shapes::{Timestamp, TimestampFormat};

    use super::{parse, write};

    #[test]
    fn every_format_is_read() {
        for (text, millis) in [
            ("2014-04-29T18:30:38Z", 1_398_796_238_000),
            ("2019-12-17T00:48:18+01:00", 1_576_540_098_000),
            ("2000-01-02T20:34:56.123Z", 946_845_296_123),
            ("20140429T183038Z", 1_398_796_238_000),
            ("2014-04-29", 1_398_729_600_000),
            ("Tue, 29 Apr 2014 18:30:38 GMT", 1_398_796_238_000),
            ("Sun, 02 Jan 2000 20:34:56.123 GMT", 946_845_296_123),
            ("1398796238", 1_398_796_238_000),
            ("946845296.123", 946_845_296_123),
            ("1.398796238E9", 1_398_796_238_000),
        ] {
            assert_eq!(parse(text, TimestampFormat::Iso8601), Some(Timestamp::from_millis(millis)), "{text}");
        }
        for text in ["", "yesterday", "2014-13-01", "2014-04-29T25:00:00Z", "1e300", "NaN", "2014-04-29T1"] {
            assert_eq!(parse(text, TimestampFormat::Iso8601), None, "{text}");
        }
    }

    #[test]
    fn every_format_is_written() {
        let time = Timestamp::from_millis(946_845_296_120);
        assert_eq!(write(time, TimestampFormat::Iso8601), "2000-01-02T20:34:56.120Z");
        assert_eq!(write(time, TimestampFormat::EpochSeconds), "946845296.12");
        assert_eq!(write(time, TimestampFormat::HttpDate), "Sun, 02 Jan 2000 20:34:56 GMT");
        assert_eq!(write(Timestamp::from_millis(-500), TimestampFormat::EpochSeconds), "-0.5");
    }
}
