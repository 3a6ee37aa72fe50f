//! Changes by patch: what may be added, replaced and removed, and what is said of all else.

use serde_json::json;

use crate::kit::{Api, patch};

#[tokio::test]
async fn members_and_entries_are_added_replaced_and_removed() {
    let api = Api::new("orders").await;
    let world = &api.world;
    let change = |operations: serde_json::Value| {
        world.call("UpdateRestApi", api.with(json!({"patchOperations": operations})))
    };
    let told = change(json!([
        patch("replace", "/name", "other"),
        patch("replace", "/description", "of the shop"),
        patch("add", "/binaryMediaTypes/image~1png", ""),
        patch("add", "/binaryMediaTypes/image~1gif", ""),
    ]))
    .await;
    assert_eq!((&told["name"], &told["description"]), (&json!("other"), &json!("of the shop")));
    assert_eq!(told["binaryMediaTypes"], json!(["image/png", "image/gif"]));
    let told = change(json!([
        patch("remove", "/description", ""),
        patch("remove", "/binaryMediaTypes/image~1png", "")
    ]))
    .await;
    assert!(told.get("description").is_none(), "{told}");
    assert_eq!(told["binaryMediaTypes"], json!(["image/gif"]));
}

#[tokio::test]
async fn a_path_that_there_is_not_is_refused_with_those_that_there_are() {
    let api = Api::new("orders").await;
    let operations = json!([patch("replace", "/none", "a")]);
    let input = api.with(json!({"patchOperations": operations}));
    let (code, message) = api.world.refused("UpdateRestApi", input).await;
    assert_eq!(code, "BadRequestException");
    assert!(
        message.starts_with("Invalid patch path  '/none' specified for op 'replace'. Must be one of: ["),
        "{message}"
    );
    assert!(message.contains("/name"), "{message}");
}

#[tokio::test]
async fn a_patch_is_taken_whole_or_not_at_all() {
    let api = Api::new("orders").await;
    let operations = json!([patch("replace", "/name", "other"), patch("replace", "/none", "a")]);
    api.world.refused("UpdateRestApi", api.with(json!({"patchOperations": operations}))).await;
    assert_eq!(api.world.call("GetRestApi", api.with(json!({}))).await["name"], "orders");
}

#[tokio::test]
async fn methods_and_integrations_are_patched_by_the_names_of_their_parts() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "fine").await;
    let world = &api.world;
    let operations = json!([
        patch("add", "/requestParameters/method.request.querystring.q", "true"),
        patch("replace", "/apiKeyRequired", "true"),
    ]);
    let told = world.call("UpdateMethod", api.at("GET", json!({"patchOperations": operations}))).await;
    assert_eq!(told["requestParameters"], json!({"method.request.querystring.q": true}));
    assert_eq!(told["apiKeyRequired"], true);
    let operations = json!([
        patch("replace", "/timeoutInMillis", "1000"),
        patch("add", "/requestTemplates/text~1plain", "{\"statusCode\": 200}"),
        patch("remove", "/requestTemplates/application~1json", ""),
    ]);
    let told = world.call("UpdateIntegration", api.at("GET", json!({"patchOperations": operations}))).await;
    assert_eq!(told["timeoutInMillis"], 1000);
    assert_eq!(told["requestTemplates"], json!({"text/plain": "{\"statusCode\": 200}"}));
    let operations = json!([patch("replace", "/timeoutInMillis", "many")]);
    let (code, _) =
        world.refused("UpdateIntegration", api.at("GET", json!({"patchOperations": operations}))).await;
    assert_eq!(code, "BadRequestException");
}

#[tokio::test]
async fn settings_of_stages_are_patched_by_method() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "fine").await;
    api.deploy().await;
    let told = api
        .patch_stage(json!([
            patch("replace", "/*/*/throttling/rateLimit", "5"),
            patch("replace", "/~1orders/GET/metrics/enabled", "true"),
            patch("replace", "/tracingEnabled", "true"),
        ]))
        .await;
    assert_eq!(told["methodSettings"]["*/*"]["throttlingRateLimit"], 5.0);
    assert_eq!(told["tracingEnabled"], true);
    assert_eq!(told["methodSettings"].as_object().map(serde_json::Map::len), Some(2));
    let told = api.patch_stage(json!([patch("remove", "/*/*", "")])).await;
    assert_eq!(told["methodSettings"].as_object().map(serde_json::Map::len), Some(1));
}
