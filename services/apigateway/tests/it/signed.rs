//! Methods whose callers sign their requests.

use identity::sigv4::{PathRule, Payload, RequestView, Signer};
use serde_json::{Value, json};

use crate::kit::{Answered, Api, World, patch};

/// A request signed with a key that the region was not told of, which stands for its account.
async fn signed(api: &Api, service: &str, key: &str, body: &str) -> Answered {
    let url = api.url("/orders");
    let uri: http::Uri = url.parse().unwrap();
    let headers: Vec<(String, String)> = Vec::new();
    let view = RequestView {
        method: "POST",
        path: uri.path(),
        query: "",
        headers: &headers,
        authority: uri.authority().map(|authority| authority.as_str()),
    };
    let signer = Signer {
        access_key: key,
        secret: "secret",
        token: None,
        region: "us-east-1",
        service,
        rule: PathRule::Normalised,
        keys: None,
    };
    let now = api.world.region.clock.now().seconds();
    let headers = signer.sign(&view, Payload::Body(body.as_bytes()), now);
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    api.world.send("POST", &url, &headers, body.to_owned()).await
}

async fn api() -> Api {
    let world = World::start();
    let uri = world.function("orders", |_| Ok(json!({"statusCode": 200, "body": "fine"})));
    let api = Api::of(world, "orders", json!({})).await;
    let method = json!({"authorizationType": "AWS_IAM"});
    let integration = json!({"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri});
    api.method("POST", method.clone(), integration, json!({})).await;
    api.mock("GET", method, "fine").await;
    api.deploy().await;
    api
}

const KEY: &str = "000000000000";
const OTHER: &str = "111122223333";

#[tokio::test]
async fn a_request_without_a_signature_is_refused() {
    let api = api().await;
    let answered = api.get("/orders", &[]).await;
    assert_eq!(answered.refusal(), (403, "Missing Authentication Token".to_owned()));
    assert_eq!(answered.header("x-amzn-errortype"), "MissingAuthenticationTokenException");
    let garbage = api.get("/orders", &[("authorization", "AWS4-HMAC-SHA256 Credential=abc")]).await;
    assert_eq!(garbage.status, 403, "{garbage:?}");
    assert_eq!(garbage.header("x-amzn-errortype"), "InvalidSignatureException");
}

#[tokio::test]
async fn the_signer_is_told_to_what_stands_behind() {
    let api = api().await;
    let answered = signed(&api, "execute-api", KEY, "{}").await;
    assert_eq!((answered.status, answered.body.as_str()), (200, "fine"), "{answered:?}");
    let event = api.world.invocations()[0].1.clone();
    let identity = &event["requestContext"]["identity"];
    assert_eq!((&identity["accessKey"], &identity["accountId"]), (&json!(KEY), &json!(KEY)));
    assert_eq!(identity["userArn"], "arn:aws:iam::000000000000:root");
    assert_eq!(identity["cognitoIdentityId"], Value::Null);
}

#[tokio::test]
async fn a_signature_for_another_service_is_refused() {
    let api = api().await;
    let answered = signed(&api, "sqs", KEY, "{}").await;
    let message = "Credential should be scoped to correct service: 'execute-api'.";
    assert_eq!(answered.refusal(), (403, message.to_owned()));
    assert!(api.world.invocations().is_empty());
}

#[tokio::test]
async fn another_account_needs_the_consent_of_the_apis_policy() {
    let api = api().await;
    let (status, message) = signed(&api, "execute-api", OTHER, "{}").await.refusal();
    assert_eq!(status, 403);
    let said = "User: arn:aws:iam::111122223333:root is not authorized to perform: execute-api:Invoke on resource: \
                arn:aws:execute-api:us-east-1:********0000:";
    assert!(message.starts_with(said), "{message}");
    allow(&api, "Allow").await;
    assert_eq!(signed(&api, "execute-api", OTHER, "{}").await.status, 200);
}

#[tokio::test]
async fn what_the_apis_policy_forbids_is_forbidden_to_its_owner_too() {
    let api = api().await;
    allow(&api, "Deny").await;
    let (status, message) = signed(&api, "execute-api", KEY, "{}").await.refusal();
    assert_eq!(status, 403);
    assert!(message.contains("explicit deny"), "{message}");
}

async fn allow(api: &Api, effect: &str) {
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": effect,
        "Principal": {"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::000000000000:root"]},
        "Action": "execute-api:Invoke", "Resource": "execute-api:/prod/POST/orders"}]});
    let operations = json!([patch("replace", "/policy", &policy.to_string())]);
    api.world.call("UpdateRestApi", api.with(json!({"patchOperations": operations}))).await;
    api.deploy().await;
}

#[tokio::test]
async fn an_integration_may_be_called_with_the_callers_own_credentials() {
    let api = api().await;
    let operations = json!([patch("replace", "/credentials", "arn:aws:iam::*:user/*")]);
    let changed = api.at("POST", json!({"patchOperations": operations}));
    api.world.call("UpdateIntegration", changed).await;
    api.deploy().await;
    assert_eq!(signed(&api, "execute-api", KEY, "{}").await.body, "fine");
    assert_eq!(api.world.callers(), ["arn:aws:iam::000000000000:root"]);
    let operations = json!([patch("replace", "/authorizationType", "NONE")]);
    api.world.call("UpdateMethod", api.at("POST", json!({"patchOperations": operations}))).await;
    api.deploy().await;
    let nobody = api.post("/orders", "application/json", "{}").await;
    assert_eq!(nobody.refusal(), (500, "Internal server error".to_owned()));
}
