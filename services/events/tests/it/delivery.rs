//! Deliveries: to each kind of target, tried again, and given up.

use std::time::Duration;

use events_api::op::{CreateEventBus, PutPermission};
use events_api::{
    CreateEventBusInput, DeadLetterConfig, PutPermissionInput, RetryPolicy, SqsParameters, Target,
};
use logs_api::op::{CreateLogGroup, FilterLogEvents};
use logs_api::{CreateLogGroupInput, FilterLogEventsInput};
use serde_json::Value;
use shapes::ApiError;
use sns_api::op::{CreateTopic, SetTopicAttributes, Subscribe};
use sns_api::{CreateTopicInput, SetTopicAttributesInput, SubscribeInput};

use crate::kit::{Region, attribute, shop, target};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";

fn with_dead_letters(target: Target, queue: &str) -> Target {
    Target { dead_letter_config: Some(DeadLetterConfig { arn: Some(queue.to_owned()) }), ..target }
}

#[tokio::test]
async fn a_function_is_invoked_without_waiting() {
    let region = Region::start();
    region.shop_rule(target("t", FUNCTION)).await;
    let id = region.put_shop(r#"{"n":1}"#).await;
    region.region.settle().await;
    let payloads = region.functions.payloads();
    assert_eq!((&payloads[0]["id"], &payloads[0]["detail"]["n"]), (&Value::from(id), &Value::from(1)));
    let invocations = region.functions.invocations.lock().unwrap();
    let (input, caller) = &invocations[0];
    assert_eq!(input.invocation_type.as_deref(), Some("Event"));
    assert_eq!((input.function_name.as_str(), caller.as_str()), (FUNCTION, "events.amazonaws.com"));
}

#[tokio::test]
async fn a_fifo_queue_gets_the_message_group() {
    let region = Region::start();
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}}"#;
    region
        .create_queue_with(
            "q.fifo",
            &[("FifoQueue", "true"), ("ContentBasedDeduplication", "true"), ("Policy", policy)],
        )
        .await;
    let target = Target {
        sqs_parameters: Some(SqsParameters { message_group_id: Some("g".to_owned()) }),
        ..target("t", "arn:aws:sqs:us-east-1:000000000000:q.fifo")
    };
    region.shop_rule(target).await;
    region.put_shop("{}").await;
    let messages = region.drain("q.fifo").await;
    let group =
        messages[0].attributes.as_ref().and_then(|attributes| attributes.get("MessageGroupId").cloned());
    assert_eq!(group.as_deref(), Some("g"));
}

#[tokio::test]
async fn a_topic_and_a_log_group_get_the_event() {
    let region = Region::start();
    region.create_queue("q").await;
    let topic = CreateTopicInput { name: "news".to_owned(), ..Default::default() };
    let topic = region.region.call::<CreateTopic>(topic).await.unwrap().topic_arn.unwrap();
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"Service":"events.amazonaws.com"}},"Action":"sns:Publish","Resource":"{topic}"}}}}"#
    );
    let input = SetTopicAttributesInput {
        topic_arn: topic.clone(),
        attribute_name: "Policy".to_owned(),
        attribute_value: Some(policy),
    };
    region.region.call::<SetTopicAttributes>(input).await.unwrap();
    region.create_queue_with("fan", &[("Policy", r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}}"#)]).await;
    let input = SubscribeInput {
        topic_arn: topic.clone(),
        protocol: "sqs".to_owned(),
        endpoint: Some("arn:aws:sqs:us-east-1:000000000000:fan".to_owned()),
        attributes: Some(shapes::Map::from([("RawMessageDelivery".to_owned(), "true".to_owned())])),
        ..Default::default()
    };
    region.region.call::<Subscribe>(input).await.unwrap();
    let input = CreateLogGroupInput { log_group_name: "/aws/events/shop".to_owned(), ..Default::default() };
    region.region.call::<CreateLogGroup>(input).await.unwrap();
    region.shop_rule(target("topic", &topic)).await;
    let group = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/events/shop:*";
    region.put_target("default", "shop", target("log", group)).await.unwrap();

    let id = region.put_shop("{}").await;
    assert_eq!(region.event_ids("fan").await, std::slice::from_ref(&id));
    let input =
        FilterLogEventsInput { log_group_name: Some("/aws/events/shop".to_owned()), ..Default::default() };
    let events = region.region.call::<FilterLogEvents>(input).await.unwrap().events.unwrap_or_default();
    let event: Value = serde_json::from_str(events[0].message.as_deref().unwrap_or_default()).unwrap();
    assert_eq!(event["id"], id);
}

#[tokio::test]
async fn events_go_on_to_other_buses_accounts_and_regions() {
    let region = Region::start();
    let queue = region.create_queue("q").await;
    let input = CreateEventBusInput { name: "second".to_owned(), ..Default::default() };
    let second = region.region.call::<CreateEventBus>(input).await.unwrap().event_bus_arn.unwrap();
    region.shop_rule(target("t", &second)).await;
    region.put_rule("second", "r", r#"{"account":["000000000000"]}"#).await.unwrap();
    region.put_target("second", "r", target("t", &queue)).await.unwrap();
    let id = region.put_shop("{}").await;
    assert_eq!(region.event_ids("q").await, [id]);

    let other = region.region.as_account("111122223333");
    let abroad = "arn:aws:events:us-east-1:111122223333:event-bus/default";
    let dead = region.create_queue("dead").await;
    region.put_target("default", "shop", with_dead_letters(target("t", abroad), &dead)).await.unwrap();
    region.put_shop("{}").await;
    let buried = region.drain("dead").await;
    assert_eq!(attribute(&buried[0], "ERROR_CODE").as_deref(), Some("NO_PERMISSIONS"));
    let input = PutPermissionInput {
        action: Some("events:PutEvents".to_owned()),
        principal: Some("000000000000".to_owned()),
        statement_id: Some("s".to_owned()),
        ..Default::default()
    };
    other.call::<PutPermission>(input).await.unwrap();
    let input = events_api::PutRuleInput {
        name: "r".to_owned(),
        event_pattern: Some(r#"{"source":["shop"]}"#.to_owned()),
        ..Default::default()
    };
    other.call::<events_api::op::PutRule>(input).await.unwrap();
    let input = events_api::PutTargetsInput {
        rule: "r".to_owned(),
        targets: vec![target("t", FUNCTION)],
        ..Default::default()
    };
    other.call::<events_api::op::PutTargets>(input).await.unwrap();
    let id = region.put_shop("{}").await;
    region.region.settle().await;
    assert_eq!(region.functions.payloads()[0]["id"], id);
    assert_eq!(region.functions.payloads()[0]["account"], "000000000000");
}

#[tokio::test]
async fn a_loop_of_buses_ends() {
    let region = Region::start();
    let dead = region.create_queue("dead").await;
    let itself = "arn:aws:events:us-east-1:000000000000:event-bus/default";
    region.shop_rule(with_dead_letters(target("t", itself), &dead)).await;
    region.put_shop("{}").await;
    assert_eq!(region.drain("dead").await.len(), 1);
    assert_eq!(region.metric("TriggeredRules", "shop"), 6.0);
}

#[tokio::test]
async fn what_is_refused_for_good_goes_to_the_dead_letter_queue_at_once() {
    let region = Region::start();
    let dead = region.create_queue("dead").await;
    region.create_queue_with("closed", &[]).await;
    let closed = "arn:aws:sqs:us-east-1:000000000000:closed";
    let gone = "arn:aws:sqs:us-east-1:000000000000:gone";
    region.shop_rule(with_dead_letters(target("closed", closed), &dead)).await;
    // Without a role the queue's policy decides, and a queue that is gone has none.
    let role_arn = Some("arn:aws:iam::000000000000:role/r".to_owned());
    let with_role = Target { role_arn, ..with_dead_letters(target("gone", gone), &dead) };
    region.put_target("default", "shop", with_role).await.unwrap();
    let id = region.put_shop("{}").await;
    let buried = region.drain("dead").await;
    assert_eq!(buried.len(), 2);
    for (message, arn, code) in [(&buried[0], closed, "NO_PERMISSIONS"), (&buried[1], gone, "NO_RESOURCE")] {
        let event: Value = serde_json::from_str(message.body.as_deref().unwrap_or_default()).unwrap();
        assert_eq!(event["id"], id);
        assert_eq!(
            attribute(message, "RULE_ARN").as_deref(),
            Some("arn:aws:events:us-east-1:000000000000:rule/shop")
        );
        assert_eq!(attribute(message, "TARGET_ARN").as_deref(), Some(arn));
        assert_eq!(attribute(message, "ERROR_CODE").as_deref(), Some(code));
        assert!(attribute(message, "ERROR_MESSAGE").is_some());
        assert_eq!(attribute(message, "RETRY_ATTEMPTS").as_deref(), Some("0"));
    }
    assert_eq!(region.metric("InvocationsSentToDlq", "shop"), 2.0);
}

#[tokio::test]
async fn a_throttled_target_is_tried_again_until_the_policy_ends() {
    let region = Region::start();
    let dead = region.create_queue("dead").await;
    let limited = Target {
        retry_policy: Some(RetryPolicy { maximum_retry_attempts: Some(2), ..Default::default() }),
        ..with_dead_letters(target("t", FUNCTION), &dead)
    };
    region.shop_rule(limited).await;
    let throttled = ApiError::with_status(429, "TooManyRequestsException", "Rate exceeded");
    *region.functions.refusal.lock().unwrap() = Some(throttled);
    region.put_shop("{}").await;
    region.region.settle().await;
    assert_eq!(region.functions.payloads().len(), 1);
    region.region.advance(Duration::from_secs(1)).await;
    region.region.advance(Duration::from_secs(2)).await;
    assert_eq!(region.functions.payloads().len(), 3);
    let buried = region.drain("dead").await;
    assert_eq!(attribute(&buried[0], "ERROR_CODE").as_deref(), Some("THROTTLING"));
    assert_eq!(attribute(&buried[0], "EXHAUSTED_RETRY_CONDITION").as_deref(), Some("MaximumRetryAttempts"));
    assert_eq!(attribute(&buried[0], "RETRY_ATTEMPTS").as_deref(), Some("2"));

    let young = Target {
        retry_policy: Some(RetryPolicy { maximum_event_age_in_seconds: Some(60), ..Default::default() }),
        ..with_dead_letters(target("t", FUNCTION), &dead)
    };
    region.put_target("default", "shop", young).await.unwrap();
    region.put_shop("{}").await;
    for _ in 0..60 {
        region.region.advance(Duration::from_secs(2)).await;
    }
    let buried = region.drain("dead").await;
    assert_eq!(
        attribute(&buried[0], "EXHAUSTED_RETRY_CONDITION").as_deref(),
        Some("MaximumEventAgeInSeconds")
    );
    region.put(vec![shop("{}")]).await.unwrap();
    *region.functions.refusal.lock().unwrap() = None;
    region.region.advance(Duration::from_secs(5)).await;
    assert_eq!(region.metric("SuccessfulInvocationAttempts", "shop"), 1.0);
}
