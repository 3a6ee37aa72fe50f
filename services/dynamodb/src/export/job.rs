//! The job of an export: one data file after the other, then the manifests.

use std::sync::Arc;

use clock::JobOutcome;
use cloud::Ctx;
use s3_api::{PutObjectInput, PutObjectOutput};
use shapes::{ApiError, Body};
use store::Range;

use super::LISTED_FOR;
use super::files::{self, DataFile};
use super::pages::{Page, absorb, page};
use super::rows::{DIFFERENCES, EXPORTS, ExportRow, FILES, Failure, FileRow, Progress};
use crate::DynamoDb;
use crate::definitions::Table;
use crate::jobs::{Running, delete_some};
use crate::target::Target;

const SERVICE: &str = "dynamodb.amazonaws.com";
/// Letters of the names of data files.
const NAME_LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";

/// What an attempt came to when it went wrong for good.
enum Stopped {
    /// The export is over: it failed, or its row is gone.
    Failed(Failure),
    /// Something to be tried again.
    Error(ApiError),
}

impl From<ApiError> for Stopped {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

impl Running {
    pub(crate) async fn export(&self, id: String) -> Result<JobOutcome, ApiError> {
        let Some(export) = EXPORTS.find(&mut self.ctx.read()?, &id)? else { return Ok(JobOutcome::Done) };
        if let Some(ended) = export.ended {
            return self.forget_export(id, &export, ended + LISTED_FOR).await;
        }
        match self.run_export(&id, export).await {
            Ok(()) => {}
            Err(Stopped::Failed(failure)) => self.end_export(&id, Some(failure)).await?,
            Err(Stopped::Error(error)) => return Err(error),
        }
        // What it needed on its way goes now; it is listed for a while.
        Ok(JobOutcome::Again(self.ctx.now()))
    }

    async fn run_export(&self, id: &str, mut export: ExportRow) -> Result<(), Stopped> {
        let ctx = self.ctx.in_name_of(&export.caller)?.via_service(SERVICE);
        if export.progress == Progress::default() {
            put(&ctx, &export, export.manifest_key(id, "_started"), Body::default()).await?;
        }
        // A file even for an empty table, so that readers find what they look for.
        while !export.progress.has_all || export.progress.files == 0 {
            export = self.export_file(id, export, &ctx).await?;
        }
        self.export_manifests(id, export, &ctx).await?;
        self.end_export(id, None).await?;
        Ok(())
    }

    /// Makes one data file and keeps how far the export has come with it.
    async fn export_file(&self, id: &str, export: ExportRow, ctx: &Ctx) -> Result<ExportRow, Stopped> {
        let mut file = DataFile::new();
        let mut after = export.progress.after.clone();
        let has_all = loop {
            let Page { entries, after: next } = self.next_page(id, after.clone()).await?;
            for entry in &entries {
                file.push(&export, entry)?;
            }
            after = next;
            if after.is_none() {
                break true;
            }
            if file.is_full() {
                break false;
            }
        };
        let (items, bytes) = (file.items, file.bytes);
        let content = file.finish()?;
        // The same name when the file is made again after a crash.
        let name = file_name(export.number, export.progress.files);
        let key = export.data_key(id, &name);
        let md5 = files::md5(&content);
        let answer = put(ctx, &export, key.clone(), Body::from(content)).await?;
        let etag = answer.e_tag.unwrap_or_default().trim_matches('"').to_owned();
        let row = FileRow { key, items, md5, etag };
        let id = id.to_owned();
        let kept = self
            .step(move |_, _, tx, _| {
                let Some(mut export) = EXPORTS.find(tx, &id)? else { return Ok(None) };
                FILES.put(tx, &(export.number, export.progress.files), &row);
                export.progress.files += 1;
                export.progress.items += items;
                export.progress.bytes += bytes;
                export.progress.after.clone_from(&after);
                export.progress.has_all = has_all;
                EXPORTS.put(tx, &id, &export);
                Ok(Some(export))
            })
            .await?;
        kept.ok_or_else(gone)
    }

    /// The next page, once all that happened to the table until now is known.
    async fn next_page(&self, id: &str, after: Option<Vec<u8>>) -> Result<Page, Stopped> {
        loop {
            let (id, after) = (id.to_owned(), after.clone());
            let found = self
                .step(move |service, _, tx, target| {
                    let Some(mut export) = EXPORTS.find(tx, &id)? else { return Ok(Err(gone())) };
                    let Some(table) = recoverable(service, tx, target, &export)? else {
                        return Ok(Err(unavailable(&target.name)));
                    };
                    let absorbed = export.progress.absorbed;
                    let has_more = absorb(&table, tx, &mut export)?;
                    if export.progress.absorbed != absorbed {
                        EXPORTS.put(tx, &id, &export);
                    }
                    Ok(Ok(if has_more {
                        None
                    } else {
                        Some(page(&table.row_keys, tx, &export, after.clone())?)
                    }))
                })
                .await??;
            if let Some(page) = found {
                return Ok(page);
            }
        }
    }

    async fn export_manifests(&self, id: &str, mut export: ExportRow, ctx: &Ctx) -> Result<(), Stopped> {
        let mut lines = String::new();
        let files = FILES
            .list(&mut self.ctx.read().map_err(ApiError::from)?, &Range::prefix(&export.number), usize::MAX)
            .map_err(ApiError::from)?;
        for (_, file) in files {
            lines.push_str(&files::file_line(&file));
        }
        export.ended = Some(self.ctx.now());
        let summary = files::summary(id, &export);
        for (name, content) in [("manifest-files", lines), ("manifest-summary", summary)] {
            let checksum = files::checksum(content.as_bytes());
            let key = |extension: &str| export.manifest_key(id, &format!("{name}.{extension}"));
            put(ctx, &export, key("json"), Body::from(content)).await?;
            put(ctx, &export, key("md5"), Body::from(checksum)).await?;
        }
        Ok(())
    }

    async fn end_export(&self, id: &str, failure: Option<Failure>) -> Result<(), ApiError> {
        let id = id.to_owned();
        self.step(move |_, ctx, tx, _| {
            if let Some(mut export) = EXPORTS.find(tx, &id)? {
                export.ended = Some(ctx.now());
                export.failure.clone_from(&failure);
                EXPORTS.put(tx, &id, &export);
            }
            Ok(())
        })
        .await
    }

    /// Clears away what an export that has ended needed, and the export itself once it is no longer listed.
    async fn forget_export(
        &self,
        id: String,
        export: &ExportRow,
        listed_until: shapes::Timestamp,
    ) -> Result<JobOutcome, ApiError> {
        let number = export.number;
        loop {
            let is_clear = self
                .step(move |_, _, tx, _| {
                    let range = Range::prefix(&number);
                    Ok(delete_some(tx, &DIFFERENCES, &range)? && delete_some(tx, &FILES, &range)?)
                })
                .await?;
            if is_clear {
                break;
            }
        }
        if self.ctx.now() < listed_until {
            return Ok(JobOutcome::Again(listed_until));
        }
        self.step(move |_, _, tx, _| {
            EXPORTS.delete(tx, &id);
            Ok(())
        })
        .await?;
        Ok(JobOutcome::Done)
    }
}

/// The table, while its journal is the one that the export reads.
fn recoverable(
    service: &DynamoDb,
    tx: &mut store::Tx<'_>,
    target: &Target,
    export: &ExportRow,
) -> Result<Option<Arc<Table>>, ApiError> {
    let table = service.definitions.within(tx, target)?;
    let table = table.filter(|table| table.row.id == export.table_id);
    let has_journal =
        |table: &Arc<Table>| table.row.journal.as_ref().is_some_and(|journal| journal.id == export.journal);
    Ok(table.filter(has_journal))
}

fn unavailable(table: &str) -> Stopped {
    let message = format!("Point in time recovery is not enabled for table '{table}'");
    Stopped::Failed(Failure { code: "PointInTimeRecoveryUnavailable".to_owned(), message })
}

fn gone() -> Stopped {
    Stopped::Failed(Failure { code: "ExportNotFound".to_owned(), message: String::new() })
}

/// 26 letters, as AWS's names have.
fn file_name(export: u64, file: u64) -> String {
    let [high, low] = [file.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ export.rotate_left(17), export ^ file];
    let mut bits = (u128::from(high) << 64) | u128::from(low);
    let letters = (0..26).map(|_| {
        let letter = NAME_LETTERS[(bits & 31) as usize];
        bits >>= 5;
        char::from(letter)
    });
    letters.collect()
}

async fn put(ctx: &Ctx, export: &ExportRow, key: String, body: Body) -> Result<PutObjectOutput, Stopped> {
    let destination = &export.destination;
    let is_kms = destination.encryption.as_deref() == Some("KMS");
    let algorithm = destination.encryption.as_deref().map(|name| if is_kms { "aws:kms" } else { name });
    let input = PutObjectInput {
        bucket: destination.bucket.clone(),
        key,
        body: Some(body),
        // So that the bucket's owner may read what another account exports.
        acl: Some("bucket-owner-full-control".to_owned()),
        expected_bucket_owner: destination.owner.clone(),
        server_side_encryption: algorithm.map(str::to_owned),
        ssekms_key_id: destination.kms_key.clone(),
        ..Default::default()
    };
    let put = ctx.call::<s3_api::op::PutObject>(input).await;
    put.map_err(|error| {
        if error.status() < 500 {
            let code = format!("S3{}", error.code().trim_start_matches("S3"));
            Stopped::Failed(Failure { code, message: error.message().to_owned() })
        } else {
            Stopped::Error(error)
        }
    })
}
