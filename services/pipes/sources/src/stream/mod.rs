//! Streams of tables as sources (AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB").
//!
//! A shard is read in order by one task, from where its checkpoint says ([`shard`]); a child shard waits for its
//! parent's end. What was read is worked off in as many orders as the source has ([`lane`]), and what cannot be
//! worked off in the end is given up.

mod lane;
mod record;
mod shard;

use std::collections::HashSet;
use std::time::Duration;

use cloud::tenant;
use dynamodb_streams_api::op::DescribeStream;
use dynamodb_streams_api::{DescribeStreamInput, Shard};
use identity::{AccountId, Region, arn};
use shapes::ApiError;
use store::Watch;
use tokio::task::JoinSet;

use crate::Checkpoint;
use crate::task::{Backoff, Reader};

/// A shard without news is looked at this often, so that its iterator does not expire and new shards are found.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
const MOST_SHARD_PAGES: usize = 100;

impl Reader {
    /// Reads all shards until the consumer changes.
    pub(crate) async fn read_stream(mut self) {
        let mut reading = JoinSet::new();
        let mut begun: HashSet<String> = HashSet::new();
        let mut is_first_look = true;
        let mut backoff = Backoff::new();
        let mut news = self.watch();
        loop {
            // Shards that come into being later begin where their parents ended.
            let leaves_out = is_first_look && self.source().from_latest;
            let pause = match self.shards_to_read(&begun, leaves_out).await {
                Ok(shards) => {
                    backoff.reset();
                    for (shard, from_latest) in shards {
                        begun.insert(shard.clone());
                        let reader = self.clone();
                        reading.spawn(async move { reader.read_shard(shard, from_latest).await });
                    }
                    is_first_look = false;
                    LONGEST_SLEEP
                }
                Err(error) => {
                    self.tell(&error);
                    backoff.next()
                }
            };
            let clock = self.clock();
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
        let source = &self.source().arn;
        let place = arn::split(source)
            .and_then(|parts| Some((parts.account_id()?, Region::parse(parts.region)?)))
            .unwrap_or_else(|| (AccountId::DEFAULT, self.consumer.ctx().region()));
        self.consumer.cloud().store().watch(&tenant(place.0, place.1), &format!("dynamodbstreams/{source}"))
    }

    /// Ids of shards that are not read yet and whose parents are done with, and whether each is to be read from its end.
    /// When what is in the stream so far is left out, shards that are closed are done with; but not those that follow one
    /// of which something was read, by an earlier process.
    async fn shards_to_read(
        &self,
        begun: &HashSet<String>,
        leaves_out: bool,
    ) -> Result<Vec<(String, bool)>, ApiError> {
        let shards = self.shards().await?;
        let known: HashSet<&str> = shards.iter().filter_map(|shard| shard.shard_id.as_deref()).collect();
        let mut ready = Vec::new();
        for shard in &shards {
            let Some(id) = &shard.shard_id else { continue };
            let parent = shard.parent_shard_id.as_deref().filter(|parent| known.contains(parent));
            let parent = parent.map(|parent| self.consumer.checkpoint(parent)).transpose()?;
            let own = self.consumer.checkpoint(id)?;
            let waits = parent.as_ref().is_some_and(|parent| !parent.is_finished);
            if waits || own.is_finished || begun.contains(id) {
                continue;
            }
            let is_begun = own.sequence_number.is_some();
            let follows = parent.is_some_and(|parent| parent.sequence_number.is_some());
            let from_latest = leaves_out && !is_begun && !follows;
            let range = shard.sequence_number_range.as_ref();
            if from_latest && range.is_some_and(|range| range.ending_sequence_number.is_some()) {
                let done = Checkpoint { is_finished: true, ..own };
                self.consumer.keep_checkpoint(id.clone(), done).await?;
                continue;
            }
            ready.push((id.clone(), from_latest));
        }
        Ok(ready)
    }

    async fn shards(&self) -> Result<Vec<Shard>, ApiError> {
        let ctx = self.consumer.as_role(&self.consumer.ctx())?;
        let mut shards = Vec::new();
        let mut after = None;
        for _ in 0..MOST_SHARD_PAGES {
            let input = DescribeStreamInput {
                stream_arn: self.source().arn.clone(),
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
}
