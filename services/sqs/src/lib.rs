//! Amazon SQS: standard queues with visibility timeouts, delays, long polling and dead-letter queues.
//!
//! A message is one row, kept under the time from which it may be received (see [`tables`]): receiving moves it
//! ahead by the visibility timeout, and nothing needs to happen when that time passes. FIFO queues are not here yet
//! and are refused by name.

mod dead_letter;
mod directory;
mod errors;
mod frontier;
mod message;
mod ops;
mod queue;
mod receipt;
mod tables;

use std::sync::Arc;

use cloud::{Cloud, PolicyCache, Service};

use directory::Directory;
use frontier::Frontiers;

/// SQS as the region's registry wants it.
pub fn service(cloud: Cloud) -> Service {
    let sqs = Sqs {
        cloud,
        queues: Directory::default(),
        frontiers: Frontiers::default(),
        policies: PolicyCache::default(),
    };
    Service::new(&sqs_api::SERVICE, Arc::new(sqs), ops::OPERATIONS)
        .wording_its_own_checks()
        .taking_path_as("QueueUrl")
}

/// What the handlers share. All of it can be rebuilt from the store.
pub(crate) struct Sqs {
    pub(crate) cloud: Cloud,
    pub(crate) queues: Directory,
    pub(crate) frontiers: Frontiers,
    pub(crate) policies: PolicyCache,
}
