//! What a function reaches: the region on its own loopback, and nothing else.

use std::sync::Arc;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::kit::{Functions, host_isolates, installed};

async fn answer_one(listener: std::net::TcpListener) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let (mut stream, _) = listener.accept().await?;
    let mut request = [0; 1024];
    let _length = stream.read(&mut request).await?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nregion").await
}

#[tokio::test]
async fn the_region_is_all_of_the_network() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let outside = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = outside.local_addr().unwrap().port();
    let functions = Functions::with(|config| {
        config.serve_region = Arc::new(|listener, stopped| {
            tokio::spawn(async move {
                tokio::select! {
                    served = answer_one(listener) => served.unwrap_or_default(),
                    () = stopped => {}
                }
            });
        });
    });
    let code = "import os, socket, urllib.request\n\
                def tried(address):\n    \
                    try:\n        socket.create_connection(address, 1).close()\n        return 'reached'\n    \
                    except OSError:\n        return 'refused'\n\
                def handler(event, context):\n    \
                    with urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL']) as answer:\n        \
                        text = answer.read().decode()\n    \
                    return [text, tried(('127.0.0.1', event)), tried(('192.0.2.1', 80)), os.environ['AWS_ENDPOINT_URL']]\n";
    functions.python(code).await;
    let answer = functions.invoke(&json!(port)).await;
    assert_eq!(
        answer.payload,
        json!(["region", "refused", "refused", "http://127.0.0.1:4566"]),
        "{answer:?}"
    );
}
