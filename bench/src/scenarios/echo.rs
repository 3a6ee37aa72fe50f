//! The bare server.

use bytes::Bytes;

use crate::{BenchError, Client, Load, Report, load};

/// The rate of a server that does nothing, with 300-byte bodies.
pub async fn measure(client: &Client, load: Load) -> Result<Report, BenchError> {
    let host = &client.endpoint.authority;
    let request =
        format!("POST / HTTP/1.1\r\nhost: {host}\r\ncontent-length: 300\r\n\r\n{}", super::payload(0));
    load::run(client, "echo", vec![Bytes::from(request)], load).await
}
