//! Inventories: lists of a bucket's objects, written to another bucket each day or week (S3 User Guide, "Cataloging and
//! analyzing your data with S3 Inventory").

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::Ctx;
use md5::{Digest, Md5};
use s3_api::op::PutObject;
use s3_api::{InventoryConfiguration, PutObjectInput};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shapes::{ApiError, Timestamp};
use store::Tx;

use crate::bucket::Bucket;
use crate::listing::{self, Entry, Query};
use crate::object::{Encryption, Version};
use crate::settings::Loaded;
use crate::tables::{self, Fact};
use crate::{S3, checksum, key, lifecycle};

const JOB: &str = "s3.inventory";
const PAGE: usize = 1000;
/// Rows of one file; a larger bucket has several.
const FILE_ROWS: usize = 200_000;

#[derive(Serialize, Deserialize)]
struct Round {
    bucket: String,
    bucket_id: u64,
    id: String,
}

fn fact(bucket: u64, id: &str) -> String {
    format!("inventory/{bucket:016x}/{id}")
}

/// Adds the job of a configuration, unless it has one.
pub(crate) fn schedule(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    id: &str,
    now: Timestamp,
    number: u128,
) -> Result<(), ApiError> {
    let fact = fact(bucket.id, id);
    if tables::FACTS.find(tx, &fact)?.is_some() {
        return Ok(());
    }
    tables::FACTS.put(tx, &fact, &Fact::Scheduled);
    let round = Round { bucket: bucket.name.clone(), bucket_id: bucket.id, id: id.to_owned() };
    let payload = serde_json::to_vec(&round).map_err(ApiError::internal)?;
    let due = lifecycle::midnight_after(now + Duration::from_millis(1), 0);
    Jobs::add(tx, now, number, NewJob { kind: JOB, subject: format!("{}: {id}", bucket.name), payload, due });
    Ok(())
}

pub(crate) fn job(s3: &Arc<S3>) -> JobKind {
    let s3 = Arc::clone(s3);
    JobKind {
        name: JOB,
        retry: RetryPolicy {
            attempts: 5,
            first: Duration::from_secs(60),
            longest: Duration::from_secs(3600),
        },
        concurrency: 2,
        handler: Arc::new(move |_, job| {
            let s3 = Arc::clone(&s3);
            Box::pin(async move {
                let Ok(round) = serde_json::from_slice::<Round>(&job.payload) else {
                    return JobOutcome::Done;
                };
                match s3.inventory_round(&round).await {
                    Ok(Some(next)) => JobOutcome::Again(next),
                    Ok(None) => JobOutcome::Done,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}

impl S3 {
    /// Writes one inventory; returns when the next is due.
    async fn inventory_round(self: &Arc<Self>, round: &Round) -> Result<Option<Timestamp>, ApiError> {
        self.buckets.forget(&round.bucket);
        let loaded = self.find_bucket(&round.bucket)?.filter(|loaded| loaded.bucket.id == round.bucket_id);
        let configuration = loaded.as_ref().and_then(|loaded| {
            loaded.settings.inventory.iter().find(|configuration| configuration.id == round.id).cloned()
        });
        let (Some(loaded), Some(configuration)) = (loaded, configuration) else {
            let fact = fact(round.bucket_id, &round.id);
            self.write(move |tx| {
                tables::FACTS.delete(tx, &fact);
                Ok::<_, ApiError>(())
            })
            .await?;
            return Ok(None);
        };
        if configuration.is_enabled {
            self.write_inventory(&loaded, &configuration).await?;
        }
        let days = if configuration.schedule.frequency == "Weekly" { 7 } else { 1 };
        Ok(Some(lifecycle::midnight_after(self.cloud.clock().now() + Duration::from_millis(1), days - 1)))
    }

    async fn write_inventory(
        &self,
        loaded: &Loaded,
        configuration: &InventoryConfiguration,
    ) -> Result<(), ApiError> {
        let destination = &configuration.destination.s3_bucket_destination;
        let region =
            identity::Region::parse(&loaded.bucket.region).unwrap_or(self.cloud.settings().default_region);
        let arn = key::arn(&loaded.bucket.name, None);
        let ctx = self.cloud.background("s3.amazonaws.com", &arn, loaded.bucket.owner, region);
        let target = key::bucket_of_arn(&destination.bucket);
        let prefix = destination.prefix.as_deref().filter(|prefix| !prefix.is_empty());
        let base = prefix.map_or_else(String::new, |prefix| format!("{}/", prefix.trim_end_matches('/')));
        let base = format!("{base}{}/{}", loaded.bucket.name, configuration.id);
        let columns = columns(configuration);
        let (mut files, mut after, mut rows, mut csv) = (Vec::new(), None, 0, String::new());
        loop {
            let (next, count) = self.inventory_page(loaded, configuration, after, &columns, &mut csv)?;
            rows += count;
            if rows >= FILE_ROWS || next.is_none() {
                let name = format!("{base}/data/{}.csv.gz", self.cloud.ids().uuid());
                let packed = gzip(csv.as_bytes())?;
                files.push(json!({
                    "key": name, "size": packed.len(), "MD5checksum": checksum::hex(&Md5::digest(&packed)),
                }));
                put(&ctx, target, name, packed).await?;
                (rows, csv) = (0, String::new());
            }
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let now = ctx.now();
        let ((year, month, day), (hour, minute, _)) = (now.date(), now.time_of_day());
        let folder = format!("{base}/{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}Z");
        let manifest = json!({
            "sourceBucket": loaded.bucket.name,
            "destinationBucket": key::arn(target, None),
            "version": "2016-11-30",
            "creationTimestamp": now.millis().to_string(),
            "fileFormat": "CSV",
            "fileSchema": columns.join(", "),
            "files": files,
        })
        .to_string();
        let sum = checksum::hex(&Md5::digest(manifest.as_bytes()));
        put(&ctx, target, format!("{folder}/manifest.json"), manifest.into_bytes()).await?;
        put(&ctx, target, format!("{folder}/manifest.checksum"), sum.into_bytes()).await
    }

    /// Appends a page of rows; returns where the next one begins, and how many rows there were.
    fn inventory_page(
        &self,
        loaded: &Loaded,
        configuration: &InventoryConfiguration,
        after: Option<(String, Option<u64>)>,
        columns: &[&str],
        csv: &mut String,
    ) -> Result<(Option<(String, Option<u64>)>, usize), ApiError> {
        let (after, after_version) = after.map_or((None, None), |(key, order)| (Some(key), order));
        let query = Query {
            bucket: loaded.bucket.id,
            prefix: configuration.filter.as_ref().map(|filter| filter.prefix.clone()).unwrap_or_default(),
            delimiter: None,
            after,
            after_version,
            most: PAGE,
        };
        let mut reader = self.read()?;
        let mut last = None;
        let (mut count, is_truncated);
        count = 0;
        if configuration.included_object_versions == "All" {
            let page = listing::versions(&mut reader, &query)?;
            is_truncated = page.is_truncated;
            for entry in page.entries {
                let Entry::Item(key, listed) = entry else { continue };
                row(csv, columns, &loaded.bucket.name, &key, &listed.version, listed.is_latest);
                last = Some((key, Some(listed.version.id.order)));
                count += 1;
            }
        } else {
            let page = listing::objects(&mut reader, &query)?;
            is_truncated = page.is_truncated;
            for entry in page.entries {
                let Entry::Item(key, version) = entry else { continue };
                row(csv, columns, &loaded.bucket.name, &key, &version, true);
                last = Some((key, None));
                count += 1;
            }
        }
        Ok((last.filter(|_| is_truncated), count))
    }
}

/// What a configuration asks for, beside what is always there.
fn columns(configuration: &InventoryConfiguration) -> Vec<&str> {
    let mut columns = vec!["Bucket", "Key"];
    if configuration.included_object_versions == "All" {
        columns.extend(["VersionId", "IsLatest", "IsDeleteMarker"]);
    }
    columns.extend(configuration.optional_fields.iter().flatten().map(String::as_str));
    columns
}

fn row(csv: &mut String, columns: &[&str], bucket: &str, key: &str, version: &Version, is_latest: bool) {
    for (index, column) in columns.iter().enumerate() {
        let value = match *column {
            "Bucket" => bucket.to_owned(),
            "Key" => key::url_encode(key, true),
            "VersionId" => version.id.to_string(),
            "IsLatest" => is_latest.to_string(),
            "IsDeleteMarker" => version.is_delete_marker.to_string(),
            _ if version.is_delete_marker => String::new(),
            "Size" => version.size.to_string(),
            "LastModifiedDate" => version.modified.iso8601_millis(),
            "ETag" => version.etag.to_string(),
            "StorageClass" => version.class.name().to_owned(),
            "IsMultipartUploaded" => (version.etag.parts > 0).to_string(),
            "ReplicationStatus" => {
                version.replication.map_or("", crate::object::Replication::name).to_owned()
            }
            "EncryptionStatus" => match &version.encryption {
                Encryption::Region => "SSE-S3".to_owned(),
                Encryption::Kms { .. } | Encryption::DataKey { .. } => "SSE-KMS".to_owned(),
                Encryption::Customer { .. } => "SSE-C".to_owned(),
            },
            "ObjectLockMode" => {
                version.lock.retention.map_or("", |retention| retention.mode.name()).to_owned()
            }
            "ObjectLockRetainUntilDate" => {
                version.lock.retention.map_or_else(String::new, |retention| retention.until.iso8601_millis())
            }
            "ObjectLockLegalHoldStatus" => if version.lock.has_legal_hold { "On" } else { "Off" }.to_owned(),
            "ChecksumAlgorithm" => {
                version.checksum.as_ref().map_or("", |checksum| checksum.algorithm.name()).to_owned()
            }
            _ => String::new(),
        };
        let separator = if index == 0 { "" } else { "," };
        let _ = write!(csv, "{separator}\"{}\"", value.replace('"', "\"\""));
    }
    csv.push('\n');
}

async fn put(ctx: &Ctx, bucket: &str, key: String, bytes: Vec<u8>) -> Result<(), ApiError> {
    let input =
        PutObjectInput { bucket: bucket.to_owned(), key, body: Some(bytes.into()), ..Default::default() };
    ctx.call::<PutObject>(input).await.map(drop)
}

pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>, ApiError> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(ApiError::internal)
}
