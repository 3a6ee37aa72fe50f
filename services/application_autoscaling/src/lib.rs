//! Application Auto Scaling: keeps the provisioned throughput of DynamoDB's tables and global indexes near what is consumed,
//! and moves its bounds at set times.
//!
//! A scalable target has one job while there is something to watch: each minute it reads what the minutes before consumed
//! (from the metrics that the scaled service publishes), decides, and asks the service to change, with the service-linked
//! role's permissions. A scheduled action has a job for its next time. This crate keeps no throughput and throttles nobody:
//! that is the scaled service's.

mod activity;
mod capacity;
mod dimension;
mod errors;
mod ops;
mod policy;
mod scheduled_action;
mod tables;
mod target;
mod tracking;
mod watch;

use std::sync::Arc;

use clock::JobKind;
use cloud::{Cloud, Service};

/// Application Auto Scaling with what it shares between its operations and its jobs.
#[derive(Clone)]
pub struct AutoScalingService(Arc<AutoScaling>);

impl AutoScalingService {
    pub fn new(cloud: Cloud) -> Self {
        Self(Arc::new(AutoScaling { cloud }))
    }

    /// The service as the region's registry wants it.
    pub fn service(&self) -> Service {
        Service::new(&application_autoscaling_api::SERVICE, Arc::clone(&self.0), ops::OPERATIONS)
    }

    /// Targets that are watched, and scheduled actions that fall due.
    pub fn jobs(&self) -> Vec<JobKind> {
        vec![watch::jobs(&self.0), scheduled_action::jobs(&self.0)]
    }
}

/// What the handlers share.
pub(crate) struct AutoScaling {
    pub(crate) cloud: Cloud,
}
