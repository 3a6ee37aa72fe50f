//! GetLogEvents: pages and their tokens.

use logs_api::op::GetLogEvents;
use logs_api::{GetLogEventsInput, GetLogEventsOutput};
use shapes::ApiError;

use crate::kit::{Logs, NOW};

async fn get(logs: &Logs, input: GetLogEventsInput) -> Result<GetLogEventsOutput, ApiError> {
    let input = GetLogEventsInput {
        log_group_name: Some("app".to_owned()),
        log_stream_name: "a".to_owned(),
        ..input
    };
    logs.region.call::<GetLogEvents>(input).await
}

fn texts(output: &GetLogEventsOutput) -> Vec<&str> {
    output.events.iter().flatten().filter_map(|event| event.message.as_deref()).collect()
}

#[tokio::test]
async fn forward_tokens_lead_to_the_end_and_repeat_there() {
    let logs = Logs::start().await;
    logs.put("a", &[(0, "1"), (0, "2"), (1, "3")]).await.unwrap();
    logs.put("b", &[(0, "other")]).await.unwrap();
    let head = GetLogEventsInput { start_from_head: Some(true), limit: Some(2), ..Default::default() };
    let first = get(&logs, head.clone()).await.unwrap();
    assert_eq!(texts(&first), ["1", "2"]);
    let onward = |token: &Option<String>| GetLogEventsInput { next_token: token.clone(), ..head.clone() };
    let second = get(&logs, onward(&first.next_forward_token)).await.unwrap();
    assert_eq!(texts(&second), ["3"]);
    let third = get(&logs, onward(&second.next_forward_token)).await.unwrap();
    assert_eq!((texts(&third).len(), &third.next_forward_token), (0, &second.next_forward_token));
    logs.put("a", &[(5, "4")]).await.unwrap();
    let fourth = get(&logs, onward(&third.next_forward_token)).await.unwrap();
    assert_eq!(texts(&fourth), ["4"]);
    let back = get(&logs, onward(&fourth.next_backward_token)).await.unwrap();
    assert_eq!(texts(&back), ["2", "3"]);
}

#[tokio::test]
async fn without_a_token_the_latest_events_come_in_order() {
    let logs = Logs::start().await;
    logs.put("a", &[(0, "1"), (1, "2"), (2, "3")]).await.unwrap();
    let page = GetLogEventsInput { limit: Some(2), ..Default::default() };
    let latest = get(&logs, page.clone()).await.unwrap();
    assert_eq!(texts(&latest), ["2", "3"]);
    let earlier = GetLogEventsInput { next_token: latest.next_backward_token, ..page.clone() };
    let earlier = get(&logs, earlier).await.unwrap();
    assert_eq!(texts(&earlier), ["1"]);
    let start = GetLogEventsInput { next_token: earlier.next_backward_token.clone(), ..page };
    let start = get(&logs, start).await.unwrap();
    assert_eq!((texts(&start).len(), start.next_backward_token), (0, earlier.next_backward_token));
}

#[tokio::test]
async fn times_bound_what_is_read() {
    let logs = Logs::start().await;
    logs.put("a", &[(0, "1"), (1, "2"), (2, "3")]).await.unwrap();
    let bounds =
        GetLogEventsInput { start_time: Some(NOW + 1), end_time: Some(NOW + 2), ..Default::default() };
    assert_eq!(texts(&get(&logs, bounds).await.unwrap()), ["2"]);
    let reversed = GetLogEventsInput { start_time: Some(NOW + 2), end_time: Some(NOW), ..Default::default() };
    assert!(texts(&get(&logs, reversed).await.unwrap()).is_empty());
    let junk = GetLogEventsInput { next_token: Some("junk".to_owned()), ..Default::default() };
    let error = get(&logs, junk).await.unwrap_err();
    assert_eq!(error.message(), "The specified nextToken is invalid.");
}
