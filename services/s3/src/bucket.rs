//! Buckets.

use identity::AccountId;
use serde::{Deserialize, Serialize};
use shapes::Timestamp;

/// A bucket's row. What is put on it (policies, rules) is kept apart, see [`crate::settings`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bucket {
    /// Its objects are under this, so that a bucket of the same name made later has none of them.
    pub id: u64,
    pub name: String,
    pub owner: AccountId,
    pub region: String,
    pub created: Timestamp,
    pub versioning: Versioning,
    pub has_object_lock: bool,
}

store::row!(Bucket, 1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Versioning {
    Never,
    Enabled,
    Suspended,
}

impl Versioning {
    /// Whether answers name versions.
    pub(crate) fn has_ids(self) -> bool {
        self != Self::Never
    }

    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Never => None,
            Self::Enabled => Some("Enabled"),
            Self::Suspended => Some("Suspended"),
        }
    }
}
