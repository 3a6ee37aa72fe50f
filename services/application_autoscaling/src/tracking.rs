//! Target tracking: what the capacity should be, from what the minutes before consumed.
//!
//! As DynamoDB's auto scaling does it (Developer Guide, "Managing throughput capacity automatically with DynamoDB auto
//! scaling"): out when consumption was above the target for two minutes in a row, in when it was well below for fifteen. A
//! minute without consumption has no data, and what has no data is neither.

/// Minutes above the target before capacity grows.
const MINUTES_OUT: i64 = 2;
/// Minutes below the target before capacity shrinks.
const MINUTES_IN: i64 = 15;
/// The lower alarm is this many points of utilisation below the target.
const MARGIN_PERCENT: f64 = 20.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Out,
    In,
}

/// Which way to go and to what capacity, before any bounds; nothing while there is no reason to change.
///
/// `consumed` gives the units a second of the minute that began so many minutes before the one under way (1 is the last
/// whole one).
pub(crate) fn decide(
    target_percent: f64,
    capacity: i64,
    consumed: impl Fn(i64) -> Option<f64>,
) -> Option<(Direction, i64)> {
    let capacity = capacity as f64;
    let above = capacity * target_percent / 100.0;
    // Targets near the margin would never see consumption below it.
    let below = capacity * (target_percent - MARGIN_PERCENT).max(target_percent / 2.0) / 100.0;
    let fitting = |consumed: f64| (consumed * 100.0 / target_percent).ceil().max(1.0) as i64;
    let all = |minutes: i64, is_so: &dyn Fn(f64) -> bool| {
        (1..=minutes).all(|back| consumed(back).is_some_and(is_so))
    };
    if all(MINUTES_OUT, &|units| units > above) {
        return Some((Direction::Out, fitting(consumed(1)?)));
    }
    if all(MINUTES_IN, &|units| units < below) {
        let most = (1..=MINUTES_IN).filter_map(&consumed).fold(0.0, f64::max);
        return Some((Direction::In, fitting(most)));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Direction, decide};

    #[test]
    fn capacity_grows_after_two_minutes_above_the_target() {
        let minutes =
            |all: &'static [f64]| move |back: i64| all.get(usize::try_from(back - 1).ok()?).copied();
        assert_eq!(decide(70.0, 10, minutes(&[14.0, 8.0])), Some((Direction::Out, 20)));
        assert_eq!(decide(70.0, 10, minutes(&[14.0, 7.0])), None, "7 of 10 is the target");
        assert_eq!(decide(70.0, 10, minutes(&[7.1, 7.1])), Some((Direction::Out, 11)));
        assert_eq!(decide(70.0, 10, minutes(&[14.0])), None, "one minute is not two");
    }

    #[test]
    fn capacity_shrinks_after_fifteen_minutes_below_the_lower_alarm() {
        let since = |minutes: i64, units: f64| move |back: i64| (back <= minutes).then_some(units);
        assert_eq!(decide(70.0, 100, since(15, 14.0)), Some((Direction::In, 20)));
        assert_eq!(decide(70.0, 100, since(14, 14.0)), None, "a minute without data is not below");
        assert_eq!(decide(70.0, 100, since(15, 51.0)), None, "between the alarms");
        let once_busy = |back: i64| Some(if back == 9 { 35.0 } else { 1.0 });
        assert_eq!(decide(70.0, 100, once_busy), Some((Direction::In, 50)), "the busiest minute counts");
        assert_eq!(decide(20.0, 100, since(15, 9.0)), Some((Direction::In, 45)));
        assert_eq!(decide(90.0, 100, since(15, 0.1)), Some((Direction::In, 1)));
    }
}
