//! What PutLogEvents takes and refuses.

use logs_api::RejectedLogEventsInfo;

use crate::kit::{DAY, Logs};

const HOUR: i64 = 3_600_000;

#[tokio::test]
async fn batches_that_break_a_rule_are_refused_whole() {
    let logs = Logs::start().await;
    let long = "x".repeat(600_000);
    for (events, reason) in [
        (vec![], "at 'logEvents' failed to satisfy constraint"),
        (vec![(0, "")], "'logEvents.1.member.message' failed to satisfy constraint"),
        (vec![(1, "b"), (0, "a")], "must be in chronological order"),
        (vec![(-DAY, "a"), (1, "b")], "cannot span more than 24 hours"),
        (
            vec![(0, long.as_str()), (0, long.as_str())],
            "Upload too large: 1200052 bytes exceeds limit of 1048576",
        ),
        (vec![(0, "x"); 10_001], "less than or equal to 10000"),
    ] {
        let error = logs.put("a", &events).await.unwrap_err();
        assert!(error.message().contains(reason), "{reason}: {}", error.message());
        assert_eq!(error.name(), "InvalidParameterException");
    }
    let error = logs.put("none", &[(0, "x")]).await.unwrap_err();
    assert_eq!(error.message(), "The specified log stream does not exist.");
    assert!(logs.search("").await.is_empty());
}

#[tokio::test]
async fn events_too_old_or_too_new_are_left_out_and_told() {
    let logs = Logs::start().await;
    let ahead = logs.put("a", &[(0, "now"), (2 * HOUR, "edge"), (2 * HOUR + 1, "far")]).await.unwrap();
    assert_eq!(
        ahead.rejected_log_events_info,
        Some(RejectedLogEventsInfo { too_new_log_event_start_index: Some(2), ..Default::default() })
    );
    let back = logs.put("a", &[(-14 * DAY - 1, "far"), (-14 * DAY, "edge")]).await.unwrap();
    assert_eq!(
        back.rejected_log_events_info,
        Some(RejectedLogEventsInfo { too_old_log_event_end_index: Some(1), ..Default::default() })
    );
    assert_eq!(logs.search("").await, ["edge", "now", "edge"]);
    let fine = logs.put("a", &[(0, "fine")]).await.unwrap();
    assert_eq!(fine.rejected_log_events_info, None);
    assert_eq!(fine.next_sequence_token.map(|token| token.len()), Some(56));
}
