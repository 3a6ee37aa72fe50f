//! Manifests: which objects a job is about (S3 User Guide, "Specifying a manifest").
//!
//! A file of lines is read in stretches, an inventory file by file. What is read becomes tasks under the number of their
//! line, so that a stretch that is read again after a crash makes the same ones.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;
use cloud::Ctx;
use flate2::read::GzDecoder;
use s3_api::GetObjectInput;
use s3_api::op::GetObject;
use s3control_api::{
    CreateJobInput, JobManifest, JobManifestGenerator, JobManifestLocation, JobManifestSpec,
};
use serde_json::Value;
use shapes::ApiError;

use super::PAGE;
use super::job::{BatchJob, Preparation, Status, Task};
use crate::{S3, errors, key, tables};

pub(super) const CSV: &str = "S3BatchOperations_CSV_20180820";
pub(super) const INVENTORY: &str = "S3InventoryReport_CSV_20161130";
/// Bytes of a file of lines that are read in one step.
const STRETCH: u64 = 1 << 20;
/// Of an inventory's `manifest.json`, and of one of its files, packed.
const MOST_MANIFEST: usize = 16 << 20;
const MOST_FILE: usize = 256 << 20;
/// A line may have a bucket, a key three times as long for its encoding, a version and what is ignored.
const LONGEST_LINE: u64 = 16 * 1024;
/// Tasks of a job. Here they are rows; AWS takes four billion.
const MOST_TASKS: u64 = 20_000_000;

/// Why a job cannot be prepared, or what went wrong on the way.
pub(super) enum Stopped {
    Failed { code: &'static str, reason: String },
    Error(ApiError),
}

impl Stopped {
    pub(super) fn content(reason: impl Into<String>) -> Self {
        Self::Failed { code: "InvalidManifestContent", reason: reason.into() }
    }
}

impl From<ApiError> for Stopped {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

impl From<store::StoreError> for Stopped {
    fn from(error: store::StoreError) -> Self {
        Self::Error(error.into())
    }
}

/// Checks what a request says of its manifest.
pub(crate) fn check(input: &CreateJobInput) -> Result<(), ApiError> {
    let generator = input.manifest_generator.as_ref();
    let manifest = match (&input.manifest, generator) {
        (Some(manifest), None) => manifest,
        (None, Some(JobManifestGenerator::S3JobManifestGenerator(_))) => return Ok(()),
        _ => {
            return Err(errors::bad_request(
                "Exactly one of Manifest and ManifestGenerator must be specified",
            ));
        }
    };
    let fields = manifest.spec.fields.as_deref().unwrap_or_default();
    let count = |name: &str| fields.iter().filter(|field| *field == name).count();
    match manifest.spec.format.as_str() {
        CSV if count("Bucket") != 1 || count("Key") != 1 || count("VersionId") > 1 => {
            Err(errors::bad_request("The fields of the manifest must include Bucket and Key, each once"))
        }
        INVENTORY if !fields.is_empty() => {
            Err(errors::bad_request("Fields must not be specified for an inventory report"))
        }
        _ => Ok(()),
    }
}

impl S3 {
    /// Reads the next stretch of a job's manifest; the last one makes the job ready.
    pub(super) async fn prepare_batch(self: &Arc<Self>, job: BatchJob) -> Result<bool, ApiError> {
        if job.preparation.is_complete {
            return self.end_preparation(&job).await;
        }
        let stopped = match self.batch_role(&job) {
            Ok(ctx) => self.read_manifest(&job, &ctx).await,
            Err(error) => {
                let reason = error.message().to_owned();
                Err(Stopped::Failed { code: "AssumeRoleNotPermitted", reason })
            }
        };
        match stopped {
            Ok(()) => {}
            Err(Stopped::Failed { code, reason }) => self.fail_batch(&job, code, &reason).await?,
            Err(Stopped::Error(error)) if error.status() >= 500 => return Err(error),
            Err(Stopped::Error(error)) => {
                let reason = format!("The manifest cannot be read: {}", error.message());
                self.fail_batch(&job, "ManifestNotReadable", &reason).await?;
            }
        }
        Ok(true)
    }

    /// The job waits to be confirmed, or begins. One that was cancelled meanwhile goes on to its end.
    async fn end_preparation(self: &Arc<Self>, job: &BatchJob) -> Result<bool, ApiError> {
        let needs_confirmation = job.request().confirmation_required == Some(true);
        let change = self.change_batch(job, move |job, now| {
            if job.preparation.tasks == 0 {
                let reason = "Manifest filters found no keys matching the filter criteria.";
                job.fail("EmptyManifest", reason, now);
            } else if needs_confirmation {
                job.suspended = Some(now);
                job.become_status(Status::Suspended, now);
            } else {
                job.become_status(Status::Ready, now);
            }
        });
        Ok(change.await?.is_some_and(|status| status != Status::Suspended))
    }

    async fn read_manifest(self: &Arc<Self>, job: &BatchJob, ctx: &Ctx) -> Result<(), Stopped> {
        let request = job.request();
        if let Some(JobManifestGenerator::S3JobManifestGenerator(generator)) = request.manifest_generator {
            return self.generate_manifest(job, ctx, &generator, &request.operation).await;
        }
        let Some(manifest) = request.manifest else {
            return Err(Stopped::content("The job has no manifest"));
        };
        if manifest.spec.format == INVENTORY {
            self.read_inventory(job, ctx, &manifest).await
        } else {
            self.read_lines(job, ctx, &manifest).await
        }
    }

    async fn read_lines(
        self: &Arc<Self>,
        job: &BatchJob,
        ctx: &Ctx,
        manifest: &JobManifest,
    ) -> Result<(), Stopped> {
        let read = job.preparation.read;
        let range = Some(format!("bytes={read}-{}", read + STRETCH - 1));
        let (bytes, length) = get(ctx, &manifest.location, range).await?;
        let is_last = read + bytes.len() as u64 >= length;
        let end = match (is_last, bytes.iter().rposition(|byte| *byte == b'\n')) {
            (true, _) => bytes.len(),
            (false, Some(at)) => at + 1,
            (false, None) => return Err(Stopped::content("A line of the manifest is too long")),
        };
        let columns = Columns::of(&manifest.spec)?;
        let mut tasks = Vec::new();
        for line in bytes[..end].split(|byte| *byte == b'\n') {
            tasks.extend(columns.task(line)?);
        }
        let preparation = Preparation {
            read: read + end as u64,
            is_complete: is_last,
            ..self.add_tasks(job, tasks).await?
        };
        Ok(self.keep_preparation(job, preparation).await?)
    }

    async fn read_inventory(
        self: &Arc<Self>,
        job: &BatchJob,
        ctx: &Ctx,
        manifest: &JobManifest,
    ) -> Result<(), Stopped> {
        let (bytes, _) = get(ctx, &manifest.location, None).await?;
        let document: Value = serde_json::from_slice(&bytes)
            .map_err(|_| Stopped::content("The inventory's manifest is not valid JSON"))?;
        let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("fileFormat") != "CSV" {
            return Err(Stopped::content("The inventory report must be in CSV format"));
        }
        let columns = Columns::named(text("fileSchema").split(',').map(str::trim))?;
        let files = document.get("files").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let index = usize::try_from(job.preparation.read).unwrap_or(usize::MAX);
        let Some(file) = files.get(index) else {
            let preparation = Preparation { is_complete: true, ..job.preparation.clone() };
            return Ok(self.keep_preparation(job, preparation).await?);
        };
        let named = file.get("key").and_then(Value::as_str).unwrap_or_default();
        let input = GetObjectInput {
            bucket: key::bucket_of_arn(text("destinationBucket")).to_owned(),
            key: named.to_owned(),
            ..Default::default()
        };
        let packed = body(ctx, input, MOST_FILE).await?.0;
        let sum = file.get("MD5checksum").and_then(Value::as_str);
        if sum.is_some_and(|sum| sum != super::report::md5_hex(&packed)) {
            return Err(Stopped::content(format!("The checksum of {named} is another one")));
        }
        let mut lines = BufReader::new(GzDecoder::new(packed.as_ref()));
        let (mut preparation, mut tasks) = (job.preparation.clone(), Vec::new());
        loop {
            let mut line = Vec::new();
            let count = (&mut lines).take(LONGEST_LINE).read_until(b'\n', &mut line);
            let count = count.map_err(|_| Stopped::content(format!("{named} cannot be unpacked")))?;
            if count as u64 == LONGEST_LINE {
                return Err(Stopped::content("A line of the manifest is too long"));
            }
            tasks.extend(columns.task(&line)?);
            if tasks.len() >= PAGE || count == 0 {
                let page = std::mem::take(&mut tasks);
                let so_far = BatchJob { preparation, ..job.clone() };
                preparation = self.add_tasks(&so_far, page).await?;
            }
            if count == 0 {
                break;
            }
        }
        preparation.read += 1;
        Ok(self.keep_preparation(job, preparation).await?)
    }

    /// Stores tasks behind those that the job has; returns how far it has come with them.
    pub(super) async fn add_tasks(
        self: &Arc<Self>,
        job: &BatchJob,
        tasks: Vec<Task>,
    ) -> Result<Preparation, Stopped> {
        let mut preparation = job.preparation.clone();
        if preparation.tasks + tasks.len() as u64 > MOST_TASKS {
            return Err(Stopped::content(format!("A job may have {MOST_TASKS} tasks")));
        }
        for page in tasks.chunks(PAGE) {
            let (number, first, page) = (job.number, preparation.tasks, page.to_vec());
            preparation.tasks += page.len() as u64;
            self.write(move |tx| {
                for (index, task) in (first..).zip(&page) {
                    tables::BATCH_TASKS.put(tx, &(number, index), task);
                }
                Ok::<_, ApiError>(())
            })
            .await?;
        }
        Ok(preparation)
    }

    pub(super) async fn keep_preparation(
        self: &Arc<Self>,
        job: &BatchJob,
        preparation: Preparation,
    ) -> Result<(), ApiError> {
        self.change_batch(job, move |job, _| job.preparation = preparation.clone()).await.map(drop)
    }
}

/// The manifest itself, held to the entity tag that the job names: its bytes, and how many there are in all.
async fn get(
    ctx: &Ctx,
    location: &JobManifestLocation,
    range: Option<String>,
) -> Result<(Bytes, u64), Stopped> {
    let path = location.object_arn.strip_prefix("arn:aws:s3:::").unwrap_or_default();
    let Some((bucket, key)) = path.split_once('/') else {
        return Err(Stopped::content("The manifest's ARN is not that of an object"));
    };
    let input = GetObjectInput {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version_id: location.object_version_id.clone(),
        range,
        ..Default::default()
    };
    let (bytes, etag, length) = body(ctx, input, MOST_MANIFEST).await?;
    if etag.trim_matches('"') != location.e_tag.trim_matches('"') {
        let reason = "The manifest object's ETag is not the one that the job was created with".to_owned();
        return Err(Stopped::Failed { code: "ManifestETagMismatch", reason });
    }
    Ok((bytes, length))
}

async fn body(ctx: &Ctx, input: GetObjectInput, most: usize) -> Result<(Bytes, String, u64), Stopped> {
    let output = match ctx.call::<GetObject>(input).await {
        Ok(output) => output,
        Err(error) if error.code() == "InvalidRange" => {
            return Err(Stopped::content("The manifest is empty"));
        }
        Err(error) => return Err(error.into()),
    };
    let range = output.content_range.as_deref().and_then(|range| range.rsplit_once('/')?.1.parse().ok());
    let length = range.unwrap_or_else(|| u64::try_from(output.content_length.unwrap_or(0)).unwrap_or(0));
    let etag = output.e_tag.unwrap_or_default();
    let bytes = output.body.unwrap_or_default().collect(most).await?;
    let bytes = bytes.ok_or_else(|| Stopped::content("The manifest is too large"))?;
    Ok((bytes, etag, length))
}

/// Where in a line what is.
#[derive(Debug)]
struct Columns {
    bucket: usize,
    key: usize,
    version: Option<usize>,
}

impl Columns {
    fn of(spec: &JobManifestSpec) -> Result<Self, Stopped> {
        Self::named(spec.fields.iter().flatten().map(String::as_str))
    }

    fn named<'n>(names: impl Iterator<Item = &'n str>) -> Result<Self, Stopped> {
        let names: Vec<&str> = names.collect();
        let at = |name: &str| names.iter().position(|other| *other == name);
        match (at("Bucket"), at("Key")) {
            (Some(bucket), Some(key)) => Ok(Self { bucket, key, version: at("VersionId") }),
            _ => Err(Stopped::content("The manifest has no Bucket and Key")),
        }
    }

    /// The task of a line; none of one that is empty.
    fn task(&self, line: &[u8]) -> Result<Option<Task>, Stopped> {
        let wrong =
            || Stopped::content("A line of the manifest cannot be read: its fields are not as specified");
        let line = std::str::from_utf8(line).map_err(|_| wrong())?.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            return Ok(None);
        }
        let fields = fields(line).ok_or_else(wrong)?;
        let field = |at: usize| fields.get(at).map(String::as_str).ok_or_else(wrong);
        let bucket = field(self.bucket)?.to_owned();
        let key = key::url_decode(field(self.key)?, true).ok_or_else(wrong)?;
        // Whoever leaves the last field out leaves its comma out, too.
        let version = self.version.and_then(|at| fields.get(at)).filter(|version| !version.is_empty());
        if bucket.is_empty() || key.is_empty() {
            return Err(wrong());
        }
        let bucket = key::bucket_of_arn(&bucket).to_owned();
        Ok(Some(Task { bucket, key, version_id: version.cloned(), outcome: None }))
    }
}

/// The fields of a line of CSV (RFC 4180); `None` when a quotation does not end.
fn fields(line: &str) -> Option<Vec<String>> {
    let (mut fields, mut field, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    (!is_quoted).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::{Columns, fields};

    #[test]
    fn lines_have_quoted_and_encoded_fields() {
        assert_eq!(fields(r#"a,"b ""c"", d",,e"#).unwrap(), ["a", "b \"c\", d", "", "e"]);
        assert!(fields(r#"a,"b"#).is_none());
        let columns = Columns::named(["Ignore", "Key", "Bucket", "VersionId"].into_iter()).ok().unwrap();
        let task = |line: &str| columns.task(line.as_bytes()).ok().flatten();
        let found = task("x,a%20b+c,arn:aws:s3:::photos,v1\r").unwrap();
        assert_eq!((found.bucket.as_str(), found.key.as_str()), ("photos", "a b c"));
        assert_eq!(found.version_id.as_deref(), Some("v1"));
        assert_eq!(task("x,k,photos").unwrap().version_id, None);
        assert!(task("").is_none() && task("x,k").is_none() && task("x,,photos,").is_none());
    }
}
