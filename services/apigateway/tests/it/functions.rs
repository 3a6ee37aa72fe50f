//! Functions behind methods: given the whole request, or what a template makes of it.

use serde_json::{Value, json};

use crate::kit::{Api, World};

async fn proxy(answer: impl Fn(&Value) -> Result<Value, String> + Send + 'static) -> Api {
    let world = World::start();
    let uri = world.function("orders", answer);
    let api = Api::of(world, "{proxy+}", json!({})).await;
    let integration = json!({"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri});
    api.method("ANY", json!({}), integration, json!({})).await;
    api.deploy().await;
    api
}

#[tokio::test]
async fn a_proxied_function_is_given_the_request_as_it_came() {
    let api = proxy(|_| Ok(json!({"statusCode": 200}))).await;
    let url = api.url("/a/b%20c?q=1&q=2&r=x%20y");
    let headers = [("content-type", "text/plain"), ("x-own", "1"), ("x-own", "2")];
    let answered = api.world.send("PUT", &url, &headers, "hello").await;
    assert_eq!((answered.status, answered.body.as_str()), (200, ""), "{answered:?}");
    let invoked = api.world.invocations();
    let event = &invoked[0].1;
    assert_eq!(event["resource"], "/{proxy+}");
    assert_eq!(event["httpMethod"], "PUT");
    assert_eq!(event["pathParameters"]["proxy"].as_str().unwrap().split('/').next(), Some("a"));
    assert_eq!(event["queryStringParameters"], json!({"q": "2", "r": "x y"}));
    assert_eq!(event["multiValueQueryStringParameters"]["q"], json!(["1", "2"]));
    assert_eq!(event["headers"]["X-Own"], "2");
    assert_eq!(event["multiValueHeaders"]["X-Own"], json!(["1", "2"]));
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("hello"), &json!(false)));
    let context = &event["requestContext"];
    assert_eq!((&context["stage"], &context["apiId"]), (&json!("prod"), &json!(api.id)));
    assert_eq!(context["identity"]["sourceIp"], "192.0.2.7");
    assert_eq!(context["accountId"], "000000000000");
}

#[tokio::test]
async fn a_proxied_function_decides_status_headers_and_body() {
    let api = proxy(|_| {
        Ok(json!({
            "statusCode": "201",
            "headers": {"X-One": "1", "Content-Type": "text/html"},
            "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
            "body": "aGk=",
            "isBase64Encoded": true,
        }))
    })
    .await;
    let answered = api.get("/x", &[]).await;
    assert_eq!((answered.status, answered.body.as_str()), (201, "hi"));
    assert_eq!((answered.header("x-one"), answered.header("content-type")), ("1", "text/html"));
    let cookies: Vec<&str> =
        answered.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

#[tokio::test]
async fn what_is_no_answer_of_a_proxy_is_a_bad_gateway() {
    for answer in [json!("text"), json!({"body": "no status"}), json!({"statusCode": "many"}), Value::Null] {
        let api = proxy(move |_| Ok(answer.clone())).await;
        assert_eq!(api.get("/x", &[]).await.refusal(), (502, "Internal server error".to_owned()));
    }
    let failing = proxy(|_| Err("boom".to_owned())).await;
    assert_eq!(failing.get("/x", &[]).await.refusal(), (502, "Internal server error".to_owned()));
}

#[tokio::test]
async fn a_function_without_proxy_is_given_what_the_template_makes() {
    let world = World::start();
    let uri = world.function("orders", |event| Ok(json!({"echo": event, "n": 2})));
    let api = Api::of(world, "{id}", json!({})).await;
    let template =
        r#"{"id": "$input.params('id')", "order": $input.json('$.order'), "of": "$context.httpMethod"}"#;
    let integration = json!({
        "type": "AWS",
        "integrationHttpMethod": "POST",
        "uri": uri,
        "requestTemplates": {"application/json": template},
    });
    let answer = r#"#set($root = $input.path('$'))
{"twice": "$root.echo.id$root.echo.id", "n": $root.n#foreach($i in $root.echo.order.items), "$i": $foreach.index#end}"#;
    let responses = json!({"200": {"responseTemplates": {"application/json": answer},
        "responseParameters": {"method.response.header.X-N": "integration.response.body.n"}}});
    api.method("POST", json!({}), integration, responses).await;
    api.deploy().await;
    let answered = api.post("/7", "application/json", r#"{"order": {"items": ["a", "b"]}}"#).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    assert_eq!(answered.json(), json!({"twice": "77", "n": 2, "a": 0, "b": 1}));
    assert_eq!(answered.header("x-n"), "2");
    let sent = json!({"id": "7", "order": {"items": ["a", "b"]}, "of": "POST"});
    assert_eq!(api.world.invocations(), [("orders".to_owned(), sent)]);
}

#[tokio::test]
async fn an_error_of_a_function_selects_its_response_by_message() {
    let world = World::start();
    let uri = world.function("orders", |event| Err(text_of(event)));
    let api = Api::of(world, "orders", json!({})).await;
    let integration = json!({"type": "AWS", "integrationHttpMethod": "POST", "uri": uri});
    let responses = json!({
        "200": {},
        "404": {"selectionPattern": ".*not found.*", "responseTemplates": {
            "application/json": r#"{"why": "$input.path('$.errorMessage')"}"#}},
    });
    api.method("POST", json!({}), integration, responses).await;
    api.deploy().await;
    let answered = api.post("/orders", "application/json", r#"{"say": "order not found"}"#).await;
    assert_eq!((answered.status, answered.json()), (404, json!({"why": "order not found"})));
    let answered = api.post("/orders", "application/json", r#"{"say": "other"}"#).await;
    assert_eq!(answered.status, 500, "{answered:?}");
}

fn text_of(event: &Value) -> String {
    event["say"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_function_may_be_named_by_a_variable_of_the_stage() {
    let world = World::start();
    let uri = world.function("orders-blue", |_| Ok(json!({"statusCode": 200, "body": "blue"})));
    let uri = uri.replace("orders-blue", "orders-${stageVariables.color}");
    let api = Api::of(world, "orders", json!({})).await;
    let integration = json!({"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri});
    api.method("GET", json!({}), integration, json!({})).await;
    api.deploy().await;
    api.patch_stage(json!([crate::kit::patch("replace", "/variables/color", "blue")])).await;
    assert_eq!(api.get("/orders", &[]).await.body, "blue");
    let event = api.world.invocations()[0].1.clone();
    assert_eq!(event["stageVariables"], json!({"color": "blue"}));
}

#[tokio::test]
async fn bodies_of_binary_media_types_come_encoded() {
    let world = World::start();
    let uri = world.function("orders", |_| Ok(json!({"statusCode": 200})));
    let settings = json!({"binaryMediaTypes": ["image/*"]});
    let api = Api::of(world, "orders", settings).await;
    let integration = json!({"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri});
    api.method("POST", json!({}), integration, json!({})).await;
    api.deploy().await;
    api.post("/orders", "image/png", "png").await;
    api.post("/orders", "text/plain", "png").await;
    let events = api.world.invocations();
    let told = |event: &Value| (event["body"].clone(), event["isBase64Encoded"].clone());
    assert_eq!(told(&events[0].1), (json!("cG5n"), json!(true)));
    assert_eq!(told(&events[1].1), (json!("png"), json!(false)));
}
