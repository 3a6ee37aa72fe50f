//! Methods that answer by themselves, and what templates see.

use serde_json::json;

use crate::kit::Api;

#[tokio::test]
async fn a_mock_answers_by_the_status_that_its_template_says() {
    let api = Api::new("{id}").await;
    let template = r#"{"statusCode": #if($input.params('bad') == 'yes')404#{else}200#end}"#;
    let integration = json!({"type": "MOCK", "requestTemplates": {"application/json": template}});
    let responses = json!({
        "200": {"responseTemplates": {"application/json": r#"{"id": "$input.params('id')"}"#}},
        "404": {"selectionPattern": "404", "responseTemplates": {"application/json": r#"{"none": true}"#}},
    });
    api.method("GET", json!({}), integration, responses).await;
    api.deploy().await;
    let answered = api.get("/42", &[]).await;
    assert_eq!((answered.status, answered.json()), (200, json!({"id": "42"})));
    let answered = api.get("/42?bad=yes", &[]).await;
    assert_eq!((answered.status, answered.json()), (404, json!({"none": true})));
}

#[tokio::test]
async fn templates_see_the_request_its_context_and_the_stage() {
    let api = Api::new("{id}").await;
    let template = r#"{
        "path": "$input.params().path.id", "query": "$input.params().querystring.q",
        "header": "$input.params().header.get('X-Own')", "any": "$input.params('x-own')",
        "api": "$context.apiId", "stage": "$context.stage", "verb": "$context.httpMethod",
        "resource": "$context.resourcePath", "full": "$context.path", "ip": "$context.identity.sourceIp",
        "agent": "$context.identity.userAgent", "account": "$context.accountId",
        "epoch": $context.requestTimeEpoch, "variable": "$stageVariables.color",
        "encoded": "$util.urlEncode('a b&c')", "escaped": "$util.escapeJavaScript('a"b')",
        "base64": "$util.base64Encode('hi')", "back": "$util.base64Decode('aGk=')"}"#;
    api.mock("GET", json!({}), template).await;
    api.deploy().await;
    api.patch_stage(json!([crate::kit::patch("replace", "/variables/color", "blue")])).await;
    let seen = api.get("/42?q=x", &[("x-own", "mine"), ("user-agent", "test/1")]).await.json();
    assert_eq!(
        seen,
        json!({
        "path": "42", "query": "x", "header": "mine", "any": "mine", "api": api.id, "stage": "prod", "verb": "GET",
        "resource": "/{id}", "full": "/prod/42", "ip": "192.0.2.7", "agent": "test/1",
        "account": "000000000000", "epoch": 1_767_225_600_000_i64, "variable": "blue", "encoded": "a+b%26c",
        "escaped": "a\"b", "base64": "aGk=", "back": "hi"})
    );
}

#[tokio::test]
async fn exact_paths_go_before_variables_and_those_before_greedy_ones() {
    let api = Api::new("orders").await;
    let mut places = vec![("/orders".to_owned(), api.resource.clone())];
    for (part, path) in [("{proxy+}", "/{proxy+}"), ("{id}", "/{id}")] {
        // Siblings with variables may not be, so one is below the root and the other below the orders.
        let parent = if part == "{id}" { &api.resource } else { &api.root };
        let made = api.with(json!({"parentId": parent, "pathPart": part}));
        let made = api.world.call("CreateResource", made).await;
        places.push((path.to_owned(), made["id"].as_str().unwrap().to_owned()));
    }
    for (name, resource) in &places {
        let here = |more| crate::kit::merged(api.at("GET", json!({"resourceId": resource})), more);
        let world = &api.world;
        world.call("PutMethod", here(json!({"authorizationType": "NONE"}))).await;
        let templates = json!({"application/json": r#"{"statusCode": 200}"#});
        world.call("PutIntegration", here(json!({"type": "MOCK", "requestTemplates": templates}))).await;
        world.call("PutMethodResponse", here(json!({"statusCode": "200"}))).await;
        let templates = json!({"application/json": name});
        let response = json!({"statusCode": "200", "responseTemplates": templates});
        world.call("PutIntegrationResponse", here(response)).await;
    }
    api.deploy().await;
    for (path, expected) in [
        ("/orders", "/orders"),
        ("/orders/7", "/{id}"),
        ("/orders/7/8", "/{proxy+}"),
        ("/other", "/{proxy+}"),
    ] {
        assert_eq!(api.get(path, &[]).await.body, expected, "{path}");
    }
    assert_eq!(api.get("/", &[]).await.refusal(), (403, "Missing Authentication Token".to_owned()));
}

#[tokio::test]
async fn headers_of_responses_are_mapped_from_literals_context_and_stage() {
    let api = Api::new("orders").await;
    let integration =
        json!({"type": "MOCK", "requestTemplates": {"application/json": r#"{"statusCode": 200}"#}});
    let responses = json!({"200": {"responseParameters": {
        "method.response.header.Access-Control-Allow-Origin": "'*'",
        "method.response.header.X-Stage": "context.stage",
        "method.response.header.X-Color": "stageVariables.color",
    }}});
    api.method("OPTIONS", json!({}), integration, responses).await;
    api.deploy().await;
    let answered = api.world.send("OPTIONS", &api.url("/orders"), &[], "").await;
    assert_eq!(answered.status, 200, "{answered:?}");
    assert_eq!(answered.header("access-control-allow-origin"), "*");
    assert_eq!(answered.header("x-stage"), "prod");
    assert!(!answered.headers.contains_key("x-color"));
}
