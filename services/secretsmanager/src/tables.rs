//! Everything Secrets Manager stores.

use kms_envelope::Sealed;
use serde::{Deserialize, Serialize};
use store::Table;

use crate::secret::Secret;

/// Secrets by name.
pub(crate) const SECRETS: Table<String, Secret> = Table::new("secretsmanager/secret");

/// Values by the secret's ARN, which no later secret of its name has, and the version's id.
pub(crate) const VALUES: Table<(String, String), Value> = Table::new("secretsmanager/value");

/// The value of one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Value {
    pub sealed: Sealed,
    pub is_binary: bool,
}

store::row!(Value, 1);
