//! The answers that API Gateway gives by itself, and those that were put in their place.

use serde_json::json;

use crate::kit::{Api, patch};

#[tokio::test]
async fn a_response_that_was_put_is_given_with_its_status_headers_and_template() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "fine").await;
    let put = json!({
        "responseType": "MISSING_AUTHENTICATION_TOKEN",
        "statusCode": "404",
        "responseParameters": {
            "gatewayresponse.header.X-Path": "method.request.path.none",
            "gatewayresponse.header.X-Api": "context.apiId",
            "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
        },
        "responseTemplates": {"application/json":
            r#"{"type": "$context.error.responseType", "said": $context.error.messageString, "at": "$context.path"}"#},
    });
    api.world.call("PutGatewayResponse", api.with(put)).await;
    api.deploy().await;
    let answered = api.get("/none", &[]).await;
    let told = json!({"type": "MISSING_AUTHENTICATION_TOKEN", "said": "Missing Authentication Token", "at": "/prod/none"});
    assert_eq!((answered.status, answered.json()), (404, told));
    assert_eq!(answered.header("x-api"), api.id);
    assert_eq!(answered.header("access-control-allow-origin"), "*");
    assert_eq!(answered.header("x-amzn-errortype"), "MissingAuthenticationTokenException");
}

#[tokio::test]
async fn the_default_responses_stand_for_all_that_were_not_put() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "fine").await;
    let templates = json!({"application/json": r#"{"refused": true}"#});
    let put = json!({"responseType": "DEFAULT_4XX", "responseTemplates": templates});
    api.world.call("PutGatewayResponse", api.with(put)).await;
    api.deploy().await;
    let answered = api.get("/none", &[]).await;
    assert_eq!((answered.status, answered.json()), (403, json!({"refused": true})));
}

#[tokio::test]
async fn gateway_responses_are_listed_changed_and_put_back() {
    let api = Api::new("orders").await;
    let world = &api.world;
    let listed = world.call("GetGatewayResponses", api.with(json!({}))).await;
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 21);
    assert!(items.iter().all(|item| item["defaultResponse"] == true));
    let throttled = api.with(json!({"responseType": "THROTTLED"}));
    let told = world.call("GetGatewayResponse", throttled.clone()).await;
    assert_eq!((&told["statusCode"], &told["defaultResponse"]), (&json!("429"), &json!(true)));
    let operations = json!([patch("replace", "/statusCode", "503")]);
    let input = crate::kit::merged(throttled.clone(), json!({"patchOperations": operations}));
    world.call("UpdateGatewayResponse", input).await;
    let told = world.call("GetGatewayResponse", throttled.clone()).await;
    assert_eq!((&told["statusCode"], &told["defaultResponse"]), (&json!("503"), &json!(false)));
    world.call("DeleteGatewayResponse", throttled.clone()).await;
    assert_eq!(world.call("GetGatewayResponse", throttled.clone()).await["statusCode"], "429");
    assert_eq!(world.refused("DeleteGatewayResponse", throttled).await.0, "NotFoundException");
}
