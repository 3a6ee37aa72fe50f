//! FilterLogEvents.

use std::collections::HashSet;

use logs_api::FilterLogEventsInput;

use crate::kit::{Logs, NOW, messages};

#[tokio::test]
async fn streams_are_merged_by_time_across_pages() {
    let logs = Logs::start().await;
    let times: Vec<i64> = (0..50).map(|index| index / 3).collect();
    let texts: Vec<String> = (0..50).map(|index| format!("{index}")).collect();
    let events = |parity: usize| -> Vec<(i64, &str)> {
        (0..50)
            .filter(|index| index % 2 == parity)
            .map(|index| (times[index], texts[index].as_str()))
            .collect()
    };
    logs.put("a", &events(0)).await.unwrap();
    logs.put("b", &events(1)).await.unwrap();
    let (mut seen, mut ids, mut last) = (HashSet::new(), HashSet::new(), i64::MIN);
    let mut next_token = None;
    loop {
        let input = FilterLogEventsInput { limit: Some(7), next_token, ..Default::default() };
        let page = logs.filter(input).await.unwrap();
        for event in page.events.unwrap_or_default() {
            let time = event.timestamp.unwrap();
            assert!(time >= last, "events come in the order of time");
            last = time;
            seen.insert(event.message.unwrap());
            ids.insert(event.event_id.unwrap());
        }
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), ids.len()), (50, 50));
}

#[tokio::test]
async fn patterns_streams_and_times_narrow_a_search() {
    let logs = Logs::start().await;
    logs.create_stream("app", "az").await.unwrap();
    logs.put("a", &[(0, "ERROR one"), (1, "fine")]).await.unwrap();
    logs.put("b", &[(2, r#"{"level":"error"}"#)]).await.unwrap();
    logs.put("az", &[(3, "ERROR two")]).await.unwrap();
    assert_eq!(logs.search("ERROR").await, ["ERROR one", "ERROR two"]);
    assert_eq!(logs.search("{ $.level = error }").await, [r#"{"level":"error"}"#]);
    let search = async |input| messages(logs.filter(input).await.unwrap());
    let prefix = Some("a".to_owned());
    let found = search(FilterLogEventsInput { log_stream_name_prefix: prefix, ..Default::default() }).await;
    assert_eq!(found, ["ERROR one", "fine", "ERROR two"]);
    let names = Some(vec!["b".to_owned()]);
    let found = search(FilterLogEventsInput { log_stream_names: names, ..Default::default() }).await;
    assert_eq!(found.len(), 1);
    // Both ends are included.
    let (start_time, end_time) = (Some(NOW + 1), Some(NOW + 2));
    let found = search(FilterLogEventsInput { start_time, end_time, ..Default::default() }).await;
    assert_eq!(found.len(), 2);

    let names = Some(vec!["none".to_owned()]);
    let missing = FilterLogEventsInput { log_stream_names: names, ..Default::default() };
    assert_eq!(logs.filter(missing).await.unwrap_err().name(), "ResourceNotFoundException");
    let malformed = FilterLogEventsInput { filter_pattern: Some("a.b".to_owned()), ..Default::default() };
    assert_eq!(logs.filter(malformed).await.unwrap_err().name(), "InvalidParameterException");
}

/// How `aws logs tail --follow` reads: again from the latest time it saw, leaving out the ids it knows.
#[tokio::test]
async fn following_sees_every_event_once() {
    let logs = Logs::start().await;
    let (mut known, mut from, mut shown) = (HashSet::new(), NOW, Vec::new());
    for round in 0..4_i64 {
        logs.put("a", &[(round, &format!("a{round}"))]).await.unwrap();
        logs.put("b", &[(round, &format!("b{round}"))]).await.unwrap();
        let input = FilterLogEventsInput { start_time: Some(from), ..Default::default() };
        for event in logs.filter(input).await.unwrap().events.unwrap_or_default() {
            from = event.timestamp.unwrap();
            if known.insert(event.event_id.unwrap()) {
                shown.push(event.message.unwrap());
            }
        }
    }
    shown.sort();
    assert_eq!(shown, ["a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3"]);
}
