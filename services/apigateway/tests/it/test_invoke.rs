//! The test button, which needs no deployment.

use serde_json::json;

use crate::kit::Api;

#[tokio::test]
async fn a_method_is_tested_with_what_the_caller_gives_it() {
    let api = Api::new("{id}").await;
    let template = r#"{"id": "$input.params('id')", "q": "$input.params('q')", "v": "$stageVariables.v", "h": "$input.params('X-Own')"}"#;
    api.mock("GET", json!({}), template).await;
    let tested = api
        .world
        .call(
            "TestInvokeMethod",
            api.at(
                "GET",
                json!({
            "pathWithQueryString": "/7?q=x", "headers": {"X-Own": "1"}, "stageVariables": {"v": "2"}}),
            ),
        )
        .await;
    assert_eq!(tested["status"], 200, "{tested}");
    let body: serde_json::Value = serde_json::from_str(tested["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, json!({"id": "7", "q": "x", "v": "2", "h": "1"}));
    let log = tested["log"].as_str().unwrap();
    for line in [
        "Execution log for request",
        "HTTP Method: GET, Resource Path: /{id}",
        "Method completed with status: 200",
    ] {
        assert!(log.contains(line), "{log}");
    }
    assert!(tested["latency"].as_i64().unwrap() >= 0);
}

#[tokio::test]
async fn a_test_of_what_is_not_there_is_refused() {
    let api = Api::new("orders").await;
    let (code, message) = api.world.refused("TestInvokeMethod", api.at("GET", json!({}))).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("NotFoundException", "Invalid Method identifier specified")
    );
}

#[tokio::test]
async fn a_failure_is_told_in_the_log() {
    let api = Api::new("orders").await;
    let integration = json!({"type": "MOCK", "passthroughBehavior": "NEVER"});
    api.method("POST", json!({}), integration, json!({"200": {}})).await;
    let tested = api.world.call("TestInvokeMethod", api.at("POST", json!({"body": "x"}))).await;
    assert_eq!(tested["status"], 415, "{tested}");
    assert!(tested["log"].as_str().unwrap().contains("Unsupported Media Type"), "{tested}");
}
