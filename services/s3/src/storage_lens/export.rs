//! The daily export: lines of metrics, and the manifest that names their file (S3 User Guide, "What is an S3 Storage Lens
//! export manifest?").

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use cloud::Ctx;
use md5::{Digest, Md5};
use s3_api::PutObjectInput;
use s3_api::op::PutObject;
use s3control_api::{S3BucketDestination, StorageLensConfiguration, StorageLensGroup};
use serde_json::json;
use shapes::{ApiError, Timestamp};
use store::Range;

use super::count::ByClass;
use super::{Lens, group_arn};
use crate::bucket::Bucket;
use crate::{S3, checksum, key, tables};

/// Who writes the export.
const SERVICE: &str = "storage-lens.s3.amazonaws.com";
const SCHEMA: &str = "version_number,configuration_id,report_date,aws_account_number,aws_region,storage_class,record_type,\
                      record_value,bucket_name,metric_name,metric_value";
/// Lines of one file.
const FILE_LINES: usize = 200_000;
const DAY_MILLIS: i64 = 86_400_000;

/// A line without its metric: region, class, type, value, bucket.
struct Record<'r> {
    region: &'r str,
    kind: &'r str,
    value: &'r str,
    bucket: &'r str,
}

impl S3 {
    pub(super) async fn export_lens(
        self: &Arc<Self>,
        lens: &Lens,
        configuration: &StorageLensConfiguration,
        destination: &S3BucketDestination,
    ) -> Result<(), ApiError> {
        let region = self.lens_region(lens);
        let own = super::arn(&lens.region, lens.account, &lens.id);
        let ctx = self.cloud.background(SERVICE, &own, lens.account, region);
        let ended = ctx.now().millis().div_euclid(DAY_MILLIS) * DAY_MILLIS - DAY_MILLIS;
        let (year, month, day) = Timestamp::from_millis(ended).date();
        let date = format!("{year:04}-{month:02}-{day:02}");
        let start = format!("V_1,{},{date},{},", lens.id, lens.account);
        let lines = self.lens_lines(lens, configuration, &start)?;
        let prefix = destination.prefix.as_deref().map(|prefix| prefix.trim_end_matches('/'));
        let prefix = prefix.filter(|prefix| !prefix.is_empty()).map(|prefix| format!("{prefix}/"));
        let folder = format!("{}StorageLens/{}/{}/V_1", prefix.unwrap_or_default(), lens.account, lens.id);
        let mut files = Vec::new();
        for lines in lines.chunks(FILE_LINES) {
            let name = format!("{folder}/reports/dt={date}/{}.csv", self.cloud.ids().uuid());
            let csv = format!("{SCHEMA}\n{}", lines.concat()).into_bytes();
            let sum = checksum::hex(&Md5::digest(&csv));
            files.push(json!({"key": name, "size": csv.len(), "md5Checksum": sum}));
            if !put(&ctx, destination, name, csv).await? {
                return Ok(());
            }
        }
        let manifest = json!({
            "sourceAccountId": lens.account.to_string(),
            "configId": lens.id,
            "destinationBucket": destination.arn,
            "reportVersion": "V_1",
            "reportDate": date,
            "reportFormat": "CSV",
            "reportSchema": SCHEMA,
            "reportFiles": files,
        });
        let name = format!("{folder}/manifests/dt={date}/manifest.json");
        put(&ctx, destination, name, manifest.to_string().into_bytes()).await?;
        Ok(())
    }

    fn lens_lines(
        &self,
        lens: &Lens,
        configuration: &StorageLensConfiguration,
        start: &str,
    ) -> Result<Vec<String>, ApiError> {
        let groups = self.groups_of(lens, configuration)?;
        let mut lines = Vec::new();
        let mut accounts: BTreeMap<String, (ByClass, Vec<ByClass>)> = BTreeMap::new();
        for bucket in self.buckets_of(lens, configuration)? {
            let (all, of_groups) = self.count_bucket(bucket.id, &groups)?;
            let (region, name) = (bucket.region.as_str(), bucket.name.as_str());
            let account = accounts
                .entry(region.to_owned())
                .or_insert_with(|| (ByClass::new(), vec![ByClass::new(); groups.len()]));
            join(&mut account.0, &all);
            write(&mut lines, start, &Record { region, kind: "BUCKET", value: "", bucket: name }, &all);
            for ((group, counted), sum) in groups.iter().zip(&of_groups).zip(&mut account.1) {
                join(sum, counted);
                let value = &group_arn(&lens.region, lens.account, &group.name);
                let kind = "STORAGE_LENS_GROUP_BUCKET";
                write(&mut lines, start, &Record { region, kind, value, bucket: name }, counted);
            }
        }
        for (region, (all, of_groups)) in &accounts {
            write(&mut lines, start, &Record { region, kind: "ACCOUNT", value: "", bucket: "" }, all);
            for (group, counted) in groups.iter().zip(of_groups) {
                let value = &group_arn(&lens.region, lens.account, &group.name);
                let kind = "STORAGE_LENS_GROUP_ACCOUNT";
                write(&mut lines, start, &Record { region, kind, value, bucket: "" }, counted);
            }
        }
        Ok(lines)
    }

    /// The account's buckets that the configuration is about.
    fn buckets_of(
        &self,
        lens: &Lens,
        configuration: &StorageLensConfiguration,
    ) -> Result<Vec<Bucket>, ApiError> {
        let mut reader = self.read()?;
        let owned = tables::OWNED.list(&mut reader, &Range::prefix(&lens.account.number()), usize::MAX)?;
        let mut buckets = Vec::new();
        for ((_, name), ()) in owned {
            buckets.extend(tables::BUCKETS.find(&mut reader, &name)?);
        }
        let named = |buckets: &Option<Vec<String>>, regions: &Option<Vec<String>>, bucket: &Bucket| {
            let arn = key::arn(&bucket.name, None);
            let is_bucket = buckets.as_ref().is_some_and(|all| all.contains(&arn));
            let is_region = regions.as_ref().is_some_and(|all| all.contains(&bucket.region));
            (is_bucket, is_region)
        };
        buckets.retain(|bucket| {
            let is_included = configuration.include.as_ref().is_none_or(|include| {
                let (is_bucket, is_region) = named(&include.buckets, &include.regions, bucket);
                (include.buckets.is_none() || is_bucket) && (include.regions.is_none() || is_region)
            });
            let is_excluded = configuration.exclude.as_ref().is_some_and(|exclude| {
                let (is_bucket, is_region) = named(&exclude.buckets, &exclude.regions, bucket);
                is_bucket || is_region
            });
            is_included && !is_excluded
        });
        Ok(buckets)
    }

    /// The groups that the configuration tells of.
    fn groups_of(
        &self,
        lens: &Lens,
        configuration: &StorageLensConfiguration,
    ) -> Result<Vec<StorageLensGroup>, ApiError> {
        let Some(level) = &configuration.account_level.storage_lens_group_level else {
            return Ok(Vec::new());
        };
        let range = Range::prefix(&(lens.account.number(), lens.region.clone()));
        let rows = tables::LENS_GROUPS.list(&mut self.read()?, &range, usize::MAX)?;
        let criteria = level.selection_criteria.clone().unwrap_or_default();
        let wanted = |name: &str| {
            let arn = group_arn(&lens.region, lens.account, name);
            criteria.include.as_ref().is_none_or(|include| include.contains(&arn))
                && criteria.exclude.as_ref().is_none_or(|exclude| !exclude.contains(&arn))
        };
        Ok(rows.into_iter().map(|(_, row)| row.group()).filter(|group| wanted(&group.name)).collect())
    }
}

fn join(sum: &mut ByClass, other: &ByClass) {
    for (class, counted) in other {
        sum.entry(class).or_default().join(counted);
    }
}

fn write(lines: &mut Vec<String>, start: &str, record: &Record<'_>, counted: &ByClass) {
    let Record { region, kind, value, bucket } = record;
    let value = key::url_encode(value, true);
    for (class, counted) in counted {
        for (name, amount) in counted.metrics() {
            let mut line = start.to_owned();
            let _ = writeln!(line, "{region},{class},{kind},{value},{bucket},{name},{amount}");
            lines.push(line);
        }
    }
}

/// Whether the destination took the file: one that does not is asked again the next day.
async fn put(
    ctx: &Ctx,
    destination: &S3BucketDestination,
    key: String,
    bytes: Vec<u8>,
) -> Result<bool, ApiError> {
    let kms = destination.encryption.as_ref().and_then(|encryption| encryption.ssekms.as_ref());
    let input = PutObjectInput {
        bucket: key::bucket_of_arn(&destination.arn).to_owned(),
        key,
        body: Some(bytes.into()),
        expected_bucket_owner: Some(destination.account_id.clone()),
        server_side_encryption: kms.map(|_| "aws:kms".to_owned()),
        ssekms_key_id: kms.map(|kms| kms.key_id.clone()),
        ..Default::default()
    };
    match ctx.call::<PutObject>(input).await {
        Ok(_) => Ok(true),
        Err(error) if error.status() < 500 => {
            tracing::warn!(bucket = %destination.arn, %error, "an export of Storage Lens was not taken");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
