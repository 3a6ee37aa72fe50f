//! Vaults and the archives in them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Reader, Tx};

use crate::lock::Lock;
use crate::notification::Notifications;
use crate::place::Place;
use crate::tree_hash::Digest;
use crate::{errors, tables};

/// Bytes of index and metadata that a vault's size counts for each archive (Glacier Developer Guide, "Vaults").
const ARCHIVE_OVERHEAD_BYTES: u64 = 32 * 1024;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Vault {
    pub created: Timestamp,
    /// When an archive was last uploaded or deleted.
    pub written: Option<Timestamp>,
    /// Archives now, and their bytes with the overhead of each.
    pub held: Held,
    pub inventory: Option<Inventory>,
    pub tags: BTreeMap<String, String>,
    /// The text of the access policy.
    pub policy: Option<String>,
    pub lock: Option<Lock>,
    pub notifications: Option<Notifications>,
}

store::row!(Vault, 1);

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub archives: u64,
    pub bytes: u64,
}

/// What a vault held when its inventory was last taken.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inventory {
    pub taken: Timestamp,
    pub held: Held,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Archive {
    /// Of [`tables::CONTENTS`].
    pub content: u128,
    pub size: u64,
    pub tree_hash: Digest,
    pub description: String,
    pub created: Timestamp,
    pub deleted: Option<Timestamp>,
}

store::row!(Archive, 1);

impl Archive {
    /// Whether an inventory that was taken at `when` has it.
    pub(crate) fn was_held(&self, when: Timestamp) -> bool {
        self.created <= when && self.deleted.is_none_or(|deleted| deleted > when)
    }
}

impl Vault {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            created: now,
            written: None,
            held: Held::default(),
            inventory: None,
            tags: BTreeMap::new(),
            policy: None,
            lock: None,
            notifications: None,
        }
    }

    pub(crate) fn add(&mut self, size: u64, now: Timestamp) {
        self.held.archives += 1;
        self.held.bytes += size + ARCHIVE_OVERHEAD_BYTES;
        self.written = Some(now);
    }

    pub(crate) fn remove(&mut self, size: u64, now: Timestamp) {
        self.held.archives = self.held.archives.saturating_sub(1);
        self.held.bytes = self.held.bytes.saturating_sub(size + ARCHIVE_OVERHEAD_BYTES);
        self.written = Some(now);
    }

    /// Whether the last inventory was of nothing and nothing was written since (Glacier API, "Delete Vault").
    pub(crate) fn is_deletable(&self) -> bool {
        match (self.written, self.inventory) {
            (None, _) => true,
            (Some(written), Some(inventory)) => {
                inventory.held.archives == 0 && written <= inventory.taken && self.held.archives == 0
            }
            (Some(_), None) => false,
        }
    }

    /// Whether an inventory of now would differ from the last one.
    pub(crate) fn wants_inventory(&self) -> bool {
        self.written.is_some_and(|written| self.inventory.is_none_or(|inventory| written >= inventory.taken))
    }
}

/// The vault at a place, or what there is to say when it is not there.
pub(crate) fn find(reader: &mut dyn Reader, place: &Place) -> Result<Vault, ApiError> {
    let found = tables::VAULTS.find(reader, &place.vault)?;
    found.ok_or_else(|| errors::vault_not_found(&place.arn()))
}

/// Changes a vault that must be there.
pub(crate) fn change<T>(
    tx: &mut Tx<'_>,
    place: &Place,
    change: impl FnOnce(&mut Vault) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let mut vault = find(tx, place)?;
    let outcome = change(&mut vault)?;
    tables::VAULTS.put(tx, &place.vault, &vault);
    Ok(outcome)
}

/// An archive that was not deleted.
pub(crate) fn find_archive(
    reader: &mut dyn Reader,
    place: &Place,
    id: &str,
) -> Result<Option<Archive>, ApiError> {
    let found = tables::ARCHIVES.find(reader, &(place.vault.clone(), id.to_owned()))?;
    Ok(found.filter(|archive| archive.deleted.is_none()))
}

/// Descriptions have up to 1,024 characters of printable ASCII (Glacier API, "Upload Archive").
pub(crate) fn description(text: Option<String>) -> Result<String, ApiError> {
    let text = text.unwrap_or_default();
    match text.len() <= 1024 && text.bytes().all(|byte| (32..=126).contains(&byte)) {
        true => Ok(text),
        false => {
            Err(errors::invalid("Invalid archive description: it has up to 1024 printable ASCII characters"))
        }
    }
}

impl crate::Glacier {
    /// Changes a vault in a transaction of its own.
    pub(crate) async fn change(
        &self,
        place: Place,
        mut work: impl FnMut(&mut Vault) -> Result<(), ApiError> + Send + 'static,
    ) -> Result<(), ApiError> {
        let scope = place.scope();
        self.cloud.store().write(&scope, move |tx| change(tx, &place, &mut work)).await
    }
}
