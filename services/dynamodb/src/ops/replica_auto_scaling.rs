//! DescribeTableReplicaAutoScaling, UpdateTableReplicaAutoScaling: how the throughput of a global table's replicas follows
//! what they consume. The settings are scalable targets and policies of Application Auto Scaling, in each replica's region;
//! nothing of them is kept here.

use std::sync::Arc;

use application_autoscaling_api as scaling;
use application_autoscaling_api::op::{
    DeregisterScalableTarget, DescribeScalableTargets, DescribeScalingPolicies, PutScalingPolicy,
    RegisterScalableTarget,
};
use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::{DescribeTableReplicaAutoScaling, UpdateTableReplicaAutoScaling};
use dynamodb_api::{
    AutoScalingPolicyDescription, AutoScalingSettingsDescription, AutoScalingSettingsUpdate,
    AutoScalingTargetTrackingScalingPolicyConfigurationDescription, DescribeTableReplicaAutoScalingInput,
    DescribeTableReplicaAutoScalingOutput, ReplicaAutoScalingDescription,
    ReplicaGlobalSecondaryIndexAutoScalingDescription, TableAutoScalingDescription,
    UpdateTableReplicaAutoScalingInput, UpdateTableReplicaAutoScalingOutput, error,
};
use identity::Region;
use shapes::ApiError;

use crate::DynamoDb;
use crate::errors::{index_not_found, named_table_not_found, validation};
use crate::replication::{find_group, group_scope, in_region};
use crate::target::Target;
use crate::usage::Direction;

const NAMESPACE: &str = "dynamodb";

impl Handle<DescribeTableReplicaAutoScaling> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &DescribeTableReplicaAutoScalingInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.table_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeTableReplicaAutoScalingInput,
    ) -> Result<DescribeTableReplicaAutoScalingOutput, ApiError> {
        let target = Target::parse(ctx, &input.table_name)?;
        let description = describe(self, ctx, &target).await?;
        Ok(DescribeTableReplicaAutoScalingOutput { table_auto_scaling_description: Some(description) })
    }
}

impl Handle<UpdateTableReplicaAutoScaling> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &UpdateTableReplicaAutoScalingInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.table_name)
    }

    /// Writes are scaled alike in all regions, reads in each as it is told (API Reference, UpdateTableReplicaAutoScaling).
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UpdateTableReplicaAutoScalingInput,
    ) -> Result<UpdateTableReplicaAutoScalingOutput, ApiError> {
        let target = Target::parse(ctx, &input.table_name)?;
        let regions = regions(self, ctx, &target)?;
        if regions.is_empty() {
            return Err(validation(format!("Table {} is not a global table.", target.name)));
        }
        let indexes = index_names(self, ctx, &target)?;
        let known = |name: Option<String>| match name.filter(|name| indexes.contains(name)) {
            Some(name) => Ok(name),
            None => Err(index_not_found(&target.name)),
        };
        let mut changes = Vec::new();
        for region in &regions {
            if let Some(given) = &input.provisioned_write_capacity_auto_scaling_update {
                changes.push((*region, None, Direction::Write, given.clone()));
            }
            for index in input.global_secondary_index_updates.iter().flatten() {
                let name = known(index.index_name.clone())?;
                if let Some(given) = &index.provisioned_write_capacity_auto_scaling_update {
                    changes.push((*region, Some(name), Direction::Write, given.clone()));
                }
            }
        }
        for replica in input.replica_updates.iter().flatten() {
            let region = Region::parse(&replica.region_name).filter(|region| regions.contains(region));
            let region = region.ok_or_else(|| {
                error::replica_not_found_exception(format!("Replica not found: {}", replica.region_name))
            })?;
            if let Some(given) = &replica.replica_provisioned_read_capacity_auto_scaling_update {
                changes.push((region, None, Direction::Read, given.clone()));
            }
            for index in replica.replica_global_secondary_index_updates.iter().flatten() {
                let name = known(index.index_name.clone())?;
                if let Some(given) = &index.provisioned_read_capacity_auto_scaling_update {
                    changes.push((region, Some(name), Direction::Read, given.clone()));
                }
            }
        }
        for (region, index, direction, given) in changes {
            let place = Scaled::new(&target, index.as_deref(), direction);
            update(&scaling_in(ctx, &target, region), &place, &given).await?;
        }
        let description = describe(self, ctx, &target).await?;
        Ok(UpdateTableReplicaAutoScalingOutput { table_auto_scaling_description: Some(description) })
    }
}

/// The caller in one of the table's regions, by way of DynamoDB.
pub(super) fn scaling_in(ctx: &Ctx, target: &Target, region: Region) -> Ctx {
    ctx.in_tenant(target.account, region).via_service("dynamodb.amazonaws.com")
}

/// Of the replicas; none where the table is not a global one.
fn regions(service: &DynamoDb, ctx: &Ctx, target: &Target) -> Result<Vec<Region>, ApiError> {
    service.definitions.find(ctx.store(), target)?.ok_or_else(|| named_table_not_found(&target.name))?;
    let group = find_group(&mut ctx.store().read(&group_scope(target.account))?, &target.name)?;
    let members = group.map(|group| group.members).unwrap_or_default();
    Ok(members.keys().filter_map(|region| Region::parse(region)).collect())
}

fn index_names(service: &DynamoDb, ctx: &Ctx, target: &Target) -> Result<Vec<String>, ApiError> {
    let table = service.definitions.find(ctx.store(), target)?;
    let indexes = table
        .map(|table| table.row.definition.global_indexes.iter().map(|index| index.name.clone()).collect());
    Ok(indexes.unwrap_or_default())
}

async fn describe(
    service: &DynamoDb,
    ctx: &Ctx,
    target: &Target,
) -> Result<TableAutoScalingDescription, ApiError> {
    let mut replicas = Vec::new();
    for region in regions(service, ctx, target)? {
        let Some(table) = service.definitions.find(ctx.store(), &in_region(target, region))? else {
            continue;
        };
        let settings = Settings::read(&scaling_in(ctx, target, region), target).await?;
        let definition = &table.row.definition;
        let indexes =
            definition.global_indexes.iter().map(|index| ReplicaGlobalSecondaryIndexAutoScalingDescription {
                index_name: Some(index.name.clone()),
                index_status: Some(index.status.name().to_owned()),
                provisioned_read_capacity_auto_scaling_settings: Some(settings.of(&Scaled::new(
                    target,
                    Some(&index.name),
                    Direction::Read,
                ))),
                provisioned_write_capacity_auto_scaling_settings: Some(settings.of(&Scaled::new(
                    target,
                    Some(&index.name),
                    Direction::Write,
                ))),
            });
        replicas.push(ReplicaAutoScalingDescription {
            region_name: Some(region.as_str().to_owned()),
            global_secondary_indexes: Some(indexes.collect()),
            replica_provisioned_read_capacity_auto_scaling_settings: Some(settings.of(&Scaled::new(
                target,
                None,
                Direction::Read,
            ))),
            replica_provisioned_write_capacity_auto_scaling_settings: Some(settings.of(&Scaled::new(
                target,
                None,
                Direction::Write,
            ))),
            replica_status: Some(definition.status.name().to_owned()),
        });
    }
    let table = service.definitions.find(ctx.store(), target)?;
    Ok(TableAutoScalingDescription {
        table_name: Some(target.name.clone()),
        table_status: table.map(|table| table.row.definition.status.name().to_owned()),
        replicas: Some(replicas),
    })
}

/// A throughput as Application Auto Scaling names it.
pub(super) struct Scaled {
    resource: String,
    dimension: &'static str,
    metric: &'static str,
}

impl Scaled {
    pub(super) fn new(target: &Target, index: Option<&str>, direction: Direction) -> Self {
        let (dimension, metric) = match (index, direction) {
            (None, Direction::Read) => {
                ("dynamodb:table:ReadCapacityUnits", "DynamoDBReadCapacityUtilization")
            }
            (None, Direction::Write) => {
                ("dynamodb:table:WriteCapacityUnits", "DynamoDBWriteCapacityUtilization")
            }
            (Some(_), Direction::Read) => {
                ("dynamodb:index:ReadCapacityUnits", "DynamoDBReadCapacityUtilization")
            }
            (Some(_), Direction::Write) => {
                ("dynamodb:index:WriteCapacityUnits", "DynamoDBWriteCapacityUtilization")
            }
        };
        let table = format!("table/{}", target.name);
        let resource = index.map_or(table.clone(), |index| format!("{table}/index/{index}"));
        Self { resource, dimension, metric }
    }
}

/// Changes how one throughput is scaled.
pub(super) async fn update(
    ctx: &Ctx,
    place: &Scaled,
    given: &AutoScalingSettingsUpdate,
) -> Result<(), ApiError> {
    let (service_namespace, resource_id) = (NAMESPACE.to_owned(), place.resource.clone());
    let scalable_dimension = place.dimension.to_owned();
    if given.auto_scaling_disabled == Some(true) {
        let input =
            scaling::DeregisterScalableTargetInput { service_namespace, resource_id, scalable_dimension };
        return match ctx.call::<DeregisterScalableTarget>(input).await {
            Err(error) if error.code() != "ObjectNotFoundException" => Err(error),
            _ => Ok(()),
        };
    }
    let bound = |units: Option<i64>| units.map(|units| i32::try_from(units).unwrap_or(i32::MAX));
    let input = scaling::RegisterScalableTargetInput {
        service_namespace: service_namespace.clone(),
        resource_id: resource_id.clone(),
        scalable_dimension: scalable_dimension.clone(),
        min_capacity: bound(given.minimum_units),
        max_capacity: bound(given.maximum_units),
        ..Default::default()
    };
    ctx.call::<RegisterScalableTarget>(input).await?;
    let Some(policy) = &given.scaling_policy_update else { return Ok(()) };
    let tracking = &policy.target_tracking_scaling_policy_configuration;
    let metric = scaling::PredefinedMetricSpecification {
        predefined_metric_type: place.metric.to_owned(),
        resource_label: None,
    };
    let usual_name = || format!("{}:{}", place.metric, place.resource);
    let input = scaling::PutScalingPolicyInput {
        policy_name: policy.policy_name.clone().unwrap_or_else(usual_name),
        service_namespace,
        resource_id,
        scalable_dimension,
        policy_type: Some("TargetTrackingScaling".to_owned()),
        target_tracking_scaling_policy_configuration: Some(
            scaling::TargetTrackingScalingPolicyConfiguration {
                target_value: tracking.target_value,
                predefined_metric_specification: Some(metric),
                scale_out_cooldown: tracking.scale_out_cooldown,
                scale_in_cooldown: tracking.scale_in_cooldown,
                disable_scale_in: tracking.disable_scale_in,
                ..Default::default()
            },
        ),
        ..Default::default()
    };
    ctx.call::<PutScalingPolicy>(input).await.map(|_| ())
}

/// How a table of one region and its indexes are scaled.
pub(super) struct Settings {
    targets: Vec<scaling::ScalableTarget>,
    policies: Vec<scaling::ScalingPolicy>,
}

impl Settings {
    pub(super) async fn read(ctx: &Ctx, target: &Target) -> Result<Self, ApiError> {
        let table = format!("table/{}", target.name);
        let is_own = |resource: &String| {
            resource.strip_prefix(&table).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut settings = Self { targets: Vec::new(), policies: Vec::new() };
        let mut next_token = None;
        loop {
            let service_namespace = NAMESPACE.to_owned();
            let input =
                scaling::DescribeScalableTargetsInput { service_namespace, next_token, ..Default::default() };
            let page = ctx.call::<DescribeScalableTargets>(input).await?;
            let targets = page.scalable_targets.unwrap_or_default();
            settings.targets.extend(targets.into_iter().filter(|target| is_own(&target.resource_id)));
            next_token = page.next_token;
            if next_token.is_none() {
                break;
            }
        }
        for target in &settings.targets {
            let input = scaling::DescribeScalingPoliciesInput {
                service_namespace: NAMESPACE.to_owned(),
                resource_id: Some(target.resource_id.clone()),
                scalable_dimension: Some(target.scalable_dimension.clone()),
                ..Default::default()
            };
            let found = ctx.call::<DescribeScalingPolicies>(input).await?;
            settings.policies.extend(found.scaling_policies.unwrap_or_default());
        }
        Ok(settings)
    }

    pub(super) fn of(&self, place: &Scaled) -> AutoScalingSettingsDescription {
        let is_here =
            |resource: &str, dimension: &str| resource == place.resource && dimension == place.dimension;
        let found =
            self.targets.iter().find(|target| is_here(&target.resource_id, &target.scalable_dimension));
        let Some(target) = found else {
            return AutoScalingSettingsDescription {
                auto_scaling_disabled: Some(true),
                ..Default::default()
            };
        };
        let policies =
            self.policies.iter().filter(|policy| is_here(&policy.resource_id, &policy.scalable_dimension));
        AutoScalingSettingsDescription {
            minimum_units: Some(target.min_capacity.into()),
            maximum_units: Some(target.max_capacity.into()),
            auto_scaling_disabled: None,
            auto_scaling_role_arn: Some(target.role_arn.clone()),
            scaling_policies: Some(policies.filter_map(policy).collect()),
        }
    }
}

fn policy(found: &scaling::ScalingPolicy) -> Option<AutoScalingPolicyDescription> {
    let tracking = found.target_tracking_scaling_policy_configuration.as_ref()?;
    Some(AutoScalingPolicyDescription {
        policy_name: Some(found.policy_name.clone()),
        target_tracking_scaling_policy_configuration: Some(
            AutoScalingTargetTrackingScalingPolicyConfigurationDescription {
                target_value: tracking.target_value,
                disable_scale_in: tracking.disable_scale_in,
                scale_in_cooldown: tracking.scale_in_cooldown,
                scale_out_cooldown: tracking.scale_out_cooldown,
            },
        ),
    })
}
