//! Functions that say who calls and what they may do.

use std::time::Duration;

use serde_json::{Value, json};

use crate::kit::{Api, World, patch, text};

fn policy(effect: &str, resource: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}]})
}

/// Lets in whoever says `allow`, and lets callers do what they ask for and nothing else.
fn verdict(token: &str, arn: &Value) -> Result<Value, String> {
    let effect = match token {
        "allow" => "Allow",
        "deny" => "Deny",
        "broken" => return Ok(json!({"principalId": "x"})),
        "error" => return Err("boom".to_owned()),
        _ => return Err("Unauthorized".to_owned()),
    };
    Ok(json!({"principalId": "user-1", "policyDocument": policy(effect, arn),
        "context": {"color": "blue", "level": 3}}))
}

async fn api(settings: Value) -> Api {
    let world = World::start();
    let uri = match settings["type"].as_str() {
        Some("REQUEST") => world.function("gate", |event| {
            verdict(event["headers"]["X-Token"].as_str().unwrap_or_default(), &event["methodArn"])
        }),
        _ => world.function("gate", |event| {
            verdict(event["authorizationToken"].as_str().unwrap_or_default(), &event["methodArn"])
        }),
    };
    let api = Api::of(world, "orders", json!({})).await;
    let base = json!({"name": "gate", "type": "TOKEN", "authorizerUri": uri,
        "identitySource": "method.request.header.Authorization"});
    let made = api.world.call("CreateAuthorizer", api.with(crate::kit::merged(base, settings))).await;
    let method = json!({"authorizationType": "CUSTOM", "authorizerId": made["id"]});
    let template = r#"{"who": "$context.authorizer.principalId", "color": "$context.authorizer.color", "level": "$context.authorizer.level"}"#;
    api.mock("GET", method.clone(), template).await;
    api.mock("DELETE", method, "gone").await;
    api.deploy().await;
    api
}

async fn get(api: &Api, token: &str) -> crate::kit::Answered {
    api.get("/orders", &[("authorization", token)]).await
}

#[tokio::test]
async fn a_token_decides_and_templates_see_whose_it_is() {
    let api = api(json!({})).await;
    let answered = get(&api, "allow").await;
    assert_eq!(answered.json(), json!({"who": "user-1", "color": "blue", "level": "3"}), "{answered:?}");
    let event = api.world.invocations()[0].1.clone();
    let arn = format!("arn:aws:execute-api:us-east-1:000000000000:{}/prod/GET/orders", api.id);
    assert_eq!(event, json!({"type": "TOKEN", "methodArn": arn, "authorizationToken": "allow"}));
}

#[tokio::test]
async fn each_way_of_refusing_has_its_own_answer() {
    let api = api(json!({})).await;
    let denied = "User is not authorized to access this resource with an explicit deny";
    for (token, status, message) in [
        ("deny", 403, denied),
        ("nobody", 401, "Unauthorized"),
        ("error", 500, "Internal server error"),
        ("broken", 500, "Internal server error"),
    ] {
        assert_eq!(get(&api, token).await.refusal(), (status, message.to_owned()), "{token}");
    }
    let asked = api.world.invocations().len();
    assert_eq!(api.get("/orders", &[]).await.refusal(), (401, "Unauthorized".to_owned()));
    assert_eq!(api.world.invocations().len(), asked, "nobody is asked about a request without a token");
}

#[tokio::test]
async fn an_answer_is_remembered_for_its_time_and_no_longer() {
    let api = api(json!({"authorizerResultTtlInSeconds": 60})).await;
    let asked = || api.world.invocations().len();
    get(&api, "allow").await;
    api.world.region.advance(Duration::from_secs(59)).await;
    get(&api, "allow").await;
    assert_eq!(asked(), 1);
    get(&api, "deny").await;
    assert_eq!(asked(), 2, "another token is another caller");
    api.world.region.advance(Duration::from_secs(2)).await;
    get(&api, "allow").await;
    assert_eq!(asked(), 3);
}

#[tokio::test]
async fn a_remembered_policy_decides_over_other_methods_too() {
    let api = api(json!({})).await;
    assert_eq!(get(&api, "allow").await.status, 200);
    let other = api.world.send("DELETE", &api.url("/orders"), &[("authorization", "allow")], "").await;
    let message = "User is not authorized to access this resource";
    assert_eq!(other.refusal(), (403, message.to_owned()));
    assert_eq!(api.world.invocations().len(), 1);
}

#[tokio::test]
async fn without_a_time_and_after_a_flush_the_function_is_asked_again() {
    let always = api(json!({"authorizerResultTtlInSeconds": 0})).await;
    get(&always, "allow").await;
    get(&always, "allow").await;
    assert_eq!(always.world.invocations().len(), 2);
    let kept = api(json!({})).await;
    get(&kept, "allow").await;
    kept.world.call("FlushStageAuthorizersCache", kept.with(json!({"stageName": "prod"}))).await;
    get(&kept, "allow").await;
    assert_eq!(kept.world.invocations().len(), 2);
}

#[tokio::test]
async fn a_token_that_is_not_as_the_expression_says_never_reaches_the_function() {
    let api = api(json!({"identityValidationExpression": "all.*"})).await;
    assert_eq!(get(&api, "deny").await.refusal(), (401, "Unauthorized".to_owned()));
    assert!(api.world.invocations().is_empty());
    assert_eq!(get(&api, "allow").await.status, 200);
}

#[tokio::test]
async fn a_function_may_be_asked_about_the_whole_request() {
    let api = api(json!({"type": "REQUEST",
        "identitySource": "method.request.header.X-Token, method.request.querystring.shop"}))
    .await;
    assert_eq!(api.get("/orders", &[("x-token", "allow")]).await.status, 401, "a source is missing");
    let answered = api.get("/orders?shop=7", &[("x-token", "allow")]).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    let event = api.world.invocations()[0].1.clone();
    assert_eq!((&event["type"], &event["resource"]), (&json!("REQUEST"), &json!("/orders")));
    assert_eq!(event["queryStringParameters"], json!({"shop": "7"}));
    api.get("/orders?shop=8", &[("x-token", "allow")]).await;
    assert_eq!(api.world.invocations().len(), 2, "all sources together are what is remembered");
}

#[tokio::test]
async fn authorizers_are_checked_changed_and_kept_while_in_use() {
    let api = api(json!({})).await;
    let world = &api.world;
    let listed = world.call("GetAuthorizers", api.with(json!({}))).await;
    let id = text(&listed["items"][0]["id"]);
    assert_eq!(listed["items"][0]["authorizerResultTtlInSeconds"], 300);
    let operations = json!([patch("replace", "/authorizerResultTtlInSeconds", "10")]);
    let input = api.with(json!({"authorizerId": id, "patchOperations": operations}));
    assert_eq!(world.call("UpdateAuthorizer", input).await["authorizerResultTtlInSeconds"], 10);
    assert_eq!(
        world.refused("DeleteAuthorizer", api.with(json!({"authorizerId": id}))).await,
        ("ConflictException".to_owned(), "Cannot delete authorizer, is referenced in method".to_owned())
    );
    let again = json!({"name": "gate", "type": "TOKEN", "authorizerUri": listed["items"][0]["authorizerUri"],
        "identitySource": "method.request.header.Authorization"});
    let (code, message) = world.refused("CreateAuthorizer", api.with(again)).await;
    assert_eq!(code, "ConflictException");
    assert_eq!(message, "Authorizer name must be unique. Authorizer gate already exists in this RestApi.");
    assert_eq!(
        world.refused("GetAuthorizer", api.with(json!({"authorizerId": "none"}))).await,
        ("NotFoundException".to_owned(), "Invalid Authorizer identifier specified".to_owned())
    );
}
