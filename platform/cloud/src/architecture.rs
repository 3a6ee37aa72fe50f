//! The live picture of an architecture: which resource called which, how often, how well and how fast.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use shapes::Timestamp;

/// Edges kept; past it new ones are not drawn.
const KEPT_EDGES: usize = 5000;
/// Seconds that a rate looks back.
const WINDOW: usize = 60;

/// Calls between resources, by the ARN of both ends.
#[derive(Debug, Default)]
pub struct Architecture {
    edges: Mutex<HashMap<(Arc<str>, Arc<str>), Edge>>,
}

#[derive(Debug)]
struct Edge {
    calls: u64,
    errors: u64,
    micros: u64,
    last: Timestamp,
    operation: Arc<str>,
    /// Per second of the window: the second it stands for, calls, errors and microseconds.
    seconds: [(i64, u32, u32, u64); WINDOW],
}

/// An edge as the console draws it.
#[derive(Clone, Debug, Serialize)]
pub struct EdgeView {
    pub from: Arc<str>,
    pub to: Arc<str>,
    pub operation: Arc<str>,
    pub calls: u64,
    pub errors: u64,
    /// Over the last minute.
    pub calls_per_second: f64,
    pub errors_per_second: f64,
    pub mean_millis: f64,
    pub seconds_since_last: i64,
}

impl Architecture {
    pub fn record(
        &self,
        now: Timestamp,
        from: Arc<str>,
        to: Arc<str>,
        operation: &Arc<str>,
        elapsed: Duration,
        is_error: bool,
    ) {
        let mut edges = self.edges.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (from, to);
        if edges.len() >= KEPT_EDGES && !edges.contains_key(&key) {
            return;
        }
        let edge = edges.entry(key).or_insert_with(|| Edge {
            calls: 0,
            errors: 0,
            micros: 0,
            last: now,
            operation: Arc::clone(operation),
            seconds: [(0, 0, 0, 0); WINDOW],
        });
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        edge.calls += 1;
        edge.errors += u64::from(is_error);
        edge.micros = edge.micros.saturating_add(micros);
        edge.last = now;
        if edge.operation != *operation {
            edge.operation = Arc::clone(operation);
        }
        let second = now.seconds();
        let slot = &mut edge.seconds[second.rem_euclid(WINDOW as i64) as usize];
        if slot.0 != second {
            *slot = (second, 0, 0, 0);
        }
        slot.1 += 1;
        slot.2 += u32::from(is_error);
        slot.3 = slot.3.saturating_add(micros);
    }

    /// All edges, busiest first.
    pub fn edges(&self, now: Timestamp) -> Vec<EdgeView> {
        let edges = self.edges.lock().unwrap_or_else(PoisonError::into_inner);
        let mut views: Vec<EdgeView> =
            edges.iter().map(|((from, to), edge)| edge.view(now, from, to)).collect();
        views.sort_by(|a, b| {
            b.calls.cmp(&a.calls).then_with(|| a.from.cmp(&b.from)).then_with(|| a.to.cmp(&b.to))
        });
        views
    }

    /// Forgets the calls from and to a resource that is gone.
    pub fn forget(&self, resource: &str) {
        let mut edges = self.edges.lock().unwrap_or_else(PoisonError::into_inner);
        edges.retain(|(from, to), _| &**from != resource && &**to != resource);
    }
}

impl Edge {
    fn view(&self, now: Timestamp, from: &Arc<str>, to: &Arc<str>) -> EdgeView {
        let oldest = now.seconds() - WINDOW as i64;
        let recent = self.seconds.iter().filter(|slot| slot.0 > oldest);
        let (calls, errors) =
            recent.fold((0_u64, 0_u64), |sum, slot| (sum.0 + u64::from(slot.1), sum.1 + u64::from(slot.2)));
        EdgeView {
            from: Arc::clone(from),
            to: Arc::clone(to),
            operation: Arc::clone(&self.operation),
            calls: self.calls,
            errors: self.errors,
            calls_per_second: calls as f64 / WINDOW as f64,
            errors_per_second: errors as f64 / WINDOW as f64,
            mean_millis: self.micros as f64 / self.calls.max(1) as f64 / 1000.0,
            seconds_since_last: now.seconds() - self.last.seconds(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use shapes::Timestamp;

    use super::Architecture;

    #[test]
    fn rates_cover_the_last_minute() {
        let architecture = Architecture::default();
        let (from, to, operation): (Arc<str>, Arc<str>, Arc<str>) =
            ("a".into(), "b".into(), "sqs:SendMessage".into());
        for second in [0, 100, 130] {
            architecture.record(
                Timestamp::from_seconds(second),
                Arc::clone(&from),
                Arc::clone(&to),
                &operation,
                Duration::from_millis(2),
                second == 130,
            );
        }
        let edge = &architecture.edges(Timestamp::from_seconds(131))[0];
        assert_eq!((edge.calls, edge.errors, edge.mean_millis), (3, 1, 2.0));
        assert_eq!((edge.calls_per_second * 60.0).round(), 2.0);
        architecture.forget("b");
        assert!(architecture.edges(Timestamp::from_seconds(131)).is_empty());
    }
}
