//! DynamoDB: tables of schemaless items, addressed by a hash key and an optional range key, and their streams.
//!
//! The domain (values, numbers, keys, items, expressions, indexes, PartiQL) is plain code without I/O and without a
//! clock. Every change of an item, whoever asks for it, goes through [`write`]; every Query and Scan through [`read`].
//! It is not a query engine: a read names a key or a contiguous range of keys, or walks everything.

mod access;
mod attribute;
mod backup;
pub mod capacity;
mod consumed;
mod definitions;
mod dynamodb_json;
mod earlier_rows;
mod errors;
mod export;
pub mod expression;
mod import;
pub mod index;
mod insights;
mod ion;
pub mod item;
mod jobs;
mod journal;
pub mod key_encoding;
pub mod key_schema;
pub mod legacy;
mod legacy_parameters;
pub mod number;
mod ops;
mod partiql;
mod read;
mod replication;
mod sealing;
pub mod set;
pub mod stream_record;
mod streams;
pub mod table;
mod table_key;
mod tables;
mod target;
mod throttle;
mod time_to_live;
mod usage;
pub mod value;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use clock::JobKind;
use cloud::{Cloud, Service};
use shapes::Timestamp;
use store::Scope;

use definitions::Definitions;
use throttle::Throttle;

/// What is refused beyond what the protocol itself refuses.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Whether provisioned throughput and the limits of on-demand tables run out.
    pub has_throttling: bool,
    /// Bytes of one item collection of a table with local indexes.
    pub collection_bytes: u64,
}

impl Default for Limits {
    /// Throughput never runs out; item collections have AWS's 10 GB.
    fn default() -> Self {
        Self { has_throttling: false, collection_bytes: 10 << 30 }
    }
}

/// DynamoDB with its streams and its background work.
#[derive(Clone)]
pub struct DynamoDbService(Arc<DynamoDb>);

impl DynamoDbService {
    pub fn new(cloud: Cloud) -> Self {
        Self::with_limits(cloud, Limits::default())
    }

    pub fn with_limits(cloud: Cloud, limits: Limits) -> Self {
        let (definitions, token_frontiers) = (Definitions::new(&cloud, limits), Mutex::default());
        let throttle = limits.has_throttling.then(Arc::default);
        Self(Arc::new(DynamoDb { cloud, definitions, throttle, token_frontiers }))
    }

    /// DynamoDB as the region's registry wants it.
    pub fn service(&self) -> Service {
        Service::new(&dynamodb_api::SERVICE, Arc::clone(&self.0), ops::OPERATIONS)
    }

    /// DynamoDB Streams as the region's registry wants it.
    pub fn streams_service(&self) -> Service {
        Service::new(&dynamodb_streams_api::SERVICE, Arc::clone(&self.0), streams::ops::OPERATIONS)
    }

    /// The kinds of jobs that fill indexes, end items, trim streams, copy backups and clear away what was deleted.
    pub fn jobs(&self) -> Vec<JobKind> {
        jobs::kinds(&self.0)
    }
}

/// DynamoDB as the region's registry wants it, for regions that need none of its background work.
pub fn service(cloud: Cloud) -> Service {
    DynamoDbService::new(cloud).service()
}

/// DynamoDB Streams as the region's registry wants it.
pub fn streams_service(cloud: Cloud) -> Service {
    DynamoDbService::new(cloud).streams_service()
}

/// What the handlers share. All of it can be rebuilt from the store.
pub(crate) struct DynamoDb {
    pub(crate) cloud: Cloud,
    pub(crate) definitions: Definitions,
    /// Where throughput runs out; `None` where it never does.
    pub(crate) throttle: Option<Arc<Throttle>>,
    /// From when on a tenant's tokens of transactions are to be cleared away: those before are gone, and looking for them
    /// would be a walk over what was deleted.
    pub(crate) token_frontiers: Mutex<HashMap<Scope, Timestamp>>,
}
