//! Any URL that takes a POST: the front door of an API.

use bytes::Bytes;

use crate::{BenchError, Client, Load, Report, load};

/// Posts 300-byte JSON documents to `path`.
pub async fn measure(client: &Client, path: &str, load: Load) -> Result<Report, BenchError> {
    let host = &client.endpoint.authority;
    let requests = (0..super::POOL)
        .map(|number| {
            let body = format!("{{\"orderId\":\"{number:0>284}\"}}");
            let length = body.len();
            Bytes::from(format!(
                "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            ))
        })
        .collect();
    load::run(client, "POST", requests, load).await
}
