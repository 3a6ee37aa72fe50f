//! HTTP endpoints behind methods, plain and as proxies.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::kit::Api;

/// An endpoint that answers one request and then tells what it was sent.
async fn endpoint(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut sent = Vec::new();
        loop {
            let mut part = [0; 4096];
            let read = stream.read(&mut part).await.unwrap();
            sent.extend_from_slice(&part[..read]);
            let text = String::from_utf8_lossy(&sent).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
            });
            if read == 0 || body.len() >= length.unwrap_or(0) {
                break;
            }
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&sent).into_owned()
    });
    (url, served)
}

#[tokio::test]
async fn a_proxy_passes_the_request_on_and_the_answer_back() {
    let (url, served) = endpoint(
        "HTTP/1.1 418 Teapot\r\ncontent-type: text/plain\r\nx-own: yes\r\ncontent-length: 5\r\n\r\nshort",
    )
    .await;
    let api = Api::new("{proxy+}").await;
    let integration = json!({"type": "HTTP_PROXY", "integrationHttpMethod": "ANY", "uri": format!("{url}/shop/{{proxy}}"),
        "requestParameters": {"integration.request.path.proxy": "method.request.path.proxy"}});
    let method = json!({"requestParameters": {"method.request.path.proxy": true}});
    api.method("ANY", method, integration, json!({})).await;
    api.deploy().await;
    let headers = [("content-type", "text/plain"), ("x-sent", "1")];
    let answered = api.world.send("PUT", &api.url("/a/b?q=x"), &headers, "hello").await;
    assert_eq!((answered.status, answered.body.as_str()), (418, "short"), "{answered:?}");
    assert_eq!(answered.header("x-own"), "yes");
    let sent = served.await.unwrap();
    assert!(sent.starts_with("PUT /shop/a/b?q=x HTTP/1.1\r\n"), "{sent}");
    assert!(sent.to_ascii_lowercase().contains("x-sent: 1\r\n") && sent.ends_with("hello"), "{sent}");
}

#[tokio::test]
async fn without_a_proxy_only_what_is_mapped_goes_either_way() {
    let (url, served) = endpoint(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-count: 3\r\ncontent-length: 10\r\n\r\n{\"n\": [7]}",
    )
    .await;
    let api = Api::new("{id}").await;
    let integration = json!({"type": "HTTP", "integrationHttpMethod": "POST", "uri": format!("{url}/items/{{item}}"),
        "requestParameters": {
            "integration.request.path.item": "method.request.path.id",
            "integration.request.querystring.q": "'fixed'",
            "integration.request.header.X-Mapped": "context.stage"},
        "requestTemplates": {"application/json": r#"{"made": $input.json('$.a')}"#}});
    let responses = json!({"200": {
        "responseParameters": {"method.response.header.X-Total": "integration.response.header.x-count"},
        "responseTemplates": {"application/json": r#"{"first": $input.json('$.n[0]')}"#}}});
    api.method("POST", json!({}), integration, responses).await;
    api.deploy().await;
    let headers = [("content-type", "application/json"), ("x-sent", "1")];
    let answered = api.world.send("POST", &api.url("/5?other=1"), &headers, r#"{"a": 1}"#).await;
    assert_eq!((answered.status, answered.json()), (200, json!({"first": 7})), "{answered:?}");
    assert_eq!((answered.header("x-total"), answered.header("x-count")), ("3", ""));
    let sent = served.await.unwrap();
    assert!(sent.starts_with("POST /items/5?q=fixed HTTP/1.1\r\n"), "{sent}");
    let lower = sent.to_ascii_lowercase();
    assert!(lower.contains("x-mapped: prod\r\n") && !lower.contains("x-sent"), "{sent}");
    assert!(sent.ends_with(r#"{"made": 1}"#), "{sent}");
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_a_gateway_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let api = Api::new("orders").await;
    let integration = json!({"type": "HTTP_PROXY", "integrationHttpMethod": "GET", "uri": url});
    api.method("GET", json!({}), integration, json!({})).await;
    api.deploy().await;
    let answered = api.get("/orders", &[]).await;
    assert_eq!(answered.refusal(), (504, "Network error communicating with endpoint".to_owned()));
}
