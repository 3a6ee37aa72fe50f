//! Manifests that S3 makes by itself, of a bucket's objects and a filter.

use std::sync::Arc;

use cloud::Ctx;
use s3_api::PutObjectInput;
use s3_api::op::PutObject;
use s3control_api::{
    JobManifestGeneratorFilter, JobOperation, ObjectEncryptionFilter, S3JobManifestGenerator,
    S3ManifestOutputLocation,
};
use serde_json::json;

use super::job::{BatchJob, Preparation, ResultFile, Task};
use super::manifest::Stopped;
use super::report::md5_hex;
use super::task::file_name;
use crate::guards::on_bucket;
use crate::inventory::gzip;
use crate::listing::{self, Entry, Query};
use crate::object::{Encryption, Replication, Version};
use crate::settings::Loaded;
use crate::{S3, key, replication};

/// Objects looked at in one step, which makes one file of the manifest.
const LOOKED_AT: usize = 5000;

impl S3 {
    /// Makes tasks of the next objects that the filter takes.
    pub(super) async fn generate_manifest(
        self: &Arc<Self>,
        job: &BatchJob,
        ctx: &Ctx,
        generator: &S3JobManifestGenerator,
        operation: &JobOperation,
    ) -> Result<(), Stopped> {
        let bucket = key::bucket_of_arn(&generator.source_bucket);
        let loaded = self.bucket_of(bucket, generator.expected_bucket_owner.as_deref())?;
        let replicates = operation.s3_replicate_object.is_some();
        ctx.authorize(&s3_api::SERVICE, &on_bucket(ctx, &loaded, "s3:PutInventoryConfiguration"))?;
        if replicates {
            ctx.authorize(&s3_api::SERVICE, &on_bucket(ctx, &loaded, "s3:GetReplicationConfiguration"))?;
        }
        let (after, after_version) =
            job.preparation.after.clone().map_or((None, None), |(key, order)| (Some(key), order));
        let query =
            Query { bucket: loaded.bucket.id, after, after_version, most: LOOKED_AT, ..Default::default() };
        // Replication is about each version; what else there is, about the newest one.
        let (found, last) = match replicates {
            true => self.all_versions(&query)?,
            false => self.newest_versions(&query)?,
        };
        let filter = generator.filter.clone().unwrap_or_default();
        let fitting = found.into_iter().filter(|(key, version)| fits(&filter, &loaded, key, version));
        let tasks: Vec<Task> = fitting
            .map(|(key, version)| Task {
                bucket: loaded.bucket.name.clone(),
                key,
                version_id: replicates.then(|| version.id.to_string()),
                outcome: None,
            })
            .collect();
        let output = generator.manifest_output_location.as_ref().filter(|_| generator.enable_manifest_output);
        let file = match output {
            Some(output) if !tasks.is_empty() => Some(write_file(job, ctx, output, &tasks).await?),
            _ => None,
        };
        let mut preparation = self.add_tasks(job, tasks).await?;
        preparation.files.extend(file);
        preparation.is_complete = last.is_none();
        preparation.after = last;
        if let Some(output) = output.filter(|_| preparation.is_complete) {
            preparation.written = Some(write_manifest(job, ctx, output, &loaded, &preparation).await?);
        }
        Ok(self.keep_preparation(job, preparation).await?)
    }

    fn newest_versions(&self, query: &Query) -> Result<Found, Stopped> {
        let page = listing::objects(&mut self.read()?, query)?;
        let found: Vec<(String, Version)> = page
            .entries
            .into_iter()
            .filter_map(|entry| match entry {
                Entry::Item(key, version) => Some((key, version)),
                Entry::Prefix(_) => None,
            })
            .collect();
        let last = found.last().filter(|_| page.is_truncated).map(|(key, _)| (key.clone(), None));
        Ok((found, last))
    }

    fn all_versions(&self, query: &Query) -> Result<Found, Stopped> {
        let page = listing::versions(&mut self.read()?, query)?;
        let found: Vec<(String, Version)> = page
            .entries
            .into_iter()
            .filter_map(|entry| match entry {
                Entry::Item(key, listed) => Some((key, listed.version)),
                Entry::Prefix(_) => None,
            })
            .collect();
        let last = found.last().filter(|_| page.is_truncated);
        let last = last.map(|(key, version)| (key.clone(), Some(version.id.order)));
        Ok((found, last))
    }
}

/// Objects, and where the next ones begin.
type Found = (Vec<(String, Version)>, Option<(String, Option<u64>)>);

fn fits(filter: &JobManifestGeneratorFilter, loaded: &Loaded, key: &str, version: &Version) -> bool {
    let size = i64::try_from(version.size).unwrap_or(i64::MAX);
    let is_eligible = || replication::is_eligible(loaded, key, version);
    filter.eligible_for_replication.is_none_or(|wanted| wanted == is_eligible())
        && filter.created_after.is_none_or(|after| version.modified > after)
        && filter.created_before.is_none_or(|before| version.modified < before)
        && filter.object_size_greater_than_bytes.is_none_or(|least| size > least)
        && filter.object_size_less_than_bytes.is_none_or(|most| size < most)
        && one_of(filter.match_any_storage_class.as_deref(), |class| version.class.name() == class)
        && one_of(filter.object_replication_statuses.as_deref(), |status| {
            version.replication.map_or("NONE", Replication::name) == status
        })
        && filter.match_any_object_encryption.as_deref().is_none_or(|wanted| {
            wanted.is_empty() || wanted.iter().any(|wanted| is_encrypted(wanted, version))
        })
        && filter.key_name_constraint.as_ref().is_none_or(|names| {
            one_of(names.match_any_prefix.as_deref(), |prefix| key.starts_with(prefix))
                && one_of(names.match_any_suffix.as_deref(), |suffix| key.ends_with(suffix))
                && one_of(names.match_any_substring.as_deref(), |part| key.contains(part))
        })
}

/// Whether one of several is it; nothing asked for is anything.
fn one_of(wanted: Option<&[String]>, is_it: impl Fn(&str) -> bool) -> bool {
    wanted.is_none_or(|wanted| wanted.is_empty() || wanted.iter().any(|wanted| is_it(wanted)))
}

fn is_encrypted(wanted: &ObjectEncryptionFilter, version: &Version) -> bool {
    let is_named = |wanted: Option<&String>, key: &str| wanted.is_none_or(|wanted| wanted == key);
    match (wanted, &version.encryption) {
        (ObjectEncryptionFilter::SSES3(_), Encryption::Region)
        | (ObjectEncryptionFilter::Ssec(_), Encryption::Customer { .. }) => true,
        (
            wanted,
            Encryption::Kms { key_id: key, is_dual_layer, has_bucket_key }
            | Encryption::DataKey { key_arn: key, is_dual_layer, has_bucket_key, .. },
        ) => match wanted {
            ObjectEncryptionFilter::Dssekms(asked) => {
                *is_dual_layer && is_named(asked.kms_key_arn.as_ref(), key)
            }
            ObjectEncryptionFilter::Ssekms(asked) => {
                !is_dual_layer
                    && is_named(asked.kms_key_arn.as_ref(), key)
                    && asked.bucket_key_enabled.is_none_or(|wanted| wanted == *has_bucket_key)
            }
            _ => false,
        },
        _ => false,
    }
}

fn folder(job: &BatchJob, output: &S3ManifestOutputLocation) -> String {
    let prefix = output.manifest_prefix.as_deref().map(|prefix| prefix.trim_end_matches('/'));
    let prefix = prefix.filter(|prefix| !prefix.is_empty()).map(|prefix| format!("{prefix}/"));
    format!("{}manifest-{}", prefix.unwrap_or_default(), job.id)
}

async fn write_file(
    job: &BatchJob,
    ctx: &Ctx,
    output: &S3ManifestOutputLocation,
    tasks: &[Task],
) -> Result<ResultFile, Stopped> {
    let mut csv = String::new();
    for task in tasks {
        let version = task.version_id.as_deref().unwrap_or_default();
        csv.push_str(&format!(
            "\"{}\",\"{}\",\"{version}\"\n",
            task.bucket,
            key::url_encode(&task.key, true)
        ));
    }
    let packed = gzip(csv.as_bytes())?;
    let name = file_name(&job.id, "manifest", job.preparation.tasks);
    let key = format!("{}/data/{name}.csv.gz", folder(job, output));
    let (md5, size) = (md5_hex(&packed), packed.len() as u64);
    put(ctx, output, key.clone(), packed).await?;
    Ok(ResultFile { is_success: true, key, md5, size })
}

/// Writes what names the files, and returns its ARN and entity tag.
async fn write_manifest(
    job: &BatchJob,
    ctx: &Ctx,
    output: &S3ManifestOutputLocation,
    loaded: &Loaded,
    preparation: &Preparation,
) -> Result<(String, String), Stopped> {
    let file = |file: &ResultFile| json!({"key": file.key, "size": file.size, "MD5checksum": file.md5});
    let manifest = json!({
        "sourceBucket": loaded.bucket.name,
        "destinationBucket": output.bucket,
        "version": "2021-11-30",
        "creationTimestamp": ctx.now().millis().to_string(),
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, VersionId",
        "files": preparation.files.iter().map(file).collect::<Vec<_>>(),
    })
    .to_string();
    let key = format!("{}/manifest.json", folder(job, output));
    let arn = key::arn(key::bucket_of_arn(&output.bucket), Some(&key));
    let etag = put(ctx, output, key, manifest.into_bytes()).await?;
    Ok((arn, etag))
}

async fn put(
    ctx: &Ctx,
    output: &S3ManifestOutputLocation,
    key: String,
    bytes: Vec<u8>,
) -> Result<String, Stopped> {
    let kms = output.manifest_encryption.as_ref().and_then(|encryption| encryption.ssekms.as_ref());
    let input = PutObjectInput {
        bucket: key::bucket_of_arn(&output.bucket).to_owned(),
        key,
        body: Some(bytes.into()),
        expected_bucket_owner: output.expected_manifest_bucket_owner.clone(),
        server_side_encryption: Some(kms.map_or("AES256", |_| "aws:kms").to_owned()),
        ssekms_key_id: kms.map(|kms| kms.key_id.clone()),
        ..Default::default()
    };
    let output = ctx.call::<PutObject>(input).await?;
    Ok(output.e_tag.unwrap_or_default())
}
