//! What global tables store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use store::{Table, Tail};

/// Global tables of an account by name; in a scope that is no region's.
pub(crate) const GROUPS: Table<String, GroupRow> = Table::new("dynamodb/global-table");
/// Which write an item of a replica is of, also of items that were deleted: by table, then place.
pub(crate) const VERSIONS: Table<(u64, Tail), VersionRow> = Table::new("dynamodb/replica-version");
/// Places whose items the other replicas do not have yet: by table, in the order of the writes.
pub(crate) const CHANGES: Table<(u64, u64), ChangeRow> = Table::new("dynamodb/replica-change");
/// How far [`CHANGES`] has come, and who looks after a replica.
pub(crate) const ENDS: Table<u64, ReplicaEnd> = Table::new("dynamodb/replica-end");
/// When items of a replica were deleted: by table, time, place.
pub(crate) const TOMBSTONES: Table<(u64, Timestamp, Tail), ()> = Table::new("dynamodb/replica-tombstone");

/// The replicas of a global table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GroupRow {
    /// Distinguishes a global table from an earlier one of the same name.
    pub id: u64,
    pub created: Timestamp,
    pub generation: Generation,
    /// By region.
    pub members: BTreeMap<String, Member>,
}

/// The version of global tables that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Generation {
    V2017,
    V2019,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub is_filling: bool,
    /// What this replica has otherwise than the others.
    pub read_units: Option<i64>,
    pub on_demand_reads: Option<i64>,
    pub table_class: Option<String>,
    pub kms_key: Option<String>,
}

store::row!(GroupRow, 1);

/// A write: later ones win, of two in the same moment that of the region whose name comes later.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct VersionRow {
    pub time: Timestamp,
    /// Counts writes that saw one of the same moment, or one whose clock was ahead.
    pub count: u32,
    pub region: String,
}

store::row!(VersionRow, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChangeRow {
    pub place: Vec<u8>,
}

store::row!(ChangeRow, 1);

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReplicaEnd {
    /// The last number of a change.
    pub last: u64,
    /// A job will replicate what is waiting.
    pub has_job: bool,
    /// A job will forget what was deleted.
    pub has_sweep: bool,
}

store::row!(ReplicaEnd, 1);
