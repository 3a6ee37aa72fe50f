//! Everything S3 stores, but the bytes of large objects. Names of buckets are the whole region's, so all of it is in the
//! global scope.

use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use store::{Table, Tail};

use crate::access_point::{AccessPoint, Block, Place};
use crate::analytics::Analysed;
use crate::batch::job::{self as batch, BatchJob, Task, Token};
use crate::bucket::Bucket;
use crate::multipart::{Manifest, Part, Upload};
use crate::object::Version;
use crate::storage_lens::{self, Lens};
use crate::tiering::Watched;

/// Buckets by name.
pub(crate) const BUCKETS: Table<String, Bucket> = Table::new("s3/bucket");

/// The names of an account's buckets, by the account's number.
pub(crate) const OWNED: Table<(u64, String), ()> = Table::new("s3/owned");

/// What was put on a bucket, by the bucket's number, the kind (`cors`) and, for kinds of which there may be several, an id.
pub(crate) const CONFIGS: Table<(u64, String, String), Config> = Table::new("s3/config");

/// The newest version of each key of a bucket, unless that is a delete marker: what lists and reads look at. A key's
/// bytes are the end of the row's key as they are, so that a list begins anywhere, and steps over whatever has one prefix
/// in common, with one seek.
pub(crate) const CURRENT: Table<(u64, Tail), Version> = Table::new("s3/current");

/// Older versions, and delete markers also when they are the newest: by key, the youngest first.
pub(crate) const OLDER: Table<(u64, String, u64), Version> = Table::new("s3/older");

/// Where among the older ones a key's null version is.
pub(crate) const NULLS: Table<(u64, String), Order> = Table::new("s3/null");

/// Contents small enough to share the store's commits, sealed.
pub(crate) const CONTENTS: Table<u128, Sealed> = Table::new("s3/content");

/// The blobs that versions and parts name. A blob that is not here is nobody's.
pub(crate) const FILES: Table<u128, ()> = Table::new("s3/file");

/// Of which parts an object consists that was uploaded in several.
pub(crate) const MANIFESTS: Table<u128, Manifest> = Table::new("s3/manifest");

/// Uploads under way, by bucket, key, and number.
pub(crate) const UPLOADS: Table<(u64, String, u128), Upload> = Table::new("s3/upload");

/// Parts of uploads under way.
pub(crate) const PARTS: Table<(u128, u16), Part> = Table::new("s3/part");

/// Versions under Intelligent-Tiering, by bucket, key and the version's order. A row may outlive its version until the
/// bucket's next round.
pub(crate) const WATCHED: Table<(u64, String, u64), Watched> = Table::new("s3/watched");

/// Access points by the account's number, name and region.
pub(crate) const ACCESS_POINTS: Table<(u64, String, String), AccessPoint> = Table::new("s3/access-point");

/// Access points by alias.
pub(crate) const ALIASES: Table<String, Place> = Table::new("s3/alias");

/// Block Public Access of accounts, by their number.
pub(crate) const ACCOUNT_BLOCKS: Table<u64, Block> = Table::new("s3/account-block");

/// Jobs of Batch Operations by account, region and id.
pub(crate) const BATCH_JOBS: Table<batch::Place, BatchJob> = Table::new("s3/batch-job");

/// Their tasks, by the job's number and the line of the manifest.
pub(crate) const BATCH_TASKS: Table<(u128, u64), Task> = Table::new("s3/batch-task");

/// Which jobs client tokens have made: by account, region and token.
pub(crate) const BATCH_TOKENS: Table<batch::Place, Token> = Table::new("s3/batch-token");

/// What analyses have found: by bucket, configuration and day since the epoch.
pub(crate) const ANALYSED: Table<(u64, String, i64), Analysed> = Table::new("s3/analysed");

/// Configurations of Storage Lens by account, region and id.
pub(crate) const LENSES: Table<storage_lens::Place, Lens> = Table::new("s3/lens");

/// Groups of Storage Lens by account, region and name.
pub(crate) const LENS_GROUPS: Table<storage_lens::Place, Lens> = Table::new("s3/lens-group");

/// What the region itself must remember: its key, and what it has scheduled.
pub(crate) const FACTS: Table<String, Fact> = Table::new("s3/fact");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Config {
    /// The configuration as JSON by the model's names; the text itself for policies.
    pub json: String,
    pub put: Timestamp,
}

store::row!(Config, 1);

/// The order of a version of [`OLDER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order(pub u64);

store::row!(Order, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sealed(pub bytes::Bytes);

store::row!(Sealed, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Fact {
    Key([u8; 32]),
    Scheduled,
}

store::row!(Fact, 1);

/// The key of [`CURRENT`] for an object.
pub(crate) fn current(bucket: u64, key: &str) -> (u64, Tail) {
    (bucket, Tail(key.as_bytes().to_vec()))
}

/// The key of [`OLDER`]: the youngest sorts first.
pub(crate) fn older(bucket: u64, key: &str, order: u64) -> (u64, String, u64) {
    (bucket, key.to_owned(), !order)
}
