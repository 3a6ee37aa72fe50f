//! Many connections at once, for a while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::connection::Connection;
use crate::{BenchError, Client};

/// How hard and how long.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub connections: usize,
    pub warm_up: Duration,
    pub duration: Duration,
}

impl Default for Load {
    fn default() -> Self {
        Self { connections: 64, warm_up: Duration::from_secs(1), duration: Duration::from_secs(5) }
    }
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Report {
    pub name: String,
    pub connections: usize,
    pub requests: u64,
    /// What is counted of one request: the messages of a batch, or 1.
    pub each: u64,
    pub seconds: f64,
    pub p50: Duration,
    pub p99: Duration,
    pub longest: Duration,
}

impl Report {
    pub fn rate(&self) -> f64 {
        (self.requests * self.each) as f64 / self.seconds
    }

    /// The same report, of requests that do the work of `each`.
    #[must_use]
    pub fn of_batches(self, each: usize) -> Self {
        Self { each: each as u64, ..self }
    }
}

/// Sends the requests over and over on every connection. Any answer but a success ends the run with an error.
pub async fn run(
    client: &Client,
    operation: &'static str,
    requests: Vec<Bytes>,
    load: Load,
) -> Result<Report, BenchError> {
    let requests = Arc::new(requests);
    let start = Instant::now() + load.warm_up;
    let end = start + load.duration;
    let mut tasks = Vec::new();
    for number in 0..load.connections {
        let mut connection = Connection::open(&client.endpoint.authority).await?;
        let requests = Arc::clone(&requests);
        tasks.push(tokio::spawn(async move {
            let mut times: Vec<u32> = Vec::with_capacity(1 << 14);
            // Every connection begins elsewhere, so that they do not all work on the same item.
            let mut next = number * requests.len() / load.connections.max(1);
            loop {
                let sent = Instant::now();
                if sent >= end {
                    return Ok(times);
                }
                let (status, body) = connection.exchange(&requests[next % requests.len()]).await?;
                if !(200..300).contains(&status) {
                    let body = String::from_utf8_lossy(&body).into_owned();
                    return Err(BenchError::Refused { operation, status, body });
                }
                next += 1;
                if sent >= start {
                    times.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
                }
            }
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.map_err(|error| BenchError::Request(error.to_string()))??);
    }
    Ok(report(operation, load, times))
}

pub(crate) fn report(name: &str, load: Load, mut times: Vec<u32>) -> Report {
    times.sort_unstable();
    let at = |part: f64| {
        let index = ((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1));
        Duration::from_micros(times.get(index).copied().unwrap_or(0).into())
    };
    Report {
        name: name.to_owned(),
        connections: load.connections,
        requests: times.len() as u64,
        each: 1,
        seconds: load.duration.as_secs_f64(),
        p50: at(0.5),
        p99: at(0.99),
        longest: at(1.0),
    }
}
