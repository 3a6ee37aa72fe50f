//! Everything KMS stores.

use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use store::Table;

use crate::grant::Grant;
use crate::key::Key;
use crate::material::Material;

/// Keys by id.
pub(crate) const KEYS: Table<String, Key> = Table::new("kms/key");

/// Materials of keys by the key's id and their own.
pub(crate) const MATERIALS: Table<(String, String), Material> = Table::new("kms/material");

/// Aliases by name, with their `alias/`.
pub(crate) const ALIASES: Table<String, Alias> = Table::new("kms/alias");

/// Grants by the key's id and their own.
pub(crate) const GRANTS: Table<(String, String), Grant> = Table::new("kms/grant");

/// A name for a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alias {
    pub key_id: String,
    pub created: Timestamp,
    pub updated: Timestamp,
}

store::row!(Alias, 1);
