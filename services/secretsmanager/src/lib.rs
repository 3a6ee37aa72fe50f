//! AWS Secrets Manager: secrets with versions and stages, sealed under KMS keys, rotated by functions, deleted after a
//! while in which they can be had back, with policies of their own.
//!
//! A secret is one row, a version's value another. Replication to other regions is not here.

mod errors;
mod jobs;
mod ops;
mod password;
mod rotation;
mod secret;
mod secret_id;
mod tables;
mod values;

use std::sync::Arc;

use clock::JobKind;
use cloud::{Cloud, PolicyCache, Service};

/// The name under which Secrets Manager calls others.
pub(crate) const PRINCIPAL: &str = "secretsmanager.amazonaws.com";

/// Secrets Manager with what its operations and jobs share. Cheap to clone.
#[derive(Clone)]
pub struct SecretsService(Arc<SecretsManager>);

impl SecretsService {
    pub fn new(cloud: Cloud) -> Self {
        Self(Arc::new(SecretsManager { cloud, policies: PolicyCache::default() }))
    }

    /// Secrets Manager as the region's registry wants it.
    pub fn service(&self) -> Service {
        Service::new(&secretsmanager_api::SERVICE, Arc::clone(&self.0), ops::OPERATIONS)
    }

    /// Rotation and deletion of secrets.
    pub fn jobs(&self) -> Vec<JobKind> {
        jobs::kinds(&self.0)
    }
}

/// What the handlers share.
pub(crate) struct SecretsManager {
    pub(crate) cloud: Cloud,
    pub(crate) policies: PolicyCache,
}
