//! Functions between source and target.

use pipes_api as api;
use serde_json::{Value, json};

use crate::kit::{FUNCTION, Region, pipe};

fn enriched(source: &str, target: &str) -> api::CreatePipeInput {
    api::CreatePipeInput { enrichment: Some(FUNCTION.to_owned()), ..pipe("p", source, target) }
}

#[tokio::test]
async fn a_function_gets_the_transformed_batch_and_its_answer_goes_on() {
    let region = Region::answering(|events| {
        let events = events.as_array().unwrap().iter();
        Ok(events.map(|event| json!({ "order": event["id"], "price": 7 })).collect())
    });
    let source = region.create_queue("in", &[]).await;
    let target = region.create_queue("out", &[]).await;
    let input = api::CreatePipeInput {
        enrichment_parameters: Some(api::PipeEnrichmentParameters {
            input_template: Some(r#"{"id": <$.body.id>}"#.to_owned()),
            http_parameters: None,
        }),
        target_parameters: Some(api::PipeTargetParameters {
            input_template: Some(r#"{"message": "<$.order> costs <$.price>"}"#.to_owned()),
            ..Default::default()
        }),
        ..enriched(&source, &target)
    };
    region.create(input).await.unwrap();
    region.send("in", r#"{"id":"o-1"}"#).await;
    assert_eq!(region.bodies("out").await, [r#"{"message":"o-1 costs 7"}"#]);
    assert_eq!(region.payloads(), [json!([{ "id": "o-1" }])]);
    let invocations = region.function.invocations.lock().unwrap();
    assert_eq!(invocations[0].0.invocation_type.as_deref(), Some("RequestResponse"));
}

#[tokio::test]
async fn an_empty_answer_ends_the_events_and_one_that_is_no_list_is_one_event() {
    for (answer, wanted) in [
        (json!([]), vec![]),
        (json!({}), vec![]),
        (json!(""), vec![]),
        (json!([{}]), vec!["{}"]),
        (json!({ "a": 1 }), vec![r#"{"a":1}"#]),
        (json!("text"), vec!["text"]),
    ] {
        let region = Region::answering(move |_| Ok(answer.clone()));
        let source = region.create_queue("in", &[]).await;
        let target = region.create_queue("out", &[]).await;
        region.create(enriched(&source, &target)).await.unwrap();
        region.send("in", "x").await;
        assert_eq!(region.bodies("out").await, wanted);
    }
}

#[tokio::test]
async fn messages_stay_when_the_function_fails() {
    let region = Region::answering(|_: &Value| Err(json!({ "errorMessage": "no" })));
    let source = region.create_queue("in", &[("VisibilityTimeout", "10")]).await;
    let target = region.create_queue("out", &[]).await;
    region.create(enriched(&source, &target)).await.unwrap();
    region.send("in", "x").await;
    assert_eq!(region.bodies("out").await.len(), 0);
    assert_eq!(region.payloads().len(), 1);
    region.region.advance(std::time::Duration::from_secs(11)).await;
    assert_eq!(region.payloads().len(), 2, "it comes again");
}

#[tokio::test]
async fn more_events_than_the_target_takes_at_once_are_not_sent() {
    let region = Region::answering(|_| Ok((0..11).collect()));
    let source = region.create_queue("in", &[]).await;
    let target = region.create_queue("out", &[]).await;
    region.create(enriched(&source, &target)).await.unwrap();
    region.send("in", "x").await;
    assert_eq!(region.bodies("out").await.len(), 0);
    let reason = region.describe("p").await.state_reason.unwrap();
    assert!(reason.contains("returned 11 events, and the target takes 10"), "{reason}");
}

#[tokio::test]
async fn only_the_messages_whose_enriched_events_were_refused_come_again() {
    let region = Region::answering(|events| {
        let keeps_name = |event: &Value| json!({ "messageId": event["messageId"], "group": event["body"] });
        Ok(events.as_array().unwrap().iter().map(keeps_name).collect())
    });
    let source = region.create_queue("in", &[("VisibilityTimeout", "10")]).await;
    let fifo = [("FifoQueue", "true"), ("ContentBasedDeduplication", "true")];
    let target = region.create_queue("out.fifo", &fifo).await;
    let input = api::CreatePipeInput {
        target_parameters: Some(api::PipeTargetParameters {
            input_template: Some("<$.group>".to_owned()),
            sqs_queue_parameters: Some(api::PipeTargetSqsQueueParameters {
                message_group_id: Some("$.group".to_owned()),
                message_deduplication_id: None,
            }),
            ..Default::default()
        }),
        ..enriched(&source, &target)
    };
    region.create(input).await.unwrap();
    region.send("in", "good").await;
    // No message group may be called this.
    region.send("in", "not a group").await;
    assert_eq!(region.bodies("out.fifo").await, ["good"]);
    region.region.advance(std::time::Duration::from_secs(11)).await;
    let again: Vec<Value> = region.payloads().into_iter().last().unwrap().as_array().unwrap().clone();
    assert_eq!(again.iter().map(|event| event["body"].clone()).collect::<Vec<_>>(), ["not a group"]);
}
