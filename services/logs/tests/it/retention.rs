//! Retention periods.

use clock::Jobs;
use logs_api::op::{DeleteRetentionPolicy, DescribeLogGroups, PutRetentionPolicy};
use logs_api::{DeleteRetentionPolicyInput, DescribeLogGroupsInput, PutRetentionPolicyInput};
use shapes::ApiError;

use crate::kit::{DAY, Logs};

async fn keep(logs: &Logs, days: i32) -> Result<(), ApiError> {
    let input = PutRetentionPolicyInput { log_group_name: "app".to_owned(), retention_in_days: days };
    let kept = logs.region.call::<PutRetentionPolicy>(input).await.map(|_| ());
    logs.region.settle().await;
    kept
}

async fn stored_bytes(logs: &Logs) -> Option<i64> {
    let found = logs.region.call::<DescribeLogGroups>(DescribeLogGroupsInput::default()).await;
    found.expect("groups can be described").log_groups.expect("there is a group")[0].stored_bytes
}

fn jobs(logs: &Logs) -> usize {
    Jobs::new(logs.region.cloud.store().clone()).list(10).expect("jobs can be listed").len()
}

#[tokio::test]
async fn events_go_when_they_are_too_old_and_idle_groups_have_no_job() {
    let logs = Logs::start().await;
    logs.put("a", &[(-DAY, "yesterday"), (0, "today")]).await.unwrap();
    assert_eq!(jobs(&logs), 0);
    keep(&logs, 3).await.unwrap();
    assert_eq!((jobs(&logs), logs.search("").await.len()), (1, 2));
    logs.advance_days(2).await;
    logs.region.advance(std::time::Duration::from_millis(1)).await;
    assert_eq!(logs.search("").await, ["today"]);
    logs.region.advance(std::time::Duration::from_secs(3600)).await;
    assert_eq!(stored_bytes(&logs).await, Some(31));
    logs.advance_days(2).await;
    assert!(logs.search("").await.is_empty());
    assert_eq!((stored_bytes(&logs).await, jobs(&logs)), (Some(0), 0));

    let late = logs.put("a", &[(DAY, "expired"), (DAY + 7_200_000, "edge")]).await.unwrap();
    let rejected = late.rejected_log_events_info.expect("one is past its period");
    assert_eq!((rejected.expired_log_event_end_index, rejected.too_old_log_event_end_index), (Some(1), None));
    assert_eq!((logs.search("").await.len(), jobs(&logs)), (1, 1));
}

#[tokio::test]
async fn periods_are_those_of_the_list_and_can_be_taken_back() {
    let logs = Logs::start().await;
    for days in [0, 2, -1, 100_000] {
        let error = keep(&logs, days).await.unwrap_err();
        assert!(error.message().contains("enum value set: [1, 3, 5, 7,"), "{}", error.message());
    }
    keep(&logs, 1).await.unwrap();
    logs.put("a", &[(0, "kept")]).await.unwrap();
    let input = DeleteRetentionPolicyInput { log_group_name: "app".to_owned() };
    logs.region.call::<DeleteRetentionPolicy>(input).await.unwrap();
    logs.advance_days(30).await;
    assert_eq!(logs.search("").await, ["kept"]);
    assert_eq!(jobs(&logs), 0);
}
