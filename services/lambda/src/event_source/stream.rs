//! Streams of tables as event sources (AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB").
//!
//! A shard is read in order by one task, from where its checkpoint says; a child shard waits for its parent's end.
//! Records go to the function as they come from the stream, so the stream is read over its wire protocol.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use bytes::Bytes;
use cloud::{Ctx, tenant};
use event_pattern::EventPattern;
use http::Request;
use identity::{AccountId, Region, arn};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shapes::{ApiError, Timestamp};
use store::Watch;
use tokio::task::JoinSet;

use super::batch::{Failures, item_failures};
use super::{Backoff, Poller};
use crate::{errors, tables};

const SERVICE: &str = "dynamodbstreams";
const TARGET: &str = "DynamoDBStreams_20120810";
/// A shard without news is looked at this often, so that its iterator does not expire and new shards are found.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// Of one answer of GetRecords.
const MOST_RECORDS: u32 = 1000;
const MOST_SHARD_PAGES: usize = 100;

/// How far a mapping has come in a shard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// The last record that is done with.
    pub sequence_number: Option<String>,
    pub is_finished: bool,
}

store::row!(Checkpoint, 1);

struct Shard {
    id: String,
    parent: Option<String>,
}

/// What became of a part of a batch.
enum Verdict {
    Done,
    /// The records from this index on are to be tried again.
    From(usize),
    Failed(Value),
}

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
                        begun.insert(shard.id.clone());
                        // Shards that come into being later begin where their parents ended.
                        let from_latest =
                            is_first_look && self.mapping.settings.starting_position == "LATEST";
                        let poller = self.clone();
                        reading.spawn(async move { poller.read_shard(shard.id, from_latest).await });
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

    /// Shards that are not read yet and whose parents are done with.
    async fn shards_to_read(&self, begun: &HashSet<String>) -> Result<Vec<Shard>, ApiError> {
        let ctx = self.as_role(&self.ctx())?;
        let mut shards = Vec::new();
        let mut after: Option<Value> = None;
        for _ in 0..MOST_SHARD_PAGES {
            let mut input = json!({ "StreamArn": self.mapping.source_arn });
            if let Some(after) = after.take() {
                input["ExclusiveStartShardId"] = after;
            }
            let description = call(&ctx, "DescribeStream", &input).await?;
            let description = &description["StreamDescription"];
            for shard in description["Shards"].as_array().into_iter().flatten() {
                let text = |name: &str| shard[name].as_str().map(str::to_owned);
                shards.extend(text("ShardId").map(|id| Shard { id, parent: text("ParentShardId") }));
            }
            after = description.get("LastEvaluatedShardId").filter(|id| id.is_string()).cloned();
            if after.is_none() {
                break;
            }
        }
        let known: HashSet<String> = shards.iter().map(|shard| shard.id.clone()).collect();
        let mut ready = Vec::new();
        for shard in shards {
            let parent = shard.parent.as_ref().filter(|parent| known.contains(*parent));
            let waits = match parent {
                Some(parent) => !self.checkpoint(parent)?.is_finished,
                None => false,
            };
            if !waits && !begun.contains(&shard.id) && !self.checkpoint(&shard.id)?.is_finished {
                ready.push(shard);
            }
        }
        Ok(ready)
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

    /// Reads a shard to its end.
    async fn read_shard(mut self, shard: String, from_latest: bool) {
        let mut iterator = None;
        let mut backoff = Backoff::new();
        let patterns = self.mapping.patterns();
        while !self.is_stopped() {
            match self.read_some(&shard, from_latest, &patterns, &mut iterator).await {
                Ok(true) => return,
                Ok(false) => backoff.reset(),
                Err(error) => {
                    self.status.set(format!("PROBLEM: {error}"));
                    iterator = None;
                    let clock = self.lambda.cloud.clock().clone();
                    let pause = backoff.next();
                    tokio::select! {
                        () = clock.sleep(pause) => {}
                        () = self.stopped() => return,
                    }
                }
            }
        }
    }

    /// Reads and works off one batch, or waits for news; whether the shard has ended.
    async fn read_some(
        &mut self,
        shard: &str,
        from_latest: bool,
        patterns: &[EventPattern],
        iterator: &mut Option<String>,
    ) -> Result<bool, ApiError> {
        let mut news = self.watch();
        let ctx = self.as_role(&self.ctx())?;
        let current = match iterator.take() {
            Some(current) => current,
            None => self.iterator(&ctx, shard, from_latest).await?,
        };
        let settings = &self.mapping.settings;
        let wanted = (settings.batch_size * settings.parallelization).min(MOST_RECORDS);
        let (mut records, mut next) = get_records(&ctx, &current, wanted).await?;
        if !records.is_empty() && settings.window_seconds > 0 {
            let end = ctx.now() + Duration::from_secs(settings.window_seconds.into());
            while let Some(current) = next.clone()
                && records.len() < wanted as usize
                && ctx.now() < end
            {
                let clock = self.lambda.cloud.clock().clone();
                tokio::select! {
                    () = news.changed() => {}
                    () = clock.sleep_until(end) => {}
                }
                let (more, after) = get_records(&ctx, &current, wanted - records.len() as u32).await?;
                records.extend(more);
                next = after;
            }
        }
        if records.is_empty() {
            let Some(next) = next else {
                let checkpoint = Checkpoint { is_finished: true, ..self.checkpoint(shard)? };
                self.keep_checkpoint(shard, checkpoint).await?;
                return Ok(true);
            };
            *iterator = Some(next);
            let clock = self.lambda.cloud.clock().clone();
            tokio::select! {
                () = news.changed() => {}
                () = clock.sleep(LONGEST_SLEEP) => {}
                () = self.stopped() => {}
            }
            return Ok(false);
        }
        let last = records.last().map(|record| sequence_number(record).to_owned());
        let wanted: Vec<Value> = records.into_iter().filter(|record| is_wanted(patterns, record)).collect();
        if !self.work_off(&ctx, shard, wanted).await {
            return Ok(false);
        }
        self.keep_checkpoint(shard, Checkpoint { sequence_number: last, is_finished: false }).await?;
        *iterator = next;
        // An iterator that leads nowhere: the next look finds the end.
        if iterator.is_none() {
            let checkpoint = Checkpoint { is_finished: true, ..self.checkpoint(shard)? };
            self.keep_checkpoint(shard, checkpoint).await?;
            return Ok(true);
        }
        Ok(false)
    }

    async fn iterator(&self, ctx: &Ctx, shard: &str, from_latest: bool) -> Result<String, ApiError> {
        let mut input = json!({ "StreamArn": self.mapping.source_arn, "ShardId": shard });
        match self.checkpoint(shard)?.sequence_number {
            Some(number) => {
                input["ShardIteratorType"] = json!("AFTER_SEQUENCE_NUMBER");
                input["SequenceNumber"] = json!(number);
            }
            None => input["ShardIteratorType"] = json!(if from_latest { "LATEST" } else { "TRIM_HORIZON" }),
        }
        let answer = match call(ctx, "GetShardIterator", &input).await {
            // What followed the checkpoint has been trimmed meanwhile.
            Err(error) if error.name().contains("TrimmedDataAccess") => {
                input["ShardIteratorType"] = json!("TRIM_HORIZON");
                if let Some(input) = input.as_object_mut() {
                    input.remove("SequenceNumber");
                }
                call(ctx, "GetShardIterator", &input).await?
            }
            other => other?,
        };
        answer["ShardIterator"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| errors::invalid("the stream gave no iterator"))
    }

    /// Works records off: in order, or in as many orders at once as the mapping has, each of its own keys. Whether it
    /// was done, and not stopped.
    async fn work_off(&self, ctx: &Ctx, shard: &str, records: Vec<Value>) -> bool {
        let mut working = JoinSet::new();
        for lane in lanes(records, self.mapping.settings.parallelization) {
            let (poller, ctx, shard) = (self.clone(), ctx.clone(), shard.to_owned());
            working.spawn(async move { poller.work_lane(&ctx, &shard, lane).await });
        }
        let mut is_done = true;
        while let Some(done) = working.join_next().await {
            is_done &= done.unwrap_or(false);
        }
        is_done
    }

    async fn work_lane(mut self, ctx: &Ctx, shard: &str, records: Vec<Value>) -> bool {
        let settings = self.mapping.settings.clone();
        let size = settings.batch_size.max(1) as usize;
        // What is to be done, the first part last; with how often it has failed.
        let mut parts: Vec<(Vec<Value>, i32)> =
            records.chunks(size).rev().map(|part| (part.to_vec(), 0)).collect();
        let mut backoff = Backoff::new();
        while let Some((mut part, failures)) = parts.pop() {
            if self.is_stopped() {
                return false;
            }
            if let Some(age) = u64::try_from(settings.maximum_age_seconds).ok().map(Duration::from_secs) {
                let (old, young): (Vec<Value>, Vec<Value>) =
                    part.into_iter().partition(|record| created(record) + age < ctx.now());
                self.bury(ctx, shard, &old, "RecordAgeExceeded", failures, None).await;
                part = young;
            }
            if part.is_empty() {
                continue;
            }
            match self.try_part(&part).await {
                Verdict::Done => backoff.reset(),
                Verdict::From(first) if first > 0 => parts.push((part.split_off(first), 0)),
                Verdict::From(_) | Verdict::Failed(_) if settings.bisects && part.len() > 1 => {
                    let second = part.split_off(part.len() / 2);
                    parts.push((second, failures));
                    parts.push((part, failures));
                }
                verdict => {
                    if settings.maximum_retries >= 0 && failures >= settings.maximum_retries {
                        let response =
                            if let Verdict::Failed(response) = verdict { Some(response) } else { None };
                        self.bury(ctx, shard, &part, "RetryAttemptsExhausted", failures + 1, response).await;
                        continue;
                    }
                    parts.push((part, failures.saturating_add(1)));
                    let clock = self.lambda.cloud.clock().clone();
                    let pause = backoff.next();
                    tokio::select! {
                        () = clock.sleep(pause) => {}
                        () = self.stopped() => return false,
                    }
                }
            }
        }
        true
    }

    async fn try_part(&self, part: &[Value]) -> Verdict {
        let payload = json!({ "Records": part.iter().map(|record| self.event(record)).collect::<Vec<_>>() });
        let outcome = match self.invoke(None, payload.to_string().into()).await {
            Ok(outcome) if !outcome.is_error => outcome,
            Ok(outcome) => {
                let response = json!({
                    "statusCode": 200, "executedVersion": outcome.version, "functionError": "Unhandled",
                });
                return Verdict::Failed(response);
            }
            Err(_) => return Verdict::From(0),
        };
        if !self.mapping.settings.reports_item_failures {
            return Verdict::Done;
        }
        let numbers: BTreeSet<String> =
            part.iter().map(|record| sequence_number(record).to_owned()).collect();
        match item_failures(&outcome.payload, &numbers) {
            Failures::None => Verdict::Done,
            Failures::All => Verdict::From(0),
            Failures::Some(failed) => {
                let first = part.iter().position(|record| failed.contains(sequence_number(record)));
                Verdict::From(first.unwrap_or(0))
            }
        }
    }

    fn event(&self, record: &Value) -> Value {
        let mut event = record.clone();
        event["eventSourceARN"] = json!(self.mapping.source_arn);
        event
    }

    /// Tells the destination of records that are given up.
    async fn bury(
        &self,
        ctx: &Ctx,
        shard: &str,
        records: &[Value],
        condition: &str,
        count: i32,
        response: Option<Value>,
    ) {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return };
        let Some(destination) = &self.mapping.settings.on_failure else { return };
        let mut record = json!({
            "requestContext": {
                "requestId": ctx.ids().uuid(),
                "functionArn": self.mapping.function_arn,
                "condition": condition,
                "approximateInvokeCount": count,
            },
            "version": "1.0",
            "timestamp": ctx.now().iso8601_millis(),
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": sequence_number(first),
                "endSequenceNumber": sequence_number(last),
                "approximateArrivalOfFirstRecord": created(first).iso8601(),
                "approximateArrivalOfLastRecord": created(last).iso8601(),
                "batchSize": records.len(),
                "streamArn": self.mapping.source_arn,
            },
        });
        if let Some(response) = response {
            record["responseContext"] = response;
        }
        let sent = self.lambda.send_record(ctx, destination, record.to_string(), &[]);
        if let Err(error) = Box::pin(sent).await {
            tracing::warn!(mapping = %self.mapping.uuid, %error, "a record could not be delivered");
        }
    }
}

async fn get_records(
    ctx: &Ctx,
    iterator: &str,
    limit: u32,
) -> Result<(Vec<Value>, Option<String>), ApiError> {
    let input = json!({ "ShardIterator": iterator, "Limit": limit });
    let mut answer = call(ctx, "GetRecords", &input).await?;
    let next = answer["NextShardIterator"].as_str().map(str::to_owned);
    let records = match answer["Records"].take() {
        Value::Array(records) => records,
        _ => Vec::new(),
    };
    Ok((records, next))
}

async fn call(ctx: &Ctx, operation: &str, input: &Value) -> Result<Value, ApiError> {
    let request = Request::post("/")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("{TARGET}.{operation}"))
        .body(Bytes::from(input.to_string()))
        .map_err(ApiError::internal)?;
    let response = ctx.cloud().raw_calls()?.call_raw(ctx, SERVICE, request).await;
    let answer: Value = serde_json::from_slice(response.body()).map_err(ApiError::internal)?;
    if response.status().is_success() {
        return Ok(answer);
    }
    let code =
        answer["__type"].as_str().unwrap_or("UnknownError").rsplit('#').next().unwrap_or_default().to_owned();
    let message = answer["message"].as_str().or(answer["Message"].as_str()).unwrap_or_default().to_owned();
    Err(ApiError::with_status(response.status().as_u16(), code, message))
}

fn sequence_number(record: &Value) -> &str {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default()
}

fn created(record: &Value) -> Timestamp {
    let seconds = record["dynamodb"]["ApproximateCreationDateTime"].as_f64().unwrap_or(0.0);
    Timestamp::from_millis((seconds * 1000.0) as i64)
}

fn is_wanted(patterns: &[EventPattern], record: &Value) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(record))
}

/// Divides records among `count` orders by their items' keys, so that changes of one item stay in order.
fn lanes(records: Vec<Value>, count: u32) -> Vec<Vec<Value>> {
    if count <= 1 {
        return vec![records];
    }
    let mut lanes: HashMap<u64, Vec<Value>> = HashMap::new();
    for record in records {
        let mut hasher = DefaultHasher::new();
        record["dynamodb"]["Keys"].to_string().hash(&mut hasher);
        lanes.entry(hasher.finish() % u64::from(count)).or_default().push(record);
    }
    lanes.into_values().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{lanes, sequence_number};

    #[test]
    fn changes_of_one_item_stay_in_order() {
        let record = |key: u32, number: u32| json!({ "dynamodb": { "Keys": { "id": { "N": key.to_string() } }, "SequenceNumber": number.to_string() } });
        let records: Vec<Value> = (0..100).map(|number| record(number % 7, number)).collect();
        assert_eq!(lanes(records.clone(), 1), vec![records.clone()]);
        let divided = lanes(records, 3);
        assert!(divided.len() <= 3 && divided.iter().map(Vec::len).sum::<usize>() == 100);
        for lane in &divided {
            let numbers: Vec<u32> =
                lane.iter().filter_map(|record| sequence_number(record).parse().ok()).collect();
            assert!(numbers.is_sorted(), "{numbers:?}");
        }
        for key in ["0", "1", "2", "3", "4", "5", "6"] {
            let of_key =
                |lane: &&Vec<Value>| lane.iter().any(|record| record["dynamodb"]["Keys"]["id"]["N"] == key);
            assert_eq!(divided.iter().filter(of_key).count(), 1);
        }
    }
}
