//! Records out of queues and streams, as event source mappings and pipes take them: which services can be sources, how
//! records are gathered into batches, filtered, and taken in order, and what happens to those that nobody took.
//!
//! Who takes the records, and where its settings and checkpoints are kept, is the services' own business: see
//! [`Consumer`].

mod item_failures;
mod queue;
mod stream;
mod task;

use std::collections::BTreeSet;

use cloud::{BoxFuture, Cloud, Ctx, TraceContext};
use event_pattern::EventPattern;
use identity::arn;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shapes::{ApiError, Timestamp};

pub use item_failures::{ItemFailures, item_failures};
pub use task::{Status, Tasks};

/// What kind of source an ARN names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    Queue,
    TableStream,
}

/// Why an ARN cannot be a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceError {
    NotAnArn,
    /// A source on AWS, but not here yet.
    NotHere(String),
}

impl SourceKind {
    pub fn of(source_arn: &str) -> Result<Self, SourceError> {
        match arn::split(source_arn) {
            Some(parts) if parts.service == "sqs" => Ok(Self::Queue),
            Some(parts) if parts.service == "dynamodb" && parts.resource.contains("/stream/") => {
                Ok(Self::TableStream)
            }
            Some(parts) => Err(SourceError::NotHere(parts.service.to_owned())),
            None => Err(SourceError::NotAnArn),
        }
    }
}

/// A source, and how it is read.
#[derive(Clone, Debug)]
pub struct Source {
    pub arn: String,
    /// Records of one batch at most.
    pub batch_size: u32,
    /// For which a batch that is not full is waited for.
    pub window_seconds: u32,
    /// A record is taken that one of them matches; every record when there are none.
    pub patterns: Vec<EventPattern>,
    /// Batches of a queue that are worked off at once; as many as it takes when there is no bound.
    pub maximum_concurrency: Option<u32>,
    /// A stream is read from its end and not from its beginning.
    pub from_latest: bool,
    /// A batch of a stream that failed is divided in two.
    pub bisects: bool,
    /// -1 is for ever.
    pub maximum_retries: i32,
    /// -1 is for ever.
    pub maximum_age_seconds: i32,
    /// Batches of one shard that are worked off at once, each of its own items.
    pub parallelization: u32,
}

/// How far a consumer has come in a shard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The last record that is done with.
    pub sequence_number: Option<String>,
    pub is_finished: bool,
}

store::row!(Checkpoint, 1);

/// What became of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivered {
    All,
    /// All but the records with these identifiers: a message's id, or a stream record's sequence number.
    AllBut(BTreeSet<String>),
    /// Nothing; with what a destination for failures is told of the answer, where there was one.
    Nothing(Option<Value>),
}

/// Records of a stream that are given up.
#[derive(Clone, Debug)]
pub struct GivenUp<'g> {
    pub shard: &'g str,
    /// `RecordAgeExceeded` or `RetryAttemptsExhausted`.
    pub condition: &'static str,
    pub records: usize,
    pub first_sequence_number: &'g str,
    pub last_sequence_number: &'g str,
    pub first_arrival: Timestamp,
    pub last_arrival: Timestamp,
    /// How often they were handed over.
    pub attempts: i32,
    /// See [`Delivered::Nothing`].
    pub response: Option<Value>,
    /// Of the write that the first record tells of.
    pub trace: Option<TraceContext>,
}

/// Who takes the records of a source.
pub trait Consumer: Send + Sync + 'static {
    fn source(&self) -> &Source;

    fn cloud(&self) -> &Cloud;

    /// In a trace of its own.
    fn ctx(&self) -> Ctx;

    /// As the role that may read the source.
    fn as_role(&self, ctx: &Ctx) -> Result<Ctx, ApiError>;

    /// Takes a batch, in the trace of its first record.
    fn take(&self, trace: Option<TraceContext>, records: Vec<Value>) -> BoxFuture<'_, Delivered>;

    fn checkpoint(&self, shard: &str) -> Result<Checkpoint, ApiError>;

    fn keep_checkpoint(&self, shard: String, checkpoint: Checkpoint) -> BoxFuture<'_, Result<(), ApiError>>;

    /// Hears of records that are given up.
    fn give_up<'a>(&'a self, ctx: &'a Ctx, records: GivenUp<'a>) -> BoxFuture<'a, ()>;
}

impl Source {
    fn takes(&self, record: &Value) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(record))
    }
}
