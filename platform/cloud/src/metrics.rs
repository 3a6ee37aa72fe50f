//! Counters of the region: calls per operation, the metrics that AWS's services publish, and Prometheus's text form.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use identity::{AccountId, Region};
use shapes::Timestamp;

/// Upper bounds of the latency buckets in microseconds. What is answered from memory takes a few of them.
const BUCKETS: [u64; 18] = [
    2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
    10_000_000,
];
/// Minutes of data points kept per metric.
const KEPT_MINUTES: usize = 180;
/// Distinct metrics kept; past it new ones are counted and dropped.
const KEPT_METRICS: usize = 50_000;

/// Everything counted since start. Nothing here is state: a restart begins at zero.
#[derive(Debug, Default)]
pub struct Metrics {
    calls: RwLock<HashMap<(&'static str, &'static str), Arc<CallCounters>>>,
    published: Mutex<HashMap<MetricKey, Arc<Series>>>,
    dropped: AtomicU64,
    pub panics: AtomicU64,
}

/// Calls of one operation.
#[derive(Debug, Default)]
pub struct CallCounters {
    pub calls: AtomicU64,
    pub client_errors: AtomicU64,
    pub server_errors: AtomicU64,
    pub nanos: AtomicU64,
    buckets: [AtomicU64; BUCKETS.len() + 1],
}

/// A metric as CloudWatch names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricKey {
    /// Whose it is; `None` where the publisher does not tell tenants apart.
    pub tenant: Option<(AccountId, Region)>,
    pub namespace: &'static str,
    pub name: &'static str,
    /// Names and values.
    pub dimensions: Vec<(&'static str, String)>,
}

impl MetricKey {
    pub fn new(namespace: &'static str, name: &'static str, dimensions: &[(&'static str, &str)]) -> Self {
        let dimensions = dimensions.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { tenant: None, namespace, name, dimensions }
    }

    /// The same metric of one account in one region.
    #[must_use]
    pub fn of(self, account: AccountId, region: Region) -> Self {
        Self { tenant: Some((account, region)), ..self }
    }
}

/// The data points of one metric, oldest first. Whoever publishes often keeps it, and need not name the metric each time.
#[derive(Debug, Default)]
pub struct Series(Mutex<VecDeque<DataPoint>>);

/// One minute of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DataPoint {
    /// Start of the minute, in seconds since the epoch.
    pub minute: i64,
    pub count: u64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
}

impl Metrics {
    /// The counters of one operation, for callers that keep them.
    pub fn calls_of(&self, service: &'static str, operation: &'static str) -> Arc<CallCounters> {
        let key = (service, operation);
        if let Some(counters) = self.calls.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(counters);
        }
        Arc::clone(self.calls.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_default())
    }

    /// Publishes a value under AWS's name for it: `("AWS/SQS", "NumberOfMessagesSent", ("QueueName", name), 1.0)`.
    pub fn publish(
        &self,
        now: Timestamp,
        namespace: &'static str,
        name: &'static str,
        dimension: (&'static str, &str),
        value: f64,
    ) {
        self.series(MetricKey::new(namespace, name, &[dimension])).add(now, value);
    }

    /// The series of a metric, for publishers that keep it. Past the bound of metrics it is one that nobody sees.
    pub fn series(&self, key: MetricKey) -> Arc<Series> {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        if published.len() >= KEPT_METRICS && !published.contains_key(&key) {
            self.dropped.fetch_add(1, Relaxed);
            return Arc::default();
        }
        Arc::clone(published.entry(key).or_default())
    }

    /// The data points of a published metric, oldest first.
    pub fn points(&self, key: &MetricKey) -> Vec<DataPoint> {
        let published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.get(key).map(|series| series.points()).unwrap_or_default()
    }

    /// Prometheus's text exposition format, version 0.0.4.
    pub fn prometheus(&self) -> String {
        let mut out = String::new();
        self.write_calls(&mut out);
        self.write_published(&mut out);
        for (name, value) in [
            ("brume_panics_total", self.panics.load(Relaxed)),
            ("brume_metrics_dropped_total", self.dropped.load(Relaxed)),
        ] {
            let _ = writeln!(out, "# TYPE {name} counter\n{name} {value}");
        }
        out
    }

    fn write_calls(&self, out: &mut String) {
        let calls = self.calls.read().unwrap_or_else(PoisonError::into_inner);
        let sorted: BTreeMap<_, _> = calls.iter().collect();
        out.push_str("# TYPE brume_calls_total counter\n");
        for ((service, operation), counters) in &sorted {
            let errors = counters.client_errors.load(Relaxed) + counters.server_errors.load(Relaxed);
            for (outcome, value) in [
                ("ok", counters.calls.load(Relaxed).saturating_sub(errors)),
                ("client_error", counters.client_errors.load(Relaxed)),
                ("server_error", counters.server_errors.load(Relaxed)),
            ] {
                let _ = writeln!(
                    out,
                    "brume_calls_total{{service=\"{service}\",operation=\"{operation}\",outcome=\"{outcome}\"}} {value}"
                );
            }
        }
        out.push_str("# TYPE brume_call_seconds histogram\n");
        for ((service, operation), counters) in &sorted {
            counters.write_histogram(out, &format!("service=\"{service}\",operation=\"{operation}\""));
        }
    }

    fn write_published(&self, out: &mut String) {
        let published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        let sorted: BTreeMap<_, _> = published.iter().collect();
        out.push_str("# TYPE brume_aws_metric_sum gauge\n");
        for (key, series) in sorted {
            let Some(last) = series.points().pop() else { continue };
            let _ =
                write!(out, "brume_aws_metric_sum{{namespace=\"{}\",name=\"{}\"", key.namespace, key.name);
            if let Some((account, region)) = &key.tenant {
                let _ = write!(out, ",account=\"{account}\",region=\"{region}\"");
            }
            for (name, value) in &key.dimensions {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                let _ = write!(out, ",{name}=\"{value}\"");
            }
            let _ = writeln!(out, "}} {}", last.sum);
        }
    }
}

impl Series {
    /// Adds a value; whether it is the first of its minute.
    pub fn add(&self, now: Timestamp, value: f64) -> bool {
        let minute = now.seconds().div_euclid(60) * 60;
        let mut points = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match points.back_mut() {
            Some(last) if last.minute == minute => {
                last.add(value);
                false
            }
            _ => {
                if points.len() == KEPT_MINUTES {
                    points.pop_front();
                }
                points.push_back(DataPoint { minute, count: 1, sum: value, min: value, max: value });
                true
            }
        }
    }

    /// The data points, oldest first.
    pub fn points(&self) -> Vec<DataPoint> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

impl CallCounters {
    /// Counts one call that took `elapsed` and ended in HTTP `status`.
    pub fn record(&self, elapsed: Duration, status: u16) {
        let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        self.calls.fetch_add(1, Relaxed);
        self.nanos.fetch_add(nanos, Relaxed);
        match status {
            400..=499 => self.client_errors.fetch_add(1, Relaxed),
            500.. => self.server_errors.fetch_add(1, Relaxed),
            _ => 0,
        };
        let bucket = BUCKETS.partition_point(|bound| *bound * 1000 < nanos);
        self.buckets[bucket].fetch_add(1, Relaxed);
    }

    fn write_histogram(&self, out: &mut String, labels: &str) {
        let mut total = 0;
        for (index, bucket) in self.buckets.iter().enumerate() {
            total += bucket.load(Relaxed);
            let bound =
                BUCKETS.get(index).map_or("+Inf".to_owned(), |micros| (*micros as f64 / 1e6).to_string());
            let _ = writeln!(out, "brume_call_seconds_bucket{{{labels},le=\"{bound}\"}} {total}");
        }
        let seconds = self.nanos.load(Relaxed) as f64 / 1e9;
        let _ = writeln!(out, "brume_call_seconds_sum{{{labels}}} {seconds}");
        let _ = writeln!(out, "brume_call_seconds_count{{{labels}}} {total}");
    }
}

impl DataPoint {
    fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use identity::{AccountId, Region};
    use shapes::Timestamp;

    use super::{MetricKey, Metrics};

    #[test]
    fn calls_and_published_values_are_exposed() {
        let metrics = Metrics::default();
        metrics.calls_of("sqs", "SendMessage").record(Duration::from_micros(70), 200);
        metrics.calls_of("sqs", "SendMessage").record(Duration::from_micros(70), 400);
        let dimension = ("QueueName", "a\"b");
        for (seconds, value) in [(60, 2.0), (61, 3.0), (120, 4.0)] {
            metrics.publish(
                Timestamp::from_seconds(seconds),
                "AWS/SQS",
                "NumberOfMessagesSent",
                dimension,
                value,
            );
        }
        let text = metrics.prometheus();
        assert!(text.contains(r#"operation="SendMessage",outcome="client_error"} 1"#), "{text}");
        assert!(text.contains(r#"le="0.00005"} 0"#) && text.contains(r#"le="0.0001"} 2"#), "{text}");
        assert!(text.contains(r#"seconds_sum{service="sqs",operation="SendMessage"} 0.00014"#), "{text}");
        assert!(text.contains(r#"QueueName="a\"b"} 4"#), "{text}");
        let key = MetricKey::new("AWS/SQS", "NumberOfMessagesSent", &[("QueueName", "a\"b")]);
        let sums: Vec<f64> = metrics.points(&key).iter().map(|point| point.sum).collect();
        assert_eq!(sums, [5.0, 4.0]);
    }

    #[test]
    fn a_kept_series_is_that_of_its_metric_and_tenants_have_their_own() {
        let metrics = Metrics::default();
        let dimensions = [("TableName", "orders"), ("GlobalSecondaryIndexName", "by-v")];
        let key = || MetricKey::new("AWS/DynamoDB", "ConsumedReadCapacityUnits", &dimensions);
        let (account, region) = (AccountId::DEFAULT, Region::US_EAST_1);
        let series = metrics.series(key().of(account, region));
        assert!(series.add(Timestamp::from_seconds(60), 1.5));
        assert!(!series.add(Timestamp::from_seconds(119), 1.0));
        assert!(series.add(Timestamp::from_seconds(120), 0.5));
        let sums = metrics.points(&key().of(account, region)).into_iter().map(|point| point.sum);
        assert_eq!(sums.collect::<Vec<_>>(), [2.5, 0.5]);
        assert_eq!(metrics.points(&key()), []);
        let text = metrics.prometheus();
        assert!(text.contains(r#"TableName="orders",GlobalSecondaryIndexName="by-v"} 0.5"#), "{text}");
    }
}
