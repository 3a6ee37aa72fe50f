//! One version of an object, or a delete marker: everything but its bytes.

use std::collections::BTreeMap;
use std::fmt;

use identity::AccountId;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use crate::acl::Acl;
use crate::checksum::Checksum;
use crate::class::StorageClass;
use crate::errors;

/// A row of the tables of versions. Its key and bucket are in the row's key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub id: VersionId,
    pub is_delete_marker: bool,
    pub modified: Timestamp,
    pub size: u64,
    pub etag: ETag,
    pub class: StorageClass,
    pub owner: AccountId,
    pub checksum: Option<Checksum>,
    pub content: Content,
    pub encryption: Encryption,
    pub headers: Headers,
    /// What users say of the object: names without `x-amz-meta-`, in order.
    pub metadata: Vec<(String, String)>,
    pub tags: Vec<(String, String)>,
    pub lock: Lock,
    /// `None` is private to the owner.
    pub acl: Option<Acl>,
    pub restore: Option<Restore>,
    pub replication: Option<Replication>,
    /// When this stopped being the newest version.
    pub superseded: Option<Timestamp>,
}

store::row!(Version, 1);

/// Names a version. Ids of one key grow with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VersionId {
    /// Microseconds, or one more than that of the version before.
    pub order: u64,
    pub chance: u64,
    /// Made while the bucket was not versioned: its id is `null`.
    pub is_null: bool,
}

impl VersionId {
    /// What a client asks for; `None` stands for the null version.
    pub(crate) fn parse(text: &str) -> Result<Option<(u64, u64)>, ApiError> {
        if text == "null" {
            return Ok(None);
        }
        let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok().filter(|_| is_id);
        let number = number.ok_or_else(|| errors::invalid_version_id(text))?;
        Ok(Some(((number >> 64) as u64, number as u64)))
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_null { f.write_str("null") } else { write!(f, "{:016x}{:016x}", self.order, self.chance) }
    }
}

/// Where the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Content {
    Empty,
    /// In the table of small contents.
    Row(u128),
    /// A sealed blob.
    File(u128),
    /// The contents of the parts that a manifest lists.
    Parts(u128),
}

/// The MD5 of the bytes, or of the parts' MD5s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ETag {
    pub digest: [u8; 16],
    /// 0 for an object that came in one piece.
    pub parts: u16,
}

impl ETag {
    pub(crate) fn whole(digest: [u8; 16]) -> Self {
        Self { digest, parts: 0 }
    }

    /// With its quotation marks.
    pub(crate) fn quoted(&self) -> String {
        format!("\"{self}\"")
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        if self.parts > 0 { write!(f, "-{}", self.parts) } else { Ok(()) }
    }
}

/// What the bytes are encrypted with. They always are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Encryption {
    /// SSE-S3: the region's own key.
    Region,
    /// SSE-KMS as it was before there were KMS keys: the region's own key, under the name of the customer's.
    Kms { key_id: String, is_dual_layer: bool, has_bucket_key: bool },
    /// SSE-C: a key that only the customer has.
    Customer { key_md5: String },
    /// SSE-KMS: a data key that only KMS opens.
    DataKey {
        key_arn: String,
        is_dual_layer: bool,
        has_bucket_key: bool,
        sealed: Vec<u8>,
        /// The encryption context of `sealed`.
        context: BTreeMap<String, String>,
    },
}

impl Encryption {
    /// Whether both are of one kind and key.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Kms { key_id, .. }, Self::DataKey { key_arn, .. })
            | (Self::DataKey { key_arn, .. }, Self::Kms { key_id, .. }) => key_id == key_arn,
            _ => self == other,
        }
    }
}

/// Headers that an object is served with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Headers {
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub content_language: Option<String>,
    pub content_disposition: Option<String>,
    pub cache_control: Option<String>,
    pub expires: Option<String>,
    pub website_redirect: Option<String>,
}

/// Object Lock on one version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lock {
    pub retention: Option<Retention>,
    pub has_legal_hold: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retention {
    pub mode: LockMode,
    pub until: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LockMode {
    Governance,
    Compliance,
}

impl LockMode {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "GOVERNANCE" => Some(Self::Governance),
            "COMPLIANCE" => Some(Self::Compliance),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        }
    }
}

impl Lock {
    /// Whether the version may go away now.
    pub(crate) fn protects(&self, now: Timestamp, bypasses_governance: bool) -> bool {
        let is_retained = self.retention.is_some_and(|retention| {
            retention.until > now && !(retention.mode == LockMode::Governance && bypasses_governance)
        });
        self.has_legal_hold || is_retained
    }
}

/// A copy of archived bytes that can be read for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restore {
    /// Before it, the restore is under way.
    pub ready: Timestamp,
    /// `None` for objects of Intelligent-Tiering, which are back for good.
    pub until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Replication {
    Pending,
    Completed,
    Failed,
    Replica,
}

impl Replication {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Replica => "REPLICA",
        }
    }
}

impl Version {
    pub(crate) fn delete_marker(owner: AccountId, modified: Timestamp) -> Self {
        Self { is_delete_marker: true, ..Self::empty(owner, modified) }
    }

    /// A version of no bytes, to be filled.
    pub(crate) fn empty(owner: AccountId, modified: Timestamp) -> Self {
        Self {
            id: VersionId { order: 0, chance: 0, is_null: true },
            is_delete_marker: false,
            modified,
            size: 0,
            etag: ETag::whole([0; 16]),
            class: StorageClass::Standard,
            owner,
            checksum: None,
            content: Content::Empty,
            encryption: Encryption::Region,
            headers: Headers::default(),
            metadata: Vec::new(),
            tags: Vec::new(),
            lock: Lock::default(),
            acl: None,
            restore: None,
            replication: None,
            superseded: None,
        }
    }

    /// Whether archived bytes can be read now.
    pub(crate) fn is_readable(&self, now: Timestamp) -> bool {
        let is_restored = self
            .restore
            .is_some_and(|restore| restore.ready <= now && restore.until.is_none_or(|until| now < until));
        !self.class.is_archive() || is_restored
    }
}

#[cfg(test)]
mod tests {
    use super::{ETag, VersionId};

    #[test]
    fn ids_and_tags_have_their_spelling() {
        let id = VersionId { order: 7, chance: 9, is_null: false };
        assert_eq!(VersionId::parse(&id.to_string()).unwrap(), Some((7, 9)));
        assert_eq!(VersionId::parse("null").unwrap(), None);
        for wrong in ["", "x", &"g".repeat(32), &"+".repeat(32)] {
            assert!(VersionId::parse(wrong).is_err(), "{wrong}");
        }
        let tag = ETag { digest: [0xAB; 16], parts: 2 };
        assert_eq!(tag.quoted(), format!("\"{}-2\"", "ab".repeat(16)));
    }
}
