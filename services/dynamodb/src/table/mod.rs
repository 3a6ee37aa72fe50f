//! Tables: their keys, indexes, billing and stream, and what makes a definition valid.

use serde::{Deserialize, Serialize};

use crate::index::{GlobalIndex, LocalIndex};
use crate::key_schema::{KeyAttribute, KeySchema};
use crate::stream_record::StreamViewType;

mod draft;
#[cfg(test)]
mod tests;

pub use draft::{IndexDraft, KeyElement, KeyRole, ProjectionDraft, TableDraft};

/// Most local secondary indexes of a table.
pub const MAX_LOCAL_INDEXES: usize = 5;
/// Most global secondary indexes of a table.
pub const MAX_GLOBAL_INDEXES: usize = 20;
/// Most non-key attributes that all indexes of a table include together.
pub const MAX_INCLUDED_ATTRIBUTES: usize = 100;
/// Most capacity units that a request may name at all.
pub const MAX_UNITS: i64 = 1_000_000_000_000;

/// A table, as the control plane knows it; the item count and size live with the items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDefinition {
    pub name: String,
    pub attributes: Vec<KeyAttribute>,
    pub keys: KeySchema,
    pub local_indexes: Vec<LocalIndex>,
    pub global_indexes: Vec<GlobalIndex>,
    pub billing: BillingMode,
    /// Absent when the table is billed per request.
    pub throughput: Option<Throughput>,
    pub stream: Option<StreamViewType>,
    pub status: TableStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BillingMode {
    Provisioned,
    PayPerRequest,
}

impl BillingMode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Provisioned => "PROVISIONED",
            Self::PayPerRequest => "PAY_PER_REQUEST",
        }
    }
}

/// Provisioned capacity units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throughput {
    pub read_units: i64,
    pub write_units: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TableStatus {
    Creating,
    Updating,
    Deleting,
    Active,
    /// Its KMS key cannot be used.
    InaccessibleEncryptionCredentials,
}

impl TableStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
            Self::Active => "ACTIVE",
            Self::InaccessibleEncryptionCredentials => "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IndexStatus {
    Creating,
    Updating,
    Deleting,
    Active,
}

impl IndexStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
            Self::Active => "ACTIVE",
        }
    }
}

/// Why a table was refused; each `Display` is AWS's sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    #[error("{0} must be at least 3 characters long and at most 255 characters long")]
    NameLength(&'static str),
    #[error(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    )]
    NamePattern { value: String, member: &'static str },
    #[error(
        "One or more parameter values were invalid: Duplicate AttributeName in AttributeDefinitions: {0}"
    )]
    DuplicateDefinition(String),
    #[error("Invalid KeySchema: Some index key attribute have no definition")]
    MoreKeysThanDefinitions,
    #[error(
        "One or more parameter values were invalid: Some index key attributes are not defined in \
         AttributeDefinitions. Keys: [{keys}], AttributeDefinitions: [{definitions}]"
    )]
    UndefinedKeys { keys: String, definitions: String },
    #[error("Both the Hash Key and the Range Key element in the KeySchema have the same name")]
    SameKeys,
    #[error("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")]
    FirstNotHash,
    #[error("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")]
    SecondNotRange,
    #[error(
        "1 validation error detected: Value '[{0} elements]' at 'keySchema' failed to satisfy constraint: Member \
         must have length less than or equal to 2"
    )]
    KeySchemaLength(usize),
    #[error(
        "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match \
         number of attributes defined in AttributeDefinitions"
    )]
    UnusedDefinitions,
    #[error(
        "One or more parameter values were invalid: Some AttributeDefinitions are not used. AttributeDefinitions: [{definitions}], keys used: [{used}]"
    )]
    UnusedDefinitionsWithIndexes { definitions: String, used: String },
    #[error("One or more parameter values were invalid: List of {0} is empty")]
    NoIndexes(&'static str),
    #[error(
        "One or more parameter values were invalid: Table KeySchema does not have a range key, which is required \
         when specifying a LocalSecondaryIndex"
    )]
    LocalNeedsRange,
    #[error(
        "One or more parameter values were invalid: Index KeySchema does not have a range key for index: {0}"
    )]
    LocalWithoutRange(String),
    #[error(
        "One or more parameter values were invalid: Index KeySchema does not have the same leading hash key as \
         table KeySchema for index: {index}. index hash key: {index_hash}, table hash key: {table_hash}"
    )]
    LocalOtherHash { index: String, index_hash: String, table_hash: String },
    #[error("One or more parameter values were invalid: Unknown ProjectionType: {0}")]
    ProjectionType(String),
    #[error(
        "One or more parameter values were invalid: ProjectionType is {0}, but NonKeyAttributes is specified"
    )]
    NonKeyAttributes(String),
    #[error(
        "One or more parameter values were invalid: ProjectionType is INCLUDE, but NonKeyAttributes is not specified"
    )]
    NoNonKeyAttributes,
    #[error("One or more parameter values were invalid: Duplicate index name: {0}")]
    DuplicateIndex(String),
    #[error(
        "One or more parameter values were invalid: Number of LocalSecondaryIndexes exceeds per-table limit of 5"
    )]
    TooManyLocal,
    #[error(
        "One or more parameter values were invalid: GlobalSecondaryIndex count exceeds the per-table limit of 20"
    )]
    TooManyGlobal,
    #[error(
        "One or more parameter values were invalid: Total number of NonKeyAttributes over all indexes exceeds \
         limit of 100"
    )]
    TooManyIncluded,
    #[error(
        "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be \
         specified when BillingMode is PAY_PER_REQUEST"
    )]
    ThroughputWhenPerRequest,
    #[error(
        "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be \
         specified when BillingMode is PROVISIONED"
    )]
    NoThroughput,
    #[error(
        "One or more parameter values were invalid: ProvisionedThroughput must be specified for index: {0}"
    )]
    NoIndexThroughput(String),
    #[error(
        "One or more parameter values were invalid: ProvisionedThroughput should not be specified for index: {0} \
         when BillingMode is PAY_PER_REQUEST"
    )]
    IndexThroughputWhenPerRequest(String),
    #[error("Given value {value} for {member} is out of bounds")]
    UnitsOutOfBounds { value: i64, member: &'static str },
    #[error("One or more parameter values were invalid: Table is already in billing mode {0}")]
    SameBillingMode(&'static str),
}

impl TableDefinition {
    pub fn global_index(&self, name: &str) -> Option<&GlobalIndex> {
        self.global_indexes.iter().find(|index| index.name == name)
    }

    pub fn local_index(&self, name: &str) -> Option<&LocalIndex> {
        self.local_indexes.iter().find(|index| index.name == name)
    }

    /// The keys of an index of either sort.
    pub fn index_keys(&self, name: &str) -> Option<&KeySchema> {
        let local = self.local_index(name).map(|index| &index.keys);
        local.or_else(|| self.global_index(name).map(|index| &index.keys))
    }
}

/// Refuses a name of a table or an index that breaks "Naming rules". `parameter` is the parameter's name, `member`
/// its path as validation messages spell it.
pub fn check_name(name: &str, parameter: &'static str, member: &'static str) -> Result<(), TableError> {
    if !(3..=255).contains(&name.len()) {
        return Err(TableError::NameLength(parameter));
    }
    let is_valid =
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    if is_valid { Ok(()) } else { Err(TableError::NamePattern { value: name.to_owned(), member }) }
}
