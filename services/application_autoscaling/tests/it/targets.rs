//! Targets: registering, bounds, tags.

use application_autoscaling_api as api;
use application_autoscaling_api::op::{
    DeregisterScalableTarget, DescribeScalableTargets, ListTagsForResource, RegisterScalableTarget,
    TagResource, UntagResource,
};
use shapes::Map;

use super::kit::{MINUTE, Region, WRITES};

#[tokio::test]
async fn a_capacity_outside_of_the_bounds_is_brought_within_them() {
    let region = Region::start().await;
    region.register(10, 20).await.unwrap();
    assert_eq!(region.writes().await, 10);
    region.register(2, 7).await.unwrap();
    assert_eq!(region.writes().await, 7);
    region.register(2, 9).await.unwrap();
    assert_eq!(region.writes().await, 7, "it fits");
    let activities = region.activities().await;
    let told = |activity: &api::ScalingActivity| {
        (activity.description.clone(), activity.cause.clone(), activity.status_code.clone())
    };
    let expected = |units: i64, bound: &str| {
        let cause = format!("{bound} capacity was set to {units}");
        (format!("Setting write capacity units to {units}."), cause, "Successful".to_owned())
    };
    let told: Vec<_> = activities.iter().map(told).collect();
    assert_eq!(told.len(), 2);
    assert!(told.contains(&expected(7, "maximum")) && told.contains(&expected(10, "minimum")), "{told:?}");
}

#[tokio::test]
async fn a_change_that_is_refused_is_told_and_tried_again() {
    let region = Region::throttled().await;
    for units in [10, 9, 8, 7, 6, 5] {
        region.register(units, units).await.unwrap();
    }
    assert_eq!(region.writes().await, 6, "four decreases are free");
    let activity = region.activities().await.remove(0);
    assert_eq!(activity.status_code, "Failed");
    let message = activity.status_message.unwrap();
    assert!(message.starts_with("Failed to set write capacity units to 5. Reason: "), "{message}");
    for _ in 0..61 {
        region.0.advance(MINUTE).await;
    }
    assert_eq!(region.writes().await, 5, "an hour later there is another");
    let told = region.activities().await;
    let failures = told.iter().filter(|activity| activity.status_code == "Failed").count();
    assert_eq!(failures, 1, "what fails for the same reason is told once: {told:?}");
    let number = told.len();
    region.0.advance(MINUTE).await;
    assert_eq!(region.activities().await.len(), number, "it is done");
}

#[tokio::test]
async fn an_index_has_a_capacity_of_its_own() {
    let region = Region::start().await;
    let register = |input: &mut api::RegisterScalableTargetInput| {
        input.resource_id = "table/orders/index/by-day".to_owned();
        input.scalable_dimension = "dynamodb:index:WriteCapacityUnits".to_owned();
        (input.min_capacity, input.max_capacity) = (Some(8), Some(9));
    };
    region.register_with(register).await.unwrap();
    assert_eq!(region.0.ctx().account().to_string(), "000000000000");
    assert_eq!(region.capacity(&region.0.ctx(), "orders").await, (5, 8));
}

#[tokio::test]
async fn what_cannot_be_scaled_is_refused() {
    let region = Region::start().await;
    let code = |result: Result<String, shapes::ApiError>| result.unwrap_err().code().to_owned();
    let bounds = |input: &mut api::RegisterScalableTargetInput| {
        (input.min_capacity, input.max_capacity) = (Some(1), Some(2));
    };
    let missing = region.register_with(|input| {
        bounds(input);
        input.resource_id = "table/nothing".to_owned();
    });
    let error = missing.await.unwrap_err();
    assert_eq!(error.message(), "DynamoDB table does not exist: table/nothing");
    assert_eq!(code(region.register_with(|_| ()).await), "ValidationException", "no bounds");
    assert_eq!(code(region.register(0, 2).await), "ValidationException");
    assert_eq!(code(region.register(3, 2).await), "ValidationException");
    let elsewhere = region.register_with(|input| {
        bounds(input);
        input.service_namespace = "ecs".to_owned();
    });
    assert_eq!(code(elsewhere.await), "NotImplemented");
    assert!(region.targets().await.is_empty());
}

#[tokio::test]
async fn targets_are_listed_in_pages_and_leave_with_what_is_theirs() {
    let region = Region::start().await;
    let arn = region.register(1, 10).await.unwrap();
    region
        .register_with(|input| {
            input.scalable_dimension = "dynamodb:table:ReadCapacityUnits".to_owned();
            (input.min_capacity, input.max_capacity) = (Some(1), Some(10));
        })
        .await
        .unwrap();
    let page = |token: Option<String>| api::DescribeScalableTargetsInput {
        service_namespace: "dynamodb".to_owned(),
        max_results: Some(1),
        next_token: token,
        ..Default::default()
    };
    let first = region.0.call::<DescribeScalableTargets>(page(None)).await.unwrap();
    assert!(first.next_token.is_some());
    let second = region.0.call::<DescribeScalableTargets>(page(first.next_token.clone())).await.unwrap();
    let found: Vec<_> =
        [first.scalable_targets, second.scalable_targets].into_iter().flatten().flatten().collect();
    assert_eq!(found.len(), 2);
    assert!(second.next_token.is_none());
    let writes = found.iter().find(|target| target.scalable_dimension == WRITES).unwrap();
    assert_eq!(writes.scalable_target_arn.as_ref(), Some(&arn));
    assert!(writes.role_arn.ends_with("AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"));
    let error = region.0.call::<DescribeScalableTargets>(page(Some("else".to_owned()))).await.unwrap_err();
    assert_eq!(error.code(), "InvalidNextTokenException");

    region.track(70.0, |_| ()).await.unwrap();
    region.schedule("later", "rate(1 hour)", (Some(2), None), |_| ()).await.unwrap();
    let input = || api::DeregisterScalableTargetInput {
        service_namespace: "dynamodb".to_owned(),
        resource_id: "table/orders".to_owned(),
        scalable_dimension: WRITES.to_owned(),
    };
    region.0.call::<DeregisterScalableTarget>(input()).await.unwrap();
    assert_eq!(region.targets().await.len(), 1);
    let error = region.0.call::<DeregisterScalableTarget>(input()).await.unwrap_err();
    let message = "No scalable target registered for service namespace: dynamodb, resource ID: table/orders, scalable \
                   dimension: dynamodb:table:WriteCapacityUnits";
    assert_eq!((error.code(), error.message()), ("ObjectNotFoundException", message));
    region.0.advance(std::time::Duration::from_secs(7200)).await;
    assert_eq!(region.writes().await, 5, "its scheduled action went with it");
}

#[tokio::test]
async fn targets_have_tags() {
    let region = Region::start().await;
    let tag = |key: &str| Map::from([(key.to_owned(), "1".to_owned())]);
    let arn = region.register_with(|input| {
        (input.min_capacity, input.max_capacity) = (Some(1), Some(9));
        input.tags = Some(tag("first"));
    });
    let arn = arn.await.unwrap();
    let call = api::TagResourceInput { resource_arn: arn.clone(), tags: tag("second") };
    region.0.call::<TagResource>(call).await.unwrap();
    let call = api::UntagResourceInput { resource_arn: arn.clone(), tag_keys: vec!["first".to_owned()] };
    region.0.call::<UntagResource>(call).await.unwrap();
    let call = api::ListTagsForResourceInput { resource_arn: arn.clone() };
    let tags = region.0.call::<ListTagsForResource>(call).await.unwrap().tags.unwrap();
    assert_eq!(tags, tag("second"));
    let call = api::ListTagsForResourceInput { resource_arn: format!("{arn}0") };
    let error = region.0.call::<ListTagsForResource>(call).await.unwrap_err();
    assert_eq!(error.code(), "ResourceNotFoundException");
}

#[tokio::test]
async fn accounts_do_not_see_each_others_targets() {
    let region = Region::start().await;
    region.register(6, 10).await.unwrap();
    let other = region.0.as_account("111111111111");
    region.create_table(&other, "orders").await;
    let input = api::RegisterScalableTargetInput {
        service_namespace: "dynamodb".to_owned(),
        resource_id: "table/orders".to_owned(),
        scalable_dimension: WRITES.to_owned(),
        min_capacity: Some(20),
        max_capacity: Some(30),
        ..Default::default()
    };
    let output = other.call::<RegisterScalableTarget>(input).await.unwrap();
    assert!(output.scalable_target_arn.unwrap().contains(":111111111111:"));
    region.0.settle().await;
    assert_eq!(region.writes().await, 6);
    assert_eq!(region.capacity(&other, "orders").await.0, 20);
    assert_eq!(region.targets().await.len(), 1);
}
