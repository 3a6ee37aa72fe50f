//! Token buckets: so many requests a second, and so many at once (Developer Guide, "Throttle requests to your REST APIs").

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use shapes::Timestamp;

/// Buckets that are kept; past it all begin anew.
const KEPT: usize = 10_000;

/// The buckets of whatever is throttled, by its name.
#[derive(Default)]
pub(crate) struct Buckets(Mutex<HashMap<String, Bucket>>);

struct Bucket {
    tokens: f64,
    filled: Timestamp,
}

impl Buckets {
    /// Takes a token. `rate` is tokens a second, `burst` how many there are at most.
    pub(crate) fn take(&self, name: &str, rate: f64, burst: i32, now: Timestamp) -> bool {
        let most = f64::from(burst.max(0));
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= KEPT && !buckets.contains_key(name) {
            buckets.clear();
        }
        if !buckets.contains_key(name) {
            buckets.insert(name.to_owned(), Bucket { tokens: most, filled: now });
        }
        let Some(bucket) = buckets.get_mut(name) else { return true };
        let seconds = (now.millis() - bucket.filled.millis()).max(0) as f64 / 1000.0;
        bucket.tokens = (bucket.tokens + seconds * rate).min(most);
        bucket.filled = now;
        let is_there = bucket.tokens >= 1.0;
        if is_there {
            bucket.tokens -= 1.0;
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use shapes::Timestamp;

    use super::Buckets;

    #[test]
    fn a_bucket_fills_with_time() {
        let buckets = Buckets::default();
        let at = |millis| Timestamp::from_millis(millis);
        let take = |millis| buckets.take("a", 2.0, 3, at(millis));
        assert_eq!([take(0), take(0), take(0), take(0)], [true, true, true, false]);
        assert_eq!([take(400), take(500), take(500)], [false, true, false]);
        assert!(buckets.take("b", 0.0, 1, at(500)));
        assert!(!buckets.take("b", 0.0, 1, at(90_000)));
    }
}
