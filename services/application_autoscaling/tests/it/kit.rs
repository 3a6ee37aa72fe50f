//! A region with Application Auto Scaling and DynamoDB, and short words for what tests do with it.

use std::time::Duration;

use ::kit::TestRegion;
use application_autoscaling::AutoScalingService;
use application_autoscaling_api::op::{
    DescribeScalableTargets, DescribeScalingActivities, PutScalingPolicy, PutScheduledAction,
    RegisterScalableTarget,
};
use application_autoscaling_api::{
    DescribeScalableTargetsInput, DescribeScalingActivitiesInput, PredefinedMetricSpecification,
    PutScalingPolicyInput, PutScalingPolicyOutput, PutScheduledActionInput, RegisterScalableTargetInput,
    ScalableTarget, ScalableTargetAction, ScalingActivity, TargetTrackingScalingPolicyConfiguration,
};
use cloud::{Cloud, Ctx, Service};
use dynamodb::DynamoDbService;
use dynamodb_api::op::{CreateTable, DescribeTable, PutItem};
use dynamodb_api::{
    AttributeDefinition, AttributeValue, CreateTableInput, DescribeTableInput, GlobalSecondaryIndex,
    KeySchemaElement, Projection, ProvisionedThroughput, PutItemInput,
};
use shapes::{ApiError, Map};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const WRITES: &str = "dynamodb:table:WriteCapacityUnits";

pub(crate) struct Region(pub TestRegion);

fn services(cloud: &Cloud) -> (Vec<Service>, Vec<clock::JobKind>) {
    let scaling = AutoScalingService::new(cloud.clone());
    let dynamodb = DynamoDbService::new(cloud.clone());
    let jobs = scaling.jobs();
    (vec![scaling.service(), dynamodb.service()], jobs)
}

impl Region {
    /// As [`Self::start`], where DynamoDB lets throughput be lowered only so often.
    pub(crate) async fn throttled() -> Self {
        let services = |cloud: &Cloud| {
            let scaling = AutoScalingService::new(cloud.clone());
            let limits = dynamodb::Limits { has_throttling: true, ..dynamodb::Limits::default() };
            let dynamodb = DynamoDbService::with_limits(cloud.clone(), limits);
            (vec![scaling.service(), dynamodb.service()], scaling.jobs())
        };
        let region = Self(TestRegion::with_jobs(services));
        region.create_table(&region.0.ctx(), "orders").await;
        region
    }

    /// A region with the table `orders`, which has 5 units of each, and its global index `by-day`, which has 4.
    pub(crate) async fn start() -> Self {
        let region = Self(TestRegion::with_jobs(services));
        region.create_table(&region.0.ctx(), "orders").await;
        region
    }

    pub(crate) fn restarted(self) -> Self {
        Self(self.0.restarted(services))
    }

    pub(crate) async fn create_table(&self, ctx: &Ctx, name: &str) {
        let key =
            |name: &str| KeySchemaElement { attribute_name: name.to_owned(), key_type: "HASH".to_owned() };
        let text = |name: &str| AttributeDefinition {
            attribute_name: name.to_owned(),
            attribute_type: "S".to_owned(),
        };
        let index = GlobalSecondaryIndex {
            index_name: "by-day".to_owned(),
            key_schema: vec![key("day")],
            projection: Projection { projection_type: Some("ALL".to_owned()), ..Default::default() },
            provisioned_throughput: Some(units(4)),
            ..Default::default()
        };
        let input = CreateTableInput {
            table_name: name.to_owned(),
            attribute_definitions: Some(vec![text("id"), text("day")]),
            key_schema: Some(vec![key("id")]),
            provisioned_throughput: Some(units(5)),
            global_secondary_indexes: Some(vec![index]),
            ..Default::default()
        };
        ctx.call::<CreateTable>(input).await.expect("the table is new");
    }

    /// Write units of a table and of its index.
    pub(crate) async fn capacity(&self, ctx: &Ctx, table: &str) -> (i64, i64) {
        let input = DescribeTableInput { table_name: table.to_owned() };
        let table = ctx.call::<DescribeTable>(input).await.unwrap().table.unwrap();
        let index = table.global_secondary_indexes.unwrap().remove(0).provisioned_throughput.unwrap();
        (
            table.provisioned_throughput.unwrap().write_capacity_units.unwrap(),
            index.write_capacity_units.unwrap(),
        )
    }

    pub(crate) async fn writes(&self) -> i64 {
        self.capacity(&self.0.ctx(), "orders").await.0
    }

    /// Consumes this many write units of `orders`, and lets the minute pass.
    pub(crate) async fn minute_of(&self, units: usize) {
        for number in 0..units.div_ceil(300) {
            let bytes = (units - number * 300).min(300) * 1024 - 100;
            let text = |text: String| AttributeValue::S(text);
            let item = [("id", text(format!("{units}-{number}"))), ("payload", text("x".repeat(bytes)))];
            let item: Map<AttributeValue> =
                item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let input = PutItemInput { table_name: "orders".to_owned(), item, ..Default::default() };
            self.0.call::<PutItem>(input).await.expect("the item fits");
        }
        self.0.advance(MINUTE).await;
    }

    pub(crate) async fn register(&self, min: i32, max: i32) -> Result<String, ApiError> {
        self.register_with(|input| (input.min_capacity, input.max_capacity) = (Some(min), Some(max))).await
    }

    pub(crate) async fn register_with(
        &self,
        change: impl FnOnce(&mut RegisterScalableTargetInput),
    ) -> Result<String, ApiError> {
        let mut input = RegisterScalableTargetInput {
            service_namespace: "dynamodb".to_owned(),
            resource_id: "table/orders".to_owned(),
            scalable_dimension: WRITES.to_owned(),
            ..Default::default()
        };
        change(&mut input);
        let output = self.0.call::<RegisterScalableTarget>(input).await?;
        self.0.settle().await;
        Ok(output.scalable_target_arn.unwrap())
    }

    /// Has the writes of `orders` track this utilisation.
    pub(crate) async fn track(
        &self,
        percent: f64,
        change: impl FnOnce(&mut TargetTrackingScalingPolicyConfiguration),
    ) -> Result<PutScalingPolicyOutput, ApiError> {
        let mut tracking = TargetTrackingScalingPolicyConfiguration {
            target_value: percent,
            predefined_metric_specification: Some(PredefinedMetricSpecification {
                predefined_metric_type: "DynamoDBWriteCapacityUtilization".to_owned(),
                resource_label: None,
            }),
            ..Default::default()
        };
        change(&mut tracking);
        let input = PutScalingPolicyInput {
            policy_name: "steady".to_owned(),
            policy_type: Some("TargetTrackingScaling".to_owned()),
            target_tracking_scaling_policy_configuration: Some(tracking),
            ..policy()
        };
        self.0.call::<PutScalingPolicy>(input).await
    }

    pub(crate) async fn schedule(
        &self,
        name: &str,
        schedule: &str,
        bounds: (Option<i32>, Option<i32>),
        change: impl FnOnce(&mut PutScheduledActionInput),
    ) -> Result<(), ApiError> {
        let mut input = PutScheduledActionInput {
            service_namespace: "dynamodb".to_owned(),
            resource_id: "table/orders".to_owned(),
            scalable_dimension: WRITES.to_owned(),
            scheduled_action_name: name.to_owned(),
            schedule: Some(schedule.to_owned()),
            scalable_target_action: Some(ScalableTargetAction {
                min_capacity: bounds.0,
                max_capacity: bounds.1,
            }),
            ..Default::default()
        };
        change(&mut input);
        self.0.call::<PutScheduledAction>(input).await.map(|_| ())
    }

    pub(crate) async fn targets(&self) -> Vec<ScalableTarget> {
        let input =
            DescribeScalableTargetsInput { service_namespace: "dynamodb".to_owned(), ..Default::default() };
        self.0.call::<DescribeScalableTargets>(input).await.unwrap().scalable_targets.unwrap()
    }

    /// The latest first.
    pub(crate) async fn activities(&self) -> Vec<ScalingActivity> {
        let input =
            DescribeScalingActivitiesInput { service_namespace: "dynamodb".to_owned(), ..Default::default() };
        self.0.call::<DescribeScalingActivities>(input).await.unwrap().scaling_activities.unwrap()
    }
}

/// A policy of the writes of `orders`, without its kind.
pub(crate) fn policy() -> PutScalingPolicyInput {
    PutScalingPolicyInput {
        policy_name: "other".to_owned(),
        service_namespace: "dynamodb".to_owned(),
        resource_id: "table/orders".to_owned(),
        scalable_dimension: WRITES.to_owned(),
        ..Default::default()
    }
}

fn units(each: i64) -> ProvisionedThroughput {
    ProvisionedThroughput { read_capacity_units: each, write_capacity_units: each }
}
