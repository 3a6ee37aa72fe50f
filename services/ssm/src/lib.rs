//! AWS Systems Manager: the Parameter Store. Parameters with versions, labels, hierarchies and policies; SecureStrings
//! under KMS keys. Nothing else of Systems Manager is here.

mod errors;
mod filters;
mod jobs;
mod name;
mod ops;
mod parameter;
mod policies;
mod reference;
mod tables;
mod value;

use std::sync::Arc;

use clock::JobKind;
use cloud::{Cloud, Service};

/// The name under which Systems Manager calls others.
pub(crate) const PRINCIPAL: &str = "ssm.amazonaws.com";

/// Systems Manager with what its operations and jobs share. Cheap to clone.
#[derive(Clone)]
pub struct SsmService(Arc<Ssm>);

impl SsmService {
    pub fn new(cloud: Cloud) -> Self {
        Self(Arc::new(Ssm { cloud }))
    }

    /// Systems Manager as the region's registry wants it.
    pub fn service(&self) -> Service {
        Service::new(&ssm_api::SERVICE, Arc::clone(&self.0), ops::OPERATIONS)
    }

    /// What the policies of parameters have happen in time.
    pub fn jobs(&self) -> Vec<JobKind> {
        jobs::kinds(&self.0)
    }
}

/// What the handlers share.
pub(crate) struct Ssm {
    pub(crate) cloud: Cloud,
}
