//! The files of an export: data, and the manifests that tell of it (Developer Guide, "DynamoDB table export output format").

use std::fmt::Write as _;
use std::io::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};
use serde_json::json;
use shapes::ApiError;

use super::pages::Entry;
use super::rows::{ExportRow, FileRow, Format, Moment};
use crate::item::Item;
use crate::{dynamodb_json, ion};

/// A data file ends once it is this long, compressed: it is in memory whole before it goes to S3.
const FILE_BYTES: usize = 8 << 20;

/// A data file that is being made.
pub(super) struct DataFile {
    compressed: GzEncoder<Vec<u8>>,
    line: String,
    pub items: u64,
    /// Sizes of items, as they are billed.
    pub bytes: u64,
}

impl DataFile {
    pub(super) fn new() -> Self {
        let compressed = GzEncoder::new(Vec::new(), Compression::default());
        Self { compressed, line: String::new(), items: 0, bytes: 0 }
    }

    pub(super) fn is_full(&self) -> bool {
        self.compressed.get_ref().len() >= FILE_BYTES
    }

    pub(super) fn push(&mut self, export: &ExportRow, entry: &Entry) -> Result<(), ApiError> {
        self.line.clear();
        match entry {
            Entry::Item(item) => {
                self.bytes += item.size() as u64;
                item_line(export.format, item, &mut self.line);
            }
            Entry::Record { micros, old, new } => {
                let size = |item: &Option<Item>| item.as_ref().map_or(0, Item::size) as u64;
                self.bytes += size(old) + size(new);
                record_line(export, *micros, old.as_ref(), new.as_ref(), &mut self.line);
            }
        }
        self.line.push('\n');
        self.items += 1;
        self.compressed.write_all(self.line.as_bytes()).map_err(ApiError::internal)
    }

    pub(super) fn finish(self) -> Result<Bytes, ApiError> {
        self.compressed.finish().map(Bytes::from).map_err(ApiError::internal)
    }
}

fn item_line(format: Format, item: &Item, line: &mut String) {
    match format {
        Format::DynamoDbJson => {
            line.push_str("{\"Item\":");
            dynamodb_json::write_item(item, line);
        }
        Format::Ion => {
            line.push_str(ion::VERSION_MARKER);
            line.push_str(" {Item:");
            ion::write_item(item, line);
        }
    }
    line.push('}');
}

fn record_line(export: &ExportRow, micros: i64, old: Option<&Item>, new: Option<&Item>, line: &mut String) {
    let keys = new.or(old).map(|item| export.keys.key_attributes(item)).unwrap_or_default();
    let has_old = matches!(export.moment, Moment::Incremental { has_old_images: true, .. });
    let images = [("Keys", Some(&keys)), ("OldImage", old.filter(|_| has_old)), ("NewImage", new)];
    match export.format {
        Format::DynamoDbJson => {
            // Writing to a string cannot fail.
            let _ = write!(line, "{{\"Metadata\":{{\"WriteTimestampMicros\":{{\"N\":\"{micros}\"}}}}");
            for (name, image) in images {
                if let Some(image) = image {
                    let _ = write!(line, ",\"{name}\":");
                    dynamodb_json::write_item(image, line);
                }
            }
            line.push('}');
        }
        Format::Ion => {
            let marker = ion::VERSION_MARKER;
            let _ = write!(line, "{marker} {{Record:{{Metadata:{{WriteTimestampMicros:{micros}.}}");
            for (name, image) in images {
                if let Some(image) = image {
                    let _ = write!(line, ",{name}:");
                    ion::write_item(image, line);
                }
            }
            line.push_str("}}");
        }
    }
}

pub(super) fn md5(content: &[u8]) -> [u8; 16] {
    Md5::digest(content).into()
}

/// The content of a manifest's `.md5`.
pub(super) fn checksum(content: &[u8]) -> String {
    BASE64.encode(md5(content))
}

/// One line of `manifest-files.json`.
pub(super) fn file_line(file: &FileRow) -> String {
    let line = json!({
        "itemCount": file.items,
        "md5Checksum": BASE64.encode(file.md5),
        "etag": file.etag,
        "dataFileS3Key": file.key,
    });
    format!("{line}\n")
}

/// `manifest-summary.json` of an export that has ended.
pub(super) fn summary(id: &str, export: &ExportRow) -> String {
    let time = |time: shapes::Timestamp| time.iso8601_millis();
    let mut summary = json!({
        "version": "2020-06-30",
        "exportArn": export.arn(id),
        "startTime": time(export.started),
        "endTime": export.ended.map(time),
        "tableArn": export.table_arn,
        "tableId": crate::ops::table_id(export.table_id),
        "s3Bucket": export.destination.bucket,
        "s3Prefix": export.destination.prefix,
        "s3SseAlgorithm": export.encryption(),
        "s3SseKmsKeyId": export.destination.kms_key,
        "manifestFilesS3Key": export.manifest_key(id, "manifest-files.json"),
        "billedSizeBytes": export.progress.bytes,
        "itemCount": export.progress.items,
        "outputFormat": export.format.name(),
    });
    match export.moment {
        Moment::Full { at, .. } => summary["exportTime"] = json!(time(at)),
        Moment::Incremental { from, to, has_old_images } => {
            summary["version"] = json!("2023-08-01");
            summary["exportFromTime"] = json!(time(from));
            summary["exportToTime"] = json!(time(to));
            summary["exportType"] = json!("INCREMENTAL_EXPORT");
            let view = if has_old_images { "NEW_AND_OLD_IMAGES" } else { "NEW_IMAGE" };
            summary["outputView"] = json!(view);
        }
    }
    summary.to_string()
}
