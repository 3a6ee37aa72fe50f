//! Exports of tables to S3: all items as they were at a moment, or those that changed between two.
//!
//! An export walks over the table in the order of its places while it is written to. What changed since the exported moment
//! is known from the journal of point-in-time recovery: before each page is read, and in the same transaction, the journal's
//! new entries become [`rows::Difference`]s, which take the place of what is in the table by now. So nothing is copied
//! beforehand, and the walk may stop anywhere and go on after a crash.

mod files;
mod job;
mod pages;
pub(crate) mod rows;

pub(crate) use rows::{Destination, EXPORTS, ExportRow, Format, Moment, Progress};

use cloud::Ctx;
use dynamodb_api::{ExportDescription, IncrementalExportSpecification};
use shapes::{ApiError, Timestamp};

use crate::errors::export_not_found;
use crate::ops::table_id;
use crate::target::Target;

/// Exports are listed this long (API Reference, ListExports).
pub(crate) const LISTED_FOR: std::time::Duration = std::time::Duration::from_secs(90 * 86_400);

/// An export as its ARN names it.
pub(crate) struct ExportArn {
    pub table: Target,
    pub id: String,
}

impl ExportArn {
    pub(crate) fn parse(ctx: &Ctx, text: &str) -> Result<Self, ApiError> {
        let (_, id) = text.split_once("/export/").ok_or_else(|| export_not_found(text))?;
        Ok(Self { table: Target::parse(ctx, text)?, id: id.to_owned() })
    }
}

impl ExportRow {
    pub(crate) fn arn(&self, id: &str) -> String {
        format!("{}/export/{id}", self.table_arn)
    }

    pub(crate) fn status(&self) -> &'static str {
        match (&self.ended, &self.failure) {
            (None, _) => "IN_PROGRESS",
            (Some(_), None) => "COMPLETED",
            (Some(_), Some(_)) => "FAILED",
        }
    }

    pub(crate) fn export_type(&self) -> &'static str {
        match self.moment {
            Moment::Full { .. } => "FULL_EXPORT",
            Moment::Incremental { .. } => "INCREMENTAL_EXPORT",
        }
    }

    pub(crate) fn describe(&self, id: &str) -> ExportDescription {
        let destination = &self.destination;
        let is_complete = self.status() == "COMPLETED";
        let (export_time, incremental) = match self.moment {
            Moment::Full { at, .. } => (Some(at), None),
            Moment::Incremental { from, to, has_old_images } => {
                let view = if has_old_images { "NEW_AND_OLD_IMAGES" } else { "NEW_IMAGE" };
                let specification = IncrementalExportSpecification {
                    export_from_time: Some(from),
                    export_to_time: Some(to),
                    export_view_type: Some(view.to_owned()),
                };
                (None, Some(specification))
            }
        };
        ExportDescription {
            export_arn: Some(self.arn(id)),
            export_status: Some(self.status().to_owned()),
            start_time: Some(self.started),
            end_time: self.ended,
            export_manifest: is_complete.then(|| self.manifest_key(id, "manifest-summary.json")),
            table_arn: Some(self.table_arn.clone()),
            table_id: Some(table_id(self.table_id)),
            export_time,
            client_token: self.client_token.clone(),
            s3_bucket: Some(destination.bucket.clone()),
            s3_bucket_owner: destination.owner.clone(),
            s3_prefix: destination.prefix.clone(),
            s3_sse_algorithm: Some(self.encryption().to_owned()),
            s3_sse_kms_key_id: destination.kms_key.clone(),
            failure_code: self.failure.as_ref().map(|failure| failure.code.clone()),
            failure_message: self.failure.as_ref().map(|failure| failure.message.clone()),
            export_format: Some(self.format.name().to_owned()),
            billed_size_bytes: is_complete.then_some(self.progress.bytes as i64),
            item_count: is_complete.then_some(self.progress.items as i64),
            export_type: Some(self.export_type().to_owned()),
            incremental_export_specification: incremental,
        }
    }

    pub(super) fn encryption(&self) -> &str {
        self.destination.encryption.as_deref().unwrap_or("AES256")
    }

    /// The key of one of the files that tell of the export.
    pub(super) fn manifest_key(&self, id: &str, name: &str) -> String {
        self.key(&format!("AWSDynamoDB/{id}/{name}"))
    }

    /// Incremental exports share one folder of data (Developer Guide, "DynamoDB table export output format").
    pub(super) fn data_key(&self, id: &str, name: &str) -> String {
        let extension = self.format.extension();
        match self.moment {
            Moment::Full { .. } => self.key(&format!("AWSDynamoDB/{id}/data/{name}.{extension}.gz")),
            Moment::Incremental { .. } => self.key(&format!("AWSDynamoDB/data/{name}.{extension}.gz")),
        }
    }

    fn key(&self, rest: &str) -> String {
        match self.destination.prefix.as_deref() {
            None | Some("") => rest.to_owned(),
            Some(prefix) => format!("{}/{rest}", prefix.trim_end_matches('/')),
        }
    }
}

impl Format {
    pub(crate) fn parse(name: Option<&str>) -> Self {
        if name == Some("ION") { Self::Ion } else { Self::DynamoDbJson }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DynamoDbJson => "DYNAMODB_JSON",
            Self::Ion => "ION",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::DynamoDbJson => "json",
            Self::Ion => "ion",
        }
    }
}

impl Moment {
    /// The journal's entries after this one are not to be seen in full, or change what is told of the time between.
    pub(super) fn begins_after(&self) -> (Timestamp, u64) {
        match *self {
            Self::Full { cut, .. } => cut,
            Self::Incremental { from, .. } => (from, 0),
        }
    }
}
