//! What imports store.

use cloud::KeptCaller;
use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use store::Table;

use crate::earlier_rows::ThirdTableRow;
use crate::tables::TableRow;

/// Imports by id, which begins with the time of the request.
pub(crate) const IMPORTS: Table<String, ImportRow> = Table::new("dynamodb/import");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ImportRow {
    pub caller: KeptCaller,
    /// The table as it was made.
    pub table: TableRow,
    pub table_arn: String,
    pub source: Source,
    pub format: Format,
    pub compression: Compression,
    pub client_token: Option<String>,
    /// SHA-256 of what was asked for.
    pub digest: Vec<u8>,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    /// A code and a message.
    pub failure: Option<(String, String)>,
    pub progress: Progress,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Source {
    pub bucket: String,
    pub owner: Option<String>,
    pub prefix: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Format {
    /// Without headers each object's first line has them.
    Csv {
        delimiter: Option<char>,
        headers: Option<Vec<String>>,
    },
    DynamoDbJson,
    Ion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// How far an import has come; kept with each batch of items.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub has_logs: bool,
    /// The last object that is done.
    pub done: Option<String>,
    /// Records of the next object that are done.
    pub records: u64,
    pub processed_items: u64,
    pub imported_items: u64,
    pub processed_bytes: u64,
    pub errors: u64,
}

store::row!(ImportRow, 2, FirstImportRow);

/// An import into a table from before items were sealed under data keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FirstImportRow {
    caller: KeptCaller,
    table: ThirdTableRow,
    table_arn: String,
    source: Source,
    format: Format,
    compression: Compression,
    client_token: Option<String>,
    digest: Vec<u8>,
    started: Timestamp,
    ended: Option<Timestamp>,
    failure: Option<(String, String)>,
    progress: Progress,
}

impl From<FirstImportRow> for ImportRow {
    fn from(first: FirstImportRow) -> Self {
        Self {
            caller: first.caller,
            table: first.table.into(),
            table_arn: first.table_arn,
            source: first.source,
            format: first.format,
            compression: first.compression,
            client_token: first.client_token,
            digest: first.digest,
            started: first.started,
            ended: first.ended,
            failure: first.failure,
            progress: first.progress,
        }
    }
}

store::row!(FirstImportRow, 1);
