//! Rows as earlier versions stored them, and how they become those of today.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shapes::Timestamp;

use crate::table::TableDefinition;
use crate::tables::{
    BackupRow, PointInTime, Replica, ResourcePolicy, Restored, TableRow, TableSettings, TableStream,
    TimeToLive,
};

/// A table's row before items were sealed under data keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ThirdTableRow {
    id: u64,
    definition: TableDefinition,
    index_ids: BTreeMap<String, u64>,
    backfilling: Vec<String>,
    created: Timestamp,
    stream: Option<TableStream>,
    last_stream_label: Option<String>,
    tags: BTreeMap<String, String>,
    time_to_live: Option<TimeToLive>,
    is_protected: bool,
    settings: TableSettings,
    policy: Option<ResourcePolicy>,
    journal: Option<PointInTime>,
    restored: Option<Restored>,
    replica: Option<Replica>,
}

impl From<ThirdTableRow> for TableRow {
    fn from(third: ThirdTableRow) -> Self {
        Self {
            id: third.id,
            definition: third.definition,
            index_ids: third.index_ids,
            backfilling: third.backfilling,
            created: third.created,
            stream: third.stream,
            last_stream_label: third.last_stream_label,
            tags: third.tags,
            time_to_live: third.time_to_live,
            is_protected: third.is_protected,
            settings: third.settings,
            policy: third.policy,
            journal: third.journal,
            restored: third.restored,
            replica: third.replica,
            data_keys: Vec::new(),
        }
    }
}

store::row!(ThirdTableRow, 3, SecondTableRow);

/// A table's row before there were global tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SecondTableRow {
    id: u64,
    definition: TableDefinition,
    index_ids: BTreeMap<String, u64>,
    backfilling: Vec<String>,
    created: Timestamp,
    stream: Option<TableStream>,
    last_stream_label: Option<String>,
    tags: BTreeMap<String, String>,
    time_to_live: Option<TimeToLive>,
    is_protected: bool,
    settings: TableSettings,
    policy: Option<ResourcePolicy>,
    journal: Option<PointInTime>,
    restored: Option<Restored>,
}

impl From<SecondTableRow> for ThirdTableRow {
    fn from(second: SecondTableRow) -> Self {
        Self {
            id: second.id,
            definition: second.definition,
            index_ids: second.index_ids,
            backfilling: second.backfilling,
            created: second.created,
            stream: second.stream,
            last_stream_label: second.last_stream_label,
            tags: second.tags,
            time_to_live: second.time_to_live,
            is_protected: second.is_protected,
            settings: second.settings,
            policy: second.policy,
            journal: second.journal,
            restored: second.restored,
            replica: None,
        }
    }
}

store::row!(SecondTableRow, 2, FirstTableRow);

/// A table's row before there were indexes; no item of those tables is where items are now.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct FirstTableRow {
    id: u64,
    definition: TableDefinition,
    created: Timestamp,
    stream_label: Option<String>,
    tags: BTreeMap<String, String>,
}

impl From<FirstTableRow> for SecondTableRow {
    fn from(first: FirstTableRow) -> Self {
        let mut definition = first.definition;
        definition.stream = None;
        Self {
            id: first.id,
            definition,
            index_ids: BTreeMap::new(),
            backfilling: Vec::new(),
            created: first.created,
            stream: None,
            last_stream_label: first.stream_label,
            tags: first.tags,
            time_to_live: None,
            is_protected: false,
            settings: TableSettings::default(),
            policy: None,
            journal: None,
            restored: None,
        }
    }
}

store::row!(FirstTableRow, 1);

/// A backup of a table from before items were sealed under data keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SecondBackupRow {
    id: u64,
    name: String,
    table: ThirdTableRow,
    created: Timestamp,
    is_available: bool,
    bytes: u64,
    items: u64,
}

impl From<SecondBackupRow> for BackupRow {
    fn from(second: SecondBackupRow) -> Self {
        Self {
            id: second.id,
            name: second.name,
            table: second.table.into(),
            created: second.created,
            is_available: second.is_available,
            bytes: second.bytes,
            items: second.items,
        }
    }
}

store::row!(SecondBackupRow, 2, FirstBackupRow);

/// A backup of a table from before there were global tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FirstBackupRow {
    id: u64,
    name: String,
    table: SecondTableRow,
    created: Timestamp,
    is_available: bool,
    bytes: u64,
    items: u64,
}

impl From<FirstBackupRow> for SecondBackupRow {
    fn from(first: FirstBackupRow) -> Self {
        Self {
            id: first.id,
            name: first.name,
            table: first.table.into(),
            created: first.created,
            is_available: first.is_available,
            bytes: first.bytes,
            items: first.items,
        }
    }
}

store::row!(FirstBackupRow, 1);

#[cfg(test)]
mod tests {
    use store::Row;

    use super::*;
    use crate::key_schema::{KeyAttribute, KeySchema, KeyType};
    use crate::stream_record::StreamViewType;
    use crate::table::{BillingMode, TableStatus};

    #[test]
    fn a_table_from_before_indexes_reads_as_one_without() {
        let definition = TableDefinition {
            name: "orders".to_owned(),
            attributes: vec![KeyAttribute::new("id", KeyType::S)],
            keys: KeySchema { hash: KeyAttribute::new("id", KeyType::S), range: None },
            local_indexes: Vec::new(),
            global_indexes: Vec::new(),
            billing: BillingMode::PayPerRequest,
            throughput: None,
            stream: Some(StreamViewType::KeysOnly),
            status: TableStatus::Active,
        };
        let first = FirstTableRow {
            id: 7,
            definition,
            created: Timestamp::from_seconds(1),
            stream_label: Some("label".to_owned()),
            tags: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
        };
        let mut bytes = Vec::new();
        first.encode(&mut bytes);
        let row = TableRow::decode(&bytes).unwrap();
        assert_eq!((row.id, row.definition.name.as_str(), row.tags.len()), (7, "orders", 1));
        assert_eq!((row.definition.stream, row.last_stream_label.as_deref()), (None, Some("label")));
        bytes.clear();
        row.encode(&mut bytes);
        assert_eq!((bytes[0], TableRow::decode(&bytes).unwrap()), (4, row));
    }

    #[test]
    fn a_backup_from_before_global_tables_reads() {
        let keys = KeySchema { hash: KeyAttribute::new("id", KeyType::S), range: None };
        let definition = TableDefinition {
            name: "orders".to_owned(),
            attributes: vec![keys.hash.clone()],
            keys,
            local_indexes: Vec::new(),
            global_indexes: Vec::new(),
            billing: BillingMode::PayPerRequest,
            throughput: None,
            stream: None,
            status: TableStatus::Active,
        };
        let first = FirstTableRow {
            id: 7,
            definition,
            created: Timestamp::from_seconds(1),
            stream_label: None,
            tags: BTreeMap::new(),
        };
        let backup = FirstBackupRow {
            id: 8,
            name: "before".to_owned(),
            table: first.into(),
            created: Timestamp::from_seconds(2),
            is_available: true,
            bytes: 3,
            items: 4,
        };
        let mut bytes = Vec::new();
        backup.encode(&mut bytes);
        let row = BackupRow::decode(&bytes).unwrap();
        assert_eq!((row.table.id, row.items, row.table.replica), (7, 4, None));
    }
}
