//! Amazon S3: buckets and objects, with versions, multipart uploads, locks, policies over time, and events.
//!
//! A version is one row (see [`object`] and [`tables`]); its bytes are sealed, in a row beside it when they are few and in
//! a file otherwise. The file is on disk before the transaction that names it; the transaction decides everything else:
//! conditions, versioning, and what is to be told to whom. What serves browsers and other odd callers is in [`front`].

mod access_log;
mod access_point;
mod acl;
mod analytics;
mod batch;
mod bucket;
mod checksum;
mod class;
mod conditions;
mod content;
mod control;
mod data_key;
mod draft;
mod encryption;
mod errors;
mod event_bridge;
mod events;
mod fields;
mod front;
mod guards;
mod http_date;
mod inventory;
mod key;
mod lifecycle;
mod listing;
mod lock;
mod multipart;
mod object;
mod ops;
mod public_access;
mod range;
mod replication;
mod request_metrics;
mod restore;
mod settings;
mod storage_lens;
mod store_version;
mod stored_shape;
mod sweep;
mod tables;
mod tags;
mod tiering;
mod upload;
mod versions;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use blobs::BlobError;
pub use blobs::sealed::Options as ContentOptions;
use blobs::sealed::{Key, SealedBlobs};
use clock::JobKind;
use cloud::{Cloud, PolicyCache, Service};
use shapes::ApiError;
use store::{Scope, Snapshot, StoreError, Tx};

/// The object store of a region.
#[derive(Clone)]
pub struct ObjectStore(Arc<S3>);

impl ObjectStore {
    /// Opens the store with its large contents under `folder`.
    pub fn open(cloud: Cloud, folder: &Path, contents: ContentOptions) -> Result<Self, BlobError> {
        Ok(Self(Arc::new(S3 {
            cloud,
            blobs: SealedBlobs::open(folder, contents)?,
            key: OnceLock::new(),
            bucket_keys: data_key::BucketKeys::default(),
            buckets: settings::Directory::default(),
            policies: PolicyCache::default(),
            lines: access_log::Lines::default(),
            reads: analytics::Reads::default(),
            md5_lanes: Arc::default(),
        })))
    }

    /// S3 as the region's registry wants it.
    pub fn service(&self) -> Service {
        Service::new(&s3_api::SERVICE, Arc::clone(&self.0), ops::OPERATIONS)
            .wording_its_own_checks()
            .with_front(Arc::new(front::Front(Arc::clone(&self.0))))
    }

    /// S3 Control as the region's registry wants it: over the same state.
    pub fn control_service(&self) -> Service {
        Service::new(&s3control_api::SERVICE, Arc::clone(&self.0), control::OPERATIONS)
    }

    /// What happens without a request.
    pub fn jobs(&self) -> Vec<JobKind> {
        vec![
            access_log::job(&self.0),
            analytics::job(&self.0),
            batch::job(&self.0),
            events::job(&self.0),
            inventory::job(&self.0),
            lifecycle::job(&self.0),
            replication::job(&self.0),
            restore::job(&self.0),
            storage_lens::job(&self.0),
            sweep::job(&self.0),
        ]
    }

    /// Schedules what the region does by itself. To be called once the region is open.
    pub async fn start(&self) -> Result<(), ApiError> {
        sweep::schedule(&self.0).await
    }

    /// Delivers the lines of access logs that wait. To be called before the store closes.
    pub async fn stop(&self) {
        self.0.deliver_all_logs().await;
    }
}

/// What the handlers share. All of it but the blobs can be rebuilt from the store.
pub(crate) struct S3 {
    pub(crate) cloud: Cloud,
    pub(crate) blobs: SealedBlobs,
    /// The region's key, once it was read.
    pub(crate) key: OnceLock<Key>,
    pub(crate) bucket_keys: data_key::BucketKeys,
    pub(crate) buckets: settings::Directory,
    pub(crate) policies: PolicyCache,
    /// Of access logs, to be delivered.
    pub(crate) lines: access_log::Lines,
    /// For analyses of storage classes.
    pub(crate) reads: analytics::Reads,
    /// Where uploads under way are hashed together.
    pub(crate) md5_lanes: Arc<md5_lanes::Lanes>,
}

impl S3 {
    /// A consistent view of what is stored.
    pub(crate) fn read(&self) -> Result<Snapshot<'_>, StoreError> {
        self.cloud.store().read(&Scope::global())
    }

    /// One transaction; see [`store::Store::write`].
    pub(crate) async fn write<T, E>(
        &self,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.cloud.store().write(&Scope::global(), work).await
    }
}
