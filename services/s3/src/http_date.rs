//! Times as HTTP headers have them (RFC 9110, "Date/Time Formats").

use shapes::Timestamp;

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Thu, 01 Jan 1970 00:00:00 GMT`
pub(crate) fn format(time: Timestamp) -> String {
    let (year, month, day) = time.date();
    let (hour, minute, second) = time.time_of_day();
    let weekday = DAYS[time.weekday() as usize % 7];
    let month = MONTHS[(month as usize + 11) % 12];
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

#[cfg(test)]
mod tests {
    use shapes::Timestamp;

    #[test]
    fn the_epoch_was_a_thursday() {
        assert_eq!(super::format(Timestamp::EPOCH), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(super::format(Timestamp::from_seconds(1_767_225_600)), "Thu, 01 Jan 2026 00:00:00 GMT");
    }
}
