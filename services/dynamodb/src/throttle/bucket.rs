//! Buckets of capacity units.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shapes::Timestamp;

use crate::usage::Direction;

/// "DynamoDB currently retains up to 5 minutes (300 seconds) of unused read and write capacity."
const BURST_SECONDS: f64 = 300.0;
/// Buckets remembered; past it all are forgotten.
const MOST_BUCKETS: usize = 100_000;

/// By the id of a table or index.
pub(super) type BucketId = (u64, Direction);

/// The buckets of all tables and indexes.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<HashMap<BucketId, Bucket>>);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    units: f64,
    at: Timestamp,
    /// Units a second since `at`.
    rate: f64,
}

/// Units to be taken from one bucket, which fills by `rate` a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Take {
    pub bucket: BucketId,
    pub units: f64,
    pub rate: f64,
}

/// Units that were taken. They go back unless they are kept: a transaction that is undone consumed nothing.
#[derive(Debug)]
pub(crate) struct Taken {
    throttle: Arc<Throttle>,
    parts: Vec<(BucketId, f64)>,
}

impl Bucket {
    /// A new one has its first second.
    fn new(rate: f64, at: Timestamp) -> Self {
        Self { units: rate, at, rate }
    }

    fn settle(&mut self, now: Timestamp) {
        self.units += self.rate * now.since(self.at).as_secs_f64();
        self.at = now;
        self.clip();
    }

    fn clip(&mut self) {
        self.units = self.units.min(self.rate * BURST_SECONDS);
    }
}

impl Throttle {
    fn buckets(&self) -> MutexGuard<'_, HashMap<BucketId, Bucket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes from all buckets, or from none: which one is short. A bucket that nobody took from yet fills since `since`.
    ///
    /// What is more than a second's units passes with a full second's and leaves a debt: DynamoDB lets an item through that
    /// is larger than its table's throughput.
    pub(super) fn take(
        self: &Arc<Self>,
        takes: &[Take],
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Taken, BucketId> {
        let mut buckets = self.buckets();
        if buckets.len() > MOST_BUCKETS {
            buckets.clear();
        }
        for take in takes {
            let bucket = buckets.entry(take.bucket).or_insert_with(|| Bucket::new(take.rate, since));
            bucket.settle(now);
            // Whoever changes a rate says so at once; this is for changes that another process made.
            bucket.rate = take.rate;
            bucket.clip();
            if bucket.units < take.units.min(take.rate) {
                return Err(take.bucket);
            }
        }
        let mut taken = Taken { throttle: Arc::clone(self), parts: Vec::with_capacity(takes.len()) };
        for take in takes {
            if let Some(bucket) = buckets.get_mut(&take.bucket) {
                bucket.units -= take.units;
                taken.parts.push((take.bucket, take.units));
            }
        }
        Ok(taken)
    }

    /// Settles a bucket at its old rate, and has it fill by the new one from `now` on.
    pub(super) fn follow(
        &self,
        (bucket, old, new): &(BucketId, Option<f64>, Option<f64>),
        since: Timestamp,
        now: Timestamp,
    ) {
        let mut buckets = self.buckets();
        let Some(new) = *new else {
            buckets.remove(bucket);
            return;
        };
        let found = buckets.entry(*bucket).or_insert_with(|| match old {
            Some(old) => Bucket::new(*old, since),
            None => Bucket::new(new, now),
        });
        found.settle(now);
        found.rate = new;
        found.clip();
    }
}

impl Taken {
    pub(crate) fn keep(mut self) {
        self.parts.clear();
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.parts.is_empty() {
            return;
        }
        let mut buckets = self.throttle.buckets();
        for (bucket, units) in &self.parts {
            if let Some(bucket) = buckets.get_mut(bucket) {
                bucket.units += units;
                bucket.clip();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_000_000);

    fn take(throttle: &Arc<Throttle>, seconds: u64, units: f64, rate: f64) -> bool {
        let takes = [Take { bucket: (1, Direction::Write), units, rate }];
        let taken = throttle.take(&takes, START, START + Duration::from_secs(seconds));
        taken.map(Taken::keep).is_ok()
    }

    #[test]
    fn a_bucket_keeps_five_minutes_of_what_was_not_used() {
        let throttle = Arc::new(Throttle::default());
        let take = |seconds, units| take(&throttle, seconds, units, 2.0);
        // A new table has its first second.
        assert!(take(0, 2.0) && !take(0, 1.0));
        assert!(take(1, 2.0) && !take(1, 0.5));
        assert!(take(10_000, 599.0) && take(10_000, 1.0) && !take(10_000, 1.0));
        // More than there is passes with a full second, and leaves a debt.
        assert!(take(10_001, 10.0) && !take(10_004, 1.0) && take(10_006, 1.0));
    }

    #[test]
    fn a_changed_rate_counts_from_its_change() {
        let throttle = Arc::new(Throttle::default());
        assert!(take(&throttle, 0, 1.0, 1.0));
        let at = |seconds| START + Duration::from_secs(seconds);
        throttle.follow(&((1, Direction::Write), Some(1.0), Some(100.0)), START, at(10));
        // Ten seconds of one unit and one of a hundred.
        for _ in 0..110 {
            assert!(take(&throttle, 11, 1.0, 100.0));
        }
        assert!(!take(&throttle, 11, 1.0, 100.0));
        throttle.follow(&((1, Direction::Write), Some(100.0), Some(1.0)), START, at(12));
        for _ in 0..100 {
            assert!(take(&throttle, 12, 1.0, 1.0));
        }
        assert!(!take(&throttle, 12, 1.0, 1.0));
        // One that nobody took from had its old rate until then.
        throttle.follow(&((2, Direction::Read), Some(1.0), Some(50.0)), START, at(20));
        let takes = [Take { bucket: (2, Direction::Read), units: 1.0, rate: 50.0 }];
        for _ in 0..21 {
            throttle.take(&takes, START, at(20)).unwrap().keep();
        }
        assert!(throttle.take(&takes, START, at(20)).is_err());
    }

    #[test]
    fn buckets_are_taken_from_together_and_given_back_together() {
        let throttle = Arc::new(Throttle::default());
        let take = |id, units| Take { bucket: (id, Direction::Read), units, rate: 10.0 };
        assert!(throttle.take(&[take(2, 5.0)], START, START).map(Taken::keep).is_ok());
        let short = throttle.take(&[take(1, 5.0), take(2, 6.0)], START, START).map(Taken::keep);
        assert_eq!(short, Err((2, Direction::Read)));
        let taken = throttle.take(&[take(1, 10.0), take(2, 5.0)], START, START).unwrap();
        assert!(throttle.take(&[take(1, 1.0)], START, START).is_err());
        drop(taken);
        assert!(throttle.take(&[take(1, 10.0), take(2, 5.0)], START, START).map(Taken::keep).is_ok());
        let other = Take { bucket: (1, Direction::Write), units: 10.0, rate: 10.0 };
        assert!(throttle.take(&[other], START, START).is_ok());
    }
}
