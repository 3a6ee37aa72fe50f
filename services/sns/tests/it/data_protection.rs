//! Data protection policies: what they deny, mask, take out and log.

use logs_api::FilterLogEventsInput;
use logs_api::op::FilterLogEvents;
use serde_json::{Value, json};
use shapes::ApiError;
use sns_api::op::{PublishBatch, PutDataProtectionPolicy};
use sns_api::{PublishBatchInput, PublishBatchRequestEntry, PutDataProtectionPolicyInput};

use crate::kit::{Sns, TOPIC, body};

const MAIL: &str = "arn:aws:dataprotection::aws:data-identifier/EmailAddress";
const CARD: &str = "arn:aws:dataprotection::aws:data-identifier/CreditCardNumber";

async fn put(sns: &Sns, statements: Value) -> Result<(), ApiError> {
    let policy = json!({
        "Name": "p", "Version": "2021-06-01", "Statement": statements,
        "Configuration": {"CustomDataIdentifier": [{"Name": "Order", "Regex": r"ORD-\d{4}"}]},
    });
    let input = PutDataProtectionPolicyInput {
        resource_arn: TOPIC.to_owned(),
        data_protection_policy: policy.to_string(),
    };
    sns.region.call::<PutDataProtectionPolicy>(input).await.map(|_| ())
}

fn statement(direction: &str, identifiers: &[&str], operation: Value) -> Value {
    json!({"DataDirection": direction, "Principal": ["*"], "DataIdentifier": identifiers, "Operation": operation})
}

/// The topic with a queue.
async fn start() -> Sns {
    let sns = Sns::start().await;
    let queue = sns.create_queue("inbox", true).await;
    sns.subscribe("sqs", &queue, &[]).await.expect("the queue is new");
    sns
}

#[tokio::test]
async fn inbound_messages_with_denied_data_are_refused() {
    let sns = start().await;
    put(&sns, json!([statement("Inbound", &[MAIL, "Order"], json!({"Deny": {}}))])).await.unwrap();
    for text in ["from jane@example.com", "about ORD-1234"] {
        let error = sns.publish(text).await.unwrap_err();
        assert_eq!((error.code(), error.status()), ("AuthorizationError", 403), "{text}");
    }
    let error = sns.publish_with("hidden", &[("who", "String", "jane@example.com")]).await.unwrap_err();
    assert_eq!(error.code(), "AuthorizationError", "attributes are looked at as well");
    sns.publish("about ORD-12").await.unwrap();
    let entry = |id: &str, message: &str| PublishBatchRequestEntry {
        id: id.to_owned(),
        message: message.to_owned(),
        ..Default::default()
    };
    let input = PublishBatchInput {
        topic_arn: TOPIC.to_owned(),
        publish_batch_request_entries: vec![entry("a", "fine"), entry("b", "jane@example.com")],
    };
    let output = sns.region.call::<PublishBatch>(input).await.unwrap();
    assert_eq!(output.failed.unwrap()[0].code, "AuthorizationError");
    assert_eq!(sns.texts("inbox").await, ["about ORD-12", "fine"]);
}

#[tokio::test]
async fn inbound_data_is_masked_or_taken_out_for_everybody() {
    let sns = start().await;
    let mask =
        statement("Inbound", &[CARD], json!({"Deidentify": {"MaskConfig": {"MaskWithCharacter": "#"}}}));
    let redact = statement("Inbound", &[MAIL], json!({"Deidentify": {"RedactConfig": {}}}));
    put(&sns, json!([mask, redact])).await.unwrap();
    let card = "4539-8944-5808-6459";
    sns.publish_with(&format!("card {card} of jane@example.com."), &[("card", "String", card)])
        .await
        .unwrap();
    let received = sns.drain("inbox").await;
    let notification = body(&received[0]);
    assert_eq!(notification["Message"], "card ################### of .");
    assert_eq!(notification["MessageAttributes"]["card"]["Value"], "###################");
}

#[tokio::test]
async fn outbound_statements_are_about_who_subscribed_and_how_it_is_delivered_does_not_matter() {
    let sns = start().await;
    let dead = sns.create_queue("dead", true).await;
    let function = "arn:aws:lambda:us-east-1:000000000000:function:reader";
    let redrive = format!(r#"{{"deadLetterTargetArn":"{dead}"}}"#);
    sns.subscribe("lambda", function, &[("RedrivePolicy", &redrive)]).await.unwrap();
    let mask = statement("Outbound", &[MAIL], json!({"Deidentify": {"MaskConfig": {}}}));
    put(&sns, json!([mask])).await.unwrap();
    sns.publish("to jane@example.com").await.unwrap();
    sns.region.settle().await;
    assert_eq!(sns.texts("inbox").await, ["to ****************"]);
    let event = sns.functions.invocations.lock().unwrap()[0].0.payload.clone().unwrap();
    let event: Value = serde_json::from_slice(&event).unwrap();
    assert_eq!(event["Records"][0]["Sns"]["Message"], "to ****************");

    put(&sns, json!([statement("Outbound", &[MAIL], json!({"Deny": {}}))])).await.unwrap();
    let failed = sns.metric("NumberOfNotificationsFailed");
    sns.publish("to jane@example.com").await.expect("the publish itself is not refused");
    sns.region.settle().await;
    assert!(sns.texts("inbox").await.is_empty());
    assert!(sns.texts("dead").await.is_empty(), "nor does a dead-letter queue get it");
    assert_eq!(sns.functions.invocations.lock().unwrap().len(), 1);
    assert!(sns.metric("NumberOfNotificationsFailed") > failed);

    let mut other = statement("Outbound", &[MAIL], json!({"Deny": {}}));
    other["Principal"] = json!(["arn:aws:iam::111122223333:root"]);
    put(&sns, json!([other])).await.unwrap();
    sns.publish("to jane@example.com").await.unwrap();
    assert_eq!(sns.texts("inbox").await, ["to jane@example.com"]);
}

#[tokio::test]
async fn a_policy_that_comes_between_attempts_holds_for_the_next_one() {
    let sns = Sns::start().await;
    let function = "arn:aws:lambda:us-east-1:000000000000:function:reader";
    let dead = sns.create_queue("dead", true).await;
    let redrive = format!(r#"{{"deadLetterTargetArn":"{dead}"}}"#);
    sns.subscribe("lambda", function, &[("RedrivePolicy", &redrive)]).await.unwrap();
    *sns.functions.refusal.lock().unwrap() = Some(ApiError::with_status(500, "ServiceException", "later"));
    sns.publish("to jane@example.com").await.unwrap();
    sns.region.settle().await;
    put(&sns, json!([statement("Outbound", &[MAIL], json!({"Deny": {}}))])).await.unwrap();
    *sns.functions.refusal.lock().unwrap() = None;
    sns.functions.invocations.lock().unwrap().clear();
    sns.region.advance(std::time::Duration::from_secs(600)).await;
    sns.region.settle().await;
    assert!(sns.functions.invocations.lock().unwrap().is_empty());
    assert!(sns.texts("dead").await.is_empty());
}

#[tokio::test]
async fn audits_log_what_they_find_and_let_it_pass() {
    let sns = start().await;
    let logs = |name: &str| json!({"CloudWatchLogs": {"LogGroup": format!("/aws/vendedlogs/{name}")}});
    let audit = json!({"Audit": {
        "SampleRate": "99", "FindingsDestination": logs("found"), "NoFindingsDestination": logs("clean"),
    }});
    put(&sns, json!([statement("Inbound", &[MAIL], audit)])).await.unwrap();
    for number in 0..20 {
        sns.publish(&format!("{number:02} jane@example.com")).await.unwrap();
        sns.publish(&format!("{number:02} nobody")).await.unwrap();
    }
    sns.region.settle().await;
    for (group, detections) in [("found", Some((4, 19))), ("clean", None)] {
        let input = FilterLogEventsInput {
            log_group_name: Some(format!("/aws/vendedlogs/{group}")),
            ..Default::default()
        };
        let events = sns.region.call::<FilterLogEvents>(input).await.unwrap().events.unwrap();
        // Of a hundred messages one is left out.
        assert!((12..=20).contains(&events.len()), "{}", events.len());
        let record: Value = serde_json::from_str(events[0].message.as_deref().unwrap()).unwrap();
        assert_eq!(record["resourceArn"], TOPIC);
        assert_eq!(record["callerPrincipal"], "arn:aws:iam::000000000000:root");
        let expected = match detections {
            Some((start, end)) => {
                json!([{"name": "EmailAddress", "count": 1, "detections": [{"start": start, "end": end}]}])
            }
            None => json!([]),
        };
        assert_eq!(record["dataIdentifiers"], expected);
    }
    assert_eq!(sns.texts("inbox").await.len(), 10);
}

#[tokio::test]
async fn what_is_not_here_is_refused_by_its_name() {
    let sns = start().await;
    let name = "arn:aws:dataprotection::aws:data-identifier/Name";
    let error = put(&sns, json!([statement("Inbound", &[name], json!({"Deny": {}}))])).await.unwrap_err();
    assert_eq!((error.status(), error.message().contains("identifier Name")), (501, true), "{error}");
    let unknown = statement("Inbound", &["Shoes"], json!({"Deny": {}}));
    assert_eq!(put(&sns, json!([unknown])).await.unwrap_err().code(), "InvalidParameter");
}
