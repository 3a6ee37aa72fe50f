//! Working off what was read: parts of a batch, in order, with retries, bisection and partial failures.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use cloud::Ctx;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::record::StreamRecord;
use crate::event_source::batch::{Failures, item_failures};
use crate::event_source::{Backoff, Poller};

/// What became of a part of a batch.
enum Verdict {
    Done,
    /// The records from this index on are to be tried again.
    From(usize),
    /// The function failed; what a destination is told of its answer.
    Failed(Value),
}

impl Poller {
    /// Works records off: in order, or in as many orders at once as the mapping has, each of its own keys. Whether it
    /// was done, and not stopped.
    pub(super) async fn work_off(&self, ctx: &Ctx, shard: &str, records: Vec<StreamRecord>) -> bool {
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

    async fn work_lane(mut self, ctx: &Ctx, shard: &str, records: Vec<StreamRecord>) -> bool {
        let settings = self.mapping.settings.clone();
        let size = settings.batch_size.max(1) as usize;
        // What is to be done, the first part last; with how often it has failed.
        let mut parts: Vec<(Vec<StreamRecord>, i32)> =
            records.chunks(size).rev().map(|part| (part.to_vec(), 0)).collect();
        let mut backoff = Backoff::new();
        while let Some((mut part, failures)) = parts.pop() {
            if self.is_stopped() {
                return false;
            }
            if let Some(age) = u64::try_from(settings.maximum_age_seconds).ok().map(Duration::from_secs) {
                let (old, young): (Vec<StreamRecord>, Vec<StreamRecord>) =
                    part.into_iter().partition(|record| record.created + age < ctx.now());
                self.discard(ctx, shard, &old, "RecordAgeExceeded", failures, None).await;
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
                        self.discard(ctx, shard, &part, "RetryAttemptsExhausted", failures + 1, response)
                            .await;
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

    async fn try_part(&self, part: &[StreamRecord]) -> Verdict {
        let payload = json!({ "Records": part.iter().map(|record| &record.event).collect::<Vec<_>>() });
        let trace = part.first().and_then(|record| record.trace);
        let outcome = match self.invoke(trace, payload.to_string().into()).await {
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
        let numbers: BTreeSet<String> = part.iter().map(|record| record.sequence_number.clone()).collect();
        match item_failures(&outcome.payload, &numbers) {
            Failures::None => Verdict::Done,
            Failures::All => Verdict::From(0),
            Failures::Some(failed) => {
                let first = part.iter().position(|record| failed.contains(&record.sequence_number));
                Verdict::From(first.unwrap_or(0))
            }
        }
    }
}

/// Divides records among `count` orders by their items' keys, so that changes of one item stay in order.
fn lanes(records: Vec<StreamRecord>, count: u32) -> Vec<Vec<StreamRecord>> {
    if count <= 1 {
        return vec![records];
    }
    let mut lanes: HashMap<u64, Vec<StreamRecord>> = HashMap::new();
    for record in records {
        lanes.entry(record.item_hash() % u64::from(count)).or_default().push(record);
    }
    lanes.into_values().collect()
}

#[cfg(test)]
mod tests {
    use dynamodb_streams_api::{AttributeValue, Record, StreamRecord as Change};

    use super::{StreamRecord, lanes};

    #[test]
    fn changes_of_one_item_stay_in_order() {
        let record = |number: u32| {
            let id = AttributeValue::N((number % 7).to_string());
            let change = Change {
                keys: Some([("id".to_owned(), id)].into()),
                sequence_number: Some(number.to_string()),
                ..Default::default()
            };
            StreamRecord::of(Record { dynamodb: Some(change), ..Default::default() }, "arn")
        };
        let records: Vec<StreamRecord> = (0..100).map(record).collect();
        let number = |record: &StreamRecord| record.sequence_number.parse::<u32>().unwrap();
        assert_eq!(lanes(records.clone(), 1).len(), 1);
        let divided = lanes(records, 3);
        assert!(divided.len() <= 3 && divided.iter().map(Vec::len).sum::<usize>() == 100);
        for lane in &divided {
            assert!(lane.iter().map(number).is_sorted(), "{lane:?}");
        }
        for key in 0..7 {
            let of_key = |lane: &&Vec<StreamRecord>| lane.iter().any(|record| number(record) % 7 == key);
            assert_eq!(divided.iter().filter(of_key).count(), 1);
        }
    }
}
