//! Everything Glacier stores, but the bytes of archives. Vaults lie in the scope of their account and region; contents and
//! files, which the sweeper goes through, in the global one.

use serde::{Deserialize, Serialize};
use store::Table;

use crate::content::{Content, File};
use crate::expiry::Activity;
use crate::job::Job;
use crate::multipart::{Part, Upload};
use crate::retrieval_policy::{Capacity, Retrieved, Strategy};
use crate::vault::{Archive, Vault};

/// Vaults by name.
pub(crate) const VAULTS: Table<String, Vault> = Table::new("glacier/vault");

/// Archives by vault and id. A deleted one stays until an inventory without it was taken.
pub(crate) const ARCHIVES: Table<(String, String), Archive> = Table::new("glacier/archive");

/// The deleted ones among them.
pub(crate) const DELETED: Table<(String, String), ()> = Table::new("glacier/deleted");

/// Uploads under way by vault and id.
pub(crate) const UPLOADS: Table<(String, String), Upload> = Table::new("glacier/upload");

/// When a part of them came last.
pub(crate) const ACTIVITIES: Table<(String, String), Activity> = Table::new("glacier/upload-activity");

/// Their parts, by upload and first byte.
pub(crate) const PARTS: Table<(String, u64), Part> = Table::new("glacier/part");

/// Jobs by vault and id.
pub(crate) const JOBS: Table<(String, String), Job> = Table::new("glacier/job");

/// The account's data retrieval policy; there is one row, numbered 0, once it was set.
pub(crate) const STRATEGY: Table<u8, Strategy> = Table::new("glacier/retrieval-policy");

/// Bytes asked for by Standard retrievals, by the hour since 1970. Kept for a day.
pub(crate) const RETRIEVED: Table<i64, Retrieved> = Table::new("glacier/retrieved");

/// Provisioned capacity units by id.
pub(crate) const CAPACITY: Table<String, Capacity> = Table::new("glacier/capacity");

/// Contents by number, in the global scope.
pub(crate) const CONTENTS: Table<u128, Content> = Table::new("glacier/content");

/// The files that contents and parts consist of, in the global scope. A blob that is not here is nobody's.
pub(crate) const FILES: Table<u128, File> = Table::new("glacier/file");

/// What the region itself must remember, in the global scope.
pub(crate) const FACTS: Table<String, Fact> = Table::new("glacier/fact");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Fact {
    Scheduled,
}

store::row!(Fact, 1);
