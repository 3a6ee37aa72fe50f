//! AWS IAM and STS: who there is, what they may do, and the credentials they do it with.
//!
//! IAM's state belongs to an account and to no region. Access keys are found by their id in the region as a whole, since
//! a request tells nothing else of its caller. The policy language itself is in `identity`.

mod authorization_message;
mod credentials;
mod directory;
mod errors;
mod group;
mod instance_profile;
mod last_use;
mod managed_policy;
mod names;
mod ops;
mod owner;
mod provider;
mod role;
mod sts;
mod tables;
mod tags;
mod trust;
mod user;

use std::sync::Arc;

use cloud::{Cloud, Service};

use sts::key_sets::KeySets;

pub use directory::{Declared, declare_account, directory};

/// IAM as the region's registry wants it.
pub fn service(cloud: Cloud) -> Service {
    Service::new(&iam_api::SERVICE, Arc::new(Iam::new(cloud)), ops::OPERATIONS)
}

/// STS as the region's registry wants it.
pub fn sts_service(cloud: Cloud) -> Service {
    Service::new(&sts_api::SERVICE, Arc::new(Iam::new(cloud)), sts::ops::OPERATIONS)
}

/// The kind of job that takes expired sessions away.
pub fn jobs(cloud: &Cloud) -> Vec<clock::JobKind> {
    vec![sts::expiry::kind(cloud.clone())]
}

/// What the handlers share.
pub(crate) struct Iam {
    pub(crate) cloud: Cloud,
    /// Of providers whose tokens were verified lately.
    pub(crate) key_sets: KeySets,
}

impl Iam {
    pub(crate) fn new(cloud: Cloud) -> Self {
        Self { cloud, key_sets: KeySets::default() }
    }
}
