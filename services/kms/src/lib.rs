//! AWS KMS: keys of every kind that signs, encrypts, agrees or authenticates, their policies, grants and aliases,
//! rotation, imported material and multi-Region keys.
//!
//! Material lies sealed in the store, under keys derived from the region's root key. What is not here: custom key
//! stores, keys in CloudHSM and external key managers, and what needs an attested enclave.

mod asymmetric;
mod aws_managed;
mod ciphertext;
mod cryption;
mod errors;
mod grant;
mod import;
mod jobs;
mod key;
mod key_id;
mod lookup;
mod material;
mod multi_region;
mod ops;
mod policy;
mod rotation;
mod signing;
mod spec;
mod tables;
mod tags;

use std::sync::{Arc, OnceLock};

use clock::JobKind;
use cloud::{Cloud, PolicyCache, RootKey, Service};

/// KMS with what it shares between its operations and its jobs. Cheap to clone.
#[derive(Clone)]
pub struct KmsService(Arc<Kms>);

impl KmsService {
    pub fn new(cloud: Cloud) -> Self {
        Self(Arc::new(Kms { cloud, policies: PolicyCache::default(), root: OnceLock::new() }))
    }

    /// KMS as the region's registry wants it.
    pub fn service(&self) -> Service {
        Service::new(&kms_api::SERVICE, Arc::clone(&self.0), ops::OPERATIONS)
    }

    /// Deletion and rotation of keys, and expiry of imported material.
    pub fn jobs(&self) -> Vec<JobKind> {
        jobs::kinds(&self.0)
    }
}

/// What the handlers share. All of it can be rebuilt from the store.
pub(crate) struct Kms {
    pub(crate) cloud: Cloud,
    pub(crate) policies: PolicyCache,
    /// The region's root key, once it was needed.
    pub(crate) root: OnceLock<RootKey>,
}
