//! Working off what was read: parts of a batch, in order, with retries, bisection and partial failures.

use std::collections::HashMap;
use std::time::Duration;

use cloud::Ctx;
use serde_json::Value;
use tokio::task::JoinSet;

use super::record::StreamRecord;
use crate::task::{Backoff, Reader};
use crate::{Delivered, GivenUp, Source};

/// What became of a part of a batch.
enum Verdict {
    Done,
    /// The records from this index on are to be tried again.
    From(usize),
    /// The consumer failed; what a destination is told of its answer.
    Failed(Option<Value>),
}

impl Reader {
    /// Works records off: in order, or in as many orders at once as the source has, each of its own keys. Whether it
    /// was done, and not stopped.
    pub(super) async fn work_off(&self, ctx: &Ctx, shard: &str, records: Vec<StreamRecord>) -> bool {
        let mut working = JoinSet::new();
        for lane in lanes(records, self.source().parallelization) {
            let (reader, ctx, shard) = (self.clone(), ctx.clone(), shard.to_owned());
            working.spawn(async move { reader.work_lane(&ctx, &shard, lane).await });
        }
        let mut is_done = true;
        while let Some(done) = working.join_next().await {
            is_done &= done.unwrap_or(false);
        }
        is_done
    }

    async fn work_lane(mut self, ctx: &Ctx, shard: &str, records: Vec<StreamRecord>) -> bool {
        let Source { batch_size, bisects, maximum_retries, maximum_age_seconds, .. } = *self.source();
        let size = batch_size.max(1) as usize;
        // What is to be done, the first part last; with how often it has failed.
        let mut parts: Vec<(Vec<StreamRecord>, i32)> =
            records.chunks(size).rev().map(|part| (part.to_vec(), 0)).collect();
        let mut backoff = Backoff::new();
        while let Some((mut part, failures)) = parts.pop() {
            if self.is_stopped() {
                return false;
            }
            if let Some(age) = u64::try_from(maximum_age_seconds).ok().map(Duration::from_secs) {
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
                Verdict::From(_) | Verdict::Failed(_) if bisects && part.len() > 1 => {
                    let second = part.split_off(part.len() / 2);
                    parts.push((second, failures));
                    parts.push((part, failures));
                }
                verdict => {
                    if maximum_retries >= 0 && failures >= maximum_retries {
                        let response = if let Verdict::Failed(response) = verdict { response } else { None };
                        self.discard(ctx, shard, &part, "RetryAttemptsExhausted", failures + 1, response)
                            .await;
                        continue;
                    }
                    parts.push((part, failures.saturating_add(1)));
                    if !self.pause(backoff.next()).await {
                        return false;
                    }
                }
            }
        }
        true
    }

    async fn try_part(&self, part: &[StreamRecord]) -> Verdict {
        let records = part.iter().map(|record| record.event.clone()).collect();
        let trace = part.first().and_then(|record| record.trace);
        match self.consumer.take(trace, records).await {
            Delivered::All => Verdict::Done,
            Delivered::Nothing(response) => Verdict::Failed(response),
            Delivered::AllBut(failed) => {
                let first = part.iter().position(|record| failed.contains(&record.sequence_number));
                Verdict::From(first.unwrap_or(0))
            }
        }
    }

    async fn discard(
        &self,
        ctx: &Ctx,
        shard: &str,
        records: &[StreamRecord],
        condition: &'static str,
        attempts: i32,
        response: Option<Value>,
    ) {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return };
        let given_up = GivenUp {
            shard,
            condition,
            records: records.len(),
            first_sequence_number: &first.sequence_number,
            last_sequence_number: &last.sequence_number,
            first_arrival: first.created,
            last_arrival: last.created,
            attempts,
            response,
            trace: first.trace,
        };
        self.consumer.give_up(ctx, given_up).await;
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
