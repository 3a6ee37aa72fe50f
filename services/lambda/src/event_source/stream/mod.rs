//! Streams of tables as event sources (AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB").
//!
//! A shard is read in order by one task, from where its checkpoint says ([`shard`]); a child shard waits for its
//! parent's end. What was read is worked off in as many orders as the mapping has ([`lane`]), and what cannot be
//! worked off in the end is told to the mapping's destination ([`discard`]).

mod discard;
mod lane;
mod record;
mod shard;

use std::collections::HashSet;
use std::time::Duration;

use cloud::tenant;
use dynamodb_streams_api::op::DescribeStream;
use dynamodb_streams_api::{DescribeStreamInput, Shard};
use identity::{AccountId, Region, arn};
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use store::Watch;
use tokio::task::JoinSet;

use super::{Backoff, Poller};
use crate::tables;

/// A shard without news is looked at this often, so that its iterator does not expire and new shards are found.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
const MOST_SHARD_PAGES: usize = 100;

/// How far a mapping has come in a shard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// The last record that is done with.
    pub sequence_number: Option<String>,
    pub is_finished: bool,
}

store::row!(Checkpoint, 1);

impl Poller {
    /// Reads all shards until the mapping changes.
    pub(super) async fn poll_stream(mut self) {
        let mut reading = JoinSet::new();
        let mut begun: HashSet<String> = HashSet::new();
        let mut is_first_look = true;
        let mut backoff = Backoff::new();
        let mut news = self.watch();
        loop {
            let pause = match self.shards_to_read(&begun).await {
                Ok(shards) => {
                    backoff.reset();
                    for shard in shards {
                        begun.insert(shard.clone());
                        // Shards that come into being later begin where their parents ended.
                        let from_latest =
                            is_first_look && self.mapping.settings.starting_position == "LATEST";
                        let poller = self.clone();
                        reading.spawn(async move { poller.read_shard(shard, from_latest).await });
                    }
                    is_first_look = false;
                    LONGEST_SLEEP
                }
                Err(error) => {
                    self.status.set(format!("PROBLEM: {error}"));
                    backoff.next()
                }
            };
            let clock = self.lambda.cloud.clock().clone();
            tokio::select! {
                () = self.stopped() => return,
                _ = reading.join_next(), if !reading.is_empty() => {}
                () = news.changed(), if reading.is_empty() => {}
                () = clock.sleep(pause) => {}
            }
        }
    }

    /// Wakes when something was written to the stream.
    fn watch(&self) -> Watch {
        let source = &self.mapping.source_arn;
        let place = arn::split(source)
            .and_then(|parts| Some((parts.account_id()?, Region::parse(parts.region)?)))
            .unwrap_or((AccountId::DEFAULT, self.target.region));
        self.lambda.cloud.store().watch(&tenant(place.0, place.1), &format!("dynamodbstreams/{source}"))
    }

    /// Ids of shards that are not read yet and whose parents are done with.
    async fn shards_to_read(&self, begun: &HashSet<String>) -> Result<Vec<String>, ApiError> {
        let shards = self.shards().await?;
        let known: HashSet<&str> = shards.iter().filter_map(|shard| shard.shard_id.as_deref()).collect();
        let mut ready = Vec::new();
        for shard in &shards {
            let Some(id) = &shard.shard_id else { continue };
            let parent = shard.parent_shard_id.as_deref().filter(|parent| known.contains(parent));
            let waits = match parent {
                Some(parent) => !self.checkpoint(parent)?.is_finished,
                None => false,
            };
            if !waits && !begun.contains(id) && !self.checkpoint(id)?.is_finished {
                ready.push(id.clone());
            }
        }
        Ok(ready)
    }

    async fn shards(&self) -> Result<Vec<Shard>, ApiError> {
        let ctx = self.as_role(&self.ctx())?;
        let mut shards = Vec::new();
        let mut after = None;
        for _ in 0..MOST_SHARD_PAGES {
            let input = DescribeStreamInput {
                stream_arn: self.mapping.source_arn.clone(),
                exclusive_start_shard_id: after.take(),
                ..Default::default()
            };
            let described = ctx.call::<DescribeStream>(input).await?.stream_description.unwrap_or_default();
            shards.extend(described.shards.unwrap_or_default());
            after = described.last_evaluated_shard_id;
            if after.is_none() {
                break;
            }
        }
        Ok(shards)
    }

    fn checkpoint(&self, shard: &str) -> Result<Checkpoint, ApiError> {
        let key = (self.mapping.uuid.clone(), shard.to_owned());
        let mut reader = self.lambda.cloud.store().read(&self.target.scope())?;
        Ok(tables::CHECKPOINTS.find(&mut reader, &key)?.unwrap_or_default())
    }

    async fn keep_checkpoint(&self, shard: &str, checkpoint: Checkpoint) -> Result<(), ApiError> {
        let key = (self.mapping.uuid.clone(), shard.to_owned());
        let scope = self.target.scope();
        let work = move |tx: &mut store::Tx<'_>| {
            // A mapping that is gone leaves nothing behind.
            if tables::MAPPINGS.contains(tx, &key.0)? {
                tables::CHECKPOINTS.put(tx, &key, &checkpoint);
            }
            Ok(())
        };
        self.lambda.cloud.store().write(&scope, work).await
    }
}
