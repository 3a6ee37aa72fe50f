//! Flexible time windows.

use scheduler_api::{CreateScheduleInput, FlexibleTimeWindow};

use crate::kit::{MINUTE, Region};

fn window(minutes: i32) -> impl FnOnce(&mut CreateScheduleInput) {
    move |input| {
        input.flexible_time_window =
            FlexibleTimeWindow { mode: "FLEXIBLE".to_owned(), maximum_window_in_minutes: Some(minutes) };
    }
}

#[tokio::test]
async fn schedules_come_within_their_window_and_not_all_at_once() {
    let region = Region::start().await;
    for number in 0..20 {
        region.create(&format!("s{number}"), "at(2026-01-01T01:00:00)", window(30)).await.unwrap();
    }
    region.step(MINUTE, 59).await;
    assert!(region.times().await.is_empty(), "none before its time");
    let mut minutes_with_some = 0;
    let mut all = Vec::new();
    for _ in 0..=31 {
        region.step(MINUTE, 1).await;
        let times = region.times().await;
        minutes_with_some += usize::from(!times.is_empty());
        all.extend(times);
    }
    assert_eq!(all.len(), 20, "all by the end of the window");
    assert!(all.iter().all(|time| time == "2026-01-01T01:00:00Z"), "they tell their own time: {all:?}");
    assert!(minutes_with_some > 5, "spread over {minutes_with_some} minutes");
}

#[tokio::test]
async fn a_window_moves_a_time_and_not_the_ones_after_it() {
    let region = Region::start().await;
    region.create("s", "rate(1 hour)", window(10)).await.unwrap();
    region.step(MINUTE, 4 * 60 - 1).await;
    let expected = ["2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z", "2026-01-01T03:00:00Z"];
    assert_eq!(region.times().await, expected);
}

#[tokio::test]
async fn windows_have_a_length_if_and_only_if_they_are_flexible() {
    let region = Region::start().await;
    for (mode, minutes) in [("FLEXIBLE", None), ("OFF", Some(5))] {
        let change = |input: &mut CreateScheduleInput| {
            input.flexible_time_window =
                FlexibleTimeWindow { mode: mode.to_owned(), maximum_window_in_minutes: minutes };
        };
        let refused = region.create("s", "rate(1 hour)", change).await.unwrap_err();
        assert_eq!(refused.name(), "ValidationException", "{mode}");
    }
}
