//! Throttles of stages, API keys, and the throttles and quotas of usage plans.

use std::time::Duration;

use serde_json::{Value, json};

use crate::kit::{Api, patch, text};

const KEY: &str = "abcdefghij0123456789";
const DAY: Duration = Duration::from_secs(86_400);

/// An API whose method needs a key of a plan; the plan's id and the key's.
async fn api(plan: Value) -> (Api, String, String) {
    let api = Api::new("orders").await;
    api.mock("GET", json!({"apiKeyRequired": true}), "fine").await;
    api.deploy().await;
    let key = json!({"name": "shop", "enabled": true, "value": KEY});
    let key = api.world.call("CreateApiKey", key).await;
    let stages = json!({"name": "plan", "apiStages": [{"apiId": api.id, "stage": "prod"}]});
    let plan = api.world.call("CreateUsagePlan", crate::kit::merged(stages, plan)).await;
    let (plan, key) = (text(&plan["id"]), text(&key["id"]));
    let of_plan = json!({"usagePlanId": plan, "keyId": key, "keyType": "API_KEY"});
    api.world.call("CreateUsagePlanKey", of_plan).await;
    (api, plan, key)
}

async fn get(api: &Api) -> u16 {
    api.get("/orders", &[("x-api-key", KEY)]).await.status
}

#[tokio::test]
async fn a_stage_lets_so_many_requests_pass_at_once_and_so_many_a_second() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "fine").await;
    api.deploy().await;
    api.patch_stage(json!([
        patch("replace", "/*/*/throttling/burstLimit", "2"),
        patch("replace", "/*/*/throttling/rateLimit", "1"),
    ]))
    .await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(api.get("/orders", &[]).await.status);
    }
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(api.get("/orders", &[]).await.refusal(), (429, "Too Many Requests".to_owned()));
    api.world.region.advance(Duration::from_secs(1)).await;
    assert_eq!([api.get("/orders", &[]).await.status, api.get("/orders", &[]).await.status], [200, 429]);
}

#[tokio::test]
async fn settings_of_a_method_go_before_those_of_all() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "fine").await;
    api.mock("POST", json!({}), "fine").await;
    api.deploy().await;
    api.patch_stage(json!([
        patch("replace", "/~1orders/GET/throttling/burstLimit", "1"),
        patch("replace", "/~1orders/GET/throttling/rateLimit", "1"),
    ]))
    .await;
    assert_eq!([api.get("/orders", &[]).await.status, api.get("/orders", &[]).await.status], [200, 429]);
    assert_eq!(api.post("/orders", "application/json", "").await.status, 200);
}

#[tokio::test]
async fn a_method_that_needs_a_key_refuses_all_but_enabled_keys_of_a_plan() {
    let (api, _, key) = api(json!({})).await;
    assert_eq!(get(&api).await, 200);
    assert_eq!(api.get("/orders", &[]).await.refusal(), (403, "Forbidden".to_owned()));
    assert_eq!(api.get("/orders", &[("x-api-key", "another-value-of-a-key")]).await.status, 403);
    let operations = json!([patch("replace", "/enabled", "false")]);
    api.world.call("UpdateApiKey", json!({"apiKey": key, "patchOperations": operations})).await;
    assert_eq!(get(&api).await, 403);
}

#[tokio::test]
async fn a_quota_of_a_day_is_there_again_on_the_next() {
    let (api, plan, key) = api(json!({"quota": {"limit": 2, "period": "DAY"}})).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(get(&api).await);
    }
    assert_eq!(statuses, [200, 200, 429]);
    let refused = api.get("/orders", &[("x-api-key", KEY)]).await;
    assert_eq!(refused.refusal(), (429, "Limit Exceeded".to_owned()));
    assert_eq!(refused.header("x-amzn-errortype"), "LimitExceededException");
    api.world.region.advance(DAY).await;
    assert_eq!(get(&api).await, 200);
    api.world.region.settle().await;
    let asked =
        json!({"usagePlanId": plan, "keyId": key, "startDate": "2026-01-01", "endDate": "2026-01-02"});
    let usage = api.world.call("GetUsage", asked).await;
    let days = usage["items"].as_object().or_else(|| usage["values"].as_object()).unwrap();
    assert_eq!(days[&key], json!([[2, 0], [1, 1]]));
}

#[tokio::test]
async fn a_quota_of_a_week_ends_with_its_saturday() {
    // The first day is a Thursday.
    let (api, ..) = api(json!({"quota": {"limit": 1, "period": "WEEK"}})).await;
    assert_eq!([get(&api).await, get(&api).await], [200, 429]);
    api.world.region.advance(2 * DAY).await;
    assert_eq!(get(&api).await, 429);
    api.world.region.advance(DAY).await;
    assert_eq!(get(&api).await, 200);
}

#[tokio::test]
async fn a_quota_may_be_enlarged_for_its_period() {
    let (api, plan, key) = api(json!({"quota": {"limit": 1, "period": "MONTH"}})).await;
    assert_eq!([get(&api).await, get(&api).await], [200, 429]);
    api.world.region.settle().await;
    let operations = json!([patch("replace", "/remaining", "2")]);
    api.world
        .call("UpdateUsage", json!({"usagePlanId": plan, "keyId": key, "patchOperations": operations}))
        .await;
    assert_eq!([get(&api).await, get(&api).await, get(&api).await], [200, 200, 429]);
}

#[tokio::test]
async fn a_plan_throttles_each_of_its_keys() {
    let (api, ..) = api(json!({"throttle": {"burstLimit": 1, "rateLimit": 0.5}})).await;
    assert_eq!([get(&api).await, get(&api).await], [200, 429]);
    api.world.region.advance(Duration::from_secs(2)).await;
    assert_eq!([get(&api).await, get(&api).await], [200, 429]);
}

#[tokio::test]
async fn keys_come_from_files_too() {
    let (api, plan, _) = api(json!({})).await;
    let file =
        format!("Name,key,description,Enabled,usageplanIds\nother,another0123456789abcd,,TRUE,{plan}\n");
    let imported = api.world.call("ImportApiKeys", json!({"body": file, "format": "csv"})).await;
    assert_eq!(imported["ids"].as_array().map(Vec::len), Some(1));
    let answered = api.get("/orders", &[("x-api-key", "another0123456789abcd")]).await;
    assert_eq!(answered.status, 200);
}

#[tokio::test]
async fn keys_and_plans_are_refused_in_words() {
    let (api, plan, key) = api(json!({})).await;
    let world = &api.world;
    let short = world.refused("CreateApiKey", json!({"value": "short"})).await;
    assert_eq!(short.0, "BadRequestException");
    let twice = world.refused("CreateApiKey", json!({"value": KEY})).await;
    assert_eq!(twice, ("ConflictException".to_owned(), "API Key already exists".to_owned()));
    let again = json!({"usagePlanId": plan, "keyId": key, "keyType": "API_KEY"});
    assert_eq!(world.refused("CreateUsagePlanKey", again).await.0, "ConflictException");
    let (code, message) = world.refused("DeleteUsagePlan", json!({"usagePlanId": plan})).await;
    assert_eq!(code, "BadRequestException");
    assert!(message.starts_with("Cannot delete Usage Plan"), "{message}");
    let told = world.call("GetApiKey", json!({"apiKey": key})).await;
    assert!(told.get("value").is_none(), "{told}");
    let told = world.call("GetApiKey", json!({"apiKey": key, "includeValue": true})).await;
    assert_eq!(told["value"], KEY);
}
