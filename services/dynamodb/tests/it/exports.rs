//! Exports of tables to S3.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use clock::JobKind;
use cloud::{Cloud, Service};
use dynamodb::DynamoDbService;
use dynamodb_api::op::{
    CreateTable, DescribeExport, ExportTableToPointInTime, ListExports, UpdateContinuousBackups,
};
use dynamodb_api::*;
use flate2::read::MultiGzDecoder;
use kv::{EmbeddedEngine, EmbeddedOptions};
use md5::{Digest, Md5};
use s3::ObjectStore;
use s3_api::op::{CreateBucket, GetObject, ListObjectsV2, PutBucketPolicy};
use s3_api::{CreateBucketInput, GetObjectInput, ListObjectsV2Input, PutBucketPolicyInput};
use serde_json::{Value as Json, json};
use shapes::{ApiError, Timestamp};
use store::Store;
use tempfile::TempDir;

use ::kit::TestRegion;

use crate::kit::{Db, told};

pub(crate) const BUCKET: &str = "exports";
const TABLE: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/orders";

/// A region with DynamoDB, S3 and logs.
pub(crate) struct Transfers {
    pub db: Db,
    folder: TempDir,
}

fn services(cloud: &Cloud, folder: PathBuf) -> (Vec<Service>, Vec<JobKind>) {
    let dynamodb = DynamoDbService::new(cloud.clone());
    let objects =
        ObjectStore::open(cloud.clone(), &folder, s3::ContentOptions { is_durable: false, hot_bytes: 0 })
            .unwrap();
    let kms = kms::KmsService::new(cloud.clone());
    let services = vec![
        dynamodb.service(),
        dynamodb.streams_service(),
        kms.service(),
        logs::service(cloud.clone()),
        objects.service(),
    ];
    (services, dynamodb.jobs())
}

impl Transfers {
    /// With the bucket, and `orders` with point-in-time recovery.
    pub(crate) async fn start(table: CreateTableInput) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let region = TestRegion::with_jobs(|cloud| services(cloud, path));
        Self::with_table(region, folder, table).await
    }

    /// As [`Self::start`], with all of the region's state in [`Self::path`].
    pub(crate) async fn durable(table: CreateTableInput) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The default reserve of free space is a matter of the machine.
        let options = EmbeddedOptions { reserved_bytes: 0, ..EmbeddedOptions::default() };
        let engine = EmbeddedEngine::open(&folder.path().join("state"), &options).unwrap();
        let objects = folder.path().join("objects");
        let store = Store::new(Arc::new(engine));
        let region = TestRegion::over_store(store, 1, |cloud| services(cloud, objects));
        Self::with_table(region, folder, table).await
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    async fn with_table(region: TestRegion, folder: TempDir, table: CreateTableInput) -> Self {
        let db = Db { region };
        db.call::<CreateTable>(table).await.unwrap();
        let bucket = CreateBucketInput { bucket: BUCKET.to_owned(), ..Default::default() };
        db.call::<CreateBucket>(bucket).await.unwrap();
        let transfers = Self { db, folder };
        transfers.recoverable(true).await;
        transfers
    }

    pub(crate) fn restarted(self) -> Self {
        let path = self.folder.path().to_owned();
        let region = self.db.region.restarted(|cloud| services(cloud, path));
        Self { db: Db { region }, folder: self.folder }
    }

    pub(crate) async fn recoverable(&self, is_enabled: bool) {
        let input = UpdateContinuousBackupsInput {
            table_name: "orders".to_owned(),
            point_in_time_recovery_specification: PointInTimeRecoverySpecification {
                point_in_time_recovery_enabled: is_enabled,
                ..Default::default()
            },
        };
        self.db.call::<UpdateContinuousBackups>(input).await.unwrap();
    }

    pub(crate) async fn begin(
        &self,
        input: ExportTableToPointInTimeInput,
    ) -> Result<ExportDescription, ApiError> {
        let output = self.db.call::<ExportTableToPointInTime>(input).await?;
        Ok(output.export_description.unwrap())
    }

    async fn describe(&self, arn: &str) -> Result<ExportDescription, ApiError> {
        let input = DescribeExportInput { export_arn: arn.to_owned() };
        Ok(self.db.call::<DescribeExport>(input).await?.export_description.unwrap())
    }

    pub(crate) async fn ended(&self, begun: &ExportDescription) -> ExportDescription {
        for _ in 0..10_000 {
            let now = self.describe(begun.export_arn.as_deref().unwrap()).await.unwrap();
            if now.export_status.as_deref() != Some("IN_PROGRESS") {
                return now;
            }
            self.db.region.settle().await;
        }
        panic!("the export does not end");
    }

    pub(crate) async fn keys(&self, prefix: &str) -> Vec<String> {
        let input = ListObjectsV2Input {
            bucket: BUCKET.to_owned(),
            prefix: Some(prefix.to_owned()),
            ..Default::default()
        };
        let listed = self.db.call::<ListObjectsV2>(input).await.unwrap().contents.unwrap_or_default();
        listed.into_iter().filter_map(|object| object.key).collect()
    }

    pub(crate) async fn object(&self, key: &str) -> Vec<u8> {
        let input = GetObjectInput { bucket: BUCKET.to_owned(), key: key.to_owned(), ..Default::default() };
        let body = self.db.call::<GetObject>(input).await.unwrap().body.unwrap();
        body.collect(usize::MAX).await.unwrap().unwrap().to_vec()
    }

    /// The lines of all data files that the manifest names, sorted, after a look at the manifests themselves.
    pub(crate) async fn lines(&self, ended: &ExportDescription) -> Vec<String> {
        let summary_key = ended.export_manifest.clone().expect("the export is complete");
        let summary = self.object(&summary_key).await;
        self.check_sum(&summary_key, &summary).await;
        let summary: Json = serde_json::from_slice(&summary).unwrap();
        let files_key = summary["manifestFilesS3Key"].as_str().unwrap();
        let files = self.object(files_key).await;
        self.check_sum(files_key, &files).await;
        let mut lines = Vec::new();
        for file in String::from_utf8(files).unwrap().lines() {
            let file: Json = serde_json::from_str(file).unwrap();
            let content = self.object(file["dataFileS3Key"].as_str().unwrap()).await;
            assert_eq!(file["md5Checksum"], json!(BASE64.encode(Md5::digest(&content))));
            let mut text = String::new();
            MultiGzDecoder::new(content.as_slice()).read_to_string(&mut text).unwrap();
            assert_eq!(file["itemCount"], json!(text.lines().count()));
            lines.extend(text.lines().map(str::to_owned));
        }
        assert_eq!(summary["itemCount"], json!(lines.len()));
        assert_eq!(ended.item_count, Some(lines.len() as i64));
        lines.sort();
        lines
    }

    async fn check_sum(&self, key: &str, content: &[u8]) {
        let sum = self.object(&key.replace(".json", ".md5")).await;
        assert_eq!(String::from_utf8(sum).unwrap(), BASE64.encode(Md5::digest(content)));
    }
}

pub(crate) fn full() -> ExportTableToPointInTimeInput {
    ExportTableToPointInTimeInput {
        table_arn: TABLE.to_owned(),
        s3_bucket: BUCKET.to_owned(),
        ..Default::default()
    }
}

fn incremental(from: Timestamp, to: Timestamp, view: &str) -> ExportTableToPointInTimeInput {
    ExportTableToPointInTimeInput {
        export_type: Some("INCREMENTAL_EXPORT".to_owned()),
        incremental_export_specification: Some(IncrementalExportSpecification {
            export_from_time: Some(from),
            export_to_time: Some(to),
            export_view_type: Some(view.to_owned()),
        }),
        ..full()
    }
}

async fn simple() -> Transfers {
    Transfers::start(crate::kit::table("orders", false)).await
}

fn line(key: &str, value: u32) -> String {
    format!(r#"{{"Item":{{"pk":{{"S":"{key}"}},"v":{{"N":"{value}"}}}}}}"#)
}

const MINUTES: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_export_holds_the_items_as_they_were_when_it_was_asked_for() {
    let transfers = simple().await;
    let mut expected = Vec::new();
    for number in 0..1300 {
        transfers.db.put(&format!("pk=p{number:04} v=1")).await;
        expected.push(line(&format!("p{number:04}"), 1));
    }
    let input = ExportTableToPointInTimeInput { s3_prefix: Some("daily/".to_owned()), ..full() };
    let begun = transfers.begin(input).await.unwrap();
    assert_eq!(begun.export_status.as_deref(), Some("IN_PROGRESS"));
    // In the same millisecond, and the region goes down before the export has begun.
    for number in (0..1300).step_by(2) {
        transfers.db.put(&format!("pk=p{number:04} v=2")).await;
    }
    transfers.db.delete("pk=p0001").await;
    transfers.db.put("pk=late v=1").await;
    let transfers = transfers.restarted();
    let ended = transfers.ended(&begun).await;
    assert_eq!(ended.export_status.as_deref(), Some("COMPLETED"), "{ended:?}");
    assert_eq!(transfers.lines(&ended).await, expected);
    let arn = ended.export_arn.clone().unwrap();
    let id = arn.rsplit('/').next().unwrap();
    let names = transfers.keys(&format!("daily/AWSDynamoDB/{id}/")).await;
    let name = |key: &String| key.rsplit('/').next().unwrap().to_owned();
    assert!(
        names[1].contains("/data/") && name(&names[1]).len() == "abcdefghijklmnopqrstuvwxyz.json.gz".len()
    );
    let others: Vec<_> = names.iter().filter(|key| !key.contains("/data/")).map(name).collect();
    let manifests = [
        "_started",
        "manifest-files.json",
        "manifest-files.md5",
        "manifest-summary.json",
        "manifest-summary.md5",
    ];
    assert_eq!(others, manifests);
    let listed = transfers.db.call::<ListExports>(ListExportsInput::default()).await.unwrap();
    assert_eq!(listed.export_summaries.unwrap()[0].export_arn.as_deref(), Some(arn.as_str()));
    transfers.db.region.advance(Duration::from_secs(91 * 86_400)).await;
    assert_eq!(told(transfers.describe(&arn).await).0, "ExportNotFoundException");
}

#[tokio::test]
async fn an_earlier_moment_is_exported_in_ion() {
    let transfers = simple().await;
    transfers.db.put("pk=a v=1 tags={x,y}").await;
    transfers.db.put("pk=gone v=1").await;
    let at = transfers.db.region.clock.now();
    transfers.db.region.advance(10 * MINUTES).await;
    transfers.db.put("pk=a v=2").await;
    transfers.db.delete("pk=gone").await;
    transfers.db.put("pk=new").await;
    let ion = |at| ExportTableToPointInTimeInput {
        export_time: Some(at),
        export_format: Some("ION".to_owned()),
        ..full()
    };
    let begun = transfers.begin(ion(at)).await.unwrap();
    let ended = transfers.ended(&begun).await;
    assert_eq!(
        transfers.lines(&ended).await,
        [
            r#"$ion_1_0 {Item:{pk:"a",tags:$dynamodb_SS::["x","y"],v:1.}}"#,
            r#"$ion_1_0 {Item:{pk:"gone",v:1.}}"#,
        ]
    );
    assert_eq!((ended.export_time, ended.export_format.as_deref()), (Some(at), Some("ION")));
    let late = transfers.begin(ion(transfers.db.region.clock.now() + MINUTES)).await;
    assert_eq!(told(late).0, "InvalidExportTimeException");
}

#[tokio::test]
async fn an_incremental_export_tells_what_changed_between() {
    let transfers = simple().await;
    for key in ["kept", "changed", "gone", "later"] {
        transfers.db.put(&format!("pk={key} v=1")).await;
    }
    transfers.db.region.advance(10 * MINUTES).await;
    let from = transfers.db.region.clock.now();
    transfers.db.put("pk=changed v=2").await;
    transfers.db.put("pk=changed v=3").await;
    transfers.db.delete("pk=gone").await;
    transfers.db.put("pk=new v=1").await;
    transfers.db.put("pk=passing v=1").await;
    transfers.db.region.advance(5 * MINUTES).await;
    transfers.db.delete("pk=passing").await;
    let micros = [from.millis() * 1000, (from + 5 * MINUTES).millis() * 1000];
    transfers.db.region.advance(10 * MINUTES).await;
    let to = transfers.db.region.clock.now();
    for key in ["later", "new", "changed"] {
        transfers.db.put(&format!("pk={key} v=9")).await;
    }
    transfers.db.region.advance(MINUTES).await;
    let both = transfers.begin(incremental(from, to, "NEW_AND_OLD_IMAGES")).await.unwrap();
    let metadata = format!(r#"{{"Metadata":{{"WriteTimestampMicros":{{"N":"{}"}}}}"#, micros[0]);
    let image = |name: &str, key: &str, value| {
        let line = line(key, value);
        format!(r#","{name}":{}"#, &line[8..line.len() - 1])
    };
    let keys = |key: &str| format!(r#","Keys":{{"pk":{{"S":"{key}"}}}}"#);
    let changed = keys("changed") + &image("OldImage", "changed", 1) + &image("NewImage", "changed", 3);
    let gone = keys("gone") + &image("OldImage", "gone", 1);
    let new = keys("new") + &image("NewImage", "new", 1);
    let records = [changed, gone, new].map(|record| format!("{metadata}{record}}}"));
    let ended = transfers.ended(&both).await;
    assert_eq!(transfers.lines(&ended).await, records);
    assert!(!transfers.keys("AWSDynamoDB/data/").await.is_empty());
    let new_only = transfers.begin(incremental(from, to, "NEW_IMAGE")).await.unwrap();
    let lines = transfers.lines(&transfers.ended(&new_only).await).await;
    assert!(lines.len() == 3 && lines.iter().all(|line| !line.contains("OldImage")));
    let short = transfers.begin(incremental(from, from + MINUTES, "NEW_IMAGE")).await;
    assert_eq!(told(short).0, "InvalidExportTimeException");
}

#[tokio::test]
async fn what_cannot_be_exported_is_told() {
    let transfers = simple().await;
    let nowhere = ExportTableToPointInTimeInput { s3_bucket: "nowhere".to_owned(), ..full() };
    let failed = transfers.ended(&transfers.begin(nowhere).await.unwrap()).await;
    assert_eq!(
        (failed.export_status.as_deref(), failed.failure_code.as_deref(), failed.export_manifest),
        (Some("FAILED"), Some("S3NoSuchBucket"), None)
    );
    let policy = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": format!("arn:aws:s3:::{BUCKET}/*"),
    }});
    let input =
        PutBucketPolicyInput { bucket: BUCKET.to_owned(), policy: policy.to_string(), ..Default::default() };
    transfers.db.call::<PutBucketPolicy>(input).await.unwrap();
    let denied = transfers.ended(&transfers.begin(full()).await.unwrap()).await;
    assert_eq!(denied.failure_code.as_deref(), Some("S3AccessDenied"));
    let with_token = |format: &str| ExportTableToPointInTimeInput {
        client_token: Some("once".to_owned()),
        export_format: Some(format.to_owned()),
        ..full()
    };
    let first = transfers.begin(with_token("ION")).await.unwrap();
    assert_eq!(transfers.begin(with_token("ION")).await.unwrap().export_arn, first.export_arn);
    assert_eq!(told(transfers.begin(with_token("DYNAMODB_JSON")).await).0, "ExportConflictException");
    transfers.recoverable(false).await;
    assert_eq!(told(transfers.begin(full()).await).0, "PointInTimeRecoveryUnavailableException");
    let missing = ExportTableToPointInTimeInput { table_arn: TABLE.replace("orders", "other"), ..full() };
    assert_eq!(told(transfers.begin(missing).await).0, "TableNotFoundException");
}
