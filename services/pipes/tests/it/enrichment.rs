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
    for (answer, wanted) in [(json!([]), vec![]), (json!({}), vec!["{}"]), (json!("text"), vec!["text"])] {
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
