//! Everything DynamoDB stores.

use std::collections::BTreeMap;

use clock::JobId;
use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use store::{KeyPart, KeyReader, Row, RowError, Table, Tail};

use crate::earlier_rows::{SecondBackupRow, ThirdTableRow};
use crate::key_schema::KeySchema;
use crate::sealing::{self, KeyName};
use crate::stream_record::StreamViewType;
use crate::table::TableDefinition;

/// Tables by name.
pub(crate) const TABLES: Table<String, TableRow> = Table::new("dynamodb/table");
/// Items of tables and entries of indexes: by the id of the table, index or backup, then the partition's token, then the
/// encoded key (see [`crate::key_encoding`]). Without a key nobody reads more of them than their sizes; the rest is in
/// [`crate::sealing`].
pub(crate) const ITEMS: Table<(u64, Tail), StoredSize> = Table::new("dynamodb/entry");
/// The same rows, for those who need no more of the key than its place in the order.
pub(crate) const ENTRIES: Table<(u64, Unread), StoredSize> = Table::new("dynamodb/entry");
/// Sizes of item collections of tables with local indexes: by the table's id and a keyed hash of their hash key.
pub(crate) const COLLECTIONS: Table<(u64, Tail), CollectionRow> = Table::new("dynamodb/collection");
/// When throughput was lowered of late, by the id of a table or index.
pub(crate) const DECREASES: Table<u64, DecreaseRow> = Table::new("dynamodb/throughput-decrease");
/// Streams by table name and label; they outlive their table by a day.
pub(crate) const STREAMS: Table<(String, String), StreamRow> = Table::new("dynamodb/stream");
/// Shards by stream, creation and the last digits of their ids.
pub(crate) const SHARDS: Table<(u64, Timestamp, u64), ShardRow> = Table::new("dynamodb/stream-shard");
/// Changes of streamed tables, by the place of their shard and sequence number.
pub(crate) const RECORDS: Table<(u64, u64), RecordRow> = Table::new("dynamodb/change");
/// How far a stream has come.
pub(crate) const STREAM_ENDS: Table<u64, StreamEnd> = Table::new("dynamodb/stream-end");
/// When items end: by the id of a table's time to live, the second, the item's key.
pub(crate) const EXPIRIES: Table<(u64, i64, Tail), ()> = Table::new("dynamodb/expiry");
/// The job that a table's time to live waits for.
pub(crate) const EXPIRY_JOBS: Table<u64, ExpiryJob> = Table::new("dynamodb/expiry-job");
/// Tokens of transactions.
pub(crate) const TOKENS: Table<String, TokenRow> = Table::new("dynamodb/token");
/// The same, in the order in which they are forgotten.
pub(crate) const TOKEN_TIMES: Table<(Timestamp, String), ()> = Table::new("dynamodb/token-time");
/// Backups by id.
pub(crate) const BACKUPS: Table<String, BackupRow> = Table::new("dynamodb/backup");
/// What items were before each change, for restoring to a point in time: by journal, time, number.
pub(crate) const JOURNAL: Table<(u64, Timestamp, u64), JournalRow> = Table::new("dynamodb/journal");
/// The last number of a journal.
pub(crate) const JOURNAL_ENDS: Table<u64, JournalEnd> = Table::new("dynamodb/journal-end");

/// The rest of a key, left unread: a page of items does without a copy of each key.
pub(crate) struct Unread;

impl KeyPart for Unread {
    fn encode_part(&self, _: &mut Vec<u8>) {}
    fn decode_part(reader: &mut KeyReader<'_>) -> Option<Self> {
        reader.0 = &[];
        Some(Self)
    }
}

/// A table's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableRow {
    /// Distinguishes a table from an earlier one of the same name: items lie under it.
    pub id: u64,
    pub definition: TableDefinition,
    /// Entries of an index lie under its id.
    pub index_ids: BTreeMap<String, u64>,
    /// Global indexes that are being filled.
    pub backfilling: Vec<String>,
    pub created: Timestamp,
    pub stream: Option<TableStream>,
    /// The label of the last stream, also of one that was disabled.
    pub last_stream_label: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub time_to_live: Option<TimeToLive>,
    pub is_protected: bool,
    pub settings: TableSettings,
    pub policy: Option<ResourcePolicy>,
    pub journal: Option<PointInTime>,
    pub restored: Option<Restored>,
    pub replica: Option<Replica>,
    /// The data keys that KMS gave for its items: the last is in use while a KMS key protects the table. The others are those of
    /// rows from before (see [`crate::sealing`]).
    pub data_keys: Vec<u64>,
}

impl TableRow {
    /// What copies of its items are sealed under.
    pub(crate) fn row_key(&self) -> KeyName {
        match (&self.settings.encryption, self.data_keys.last()) {
            (Some(_), Some(number)) => KeyName::Kms(*number),
            _ => KeyName::Owned(self.id),
        }
    }
}

/// That a table is a replica of a global table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Replica {
    /// See [`crate::replication::rows::GroupRow`].
    pub group: u64,
}

/// What a table's owner chose that changes nothing here but its description.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableSettings {
    pub table_class: Option<TableClass>,
    pub encryption: Option<Encryption>,
    pub on_demand: Option<OnDemandLimits>,
    pub index_on_demand: BTreeMap<String, OnDemandLimits>,
    pub became_per_request: Option<Timestamp>,
    pub throughput_raised: Option<Timestamp>,
    pub throughput_lowered: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableClass {
    pub name: String,
    pub since: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Encryption {
    /// `None`: the key that AWS manages.
    pub key_arn: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OnDemandLimits {
    pub reads: Option<i64>,
    pub writes: Option<i64>,
}

/// The stream that a table writes to now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableStream {
    pub id: u64,
    /// When it was enabled; part of its ARN.
    pub label: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TimeToLive {
    /// Distinguishes one enabling from the next.
    pub id: u64,
    pub attribute: String,
    /// Items from before are being entered.
    pub is_enabling: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResourcePolicy {
    pub text: String,
    pub revision: String,
}

/// Point-in-time recovery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PointInTime {
    pub id: u64,
    pub since: Timestamp,
    pub days: u32,
}

/// Where a restored table came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Restored {
    pub backup_arn: Option<String>,
    pub table_arn: String,
    pub at: Timestamp,
    pub is_in_progress: bool,
}

store::row!(TableRow, 4, ThirdTableRow);

/// A stream, whether or not its table still writes to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StreamRow {
    pub id: u64,
    pub view: StreamViewType,
    pub keys: KeySchema,
    pub created: Timestamp,
    /// Since then nothing is written to it.
    pub ended: Option<Timestamp>,
}

store::row!(StreamRow, 1);

/// One change. Keys are in the row format of [`crate::item`], images in that of [`crate::sealing`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RecordRow {
    pub event: String,
    pub keys: Vec<u8>,
    pub old_image: Option<Vec<u8>>,
    pub new_image: Option<Vec<u8>>,
    pub size: u64,
    pub time: Timestamp,
    /// Time to live did it, not a user.
    pub is_expiry: bool,
    /// The trace that the write was a part of: its id and the writing span.
    pub trace: (u128, u64),
}

store::row!(RecordRow, 1);

/// Where a stream's end was before there were shards: all of it lies under its own id.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct FirstStreamEnd {
    last: u64,
    trimmed: u64,
    has_trimming: bool,
}

store::row!(FirstStreamEnd, 1);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StreamEnd {
    /// The last sequence number.
    pub last: u64,
    /// A job waits for the oldest record's day to end.
    pub has_trimming: bool,
    /// Shards that are written to, in the order of their tokens.
    pub open: Vec<OpenShard>,
}

impl From<FirstStreamEnd> for StreamEnd {
    fn from(first: FirstStreamEnd) -> Self {
        Self { last: first.last, has_trimming: first.has_trimming, open: Vec::new() }
    }
}

store::row!(StreamEnd, 2, FirstStreamEnd);

/// A shard that is written to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OpenShard {
    pub created: Timestamp,
    /// Its records lie under it.
    pub place: u64,
    /// The first token of its partitions; those of the next shard end them.
    pub from: u16,
    /// Its last sequence number; 0 before the first.
    pub last: u64,
    /// Write units since a moment, of which it is decided whether the shard splits.
    pub window: Timestamp,
    pub units: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShardRow {
    pub place: u64,
    /// The id of the shard that it follows.
    pub parent: Option<String>,
    /// No record has a lower number.
    pub first: u64,
    /// Records up to this one are gone.
    pub trimmed: u64,
    pub closed: Option<ClosedShard>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClosedShard {
    /// The last sequence number.
    pub last: u64,
    pub at: Timestamp,
}

store::row!(ShardRow, 1);

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct ExpiryJob {
    pub job: JobId,
    /// No entry is of a second before this one.
    pub from: i64,
}

store::row!(ExpiryJob, 1);

/// A transaction that happened under a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TokenRow {
    pub at: Timestamp,
    /// SHA-256 of what was asked for.
    pub digest: Vec<u8>,
}

store::row!(TokenRow, 1);

/// A backup; its items lie under its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BackupRow {
    pub id: u64,
    pub name: String,
    pub table: TableRow,
    pub created: Timestamp,
    pub is_available: bool,
    pub bytes: u64,
    pub items: u64,
}

store::row!(BackupRow, 3, SecondBackupRow);

/// What was under a key before a change: the place of the item, and the item as [`crate::sealing`] has it, if there was one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct JournalRow {
    pub key: Vec<u8>,
    pub before: Option<Vec<u8>>,
}

store::row!(JournalRow, 1);

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct JournalEnd {
    pub last: u64,
    pub has_trimming: bool,
}

store::row!(JournalEnd, 1);

/// The items of one hash key and their entries in local indexes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct CollectionRow {
    pub bytes: u64,
}

store::row!(CollectionRow, 1);

/// Decreases of one UTC day.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct DecreaseRow {
    pub count: u32,
    pub last: Timestamp,
}

store::row!(DecreaseRow, 1);

/// The size of a stored item, without a look at its attributes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StoredSize(pub usize);

impl Row for StoredSize {
    /// Never stored: it is read from an item's row.
    fn encode(&self, _: &mut Vec<u8>) {}
    fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let size = sealing::size_of(bytes);
        size.map(Self).ok_or_else(|| RowError::Damaged("it is no item".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_from_before_shards_goes_on_with_its_numbers() {
        let mut bytes = Vec::new();
        FirstStreamEnd { last: 9, trimmed: 4, has_trimming: true }.encode(&mut bytes);
        let end = StreamEnd::decode(&bytes).unwrap();
        assert_eq!(end, StreamEnd { last: 9, has_trimming: true, open: Vec::new() });
    }
}
