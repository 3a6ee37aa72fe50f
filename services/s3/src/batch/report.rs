//! Completion reports: what became of each task, as CSV (S3 User Guide, "Examples: S3 Batch Operations completion
//! reports").

use std::fmt::Write;
use std::sync::Arc;

use cloud::Ctx;
use md5::{Digest, Md5};
use s3_api::PutObjectInput;
use s3_api::op::PutObject;
use s3control_api::JobReport;
use serde_json::{Value, json};
use shapes::ApiError;
use store::Range;

use super::job::{BatchJob, Outcome, ResultFile, Task};
use super::task::file_name;
use crate::{S3, key, tables};

/// Tasks told in one file.
const FILE_TASKS: usize = 50_000;

impl S3 {
    /// Writes the next files of a job's report, or its manifest when all are written.
    pub(super) async fn report_batch(self: &Arc<Self>, job: BatchJob) -> Result<(), ApiError> {
        let report = job.request().report;
        if !report.enabled || job.cursor == 0 {
            return self.change_batch(&job, |job, _| job.report.is_complete = true).await.map(drop);
        }
        match self.write_report(&job, &report).await {
            Ok(()) => Ok(()),
            Err(error) if error.status() >= 500 => Err(error),
            Err(error) => {
                let reason = format!("The completion report could not be written: {}", error.message());
                self.change_batch(&job, move |job, now| {
                    job.fail("ReportNotWritten", &reason, now);
                    job.report.is_complete = true;
                })
                .await
                .map(drop)
            }
        }
    }

    async fn write_report(self: &Arc<Self>, job: &BatchJob, report: &JobReport) -> Result<(), ApiError> {
        let ctx = self.batch_role(job)?;
        let start = (job.number, job.report.cursor);
        let range = Range::prefix(&job.number).starting_at(&start).before(&(job.number, job.cursor));
        let tasks = tables::BATCH_TASKS.list(&mut self.read()?, &range, FILE_TASKS)?;
        let Some(((_, last), _)) = tasks.last() else {
            let manifest = manifest(job, report, &ctx);
            let sum = md5_hex(manifest.as_bytes());
            put(&ctx, report, format!("{}/manifest.json", folder(job, report)), manifest.into_bytes())
                .await?;
            put(&ctx, report, format!("{}/manifest.json.md5", folder(job, report)), sum.into_bytes()).await?;
            return self.change_batch(job, |job, _| job.report.is_complete = true).await.map(drop);
        };
        let (next, mut files) = (last + 1, Vec::new());
        let only_failed = report.report_scope.as_deref() == Some("FailedTasksOnly");
        for (is_success, kind) in [(true, "succeeded"), (false, "failed")] {
            let mut csv = String::new();
            for (_, task) in &tasks {
                let outcome = task.outcome.as_ref().filter(|outcome| outcome.is_success == is_success);
                if let Some(outcome) = outcome {
                    line(&mut csv, task, outcome);
                }
            }
            if csv.is_empty() || is_success && only_failed {
                continue;
            }
            let name = file_name(&job.id, kind, job.report.cursor);
            let key = format!("{}/results/{name}.csv", folder(job, report));
            let (md5, size) = (md5_hex(csv.as_bytes()), csv.len() as u64);
            put(&ctx, report, key.clone(), csv.into_bytes()).await?;
            files.push(ResultFile { is_success, key, md5, size });
        }
        let before = job.report.cursor;
        self.change_batch(job, move |job, _| {
            if job.report.cursor == before {
                job.report.cursor = next;
                job.report.files.extend(files.iter().cloned());
            }
        })
        .await
        .map(drop)
    }
}

fn folder(job: &BatchJob, report: &JobReport) -> String {
    let prefix = report.prefix.as_deref().map(|prefix| prefix.trim_end_matches('/'));
    let prefix = prefix.filter(|prefix| !prefix.is_empty()).map(|prefix| format!("{prefix}/"));
    format!("{}job-{}", prefix.unwrap_or_default(), job.id)
}

fn manifest(job: &BatchJob, report: &JobReport, ctx: &Ctx) -> String {
    let bucket = key::bucket_of_arn(report.bucket.as_deref().unwrap_or_default());
    let results: Vec<Value> = job
        .report
        .files
        .iter()
        .map(|file| {
            json!({
                "TaskExecutionStatus": if file.is_success { "succeeded" } else { "failed" },
                "Bucket": bucket,
                "MD5Checksum": file.md5,
                "Key": file.key,
            })
        })
        .collect();
    json!({
        "Format": "Report_CSV_20180820",
        "ReportCreationDate": ctx.now().iso8601_millis(),
        "Results": results,
        "ReportSchema": "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage",
    })
    .to_string()
}

/// In the order that reports really have: the HTTP status stands before the error code.
fn line(csv: &mut String, task: &Task, outcome: &Outcome) {
    let version = task.version_id.as_deref().unwrap_or_default();
    let status = if outcome.is_success { "succeeded" } else { "failed" };
    let key = key::url_encode(&task.key, true);
    let message = quoted(&outcome.message);
    let _ = writeln!(
        csv,
        "{},{key},{version},{status},{},{},{message}",
        task.bucket, outcome.http_status, outcome.code
    );
}

/// A field that may have commas, quotes and ends of lines.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

pub(super) fn md5_hex(bytes: &[u8]) -> String {
    crate::checksum::hex(&Md5::digest(bytes))
}

async fn put(ctx: &Ctx, report: &JobReport, key: String, bytes: Vec<u8>) -> Result<(), ApiError> {
    let input = PutObjectInput {
        bucket: key::bucket_of_arn(report.bucket.as_deref().unwrap_or_default()).to_owned(),
        key,
        body: Some(bytes.into()),
        expected_bucket_owner: report.expected_bucket_owner.clone(),
        server_side_encryption: Some("AES256".to_owned()),
        ..Default::default()
    };
    ctx.call::<PutObject>(input).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Task, line};

    #[test]
    fn messages_with_commas_and_quotes_stay_one_field() {
        let task = Task {
            bucket: "b".to_owned(),
            key: "a b".to_owned(),
            version_id: Some("v".to_owned()),
            outcome: None,
        };
        let (code, message) = ("NoSuchKey".to_owned(), "it says \"no\", twice".to_owned());
        let outcome = Outcome { is_success: false, http_status: 404, code, message };
        let mut csv = String::new();
        line(&mut csv, &task, &outcome);
        assert_eq!(csv, "b,a+b,v,failed,404,NoSuchKey,\"it says \"\"no\"\", twice\"\n");
    }
}
