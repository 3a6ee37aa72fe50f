//! When schedules say that the next times are.

use schedule_expression::{Schedule, Zone};

/// Seconds of `2026-01-31T09:00:00`, in UTC.
fn seconds(text: &str) -> i64 {
    let schedule = Schedule::parse(&format!("at({text})")).expect("the case is well formed");
    schedule.next_after(i64::MIN / 2, 0, &Zone::utc()).expect("the time exists")
}

/// The next times after one, which are all UTC.
#[track_caller]
fn check(schedule: &str, zone: &str, after: &str, wanted: &[&str]) {
    let parsed = Schedule::parse(schedule).expect("the case is well formed");
    let zone = Zone::find(zone).expect("the zone exists");
    let (mut last, anchor) = (seconds(after), seconds(after));
    for time in wanted {
        let next = parsed.next_after(last, anchor, &zone);
        assert_eq!(next, Some(seconds(time)), "{schedule}: {time}");
        last = seconds(time);
    }
}

#[test]
fn rates_count_from_their_anchor() {
    check("rate(5 minutes)", "UTC", "2026-01-01T00:00:30", &["2026-01-01T00:05:30", "2026-01-01T00:10:30"]);
    check("rate(1 day)", "UTC", "2026-02-28T12:00:00", &["2026-03-01T12:00:00"]);
    assert!(!Schedule::parse("rate(1 days)").unwrap().is_grammatical());
    assert!(Schedule::parse("rate(2 hours)").unwrap().is_grammatical());
}

#[test]
fn cron_fields_hold_lists_ranges_steps_and_names() {
    check("cron(15 10 * * ? *)", "UTC", "2026-01-01T10:15:00", &["2026-01-02T10:15:00"]);
    check(
        "cron(0/20 8-9 ? * MON-FRI *)",
        "UTC",
        "2026-01-02T09:39:59",
        &["2026-01-02T09:40:00", "2026-01-05T08:00:00", "2026-01-05T08:20:00"],
    );
    check(
        "cron(0 18 ? * 6,7 *)",
        "UTC",
        "2026-01-01T00:00:00",
        &["2026-01-02T18:00:00", "2026-01-03T18:00:00"],
    );
    check("cron(5,35 14 1 JAN,JUL ? 2027-2028)", "UTC", "2026-01-01T00:00:00", &["2027-01-01T14:05:00"]);
    check(
        "cron(0 0 ? * FRI-MON *)",
        "UTC",
        "2026-01-02T00:00:00",
        &["2026-01-03T00:00:00", "2026-01-04T00:00:00", "2026-01-05T00:00:00", "2026-01-09T00:00:00"],
    );
    check("cron(*/15 * * * ? *)", "UTC", "2026-01-01T23:50:00", &["2026-01-02T00:00:00"]);
}

#[test]
fn last_nearest_and_ordinal_days() {
    check("cron(0 0 L * ? *)", "UTC", "2026-02-01T00:00:00", &["2026-02-28T00:00:00", "2026-03-31T00:00:00"]);
    // 15 August 2026 is a Saturday, 15 November a Sunday, 1 August a Saturday.
    check(
        "cron(0 0 15W 8,11 ? *)",
        "UTC",
        "2026-08-01T00:00:00",
        &["2026-08-14T00:00:00", "2026-11-16T00:00:00"],
    );
    check("cron(0 0 1W 8 ? *)", "UTC", "2026-07-31T00:00:00", &["2026-08-03T00:00:00"]);
    check(
        "cron(0 0 ? * 6L *)",
        "UTC",
        "2026-01-01T00:00:00",
        &["2026-01-30T00:00:00", "2026-02-27T00:00:00"],
    );
    check("cron(0 0 ? * L *)", "UTC", "2026-01-01T00:00:00", &["2026-01-03T00:00:00"]);
    check(
        "cron(0 0 ? * 3#2 *)",
        "UTC",
        "2026-01-01T00:00:00",
        &["2026-01-13T00:00:00", "2026-02-10T00:00:00"],
    );
    check("cron(0 0 29 2 ? *)", "UTC", "2026-01-01T00:00:00", &["2028-02-29T00:00:00"]);
}

#[test]
fn clocks_go_forward_and_back() {
    // Berlin: forward on 29 March 2026 at 2:00, back on 25 October at 3:00.
    check(
        "cron(30 2 * * ? *)",
        "Europe/Berlin",
        "2026-03-28T00:00:00",
        &["2026-03-28T01:30:00", "2026-03-30T00:30:00"],
    );
    check(
        "cron(30 2 * * ? *)",
        "Europe/Berlin",
        "2026-10-24T12:00:00",
        &["2026-10-25T00:30:00", "2026-10-26T01:30:00"],
    );
    check("at(2026-07-01T09:00:00)", "America/New_York", "2026-01-01T00:00:00", &["2026-07-01T13:00:00"]);
    check("at(2026-03-29T02:30:00)", "Europe/Berlin", "2026-01-01T00:00:00", &["2026-03-29T01:30:00"]);
    check("cron(0 9 ? * MON *)", "Asia/Kolkata", "2026-01-01T00:00:00", &["2026-01-05T03:30:00"]);
}

#[test]
fn what_never_comes_again_has_no_next_time() {
    let none = |schedule: &str| {
        let schedule = Schedule::parse(schedule).unwrap();
        assert_eq!(schedule.next_after(seconds("2026-01-01T00:00:00"), 0, &Zone::utc()), None);
    };
    none("at(2025-12-31T23:59:59)");
    none("cron(0 0 1 1 ? 2025)");
    none("cron(0 0 31 2 ? *)");
}

#[test]
fn wrong_schedules_are_refused() {
    for text in [
        "",
        "rate()",
        "rate(0 minutes)",
        "rate(5 seconds)",
        "rate(5)",
        "rate(-1 minutes)",
        "cron(* * * * *)",
        "cron(0 0 * * * *)",
        "cron(0 0 ? * ? *)",
        "cron(60 0 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 0 0 * ? *)",
        "cron(0 0 ? * 8 *)",
        "cron(0 0 ? * MON#6 *)",
        "cron(0 0 * FOO ? *)",
        "cron(0 0 * * ? 2200)",
        "cron(0/0 0 * * ? *)",
        "at(2026-02-29T00:00:00)",
        "at(2026-01-01)",
        "at(2026-01-01T24:00:00)",
        "every day",
        "cron(0 0 1-W * ? *)",
        "rate(99999999999999999 days)",
    ] {
        assert!(Schedule::parse(text).is_err(), "{text}");
    }
    assert!(Zone::find("Europe/Atlantis").is_none());
}
