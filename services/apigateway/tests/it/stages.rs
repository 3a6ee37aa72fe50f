//! Deployments and stages: what is deployed does not change with the API.

use serde_json::json;

use crate::kit::{Api, patch};

#[tokio::test]
async fn what_is_deployed_stays_until_the_next_deployment() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "one").await;
    let first = api.deploy().await;
    let operations = json!([patch("replace", "/responseTemplates/application~1json", "two")]);
    let input = api.at("GET", json!({"statusCode": "200", "patchOperations": operations}));
    api.world.call("UpdateIntegrationResponse", input).await;
    assert_eq!(api.get("/orders", &[]).await.body, "one");
    let second = api.deploy().await;
    assert_eq!(api.get("/orders", &[]).await.body, "two");
    api.patch_stage(json!([patch("replace", "/deploymentId", &first)])).await;
    assert_eq!(api.get("/orders", &[]).await.body, "one");
    let listed = api.world.call("GetDeployments", api.with(json!({}))).await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
    api.world.call("DeleteDeployment", api.with(json!({"deploymentId": second}))).await;
    let (code, message) =
        api.world.refused("DeleteDeployment", api.with(json!({"deploymentId": first}))).await;
    assert_eq!(code, "BadRequestException");
    assert_eq!(message, "Active stages pointing to this deployment must be moved or deleted");
}

#[tokio::test]
async fn an_api_is_deployed_only_when_it_is_whole() {
    let api = Api::new("orders").await;
    let input = api.with(json!({"stageName": "prod"}));
    let (_, message) = api.world.refused("CreateDeployment", input.clone()).await;
    assert_eq!(message, "The REST API doesn't contain any methods");
    api.world.call("PutMethod", api.at("GET", json!({"authorizationType": "NONE"}))).await;
    let (_, message) = api.world.refused("CreateDeployment", input).await;
    assert_eq!(message, "No integration defined for method");
}

#[tokio::test]
async fn every_way_of_writing_an_apis_url_leads_to_it() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "fine").await;
    api.deploy().await;
    for url in [
        format!("http://{}.execute-api.us-east-1.amazonaws.com/prod/orders", api.id),
        format!("http://{}.execute-api.localhost:4566/prod/orders", api.id),
        format!("http://localhost:4566/restapis/{}/prod/_user_request_/orders", api.id),
        format!("http://localhost:4566/_aws/execute-api/{}/prod/orders", api.id),
    ] {
        let answered = api.world.send("GET", &url, &[], "").await;
        assert_eq!((answered.status, answered.body.as_str()), (200, "fine"), "{url}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_refused_in_the_words_for_it() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "fine").await;
    api.deploy().await;
    let missing = (403, "Missing Authentication Token".to_owned());
    assert_eq!(api.get("/none", &[]).await.refusal(), missing);
    assert_eq!(api.post("/orders", "application/json", "{}").await.refusal(), missing);
    let other = api.url("/orders").replace("/prod/", "/test/");
    assert_eq!(api.world.send("GET", &other, &[], "").await.refusal(), (403, "Forbidden".to_owned()));
    api.world.call("DeleteStage", api.with(json!({"stageName": "prod"}))).await;
    assert_eq!(api.get("/orders", &[]).await.refusal(), (403, "Forbidden".to_owned()));
}

#[tokio::test]
async fn stages_are_made_told_and_refused_in_words() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "fine").await;
    let id = api.deploy().await;
    let world = &api.world;
    let made =
        json!({"stageName": "test", "deploymentId": id, "variables": {"color": "blue"}, "description": "a"});
    let made = world.call("CreateStage", api.with(made)).await;
    assert_eq!((&made["stageName"], &made["variables"]), (&json!("test"), &json!({"color": "blue"})));
    assert_eq!((&made["tracingEnabled"], &made["methodSettings"]), (&json!(false), &json!({})));
    let again = json!({"stageName": "test", "deploymentId": id});
    assert_eq!(
        world.refused("CreateStage", api.with(again)).await,
        ("ConflictException".to_owned(), "Stage already exists".to_owned())
    );
    for (input, said) in [
        (json!({"stageName": "a b", "deploymentId": id}), "Stage name only allows a-zA-Z0-9_-"),
        (json!({"stageName": "b", "deploymentId": "none"}), "Invalid Deployment identifier specified"),
        (
            json!({"stageName": "b", "deploymentId": id, "variables": {"a-b": "c"}}),
            "Invalid stage variable name: a-b.",
        ),
        (
            json!({"stageName": "b", "deploymentId": id, "variables": {"a": "<c>"}}),
            "Invalid stage variable value: <c>.",
        ),
    ] {
        let (_, message) = world.refused("CreateStage", api.with(input)).await;
        assert!(message.starts_with(said), "{message}");
    }
    let stages = world.call("GetStages", api.with(json!({}))).await;
    assert_eq!(stages["item"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        world.refused("GetStage", api.with(json!({"stageName": "none"}))).await,
        ("NotFoundException".to_owned(), "Invalid stage identifier specified".to_owned())
    );
}

#[tokio::test]
async fn a_policy_of_the_api_lets_in_only_whom_it_names() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "fine").await;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"},
        {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*",
         "Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}]});
    let set = |policy: String| {
        let operations = json!([patch("replace", "/policy", &policy)]);
        api.world.call("UpdateRestApi", api.with(json!({"patchOperations": operations})))
    };
    set(policy.to_string()).await;
    api.deploy().await;
    let (status, message) = api.get("/orders", &[]).await.refusal();
    assert_eq!(status, 403);
    assert!(
        message.starts_with("User: anonymous is not authorized to perform: execute-api:Invoke on resource: "),
        "{message}"
    );
    assert!(message.contains("********0000:") && message.contains("explicit deny"), "{message}");
    set(policy.to_string().replace("10.0.0.0/8", "192.0.2.0/24")).await;
    api.deploy().await;
    assert_eq!(api.get("/orders", &[]).await.status, 200);
}
