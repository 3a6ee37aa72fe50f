//! Quotas of usage plans: periods of days, and what of them is left (API Reference, "QuotaSettings").

use shapes::{ApiError, Timestamp};
use store::{Range, Reader};

use crate::rows::Quota;
use crate::tables::USAGE;

/// First and last day of a period, in days since the epoch.
pub(crate) type Period = (u64, u64);

/// Days since the epoch.
pub(crate) fn day_of(time: Timestamp) -> u64 {
    u64::try_from(time.seconds().div_euclid(86_400)).unwrap_or(0)
}

/// The period that a day is in. Weeks begin on Sunday and months on the first, both moved by the quota's offset.
pub(crate) fn period_of(quota: &Quota, day: u64) -> Period {
    let offset = u64::from(quota.offset.unsigned_abs());
    match quota.period.as_str() {
        "WEEK" => {
            // The epoch was a Thursday.
            let since = (day + 4 + 7 - offset % 7) % 7;
            (day.saturating_sub(since), day + 6 - since)
        }
        "MONTH" => {
            let begin = first_of_month(day.saturating_sub(offset)) + offset;
            let end = first_of_month(begin - offset + 31) + offset - 1;
            (begin, end)
        }
        _ => (day, day),
    }
}

fn first_of_month(day: u64) -> u64 {
    let seconds = i64::try_from(day).unwrap_or(0) * 86_400;
    let (_, _, of_month) = Timestamp::from_seconds(seconds).date();
    day.saturating_sub(u64::from(of_month - 1))
}

/// What is stored as left of a period, which may be less than nothing.
pub(crate) fn remaining(
    reader: &mut dyn Reader,
    plan: &str,
    key: &str,
    quota: &Quota,
    (first, last): Period,
) -> Result<i64, ApiError> {
    let range = Range::between(
        &(plan.to_owned(), key.to_owned(), first),
        &(plan.to_owned(), key.to_owned(), last + 1),
    );
    let rows = USAGE.list(reader, &range, usize::MAX)?;
    let spent: i64 = rows.iter().map(|(_, row)| row.used - row.granted).sum();
    Ok(i64::from(quota.limit) - spent)
}

#[cfg(test)]
mod tests {
    use shapes::Timestamp;

    use super::{day_of, period_of};
    use crate::rows::Quota;

    #[track_caller]
    fn check(period: &str, offset: i32, date: (i64, u32, u32), from: (i64, u32, u32), to: (i64, u32, u32)) {
        let day = |date| day_of(Timestamp::from_utc(date, (12, 0, 0), 0).unwrap());
        let quota = Quota { limit: 1, offset, period: period.to_owned() };
        assert_eq!(period_of(&quota, day(date)), (day(from), day(to)), "{period} {offset} {date:?}");
    }

    #[test]
    fn periods_are_days_weeks_from_sunday_and_months() {
        check("DAY", 0, (2026, 1, 15), (2026, 1, 15), (2026, 1, 15));
        check("WEEK", 0, (2026, 1, 15), (2026, 1, 11), (2026, 1, 17));
        check("WEEK", 1, (2026, 1, 11), (2026, 1, 5), (2026, 1, 11));
        check("MONTH", 0, (2026, 2, 28), (2026, 2, 1), (2026, 2, 28));
        check("MONTH", 4, (2026, 2, 3), (2026, 1, 5), (2026, 2, 4));
        check("MONTH", 0, (2026, 1, 1), (2026, 1, 1), (2026, 1, 31));
    }
}
