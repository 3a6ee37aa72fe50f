//! Everything DynamoDB stores.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use store::{Row, RowError, Table, Tail};

use crate::item::Item;
use crate::table::TableDefinition;

/// Tables by name.
pub(crate) const TABLES: Table<String, TableRow> = Table::new("dynamodb/table");
/// Items by table and encoded primary key.
pub(crate) const ITEMS: Table<(u64, Tail), StoredItem> = Table::new("dynamodb/item");
/// Changes of streamed tables, by table and sequence number.
pub(crate) const RECORDS: Table<(u64, u64), RecordRow> = Table::new("dynamodb/record");
/// The last sequence number of a table's stream.
pub(crate) const LAST_RECORD: Table<u64, LastRecord> = Table::new("dynamodb/last-record");

/// A table's row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TableRow {
    /// Distinguishes a table from an earlier one of the same name: items lie under it.
    pub id: u64,
    pub definition: TableDefinition,
    pub created: Timestamp,
    /// When its stream was enabled; part of the stream's ARN.
    pub stream_label: Option<String>,
    pub tags: BTreeMap<String, String>,
}

store::row!(TableRow, 1);

/// One change, with items in the row format of [`crate::item`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RecordRow {
    pub event: String,
    pub keys: Vec<u8>,
    pub old_image: Option<Vec<u8>>,
    pub new_image: Option<Vec<u8>>,
    pub size: u64,
    pub time: Timestamp,
}

store::row!(RecordRow, 1);

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct LastRecord(pub u64);

store::row!(LastRecord, 1);

/// An item in its own row format, which carries its version.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredItem(pub Item);

impl Row for StoredItem {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.encode());
    }
    fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        Item::decode(bytes).map(Self).map_err(|error| RowError::Damaged(error.to_string()))
    }
}
