//! The auto scaling of global tables, as targets and policies of Application Auto Scaling in the replicas' regions.

use application_autoscaling_api::op::{DescribeScalableTargets, DescribeScalingPolicies};
use application_autoscaling_api::{DescribeScalableTargetsInput, DescribeScalingPoliciesInput};
use dynamodb_api::op::{
    DescribeTable, DescribeTableReplicaAutoScaling, UpdateGlobalTableSettings, UpdateTable,
    UpdateTableReplicaAutoScaling,
};
use dynamodb_api::*;

use crate::global_tables::{EU, US, call, creates, settled, with_replicas};
use crate::kit::{Db, told};

/// `orders` in two regions, with 5 units of each.
async fn provisioned() -> Db {
    let db = with_replicas(&[EU]).await;
    let input = UpdateTableInput {
        table_name: "orders".to_owned(),
        billing_mode: Some("PROVISIONED".to_owned()),
        provisioned_throughput: Some(ProvisionedThroughput {
            read_capacity_units: 5,
            write_capacity_units: 5,
        }),
        ..Default::default()
    };
    call::<UpdateTable>(&db, US, input).await.unwrap();
    settled(&db).await;
    db
}

fn settings(min: i64, max: i64, percent: f64) -> AutoScalingSettingsUpdate {
    let tracking = AutoScalingTargetTrackingScalingPolicyConfigurationUpdate {
        target_value: percent,
        scale_in_cooldown: Some(60),
        ..Default::default()
    };
    AutoScalingSettingsUpdate {
        minimum_units: Some(min),
        maximum_units: Some(max),
        scaling_policy_update: Some(AutoScalingPolicyUpdate {
            policy_name: None,
            target_tracking_scaling_policy_configuration: tracking,
        }),
        ..Default::default()
    }
}

fn reads_in(region: &str, settings: AutoScalingSettingsUpdate) -> ReplicaAutoScalingUpdate {
    ReplicaAutoScalingUpdate {
        region_name: region.to_owned(),
        replica_provisioned_read_capacity_auto_scaling_update: Some(settings),
        ..Default::default()
    }
}

async fn dimensions(db: &Db, region: &str) -> Vec<(String, i32, i32)> {
    let input =
        DescribeScalableTargetsInput { service_namespace: "dynamodb".to_owned(), ..Default::default() };
    let targets = call::<DescribeScalableTargets>(db, region, input).await.unwrap().scalable_targets.unwrap();
    let told = targets.into_iter().map(|target| {
        let dimension = target.scalable_dimension.trim_start_matches("dynamodb:table:").to_owned();
        (dimension, target.min_capacity, target.max_capacity)
    });
    told.collect()
}

#[tokio::test]
async fn writes_scale_alike_everywhere_and_reads_where_they_are_told_to() {
    let db = provisioned().await;
    let input = UpdateTableReplicaAutoScalingInput {
        table_name: "orders".to_owned(),
        provisioned_write_capacity_auto_scaling_update: Some(settings(8, 40, 70.0)),
        replica_updates: Some(vec![reads_in(EU, settings(1, 9, 50.0))]),
        ..Default::default()
    };
    let output = call::<UpdateTableReplicaAutoScaling>(&db, US, input).await.unwrap();
    settled(&db).await;
    let writes = || ("WriteCapacityUnits".to_owned(), 8, 40);
    assert_eq!(dimensions(&db, US).await, [writes()]);
    assert_eq!(dimensions(&db, EU).await, [("ReadCapacityUnits".to_owned(), 1, 9), writes()]);

    let description = output.table_auto_scaling_description.unwrap();
    let replicas = description.replicas.unwrap();
    let regions: Vec<_> = replicas.iter().map(|replica| replica.region_name.as_deref().unwrap()).collect();
    assert_eq!(regions, [EU, US]);
    let reads = replicas[0].replica_provisioned_read_capacity_auto_scaling_settings.as_ref().unwrap();
    assert_eq!((reads.minimum_units, reads.maximum_units), (Some(1), Some(9)));
    let policy = &reads.scaling_policies.as_ref().unwrap()[0];
    assert_eq!(policy.policy_name.as_deref(), Some("DynamoDBReadCapacityUtilization:table/orders"));
    let tracking = policy.target_tracking_scaling_policy_configuration.as_ref().unwrap();
    assert_eq!((tracking.target_value, tracking.scale_in_cooldown), (50.0, Some(60)));
    let reads = replicas[1].replica_provisioned_read_capacity_auto_scaling_settings.as_ref().unwrap();
    assert_eq!(reads.auto_scaling_disabled, Some(true));

    for region in [US, EU] {
        let input = DescribeTableInput { table_name: "orders".to_owned() };
        let table = call::<DescribeTable>(&db, region, input).await.unwrap().table.unwrap();
        assert_eq!(table.provisioned_throughput.unwrap().write_capacity_units, Some(8), "{region}");
    }

    let off = AutoScalingSettingsUpdate { auto_scaling_disabled: Some(true), ..Default::default() };
    for _ in 0..2 {
        let input = UpdateTableReplicaAutoScalingInput {
            table_name: "orders".to_owned(),
            replica_updates: Some(vec![reads_in(EU, off.clone())]),
            ..Default::default()
        };
        call::<UpdateTableReplicaAutoScaling>(&db, US, input).await.unwrap();
    }
    assert_eq!(dimensions(&db, EU).await, [writes()]);
}

#[tokio::test]
async fn what_is_no_replica_is_not_scaled() {
    let db = Db::with_table(false).await;
    let input = |region: &str| UpdateTableReplicaAutoScalingInput {
        table_name: "orders".to_owned(),
        replica_updates: Some(vec![reads_in(region, settings(1, 9, 50.0))]),
        ..Default::default()
    };
    assert_eq!(
        told(call::<UpdateTableReplicaAutoScaling>(&db, US, input(US)).await).0,
        "ValidationException"
    );
    call::<UpdateTable>(&db, US, creates(EU)).await.unwrap();
    settled(&db).await;
    let error = told(call::<UpdateTableReplicaAutoScaling>(&db, US, input("ap-southeast-2")).await);
    assert_eq!(error.0, "ReplicaNotFoundException");
    let missing = DescribeTableReplicaAutoScalingInput { table_name: "other".to_owned() };
    let error = told(call::<DescribeTableReplicaAutoScaling>(&db, US, missing).await);
    assert_eq!(error.0, "ResourceNotFoundException");
}

#[tokio::test]
async fn global_tables_of_the_first_version_scale_as_well() {
    let db = provisioned().await;
    let create = CreateGlobalTableInput {
        global_table_name: "other".to_owned(),
        replication_group: vec![Replica { region_name: Some(US.to_owned()) }],
    };
    let mut table = crate::kit::table("other", false);
    table.stream_specification = Some(StreamSpecification {
        stream_enabled: true,
        stream_view_type: Some("NEW_AND_OLD_IMAGES".to_owned()),
    });
    call::<op::CreateTable>(&db, US, table).await.unwrap();
    call::<op::CreateGlobalTable>(&db, US, create).await.unwrap();
    let input = UpdateGlobalTableSettingsInput {
        global_table_name: "other".to_owned(),
        global_table_provisioned_write_capacity_auto_scaling_settings_update: Some(settings(2, 20, 80.0)),
        ..Default::default()
    };
    let output = call::<UpdateGlobalTableSettings>(&db, US, input).await.unwrap();
    let replica = output.replica_settings.unwrap().remove(0);
    let writes = replica.replica_provisioned_write_capacity_auto_scaling_settings.unwrap();
    assert_eq!((writes.minimum_units, writes.maximum_units), (Some(2), Some(20)));
    let input =
        DescribeScalingPoliciesInput { service_namespace: "dynamodb".to_owned(), ..Default::default() };
    let policies = call::<DescribeScalingPolicies>(&db, US, input).await.unwrap().scaling_policies.unwrap();
    assert_eq!(policies[0].policy_name, "DynamoDBWriteCapacityUtilization:table/other");
}
