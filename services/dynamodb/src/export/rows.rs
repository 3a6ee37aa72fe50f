//! What exports store.

use cloud::KeptCaller;
use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use store::{Table, Tail};

use crate::key_schema::KeySchema;

/// Exports by id, which begins with the time of the request.
pub(crate) const EXPORTS: Table<String, ExportRow> = Table::new("dynamodb/export");
/// What changed since the exported moment: by export, then the item's place.
pub(crate) const DIFFERENCES: Table<(u64, Tail), Difference> = Table::new("dynamodb/export-difference");
/// Data files that are in the bucket: by export, then number.
pub(crate) const FILES: Table<(u64, u64), FileRow> = Table::new("dynamodb/export-file");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExportRow {
    pub number: u64,
    pub caller: KeptCaller,
    pub table_id: u64,
    pub table_arn: String,
    pub keys: KeySchema,
    pub journal: u64,
    pub destination: Destination,
    pub format: Format,
    pub moment: Moment,
    pub client_token: Option<String>,
    /// SHA-256 of what was asked for.
    pub digest: Vec<u8>,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub failure: Option<Failure>,
    pub progress: Progress,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Destination {
    pub bucket: String,
    pub owner: Option<String>,
    pub prefix: Option<String>,
    /// `AES256` or `KMS`.
    pub encryption: Option<String>,
    pub kms_key: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Format {
    DynamoDbJson,
    Ion,
}

/// Which state of the table is exported.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Moment {
    /// All items as they were after the journal's entry `cut`.
    Full { at: Timestamp, cut: (Timestamp, u64) },
    /// The items that changed from `from` until before `to`.
    Incremental { from: Timestamp, to: Timestamp, has_old_images: bool },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub code: String,
    pub message: String,
}

/// How far an export has come; kept with each data file, so that a crash costs one file's work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// The journal's entries up to this one are among the differences.
    pub absorbed: Option<(Timestamp, u64)>,
    /// The place of the last item that is in a file.
    pub after: Option<Vec<u8>>,
    pub has_all: bool,
    pub files: u64,
    pub items: u64,
    pub bytes: u64,
}

store::row!(ExportRow, 1);

/// An item that is no longer what is to be exported; items are as [`crate::sealing`] has them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Difference {
    /// The last change within an incremental export's time, and what was there before the first.
    pub within: Option<(Timestamp, Option<Vec<u8>>)>,
    /// What was there before the first change after the exported moment.
    pub until: Option<Option<Vec<u8>>>,
}

store::row!(Difference, 1);

/// A line of `manifest-files.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FileRow {
    pub key: String,
    pub items: u64,
    pub md5: [u8; 16],
    pub etag: String,
}

store::row!(FileRow, 1);
