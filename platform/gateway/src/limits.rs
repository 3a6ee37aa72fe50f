//! What a client may ask of a connection.

use std::time::Duration;

/// Bounds on requests and connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of all header lines together.
    pub header_bytes: usize,
    /// Of a request's body.
    pub body_bytes: usize,
    /// Of a request's body to a service that takes uploads: Lambda's zip files, in base64.
    pub upload_bytes: usize,
    pub connections: usize,
    /// From the first byte of a request to the end of its headers.
    pub header_time: Duration,
    /// Between requests.
    pub idle_time: Duration,
    /// From the end of the headers to the end of the body.
    pub body_time: Duration,
    /// For which a client may take nothing of an answer that comes in pieces.
    pub answer_time: Duration,
    /// For requests under way when the region stops.
    pub shutdown_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 64 * 1024,
            body_bytes: 20 * 1024 * 1024,
            upload_bytes: 100 * 1024 * 1024,
            connections: 20_000,
            header_time: Duration::from_secs(30),
            idle_time: Duration::from_secs(180),
            body_time: Duration::from_secs(120),
            answer_time: Duration::from_secs(120),
            shutdown_time: Duration::from_secs(10),
        }
    }
}
