//! What stages write to CloudWatch Logs of the requests that they get.

use serde_json::{Value, json};

use crate::kit::{Api, patch};

const GROUP: &str = "arn:aws:logs:us-east-1:000000000000:log-group:access";

async fn api(operations: Value) -> Api {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "fine").await;
    api.deploy().await;
    let role = json!([patch("replace", "/cloudwatchRoleArn", "arn:aws:iam::000000000000:role/logs")]);
    api.world.call("UpdateAccount", json!({"patchOperations": role})).await;
    api.patch_stage(operations).await;
    api
}

/// The messages of a group; none when there is no such group.
async fn messages(api: &Api, group: &str) -> Vec<String> {
    api.world.region.settle().await;
    match api.world.ask("logs", "FilterLogEvents", json!({"logGroupName": group})).await {
        Ok(found) => {
            let events = found["events"].as_array().cloned().unwrap_or_default();
            events.iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
        }
        Err(_) => Vec::new(),
    }
}

fn access(format: &str) -> Value {
    json!([
        patch("replace", "/accessLogSettings/destinationArn", GROUP),
        patch("replace", "/accessLogSettings/format", format),
    ])
}

#[tokio::test]
async fn each_request_is_a_line_in_the_stages_format() {
    let format = r#"{"id":"$context.requestId","ip":"$context.identity.sourceIp","at":"$context.requestTime","what":"$context.httpMethod $context.resourcePath","status":$context.status,"length":$context.responseLength,"why":"$context.error.responseType","who":"$context.authorizer.principalId"}"#;
    let api = api(access(format)).await;
    api.get("/orders", &[]).await;
    api.get("/none", &[]).await;
    let lines: Vec<Value> =
        messages(&api, "access").await.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let (fine, refused) = (&lines[0], &lines[1]);
    assert_eq!((&fine["ip"], &fine["at"]), (&json!("192.0.2.7"), &json!("01/Jan/2026:00:00:00 +0000")));
    assert_eq!(
        (&fine["what"], &fine["status"], &fine["length"]),
        (&json!("GET /orders"), &json!(200), &json!(4))
    );
    assert_eq!((&fine["why"], &fine["who"]), (&json!("-"), &json!("-")));
    assert_eq!((&refused["status"], &refused["why"]), (&json!(403), &json!("MISSING_AUTHENTICATION_TOKEN")));
    assert_ne!(fine["id"], refused["id"]);
}

#[tokio::test]
async fn the_execution_log_tells_what_happened_and_data_only_when_asked() {
    let api = api(json!([patch("replace", "/*/*/logging/loglevel", "INFO")])).await;
    let group = format!("API-Gateway-Execution-Logs_{}/prod", api.id);
    api.get("/orders", &[("authorization", "a-secret-that-is-long")]).await;
    let lines = messages(&api, &group).await;
    assert!(lines.iter().any(|line| line.ends_with("HTTP Method: GET, Resource Path: /orders")), "{lines:?}");
    assert!(lines.iter().any(|line| line.ends_with("Method completed with status: 200")), "{lines:?}");
    assert!(lines.iter().all(|line| line.starts_with('(') && !line.contains("headers")), "{lines:?}");
    api.patch_stage(json!([patch("replace", "/*/*/logging/dataTrace", "true")])).await;
    api.get("/orders", &[("authorization", "a-secret-that-is-long")]).await;
    let all = messages(&api, &group).await.join("\n");
    assert!(all.contains("Method response body after transformations: fine"), "{all}");
    assert!(all.contains("Authorization=****************s-long") && !all.contains("a-secret"), "{all}");
}

#[tokio::test]
async fn of_errors_only_what_failed_is_written() {
    let api = api(json!([patch("replace", "/*/*/logging/loglevel", "ERROR")])).await;
    let group = format!("API-Gateway-Execution-Logs_{}/prod", api.id);
    api.get("/orders", &[]).await;
    assert!(messages(&api, &group).await.is_empty());
    let operations = json!([patch("replace", "/apiKeyRequired", "true")]);
    api.world.call("UpdateMethod", api.at("GET", json!({"patchOperations": operations}))).await;
    api.deploy().await;
    api.get("/orders", &[]).await;
    let lines = messages(&api, &group).await;
    assert!(lines.iter().any(|line| line.ends_with("Execution failed: Forbidden")), "{lines:?}");
}

#[tokio::test]
async fn nothing_is_logged_unless_the_account_has_a_role_and_the_settings_are_whole() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "fine").await;
    api.deploy().await;
    let update = |operations: Value| {
        let input = api.with(json!({"stageName": "prod", "patchOperations": operations}));
        api.world.refused("UpdateStage", input)
    };
    let no_role = "CloudWatch Logs role ARN must be set in account settings to enable logging";
    let refused = ("BadRequestException".to_owned(), no_role.to_owned());
    assert_eq!(update(json!([patch("replace", "/*/*/logging/loglevel", "INFO")])).await, refused);
    assert_eq!(update(access("$context.requestId")).await, refused);
    let (_, message) = update(access("$context.status")).await;
    assert!(message.starts_with("Access Log format must contain at least one of"), "{message}");
    let (_, message) = update(access("$context.requestId\na\n")).await;
    assert!(message.starts_with("Access Log format must be single line"), "{message}");
    let firehose = "arn:aws:firehose:us-east-1:000000000000:deliverystream/amazon-apigateway-a";
    let operations = json!([patch("replace", "/accessLogSettings/destinationArn", firehose)]);
    assert_eq!(update(operations).await.0, "NotImplemented");
}
