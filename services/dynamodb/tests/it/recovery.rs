//! Backups, and tables as they were at a moment.

use std::time::Duration;

use dynamodb_api::op::{
    CreateBackup, DeleteBackup, DescribeBackup, DescribeContinuousBackups, DescribeTable, ListBackups, Query,
    RestoreTableFromBackup, RestoreTableToPointInTime, Scan, UpdateContinuousBackups,
};
use dynamodb_api::*;

use crate::kit::{Db, attribute, key, projection, query, show, table, told};

async fn scan(db: &Db, table: &str) -> Vec<String> {
    let input = ScanInput { table_name: table.to_owned(), ..Default::default() };
    let items = db.call::<Scan>(input).await.unwrap().items.unwrap();
    let mut texts: Vec<_> = items.iter().map(show).collect();
    texts.sort();
    texts
}

async fn status(db: &Db, table: &str) -> String {
    let input = DescribeTableInput { table_name: table.to_owned() };
    db.call::<DescribeTable>(input).await.unwrap().table.unwrap().table_status.unwrap_or_default()
}

fn indexed() -> CreateTableInput {
    let mut input = table("orders", false);
    input.attribute_definitions.as_mut().unwrap().push(attribute("color", "S"));
    input.global_secondary_indexes = Some(vec![GlobalSecondaryIndex {
        index_name: "by-color".to_owned(),
        key_schema: vec![key("color", "HASH")],
        projection: projection("ALL", &[]),
        ..Default::default()
    }]);
    input
}

#[tokio::test]
async fn a_backup_brings_back_what_was_there() {
    let db = Db::with(indexed()).await;
    for number in 0..600 {
        db.put(&format!("pk=p{number} color=c{}", number % 2)).await;
    }
    let input = CreateBackupInput { table_name: "orders".to_owned(), backup_name: "before".to_owned() };
    let made = db.call::<CreateBackup>(input).await.unwrap().backup_details.unwrap();
    assert_eq!(made.backup_status, "CREATING");
    db.region.settle().await;
    let input = DescribeBackupInput { backup_arn: made.backup_arn.clone() };
    let backup = db.call::<DescribeBackup>(input).await.unwrap().backup_description.unwrap();
    assert_eq!(backup.backup_details.unwrap().backup_status, "AVAILABLE");
    assert_eq!(backup.source_table_details.unwrap().item_count, Some(600));
    db.delete("pk=p0").await;
    let restore = || RestoreTableFromBackupInput {
        backup_arn: made.backup_arn.clone(),
        target_table_name: "restored".to_owned(),
        ..Default::default()
    };
    let restored = db.call::<RestoreTableFromBackup>(restore()).await.unwrap().table_description.unwrap();
    assert_eq!(restored.table_status.as_deref(), Some("CREATING"));
    assert_eq!(told(db.call::<RestoreTableFromBackup>(restore()).await).0, "TableAlreadyExistsException");
    db.region.settle().await;
    assert_eq!(status(&db, "restored").await, "ACTIVE");
    assert_eq!(scan(&db, "restored").await.len(), 600);
    let red = QueryInput {
        table_name: "restored".to_owned(),
        select: Some("COUNT".to_owned()),
        ..query(Some("by-color"), "color = :c", ":c=c0")
    };
    assert_eq!(db.call::<Query>(red).await.unwrap().count, Some(300));
    let listed = db.call::<ListBackups>(ListBackupsInput::default()).await.unwrap().backup_summaries.unwrap();
    assert_eq!(listed.len(), 1);
    let gone = DeleteBackupInput { backup_arn: made.backup_arn.clone() };
    db.call::<DeleteBackup>(gone.clone()).await.unwrap();
    assert_eq!(told(db.call::<DeleteBackup>(gone).await).0, "BackupNotFoundException");
}

#[tokio::test]
async fn a_table_is_restored_to_a_moment() {
    let db = Db::with(indexed()).await;
    db.put("pk=before v=1").await;
    let on = UpdateContinuousBackupsInput {
        table_name: "orders".to_owned(),
        point_in_time_recovery_specification: PointInTimeRecoverySpecification {
            point_in_time_recovery_enabled: true,
            ..Default::default()
        },
    };
    db.call::<UpdateContinuousBackups>(on).await.unwrap();
    let since = db.region.clock.now();
    let mut moments = Vec::new();
    for step in ["pk=a v=1", "pk=a v=2", "pk=before v=9", "pk=b color=red"] {
        db.region.advance(Duration::from_secs(60)).await;
        db.put(step).await;
        moments.push((db.region.clock.now(), db.scan().await));
    }
    db.region.advance(Duration::from_secs(60)).await;
    db.delete("pk=a").await;
    db.delete("pk=before").await;
    moments.push((since, vec!["pk=before v=1".to_owned()]));
    for (count, (at, expected)) in moments.into_iter().enumerate() {
        let target = format!("restored{count}");
        let input = RestoreTableToPointInTimeInput {
            source_table_name: Some("orders".to_owned()),
            target_table_name: target.clone(),
            restore_date_time: Some(at),
            ..Default::default()
        };
        db.call::<RestoreTableToPointInTime>(input).await.unwrap();
        db.region.settle().await;
        assert_eq!((status(&db, &target).await.as_str(), scan(&db, &target).await), ("ACTIVE", expected));
    }
    let early = RestoreTableToPointInTimeInput {
        source_table_name: Some("orders".to_owned()),
        target_table_name: "early".to_owned(),
        restore_date_time: Some(since - Duration::from_secs(1)),
        ..Default::default()
    };
    assert_eq!(told(db.call::<RestoreTableToPointInTime>(early).await).0, "InvalidRestoreTimeException");
    db.region.advance(Duration::from_secs(36 * 86_400)).await;
    let input = DescribeContinuousBackupsInput { table_name: "orders".to_owned() };
    let description = db.call::<DescribeContinuousBackups>(input).await.unwrap();
    let recovery =
        description.continuous_backups_description.unwrap().point_in_time_recovery_description.unwrap();
    let earliest = db.region.clock.now() - Duration::from_secs(35 * 86_400);
    assert_eq!(recovery.earliest_restorable_date_time, Some(earliest));
}
