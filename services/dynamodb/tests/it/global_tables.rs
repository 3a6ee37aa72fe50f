//! Global tables: replicas in several regions that end with the same items.

use std::collections::BTreeMap;
use std::time::Duration;

use cloud::Ctx;
use dynamodb_api::op::{
    CreateGlobalTable, CreateTable, DeleteItem, DeleteTable, DescribeGlobalTable,
    DescribeGlobalTableSettings, DescribeTable, DescribeTimeToLive, ListGlobalTables, PutItem, Query, Scan,
    UpdateGlobalTable, UpdateGlobalTableSettings, UpdateItem, UpdateTable, UpdateTimeToLive,
};
use dynamodb_api::*;
use dynamodb_streams_api::op::{DescribeStream, GetRecords, GetShardIterator};
use dynamodb_streams_api::{DescribeStreamInput, GetRecordsInput, GetShardIteratorInput, Record};
use identity::{AccountId, Region};
use shapes::{ApiError, Op};

use crate::kit::{Db, attribute, is_validation, item, key, projection, query, show, table, told, values_of};
use crate::streams::enabled;

pub(crate) const US: &str = "us-east-1";
pub(crate) const EU: &str = "eu-west-1";
const AP: &str = "ap-southeast-2";

fn place(db: &Db, region: &str) -> Ctx {
    db.region.ctx().in_tenant(AccountId::DEFAULT, Region::parse(region).unwrap())
}

pub(crate) async fn call<O: Op>(db: &Db, region: &str, input: O::Input) -> Result<O::Output, ApiError> {
    place(db, region).call::<O>(input).await
}

async fn put(db: &Db, region: &str, text: &str) {
    call::<PutItem>(db, region, crate::kit::put(text)).await.unwrap();
}

async fn delete(db: &Db, region: &str, text: &str) {
    let input = DeleteItemInput { table_name: "orders".to_owned(), key: item(text), ..Default::default() };
    call::<DeleteItem>(db, region, input).await.unwrap();
}

async fn add(db: &Db, region: &str, text: &str, by: u64) {
    let input = UpdateItemInput {
        table_name: "orders".to_owned(),
        key: item(text),
        update_expression: Some("ADD n :n".to_owned()),
        expression_attribute_values: values_of(&format!(":n={by}")),
        ..Default::default()
    };
    call::<UpdateItem>(db, region, input).await.unwrap();
}

async fn scan(db: &Db, region: &str) -> Vec<String> {
    let (mut texts, mut start) = (Vec::new(), None);
    loop {
        let input =
            ScanInput { table_name: "orders".to_owned(), exclusive_start_key: start, ..Default::default() };
        let page = call::<Scan>(db, region, input).await.unwrap();
        texts.extend(page.items.unwrap_or_default().iter().map(show));
        start = page.last_evaluated_key;
        if start.is_none() {
            texts.sort();
            return texts;
        }
    }
}

async fn describe(db: &Db, region: &str) -> Result<TableDescription, ApiError> {
    let input = DescribeTableInput { table_name: "orders".to_owned() };
    Ok(call::<DescribeTable>(db, region, input).await?.table.unwrap())
}

pub(crate) fn creates(region: &str) -> UpdateTableInput {
    let create = CreateReplicationGroupMemberAction { region_name: region.to_owned(), ..Default::default() };
    let update = ReplicationGroupUpdate { create: Some(create), ..Default::default() };
    UpdateTableInput {
        table_name: "orders".to_owned(),
        replica_updates: Some(vec![update]),
        ..Default::default()
    }
}

fn deletes(region: &str) -> UpdateTableInput {
    let delete = DeleteReplicationGroupMemberAction { region_name: region.to_owned() };
    let update = ReplicationGroupUpdate { delete: Some(delete), ..Default::default() };
    UpdateTableInput {
        table_name: "orders".to_owned(),
        replica_updates: Some(vec![update]),
        ..Default::default()
    }
}

pub(crate) async fn settled(db: &Db) {
    for _ in 0..20 {
        db.region.settle().await;
    }
}

pub(crate) async fn with_replicas(regions: &[&str]) -> Db {
    let db = Db::with_table(false).await;
    for region in regions {
        call::<UpdateTable>(&db, US, creates(region)).await.unwrap();
        settled(&db).await;
    }
    db
}

async fn records(db: &Db, region: &str) -> Vec<Record> {
    let arn = describe(db, region).await.unwrap().latest_stream_arn.unwrap();
    let input = DescribeStreamInput { stream_arn: arn.clone(), ..Default::default() };
    let stream = call::<DescribeStream>(db, region, input).await.unwrap().stream_description.unwrap();
    let mut records = Vec::new();
    for shard in stream.shards.unwrap() {
        let input = GetShardIteratorInput {
            stream_arn: arn.clone(),
            shard_id: shard.shard_id.unwrap(),
            shard_iterator_type: "TRIM_HORIZON".to_owned(),
            sequence_number: None,
        };
        let iterator = call::<GetShardIterator>(db, region, input).await.unwrap().shard_iterator.unwrap();
        let input = GetRecordsInput { shard_iterator: iterator, limit: None };
        records.extend(call::<GetRecords>(db, region, input).await.unwrap().records.unwrap());
    }
    records
}

#[tokio::test]
async fn a_replica_gets_what_was_there_and_what_comes() {
    let db = Db::with_table(false).await;
    for number in 0..250 {
        db.put(&format!("pk=p{number:03} v=1")).await;
    }
    let updated = call::<UpdateTable>(&db, US, creates(EU)).await.unwrap().table_description.unwrap();
    assert_eq!(updated.table_status.as_deref(), Some("UPDATING"));
    assert_eq!(updated.replicas.unwrap()[0].replica_status.as_deref(), Some("CREATING"));
    assert_eq!(told(call::<UpdateTable>(&db, US, creates(AP)).await).0, "ResourceInUseException");
    // While the replica is filled.
    put(&db, US, "pk=p001 v=2").await;
    delete(&db, US, "pk=p002").await;
    settled(&db).await;
    for (own, other) in [(US, EU), (EU, US)] {
        let table = describe(&db, own).await.unwrap();
        assert_eq!(table.table_status.as_deref(), Some("ACTIVE"));
        assert_eq!(table.global_table_version.as_deref(), Some("2019.11.21"));
        let replicas = table.replicas.unwrap();
        let told: Vec<_> = replicas
            .iter()
            .map(|replica| (replica.region_name.as_deref(), replica.replica_status.as_deref()))
            .collect();
        assert_eq!(told, [(Some(other), Some("ACTIVE"))]);
        let view = table.stream_specification.unwrap().stream_view_type;
        assert_eq!(view.as_deref(), Some("NEW_AND_OLD_IMAGES"));
    }
    let items = scan(&db, EU).await;
    assert_eq!((items.len(), &items), (249, &scan(&db, US).await));
    assert!(items.contains(&"pk=p001 v=2".to_owned()));
    let before = records(&db, US).await.len();
    put(&db, EU, "pk=new v=1").await;
    settled(&db).await;
    delete(&db, EU, "pk=p000").await;
    settled(&db).await;
    assert_eq!(scan(&db, US).await, scan(&db, EU).await);
    let events: Vec<_> =
        records(&db, US).await.split_off(before).into_iter().filter_map(|record| record.event_name).collect();
    assert_eq!(events, ["INSERT", "REMOVE"], "what comes from elsewhere is in the stream, once");
}

#[tokio::test]
async fn the_later_of_two_writes_wins_everywhere_and_the_other_does_not_come_back() {
    let db = with_replicas(&[EU]).await;
    put(&db, US, "pk=later v=us").await;
    put(&db, US, "pk=same v=us").await;
    put(&db, EU, "pk=same v=eu").await;
    put(&db, US, "pk=deleted v=us").await;
    db.region.clock.advance(Duration::from_millis(5));
    put(&db, EU, "pk=later v=eu").await;
    put(&db, EU, "pk=deleted v=eu").await;
    delete(&db, EU, "pk=deleted").await;
    settled(&db).await;
    for region in [US, EU] {
        assert_eq!(scan(&db, region).await, ["pk=later v=eu", "pk=same v=us"]);
    }
    // What was deleted is forgotten some day, and may be written again.
    db.region.advance(Duration::from_secs(3 * 86_400)).await;
    settled(&db).await;
    put(&db, US, "pk=deleted v=again").await;
    settled(&db).await;
    assert_eq!(scan(&db, EU).await.len(), 3);
}

/// A small generator of numbers, the same for a seed each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[tokio::test]
async fn whatever_is_written_where_and_when_all_replicas_end_alike() {
    let regions = [US, EU, AP];
    for seed in 0..12 {
        let mut db = with_replicas(&[EU, AP]).await;
        let mut chance = Chance(seed);
        // What the latest write of each key was, as long as no two were of one moment.
        let mut latest: BTreeMap<String, Option<String>> = BTreeMap::new();
        let is_spaced = seed % 2 == 0;
        for number in 0..60 {
            let region = regions[chance.below(3) as usize];
            let key = format!("pk=k{}", chance.below(5));
            match chance.below(4) {
                0 => {
                    delete(&db, region, &key).await;
                    // Deleting what is not there is no write.
                    latest.remove(&key);
                }
                1 if !is_spaced => add(&db, region, &key, chance.below(9)).await,
                _ => {
                    put(&db, region, &format!("{key} v={number}x")).await;
                    latest.insert(key.clone(), Some(format!("{key} v={number}x")));
                }
            }
            if is_spaced || chance.below(3) == 0 {
                db.region.clock.advance(Duration::from_millis(1 + chance.below(3)));
            }
            match chance.below(8) {
                0 => settled(&db).await,
                1 => db = db.restarted(),
                _ => {}
            }
        }
        settled(&db).await;
        let items = scan(&db, US).await;
        for region in [EU, AP] {
            assert_eq!(scan(&db, region).await, items, "seed {seed}, {region}");
        }
        if is_spaced {
            for item in latest.into_values().flatten() {
                assert!(items.contains(&item), "seed {seed}: {item} is the latest, not among {items:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_replicas_share_changes_in_all_of_them() {
    let db = with_replicas(&[EU]).await;
    let index = CreateGlobalSecondaryIndexAction {
        index_name: "by-color".to_owned(),
        key_schema: vec![key("color", "HASH")],
        projection: projection("ALL", &[]),
        ..Default::default()
    };
    let input = UpdateTableInput {
        table_name: "orders".to_owned(),
        attribute_definitions: Some(vec![attribute("color", "S")]),
        global_secondary_index_updates: Some(vec![GlobalSecondaryIndexUpdate {
            create: Some(index),
            ..Default::default()
        }]),
        ..Default::default()
    };
    // An item that the index cannot have is on its way while the index is made.
    put(&db, US, "pk=odd color=7").await;
    call::<UpdateTable>(&db, EU, input).await.unwrap();
    put(&db, US, "pk=a color=red").await;
    settled(&db).await;
    assert_eq!(scan(&db, EU).await, ["color=7 pk=odd", "color=red pk=a"]);
    for region in [US, EU] {
        let found = query(Some("by-color"), "color = :c", ":c=red");
        let found = call::<Query>(&db, region, found).await.unwrap();
        assert_eq!(found.count, Some(1), "{region}");
    }
    let input = UpdateTimeToLiveInput {
        table_name: "orders".to_owned(),
        time_to_live_specification: TimeToLiveSpecification {
            enabled: true,
            attribute_name: "ends".to_owned(),
        },
    };
    call::<UpdateTimeToLive>(&db, US, input).await.unwrap();
    settled(&db).await;
    let input = DescribeTimeToLiveInput { table_name: "orders".to_owned() };
    let described = call::<DescribeTimeToLive>(&db, EU, input).await.unwrap();
    let status = described.time_to_live_description.unwrap().time_to_live_status;
    assert_eq!(status.as_deref(), Some("ENABLED"));
    let end = db.region.clock.now().seconds() + 100;
    put(&db, EU, &format!("pk=mortal ends={end}")).await;
    settled(&db).await;
    assert_eq!(scan(&db, US).await.len(), 3);
    db.region.advance(Duration::from_secs(300)).await;
    settled(&db).await;
    for region in [US, EU] {
        assert_eq!(scan(&db, region).await.len(), 2, "{region}");
    }
}

#[tokio::test]
async fn a_replica_that_leaves_takes_nothing_with_it() {
    let db = with_replicas(&[EU, AP]).await;
    put(&db, AP, "pk=last v=1").await;
    // Its last write is on no other replica yet.
    call::<UpdateTable>(&db, US, deletes(AP)).await.unwrap();
    assert_eq!(told(describe(&db, AP).await).0, "ResourceNotFoundException");
    assert_eq!(scan(&db, EU).await, ["pk=last v=1"]);
    let protect = UpdateTableInput {
        table_name: "orders".to_owned(),
        deletion_protection_enabled: Some(true),
        ..Default::default()
    };
    call::<UpdateTable>(&db, EU, protect).await.unwrap();
    assert_eq!(describe(&db, US).await.unwrap().deletion_protection_enabled, Some(false));
    assert_eq!(told(call::<UpdateTable>(&db, US, deletes(EU)).await).0, "ValidationException");
    call::<DeleteTable>(&db, US, DeleteTableInput { table_name: "orders".to_owned() }).await.unwrap();
    settled(&db).await;
    let left = describe(&db, EU).await.unwrap();
    assert_eq!((left.global_table_version, left.replicas), (None, None));
    put(&db, EU, "pk=alone").await;
    assert_eq!(scan(&db, EU).await.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_a_replica_is_told() {
    let db = with_replicas(&[EU]).await;
    is_validation(
        call::<UpdateTable>(&db, US, creates(EU)).await,
        "Failed to create a the new replica of table with name: 'orders' because one or more replicas already existed as \
         tables.",
    );
    assert_eq!(told(call::<UpdateTable>(&db, US, creates("mars-north-1")).await).0, "ValidationException");
    assert_eq!(told(call::<UpdateTable>(&db, US, deletes(AP)).await).0, "ValidationException");
    let strong = UpdateTableInput { multi_region_consistency: Some("STRONG".to_owned()), ..creates(AP) };
    assert_eq!(told(call::<UpdateTable>(&db, US, strong).await).0, "NotImplemented");
    let stream = UpdateTableInput { table_name: "orders".to_owned(), ..enabled("KEYS_ONLY") };
    assert_eq!(told(call::<UpdateTable>(&db, US, stream).await).0, "ValidationException");
}

#[tokio::test]
async fn tables_that_exist_become_replicas_as_in_2017() {
    let db = Db::start();
    let begin = |regions: &[&str]| CreateGlobalTableInput {
        global_table_name: "orders".to_owned(),
        replication_group: regions
            .iter()
            .map(|region| Replica { region_name: Some((*region).to_owned()) })
            .collect(),
    };
    let mut input = table("orders", false);
    input.stream_specification = enabled("NEW_AND_OLD_IMAGES").stream_specification;
    call::<CreateTable>(&db, US, input.clone()).await.unwrap();
    assert_eq!(told(call::<CreateGlobalTable>(&db, US, begin(&[US, EU])).await).0, "TableNotFoundException");
    for region in [EU, AP] {
        call::<CreateTable>(&db, region, input.clone()).await.unwrap();
    }
    let made = call::<CreateGlobalTable>(&db, US, begin(&[US, EU])).await.unwrap();
    let made = made.global_table_description.unwrap();
    assert_eq!(made.replication_group.unwrap().len(), 2);
    assert_eq!(
        told(call::<CreateGlobalTable>(&db, EU, begin(&[US, EU])).await).0,
        "GlobalTableAlreadyExistsException"
    );
    put(&db, US, "pk=a").await;
    settled(&db).await;
    assert_eq!((scan(&db, EU).await.len(), scan(&db, AP).await.len()), (1, 0));
    assert_eq!(describe(&db, EU).await.unwrap().global_table_version.as_deref(), Some("2017.11.29"));
    let update = |create: Option<&str>, delete: Option<&str>| UpdateGlobalTableInput {
        global_table_name: "orders".to_owned(),
        replica_updates: vec![ReplicaUpdate {
            create: create.map(|region| CreateReplicaAction { region_name: region.to_owned() }),
            delete: delete.map(|region| DeleteReplicaAction { region_name: region.to_owned() }),
        }],
    };
    assert_eq!(
        told(call::<UpdateGlobalTable>(&db, US, update(Some(EU), None)).await).0,
        "ReplicaAlreadyExistsException"
    );
    call::<UpdateGlobalTable>(&db, US, update(Some(AP), None)).await.unwrap();
    put(&db, AP, "pk=b").await;
    settled(&db).await;
    assert_eq!(scan(&db, EU).await.len(), 2);
    call::<UpdateGlobalTable>(&db, US, update(None, Some(AP))).await.unwrap();
    put(&db, AP, "pk=own").await;
    settled(&db).await;
    assert_eq!((scan(&db, EU).await.len(), scan(&db, AP).await.len()), (2, 2));
    assert_eq!(
        told(call::<UpdateGlobalTable>(&db, US, update(None, Some(AP))).await).0,
        "ReplicaNotFoundException"
    );
    let listed = call::<ListGlobalTables>(&db, EU, ListGlobalTablesInput::default()).await.unwrap();
    assert_eq!(listed.global_tables.unwrap()[0].global_table_name.as_deref(), Some("orders"));
    let input = DescribeGlobalTableSettingsInput { global_table_name: "orders".to_owned() };
    let settings = call::<DescribeGlobalTableSettings>(&db, US, input).await.unwrap();
    assert_eq!(settings.replica_settings.unwrap().len(), 2);
    let input = UpdateGlobalTableSettingsInput {
        global_table_name: "orders".to_owned(),
        global_table_billing_mode: Some("PROVISIONED".to_owned()),
        global_table_provisioned_write_capacity_units: Some(7),
        replica_settings_update: Some(vec![ReplicaSettingsUpdate {
            region_name: EU.to_owned(),
            replica_provisioned_read_capacity_units: Some(3),
            ..Default::default()
        }]),
        ..Default::default()
    };
    let settings = call::<UpdateGlobalTableSettings>(&db, US, input).await.unwrap().replica_settings.unwrap();
    let units = settings.iter().map(|replica| {
        (replica.replica_provisioned_read_capacity_units, replica.replica_provisioned_write_capacity_units)
    });
    assert_eq!(units.collect::<Vec<_>>(), [(Some(3), Some(7)), (Some(1), Some(7))]);
    let other = DescribeGlobalTableInput { global_table_name: "other".to_owned() };
    assert_eq!(told(call::<DescribeGlobalTable>(&db, US, other).await).0, "GlobalTableNotFoundException");
}
