//! Amazon SQS: standard and FIFO queues with visibility timeouts, delays, long polling, dead-letter queues and their
//! redrive.
//!
//! A message is one row, written when it is sent and deleted when it is done with. What happens in between is kept in
//! memory by each queue's [`timeline`], rebuilt from the store at start. Bodies are sealed under keys of the region or of KMS.

mod attributes;
mod content;
mod dead_letter;
mod deduplication;
mod directory;
mod errors;
mod jobs;
mod kms_keys;
mod message;
mod metrics;
mod move_task;
mod moving;
mod ops;
mod peek;
mod polling;
mod queue;
mod receipt;
mod recording;
mod sealing;
mod tables;
mod timeline;
mod timelines;

use std::sync::Arc;

use clock::JobKind;
use cloud::{Cloud, PolicyCache, Service};

use directory::Directory;
use kms_keys::DataKeys;
use recording::Recorder;
use timelines::Timelines;

pub use peek::{WaitingMessage, WaitingState};

/// SQS with what it shares between its operations and its jobs. Cheap to clone.
#[derive(Clone)]
pub struct SqsService(Arc<Sqs>);

impl SqsService {
    pub fn new(cloud: Cloud) -> Self {
        Self(Arc::new(Sqs {
            cloud,
            queues: Directory::default(),
            timelines: Timelines::default(),
            recorder: Recorder::default(),
            policies: PolicyCache::default(),
            data_keys: DataKeys::default(),
        }))
    }

    /// SQS as the region's registry wants it.
    pub fn service(&self) -> Service {
        Service::new(&sqs_api::SERVICE, Arc::clone(&self.0), ops::OPERATIONS)
            .wording_its_own_checks()
            .taking_path_as("QueueUrl")
    }

    /// Stores what receives have left to be stored. To be called before the store is closed.
    pub async fn stop(&self) {
        self.0.store_all_receipts().await;
    }

    /// Upkeep of queues, removal of deleted ones, and message move tasks.
    pub fn jobs(&self) -> Vec<JobKind> {
        jobs::kinds(&self.0)
    }
}

/// SQS without its jobs: queues work, and what is expired or deleted is left lying.
pub fn service(cloud: Cloud) -> Service {
    SqsService::new(cloud).service()
}

/// What the handlers share. All of it can be rebuilt from the store.
pub(crate) struct Sqs {
    pub(crate) cloud: Cloud,
    pub(crate) queues: Directory,
    pub(crate) timelines: Timelines,
    pub(crate) recorder: Recorder,
    pub(crate) policies: PolicyCache,
    pub(crate) data_keys: DataKeys,
}
