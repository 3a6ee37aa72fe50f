//! Amazon S3 Glacier by its own vault API: vaults of archives that are retrieved by jobs, with locks, policies and notices.
//!
//! Not here: the storage classes of S3 that bear the same name, which are S3's.
//!
//! An archive is a row that names a content (see [`content`]): files of sealed bytes that are on disk before the
//! transaction that names them. Jobs hold on to the content that they have prepared, so that what a job offers stays
//! there when its archive is deleted. Time is the region's: retrievals take their hours, inventories are a day old.

mod content;
mod errors;
mod expiry;
mod guards;
mod inventory;
mod job;
mod lock;
mod multipart;
mod notification;
mod ops;
mod page;
mod place;
mod range;
mod retrieval;
mod retrieval_policy;
mod sweep;
mod tables;
mod tree_hash;
mod vault;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use blobs::BlobError;
use blobs::sealed::{Key, Options, SealedBlobs};
use clock::JobKind;
use cloud::{Cloud, PolicyCache, Service};
use shapes::ApiError;

/// The vaults of a region.
#[derive(Clone)]
pub struct VaultStore(Arc<Glacier>);

impl VaultStore {
    /// Opens the vaults with their contents under `folder`. Without `is_durable` nothing waits for the disk, for
    /// throw-away runs.
    pub fn open(cloud: Cloud, folder: &Path, is_durable: bool) -> Result<Self, BlobError> {
        let blobs = SealedBlobs::open(folder, Options { is_durable, hot_bytes: 0 })?;
        let (key, policies) = (OnceLock::new(), PolicyCache::default());
        Ok(Self(Arc::new(Glacier { cloud, blobs, key, policies })))
    }

    /// Glacier as the region's registry wants it.
    pub fn service(&self) -> Service {
        Service::new(&glacier_api::SERVICE, Arc::clone(&self.0), ops::OPERATIONS)
            .wording_its_own_checks()
            .taking_pieces()
    }

    /// What happens without a request.
    pub fn jobs(&self) -> Vec<JobKind> {
        vec![expiry::job(&self.0), inventory::job(&self.0), retrieval::job(&self.0), sweep::job(&self.0)]
    }

    /// Schedules what the region does by itself. To be called once the region is open.
    pub async fn start(&self) -> Result<(), ApiError> {
        sweep::schedule(&self.0).await
    }
}

/// What the handlers share. All of it but the blobs can be rebuilt from the store.
pub(crate) struct Glacier {
    pub(crate) cloud: Cloud,
    pub(crate) blobs: SealedBlobs,
    /// What archives are sealed under, once it was derived.
    pub(crate) key: OnceLock<Key>,
    pub(crate) policies: PolicyCache,
}
